/* sigv2.c - see sigv2.h. What is signed: the method, Content-MD5, Content-Type, Expires, the x-amz-* headers, the bucket and path, and the query
 * parameters that choose an operation or change its answer. Headers may stand in the query. */
#include "aws/sigv2.h"

#include "aws/checksum.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

/* In the order of their bytes. */
static const char *const SIGNED_PARAMETERS[] = {"acl",
                                                "cors",
                                                "delete",
                                                "lifecycle",
                                                "location",
                                                "logging",
                                                "notification",
                                                "object-lock",
                                                "partNumber",
                                                "policy",
                                                "replication",
                                                "requestPayment",
                                                "response-cache-control",
                                                "response-content-disposition",
                                                "response-content-encoding",
                                                "response-content-language",
                                                "response-content-type",
                                                "response-expires",
                                                "restore",
                                                "select",
                                                "select-type",
                                                "tagging",
                                                "torrent",
                                                "uploadId",
                                                "uploads",
                                                "versionId",
                                                "versioning",
                                                "versions",
                                                "website"};

bool aws_is_v2(const AwsRequest *request) {
    static const char *const NAMES[] = {"AWSAccessKeyId", "Signature", "Expires"};
    bool is_s3 = request->service != NULL && request->service->protocol == AWS_REST_XML;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        bool there = false;
        (void)aws_query(request, NAMES[i], &there);
        is_s3 = is_s3 && there;
    }
    return is_s3;
}

/* A header, or the query parameter that stands for it. */
static Str header_or_query(const AwsRequest *request, const char *name) {
    bool there = false;
    Str value = aws_query(request, name, &there);
    return there ? value : aws_header(request, name);
}

static int compare_names(const void *a, const void *b) {
    return str_cmp(((const AwsPair *)a)->name, ((const AwsPair *)b)->name);
}

static void add_amz_headers(const AwsRequest *request, StrBuf *out) {
    static const Str PREFIX = {"x-amz-", 6};
    VEC(AwsPair) pairs = {.arena = request->arena};
    for (size_t i = 0; i < request->headers.count; i++) {
        if (str_starts_with(request->headers.items[i].name, PREFIX)) {
            VEC_PUSH(&pairs, request->headers.items[i]);
        }
    }
    for (size_t i = 0; i < request->query.count; i++) {
        Str name = str_lower(request->arena, request->query.items[i].name);
        if (str_starts_with(name, PREFIX)) {
            VEC_PUSH(&pairs, (AwsPair){name, request->query.items[i].value});
        }
    }
    if (pairs.count > 1) {
        qsort(pairs.items, pairs.count, sizeof pairs.items[0], compare_names);
    }
    for (size_t i = 0; i < pairs.count; i++) {
        strbuf_fmt(out, "%.*s:%.*s\n", STR_ARG(pairs.items[i].name), STR_ARG(str_trim(pairs.items[i].value)));
    }
}

static void add_resource(const AwsRequest *request, StrBuf *out) {
    if (request->is_bucket_in_host) {
        strbuf_fmt(out, "/%.*s", STR_ARG(request->bucket));
    }
    strbuf_add(out, request->raw_path);
    char before = '?';
    for (size_t i = 0; i < sizeof SIGNED_PARAMETERS / sizeof SIGNED_PARAMETERS[0]; i++) {
        bool there = false;
        Str value = aws_query(request, SIGNED_PARAMETERS[i], &there);
        if (there) {
            strbuf_fmt(out, "%c%s%s%.*s", before, SIGNED_PARAMETERS[i], value.len > 0 ? "=" : "", STR_ARG(value));
            before = '&';
        }
    }
}

bool aws_v2_sign(Arena *arena, Str secret, Str text, Str *ret_signature, Err *err) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (HMAC(EVP_sha1(), secret.data, (int)secret.len, (const unsigned char *)text.data, text.len, mac, &len) == NULL) {
        return err_set(err, ERR_INTERNAL, "HMAC failed");
    }
    *ret_signature = aws_base64(arena, (Str){(const char *)mac, len});
    return true;
}

bool aws_v2_signature(const AwsRequest *request, Str secret, Str *ret_signature, Err *err) {
    StrBuf text = {.arena = request->arena};
    strbuf_fmt(&text, "%.*s\n%.*s\n%.*s\n%.*s\n", STR_ARG(request->method), STR_ARG(header_or_query(request, "content-md5")),
               STR_ARG(header_or_query(request, "content-type")), STR_ARG(aws_query(request, "Expires", NULL)));
    add_amz_headers(request, &text);
    add_resource(request, &text);
    return aws_v2_sign(request->arena, secret, strbuf_str(&text), ret_signature, err);
}
