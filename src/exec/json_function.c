/* exec/json_function.c - from_json and to_json: kernels over the reader's and the writer's values.
 *
 * Registered with the kernels of kernels/ (kn_set_add), since they stand on exec/'s own JSON. Invariant: a text's value is the one that reading a file
 * with that text as its record gives; schema, options and time zone are constants of a call, read once a thread.
 */
#include "exec/json.h"

#include "exec/ex_internal.h"
#include "kernels/kn_call.h"

#include <stdlib.h>

/* What a call's constants come to. */
typedef struct JsonCall {
    Arena *arena;
    const PlType *type;
    ExJsonOptions read;
    ExFormatOptions write;
    size_t corrupt; /* the field for malformed texts; nfields: none */
    ExJsonDoc doc;
    ExBytes text;
} JsonCall;

static void free_call(void *object) {
    JsonCall *call = object;
    ex_json_done(&call->doc);
    ex_bytes_free(&call->text);
    arena_free(call->arena);
}

/* The constants are arguments 1 (schema JSON), 2 (options: key, value …) and 3 (time zone), the same in each row. */
static const PlOption *read_options(KnCall *kn, Arena *arena, size_t *ret_count) {
    const duckdb_list_entry *entry = kn->args[2].data;
    const duckdb_string_t *items = duckdb_vector_get_data(duckdb_list_vector_get_child(kn->args[2].vector));
    *ret_count = entry->length / 2;
    PlOption *options = ARENA_ARRAY(arena, PlOption, *ret_count);
    for (size_t i = 0; i < *ret_count; i++) {
        options[i].key = str_copy(arena, kn_text(&items[entry->offset + 2 * i]));
        options[i].value = str_copy(arena, kn_text(&items[entry->offset + 2 * i + 1]));
    }
    return options;
}

static bool find_corrupt(JsonCall *call, Err *err) {
    call->corrupt = call->type->nfields;
    for (size_t i = 0; i < call->type->nfields; i++) {
        const PlField *field = &call->type->fields[i];
        if (!str_eq(field->name, call->read.corrupt_column)) {
            continue;
        }
        if (field->type->kind != PL_TYPE_STRING) {
            return err_set(err, "SOLDER.OPTION", "The field for corrupt records must be string type and nullable");
        }
        call->corrupt = i;
    }
    return true;
}

static void *make_call(KnCall *kn, bool is_read) {
    Arena *arena = arena_new();
    JsonCall *call = ARENA_NEW(arena, JsonCall);
    call->arena = arena;
    Err err = {0};
    size_t count = 0;
    const PlOption *options = read_options(kn, arena, &count);
    Str zone = str_copy(arena, kn_str(kn, 3, 0));
    call->type = pl_type_from_json(arena, kn_str(kn, 1, 0), &err);
    bool is_ok = call->type != NULL;
    if (is_ok && is_read) {
        is_ok = ex_json_options(&call->read, options, count, zone, arena, &err) && find_corrupt(call, &err);
        call->read.parse.is_corrected = !str_eq_nocase(ex_option(options, count, "timeParserPolicy", "EXCEPTION"), STR("EXCEPTION"));
        if (is_ok && call->read.mode == EX_CSV_DROP) {
            is_ok = err_set(&err, "_LEGACY_ERROR_TEMP_1099",
                            "from_json() doesn't support the DROPMALFORMED mode. Acceptable modes are PERMISSIVE and FAILFAST.");
        }
    } else if (is_ok) {
        const PlOption *pretty = ex_option_find(options, count, "pretty");
        is_ok = ex_format_options(&call->write, options, count, zone, arena, &err);
        if (is_ok && pretty != NULL && str_eq_nocase(pretty->value, STR("true"))) {
            is_ok = err_set(&err, ERR_NOT_SUPPORTED, "to_json with the option pretty is not supported yet");
        }
    }
    if (!is_ok) {
        kn_fail(kn, "%s: %s", err.code, err.message);
        arena_free(arena);
        return NULL;
    }
    return call;
}

static void *make_reader(KnCall *kn, Str key) {
    (void)key;
    return make_call(kn, true);
}

static void *make_writer(KnCall *kn, Str key) {
    (void)key;
    return make_call(kn, false);
}

static JsonCall *call_of(KnCall *kn, bool is_read) {
    size_t count = 0;
    kn_text_start(kn);
    for (idx_t arg = 1; arg <= 3; arg += 2) {
        Str s = kn_str(kn, arg, 0);
        kn_text_add(kn, s.data, s.len);
        kn_text_char(kn, '\0');
    }
    Arena *arena = arena_new();
    const PlOption *options = read_options(kn, arena, &count);
    for (size_t i = 0; i < count; i++) {
        kn_text_add(kn, options[i].key.data, options[i].key.len);
        kn_text_char(kn, '\0');
        kn_text_add(kn, options[i].value.data, options[i].value.len);
        kn_text_char(kn, '\0');
    }
    arena_free(arena);
    return kn_cached(kn, kn_text_str(kn), is_read ? make_reader : make_writer, free_call);
}

/* ---- from_json -------------------------------------------------------------------------------------------------------------------- */

/* A root object's fields into the struct's; false: some have not their type. */
static bool put_fields(const JsonCall *call, yyjson_val *root, duckdb_vector out, idx_t row) {
    bool is_good = yyjson_is_obj(root);
    for (size_t f = 0; f < call->type->nfields; f++) {
        const PlField *field = &call->type->fields[f];
        duckdb_vector child = duckdb_struct_vector_get_child(out, f);
        yyjson_val *value = NULL, *key, *candidate;
        size_t i, n;
        if (yyjson_is_obj(root) && f != call->corrupt) {
            yyjson_obj_foreach(root, i, n, key, candidate) {
                value = str_eq((Str){yyjson_get_str(key), yyjson_get_len(key)}, field->name) ? candidate : value;
            }
        }
        if (value == NULL) {
            ex_json_put_null(field->type, child, row);
        } else {
            is_good = ex_json_put(&call->read, field->type, value, child, row) == EX_JSON_OK && is_good;
        }
    }
    return is_good;
}

/* Spark takes an object for an array of one struct. */
static ExJsonPut put_single(const JsonCall *call, yyjson_val *root, duckdb_vector out, idx_t row) {
    idx_t from = duckdb_list_vector_get_size(out);
    if (duckdb_list_vector_reserve(out, from + 1) != DuckDBSuccess || duckdb_list_vector_set_size(out, from + 1) != DuckDBSuccess) {
        return EX_JSON_BAD;
    }
    ((duckdb_list_entry *)duckdb_vector_get_data(out))[row] = (duckdb_list_entry){from, 1};
    ExJsonPut state = ex_json_put(&call->read, call->type->element, root, duckdb_list_vector_get_child(out), from);
    return state == EX_JSON_OK ? EX_JSON_OK : EX_JSON_PARTIAL;
}

static bool put_root(const JsonCall *call, yyjson_val *root, duckdb_vector out, idx_t row) {
    const PlType *type = call->type;
    if (type->kind == PL_TYPE_STRUCT) {
        return put_fields(call, root, out, row);
    }
    if (root == NULL || yyjson_is_null(root)) {
        ex_json_put_null(type, out, row);
        return false;
    }
    if (type->kind == PL_TYPE_ARRAY && type->element->kind == PL_TYPE_STRUCT && yyjson_is_obj(root)) {
        return put_single(call, root, out, row) == EX_JSON_OK;
    }
    return ex_json_put(&call->read, type, root, out, row) == EX_JSON_OK;
}

static void from_json(KnCall *kn) {
    JsonCall *call = kn->rows > 0 ? call_of(kn, true) : NULL;
    for (idx_t row = 0; row < kn->rows && call != NULL; row++) {
        Str text = kn_is_null(&kn->args[0], row) ? (Str){0} : kn_str(kn, 0, row);
        if (str_trim(text).len == 0) {
            ex_json_put_null(call->type, kn->out.vector, row);
            continue;
        }
        yyjson_val *root = ex_json_parse(&call->doc, &call->read, text);
        if (put_root(call, root, kn->out.vector, row)) {
            continue;
        }
        Err err = {0};
        if (ex_json_is_upgrade(&call->read, call->type, root, &err)) {
            kn_fail(kn, "%s: %s", err.code, err.message);
            return;
        }
        if (call->read.mode == EX_CSV_FAIL) {
            kn_fail(kn,
                    "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION: [MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are detected in "
                    "record parsing: %.*s.\nParse Mode: FAILFAST. To process malformed records as null result, try setting the option 'mode' as "
                    "'PERMISSIVE'.",
                    STR_ARG(str_slice(text, 0, text.len < 200 ? text.len : 200)));
            return;
        }
        if (call->type->kind == PL_TYPE_STRUCT && call->corrupt < call->type->nfields) {
            duckdb_vector child = duckdb_struct_vector_get_child(kn->out.vector, call->corrupt);
            duckdb_validity_set_row_valid(duckdb_vector_get_validity(child), row);
            duckdb_vector_assign_string_element_len(child, row, text.data, text.len);
        }
    }
}

/* ---- to_json ---------------------------------------------------------------------------------------------------------------------- */

static void to_json(KnCall *kn) {
    JsonCall *call = kn->rows > 0 ? call_of(kn, false) : NULL;
    for (idx_t row = 0; row < kn->rows && call != NULL; row++) {
        if (kn_is_null(&kn->args[0], row)) {
            kn_null(kn, row);
            continue;
        }
        call->text.len = 0;
        ex_format_json_value(&call->write, call->type, kn->args[0].vector, row, &call->text);
        kn_put(kn, row, (Str){call->text.data, call->text.len});
    }
}

static const KnFamily families[] = {
    {"from_json", "ssSs", from_json},
    {"to_json", "AsSs", to_json},
    {.name = NULL},
};

void ex_json_functions_add(KnSet *kernels) {
    kn_set_add(kernels, families);
}
