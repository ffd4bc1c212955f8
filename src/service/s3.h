/* service/s3.h - what the S3 handlers share: checks that all requests pass, S3's words for the store's errors, ETags, ranges and conditions.
 *
 * Used by s3_*.c. Invariant: every error that a client sees has S3's own code and message, and the members that S3 puts beside them.
 */
#ifndef SOLDER_SERVICE_S3_H
#define SOLDER_SERVICE_S3_H

#include "service/json_members.h"
#include "service/service.h"
#include "store/versions.h"

enum { S3_MOST_IN_A_PAGE = 1000, S3_SMALLEST_PART = 5 * 1024 * 1024, S3_MOST_PARTS = 10000 };

/* ---- errors ---- */

/* A member beside the error's Code and Message. */
void s3_detail(AwsCall *call, const char *name, Str value);
/* A header of the error's answer. */
void s3_error_header(AwsCall *call, const char *name, Str value);
/* Sets the error with S3's message for the code. Returns false. */
bool s3_error(AwsCall *call, Err *err, const char *code);
/* InvalidArgument about one argument. Returns false. */
bool s3_bad_argument(AwsCall *call, Err *err, const char *name, Str value, const char *message);
/* What a function of the store said, in S3's words: bucket, key and upload are those of the request. Returns false. */
bool s3_failed(AwsCall *call, Err *err);
/* S3's message for a code; NULL: it has none of its own here. */
const char *s3_message(const char *code);

/* ---- what all requests pass ---- */

/* The owner that the request expects, its key and version, and what Solder does not have (customers' keys). */
bool s3_check(const SvServices *services, AwsCall *call, Err *err);
Str s3_bucket(const AwsCall *call);
Str s3_key(const AwsCall *call);
bool s3_is_utf8(Str text);

/* S3's id of an account: 64 hexadecimal digits. */
Str s3_canonical_id(Arena *arena, Str account);
/* Adds an Owner (or Initiator) of the server's account. */
void s3_put_owner(const SvServices *services, AwsCall *call, yyjson_mut_val *object, const char *member);

/* ---- versions (s3_versions.c) ---- */

/* The version that the request names, or the latest; no delete marker. S3's errors, with the headers that tell of a marker. */
bool s3_find_version(const SvServices *services, AwsCall *call, StVersion *ret_version, Err *err);
/* VersionId of the answer, unless the bucket keeps none. */
void s3_put_version(AwsCall *call, const StObject *object);

/* ---- listings (s3_list.c) ---- */

/* MaxKeys and EncodingType. */
bool s3_list_options(AwsCall *call, size_t *ret_limit, Err *err);
/* Adds an object as listings show it. */
yyjson_mut_val *s3_add_listed(const SvServices *services, AwsCall *call, yyjson_mut_val *contents, const StObject *object, bool with_owner);

/* ---- ETags and conditions ---- */

Str s3_quoted(Arena *arena, Str etag);
Str s3_unquoted(Str etag); /* also takes the W/ of weak ones away */
/* If-Match and If-None-Match of a write. false: they ask for what S3 does not do. */
bool s3_write_condition(AwsCall *call, StCondition *ret_condition, Err *err);

typedef enum S3Outcome { S3_HOLDS, S3_NOT_MODIFIED, S3_FAILED } S3Outcome;

/* IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince of a read, or with the prefix "CopySource" those of a copy. */
S3Outcome s3_read_condition(const AwsCall *call, const StObject *object, const char *prefix);

typedef struct S3Range {
    int64_t offset, size;
    bool is_part; /* of the object, not all of it */
} S3Range;

typedef enum S3RangeKind { S3_RANGE_NONE, S3_RANGE_FITS, S3_RANGE_BEHIND } S3RangeKind;

/* "bytes=0-9", "bytes=5-", "bytes=-5" of an object of a size. What can't be read, or asks for several ranges, counts as none. */
S3RangeKind s3_range(Str text, int64_t size, S3Range *ret_range);

/* ---- the source of a copy ---- */

/* CopySource's object, or the version of it; its conditions hold. CopySourceVersionId is put into the answer. */
bool s3_copy_source(const SvServices *services, AwsCall *call, StObject *ret_source, Str *ret_bucket, Err *err);

/* ---- text ---- */

Str s3_url_decoded(Arena *arena, Str text);
/* Text of an answer that is percent-encoded when the request says encoding-type=url, because XML lacks some characters. */
void s3_put_text(AwsCall *call, yyjson_mut_val *object, const char *name, Str text);
Str s3_hex(Arena *arena, Str bytes);

#endif
