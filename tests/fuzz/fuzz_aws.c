/* fuzz_aws.c - libFuzzer target: any bytes as an AWS request: its query, headers, aws-chunked body, JSON, form or XML.
 *
 * The first byte chooses the protocol and whether the body is chunked; a line "name: value" until an empty line is a header, the rest the body. What must
 * hold: no crash, no leak beyond the arena, and an error exactly when a stage says no.
 */
#include "aws/body.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool no_key(void *services, Arena *arena, Str access_key, Str *ret_secret, Str *ret_token, bool *ret_expired) {
    (void)services;
    (void)access_key;
    *ret_secret = str_copy(arena, STR("secret"));
    *ret_token = STR("");
    *ret_expired = false;
    return true;
}

static void add_headers(AwsRequest *request, Str *text) {
    while (text->len > 0) {
        const char *end = memchr(text->data, '\n', text->len);
        size_t len = end == NULL ? text->len : (size_t)(end - text->data);
        Str line = str_slice(*text, 0, len);
        *text = str_slice(*text, len + 1, text->len);
        const char *colon = line.len == 0 ? NULL : memchr(line.data, ':', line.len);
        if (colon == NULL) {
            return;
        }
        size_t at = (size_t)(colon - line.data);
        VEC_PUSH(&request->headers, (AwsPair){str_lower(request->arena, str_slice(line, 0, at)), str_copy(request->arena, str_trim(str_slice(line, at + 1, line.len)))});
    }
}

static void check_said(bool ok, const Err *err) {
    if (ok == err->is_set) {
        abort();
    }
}

static void decode(AwsRequest *request, Err *err) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *input = NULL;
    bool ok = aws_decode(request, doc, &input, err);
    check_said(ok, err);
    yyjson_doc *decoded = ok ? yyjson_mut_val_imut_copy(input, NULL) : NULL;
    if (decoded != NULL) {
        AwsPatterns *patterns = aws_patterns_new(err);
        if (patterns == NULL) {
            abort();
        }
        check_said(aws_check(patterns, request, yyjson_doc_get_root(decoded), err), err);
        aws_patterns_free(patterns);
    }
    yyjson_doc_free(decoded);
    yyjson_mut_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct {
        const char *method, *path, *query, *name, *value;
    } KINDS[] = {{"POST", "/", "", "x-amz-target", "AWSGlue.CreateTable"},
                 {"POST", "/", "", "content-type", "application/x-www-form-urlencoded"},
                 {"POST", "/bucket", "delete", "host", "localhost"},
                 {"GET", "/bucket/a%2fb/%zz", "list-type=2&prefix=%C3%A4+b&X-Amz-Signature=1&X-Amz-Credential=a/b/c/d/e", "host", "bucket.localhost"}};
    if (size < 2) {
        return 0;
    }
    Arena *arena = arena_new();
    size_t kind = data[0] % 4;
    AwsRequest request = {.arena = arena, .method = str_from_c(KINDS[kind].method), .raw_path = str_from_c(KINDS[kind].path),
                          .raw_query = str_from_c(KINDS[kind].query), .headers = {.arena = arena}, .query = {.arena = arena}};
    VEC_PUSH(&request.headers, (AwsPair){str_from_c(KINDS[kind].name), str_from_c(KINDS[kind].value)});
    Str text = str_copy(arena, (Str){(const char *)data + 1, size - 1});
    add_headers(&request, &text);
    aws_parse_query(&request);
    Err err = {0};
    bool is_routed = aws_route(&request, &err);
    check_said(is_routed, &err);
    AwsConfig config = {.find_key = no_key};
    Err refused = {0};
    check_said(aws_authenticate(&request, &config, STR(""), 1.7e9, &refused), &refused);
    AwsBody *body = is_routed ? aws_body_open(&request, NULL, false, &err) : NULL;
    if (body != NULL) {
        bool ok = true;
        size_t step = 1 + data[0] / 4; /* pieces of one size, so that every state meets a boundary */
        for (size_t from = 0; ok && from < text.len; from += step) {
            ok = aws_body_take(body, str_slice(text, from, from + step), &err);
            check_said(ok, &err);
        }
        ok = ok && aws_body_finish(body, &err);
        check_said(ok, &err);
        if (ok && (request.operation != NULL || request.service->protocol == AWS_QUERY) &&
            (request.operation == NULL || request.operation->is_supported)) {
            decode(&request, &err);
        }
        aws_body_close(body);
    }
    arena_free(arena);
    return 0;
}
