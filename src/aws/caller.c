/* caller.c - see caller.h. */
#include "aws/caller.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <string.h>

/* gnutls_protocol_t, as libmicrohttpd hands it on. */
enum { TLS_1_0 = 2, TLS_1_1 = 3, TLS_1_2 = 4, TLS_1_3 = 5 };

static const char *tls_version(int protocol) {
    return protocol == TLS_1_3   ? "1.3"
           : protocol == TLS_1_2 ? "1.2"
           : protocol == TLS_1_1 ? "1.1"
           : protocol == TLS_1_0 ? "1.0"
                                 : NULL;
}

/* An IPv4 address that came over an IPv6 socket is an IPv4 address. */
static Str address_text(Arena *arena, const struct sockaddr *address, bool *ret_is_loopback) {
    char text[INET6_ADDRSTRLEN] = "";
    const unsigned char *v4 = NULL;
    *ret_is_loopback = false;
    if (address->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        v4 = IN6_IS_ADDR_V4MAPPED(v6) ? v6->s6_addr + 12 : NULL;
        *ret_is_loopback = IN6_IS_ADDR_LOOPBACK(v6);
        if (v4 == NULL) {
            (void)inet_ntop(AF_INET6, v6, text, sizeof text);
        }
    } else if (address->sa_family == AF_INET) {
        v4 = (const unsigned char *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    }
    if (v4 != NULL) {
        *ret_is_loopback = v4[0] == 127;
        (void)inet_ntop(AF_INET, v4, text, sizeof text);
    }
    return str_copy(arena, str_from_c(text));
}

void aws_caller_read(AwsRequest *request, struct MHD_Connection *connection) {
    AwsCaller *caller = &request->caller;
    bool is_loopback = false;
    const union MHD_ConnectionInfo *address = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (address != NULL && address->client_addr != NULL) {
        caller->address = address_text(request->arena, address->client_addr, &is_loopback);
    }
    const union MHD_ConnectionInfo *protocol = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_PROTOCOL);
    caller->tls_version = protocol == NULL ? NULL : tls_version(protocol->protocol);
    caller->is_sheltered = is_loopback || protocol != NULL;
    caller->user_agent = aws_header(request, "user-agent");
    caller->referer = aws_header(request, "referer");
    caller->content_sha256 = aws_header(request, "x-amz-content-sha256");
}
