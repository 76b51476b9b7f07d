// How long a change takes to all who watch: watchers SOCKET REVISION COUNT CHANGES NODES
// COUNT connections watch all pods from REVISION on; with NODES above 0 each watches the pods of one node, as agents do. Then one more client
// changes the status of CHANGES pods (web-0, web-1, ...), one after the other, and waits until everybody has heard of everything.
// Prints milliseconds in all and the number of events.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int epoll;
static char *last;
static long heads, events;
static char buffer[1 << 18];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int connectTo(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) die(path);
    return fd;
}

// Until all heads have come and this many events, or for 60 s.
static void await(long wantedHeads, long wantedEvents) {
    double limit = now() + 60000;
    while (heads < wantedHeads || events < wantedEvents) {
        struct epoll_event ready[256];
        int count = epoll_wait(epoll, ready, 256, 1000);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            ssize_t got = recv(fd, buffer, sizeof buffer, 0);
            if (got <= 0) die("a watch ended");
            // A head ends with an empty line before the first event; an event ends with a brace and a line feed.
            for (ssize_t at = 0; at < got; at++) {
                if (buffer[at] != '\n') { if (buffer[at] != '\r') last[fd] = buffer[at]; continue; }
                if (last[fd] == '}') events++;
                else if (last[fd] == '\n') heads++, last[fd] = 'x';
                if (last[fd] == '}') last[fd] = 'x'; else if (last[fd] != 'x') last[fd] = '\n';
            }
        }
        if (now() > limit) { fprintf(stderr, "only %ld heads and %ld events came\n", heads, events); exit(1); }
    }
}

int main(int argumentCount, char **arguments) {
    if (argumentCount != 6) { fprintf(stderr, "watchers SOCKET REVISION COUNT CHANGES NODES\n"); return 2; }
    const char *path = arguments[1];
    int count = atoi(arguments[3]), changes = atoi(arguments[4]), nodes = atoi(arguments[5]);
    struct rlimit files = {count + 64, count + 64};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    last = calloc(count + 64, 1);
    epoll = epoll_create1(0);
    char request[4096];
    int writer = connectTo(path);
    for (int i = 0; i < count; i++) {
        int fd = connectTo(path);
        if (fd >= count + 64) { fprintf(stderr, "too many descriptors\n"); return 1; }
        char selector[64] = "";
        if (nodes > 0) snprintf(selector, sizeof selector, "&fieldSelector=spec.nodeName%%3Dn%d", i % nodes);
        int length = snprintf(
            request, sizeof request, "GET /api/v1/pods?watch=true&resourceVersion=%s%s HTTP/1.1\r\nHost: localhost\r\n\r\n", arguments[2], selector);
        if (send(fd, request, length, 0) != length) die("send");
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
    await(count, 0);
    double start = now();
    for (int i = 0; i < changes; i++) {
        char body[256];
        int size = snprintf(body, sizeof body, "{\"status\":{\"message\":\"%d %f\"}}", i, start);
        int length = snprintf(
            request, sizeof request,
            "PATCH /api/v1/namespaces/default/pods/web-%d/status HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/merge-patch+json\r\n"
            "Content-Length: %d\r\n\r\n%s", i, size, body);
        if (send(writer, request, length, 0) != length) die("send");
        // The watchers are read meanwhile: who does not read is cut off.
        await(count, nodes > 0 ? i + 1 : (long)(i + 1) * count);
        ssize_t got = recv(writer, buffer, sizeof buffer, 0);
        if (got < 12 || memcmp(buffer + 9, "200", 3)) { fprintf(stderr, "%.*s\n", (int)got, buffer); return 1; }
    }
    printf("%.3f %ld\n", now() - start, events);
    return 0;
}
