/* az.h - what the files of analyze/ share: the context of one analysis, relations under construction, scopes of names.
 *
 * Private to this room. Invariant: every function that returns a pointer or bool for success has set ctx->err when it failed.
 */
#ifndef SOLDER_ANALYZE_AZ_H
#define SOLDER_ANALYZE_AZ_H

#include "analyze/analyze.h"
#include "base/vec.h"

typedef struct AzRel AzRel;
typedef struct AzAgg AzAgg;
typedef struct AzScope AzScope;

/* A common table expression in force. */
typedef struct AzCte {
    Str name;
    const PrRel *plan;
    const struct AzCte *outer; /* the ones that plan itself may see */
} AzCte;

typedef struct AzCtx {
    Arena *arena;
    const AzWorld *world;
    Err *err;
    uint32_t next_id;
    VEC(uint32_t) canon; /* by attribute id: the id that it repeats (select a, a), else itself */
    const AzCte *ctes;
    const AzScope *outer; /* the scope around a subquery's plan */
    bool names_files;     /* input_file_name() was called */
    bool used_outer;      /* a name was found in an enclosing query */
    int depth;            /* of nested relations, expressions and views */
} AzCtx;

enum { AZ_MAX_DEPTH = 3000 };

/* A resolved relation. attrs is what * gives; tr may have more columns (hidden ones). */
struct AzRel {
    const TrRel *tr;
    const TyAttr *attrs;
    size_t nattrs;
    const TyAttr *hidden; /* keys that a USING join dropped: found by qualified name only */
    size_t nhidden;
    int64_t plan_id;
    const AzRel *inputs[2]; /* for plan ids */
    const AzRel *under;     /* where ORDER BY and WHERE find columns that this projection dropped; NULL: nowhere */
    const AzRel *wrapped;   /* tr is a filter, sort or limit over this one's; else NULL */
    const AzAgg *agg;       /* the aggregation that this relation is, for HAVING and ORDER BY; or NULL */
};

/* A column of a select list that later ones may name (lateral alias). */
typedef struct AzAlias {
    Str name;
    const TxExpr *expr;
} AzAlias;

typedef struct AzLambdaScope {
    const TyAttr *params;
    size_t nparams;
    const struct AzLambdaScope *outer;
} AzLambdaScope;

typedef VEC(uint32_t) AzIds;

/* Where an expression's names are looked up. */
struct AzScope {
    const AzRel *inputs[2];
    size_t ninputs;
    const AzScope *outer;
    const AzLambdaScope *lambdas;
    const AzAlias *aliases;
    size_t naliases;
    bool inside_aggregate;
    bool is_window_function; /* the function of an OVER: its arguments may be aggregates of the query */
    const AzRel *fallback;  /* names that inputs don't have: its columns, and those under it */
    AzIds *missing;         /* ids that came from fallback */
};

/* A function call on its way through the rules. */
typedef struct AzCall {
    const PlFunction *fn;
    Str written; /* the name as the user wrote it */
    const TxExpr **args;
    const PxExpr **sources; /* what the arguments were; NULL for calls made here */
    size_t nargs;
    PlOrigin origin;
    bool is_distinct, ignore_nulls;
    const TxExpr *filter;
    const TxExpr *replaced; /* set by a coerce rule that turned the call into something else */
} AzCall;

/* errors.c */
bool az_fail(AzCtx *ctx, PlOrigin origin, const char *code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
bool az_not_supported(AzCtx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* UNRESOLVED_COLUMN with the nearest names, as Spark orders them. */
bool az_fail_unresolved(AzCtx *ctx, PlOrigin origin, const char *what, const Str *parts, size_t nparts, const TyAttr *attrs, size_t nattrs);
Str az_quote_parts(Arena *arena, const Str *parts, size_t nparts); /* `a`.`b` */
Str az_quote_type(AzCtx *ctx, const PlType *type);                  /* "INT" */
Str az_quote_expr(AzCtx *ctx, const TxExpr *expr);                  /* "(a + 1)" */
bool az_ambiguous(AzCtx *ctx, PlOrigin origin, const Str *parts, size_t nparts, const TyAttr *const *found, size_t nfound);

/* build.c: nodes */
uint32_t az_new_id(AzCtx *ctx);
uint32_t az_new_copy_id(AzCtx *ctx, uint32_t of);
uint32_t az_canon(const AzCtx *ctx, uint32_t id);
TyAttr az_attr(AzCtx *ctx, Str name, const PlType *type, bool nullable);
const TxExpr *az_column(AzCtx *ctx, const TyAttr *attr);
const TxExpr *az_literal(AzCtx *ctx, const PlValue *value);
const TxExpr *az_null(AzCtx *ctx, const PlType *type);
const TxExpr *az_int(AzCtx *ctx, int64_t value);
const TxExpr *az_bool(AzCtx *ctx, bool value);
const TxExpr *az_string(AzCtx *ctx, Str value);
const TxExpr *az_cast_to(AzCtx *ctx, const TxExpr *expr, const PlType *type); /* implicit; the same when it has that type */
const TxExpr *az_user_cast(AzCtx *ctx, PlOrigin origin, const TxExpr *expr, const PlType *type, PlCastMode mode);
const TxExpr *az_field(AzCtx *ctx, const TxExpr *child, size_t index);
TyNamed az_pass(AzCtx *ctx, const TyAttr *attr);
TyNamed az_named(AzCtx *ctx, Str name, const TxExpr *expr);
TrRel *az_tr(AzCtx *ctx, TrTag tag, const TrRel *input);
AzRel *az_rel(AzCtx *ctx, const TrRel *tr, const AzRel *input);
const TrRel *az_tr_project(AzCtx *ctx, const TrRel *input, const TyNamed *columns, size_t ncolumns);
const AzRel *az_project(AzCtx *ctx, const AzRel *input, const TyNamed *columns, size_t ncolumns);
const AzRel *az_visible(AzCtx *ctx, const AzRel *rel); /* the same with no hidden columns, tr's output = attrs */
bool az_enter(AzCtx *ctx);
void az_leave(AzCtx *ctx);
bool az_setting(const AzCtx *ctx, const char *key);

/* naming.c */
Str az_pretty(AzCtx *ctx, const TxExpr *expr);
Str az_value_text(Arena *arena, const PlValue *value, bool sql);
Str az_output_name(AzCtx *ctx, const PxExpr *source, const TxExpr *expr);

/* cast_rules.c */
bool az_can_cast(const PlType *from, const PlType *to);
bool az_cast_nullable(const PlType *from, const PlType *to);

/* coercion.c: common types */
const PlType *az_tightest_common(AzCtx *ctx, const PlType *a, const PlType *b);
const PlType *az_wider_type(AzCtx *ctx, const PlType *a, const PlType *b, bool promote_strings);
const PlType *az_wider_common(AzCtx *ctx, const TxExpr *const *exprs, size_t count);
const PlType *az_wider_common_types(AzCtx *ctx, const PlType *const *types, size_t count);
const PlType *az_decimal_for(AzCtx *ctx, const PlType *integral);
const PlType *az_decimal_bounded(AzCtx *ctx, int precision, int scale);
const PlType *az_decimal_wider(AzCtx *ctx, const PlType *a, const PlType *b);
const PlType *az_set_nullability(AzCtx *ctx, const PlType *type); /* everything inside nullable */
bool az_is_orderable(const PlType *t);

/* parameters.c: the args column */
bool az_check_arity(AzCtx *ctx, const AzCall *call);
bool az_param_is(const PlFunction *fn, size_t index, const char *type);
void az_add_defaults(AzCtx *ctx, AzCall *call);
bool az_coerce_args(AzCtx *ctx, AzCall *call, bool implicit);
const PlType *az_parse_type_name(AzCtx *ctx, Str text);
/* The type an argument must be cast to for an alternative list such as int|string; NULL: no way. */
const PlType *az_implicit_target(AzCtx *ctx, const PlType *type, Str alternatives, bool implicit);

/* operators.c and function_rules.c: rule tables */
typedef bool (*AzCoerceRule)(AzCtx *ctx, AzCall *call);
typedef const PlType *(*AzResultRule)(AzCtx *ctx, const AzCall *call);
typedef bool (*AzNullRule)(const AzCall *call, const PlType *result);
bool az_rule_arithmetic(AzCtx *ctx, AzCall *call);
bool az_rule_divide(AzCtx *ctx, AzCall *call);
bool az_rule_integral_divide(AzCtx *ctx, AzCall *call);
bool az_rule_compare(AzCtx *ctx, AzCall *call);
bool az_rule_bitwise(AzCtx *ctx, AzCall *call);
bool az_rule_logical(AzCtx *ctx, AzCall *call);
bool az_rule_unary(AzCtx *ctx, AzCall *call);
bool az_rule_date_shift(AzCtx *ctx, AzCall *call);
bool az_rule_subtract_timestamps(AzCtx *ctx, AzCall *call);
bool az_rule_in(AzCtx *ctx, AzCall *call);
const PlType *az_result_arithmetic(AzCtx *ctx, const AzCall *call);
bool az_rule_extract(AzCtx *ctx, AzCall *call); /* date_fields.c */
bool az_rule_from_json(AzCtx *ctx, AzCall *call); /* json.c, with the next three */
bool az_rule_to_json(AzCtx *ctx, AzCall *call);
bool az_rule_schema_of_json(AzCtx *ctx, AzCall *call);
const PlType *az_result_from_json(AzCtx *ctx, const AzCall *call);
AzCoerceRule az_coerce_rule(const char *name);
AzResultRule az_result_rule(const char *name);
AzNullRule az_null_rule(const char *name);

/* lambdas.c: resolves a higher-order function's lambda arguments in place of NULL ones. */
bool az_lambda_args(AzCtx *ctx, AzCall *call, const AzScope *scope);

/* calls.c */
const TxExpr *az_call(AzCtx *ctx, const PxExpr *px, const AzScope *scope);
/* A call of a registered function over typed arguments. */
const TxExpr *az_apply(AzCtx *ctx, const char *function, const TxExpr *const *args, size_t nargs);
const TxExpr *az_apply_call(AzCtx *ctx, AzCall *call);

/* names.c */
const TxExpr *az_attribute(AzCtx *ctx, const PxExpr *px, const AzScope *scope);
const TxExpr *az_extract(AzCtx *ctx, PlOrigin origin, const TxExpr *child, const TxExpr *key);
bool az_star(AzCtx *ctx, const PxExpr *px, const AzScope *scope, const TxExpr ***ret_exprs, Str **ret_names, size_t *ret_count);
bool az_regex(AzCtx *ctx, const PxExpr *px, const AzScope *scope, const TxExpr ***ret_exprs, Str **ret_names, size_t *ret_count);
/* The visible attribute of that name; NULL without an error when there is none or (is_ambiguous set) several. */
const TyAttr *az_find_attr(AzCtx *ctx, const AzRel *rel, Str name, bool *ret_ambiguous);
bool az_name_eq(const AzCtx *ctx, Str a, Str b);

/* expressions.c */
const TxExpr *az_expr(AzCtx *ctx, const PxExpr *px, const AzScope *scope);
/* Resolves expressions of a select list, stars expanded, named. */
typedef VEC(TyNamed) AzColumns;
bool az_select_list(AzCtx *ctx, const PxExpr *const *exprs, size_t nexprs, AzScope *scope, AzColumns *columns);
bool az_sort_keys(AzCtx *ctx, const PxExpr *const *order, size_t norder, const AzScope *scope, TySort **ret_keys);

/* windows.c, generators.c, python_udfs.c, subquery.c: what leaves a select list for a relation of its own */
const TxExpr *az_window(AzCtx *ctx, const PxExpr *px, const AzScope *scope);
bool az_has_tag(const TxExpr *expr, TxTag tag);
bool az_has_generator(const TxExpr *expr);
const TrRel *az_extract_windows(AzCtx *ctx, const TrRel *input, TyNamed *columns, size_t ncolumns);
const TrRel *az_extract_python(AzCtx *ctx, const TrRel *input, TyNamed *columns, size_t ncolumns);
const TxExpr *az_subquery(AzCtx *ctx, const PxExpr *px, const AzScope *scope);
const AzRel *az_generate(AzCtx *ctx, const AzRel *input, const TxExpr *generator, bool outer, const Str *names, size_t nnames, Str alias);

/* relations */
const AzRel *az_relation(AzCtx *ctx, const PrRel *pr);
AzScope az_scope_of(const AzCtx *ctx, const AzRel *input);
const AzRel *az_leaf(AzCtx *ctx, const PrRel *pr);
const AzRel *az_project_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_filter_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_sort_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_join_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_set_op_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_aggregate_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_columns_rel(AzCtx *ctx, const PrRel *pr); /* columns.c: withColumns, rename, drop, toDF, to */
const AzRel *az_na_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_unpivot_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_deduplicate_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_rows_rel(AzCtx *ctx, const PrRel *pr); /* rows.c: limit, offset, tail, sample, show, metrics, python */
/* Selects over input, extracting windows, generators and Python functions. */
const AzRel *az_select(AzCtx *ctx, const AzRel *input, TyNamed *columns, size_t ncolumns);
/* An aggregation over input: groups may be empty. */
const AzRel *az_global_aggregate(AzCtx *ctx, const AzRel *input, const TyNamed *columns, size_t ncolumns);
/* The aggregation with exprs (over its output, its input and new aggregates) appended: each is replaced by its column. */
const AzRel *az_agg_extend(AzCtx *ctx, const AzRel *rel, const TxExpr **exprs, size_t nexprs, const PxExpr *const *sources);
/* The aggregation with a condition of that kind before its select list (HAVING). */
const AzRel *az_agg_filter(AzCtx *ctx, const AzRel *rel, const TxExpr *condition, const PxExpr *source);
/* A scope in which names come from an aggregation's output, then from its input. */
AzScope az_agg_scope(AzCtx *ctx, const AzRel *rel, AzIds *missing);
/* A unary node over input: the same names, tr wrapped. */
AzRel *az_wrap(AzCtx *ctx, const TrRel *tr, const AzRel *input);
/* The tree with each row's file where input_file_name() asks for it. */
const TrRel *az_name_files(AzCtx *ctx, const TrRel *rel);
const TrRel *az_renumber(AzCtx *ctx, const TrRel *tr); /* a copy with attribute ids of its own */
const AzRel *az_lateral_view_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_table_function_rel(AzCtx *ctx, const PrRel *pr);
const AzRel *az_pivot_rel(AzCtx *ctx, const PrRel *pr); /* PIVOT of SQL */
const AzRel *az_with_rel(AzCtx *ctx, const PrRel *pr);
const TxExpr *az_to_condition(AzCtx *ctx, PlOrigin origin, const TxExpr *expr, const char *clause);
/* rel with the columns of those ids added from under its projections. */
const AzRel *az_add_missing(AzCtx *ctx, const AzRel *rel, const AzIds *ids);
/* rel restricted to attrs again. */
const AzRel *az_restrict(AzCtx *ctx, const AzRel *rel, const AzRel *like);
bool az_int_constant(AzCtx *ctx, const PxExpr *px, const char *what, int64_t *ret_value);

#endif
