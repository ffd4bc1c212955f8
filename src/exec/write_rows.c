/* exec/write_rows.c - csv, json and text files, row by row as Spark's writers put them.
 *
 * Invariant: quoting is univocity's with Spark's settings, JSON is Jackson's; a part's rows go to one open file for each partition directory.
 */
#include "exec/write.h"

#include "base/vec.h"
#include "exec/compress.h"
#include "exec/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLUSH_BYTES = 1024 * 1024, MOST_OPEN = 128 };

typedef struct ExRowsOptions {
    bool is_csv, is_json;
    const ExCompression *compression; /* NULL: none */
    Str sep, line_sep, null_value, empty_value;
    char quote, escape, escape_escape, comment;
    bool header, quote_all, escape_quotes, trim_leading, trim_trailing;
    int64_t most_rows; /* maxRecordsPerFile; 0: any */
} ExRowsOptions;

typedef struct OutFile {
    struct OutFile *next;
    Str directory, path;
    int fd;
    ExCompressor *compressor; /* NULL: plain */
    ExBytes bytes, packed;
    int64_t rows;
    bool is_full; /* closed: a further row of its directory begins another file */
} OutFile;

typedef struct RowsPart {
    ExWriter *writer;
    const ExRowsOptions *options;
    size_t part;
    Arena *arena;
    OutFile *files; /* newest first */
    size_t nopen;
    ExBytes value;
} RowsPart;

static char one_of(const ExWrite *write, const char *name, char fallback) {
    const PlOption *option = ex_option_find(write->options, write->noptions, name);
    if (option == NULL) {
        return fallback;
    }
    return option->value.len == 0 || str_eq_c(option->value, "\\u0000") ? '\0' : option->value.data[0];
}

bool ex_rows_prepare(ExWriter *writer, Err *err) {
    const ExWrite *write = writer->write;
    const PlOption *o = write->options;
    size_t n = write->noptions;
    ExRowsOptions *rows = ARENA_NEW(writer->arena, ExRowsOptions);
    rows->is_csv = str_eq_c(writer->format, "csv");
    rows->is_json = str_eq_c(writer->format, "json");
    const PlOption *sep = ex_option_find(o, n, "sep");
    sep = sep != NULL ? sep : ex_option_find(o, n, "delimiter");
    rows->sep = sep == NULL ? STR(",") : str_eq_c(sep->value, "\\t") ? STR("\t") : sep->value;
    rows->line_sep = ex_option(o, n, "lineSep", "\n");
    rows->null_value = ex_option(o, n, "nullValue", "");
    rows->empty_value = ex_option(o, n, "emptyValue", "\"\"");
    rows->quote = one_of(write, "quote", '"');
    rows->escape = one_of(write, "escape", '\\');
    rows->comment = one_of(write, "comment", '\0');
    rows->escape_escape = one_of(write, "charToEscapeQuoteEscaping", rows->escape != rows->quote ? rows->escape : '\0');
    bool is_ok = ex_option_bool(o, n, "header", false, &rows->header, err) && ex_option_bool(o, n, "quoteAll", false, &rows->quote_all, err) &&
                 ex_option_bool(o, n, "escapeQuotes", true, &rows->escape_quotes, err) &&
                 ex_option_bool(o, n, "ignoreLeadingWhiteSpace", true, &rows->trim_leading, err) &&
                 ex_option_bool(o, n, "ignoreTrailingWhiteSpace", true, &rows->trim_trailing, err) &&
                 ex_option_int(o, n, "maxRecordsPerFile", 0, &rows->most_rows, err);
    const PlOption *codec = ex_option_find(o, n, "compression");
    codec = codec != NULL ? codec : ex_option_find(o, n, "codec");
    is_ok = is_ok && (codec == NULL || ex_compression_find(codec->value, &rows->compression, err));
    const char *plain = rows->is_csv ? "csv" : rows->is_json ? "json" : "txt";
    writer->extension = str_fmt(writer->arena, ".%s%s", plain, ex_compression_suffix(rows->compression));
    writer->options = rows;
    const TyAttr *output = writer->op->query->output;
    for (size_t i = 0; i < writer->ndata && is_ok; i++) {
        const TyAttr *attr = &output[writer->data[i]];
        bool is_nested = attr->type->kind == PL_TYPE_ARRAY || attr->type->kind == PL_TYPE_MAP || attr->type->kind == PL_TYPE_STRUCT;
        if (rows->is_csv && (is_nested || attr->type->kind == PL_TYPE_NULL || attr->type->kind == PL_TYPE_CALENDAR_INTERVAL)) {
            Str type = pl_type_sql(writer->arena, attr->type);
            is_ok = err_set(err, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                            "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The CSV datasource doesn't support the column `%.*s` of the type \"%.*s\".",
                            STR_ARG(attr->name), STR_ARG(type));
        }
    }
    if (is_ok && !rows->is_csv && !rows->is_json) {
        if (writer->ndata != 1) {
            return err_set(err, "SOLDER.TEXT_COLUMNS", "Text data source supports only a single column, and you have %zu columns.", writer->ndata);
        }
        if (output[writer->data[0]].type->kind != PL_TYPE_STRING) {
            Str type = pl_type_sql(writer->arena, output[writer->data[0]].type);
            return err_set(err, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                           "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The Text datasource doesn't support the column `%.*s` of the type \"%.*s\".",
                           STR_ARG(output[writer->data[0]].name), STR_ARG(type));
        }
    }
    return is_ok;
}

static bool write_all(const OutFile *file, const char *data, size_t len, Err *err) {
    while (len > 0) {
        ssize_t n = write(file->fd, data, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            const char *code = err_io_code(errno);
            return err_set(err, code, "%s %.*s: %s", strcmp(code, ERR_DISK_FULL) == 0 ? "the disk is full: writing" : "writing", STR_ARG(file->path),
                           strerror(errno));
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* is_last: nothing comes behind it. */
static bool flush(OutFile *file, bool is_last, Err *err) {
    if (file->compressor == NULL) {
        bool is_ok = write_all(file, file->bytes.data, file->bytes.len, err);
        file->bytes.len = 0;
        return is_ok;
    }
    bool is_ok = ex_compress(file->compressor, (Str){file->bytes.data, file->bytes.len}, is_last, &file->packed) ||
                 err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory to compress %.*s", STR_ARG(file->path));
    is_ok = is_ok && write_all(file, file->packed.data, file->packed.len, err);
    file->bytes.len = 0;
    file->packed.len = 0;
    return is_ok;
}

static bool close_file(RowsPart *p, OutFile *file, bool keeps, Err *err) {
    bool is_ok = !keeps || flush(file, true, err);
    is_ok = close(file->fd) == 0 && is_ok;
    file->fd = -1;
    ex_compressor_free(file->compressor);
    file->compressor = NULL;
    ex_bytes_free(&file->bytes);
    ex_bytes_free(&file->packed);
    p->nopen--;
    if (!is_ok && keeps && !err->is_set) {
        return err_set(err, ERR_IO, "writing %.*s: %s", STR_ARG(file->path), strerror(errno));
    }
    return is_ok && (!keeps || ex_write_count_file(p->writer, file->path, file->rows, err));
}

static bool needs_quotes(const ExRowsOptions *o, Str s, bool is_first) {
    if (s.len > 0 && (s.data[0] == o->quote || (is_first && o->comment != '\0' && s.data[0] == o->comment))) {
        return true;
    }
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool is_sep = c == o->sep.data[0] && i + o->sep.len <= s.len && memcmp(s.data + i, o->sep.data, o->sep.len) == 0;
        if (is_sep || c == '\n' || c == '\r' || (c == o->quote && o->escape_quotes)) {
            return true;
        }
    }
    return false;
}

/* univocity's CsvWriter: what makes a value quoted, and what is escaped inside. */
static void add_csv(const RowsPart *p, ExBytes *out, Str s, bool is_first) {
    const ExRowsOptions *o = p->options;
    while (o->trim_leading && s.len > 0 && (unsigned char)s.data[0] <= ' ') {
        s = str_slice(s, 1, s.len);
    }
    while (o->trim_trailing && s.len > 0 && (unsigned char)s.data[s.len - 1] <= ' ') {
        s.len--;
    }
    if (!o->quote_all && !needs_quotes(o, s, is_first)) {
        ex_bytes_add(out, s.data, s.len);
        return;
    }
    ex_bytes_add_char(out, o->quote);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (c == o->quote && o->escape != '\0') {
            ex_bytes_add_char(out, o->escape);
        } else if (c == o->escape && o->escape_escape != '\0') {
            ex_bytes_add_char(out, o->escape_escape);
        }
        ex_bytes_add_char(out, c);
    }
    ex_bytes_add_char(out, o->quote);
}

/* nullValue or emptyValue: quoted only with quoteAll, and then not twice. */
static void add_substitute(const RowsPart *p, ExBytes *out, Str s) {
    const ExRowsOptions *o = p->options;
    bool has_quotes = s.len >= 2 && s.data[0] == o->quote && s.data[s.len - 1] == o->quote;
    if (o->quote_all && !has_quotes) {
        ex_bytes_add_char(out, o->quote);
    }
    ex_bytes_add(out, s.data, s.len);
    if (o->quote_all && !has_quotes) {
        ex_bytes_add_char(out, o->quote);
    }
}

static void add_header(const RowsPart *p, ExBytes *out) {
    const TyAttr *output = p->writer->op->query->output;
    for (size_t i = 0; i < p->writer->ndata; i++) {
        if (i > 0) {
            ex_bytes_add(out, p->options->sep.data, p->options->sep.len);
        }
        add_csv(p, out, output[p->writer->data[i]].name, i == 0);
    }
    ex_bytes_add(out, p->options->line_sep.data, p->options->line_sep.len);
}

static bool open_file(RowsPart *p, Str directory, OutFile **ret, Err *err) {
    if (p->nopen >= MOST_OPEN) {
        OutFile *last = p->files;
        for (OutFile *f = p->files; f != NULL; f = f->next) {
            last = f->fd >= 0 ? f : last;
        }
        if (!close_file(p, last, true, err)) {
            return false;
        }
        last->is_full = true;
    }
    OutFile *file = ARENA_NEW(p->arena, OutFile);
    file->directory = str_copy(p->arena, directory);
    size_t number = 0;
    for (const OutFile *f = p->files; f != NULL; f = f->next) {
        number += str_eq(f->directory, directory);
    }
    if (!ex_write_add(p->writer, p->arena, directory, p->part, number, &file->path, err)) {
        return false;
    }
    file->fd = open(file->path.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file->fd < 0) {
        return err_set(err, err_io_code(errno), "writing %.*s: %s", STR_ARG(file->path), strerror(errno));
    }
    if (p->options->compression != NULL) {
        file->compressor = ex_compressor_new(p->options->compression);
        if (file->compressor == NULL) {
            close(file->fd);
            return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory to compress %.*s", STR_ARG(file->path));
        }
    }
    file->next = p->files;
    p->files = file;
    p->nopen++;
    if (p->options->is_csv && p->options->header) {
        add_header(p, &file->bytes);
    }
    *ret = file;
    return true;
}

static bool file_for(RowsPart *p, Str directory, OutFile **ret, Err *err) {
    for (OutFile *f = p->files; f != NULL; f = f->next) {
        if (f->is_full || !str_eq(f->directory, directory)) {
            continue;
        }
        if (p->options->most_rows > 0 && f->rows >= p->options->most_rows) {
            f->is_full = true;
            if (!close_file(p, f, true, err)) {
                return false;
            }
            break;
        }
        *ret = f;
        return true;
    }
    return open_file(p, directory, ret, err);
}

static void add_row(RowsPart *p, const PlField *fields, const duckdb_vector *vectors, idx_t row, ExBytes *out) {
    const ExRowsOptions *o = p->options;
    const ExWriter *w = p->writer;
    if (o->is_json) {
        ex_format_json_object(&w->text, fields, w->ndata, vectors, row, out);
    }
    for (size_t i = 0; i < w->ndata && !o->is_json; i++) {
        if (i > 0) {
            ex_bytes_add(out, o->sep.data, o->sep.len);
        }
        if (ex_vector_is_null(vectors[i], row)) {
            if (o->is_csv) {
                add_substitute(p, out, o->null_value);
            }
            continue;
        }
        if (!o->is_csv) {
            ex_format_scalar(&w->text, fields[i].type, vectors[i], row, out);
            continue;
        }
        p->value.len = 0;
        ex_format_scalar(&w->text, fields[i].type, vectors[i], row, &p->value);
        if (p->value.len == 0) {
            add_substitute(p, out, o->empty_value);
        } else {
            add_csv(p, out, (Str){p->value.data, p->value.len}, i == 0);
        }
    }
    ex_bytes_add(out, o->line_sep.data, o->line_sep.len);
}

static bool put_chunk(RowsPart *p, const PlField *fields, duckdb_data_chunk chunk, Err *err) {
    const ExWriter *w = p->writer;
    duckdb_vector *vectors = ARENA_ARRAY(p->arena, duckdb_vector, w->ndata + w->npartition);
    for (size_t i = 0; i < w->ndata; i++) {
        vectors[i] = duckdb_data_chunk_get_vector(chunk, w->data[i]);
    }
    for (size_t i = 0; i < w->npartition; i++) {
        vectors[w->ndata + i] = duckdb_data_chunk_get_vector(chunk, w->partition[i]);
    }
    idx_t count = duckdb_data_chunk_get_size(chunk);
    ExBytes directory = {0};
    OutFile *file = NULL;
    bool is_ok = true;
    for (idx_t row = 0; row < count && is_ok; row++) {
        if (w->npartition > 0) {
            directory.len = 0;
            ex_write_directory(w, vectors + w->ndata, row, &directory);
        }
        Str dir = {directory.data, directory.len};
        bool is_same = file != NULL && p->options->most_rows == 0 && !file->is_full && str_eq(file->directory, dir);
        is_ok = is_same || file_for(p, dir, &file, err);
        if (is_ok) {
            add_row(p, fields, vectors, row, &file->bytes);
            file->rows++;
            is_ok = file->bytes.len < FLUSH_BYTES || flush(file, false, err);
        }
    }
    ex_bytes_free(&directory);
    return is_ok;
}

static bool stream(RowsPart *p, ExScope *scope, const PlField *fields, Err *err) {
    ExOperation *op = p->writer->op;
    duckdb_prepared_statement prepared = NULL;
    duckdb_pending_result pending = NULL;
    duckdb_result result;
    Str sql = str_copy(p->arena, op->query->sql);
    bool has_result = false, is_ok = true;
    if (duckdb_prepare(scope->connection, sql.data, &prepared) != DuckDBSuccess) {
        is_ok = ex_op_error(op, duckdb_prepare_error(prepared), err);
    } else if (duckdb_pending_prepared_streaming(prepared, &pending) != DuckDBSuccess) {
        is_ok = ex_op_error(op, duckdb_pending_error(pending), err);
    } else {
        has_result = true;
        is_ok = duckdb_execute_pending(pending, &result) == DuckDBSuccess || ex_op_error(op, duckdb_result_error(&result), err);
    }
    while (is_ok) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (chunk == NULL) {
            const char *message = duckdb_result_error(&result);
            is_ok = ((message == NULL || message[0] == '\0') && !ex_op_cancelled(op, err)) || ex_op_error(op, message, err);
            break;
        }
        is_ok = put_chunk(p, fields, chunk, err);
        atomic_fetch_add(&op->rows_out, (long long)duckdb_data_chunk_get_size(chunk));
        duckdb_destroy_data_chunk(&chunk);
    }
    if (has_result) {
        duckdb_destroy_result(&result);
    }
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&prepared);
    return is_ok;
}

bool ex_rows_part(ExWriter *writer, ExScope *scope, size_t part, Err *err) {
    RowsPart p = {.writer = writer, .options = writer->options, .part = part, .arena = arena_new()};
    const TyAttr *output = writer->op->query->output;
    PlField *fields = ARENA_ARRAY(p.arena, PlField, writer->ndata);
    for (size_t i = 0; i < writer->ndata; i++) {
        fields[i] = (PlField){.name = output[writer->data[i]].name, .type = output[writer->data[i]].type, .nullable = true};
    }
    bool is_ok = stream(&p, scope, fields, err);
    OutFile *empty = NULL;
    if (is_ok && p.files == NULL && part == 0 && writer->npartition == 0) {
        is_ok = open_file(&p, (Str){0}, &empty, err);
    }
    for (OutFile *f = p.files; f != NULL; f = f->next) {
        if (f->fd >= 0) {
            is_ok = close_file(&p, f, is_ok, err) && is_ok;
        }
    }
    ex_bytes_free(&p.value);
    arena_free(p.arena);
    return is_ok;
}
