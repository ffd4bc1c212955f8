/* exec/exec.h - runs lowered queries on DuckDB: streams Arrow, reads and writes files, feeds Python.
 *
 * Called by connect/ (queries, writes) and by daemon/ (start, storage). One ExEngine a process, one ExOperation a running query, each
 * with a DuckDB connection of its own (another query on a connection would end its streaming result).
 * Invariant: nothing becomes visible of a write before it commits, and all of it at once.
 */
#ifndef SOLDER_EXEC_EXEC_H
#define SOLDER_EXEC_EXEC_H

#include "exec/storage.h"
#include "lower/lower.h"

struct ArrowArray; /* Arrow C data interface */

typedef struct ExEngine ExEngine;
typedef struct ExOperation ExOperation;

/* Starts a Python worker: gives a connected socket or pipe pair. Set by daemon/ (only supervise/ starts processes). */
typedef struct ExWorkerStarter {
    void *self;
    bool (*start)(void *self, int *ret_to_worker, int *ret_from_worker, int64_t *ret_id, Err *err);
    void (*stop)(void *self, int64_t id);
} ExWorkerStarter;

/* A data source that is no file format (solder.catalog): rows of one string column. The strings live in the arena. */
typedef struct ExNamedSource {
    Str format;           /* as in spark.read.format(…), lower case */
    Str column;           /* its column's name */
    void *self;
    bool (*rows)(void *self, Arena *arena, const PlOption *options, size_t noptions, const Str **ret_rows, size_t *ret_count, Err *err);
    const PlType *schema; /* filled by the engine */
} ExNamedSource;

/* A setting of one request, not of the session: the Python files that its session shipped, as JSON [[name, path], …], for the workers. */
#define EX_SETTING_PYFILES "solder.request.pyfiles"

typedef struct ExConfig {
    Str memory_limit;   /* as DuckDB writes it ("512MB"); empty: 80 % of the machine's */
    int threads;        /* 0: all */
    Str temp_directory; /* where sorts and joins spill; made and removed by the engine */
    Str httpfs_path;    /* the httpfs extension's file; empty: s3 elsewhere is not readable */
    const ExStorage *storage;
    const ExWorkerStarter *workers;
    const ExNamedSource *sources;
    size_t nsources;
} ExConfig;

ExEngine *ex_engine_new(const ExConfig *config, Err *err);
void ex_engine_free(ExEngine *owned_engine);
/* About what the files and kept tables that a query reads take in memory. */
int64_t ex_source_bytes(const LoQuery *query);
/* Whether the files that a query reads are larger than the engine's memory, so that its operators will have to spill. */
bool ex_exceeds_memory(const ExEngine *engine, const LoQuery *query);

/* Counters that a progress bar or a Connect progress message reads while the operation runs; all only grow. */
typedef struct ExProgress {
    int64_t rows_read, bytes_read, bytes_total, rows_out;
} ExProgress;

/* A metric of TR_COLLECT_METRICS, ready when the operation has ended. */
typedef struct ExMetric {
    Str name;
    const PlValue *const *values; /* one for each metric column */
    const TyAttr *columns;
    size_t ncolumns;
} ExMetric;

/* What a source or a target of an operation came to, for the run's summary. */
typedef struct ExCount {
    bool is_target;
    Str shown, format;
    int64_t files, rows, bytes, malformed; /* malformed: records that the reader's mode dropped or nulled */
    Str first_malformed;                   /* file, line and reason of the first one; empty: none */
} ExCount;

/* Starts a query. The operation borrows query and arena until ex_close. */
ExOperation *ex_open(ExEngine *engine, Arena *arena, const PlSettings *settings, const LoQuery *query, Err *err);
/* The next batch (the caller releases it), or *ret_done. Values are in the DuckDB types of the query's output; see ex_arrow.h for how they map
 * to Arrow. */
bool ex_next(ExOperation *op, struct ArrowArray *ret_batch, bool *ret_done, Err *err);
/* From any thread: the operation's next step fails with OPERATION_CANCELED. */
void ex_interrupt(ExOperation *op);
void ex_progress(const ExOperation *op, ExProgress *ret_progress);
/* After the last batch. Borrowed from the operation's arena. */
void ex_metrics(const ExOperation *op, const ExMetric **ret_metrics, size_t *ret_count);
void ex_counts(const ExOperation *op, const ExCount **ret_counts, size_t *ret_count);
void ex_close(ExOperation *owned_op);

typedef enum ExSaveMode { EX_SAVE_ERROR, EX_SAVE_APPEND, EX_SAVE_OVERWRITE, EX_SAVE_IGNORE } ExSaveMode;

typedef struct ExWrite {
    Str format; /* parquet csv json text */
    Str path;   /* file path, file:// or s3:// URL of the target directory */
    ExSaveMode mode;
    const Str *partition_by;
    size_t npartition_by;
    const PlOption *options; /* compression, header, sep, maxRecordsPerFile … */
    size_t noptions;
    bool dynamic_partition_overwrite;
} ExWrite;

/* Runs the query into files. The operation object exists for progress, interrupt, metrics and counts; ex_write_run does the work. */
ExOperation *ex_write_open(ExEngine *engine, Arena *arena, const PlSettings *settings, const LoQuery *query, const ExWrite *write, Err *err);
bool ex_write_run(ExOperation *op, Err *err);

/* Runs the query into a new table of the engine, which TR_KEPT names; ex_keep_run does the work. */
ExOperation *ex_keep_open(ExEngine *engine, Arena *arena, const PlSettings *settings, const LoQuery *query, Str table, Err *err);
bool ex_keep_run(ExOperation *op, Err *err);
/* Queries that run go on with its rows. */
void ex_keep_drop(ExEngine *engine, Str table);

/* Resolves the paths of a read and finds out its schema where none is given (AzWorld.source). */
bool ex_describe_source(ExEngine *engine, Arena *arena, const PlSettings *settings, const PrRel *read_source, TyScan *ret_scan, Err *err);
/* The type of one JSON text, as schema_of_json infers it. */
const PlType *ex_json_schema_of(Arena *arena, Str json, const PlOption *options, size_t noptions, Str time_zone, Err *err);
/* The rows of a constant query, for results that must be kept (cached relations, commands): an Arrow IPC stream is connect/'s affair. */

#endif
