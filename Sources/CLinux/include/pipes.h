#ifndef CLINUX_PIPES_H
#define CLINUX_PIPES_H

#include <stddef.h>
#include <sys/types.h>

/// Copies up to `length` bytes from one pipe to another and leaves them in the first; never waits. -1 and errno.
ssize_t clinux_tee(int from, int to, size_t length);

#endif
