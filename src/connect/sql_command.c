/* sql_command.c - spark.sql(text): a query comes back as it is (it runs when its rows are asked for), a command runs now and comes back as
 * its rows.
 */
#include "connect/cache.h"
#include "connect/rows.h"

typedef struct SqlCall {
    CnRun *run;
    CnRequest *request;
    Arena *arena;
    const SqStatement *statement;
    const Spark__Connect__SqlCommand *message;
} SqlCall;

static CnRows no_rows(Arena *arena) {
    return cn_rows_new(arena, NULL, 0);
}

static bool respond_relation(CnRun *run, Spark__Connect__Relation *relation, Err *err) {
    Spark__Connect__ExecutePlanResponse response = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    Spark__Connect__ExecutePlanResponse__SqlCommandResult result = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__SQL_COMMAND_RESULT__INIT;
    result.relation = relation;
    response.response_type_case = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_SQL_COMMAND_RESULT;
    response.sql_command_result = &result;
    return cn_respond(run, &response, err);
}

/* The query as a relation of the client's plan, arguments included. */
static bool respond_query(const SqlCall *call, Err *err) {
    Spark__Connect__Relation relation = SPARK__CONNECT__RELATION__INIT;
    Spark__Connect__SQL sql = SPARK__CONNECT__SQL__INIT;
    const Spark__Connect__SqlCommand *message = call->message;
    CN_SET(&sql, query, message->sql);
    sql.n_args = message->n_args;
    sql.args = ARENA_ARRAY(call->arena, Spark__Connect__SQL__ArgsEntry *, message->n_args);
    for (size_t i = 0; i < message->n_args; i++) {
        sql.args[i] = ARENA_NEW(call->arena, Spark__Connect__SQL__ArgsEntry);
        spark__connect__sql__args_entry__init(sql.args[i]);
        CN_SET(sql.args[i], key, message->args[i]->key);
        sql.args[i]->value = message->args[i]->value;
    }
    sql.n_pos_args = message->n_pos_args;
    sql.pos_args = message->pos_args;
    relation.rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_SQL;
    relation.sql = &sql;
    return respond_relation(call->run, &relation, err);
}

static bool respond_rows(const SqlCall *call, const CnRows *rows, Err *err) {
    Spark__Connect__Relation relation = SPARK__CONNECT__RELATION__INIT;
    Spark__Connect__LocalRelation local = SPARK__CONNECT__LOCAL_RELATION__INIT;
    Str ipc = {0};
    if (!cn_rows_arrow(rows, &ipc, err)) {
        return false;
    }
    CN_SET(&local, data, cn_bytes(ipc));
    CN_SET(&local, schema, cn_bytes(pl_type_json(call->arena, rows->type)));
    relation.rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_LOCAL_RELATION;
    relation.local_relation = &local;
    return respond_relation(call->run, &relation, err);
}

/* A catalog operation's rows with its own columns, for SHOW. */
static const TrRel *catalog_rows(const SqlCall *call, const char *operation, const PlOption *arguments, size_t narguments, Err *err) {
    PrRel *rel = ARENA_NEW(call->arena, PrRel);
    rel->tag = PR_CATALOG;
    rel->plan_id = -1;
    rel->catalog.operation = str_from_c(operation);
    rel->catalog.arguments = arguments;
    rel->catalog.narguments = narguments;
    return cn_catalog_rows(call->request, call->arena, rel, err);
}

static const PrRel *decode_query(void *self, const CnDecode *decode, Err *err) {
    const SqlCall *call = self;
    const Spark__Connect__SqlCommand *message = call->message;
    /* Parsed again into the view's own arena. */
    Arena *arena = decode->arena;
    const Spark__Connect__SqlCommand *copy =
        cn_unpack(arena, &spark__connect__sql_command__descriptor, cn_pack(arena, &message->base), err);
    if (copy == NULL) {
        return NULL;
    }
    Str *names = ARENA_ARRAY(arena, Str, copy->n_args);
    const Spark__Connect__Expression__Literal **values = ARENA_ARRAY(arena, const Spark__Connect__Expression__Literal *, copy->n_args);
    for (size_t i = 0; i < copy->n_args; i++) {
        names[i] = CN_STR(copy->args[i]->key);
        values[i] = copy->args[i]->value;
    }
    SqStatement statement = {0};
    if (!cn_decode_sql(arena, CN_STR(copy->sql), copy->n_args, names, values, copy->n_pos_args, copy->pos_args, &statement, err)) {
        return NULL;
    }
    return statement.plan;
}

static bool create_view(const SqlCall *call, CnRows *ret_rows, Err *err) {
    const SqStatement *s = call->statement;
    *ret_rows = no_rows(call->arena);
    if (s->nname != 1) {
        return err_set(err, "TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS",
                       "CREATE TEMPORARY VIEW or the corresponding Dataset APIs only accept single-part view names, but got: %.*s.",
                       STR_ARG(cn_quoted_name(call->arena, s->name, s->nname)));
    }
    if (s->if_not_exists && call->request->world.view(call->request, s->name, 1) != NULL) {
        return true;
    }
    return cn_put_view(call->request, s->name[0], s->global, s->replace, decode_query, (void *)(uintptr_t)call, err);
}

static bool drop_view(const SqlCall *call, CnRows *ret_rows, Err *err) {
    const SqStatement *s = call->statement;
    *ret_rows = no_rows(call->arena);
    bool is_global = s->nname == 2 && str_eq_nocase(s->name[0], STR("global_temp"));
    if (s->nname == 1 && cn_session_drop_view(call->request->session, s->name[0])) {
        return true;
    }
    if (is_global) {
        PlOption argument = {STR("view_name"), s->name[1]};
        bool is_there = call->request->world.view(call->request, s->name, 2) != NULL;
        if (is_there) {
            return catalog_rows(call, "drop_global_temp_view", &argument, 1, err) != NULL;
        }
    }
    return s->if_exists || err_set(err, "TABLE_OR_VIEW_NOT_FOUND",
                                   "The table or view %.*s cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you "
                                   "did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the "
                                   "correct schema and catalog.\nTo tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS.",
                                   STR_ARG(cn_quoted_name(call->arena, s->name, s->nname)));
}

static bool set(const SqlCall *call, CnRows *ret_rows, Err *err) {
    static const CnColumn COLUMNS[] = {{"key", &PL_STRING, false}, {"value", &PL_STRING, false}};
    const SqStatement *s = call->statement;
    CnSession *session = call->request->session;
    *ret_rows = cn_rows_new(call->arena, COLUMNS, 2);
    bool ok = true;
    (void)pthread_mutex_lock(&session->lock);
    if (s->has_value) {
        ok = pl_settings_set(&session->settings, s->key, s->value, err);
        cn_rows_text(ret_rows, s->key);
        cn_rows_text(ret_rows, s->value);
    } else if (s->key.len > 0) {
        Str value = STR("<undefined>");
        (void)pl_settings_get(&session->settings, s->key, &value);
        cn_rows_text(ret_rows, s->key);
        cn_rows_text(ret_rows, str_copy(call->arena, value));
    } else {
        for (size_t i = 0; i < session->settings.values.count; i++) {
            const MapEntry *entry = &session->settings.values.entries[i];
            Str value = {0};
            if (entry->value != NULL && pl_settings_get(&session->settings, entry->key, &value)) {
                cn_rows_text(ret_rows, str_copy(call->arena, entry->key));
                cn_rows_text(ret_rows, str_copy(call->arena, value));
            }
        }
    }
    (void)pthread_mutex_unlock(&session->lock);
    return ok;
}

static bool reset(const SqlCall *call, CnRows *ret_rows) {
    const SqStatement *s = call->statement;
    CnSession *session = call->request->session;
    *ret_rows = no_rows(call->arena);
    (void)pthread_mutex_lock(&session->lock);
    if (s->key.len > 0) {
        pl_settings_unset(&session->settings, s->key);
    } else {
        pl_settings_init(&session->settings, session->arena);
    }
    (void)pthread_mutex_unlock(&session->lock);
    return true;
}

static bool use(const SqlCall *call, CnRows *ret_rows, Err *err) {
    const SqStatement *s = call->statement;
    PlOption argument = {STR("db_name"), s->nname > 0 ? s->name[s->nname - 1] : STR("")};
    *ret_rows = no_rows(call->arena);
    return catalog_rows(call, "set_current_database", &argument, 1, err) != NULL;
}

static bool add_temp_tables(const SqlCall *call, CnRows *rows, Str pattern) {
    CnSession *session = call->request->session;
    (void)pthread_mutex_lock(&session->lock);
    for (size_t i = 0; i < session->views.count; i++) {
        const CnView *view = session->views.entries[i].value;
        if (view != NULL && cn_like(view->name, pattern)) {
            cn_rows_text(rows, STR(""));
            cn_rows_text(rows, str_copy(call->arena, view->name));
            cn_rows_bool(rows, true);
        }
    }
    (void)pthread_mutex_unlock(&session->lock);
    return true;
}

static bool show_tables(const SqlCall *call, CnRows *ret_rows, Err *err) {
    static const CnColumn COLUMNS[] = {{"namespace", &PL_STRING, false}, {"tableName", &PL_STRING, false}, {"isTemporary", &PL_BOOLEAN, false}};
    const SqStatement *s = call->statement;
    const CnCatalog *catalog = call->request->server->config.catalog;
    const CnTable *tables = NULL;
    size_t count = 0;
    Str database = s->nname > 0 ? str_lower(call->arena, s->name[s->nname - 1]) : call->request->world.current_database;
    *ret_rows = cn_rows_new(call->arena, COLUMNS, 3);
    if (!cn_catalog_has_database(call->request, database)) {
        return err_set(err, "SCHEMA_NOT_FOUND", "The schema `%.*s` cannot be found. Verify the spelling and correctness of the schema and catalog.",
                       STR_ARG(database));
    }
    Err own = {0};
    if (catalog != NULL && !catalog->tables(catalog->self, call->arena, database, &tables, &count, &own)) {
        if (!err_is(&own, "SCHEMA_NOT_FOUND")) {
            *err = own;
            return false;
        }
        count = 0; /* "default" need not be in the catalog */
    }
    for (size_t i = 0; i < count; i++) {
        if (cn_like(tables[i].name, s->text)) {
            cn_rows_text(ret_rows, database);
            cn_rows_text(ret_rows, tables[i].name);
            cn_rows_bool(ret_rows, false);
        }
    }
    return add_temp_tables(call, ret_rows, s->text);
}

static bool show_databases(const SqlCall *call, CnRows *ret_rows, Err *err) {
    static const CnColumn COLUMNS[] = {{"namespace", &PL_STRING, false}};
    const CnCatalog *catalog = call->request->server->config.catalog;
    const CnDatabase *databases = NULL;
    size_t count = 0;
    bool has_default = false;
    *ret_rows = cn_rows_new(call->arena, COLUMNS, 1);
    if (catalog != NULL && !catalog->databases(catalog->self, call->arena, &databases, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        has_default = has_default || str_eq_c(databases[i].name, "default");
    }
    if (!has_default && cn_like(STR("default"), call->statement->text)) {
        cn_rows_text(ret_rows, STR("default"));
    }
    for (size_t i = 0; i < count; i++) {
        if (cn_like(databases[i].name, call->statement->text)) {
            cn_rows_text(ret_rows, databases[i].name);
        }
    }
    return true;
}

static bool show_functions(const SqlCall *call, CnRows *ret_rows) {
    static const CnColumn COLUMNS[] = {{"function", &PL_STRING, false}};
    size_t count = 0;
    const PlFunction *all = pl_functions(&count);
    *ret_rows = cn_rows_new(call->arena, COLUMNS, 1);
    for (size_t i = 0; i < count; i++) {
        Str name = str_from_c(all[i].name);
        if (!str_starts_with(name, STR("solder_")) && cn_like(name, call->statement->text)) {
            cn_rows_text(ret_rows, name);
        }
    }
    return true;
}

/* The table, view or query of the statement, analysed. */
static const TrRel *analyze_named(const SqlCall *call, Err *err) {
    if (call->statement->plan != NULL) {
        return cn_request_analyze_plan(call->request, call->statement->plan, err);
    }
    PrRel *read = ARENA_NEW(call->arena, PrRel);
    read->tag = PR_READ_TABLE;
    read->plan_id = -1;
    read->table.parts = call->statement->name;
    read->table.nparts = call->statement->nname;
    return cn_request_analyze_plan(call->request, read, err);
}

static bool show_columns(const SqlCall *call, CnRows *ret_rows, Err *err) {
    static const CnColumn COLUMNS[] = {{"col_name", &PL_STRING, false}};
    const TrRel *rel = analyze_named(call, err);
    *ret_rows = cn_rows_new(call->arena, COLUMNS, 1);
    for (size_t i = 0; rel != NULL && i < rel->noutput; i++) {
        cn_rows_text(ret_rows, rel->output[i].name);
    }
    return rel != NULL;
}

static bool describe(const SqlCall *call, CnRows *ret_rows, Err *err) {
    static const CnColumn COLUMNS[] = {{"col_name", &PL_STRING, false}, {"data_type", &PL_STRING, false}, {"comment", &PL_STRING, true}};
    const TrRel *rel = analyze_named(call, err);
    *ret_rows = cn_rows_new(call->arena, COLUMNS, 3);
    if (rel == NULL) {
        return false;
    }
    size_t npartition = rel->tag == TR_SCAN && call->statement->plan == NULL ? rel->scan.scan->npartition_fields : 0;
    for (size_t i = 0; i < rel->noutput; i++) {
        cn_rows_text(ret_rows, rel->output[i].name);
        cn_rows_text(ret_rows, pl_type_simple(call->arena, rel->output[i].type));
        cn_rows_text_or_null(ret_rows, STR(""));
    }
    for (size_t i = 0; i < npartition; i++) {
        const TyAttr *attr = &rel->output[rel->noutput - npartition + i];
        if (i == 0) {
            cn_rows_text(ret_rows, STR("# Partition Information"));
            cn_rows_text(ret_rows, STR(""));
            cn_rows_text(ret_rows, STR(""));
            cn_rows_text(ret_rows, STR("# col_name"));
            cn_rows_text(ret_rows, STR("data_type"));
            cn_rows_text(ret_rows, STR("comment"));
        }
        cn_rows_text(ret_rows, attr->name);
        cn_rows_text(ret_rows, pl_type_simple(call->arena, attr->type));
        cn_rows_text_or_null(ret_rows, STR(""));
    }
    return true;
}

static bool describe_function(const SqlCall *call, CnRows *ret_rows) {
    static const CnColumn COLUMNS[] = {{"function_desc", &PL_STRING, false}};
    const SqStatement *s = call->statement;
    Str name = s->nname > 0 ? s->name[s->nname - 1] : STR("");
    const PlFunction *fn = pl_function_find(name);
    *ret_rows = cn_rows_new(call->arena, COLUMNS, 1);
    if (fn == NULL) {
        cn_rows_text(ret_rows, str_fmt(call->arena, "Function: %.*s not found.", STR_ARG(name)));
        return true;
    }
    cn_rows_text(ret_rows, str_fmt(call->arena, "Function: %s", fn->name));
    cn_rows_text(ret_rows, str_fmt(call->arena, "Class: org.apache.spark.sql.catalyst.expressions.%s", fn->spark_class));
    cn_rows_text(ret_rows, str_fmt(call->arena, "Usage: %s", fn->note));
    return true;
}

static bool explain(const SqlCall *call, CnRows *ret_rows, Err *err) {
    static const CnColumn COLUMNS[] = {{"plan", &PL_STRING, true}};
    const TrRel *rel = cn_request_analyze_plan(call->request, call->statement->plan, err);
    *ret_rows = cn_rows_new(call->arena, COLUMNS, 1);
    if (rel == NULL) {
        return false;
    }
    cn_rows_text(ret_rows, cn_explain(call->request, call->statement->plan, rel, str_lower(call->arena, call->statement->text), err));
    return !err->is_set;
}

static const CnStorageLevel *level_named(Str name) {
    static const struct {
        const char *name;
        CnStorageLevel level;
    } LEVELS[] = {{"NONE", {.replication = 1}},
                  {"DISK_ONLY", {.use_disk = true, .replication = 1}},
                  {"DISK_ONLY_2", {.use_disk = true, .replication = 2}},
                  {"DISK_ONLY_3", {.use_disk = true, .replication = 3}},
                  {"MEMORY_ONLY", {.use_memory = true, .deserialized = true, .replication = 1}},
                  {"MEMORY_ONLY_2", {.use_memory = true, .deserialized = true, .replication = 2}},
                  {"MEMORY_ONLY_SER", {.use_memory = true, .replication = 1}},
                  {"MEMORY_ONLY_SER_2", {.use_memory = true, .replication = 2}},
                  {"MEMORY_AND_DISK", {.use_disk = true, .use_memory = true, .deserialized = true, .replication = 1}},
                  {"MEMORY_AND_DISK_2", {.use_disk = true, .use_memory = true, .deserialized = true, .replication = 2}},
                  {"MEMORY_AND_DISK_SER", {.use_disk = true, .use_memory = true, .replication = 1}},
                  {"MEMORY_AND_DISK_SER_2", {.use_disk = true, .use_memory = true, .replication = 2}},
                  {"OFF_HEAP", {.use_disk = true, .use_memory = true, .use_off_heap = true, .replication = 1}}};
    for (size_t i = 0; i < sizeof LEVELS / sizeof LEVELS[0]; i++) {
        if (str_eq_nocase(name, str_from_c(LEVELS[i].name))) {
            return &LEVELS[i].level;
        }
    }
    return NULL;
}

/* CACHE TABLE reads the table at once, CACHE LAZY TABLE when its rows are first asked for. */
static bool cache(const SqlCall *call, CnRows *ret_rows, Err *err) {
    const SqStatement *s = call->statement;
    CnStorageLevel level = CN_CACHE_LEVEL;
    const CnStorageLevel *named = s->has_value ? level_named(s->value) : &level;
    *ret_rows = no_rows(call->arena);
    if (named == NULL) {
        return err_set(err, "SOLDER.BAD_REQUEST", "Invalid StorageLevel: %.*s", STR_ARG(s->value));
    }
    if (s->plan != NULL && !create_view(call, ret_rows, err)) {
        return false;
    }
    SqStatement table = *s;
    table.plan = NULL;
    SqlCall by_name = *call;
    by_name.statement = &table;
    const TrRel *rel = NULL;
    return cn_cache_add(call->request, cn_cache_table(call->arena, cn_quoted_name(call->arena, s->name, s->nname)), named, err) &&
           (s->is_lazy || ((rel = analyze_named(&by_name, err)) != NULL && cn_cache_fill(call->run, &rel, err)));
}

static bool uncache(const SqlCall *call, CnRows *ret_rows, Err *err) {
    const SqStatement *s = call->statement;
    *ret_rows = no_rows(call->arena);
    if (s->nname == 0) {
        return catalog_rows(call, "clear_cache", NULL, 0, err) != NULL;
    }
    PlOption argument = {STR("table_name"), cn_quoted_name(call->arena, s->name, s->nname)};
    Err missing = {0};
    bool ok = catalog_rows(call, "uncache_table", &argument, 1, &missing) != NULL;
    if (!ok && !(s->if_exists && err_is(&missing, "TABLE_OR_VIEW_NOT_FOUND"))) {
        *err = missing;
        return false;
    }
    return true;
}

static bool run_statement(const SqlCall *call, CnRows *ret_rows, Err *err) {
    const SqStatement *s = call->statement;
    switch (s->kind) {
    case SQ_QUERY: return false;
    case SQ_CREATE_TEMP_VIEW: return create_view(call, ret_rows, err);
    case SQ_DROP_VIEW: return drop_view(call, ret_rows, err);
    case SQ_SET: return set(call, ret_rows, err);
    case SQ_RESET: return reset(call, ret_rows);
    case SQ_USE: return use(call, ret_rows, err);
    case SQ_SHOW_TABLES: return show_tables(call, ret_rows, err);
    case SQ_SHOW_DATABASES: return show_databases(call, ret_rows, err);
    case SQ_SHOW_FUNCTIONS: return show_functions(call, ret_rows);
    case SQ_SHOW_COLUMNS: return show_columns(call, ret_rows, err);
    case SQ_DESCRIBE_TABLE:
    case SQ_DESCRIBE_QUERY: return describe(call, ret_rows, err);
    case SQ_DESCRIBE_FUNCTION: return describe_function(call, ret_rows);
    case SQ_EXPLAIN: return explain(call, ret_rows, err);
    case SQ_CACHE_TABLE: return cache(call, ret_rows, err);
    case SQ_UNCACHE_TABLE: return uncache(call, ret_rows, err);
    case SQ_INSERT: return err_set(err, ERR_NOT_SUPPORTED, "INSERT is not supported on the embedded engine yet; write to the table's path");
    case SQ_OTHER: return err_set(err, ERR_NOT_SUPPORTED, "%.*s is not supported on the embedded engine yet", STR_ARG(s->text));
    }
    return err_set(err, ERR_INTERNAL, "unknown statement");
}

bool cn_run_sql(CnRun *run, const Spark__Connect__SqlCommand *command, Err *err) {
    CnRequest *request = run->request;
    Arena *arena = request->arena;
    Str *names = ARENA_ARRAY(arena, Str, command->n_args);
    const Spark__Connect__Expression__Literal **values = ARENA_ARRAY(arena, const Spark__Connect__Expression__Literal *, command->n_args);
    for (size_t i = 0; i < command->n_args; i++) {
        names[i] = CN_STR(command->args[i]->key);
        values[i] = command->args[i]->value;
    }
    SqStatement statement = {0};
    if (!cn_decode_sql(arena, CN_STR(command->sql), command->n_args, names, values, command->n_pos_args, command->pos_args, &statement, err)) {
        return false;
    }
    SqlCall call = {.run = run, .request = request, .arena = arena, .statement = &statement, .message = command};
    if (statement.kind == SQ_QUERY) {
        /* Spark analyses at once, so that spark.sql() itself raises. */
        return cn_request_analyze_plan(request, statement.plan, err) != NULL && respond_query(&call, err);
    }
    CnRows rows = no_rows(arena);
    return run_statement(&call, &rows, err) && respond_rows(&call, &rows, err);
}
