/* service/policy.h - the policy language of AWS: what a document says of one request.
 *
 * Used by s3_access.c for bucket policies. A pure function over a parsed document and the request's context, which answers for condition keys when it is
 * asked. Sources: IAM User Guide, "IAM JSON policy elements" (Principal, Action, Resource, Condition operators, policy variables) and "Policy
 * evaluation logic". Invariants: an explicit Deny goes before everything; a key that the context has not is absent, known or not; no text of a document or of
 * a request can make the time of a match more than the product of their lengths.
 */
#ifndef SOLDER_SERVICE_POLICY_H
#define SOLDER_SERVICE_POLICY_H

#include "base/err.h"

#include <yyjson.h>

typedef enum PolicyDecision { POLICY_SILENT, POLICY_ALLOWS, POLICY_DENIES } PolicyDecision;

typedef struct PolicyCaller {
    bool is_anonymous; /* then nothing else is there */
    bool is_root;      /* the account itself */
    Str account, canonical_id;
    Str arn;      /* of the account's root, the user, or the role's session */
    Str role_arn; /* of a session's role; else empty */
} PolicyCaller;

typedef struct PolicyContext {
    Arena *arena;
    const PolicyCaller *caller;
    Str action;   /* "s3:GetObject" */
    Str resource; /* an ARN */
    /* The values of a condition key; 0: it is absent. Names of keys are in small letters up to a slash, behind which a tag's key stands as it is. */
    size_t (*values)(void *self, Str key, const Str **ret_values);
    void *self;
} PolicyContext;

/* policy: a document that policy_check let pass; of any other nothing but memory safety is promised. */
PolicyDecision policy_decide(yyjson_val *policy, const PolicyContext *context);

/* Whether it lets in callers that nothing but a wildcard names, as S3's "The meaning of public" has it. */
bool policy_is_public(yyjson_val *policy);

/* ---- a document that is put (policy_check.c) ---- */

/* MalformedPolicy in S3's words. */
bool policy_check(Str text, Str bucket, Err *err);

/* ---- conditions (policy_conditions.c) ---- */

/* Every block of a statement's Condition; NULL holds. has_variables: ${…} means something (Version 2012-10-17). */
bool policy_conditions_hold(yyjson_val *conditions, const PolicyContext *context, bool has_variables);
/* "StringLike", "ForAnyValue:ArnLikeIfExists", … */
bool policy_is_operator(Str name);
/* Whether the block can only hold of requests that have the key with one of its values: no negation, no IfExists, no ForAllValues. */
bool policy_operator_requires(Str name);
/* "10.0.0.0/8", "::1". */
bool policy_is_network(Str text, bool *ret_is_v6, int *ret_bits);

/* ---- patterns (policy_pattern.c) ---- */

/* A text of a document made ready for policy_matches: variables are replaced, and with has_wildcards '*' and '?' stand for any text and any character.
 * false: a variable is absent. context NULL: there are no variables. */
bool policy_expand(Arena *arena, const PolicyContext *context, Str text, bool has_wildcards, Str *ret_pattern);
bool policy_matches(Str pattern, Str text, bool ignores_case);
/* A condition key's name as PolicyContext.values is asked for it. */
Str policy_key_name(Arena *arena, Str name);

/* ---- lists ---- */

/* Elements of a document are one text or a list of them. */
size_t policy_count(yyjson_val *value);
yyjson_val *policy_item(yyjson_val *value, size_t i);

#endif
