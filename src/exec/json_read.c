/* exec/json_read.c - the json format of solder_scan: a record a line, or (multiLine) a file a record, an array at the root being many records.
 *
 * Invariant: as for csv: only asked-for columns are made, malformed records go by the mode.
 */
#include "exec/column_write.h"
#include "exec/json.h"

#include <stdlib.h>
#include <string.h>

typedef struct ExJsonPlan {
    ExJsonOptions options;
    size_t corrupt; /* nfields: none */
} ExJsonPlan;

typedef struct ExJsonReader {
    const ExJsonPlan *plan;
    ExLines lines;
    ExJsonDoc json;
    /* Records of the current root that are still to come. */
    yyjson_val *root;
    size_t at;
    Str record;
    bool is_read; /* multiLine: the file's only record was taken */
} ExJsonReader;

static bool json_plan(ExScanPlan *plan, Err *err) {
    ExJsonPlan *json = ARENA_NEW(plan->arena, ExJsonPlan);
    const TyScan *scan = plan->scan;
    if (!ex_json_options(&json->options, scan->options, scan->noptions, plan->input->scope->op->time_zone, plan->arena, err)) {
        return false;
    }
    json->options.parse.is_corrected = ex_times_are_corrected(plan->input->scope->op);
    json->corrupt = scan->data_schema->nfields;
    for (size_t i = 0; i < scan->data_schema->nfields; i++) {
        const PlField *field = &scan->data_schema->fields[i];
        if (str_eq(field->name, json->options.corrupt_column) && field->type->kind == PL_TYPE_STRING) {
            json->corrupt = i;
        }
    }
    plan->options = json;
    return true;
}

static bool json_is_splittable(const ExScanPlan *plan, const TyFile *file) {
    const ExJsonOptions *o = &((const ExJsonPlan *)plan->options)->options;
    return !o->multi_line && o->line_sep.len == 0 && ex_bytes_are_splittable(file->shown, o->charset);
}

static bool json_open(ExScanLocal *local, Err *err) {
    ExJsonReader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for a reader");
    }
    reader->plan = local->plan->options;
    reader->lines.is_whole = reader->plan->options.multi_line;
    local->reader = reader;
    return true;
}

static bool json_begin(ExScanLocal *local, Err *err) {
    ExJsonReader *reader = local->reader;
    const ExJsonOptions *o = &reader->plan->options;
    const TyFile *file = &local->plan->scan->files[local->split->file];
    reader->is_read = false;
    reader->root = NULL;
    return ex_lines_begin(&reader->lines, file->path, file->shown, o->charset, o->line_sep, local->split->from, local->split->to, err);
}

static bool is_blank(Str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.data[i] > ' ') {
            return false;
        }
    }
    return true;
}

/* The next record's text; *ret_has false: none is left in the buffer. */
static bool next_text(ExJsonReader *reader, Str *ret, bool *ret_has, Err *err) {
    ExLines *lines = &reader->lines;
    *ret_has = false;
    if (lines->is_whole) {
        bool has_more = !reader->is_read;
        while (has_more) {
            if (!ex_lines_grow(lines, &has_more, err)) {
                return false;
            }
        }
        *ret = (Str){lines->buffer, lines->to};
        *ret_has = !reader->is_read && !is_blank(*ret);
        reader->is_read = true;
        return true;
    }
    while (ex_lines_next(lines, ret)) {
        if (!is_blank(*ret)) {
            *ret_has = true;
            return true;
        }
    }
    return true;
}

static bool note_malformed(ExScanLocal *local, bool is_json, Err *err) {
    ExJsonReader *reader = local->reader;
    ExTally *tally = local->plan->input->tally;
    bool is_fatal = reader->plan->options.mode == EX_CSV_FAIL;
    if (atomic_load(&tally->malformed) > 0 && !is_fatal) {
        atomic_fetch_add(&tally->malformed, 1);
        return true;
    }
    Arena *arena = arena_new();
    const TyFile *file = &local->plan->scan->files[local->split->file];
    Str place = ex_line_place(arena, file->path, file->shown, reader->lines.base + (reader->record.data - reader->lines.buffer));
    const char *why = is_json ? "a value does not have its field's type" : "the record is no JSON object";
    ex_note_malformed(local->plan->input->scope->op, tally, str_fmt(arena, "%.*s: %s", STR_ARG(place), why));
    if (is_fatal) {
        Str cut = str_slice(reader->record, 0, 200);
        err_set(err, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are detected in record parsing: %.*s.\nParse Mode: FAILFAST. To process "
                "malformed records as null result, try setting the option 'mode' as 'PERMISSIVE'. (%.*s: %s)",
                STR_ARG(cut), STR_ARG(place), why);
    }
    arena_free(arena);
    return !is_fatal;
}

/* One object (NULL: the record is malformed as a whole) into row. */
static bool put_record(ExScanLocal *local, yyjson_val *object, duckdb_data_chunk chunk, idx_t *row, Err *err) {
    ExJsonReader *reader = local->reader;
    const ExScanRun *run = local->run;
    const PlType *schema = local->plan->scan->data_schema;
    bool is_object = yyjson_is_obj(object), is_good = is_object;
    for (idx_t i = 0; i < run->ncolumns; i++) {
        size_t field = (size_t)run->columns[i];
        if (field >= schema->nfields) {
            continue;
        }
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
        uint64_t *validity = duckdb_vector_get_validity(vector);
        if (validity != NULL) {
            duckdb_validity_set_row_valid(validity, *row);
        }
        yyjson_val *value = NULL, *key, *candidate;
        size_t k, n;
        if (is_object && field != reader->plan->corrupt) {
            yyjson_obj_foreach(object, k, n, key, candidate) {
                bool is_it = yyjson_get_len(key) == schema->fields[field].name.len &&
                             memcmp(yyjson_get_str(key), schema->fields[field].name.data, yyjson_get_len(key)) == 0;
                value = is_it ? candidate : value;
            }
        }
        if (value == NULL) {
            ex_json_put_null(schema->fields[field].type, vector, *row);
        } else {
            const ExJsonOptions *o = &reader->plan->options;
            bool is_typed = ex_json_put(o, schema->fields[field].type, value, vector, *row) == EX_JSON_OK;
            if (!is_typed && ex_json_is_upgrade(o, schema->fields[field].type, value, err)) {
                return false;
            }
            is_good = is_typed && is_good;
        }
    }
    if (is_good) {
        (*row)++;
        return true;
    }
    if (!note_malformed(local, is_object, err)) {
        return false;
    }
    if (reader->plan->options.mode != EX_CSV_PERMISSIVE) {
        return true;
    }
    for (idx_t i = 0; i < run->ncolumns; i++) {
        if ((size_t)run->columns[i] == reader->plan->corrupt && reader->plan->corrupt < schema->nfields) {
            ExColumn column = {0};
            ex_column_start(&column, duckdb_data_chunk_get_vector(chunk, i));
            column.validity = duckdb_vector_get_validity(column.vector);
            ex_column_valid(&column, *row);
            ex_column_copy(&column, *row, reader->record.data, reader->record.len);
        }
    }
    (*row)++;
    return true;
}

static bool take_records(ExScanLocal *local, duckdb_data_chunk chunk, idx_t *row, Err *err) {
    ExJsonReader *reader = local->reader;
    while (reader->root != NULL && *row < duckdb_vector_size()) {
        yyjson_val *object = reader->root;
        if (yyjson_is_arr(reader->root)) {
            object = yyjson_arr_get(reader->root, reader->at++);
            if (object == NULL) {
                reader->root = NULL;
                return true;
            }
        } else {
            reader->root = NULL;
        }
        if (!put_record(local, object, chunk, row, err)) {
            return false;
        }
    }
    return true;
}

static bool json_read(ExScanLocal *local, duckdb_data_chunk chunk, idx_t *ret_count, Err *err) {
    ExJsonReader *reader = local->reader;
    idx_t row = 0;
    bool has_more = true;
    while (row < duckdb_vector_size() && has_more) {
        if (reader->root != NULL) {
            if (!take_records(local, chunk, &row, err)) {
                return false;
            }
            continue;
        }
        if (!reader->lines.is_whole && reader->lines.from >= reader->lines.limit) {
            if (!ex_lines_fill(&reader->lines, &has_more, err)) {
                return false;
            }
            if (!has_more) {
                break;
            }
        }
        bool has_record = false;
        if (!next_text(reader, &reader->record, &has_record, err)) {
            return false;
        }
        if (!has_record) {
            has_more = !reader->lines.is_whole && reader->lines.from >= reader->lines.limit;
            continue;
        }
        yyjson_val *root = ex_json_parse(&reader->json, &reader->plan->options, reader->record);
        bool is_record = yyjson_is_obj(root) || yyjson_is_arr(root);
        reader->root = is_record ? root : NULL;
        reader->at = 0;
        if (!is_record && !put_record(local, NULL, chunk, &row, err)) {
            return err_prefix(err, "reading %.*s: ", STR_ARG(ex_scan_file_shown(local)));
        }
    }
    atomic_fetch_add(&local->plan->input->tally->bytes, ex_lines_taken(&reader->lines));
    *ret_count = row;
    return true;
}

static void json_close(ExScanLocal *local) {
    ExJsonReader *reader = local->reader;
    if (reader != NULL) {
        ex_lines_close(&reader->lines);
        ex_json_done(&reader->json);
        free(reader);
    }
}

const ExFormat ex_format_json = {.name = "json",
                                 .plan = json_plan,
                                 .is_splittable = json_is_splittable,
                                 .open = json_open,
                                 .begin = json_begin,
                                 .read = json_read,
                                 .close = json_close};
