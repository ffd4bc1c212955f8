/* exec/scan.h - what solder_scan(n) and its formats share: the plan of a scan, its splits, and a thread's way through them.
 *
 * A format is a row of functions (csv, json, text, binaryfile, a named source); scan.c gives it splits in file order and fills the partition columns.
 * Invariant: a record belongs to exactly one split: the one in which its first byte lies (as Hadoop's line reader has it: a record that begins
 * at a split's end still belongs to it, and the next split skips up to its first record end).
 */
#ifndef SOLDER_EXEC_SCAN_H
#define SOLDER_EXEC_SCAN_H

#include "exec/ex_internal.h"

typedef struct ExFormat ExFormat;
typedef struct ExScanPlan ExScanPlan;
typedef struct ExScanLocal ExScanLocal;

typedef struct ExSplit {
    size_t file;
    int64_t from, to; /* bytes; to may lie behind the file's end */
} ExSplit;

struct ExScanPlan {
    ExInput *input;
    const TyScan *scan;
    const ExFormat *format;
    Arena *arena; /* of the plan; not for threads */
    const ExSplit *splits;
    size_t nsplits;
    void *options; /* the format's own, in arena */
};

/* One run of the scan: DuckDB's global state. */
typedef struct ExScanRun {
    ExScanPlan *plan;
    atomic_size_t next_split;
    idx_t ncolumns;
    idx_t *columns; /* output positions; beyond the data columns: partition columns, then row numbers */
} ExScanRun;

/* A thread's state. */
struct ExScanLocal {
    ExScanRun *run;
    ExScanPlan *plan;
    const ExSplit *split; /* NULL: none open */
    Arena *arena;         /* of the thread */
    void *reader;         /* the format's own */
    Err err;
};

struct ExFormat {
    const char *name;
    /* Reads the options; false and err set when one is wrong. */
    bool (*plan)(ExScanPlan *plan, Err *err);
    /* Whether a file may be read in pieces. */
    bool (*is_splittable)(const ExScanPlan *plan, const TyFile *file);
    bool (*open)(ExScanLocal *local, Err *err);  /* once a thread */
    bool (*begin)(ExScanLocal *local, Err *err); /* local->split is new */
    /* Up to a vector of rows into the chunk's data columns; *ret_count 0: the split is at its end. */
    bool (*read)(ExScanLocal *local, duckdb_data_chunk chunk, idx_t *ret_count, Err *err);
    void (*close)(ExScanLocal *local);
};

const ExFormat *ex_format_find(Str name);
extern const ExFormat ex_format_csv, ex_format_json, ex_format_text, ex_format_binary, ex_format_named;

/* An option by name without case, or fallback. */
Str ex_option(const PlOption *options, size_t noptions, const char *name, const char *fallback);
bool ex_option_bool(const PlOption *options, size_t noptions, const char *name, bool fallback, bool *ret, Err *err);
bool ex_option_int(const PlOption *options, size_t noptions, const char *name, int64_t fallback, int64_t *ret, Err *err);
/* samplingRatio: the share of the records that schema inference looks at; 1.0 unless given. */
bool ex_option_sampling_ratio(const PlOption *options, size_t noptions, double *ret, Err *err);
const PlOption *ex_option_find(const PlOption *options, size_t noptions, const char *name);

/* spark.sql.legacy.timeParserPolicy is CORRECTED or LEGACY. */
bool ex_times_are_corrected(const ExOperation *op);
/* "s3://b/k" for messages. */
Str ex_scan_file_shown(const ExScanLocal *local);

#endif
