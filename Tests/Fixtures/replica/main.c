/* The least polite server that a pod may run: it dies of SIGTERM at once, whatever it was doing, and tells which requests it ran.
 *
 *   GET  /anything   200 "POD PID\n"         GET /ready   200, after POST /unready 503 until POST /ready-again
 *   GET  /anything   500, after POST /broken until POST /mended (/ready is not touched)
 *   /slow           the same, after 2 s in which nobody else is served
 *   POST /anything   appends "BODY POD\n" to $RECORD, then answers with BODY
 *
 * $PORT (8080) is where it listens, $RECORD the file of the ids. In the environment also: IGNORE_TERM=1; LISTEN_WHEN=FILE listens once there is such a file;
 * EXIT=N ends at once with this code; EXIT_UNLESS=FILE only when there is no such file; GRANDCHILD=1 leaves a daemon (forked twice, in a
 * session of its own, without its environment's help) that ignores SIGTERM; LOG_MB=N prints so many megabytes a second, and appends
 * "MILLISECONDS UNTIL POD\n" to the file $LOG_BLOCKS for each write that had to wait longer than 20 ms (UNTIL: milliseconds since 1970);
 * FORKS=N multiplies, and what it makes does as well, until there were so many; who is refused prints "refused" once and tries on. Each of them
 * ends by itself after two minutes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { buffer_size = 8192, descriptor_limit = 65536 };

struct connection {
    size_t used;
    char buffer[buffer_size];
};

static struct connection *connections[descriptor_limit];
static int record = -1;
static int is_ready = 1;
static int is_broken = 0;
static const char *pod = "-";

static long setting(const char *name, long standard) {
    const char *text = getenv(name);
    return text ? atol(text) : standard;
}

static void fail(const char *what) {
    fprintf(stderr, "replica: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void leave_daemon(void) {
    pid_t child = fork();
    if (child > 0) return;
    if (child < 0) fail("fork");
    setsid();
    if (fork() != 0) _exit(0);
    signal(SIGTERM, SIG_IGN);
    for (;;) pause();
}

static long clock_ms(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* How often this thread has gone to sleep by itself: a write that was only preempted did not wait. */
static long sleep_count(void) {
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : 0;
}

static void *print_without_end(void *unused) {
    (void)unused;
    long megabytes = setting("LOG_MB", 0), begun = clock_ms(CLOCK_MONOTONIC);
    int blocks = open(getenv("LOG_BLOCKS") ? getenv("LOG_BLOCKS") : "/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC);
    char line[4096];
    memset(line, 'x', sizeof line);
    for (int i = 127; i < (int)sizeof line; i += 128) line[i] = '\n';
    for (double printed = 0;;) {
        long now = clock_ms(CLOCK_MONOTONIC);
        /* What it could not print while it waited is not made up for. */
        if ((double)(now - begun) * (double)megabytes * 1000 - printed > (double)megabytes * 100000) {
            begun = now;
            printed = 0;
        }
        if (printed > (double)(now - begun) * (double)megabytes * 1000) {
            usleep(1000);
            continue;
        }
        long slept = sleep_count();
        if (write(1, line, sizeof line) < 0 && errno != EINTR) return NULL;
        printed += sizeof line;
        long took = clock_ms(CLOCK_MONOTONIC) - now;
        if (took <= 20 || sleep_count() == slept) continue;
        char text[512];
        int size = snprintf(text, sizeof text, "%ld %ld %s\n", took, clock_ms(CLOCK_REALTIME), pod);
        if (write(blocks, text, (size_t)size) < 0) return NULL;
    }
}

static void multiply(long limit) {
    struct { atomic_long made; atomic_int is_told; } *all = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) fail("mmap");
    alarm(120);
    atomic_store(&all->made, 1);
    while (atomic_load(&all->made) < limit) {
        pid_t child = fork();
        if (child > 0) atomic_fetch_add(&all->made, 1);
        if (child == 0) alarm(120);
        if (child >= 0) continue;
        if (!atomic_exchange(&all->is_told, 1) && write(1, "refused\n", 8) < 0) { }
        usleep(200000);
    }
    for (;;) pause();
}

static void answer(int fd, const char *status, const char *body, size_t length) {
    char head[256];
    int size = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", status, length);
    char whole[buffer_size + 256];
    if (length > buffer_size) length = buffer_size;
    memcpy(whole, head, (size_t)size);
    memcpy(whole + size, body, length);
    /* Answers are small: they fit into the socket's buffer. */
    if (write(fd, whole, (size_t)size + length) < 0) { }
}

static void run(int fd, const char *request, const char *body, size_t length) {
    if (strncmp(request, "POST /unready ", 14) == 0) is_ready = 0;
    if (strncmp(request, "POST /broken ", 13) == 0) is_broken = 1;
    if (strncmp(request, "POST /mended ", 13) == 0) is_broken = 0;
    if (strncmp(request, "POST /slow ", 11) == 0 || strncmp(request, "GET /slow ", 10) == 0) sleep(2);
    if (strncmp(request, "POST /ready-again ", 18) == 0) is_ready = 1;
    if (strncmp(request, "POST ", 5) == 0) {
        if (record >= 0) {
            char line[buffer_size + 256];
            int size = snprintf(line, sizeof line, "%.*s %s\n", (int)length, body, pod);
            if (write(record, line, (size_t)size) != size) fail("write to RECORD");
        }
        answer(fd, "200 OK", body, length);
    } else if (strncmp(request, "GET /ready ", 11) == 0 && !is_ready) {
        answer(fd, "503 Service Unavailable", "not ready\n", 10);
    } else if (is_broken && strncmp(request, "GET /ready ", 11) != 0) {
        answer(fd, "500 Internal Server Error", "broken\n", 7);
    } else {
        char text[256];
        int size = snprintf(text, sizeof text, "%s %d\n", pod, (int)getpid());
        answer(fd, "200 OK", text, (size_t)size);
    }
}

/* Runs the whole requests in the buffer; returns 0 when the connection is of no more use. */
static int run_all(int fd, struct connection *c) {
    for (;;) {
        c->buffer[c->used] = 0;
        char *end = strstr(c->buffer, "\r\n\r\n");
        if (!end) return c->used < buffer_size - 1;
        size_t length = 0;
        for (char *line = c->buffer; line && line < end; line = strstr(line, "\r\n")) {
            while (*line == '\r' || *line == '\n') line++;
            if (strncasecmp(line, "content-length:", 15) == 0) length = strtoul(line + 15, NULL, 10);
        }
        size_t whole = (size_t)(end + 4 - c->buffer) + length;
        if (whole >= buffer_size) return 0;
        if (c->used < whole) return 1;
        run(fd, c->buffer, end + 4, length);
        memmove(c->buffer, c->buffer + whole, c->used - whole);
        c->used -= whole;
    }
}

int main(void) {
    if (getenv("POD_NAME")) pod = getenv("POD_NAME");
    if (getenv("EXIT")) return (int)setting("EXIT", 0);
    if (getenv("EXIT_UNLESS") && access(getenv("EXIT_UNLESS"), F_OK) != 0) return 3;
    if (setting("IGNORE_TERM", 0)) signal(SIGTERM, SIG_IGN);
    if (setting("GRANDCHILD", 0)) leave_daemon();
    if (getenv("RECORD")) {
        record = open(getenv("RECORD"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (record < 0) fail(getenv("RECORD"));
    }
    pthread_t printer;
    if (setting("LOG_MB", 0) && pthread_create(&printer, NULL, print_without_end, NULL)) fail("pthread_create");
    if (setting("FORKS", 0)) multiply(setting("FORKS", 0));
    while (getenv("LISTEN_WHEN") && access(getenv("LISTEN_WHEN"), F_OK) != 0) usleep(2000);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)setting("PORT", 8080))};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (listen(listener, 4096) < 0) fail("listen");
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (accepted < 0) continue;
                if (accepted >= descriptor_limit || !(connections[accepted] = malloc(sizeof(struct connection)))) {
                    close(accepted);
                    continue;
                }
                connections[accepted]->used = 0;
                setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = accepted};
                epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &event);
                continue;
            }
            struct connection *c = connections[fd];
            ssize_t got = read(fd, c->buffer + c->used, buffer_size - 1 - c->used);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (got > 0) c->used += (size_t)got;
            if (got <= 0 || !run_all(fd, c)) {
                close(fd);
                free(c);
                connections[fd] = NULL;
            }
        }
    }
}
