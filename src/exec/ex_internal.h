/* exec/ex_internal.h - what the files of exec/ share: the engine, an operation, and the inputs of its query.
 *
 * An operation has one scope for each DuckDB connection that it uses: its own, and one for each query that feeds a Python function or a part
 * of a parallel read. DuckDB's callbacks know only their connection; the engine finds the scope by the connection's number.
 * Invariant: a scope and its inputs outlive every callback of its connection; counters are atomic, everything else that threads share
 * is under the operation's lock.
 */
#ifndef SOLDER_EXEC_EX_INTERNAL_H
#define SOLDER_EXEC_EX_INTERNAL_H

#include "exec/exec.h"
#include "kernels/kernels.h"

#include <duckdb.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct ExScope ExScope;

/* What one LoInput has come to. Inputs of parts of the same query share one ExTally. */
typedef struct ExTally {
    const LoInput *lo;
    atomic_llong rows, bytes, malformed, files;
    Str first_malformed; /* under the operation's lock */
} ExTally;

typedef struct ExInput {
    ExScope *scope;
    const LoInput *lo;
    size_t number;
    ExTally *tally;
    void *state; /* ExScanPlan, ExPool … : made by the input's file when first bound */
} ExInput;

struct ExScope {
    ExEngine *engine;
    ExOperation *op;
    const LoQuery *query;
    duckdb_connection connection;
    idx_t id;
    ExInput *inputs;
    size_t part, nparts; /* which part of the scan this scope reads; nparts 0: all */
    ExScope *next;
};

/* A Python worker between two queries. */
typedef struct ExIdleWorker {
    struct ExIdleWorker *next;
    int to, from;
    int64_t id;
} ExIdleWorker;

struct ExEngine {
    Arena *arena;
    ExConfig config;
    duckdb_database database;
    duckdb_connection connection; /* registers functions; never runs a query of a user */
    KnSet *kernels;
    int threads;
    int64_t memory_bytes; /* DuckDB's limit */
    bool made_temp;
    pthread_mutex_t lock; /* over scopes and idle */
    ExIdleWorker *idle;
    ExScope *scopes;
    /* The httpfs extension: to check its file takes longer than all else of the start, so it is loaded when a scan needs it (ex_load_for). */
    pthread_mutex_t loader_lock;
    bool is_httpfs_loaded; /* under loader_lock */
};

struct ExWriter;
typedef struct ExOrdered ExOrdered;
struct ExMetricSet;

struct ExOperation {
    ExEngine *engine;
    Arena *arena;         /* the caller's; not for threads: the caller uses it between its calls */
    Arena *threads_arena; /* under the lock */
    const PlSettings *settings;
    const LoQuery *query;
    Str time_zone;
    pthread_mutex_t lock; /* over err, scopes' list, first_malformed and threads_arena */
    Err err;              /* the first error of a callback, verbatim */
    atomic_bool is_interrupted;
    ExScope *scope; /* the operation's own */
    ExTally *tallies; /* one for each input of query and of the queries that feed it */
    size_t ntallies;
    duckdb_pending_result pending;
    duckdb_prepared_statement prepared;
    duckdb_result result;
    bool has_result;
    bool is_done;
    ExOrdered *ordered; /* instead of result; NULL: DuckDB alone reads */
    duckdb_arrow_options arrow_options;
    atomic_llong rows_out;
    const struct ExWrite *write;
    struct ExWriter *writer;
    ExCount target;
    struct ExMetricSet *metric_sets; /* malloc'd, under the lock */
    const ExMetric *metrics;
    size_t nmetrics;
};

/* engine.c */
ExScope *ex_scope_open(ExOperation *op, const LoQuery *query, Err *err);
void ex_scope_close(ExScope *owned_scope);
ExScope *ex_scope_of(ExEngine *engine, duckdb_client_context context);
/* Loads the extension that the scan's files need: before a statement that opens them. */
bool ex_load_for(ExEngine *engine, const TyScan *scan, Err *err);
bool ex_run_sql(duckdb_connection connection, const char *sql, Err *err); /* a statement whose rows do not matter */
void ex_remove_tree(const char *path);

const ExNamedSource *ex_named_source_find(const ExEngine *engine, Str format);

/* operation.c */
void ex_op_fail(ExOperation *op, const Err *err); /* from any thread: remembers the first error */
bool ex_op_cancelled(ExOperation *op, Err *err);
/* A DuckDB message as a Solder error: the operation's own error when a callback failed. Returns false. */
bool ex_op_error(ExOperation *op, const char *duckdb_message, Err *err);
/* Whether the columns are in the carriers of the query's output. */
bool ex_check_carriers(duckdb_prepared_statement prepared, const LoQuery *query, Err *err);
void ex_note_malformed(ExOperation *op, ExTally *tally, Str borrowed_text);

ExOperation *ex_op_new(ExEngine *engine, Arena *arena, const PlSettings *settings, const LoQuery *query, Err *err);

/* error.c */
bool ex_error_from_duckdb(const ExEngine *engine, const char *message, Err *err);
const char *ex_error_text(const Err *err, char *space, size_t size); /* "CODE: message" for DuckDB's set_error calls */

/* types.c */
duckdb_logical_type ex_logical_type(const PlType *type); /* the carrier of lower.h; owned by the caller */

/* json_function.c: adds from_json and to_json to the kernels. */
void ex_json_functions_add(KnSet *kernels);

/* One file for each input kind; each registers its function. */
bool ex_table_function_register(ExEngine *engine, const char *name, duckdb_table_function_bind_t bind_fn, duckdb_table_function_init_t init_fn,
                                duckdb_table_function_init_t local_init_fn, duckdb_table_function_t run_fn, Err *err);
bool ex_arrow_register(ExEngine *engine, Err *err);
bool ex_scan_register(ExEngine *engine, Err *err);
bool ex_python_register(ExEngine *engine, Err *err);
bool ex_metrics_register(ExEngine *engine, Err *err);
void ex_input_done(ExInput *input); /* frees what the input's file made */
bool ex_metrics_finish(ExOperation *op, Err *err);
void ex_metric_sets_free(ExOperation *op);
/* A value of a DuckDB vector, copied into the arena (value_read.c). */
const PlValue *ex_value_at(Arena *arena, const PlType *type, duckdb_vector vector, idx_t row);

/* The input that the first parameter of a bind names, or NULL with the bind's error set. */
ExInput *ex_bind_input(duckdb_bind_info info, LoInputKind kind);
void ex_bind_columns(duckdb_bind_info info, const TyAttr *output, size_t noutput);

#endif
