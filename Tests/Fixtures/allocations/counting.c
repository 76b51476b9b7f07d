// Counts what a program allocates: for each thread, and where the environment names a file for the whole process.
#define _GNU_SOURCE
#include "include/allocations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

// Preloaded, a variable of another model would be allocated itself when a thread looks at it first.
static __thread __attribute__((tls_model("initial-exec"))) long thread_count;

static unsigned long before_begin;
static unsigned long *process_count = &before_begin;

__attribute__((constructor)) static void begin(void) {
    const char *place = getenv("COUNTING");
    char path[4096];
    if (!place) return;
    snprintf(path, sizeof path, "%s.%d", place, (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return;
    void *page = ftruncate(fd, sizeof *process_count) ? MAP_FAILED
                                                      : mmap(NULL, sizeof *process_count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED) process_count = page;
}

static void add(void) {
    thread_count++;
    __atomic_fetch_add(process_count, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size) {
    add();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    add();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    add();
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    add();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    add();
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : ENOMEM;
}

long allocations_count(void) { return thread_count; }
