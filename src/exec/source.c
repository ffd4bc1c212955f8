/* exec/source.c - ex_describe_source: format, files, partition columns and schema of spark.read.…load(). */
#include "exec/source.h"

#include <string.h>

static const PlType *nullable_all(Arena *arena, const PlType *type) {
    switch (type->kind) {
    case PL_TYPE_ARRAY: return pl_array(arena, nullable_all(arena, type->element), true);
    case PL_TYPE_MAP: return pl_map(arena, nullable_all(arena, type->key), nullable_all(arena, type->element), true);
    case PL_TYPE_STRUCT: {
        PlField *fields = ARENA_ARRAY(arena, PlField, type->nfields);
        for (size_t i = 0; i < type->nfields; i++) {
            fields[i] = type->fields[i];
            fields[i].type = nullable_all(arena, type->fields[i].type);
            fields[i].nullable = true;
        }
        return pl_struct(arena, fields, type->nfields);
    }
    case PL_TYPE_NULL:
    case PL_TYPE_BOOLEAN:
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG:
    case PL_TYPE_FLOAT:
    case PL_TYPE_DOUBLE:
    case PL_TYPE_STRING:
    case PL_TYPE_BINARY:
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_DECIMAL:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL: return type;
    }
    return type;
}

/* The given schema without the partition columns. */
static const PlType *without_partitions(Arena *arena, const PlType *schema, const TyScan *scan) {
    PlField *fields = ARENA_ARRAY(arena, PlField, schema->nfields);
    size_t n = 0;
    for (size_t i = 0; i < schema->nfields; i++) {
        bool is_partition = false;
        for (size_t k = 0; k < scan->npartition_fields; k++) {
            is_partition |= str_eq_nocase(schema->fields[i].name, scan->partition_fields[k].name);
        }
        if (!is_partition) {
            fields[n++] = schema->fields[i];
        }
    }
    return pl_struct(arena, fields, n);
}

static const PlType *fixed_schema(Arena *arena, Str format) {
    if (str_eq_c(format, "text")) {
        const PlField value = {.name = STR("value"), .type = &PL_STRING, .nullable = true};
        return pl_struct(arena, &value, 1);
    }
    const PlField fields[] = {{.name = STR("path"), .type = &PL_STRING, .nullable = true},
                              {.name = STR("modificationTime"), .type = &PL_TIMESTAMP, .nullable = true},
                              {.name = STR("length"), .type = &PL_LONG, .nullable = true},
                              {.name = STR("content"), .type = &PL_BINARY, .nullable = true}};
    return pl_struct(arena, fields, 4);
}

static const PlType *find_schema(ExEngine *engine, Arena *arena, const TyScan *scan, Str time_zone, Err *err) {
    if (str_eq_c(scan->format, "csv")) {
        return ex_csv_schema(arena, scan, time_zone, err);
    }
    if (str_eq_c(scan->format, "json")) {
        return ex_json_schema(arena, scan, time_zone, err);
    }
    if (str_eq_c(scan->format, "parquet")) {
        return ex_parquet_schema(engine, arena, scan, err);
    }
    return fixed_schema(arena, scan->format);
}

/* Files without a byte can't be Parquet; Spark makes no split of them. */
static void drop_empty(TyScan *scan, Arena *arena) {
    TyFile *files = ARENA_ARRAY(arena, TyFile, scan->nfiles);
    size_t n = 0;
    for (size_t i = 0; i < scan->nfiles; i++) {
        if (scan->files[i].size > 0) {
            files[n++] = scan->files[i];
        }
    }
    scan->files = files;
    scan->nfiles = n;
}

static bool check_names(Arena *arena, const PlType *schema, Err *err) {
    for (size_t i = 0; i < schema->nfields; i++) {
        for (size_t k = i + 1; k < schema->nfields; k++) {
            if (str_eq_nocase(schema->fields[i].name, schema->fields[k].name)) {
                Str name = str_lower(arena, schema->fields[i].name);
                return err_set(err, "COLUMN_ALREADY_EXISTS",
                               "[COLUMN_ALREADY_EXISTS] The column `%.*s` already exists. Consider to choose another name or rename the existing column.",
                               STR_ARG(name));
            }
        }
    }
    return true;
}

static const char *const known[] = {"csv", "json", "parquet", "text", "binaryfile"};

bool ex_describe_source(ExEngine *engine, Arena *arena, const PlSettings *settings, const PrRel *read_source, TyScan *ret_scan, Err *err) {
    Str format = str_lower(arena, read_source->source.format);
    if (format.len == 0 && !pl_settings_get(settings, STR("spark.sql.sources.default"), &format)) {
        format = STR("parquet");
    }
    const char *prefix = "org.apache.spark.sql.execution.datasources.";
    if (str_starts_with(format, str_from_c(prefix))) {
        format = str_slice(format, strlen(prefix), format.len);
        format = str_slice(format, 0, (size_t)((const char *)memchr(format.data, '.', format.len) - format.data));
    }
    *ret_scan = (TyScan){.format = format, .options = read_source->source.options, .noptions = read_source->source.noptions};
    const ExNamedSource *named = ex_named_source_find(engine, format);
    if (named != NULL) {
        ret_scan->shown = format; /* its options say the rest */
        ret_scan->data_schema = named->schema;
        return true;
    }
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        is_known |= str_eq_c(format, known[i]);
    }
    if (!is_known) {
        return err_set(err, "DATA_SOURCE_NOT_FOUND",
                       "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: %.*s. Please find packages at "
                       "`https://spark.apache.org/third-party-projects.html`.",
                       STR_ARG(format));
    }
    VEC(Str) paths = {.arena = arena};
    const PlOption *path_option = ex_option_find(read_source->source.options, read_source->source.noptions, "path");
    for (size_t i = 0; i < read_source->source.npaths; i++) {
        VEC_PUSH(&paths, read_source->source.paths[i]);
    }
    if (path_option != NULL && paths.count == 0) {
        VEC_PUSH(&paths, path_option->value);
    }
    Str time_zone = STR("UTC");
    (void)pl_settings_get(settings, STR("spark.sql.session.timeZone"), &time_zone);
    const KnZone *zone = kn_zone_new(arena, time_zone);
    if (zone == NULL) {
        return err_set(err, "INVALID_CONF_VALUE.TIME_ZONE", "'%.*s' is no time zone", STR_ARG(time_zone));
    }
    ret_scan->shown = paths.count > 0 ? paths.items[0] : format;
    ret_scan->roots = paths.items;
    ret_scan->nroots = paths.count;
    const PlType *given = read_source->source.schema;
    ExFoundList files;
    if (!ex_source_files(engine, arena, paths.items, paths.count, ret_scan->options, ret_scan->noptions, &files, err) ||
        !ex_source_partitions(arena, settings, given, ret_scan->options, ret_scan->noptions, zone, &files, ret_scan, err)) {
        return false;
    }
    if (str_eq_c(format, "parquet")) {
        drop_empty(ret_scan, arena);
    }
    const PlType *schema = given != NULL ? nullable_all(arena, given) : NULL;
    if (schema == NULL) {
        schema = find_schema(engine, arena, ret_scan, time_zone, err);
    }
    if (schema == NULL) {
        if (!err->is_set) {
            Str shown = str_eq_c(format, "parquet") ? STR("Parquet") : str_upper(arena, format);
            err_set(err, "UNABLE_TO_INFER_SCHEMA", "[UNABLE_TO_INFER_SCHEMA] Unable to infer schema for %.*s. It must be specified manually.",
                    STR_ARG(shown));
        }
        return false;
    }
    ret_scan->may_lack_columns = given != NULL || ret_scan->nfiles > 1;
    ret_scan->data_schema = without_partitions(arena, schema, ret_scan);
    return check_names(arena, ret_scan->data_schema, err);
}
