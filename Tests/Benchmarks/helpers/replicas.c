// Measures how long it takes until every one of many servers has itself answered a GET.
//
//   replicas bare SERVER COUNT                    posix_spawn in a loop, one address each; then each is asked once
//   replicas applied SOCKET QUERY COUNT COMMAND…  runs COMMAND; learns the pods' addresses from a watch on the API's Unix socket, asks each
//
// Prints milliseconds: bare TOTAL; applied COMMAND FIRST HALF ALL.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { limit = 20000, port = 8080, patience = 300 };
extern char **environ;
static char addresses[limit][24];
static char answered[limit];
static int known, done;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

// One GET; 0 when nobody listens there yet.
static int ask(const char *text) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval second = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, text, &address.sin_addr);
    char bytes[512];
    static const char request[] = "GET / HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n";
    int isAnswered = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && write(fd, request, sizeof request - 1) > 0
        && read(fd, bytes, sizeof bytes) > 12 && memcmp(bytes + 9, "200", 3) == 0;
    close(fd);
    return isAnswered;
}

static void bare(const char *server, int count) {
    static pid_t pids[limit];
    double start = now();
    for (int i = 0; i < count; i++) {
        snprintf(addresses[i], sizeof addresses[i], "127.250.%d.%d", i / 250, i % 250 + 1);
        char *arguments[] = {(char *)server, addresses[i], "8080", NULL};
        if ((errno = posix_spawn(&pids[i], server, NULL, NULL, arguments, environ))) fail(server);
    }
    for (int i = 0; i < count; i++) {
        while (!ask(addresses[i])) usleep(100);
    }
    printf("%.2f\n", now() - start);
    for (int i = 0; i < count; i++)
        if (pids[i] > 1) kill(pids[i], SIGKILL);
    for (int i = 0; i < count; i++) waitpid(pids[i], NULL, 0);
}

static int watchPods(const char *path, const char *query) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) fail(path);
    char request[1024];
    int length = snprintf(request, sizeof request, "GET /api/v1/pods?watch=1&%s HTTP/1.1\r\nHost: localhost\r\n\r\n", query);
    if (write(fd, request, length) != length) fail("watch");
    return fd;
}

// Remembers every pod address in the stream; what is cut off at the end of the bytes is kept for the next call.
static size_t learn(char *bytes, size_t length) {
    static const char mark[] = "\"podIP\":\"";
    char *at = bytes, *end = bytes + length;
    while ((at = memmem(at, end - at, mark, sizeof mark - 1))) {
        char *text = at + sizeof mark - 1, *close = memchr(text, '"', end - text);
        if (!close) break;
        at = close;
        *close = 0;
        int i = 0;
        while (i < known && strcmp(addresses[i], text)) i++;
        if (i == known && *text && known < limit) strncpy(addresses[known++], text, sizeof addresses[0] - 1);
        *close = '"';
    }
    size_t keep = length < 64 ? length : 64;
    memmove(bytes, end - keep, keep);
    return keep;
}

static void applied(const char *socketPath, const char *query, int count, char **command) {
    int fd = watchPods(socketPath, query);
    usleep(20000);
    double start = now(), applied = 0, first = 0, half = 0;
    pid_t child;
    if ((errno = posix_spawnp(&child, command[0], NULL, NULL, command, environ))) fail(command[0]);
    static char bytes[1 << 20];
    size_t kept = 0;
    int open = 0;
    while (done < count) {
        if (now() - start > patience * 1e3) {
            fprintf(stderr, "replicas: %d of %d had answered after %d s\n", done, count, patience);
            exit(1);
        }
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        if (poll(&polled, 1, 1) > 0) {
            ssize_t length = read(fd, bytes + kept, sizeof bytes - kept);
            if (length <= 0) fail("the watch ended");
            kept = learn(bytes, kept + length);
        }
        while (open < known && answered[open]) open++;
        for (int i = open; i < known; i++) {
            if (answered[i] || !ask(addresses[i])) continue;
            answered[i] = 1;
            done++;
            if (!first) first = now() - start;
            if (done == count / 2) half = now() - start;
        }
        int status;
        if (!applied && waitpid(child, &status, WNOHANG) == child) {
            applied = now() - start;
            if (status) exit(1);
        }
    }
    double all = now() - start;
    if (!applied) waitpid(child, NULL, 0);
    printf("%.2f %.2f %.2f %.2f\n", applied, first, half, all);
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 4 && !strcmp(argv[1], "bare") && atoi(argv[3]) <= limit) {
        bare(argv[2], atoi(argv[3]));
    } else if (argc > 5 && !strcmp(argv[1], "applied")) {
        applied(argv[2], argv[3], atoi(argv[4]), argv + 5);
    } else {
        fprintf(stderr, "usage: replicas bare SERVER COUNT | applied SOCKET QUERY COUNT COMMAND...\n");
        return 2;
    }
}
