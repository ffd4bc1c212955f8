/* lo_internal.h - what the files of lower/ share: the state of one lowering and its writers.
 *
 * Invariant: every expression that a writer emits is self-contained (a call, a literal or in parentheses) and has exactly the DuckDB type
 * that lo_duckdb_type gives for its Spark type.
 */
#ifndef SOLDER_LOWER_LO_INTERNAL_H
#define SOLDER_LOWER_LO_INTERNAL_H

#include "base/vec.h"
#include "lower/lower.h"

/* A lambda parameter that stands for other text in the body. */
typedef struct LoSubstitute {
    uint32_t id;
    Str sql;
    const struct LoSubstitute *outer;
} LoSubstitute;

typedef struct Lo {
    Arena *arena;
    const PlSettings *settings;
    Err *err;
    Str time_zone; /* of the session */
    unsigned next_name;
    bool is_staged;      /* see lo_lower; off where names of an outer query may be used, which a stage can't see */
    bool feeds_blocking; /* what is written now goes, row by row, into an operator that holds rows back */
    VEC(LoInput) inputs;
    VEC(LoKernel) kernels;
    int64_t kept_bytes;
    const LoSubstitute *substitutes;
    /* Inside TR_AGGREGATE's output: grouping expressions by position, and the columns that hold them. */
    const TxExpr *const *groups;
    const Str *group_columns;
    size_t ngroups;
} Lo;

/* Writers: they report failure through lo->err, and what they wrote is then of no use. */
void lo_write_rel(Lo *lo, StrBuf *out, const TrRel *rel); /* a whole SELECT */
/* The same for a relation that may use columns of the query around it. */
void lo_write_correlated(Lo *lo, StrBuf *out, const TrRel *rel);
void lo_write_expr(Lo *lo, StrBuf *out, const TxExpr *expr);
void lo_write_literal(Lo *lo, StrBuf *out, const PlValue *value);
void lo_write_cast(Lo *lo, StrBuf *out, Str child, const PlType *from, const PlType *to, PlCastMode mode);
/* A call of a scalar function, an aggregate or a window function by its row's lower column. over: FILTER and OVER clauses to put behind the
 * DuckDB function itself; distinct: "DISTINCT " or nothing. */
typedef struct LoCall {
    const PlFunction *fn;
    const TxExpr **args;
    size_t nargs;
    const PlType *type;
    Str distinct;
    Str over;
    Str filter; /* the bare condition; empty: none */
    bool is_window;
    bool ignore_nulls;
} LoCall;
void lo_write_call(Lo *lo, StrBuf *out, const LoCall *call);
void lo_write_scan(Lo *lo, StrBuf *out, const TrRel *rel);
void lo_write_aggregate(Lo *lo, StrBuf *out, const TrRel *rel);
void lo_write_window(Lo *lo, StrBuf *out, const TrRel *rel);
void lo_write_generate(Lo *lo, StrBuf *out, const TrRel *rel);
void lo_write_metrics(Lo *lo, StrBuf *out, const TrRel *rel);
void lo_write_python(Lo *lo, StrBuf *out, const TrRel *rel);
void lo_write_show(Lo *lo, StrBuf *out, const TrRel *rel);
void lo_write_sample(Lo *lo, StrBuf *out, const TrRel *rel);

/* " FROM (SELECT …) AS r7" of a relation. */
void lo_write_from(Lo *lo, StrBuf *out, const TrRel *rel);
/* The output's columns "c1, c2"; "0 AS c_" when there are none. */
void lo_write_columns(Lo *lo, StrBuf *out, const TyAttr *output, size_t noutput);
void lo_write_named(Lo *lo, StrBuf *out, const TyNamed *columns, size_t ncolumns);
void lo_write_order(Lo *lo, StrBuf *out, const TySort *keys, size_t nkeys);
void lo_write_quoted(StrBuf *out, Str text); /* 'text', safe for any bytes that are UTF-8 */
void lo_write_identifier(StrBuf *out, Str name); /* "name" */

Str lo_expr(Lo *lo, const TxExpr *expr); /* lo_write_expr into a string */
Str lo_quoted(Lo *lo, Str text);
Str lo_name(Lo *lo, const char *prefix); /* a name not used before in this query */
const char *lo_alias(Lo *lo);             /* a relation's: r7 */
/* The name of a generic kernel's instance, noted for exec/. */
Str lo_kernel(Lo *lo, const char *family, const PlType *result);
bool lo_expr_equal(const TxExpr *a, const TxExpr *b); /* the same tree */
bool lo_not_supported(Lo *lo, const char *what, Str name); /* sets the error; false */

/* A function named @name in the lower column. */
typedef void LoWriter(Lo *lo, StrBuf *out, const LoCall *call);
LoWriter *lo_writer_find(Str name); /* NULL when there is none */
LoWriter *lo_aggregate_writer_find(Str name); /* those for aggregates and window functions */
LoWriter *lo_collection_writer_find(Str name); /* those for arrays, maps and lambdas */

#endif
