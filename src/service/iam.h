/* service/iam.h - IAM: what its files share: roles, users, managed policies and instance profiles as entities.
 *
 * An entity is one row (store/resource.h) whose id is its name in small letters, since IAM's names differ by more than case. Its JSON is
 * {"Shown": AWS's members, "Tags": {key: value}, "Inline": {name: document}, "Attached": {arn: name}, "Versions": {id: version}, "Role": name}, as far
 * as its type has them. Policies are kept and answered, never enforced: what limits a key is the policies of buckets alone (s3_access.h).
 * Invariants: a change reads, checks and writes its row under SvServices.iam_lock, so that two changes of one entity (Terraform makes ten at a
 * time) both last; documents are stored as they came, and percent-encoded when they are shown, as AWS has them.
 */
#ifndef SOLDER_SERVICE_IAM_H
#define SOLDER_SERVICE_IAM_H

#include "service/json_members.h"
#include "service/service.h"

#include "base/vec.h"

typedef enum ImType { IM_ROLE, IM_USER, IM_POLICY, IM_PROFILE, IM_TYPES } ImType;

/* What the API calls a type and its members. */
typedef struct ImNames {
    const char *kind;                /* of its rows */
    const char *shown;               /* "Role" */
    const char *list;                /* "Roles" */
    const char *name;                /* "RoleName" */
    const char *id;                  /* "RoleId" */
    const char *id_prefix;           /* "AROA" */
    const char *arn_type;            /* "role" */
    const char *missing, *duplicate; /* messages around a name: "The role with name %s cannot be found." */
} ImNames;

const ImNames *im_names(ImType type);

typedef struct ImEntity {
    ImType type;
    Str name; /* as it was given at its creation */
    yyjson_mut_doc *doc;
    yyjson_mut_val *root; /* the row's JSON, see above */
    int64_t seq;
} ImEntity;

typedef VEC(ImEntity) ImEntities;

/* NoSuchEntity. The entity lives in the call's document. */
bool im_load(SvServices *services, AwsCall *call, ImType type, Str name, ImEntity *ret_entity, Err *err);
/* Every entity of a type, oldest first. */
bool im_load_all(SvServices *services, AwsCall *call, ImType type, ImEntities *ret_entities, Err *err);
/* The row as AWS shows it, with or without what only Get and Create show. */
yyjson_mut_val *im_shown(AwsCall *call, const ImEntity *entity, bool is_whole);
/* A text member of what is shown. */
Str im_member(const ImEntity *entity, const char *name);
/* An object of the row ("Tags", "Inline", …), made on first use. */
yyjson_mut_val *im_part(const ImEntity *entity, const char *part);

/* Changes one entity under the lock: `change` says no, or changes the document, which then is stored. */
typedef bool (*ImChange)(SvServices *services, AwsCall *call, ImEntity *entity, Err *err);
bool im_change(SvServices *services, AwsCall *call, ImType type, Str name, ImChange change, Err *err);
/* Makes one of the call's input: name, path, tags; `fill` adds the rest. */
bool im_create(SvServices *services, AwsCall *call, ImType type, ImChange fill, Err *err);
/* Deletes one unless `check` says no. */
bool im_delete(SvServices *services, AwsCall *call, ImType type, Str name, ImChange check, Err *err);

/* ---- lists: MaxItems, Marker, IsTruncated ---- */

/* What a list shows of an entity; *ret_shown NULL: it is passed over. */
typedef bool (*ImShow)(SvServices *services, AwsCall *call, const ImEntity *entity, yyjson_mut_val **ret_shown, Err *err);
/* The entities of a type below PathPrefix as the call's page. */
bool im_list(SvServices *services, AwsCall *call, ImType type, ImShow show, Err *err);
/* One page of an object's members, sorted by name: `item` makes of a name and its value what the list shows (NULL: passes it over). */
typedef yyjson_mut_val *(*ImItem)(AwsCall *call, Str name, yyjson_mut_val *value);
bool im_page(AwsCall *call, const char *list, yyjson_mut_val *object, ImItem item, Err *err);

/* ---- documents (iam_documents.c) ---- */

typedef enum ImDocument { IM_IDENTITY, IM_TRUST } ImDocument;

/* MalformedPolicyDocument, with AWS's words. */
bool im_check_document(Str document, ImDocument kind, Err *err);
/* As answers carry documents (RFC 3986). */
Str im_encoded(Arena *arena, Str document);

/* ---- managed policies (iam_policies.c) ---- */

/* Whether a policy may be attached: one of the account that is there, or any of AWS's own by name. NoSuchEntity. */
bool im_check_attachable(SvServices *services, AwsCall *call, Str arn, Err *err);
/* "arn:aws:iam::aws:policy/service-role/X" → "X". */
Str im_arn_name(Str arn);

/* AWS's own policies that are known by their documents (spec/aws/managed_policies.tsv). */
typedef struct ImManaged {
    const char *path, *name, *actions; /* actions with blanks between */
} ImManaged;

/* ---- who calls (iam_users.c) ---- */

/* The user whose key signed the call; empty: the account itself. */
bool im_caller(SvServices *services, AwsCall *call, Str *ret_user, Err *err);

typedef struct ImPrincipal {
    Str arn, user_id;
    Str user_name; /* of a user's own key; else empty */
    bool is_temporary, is_root;
} ImPrincipal;

/* Who signed the call, as STS tells it (sts.c). */
bool im_principal(SvServices *services, AwsCall *call, ImPrincipal *ret_principal, Err *err);
Str im_arn(AwsCall *call, const char *type, Str path, Str name);

#endif
