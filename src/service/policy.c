/* policy.c - what the statements of a policy say of a request, and whether a policy is public; see policy.h. */
#include "service/policy.h"

#include "service/json_members.h"

#include <string.h>

/* ---- principals ---- */

static bool is_account(const PolicyCaller *caller, Str text) {
    static const Str HEAD = {"arn:aws:iam::", 13};
    static const Str TAIL = {":root", 5};
    if (str_starts_with(text, HEAD) && str_ends_with(text, TAIL)) {
        text = str_slice(text, HEAD.len, text.len - TAIL.len);
    }
    return str_eq(text, caller->account);
}

/* An account stands for all who are of it, but among those that NotPrincipal leaves out: there it is its root alone. */
static bool is_named(const PolicyCaller *caller, const char *kind, Str text, bool is_exact) {
    bool is_canonical = strcmp(kind, "CanonicalUser") == 0;
    if (!is_canonical && strcmp(kind, "AWS") != 0) {
        return false; /* Service, Federated: nobody here is one */
    }
    if (!is_canonical && str_eq_c(text, "*")) {
        return true;
    }
    if (caller->is_anonymous || text.len == 0) {
        return false;
    }
    if (is_canonical ? str_eq(text, caller->canonical_id) : is_account(caller, text)) {
        return !is_exact || caller->is_root;
    }
    return !is_canonical && (str_eq(text, caller->arn) || str_eq(text, caller->role_arn));
}

/* "*", or {"AWS": one or a list, "CanonicalUser": …}. */
static bool principal_matches(const PolicyCaller *caller, yyjson_val *principal, bool is_exact) {
    if (!yyjson_is_obj(principal)) {
        return str_eq_c(js_text(principal), "*");
    }
    size_t i;
    size_t count;
    yyjson_val *kind;
    yyjson_val *names;
    bool found = false;
    yyjson_obj_foreach(principal, i, count, kind, names) {
        for (size_t k = 0; !found && k < policy_count(names); k++) {
            found = is_named(caller, yyjson_get_str(kind), js_text(policy_item(names, k)), is_exact);
        }
    }
    return found;
}

/* ---- statements ---- */

typedef struct Pair {
    const char *name, *negation; /* "Action", "NotAction" */
} Pair;

static const Pair ACTION = {"Action", "NotAction"};
static const Pair RESOURCE = {"Resource", "NotResource"};

/* Whether the text is one of the element's, or with the negation none of them. */
static bool element_matches(const PolicyContext *context, yyjson_val *statement, const Pair *pair, Str text, bool has_variables, bool ignores_case) {
    yyjson_val *element = yyjson_obj_get(statement, pair->name);
    bool is_negated = element == NULL;
    element = is_negated ? yyjson_obj_get(statement, pair->negation) : element;
    bool found = false;
    for (size_t i = 0; !found && i < policy_count(element); i++) {
        Str pattern;
        found = policy_expand(context->arena, has_variables ? context : NULL, js_text(policy_item(element, i)), true, &pattern) &&
                policy_matches(pattern, text, ignores_case);
    }
    return element != NULL && found != is_negated;
}

static bool statement_fits(const PolicyContext *context, yyjson_val *statement, bool has_variables) {
    yyjson_val *principal = yyjson_obj_get(statement, "Principal");
    yyjson_val *others = yyjson_obj_get(statement, "NotPrincipal");
    bool is_meant = principal != NULL ? principal_matches(context->caller, principal, false)
                                      : others != NULL && !principal_matches(context->caller, others, true);
    return is_meant && element_matches(context, statement, &ACTION, context->action, false, true) &&
           element_matches(context, statement, &RESOURCE, context->resource, has_variables, false) &&
           policy_conditions_hold(yyjson_obj_get(statement, "Condition"), context, has_variables);
}

PolicyDecision policy_decide(yyjson_val *policy, const PolicyContext *context) {
    yyjson_val *statements = yyjson_obj_get(policy, "Statement");
    bool has_variables = str_eq_c(js_str(policy, "Version"), "2012-10-17");
    PolicyDecision decision = POLICY_SILENT;
    for (size_t i = 0; i < policy_count(statements) && decision != POLICY_DENIES; i++) {
        yyjson_val *statement = policy_item(statements, i);
        Str effect = js_str(statement, "Effect");
        bool is_denial = str_eq_c(effect, "Deny");
        if ((is_denial || (decision == POLICY_SILENT && str_eq_c(effect, "Allow"))) && statement_fits(context, statement, has_variables)) {
            decision = is_denial ? POLICY_DENIES : POLICY_ALLOWS;
        }
    }
    return decision;
}

/* ---- the meaning of public ---- */

/* Fixed, for a condition's value: no wildcard and no variable; of aws:userid what follows a role's id; a network that is not nearly all of the internet. */
static bool is_fixed(Str key, Str value) {
    enum { WIDEST_V4 = 8, WIDEST_V6 = 32 };
    if (str_eq_c(key, "aws:sourceip")) {
        bool is_v6 = false;
        int bits = 0;
        return policy_is_network(value, &is_v6, &bits) && bits >= (is_v6 ? WIDEST_V6 : WIDEST_V4);
    }
    if (str_eq_c(key, "aws:userid") && value.len > 2 && str_ends_with(value, STR(":*"))) {
        value.len -= 2;
    }
    return value.len > 0 && memchr(value.data, '*', value.len) == NULL && memchr(value.data, '?', value.len) == NULL &&
           memmem(value.data, value.len, "${", 2) == NULL;
}

static bool is_narrow_key(Str key) {
    static const char *const KEYS[] = {"aws:sourceip",
                                       "aws:sourcearn",
                                       "aws:sourcevpc",
                                       "aws:sourcevpce",
                                       "aws:sourceowner",
                                       "aws:sourceaccount",
                                       "aws:userid",
                                       "aws:principalarn",
                                       "aws:principalaccount",
                                       "aws:principalorgid",
                                       "aws:principalorgpaths",
                                       "s3:x-amz-server-side-encryption-aws-kms-key-id",
                                       "s3:dataaccesspointarn",
                                       "s3:dataaccesspointaccount"};
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        if (str_eq_c(key, KEYS[i])) {
            return true;
        }
    }
    return false;
}

static bool is_narrowed(Arena *scratch, yyjson_val *conditions) {
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *keys;
    bool is_narrow = false;
    if (!yyjson_is_obj(conditions)) {
        return false;
    }
    yyjson_obj_foreach(conditions, i, count, name, keys) {
        size_t k;
        size_t size;
        yyjson_val *key;
        yyjson_val *values;
        yyjson_obj_foreach(keys, k, size, key, values) {
            Str lower = policy_key_name(scratch, js_text(key));
            bool all = policy_operator_requires(js_text(name)) && is_narrow_key(lower) && policy_count(values) > 0;
            for (size_t v = 0; all && v < policy_count(values); v++) {
                all = is_fixed(lower, js_text(policy_item(values, v)));
            }
            is_narrow = is_narrow || all;
        }
    }
    return is_narrow;
}

bool policy_is_public(yyjson_val *policy) {
    static const PolicyCaller ANYBODY = {.is_anonymous = true};
    yyjson_val *statements = yyjson_obj_get(policy, "Statement");
    Arena *scratch = arena_new();
    bool is_public = false;
    for (size_t i = 0; i < policy_count(statements); i++) {
        yyjson_val *statement = policy_item(statements, i);
        yyjson_val *principal = yyjson_obj_get(statement, "Principal");
        bool is_open = principal != NULL ? principal_matches(&ANYBODY, principal, false) : yyjson_obj_get(statement, "NotPrincipal") != NULL;
        is_public = is_public || (str_eq_c(js_str(statement, "Effect"), "Allow") && is_open &&
                                  !is_narrowed(scratch, yyjson_obj_get(statement, "Condition")));
    }
    arena_free(scratch);
    return is_public;
}
