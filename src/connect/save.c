/* save.c - df.write: WriteOperation to exec/. Checks what Spark checks before any job starts. */
#include "connect/cache.h"

#include "base/vec.h"

static Str option(const ExWrite *write, const char *key) {
    for (size_t i = 0; i < write->noptions; i++) {
        if (str_eq_nocase(write->options[i].key, str_from_c(key))) {
            return write->options[i].value;
        }
    }
    return STR("");
}

static bool check_format(ExWrite *write, Err *err) {
    static const char *const KNOWN[] = {"parquet", "csv", "json", "text", "noop"};
    static const char *const LATER[] = {"orc", "avro", "jdbc", "delta", "iceberg", "hudi"};
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        if (str_eq_nocase(write->format, str_from_c(KNOWN[i]))) {
            write->format = str_from_c(KNOWN[i]);
            return true;
        }
    }
    for (size_t i = 0; i < sizeof LATER / sizeof LATER[0]; i++) {
        if (str_eq_nocase(write->format, str_from_c(LATER[i]))) {
            return err_set(err, ERR_NOT_SUPPORTED, "Writing %s is not supported on the embedded engine yet", LATER[i]);
        }
    }
    return err_set(err, "DATA_SOURCE_NOT_FOUND", "Failed to find the data source: %.*s. Please find packages at "
                   "`https://spark.apache.org/third-party-projects.html`.", STR_ARG(write->format));
}

static bool check_columns(Arena *arena, const TrRel *rel, const ExWrite *write, Err *err) {
    Map seen = {.arena = arena};
    for (size_t i = 0; i < rel->noutput; i++) {
        Str key = str_lower(arena, rel->output[i].name);
        if (map_get(&seen, key) != NULL) {
            return err_set(err, "COLUMN_ALREADY_EXISTS", "The column `%.*s` already exists. Consider to choose another name or rename the existing column.",
                           STR_ARG(key));
        }
        map_put(&seen, key, (void *)(uintptr_t)&rel->output[i]);
    }
    for (size_t i = 0; i < write->npartition_by; i++) {
        const TyAttr *attr = map_get(&seen, str_lower(arena, write->partition_by[i]));
        if (attr == NULL) {
            return err_set(err, "_LEGACY_ERROR_TEMP_1131", "Partition column `%.*s` not found in schema %.*s.", STR_ARG(write->partition_by[i]),
                           STR_ARG(pl_type_simple(arena, pl_output_schema(arena, rel))));
        }
        if (!pl_type_is_atomic(attr->type)) {
            return err_set(err, "_LEGACY_ERROR_TEMP_1153", "Cannot use %.*s for partition column.", STR_ARG(pl_type_simple(arena, attr->type)));
        }
    }
    if (rel->noutput > 0 && write->npartition_by == rel->noutput) {
        return err_set(err, "ALL_PARTITION_COLUMNS_NOT_ALLOWED", "Cannot use all columns for partition columns.");
    }
    return true;
}

static ExSaveMode save_mode(int mode) {
    switch (mode) {
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_APPEND: return EX_SAVE_APPEND;
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_OVERWRITE: return EX_SAVE_OVERWRITE;
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_IGNORE: return EX_SAVE_IGNORE;
    default: return EX_SAVE_ERROR;
    }
}

static bool refuse_shape(const Spark__Connect__WriteOperation *message, Err *err) {
    if (message->save_type_case == SPARK__CONNECT__WRITE_OPERATION__SAVE_TYPE_TABLE) {
        bool inserts = (int)message->table->save_method ==
                       SPARK__CONNECT__WRITE_OPERATION__SAVE_TABLE__TABLE_SAVE_METHOD__TABLE_SAVE_METHOD_INSERT_INTO;
        return err_set(err, ERR_NOT_SUPPORTED, "df.write.%s is not supported on the embedded engine yet; save to the table's path",
                       inserts ? "insertInto" : "saveAsTable");
    }
    if (message->bucket_by != NULL) {
        return err_set(err, "_LEGACY_ERROR_TEMP_1312", "'save' does not support bucketBy right now.");
    }
    if (message->n_sort_column_names > 0) {
        return err_set(err, "SORT_BY_WITHOUT_BUCKETING", "sortBy must be used together with bucketBy.");
    }
    return true;
}

static bool build(CnRequest *request, const Spark__Connect__WriteOperation *message, ExWrite *ret_write, Err *err) {
    Arena *arena = request->arena;
    PlOption *options = ARENA_ARRAY(arena, PlOption, message->n_options);
    Str *partition_by = ARENA_ARRAY(arena, Str, message->n_partitioning_columns);
    for (size_t i = 0; i < message->n_options; i++) {
        options[i] = (PlOption){CN_STR(message->options[i]->key), CN_STR(message->options[i]->value)};
    }
    for (size_t i = 0; i < message->n_partitioning_columns; i++) {
        partition_by[i] = CN_STR(message->partitioning_columns[i]);
    }
    *ret_write = (ExWrite){.format = message->has_source ? CN_STR(message->source) : STR(""),
                           .mode = save_mode((int)message->mode),
                           .partition_by = partition_by,
                           .npartition_by = message->n_partitioning_columns,
                           .options = options,
                           .noptions = message->n_options};
    if (ret_write->format.len == 0 && !pl_settings_get(&request->settings, STR("spark.sql.sources.default"), &ret_write->format)) {
        ret_write->format = STR("parquet");
    }
    ret_write->path = message->save_type_case == SPARK__CONNECT__WRITE_OPERATION__SAVE_TYPE_PATH ? CN_STR(message->path) : option(ret_write, "path");
    Str overwrite = option(ret_write, "partitionOverwriteMode");
    if (overwrite.len == 0) {
        (void)pl_settings_get(&request->settings, STR("spark.sql.sources.partitionOverwriteMode"), &overwrite);
    }
    ret_write->dynamic_partition_overwrite = str_eq_nocase(overwrite, STR("dynamic"));
    return check_format(ret_write, err);
}

static bool discard(void *self, const struct ArrowArray *batch, Err *err) {
    (void)self;
    (void)batch;
    (void)err;
    return true;
}

bool cn_run_save(CnRun *run, const Spark__Connect__WriteOperation *message, Err *err) {
    CnRequest *request = run->request;
    ExWrite write = {0};
    if (!refuse_shape(message, err) || !build(request, message, &write, err)) {
        return false;
    }
    const TrRel *rel = cn_request_analyze(request, message->input, err);
    if (rel == NULL) {
        return false;
    }
    if (str_eq_c(write.format, "noop")) {
        return cn_run_query(run, rel, STR("write to noop"), discard, NULL, err);
    }
    if (write.path.len == 0) {
        return err_set(err, "_LEGACY_ERROR_TEMP_2000", "Expected exactly one path to be specified, but got: ");
    }
    Str what = str_fmt(request->arena, "write %.*s to %.*s", STR_ARG(write.format), STR_ARG(write.path));
    bool ok = check_columns(request->arena, rel, &write, err) && cn_run_write(run, rel, what, &write, err);
    if (ok) {
        cn_cache_refresh(request, write.path);
    }
    return ok;
}
