#define _GNU_SOURCE
#include "include/allocations.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listener, request_count;
static unsigned short proxy_port;
static atomic_int answered;

static void make_blocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK); }

static void *serve_connection(void *argument) {
    int fd = (int)(long)argument;
    char bytes[4096], answer[512];
    memset(answer, 'x', sizeof answer);
    const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 128\r\n\r\n";
    memcpy(answer, head, sizeof head - 1);
    // One request at a time, whole in one segment.
    while (recv(fd, bytes, sizeof bytes, 0) > 0) send(fd, answer, sizeof head - 1 + 128, MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void *serve(void *nothing) {
    (void)nothing;
    int own = listener;
    int fd;
    while ((fd = accept(own, NULL, NULL)) >= 0) {
        pthread_t thread;
        make_blocking(fd);
        if (pthread_create(&thread, NULL, serve_connection, (void *)(long)fd) == 0) pthread_detach(thread);
    }
    return NULL;
}

static void *ask(void *nothing) {
    (void)nothing;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(proxy_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) return NULL;
    const char request[] = "GET /128 HTTP/1.1\r\nHost: test\r\nAccept: */*\r\n\r\n";
    char bytes[4096];
    for (int i = 0; i < request_count; i++) {
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
        size_t used = 0;
        char *body = NULL;
        while (!body || used < (size_t)(body + 4 - bytes) + 128) {
            ssize_t got = recv(fd, bytes + used, sizeof bytes - 1 - used, 0);
            if (got <= 0) return NULL;
            used += (size_t)got;
            bytes[used] = 0;
            body = strstr(bytes, "\r\n\r\n");
        }
        atomic_fetch_add(&answered, 1);
    }
    close(fd);
    return NULL;
}

void allocations_begin(int its_listener, unsigned short its_port, int its_count) {
    listener = its_listener;
    proxy_port = its_port;
    request_count = its_count;
    atomic_store(&answered, 0);
    make_blocking(listener);
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, NULL) == 0) pthread_detach(thread);
    if (pthread_create(&thread, NULL, ask, NULL) == 0) pthread_detach(thread);
}

int allocations_answered(void) { return atomic_load(&answered); }
