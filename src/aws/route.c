/* route.c - which service and operation a request means, and S3's bucket and key.
 *
 * In this order: X-Amz-Target (JSON services), a form with Action (query services), else S3: by path, or by a host name that begins with the
 * bucket. Invariant: bucket and key are bytes of the URL, decoded once; nothing here looks at files.
 */
#include "aws/post_form.h"

#include <ctype.h>
#include <string.h>

static const AwsService *service_named(const char *name) {
    size_t count = 0;
    const AwsService *services = aws_services(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(services[i].name, name) == 0) {
            return &services[i];
        }
    }
    return NULL;
}

static bool route_json(AwsRequest *request, Str target, Err *err) {
    size_t count = 0;
    const AwsService *services = aws_services(&count);
    const char *dot = memchr(target.data, '.', target.len);
    size_t at = dot == NULL ? target.len : (size_t)(dot - target.data);
    for (size_t i = 0; i < count; i++) {
        if (services[i].target_prefix != NULL && str_eq_c(str_slice(target, 0, at), services[i].target_prefix)) {
            request->service = &services[i];
            request->operation = aws_operation_find(&services[i], str_slice(target, at + 1, target.len));
            return true;
        }
    }
    return err_set(err, "UnknownOperationException", "X-Amz-Target '%.*s' is of no service that Solder has", STR_ARG(target));
}

/* The service that a signature's credential scope names: AKID/20240102/us-east-1/sts/aws4_request. */
static Str scope_service(const AwsRequest *request) {
    Str header = aws_header(request, "authorization");
    const char *start = header.len == 0 ? NULL : memmem(header.data, header.len, "Credential=", 11);
    Str scope = start == NULL ? aws_query(request, "X-Amz-Credential", NULL) : str_slice(header, (size_t)(start - header.data) + 11, header.len);
    int slashes = 0;
    size_t from = 0;
    for (size_t i = 0; i < scope.len && scope.data[i] != ','; i++) {
        if (scope.data[i] == '/') {
            slashes++;
            if (slashes == 3) {
                from = i + 1;
            } else if (slashes == 4) {
                return str_slice(scope, from, i);
            }
        }
    }
    return STR("");
}

static bool route_query(AwsRequest *request, Err *err) {
    Str scope = scope_service(request);
    size_t count = 0;
    const AwsService *services = aws_services(&count);
    for (size_t i = 0; i < count; i++) {
        /* Without a signature (--no-auth) the API's version in the form tells the services apart, which decode does: STS is the only one. */
        if (services[i].protocol == AWS_QUERY && (scope.len == 0 || str_eq_c(scope, services[i].signing_name))) {
            request->service = &services[i];
            return true; /* the operation stands in the body: decode_query.c */
        }
    }
    return err_set(err, "InvalidAction", "the service '%.*s' is none that Solder has", STR_ARG(scope));
}

/* "bucket.s3.amazonaws.com", "bucket.localhost:4566" → bucket; empty when the host names none. */
static Str bucket_of_host(const AwsRequest *request) {
    static const char *const ENDINGS[] = {".localhost", ".s3.amazonaws.com", ".s3.localhost"};
    Str host = aws_header(request, "host");
    const char *colon = host.len == 0 ? NULL : memrchr(host.data, ':', host.len);
    if (colon != NULL && memchr(host.data, ']', host.len) == NULL) {
        host.len = (size_t)(colon - host.data);
    }
    for (size_t i = sizeof ENDINGS / sizeof ENDINGS[0]; i > 0; i--) {
        Str ending = str_from_c(ENDINGS[i - 1]);
        if (host.len > ending.len && str_ends_with(host, ending)) {
            return str_slice(host, 0, host.len - ending.len);
        }
    }
    const char *mark = memmem(host.data, host.len, ".s3.", 4);
    mark = mark == NULL && host.len > 0 ? memmem(host.data, host.len, ".s3-", 4) : mark;
    return mark == NULL ? STR("") : str_slice(host, 0, (size_t)(mark - host.data));
}

static bool has_mark(const void *self, const AwsMark *mark) {
    const AwsRequest *request = self;
    if (mark->is_header) {
        return aws_has_header(request, mark->name);
    }
    bool there = false;
    Str value = aws_query(request, mark->name, &there);
    return there && (mark->value == NULL || str_eq_c(value, mark->value));
}

static bool route_s3(AwsRequest *request) {
    request->service = service_named("s3");
    Str path = str_slice(request->raw_path, 1, request->raw_path.len);
    request->bucket = bucket_of_host(request);
    request->is_bucket_in_host = request->bucket.len > 0;
    if (!request->is_bucket_in_host) {
        const char *slash = path.len == 0 ? NULL : memchr(path.data, '/', path.len);
        size_t end = slash == NULL ? path.len : (size_t)(slash - path.data);
        request->bucket = aws_percent_decode(request->arena, str_slice(path, 0, end), false);
        path = str_slice(path, end + 1, path.len);
    }
    request->key = aws_percent_decode(request->arena, path, false);
    int level = request->bucket.len == 0 ? 0 : request->key.len == 0 ? 1 : 2;
    if (level == 1 && aws_is_form(request)) {
        request->is_form = true;
        request->operation = aws_operation_find(request->service, STR("PutObject"));
        return true;
    }
    request->operation = aws_operation_of_route(request->service, request->method, level, has_mark, request);
    return true;
}

bool aws_route(AwsRequest *request, Err *err) {
    Str target = aws_header(request, "x-amz-target");
    if (target.len > 0) {
        return route_json(request, target, err);
    }
    Str type = aws_header(request, "content-type");
    bool is_form = str_starts_with(type, STR("application/x-www-form-urlencoded")) && str_eq_c(request->method, "POST");
    bool has_action = false;
    (void)aws_query(request, "Action", &has_action);
    if (str_eq_c(request->raw_path, "/") && (is_form || has_action)) {
        return route_query(request, err);
    }
    return route_s3(request);
}
