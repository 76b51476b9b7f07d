// The Linux interfaces that Swift's Glibc module does not bring: real headers, and inline wrappers where macros or variadics get in the way.
// No _GNU_SOURCE here: it would clash with the Glibc module's view of the same headers.
#ifndef STEADY_CLINUX_H
#define STEADY_CLINUX_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "checksum.h"
#include "handoff.h"
#include "launch.h"
#include "pipes.h"

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

extern int accept4(int, struct sockaddr *, socklen_t *, int);

static inline int clinux_accept(int fd, struct sockaddr *address, socklen_t *length) {
  return accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
static inline int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
static inline int clinux_pidfd_send_signal(int pidfd, int signal) { return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, (void *)0, 0); }
static inline int clinux_pidfd_getfd(int pidfd, int fd) { return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0); }

// What waitid reports: kind is si_code (CLD_EXITED, CLD_KILLED, CLD_DUMPED), status the exit code or the signal.
struct clinux_exit { int pid, kind, status; };
static inline int clinux_wait(idtype_t which, id_t id, int options, struct clinux_exit *out) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  if (waitid(which, id, &info, options | WEXITED | WNOHANG) < 0) return -1;
  if (info.si_pid == 0) return 0;
  out->pid = info.si_pid; out->kind = info.si_code; out->status = info.si_status;
  return 1;
}
// Reaps the process behind a pidfd; 1 when reaped, 0 when it still runs, -1 with errno (ECHILD: not our child).
static inline int clinux_reap_pidfd(int pidfd, struct clinux_exit *out) { return clinux_wait((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, 0, out); }
// Reaps any child that has ended: for subreapers.
static inline int clinux_reap_any(struct clinux_exit *out) { return clinux_wait(P_ALL, 0, 0, out); }
// Looks at any child that has ended and leaves it to be reaped by whoever owns it.
static inline int clinux_peek_any(struct clinux_exit *out) { return clinux_wait(P_ALL, 0, WNOWAIT, out); }
static inline int clinux_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
static inline int clinux_set_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

static inline int clinux_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event;
  event.events = events;
  event.data.u64 = data;
  return epoll_ctl(epoll, operation, fd, &event);
}
static inline uint64_t clinux_epoll_data(const struct epoll_event *event) { return event->data.u64; }

static inline int clinux_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
// O_PATH, which needs _GNU_SOURCE: the kernel's number, the same on all its machines but a few that Swift does not know.
static const int clinux_path_only = 010000000;
// Marks every descriptor from this one on to be closed by execve.
static inline int clinux_close_on_exec_from(unsigned first) { return (int)syscall(SYS_close_range, first, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */); }
// A copy of the descriptor, close-on-exec, never 0, 1 or 2.
static inline int clinux_duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 3); }
static inline int clinux_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}
static inline int clinux_set_cloexec(int fd, int on) { return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0); }

// Sends one message with up to 16 descriptors over a Unix socket.
static inline ssize_t clinux_send_fds(int socket, const void *bytes, size_t count, const int *fds, int fd_count, int flags) {
  struct iovec part = {(void *)bytes, count};
  char control[CMSG_SPACE(16 * sizeof(int))];
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd_count > 16) { errno = EINVAL; return -1; }
  if (fd_count > 0) {
    memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
  }
  return sendmsg(socket, &message, flags | MSG_NOSIGNAL);
}
// Receives one message and the descriptors that came with it (close-on-exec). *fd_count: in the room, out how many came.
static inline ssize_t clinux_receive_fds(int socket, void *bytes, size_t room, int *fds, int *fd_count, int flags) {
  struct iovec part = {bytes, room};
  char control[CMSG_SPACE(16 * sizeof(int))];
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = recvmsg(socket, &message, flags | 0x40000000 /* MSG_CMSG_CLOEXEC */);
  int limit = *fd_count;
  *fd_count = 0;
  if (got < 0) return got;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int came = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (int i = 0; i < came; i++) {
      int fd;
      memcpy(&fd, (char *)CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      if (*fd_count < limit) fds[(*fd_count)++] = fd; else close(fd);
    }
  }
  return got;
}

// The user and process at the other end of a Unix socket.
struct clinux_ucred { int pid; uint32_t uid, gid; };
static inline int clinux_peer_credentials(int socket, struct clinux_ucred *out) {
  socklen_t length = sizeof *out;
  return getsockopt(socket, SOL_SOCKET, 17 /* SO_PEERCRED */, out, &length);
}

// Who owns the other end of a loopback TCP connection, asked of the kernel by sock_diag. `local` and `peer` are this end's view, network byte
// order. Returns 0 and fills uid, inode and TCP state; -1 with errno otherwise.
int clinux_tcp_owner(uint32_t local, uint16_t local_port, uint32_t peer, uint16_t peer_port, uint32_t *uid, uint32_t *inode, uint8_t *state);

// Whether somebody listens (SOCK_STREAM) or is bound (SOCK_DGRAM) at exactly this IPv4 address, host order: the family of that socket, AF_INET or
// AF_INET6 (mapped); 0 when there is none; -1 with errno when the kernel cannot tell.
int clinux_socket_at(int type, uint32_t address, uint16_t port);

// A line to the kernel's sock_diag, for many questions; -1 and errno. To be closed, and not for use from two threads.
int clinux_sock_diag_line(void);
// Who made the socket that would take a connection to this IPv4 address and port, host order, wildcard listeners included: 1 and the user, 0 when
// nobody listens, -1 and errno when the kernel cannot tell.
int clinux_listener_user(int line, uint32_t address, uint16_t port, uint32_t *uid);

// The socket that would take a connection to this IPv4 address and port: 1, where it listens (0: on every address; both host order) and its inode; 0
// when nobody listens, -1 and errno when the kernel cannot tell.
int clinux_listener_socket(uint32_t address, uint16_t port, uint32_t *at, uint32_t *inode);

#endif
