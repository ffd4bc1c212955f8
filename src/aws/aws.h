/* aws/aws.h - the gateway: an HTTP request becomes the call of one operation's handler, and what the handler says becomes the answer.
 *
 * Used by service/ (handlers) and daemon/ (starts it). The chain, in this order: limits → authentication (sigv4.h) → route → decode and check
 * against the service model (model.h) → authorization (S3) → handler → encode. Invariant: a handler sees only input that its operation's model allows, from
 * a caller whose signature holds (with --no-auth: any caller; of S3 also one without a signature whom the bucket's rules allow just that); what it answers is encoded by the model as well, so that a member which
 * the model does not know is a defect that the unit tests find, not bytes that a client stumbles over.
 */
#ifndef SOLDER_AWS_AWS_H
#define SOLDER_AWS_AWS_H

#include "base/err.h"

#include <yyjson.h>

typedef struct AwsOperation AwsOperation; /* model.h */

/* The body of an operation whose input streams (PutObject, UploadPart): on disk, complete, and checked against the request's own
 * Content-Length, Content-MD5, x-amz-content-sha256 and x-amz-checksum-* (header or trailer) before the handler runs. */
typedef struct AwsUpload {
    Str path; /* from AwsConfig.place_upload */
    int64_t offset; /* of the bytes in that file */
    bool is_shared; /* the file holds more: the gateway never removes it */
    bool is_taken;  /* set by the handler that keeps or has removed the file; else the gateway removes it */
    int64_t size;
    unsigned char md5[16];
    Str checksum_name, checksum; /* "crc32", "crc64nvme", …, and its base64, when the request carries one; else empty */
    Str crc64nvme; /* base64, always: the checksum that S3 gives to what comes without one */
} AwsUpload;

/* What is known of a body that is to come, for the choice of its place. */
typedef struct AwsComingUpload {
    Str bucket, key, upload_id; /* upload_id empty, part 0: an object of its own */
    int64_t part, size;         /* size -1: not said */
} AwsComingUpload;

/* The body of an operation whose output streams (GetObject): bytes [offset, offset + size) of a file, sent without a copy. The gateway opens
 * the file before the handler's other effects can be undone, and closes it. */
typedef struct AwsDownload {
    Str path; /* empty: no body */
    int64_t offset, size;
} AwsDownload;

/* From where and how a request came (caller.h), and how it was signed. */
typedef struct AwsCaller {
    bool is_anonymous;        /* nothing was signed */
    Str address;              /* the connection's other end, in numbers */
    bool is_sheltered;        /* nobody else could read along: TLS, or nothing left this machine */
    const char *tls_version;  /* "1.3"; NULL: no TLS */
    const char *auth_type;    /* "REST-HEADER", "REST-QUERY-STRING", "POST"; NULL: nothing was signed */
    const char *signature_version; /* "AWS4-HMAC-SHA256", "AWS" */
    Str signed_date;               /* "20240102T030405Z"; empty: the signature does not say */
    Str user_agent, referer, content_sha256;
} AwsCaller;

typedef struct AwsCall {
    Arena *arena; /* the request's */
    const AwsOperation *operation;
    Str account, region;  /* of the server */
    Str access_key;       /* who calls; empty with --no-auth and of a caller who signed nothing */
    const AwsCaller *caller; /* NULL with --no-auth: whoever it is may do everything */
    void *access;            /* what AwsConfig.authorize found out and handlers go on with */
    Str request_id;
    Str host;             /* the Host header: what a Location or a master's URL shown to the client begins with */
    /* The operation's input, a JSON object whose members have the model's names, whatever the protocol: timestamps are numbers (seconds since
     * 1970), blobs base64 text; header, query and path members of REST protocols stand among the others. Defaults are not filled in. */
    yyjson_val *input;
    AwsUpload *upload; /* NULL when the operation's input does not stream */
    /* The output, an object of doc with the model's names in the same representation; the handler adds members. */
    yyjson_mut_doc *doc;
    yyjson_mut_val *output;
    AwsDownload download;
    int status; /* 0: the model's; else e.g. 206, 304 */
    /* For an error: further members of the error's shape or of S3's <Error> (Key, BucketName, …); NULL: none. */
    yyjson_mut_val *error_detail;
    /* Headers of the error's answer by name; NULL: none. */
    yyjson_mut_val *error_headers;
} AwsCall;

/* false with err set: code is an AWS error code (of the operation's model, or of spec/aws/errors.tsv), whose HTTP status the gateway knows. Any
 * other code (SOLDER.…) is answered as the protocol's InternalFailure (a full disk as ServiceUnavailable) and logged with its message. Called from many threads at once. */
typedef bool (*AwsHandler)(void *services, AwsCall *call, Err *err);

/* The handler of an operation by its service's name in the model ("glue", "s3") and its own ("GetTable"); NULL: there is none, and the caller
 * gets a named error. Generated from spec/aws/supported.tsv (service/handlers.c). */
typedef AwsHandler (*AwsFindHandler)(Str service, Str operation);

/* Text for /metrics in Prometheus' format beyond the gateway's own counters; may be NULL. */
typedef Str (*AwsMetrics)(void *services, Arena *arena);

/* What a browser asks before it lets a page of another origin send a request to a bucket, or has let it send. */
typedef struct AwsCorsQuestion {
    Str bucket, origin, method;
    Str headers; /* of Access-Control-Request-Headers; empty: none */
} AwsCorsQuestion;

typedef struct AwsCorsAnswer {
    Str origin, methods, headers, exposed, max_age; /* values of headers; empty: none */
    bool allows_credentials;
    const char *refusal; /* the message when no rule fits */
} AwsCorsAnswer;

typedef struct AwsConfig {
    Str host; /* address to listen on */
    int port; /* 0: any free one */
    Str tls_certificate, tls_key; /* files in PEM form; empty: HTTP without TLS */
    Str domain;                   /* a name of this server's below which buckets have names of their own; empty: only localhost's and AWS's */
    int idle_seconds;             /* a connection on which nothing moves ends; a request's headers are complete, and a body moves on the average */
    Str account, region;
    bool no_auth;
    bool json_log;
    void *services; /* handed to every handler */
    AwsFindHandler find_handler;
    AwsMetrics metrics;
    /* Whether the bucket's rules allow it; NULL: there are none. */
    bool (*cors)(void *services, Arena *arena, const AwsCorsQuestion *question, AwsCorsAnswer *ret_answer);
    /* Where a body that streams in goes: sets path, and offset and is_shared where the file is one of several bodies. The file need not be there. */
    bool (*place_upload)(void *services, Arena *arena, const AwsComingUpload *coming, AwsUpload *ret_upload, Err *err);
    /* Whether one who signs nothing may be heard about the bucket at all, before a body is read; err says why not. operation: empty when S3 has none such.
     * NULL: never. */
    bool (*admits)(void *services, Arena *arena, Str operation, Str bucket, Err *err);
    /* Whether the caller may do to S3 what the call says: asked before each of its handlers, but with no_auth. NULL: whoever signed may. */
    bool (*authorize)(void *services, AwsCall *call, Err *err);
    /* The secret of an access key, and the session token that must come with it (empty: none). false: no such key, or expired (ret_expired). */
    bool (*find_key)(void *services, Arena *arena, Str access_key, Str *ret_secret, Str *ret_token, bool *ret_expired);
} AwsConfig;

/* All but unreserved characters and '/' as %41. */
Str aws_percent_encode(Arena *arena, Str text);

typedef struct AwsServer AwsServer;

AwsServer *aws_server_start(const AwsConfig *config, Err *err);
int aws_server_port(const AwsServer *server);
/* Where 127.0.0.1 is answered without TLS: what this machine itself starts (jobs, Spark) need not trust a certificate. Without TLS the same port. */
int aws_server_own_port(const AwsServer *server);
/* Whether the certificate is self-signed, so that clients must be given it. */
bool aws_server_is_own_authority(const AwsServer *server);
/* Takes no new requests, lets running ones end (up to grace_ms), then frees everything. */
void aws_server_stop(AwsServer *owned_server, int grace_ms);

#endif
