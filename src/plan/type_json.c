/* type_json.c - types from schema JSON, the form that Spark's clients, Parquet footers and the catalog keep; type.c writes it.
 *
 * Invariant: what pl_type_json writes pl_type_from_json reads back equal. Nesting is limited, so that hostile JSON ends in an error.
 */
#include "plan/type.h"

#include <stdlib.h>
#include <yyjson.h>

enum { MAX_DEPTH = 500, MAX_PRECISION = 38 };

#define CODE_JSON "PARSE_DATATYPE_JSON"

static void *alloc_in_arena(void *ctx, size_t size) {
    return arena_alloc(ctx, size);
}

static void *realloc_in_arena(void *ctx, void *old, size_t old_size, size_t size) {
    void *bytes = arena_alloc(ctx, size);
    return memcpy(bytes, old, old_size < size ? old_size : size);
}

static void free_in_arena(void *ctx, void *old) {
    (void)ctx; /* dropped with the arena */
    (void)old;
}

static Str json_str(yyjson_val *value) {
    return (Str){yyjson_get_str(value), yyjson_get_len(value)};
}

/* Compact text of a JSON value, for messages and metadata. */
static Str json_text(Arena *arena, yyjson_val *value) {
    yyjson_alc alc = {alloc_in_arena, realloc_in_arena, free_in_arena, arena};
    size_t len = 0;
    char *text = yyjson_val_write_opts(value, YYJSON_WRITE_ALLOW_INVALID_UNICODE, &alc, &len, NULL);
    return text == NULL ? (Str){"", 0} : (Str){text, len};
}

static const PlType *not_a_type(Str what, Err *err) {
    (void)err_set(err, CODE_JSON, "Failed to convert the JSON string '%.*s' to a data type.", STR_ARG(what));
    return NULL;
}

/* The interval types' names are few: each is made and compared. */
static const PlType *interval_named(Arena *arena, Str name) {
    for (int is_day = 0; is_day < 2; is_day++) {
        int last = is_day ? 3 : 1;
        for (int start = 0; start <= last; start++) {
            for (int end = start; end <= last; end++) {
                PlType t = {.kind = is_day ? PL_TYPE_DAY_TIME_INTERVAL : PL_TYPE_YEAR_MONTH_INTERVAL, .start = start, .end = end};
                if (str_eq(pl_type_simple(arena, &t), name)) {
                    PlType *copy = ARENA_NEW(arena, PlType);
                    *copy = t;
                    return copy;
                }
            }
        }
    }
    return NULL;
}

/* Reads "(5)" or "( 5 , 2 )" behind a prefix; the number of numbers read, 0 when it is not of that form. */
static int read_parameters(Str name, Str prefix, int64_t ret_numbers[2]) {
    if (!str_starts_with(name, prefix)) {
        return 0;
    }
    Str rest = str_trim(str_slice(name, prefix.len, name.len));
    if (rest.len < 3 || rest.data[0] != '(' || rest.data[rest.len - 1] != ')') {
        return 0;
    }
    rest = str_slice(rest, 1, rest.len - 1);
    size_t comma = 0;
    while (comma < rest.len && rest.data[comma] != ',') {
        comma++;
    }
    if (!str_to_i64(str_trim(str_slice(rest, 0, comma)), &ret_numbers[0])) {
        return 0;
    }
    if (comma == rest.len) {
        return 1;
    }
    return str_to_i64(str_trim(str_slice(rest, comma + 1, rest.len)), &ret_numbers[1]) ? 2 : 0;
}

static const PlType *type_named(Arena *arena, Str name, Err *err) {
#define X(tag, json, simple)                                                                                                     \
    if (str_eq(name, STR(json))) {                                                                                               \
        return &PL_##tag;                                                                                                        \
    }
    PL_SCALAR_TYPES(X)
#undef X
    if (str_eq(name, STR("null"))) {
        return &PL_NULL;
    }
    if (str_eq(name, STR("timestamp_ltz"))) {
        return &PL_TIMESTAMP;
    }
    if (str_eq(name, STR("decimal"))) {
        return &PL_DECIMAL_USER;
    }
    int64_t numbers[2] = {0, 0};
    if (read_parameters(name, STR("decimal"), numbers) == 2) {
        if (numbers[0] < 0 || numbers[0] > MAX_PRECISION) {
            (void)err_set(err, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "Decimal precision %lld exceeds max precision %d.",
                          (long long)numbers[0], MAX_PRECISION);
            return NULL;
        }
        if (numbers[1] < 0 || numbers[1] > numbers[0]) {
            (void)err_set(err, CODE_JSON, "Decimal scale (%lld) cannot be greater than precision (%lld).", (long long)numbers[1],
                          (long long)numbers[0]);
            return NULL;
        }
        return pl_decimal(arena, (int)numbers[0], (int)numbers[1]);
    }
    bool is_char = read_parameters(name, STR("char"), numbers) == 1;
    if (is_char || read_parameters(name, STR("varchar"), numbers) == 1) {
        if (numbers[0] < 0 || numbers[0] > INT32_MAX) {
            return not_a_type(name, err);
        }
        PlType *t = ARENA_NEW(arena, PlType);
        *t = (PlType){.kind = is_char ? PL_TYPE_CHAR : PL_TYPE_VARCHAR, .length = (int)numbers[0]};
        return t;
    }
    const PlType *interval = interval_named(arena, name);
    return interval != NULL ? interval : not_a_type(name, err);
}

static const PlType *type_of(Arena *arena, yyjson_val *value, int depth, Err *err);

static bool field_of(Arena *arena, yyjson_val *value, int depth, PlField *ret_field, Err *err) {
    yyjson_val *name = yyjson_obj_get(value, "name");
    yyjson_val *type = yyjson_obj_get(value, "type");
    yyjson_val *nullable = yyjson_obj_get(value, "nullable");
    yyjson_val *metadata = yyjson_obj_get(value, "metadata");
    if (!yyjson_is_str(name) || type == NULL || !yyjson_is_bool(nullable) || (metadata != NULL && !yyjson_is_obj(metadata))) {
        return err_set(err, CODE_JSON, "Failed to convert the JSON string '%.*s' to a field.", STR_ARG(json_text(arena, value)));
    }
    ret_field->name = str_copy(arena, json_str(name));
    ret_field->type = type_of(arena, type, depth + 1, err);
    ret_field->nullable = yyjson_get_bool(nullable);
    ret_field->metadata_json = yyjson_obj_size(metadata) > 0 ? json_text(arena, metadata) : (Str){0};
    return ret_field->type != NULL;
}

static const PlType *struct_of(Arena *arena, yyjson_val *value, int depth, Err *err) {
    yyjson_val *list = yyjson_obj_get(value, "fields");
    if (!yyjson_is_arr(list)) {
        return not_a_type(json_text(arena, value), err);
    }
    size_t nfields = yyjson_arr_size(list);
    PlField *fields = ARENA_ARRAY(arena, PlField, nfields);
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(list, i, count, item) {
        if (!field_of(arena, item, depth, &fields[i], err)) {
            return NULL;
        }
    }
    return pl_struct(arena, fields, nfields);
}

static const PlType *type_of(Arena *arena, yyjson_val *value, int depth, Err *err) {
    if (depth > MAX_DEPTH) {
        (void)err_set(err, CODE_JSON, "The schema is nested deeper than %d levels; use a flatter one.", MAX_DEPTH);
        return NULL;
    }
    if (yyjson_is_str(value)) {
        return type_named(arena, json_str(value), err);
    }
    yyjson_val *kind = yyjson_obj_get(value, "type");
    if (yyjson_equals_str(kind, "struct")) {
        return struct_of(arena, value, depth, err);
    }
    if (yyjson_equals_str(kind, "array")) {
        yyjson_val *element = yyjson_obj_get(value, "elementType");
        yyjson_val *nullable = yyjson_obj_get(value, "containsNull");
        if (element != NULL && yyjson_is_bool(nullable)) {
            const PlType *t = type_of(arena, element, depth + 1, err);
            return t == NULL ? NULL : pl_array(arena, t, yyjson_get_bool(nullable));
        }
    }
    if (yyjson_equals_str(kind, "map")) {
        yyjson_val *key = yyjson_obj_get(value, "keyType");
        yyjson_val *element = yyjson_obj_get(value, "valueType");
        yyjson_val *nullable = yyjson_obj_get(value, "valueContainsNull");
        if (key != NULL && element != NULL && yyjson_is_bool(nullable)) {
            const PlType *k = type_of(arena, key, depth + 1, err);
            const PlType *v = k == NULL ? NULL : type_of(arena, element, depth + 1, err);
            return v == NULL ? NULL : pl_map(arena, k, v, yyjson_get_bool(nullable));
        }
    }
    /* A Python user-defined type is stored, and for the engine is, its sqlType. */
    yyjson_val *sql_type = yyjson_obj_get(value, "sqlType");
    if (yyjson_equals_str(kind, "udt") && yyjson_is_str(yyjson_obj_get(value, "pyClass")) && sql_type != NULL) {
        return type_of(arena, sql_type, depth + 1, err);
    }
    return not_a_type(json_text(arena, value), err);
}

const PlType *pl_type_from_json(Arena *arena, Str json, Err *err) {
    yyjson_alc alc = {alloc_in_arena, realloc_in_arena, free_in_arena, arena};
    yyjson_read_err problem;
    Str copy = str_copy(arena, json); /* the reader takes a mutable pointer, and leaves it as it is without the in-situ flag */
    yyjson_doc *doc = yyjson_read_opts((char *)copy.data, copy.len, 0, &alc, &problem);
    if (doc == NULL) {
        /* A bare type name is no JSON; clients send it for a column's type all the same. */
        bool is_json = json.len == 0 || json.data[0] == '{' || json.data[0] == '[' || json.data[0] == '"';
        const PlType *t = is_json ? NULL : type_named(arena, str_trim(json), err);
        if (is_json) {
            (void)err_set(err, CODE_JSON, "The schema is not JSON: %s at byte %zu.", problem.msg, problem.pos);
        }
        return t;
    }
    return type_of(arena, yyjson_doc_get_root(doc), 0, err);
}

bool pl_field_comment(Arena *arena, const PlField *field, Str *ret_comment) {
    if (field->metadata_json.len == 0) {
        return false;
    }
    yyjson_alc alc = {alloc_in_arena, realloc_in_arena, free_in_arena, arena};
    Str copy = str_copy(arena, field->metadata_json);
    yyjson_doc *doc = yyjson_read_opts((char *)copy.data, copy.len, 0, &alc, NULL);
    yyjson_val *comment = doc == NULL ? NULL : yyjson_obj_get(yyjson_doc_get_root(doc), "comment");
    if (!yyjson_is_str(comment)) {
        return false;
    }
    *ret_comment = json_str(comment);
    return true;
}
