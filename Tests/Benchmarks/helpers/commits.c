// Commits per second of a store, by clients that each wait for their answer: commits KIND ADDRESS CLIENTS SECONDS
//   steady      PUT of a ConfigMap with 1 KB of data, HTTP/1.1; ADDRESS is 127.0.0.1:PORT or a Unix socket's path
//   etcd        Put of a value of 1 KB over gRPC (HTTP/2 without TLS): etcd's own protocol
//   etcd-http   the same through etcd's JSON gateway
// One thread and one connection for each client, one request under way on each; keys rotate over 100 for each client. Prints commits per second,
// and the median and the 99th percentile of the latency in microseconds.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { keyCount = 100, valueSize = 1024, sampleLimit = 1 << 20 };

struct client {
    pthread_t thread;
    int number, socket;
    long count;
    uint32_t *samples;
    char input[65536];
    size_t inputCount;
    uint32_t stream;
    long windowUsed;
};

static const char *kind, *address;
static double deadline;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int connectTo(const char *text) {
    int fd;
    if (text[0] == '/') {
        struct sockaddr_un unixAddress = {.sun_family = AF_UNIX};
        strncpy(unixAddress.sun_path, text, sizeof unixAddress.sun_path - 1);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&unixAddress, sizeof unixAddress)) die(text);
        return fd;
    }
    char host[64];
    int port;
    if (sscanf(text, "%63[^:]:%d", host, &port) != 2) die(text);
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &tcp.sin_addr);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&tcp, sizeof tcp)) die(text);
    return fd;
}

static void sendAll(int fd, const void *bytes, size_t count) {
    for (const char *at = bytes; count > 0;) {
        ssize_t sent = send(fd, at, count, MSG_NOSIGNAL);
        if (sent <= 0) die("send");
        at += sent, count -= sent;
    }
}

static void more(struct client *c) {
    if (c->inputCount == sizeof c->input) { fprintf(stderr, "an answer is too long\n"); exit(1); }
    ssize_t got = recv(c->socket, c->input + c->inputCount, sizeof c->input - c->inputCount, 0);
    if (got <= 0) die("recv");
    c->inputCount += got;
}

static void drop(struct client *c, size_t count) {
    memmove(c->input, c->input + count, c->inputCount - count);
    c->inputCount -= count;
}

// MARK: HTTP/1.1

static void readAnswer(struct client *c) {
    for (;;) {
        char *end = memmem(c->input, c->inputCount, "\r\n\r\n", 4);
        if (!end) { more(c); continue; }
        int status = atoi(c->input + 9);
        size_t head = end + 4 - c->input, body = 0;
        char *length = memmem(c->input, head, "Content-Length: ", 16);
        if (length) {
            body = atol(length + 16);
            while (c->inputCount < head + body) more(c);
        } else {
            // Chunked; the last chunk is empty.
            while (!memmem(c->input + head - 2, c->inputCount - head + 2, "\r\n0\r\n\r\n", 7)) more(c);
            body = c->inputCount - head;
        }
        // A key that an earlier run made is as good.
        if (status / 100 != 2 && status != 409) {
            fprintf(stderr, "%.*s\n", (int)(head + body), c->input);
            exit(1);
        }
        drop(c, head + body);
        return;
    }
}

static void post(struct client *c, const char *method, const char *path, const char *body, size_t count) {
    char request[8192];
    int head = snprintf(
        request, sizeof request, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", method, path,
        address[0] == '/' ? "localhost" : address, count);
    memcpy(request + head, body, count);
    sendAll(c->socket, request, head + count);
    readAnswer(c);
}

static void fill(struct client *c, char *value) {
    // Never the same twice: a write that changes nothing is no commit.
    for (int i = 0; i < valueSize; i++) value[i] = 'a' + (c->count * 7 + i + c->number) % 26;
    char digits[24];
    memcpy(value, digits, snprintf(digits, sizeof digits, "%012ld", c->count));
}

static void steadyPut(struct client *c, const char *method) {
    char value[valueSize + 1], body[4096], path[256];
    fill(c, value);
    value[valueSize] = 0;
    int key = c->count % keyCount;
    int count = snprintf(
        body, sizeof body, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"bench-%d-%d\"},\"data\":{\"value\":\"%s\"}}", c->number,
        key, value);
    const char *all = "/api/v1/namespaces/default/configmaps";
    if (method[1] == 'O') snprintf(path, sizeof path, "%s", all);
    else snprintf(path, sizeof path, "%s/bench-%d-%d", all, c->number, key);
    post(c, method, path, body, count);
}

static size_t base64(const char *in, size_t count, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (size_t i = 0; i < count; i += 3) {
        uint32_t word = (uint8_t)in[i] << 16 | (i + 1 < count ? (uint8_t)in[i + 1] << 8 : 0) | (i + 2 < count ? (uint8_t)in[i + 2] : 0);
        out[at++] = digits[word >> 18], out[at++] = digits[word >> 12 & 63];
        out[at++] = i + 1 < count ? digits[word >> 6 & 63] : '=', out[at++] = i + 2 < count ? digits[word & 63] : '=';
    }
    return at;
}

static void gatewayPut(struct client *c) {
    char value[valueSize], key[64], body[4096] = "{\"key\":\"";
    fill(c, value);
    size_t at = strlen(body);
    at += base64(key, snprintf(key, sizeof key, "bench-%d-%ld", c->number, c->count % keyCount), body + at);
    at += sprintf(body + at, "\",\"value\":\"");
    at += base64(value, valueSize, body + at);
    at += sprintf(body + at, "\"}");
    post(c, "POST", "/v3/kv/put", body, at);
}

// MARK: gRPC: as much of HTTP/2 (RFC 9113) as one request at a time needs

static size_t frame(uint8_t *out, size_t count, int type, int flags, uint32_t stream) {
    out[0] = count >> 16, out[1] = count >> 8, out[2] = count, out[3] = type, out[4] = flags;
    stream = htonl(stream);
    memcpy(out + 5, &stream, 4);
    return count + 9;
}

static void grpcBegin(struct client *c) {
    // The largest stream window, so that no answer waits for us; and a connection window as large.
    uint8_t out[128] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    size_t at = 24;
    uint8_t settings[6] = {0, 4, 0x7F, 0xFF, 0xFF, 0xFF};
    memcpy(out + at + 9, settings, 6);
    at += frame(out + at, 6, 4, 0, 0);
    uint8_t increment[4] = {0x3F, 0xFF, 0xFF, 0xFF};
    memcpy(out + at + 9, increment, 4);
    at += frame(out + at, 4, 8, 0, 0);
    sendAll(c->socket, out, at);
    c->stream = 1;
    c->windowUsed = 65535;
}

static void grpcRead(struct client *c, uint32_t stream, int wantsWindow) {
    for (;;) {
        while (c->inputCount < 9) more(c);
        uint8_t *in = (uint8_t *)c->input;
        size_t count = in[0] << 16 | in[1] << 8 | in[2];
        while (c->inputCount < 9 + count) more(c);
        int type = in[3], flags = in[4];
        uint32_t which;
        memcpy(&which, in + 5, 4);
        which = ntohl(which) & 0x7FFFFFFF;
        uint8_t answer[32];
        if (type == 4 && !(flags & 1)) sendAll(c->socket, answer, frame(answer, 0, 4, 1, 0));
        if (type == 6 && !(flags & 1)) {
            memcpy(answer + 9, in + 9, 8);
            sendAll(c->socket, answer, frame(answer, 8, 6, 1, 0));
        }
        if (type == 8 && which == 0) {
            uint32_t increment;
            memcpy(&increment, in + 9, 4);
            c->windowUsed += ntohl(increment);
        }
        if (type == 7 || type == 3) { fprintf(stderr, "the server broke off (frame type %d)\n", type); exit(1); }
        int isOver = which == stream && (type == 1 || type == 0) && flags & 1;
        drop(c, 9 + count);
        if (isOver || (wantsWindow && c->windowUsed > 4096)) return;
    }
}

static size_t header(uint8_t *out, const char *name, const char *value) {
    // A literal that is not indexed and not compressed (RFC 7541, 6.2.2).
    size_t n = strlen(name), v = strlen(value), at = 0;
    out[at++] = 0, out[at++] = n;
    memcpy(out + at, name, n), at += n;
    out[at++] = v;
    memcpy(out + at, value, v);
    return at + v;
}

static void grpcPut(struct client *c) {
    char value[valueSize], key[64];
    fill(c, value);
    size_t keySize = snprintf(key, sizeof key, "bench-%d-%ld", c->number, c->count % keyCount);
    uint8_t out[4096];
    size_t at = 9;
    at += header(out + at, ":method", "POST"), at += header(out + at, ":scheme", "http");
    at += header(out + at, ":path", "/etcdserverpb.KV/Put"), at += header(out + at, ":authority", "localhost");
    at += header(out + at, "content-type", "application/grpc"), at += header(out + at, "te", "trailers");
    frame(out, at - 9, 1, 4, c->stream);
    uint8_t *data = out + at;
    size_t d = 14;
    data[d++] = 0x0A, data[d++] = keySize;
    memcpy(data + d, key, keySize), d += keySize;
    data[d++] = 0x12, data[d++] = (valueSize & 127) | 128, data[d++] = valueSize >> 7;
    memcpy(data + d, value, valueSize), d += valueSize;
    uint32_t size = htonl(d - 14);
    data[9] = 0;
    memcpy(data + 10, &size, 4);
    frame(data, d - 9, 0, 1, c->stream);
    if (c->windowUsed < 4096) grpcRead(c, 0, 1);
    c->windowUsed -= d - 9;
    sendAll(c->socket, out, at + d);
    grpcRead(c, c->stream, 0);
    c->stream += 2;
}

// MARK: Clients

static void *run(void *argument) {
    struct client *c = argument;
    c->socket = connectTo(address);
    int isSteady = !strcmp(kind, "steady"), isGRPC = !strcmp(kind, "etcd");
    if (isGRPC) grpcBegin(c);
    if (isSteady) {
        for (; c->count < keyCount; c->count++) steadyPut(c, "POST");
    }
    long first = c->count, samples = 0;
    while (now() < deadline) {
        double start = now();
        if (isSteady) steadyPut(c, "PUT");
        else if (isGRPC) grpcPut(c);
        else gatewayPut(c);
        if (samples < sampleLimit) c->samples[samples++] = (now() - start) * 1e6;
        c->count++;
    }
    c->count -= first;
    return NULL;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int main(int count, char **arguments) {
    if (count != 5) { fprintf(stderr, "commits steady|etcd|etcd-http ADDRESS CLIENTS SECONDS\n"); return 2; }
    kind = arguments[1], address = arguments[2];
    int clientCount = atoi(arguments[3]);
    double seconds = atof(arguments[4]), start = now();
    deadline = start + seconds;
    struct client *clients = calloc(clientCount, sizeof *clients);
    for (int i = 0; i < clientCount; i++) {
        clients[i].number = i;
        clients[i].samples = malloc(sampleLimit * sizeof(uint32_t));
        if (pthread_create(&clients[i].thread, NULL, run, &clients[i])) die("thread");
    }
    long total = 0;
    uint32_t *all = malloc((size_t)clientCount * sampleLimit * sizeof(uint32_t));
    for (int i = 0; i < clientCount; i++) {
        pthread_join(clients[i].thread, NULL);
        long kept = clients[i].count < sampleLimit ? clients[i].count : sampleLimit;
        memcpy(all + total, clients[i].samples, kept * sizeof(uint32_t));
        total += kept;
    }
    double taken = now() - start;
    qsort(all, total, sizeof *all, ascending);
    if (total == 0) return 1;
    printf("%.0f %u %u\n", total / taken, all[total / 2], all[total * 99 / 100]);
    return 0;
}
