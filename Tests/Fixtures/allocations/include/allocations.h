#pragma once

// Counts allocations, whoever makes them, and plays both sides of a proxy on other threads.
//
// `counting.c` alone, made a shared library and preloaded into any program, counts those of all its threads: in the file $COUNTING.PID, as one
// number in the machine's own form.

/// Calls of malloc, calloc, realloc and their like on the calling thread since it began.
long allocations_count(void);

/// An endpoint that answers each request of each connection with 128 bytes, on a thread of its own, and a client that sends requests over one kept
/// connection, each when the one before is answered, on another. The listening socket is the endpoint's, which ends with its connections.
void allocations_begin(int listener, unsigned short proxy_port, int request_count);

/// How many requests were answered.
int allocations_answered(void);
