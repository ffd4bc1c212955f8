/* cmd_catalog.c - solder catalog: the Data Catalog from files and to standard output, in the AWS API's JSON. */
#include "cli/cli.h"

#include "store/catalog_json.h"

#include <errno.h>
#include <string.h>
#include <yyjson.h>

static bool read_file(Arena *arena, const char *path, Str *ret_text, Err *err) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL) {
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    }
    StrBuf buf = {.arena = arena};
    char chunk[1 << 14];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        strbuf_add(&buf, (Str){chunk, got});
    }
    bool failed = ferror(file) != 0;
    if (file != stdin) {
        (void)fclose(file);
    }
    *ret_text = strbuf_str(&buf);
    return !failed || err_set(err, ERR_IO, "%s: cannot be read", path);
}

static bool run_import(StStore *store, CliCall *call, Err *err) {
    StImported total = {0};
    for (int i = 1; i < call->argc; i++) {
        Str text;
        StImported counts = {0};
        if (!read_file(call->arena, call->argv[i], &text, err)) {
            return false;
        }
        if (!st_catalog_import(store, text, &counts, err)) {
            return err_prefix(err, "%s: ", call->argv[i]);
        }
        total.databases += counts.databases;
        total.tables += counts.tables;
        total.partitions += counts.partitions;
    }
    printf("imported %d databases, %d tables, %d partitions\n", total.databases, total.tables, total.partitions);
    return true;
}

static bool run_export(StStore *store, CliCall *call, Err *err) {
    Str json;
    if (!st_catalog_export(store, call->arena, &json, err)) {
        return false;
    }
    printf("%.*s\n", STR_ARG(json));
    return true;
}

/* The member at a path of names, as text; "-" when absent. */
static Str text_at(Arena *arena, yyjson_val *value, const char *outer, const char *name) {
    yyjson_val *found = yyjson_obj_get(outer == NULL ? value : yyjson_obj_get(value, outer), name);
    return yyjson_is_str(found) ? str_copy(arena, (Str){yyjson_get_str(found), yyjson_get_len(found)}) : STR("-");
}

static bool add_table_row(StStore *store, CliCall *call, Str json, Str cells[5], Err *err) {
    yyjson_doc *doc = yyjson_read(json.data, json.len, 0);
    if (doc == NULL) {
        return err_set(err, ERR_INTERNAL, "a catalog entry is not JSON");
    }
    yyjson_val *table = yyjson_doc_get_root(doc);
    StEntityName name = {.database = text_at(call->arena, table, NULL, "DatabaseName"), .table = text_at(call->arena, table, NULL, "Name")};
    size_t ncolumns = yyjson_arr_size(yyjson_obj_get(yyjson_obj_get(table, "StorageDescriptor"), "Columns")) +
                      yyjson_arr_size(yyjson_obj_get(table, "PartitionKeys"));
    const Str *partitions = NULL;
    size_t npartitions = 0;
    bool ok = st_catalog_list(store, call->arena, ST_PARTITION, &name, &partitions, &npartitions, err);
    cells[0] = name.database;
    cells[1] = name.table;
    cells[2] = str_fmt(call->arena, "%zu", ncolumns);
    cells[3] = str_fmt(call->arena, "%zu", npartitions);
    cells[4] = text_at(call->arena, table, "StorageDescriptor", "Location");
    yyjson_doc_free(doc);
    return ok;
}

static bool run_list(StStore *store, CliCall *call, Err *err) {
    static const CliColumn COLUMNS[] = {{"database", CLI_TEXT}, {"table", CLI_TEXT}, {"columns", CLI_NUMBER}, {"partitions", CLI_NUMBER}, {"location", CLI_TEXT}};
    const Str *tables = NULL;
    const Str *databases = NULL;
    size_t ntables = 0;
    size_t ndatabases = 0;
    if (!st_catalog_list(store, call->arena, ST_TABLE, &(StEntityName){0}, &tables, &ntables, err) ||
        !st_catalog_list(store, call->arena, ST_DATABASE, &(StEntityName){0}, &databases, &ndatabases, err)) {
        return false;
    }
    Str *cells = ARENA_ARRAY(call->arena, Str, ntables * 5 + 1);
    for (size_t i = 0; i < ntables; i++) {
        if (!add_table_row(store, call, tables[i], cells + i * 5, err)) {
            return false;
        }
    }
    if (ntables > 0) {
        cli_print_table(stdout, call->arena, COLUMNS, 5, cells, ntables, cli_terminal_width(stdout));
    }
    printf("%zu databases, %zu tables\n", ndatabases, ntables);
    return true;
}

typedef struct Action {
    const char *name;
    bool takes_files;
    bool (*run)(StStore *store, CliCall *call, Err *err);
} Action;

static const Action ACTIONS[] = {{"import", true, run_import}, {"export", false, run_export}, {"list", false, run_list}};

int cmd_catalog(CliCall *call) {
    const Action *action = NULL;
    for (size_t i = 0; call->argc > 0 && i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        action = strcmp(call->argv[0], ACTIONS[i].name) == 0 ? &ACTIONS[i] : action;
    }
    if (action == NULL) {
        return cli_misuse("catalog", "say import, export or list");
    }
    if ((call->argc > 1) != action->takes_files) {
        return cli_misuse("catalog", action->takes_files ? "%s takes one or more files" : "%s takes no arguments", action->name);
    }
    Err err = {0};
    StStore *store = st_open(call->home, &err);
    bool ok = store != NULL && action->run(store, call, &err);
    st_close(store);
    return ok ? CLI_OK : cli_fail(&err);
}
