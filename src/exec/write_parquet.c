/* exec/write_parquet.c - Parquet files by DuckDB's writer, with Spark's column names and Spark's row metadata in the footer.
 *
 * Invariant: a file is readable by Spark with the same types; struct fields, named by position inside the engine, get their names back here.
 * Known to differ from Spark: DuckDB's dictionaries take -0.0 and 0.0 for one value, and its writer has no way to leave single columns without.
 */
#include "exec/write.h"

#include "exec/scan.h"
#include "exec/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct ExParquetOptions {
    Str codec;    /* DuckDB's word */
    Str metadata; /* schema JSON */
    bool has_dictionaries;
    int64_t most_rows; /* maxRecordsPerFile; 0: any */
} ExParquetOptions;

static void add_quoted(StrBuf *out, char quote, Str text) {
    strbuf_add_char(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == quote) {
            strbuf_add_char(out, quote);
        }
        strbuf_add_char(out, text.data[i]);
    }
    strbuf_add_char(out, quote);
}

static bool has_struct(const PlType *type) {
    return type->kind == PL_TYPE_STRUCT || (type->kind == PL_TYPE_ARRAY && has_struct(type->element)) ||
           (type->kind == PL_TYPE_MAP && (has_struct(type->key) || has_struct(type->element)));
}

/* child, with struct fields named as Spark names them. */
static void add_named(StrBuf *out, Str child, const PlType *type, int depth) {
    if (!has_struct(type)) {
        strbuf_add(out, child);
        return;
    }
    if (type->kind == PL_TYPE_STRUCT) {
        strbuf_fmt(out, "CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(", STR_ARG(child));
        for (size_t i = 0; i < type->nfields; i++) {
            strbuf_add_c(out, i > 0 ? ", " : "");
            add_quoted(out, '"', type->fields[i].name);
            strbuf_add_c(out, " := ");
            add_named(out, str_fmt(out->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(child), i), type->fields[i].type, depth);
        }
        strbuf_add_c(out, ") END");
        return;
    }
    Str item = str_fmt(out->arena, "e%d", depth);
    if (type->kind == PL_TYPE_ARRAY) {
        strbuf_fmt(out, "list_transform(%.*s, lambda %.*s: ", STR_ARG(child), STR_ARG(item));
        add_named(out, item, type->element, depth + 1);
        strbuf_add_char(out, ')');
        return;
    }
    strbuf_fmt(out, "map_from_entries(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := ", STR_ARG(child), STR_ARG(item));
    add_named(out, str_fmt(out->arena, "struct_extract(%.*s, 'key')", STR_ARG(item)), type->key, depth + 1);
    strbuf_add_c(out, ", v := ");
    add_named(out, str_fmt(out->arena, "struct_extract(%.*s, 'value')", STR_ARG(item)), type->element, depth + 1);
    strbuf_add_c(out, ")))");
}

static bool check_type(Str column, const PlType *type, Err *err) {
    if (type->kind == PL_TYPE_NULL || type->kind == PL_TYPE_CALENDAR_INTERVAL) {
        return err_set(err, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                       "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The Parquet datasource doesn't support the column `%.*s` of the type \"%s\".", STR_ARG(column),
                       type->kind == PL_TYPE_NULL ? "VOID" : "INTERVAL");
    }
    if (type->kind == PL_TYPE_STRUCT) {
        if (type->nfields == 0) {
            return err_set(err, "EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE",
                           "[EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE] The Parquet datasource does not support writing empty or nested empty schemas.");
        }
        for (size_t i = 0; i < type->nfields; i++) {
            if (!check_type(column, type->fields[i].type, err)) {
                return false;
            }
            for (size_t k = 0; k < i; k++) {
                if (str_eq_nocase(type->fields[i].name, type->fields[k].name)) {
                    return err_set(err, "COLUMN_ALREADY_EXISTS",
                                   "[COLUMN_ALREADY_EXISTS] The column `%.*s` already exists. Consider to choose another name or rename the existing column.",
                                   STR_ARG(type->fields[i].name));
                }
            }
        }
    }
    return (type->kind != PL_TYPE_ARRAY || check_type(column, type->element, err)) &&
           (type->kind != PL_TYPE_MAP || (check_type(column, type->key, err) && check_type(column, type->element, err)));
}

/* parquet.enable.dictionary of the write or of the session, read as Hadoop reads it: what is neither true nor false is the default. */
static bool wants_dictionaries(const ExWriter *writer) {
    Str value = STR("true");
    (void)pl_settings_get(writer->op->settings, STR("parquet.enable.dictionary"), &value);
    const PlOption *given = ex_option_find(writer->write->options, writer->write->noptions, "parquet.enable.dictionary");
    value = given != NULL ? given->value : value;
    return !str_eq_nocase(str_trim(value), STR("false"));
}

bool ex_parquet_prepare(ExWriter *writer, Err *err) {
    static const struct {
        const char *spark, *duckdb, *extension;
    } codecs[] = {{"snappy", "snappy", ".snappy.parquet"}, {"gzip", "gzip", ".gz.parquet"},        {"zstd", "zstd", ".zstd.parquet"},
                  {"lz4", "lz4_raw", ".lz4hadoop.parquet"}, {"lz4_raw", "lz4_raw", ".lz4raw.parquet"}, {"brotli", "brotli", ".br.parquet"},
                  {"none", "uncompressed", ".parquet"},     {"uncompressed", "uncompressed", ".parquet"}};
    const ExWrite *write = writer->write;
    ExParquetOptions *options = ARENA_NEW(writer->arena, ExParquetOptions);
    if (!ex_option_int(write->options, write->noptions, "maxRecordsPerFile", 0, &options->most_rows, err)) {
        return false;
    }
    const PlOption *given = ex_option_find(write->options, write->noptions, "compression");
    given = given != NULL ? given : ex_option_find(write->options, write->noptions, "parquet.compression");
    Str codec = STR("snappy");
    (void)pl_settings_get(writer->op->settings, STR("spark.sql.parquet.compression.codec"), &codec);
    codec = given != NULL ? given->value : codec;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        if (str_eq_nocase(codec, str_from_c(codecs[i].spark))) {
            options->codec = str_from_c(codecs[i].duckdb);
            writer->extension = str_from_c(codecs[i].extension);
        }
    }
    if (options->codec.len == 0) {
        return err_set(err, "SOLDER.OPTION",
                       "Codec [%.*s] is not available. Available codecs are brotli, uncompressed, lz4, lz4_raw, gzip, snappy, none, zstd.", STR_ARG(codec));
    }
    const TyAttr *output = writer->op->query->output;
    if (writer->ndata == 0) {
        return err_set(err, "EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE",
                       "[EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE] The Parquet datasource does not support writing empty or nested empty schemas.");
    }
    PlField *fields = ARENA_ARRAY(writer->arena, PlField, writer->ndata);
    for (size_t i = 0; i < writer->ndata; i++) {
        const TyAttr *attr = &output[writer->data[i]];
        fields[i] = (PlField){.name = attr->name, .type = attr->type, .nullable = attr->nullable, .metadata_json = attr->metadata_json};
        if (!check_type(attr->name, attr->type, err)) {
            return false;
        }
    }
    options->has_dictionaries = wants_dictionaries(writer);
    options->metadata = pl_type_json(writer->arena, pl_struct(writer->arena, fields, writer->ndata));
    writer->options = options;
    return true;
}

/* DuckDB writes files in folders of its own, which take_files then puts in their places. */
static bool is_split(const ExWriter *writer) {
    return writer->npartition > 0 || ((const ExParquetOptions *)writer->options)->most_rows > 0;
}

static Str copy_sql(ExWriter *writer, Arena *arena, Str target, bool splits) {
    const LoQuery *query = writer->op->query;
    const ExParquetOptions *options = writer->options;
    StrBuf sql = {.arena = arena};
    strbuf_add_c(&sql, "COPY (SELECT ");
    for (size_t i = 0; i < writer->ndata; i++) {
        const TyAttr *attr = &query->output[writer->data[i]];
        strbuf_add_c(&sql, i > 0 ? ", " : "");
        add_named(&sql, str_fmt(arena, "c%u", (unsigned)attr->id), attr->type, 0);
        strbuf_add_c(&sql, " AS ");
        add_quoted(&sql, '"', attr->name);
    }
    for (size_t i = 0; i < writer->npartition; i++) {
        strbuf_fmt(&sql, "%sc%u", i > 0 ? ", " : ", solder_directory(", (unsigned)query->output[writer->partition[i]].id);
    }
    strbuf_add_c(&sql, writer->npartition > 0 ? ") AS solder_dir" : "");
    if (splits && options->most_rows > 0) { /* the rows of a directory, in turn, go to its first file, its second … */
        strbuf_add_c(&sql, ", (row_number() OVER (");
        for (size_t i = 0; i < writer->npartition; i++) {
            strbuf_fmt(&sql, "%sc%u", i > 0 ? ", " : "PARTITION BY ", (unsigned)query->output[writer->partition[i]].id);
        }
        strbuf_fmt(&sql, ") - 1) // %lld AS solder_file", (long long)options->most_rows);
    }
    strbuf_fmt(&sql, " FROM (%.*s) AS solder_rows) TO ", STR_ARG(query->sql));
    add_quoted(&sql, '\'', target);
    strbuf_fmt(&sql, " (FORMAT parquet, COMPRESSION '%.*s', KV_METADATA {'org.apache.spark.version': '3.5.9', 'org.apache.spark.sql.parquet.row.metadata': ",
               STR_ARG(options->codec));
    add_quoted(&sql, '\'', options->metadata);
    strbuf_add_char(&sql, '}');
    strbuf_add_c(&sql, options->has_dictionaries ? "" : ", DICTIONARY_SIZE_LIMIT 0");
    if (splits) {
        strbuf_fmt(&sql, ", PARTITION_BY (%s%s%s), OVERWRITE_OR_IGNORE true, FILENAME_PATTERN 'p_{uuid}'", writer->npartition > 0 ? "solder_dir" : "",
                   writer->npartition > 0 && options->most_rows > 0 ? ", " : "", options->most_rows > 0 ? "solder_file" : "");
    }
    strbuf_add_char(&sql, ')');
    return strbuf_str(&sql);
}

static bool run_copy(ExOperation *op, ExScope *scope, Str sql, int64_t *ret_rows, Err *err) {
    duckdb_result result;
    bool is_ok = duckdb_query(scope->connection, sql.data, &result) == DuckDBSuccess;
    if (is_ok) {
        *ret_rows = (int64_t)duckdb_rows_changed(&result);
    } else {
        ex_op_error(op, duckdb_result_error(&result), err);
    }
    duckdb_destroy_result(&result);
    return is_ok;
}

static bool move_file(Str from, Str to, Err *err) {
    return rename(from.data, to.data) == 0 || err_set(err, ERR_IO, "moving %.*s: %s", STR_ARG(from), strerror(errno));
}

/* %2F → / : DuckDB's URL encoding of a directory's value. */
static Str url_decode(Arena *arena, Str s) {
    StrBuf out = {.arena = arena};
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '%' && i + 2 < s.len) {
            int value = 0;
            for (size_t k = i + 1; k <= i + 2; k++) {
                char c = s.data[k];
                value = value * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
            }
            strbuf_add_char(&out, (char)value);
            i += 2;
        } else {
            strbuf_add_char(&out, s.data[i]);
        }
    }
    return strbuf_str(&out);
}

static int64_t parquet_rows(ExScope *scope, Arena *arena, Str path) {
    StrBuf sql = {.arena = arena};
    strbuf_add_c(&sql, "SELECT num_rows FROM parquet_file_metadata(");
    add_quoted(&sql, '\'', path);
    strbuf_add_char(&sql, ')');
    duckdb_result result;
    int64_t rows = 0;
    if (duckdb_query(scope->connection, strbuf_str(&sql).data, &result) == DuckDBSuccess) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (chunk != NULL) {
            rows = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
            duckdb_destroy_data_chunk(&chunk);
        }
    }
    duckdb_destroy_result(&result);
    return rows;
}

/* The directory that solder_dir=<encoded>/solder_file=3, or one of the two, stands for; empty: the target itself. */
static Str directory_of(Arena *arena, Str below) {
    Str lead = STR("solder_dir=");
    if (!str_starts_with(below, lead)) {
        return (Str){0};
    }
    const char *slash = memchr(below.data, '/', below.len);
    return url_decode(arena, str_slice(below, lead.len, slash != NULL ? (size_t)(slash - below.data) : below.len));
}

/* DuckDB wrote aside/solder_dir=<encoded>/solder_file=<number>/p_….parquet; each goes to its place in the transaction. */
static bool take_files(ExWriter *writer, ExScope *scope, Arena *arena, Str aside, size_t part, Err *err) {
    ExFoundList files;
    if (access(aside.data, F_OK) != 0) {
        return true; /* no row */
    }
    if (!ex_source_files(NULL, arena, &aside, 1, NULL, 0, &files, err)) {
        return false;
    }
    Str last = {0};
    size_t number = 0;
    for (size_t i = 0; i < files.count; i++) {
        const ExFound *f = &files.items[i];
        Str directory = directory_of(arena, f->below);
        number = i > 0 && str_eq(directory, last) ? number + 1 : 0;
        last = directory;
        Str path;
        int64_t rows = parquet_rows(scope, arena, f->path);
        if (!ex_write_add(writer, arena, directory, part, number, &path, err) || !move_file(f->path, path, err) ||
            !ex_write_count_file(writer, path, rows, err)) {
            return false;
        }
    }
    ex_remove_tree(aside.data);
    return true;
}

bool ex_parquet_part(ExWriter *writer, ExScope *scope, size_t part, Err *err) {
    Arena *arena = arena_new();
    int64_t rows = 0;
    Str aside = str_fmt(arena, "%.*s.part%zu", STR_ARG(writer->success), part);
    bool splits = is_split(writer);
    bool is_ok = run_copy(writer->op, scope, copy_sql(writer, arena, aside, splits), &rows, err);
    if (is_ok && splits && rows == 0 && writer->npartition == 0) { /* no row, no folder: an empty file still tells the schema */
        ex_remove_tree(aside.data);
        splits = false;
        is_ok = part > 0 || run_copy(writer->op, scope, copy_sql(writer, arena, aside, splits), &rows, err);
    }
    if (is_ok && splits) {
        is_ok = take_files(writer, scope, arena, aside, part, err);
    } else if (is_ok && (rows > 0 || part == 0)) {
        Str path;
        is_ok = ex_write_add(writer, arena, (Str){0}, part, 0, &path, err) && move_file(aside, path, err) &&
                ex_write_count_file(writer, path, rows, err);
    }
    if (!is_ok || (!splits && rows == 0)) {
        (void)unlink(aside.data);
        ex_remove_tree(aside.data);
    }
    arena_free(arena);
    return is_ok;
}
