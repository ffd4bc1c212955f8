/* lower/lower.h - typed tree in, DuckDB SQL out.
 *
 * Called by connect/ after analysis; its result goes to exec/. The only place that writes SQL text (through one writer).
 * Invariant: the SQL computes exactly the typed tree's values in its types: each difference between DuckDB and Spark is an explicit
 * cast or a spark_* kernel. Columns are named c<attribute id>; what the SQL can't hold (Arrow data, Python, files' bytes) is an input,
 * named by number in calls of table functions that exec/ registers: solder_arrow(n), solder_python(n), solder_scan(n).
 */
#ifndef SOLDER_LOWER_LOWER_H
#define SOLDER_LOWER_LOWER_H

#include "plan/settings.h"
#include "plan/typed.h"

typedef struct LoQuery LoQuery;

typedef enum LoInputKind { LO_INPUT_ARROW, LO_INPUT_SCAN, LO_INPUT_PYTHON, LO_INPUT_METRICS } LoInputKind;

typedef struct LoInput {
    LoInputKind kind;
    const TrRel *rel;       /* the TR_LOCAL_DATA, TR_SCAN, TR_PYTHON or TR_COLLECT_METRICS node: its output gives the columns */
    const LoQuery *child;   /* PYTHON: what feeds the function */
} LoInput;

struct LoQuery {
    Str sql; /* one SELECT; its columns are output's, in order, in DuckDB types of lo_duckdb_type */
    const TyAttr *output;
    size_t noutput;
    const LoInput *inputs;
    size_t ninputs;
};

/* NULL and err set (SOLDER.NOT_SUPPORTED names what) on failure. */
const LoQuery *lo_lower(Arena *arena, const PlSettings *settings, const TrRel *rel, Err *err);
/* The DuckDB type that carries a Spark type: BIGINT, DECIMAL(10,2), STRUCT("f0" …) … Struct fields are named by position (f0, f1 …), since
 * Spark allows equal names. */
Str lo_duckdb_type(Arena *arena, const PlType *type);

#endif
