// The endpoint that every proxy here has behind it: answers `GET /N` with a body of N bytes (N at most 1 MiB), any other request with one of 128.
// Its work is the same whoever asks, and small, so that what is measured is the proxy.
//
//   origin [ADDRESS [PORT]]     default 0.0.0.0 8080
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { longest = 1 << 20, most = 20000, head_room = 128 };

// What is left of the answer to each connection; requests behind it wait in the socket.
static struct { size_t left; const char *at; char *own; } answers[most];
static char body[longest];

static void hang_up(int fd) {
    free(answers[fd].own);
    memset(&answers[fd], 0, sizeof answers[fd]);
    close(fd);
}

static void flush(int fd) {
    while (answers[fd].left) {
        ssize_t sent = send(fd, answers[fd].at, answers[fd].left, MSG_NOSIGNAL);
        if (sent < 0) return;
        answers[fd].at += sent;
        answers[fd].left -= (size_t)sent;
    }
    free(answers[fd].own);
    answers[fd].own = NULL;
}

static void answer(int fd, size_t size) {
    char head[head_room];
    int length = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", size);
    char *whole = malloc((size_t)length + size);
    memcpy(whole, head, (size_t)length);
    memcpy(whole + length, body, size);
    answers[fd].own = whole;
    answers[fd].at = whole;
    answers[fd].left = (size_t)length + size;
    flush(fd);
}

static void readable(int fd) {
    char bytes[8192];
    ssize_t length = recv(fd, bytes, sizeof bytes - 1, 0);
    if (length <= 0) return hang_up(fd);
    bytes[length] = 0;
    // Requests without a body, whole in one segment: what the benchmarks send.
    if (!strstr(bytes, "\r\n\r\n")) return;
    size_t size = 128;
    if (!strncmp(bytes, "GET /", 5) && bytes[5] >= '0' && bytes[5] <= '9') size = strtoul(bytes + 5, NULL, 10);
    answer(fd, size > longest ? longest : size);
    if (strcasestr(bytes, "\r\nconnection: close") && !answers[fd].left) hang_up(fd);
}

int main(int argc, char **argv) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)(argc > 2 ? atoi(argv[2]) : 8080))};
    inet_pton(AF_INET, argc > 1 ? argv[1] : "0.0.0.0", &address.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    // Accepted connections have it from their listener.
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("origin");
        return 1;
    }
    memset(body, 'x', sizeof body);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(loop, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (accepted >= most) {
                    close(accepted);
                } else if (accepted >= 0) {
                    event = (struct epoll_event){.events = EPOLLIN, .data.fd = accepted};
                    epoll_ctl(loop, EPOLL_CTL_ADD, accepted, &event);
                }
                continue;
            }
            // While an answer is not out, nothing more is read.
            int was_behind = answers[fd].left > 0;
            if (was_behind) flush(fd);
            else readable(fd);
            int is_behind = answers[fd].left > 0;
            if (was_behind != is_behind) {
                event = (struct epoll_event){.events = is_behind ? EPOLLOUT : EPOLLIN, .data.fd = fd};
                epoll_ctl(loop, EPOLL_CTL_MOD, fd, &event);
            }
        }
    }
}
