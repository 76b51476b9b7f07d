/* Asks a server and counts every kind of failure.
 *
 *   load ADDRESS PORT get|post keep|close CONNECTIONS SECONDS [IDS [RATE]]
 *
 * Without RATE each connection sends its next request when the last was answered; with it so many requests begin each second, whatever became of
 * those before, as long as a connection is free for them. `close` takes a new connection for each request. SECONDS 0: until standard input ends.
 * POST bodies are ids that no other request of this run bears; those that were answered are written to the file IDS, one a line.
 * Prints `started` once a request was answered, a line `FAILURE kind at SECONDS.MILLIS` for each of the first failures, for each line of standard
 * input a line `mark` with the counts since the last one, and at the end one line with the counts since the last mark:
 * `requests=N failed=N silence_ms=N max_ms=N waiting=N last_failed_ms=N [kind=N ...]`; the latter is when the last failed request was begun (since
 * 1970), `waiting` how many wait for an answer. The exit code is 0 when nothing has failed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { buffer_size = 16384, told_limit = 20 };

/* Longer than a machine with too much to do keeps everybody waiting. */
enum { patience_ms = 60000 };

struct client {
    int fd, is_connected, is_busy;
    long sent_at, begun_at;
    size_t used;
    char id[64];
    char buffer[buffer_size];
};

static struct { char name[32]; long count; } kinds[64];
static int kind_count, is_post, is_closing, is_ending, poller;
static long rate;
static int has_started, has_failed;
static long request_count, failure_count, silence, longest, last_answer, last_failed, number, begun_count;
static FILE *ids;
static struct sockaddr_in server;

static long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long time_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void failed(struct client *c, const char *kind) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    has_failed = 1;
    if (c->begun_at > last_failed) last_failed = c->begun_at;
    if (++failure_count <= told_limit) printf("FAILURE %s at %ld.%03ld\n", kind, (long)t.tv_sec, t.tv_nsec / 1000000);
    int i = 0;
    while (i < kind_count && strcmp(kinds[i].name, kind) != 0) i++;
    if (i == kind_count && kind_count < 63) snprintf(kinds[kind_count++].name, sizeof kinds[0].name, "%s", kind);
    kinds[i].count++;
}

static void hang_up(struct client *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->is_connected = c->is_busy = 0;
}

/* Whether the other side has ended a connection that rests. */
static int is_over(struct client *c) {
    char byte;
    ssize_t got = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

static void send_request(struct client *c);

static void begin(struct client *c) {
    if (is_ending) return hang_up(c);
    c->sent_at = now_ms();
    c->begun_at = time_ms();
    c->used = 0;
    c->is_busy = 1;
    begun_count++;
    snprintf(c->id, sizeof c->id, "%d-%ld", (int)getpid(), ++number);
    if (c->fd >= 0) return send_request(c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int result = connect(c->fd, (struct sockaddr *)&server, sizeof server);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    if (result < 0 && errno != EINPROGRESS) {
        failed(c, errno == ECONNREFUSED ? "refused" : errno == EADDRNOTAVAIL ? "no-port-left" : "connect");
        hang_up(c);
    }
}

static void send_request(struct client *c) {
    char text[512];
    const char *more = is_closing ? "Connection: close\r\n" : "";
    int size = is_post ? snprintf(text, sizeof text, "POST /record HTTP/1.1\r\nHost: load\r\n%sContent-Length: %zu\r\n\r\n%s", more,
                                  strlen(c->id), c->id)
                       : snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: load\r\n%s\r\n", more);
    if (write(c->fd, text, (size_t)size) != size) {
        failed(c, errno == ECONNRESET || errno == EPIPE ? "reset-at-send" : "send");
        hang_up(c);
    }
}

static void answered(struct client *c) {
    long now = now_ms();
    if (!has_started) {
        has_started = 1;
        printf("started\n");
    } else if (now - last_answer > silence) {
        silence = now - last_answer;
    }
    if (now - c->sent_at > longest) longest = now - c->sent_at;
    last_answer = now;
    request_count++;
    if (is_post && ids) fprintf(ids, "%s\n", c->id);
}

/* Looks whether the answer is whole. */
static void look(struct client *c) {
    c->buffer[c->used] = 0;
    char *end = strstr(c->buffer, "\r\n\r\n");
    if (!end) return;
    size_t length = 0;
    int closes = is_closing;
    for (char *line = c->buffer; line && line < end; line = strstr(line, "\r\n")) {
        while (*line == '\r' || *line == '\n') line++;
        if (strncasecmp(line, "content-length:", 15) == 0) length = strtoul(line + 15, NULL, 10);
        if (strncasecmp(line, "connection: close", 17) == 0) closes = 1;
    }
    char *body = end + 4;
    if (c->used - (size_t)(body - c->buffer) < length) return;
    char kind[32];
    if (strncmp(c->buffer + 9, "200", 3) != 0) {
        snprintf(kind, sizeof kind, "status-%.3s", c->buffer + 9);
        failed(c, kind);
    } else if (is_post && (length != strlen(c->id) || memcmp(body, c->id, length) != 0)) {
        failed(c, "another-answer");
    } else {
        answered(c);
    }
    c->is_busy = 0;
    if (closes) hang_up(c);
    if (!rate) begin(c);
}

static void readable(struct client *c) {
    ssize_t got = read(c->fd, c->buffer + c->used, buffer_size - 1 - c->used);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (!c->is_busy) {
        if (got > 0) failed(c, "unasked");
        return hang_up(c);
    }
    if (got > 0) {
        c->used += (size_t)got;
        return look(c);
    }
    failed(c, got < 0 ? (errno == ECONNREFUSED ? "refused" : c->used ? "reset-in-answer" : "reset") : c->used ? "cut-off" : "closed");
    hang_up(c);
}

static void tell(const char *what, const struct client *clients, int connections) {
    int waiting = 0;
    for (int i = 0; i < connections; i++) waiting += clients[i].is_busy;
    printf("%srequests=%ld failed=%ld silence_ms=%ld max_ms=%ld waiting=%d last_failed_ms=%ld", what, request_count, failure_count, silence,
           longest, waiting, last_failed);
    for (int i = 0; i < kind_count; i++) printf(" %s=%ld", kinds[i].name, kinds[i].count);
    printf("\n");
    request_count = failure_count = silence = longest = last_failed = 0;
    kind_count = 0;
    memset(kinds, 0, sizeof kinds);
}

int main(int count, char **words) {
    if (count < 7) return fprintf(stderr, "usage: load ADDRESS PORT get|post keep|close CONNECTIONS SECONDS [IDS [RATE]]\n"), 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(words[2]))};
    if (inet_pton(AF_INET, words[1], &server.sin_addr) != 1) return fprintf(stderr, "load: %s is no IPv4 address\n", words[1]), 2;
    is_post = strcmp(words[3], "post") == 0;
    is_closing = strcmp(words[4], "close") == 0;
    int connections = atoi(words[5]);
    long end = atol(words[6]) * 1000;
    if (count > 7 && !(ids = fopen(words[7], "w"))) return perror(words[7]), 2;
    if (count > 8) rate = atol(words[8]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct client *clients = calloc((size_t)connections, sizeof *clients);
    for (int i = 0; i < connections; i++) clients[i].fd = -1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (!end) epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event);
    long started = now_ms(), looked = started;
    for (int open = 1; open || !is_ending;) {
        long now = now_ms();
        if (end && now - started >= end) is_ending = 1;
        open = 0;
        if (now - looked >= 5 || now == started || is_ending) {
            looked = now;
            for (int i = 0; i < connections; i++) {
                if (clients[i].is_busy && now - clients[i].sent_at > patience_ms) {
                    failed(&clients[i], "no-answer");
                    hang_up(&clients[i]);
                }
                if (is_ending && !clients[i].is_busy) hang_up(&clients[i]);
                if (clients[i].fd < 0 && !rate) begin(&clients[i]);
            }
        }
        for (int i = 0; rate && !is_ending && i < connections && begun_count < (now - started) * rate / 1000; i++) {
            if (clients[i].is_busy) continue;
            if (clients[i].fd >= 0 && is_over(&clients[i])) hang_up(&clients[i]);
            begin(&clients[i]);
        }
        for (int i = 0; i < connections; i++) open |= clients[i].fd >= 0;
        struct epoll_event events[256];
        int n = epoll_wait(poller, events, 256, rate ? 1 : 5);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (!c) {
                char byte;
                if (read(0, &byte, 1) > 0) {
                    if (byte == '\n') tell("mark ", clients, connections);
                } else {
                    is_ending = 1;
                    epoll_ctl(poller, EPOLL_CTL_DEL, 0, NULL);
                }
                continue;
            }
            if (c->fd < 0) continue;
            if (!c->is_connected) {
                int error = 0;
                socklen_t size = sizeof error;
                getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
                if (error) {
                    failed(c, error == ECONNREFUSED ? "refused" : error == ECONNRESET ? "reset-at-connect" : "connect");
                    hang_up(c);
                    continue;
                }
                c->is_connected = 1;
                event = (struct epoll_event){.events = EPOLLIN, .data.ptr = c};
                epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
                send_request(c);
            } else {
                readable(c);
            }
        }
    }
    if (ids) fclose(ids);
    tell("", clients, connections);
    return has_failed;
}
