// The smallest web server that is worth measuring: answers every request with 200, starts in well under a millisecond, knows nothing of Steady.
//
//   server [ADDRESS [PORT]]     default 0.0.0.0 8080
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";

int main(int argc, char **argv) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(argc > 2 ? atoi(argv[2]) : 8080)};
    inet_pton(AF_INET, argc > 1 ? argv[1] : "0.0.0.0", &address.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("server");
        return 1;
    }
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(loop, events, 64, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                event.data.fd = accepted;
                if (accepted >= 0) epoll_ctl(loop, EPOLL_CTL_ADD, accepted, &event);
                continue;
            }
            char bytes[8192];
            ssize_t length = read(fd, bytes, sizeof bytes - 1);
            if (length <= 0) {
                close(fd);
                continue;
            }
            bytes[length] = 0;
            // Requests without a body, whole in one segment: what the benchmarks send.
            for (char *at = bytes; (at = strstr(at, "\r\n\r\n")); at += 4) {
                if (write(fd, answer, sizeof answer - 1) < 0) break;
            }
            if (strcasestr(bytes, "\r\nconnection: close")) close(fd);
        }
    }
}
