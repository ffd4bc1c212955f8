/* catalog_tables.c - see catalog_tables.h. */
#include "daemon/catalog_tables.h"

#include "base/vec.h"
#include "sql/sql.h"

#include <time.h>
#include <yyjson.h>

/* How a SerDe's files are read: by the engine's reader of that format, with options that come from the SerDe's parameters. */
typedef struct Serde {
    const char *library; /* the end of the class name */
    const char *format;
    struct {
        const char *parameter; /* of SerdeInfo.Parameters; NULL: always the default */
        const char *option;
        const char *fallback; /* NULL: leave the option out */
    } options[5];
} Serde;

/* LazySimpleSerDe knows no quotes and writes null as \N (Hive's LanguageManual DDL, "Row Formats & SerDe"). */
static const Serde SERDES[] = {
    {".LazySimpleSerDe",
     "csv",
     {{"field.delim", "sep", "\x01"}, {NULL, "quote", ""}, {"escape.delim", "escape", ""}, {"serialization.null.format", "nullValue", "\\N"}}},
    {".OpenCSVSerde", "csv", {{"separatorChar", "sep", ","}, {"quoteChar", "quote", "\""}, {"escapeChar", "escape", "\\"}}},
    {".JsonSerDe", "json", {{NULL, NULL, NULL}}},
    {".ParquetHiveSerDe", "parquet", {{NULL, NULL, NULL}}},
};

static Str member(yyjson_val *object, const char *name) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? (Str){yyjson_get_str(value), yyjson_get_len(value)} : STR("");
}

static const Serde *find_serde(Str library) {
    for (size_t i = 0; i < sizeof SERDES / sizeof SERDES[0]; i++) {
        if (str_ends_with(library, str_from_c(SERDES[i].library))) {
            return &SERDES[i];
        }
    }
    return NULL;
}

static void add_options(Arena *arena, const Serde *serde, yyjson_val *table, yyjson_val *serde_parameters, TyScan *scan) {
    VEC(PlOption) options = {.arena = arena};
    for (size_t i = 0; i < sizeof serde->options / sizeof serde->options[0] && serde->options[i].option != NULL; i++) {
        yyjson_val *value = serde->options[i].parameter == NULL ? NULL : yyjson_obj_get(serde_parameters, serde->options[i].parameter);
        Str text = yyjson_is_str(value) ? (Str){yyjson_get_str(value), yyjson_get_len(value)} : str_from_c(serde->options[i].fallback);
        VEC_PUSH(&options, (PlOption){str_from_c(serde->options[i].option), str_copy(arena, text)});
    }
    yyjson_val *parameters = yyjson_obj_get(table, "Parameters");
    Str skip = member(parameters, "skip.header.line.count");
    if (skip.len == 0) {
        skip = member(serde_parameters, "skip.header.line.count");
    }
    if (skip.len > 0 && !str_eq_c(skip, "0")) {
        VEC_PUSH(&options, (PlOption){STR("skipLines"), str_copy(arena, skip)});
    }
    scan->options = options.items;
    scan->noptions = options.count;
}

static bool read_columns(Arena *arena, yyjson_val *list, const PlField **ret_fields, size_t *ret_count, Err *err) {
    VEC(PlField) fields = {.arena = arena};
    size_t i;
    size_t count;
    yyjson_val *column;
    yyjson_arr_foreach(list, i, count, column) {
        Str type_text = member(column, "Type");
        Str name = str_copy(arena, member(column, "Name"));
        const PlType *type = type_text.len == 0 ? &PL_STRING : sq_parse_type(arena, type_text, err);
        if (type == NULL) {
            return err_prefix(err, "column %.*s: ", STR_ARG(name));
        }
        VEC_PUSH(&fields, (PlField){.name = name, .type = type, .nullable = true});
    }
    *ret_fields = fields.items;
    *ret_count = fields.count;
    return true;
}

/* A partition's value from its text in the catalog. */
static const PlValue *partition_value(Arena *arena, const PlField *field, Str text, Err *err) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    value->type = field->type;
    if (str_eq_c(text, "__HIVE_DEFAULT_PARTITION__")) {
        value->is_null = true;
        return value;
    }
    bool ok = true;
    if (field->type->kind == PL_TYPE_STRING || field->type->kind == PL_TYPE_CHAR || field->type->kind == PL_TYPE_VARCHAR) {
        value->s = str_copy(arena, text);
    } else if (pl_type_is_integral(field->type)) {
        ok = str_to_i64(text, &value->i);
    } else if (field->type->kind == PL_TYPE_DOUBLE || field->type->kind == PL_TYPE_FLOAT) {
        ok = str_to_double(text, &value->f);
    } else if (field->type->kind == PL_TYPE_BOOLEAN) {
        value->i = str_eq_nocase(text, STR("true"));
        ok = value->i || str_eq_nocase(text, STR("false"));
    } else if (field->type->kind == PL_TYPE_DATE) {
        struct tm date = {0};
        char *end = strptime(str_to_c(arena, text), "%Y-%m-%d", &date);
        ok = end != NULL && *end == '\0';
        value->i = ok ? (int64_t)timegm(&date) / 86400 : 0;
    } else {
        (void)err_set(err, ERR_NOT_SUPPORTED, "partition column %.*s of type %.*s is not supported", STR_ARG(field->name),
                      STR_ARG(pl_type_simple(arena, field->type)));
        return NULL;
    }
    if (!ok) {
        (void)err_set(err, "InvalidInputException", "partition value '%.*s' of column %.*s is not of type %.*s", STR_ARG(text),
                      STR_ARG(field->name), STR_ARG(pl_type_simple(arena, field->type)));
        return NULL;
    }
    return value;
}

typedef VEC(TyFile) FileList;

static bool add_files(const CatalogTables *tables, Arena *arena, Str location, const PlValue *const *partition, FileList *files, Err *err) {
    const ExObject *objects = NULL;
    size_t count = 0;
    if (!tables->storage->list(tables->storage->self, arena, location, &objects, &count, err)) {
        return err_prefix(err, "location %.*s: ", STR_ARG(location));
    }
    for (size_t i = 0; i < count; i++) {
        Str url = objects[i].url;
        size_t name = url.len;
        while (name > 0 && url.data[name - 1] != '/') {
            name--;
        }
        /* Spark and Hive skip what begins with _ or . (_SUCCESS, temporary files). */
        if (url.data[name] == '_' || url.data[name] == '.') {
            continue;
        }
        TyFile file = {.path = objects[i].path, .shown = url, .size = objects[i].size, .modified_us = objects[i].modified_us, .partition = partition};
        VEC_PUSH(files, file);
    }
    return true;
}

static bool add_partition(const CatalogTables *tables, Arena *arena, const TyScan *scan, Str json, Str table_location, FileList *files, Err *err) {
    yyjson_doc *doc = yyjson_read(json.data, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *values = yyjson_obj_get(root, "Values");
    bool ok = yyjson_arr_size(values) == scan->npartition_fields ||
              err_set(err, "InvalidInputException", "a partition of %.*s has %zu values for %zu partition keys", STR_ARG(scan->shown),
                      yyjson_arr_size(values), scan->npartition_fields);
    const PlValue **typed = ARENA_ARRAY(arena, const PlValue *, scan->npartition_fields);
    Str location = str_copy(arena, member(yyjson_obj_get(root, "StorageDescriptor"), "Location"));
    StrBuf below = {.arena = arena};
    strbuf_add(&below, table_location);
    for (size_t i = 0; ok && i < scan->npartition_fields; i++) {
        yyjson_val *value = yyjson_arr_get(values, i);
        Str text = {yyjson_get_str(value), yyjson_get_len(value)};
        typed[i] = partition_value(arena, &scan->partition_fields[i], text, err);
        ok = typed[i] != NULL;
        strbuf_fmt(&below, "/%.*s=%.*s", STR_ARG(scan->partition_fields[i].name), STR_ARG(text));
    }
    ok = ok && add_files(tables, arena, location.len > 0 ? location : strbuf_str(&below), typed, files, err);
    yyjson_doc_free(doc);
    return ok;
}

static bool add_all_files(const CatalogTables *tables, Arena *arena, const StEntityName *name, Str location, TyScan *scan, Err *err) {
    FileList files = {.arena = arena};
    if (scan->npartition_fields == 0) {
        if (!add_files(tables, arena, location, NULL, &files, err)) {
            return false;
        }
    } else {
        const Str *partitions = NULL;
        size_t count = 0;
        if (!st_catalog_list(tables->store, arena, ST_PARTITION, name, &partitions, &count, err)) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            if (!add_partition(tables, arena, scan, partitions[i], location, &files, err)) {
                return false;
            }
        }
    }
    scan->files = files.items;
    scan->nfiles = files.count;
    return true;
}

static bool scan_of_json(const CatalogTables *tables, Arena *arena, const StEntityName *name, yyjson_val *table, TyScan *scan, Err *err) {
    yyjson_val *storage = yyjson_obj_get(table, "StorageDescriptor");
    yyjson_val *serde_info = yyjson_obj_get(storage, "SerdeInfo");
    Str location = str_copy(arena, member(storage, "Location"));
    while (location.len > 0 && location.data[location.len - 1] == '/') {
        location.len--;
    }
    const Serde *serde = find_serde(member(serde_info, "SerializationLibrary"));
    if (serde == NULL) {
        Str library = member(serde_info, "SerializationLibrary");
        return err_set(err, ERR_NOT_SUPPORTED, "its SerDe '%.*s' is not supported: LazySimpleSerDe, OpenCSVSerde, JsonSerDe and ParquetHiveSerDe are",
                       STR_ARG(library));
    }
    if (location.len == 0) {
        return err_set(err, "InvalidInputException", "it has no StorageDescriptor.Location");
    }
    scan->format = str_from_c(serde->format);
    add_options(arena, serde, table, yyjson_obj_get(serde_info, "Parameters"), scan);
    const PlField *fields = NULL;
    size_t nfields = 0;
    if (!read_columns(arena, yyjson_obj_get(storage, "Columns"), &fields, &nfields, err) ||
        !read_columns(arena, yyjson_obj_get(table, "PartitionKeys"), &scan->partition_fields, &scan->npartition_fields, err)) {
        return false;
    }
    scan->data_schema = pl_struct(arena, fields, nfields);
    scan->may_lack_columns = true;
    return add_all_files(tables, arena, name, location, scan, err);
}

static bool not_found(const StEntityName *name, Err *err) {
    err_clear(err);
    return err_set(err, "TABLE_OR_VIEW_NOT_FOUND",
                   "The table or view `%.*s`.`%.*s` cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not "
                   "qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and "
                   "catalog.\nTo tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS.",
                   STR_ARG(name->database), STR_ARG(name->table));
}

bool catalog_table_scan(const CatalogTables *tables, Arena *arena, Str database, Str table, TyScan *ret_scan, Err *err) {
    StEntityName name = {.database = str_lower(arena, database), .table = str_lower(arena, table)};
    Str json;
    if (!st_catalog_get(tables->store, arena, ST_TABLE, &name, &json, err)) {
        return err_is(err, "EntityNotFoundException") ? not_found(&name, err) : false;
    }
    yyjson_doc *doc = yyjson_read(json.data, json.len, 0);
    *ret_scan = (TyScan){.shown = str_fmt(arena, "%.*s.%.*s", STR_ARG(name.database), STR_ARG(name.table))};
    Str *root = ARENA_NEW(arena, Str);
    *root = ret_scan->shown;
    ret_scan->roots = root;
    ret_scan->nroots = 1;
    bool ok = (doc != NULL || err_set(err, ERR_INTERNAL, "the catalog's entry is not JSON")) &&
              scan_of_json(tables, arena, &name, yyjson_doc_get_root(doc), ret_scan, err);
    yyjson_doc_free(doc);
    return ok || err_prefix(err, "table %.*s: ", STR_ARG(ret_scan->shown));
}

bool catalog_entries(const CatalogTables *tables, Arena *arena, Str kind, Str database, Str table, const Str **ret_json, size_t *ret_count,
                     Err *err) {
    StEntityName name = {.database = str_lower(arena, database), .table = str_lower(arena, table)};
    Str *json = ARENA_ARRAY(arena, Str, 1);
    *ret_json = json;
    *ret_count = 1;
    if (str_eq_c(kind, "table") || str_eq_c(kind, "partitions")) {
        /* Partitions of a table that is not there are an error, not an empty list. */
        if (!st_catalog_get(tables->store, arena, ST_TABLE, &name, json, err)) {
            return false;
        }
        return str_eq_c(kind, "table") || st_catalog_list(tables->store, arena, ST_PARTITION, &name, ret_json, ret_count, err);
    }
    if (str_eq_c(kind, "database")) {
        return st_catalog_get(tables->store, arena, ST_DATABASE, &name, json, err);
    }
    if (str_eq_c(kind, "databases")) {
        return st_catalog_list(tables->store, arena, ST_DATABASE, &(StEntityName){0}, ret_json, ret_count, err);
    }
    if (str_eq_c(kind, "tables")) {
        name.table = STR("");
        return st_catalog_list(tables->store, arena, ST_TABLE, &name, ret_json, ret_count, err);
    }
    return err_set(err, "InvalidInputException", "solder.catalog: kind '%.*s' is none of table, partitions, database, tables, databases",
                   STR_ARG(kind));
}

bool catalog_names(const CatalogTables *tables, Arena *arena, Str database, const CatalogName **ret_names, size_t *ret_count, Err *err) {
    const Str *json = NULL;
    size_t count = 0;
    bool of_database = database.len > 0;
    if ((of_database && !catalog_entries(tables, arena, STR("database"), database, STR(""), &json, &count, err)) ||
        !catalog_entries(tables, arena, of_database ? STR("tables") : STR("databases"), database, STR(""), &json, &count, err)) {
        return false;
    }
    CatalogName *names = ARENA_ARRAY(arena, CatalogName, count + 1);
    for (size_t i = 0; i < count; i++) {
        yyjson_doc *doc = yyjson_read(json[i].data, json[i].len, 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        Str location = of_database ? member(yyjson_obj_get(root, "StorageDescriptor"), "Location") : member(root, "LocationUri");
        names[i] = (CatalogName){str_copy(arena, member(root, "Name")), str_copy(arena, member(root, "Description")), str_copy(arena, location)};
        yyjson_doc_free(doc);
    }
    *ret_names = names;
    *ret_count = count;
    return true;
}
