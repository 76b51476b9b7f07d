#define _GNU_SOURCE
#include "handoff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int clinux_take_address_call(int listener, struct clinux_address_call *call) {
    struct seccomp_notif request;
    memset(&request, 0, sizeof request);
    memset(call, 0, sizeof *call);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) return -1;
    call->id = request.id;
    call->thread = (pid_t)request.pid;
    call->is_connect = request.data.nr == SYS_connect;
    call->descriptor = (int)request.data.args[0];
    size_t length = (size_t)request.data.args[2];
    if (length > sizeof call->address) length = sizeof call->address;
    struct iovec here = {.iov_base = call->address, .iov_len = length};
    struct iovec there = {.iov_base = (void *)(uintptr_t)request.data.args[1], .iov_len = length};
    ssize_t got = process_vm_readv(call->thread, &here, 1, &there, 1, 0);
    call->read_errno = got < 0 ? errno : 0;
    call->address_length = got == (ssize_t)length ? (uint32_t)length : 0;
    return 0;
}

int clinux_address_call_waits(int listener, uint64_t id) { return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0; }

static int answer(int listener, uint64_t id, int error, uint32_t flags) {
    struct seccomp_notif_resp response = {.id = id, .val = 0, .error = -error, .flags = flags};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int clinux_let_address_call_pass(int listener, uint64_t id) { return answer(listener, id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE); }
int clinux_finish_address_call(int listener, uint64_t id, int error) { return answer(listener, id, error, 0); }

/// The process of a thread: field `Tgid` of its status; -1 when it is gone.
static pid_t process_of(pid_t thread) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/status", (int)thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0) return -1;
    text[length] = 0;
    const char *field = strstr(text, "\nTgid:");
    return field ? (pid_t)atoi(field + 6) : -1;
}

int clinux_copy_descriptor(pid_t thread, int descriptor) {
    // Only a process' first thread has the process' number; for the others the process must be looked up.
    long process = syscall(SYS_pidfd_open, thread, 0);
    if (process < 0 && (errno == EINVAL || errno == ENOENT)) {
        pid_t leader = process_of(thread);
        if (leader < 0) {
            errno = ESRCH;
            return -1;
        }
        process = syscall(SYS_pidfd_open, leader, 0);
    }
    if (process < 0) return -1;
    long copy = syscall(SYS_pidfd_getfd, (int)process, descriptor, 0);
    int error = errno;
    close((int)process);
    errno = error;
    return (int)copy;
}

int clinux_socket_kind(int fd, int *family, int *type) {
    socklen_t length = sizeof *family;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, family, &length) < 0) return -1;
    length = sizeof *type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, type, &length);
}

static socklen_t address_for(int fd, uint32_t address, uint16_t port, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    int family = AF_INET, type;
    clinux_socket_kind(fd, &family, &type);
    if (family == AF_INET6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        uint32_t four = htonl(address);
        six->sin6_addr.s6_addr[10] = six->sin6_addr.s6_addr[11] = 0xff;
        memcpy(&six->sin6_addr.s6_addr[12], &four, sizeof four);
        return sizeof *six;
    }
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    four->sin_addr.s_addr = htonl(address);
    return sizeof *four;
}

static void accept_ipv4_too(int fd) {
    int off = 0;
    // Fails on an AF_INET socket and on one that is bound; both are told by what follows.
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
}

int clinux_bind_ipv4(int fd, uint32_t address, uint16_t port) {
    struct sockaddr_storage storage;
    socklen_t length = address_for(fd, address, port, &storage);
    if (storage.ss_family == AF_INET6) accept_ipv4_too(fd);
    return bind(fd, (struct sockaddr *)&storage, length);
}

int clinux_bind_ipv6_loopback(int fd) {
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int on = 1;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    return bind(fd, (struct sockaddr *)&loopback, sizeof loopback);
}

int clinux_bind_source(int fd, uint32_t address) {
    struct sockaddr_storage now, wanted;
    socklen_t length = sizeof now;
    if (getsockname(fd, (struct sockaddr *)&now, &length) < 0) return -1;
    // The port stands at the same place in both families.
    if (((struct sockaddr_in *)&now)->sin_port) return 0;
    static const struct in6_addr unset = IN6ADDR_ANY_INIT;
    if (now.ss_family == AF_INET6 && memcmp(&((struct sockaddr_in6 *)&now)->sin6_addr, &unset, sizeof unset)) return 0;
    if (now.ss_family == AF_INET && ((struct sockaddr_in *)&now)->sin_addr.s_addr) return 0;
    int on = 1;
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0) return -1;
    length = address_for(fd, address, 0, &wanted);
    if (wanted.ss_family == AF_INET6) accept_ipv4_too(fd);
    return bind(fd, (struct sockaddr *)&wanted, length);
}

int clinux_begin_connect(int fd, uint32_t address, uint16_t port, int *blocks) {
    struct sockaddr_storage storage;
    socklen_t length = address_for(fd, address, port, &storage);
    if (storage.ss_family == AF_INET6) accept_ipv4_too(fd);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -1;
    *blocks = !(flags & O_NONBLOCK);
    if (*blocks && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -1;
    int result = connect(fd, (struct sockaddr *)&storage, length);
    int error = errno;
    if (*blocks) fcntl(fd, F_SETFL, flags);
    errno = error;
    return result;
}

int clinux_is_ipv6_only(int fd) {
    int on = 0;
    socklen_t length = sizeof on;
    return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, &length) == 0 && on;
}
