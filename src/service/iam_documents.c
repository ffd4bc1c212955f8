/* iam_documents.c - IAM: the grammar of policy documents, as far as IAM refuses one for it; see iam.h.
 *
 * Sources: IAM User Guide, "Grammar of the IAM JSON policy language". Invariant: nothing of a document is changed here; what it allows is not looked at.
 */
#include "service/iam.h"

#include <string.h>

#define MALFORMED "MalformedPolicyDocument"

static bool has(yyjson_val *object, const char *name) {
    return yyjson_obj_get(object, name) != NULL;
}

/* An action is "service:Name" or "*"; a resource "*" or an ARN. */
static bool check_text(yyjson_val *value, bool is_action, Err *err) {
    Str text = js_text(value);
    if (!yyjson_is_str(value)) {
        return err_set(err, MALFORMED, "Syntax errors in policy.");
    }
    if (str_eq_c(text, "*")) {
        return true;
    }
    if (is_action) {
        return memchr(text.data, ':', text.len) != NULL ||
               err_set(err, MALFORMED, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
    }
    return str_starts_with(text, STR("arn:")) || err_set(err, MALFORMED, "Resource %.*s must be in ARN format or \"*\".", STR_ARG(text));
}

/* One text, or a list of them. */
static bool check_texts(yyjson_val *statement, const char *name, bool is_action, Err *err) {
    yyjson_val *value = yyjson_obj_get(statement, name);
    size_t i;
    size_t count;
    yyjson_val *item;
    if (value == NULL || !yyjson_is_arr(value)) {
        return value == NULL || check_text(value, is_action, err);
    }
    yyjson_arr_foreach(value, i, count, item) {
        if (!check_text(item, is_action, err)) {
            return false;
        }
    }
    return count > 0 || err_set(err, MALFORMED, "Policy statement must contain %s.", is_action ? "actions" : "resources");
}

static bool check_statement(yyjson_val *statement, ImDocument kind, Err *err) {
    Str effect = js_str(statement, "Effect");
    bool has_principal = has(statement, "Principal") || has(statement, "NotPrincipal");
    bool has_resource = has(statement, "Resource") || has(statement, "NotResource");
    if (!yyjson_is_obj(statement) || (!str_eq_c(effect, "Allow") && !str_eq_c(effect, "Deny"))) {
        return err_set(err, MALFORMED, "Syntax errors in policy.");
    }
    if (!has(statement, "Action") && !has(statement, "NotAction")) {
        return err_set(err, MALFORMED,
                       kind == IM_TRUST ? "AssumeRole policy must contain actions." : "Policy statement must contain actions.");
    }
    if (kind == IM_TRUST && has_resource) {
        return err_set(err, MALFORMED, "Has prohibited field Resource");
    }
    if (kind == IM_TRUST && !has_principal) {
        return err_set(err, MALFORMED, "AssumeRole policy must contain principals.");
    }
    if (kind == IM_IDENTITY && has_principal) {
        return err_set(err, MALFORMED, "Policy document should not specify a principal.");
    }
    if (kind == IM_IDENTITY && !has_resource) {
        return err_set(err, MALFORMED, "Policy statement must contain resources.");
    }
    return check_texts(statement, "Action", true, err) && check_texts(statement, "NotAction", true, err) &&
           check_texts(statement, "Resource", false, err) && check_texts(statement, "NotResource", false, err);
}

/* Statements may be one object or a list; their Sids differ. */
static bool check_statements(yyjson_val *statements, ImDocument kind, Err *err) {
    size_t i;
    size_t count;
    yyjson_val *statement;
    if (yyjson_is_obj(statements)) {
        return check_statement(statements, kind, err);
    }
    if (!yyjson_is_arr(statements) || yyjson_arr_size(statements) == 0) {
        return err_set(err, MALFORMED, "Syntax errors in policy.");
    }
    yyjson_arr_foreach(statements, i, count, statement) {
        Str sid = js_str(statement, "Sid");
        for (size_t k = 0; sid.len > 0 && k < i; k++) {
            if (str_eq(sid, js_str(yyjson_arr_get(statements, k), "Sid"))) {
                return err_set(err, MALFORMED, "Statement IDs (SID) in a single policy must be unique.");
            }
        }
        if (!check_statement(statement, kind, err)) {
            return false;
        }
    }
    return true;
}

bool im_check_document(Str document, ImDocument kind, Err *err) {
    yyjson_doc *parsed = yyjson_read(document.data, document.len, 0);
    yyjson_val *root = yyjson_doc_get_root(parsed);
    Str version = js_str(root, "Version");
    bool ok = yyjson_is_obj(root);
    if (!ok) {
        (void)err_set(err, MALFORMED, kind == IM_TRUST ? "This policy contains invalid Json" : "Syntax errors in policy.");
    } else if (has(root, "Version") && !str_eq_c(version, "2012-10-17") && !str_eq_c(version, "2008-10-17")) {
        ok = err_set(err, MALFORMED, "Syntax errors in policy.");
    } else {
        ok = check_statements(yyjson_obj_get(root, "Statement"), kind, err);
    }
    yyjson_doc_free(parsed);
    return ok;
}

Str im_encoded(Arena *arena, Str document) {
    StrBuf out = {.arena = arena};
    for (size_t i = 0; i < document.len; i++) {
        unsigned char c = (unsigned char)document.data[i];
        bool is_plain =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c != '\0' && strchr("-_.~", c) != NULL);
        strbuf_fmt(&out, is_plain ? "%c" : "%%%02X", c);
    }
    return strbuf_str(&out);
}
