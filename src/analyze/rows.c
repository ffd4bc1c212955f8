/* rows.c - relations that choose, repeat or show rows and leave the columns' meaning alone: limit, sample, distinct, unpivot, show, metrics.
 *
 * Called by analyze.c.
 */
#include "analyze/az.h"

#include <string.h>
#include <time.h>

static const AzRel *limit(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    int64_t count = pr->limit.count;
    const char *what = pr->tag == PR_OFFSET ? "offset" : pr->tag == PR_TAIL ? "tail" : "limit";
    if (pr->limit.expr != NULL && !az_int_constant(ctx, pr->limit.expr, what, &count)) {
        return NULL;
    }
    if (count < 0) {
        err_set(ctx->err, "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
                "The limit like expression \"%lld\" is invalid. The %s expression must be equal to or greater than 0, but got %lld.",
                (long long)count, what, (long long)count);
        return NULL;
    }
    TrRel *tr = az_tr(ctx, pr->tag == PR_TAIL ? TR_TAIL : TR_LIMIT, input->tr);
    tr->limit.limit = pr->tag == PR_OFFSET ? -1 : count;
    tr->limit.offset = pr->tag == PR_OFFSET ? count : 0;
    AzRel *rel = az_wrap(ctx, tr, input);
    rel->agg = NULL;
    return rel;
}

static const AzRel *sample(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    double fraction = pr->sample.upper - pr->sample.lower;
    bool is_repeating = pr->sample.with_replacement;
    if (fraction < -1e-6 || (!is_repeating && fraction > 1 + 1e-6)) {
        err_set(ctx->err, "_LEGACY_ERROR_ILLEGAL_ARGUMENT", "requirement failed: Sampling fraction (%g) must be %s", fraction,
                is_repeating ? "nonnegative with replacement" : "on interval [0, 1] without replacement");
        return NULL;
    }
    const TrRel *below = input->tr;
    if (pr->sample.is_sorted) {
        TrRel *sorted = az_tr(ctx, TR_SORT, below);
        TySort *keys = ARENA_ARRAY(ctx->arena, TySort, input->nattrs);
        size_t nkeys = 0;
        for (size_t i = 0; i < input->nattrs; i++) {
            if (az_is_orderable(input->attrs[i].type)) {
                keys[nkeys++] = (TySort){.expr = az_column(ctx, &input->attrs[i]), .nulls_first = true};
            }
        }
        sorted->sort.keys = keys;
        sorted->sort.nkeys = nkeys;
        below = nkeys > 0 ? sorted : below;
    }
    TrRel *tr = az_tr(ctx, TR_SAMPLE, below);
    tr->sample.is_seeded = pr->sample.has_seed;
    tr->sample.lower = pr->sample.lower;
    tr->sample.upper = pr->sample.upper;
    tr->sample.with_replacement = pr->sample.with_replacement;
    tr->sample.seed = pr->sample.seed;
    if (!pr->sample.has_seed) {
        struct timespec now = {0};
        (void)clock_gettime(CLOCK_REALTIME, &now);
        tr->sample.seed = (int64_t)now.tv_nsec ^ (int64_t)now.tv_sec;
    }
    return az_wrap(ctx, tr, input);
}

static const AzRel *repartition(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    AzScope scope = az_scope_of(ctx, input);
    for (size_t i = 0; i < pr->partition.nexprs; i++) {
        if (az_expr(ctx, pr->partition.exprs[i], &scope) == NULL) {
            return NULL;
        }
    }
    return input;
}

static const AzRel *show(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    input = az_visible(ctx, input);
    bool html = pr->tag == PR_HTML_STRING;
    TrRel *tr = az_tr(ctx, html ? TR_HTML_STRING : TR_SHOW_STRING, input->tr);
    TyAttr *attr = ARENA_NEW(ctx->arena, TyAttr);
    *attr = az_attr(ctx, html ? STR("html_string") : STR("show_string"), &PL_STRING, false);
    tr->output = attr;
    tr->noutput = 1;
    tr->show.rows = pr->show.rows;
    tr->show.truncate = pr->show.truncate;
    tr->show.vertical = pr->show.vertical;
    return az_rel(ctx, tr, input);
}

static const AzRel *map_partitions(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    input = az_visible(ctx, input);
    const PlType *result = pr->map_partitions.function->result;
    if (result->kind != PL_TYPE_STRUCT) {
        Str type = az_quote_type(ctx, result);
        err_set(ctx->err, "INVALID_PLAN_INPUT", "The result of a function over partitions must be a struct type, but is %.*s.", STR_ARG(type));
        return NULL;
    }
    TrRel *tr = az_tr(ctx, TR_PYTHON, input->tr);
    TyAttr *attrs = ARENA_ARRAY(ctx->arena, TyAttr, result->nfields);
    for (size_t i = 0; i < result->nfields; i++) {
        attrs[i] = az_attr(ctx, result->fields[i].name, result->fields[i].type, result->fields[i].nullable);
        attrs[i].metadata_json = result->fields[i].metadata_json;
    }
    tr->output = attrs;
    tr->noutput = result->nfields;
    tr->python.function = pr->map_partitions.function;
    return az_rel(ctx, tr, input);
}

static const AzRel *metrics(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    AzScope scope = az_scope_of(ctx, input);
    AzColumns columns = {.arena = ctx->arena};
    if (!az_select_list(ctx, pr->metrics.metrics, pr->metrics.nmetrics, &scope, &columns)) {
        return NULL;
    }
    for (size_t i = 0; i < columns.count; i++) {
        const TxExpr *expr = columns.items[i].expr;
        if (az_has_tag(expr, TX_WINDOW)) {
            Str shown = az_quote_expr(ctx, expr);
            err_set(ctx->err, "INVALID_OBSERVED_METRICS.WINDOW_EXPRESSIONS_UNSUPPORTED",
                    "Invalid observed metrics. Window function expressions are not allowed in observed metrics, but found: %.*s.", STR_ARG(shown));
            return NULL;
        }
        if (!az_has_tag(expr, TX_AGGREGATE) && expr->tag != TX_LITERAL) {
            Str shown = az_quote_expr(ctx, expr);
            err_set(ctx->err, "INVALID_OBSERVED_METRICS.NON_AGGREGATE_FUNC_ARG_IS_ATTRIBUTE",
                    "Invalid observed metrics. Attribute %.*s can only be used as an argument to an aggregate function.", STR_ARG(shown));
            return NULL;
        }
    }
    TrRel *tr = az_tr(ctx, TR_COLLECT_METRICS, input->tr);
    tr->metrics.name = pr->metrics.name;
    tr->metrics.metrics = columns.items;
    tr->metrics.nmetrics = columns.count;
    AzRel *rel = az_wrap(ctx, tr, input);
    rel->wrapped = NULL; /* the metrics see the columns as they are */
    rel->under = NULL;
    rel->agg = NULL;
    return rel;
}

const AzRel *az_rows_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    if (pr->tag == PR_LIMIT || pr->tag == PR_OFFSET || pr->tag == PR_TAIL) {
        return limit(ctx, pr, input);
    }
    if (pr->tag == PR_SAMPLE) {
        return sample(ctx, pr, input);
    }
    if (pr->tag == PR_REPARTITION) {
        return repartition(ctx, pr, input);
    }
    if (pr->tag == PR_HINT) {
        return input;
    }
    if (pr->tag == PR_MAP_PARTITIONS) {
        return map_partitions(ctx, pr, input);
    }
    return pr->tag == PR_COLLECT_METRICS ? metrics(ctx, pr, input) : show(ctx, pr, input);
}

/* ---- distinct ---- */

static bool check_distinct(AzCtx *ctx, const TyAttr *attr) {
    if (attr->type->kind != PL_TYPE_MAP) {
        return true;
    }
    Str sql = pl_type_sql(ctx->arena, attr->type);
    return err_set(ctx->err, "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE",
                   "The feature is not supported: Cannot have MAP type columns in DataFrame which calls set operations (INTERSECT, EXCEPT, "
                   "etc.), but the type of column `%.*s` is \"%.*s\".",
                   STR_ARG(attr->name), STR_ARG(sql));
}

const AzRel *az_deduplicate_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    input = az_visible(ctx, input);
    size_t named = pr->deduplicate.ncolumns;
    bool all = pr->deduplicate.all_columns || named == 0;
    for (size_t i = 0; i < named; i++) {
        bool ambiguous = false;
        if (az_find_attr(ctx, input, pr->deduplicate.columns[i], &ambiguous) == NULL && !ambiguous) {
            StrBuf list = {.arena = ctx->arena};
            for (size_t k = 0; k < input->nattrs; k++) {
                strbuf_fmt(&list, "%s%.*s", k > 0 ? ", " : "", STR_ARG(input->attrs[k].name));
            }
            Str names = strbuf_str(&list);
            az_fail(ctx, pr->origin, "_LEGACY_ERROR_TEMP_1201", "Cannot resolve column name \"%.*s\" among (%.*s).",
                    STR_ARG(pr->deduplicate.columns[i]), STR_ARG(names));
            return NULL;
        }
    }
    TrRel *tr = az_tr(ctx, TR_AGGREGATE, input->tr);
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, input->nattrs);
    VEC(const TxExpr *) groups = {.arena = ctx->arena};
    for (size_t i = 0; i < input->nattrs; i++) {
        const TyAttr *attr = &input->attrs[i];
        bool key = all;
        for (size_t k = 0; k < named; k++) {
            key = key || az_name_eq(ctx, attr->name, pr->deduplicate.columns[k]);
        }
        columns[i] = az_pass(ctx, attr);
        if (key) {
            if (!check_distinct(ctx, attr)) {
                return NULL;
            }
            VEC_PUSH(&groups, columns[i].expr);
        } else {
            columns[i].expr = az_apply(ctx, "first", &columns[i].expr, 1);
            if (columns[i].expr == NULL) {
                return NULL;
            }
        }
    }
    tr->aggregate.groups = groups.items;
    tr->aggregate.ngroups = groups.count;
    tr->aggregate.columns = columns;
    return az_rel(ctx, tr, input);
}

/* ---- unpivot ---- */

static bool unpivot_values(AzCtx *ctx, const PrRel *pr, const AzRel *input, const AzColumns *ids, AzColumns *values) {
    AzScope scope = az_scope_of(ctx, input);
    if (pr->unpivot.has_values || pr->unpivot.nvalues > 0) {
        return az_select_list(ctx, pr->unpivot.values, pr->unpivot.nvalues, &scope, values);
    }
    for (size_t i = 0; i < input->nattrs; i++) {
        bool is_id = false;
        for (size_t k = 0; k < ids->count; k++) {
            is_id = is_id || ids->items[k].attr.id == input->attrs[i].id;
        }
        if (!is_id) {
            TyNamed pass = az_pass(ctx, &input->attrs[i]);
            VEC_PUSH(values, pass);
        }
    }
    return true;
}

static bool unpivot_ids(AzCtx *ctx, const PrRel *pr, const AzRel *input, const AzColumns *values, AzColumns *ids) {
    AzScope scope = az_scope_of(ctx, input);
    if (!pr->unpivot.from_sql) {
        return az_select_list(ctx, pr->unpivot.ids, pr->unpivot.nids, &scope, ids);
    }
    for (size_t i = 0; i < input->nattrs; i++) {
        bool used = false;
        for (size_t k = 0; k < values->count; k++) {
            used = used || (values->items[k].expr->tag == TX_COLUMN && values->items[k].expr->column.id == input->attrs[i].id);
        }
        if (!used) {
            TyNamed pass = az_pass(ctx, &input->attrs[i]);
            VEC_PUSH(ids, pass);
        }
    }
    return true;
}

const AzRel *az_unpivot_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    input = az_visible(ctx, input);
    if (pr->unpivot.nvalue_names > 1) {
        az_not_supported(ctx, "UNPIVOT with several value columns is not supported yet.");
        return NULL;
    }
    AzColumns ids = {.arena = ctx->arena};
    AzColumns values = {.arena = ctx->arena};
    bool ok = pr->unpivot.from_sql ? unpivot_values(ctx, pr, input, &ids, &values) && unpivot_ids(ctx, pr, input, &values, &ids)
                                   : unpivot_ids(ctx, pr, input, NULL, &ids) && unpivot_values(ctx, pr, input, &ids, &values);
    if (!ok) {
        return NULL;
    }
    if (values.count == 0) {
        err_set(ctx->err, "UNPIVOT_REQUIRES_VALUE_COLUMNS",
                "At least one value column needs to be specified for UNPIVOT, all columns specified as ids.");
        return NULL;
    }
    const TxExpr **exprs = ARENA_ARRAY(ctx->arena, const TxExpr *, values.count);
    for (size_t i = 0; i < values.count; i++) {
        exprs[i] = values.items[i].expr;
    }
    const PlType *common = &PL_NULL;
    for (size_t i = 0; i < values.count && common != NULL; i++) {
        common = az_wider_type(ctx, common, exprs[i]->type, false);
    }
    if (common == NULL) {
        StrBuf list = {.arena = ctx->arena};
        for (size_t i = 0; i < values.count; i++) {
            Str type = az_quote_type(ctx, exprs[i]->type);
            strbuf_fmt(&list, "%s%.*s (`%.*s`)", i > 0 ? ", " : "", STR_ARG(type), STR_ARG(values.items[i].attr.name));
        }
        Str types = strbuf_str(&list);
        err_set(ctx->err, "UNPIVOT_VALUE_DATA_TYPE_MISMATCH",
                "Unpivot value columns must share a least common type, some types do not: [%.*s].", STR_ARG(types));
        return NULL;
    }
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, 1 + 2 * values.count);
    args[0] = az_int(ctx, (int64_t)values.count);
    bool nullable = false;
    for (size_t i = 0; i < values.count; i++) {
        args[1 + 2 * i] = az_string(ctx, values.items[i].attr.name);
        args[2 + 2 * i] = az_cast_to(ctx, exprs[i], common);
        nullable = nullable || args[2 + 2 * i]->nullable;
    }
    const TxExpr *stack = az_apply(ctx, "stack", args, 1 + 2 * values.count);
    if (stack == NULL) {
        return NULL;
    }
    Str value_name = pr->unpivot.nvalue_names == 1 ? pr->unpivot.value_names[0] : pr->unpivot.value_name;
    PlField fields[] = {{pr->unpivot.variable_name, &PL_STRING, false, {0}}, {value_name, common, nullable, {0}}};
    TxExpr *named = ARENA_NEW(ctx->arena, TxExpr);
    *named = *stack;
    named->type = pl_struct(ctx->arena, fields, 2);
    const AzRel *made = az_generate(ctx, input, named, false, NULL, 0, (Str){0});
    if (made == NULL) {
        return NULL;
    }
    AzColumns columns = ids;
    for (size_t i = made->nattrs - 2; i < made->nattrs; i++) {
        TyNamed pass = az_pass(ctx, &made->attrs[i]);
        VEC_PUSH(&columns, pass);
    }
    if (pr->unpivot.from_sql && !pr->unpivot.include_nulls) {
        const TxExpr *value = az_column(ctx, &made->attrs[made->nattrs - 1]);
        TrRel *filter = az_tr(ctx, TR_FILTER, made->tr);
        filter->filter.condition = az_apply(ctx, "isnotnull", &value, 1);
        if (filter->filter.condition == NULL) {
            return NULL;
        }
        made = az_wrap(ctx, filter, made);
    }
    return az_project(ctx, made, columns.items, columns.count);
}
