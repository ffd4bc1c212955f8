/* aws/request.h - one HTTP request as the gateway's stages see it: what http.c received, taken apart.
 *
 * Invariant: everything lives in the request's arena; header names are lower case; path and query are as they came over the wire, the decoded
 * forms beside them.
 */
#ifndef SOLDER_AWS_REQUEST_H
#define SOLDER_AWS_REQUEST_H

#include "aws/aws.h"
#include "aws/model.h"
#include "base/vec.h"

typedef struct AwsPair {
    Str name, value;
} AwsPair;

typedef struct AwsRequest {
    Arena *arena;
    Str method;
    Str raw_path, raw_query;
    Str domain; /* AwsConfig's */
    VEC(AwsPair) headers; /* in the order of arrival */
    VEC(AwsPair) query;   /* decoded */
    /* route.c */
    const AwsService *service;
    const AwsOperation *operation; /* NULL: none of the service */
    Str bucket, key;               /* S3: decoded; empty: none */
    bool is_bucket_in_host;
    bool is_service_guessed; /* a form without a signature: its Version says which service is meant (decode.c) */
    bool is_form;              /* a POST form that becomes a PutObject (post_form.h) */
    VEC(AwsPair) form;         /* its fields, names in lower case */
    Str form_file;             /* the name that the browser gave of the file */
    AwsCaller caller;          /* caller.c, and how it was signed: sigv4.c */
    /* sigv4.c */
    Str access_key;
    Str payload_hash; /* x-amz-content-sha256, or what stands for it; empty: the hash of the body is what was signed (json, query) */
    struct AwsSigned *signing; /* what a chunked body's signatures are made with; NULL: not signed */
    Str body;  /* of operations that don't stream */
    AwsUpload upload;
    bool has_upload;
} AwsRequest;

/* The first header of that (lower-case) name; empty: none. */
Str aws_header(const AwsRequest *request, const char *name);
bool aws_has_header(const AwsRequest *request, const char *name);
/* *ret_there tells an absent parameter from an empty one; may be NULL. */
Str aws_query(const AwsRequest *request, const char *name, bool *ret_there);
/* Whether it is clear where the request ends and whom it is for (RFC 9112, 3.2, 5.1 and 6.3): if not, who stands between client and server may see another
 * request than the server does. BadRequest. */
bool aws_check_framing(const AwsRequest *request, Err *err);
/* Splits and decodes the raw query into request->query. */
void aws_parse_query(AwsRequest *request);
/* %41 → A; '+' → ' ' when asked for. Wrong escapes stay as they are. */
Str aws_percent_decode(Arena *arena, Str text, bool plus_is_space);

/* The service, operation, bucket and key of a request. false: no service is meant; with an operation that is not known, operation is NULL. */
bool aws_route(AwsRequest *request, Err *err);

/* Decoding: the request as one JSON object by the operation's input shape. */
bool aws_decode(AwsRequest *request, yyjson_mut_doc *doc, yyjson_mut_val **ret_input, Err *err);
/* XML text as a JSON value of a shape (xml_read.c). MalformedXML. */
bool aws_xml_read(Arena *arena, Str text, const AwsShape *shape, yyjson_mut_doc *doc, yyjson_mut_val **ret_value, Err *err);
/* Text of a header, a query parameter or an element as a JSON value of a scalar shape; NULL: it is none. */
yyjson_mut_val *aws_scalar_read(yyjson_mut_doc *doc, const AwsShape *shape, Str text);

/* Constraints of the model (check.c). */
typedef struct AwsPatterns AwsPatterns;
AwsPatterns *aws_patterns_new(Err *err);
void aws_patterns_free(AwsPatterns *owned_patterns);
bool aws_check(const AwsPatterns *patterns, const AwsRequest *request, yyjson_val *input, Err *err);

/* What goes back. */
typedef struct AwsAnswer {
    int status;
    Str body;
    const char *content_type; /* NULL: none */
    VEC(AwsPair) headers;
    AwsDownload download;
} AwsAnswer;

void aws_encode(const AwsRequest *request, AwsCall *call, AwsAnswer *ret_answer);
void aws_encode_error(const AwsRequest *request, Str request_id, const AwsCall *call, const Err *err, AwsAnswer *ret_answer);
/* The document that a POST form may want as its answer. */
Str aws_post_response(const AwsRequest *request, Str location, Str etag);
/* Seconds since 1970 as "2024-01-02T03:04:05.678Z" or "Tue, 02 Jan 2024 03:04:05 GMT". */
Str aws_time_iso(Arena *arena, double seconds);
Str aws_time_http(Arena *arena, double seconds);
bool aws_time_parse(Str text, double *ret_seconds);

#endif
