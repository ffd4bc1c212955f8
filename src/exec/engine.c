/* exec/engine.c - starts DuckDB, and keeps the scopes that its callbacks look up.
 *
 * Called by daemon/ (start, stop) and by the files of exec/ (a connection for each running query). Invariant: the engine opens nothing by itself:
 * no extension is downloaded, no file is written but in temp_directory, which it makes and removes.
 */
#include "exec/ex_internal.h"
#include "exec/parts.h"
#include "exec/write.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool ex_run_sql(duckdb_connection connection, const char *sql, Err *err) {
    duckdb_result result;
    bool is_ok = duckdb_query(connection, sql, &result) == DuckDBSuccess;
    if (!is_ok) {
        ex_error_from_duckdb(NULL, duckdb_result_error(&result), err);
    }
    duckdb_destroy_result(&result);
    return is_ok;
}

void ex_remove_tree(const char *path) {
    DIR *dir = opendir(path);
    if (dir != NULL) {
        Arena *arena = arena_new();
        struct dirent *entry;
        while ((entry = readdir(dir)) != NULL) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
                continue;
            }
            Str child = str_fmt(arena, "%s/%s", path, entry->d_name);
            struct stat st;
            if (lstat(child.data, &st) == 0 && S_ISDIR(st.st_mode)) {
                ex_remove_tree(child.data);
            } else {
                (void)unlink(child.data);
            }
        }
        closedir(dir);
        arena_free(arena);
    }
    (void)rmdir(path);
}

const ExNamedSource *ex_named_source_find(const ExEngine *engine, Str format) {
    for (size_t i = 0; i < engine->config.nsources; i++) {
        if (str_eq_nocase(engine->config.sources[i].format, format)) {
            return &engine->config.sources[i];
        }
    }
    return NULL;
}

static bool set_option(duckdb_config config, const char *name, const char *value, Err *err) {
    if (duckdb_set_config(config, name, value) != DuckDBSuccess) {
        return err_set(err, "SOLDER.CONFIG", "the engine refuses %s = '%s'", name, value);
    }
    return true;
}

static bool open_database(ExEngine *engine, Err *err) {
    duckdb_config config;
    if (duckdb_create_config(&config) != DuckDBSuccess) {
        return err_set(err, ERR_INTERNAL, "DuckDB gives no configuration");
    }
    char threads[16];
    bool is_ok = true;
    int n = engine->config.threads;
    if (n > 0) {
        Str text = str_fmt(engine->arena, "%d", n);
        memcpy(threads, text.data, text.len + 1);
        is_ok = set_option(config, "threads", threads, err);
    }
    if (is_ok && engine->config.memory_limit.len > 0) {
        is_ok = set_option(config, "memory_limit", engine->config.memory_limit.data, err);
    }
    if (is_ok && engine->config.temp_directory.len > 0) {
        is_ok = set_option(config, "temp_directory", engine->config.temp_directory.data, err);
    }
    is_ok = is_ok && set_option(config, "autoinstall_known_extensions", "false", err) &&
            set_option(config, "autoload_known_extensions", "false", err);
    char *message = NULL;
    if (is_ok && duckdb_open_ext(NULL, &engine->database, config, &message) != DuckDBSuccess) {
        is_ok = err_set(err, ERR_INTERNAL, "DuckDB does not start: %s", message != NULL ? message : "no reason given");
    }
    duckdb_free(message);
    duckdb_destroy_config(&config);
    return is_ok;
}

/* On a connection of its own, since the engine's is another thread's. */
static bool load_httpfs(ExEngine *engine, Err *err) {
    Arena *scratch = arena_new();
    duckdb_connection connection = NULL;
    StrBuf sql = {.arena = scratch};
    strbuf_add_c(&sql, "LOAD '");
    for (size_t i = 0; i < engine->config.httpfs_path.len; i++) {
        char c = engine->config.httpfs_path.data[i];
        strbuf_add_char(&sql, c);
        if (c == '\'') {
            strbuf_add_char(&sql, c);
        }
    }
    strbuf_add_char(&sql, '\'');
    if (duckdb_connect(engine->database, &connection) != DuckDBSuccess) {
        (void)err_set(err, ERR_INTERNAL, "DuckDB gives no connection");
    } else if (!ex_run_sql(connection, strbuf_str(&sql).data, err)) {
        (void)err_prefix(err, "loading %.*s: ", STR_ARG(engine->config.httpfs_path));
    }
    duckdb_disconnect(&connection);
    arena_free(scratch);
    return !err->is_set;
}

bool ex_load_for(ExEngine *engine, const TyScan *scan, Err *err) {
    bool is_elsewhere = false;
    for (size_t i = 0; !is_elsewhere && i < scan->nfiles; i++) {
        is_elsewhere = str_contains(scan->files[i].path, STR("://"));
    }
    if (!is_elsewhere || engine->config.httpfs_path.len == 0) {
        return true;
    }
    pthread_mutex_lock(&engine->loader_lock);
    engine->is_httpfs_loaded = engine->is_httpfs_loaded || load_httpfs(engine, err);
    pthread_mutex_unlock(&engine->loader_lock);
    return !err->is_set;
}

/* "488.2 MiB", as DuckDB shows a number of bytes. */
static int64_t parse_bytes(const char *text) {
    static const char *const UNITS[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    char *unit = NULL;
    double number = strtod(text, &unit);
    while (*unit == ' ') {
        unit++;
    }
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (strncmp(unit, UNITS[i], strlen(UNITS[i])) == 0) {
            return (int64_t)number;
        }
        number *= 1024;
    }
    return INT64_MAX;
}

static bool read_memory(ExEngine *engine, Err *err) {
    duckdb_result result;
    if (duckdb_query(engine->connection, "SELECT current_setting('memory_limit')", &result) != DuckDBSuccess) {
        ex_error_from_duckdb(engine, duckdb_result_error(&result), err);
        duckdb_destroy_result(&result);
        return false;
    }
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    duckdb_string_t *text = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    engine->memory_bytes = parse_bytes(str_to_c(engine->arena, (Str){duckdb_string_t_data(text), duckdb_string_t_length(*text)}));
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    return true;
}

bool ex_exceeds_memory(const ExEngine *engine, const LoQuery *query) {
    return ex_source_bytes(query) > engine->memory_bytes;
}

static bool read_threads(ExEngine *engine, Err *err) {
    duckdb_result result;
    if (duckdb_query(engine->connection, "SELECT current_setting('threads')::BIGINT", &result) != DuckDBSuccess) {
        ex_error_from_duckdb(engine, duckdb_result_error(&result), err);
        duckdb_destroy_result(&result);
        return false;
    }
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    int64_t *data = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    engine->threads = (int)data[0];
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    return true;
}

ExEngine *ex_engine_new(const ExConfig *config, Err *err) {
    Arena *arena = arena_new();
    ExEngine *engine = ARENA_NEW(arena, ExEngine);
    engine->arena = arena;
    engine->config = *config;
    engine->config.memory_limit = str_copy(arena, config->memory_limit);
    engine->config.temp_directory = str_copy(arena, config->temp_directory);
    engine->config.httpfs_path = str_copy(arena, config->httpfs_path);
    ExNamedSource *sources = ARENA_ARRAY(arena, ExNamedSource, config->nsources);
    for (size_t i = 0; i < config->nsources; i++) {
        sources[i] = config->sources[i];
        const PlField column = {.name = sources[i].column, .type = &PL_STRING, .nullable = true};
        sources[i].schema = pl_struct(arena, &column, 1);
    }
    engine->config.sources = sources;
    pthread_mutex_init(&engine->lock, NULL);
    pthread_mutex_init(&engine->loader_lock, NULL);
    if (engine->config.temp_directory.len > 0) {
        if (mkdir(engine->config.temp_directory.data, 0700) == 0) {
            engine->made_temp = true;
        } else if (errno != EEXIST) {
            err_set(err, ERR_IO, "making the spill directory %s: %s", engine->config.temp_directory.data, strerror(errno));
            ex_engine_free(engine);
            return NULL;
        }
    }
    if (!open_database(engine, err)) {
        ex_engine_free(engine);
        return NULL;
    }
    if (duckdb_connect(engine->database, &engine->connection) != DuckDBSuccess) {
        err_set(err, ERR_INTERNAL, "DuckDB gives no connection");
        ex_engine_free(engine);
        return NULL;
    }
    bool is_ok = read_threads(engine, err) && read_memory(engine, err);
    if (is_ok) {
        engine->kernels = kn_set_new(engine->connection, err);
        if (engine->kernels != NULL) {
            ex_json_functions_add(engine->kernels);
        }
        is_ok = engine->kernels != NULL && ex_arrow_register(engine, err) && ex_scan_register(engine, err) &&
                ex_python_register(engine, err) && ex_metrics_register(engine, err) && ex_write_register(engine, err);
    }
    if (!is_ok) {
        ex_engine_free(engine);
        return NULL;
    }
    return engine;
}

void ex_engine_free(ExEngine *owned_engine) {
    if (owned_engine == NULL) {
        return;
    }
    ex_workers_end(owned_engine);
    duckdb_disconnect(&owned_engine->connection);
    duckdb_close(&owned_engine->database);
    if (owned_engine->kernels != NULL) {
        kn_set_free(owned_engine->kernels);
    }
    if (owned_engine->made_temp) {
        ex_remove_tree(owned_engine->config.temp_directory.data);
    }
    pthread_mutex_destroy(&owned_engine->loader_lock);
    pthread_mutex_destroy(&owned_engine->lock);
    arena_free(owned_engine->arena);
}

/* DuckDB's ICU knows regions and Etc/GMT±h; Spark also takes offsets ("+01:00", "GMT+1", "UTC+01:00"). */
static Str icu_zone(Arena *arena, Str zone) {
    Str rest = zone;
    if (str_starts_with(rest, STR("GMT")) || str_starts_with(rest, STR("UTC"))) {
        rest = str_slice(rest, 3, rest.len);
    }
    if (rest.len < 2 || (rest.data[0] != '+' && rest.data[0] != '-')) {
        return str_eq(zone, STR("Z")) ? STR("UTC") : zone;
    }
    int digits[4] = {0}, n = 0;
    for (size_t i = 1; i < rest.len && n < 4; i++) {
        if (rest.data[i] >= '0' && rest.data[i] <= '9') {
            digits[n++] = rest.data[i] - '0';
        }
    }
    int hours = n == 1 || n == 3 ? digits[0] : digits[0] * 10 + digits[1];
    int minutes = n == 4 ? digits[2] * 10 + digits[3] : n == 3 ? digits[1] * 10 + digits[2] : 0;
    if (minutes == 0) {
        return hours == 0 ? STR("UTC") : str_fmt(arena, "Etc/GMT%c%d", rest.data[0] == '+' ? '-' : '+', hours);
    }
    return str_fmt(arena, "GMT%c%02d:%02d", rest.data[0], hours, minutes);
}

ExScope *ex_scope_open(ExOperation *op, const LoQuery *query, Err *err) {
    ExEngine *engine = op->engine;
    for (size_t i = 0; i < query->ninputs; i++) {
        if (query->inputs[i].kind == LO_INPUT_SCAN && !ex_load_for(engine, query->inputs[i].rel->scan.scan, err)) {
            return NULL;
        }
    }
    pthread_mutex_lock(&op->lock);
    ExScope *scope = ARENA_NEW(op->threads_arena, ExScope);
    scope->inputs = ARENA_ARRAY(op->threads_arena, ExInput, query->ninputs);
    Str zone = icu_zone(op->threads_arena, op->time_zone);
    Str set_zone = str_fmt(op->threads_arena, "SET TimeZone = '%.*s'", STR_ARG(zone));
    pthread_mutex_unlock(&op->lock);
    scope->engine = engine;
    scope->op = op;
    scope->query = query;
    for (size_t i = 0; i < query->ninputs; i++) {
        ExTally *tally = op->tallies;
        while (tally->lo != &query->inputs[i]) {
            tally++;
        }
        scope->inputs[i] = (ExInput){.scope = scope, .lo = &query->inputs[i], .number = i, .tally = tally};
    }
    if (duckdb_connect(engine->database, &scope->connection) != DuckDBSuccess) {
        err_set(err, ERR_INTERNAL, "DuckDB gives no connection");
        return NULL;
    }
    duckdb_client_context context;
    duckdb_connection_get_client_context(scope->connection, &context);
    scope->id = duckdb_client_context_get_connection_id(context);
    duckdb_destroy_client_context(&context);
    pthread_mutex_lock(&engine->lock);
    scope->next = engine->scopes;
    engine->scopes = scope;
    pthread_mutex_unlock(&engine->lock);
    if (memchr(zone.data, '\'', zone.len) != NULL || !ex_run_sql(scope->connection, set_zone.data, err)) {
        if (!err->is_set) {
            err_set(err, "INVALID_CONF_VALUE.TIME_ZONE", "'%.*s' is no time zone", STR_ARG(op->time_zone));
        }
        ex_scope_close(scope);
        return NULL;
    }
    for (size_t i = 0; i < query->nkernels; i++) {
        const LoKernel *k = &query->kernels[i];
        if (!kn_set_require(engine->kernels, engine->connection, k->family, k->type, k->name, err)) {
            ex_scope_close(scope);
            return NULL;
        }
    }
    return scope;
}

void ex_scope_close(ExScope *owned_scope) {
    if (owned_scope == NULL) {
        return;
    }
    ExEngine *engine = owned_scope->engine;
    duckdb_disconnect(&owned_scope->connection);
    pthread_mutex_lock(&engine->lock);
    for (ExScope **at = &engine->scopes; *at != NULL; at = &(*at)->next) {
        if (*at == owned_scope) {
            *at = owned_scope->next;
            break;
        }
    }
    pthread_mutex_unlock(&engine->lock);
    for (size_t i = 0; i < owned_scope->query->ninputs; i++) {
        ex_input_done(&owned_scope->inputs[i]);
    }
}

ExScope *ex_scope_of(ExEngine *engine, duckdb_client_context context) {
    idx_t id = duckdb_client_context_get_connection_id(context);
    pthread_mutex_lock(&engine->lock);
    ExScope *scope = engine->scopes;
    while (scope != NULL && scope->id != id) {
        scope = scope->next;
    }
    pthread_mutex_unlock(&engine->lock);
    return scope;
}

ExInput *ex_bind_input(duckdb_bind_info info, LoInputKind kind) {
    ExEngine *engine = duckdb_bind_get_extra_info(info);
    duckdb_client_context context = NULL;
    duckdb_table_function_get_client_context(info, &context);
    ExScope *scope = ex_scope_of(engine, context);
    duckdb_destroy_client_context(&context);
    duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
    int64_t number = duckdb_get_int64(parameter);
    duckdb_destroy_value(&parameter);
    if (scope == NULL || number < 0 || (size_t)number >= scope->query->ninputs || scope->query->inputs[number].kind != kind) {
        duckdb_bind_set_error(info, ERR_INTERNAL ": a query names an input that it does not have");
        return NULL;
    }
    return &scope->inputs[number];
}

void ex_bind_columns(duckdb_bind_info info, const TyAttr *output, size_t noutput) {
    Arena *arena = arena_new();
    for (size_t i = 0; i < noutput; i++) {
        duckdb_logical_type type = ex_logical_type(output[i].type);
        duckdb_bind_add_result_column(info, str_fmt(arena, "c%u", (unsigned)output[i].id).data, type);
        duckdb_destroy_logical_type(&type);
    }
    if (noutput == 0) {
        duckdb_logical_type type = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
        duckdb_bind_add_result_column(info, "c_", type);
        duckdb_destroy_logical_type(&type);
    }
    arena_free(arena);
}
