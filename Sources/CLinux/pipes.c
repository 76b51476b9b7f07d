#define _GNU_SOURCE
#include "pipes.h"

#include <fcntl.h>
#include <unistd.h>

ssize_t clinux_tee(int from, int to, size_t length) { return tee(from, to, length, SPLICE_F_NONBLOCK); }

int clinux_pipe(int ends[2]) { return pipe2(ends, O_NONBLOCK | O_CLOEXEC); }

// No SPLICE_F_MORE: it would hold a last part segment back for 200 ms.
ssize_t clinux_splice(int from, int to, size_t length) { return splice(from, NULL, to, NULL, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK); }
