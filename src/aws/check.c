/* check.c - a decoded input against the model's constraints: types, required members, lengths, ranges, patterns, enums.
 *
 * The words are AWS's own ("1 validation error detected: Value 'x' at 'databaseInput.name' failed to satisfy constraint: Member must …"); the code is the
 * service's. Members that the model does not know are passed over, as AWS does. Invariant: patterns are compiled once, at the server's start.
 */
#include "aws/request.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_SHOWN = 200 };

struct AwsPatterns {
    size_t count;
    pcre2_code *codes[]; /* by shape; NULL: none */
};

typedef struct Check {
    const AwsPatterns *patterns;
    const AwsService *service;
    StrBuf path;
    Err *err;
} Check;

AwsPatterns *aws_patterns_new(Err *err) {
    size_t count = aws_shape_count();
    AwsPatterns *patterns = calloc(1, sizeof *patterns + count * sizeof patterns->codes[0]);
    if (patterns == NULL) {
        (void)err_set(err, ERR_INTERNAL, "no memory for patterns");
        return NULL;
    }
    patterns->count = count;
    for (size_t i = 0; i < count; i++) {
        const char *pattern = aws_shape((uint16_t)i)->pattern;
        int code = 0;
        PCRE2_SIZE at = 0;
        if (pattern == NULL) {
            continue;
        }
        patterns->codes[i] = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &at, NULL);
        if (patterns->codes[i] == NULL) {
            (void)err_set(err, ERR_INTERNAL, "the pattern %s of an AWS model can't be compiled (at %zu)", pattern, (size_t)at);
            aws_patterns_free(patterns);
            return NULL;
        }
    }
    return patterns;
}

void aws_patterns_free(AwsPatterns *owned_patterns) {
    for (size_t i = 0; owned_patterns != NULL && i < owned_patterns->count; i++) {
        pcre2_code_free(owned_patterns->codes[i]);
    }
    free(owned_patterns);
}

static const char *validation_code(const AwsService *service) {
    return service->protocol == AWS_QUERY                  ? "ValidationError"
           : service->protocol == AWS_REST_XML             ? "InvalidArgument"
           : strcmp(service->name, "logs") == 0            ? "InvalidParameterException"
                                                           : "ValidationException";
}

static bool wrong_type(Check *check, const char *wanted) {
    const char *code = check->service->protocol == AWS_JSON ? "SerializationException" : validation_code(check->service);
    return err_set(check->err, code, "%.*s must be %s", STR_ARG(strbuf_str(&check->path)), wanted);
}

static bool breaks(Check *check, yyjson_val *value, const char *constraint) {
    size_t len = 0;
    char *text = yyjson_is_str(value) ? NULL : yyjson_val_write(value, 0, &len);
    Str shown = text != NULL ? (Str){text, len} : (Str){yyjson_get_str(value), yyjson_get_len(value)};
    (void)err_set(check->err, validation_code(check->service),
                  "1 validation error detected: Value '%.*s' at '%.*s' failed to satisfy constraint: Member must %s", STR_ARG(str_slice(shown, 0, LONGEST_SHOWN)),
                  STR_ARG(strbuf_str(&check->path)), constraint);
    free(text);
    return false;
}

static bool matches(const AwsPatterns *patterns, const AwsShape *shape, Str text) {
    pcre2_code *code = patterns->codes[shape - aws_shape(0)];
    if (code == NULL) {
        return true;
    }
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    int result = data == NULL ? PCRE2_ERROR_NOMEMORY : pcre2_match(code, (PCRE2_SPTR)text.data, text.len, 0, 0, data, NULL);
    pcre2_match_data_free(data);
    return result >= 0;
}

/* Characters, not bytes. */
static int64_t text_length(Str text) {
    int64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    }
    return n;
}

static bool check_size(Check *check, const AwsShape *shape, yyjson_val *value, int64_t size, const char *what) {
    char constraint[96];
    if (shape->has_min && size < shape->min) {
        (void)snprintf(constraint, sizeof constraint, "have %s greater than or equal to %lld", what, (long long)shape->min);
        return breaks(check, value, constraint);
    }
    if (shape->has_max && size > shape->max) {
        (void)snprintf(constraint, sizeof constraint, "have %s less than or equal to %lld", what, (long long)shape->max);
        return breaks(check, value, constraint);
    }
    return true;
}

static bool check_enum(Check *check, const AwsShape *shape, yyjson_val *value, Str text) {
    StrBuf all = {.arena = check->path.arena};
    for (size_t i = 0; i < shape->nvalues; i++) {
        if (str_eq_c(text, aws_enum_value(shape, i))) {
            return true;
        }
        strbuf_fmt(&all, "%s%s", i > 0 ? ", " : "", aws_enum_value(shape, i));
    }
    Str constraint = str_fmt(check->path.arena, "satisfy enum value set: [%.*s]", STR_ARG(strbuf_str(&all)));
    return shape->nvalues == 0 || breaks(check, value, constraint.data);
}

static bool check_string(Check *check, const AwsShape *shape, yyjson_val *value) {
    Str text = {yyjson_get_str(value), yyjson_get_len(value)};
    if (!yyjson_is_str(value)) {
        return wrong_type(check, "a string");
    }
    if (!check_size(check, shape, value, text_length(text), "length") || !check_enum(check, shape, value, text)) {
        return false;
    }
    Str constraint = str_fmt(check->path.arena, "satisfy regular expression pattern: %s", shape->pattern != NULL ? shape->pattern : "");
    return matches(check->patterns, shape, text) || breaks(check, value, constraint.data);
}

static bool check_value(Check *check, const AwsShape *shape, yyjson_val *value);

/* The member's place in messages: "databaseInput.name". */
static size_t push_member(Check *check, const char *name) {
    size_t before = check->path.len;
    if (before > 0) {
        strbuf_add_char(&check->path, '.');
    }
    strbuf_add_char(&check->path, (char)tolower((unsigned char)name[0]));
    strbuf_add_c(&check->path, name + 1);
    return before;
}

static bool check_structure(Check *check, const AwsShape *shape, yyjson_val *value) {
    if (!yyjson_is_obj(value)) {
        return wrong_type(check, "an object");
    }
    for (size_t i = 0; i < shape->nmembers; i++) {
        const AwsMember *member = &aws_members(shape)[i];
        yyjson_val *inner = yyjson_obj_get(value, member->name);
        size_t before = push_member(check, member->name);
        bool is_absent = inner == NULL || yyjson_is_null(inner);
        if (is_absent && member->is_required && !member->is_streaming) {
            (void)err_set(check->err, validation_code(check->service),
                          "1 validation error detected: Value null at '%.*s' failed to satisfy constraint: Member must not be null",
                          STR_ARG(strbuf_str(&check->path)));
            return false;
        }
        if (!is_absent && !check_value(check, aws_shape(member->shape), inner)) {
            return false;
        }
        check->path.len = before;
    }
    return true;
}

static bool check_list(Check *check, const AwsShape *shape, yyjson_val *value) {
    if (!yyjson_is_arr(value)) {
        return wrong_type(check, "a list");
    }
    if (!check_size(check, shape, value, (int64_t)yyjson_arr_size(value), "length")) {
        return false;
    }
    size_t i;
    size_t count;
    yyjson_val *item;
    yyjson_arr_foreach(value, i, count, item) {
        size_t before = check->path.len;
        strbuf_fmt(&check->path, ".%zu.member", i + 1);
        if (!yyjson_is_null(item) && !check_value(check, aws_shape(shape->element), item)) {
            return false;
        }
        check->path.len = before;
    }
    return true;
}

static bool check_map(Check *check, const AwsShape *shape, yyjson_val *value) {
    if (!yyjson_is_obj(value)) {
        return wrong_type(check, "a map");
    }
    if (!check_size(check, shape, value, (int64_t)yyjson_obj_size(value), "length")) {
        return false;
    }
    size_t i;
    size_t count;
    yyjson_val *key;
    yyjson_val *inner;
    yyjson_obj_foreach(value, i, count, key, inner) {
        size_t before = check->path.len;
        strbuf_fmt(&check->path, ".%.*s.member", (int)yyjson_get_len(key), yyjson_get_str(key));
        if (!check_value(check, aws_shape(shape->key), key) || (!yyjson_is_null(inner) && !check_value(check, aws_shape(shape->element), inner))) {
            return false;
        }
        check->path.len = before;
    }
    return true;
}

static bool check_value(Check *check, const AwsShape *shape, yyjson_val *value) {
    switch ((AwsKind)shape->kind) {
    case AWS_STRUCTURE: return check_structure(check, shape, value);
    case AWS_LIST: return check_list(check, shape, value);
    case AWS_MAP: return check_map(check, shape, value);
    case AWS_STRING: return check_string(check, shape, value);
    case AWS_BLOB: return yyjson_is_str(value) || wrong_type(check, "base64 text");
    case AWS_BOOLEAN: return yyjson_is_bool(value) || wrong_type(check, "true or false");
    case AWS_TIMESTAMP: return yyjson_is_num(value) || wrong_type(check, "a time in seconds since 1970");
    case AWS_INTEGER:
    case AWS_LONG:
        if (!yyjson_is_int(value)) {
            return wrong_type(check, "a whole number");
        }
        return check_size(check, shape, value, yyjson_get_sint(value), "value");
    case AWS_FLOAT:
    case AWS_DOUBLE: return yyjson_is_num(value) || wrong_type(check, "a number");
    }
    return true;
}

bool aws_check(const AwsPatterns *patterns, const AwsRequest *request, yyjson_val *input, Err *err) {
    const AwsShape *shape = aws_shape(request->operation->input);
    Check check = {.patterns = patterns, .service = request->service, .path = {.arena = request->arena}, .err = err};
    return shape == NULL || check_structure(&check, shape, input);
}
