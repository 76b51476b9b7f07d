#ifndef CLINUX_PIPES_H
#define CLINUX_PIPES_H

#include <stddef.h>
#include <sys/types.h>

/// Copies up to `length` bytes from one pipe to another and leaves them in the first; never waits. -1 and errno.
ssize_t clinux_tee(int from, int to, size_t length);

/// A pipe whose ends never wait and are closed by execve: 0, or -1 and errno.
int clinux_pipe(int ends[2]);

/// Moves up to `length` bytes from a socket into a pipe, or from a pipe into a socket, without copying them; the pipe's side never waits. -1 and errno;
/// SIGPIPE, too, where nobody reads what the socket is to send.
ssize_t clinux_splice(int from, int to, size_t length);

#endif
