/* loopback_http.c - see loopback_http.h. */
#include "service/loopback_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { TIMEOUT_SECONDS = 5, MAX_BODY = 8 << 20 };

static bool address_of(Str address, int port, struct sockaddr_in *ret_address) {
    char text[64];
    if (address.len == 0 || address.len >= sizeof text) {
        return false;
    }
    memcpy(text, address.data, address.len);
    text[address.len] = '\0';
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, text, &ret_address->sin_addr) == 1;
}

static int new_socket(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

int lh_free_port(Str address) {
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    int fd = new_socket();
    int port = 0;
    if (fd >= 0 && address_of(address, 0, &bound) && bind(fd, (struct sockaddr *)&bound, sizeof bound) == 0 &&
        getsockname(fd, (struct sockaddr *)&bound, &size) == 0) {
        port = ntohs(bound.sin_port);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return port;
}

static int connect_to(Str address, int port) {
    struct sockaddr_in target;
    int fd = new_socket();
    if (fd >= 0 && (!address_of(address, port, &target) || connect(fd, (struct sockaddr *)&target, sizeof target) != 0)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

bool lh_port_answers(Str address, int port) {
    int fd = connect_to(address, port);
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

bool lh_get(Arena *arena, Str address, int port, const char *path, Str *ret_body) {
    int fd = connect_to(address, port);
    /* 1.0: the answer ends where the connection does. */
    Str request = str_fmt(arena, "GET %s HTTP/1.0\r\nHost: %.*s:%d\r\n\r\n", path, STR_ARG(address), port);
    if (fd < 0) {
        return false;
    }
    bool ok = send(fd, request.data, request.len, MSG_NOSIGNAL) == (ssize_t)request.len;
    StrBuf answer = {.arena = arena};
    char chunk[8192];
    ssize_t got = 0;
    while (ok && answer.len < MAX_BODY && (got = recv(fd, chunk, sizeof chunk, 0)) > 0) {
        strbuf_add(&answer, (Str){chunk, (size_t)got});
    }
    (void)close(fd);
    Str text = strbuf_str(&answer);
    const char *blank = ok && got == 0 && text.len > 0 ? memmem(text.data, text.len, "\r\n\r\n", 4) : NULL;
    if (blank == NULL || text.len < 12 || memcmp(text.data + 8, " 200", 4) != 0) {
        return false;
    }
    *ret_body = str_slice(text, (size_t)(blank - text.data) + 4, text.len);
    return true;
}
