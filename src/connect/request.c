/* request.c - see request.h: the world of analysis and of decoding, over the session, the catalog and exec/. */
#include "connect/request.h"

#include "connect/cache.h"
#include "connect/arrow_out.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yyjson.h>

static const char *const GLOBAL_DATABASE = "global_temp";

/* Keeps the view until the request is done and gives its id. */
static void hold(CnRequest *request, CnView *owned_view) {
    VEC_PUSH(&request->views, owned_view);
}

static CnView *global_view(CnServer *server, Str name) {
    Arena *scratch = arena_new();
    (void)pthread_mutex_lock(&server->lock);
    CnView *view = map_get(&server->global_views, str_lower(scratch, name));
    if (view != NULL) {
        (void)cn_view_hold(view);
    }
    (void)pthread_mutex_unlock(&server->lock);
    arena_free(scratch);
    return view;
}

static const PrRel *world_view(void *self, const Str *parts, size_t nparts) {
    CnRequest *request = self;
    CnView *view = NULL;
    if (nparts == 1) {
        view = cn_session_view(request->session, parts[0]);
    } else if (nparts == 2 && str_eq_nocase(parts[0], str_from_c(GLOBAL_DATABASE))) {
        view = global_view(request->server, parts[1]);
    }
    if (view == NULL) {
        return NULL;
    }
    hold(request, view);
    PrRel *kept = ARENA_NEW(request->arena, PrRel), *alias = ARENA_NEW(request->arena, PrRel);
    kept->tag = PR_CACHED;
    kept->plan_id = -1;
    kept->cached.id = view->id;
    alias->tag = PR_SUBQUERY_ALIAS;
    alias->plan_id = -1;
    alias->input = kept;
    alias->alias.name = view->name;
    return alias;
}

static const TrRel *world_cached(void *self, Str id) {
    CnRequest *request = self;
    for (size_t i = 0; i < request->views.count; i++) {
        if (str_eq(request->views.items[i]->id, id)) {
            return request->views.items[i]->rel;
        }
    }
    return NULL;
}

static const PlPython *world_function(void *self, Str name) {
    CnRequest *request = self;
    (void)pthread_mutex_lock(&request->session->lock);
    const PlPython *function = map_get(&request->session->functions, str_lower(request->arena, name));
    (void)pthread_mutex_unlock(&request->session->lock);
    return function;
}

Str cn_quoted_name(Arena *arena, const Str *parts, size_t nparts) {
    StrBuf buf = {.arena = arena};
    for (size_t i = 0; i < nparts; i++) {
        strbuf_add_c(&buf, i == 0 ? "`" : ".`");
        for (size_t k = 0; k < parts[i].len; k++) {
            strbuf_add_c(&buf, parts[i].data[k] == '`' ? "`" : "");
            strbuf_add_char(&buf, parts[i].data[k]);
        }
        strbuf_add_char(&buf, '`');
    }
    return strbuf_str(&buf);
}

static bool table_missing(Arena *arena, const Str *parts, size_t nparts, Err *err) {
    return err_set(err, "TABLE_OR_VIEW_NOT_FOUND",
                   "The table or view %.*s cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not "
                   "qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and "
                   "catalog.\nTo tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS.",
                   STR_ARG(cn_quoted_name(arena, parts, nparts)));
}

bool cn_catalog_split(CnRequest *request, const Str *parts, size_t nparts, Str *ret_database, Str *ret_table, Err *err) {
    if (nparts == 3 && str_eq_nocase(parts[0], STR("spark_catalog"))) {
        parts++;
        nparts--;
    }
    if (nparts == 0 || nparts > 2) {
        return table_missing(request->arena, parts, nparts, err);
    }
    *ret_database = nparts == 2 ? str_lower(request->arena, parts[0]) : request->world.current_database;
    *ret_table = str_lower(request->arena, parts[nparts - 1]);
    return true;
}

static bool world_table(void *self, Arena *arena, const Str *parts, size_t nparts, TyScan *ret_scan, Err *err) {
    CnRequest *request = self;
    const CnCatalog *catalog = request->server->config.catalog;
    Str database = {0}, table = {0};
    if (!cn_catalog_split(request, parts, nparts, &database, &table, err)) {
        return false;
    }
    Err own = {0};
    if (catalog != NULL && catalog->table(catalog->self, arena, database, table, ret_scan, &own)) {
        return true;
    }
    if (own.is_set && !err_is(&own, "TABLE_OR_VIEW_NOT_FOUND") && !err_is(&own, "SCHEMA_NOT_FOUND")) {
        *err = own;
        return false;
    }
    return table_missing(arena, parts, nparts, err);
}

static bool world_source(void *self, Arena *arena, const PrRel *read_source, TyScan *ret_scan, Err *err) {
    CnRequest *request = self;
    return ex_describe_source(request->server->config.engine, arena, &request->settings, read_source, ret_scan, err);
}

static const PlType *world_local_schema(void *self, Arena *arena, Str arrow_ipc, Err *err) {
    (void)self;
    return cn_arrow_type(arena, arrow_ipc, err);
}

static const PlType *world_ddl(void *self, Arena *arena, Str text, Err *err) {
    (void)self;
    return sq_parse_schema(arena, text, err);
}

static const PlType *world_json_schema(void *self, Arena *arena, Str json, const PlOption *options, size_t noptions, Err *err) {
    return ex_json_schema_of(arena, json, options, noptions, cn_request_time_zone(self), err);
}

static const TrRel *world_catalog(void *self, Arena *arena, const PrRel *operation, Err *err) {
    return cn_catalog_rows(self, arena, operation, err);
}

static bool read_file(Arena *arena, Str path, Str *ret_bytes, Err *err) {
    int file = open(path.data, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) {
        if (file >= 0) {
            (void)close(file);
        }
        return err_set(err, ERR_IO, "cannot read a file that the client added (%.*s)", STR_ARG(path));
    }
    char *bytes = arena_alloc(arena, (size_t)status.st_size + 1);
    size_t at = 0;
    while (at < (size_t)status.st_size) {
        ssize_t n = read(file, bytes + at, (size_t)status.st_size - at);
        if (n <= 0) {
            break;
        }
        at += (size_t)n;
    }
    (void)close(file);
    *ret_bytes = (Str){bytes, at};
    return at == (size_t)status.st_size || err_set(err, ERR_IO, "cannot read a file that the client added (%.*s)", STR_ARG(path));
}

static bool decode_cached_local(void *self, Arena *arena, Str hash, Str *ret_bytes, Err *err) {
    CnRequest *request = self;
    Str name = str_fmt(arena, "cache/%.*s", STR_ARG(hash));
    (void)pthread_mutex_lock(&request->session->lock);
    const CnArtifact *artifact = map_get(&request->session->artifacts, name);
    Str path = artifact != NULL ? artifact->path : STR("");
    (void)pthread_mutex_unlock(&request->session->lock);
    if (artifact == NULL) {
        return err_set(err, "SOLDER.BAD_REQUEST", "Not found any cached local relation with the hash: %.*s in the session with sessionUUID %.*s",
                       STR_ARG(hash), STR_ARG(request->session->id));
    }
    return read_file(arena, path, ret_bytes, err);
}

static Str option(const PlOption *options, size_t noptions, const char *key) {
    for (size_t i = 0; i < noptions; i++) {
        if (str_eq_nocase(options[i].key, str_from_c(key))) {
            return options[i].value;
        }
    }
    return STR("");
}

static bool decode_catalog_rows(void *self, Arena *arena, const PlOption *options, size_t noptions, Str *ret_arrow_ipc, Err *err) {
    CnRequest *request = self;
    const CnCatalog *catalog = request->server->config.catalog;
    const Str *rows = NULL;
    size_t count = 0;
    Str kind = option(options, noptions, "kind"), database = option(options, noptions, "database");
    if (catalog == NULL || catalog->entities == NULL) {
        return err_set(err, "EntityNotFoundException", "Database %.*s not found.", STR_ARG(database));
    }
    if (!catalog->entities(catalog->self, arena, kind, database, option(options, noptions, "table"), &rows, &count, err)) {
        return false;
    }
    PlValue *cells = ARENA_ARRAY(arena, PlValue, count);
    for (size_t i = 0; i < count; i++) {
        cells[i] = (PlValue){.type = &PL_STRING, .s = rows[i]};
    }
    PlField field = {.name = STR("json"), .type = &PL_STRING, .nullable = true};
    return cn_arrow_rows(arena, pl_struct(arena, &field, 1), cells, count, ret_arrow_ipc, err);
}

static Str decode_cached_plan(void *self, const Spark__Connect__Relation *relation) {
    CnRequest *request = self;
    CnView *plan = cn_cache_plan(request, relation);
    if (plan == NULL) {
        return STR("");
    }
    hold(request, plan);
    return plan->id;
}

static const PlType *decode_schema(void *self, const PrRel *plan, Err *err) {
    CnRequest *request = self;
    const TrRel *rel = cn_request_analyze_plan(request, plan, err);
    return rel == NULL ? NULL : pl_output_schema(request->arena, rel);
}

/* The session's Python files as EX_SETTING_PYFILES wants them. Under the session's lock. */
static void put_pyfiles(CnRequest *request) {
    const CnSession *session = request->session;
    pl_settings_unset(&request->settings, STR(EX_SETTING_PYFILES)); /* a client has no say in it */
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *files = yyjson_mut_arr(doc);
    for (size_t i = 0; i < session->artifacts.count; i++) {
        const CnArtifact *artifact = session->artifacts.entries[i].value;
        if (artifact != NULL && str_starts_with(artifact->name, STR("pyfiles/"))) {
            yyjson_mut_val *file = yyjson_mut_arr_add_arr(doc, files);
            (void)yyjson_mut_arr_add_strn(doc, file, artifact->name.data, artifact->name.len);
            (void)yyjson_mut_arr_add_strn(doc, file, artifact->path.data, artifact->path.len);
        }
    }
    size_t len = 0;
    char *text = yyjson_mut_arr_size(files) == 0 ? NULL : yyjson_mut_val_write(files, 0, &len);
    if (text != NULL) {
        Err ignored = {0}; /* a key that no table knows takes any value */
        (void)pl_settings_set(&request->settings, STR(EX_SETTING_PYFILES), str_copy(request->arena, (Str){text, len}), &ignored);
    }
    free(text);
    yyjson_mut_doc_free(doc);
}

void cn_request_init(CnRequest *ret_request, CnSession *session, Arena *arena, bool may_change) {
    CnRequest *request = ret_request;
    *request = (CnRequest){.server = session->server, .session = session, .arena = arena, .may_change = may_change};
    request->views.arena = request->caches.arena = arena;
    (void)pthread_mutex_lock(&session->lock);
    pl_settings_copy(&request->settings, arena, &session->settings);
    put_pyfiles(request);
    Str database = str_copy(arena, session->current_database);
    (void)pthread_mutex_unlock(&session->lock);
    request->world = (AzWorld){.self = request,
                               .settings = &request->settings,
                               .current_database = database,
                               .view = world_view,
                               .cached = world_cached,
                               .function = world_function,
                               .table = world_table,
                               .source = world_source,
                               .ddl = world_ddl,
                               .json_schema = world_json_schema,
                               .local_schema = world_local_schema,
                               .catalog = world_catalog};
    request->decode_world = (CnDecodeWorld){.self = request, .cached_local = decode_cached_local, .catalog_rows = decode_catalog_rows, .cached_plan = decode_cached_plan, .schema = decode_schema};
    request->decode = (CnDecode){.arena = arena, .world = &request->decode_world};
}

void cn_request_done(CnRequest *request) {
    for (size_t i = 0; i < request->views.count; i++) {
        cn_view_drop(request->views.items[i]);
    }
    for (size_t i = 0; i < request->caches.count; i++) {
        cn_cache_drop(request->caches.items[i]);
    }
    request->views.count = request->caches.count = 0;
}

const TrRel *cn_request_analyze_plan(CnRequest *request, const PrRel *plan, Err *err) {
    return az_analyze(request->arena, &request->world, plan, err);
}

const TrRel *cn_request_analyze(CnRequest *request, const Spark__Connect__Relation *relation, Err *err) {
    const PrRel *plan = cn_decode_relation(&request->decode, relation, err);
    return plan == NULL ? NULL : cn_request_analyze_plan(request, plan, err);
}

Str cn_request_time_zone(const CnRequest *request) {
    Str zone = STR("UTC");
    (void)pl_settings_get(&request->settings, STR("spark.sql.session.timeZone"), &zone);
    return zone.len > 0 ? zone : STR("UTC");
}

CnView *cn_view_new(CnRequest *request, Str name, const PrRel *(*make)(void *self, const CnDecode *decode, Err *err), void *self, Err *err) {
    Arena *arena = arena_new();
    CnRequest inner;
    cn_request_init(&inner, request->session, arena, false);
    const PrRel *plan = make(self, &inner.decode, err);
    const TrRel *rel = plan == NULL ? NULL : cn_request_analyze_plan(&inner, plan, err);
    if (rel == NULL) {
        cn_request_done(&inner);
        arena_free(arena);
        return NULL;
    }
    CnView *view = ARENA_NEW(arena, CnView);
    atomic_init(&view->refs, 1);
    view->arena = arena;
    view->name = str_copy(arena, name);
    view->id = str_fmt(arena, "view#%llu", (unsigned long long)atomic_fetch_add(&request->server->numbers, 1));
    view->rel = rel;
    view->uses = inner.views.items; /* taken over: inner is not done with */
    view->nuses = inner.views.count;
    return view;
}
