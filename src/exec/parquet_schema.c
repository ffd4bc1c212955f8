/* exec/parquet_schema.c - the Spark schema of Parquet files: Spark's own row metadata where a file has it, else the columns' types.
 *
 * DuckDB reads the footers. Invariant: a file that is cut off or no Parquet ends in one message that names it.
 */
#include "exec/source.h"

#include <string.h>

static Str quoted(Arena *arena, Str text) {
    StrBuf out = {.arena = arena};
    strbuf_add_char(&out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        strbuf_add_c(&out, text.data[i] == '\'' ? "'" : "");
        strbuf_add_char(&out, text.data[i]);
    }
    strbuf_add_char(&out, '\'');
    return strbuf_str(&out);
}

static const PlType *from_duckdb(Arena *arena, duckdb_logical_type type);

static const PlType *struct_of(Arena *arena, duckdb_logical_type type) {
    size_t n = duckdb_struct_type_child_count(type);
    PlField *fields = ARENA_ARRAY(arena, PlField, n);
    for (size_t i = 0; i < n; i++) {
        char *name = duckdb_struct_type_child_name(type, i);
        duckdb_logical_type child = duckdb_struct_type_child_type(type, i);
        fields[i] = (PlField){.name = str_copy(arena, str_from_c(name)), .type = from_duckdb(arena, child), .nullable = true};
        duckdb_free(name);
        duckdb_destroy_logical_type(&child);
        if (fields[i].type == NULL) {
            return NULL;
        }
    }
    return pl_struct(arena, fields, n);
}

static const PlType *list_of(Arena *arena, duckdb_logical_type type) {
    duckdb_logical_type child = duckdb_list_type_child_type(type);
    const PlType *element = from_duckdb(arena, child);
    duckdb_destroy_logical_type(&child);
    return element != NULL ? pl_array(arena, element, true) : NULL;
}

static const PlType *map_of(Arena *arena, duckdb_logical_type type) {
    duckdb_logical_type key = duckdb_map_type_key_type(type), value = duckdb_map_type_value_type(type);
    const PlType *k = from_duckdb(arena, key), *v = from_duckdb(arena, value);
    duckdb_destroy_logical_type(&key);
    duckdb_destroy_logical_type(&value);
    return k != NULL && v != NULL ? pl_map(arena, k, v, true) : NULL;
}

/* NULL: Spark has no such type. */
static const PlType *from_duckdb(Arena *arena, duckdb_logical_type type) {
    duckdb_type id = duckdb_get_type_id(type);
    if (id == DUCKDB_TYPE_DECIMAL) {
        return pl_decimal(arena, duckdb_decimal_width(type), duckdb_decimal_scale(type));
    }
    if (id == DUCKDB_TYPE_LIST) {
        return list_of(arena, type);
    }
    if (id == DUCKDB_TYPE_MAP) {
        return map_of(arena, type);
    }
    if (id == DUCKDB_TYPE_STRUCT) {
        return struct_of(arena, type);
    }
    static const struct {
        duckdb_type id;
        const PlType *type;
    } scalars[] = {{DUCKDB_TYPE_BOOLEAN, &PL_BOOLEAN},
                   {DUCKDB_TYPE_TINYINT, &PL_BYTE},
                   {DUCKDB_TYPE_SMALLINT, &PL_SHORT},
                   {DUCKDB_TYPE_INTEGER, &PL_INT},
                   {DUCKDB_TYPE_BIGINT, &PL_LONG},
                   {DUCKDB_TYPE_UTINYINT, &PL_SHORT},
                   {DUCKDB_TYPE_USMALLINT, &PL_INT},
                   {DUCKDB_TYPE_UINTEGER, &PL_LONG},
                   {DUCKDB_TYPE_FLOAT, &PL_FLOAT},
                   {DUCKDB_TYPE_DOUBLE, &PL_DOUBLE},
                   {DUCKDB_TYPE_VARCHAR, &PL_STRING},
                   {DUCKDB_TYPE_UUID, &PL_STRING},
                   {DUCKDB_TYPE_BLOB, &PL_BINARY},
                   {DUCKDB_TYPE_DATE, &PL_DATE},
                   {DUCKDB_TYPE_TIMESTAMP_TZ, &PL_TIMESTAMP},
                   {DUCKDB_TYPE_TIMESTAMP, &PL_TIMESTAMP_NTZ},
                   {DUCKDB_TYPE_TIMESTAMP_MS, &PL_TIMESTAMP_NTZ},
                   {DUCKDB_TYPE_TIMESTAMP_NS, &PL_TIMESTAMP_NTZ}};
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        if (scalars[i].id == id) {
            return scalars[i].type;
        }
    }
    return id == DUCKDB_TYPE_UBIGINT ? pl_decimal(arena, 20, 0) : NULL;
}

static bool fail(ExEngine *engine, const TyFile *file, const char *message, Err *err) {
    (void)engine;
    return err_set(err, "CANNOT_READ_FILE_FOOTER",
                   "[CANNOT_READ_FILE_FOOTER] Could not read footer for file: %.*s. The file is no Parquet file or is cut off (%s)",
                   STR_ARG(file->shown), message != NULL ? message : "no reason given");
}

/* The value of Spark's key in the footer; *ret_json empty: there is none. */
static bool row_metadata(ExEngine *engine, Arena *arena, duckdb_connection connection, const TyFile *file, Str *ret_json, Err *err) {
    Str sql = str_fmt(arena, "SELECT value FROM parquet_kv_metadata(%s) WHERE key = 'org.apache.spark.sql.parquet.row.metadata'",
                      quoted(arena, file->path).data);
    duckdb_result result;
    *ret_json = (Str){0};
    if (duckdb_query(connection, sql.data, &result) != DuckDBSuccess) {
        fail(engine, file, duckdb_result_error(&result), err);
        duckdb_destroy_result(&result);
        return false;
    }
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    if (chunk != NULL && duckdb_data_chunk_get_size(chunk) > 0) {
        duckdb_string_t *s = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
        *ret_json = str_copy(arena, (Str){duckdb_string_t_data(s), duckdb_string_t_length(*s)});
    }
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    return true;
}

static const PlType *column_types(ExEngine *engine, Arena *arena, duckdb_connection connection, const TyFile *file, Err *err) {
    Str sql = str_fmt(arena, "SELECT * FROM read_parquet(%s, hive_partitioning = false)", quoted(arena, file->path).data);
    duckdb_prepared_statement prepared;
    const PlType *schema = NULL;
    if (duckdb_prepare(connection, sql.data, &prepared) != DuckDBSuccess) {
        fail(engine, file, duckdb_prepare_error(prepared), err);
    } else {
        idx_t n = duckdb_prepared_statement_column_count(prepared);
        PlField *fields = ARENA_ARRAY(arena, PlField, n);
        bool is_ok = true;
        for (idx_t i = 0; i < n && is_ok; i++) {
            duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(prepared, i);
            const char *name = duckdb_prepared_statement_column_name(prepared, i);
            fields[i] = (PlField){.name = str_copy(arena, str_from_c(name)), .type = from_duckdb(arena, type), .nullable = true};
            duckdb_destroy_logical_type(&type);
            is_ok = fields[i].type != NULL || err_set(err, "PARQUET_TYPE_NOT_SUPPORTED",
                                                      "[PARQUET_TYPE_NOT_SUPPORTED] Parquet type not supported: column %.*s of %.*s",
                                                      STR_ARG(fields[i].name), STR_ARG(file->shown));
            duckdb_free((void *)(uintptr_t)name);
        }
        schema = is_ok ? pl_struct(arena, fields, (size_t)n) : NULL;
    }
    duckdb_destroy_prepare(&prepared);
    return schema;
}

const PlType *ex_parquet_schema(ExEngine *engine, Arena *arena, const TyScan *scan, Err *err) {
    if (scan->nfiles == 0) {
        return NULL;
    }
    duckdb_connection connection;
    if (!ex_load_for(engine, scan, err)) {
        return NULL;
    }
    if (duckdb_connect(engine->database, &connection) != DuckDBSuccess) {
        err_set(err, ERR_INTERNAL, "DuckDB gives no connection");
        return NULL;
    }
    Str json;
    const PlType *schema = NULL;
    if (row_metadata(engine, arena, connection, &scan->files[0], &json, err)) {
        Err ignored = {0};
        schema = json.len > 0 ? pl_type_from_json(arena, json, &ignored) : NULL;
        schema = schema != NULL && schema->kind == PL_TYPE_STRUCT ? schema : column_types(engine, arena, connection, &scan->files[0], err);
    }
    duckdb_disconnect(&connection);
    return schema;
}
