/* lower/lower.h - typed tree in, DuckDB SQL out.
 *
 * Called by connect/ after analysis; its result goes to exec/. The only place that writes SQL text (through one writer).
 * Invariant: the SQL computes exactly the typed tree's values in its types: each difference between DuckDB and Spark is an explicit
 * cast or a spark_* kernel. Columns are named c<attribute id>; what the SQL can't hold (Arrow data, Python, files' bytes) is an input,
 * named by number in calls of functions that exec/ registers: solder_arrow(n), solder_python(n), solder_scan(n) give the columns of
 * rel->output (python: of the node) as c<id> in carrier types; solder_metrics(n, …) see LoMetric. Parquet files are read by DuckDB's
 * read_parquet directly; their scan is an input all the same, so that exec/ can count it (is_direct).
 */
#ifndef SOLDER_LOWER_LOWER_H
#define SOLDER_LOWER_LOWER_H

#include "plan/settings.h"
#include "plan/typed.h"

typedef struct LoQuery LoQuery;

/* A generic kernel that must exist before the SQL is prepared, since DuckDB's C functions have fixed result types: exec/ passes the three
 * words to kn_set_require (kernels/kernels.h). Family dec_add and type DECIMAL(38,10) give a function named dec_add_DECIMAL_38_10. */
typedef struct LoKernel {
    Str family;
    Str type; /* the result's DuckDB type */
    Str name; /* the function's name in the SQL */
} LoKernel;

/* One number that exec/ gathers for TR_COLLECT_METRICS while rows pass: solder_metrics(n, v0, v1 …) is called once a row with each gathered
 * expression's value, is volatile and returns TRUE. */
typedef enum LoMetricKind {
    LO_METRIC_COUNT, /* of the values that are not null, as BIGINT */
    LO_METRIC_SUM,   /* BIGINT (wraps) or DOUBLE; null without a value */
    LO_METRIC_MIN,
    LO_METRIC_MAX
} LoMetricKind;

typedef struct LoMetric {
    LoMetricKind kind;
    Str type; /* of v and of the result: BIGINT, DOUBLE, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, BOOLEAN */
} LoMetric;

typedef enum LoInputKind { LO_INPUT_ARROW, LO_INPUT_SCAN, LO_INPUT_PYTHON, LO_INPUT_METRICS } LoInputKind;

typedef struct LoInput {
    LoInputKind kind;
    bool is_direct;         /* SCAN: the SQL reads the files itself */
    const TrRel *rel;       /* the TR_LOCAL_DATA, TR_SCAN, TR_PYTHON or TR_COLLECT_METRICS node: its output gives the columns */
    const LoQuery *child;   /* PYTHON: what feeds the function: the input's output, then (for UDF columns) every UDF's arguments in order */
    const LoMetric *metrics; /* METRICS */
    size_t nmetrics;
    Str finish;             /* METRICS: SELECT of the metric columns over the gathered numbers as parameters $1, $2 … */
} LoInput;

struct LoQuery {
    Str sql; /* one SELECT; its columns are output's, in order, in DuckDB types of lo_duckdb_type; no output: one column to count rows by */
    const TyAttr *output;
    size_t noutput;
    const LoInput *inputs;
    size_t ninputs;
    const LoKernel *kernels; /* this query's, not its children's */
    size_t nkernels;
    int64_t kept_bytes; /* about the size of the kept tables that it reads (TR_KEPT) */
};

/* NULL and err set (SOLDER.NOT_SUPPORTED names what) on failure. is_staged: what one operator that holds all its rows (join, sort, aggregate, window) gives to
 * another is kept aside in between, so that never two of them need memory at once: for data that is larger than the memory. */
const LoQuery *lo_lower(Arena *arena, const PlSettings *settings, const TrRel *rel, bool is_staged, Err *err);
/* The DuckDB type that carries a Spark type: BIGINT, DECIMAL(10,2), STRUCT("f0" …) … Struct fields are named by position (f0, f1 …), since
 * Spark allows equal names; a struct without fields has one field "f" BOOLEAN. void is carried by INTEGER, timestamp by TIMESTAMPTZ,
 * timestamp_ntz by TIMESTAMP, a day-time interval by BIGINT microseconds, a year-month one by INTEGER months. */
Str lo_duckdb_type(Arena *arena, const PlType *type);

#endif
