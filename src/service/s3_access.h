/* service/s3_access.h - who may do what to S3: bucket policies, ACLs and the public access block, before any handler.
 *
 * Used by the gateway (AwsConfig.admits, AwsConfig.authorize), and by the few handlers for which one answer is not enough. What an operation needs is
 * a table, spec/aws/s3_actions.tsv. The rules: an explicit Deny of the bucket's policy refuses anybody, but for the account's root and the policy itself; beyond
 * that a caller with a key of this account may do everything; one without a key may do what the policy or an ACL lets everybody do, as far as the public
 * access block lets them. Invariant: a caller without a key reaches no handler unless each of its operation's actions is allowed.
 */
#ifndef SOLDER_SERVICE_S3_ACCESS_H
#define SOLDER_SERVICE_S3_ACCESS_H

#include "service/iam.h"
#include "service/s3.h"

bool sv_s3_admits(void *self, Arena *arena, Str operation, Str bucket, Err *err);
bool sv_s3_authorize(void *self, AwsCall *call, Err *err);

/* One item of DeleteObjects; failure: AccessDenied. */
bool s3_may_delete(AwsCall *call, Str key, Str version, Err *failure);
/* Whether the caller may learn that a key is not there: those who may list the bucket. */
bool s3_may_know(AwsCall *call);

/* ---- condition keys (s3_condition_keys.c) ---- */

/* What a policy is asked about. */
typedef struct S3Subject {
    SvServices *services;
    AwsCall *call;
    const ImPrincipal *principal; /* NULL: a caller without a key */
    Str role_arn;                 /* of the session's role; else empty */
    Str bucket, key, version;     /* key empty: the bucket itself */
} S3Subject;

/* PolicyContext.values; self is an S3Subject. */
size_t s3_condition_values(void *self, Str key, const Str **ret_values);

#endif
