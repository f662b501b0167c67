/* The cheapest WebSocket server: every load generator gets the same messages, and none has to wait for Python.
 *
 * It obeys the part of the server contract that the comparison needs. In its environment: PUSHBENCH_PORT and
 * PUSHBENCH_INGEST_PORT (0: any), PUSHBENCH_NONCE, PUSHBENCH_TOKEN, PUSHBENCH_PARENT. It listens on 127.0.0.1 only,
 * prints the ready line, and accepts subscribers at /ws?topic=T like the variant `websocket`: a binary frame
 * {"cursor":"e:N"} first, then every text of the topic as one frame in one send, never two texts in one.
 * What a slow reader leaves unread is buffered up to BACKLOG bytes; then it is disconnected, which stderr reports.
 * It has no /health, no upstream and no resume. It is for `python -m bench generator` only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handshake.h"

enum { EVENTS = 256, TOPIC = 128, HEAD = 4096, LINE = TOPIC + 1 + (1 << 20), BACKLOG = 64 << 20, FRAME_HEADER = 10 };

enum kind { SUBSCRIBERS, INGEST, NEWCOMER, SUBSCRIBER, PUBLISHER };

struct connection {
    enum kind kind;
    int sock, trusted;                /* trusted: a publisher that has shown its token */
    char topic[TOPIC + 1];
    char *in;                         /* bytes read and not parsed yet */
    size_t in_have, in_room;
    char *out;                        /* bytes not sent yet: out[out_from..out_to) */
    size_t out_from, out_to, out_room;
    struct connection *next, **link;  /* the list of all subscribers */
};

static struct connection *subscribers;
static unsigned long long published;
static const char *token;
static int poll_fd;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void *grown(void *memory, size_t size)
{
    if (!(memory = realloc(memory, size)))
        fail("memory");
    return memory;
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

static void watch(struct connection *c, uint32_t events, int how)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poll_fd, how, c->sock, &event) < 0)
        fail("epoll_ctl");
}

static struct connection *opened(int sock, enum kind kind)
{
    struct connection *c = grown(NULL, sizeof *c);
    *c = (struct connection){.sock = sock, .kind = kind};
    watch(c, EPOLLIN, EPOLL_CTL_ADD);
    return c;
}

/* Ends a connection. `bury` frees its memory once no event of this round can point to it. */
static struct connection *ended;

static void end(struct connection *c)
{
    if (c->sock < 0)
        return;
    if (c->link && (*c->link = c->next))
        c->next->link = c->link;
    close(c->sock);
    c->sock = -1;
    c->next = ended, ended = c;
}

static void bury(void)
{
    while (ended) {
        struct connection *c = ended;
        ended = c->next;
        free(c->in), free(c->out), free(c);
    }
}

/* Sends, and buffers what the socket does not take. */
static void put(struct connection *c, const char *data, size_t size)
{
    if (c->out_from == c->out_to) {
        ssize_t sent = send(c->sock, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            end(c);
            return;
        }
        if (sent == (ssize_t)size)
            return;
        data += sent > 0 ? sent : 0, size -= sent > 0 ? (size_t)sent : 0;
        c->out_from = c->out_to = 0;
        watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    if (c->out_to - c->out_from + size > BACKLOG) {
        fprintf(stderr, "source: a reader was too slow and is dropped\n");
        end(c);
        return;
    }
    if (c->out_to + size > c->out_room) {
        if (c->out_from < c->out_to)
            memmove(c->out, c->out + c->out_from, c->out_to - c->out_from);
        c->out_to -= c->out_from, c->out_from = 0;
        while (c->out_to + size > c->out_room)
            c->out_room = c->out_room ? 2 * c->out_room : 65536;
        c->out = grown(c->out, c->out_room);
    }
    memcpy(c->out + c->out_to, data, size);
    c->out_to += size;
}

/* Sends buffered bytes: the socket is writable again. */
static void flush(struct connection *c)
{
    ssize_t sent = send(c->sock, c->out + c->out_from, c->out_to - c->out_from, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        end(c);
    else if (sent > 0 && (c->out_from += (size_t)sent) == c->out_to)
        watch(c, EPOLLIN, EPOLL_CTL_MOD);
}

static void publish(const char *topic, const char *text, size_t size)
{
    static char frame[FRAME_HEADER + LINE];
    size_t header = size < 126 ? 2 : size < 65536 ? 4 : 10;

    frame[0] = (char)0x81;
    frame[1] = (char)(size < 126 ? size : size < 65536 ? 126 : 127);
    for (size_t i = 2; i < header; i++)
        frame[i] = (char)(size >> 8 * (header - 1 - i));
    memcpy(frame + header, text, size);
    published++;
    for (struct connection *c = subscribers, *next; c; c = next) {
        next = c->next;
        if (!strcmp(c->topic, topic))
            put(c, frame, header + size);
    }
}

/* One line of the ingest, without its line feed. Returns 0 if the publisher must be disconnected. */
static int take_line(struct connection *c, char *line, size_t size)
{
    char *tab;
    if (!c->trusted)
        return c->trusted = size == strlen(token) && !memcmp(line, token, size);
    tab = memchr(line, '\t', size);
    if (!tab || tab == line || tab - line > TOPIC || size > LINE)
        return 0;
    *tab = 0;
    publish(line, tab + 1, size - (size_t)(tab + 1 - line));
    return 1;
}

static void take_lines(struct connection *c)
{
    char *from = c->in, *to = c->in + c->in_have, *newline;
    while ((newline = memchr(from, '\n', (size_t)(to - from)))) {
        if (!take_line(c, from, (size_t)(newline - from))) {
            fprintf(stderr, "source: a publisher without the token, or a line that is no message\n");
            end(c);
            return;
        }
        from = newline + 1;
    }
    c->in_have = (size_t)(to - from);
    memmove(c->in, from, c->in_have);
    if (c->in_have > LINE)
        end(c);
}

/* Once the request is complete: answers it and makes the connection a subscriber, or ends it. */
static void take_request(struct connection *c)
{
    static const char named[] = "GET /ws?topic=", keyed[] = "\r\nsec-websocket-key:";
    char answer[512], value[29], *key;
    size_t length;

    c->in[c->in_have] = 0;
    if (!strstr(c->in, "\r\n\r\n")) {
        if (c->in_have >= HEAD)
            end(c);
        return;
    }
    key = strcasestr(c->in, keyed);
    length = strncmp(c->in, named, sizeof named - 1) ? 0 : strcspn(c->in + sizeof named - 1, " &\r\n");
    if (key)
        key += sizeof keyed - 1, key += strspn(key, " \t");
    if (!length || length > TOPIC || !key || strcspn(key, " \t\r\n") != 24) {
        static const char refusal[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        send(c->sock, refusal, sizeof refusal - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        end(c);
        return;
    }
    memcpy(c->topic, c->in + sizeof named - 1, length);
    accept_value(key, value);
    free(c->in), c->in = NULL;
    length = (size_t)snprintf(answer, sizeof answer - 64,
                              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: %s\r\n\r\n", value);
    answer[length] = (char)0x82;
    answer[length + 1] = (char)snprintf(answer + length + 2, 62, "{\"cursor\":\"e:%llu\"}", published);
    c->kind = SUBSCRIBER;
    c->next = subscribers, c->link = &subscribers;
    if (subscribers)
        subscribers->link = &c->next;
    subscribers = c;
    put(c, answer, length + 2 + (size_t)answer[length + 1]);
}

static void take(struct connection *c)
{
    static char ignored[65536];
    ssize_t got;

    if (c->kind == SUBSCRIBER) { /* pongs and close frames: only the end matters */
        if ((got = recv(c->sock, ignored, sizeof ignored, MSG_DONTWAIT)) == 0 || (got < 0 && errno != EAGAIN))
            end(c);
        else if (got > 0 && (unsigned char)ignored[0] == 0x88)
            end(c);
        return;
    }
    if (!c->in)
        c->in_room = c->kind == PUBLISHER ? 2 * LINE : HEAD, c->in = grown(NULL, c->in_room + 1);
    got = recv(c->sock, c->in + c->in_have, c->in_room - c->in_have, MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            end(c);
        return;
    }
    c->in_have += (size_t)got;
    (c->kind == PUBLISHER ? take_lines : take_request)(c);
}

static int listener(const char *port_setting, int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    int one = 1, sock = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons((unsigned short)atoi(setting(port_setting, "0")));
    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* on Linux accepted sockets inherit it */
    if (sock < 0 || bind(sock, (struct sockaddr *)&at, sizeof at) < 0 || listen(sock, 4096) < 0)
        fail("listen");
    getsockname(sock, (struct sockaddr *)&at, &size);
    *port = ntohs(at.sin_port);
    return sock;
}

int main(void)
{
    struct epoll_event events[EVENTS];
    struct rlimit limit;
    int port, ingest_port, first, second;

    token = setting("PUSHBENCH_TOKEN", "");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (*setting("PUSHBENCH_PARENT", "") && getppid() != atoi(setting("PUSHBENCH_PARENT", "")))
        return fprintf(stderr, "source: the parent is gone already\n"), 1;
    if (!*token)
        return fprintf(stderr, "source: PUSHBENCH_TOKEN is not set\n"), 2;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    poll_fd = epoll_create1(0);
    first = listener("PUSHBENCH_PORT", &port), second = listener("PUSHBENCH_INGEST_PORT", &ingest_port);
    opened(first, SUBSCRIBERS), opened(second, INGEST);
    printf("{\"variant\": \"source\", \"pid\": %d, \"port\": %d, \"ingest_port\": %d, \"nonce\": \"%.64s\", "
           "\"broker_pid\": null}\n", (int)getpid(), port, ingest_port, setting("PUSHBENCH_NONCE", ""));
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(poll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->kind == SUBSCRIBERS || c->kind == INGEST) {
                int sock = accept(c->sock, NULL, NULL);
                if (sock >= 0)
                    opened(sock, c->kind == INGEST ? PUBLISHER : NEWCOMER);
                continue;
            }
            if (c->sock >= 0 && events[i].events & EPOLLOUT)
                flush(c);
            if (c->sock >= 0 && events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
                take(c);
        }
        bury();
    }
}
