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
        if (services[i].protocol == AWS_QUERY && (scope.len == 0 || str_eq_c(scope, services[i].signing_name))) {
            request->service = &services[i];
            request->is_service_guessed = scope.len == 0;
            return true; /* the operation stands in the body: decode.c */
        }
    }
    return err_set(err, "InvalidAction", "the service '%.*s' is none that Solder has", STR_ARG(scope));
}

/* The part of a host before an ending; empty: it has another. */
static Str before_ending(Str host, Str ending) {
    return ending.len > 0 && host.len > ending.len + 1 && str_ends_with(host, ending) && host.data[host.len - ending.len - 1] == '.'
               ? str_slice(host, 0, host.len - ending.len - 1)
               : STR("");
}

/* Where the label "s3" (AWS has "s3-…", too) begins, looked for from the end, since a bucket's name may hold dots; host.len: nowhere. */
static size_t s3_label(Str host, bool is_aws) {
    for (size_t at = host.len; at > 0; at--) {
        bool begins = at == 1 || host.data[at - 2] == '.';
        Str rest = str_slice(host, at - 1, host.len);
        if (begins && (str_eq_c(rest, "s3") || str_starts_with(rest, STR("s3.")) || (is_aws && str_starts_with(rest, STR("s3-"))))) {
            return at - 1;
        }
    }
    return host.len;
}

/* The bucket that a host names, empty for none: "b.s3.amazonaws.com", "b.s3.us-east-1.localhost", "b.localhost:4566", and b below the server's own
 * domain. "s3.localhost" and the domain itself name none. */
static Str bucket_of_host(const AwsRequest *request) {
    Str host = str_lower(request->arena, aws_header(request, "host"));
    const char *colon = host.len == 0 ? NULL : memrchr(host.data, ':', host.len);
    if (colon != NULL && memchr(host.data, ']', host.len) == NULL) {
        host.len = (size_t)(colon - host.data);
    }
    bool is_aws = str_ends_with(host, STR(".amazonaws.com")) || str_ends_with(host, STR(".amazonaws.com.cn"));
    Str before = before_ending(host, request->domain);
    before = before.len > 0 ? before : before_ending(host, STR("localhost"));
    Str labels = before.len > 0 ? before : host;
    size_t at = s3_label(labels, is_aws);
    return at < labels.len ? str_slice(labels, 0, at == 0 ? 0 : at - 1) : before;
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
