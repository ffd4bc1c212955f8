/* wire.c - see wire.h. One CliEngine is one store, one DuckDB engine and one Connect server, started in this order, ended in reverse. */
#include "daemon/wire.h"

#include "connect/connect.h"
#include "daemon/catalog_tables.h"
#include "daemon/local_storage.h"
#include "daemon/python_workers.h"
#include "daemon/run_record.h"
#include "gen/build_info.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_WATCHED = 64 };

/* An operation under way, for the progress line. */
typedef struct Watched {
    uint64_t number;
    const ExOperation *op; /* NULL: a free place */
} Watched;

struct CliEngine {
    Arena *arena;
    StStore *store;
    Str scratch; /* this process's, in the home directory */
    ExStorage storage;
    CatalogTables tables;
    CnCatalog catalog;
    CnEvents events;
    PythonWorkers *workers;
    ExEngine *engine;
    CnServer *server;
    RunRecord *record;
    pthread_mutex_t mutex;
    Watched watched[MAX_WATCHED];
    CliProgress finished; /* what ended operations read */
};

/* ---- catalog for connect/ ---- */

static bool catalog_table(void *self, Arena *arena, Str database, Str table, TyScan *ret_scan, Err *err) {
    return catalog_table_scan(&((CliEngine *)self)->tables, arena, database, table, ret_scan, err);
}

static bool catalog_json(void *self, Arena *arena, Str kind, Str database, Str table, const Str **ret_json, size_t *ret_count, Err *err) {
    return catalog_entries(&((CliEngine *)self)->tables, arena, kind, database, table, ret_json, ret_count, err);
}

static bool catalog_databases(void *self, Arena *arena, const CnDatabase **ret_databases, size_t *ret_count, Err *err) {
    const CatalogName *names = NULL;
    if (!catalog_names(&((CliEngine *)self)->tables, arena, STR(""), &names, ret_count, err)) {
        return false;
    }
    CnDatabase *databases = ARENA_ARRAY(arena, CnDatabase, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        databases[i] = (CnDatabase){names[i].name, names[i].description, names[i].location};
    }
    *ret_databases = databases;
    return true;
}

static bool catalog_tables_of(void *self, Arena *arena, Str database, const CnTable **ret_tables, size_t *ret_count, Err *err) {
    const CatalogName *names = NULL;
    if (!catalog_names(&((CliEngine *)self)->tables, arena, database, &names, ret_count, err)) {
        if (err_is(err, "EntityNotFoundException")) {
            err_clear(err);
            return err_set(err, "SCHEMA_NOT_FOUND", "The schema `%.*s` cannot be found.", STR_ARG(database));
        }
        return false;
    }
    CnTable *tables = ARENA_ARRAY(arena, CnTable, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        tables[i] = (CnTable){names[i].name, names[i].description, STR("EXTERNAL")};
    }
    *ret_tables = tables;
    return true;
}

/* ---- events from connect/ ---- */

static void operation_started(void *self, uint64_t number, Str what, bool is_write, const ExOperation *op) {
    (void)what;
    (void)is_write;
    CliEngine *engine = self;
    if (pthread_mutex_lock(&engine->mutex) != 0) {
        return;
    }
    for (size_t i = 0; i < MAX_WATCHED; i++) {
        if (engine->watched[i].op == NULL) {
            engine->watched[i] = (Watched){number, op};
            break;
        }
    }
    (void)pthread_mutex_unlock(&engine->mutex);
}

static void operation_ended(void *self, const CnOutcome *outcome) {
    CliEngine *engine = self;
    if (pthread_mutex_lock(&engine->mutex) == 0) {
        for (size_t i = 0; i < MAX_WATCHED; i++) {
            if (engine->watched[i].op != NULL && engine->watched[i].number == outcome->number) {
                ExProgress last = {0};
                ex_progress(engine->watched[i].op, &last);
                engine->finished.rows_read += last.rows_read;
                engine->watched[i].op = NULL;
            }
        }
        (void)pthread_mutex_unlock(&engine->mutex);
    }
    if (outcome->failure == NULL) {
        run_record_add_counts(engine->record, outcome->counts, outcome->ncounts);
        run_record_add_metrics(engine->record, outcome->metrics, outcome->nmetrics);
    }
}

/* ---- start and end ---- */

static const char *setting(const char *name, const char *fallback) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : fallback;
}

static bool start_engine(CliEngine *engine, const CliEngineConfig *config, Err *err) {
    engine->store = st_open(config->home, err);
    Str scratch = {0};
    if (engine->store == NULL || !st_scratch_directory(engine->store, &scratch, err)) {
        return false;
    }
    engine->scratch = scratch;
    engine->storage = local_storage(engine->store);
    engine->tables = (CatalogTables){engine->store, &engine->storage};
    engine->workers = python_workers_new(setting("SOLDER_PYTHON", SOLDER_PYTHON_DEFAULT), setting("SOLDER_PYTHONPATH", SOLDER_PYTHONPATH_DEFAULT));
    engine->record = run_record_new();
    if (engine->workers == NULL || engine->record == NULL) {
        return err_set(err, ERR_INTERNAL, "cannot make a mutex");
    }
    const char *httpfs = setting("SOLDER_HTTPFS", SOLDER_HTTPFS_DEFAULT);
    ExConfig exec_config = {.memory_limit = config->memory,
                            .threads = config->threads,
                            .temp_directory = str_fmt(engine->arena, "%.*s/spill", STR_ARG(scratch)),
                            .httpfs_path = access(httpfs, R_OK) == 0 ? str_from_c(httpfs) : STR(""),
                            .storage = &engine->storage,
                            .workers = python_workers_starter(engine->workers)};
    engine->engine = ex_engine_new(&exec_config, err);
    if (engine->engine == NULL) {
        return false;
    }
    engine->catalog = (CnCatalog){.self = engine, .table = catalog_table, .databases = catalog_databases, .tables = catalog_tables_of, .entities = catalog_json};
    engine->events = (CnEvents){.self = engine, .started = operation_started, .ended = operation_ended};
    CnConfig server_config = {.engine = engine->engine,
                              .catalog = &engine->catalog,
                              .events = &engine->events,
                              .host = config->host,
                              .port = config->port,
                              .artifact_directory = str_fmt(engine->arena, "%.*s/artifacts", STR_ARG(scratch))};
    engine->server = cn_server_new(&server_config, err);
    return engine->server != NULL;
}

void wire_stop(CliEngine *owned_engine) {
    cn_server_free(owned_engine->server);
    if (owned_engine->engine != NULL) {
        ex_engine_free(owned_engine->engine);
    }
    python_workers_free(owned_engine->workers);
    run_record_free(owned_engine->record);
    st_close(owned_engine->store);
    (void)pthread_mutex_destroy(&owned_engine->mutex);
    arena_free(owned_engine->arena);
}

CliEngine *wire_start(const CliEngineConfig *config, Err *err) {
    Arena *arena = arena_new();
    CliEngine *engine = ARENA_NEW(arena, CliEngine);
    engine->arena = arena;
    if (pthread_mutex_init(&engine->mutex, NULL) != 0) {
        (void)err_set(err, ERR_INTERNAL, "cannot make a mutex");
        arena_free(arena);
        return NULL;
    }
    if (!start_engine(engine, config, err)) {
        wire_stop(engine);
        return NULL;
    }
    return engine;
}

int wire_port(const CliEngine *engine) {
    return cn_server_port(engine->server);
}

Str wire_scratch(const CliEngine *engine) {
    return engine->scratch;
}

void wire_progress(CliEngine *engine, CliProgress *ret_progress) {
    *ret_progress = (CliProgress){0};
    if (pthread_mutex_lock(&engine->mutex) != 0) {
        return;
    }
    ret_progress->rows_read = engine->finished.rows_read;
    for (size_t i = 0; i < MAX_WATCHED; i++) {
        if (engine->watched[i].op != NULL) {
            ExProgress now = {0};
            ex_progress(engine->watched[i].op, &now);
            ret_progress->rows_read += now.rows_read;
            ret_progress->bytes_read += now.bytes_read;
            ret_progress->bytes_total += now.bytes_total;
            ret_progress->running++;
        }
    }
    (void)pthread_mutex_unlock(&engine->mutex);
}

void wire_summary(CliEngine *engine, Arena *arena, CliSummary *ret_summary) {
    run_record_summary(engine->record, arena, ret_summary);
}
