// Asks a server at a constant rate, or only holds connections to it.
//
//   pressure rate ADDRESS PORT PATH CONNECTIONS RATE SECONDS
//       Requests are due RATE times a second, evenly, whatever became of those before; one that finds no connection free waits for it, and its
//       time counts from when it was due, not from when it was sent: a proxy that stands still for a while pays for all that was due meanwhile
//       (no coordinated omission). Prints `requests=N failed=N p50=US p99=US p999=US max=US`; the first second is not counted.
//   pressure idle ADDRESS PORT PATH CONNECTIONS
//       Each connection has one request answered and then rests. Prints `ready` and ends with its standard input.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { buffer_size = 2048, queue_size = 1 << 20, steps = 1 << 22 };

struct client {
    int fd, is_busy;
    size_t used, wanted;
    long due;
    char buffer[buffer_size];
};

static struct sockaddr_in server;
static char request[512];
static int request_size, poller;
// Times in tenths of a microsecond, counted up to 0.4 s.
static unsigned counts[steps];
static long request_count, failure_count, longest;
static long waiting[queue_size], first, last;

static long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

static void join(struct client *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server)) {
        perror("pressure: connect");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    c->is_busy = 0;
}

static void ask(struct client *c, long due) {
    c->due = due;
    c->used = c->wanted = 0;
    c->is_busy = 1;
    if (send(c->fd, request, (size_t)request_size, MSG_NOSIGNAL) != request_size) failure_count++;
}

// True when the answer is whole. Only its head is kept; the body is counted.
static int take(struct client *c) {
    static char rest[65536];
    int is_in_body = c->wanted > 0;
    ssize_t got = is_in_body ? recv(c->fd, rest, sizeof rest, MSG_DONTWAIT)
                             : recv(c->fd, c->buffer + c->used, buffer_size - 1 - c->used, MSG_DONTWAIT);
    if (got <= 0) {
        if (c->is_busy) failure_count++;
        close(c->fd);
        join(c);
        return 1;
    }
    c->used += (size_t)got;
    if (!is_in_body) {
        c->buffer[c->used] = 0;
        char *end = strstr(c->buffer, "\r\n\r\n");
        if (!end) return 0;
        char *length = strcasestr(c->buffer, "\r\ncontent-length:");
        c->wanted = (size_t)(end + 4 - c->buffer) + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
        if (strncmp(c->buffer + 9, "200", 3)) failure_count++;
    }
    return c->used >= c->wanted;
}

static long percentile(double share) {
    long below = (long)(share * (double)request_count);
    for (int i = 0; i < steps - 1; i++) {
        below -= counts[i];
        if (below < 0) return i / 10;
    }
    return longest / 1000;
}

static int hold(struct client *clients, int connections) {
    for (int i = 0; i < connections; i++) {
        join(&clients[i]);
        ask(&clients[i], 0);
        do {
            struct epoll_event event;
            epoll_wait(poller, &event, 1, -1);
        } while (!take(&clients[i]));
    }
    printf("ready\n");
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) {}
    return failure_count > 0;
}

int main(int count, char **words) {
    int holds = count > 1 && !strcmp(words[1], "idle");
    if (count < (holds ? 6 : 8)) return fprintf(stderr, "usage: pressure rate|idle ADDRESS PORT PATH CONNECTIONS [RATE SECONDS]\n"), 2;
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(words[3]))};
    inet_pton(AF_INET, words[2], &server.sin_addr);
    request_size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n", words[4], words[2], words[3]);
    int connections = atoi(words[5]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct client *clients = calloc((size_t)connections, sizeof *clients);
    if (holds) return hold(clients, connections);
    for (int i = 0; i < connections; i++) join(&clients[i]);
    double pause = 1e9 / atof(words[6]);
    long begin = now_ns(), warm = begin + 1000000000, end = warm + atol(words[7]) * 1000000000;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
    long begun = 0, due = begin;
    int next = 0;
    for (;;) {
        long now = now_ns();
        if (now >= end) break;
        for (; due <= now && last - first < queue_size; due = begin + (long)((double)++begun * pause)) waiting[last++ % queue_size] = due;
        for (int i = 0; first < last && i < connections; i++) {
            struct client *c = &clients[next];
            next = (next + 1) % connections;
            if (!c->is_busy) ask(c, waiting[first++ % queue_size]);
        }
        struct itimerspec when = {.it_value = {due / 1000000000, due % 1000000000}};
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
        struct epoll_event events[256];
        int n = epoll_wait(poller, events, 256, 100);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (!c || !take(c)) continue;
            if (!c->is_busy) continue;
            c->is_busy = 0;
            if (c->due < warm) continue;
            long took = now_ns() - c->due;
            request_count++;
            if (took > longest) longest = took;
            counts[took / 100 < steps ? took / 100 : steps - 1]++;
        }
    }
    printf("requests=%ld failed=%ld p50=%ld p99=%ld p999=%ld max=%ld\n", request_count, failure_count, percentile(0.5), percentile(0.99),
           percentile(0.999), longest / 1000);
    return 0;
}
