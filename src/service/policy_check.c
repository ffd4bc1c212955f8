/* policy_check.c - what S3 refuses of a bucket policy when it is put; see policy.h. Messages are S3's. */
#include "service/policy.h"

#include "service/json_members.h"

#include <string.h>

enum { LONGEST_POLICY = 20 * 1024 };

static bool malformed(Err *err, const char *message) {
    return err_set(err, "MalformedPolicy", "%s", message);
}

static bool is_digits(Str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_principal(Str kind, Str text) {
    static const Str IAM = {"arn:aws:iam::", 13};
    static const Str STS = {"arn:aws:sts::", 13};
    bool is_plain = text.len > 0 && memchr(text.data, '*', text.len) == NULL && memchr(text.data, '?', text.len) == NULL;
    if (!str_eq_c(kind, "AWS")) {
        return is_plain && (str_eq_c(kind, "CanonicalUser") || str_eq_c(kind, "Service") || str_eq_c(kind, "Federated"));
    }
    return str_eq_c(text, "*") || (is_plain && ((text.len == 12 && is_digits(text)) || str_starts_with(text, IAM) || str_starts_with(text, STS)));
}

static bool check_principal(yyjson_val *statement, Err *err) {
    yyjson_val *principal = yyjson_obj_get(statement, "Principal");
    yyjson_val *others = yyjson_obj_get(statement, "NotPrincipal");
    principal = principal != NULL && others != NULL ? NULL : principal != NULL ? principal : others;
    if (principal == NULL) {
        return malformed(err, others != NULL ? "Statement has both Principal and NotPrincipal" : "Missing required field Principal");
    }
    if (!yyjson_is_obj(principal)) {
        return str_eq_c(js_text(principal), "*") || malformed(err, "Invalid principal in policy");
    }
    size_t i;
    size_t count;
    yyjson_val *kind;
    yyjson_val *names;
    bool ok = yyjson_obj_size(principal) > 0;
    yyjson_obj_foreach(principal, i, count, kind, names) {
        ok = ok && policy_count(names) > 0;
        for (size_t k = 0; ok && k < policy_count(names); k++) {
            ok = is_principal(js_text(kind), js_text(policy_item(names, k)));
        }
    }
    return ok || malformed(err, "Invalid principal in policy");
}

/* The element or its negation, one of both. */
static bool find_element(yyjson_val *statement, const char *name, const char *negation, yyjson_val **ret_element, Err *err) {
    yyjson_val *element = yyjson_obj_get(statement, name);
    yyjson_val *other = yyjson_obj_get(statement, negation);
    *ret_element = element != NULL ? element : other;
    if (policy_count(*ret_element) == 0) {
        return err_set(err, "MalformedPolicy", "Missing required field %s", name);
    }
    return element == NULL || other == NULL || err_set(err, "MalformedPolicy", "Statement has both %s and %s", name, negation);
}

static bool check_actions(yyjson_val *statement, Err *err) {
    yyjson_val *actions = NULL;
    bool ok = find_element(statement, "Action", "NotAction", &actions, err);
    for (size_t i = 0; ok && i < policy_count(actions); i++) {
        Str action = js_text(policy_item(actions, i));
        bool is_s3 = action.len > 3 && str_eq_nocase(str_slice(action, 0, 3), STR("s3:"));
        ok = is_s3 || str_eq_c(action, "*") || malformed(err, "Policy has invalid action");
    }
    return ok;
}

/* The bucket or what is in it. */
static bool check_resources(yyjson_val *statement, Str bucket, Err *err) {
    static const Str HEAD = {"arn:aws:s3:::", 13};
    yyjson_val *resources = NULL;
    bool ok = find_element(statement, "Resource", "NotResource", &resources, err);
    bool is_negated = yyjson_obj_get(statement, "Resource") == NULL;
    for (size_t i = 0; ok && i < policy_count(resources); i++) {
        Str arn = js_text(policy_item(resources, i));
        Str name = str_slice(arn, HEAD.len, arn.len);
        bool is_own = str_starts_with(arn, HEAD) && str_starts_with(name, bucket) &&
                      (name.len == bucket.len || name.data[bucket.len] == '/' || name.data[bucket.len] == '*');
        ok = is_own || (is_negated && str_eq_c(arn, "*")) || malformed(err, "Policy has invalid resource");
    }
    return ok;
}

static bool is_value(yyjson_val *value) {
    return yyjson_is_str(value) || yyjson_is_num(value) || yyjson_is_bool(value);
}

static bool check_conditions(yyjson_val *conditions, Err *err) {
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *keys;
    bool ok = true;
    if (!yyjson_is_obj(conditions)) {
        return conditions == NULL || malformed(err, "Conditions must be a JSON object");
    }
    yyjson_obj_foreach(conditions, i, count, name, keys) {
        size_t k;
        size_t size;
        yyjson_val *key;
        yyjson_val *values;
        ok = ok && (policy_is_operator(js_text(name)) ||
                    err_set(err, "MalformedPolicy", "Invalid Condition type : %.*s", STR_ARG(js_text(name))));
        if (!ok || !yyjson_is_obj(keys)) {
            return malformed(err, "Conditions must be a JSON object");
        }
        yyjson_obj_foreach(keys, k, size, key, values) {
            ok = ok && (memchr(yyjson_get_str(key), ':', yyjson_get_len(key)) != NULL || malformed(err, "Policy has an invalid condition key"));
            for (size_t v = 0; ok && v < policy_count(values); v++) {
                ok = is_value(policy_item(values, v)) || malformed(err, "Conditions must have a string, a number or a boolean as value");
            }
        }
    }
    return ok;
}

static bool check_fields(yyjson_val *object, const char *const *known, size_t count, Err *err) {
    size_t i;
    size_t size;
    yyjson_val *name;
    yyjson_val *ignored;
    yyjson_obj_foreach(object, i, size, name, ignored) {
        bool is_known = false;
        for (size_t k = 0; k < count; k++) {
            is_known = is_known || str_eq_c(js_text(name), known[k]);
        }
        if (!is_known) {
            return err_set(err, "MalformedPolicy", "Unknown field %.*s", STR_ARG(js_text(name)));
        }
    }
    return true;
}

static bool check_statement(yyjson_val *statement, Str bucket, Err *err) {
    static const char *const FIELDS[] = {"Sid",    "Effect",    "Principal", "NotPrincipal", "Action",
                                         "NotAction", "Resource", "NotResource", "Condition"};
    Str effect = js_str(statement, "Effect");
    if (!yyjson_is_obj(statement)) {
        return malformed(err, "Statement must be a JSON object");
    }
    return check_fields(statement, FIELDS, sizeof FIELDS / sizeof FIELDS[0], err) &&
           (str_eq_c(effect, "Allow") || str_eq_c(effect, "Deny") || err_set(err, "MalformedPolicy", "Invalid effect: %.*s", STR_ARG(effect))) &&
           check_principal(statement, err) && check_actions(statement, err) && check_resources(statement, bucket, err) &&
           check_conditions(yyjson_obj_get(statement, "Condition"), err);
}

static bool check_document(yyjson_val *root, Str bucket, Err *err) {
    static const char *const FIELDS[] = {"Version", "Id", "Statement"};
    yyjson_val *statements = yyjson_obj_get(root, "Statement");
    Str version = js_str(root, "Version");
    if (!yyjson_is_obj(root)) {
        return malformed(err, "Policies must be valid JSON and the first byte must be '{'");
    }
    if (!check_fields(root, FIELDS, sizeof FIELDS / sizeof FIELDS[0], err)) {
        return false;
    }
    if (yyjson_obj_get(root, "Version") != NULL && !str_eq_c(version, "2012-10-17") && !str_eq_c(version, "2008-10-17")) {
        return malformed(err, "The policy must contain a valid version string");
    }
    bool ok = policy_count(statements) > 0 || malformed(err, "Missing required field Statement");
    for (size_t i = 0; ok && i < policy_count(statements); i++) {
        ok = check_statement(policy_item(statements, i), bucket, err);
    }
    return ok;
}

bool policy_check(Str text, Str bucket, Err *err) {
    if (text.len > LONGEST_POLICY) {
        return malformed(err, "Policy exceeds the maximum allowed document size.");
    }
    yyjson_doc *parsed = yyjson_read(text.data == NULL ? "" : text.data, text.len, 0);
    bool ok = check_document(yyjson_doc_get_root(parsed), bucket, err);
    yyjson_doc_free(parsed);
    return ok;
}
