#ifndef CLINUX_HANDOFF_H
#define CLINUX_HANDOFF_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// One bind(2) or connect(2) that waits for an answer.
struct clinux_address_call {
    uint64_t id;
    /// The calling thread.
    pid_t thread;
    int is_connect;
    /// The caller's descriptor number.
    int descriptor;
    /// The caller's sockaddr, `address_length` bytes of it; 0 when it could not be read, and `read_errno` says why.
    uint8_t address[128];
    uint32_t address_length;
    int read_errno;
};

/// Takes the next waiting call. 0, or -1 and errno: ENOENT when its thread died meanwhile.
int clinux_take_address_call(int listener, struct clinux_address_call *call);
/// Whether the call still waits: checked AFTER anything was read from the caller, since a pid may have been reused.
int clinux_address_call_waits(int listener, uint64_t id);
/// Lets the kernel perform the call as it was made.
int clinux_let_address_call_pass(int listener, uint64_t id);
/// Makes the call return 0 (`error` 0) or fail with `error`.
int clinux_finish_address_call(int listener, uint64_t id, int error);
/// A copy of a descriptor of another process, named by one of its threads. -1 and errno; EPERM where Yama or a non-dumpable process denies it.
int clinux_copy_descriptor(pid_t thread, int descriptor);

/// AF_INET or AF_INET6 and SOCK_STREAM or SOCK_DGRAM of a socket; -1 when it is none.
int clinux_socket_kind(int fd, int *family, int *type);
/// Binds to an IPv4 address (host order); an AF_INET6 socket to the same address in mapped form, V6ONLY off. 0 or -1 and errno.
int clinux_bind_ipv4(int fd, uint32_t address, uint16_t port);
/// Binds an AF_INET6 socket to [::1], any free port.
int clinux_bind_ipv6_loopback(int fd);
/// Gives an unbound stream socket an IPv4 source address; its port is chosen when it connects. 0, also when it has a source already, or -1 and errno.
int clinux_bind_source(int fd, uint32_t address);
/// Connects to an IPv4 address as the socket's family demands, and never waits: a blocking socket is made non-blocking meanwhile. 0 or -1 and
/// errno; EINPROGRESS and EALREADY: it is under way. `blocks`: whether the caller would have waited.
int clinux_begin_connect(int fd, uint32_t address, uint16_t port, int *blocks);
/// 1 when the socket takes IPv6 only.
int clinux_is_ipv6_only(int fd);

#endif
