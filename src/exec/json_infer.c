/* exec/json_infer.c - the schema of JSON files as JsonInferSchema of Spark 3.5 finds it: fields by name, types widened over all records. */
#include "exec/json.h"
#include "exec/source.h"

#include "kernels/number_text.h"

#include <stdlib.h>
#include <string.h>

typedef struct Infer {
    Arena *arena;
    const ExJsonOptions *options;
} Infer;

static int by_name(const void *a, const void *b) {
    return str_cmp(((const PlField *)a)->name, ((const PlField *)b)->name);
}

static const PlType *merge(const Infer *infer, const PlType *a, const PlType *b);

static const PlType *infer_number(const Infer *infer, Str s) {
    int64_t i;
    int precision, scale;
    bool is_whole = true;
    for (size_t k = 0; k < s.len; k++) {
        is_whole = is_whole && ((s.data[k] >= '0' && s.data[k] <= '9') || s.data[k] == '-');
    }
    if (is_whole && kn_java_long(s, &i)) {
        return &PL_LONG;
    }
    if ((is_whole || infer->options->prefers_decimal) && kn_decimal_shape(s, &precision, &scale)) {
        int digits = precision > scale ? precision : scale;
        if (digits <= 38 && scale >= 0) {
            return pl_decimal(infer->arena, digits, scale);
        }
    }
    return &PL_DOUBLE;
}

static const PlType *infer_text(const Infer *infer, Str s) {
    int precision, scale;
    int64_t us;
    if (s.len == 0) {
        return &PL_NULL;
    }
    if (infer->options->prefers_decimal && kn_decimal_shape(s, &precision, &scale) && scale >= 0 && precision <= 38 && scale <= 38) {
        return pl_decimal(infer->arena, precision > scale ? precision : scale, scale);
    }
    const ExParseOptions *p = &infer->options->parse;
    if (infer->options->infer_timestamp &&
        (p->timestamp != NULL ? kn_pattern_parse(p->timestamp, p->zone, s, &us) : kn_parse_timestamp(s, p->zone, &us))) {
        return &PL_TIMESTAMP;
    }
    return &PL_STRING;
}

static const PlType *infer_value(const Infer *infer, yyjson_val *value) {
    if (yyjson_is_str(value)) {
        return infer_text(infer, (Str){yyjson_get_str(value), yyjson_get_len(value)});
    }
    if (yyjson_is_null(value)) {
        return &PL_NULL;
    }
    size_t i, n;
    yyjson_val *key, *item;
    if (yyjson_is_arr(value)) {
        const PlType *element = &PL_NULL;
        yyjson_arr_foreach(value, i, n, item) {
            element = merge(infer, element, infer_value(infer, item));
        }
        return pl_array(infer->arena, element, true);
    }
    if (yyjson_is_obj(value)) {
        VEC(PlField) fields = {.arena = infer->arena};
        yyjson_obj_foreach(value, i, n, key, item) {
            PlField field = {.name = str_copy(infer->arena, (Str){yyjson_get_str(key), yyjson_get_len(key)}),
                             .type = infer_value(infer, item),
                             .nullable = true};
            VEC_PUSH(&fields, field); /* a name given twice stays twice: the schema's check refuses it */
        }
        if (fields.count > 0) {
            qsort(fields.items, fields.count, sizeof *fields.items, by_name);
        }
        return pl_struct(infer->arena, fields.items, fields.count);
    }
    if (infer->options->primitives_as_string) {
        return &PL_STRING;
    }
    if (yyjson_is_bool(value)) {
        return &PL_BOOLEAN;
    }
    return infer_number(infer, (Str){yyjson_get_raw(value), yyjson_get_len(value)});
}

static const PlType *merge_structs(const Infer *infer, const PlType *a, const PlType *b) {
    PlField *fields = ARENA_ARRAY(infer->arena, PlField, a->nfields + b->nfields);
    size_t n = 0, i = 0, k = 0;
    while (i < a->nfields || k < b->nfields) {
        int order = i == a->nfields ? 1 : k == b->nfields ? -1 : str_cmp(a->fields[i].name, b->fields[k].name);
        fields[n] = order <= 0 ? a->fields[i] : b->fields[k];
        if (order == 0) {
            fields[n].type = merge(infer, a->fields[i].type, b->fields[k].type);
        }
        i += order <= 0;
        k += order >= 0;
        n++;
    }
    return pl_struct(infer->arena, fields, n);
}

static const PlType *merge_decimals(const Infer *infer, const PlType *a, const PlType *b) {
    if (a->kind == PL_TYPE_DOUBLE || b->kind == PL_TYPE_DOUBLE) {
        return &PL_DOUBLE;
    }
    int pa = a->kind == PL_TYPE_LONG ? 20 : a->precision, sa = a->kind == PL_TYPE_LONG ? 0 : a->scale;
    int pb = b->kind == PL_TYPE_LONG ? 20 : b->precision, sb = b->kind == PL_TYPE_LONG ? 0 : b->scale;
    int scale = sa > sb ? sa : sb, range = pa - sa > pb - sb ? pa - sa : pb - sb;
    return range + scale > 38 ? &PL_DOUBLE : pl_decimal(infer->arena, range + scale, scale);
}

static bool is_number(const PlType *t) {
    return t->kind == PL_TYPE_LONG || t->kind == PL_TYPE_DOUBLE || t->kind == PL_TYPE_DECIMAL;
}

static const PlType *merge(const Infer *infer, const PlType *a, const PlType *b) {
    if (a->kind == PL_TYPE_NULL) {
        return b;
    }
    if (b->kind == PL_TYPE_NULL || pl_type_equal(a, b)) {
        return a;
    }
    if (a->kind == PL_TYPE_STRUCT && b->kind == PL_TYPE_STRUCT) {
        return merge_structs(infer, a, b);
    }
    if (a->kind == PL_TYPE_ARRAY && b->kind == PL_TYPE_ARRAY) {
        return pl_array(infer->arena, merge(infer, a->element, b->element), true);
    }
    if (is_number(a) && is_number(b)) {
        return a->kind == PL_TYPE_DECIMAL || b->kind == PL_TYPE_DECIMAL ? merge_decimals(infer, a, b) : &PL_DOUBLE;
    }
    return &PL_STRING;
}

/* canonicalizeType: no empty structs, no nameless fields, null is string. NULL: nothing is left. */
static const PlType *canonical(const Infer *infer, const PlType *type) {
    if (type->kind == PL_TYPE_ARRAY) {
        const PlType *element = canonical(infer, type->element);
        return element != NULL ? pl_array(infer->arena, element, true) : NULL;
    }
    if (type->kind == PL_TYPE_STRUCT) {
        PlField *fields = ARENA_ARRAY(infer->arena, PlField, type->nfields);
        size_t n = 0;
        for (size_t i = 0; i < type->nfields; i++) {
            const PlType *inner = type->fields[i].name.len > 0 ? canonical(infer, type->fields[i].type) : NULL;
            if (inner != NULL) {
                fields[n] = type->fields[i];
                fields[n++].type = inner;
            }
        }
        return n > 0 ? pl_struct(infer->arena, fields, n) : NULL;
    }
    if (type->kind == PL_TYPE_NULL) {
        return infer->options->drop_all_null ? NULL : &PL_STRING;
    }
    return type;
}

static const PlType *corrupt_type(const Infer *infer) {
    const PlField field = {.name = infer->options->corrupt_column, .type = &PL_STRING, .nullable = true};
    return pl_struct(infer->arena, &field, 1);
}

static bool take(const Infer *infer, ExJsonDoc *json, Str record, const PlType **type, Err *err) {
    yyjson_val *root = ex_json_parse(json, infer->options, record);
    if (yyjson_is_obj(root)) {
        *type = merge(infer, *type, infer_value(infer, root));
        return true;
    }
    if (yyjson_is_arr(root)) {
        size_t i, n;
        yyjson_val *item;
        yyjson_arr_foreach(root, i, n, item) {
            *type = merge(infer, *type, yyjson_is_obj(item) ? infer_value(infer, item) : corrupt_type(infer));
        }
        return true;
    }
    if (infer->options->mode == EX_CSV_FAIL) {
        Str cut = str_slice(record, 0, 200);
        return err_set(err, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                       "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are detected in schema inference: %.*s. Parse Mode: FAILFAST.",
                       STR_ARG(cut));
    }
    if (infer->options->mode == EX_CSV_PERMISSIVE) {
        *type = merge(infer, *type, corrupt_type(infer));
    }
    return true;
}

static bool is_blank(Str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.data[i] > ' ') {
            return false;
        }
    }
    return true;
}

static bool infer_file(const Infer *infer, ExLines *lines, ExJsonDoc *json, uint64_t *records, const PlType **type, Err *err) {
    double ratio = infer->options->sampling_ratio;
    bool has_more = true;
    while (has_more && lines->is_whole) {
        if (!ex_lines_grow(lines, &has_more, err)) {
            return false;
        }
    }
    if (lines->is_whole) {
        Str whole = {lines->buffer, lines->to};
        return is_blank(whole) || !ex_record_is_sampled((*records)++, ratio) || take(infer, json, whole, type, err);
    }
    while (has_more) {
        Str line;
        if (!ex_lines_fill(lines, &has_more, err)) {
            return false;
        }
        while (ex_lines_next(lines, &line)) {
            if (!is_blank(line) && ex_record_is_sampled((*records)++, ratio) && !take(infer, json, line, type, err)) {
                return false;
            }
        }
    }
    return true;
}

const PlType *ex_json_schema_of(Arena *arena, Str json, const PlOption *given, size_t ngiven, Str time_zone, Err *err) {
    ExJsonOptions options;
    if (!ex_json_options(&options, given, ngiven, time_zone, arena, err)) {
        return NULL;
    }
    Infer infer = {.arena = arena, .options = &options};
    ExJsonDoc doc = {0};
    yyjson_val *root = ex_json_parse(&doc, &options, json);
    const PlType *type = root != NULL ? infer_value(&infer, root) : &PL_NULL;
    bool is_json = root != NULL || str_trim(json).len == 0;
    ex_json_done(&doc);
    if (!is_json) {
        err_set(err, "SOLDER.BAD_JSON", "schema_of_json: the text is no JSON: %.*s", STR_ARG(str_slice(json, 0, 200)));
        return NULL;
    }
    const PlType *result = canonical(&infer, type);
    if (result != NULL || type->kind == PL_TYPE_STRUCT) {
        return result != NULL ? result : pl_struct(arena, NULL, 0);
    }
    bool is_structs = type->kind == PL_TYPE_ARRAY && type->element->kind == PL_TYPE_STRUCT;
    return is_structs ? pl_array(arena, pl_struct(arena, NULL, 0), true) : &PL_STRING;
}

const PlType *ex_json_schema(Arena *arena, const TyScan *scan, Str time_zone, Err *err) {
    ExJsonOptions options;
    if (!ex_json_options(&options, scan->options, scan->noptions, time_zone, arena, err) || scan->nfiles == 0) {
        return NULL;
    }
    Infer infer = {.arena = arena, .options = &options};
    ExLines lines = {.is_whole = options.multi_line};
    ExJsonDoc json = {0};
    const PlType *type = pl_struct(arena, NULL, 0);
    uint64_t records = 0;
    bool is_ok = true;
    for (size_t i = 0; i < scan->nfiles && is_ok; i++) {
        const TyFile *file = &scan->files[i];
        is_ok = ex_lines_begin(&lines, file->path, file->shown, options.charset, options.line_sep, 0, INT64_MAX, err) &&
                infer_file(&infer, &lines, &json, &records, &type, err);
    }
    ex_lines_close(&lines);
    ex_json_done(&json);
    if (!is_ok) {
        return NULL;
    }
    const PlType *result = canonical(&infer, type);
    return result != NULL ? result : pl_struct(arena, NULL, 0);
}
