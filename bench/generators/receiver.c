/* The physical floor: one process, one epoll, one recv per readiness, and frames that are only counted.
 *
 *     receiver PORT TOPIC SUBSCRIBERS
 *
 * Subscribes over plain WebSocket and prints, ten times a second, {"t": monotonic ns, "connected": n, "received": n}.
 * Only text frames (RFC 6455, opcode 1, unmasked, final) count. The time of every receipt is recorded, as in ours.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 128, BUFFER = 65536, KEPT = 1 << 20, HEADER = 10 };

struct connection {
    long long left;              /* bytes of the current frame still to come */
    int have;                    /* bytes of a header that is not complete yet */
    unsigned char header[HEADER];
};

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* The size of the header that begins with these bytes, or 0 while it is unknown. */
static int header_size(const unsigned char *h, int have)
{
    if (have < 2)
        return 0;
    return h[1] < 126 ? 2 : h[1] == 126 ? 4 : 10;
}

static long long payload_size(const unsigned char *h)
{
    long long size = 0;
    if (h[1] < 126)
        return h[1];
    for (int i = 2; i < (h[1] == 126 ? 4 : 10); i++)
        size = size << 8 | h[i];
    return size;
}

/* The number of text frames whose header these bytes complete. */
static int count_texts(struct connection *c, const unsigned char *data, long long size)
{
    int texts = 0;
    while (size > 0) {
        if (c->left > 0) {
            long long step = c->left < size ? c->left : size;
            c->left -= step, data += step, size -= step;
            continue;
        }
        c->header[c->have++] = *data++, size--;
        if (c->have == header_size(c->header, c->have)) {
            texts += c->header[0] == 0x81;
            c->left = payload_size(c->header);
            c->have = 0;
        }
    }
    return texts;
}

/* A subscribed socket. `early` gets the bytes that follow the answer to the handshake. */
static int subscribe(int port, const char *topic, unsigned char *early, long long *early_size)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    char request[512];
    int one = 1, sock = socket(AF_INET, SOCK_STREAM, 0);
    long long size = 0;
    char *end = NULL;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof to) < 0)
        fail("connect");
    snprintf(request, sizeof request,
             "GET /ws?topic=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", topic, port);
    if (write(sock, request, strlen(request)) < 0)
        fail("write");
    while (!end && size < BUFFER - 1) {
        long long got = recv(sock, early + size, BUFFER - 1 - size, 0);
        if (got <= 0)
            fail("handshake");
        size += got;
        early[size] = 0;
        end = strstr((char *)early, "\r\n\r\n");
    }
    if (!end || strncmp((char *)early, "HTTP/1.1 101", 12))
        fail("handshake");
    *early_size = size - ((unsigned char *)end + 4 - early);
    memmove(early, end + 4, *early_size);
    return sock;
}

long long kept[KEPT]; /* never read. It is not static, so that the compiler does not remove the writes */

int main(int argc, char **argv)
{
    static unsigned char buffer[BUFFER];
    struct epoll_event events[EVENTS];
    struct rlimit limit;
    long long received = 0, next;
    int port, subscribers, poll;
    struct connection *connections;

    if (argc != 4)
        return fprintf(stderr, "usage: receiver PORT TOPIC SUBSCRIBERS\n"), 2;
    port = atoi(argv[1]), subscribers = atoi(argv[3]);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    connections = calloc((size_t)subscribers + 64, sizeof *connections); /* by descriptor */
    poll = epoll_create1(0);
    for (int i = 0; i < subscribers; i++) {
        long long early;
        int sock = subscribe(port, argv[2], buffer, &early);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = sock};
        if (sock >= subscribers + 64)
            return fprintf(stderr, "descriptor out of range\n"), 1;
        received += count_texts(&connections[sock], buffer, early);
        epoll_ctl(poll, EPOLL_CTL_ADD, sock, &event);
    }
    for (next = now_ns();;) {
        int ready = epoll_wait(poll, events, EVENTS, 100);
        for (int i = 0; i < ready; i++) {
            long long got = recv(events[i].data.fd, buffer, BUFFER, 0);
            if (got <= 0)
                return fprintf(stderr, "closed by the server\n"), 1;
            int texts = count_texts(&connections[events[i].data.fd], buffer, got);
            long long stamp = now_ns();
            while (texts--)
                kept[received++ % KEPT] = stamp;
        }
        if (now_ns() >= next) {
            printf("{\"t\": %lld, \"connected\": %d, \"received\": %lld}\n", now_ns(), subscribers, received);
            fflush(stdout);
            next += 100000000;
        }
    }
}
