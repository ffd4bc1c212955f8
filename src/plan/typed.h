/* plan/typed.h - a query whose every name is bound and every expression has its Spark type.
 *
 * Made by analyze/ only; consumed by lower/, and by connect/ for schemas and explain. Immutable; lives in the request's arena.
 * Invariants: every expression's type and nullability are Spark's; no implicit conversion is left to DuckDB (each one is a TX_CAST);
 * an attribute's id is unique in the tree, so that equal names never clash (lower/ names columns by id).
 */
#ifndef SOLDER_PLAN_TYPED_H
#define SOLDER_PLAN_TYPED_H

#include "plan/function.h"
#include "plan/unresolved.h"

typedef enum TxTag {
#define TX_NODES(tag, what) TX_##tag,
#include "../../spec/nodes.def"
#undef TX_NODES
} TxTag;

typedef enum TrTag {
#define TR_NODES(tag, what) TR_##tag,
#include "../../spec/nodes.def"
#undef TR_NODES
} TrTag;

typedef struct TxExpr TxExpr;
typedef struct TrRel TrRel;

/* A column of a relation's output. */
typedef struct TyAttr {
    uint32_t id;
    Str name;
    const PlType *type;
    bool nullable;
    Str metadata_json;
    const Str *qualifier; /* table alias, or catalog.database.table */
    size_t nqualifier;
} TyAttr;

typedef struct TyNamed {
    TyAttr attr; /* what it is called downstream */
    const TxExpr *expr;
} TyNamed;

typedef struct TySort {
    const TxExpr *expr;
    bool descending;
    bool nulls_first;
} TySort;

typedef enum TyFrameBound {
    TY_BOUND_UNBOUNDED_PRECEDING,
    TY_BOUND_PRECEDING,
    TY_BOUND_CURRENT_ROW,
    TY_BOUND_FOLLOWING,
    TY_BOUND_UNBOUNDED_FOLLOWING
} TyFrameBound;

struct TxExpr {
    TxTag tag;
    const PlType *type;
    bool nullable;
    union {
        const PlValue *literal;
        struct {
            uint32_t id;
            Str name;
            bool is_outer;  /* of an enclosing query: a correlated subquery */
            bool is_lambda; /* a parameter of the enclosing TX_LAMBDA */
        } column;
        struct {
            const PlFunction *fn;
            const TxExpr **args;
            size_t nargs;
        } call;
        struct {
            const TxExpr *child;
            PlCastMode mode;
            bool is_implicit; /* put in by type coercion: not part of a column's automatic name */
        } cast;
        struct {
            const TxExpr **when; /* condition, value, condition, value … */
            size_t nwhen;        /* number of pairs */
            const TxExpr *otherwise; /* NULL: null */
        } cases;
        struct {
            const TxExpr *child;
            size_t index;
            Str name;
        } field;
        struct {
            const TyAttr *params;
            size_t nparams;
            const TxExpr *body;
        } lambda;
        struct {
            const PlFunction *fn;
            const TxExpr **args;
            size_t nargs;
            bool is_distinct;
            bool ignore_nulls;
            const TxExpr *filter;
        } aggregate;
        struct {
            const TxExpr *function; /* TX_AGGREGATE, or TX_CALL of a window function */
            const TxExpr **partition;
            size_t npartition;
            const TySort *order;
            size_t norder;
            PlFrameType frame; /* never NONE: Spark's default is made explicit */
            TyFrameBound lower, upper;
            const TxExpr *lower_offset, *upper_offset;
        } window;
        struct {
            const PlPython *function;
            const TxExpr **args;
            size_t nargs;
        } python;
        struct {
            PlSubqueryKind kind;
            bool is_negated;
            const TxExpr **values;
            size_t nvalues;
            const TrRel *plan;
        } subquery;
    };
};

/* A file of a scan. */
typedef struct TyFile {
    Str path;  /* what exec opens: a local path, or a URL that DuckDB's httpfs reads */
    Str shown; /* what a user reads: s3://bucket/key or the path */
    int64_t size;
    int64_t modified_us;
    const PlValue *const *partition; /* values of the scan's partition columns, in their order */
} TyFile;

/* What a scan reads, with nothing left to find out. */
typedef struct TyScan {
    Str format;  /* csv json parquet text binaryfile; or the name of a source that exec/ knows (solder.catalog) */
    Str shown;   /* for messages, progress and the summary: source_db.source_table or the first path */
    const Str *roots; /* what it was asked to read: paths as they were given, or the table */
    size_t nroots;
    const TyFile *files;
    size_t nfiles;
    const PlOption *options;
    size_t noptions;
    const PlType *data_schema; /* struct of the columns that are in the files */
    bool may_lack_columns;     /* some file, or every one, may lack some of them: they are NULL there */
    const PlField *partition_fields;
    size_t npartition_fields; /* appended behind the data columns */
} TyScan;

struct TrRel {
    TrTag tag;
    const TyAttr *output;
    size_t noutput;
    const TrRel *input;
    const TrRel *right;
    union {
        struct {
            const TyScan *scan; /* output = data columns, then partition columns */
        } scan;
        struct {
            Str arrow_ipc;
        } local;
        struct {
            const TxExpr **cells; /* nrows × noutput */
            size_t nrows;
        } values;
        struct {
            int64_t start, end, step;
        } range;
        struct {
            const TyNamed *columns; /* one for each output */
        } project;
        struct {
            const TxExpr *condition;
        } filter;
        struct {
            PlJoinType type;
            const TxExpr *condition; /* NULL: none */
            bool is_lateral;
        } join;
        struct {
            PlSetOp op;
            bool is_all;
        } set_op;
        struct {
            const TySort *keys;
            size_t nkeys;
        } sort;
        struct {
            int64_t limit;  /* -1: none */
            int64_t offset; /* 0: none */
        } limit; /* TAIL: limit.limit */
        struct {
            const TxExpr **groups; /* grouping sets are numbered rows of sets */
            size_t ngroups;
            const size_t *set_sizes; /* NULL: one set with all */
            size_t nsets;
            const size_t *set_members;
            const TyNamed *columns; /* one for each output: over groups and TX_AGGREGATE */
        } aggregate;
        struct {
            const TyNamed *columns; /* appended to the input's output; TX_WINDOW each */
            size_t ncolumns;
        } window;
        struct {
            const TxExpr *generator; /* TX_CALL of a generator function; its columns are appended */
            bool is_outer;
            size_t ncolumns;
        } generate;
        struct {
            double lower, upper;
            bool with_replacement;
            bool is_seeded; /* by the user: the same rows each time */
            int64_t seed;
        } sample;
        struct {
            const PlPython *function;       /* mapInArrow and the like: output is all new */
            const TyNamed *udfs;            /* or: TX_PYTHON_UDF columns appended to the input's output */
            size_t nudfs;
        } python;
        struct {
            Str name;
            const TyNamed *metrics; /* aggregates over the input */
            size_t nmetrics;
        } metrics;
        struct {
            Str table;     /* the engine's: columns k0, k1 … in the carrier types of the output */
            int64_t bytes; /* of the sources that its rows were made from */
        } kept;
        struct {
            int rows, truncate;
            bool vertical;
        } show;
    };
};

/* Same meaning: tags, constants, functions and attribute ids agree; names, nullability and implicit marks do not count. */
bool pl_expr_equal(const TxExpr *a, const TxExpr *b);
/* fn applied to each direct child (not to plans of subqueries): the same node when nothing changed, NULL when fn gave NULL. */
typedef const TxExpr *(*PlExprMap)(void *self, const TxExpr *expr);
const TxExpr *pl_expr_map_children(Arena *arena, const TxExpr *expr, PlExprMap fn, void *self);
/* Whether test holds for the expression or anything in it (not inside the plans of subqueries). */
typedef bool (*PlExprTest)(void *self, const TxExpr *expr);
bool pl_expr_any(const TxExpr *expr, PlExprTest test, void *self);

/* Whether two trees of different analyses give the same rows: all but names and attribute ids agrees, and scans are of the same places. */
bool pl_rel_same(const TrRel *a, const TrRel *b);

/* The schema of a relation's output as a struct type. */
const PlType *pl_output_schema(Arena *arena, const TrRel *rel);
/* Indented text of a typed tree, for explain and tests. */
Str pl_typed_dump(Arena *arena, const TrRel *rel);

#endif
