/* decode_stat.c - DataFrame.na and DataFrame.stat from protobuf. cov, corr and sampleBy are built from aggregates and filters, as Spark
 * defines them; the rest of the statistics are named errors.
 */
#include "connect/decode_parts.h"

static const PrRel *refuse(Err *err, const char *what) {
    (void)err_set(err, ERR_NOT_SUPPORTED, "%s is not supported on the embedded engine yet", what);
    return NULL;
}

static const PrRel *na_fill(const CnDecode *decode, const Spark__Connect__NAFill *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_NA_FILL, message->input, err);
    if (rel == NULL) {
        return NULL;
    }
    if (message->n_values == 0 || (message->n_values > 1 && message->n_values != message->n_cols)) {
        (void)err_set(err, "SOLDER.BAD_REQUEST", "na.fill takes one value, or one for each column");
        return NULL;
    }
    const PlValue **values = ARENA_ARRAY(decode->arena, const PlValue *, message->n_values);
    for (size_t i = 0; i < message->n_values; i++) {
        values[i] = cn_decode_literal(decode->arena, message->values[i], err);
        if (values[i] == NULL) {
            return NULL;
        }
    }
    rel->na_fill.columns = cn_decode_strs(decode->arena, message->n_cols, message->cols);
    rel->na_fill.ncolumns = message->n_cols;
    rel->na_fill.values = values;
    rel->na_fill.nvalues = message->n_values;
    return rel;
}

static const PrRel *na_drop(const CnDecode *decode, const Spark__Connect__NADrop *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_NA_DROP, message->input, err);
    if (rel != NULL) {
        rel->na_drop.columns = cn_decode_strs(decode->arena, message->n_cols, message->cols);
        rel->na_drop.ncolumns = message->n_cols;
        rel->na_drop.min_non_nulls = message->has_min_non_nulls ? message->min_non_nulls : -1;
    }
    return rel;
}

static const PrRel *na_replace(const CnDecode *decode, const Spark__Connect__NAReplace *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_NA_REPLACE, message->input, err);
    if (rel == NULL) {
        return NULL;
    }
    size_t n = message->n_replacements;
    const PlValue **old_values = ARENA_ARRAY(decode->arena, const PlValue *, n);
    const PlValue **new_values = ARENA_ARRAY(decode->arena, const PlValue *, n);
    for (size_t i = 0; i < n; i++) {
        old_values[i] = cn_decode_literal(decode->arena, message->replacements[i]->old_value, err);
        new_values[i] = old_values[i] == NULL ? NULL : cn_decode_literal(decode->arena, message->replacements[i]->new_value, err);
        if (new_values[i] == NULL) {
            return NULL;
        }
    }
    rel->na_replace.columns = cn_decode_strs(decode->arena, message->n_cols, message->cols);
    rel->na_replace.ncolumns = message->n_cols;
    rel->na_replace.old_values = old_values;
    rel->na_replace.new_values = new_values;
    rel->na_replace.nvalues = n;
    return rel;
}

static const PxExpr *column(const CnDecode *decode, Str name, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_ATTRIBUTE);
    expr->attribute.plan_id = -1;
    return sq_parse_name(decode->arena, name, &expr->attribute.parts, &expr->attribute.nparts, err) ? expr : NULL;
}

static PxExpr *call(const CnDecode *decode, const char *name, size_t nargs, ...) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_CALL);
    expr->call.name = str_from_c(name);
    expr->call.nargs = nargs;
    expr->call.args = ARENA_ARRAY(decode->arena, const PxExpr *, nargs);
    va_list args;
    va_start(args, nargs);
    for (size_t i = 0; i < nargs; i++) {
        expr->call.args[i] = va_arg(args, const PxExpr *);
    }
    va_end(args);
    return expr;
}

static const PxExpr *literal(const CnDecode *decode, const PlValue *value) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_LITERAL);
    expr->literal = value;
    return expr;
}

static const PxExpr *real(const CnDecode *decode, double f) {
    PlValue *value = ARENA_NEW(decode->arena, PlValue);
    value->type = &PL_DOUBLE;
    value->f = f;
    return literal(decode, value);
}

static const PxExpr *named(const CnDecode *decode, const PxExpr *child, const char *name) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_ALIAS);
    Str *names = ARENA_NEW(decode->arena, Str);
    *names = str_from_c(name);
    expr->alias.child = child;
    expr->alias.names = names;
    expr->alias.nnames = 1;
    return expr;
}

/* One row with function(col1, col2): Spark counts rows with a null in either as zeros (StatFunctions.calculateCovImpl: na.fill(0)). */
static const PrRel *two_columns(const CnDecode *decode, const char *function, const char *name, const Spark__Connect__Relation *input, Str col1,
                                Str col2, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_AGGREGATE, input, err);
    const PxExpr *a = rel == NULL ? NULL : column(decode, col1, err);
    const PxExpr *b = a == NULL ? NULL : column(decode, col2, err);
    if (b == NULL) {
        return NULL;
    }
    PxExpr *left = cn_decode_expr_new(decode->arena, PX_CAST), *right = cn_decode_expr_new(decode->arena, PX_CAST);
    left->cast.child = a;
    right->cast.child = b;
    left->cast.type = right->cast.type = &PL_DOUBLE;
    left->cast.mode = right->cast.mode = PL_CAST_LEGACY;
    const PxExpr *zero = real(decode, 0.0);
    const PxExpr *result = call(decode, function, 2, call(decode, "coalesce", 2, left, zero), call(decode, "coalesce", 2, right, zero));
    rel->aggregate.type = PL_GROUP_BY;
    rel->aggregate.aggregates = ARENA_NEW(decode->arena, const PxExpr *);
    rel->aggregate.aggregates[0] = named(decode, result, name);
    rel->aggregate.naggregates = 1;
    return rel;
}

/* Rows for which rand(seed) is below their stratum's fraction; a stratum that is not named has none. */
static const PrRel *sample_by(const CnDecode *decode, const Spark__Connect__StatSampleBy *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_FILTER, message->input, err);
    const PxExpr *stratum = rel == NULL ? NULL : cn_decode_expression(decode, message->col, err);
    if (stratum == NULL) {
        return NULL;
    }
    size_t n = message->n_fractions;
    PxExpr *fraction = cn_decode_expr_new(decode->arena, PX_CALL);
    fraction->call.name = STR("when");
    fraction->call.nargs = 2 * n + 1;
    fraction->call.args = ARENA_ARRAY(decode->arena, const PxExpr *, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        const PlValue *value = cn_decode_literal(decode->arena, message->fractions[i]->stratum, err);
        if (value == NULL) {
            return NULL;
        }
        fraction->call.args[2 * i] = call(decode, "==", 2, stratum, literal(decode, value));
        fraction->call.args[2 * i + 1] = real(decode, message->fractions[i]->fraction);
    }
    fraction->call.args[2 * n] = real(decode, 0.0);
    PlValue *seed = ARENA_NEW(decode->arena, PlValue);
    seed->type = &PL_LONG;
    seed->i = message->has_seed ? message->seed : 0;
    const PxExpr *random = message->has_seed ? call(decode, "rand", 1, literal(decode, seed)) : call(decode, "rand", 0);
    rel->filter.condition = call(decode, "<", 2, random, n > 0 ? fraction : fraction->call.args[0]);
    return rel;
}

const PrRel *cn_decode_stat(const CnDecode *d, const Spark__Connect__Relation *r, Err *err) {
    switch ((int)r->rel_type_case) {
    case SPARK__CONNECT__RELATION__REL_TYPE_FILL_NA: return na_fill(d, r->fill_na, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_DROP_NA: return na_drop(d, r->drop_na, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_REPLACE: return na_replace(d, r->replace, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_COV:
        return two_columns(d, "covar_samp", "cov", r->cov->input, CN_STR(r->cov->col1), CN_STR(r->cov->col2), err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CORR:
        if (r->corr->has_method && !str_eq_c(CN_STR(r->corr->method), "pearson")) {
            (void)err_set(err, "SOLDER.BAD_REQUEST", "Currently only the calculation of the Pearson Correlation coefficient is supported.");
            return NULL;
        }
        return two_columns(d, "corr", "corr", r->corr->input, CN_STR(r->corr->col1), CN_STR(r->corr->col2), err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SAMPLE_BY: return sample_by(d, r->sample_by, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SUMMARY: return refuse(err, "summary");
    case SPARK__CONNECT__RELATION__REL_TYPE_CROSSTAB: return refuse(err, "crosstab");
    case SPARK__CONNECT__RELATION__REL_TYPE_DESCRIBE: return refuse(err, "describe");
    case SPARK__CONNECT__RELATION__REL_TYPE_APPROX_QUANTILE: return refuse(err, "approxQuantile");
    case SPARK__CONNECT__RELATION__REL_TYPE_FREQ_ITEMS: return refuse(err, "freqItems");
    default: return refuse(err, "This statistic");
    }
}
