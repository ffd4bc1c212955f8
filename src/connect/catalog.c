/* catalog.c - spark.catalog.*: each operation's rows, in the columns of Spark's catalog classes (Database, Table, Function, Column).
 *
 * Called by analysis through AzWorld.catalog. Operations with an effect (setCurrentDatabase, dropTempView …) have it only when the plan is
 * executed, not when it is analysed for its schema.
 */
#include "connect/cache.h"
#include "connect/rows.h"

enum { FIRST_ID = 1 }; /* analysis renumbers them */

typedef struct CatalogCall {
    CnRequest *request;
    Arena *arena;
    const PrRel *rel;
} CatalogCall;

static bool has_argument(const CatalogCall *call, const char *key, Str *ret_value) {
    for (size_t i = 0; i < call->rel->catalog.narguments; i++) {
        if (str_eq_c(call->rel->catalog.arguments[i].key, key)) {
            *ret_value = call->rel->catalog.arguments[i].value;
            return true;
        }
    }
    *ret_value = STR("");
    return false;
}

static Str argument(const CatalogCall *call, const char *key) {
    Str value = {0};
    (void)has_argument(call, key, &value);
    return value;
}

static const TrRel *answer(const CnRows *rows, Err *err) {
    return cn_rows_rel(rows, FIRST_ID, err);
}

static const TrRel *one_text(const CatalogCall *call, Str text, Err *err) {
    CnColumn column = {"value", &PL_STRING, true};
    CnRows rows = cn_rows_new(call->arena, &column, 1);
    cn_rows_text(&rows, text);
    return answer(&rows, err);
}

static const TrRel *one_bool(const CatalogCall *call, bool value, Err *err) {
    CnColumn column = {"value", &PL_BOOLEAN, false};
    CnRows rows = cn_rows_new(call->arena, &column, 1);
    cn_rows_bool(&rows, value);
    return answer(&rows, err);
}

/* Operations that give nothing: a column and no rows, as Spark's emptyLocalRelation. */
static const TrRel *nothing(const CatalogCall *call, Err *err) {
    CnColumn column = {"value", &PL_STRING, false};
    CnRows rows = cn_rows_new(call->arena, &column, 1);
    return answer(&rows, err);
}

static bool schema_missing(Str name, Err *err) {
    return err_set(err, "SCHEMA_NOT_FOUND",
                   "The schema `%.*s` cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not qualify the "
                   "name with a catalog, verify the current_schema() output, or qualify the name with the correct catalog.\nTo tolerate the error "
                   "on drop use DROP SCHEMA IF EXISTS.",
                   STR_ARG(name));
}

static bool list_databases(CnRequest *request, Arena *arena, const CnDatabase **ret_databases, size_t *ret_count, Err *err) {
    static const CnDatabase DEFAULT = {{"default", 7}, {"Default database", 16}, {NULL, 0}};
    const CnCatalog *catalog = request->server->config.catalog;
    const CnDatabase *found = NULL;
    size_t count = 0;
    if (catalog != NULL && !catalog->databases(catalog->self, arena, &found, &count, err)) {
        return false;
    }
    VEC(CnDatabase) all = {.arena = arena};
    bool has_default = false;
    for (size_t i = 0; i < count; i++) {
        has_default = has_default || str_eq_c(found[i].name, "default");
    }
    if (!has_default) {
        VEC_PUSH(&all, DEFAULT);
    }
    for (size_t i = 0; i < count; i++) {
        VEC_PUSH(&all, found[i]);
    }
    *ret_databases = all.items;
    *ret_count = all.count;
    return true;
}

bool cn_catalog_has_database(CnRequest *request, Str database) {
    Err ignored = {0};
    const CnDatabase *databases = NULL;
    size_t count = 0;
    bool ok = list_databases(request, request->arena, &databases, &count, &ignored);
    for (size_t i = 0; ok && i < count; i++) {
        if (str_eq_nocase(databases[i].name, database)) {
            return true;
        }
    }
    return false;
}

static bool list_tables(CnRequest *request, Arena *arena, Str database, const CnTable **ret_tables, size_t *ret_count, Err *err) {
    const CnCatalog *catalog = request->server->config.catalog;
    *ret_count = 0;
    if (!cn_catalog_has_database(request, database)) {
        return schema_missing(database, err);
    }
    if (catalog == NULL) {
        return true;
    }
    Err own = {0};
    if (catalog->tables(catalog->self, arena, str_lower(arena, database), ret_tables, ret_count, &own)) {
        return true;
    }
    *ret_count = 0;
    if (!err_is(&own, "SCHEMA_NOT_FOUND")) { /* "default" need not be in the catalog */
        *err = own;
        return false;
    }
    return true;
}

static const TrRel *databases(const CatalogCall *call, bool only_one, Err *err) {
    static const CnColumn COLUMNS[] = {{"name", &PL_STRING, true}, {"catalog", &PL_STRING, true}, {"description", &PL_STRING, true}, {"locationUri", &PL_STRING, true}};
    const CnDatabase *found = NULL;
    size_t count = 0;
    if (!list_databases(call->request, call->arena, &found, &count, err)) {
        return NULL;
    }
    CnRows rows = cn_rows_new(call->arena, COLUMNS, 4);
    Str pattern = argument(call, "pattern"), wanted = argument(call, "db_name");
    for (size_t i = 0; i < count; i++) {
        if (only_one ? str_eq_nocase(found[i].name, wanted) : cn_like(found[i].name, pattern)) {
            cn_rows_text(&rows, found[i].name);
            cn_rows_text(&rows, STR("spark_catalog"));
            cn_rows_text(&rows, found[i].description);
            cn_rows_text(&rows, found[i].location);
        }
    }
    if (only_one && cn_rows_count(&rows) == 0) {
        (void)schema_missing(wanted, err);
        return NULL;
    }
    return answer(&rows, err);
}

static void add_table(CnRows *rows, Str name, const Str *database, Str description, Str type, bool is_temporary) {
    cn_rows_text(rows, name);
    cn_rows_text_or_null(rows, is_temporary ? STR("") : STR("spark_catalog"));
    cn_rows_names(rows, database, database != NULL ? 1 : 0);
    cn_rows_text_or_null(rows, description);
    cn_rows_text(rows, type);
    cn_rows_bool(rows, is_temporary);
}

static CnRows table_rows(Arena *arena) {
    CnColumn columns[] = {{"name", &PL_STRING, true},        {"catalog", &PL_STRING, true},   {"namespace", cn_rows_names_type(arena), true},
                          {"description", &PL_STRING, true}, {"tableType", &PL_STRING, true}, {"isTemporary", &PL_BOOLEAN, false}};
    return cn_rows_new(arena, columns, 6);
}

/* Names of the session's temp views. */
static void add_views(const CatalogCall *call, CnRows *rows, Str pattern) {
    CnSession *session = call->request->session;
    (void)pthread_mutex_lock(&session->lock);
    for (size_t i = 0; i < session->views.count; i++) {
        const CnView *view = session->views.entries[i].value;
        if (view != NULL && cn_like(view->name, pattern)) {
            add_table(rows, str_copy(call->arena, view->name), NULL, STR(""), STR("TEMPORARY"), true);
        }
    }
    (void)pthread_mutex_unlock(&session->lock);
}

static const TrRel *tables(const CatalogCall *call, Err *err) {
    const CnTable *found = NULL;
    size_t count = 0;
    Str database = {0}, pattern = argument(call, "pattern");
    if (!has_argument(call, "db_name", &database)) {
        database = call->request->world.current_database;
    }
    if (!list_tables(call->request, call->arena, database, &found, &count, err)) {
        return NULL;
    }
    CnRows rows = table_rows(call->arena);
    for (size_t i = 0; i < count; i++) {
        if (cn_like(found[i].name, pattern)) {
            add_table(&rows, found[i].name, &database, found[i].description, found[i].type, false);
        }
    }
    add_views(call, &rows, pattern);
    return answer(&rows, err);
}

/* The table_name and db_name arguments as name parts. */
static bool name_parts(const CatalogCall *call, const char *key, const Str **ret_parts, size_t *ret_nparts, Err *err) {
    Str database = {0};
    if (!sq_parse_name(call->arena, argument(call, key), ret_parts, ret_nparts, err)) {
        return false;
    }
    if (has_argument(call, "db_name", &database)) {
        Str *parts = ARENA_ARRAY(call->arena, Str, *ret_nparts + 1);
        parts[0] = database;
        for (size_t i = 0; i < *ret_nparts; i++) {
            parts[i + 1] = (*ret_parts)[i];
        }
        *ret_parts = parts;
        *ret_nparts += 1;
    }
    return true;
}

/* Analyses the table or view: NULL and err set when there is none. */
static const TrRel *find_table(const CatalogCall *call, const Str *parts, size_t nparts, Err *err) {
    PrRel *read = ARENA_NEW(call->arena, PrRel);
    read->tag = PR_READ_TABLE;
    read->plan_id = -1;
    read->table.parts = parts;
    read->table.nparts = nparts;
    return az_analyze(call->arena, &call->request->world, read, err);
}

static bool is_view(const CatalogCall *call, const Str *parts, size_t nparts) {
    return call->request->world.view(call->request, parts, nparts) != NULL;
}

static const TrRel *get_table(const CatalogCall *call, Err *err) {
    const Str *parts = NULL;
    size_t nparts = 0;
    if (!name_parts(call, "table_name", &parts, &nparts, err)) {
        return NULL;
    }
    CnRows rows = table_rows(call->arena);
    if (is_view(call, parts, nparts)) {
        add_table(&rows, parts[nparts - 1], nparts == 2 ? &parts[0] : NULL, STR(""), STR("TEMPORARY"), true);
        return answer(&rows, err);
    }
    Str database = {0}, table = {0};
    const CnTable *found = NULL;
    size_t count = 0;
    if (!cn_catalog_split(call->request, parts, nparts, &database, &table, err)) {
        return NULL;
    }
    Err own = {0};
    if (list_tables(call->request, call->arena, database, &found, &count, &own)) {
        for (size_t i = 0; i < count; i++) {
            if (str_eq_nocase(found[i].name, table)) {
                add_table(&rows, found[i].name, &database, found[i].description, found[i].type, false);
                return answer(&rows, err);
            }
        }
    }
    Str both[] = {database, table};
    (void)err_set(err, "TABLE_OR_VIEW_NOT_FOUND",
                  "The table or view %.*s cannot be found. Verify the spelling and correctness of the schema and catalog.",
                  STR_ARG(cn_quoted_name(call->arena, both, 2)));
    return NULL;
}

static const TrRel *columns(const CatalogCall *call, Err *err) {
    static const CnColumn COLUMNS[] = {{"name", &PL_STRING, true},      {"description", &PL_STRING, true},  {"dataType", &PL_STRING, true},
                                       {"nullable", &PL_BOOLEAN, false}, {"isPartition", &PL_BOOLEAN, false}, {"isBucket", &PL_BOOLEAN, false}};
    const Str *parts = NULL;
    size_t nparts = 0;
    const TrRel *rel = name_parts(call, "table_name", &parts, &nparts, err) ? find_table(call, parts, nparts, err) : NULL;
    if (rel == NULL) {
        return NULL;
    }
    size_t npartition = rel->tag == TR_SCAN ? rel->scan.scan->npartition_fields : 0;
    CnRows rows = cn_rows_new(call->arena, COLUMNS, 6);
    for (size_t i = 0; i < rel->noutput; i++) {
        cn_rows_text(&rows, rel->output[i].name);
        cn_rows_text_or_null(&rows, STR(""));
        cn_rows_text(&rows, pl_type_simple(call->arena, rel->output[i].type));
        cn_rows_bool(&rows, rel->output[i].nullable);
        cn_rows_bool(&rows, i >= rel->noutput - npartition);
        cn_rows_bool(&rows, false);
    }
    return answer(&rows, err);
}

static const TrRel *table_exists(const CatalogCall *call, Err *err) {
    const Str *parts = NULL;
    size_t nparts = 0;
    Err missing = {0};
    if (!name_parts(call, "table_name", &parts, &nparts, err)) {
        return NULL;
    }
    return one_bool(call, find_table(call, parts, nparts, &missing) != NULL || !err_is(&missing, "TABLE_OR_VIEW_NOT_FOUND"), err);
}

static CnRows function_rows(Arena *arena) {
    CnColumn all[] = {{"name", &PL_STRING, true},        {"catalog", &PL_STRING, true},   {"namespace", cn_rows_names_type(arena), true},
                      {"description", &PL_STRING, true}, {"className", &PL_STRING, true}, {"isTemporary", &PL_BOOLEAN, false}};
    return cn_rows_new(arena, all, 6);
}

static void add_function(CnRows *rows, Str name, Str note, Str class_name) {
    cn_rows_text(rows, name);
    cn_rows_text_or_null(rows, STR(""));
    cn_rows_names(rows, NULL, 0);
    cn_rows_text_or_null(rows, note);
    cn_rows_text(rows, class_name);
    cn_rows_bool(rows, true);
}

static void add_builtin(CnRows *rows, Arena *arena, const PlFunction *fn) {
    add_function(rows, str_from_c(fn->name), str_from_c(fn->note), str_fmt(arena, "org.apache.spark.sql.catalyst.expressions.%s", fn->spark_class));
}

static const TrRel *functions(const CatalogCall *call, Err *err) {
    CnRows rows = function_rows(call->arena);
    Str pattern = argument(call, "pattern");
    size_t count = 0;
    const PlFunction *all = pl_functions(&count);
    for (size_t i = 0; i < count; i++) {
        Str name = str_from_c(all[i].name);
        if (!str_starts_with(name, STR("solder_")) && cn_like(name, pattern)) {
            add_builtin(&rows, call->arena, &all[i]);
        }
    }
    CnSession *session = call->request->session;
    (void)pthread_mutex_lock(&session->lock);
    for (size_t i = 0; i < session->functions.count; i++) {
        const PlPython *python = session->functions.entries[i].value;
        if (python != NULL && cn_like(python->name, pattern)) {
            add_function(&rows, str_copy(call->arena, python->name), STR(""), STR(""));
        }
    }
    (void)pthread_mutex_unlock(&session->lock);
    return answer(&rows, err);
}

static const TrRel *get_function(const CatalogCall *call, Err *err) {
    CnRows rows = function_rows(call->arena);
    Str name = argument(call, "function_name");
    const PlPython *python = call->request->world.function(call->request, name);
    const PlFunction *fn = pl_function_find(name);
    if (python != NULL) {
        add_function(&rows, python->name, STR(""), STR(""));
    } else if (fn != NULL) {
        add_builtin(&rows, call->arena, fn);
    } else {
        (void)err_set(err, "UNRESOLVED_ROUTINE", "Cannot resolve function %.*s on search path [`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`].",
                      STR_ARG(cn_quoted_name(call->arena, &name, 1)));
        return NULL;
    }
    return answer(&rows, err);
}

static bool drop_global(CnServer *server, Str name) {
    (void)pthread_mutex_lock(&server->lock);
    Str key = str_lower(server->arena, name);
    CnView *view = map_get(&server->global_views, key);
    if (view != NULL) {
        map_remove(&server->global_views, key);
    }
    (void)pthread_mutex_unlock(&server->lock);
    if (view != NULL) {
        cn_view_drop(view);
    }
    return view != NULL;
}

static const TrRel *set_database(const CatalogCall *call, Err *err) {
    Str name = argument(call, "db_name");
    if (!cn_catalog_has_database(call->request, name)) {
        (void)schema_missing(name, err);
        return NULL;
    }
    if (call->request->may_change) {
        CnSession *session = call->request->session;
        (void)pthread_mutex_lock(&session->lock);
        session->current_database = str_lower(session->arena, name);
        (void)pthread_mutex_unlock(&session->lock);
    }
    return nothing(call, err);
}

static const TrRel *cache(const CatalogCall *call, Err *err) {
    CnStorageLevel level = CN_CACHE_LEVEL;
    Str bytes = {0};
    if (has_argument(call, "storage_level", &bytes)) {
        const Spark__Connect__StorageLevel *wanted = cn_unpack(call->arena, &spark__connect__storage_level__descriptor, bytes, err);
        if (wanted == NULL) {
            return NULL;
        }
        level = cn_cache_level(wanted);
    }
    bool ok = !call->request->may_change || cn_cache_add(call->request, cn_cache_table(call->arena, argument(call, "table_name")), &level, err);
    return ok ? nothing(call, err) : NULL;
}

static const TrRel *uncache(const CatalogCall *call, Err *err) {
    const Str *parts = NULL;
    size_t nparts = 0;
    const TrRel *rel = name_parts(call, "table_name", &parts, &nparts, err) ? find_table(call, parts, nparts, err) : NULL;
    if (rel == NULL) {
        return NULL;
    }
    if (call->request->may_change) {
        cn_cache_remove(call->request->session, rel, !is_view(call, parts, nparts));
    }
    return nothing(call, err);
}

static const TrRel *is_cached(const CatalogCall *call, Err *err) {
    const Str *parts = NULL;
    size_t nparts = 0;
    const TrRel *rel = name_parts(call, "table_name", &parts, &nparts, err) ? find_table(call, parts, nparts, err) : NULL;
    CnStorageLevel level;
    return rel == NULL ? NULL : one_bool(call, cn_cache_find(call->request, rel, &level), err);
}

/* Files are listed anew for every query: only what is cached of them can be old. */
static const TrRel *refresh(const CatalogCall *call, Err *err) {
    const Str *parts = NULL;
    size_t nparts = 0;
    Str path = {0};
    if (!has_argument(call, "path", &path)) {
        const TrRel *rel = name_parts(call, "table_name", &parts, &nparts, err) ? find_table(call, parts, nparts, err) : NULL;
        if (rel == NULL) {
            return NULL;
        }
        path = rel->tag == TR_SCAN && rel->scan.scan->nroots > 0 ? rel->scan.scan->roots[0] : STR("");
    }
    if (call->request->may_change && path.len > 0) {
        cn_cache_refresh(call->request, path);
    }
    return nothing(call, err);
}

static const TrRel *clear_cache(const CatalogCall *call, Err *err) {
    if (call->request->may_change) {
        cn_cache_clear(call->request->session);
    }
    return nothing(call, err);
}

static const TrRel *catalogs(const CatalogCall *call, Err *err) {
    static const CnColumn COLUMNS[] = {{"name", &PL_STRING, true}, {"description", &PL_STRING, true}};
    CnRows rows = cn_rows_new(call->arena, COLUMNS, 2);
    if (cn_like(STR("spark_catalog"), argument(call, "pattern"))) {
        cn_rows_text(&rows, STR("spark_catalog"));
        cn_rows_text_or_null(&rows, STR(""));
    }
    return answer(&rows, err);
}

static const TrRel *database_exists(const CatalogCall *call, Err *err) {
    return one_bool(call, cn_catalog_has_database(call->request, argument(call, "db_name")), err);
}

static const TrRel *function_exists(const CatalogCall *call, Err *err) {
    Str name = argument(call, "function_name");
    return one_bool(call, pl_function_find(name) != NULL || call->request->world.function(call->request, name) != NULL, err);
}

static const TrRel *set_catalog(const CatalogCall *call, Err *err) {
    Str name = argument(call, "catalog_name");
    if (!str_eq_nocase(name, STR("spark_catalog"))) {
        (void)err_set(err, ERR_NOT_SUPPORTED, "The catalog %.*s is not there; spark_catalog, the Data Catalog, is the only one", STR_ARG(name));
        return NULL;
    }
    return nothing(call, err);
}

const TrRel *cn_catalog_rows(CnRequest *request, Arena *arena, const PrRel *operation, Err *err) {
    CatalogCall call = {.request = request, .arena = arena, .rel = operation};
    Str name = operation->catalog.operation;
    bool acts = request->may_change;
#define IS(text) str_eq_c(name, text)
    if (IS("current_database")) return one_text(&call, request->world.current_database, err);
    if (IS("set_current_database")) return set_database(&call, err);
    if (IS("list_databases")) return databases(&call, false, err);
    if (IS("get_database")) return databases(&call, true, err);
    if (IS("database_exists")) return database_exists(&call, err);
    if (IS("list_tables")) return tables(&call, err);
    if (IS("get_table")) return get_table(&call, err);
    if (IS("table_exists")) return table_exists(&call, err);
    if (IS("list_columns")) return columns(&call, err);
    if (IS("list_functions")) return functions(&call, err);
    if (IS("get_function")) return get_function(&call, err);
    if (IS("function_exists")) return function_exists(&call, err);
    if (IS("drop_temp_view")) return one_bool(&call, acts && cn_session_drop_view(request->session, argument(&call, "view_name")), err);
    if (IS("drop_global_temp_view")) return one_bool(&call, acts && drop_global(request->server, argument(&call, "view_name")), err);
    if (IS("is_cached")) return is_cached(&call, err);
    if (IS("cache_table")) return cache(&call, err);
    if (IS("uncache_table")) return uncache(&call, err);
    if (IS("clear_cache")) return clear_cache(&call, err);
    if (IS("current_catalog")) return one_text(&call, STR("spark_catalog"), err);
    if (IS("set_current_catalog")) return set_catalog(&call, err);
    if (IS("list_catalogs")) return catalogs(&call, err);
    if (IS("refresh_table") || IS("refresh_by_path")) return refresh(&call, err);
    if (IS("recover_partitions")) return nothing(&call, err); /* partitions are the catalog's */
#undef IS
    (void)err_set(err, ERR_NOT_SUPPORTED, "spark.catalog's %.*s is not supported on the embedded engine yet", STR_ARG(name));
    return NULL;
}
