/* service/s3_acl.h - S3's access control lists, who owns objects, and what blocks public access.
 *
 * Used by s3_access.c, which asks what lists grant to everybody, and by the handlers that write objects or make buckets. A list is kept as the JSON of the
 * API's Grants, the owner's own among them: of a bucket as its setting "acl", of an object as "Acl" in its metadata; where there is none, the owner alone
 * has everything. Invariant: a bucket whose ownership is BucketOwnerEnforced (new ones' is) takes no list and heeds none.
 */
#ifndef SOLDER_SERVICE_S3_ACL_H
#define SOLDER_SERVICE_S3_ACL_H

#include "service/s3.h"

/* ---- what a bucket was told ---- */

/* Whether lists count there. */
bool s3_acls_count(const SvServices *services, Arena *arena, Str bucket, bool *ret_count, Err *err);

typedef enum S3Block { S3_BLOCK_ACLS, S3_IGNORE_ACLS, S3_BLOCK_POLICY, S3_RESTRICT_BUCKETS } S3Block;

/* Whether that part of the public access block is on, as it is for a bucket that was told nothing. */
bool s3_blocks(const SvServices *services, Arena *arena, Str bucket, S3Block which, bool *ret_blocks, Err *err);

/* AccessDenied: "User: … is not authorized to perform: ACTION on resource: "…" because". Returns false. */
bool s3_forbid(SvServices *services, AwsCall *call, const char *action, Str resource, const char *because, Err *err);
Str s3_bucket_arn(Arena *arena, Str bucket);
Str s3_object_arn(Arena *arena, Str bucket, Str key);

/* ---- lists ---- */

/* Whether the kept list (JSON; empty: none) lets everybody have the permission. */
bool s3_acl_opens(Str json, const char *permission);
/* The object's list out of its metadata, as JSON; empty: none. */
Str s3_acl_of_meta(Arena *arena, Str meta);

/* The list that the request gives the object it writes, into the metadata in place of any that is there. */
bool s3_put_acl(SvServices *services, AwsCall *call, yyjson_mut_val *meta, Err *err);

/* ---- making a bucket ---- */

/* Whether CreateBucket's ownership and list go together; called before the bucket is made. */
bool s3_check_new_bucket(SvServices *services, AwsCall *call, Err *err);
/* Keeps them. */
bool s3_open_new_bucket(SvServices *services, AwsCall *call, Err *err);

#endif
