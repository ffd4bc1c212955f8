/* plan/unresolved.h - what a client asked for, as it wrote it: names not looked up, types not known.
 *
 * Made by connect/ (from protobuf) and sql/ (from text); consumed by analyze/ only. Immutable once made; lives in the arena of the
 * request or of the session (temp views). Node tags: spec/nodes.def.
 */
#ifndef SOLDER_PLAN_UNRESOLVED_H
#define SOLDER_PLAN_UNRESOLVED_H

#include "plan/type.h"

typedef enum PxTag {
#define PX_NODES(tag, what) PX_##tag,
#include "../../spec/nodes.def"
#undef PX_NODES
} PxTag;

typedef enum PrTag {
#define PR_NODES(tag, what) PR_##tag,
#include "../../spec/nodes.def"
#undef PR_NODES
} PrTag;

typedef struct PxExpr PxExpr;
typedef struct PrRel PrRel;

/* Where in a SQL text a node stands; line 1-based, column 0-based as Spark counts; line 0: not from SQL. */
typedef struct PlOrigin {
    Str sql;
    int line, column;
    int start, stop; /* byte offsets, stop exclusive */
} PlOrigin;

typedef struct PlOption {
    Str key; /* as written; compared without case */
    Str value;
} PlOption;

typedef enum PlCastMode { PL_CAST_LEGACY, PL_CAST_TRY, PL_CAST_ANSI } PlCastMode;
typedef enum PlSubqueryKind { PL_SUBQUERY_SCALAR, PL_SUBQUERY_EXISTS, PL_SUBQUERY_IN } PlSubqueryKind;
typedef enum PlJoinType {
    PL_JOIN_INNER,
    PL_JOIN_LEFT,
    PL_JOIN_RIGHT,
    PL_JOIN_FULL,
    PL_JOIN_CROSS,
    PL_JOIN_LEFT_SEMI,
    PL_JOIN_LEFT_ANTI
} PlJoinType;
typedef enum PlSetOp { PL_SET_UNION, PL_SET_INTERSECT, PL_SET_EXCEPT } PlSetOp;
typedef enum PlGroupType { PL_GROUP_BY, PL_GROUP_ROLLUP, PL_GROUP_CUBE, PL_GROUP_PIVOT, PL_GROUP_SETS } PlGroupType;
typedef enum PlFrameType { PL_FRAME_NONE, PL_FRAME_ROWS, PL_FRAME_RANGE } PlFrameType;
typedef enum PlBound { PL_BOUND_UNBOUNDED, PL_BOUND_CURRENT_ROW, PL_BOUND_VALUE } PlBound;

/* pyspark.rdd.PythonEvalType of the functions that clients ship. */
typedef enum PlPythonEval {
    PL_PY_BATCHED = 100,
    PL_PY_ARROW_BATCHED = 101,
    PL_PY_SCALAR_PANDAS = 200,
    PL_PY_GROUPED_MAP_PANDAS = 201,
    PL_PY_GROUPED_AGG_PANDAS = 202,
    PL_PY_MAP_PANDAS = 205,
    PL_PY_MAP_ARROW = 207
} PlPythonEval;

typedef struct PlPython {
    Str name;
    PlPythonEval eval;
    const PlType *result;
    Str command; /* cloudpickle of (function, return type) */
    Str python_version;
    bool deterministic;
} PlPython;

typedef struct PxFrame {
    PlFrameType type;
    PlBound lower_kind, upper_kind;
    const PxExpr *lower, *upper; /* for PL_BOUND_VALUE; negative is PRECEDING */
} PxFrame;

struct PxExpr {
    PxTag tag;
    PlOrigin origin;
    union {
        /* A TIMESTAMP'…' of SQL that names no zone has its text in literal->s, and i as if it were UTC: analyze/, which knows the session's
         * time zone, makes it an instant. */
        const PlValue *literal;
        struct {
            const Str *parts; /* name parts, back-quotes removed */
            size_t nparts;
            int64_t plan_id; /* of the DataFrame whose column it is; -1: none */
            bool is_metadata;
        } attribute; /* also LAMBDA_VARIABLE */
        struct {
            const Str *target; /* t of t.*; none for * */
            size_t ntarget;
            int64_t plan_id;
        } star;
        struct {
            Str pattern;
            int64_t plan_id;
        } regex;
        struct {
            /* Operators have Spark's own function names: + - * / % div == <=> < <= > >= and or not in between? (written as and) like rlike
             * ilike isnull isnotnull when (args c1,v1,c2,v2[,else]) negative positive ~ & | ^ || (concat) … A named argument of SQL (f(a => 1))
             * is a call of "=>" with the name as a string literal and the value. */
            Str name; /* dotted when it was written so: db.f */
            const PxExpr **args;
            size_t nargs;
            bool is_distinct;
            bool is_user_defined; /* only functions registered in the session */
            bool ignore_nulls;
            const PxExpr *filter; /* FILTER (WHERE …) or NULL */
        } call;
        struct {
            const PxExpr *child;
            const PlType *type;
            PlCastMode mode;
        } cast;
        struct {
            const PxExpr *child;
            const Str *names;
            size_t nnames;
            Str metadata_json;
        } alias;
        struct {
            const PxExpr *child;
            bool descending;
            bool nulls_first;
        } sort;
        struct {
            const PxExpr *body;
            const Str *params;
            size_t nparams;
        } lambda;
        struct {
            const PxExpr *function;
            const PxExpr **partition;
            size_t npartition;
            const PxExpr **order; /* PX_SORT each */
            size_t norder;
            PxFrame frame;
        } window;
        struct {
            const PxExpr *child;
            const PxExpr *key; /* a string literal for .field */
        } extract;
        struct {
            const PxExpr *child;
            Str field;           /* may be dotted */
            const PxExpr *value; /* NULL drops the field */
        } update;
        struct {
            const PlPython *function;
            const PxExpr **args;
            size_t nargs;
        } python;
        struct {
            PlSubqueryKind kind;
            bool is_negated;
            const PxExpr **values; /* left side of IN */
            size_t nvalues;
            const PrRel *plan;
        } subquery;
    };
};

typedef struct PxNamed {
    Str name;
    const PxExpr *expr;
    Str metadata_json;
} PxNamed;

struct PrRel {
    PrTag tag;
    int64_t plan_id; /* of the client's DataFrame; -1: none */
    PlOrigin origin;
    const PrRel *input; /* the only or the left input; NULL for leaves */
    const PrRel *right; /* JOIN, SET_OP */
    union {
        struct {
            const Str *parts;
            size_t nparts;
            const PlOption *options;
            size_t noptions;
        } table;
        struct {
            Str format; /* empty: the default of spark.sql.sources.default */
            const PlType *schema; /* NULL: to be found out */
            const PlOption *options;
            size_t noptions;
            const Str *paths;
            size_t npaths;
            const Str *predicates; /* jdbc */
            size_t npredicates;
        } source;
        struct {
            const PxExpr **exprs;
            size_t nexprs;
        } project; /* also HINT (its parameters, unresolved) */
        struct {
            const PxExpr *condition;
        } filter;
        struct {
            PlJoinType type;
            const PxExpr *condition; /* NULL: none */
            const Str *using_columns;
            size_t nusing;
            bool is_natural;
            bool is_lateral;
        } join;
        struct {
            PlSetOp op;
            bool is_all;
            bool by_name;
            bool allow_missing;
        } set_op;
        struct {
            const PxExpr **order; /* PX_SORT each */
            size_t norder;
            bool is_global;
        } sort;
        struct {
            int64_t count;           /* LIMIT, OFFSET, TAIL */
            const PxExpr *expr;      /* from SQL: LIMIT <expression>; NULL: count counts */
        } limit;
        struct {
            PlGroupType type;
            const PxExpr **groups;
            size_t ngroups;
            const PxExpr **aggregates; /* from SQL: the whole select list */
            size_t naggregates;
            bool is_select_list;     /* true: aggregates is the whole output; false: groups are put in front (DataFrame API) */
            const PxExpr *pivot;
            const PlValue *const *pivot_values;
            size_t npivot_values;
            const size_t *set_sizes; /* GROUPING SETS: sizes of consecutive runs in set_members */
            size_t nsets;
            const size_t *set_members; /* indexes into groups */
            const PxExpr *having;
        } aggregate;
        struct {
            Str arrow_ipc; /* an Arrow IPC stream; empty: no rows */
            const PlType *schema; /* NULL: as the stream says */
        } local;
        struct {
            const PxExpr **cells; /* nrows × ncolumns */
            size_t nrows, ncolumns;
        } values;
        struct {
            int64_t start, end, step;
            int partitions;
        } range;
        struct {
            Str name;
            const Str *columns; /* AS t(a, b) */
            size_t ncolumns;
        } alias;
        struct {
            const Str *names;
            const PrRel *const *plans;
            size_t count;
        } with;
        struct {
            const Str *names;
            size_t nnames;
        } to_df;
        struct {
            const PlOption *renames; /* key: old, value: new */
            size_t nrenames;
        } rename;
        struct {
            const PxNamed *columns;
            size_t ncolumns;
        } with_columns;
        struct {
            const PxExpr **exprs;
            size_t nexprs;
            const Str *names;
            size_t nnames;
        } drop;
        struct {
            const Str *columns;
            size_t ncolumns;
            bool all_columns;
        } deduplicate;
        struct {
            const PlType *schema;
        } to_schema;
        struct {
            double lower, upper;
            bool with_replacement;
            int64_t seed;
            bool has_seed;
            bool is_sorted; /* of rows in the order of their columns (randomSplit) */
        } sample;
        struct {
            int count; /* -1: not given */
            bool shuffle;
            const PxExpr **exprs; /* REPARTITION by expression: resolved for their errors only */
            size_t nexprs;
        } partition;
        struct {
            const PxExpr **ids;
            size_t nids;
            const PxExpr **values;
            size_t nvalues;
            bool has_values;
            Str variable_name, value_name;
            /* From SQL (from_sql): no ids, they are the columns that values does not name; a value may be a PX_ALIAS, its name goes into
             * the variable column; with several value columns each value is a PX_CALL struct(…). */
            bool from_sql;
            bool include_nulls;
            const Str *value_names; /* several value columns; then value_name is empty */
            size_t nvalue_names;
        } unpivot;
        struct {
            const PxExpr *generator;
            bool is_outer;
            Str alias; /* qualifies the columns; may be empty */
            const Str *columns; /* may be none: the generator's own names */
            size_t ncolumns;
        } generate;
        struct {
            const PxExpr *call; /* PX_CALL */
        } table_function;
        struct {
            const PxExpr **aggregates; /* PX_ALIAS where named */
            size_t naggregates;
            const PxExpr **columns; /* FOR (a, b) */
            size_t ncolumns;
            const PxExpr **values; /* IN (…): constants, PX_ALIAS where named; with several columns PX_CALL struct(…) */
            size_t nvalues;
        } pivot;
        struct {
            const Str *columns;
            size_t ncolumns;
            const PlValue *const *values; /* one for all columns or one each */
            size_t nvalues;
        } na_fill;
        struct {
            const Str *columns;
            size_t ncolumns;
            int min_non_nulls; /* -1: all must be non-null */
        } na_drop;
        struct {
            const Str *columns;
            size_t ncolumns;
            const PlValue *const *old_values;
            const PlValue *const *new_values;
            size_t nvalues;
        } na_replace;
        struct {
            int rows, truncate;
            bool vertical;
        } show;
        struct {
            const PlPython *function;
        } map_partitions;
        struct {
            Str name;
            const PxExpr **metrics;
            size_t nmetrics;
        } metrics;
        struct {
            Str id;
        } cached; /* input, if there is one: the same relation, whose meaning now counts as long as it is the kept plan's */
        struct {
            Str operation; /* the oneof's field name in catalog.proto: list_tables, current_database, … */
            const PlOption *arguments;
            size_t narguments;
        } catalog;
    };
};

/* The trees as text in parentheses, for tests and debugging: (call "+" (attribute "a") (literal int 1)). */
Str pl_unresolved_dump(Arena *arena, const PrRel *rel);
Str pl_unresolved_expr_dump(Arena *arena, const PxExpr *expr);
/* A constant as text: 1, "text", 2020-01-01; within these dumps and messages only. */
Str pl_value_dump(Arena *arena, const PlValue *value);

#endif
