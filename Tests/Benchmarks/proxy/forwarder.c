// The least that a forwarder of TCP connections can be, twice: over epoll, and over io_uring with all that saves system calls (multishot accept and
// receive into a ring of buffers, sends and receives of one turn handed over together). What the second takes less than the first is what the proxy could
// gain by io_uring. A message is sent on as it came; nothing else is done that is not needed under `run rings`.
//
//   forwarder epoll|uring PORT ADDRESS:PORT...      prints "ready"; each connection goes to the next address
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGEST = 65536, BUFFER = 16384, BUFFERS = 1024 };

static int peers[LARGEST];
static struct sockaddr_in endpoints[16];
static int endpointCount, nextEndpoint;

static void fail(const char *what) { perror(what), exit(1); }

static struct sockaddr_in address(const char *host, int port) {
    struct sockaddr_in it = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &it.sin_addr) != 1) fail(host);
    return it;
}

static int listening(int port) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in here = address("127.0.0.1", port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(fd, (void *)&here, sizeof here) || listen(fd, 1024)) fail("listen");
    return fd;
}

// On the loopback a connection is made at once.
static int upstream(void) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in *to = &endpoints[nextEndpoint++ % endpointCount];
    if (fd >= LARGEST || connect(fd, (void *)to, sizeof *to)) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void overEpoll(int listener) {
    static char bytes[BUFFER];
    struct epoll_event events[256], event = {.events = EPOLLIN, .data.fd = listener};
    int set = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(set, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                if (client < 0) continue;
                int other = upstream();
                peers[client] = other, peers[other] = client;
                event.data.fd = client, epoll_ctl(set, EPOLL_CTL_ADD, client, &event);
                event.data.fd = other, epoll_ctl(set, EPOLL_CTL_ADD, other, &event);
                continue;
            }
            int peer = peers[fd];
            if (!peer) continue;
            ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
            if (got > 0 && send(peer, bytes, got, MSG_NOSIGNAL) == got) continue;
            if (got < 0 && errno == EAGAIN) continue;
            peers[fd] = peers[peer] = 0;
            close(fd), close(peer);
        }
    }
}

enum { ACCEPT, RECEIVE, SEND, CLOSE };

static void overRings(int listener) {
    struct io_uring ring;
    struct io_uring_params how = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
                                  .cq_entries = 8192};
    int error = io_uring_queue_init_params(2048, &ring, &how);
    if (error) errno = -error, fail("io_uring_setup");
    // The ring of buffers: the kernel takes one for each message that comes, and it goes back once it is sent.
    char *bytes = aligned_alloc(4096, (size_t)BUFFER * BUFFERS);
    struct io_uring_buf_ring *buffers = aligned_alloc(4096, BUFFERS * sizeof(struct io_uring_buf));
    memset(buffers, 0, BUFFERS * sizeof(struct io_uring_buf));
    struct io_uring_buf_reg registration = {.ring_addr = (unsigned long)buffers, .ring_entries = BUFFERS, .bgid = 0};
    if ((error = io_uring_register_buf_ring(&ring, &registration, 0))) errno = -error, fail("io_uring_register_buf_ring");
    for (int i = 0; i < BUFFERS; i++) io_uring_buf_ring_add(buffers, bytes + (size_t)i * BUFFER, BUFFER, i, BUFFERS - 1, i);
    io_uring_buf_ring_advance(buffers, BUFFERS);

#define NEXT(name) struct io_uring_sqe *name = io_uring_get_sqe(&ring); \
    if (!name) io_uring_submit(&ring), name = io_uring_get_sqe(&ring)
#define TAG(kind, buffer, fd) ((unsigned long)(kind) << 56 | (unsigned long)(buffer) << 32 | (unsigned)(fd))
#define RECEIVE_FROM(fd) do { NEXT(sqe); io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0); \
    sqe->flags |= IOSQE_BUFFER_SELECT, sqe->buf_group = 0; io_uring_sqe_set_data64(sqe, TAG(RECEIVE, 0, fd)); } while (0)

    NEXT(first);
    io_uring_prep_multishot_accept(first, listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(first, TAG(ACCEPT, 0, listener));
    for (;;) {
        io_uring_submit_and_wait(&ring, 1);
        unsigned head, seen = 0;
        struct io_uring_cqe *cqe;
        io_uring_for_each_cqe(&ring, head, cqe) {
            seen++;
            int kind = cqe->user_data >> 56, fd = (int)(cqe->user_data & 0xffffffff), buffer = cqe->user_data >> 32 & 0xffffff;
            if (kind == ACCEPT) {
                if (cqe->res < 0 || cqe->res >= LARGEST) continue;
                int client = cqe->res, other = upstream();
                peers[client] = other, peers[other] = client;
                RECEIVE_FROM(client);
                RECEIVE_FROM(other);
            } else if (kind == RECEIVE) {
                int taken = cqe->flags & IORING_CQE_F_BUFFER ? (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT) : -1, peer = peers[fd];
                if (cqe->res > 0 && peer) {
                    NEXT(sqe);
                    io_uring_prep_send(sqe, peer, bytes + (size_t)taken * BUFFER, cqe->res, MSG_NOSIGNAL | MSG_WAITALL);
                    io_uring_sqe_set_data64(sqe, TAG(SEND, taken, peer));
                    if (!(cqe->flags & IORING_CQE_F_MORE)) RECEIVE_FROM(fd);
                    continue;
                }
                if (taken >= 0) {
                    io_uring_buf_ring_add(buffers, bytes + (size_t)taken * BUFFER, BUFFER, taken, BUFFERS - 1, 0);
                    io_uring_buf_ring_advance(buffers, 1);
                }
                if (cqe->res == -ENOBUFS && peer) { RECEIVE_FROM(fd); continue; }
                if (!peer) continue;
                peers[fd] = peers[peer] = 0;
                // Ends the receives that are under way; the descriptors are closed after them.
                shutdown(fd, SHUT_RDWR), shutdown(peer, SHUT_RDWR);
                for (int i = 0; i < 2; i++) {
                    NEXT(sqe);
                    io_uring_prep_close(sqe, i ? peer : fd);
                    io_uring_sqe_set_data64(sqe, TAG(CLOSE, 0, 0));
                }
            } else if (kind == SEND) {
                io_uring_buf_ring_add(buffers, bytes + (size_t)buffer * BUFFER, BUFFER, buffer, BUFFERS - 1, 0);
                io_uring_buf_ring_advance(buffers, 1);
            }
        }
        io_uring_cq_advance(&ring, seen);
    }
}

int main(int count, char **words) {
    if (count < 4) return fprintf(stderr, "forwarder epoll|uring PORT ADDRESS:PORT...\n"), 2;
    for (int i = 3; i < count && endpointCount < 16; i++) {
        char *colon = strrchr(words[i], ':');
        if (!colon) return 2;
        *colon = 0;
        endpoints[endpointCount++] = address(words[i], atoi(colon + 1));
    }
    int listener = listening(atoi(words[2]));
    puts("ready"), fflush(stdout);
    strcmp(words[1], "uring") ? overEpoll(listener) : overRings(listener);
}
