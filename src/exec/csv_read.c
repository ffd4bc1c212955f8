/* exec/csv_read.c - the csv format of solder_scan: lines into typed columns, with Spark's modes for malformed records.
 *
 * Invariant: only asked-for columns are made; strings point into the line buffer, which stays until the next call.
 */
#include "exec/column_write.h"
#include "base/utf8.h"
#include "exec/csv.h"

#include <stdlib.h>
#include <string.h>

typedef struct ExCsvPlan {
    ExCsvOptions options;
    size_t nparsed;  /* columns that are in the file */
    size_t corrupt;  /* position of the corrupt record column in the data schema; nfields: none */
    const size_t *token_of; /* position in the data schema → token */
} ExCsvPlan;

typedef struct ExCsvReader {
    const ExCsvPlan *plan;
    ExCsvParser parser;
    ExLines lines;
    ExColumn *columns; /* malloc'd: the asked-for data columns */
    idx_t *targets;    /* malloc'd: their position in the chunk */
    size_t ncolumns;
    ExColumn corrupt;
    bool wants_corrupt;
    idx_t corrupt_target;
    bool is_pruned; /* not every column is asked for: Spark does not see ragged lines then */
    bool header_pending;
    int64_t skip_pending;
} ExCsvReader;

static bool csv_plan(ExScanPlan *plan, Err *err) {
    ExCsvPlan *csv = ARENA_NEW(plan->arena, ExCsvPlan);
    const TyScan *scan = plan->scan;
    if (!ex_csv_options(&csv->options, scan->options, scan->noptions, plan->input->scope->op->time_zone, plan->arena, err)) {
        return false;
    }
    csv->options.parse.is_corrected = ex_times_are_corrected(plan->input->scope->op);
    const PlType *schema = scan->data_schema;
    size_t *token_of = ARENA_ARRAY(plan->arena, size_t, schema->nfields);
    csv->corrupt = schema->nfields;
    for (size_t i = 0; i < schema->nfields; i++) {
        const PlType *type = schema->fields[i].type;
        if (csv->corrupt == schema->nfields && str_eq(schema->fields[i].name, csv->options.corrupt_column) && type->kind == PL_TYPE_STRING) {
            csv->corrupt = i;
            continue;
        }
        if (!pl_type_is_atomic(type) || type->kind == PL_TYPE_BINARY || type->kind == PL_TYPE_CALENDAR_INTERVAL) {
            Str name = pl_type_sql(plan->arena, type);
            return err_set(err, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                           "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The CSV datasource doesn't support the column `%.*s` of the type \"%.*s\".",
                           STR_ARG(schema->fields[i].name), STR_ARG(name));
        }
        token_of[i] = csv->nparsed++;
    }
    csv->token_of = token_of;
    plan->options = csv;
    return true;
}

static bool csv_is_splittable(const ExScanPlan *plan, const TyFile *file) {
    const ExCsvOptions *o = &((const ExCsvPlan *)plan->options)->options;
    return !o->multi_line && o->line_sep.len == 0 && ex_bytes_are_splittable(file->shown, o->charset);
}

static bool csv_open(ExScanLocal *local, Err *err) {
    const ExScanRun *run = local->run;
    const ExCsvPlan *plan = local->plan->options;
    ExCsvReader *reader = calloc(1, sizeof *reader);
    ExColumn *columns = calloc((size_t)run->ncolumns + 1, sizeof *columns);
    idx_t *targets = calloc((size_t)run->ncolumns + 1, sizeof *targets);
    if (reader == NULL || columns == NULL || targets == NULL) {
        free(reader);
        free(columns);
        free(targets);
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for a reader");
    }
    const PlType *schema = local->plan->scan->data_schema;
    reader->plan = plan;
    reader->parser.options = &plan->options;
    reader->lines.is_whole = plan->options.multi_line;
    reader->columns = columns;
    reader->targets = targets;
    for (idx_t i = 0; i < run->ncolumns; i++) {
        size_t field = (size_t)run->columns[i];
        if (field >= schema->nfields) {
            continue;
        }
        if (field == plan->corrupt) {
            reader->wants_corrupt = true;
            reader->corrupt_target = i;
            continue;
        }
        reader->targets[reader->ncolumns] = i;
        columns[reader->ncolumns++] = (ExColumn){.field = field, .type = schema->fields[field].type};
    }
    reader->is_pruned = reader->ncolumns < plan->nparsed && !reader->wants_corrupt;
    local->reader = reader;
    return true;
}

static bool csv_begin(ExScanLocal *local, Err *err) {
    ExCsvReader *reader = local->reader;
    const ExCsvOptions *o = &reader->plan->options;
    const TyFile *file = &local->plan->scan->files[local->split->file];
    reader->header_pending = local->split->from == 0 && o->has_header;
    reader->skip_pending = local->split->from == 0 ? o->skip_lines : 0;
    return ex_lines_begin(&reader->lines, file->path, file->shown, o->charset, o->line_sep, local->split->from, local->split->to, err);
}

/* enforceSchema=false: the header's names must be the schema's. */
static bool check_header(ExScanLocal *local, Err *err) {
    ExCsvReader *reader = local->reader;
    const PlType *schema = local->plan->scan->data_schema;
    const ExCsvParser *parser = &reader->parser;
    if (reader->plan->options.enforce_schema) {
        return true;
    }
    Str shown = ex_scan_file_shown(local);
    if (parser->nfields != reader->plan->nparsed) {
        return err_set(err, "SOLDER.CSV_HEADER",
                       "Number of column in CSV header is not equal to number of fields in the schema:\n Header length: %zu, schema size: %zu\nCSV file: %.*s",
                       parser->nfields, reader->plan->nparsed, STR_ARG(shown));
    }
    for (size_t i = 0; i < schema->nfields; i++) {
        if (i == reader->plan->corrupt) {
            continue;
        }
        const ExCsvField *field = &parser->fields[reader->plan->token_of[i]];
        Str name = {field->data, field->len};
        if (!str_eq_nocase(name, schema->fields[i].name)) {
            return err_set(err, "SOLDER.CSV_HEADER",
                           "CSV header does not conform to the schema.\nExpected: %.*s but found: %.*s\nCSV file: %.*s",
                           STR_ARG(schema->fields[i].name), STR_ARG(name), STR_ARG(shown));
        }
    }
    return true;
}

static inline void put_text(ExCsvReader *reader, ExColumn *column, idx_t row, const ExCsvField *field, Str value) {
    if (field->is_scratch || value.data != field->data) {
        ex_column_copy(column, row, value.data, value.len);
    } else if (reader->lines.is_ascii || ex_is_ascii(value.data, value.len) || utf8_is_valid(value.data, value.len)) {
        ex_column_text(column, row, value.data, value.len);
    } else {
        ex_column_copy(column, row, value.data, value.len);
    }
}

/* The record's tokens into row; false: a value was refused (it is null then). */
static bool put_record(ExCsvReader *reader, idx_t row, Err *err) {
    const ExCsvOptions *o = &reader->plan->options;
    const ExCsvParser *parser = &reader->parser;
    bool is_good = true;
    for (size_t i = 0; i < reader->ncolumns; i++) {
        ExColumn *column = &reader->columns[i];
        size_t token = reader->plan->token_of[column->field];
        Str value;
        if (token >= parser->nfields || !ex_csv_value(o, &parser->fields[token], &value)) {
            ex_column_null(column, row);
            continue;
        }
        switch (column->type->kind) {
        case PL_TYPE_STRING:
        case PL_TYPE_CHAR:
        case PL_TYPE_VARCHAR: put_text(reader, column, row, &parser->fields[token], value); continue;
        case PL_TYPE_NULL:
        case PL_TYPE_BOOLEAN:
        case PL_TYPE_BYTE:
        case PL_TYPE_SHORT:
        case PL_TYPE_INT:
        case PL_TYPE_LONG:
        case PL_TYPE_FLOAT:
        case PL_TYPE_DOUBLE:
        case PL_TYPE_BINARY:
        case PL_TYPE_DATE:
        case PL_TYPE_TIMESTAMP:
        case PL_TYPE_TIMESTAMP_NTZ:
        case PL_TYPE_CALENDAR_INTERVAL:
        case PL_TYPE_DECIMAL:
        case PL_TYPE_DAY_TIME_INTERVAL:
        case PL_TYPE_YEAR_MONTH_INTERVAL:
        case PL_TYPE_ARRAY:
        case PL_TYPE_MAP:
        case PL_TYPE_STRUCT: break;
        }
        if (!ex_parse_into(&o->parse, column->type, value, column->data, row)) {
            ex_column_null(column, row);
            is_good = false;
            if (ex_parse_is_upgrade(&o->parse, column->type, value, err)) {
                return false;
            }
        }
    }
    return is_good;
}

/* Counts a malformed record, names the first; false in FAILFAST. */
static bool note_malformed(ExScanLocal *local, Str record, bool is_ragged, Err *err) {
    ExCsvReader *reader = local->reader;
    const ExCsvPlan *plan = reader->plan;
    ExTally *tally = local->plan->input->tally;
    bool is_fatal = plan->options.mode == EX_CSV_FAIL;
    if (atomic_load(&tally->malformed) > 0 && !is_fatal) {
        atomic_fetch_add(&tally->malformed, 1);
        return true;
    }
    Arena *arena = arena_new();
    const TyFile *file = &local->plan->scan->files[local->split->file];
    Str place = ex_line_place(arena, file->path, file->shown, reader->lines.base + (record.data - reader->lines.buffer));
    Str why = is_ragged ? str_fmt(arena, "%zu values where %zu columns are expected", reader->parser.nfields, plan->nparsed)
                        : STR("a value does not have its column's type");
    ex_note_malformed(local->plan->input->scope->op, tally, str_fmt(arena, "%.*s: %.*s", STR_ARG(place), STR_ARG(why)));
    if (is_fatal) {
        Str cut = str_slice(record, 0, 200);
        err_set(err, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are detected in record parsing: %.*s.\nParse Mode: FAILFAST. To process "
                "malformed records as null result, try setting the option 'mode' as 'PERMISSIVE'. (%.*s: %.*s)",
                STR_ARG(cut), STR_ARG(place), STR_ARG(why));
    }
    arena_free(arena);
    return !is_fatal;
}

static bool take_record(ExScanLocal *local, Str record, idx_t *row, Err *err) {
    ExCsvReader *reader = local->reader;
    const ExCsvPlan *plan = reader->plan;
    if (reader->wants_corrupt) {
        ex_column_null(&reader->corrupt, *row);
    }
    bool is_ragged = !reader->is_pruned && reader->parser.nfields != plan->nparsed;
    bool is_good = put_record(reader, *row, err) && !is_ragged;
    if (err->is_set) {
        return false;
    }
    if (is_good) {
        (*row)++;
        return true;
    }
    if (!note_malformed(local, record, is_ragged, err)) {
        return false;
    }
    if (plan->options.mode == EX_CSV_PERMISSIVE) {
        if (reader->wants_corrupt) {
            ex_column_valid(&reader->corrupt, *row);
            ex_column_copy(&reader->corrupt, *row, record.data, record.len);
        }
        (*row)++;
        return true;
    }
    for (size_t i = 0; i < reader->ncolumns; i++) {
        ex_column_valid(&reader->columns[i], *row);
    }
    return true;
}

/* One line, or (multiLine) one record; *ret_starved: the buffer must be refilled first. */
static bool next_record(ExScanLocal *local, idx_t *row, Err *err) {
    ExCsvReader *reader = local->reader;
    const ExCsvOptions *o = &reader->plan->options;
    Str line;
    if (!ex_lines_next(&reader->lines, &line)) {
        return true;
    }
    if (reader->skip_pending > 0) {
        reader->skip_pending--;
        return true;
    }
    if (__builtin_expect(line.len == 0 || (unsigned char)line.data[0] <= ' ' || o->comment != '\0', 0) && ex_csv_is_skipped(o, line)) {
        return true;
    }
    const char *next;
    ex_csv_reset(&reader->parser);
    if (reader->header_pending) {
        reader->header_pending = false;
        return ex_csv_record(&reader->parser, line.data, line.data + line.len, &next, err) && check_header(local, err);
    }
    /* Nothing is asked of the tokens: a count. */
    if (reader->ncolumns == 0 && reader->is_pruned) {
        (*row)++;
        return true;
    }
    return ex_csv_record(&reader->parser, line.data, line.data + line.len, &next, err) && take_record(local, line, row, err);
}

/* multiLine: the records of the whole file. *ret_more false: at the end, or the chunk must be handed out before the buffer moves. */
static bool next_multi(ExScanLocal *local, idx_t *row, bool *ret_more, Err *err) {
    ExCsvReader *reader = local->reader;
    ExLines *lines = &reader->lines;
    const ExCsvOptions *o = &reader->plan->options;
    for (;;) {
        const char *p = lines->buffer + lines->from, *end = lines->buffer + lines->to;
        while (p < end && (*p == '\n' || (*p == '\r' && p + 1 < end && p[1] == '\n'))) {
            p += *p == '\r' ? 2 : 1;
        }
        lines->from = (size_t)(p - lines->buffer);
        const char *next = end;
        ex_csv_reset(&reader->parser);
        bool is_comment = o->comment != '\0' && p < end && *p == o->comment;
        if (is_comment) {
            const char *stop = memchr(p, '\n', (size_t)(end - p));
            next = stop != NULL ? stop + 1 : end;
        } else if (p < end && !ex_csv_record(&reader->parser, p, end, &next, err)) {
            return false;
        }
        if (next == end && !lines->at_end) {
            /* The record may go on behind the buffer. */
            if (*row > 0) {
                *ret_more = false;
                return true;
            }
            bool has_more;
            if (!ex_lines_grow(lines, &has_more, err)) {
                return false;
            }
            continue;
        }
        if (p >= end) {
            *ret_more = false;
            return true;
        }
        lines->from = (size_t)(next - lines->buffer);
        if (is_comment) {
            return true;
        }
        if (reader->header_pending) {
            reader->header_pending = false;
            return check_header(local, err);
        }
        while (next > p && (next[-1] == '\n' || next[-1] == '\r')) {
            next--;
        }
        return take_record(local, (Str){p, (size_t)(next - p)}, row, err);
    }
}

static bool csv_read(ExScanLocal *local, duckdb_data_chunk chunk, idx_t *ret_count, Err *err) {
    ExCsvReader *reader = local->reader;
    const idx_t most = duckdb_vector_size();
    idx_t row = 0;
    for (size_t i = 0; i < reader->ncolumns; i++) {
        ex_column_start(&reader->columns[i], duckdb_data_chunk_get_vector(chunk, reader->targets[i]));
    }
    if (reader->wants_corrupt) {
        ex_column_start(&reader->corrupt, duckdb_data_chunk_get_vector(chunk, reader->corrupt_target));
    }
    bool has_more = true;
    while (row < most && has_more) {
        if (reader->lines.is_whole) {
            if (!next_multi(local, &row, &has_more, err)) {
                return false;
            }
            continue;
        }
        if (reader->lines.from >= reader->lines.limit) {
            if (row > 0) {
                break;
            }
            if (!ex_lines_fill(&reader->lines, &has_more, err)) {
                return false;
            }
            atomic_fetch_add(&local->plan->input->tally->bytes, ex_lines_taken(&reader->lines));
            continue;
        }
        if (reader->lines.split_to != INT64_MAX && reader->lines.base + (int64_t)reader->lines.from > reader->lines.split_to) {
            break;
        }
        if (!next_record(local, &row, err)) {
            return err_prefix(err, "reading %.*s: ", STR_ARG(ex_scan_file_shown(local)));
        }
    }
    if (reader->lines.is_whole) {
        atomic_fetch_add(&local->plan->input->tally->bytes, ex_lines_taken(&reader->lines));
    }
    *ret_count = row;
    return true;
}

static void csv_close(ExScanLocal *local) {
    ExCsvReader *reader = local->reader;
    if (reader != NULL) {
        ex_lines_close(&reader->lines);
        ex_csv_done(&reader->parser);
        free(reader->columns);
        free(reader->targets);
        free(reader);
    }
}

const ExFormat ex_format_csv = {
    .name = "csv", .plan = csv_plan, .is_splittable = csv_is_splittable, .open = csv_open, .begin = csv_begin, .read = csv_read, .close = csv_close};
