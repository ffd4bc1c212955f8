/* fuzz_front.c - libFuzzer target: what the front door reads off a request before anything is decoded, and small texts that handlers take apart.
 *
 * The first byte chooses: a path, query and headers that are signed (SigV4's canonical request), a host that names a bucket, a Range header, an IAM policy
 * document. What must hold: no crash; a guessed signature is never right; a range lies within its object; a bucket lies within its host.
 */
#include "aws/sigv4.h"
#include "service/iam.h"
#include "service/s3.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool any_key(void *services, Arena *arena, Str access_key, Str *ret_secret, Str *ret_token, bool *ret_expired) {
    (void)services;
    (void)arena;
    (void)access_key;
    *ret_secret = STR("secret");
    *ret_token = STR("");
    *ret_expired = false;
    return true;
}

/* The text up to a line's end; *text goes on behind it. */
static Str next_line(Str *text) {
    const char *end = text->len == 0 ? NULL : memchr(text->data, '\n', text->len);
    size_t len = end == NULL ? text->len : (size_t)(end - text->data);
    Str line = str_slice(*text, 0, len);
    *text = str_slice(*text, len + 1, text->len);
    return line;
}

/* Lines: path, query, names of the signed headers, then one header's value each. */
static void try_signature(Arena *arena, Str text) {
    AwsRequest request = {.arena = arena, .method = STR("GET"), .headers = {.arena = arena}, .query = {.arena = arena}};
    request.raw_path = str_fmt(arena, "/%.*s", STR_ARG(next_line(&text)));
    request.raw_query = next_line(&text);
    Str names = next_line(&text);
    Str authorization = str_fmt(arena, "AWS4-HMAC-SHA256 Credential=AKIA/20240102/us-east-1/s3/aws4_request, SignedHeaders=%.*s, Signature=%064d", STR_ARG(names), 0);
    VEC_PUSH(&request.headers, ((AwsPair){STR("authorization"), authorization}));
    VEC_PUSH(&request.headers, ((AwsPair){STR("x-amz-date"), STR("20240102T030405Z")}));
    Str rest = names;
    while (rest.len > 0) {
        const char *end = memchr(rest.data, ';', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.data);
        VEC_PUSH(&request.headers, ((AwsPair){str_lower(arena, str_slice(rest, 0, len)), str_copy(arena, next_line(&text))}));
        rest = str_slice(rest, len + 1, rest.len);
    }
    Err err = {0};
    aws_parse_query(&request);
    if (!aws_route(&request, &err)) {
        return;
    }
    AwsConfig config = {.find_key = any_key};
    if (aws_authenticate(&request, &config, STR(""), 1704164645, &err) || !err.is_set) {
        abort();
    }
}

static void try_host(Arena *arena, Str text) {
    AwsRequest request = {.arena = arena, .method = STR("GET"), .raw_path = STR("/key"), .domain = STR("objects.example"), .headers = {.arena = arena}, .query = {.arena = arena}};
    Err err = {0};
    VEC_PUSH(&request.headers, ((AwsPair){STR("host"), text}));
    if (!aws_route(&request, &err)) {
        abort();
    }
    if (request.is_bucket_in_host && !str_starts_with(str_lower(arena, text), request.bucket)) {
        abort();
    }
}

static void try_range(Str text) {
    static const int64_t SIZES[] = {0, 1, 10, INT64_MAX};
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        S3Range range;
        if (s3_range(text, SIZES[i], &range) == S3_RANGE_FITS &&
            (range.offset < 0 || range.size < 1 || range.offset >= SIZES[i] || range.size > SIZES[i] - range.offset)) {
            abort();
        }
    }
}

static void try_document(Arena *arena, Str text) {
    for (int kind = IM_IDENTITY; kind <= IM_TRUST; kind++) {
        Err err = {0};
        if (im_check_document(text, (ImDocument)kind, &err) == err.is_set) {
            abort();
        }
    }
    if (!str_eq(aws_percent_decode(arena, im_encoded(arena, text), false), text)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    Arena *arena = arena_new();
    Str text = str_copy(arena, (Str){(const char *)data + 1, size - 1});
    switch (data[0] % 4) {
    case 0: try_signature(arena, text); break;
    case 1: try_host(arena, text); break;
    case 2: try_range(text); break;
    default: try_document(arena, text); break;
    }
    arena_free(arena);
    return 0;
}
