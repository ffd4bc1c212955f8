/* server.c - HTTP by libmicrohttpd: the gateway's chain, and one log line a request.
 *
 * A thread a connection: a handler may block. The chain is visible in `begin` (limits, route, authentication where the headers suffice, the body's
 * place), `take` (the body) and `end` (authentication where the body is signed, decode, check, authorization, handler, encode). A request that is refused early is read to its end
 * before the answer goes out, so that the client gets to read it; one that asked first (Expect: 100-continue) is answered at once.
 * Invariant: every request ends in exactly one answer, one log line and one count.
 */
#include "aws/body.h"
#include "aws/caller.h"
#include "aws/connections.h"
#include "aws/metrics.h"
#include "aws/post_form.h"
#include "aws/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_CONNECTIONS = 1024,
    CONNECTION_BYTES = 160 * 1024, /* of which headers and what is read of a body at once are part; the library clears all of it behind each request */
    MOST_HEADER_BYTES = 64 * 1024,
    MOST_HEADERS = 2000,
    MOST_DRAINED = 64 * 1024 * 1024,
    LEAST_BYTES_A_SECOND = 1024 /* of a body, on the average after the idle timeout */
};

struct AwsServer {
    Arena *arena;
    AwsConfig config;
    struct MHD_Daemon *daemon;
    struct MHD_Daemon *own_daemon; /* with TLS: loopback without it, for what this machine itself starts; else NULL */
    AwsTls tls;
    AwsConnections *connections;
    AwsPatterns *patterns;
    AwsCounters *counters;
    int port, own_port;
    atomic_int running; /* requests under way */
    atomic_bool is_stopping;
};

/* One request on its connection. */
typedef struct Exchange {
    Arena *arena;
    AwsServer *server;
    AwsRequest request;
    AwsBody *body;
    Err err;         /* set: refused; the rest of the body is drained */
    AwsConnection *connection;
    bool has_begun, is_authentic, is_answered, is_too_slow;
    int64_t bytes_in, drained, bytes_out;
    int status;
    Str request_id;
    Str error_code;
    struct timespec started;
} Exchange;

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static double wall_clock(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the beginning of a request ---- */

/* libmicrohttpd decodes paths; signatures and keys need them as they came. */
static void *take_uri(void *self, const char *uri, struct MHD_Connection *connection) {
    (void)connection;
    Arena *arena = arena_new();
    Exchange *exchange = ARENA_NEW(arena, Exchange);
    exchange->arena = arena;
    exchange->server = self;
    (void)clock_gettime(CLOCK_MONOTONIC, &exchange->started);
    AwsRequest *request = &exchange->request;
    request->arena = arena;
    request->domain = exchange->server->config.domain;
    request->headers.arena = arena;
    request->query.arena = arena;
    Str whole = str_copy(arena, str_from_c(uri));
    bool is_https = str_starts_with(whole, STR("https://"));
    if (is_https || str_starts_with(whole, STR("http://"))) { /* absolute form, through a proxy */
        size_t scheme = is_https ? 8 : 7;
        const char *slash = memchr(whole.data + scheme, '/', whole.len - scheme);
        whole = slash == NULL ? STR("/") : str_slice(whole, (size_t)(slash - whole.data), whole.len);
    }
    const char *mark = memchr(whole.data, '?', whole.len);
    size_t at = mark == NULL ? whole.len : (size_t)(mark - whole.data);
    request->raw_path = str_slice(whole, 0, at);
    request->raw_query = str_slice(whole, at + 1, whole.len);
    (void)atomic_fetch_add(&exchange->server->running, 1);
    return exchange;
}

static enum MHD_Result take_header(void *self, enum MHD_ValueKind kind, const char *key, const char *value) {
    AwsRequest *request = self;
    (void)kind;
    VEC_PUSH(&request->headers, (AwsPair){str_lower(request->arena, str_from_c(key)), str_copy(request->arena, str_from_c(value))});
    return MHD_YES;
}

static bool make_request_id(Exchange *exchange) {
    unsigned char bytes[16];
    char hex[33];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return err_set(&exchange->err, ERR_INTERNAL, "no random numbers: %s", strerror(errno));
    }
    aws_hex(bytes, sizeof bytes, hex);
    exchange->request_id = str_fmt(exchange->arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return true;
}

static bool streams_in(const AwsOperation *operation) {
    const AwsShape *shape = operation == NULL ? NULL : aws_shape(operation->input);
    const AwsMember *payload = shape == NULL || shape->payload == NULL ? NULL : aws_member_find(shape, str_from_c(shape->payload));
    return payload != NULL && payload->is_streaming;
}

static bool check_limits(Exchange *exchange) {
    const AwsRequest *request = &exchange->request;
    size_t bytes = 0;
    for (size_t i = 0; i < request->headers.count; i++) {
        bytes += request->headers.items[i].name.len + request->headers.items[i].value.len;
    }
    int64_t length = 0;
    Str announced = aws_header(request, "content-length");
    if (bytes > MOST_HEADER_BYTES || request->headers.count > MOST_HEADERS) {
        return err_set(&exchange->err, "RequestEntityTooLarge", "the request's headers are more than %d or longer than %d bytes", MOST_HEADERS,
                       MOST_HEADER_BYTES);
    }
    if (!streams_in(request->operation) && str_to_i64(announced, &length) && length > AWS_MOST_IN_MEMORY) {
        return err_set(&exchange->err, "RequestEntityTooLarge", "the body is longer than %d bytes", AWS_MOST_IN_MEMORY);
    }
    if (atomic_load(&exchange->server->is_stopping)) {
        return err_set(&exchange->err, "ServiceUnavailable", "the server is stopping");
    }
    return true;
}

static bool not_supported(Exchange *exchange) {
    const AwsRequest *request = &exchange->request;
    const char *code = request->service->protocol == AWS_JSON ? "UnknownOperationException" : request->service->protocol == AWS_QUERY ? "InvalidAction" : "NotImplemented";
    if (request->operation == NULL) {
        return err_set(&exchange->err, code, "%s has no such operation", request->service->name);
    }
    return err_set(&exchange->err, code, "%s %s is not supported by Solder yet", request->service->name, request->operation->name);
}

static bool is_s3(const Exchange *exchange) {
    return exchange->request.service != NULL && exchange->request.service->protocol == AWS_REST_XML;
}

/* A browser's question: it is answered without a signature, since browsers can't sign it. */
static bool is_preflight(const Exchange *exchange) {
    return is_s3(exchange) && str_eq_c(exchange->request.method, "OPTIONS");
}

static void begin(Exchange *exchange, struct MHD_Connection *connection) {
    AwsRequest *request = &exchange->request;
    const AwsConfig *config = &exchange->server->config;
    aws_parse_query(request);
    aws_caller_read(request, connection);
    if (!aws_route(request, &exchange->err) || !check_limits(exchange) || is_preflight(exchange)) {
        return;
    }
    if (!request->is_form && !aws_signs_body(request)) {
        if (!aws_authenticate(request, config, STR(""), wall_clock(), &exchange->err)) {
            return;
        }
        exchange->is_authentic = true;
    }
    bool is_known_later = request->service->protocol == AWS_QUERY;
    if (!is_known_later && (request->operation == NULL || !request->operation->is_supported)) {
        (void)not_supported(exchange);
        return;
    }
    exchange->body = aws_body_open(request, config, streams_in(request->operation), &exchange->err);
}

/* ---- the end of a request ---- */

/* No handler is called before this: what nothing allows to a caller without a key is refused. */
static bool may_call(const AwsConfig *config, const AwsRequest *request, AwsCall *call, Err *err) {
    if (config->no_auth) {
        return true;
    }
    call->caller = &request->caller;
    if (request->service->protocol == AWS_REST_XML && config->authorize != NULL) {
        return config->authorize(config->services, call, err);
    }
    return !request->caller.is_anonymous || err_set(err, "AccessDenied", "Access Denied");
}

static bool run_handler(Exchange *exchange, AwsCall *call, AwsAnswer *answer) {
    AwsRequest *request = &exchange->request;
    const AwsConfig *config = &exchange->server->config;
    yyjson_mut_val *input = NULL;
    if (!aws_decode(request, call->doc, &input, &exchange->err)) {
        return false;
    }
    AwsHandler handler = request->operation->is_supported
                             ? config->find_handler(str_from_c(request->service->name), str_from_c(request->operation->name))
                             : NULL;
    if (handler == NULL) {
        return not_supported(exchange);
    }
    /* Handlers and the check read the immutable form. */
    yyjson_doc *decoded = yyjson_mut_val_imut_copy(input, NULL);
    if (decoded == NULL) {
        return err_set(&exchange->err, "SerializationException", "the request holds text that is not UTF-8");
    }
    call->input = yyjson_doc_get_root(decoded);
    call->operation = request->operation;
    call->access_key = request->access_key; /* known since the signature was checked, which for signed bodies is just now */
    call->upload = request->has_upload ? &request->upload : NULL;
    bool ok = aws_check(exchange->server->patterns, request, call->input, &exchange->err) && may_call(config, request, call, &exchange->err) &&
              handler(config->services, call, &exchange->err);
    if (ok) {
        aws_encode(request, call, answer);
        if (request->is_form) {
            aws_form_answer(request, answer);
        }
    }
    yyjson_doc_free(decoded);
    return ok;
}

static bool check_body(Exchange *exchange) {
    AwsRequest *request = &exchange->request;
    if (exchange->err.is_set || !aws_body_finish(exchange->body, &exchange->err)) {
        return false;
    }
    if (request->is_form) {
        return aws_form_apply(request, &exchange->server->config, request->upload.size, wall_clock(), &exchange->err);
    }
    return exchange->is_authentic ||
           aws_authenticate(request, &exchange->server->config, aws_body_sha256(exchange->body), wall_clock(), &exchange->err);
}

/* Never called: a HEAD's answer ends with its headers. */
static ssize_t no_bytes(void *self, uint64_t at, char *buffer, size_t size) {
    (void)self;
    (void)at;
    (void)buffer;
    (void)size;
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* The length that a HEAD's answer announces, of what a GET would send: the library takes it from the response alone. */
static bool announced_length(const Exchange *exchange, const AwsAnswer *answer, int64_t *ret_length) {
    bool is_head = str_eq_c(exchange->request.method, "HEAD");
    for (size_t i = 0; is_head && i < answer->headers.count; i++) {
        if (str_eq_nocase(answer->headers.items[i].name, STR("Content-Length"))) {
            return str_to_i64(answer->headers.items[i].value, ret_length) && *ret_length > 0;
        }
    }
    return false;
}

static struct MHD_Response *make_response(Exchange *exchange, AwsAnswer *answer) {
    int fd = -1;
    int64_t length = 0;
    if (announced_length(exchange, answer, &length)) {
        return MHD_create_response_from_callback((uint64_t)length, 1, no_bytes, NULL, NULL);
    }
    if (answer->download.path.len > 0) {
        fd = open(str_to_c(exchange->arena, answer->download.path), O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            (void)err_set(&exchange->err, ERR_IO, "%.*s: %s", STR_ARG(answer->download.path), strerror(errno));
            aws_encode_error(&exchange->request, exchange->request_id, NULL, &exchange->err, answer);
        } else if (answer->download.size > 0) {
            exchange->bytes_out = answer->download.size;
            return MHD_create_response_from_fd_at_offset64((uint64_t)answer->download.size, fd, (uint64_t)answer->download.offset);
        } else {
            (void)close(fd);
        }
    }
    exchange->bytes_out = (int64_t)answer->body.len;
    return MHD_create_response_from_buffer(answer->body.len, (void *)(uintptr_t)answer->body.data, MHD_RESPMEM_MUST_COPY);
}

/* ---- CORS ---- */

static void add_cors_header(AwsAnswer *answer, Str name, Str value) {
    if (value.len > 0) {
        VEC_PUSH(&answer->headers, (AwsPair){name, value});
    }
}

/* What the bucket's rules say of the request's origin, as headers. false: nothing; *ret_cors then says why. */
static bool add_cors(const Exchange *exchange, Str method, bool is_preflight_answer, AwsAnswer *answer, AwsCorsAnswer *ret_cors) {
    const AwsRequest *request = &exchange->request;
    const AwsConfig *config = &exchange->server->config;
    AwsCorsQuestion question = {.bucket = request->bucket,
                                .origin = aws_header(request, "origin"),
                                .method = method,
                                .headers = aws_header(request, "access-control-request-headers")};
    *ret_cors = (AwsCorsAnswer){.refusal = "Insufficient information. Origin request header needed."};
    if (config->cors == NULL || question.origin.len == 0 || question.bucket.len == 0 || !config->cors(config->services, exchange->arena, &question, ret_cors)) {
        return false;
    }
    add_cors_header(answer, STR("Access-Control-Allow-Origin"), ret_cors->origin);
    add_cors_header(answer, STR("Access-Control-Allow-Methods"), ret_cors->methods);
    add_cors_header(answer, STR("Access-Control-Expose-Headers"), ret_cors->exposed);
    add_cors_header(answer, STR("Access-Control-Allow-Credentials"), ret_cors->allows_credentials ? STR("true") : STR(""));
    if (is_preflight_answer) {
        add_cors_header(answer, STR("Access-Control-Allow-Headers"), ret_cors->headers);
        add_cors_header(answer, STR("Access-Control-Max-Age"), ret_cors->max_age);
    }
    add_cors_header(answer, STR("Vary"), STR("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
    return true;
}

static enum MHD_Result send_answer(Exchange *exchange, struct MHD_Connection *connection, AwsAnswer *answer) {
    struct MHD_Response *response = make_response(exchange, answer);
    if (response == NULL) {
        return MHD_NO;
    }
    AwsCorsAnswer cors;
    if (is_s3(exchange) && !is_preflight(exchange) && aws_has_header(&exchange->request, "origin")) {
        (void)add_cors(exchange, exchange->request.method, false, answer, &cors);
    }
    (void)MHD_add_response_header(response, is_s3(exchange) ? "x-amz-request-id" : "x-amzn-RequestId", exchange->request_id.data);
    (void)MHD_add_response_header(response, "Server", is_s3(exchange) ? "AmazonS3" : "Solder");
    if (answer->content_type != NULL) {
        (void)MHD_add_response_header(response, "Content-Type", answer->content_type);
    }
    for (size_t i = 0; i < answer->headers.count; i++) {
        const AwsPair *header = &answer->headers.items[i];
        if (!str_eq_nocase(header->name, STR("Content-Length"))) {
            (void)MHD_add_response_header(response, header->name.data, header->value.data);
        }
    }
    exchange->status = answer->status;
    exchange->is_answered = true;
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(Exchange *exchange, struct MHD_Connection *connection, const AwsCall *call) {
    AwsAnswer answer;
    if (strncmp(exchange->err.code, "SOLDER.", 7) == 0) {
        fprintf(stderr, "solder: %.*s: %s: %s\n", STR_ARG(exchange->request_id), exchange->err.code, exchange->err.message);
    }
    exchange->error_code = str_copy(exchange->arena, str_from_c(exchange->err.code));
    aws_encode_error(&exchange->request, exchange->request_id, call, &exchange->err, &answer);
    return send_answer(exchange, connection, &answer);
}

static enum MHD_Result answer_preflight(Exchange *exchange, struct MHD_Connection *connection) {
    AwsAnswer answer = {.status = 200, .headers = {.arena = exchange->arena}};
    Str method = aws_header(&exchange->request, "access-control-request-method");
    AwsCorsAnswer cors;
    if (method.len == 0 || !add_cors(exchange, method, true, &answer, &cors)) {
        (void)err_set(&exchange->err, method.len == 0 ? "BadRequest" : "AccessForbidden", "%s",
                      method.len == 0 ? "Insufficient information. Origin request header needed." : cors.refusal);
        return refuse(exchange, connection, NULL);
    }
    return send_answer(exchange, connection, &answer);
}

static enum MHD_Result end(Exchange *exchange, struct MHD_Connection *connection) {
    AwsCall call = {.arena = exchange->arena,
                    .account = exchange->server->config.account,
                    .region = exchange->server->config.region,
                    .request_id = exchange->request_id,
                    .host = aws_header(&exchange->request, "host"),
                    .doc = yyjson_mut_doc_new(NULL)};
    AwsAnswer answer;
    if (is_preflight(exchange)) {
        yyjson_mut_doc_free(call.doc);
        return answer_preflight(exchange, connection);
    }
    call.output = yyjson_mut_obj(call.doc);
    bool ok = call.output != NULL || err_set(&exchange->err, ERR_INTERNAL, "no memory for an answer");
    ok = ok && check_body(exchange) && run_handler(exchange, &call, &answer);
    enum MHD_Result result = ok ? send_answer(exchange, connection, &answer) : refuse(exchange, connection, &call);
    yyjson_mut_doc_free(call.doc);
    return result;
}

/* ---- /health, /metrics ---- */

static bool is_own_page(const Exchange *exchange) {
    return str_eq_c(exchange->request.method, "GET") &&
           (str_eq_c(exchange->request.raw_path, "/health") || str_eq_c(exchange->request.raw_path, "/metrics"));
}

static enum MHD_Result answer_own_page(Exchange *exchange, struct MHD_Connection *connection) {
    const AwsConfig *config = &exchange->server->config;
    AwsAnswer answer = {.status = 200, .content_type = "application/json", .headers = {.arena = exchange->arena}};
    exchange->request_id = STR("-");
    answer.body = STR("{\"status\": \"ok\"}\n");
    if (str_eq_c(exchange->request.raw_path, "/metrics")) {
        Str more = config->metrics == NULL ? STR("") : config->metrics(config->services, exchange->arena);
        answer.body = str_fmt(exchange->arena, "%.*s# HELP solder_connections Open connections.\n# TYPE solder_connections gauge\nsolder_connections %zu\n%.*s",
                              STR_ARG(aws_counters_text(exchange->server->counters, exchange->arena)),
                              aws_connections_count(exchange->server->connections), STR_ARG(more));
        answer.content_type = "text/plain; version=0.0.4";
    }
    return send_answer(exchange, connection, &answer);
}

/* ---- libmicrohttpd's callbacks ---- */

/* A body that trickles in holds a thread: no answer can go out before its end, so the connection ends. */
static bool is_too_slow(const Exchange *exchange) {
    double late = seconds_since(&exchange->started) - exchange->server->config.idle_seconds;
    return late > 0 && (double)exchange->bytes_in < late * LEAST_BYTES_A_SECOND;
}

static enum MHD_Result take(Exchange *exchange, Str bytes) {
    exchange->bytes_in += (int64_t)bytes.len;
    if (is_too_slow(exchange)) {
        exchange->is_too_slow = true;
        return MHD_NO;
    }
    if (!exchange->err.is_set && exchange->body != NULL) {
        (void)aws_body_take(exchange->body, bytes, &exchange->err);
        return MHD_YES;
    }
    exchange->drained += (int64_t)bytes.len;
    return exchange->drained <= MOST_DRAINED ? MHD_YES : MHD_NO;
}

static enum MHD_Result handle(void *self, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *data,
                              size_t *size, void **state) {
    Exchange *exchange = *state;
    (void)self;
    (void)url;
    (void)version;
    if (exchange == NULL) {
        return MHD_NO;
    }
    if (!exchange->has_begun) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        exchange->connection = info == NULL ? NULL : info->socket_context;
        aws_connection_busy(exchange->server->connections, exchange->connection, true);
        exchange->has_begun = true;
        exchange->request.method = str_copy(exchange->arena, str_from_c(method));
        (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header, &exchange->request);
        if (!make_request_id(exchange) || !aws_check_framing(&exchange->request, &exchange->err)) {
            return refuse(exchange, connection, NULL); /* and the connection ends, since nobody knows where the next request would begin */
        }
        if (is_own_page(exchange)) {
            return MHD_YES; /* answered in its turn: an answer before the request's end would cost the connection */
        }
        begin(exchange, connection);
        if (exchange->err.is_set && aws_has_header(&exchange->request, "expect")) {
            return refuse(exchange, connection, NULL);
        }
        return MHD_YES;
    }
    if (*size > 0) {
        enum MHD_Result result = take(exchange, (Str){data, *size});
        *size = 0;
        return result;
    }
    if (is_own_page(exchange)) {
        return exchange->is_answered ? MHD_YES : answer_own_page(exchange, connection);
    }
    return exchange->is_answered ? MHD_YES : exchange->err.is_set ? refuse(exchange, connection, NULL) : end(exchange, connection);
}

static void log_request(const Exchange *exchange, double seconds) {
    const AwsRequest *request = &exchange->request;
    const char *service = request->service == NULL ? "-" : request->service->name;
    const char *operation = request->operation == NULL ? "-" : request->operation->name;
    Str when = aws_time_iso(exchange->arena, wall_clock());
    Str key = request->access_key.len > 0 ? request->access_key : STR("-");
    Str path = request->is_bucket_in_host ? str_fmt(exchange->arena, "/%.*s%.*s", STR_ARG(request->bucket), STR_ARG(request->raw_path)) : request->raw_path;
    Str code = exchange->error_code;
    if (exchange->server->config.json_log) {
        yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
        yyjson_mut_val *line = yyjson_mut_obj(doc);
        yyjson_mut_doc_set_root(doc, line);
        (void)yyjson_mut_obj_add_strn(doc, line, "time", when.data, when.len);
        (void)yyjson_mut_obj_add_strn(doc, line, "method", request->method.data, request->method.len);
        (void)yyjson_mut_obj_add_strn(doc, line, "path", path.data, path.len);
        (void)yyjson_mut_obj_add_str(doc, line, "service", service);
        (void)yyjson_mut_obj_add_str(doc, line, "operation", operation);
        (void)yyjson_mut_obj_add_int(doc, line, "status", exchange->status);
        (void)yyjson_mut_obj_add_strn(doc, line, "error", code.data != NULL ? code.data : "", code.len);
        (void)yyjson_mut_obj_add_int(doc, line, "bytes", exchange->bytes_out);
        (void)yyjson_mut_obj_add_real(doc, line, "ms", (double)(int64_t)(seconds * 1e5) / 100);
        (void)yyjson_mut_obj_add_strn(doc, line, "key", key.data, key.len);
        (void)yyjson_mut_obj_add_strn(doc, line, "request_id", exchange->request_id.data, exchange->request_id.len);
        char *text = yyjson_mut_write(doc, 0, NULL);
        fprintf(stderr, "%s\n", text == NULL ? "{}" : text);
        free(text);
        yyjson_mut_doc_free(doc);
        return;
    }
    fprintf(stderr, "%.*s %.*s %s.%s %.*s %d%s%.*s %lld bytes %.1f ms %.*s\n", STR_ARG(when), STR_ARG(request->method), service, operation,
            STR_ARG(str_slice(path, 0, 200)), exchange->status, code.len > 0 ? " " : "", STR_ARG(code), (long long)exchange->bytes_out,
            seconds * 1000, STR_ARG(key));
}

static void completed(void *self, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why) {
    AwsServer *server = self;
    Exchange *exchange = *state;
    (void)connection;
    if (exchange == NULL) {
        return;
    }
    aws_connection_busy(server->connections, exchange->connection, false);
    double seconds = seconds_since(&exchange->started);
    if (exchange->has_begun && !is_own_page(exchange)) {
        if (!exchange->is_answered) {
            exchange->status = exchange->is_too_slow || why == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED ? 408 : 499; /* 499: the client went away */
        }
        aws_count(server->counters, exchange->request.operation, exchange->status, seconds);
        log_request(exchange, seconds);
    }
    aws_body_close(exchange->body);
    arena_free(exchange->arena);
    *state = NULL;
    (void)atomic_fetch_sub(&server->running, 1);
}

/* Paths stay as they came: see take_uri. */
static size_t keep_escapes(void *self, struct MHD_Connection *connection, char *text) {
    (void)self;
    (void)connection;
    return strlen(text);
}

static void connection_changed(void *self, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what) {
    AwsServer *server = self;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = info == NULL ? NULL : aws_connection_opened(server->connections, info->connect_fd);
    } else {
        aws_connection_closed(server->connections, *context);
        *context = NULL;
    }
}

/* tls: NULL: without. */
static struct MHD_Daemon *listen_on(AwsServer *server, const char *host, int port, const AwsTls *tls, int *ret_port, Err *err) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    bool is_v6 = inet_pton(AF_INET6, host, &v6.sin6_addr) == 1;
    if (!is_v6 && inet_pton(AF_INET, host, &v4.sin_addr) != 1) {
        (void)err_set(err, ERR_IO, "--host %s is no IP address", host);
        return NULL;
    }
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_SOCK_ADDR, 0, is_v6 ? (void *)&v6 : (void *)&v4},
        {MHD_OPTION_CONNECTION_LIMIT, MOST_CONNECTIONS, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, server->config.idle_seconds, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, NULL},
        {MHD_OPTION_LISTEN_BACKLOG_SIZE, MOST_CONNECTIONS, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_changed, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)take_uri, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL},
        {tls == NULL ? MHD_OPTION_END : MHD_OPTION_HTTPS_MEM_CERT, 0, tls == NULL ? NULL : tls->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls == NULL ? NULL : tls->key},
        {MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | (is_v6 ? MHD_USE_IPv6 : 0u) |
                     (tls == NULL ? 0u : MHD_USE_TLS);
    struct MHD_Daemon *daemon = MHD_start_daemon(flags, (uint16_t)port, NULL, NULL, handle, server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (daemon == NULL) {
        (void)err_set(err, ERR_IO, "cannot listen on %s port %d: %s: choose another with --port", host, port, strerror(errno));
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    *ret_port = info == NULL ? port : info->port;
    return daemon;
}

/* A connection takes a descriptor, and the object that it sends another one. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* else it stays as it is */
    }
}

static bool listen_all(AwsServer *server, Err *err) {
    const AwsConfig *config = &server->config;
    bool has_tls = config->tls_certificate.len > 0;
    if (has_tls && !aws_tls_read(server->arena, config->tls_certificate, config->tls_key, &server->tls, err)) {
        return false;
    }
    raise_descriptor_limit();
    server->daemon = listen_on(server, str_to_c(server->arena, config->host), config->port, has_tls ? &server->tls : NULL, &server->port, err);
    server->own_port = server->port;
    if (server->daemon == NULL || !has_tls) {
        return server->daemon != NULL;
    }
    server->own_daemon = listen_on(server, "127.0.0.1", 0, NULL, &server->own_port, err);
    return server->own_daemon != NULL;
}

AwsServer *aws_server_start(const AwsConfig *config, Err *err) {
    Arena *arena = arena_new();
    AwsServer *server = ARENA_NEW(arena, AwsServer);
    server->arena = arena;
    server->config = *config;
    server->config.domain = str_lower(arena, config->domain);
    server->patterns = aws_patterns_new(err);
    server->counters = aws_counters_new();
    server->connections = aws_connections_new(config->idle_seconds, err);
    bool ok = server->patterns != NULL && server->connections != NULL && (server->counters != NULL || err_set(err, ERR_INTERNAL, "no memory for counters"));
    if (!ok || !listen_all(server, err)) {
        aws_server_stop(server, 0);
        return NULL;
    }
    return server;
}

int aws_server_port(const AwsServer *server) {
    return server->port;
}

int aws_server_own_port(const AwsServer *server) {
    return server->own_port;
}

bool aws_server_is_own_authority(const AwsServer *server) {
    return server->tls.is_own_authority;
}

void aws_server_stop(AwsServer *owned_server, int grace_ms) {
    atomic_store(&owned_server->is_stopping, true);
    for (int waited = 0; waited < grace_ms && atomic_load(&owned_server->running) > 0; waited += 10) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    if (owned_server->daemon != NULL) {
        MHD_stop_daemon(owned_server->daemon);
    }
    if (owned_server->own_daemon != NULL) {
        MHD_stop_daemon(owned_server->own_daemon);
    }
    aws_connections_free(owned_server->connections);
    aws_patterns_free(owned_server->patterns);
    aws_counters_free(owned_server->counters);
    arena_free(owned_server->arena);
}
