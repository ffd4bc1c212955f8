/* decode_stat.c - DataFrame.na and DataFrame.stat from protobuf. describe, cov, corr and sampleBy are built from aggregates, generators and
 * filters, as Spark defines them; the rest of the statistics are named errors.
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

static const PxExpr *cast_to(const CnDecode *decode, const PxExpr *child, const PlType *type) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_CAST);
    expr->cast.child = child;
    expr->cast.type = type;
    expr->cast.mode = PL_CAST_LEGACY;
    return expr;
}

static const PxExpr *text(const CnDecode *decode, Str s) {
    PlValue *value = ARENA_NEW(decode->arena, PlValue);
    value->type = &PL_STRING;
    value->s = s;
    return literal(decode, value);
}

/* One statistic of one column as a string. */
static const PxExpr *statistic(const CnDecode *decode, Str name, const PlField *field, Err *err) {
    PxExpr *column = cn_decode_expr_new(decode->arena, PX_ATTRIBUTE);
    Str *parts = ARENA_NEW(decode->arena, Str);
    *parts = field->name;
    column->attribute.parts = parts;
    column->attribute.nparts = 1;
    column->attribute.plan_id = -1;
    const PxExpr *number = field->type->kind == PL_TYPE_STRING ? cast_to(decode, column, &PL_DOUBLE) : column;
    PxExpr *result = NULL;
    if (str_eq_c(name, "count") || str_eq_c(name, "min") || str_eq_c(name, "max") || str_eq_c(name, "approx_count_distinct")) {
        result = call(decode, str_to_c(decode->arena, name), 1, column);
    } else if (str_eq_c(name, "mean") || str_eq_c(name, "stddev")) {
        result = call(decode, str_eq_c(name, "mean") ? "avg" : "stddev_samp", 1, number);
    } else if (str_eq_c(name, "count_distinct")) {
        result = call(decode, "count", 1, column);
        result->call.is_distinct = true;
    } else if (str_ends_with(name, STR("%"))) {
        (void)refuse(err, "summary with percentiles");
        return NULL;
    } else {
        (void)err_set(err, "SOLDER.BAD_REQUEST", "%.*s is not a recognised statistic", STR_ARG(name));
        return NULL;
    }
    return cast_to(decode, result, &PL_STRING);
}

/* All statistics of all columns in one aggregate's row, then stack() makes a row of each statistic. */
static const PrRel *statistics(const CnDecode *decode, const PrRel *input, const Str *names, size_t nnames, Err *err) {
    Arena *arena = decode->arena;
    const PlType *type = decode->world->schema(decode->world->self, input, err);
    if (type == NULL) {
        return NULL;
    }
    size_t width = 1;
    const PlField **fields = ARENA_ARRAY(arena, const PlField *, type->nfields);
    for (size_t i = 0; i < type->nfields; i++) { /* Spark leaves all other types out */
        if (type->fields[i].type->kind == PL_TYPE_STRING || pl_type_is_numeric(type->fields[i].type)) {
            fields[width++ - 1] = &type->fields[i];
        }
    }
    PrRel *aggregate = cn_decode_rel_new(arena, PR_AGGREGATE), *project = cn_decode_rel_new(arena, PR_PROJECT);
    PxExpr *stack = cn_decode_expr_new(arena, PX_CALL), *alias = cn_decode_expr_new(arena, PX_ALIAS);
    Str *columns = ARENA_ARRAY(arena, Str, width);
    stack->call.name = STR("stack");
    stack->call.nargs = 1 + nnames * width;
    stack->call.args = ARENA_ARRAY(arena, const PxExpr *, stack->call.nargs);
    PlValue *rows = ARENA_NEW(arena, PlValue);
    *rows = (PlValue){.type = &PL_INT, .i = (int64_t)nnames};
    stack->call.args[0] = literal(decode, rows);
    aggregate->input = input;
    aggregate->aggregate.type = PL_GROUP_BY;
    aggregate->aggregate.aggregates = ARENA_ARRAY(arena, const PxExpr *, nnames * width);
    columns[0] = STR("summary");
    for (size_t i = 0; i < nnames; i++) {
        stack->call.args[1 + i * width] = text(decode, names[i]);
        for (size_t k = 1; k < width; k++) {
            const PxExpr *value = statistic(decode, names[i], fields[k - 1], err);
            if (value == NULL) {
                return NULL;
            }
            const char *name = str_fmt(arena, "s%zu_%zu", i, k).data;
            aggregate->aggregate.aggregates[aggregate->aggregate.naggregates++] = named(decode, value, name);
            stack->call.args[1 + i * width + k] = column(decode, str_from_c(name), err);
            columns[k] = fields[k - 1]->name;
        }
    }
    alias->alias.child = stack;
    alias->alias.names = columns;
    alias->alias.nnames = width;
    project->input = aggregate;
    project->project.nexprs = 1;
    project->project.exprs = ARENA_NEW(arena, const PxExpr *);
    project->project.exprs[0] = alias;
    return project;
}

static const PrRel *summary(const CnDecode *decode, const Spark__Connect__StatSummary *message, Err *err) {
    static const Str ALL[] = {{"count", 5}, {"mean", 4}, {"stddev", 6}, {"min", 3}, {"25%", 3}, {"50%", 3}, {"75%", 3}, {"max", 3}};
    const PrRel *input = cn_decode_relation(decode, message->input, err);
    if (input == NULL) {
        return NULL;
    }
    if (message->n_statistics == 0) {
        return statistics(decode, input, ALL, sizeof ALL / sizeof ALL[0], err);
    }
    return statistics(decode, input, cn_decode_strs(decode->arena, message->n_statistics, message->statistics), message->n_statistics, err);
}

static const PrRel *describe(const CnDecode *decode, const Spark__Connect__StatDescribe *message, Err *err) {
    static const Str SOME[] = {{"count", 5}, {"mean", 4}, {"stddev", 6}, {"min", 3}, {"max", 3}};
    const PrRel *input = cn_decode_relation(decode, message->input, err);
    if (input != NULL && message->n_cols > 0) {
        PrRel *project = cn_decode_rel_new(decode->arena, PR_PROJECT);
        project->input = input;
        project->project.nexprs = message->n_cols;
        project->project.exprs = ARENA_ARRAY(decode->arena, const PxExpr *, message->n_cols);
        for (size_t i = 0; i < message->n_cols; i++) {
            project->project.exprs[i] = column(decode, CN_STR(message->cols[i]), err);
            if (project->project.exprs[i] == NULL) {
                return NULL;
            }
        }
        input = project;
    }
    return input == NULL ? NULL : statistics(decode, input, SOME, sizeof SOME / sizeof SOME[0], err);
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
    case SPARK__CONNECT__RELATION__REL_TYPE_SUMMARY: return summary(d, r->summary, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CROSSTAB: return refuse(err, "crosstab");
    case SPARK__CONNECT__RELATION__REL_TYPE_DESCRIBE: return describe(d, r->describe, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_APPROX_QUANTILE: return refuse(err, "approxQuantile");
    case SPARK__CONNECT__RELATION__REL_TYPE_FREQ_ITEMS: return refuse(err, "freqItems");
    default: return refuse(err, "This statistic");
    }
}
