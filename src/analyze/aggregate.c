/* aggregate.c - GROUP BY, rollup, cube, grouping sets, HAVING, and select lists with aggregates.
 *
 * Called by analyze.c and project.c. An aggregation is kept as a recipe (AzAgg) next to its relation, so that HAVING and ORDER BY may add
 * aggregates to it. Invariant: in TR_AGGREGATE groups are columns of the input, and each output column is a group, one TX_AGGREGATE or a
 * grouping function; all that is computed from them stands in a projection above.
 */
#include "analyze/az.h"

#include <string.h>

struct AzAgg {
    const AzRel *child;
    const TrRel *base;        /* child with the grouping expressions that are not columns */
    const TxExpr **exprs;     /* the grouping expressions, over child */
    const TyAttr *inputs;     /* their columns in base */
    const TyAttr *outputs;    /* their columns in the aggregate's output */
    size_t ngroups;
    const size_t *set_sizes;
    const size_t *set_members;
    size_t nsets;
    AzColumns calls;          /* aggregates and grouping functions */
    AzColumns columns;        /* the select list over outputs and calls */
    VEC(const TxExpr *) filters;
    bool by_user;             /* there was a GROUP BY */
};

static bool is_grouping(const TxExpr *expr) {
    return expr->tag == TX_CALL && (strcmp(expr->call.fn->name, "grouping") == 0 || strcmp(expr->call.fn->name, "grouping_id") == 0);
}

typedef struct Rewrite {
    AzCtx *ctx;
    AzAgg *agg;
    const AzRel *over;     /* HAVING, ORDER BY: the aggregation they stand on; NULL: the select list */
    const PxExpr *source;  /* what is rewritten, for its place */
} Rewrite;

static const TxExpr *add_call(Rewrite *r, const TxExpr *expr) {
    AzAgg *agg = r->agg;
    for (size_t i = 0; i < agg->calls.count; i++) {
        if (pl_expr_equal(agg->calls.items[i].expr, expr)) {
            return az_column(r->ctx, &agg->calls.items[i].attr);
        }
    }
    TyNamed made = az_named(r->ctx, az_pretty(r->ctx, expr), expr);
    VEC_PUSH(&agg->calls, made);
    return az_column(r->ctx, &made.attr);
}

/* Grouping expressions inside an aggregate's arguments read the input, not the group: only those that became columns of base change. */
static const TxExpr *to_base(void *self, const TxExpr *expr) {
    Rewrite *r = self;
    for (size_t i = 0; i < r->agg->ngroups; i++) {
        if (expr->tag != TX_COLUMN && pl_expr_equal(r->agg->exprs[i], expr)) {
            return az_column(r->ctx, &r->agg->inputs[i]);
        }
    }
    return pl_expr_map_children(r->ctx->arena, expr, to_base, r);
}

static const TxExpr *grouping_call(Rewrite *r, const TxExpr *expr) {
    AzAgg *agg = r->agg;
    if (agg->nsets == 0) {
        az_fail(r->ctx, (PlOrigin){0}, "UNSUPPORTED_GROUPING_EXPRESSION",
                "grouping()/grouping_id() can only be used with GroupingSets/Cube/Rollup.");
        return NULL;
    }
    bool all = expr->call.nargs == 0;
    size_t count = all ? agg->ngroups : expr->call.nargs;
    const TxExpr **args = ARENA_ARRAY(r->ctx->arena, const TxExpr *, count);
    for (size_t i = 0; i < count; i++) {
        const TyAttr *input = all ? &agg->inputs[i] : NULL;
        for (size_t k = 0; !all && k < agg->ngroups; k++) {
            if (pl_expr_equal(agg->exprs[k], expr->call.args[i])) {
                input = &agg->inputs[k];
            }
        }
        if (input == NULL) {
            Str shown = az_quote_expr(r->ctx, expr->call.args[i]);
            az_fail(r->ctx, (PlOrigin){0}, "GROUPING_COLUMN_MISMATCH", "Column of grouping (%.*s) can't be found in grouping columns.",
                    STR_ARG(shown));
            return NULL;
        }
        args[i] = az_column(r->ctx, input);
    }
    Str name = az_pretty(r->ctx, expr);
    TxExpr *copy = ARENA_NEW(r->ctx->arena, TxExpr);
    *copy = *expr;
    copy->call.args = args;
    copy->call.nargs = count;
    const TxExpr *column = add_call(r, copy);
    TxExpr *named = ARENA_NEW(r->ctx->arena, TxExpr);
    *named = *column;
    named->column.name = name;
    return named;
}

/* Where a name stands in an expression. */
static PlOrigin place_of(const PxExpr *px, Str name) {
    PlOrigin none = {0};
    if (px == NULL) {
        return none;
    }
    if (px->tag == PX_ATTRIBUTE) {
        return px->attribute.nparts > 0 && str_eq_nocase(px->attribute.parts[px->attribute.nparts - 1], name) ? px->origin : none;
    }
    if (px->tag == PX_SORT) {
        return place_of(px->sort.child, name);
    }
    if (px->tag == PX_CAST) {
        return place_of(px->cast.child, name);
    }
    for (size_t i = 0; px->tag == PX_CALL && i < px->call.nargs; i++) {
        PlOrigin found = place_of(px->call.args[i], name);
        if (found.line > 0) {
            return found;
        }
    }
    return none;
}

static const TxExpr *fail_missing(Rewrite *r, const TxExpr *column) {
    if (r->over != NULL) {
        az_fail_unresolved(r->ctx, place_of(r->source, column->column.name), "COLUMN", &column->column.name, 1, r->over->attrs,
                           r->over->nattrs);
        return NULL;
    }
    if (!r->agg->by_user) {
        az_fail(r->ctx, (PlOrigin){0}, "MISSING_GROUP_BY",
                "The query does not include a GROUP BY clause. Add GROUP BY or turn it into the window functions using OVER clauses.");
        return NULL;
    }
    Str shown = az_pretty(r->ctx, column);
    az_fail(r->ctx, (PlOrigin){0}, "MISSING_AGGREGATION",
            "The non-aggregating expression \"%.*s\" is based on columns which are not participating in the GROUP BY clause.\n"
            "Add the columns or the expression to the GROUP BY, aggregate the expression, or use \"any_value(%.*s)\" if you do not care which "
            "of the values within a group is returned.",
            STR_ARG(shown), STR_ARG(shown));
    return NULL;
}

/* An expression over the input becomes one over the aggregate's output. */
static const TxExpr *rewrite(void *self, const TxExpr *expr) {
    Rewrite *r = self;
    AzAgg *agg = r->agg;
    if (is_grouping(expr)) {
        return grouping_call(r, expr);
    }
    for (size_t i = 0; i < agg->ngroups; i++) {
        if (pl_expr_equal(agg->exprs[i], expr)) {
            TxExpr *column = ARENA_NEW(r->ctx->arena, TxExpr);
            *column = *az_column(r->ctx, &agg->outputs[i]);
            column->column.name = expr->tag == TX_COLUMN ? expr->column.name : column->column.name;
            return column;
        }
    }
    if (expr->tag == TX_AGGREGATE) {
        const TxExpr *call = pl_expr_map_children(r->ctx->arena, expr, to_base, r);
        return call == NULL ? NULL : add_call(r, call);
    }
    if (expr->tag == TX_WINDOW) {
        TxExpr *copy = ARENA_NEW(r->ctx->arena, TxExpr);
        *copy = *expr;
        const TxExpr *function = pl_expr_map_children(r->ctx->arena, expr->window.function, rewrite, r);
        copy->window.function = NULL;
        const TxExpr *rest = function == NULL ? NULL : pl_expr_map_children(r->ctx->arena, copy, rewrite, r);
        if (rest == NULL) {
            return NULL;
        }
        *copy = *rest;
        copy->window.function = function;
        return copy;
    }
    if (expr->tag == TX_COLUMN && !expr->column.is_outer && !expr->column.is_lambda) {
        for (size_t i = 0; i < agg->columns.count; i++) {
            if (agg->columns.items[i].attr.id == expr->column.id) {
                return agg->columns.items[i].expr;
            }
        }
        return fail_missing(r, expr);
    }
    return pl_expr_map_children(r->ctx->arena, expr, rewrite, r);
}

/* The relation that a recipe stands for; extra columns stay hidden. */
static const AzRel *build(AzCtx *ctx, AzAgg *agg, size_t nvisible, const AzRel *like) {
    size_t total = agg->ngroups + agg->calls.count;
    TyNamed *calls = ARENA_ARRAY(ctx->arena, TyNamed, agg->calls.count);
    if (agg->calls.count > 0) {
        memcpy(calls, agg->calls.items, agg->calls.count * sizeof *calls);
    }
    const TrRel *base = az_extract_python(ctx, agg->base, calls, agg->calls.count);
    if (base == NULL) {
        return NULL;
    }
    TrRel *tr = az_tr(ctx, TR_AGGREGATE, base);
    TyAttr *output = ARENA_ARRAY(ctx->arena, TyAttr, total);
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, total);
    const TxExpr **groups = ARENA_ARRAY(ctx->arena, const TxExpr *, agg->ngroups);
    for (size_t i = 0; i < agg->ngroups; i++) {
        groups[i] = az_column(ctx, &agg->inputs[i]);
        columns[i] = (TyNamed){agg->outputs[i], groups[i]};
        output[i] = agg->outputs[i];
    }
    for (size_t i = 0; i < agg->calls.count; i++) {
        columns[agg->ngroups + i] = calls[i];
        output[agg->ngroups + i] = calls[i].attr;
    }
    tr->output = output;
    tr->noutput = total;
    tr->aggregate.groups = groups;
    tr->aggregate.ngroups = agg->ngroups;
    tr->aggregate.set_sizes = agg->set_sizes;
    tr->aggregate.set_members = agg->set_members;
    tr->aggregate.nsets = agg->nsets;
    tr->aggregate.columns = columns;
    const TrRel *top = tr;
    for (size_t i = 0; i < agg->filters.count; i++) {
        TyNamed condition = {.expr = agg->filters.items[i]};
        top = az_extract_python(ctx, top, &condition, 1);
        if (top == NULL) {
            return NULL;
        }
        TrRel *filter = az_tr(ctx, TR_FILTER, top);
        filter->filter.condition = condition.expr;
        top = filter;
    }
    AzRel *below = az_rel(ctx, top, agg->child);
    const AzRel *selected = az_select(ctx, below, agg->columns.items, agg->columns.count);
    if (selected == NULL) {
        return NULL;
    }
    AzRel *rel = ARENA_NEW(ctx->arena, AzRel);
    *rel = *selected;
    rel->nattrs = nvisible <= selected->nattrs ? nvisible : selected->nattrs;
    if (like != NULL) {
        rel->attrs = like->attrs;
        rel->nattrs = like->nattrs;
        rel->plan_id = -1;
        rel->inputs[0] = like;
    }
    rel->under = NULL;
    rel->agg = agg;
    return rel;
}

/* Prepares groups: those that are not columns get a projection below. */
static AzAgg *start(AzCtx *ctx, const AzRel *child, const TxExpr **groups, const Str *names, size_t ngroups, bool sets) {
    AzAgg *agg = ARENA_NEW(ctx->arena, AzAgg);
    *agg = (AzAgg){.child = child, .base = child->tr, .exprs = groups, .ngroups = ngroups, .calls = {.arena = ctx->arena},
                   .columns = {.arena = ctx->arena}, .filters = {.arena = ctx->arena}};
    TyAttr *inputs = ARENA_ARRAY(ctx->arena, TyAttr, ngroups);
    TyAttr *outputs = ARENA_ARRAY(ctx->arena, TyAttr, ngroups);
    AzColumns made = {.arena = ctx->arena};
    for (size_t i = 0; i < child->tr->noutput; i++) {
        TyNamed pass = az_pass(ctx, &child->tr->output[i]);
        VEC_PUSH(&made, pass);
    }
    size_t before = made.count;
    for (size_t i = 0; i < ngroups; i++) {
        const TxExpr *group = groups[i];
        if (group->tag == TX_COLUMN) {
            inputs[i] = az_attr(ctx, names[i], group->type, group->nullable);
            inputs[i].id = group->column.id;
            for (size_t k = 0; k < child->nattrs; k++) {
                if (child->attrs[k].id == group->column.id) {
                    inputs[i].metadata_json = child->attrs[k].metadata_json;
                    inputs[i].qualifier = child->attrs[k].qualifier;
                    inputs[i].nqualifier = child->attrs[k].nqualifier;
                }
            }
        } else {
            TyNamed column = az_named(ctx, names[i], group);
            inputs[i] = column.attr;
            VEC_PUSH(&made, column);
        }
        outputs[i] = inputs[i];
        bool twice = false;
        for (size_t k = 0; k < i; k++) {
            twice = twice || outputs[k].id == outputs[i].id;
        }
        if (sets || twice) {
            outputs[i].id = az_new_copy_id(ctx, inputs[i].id);
            outputs[i].nullable = outputs[i].nullable || sets;
        }
    }
    agg->inputs = inputs;
    agg->outputs = outputs;
    if (made.count > before) {
        const TrRel *base = az_extract_windows(ctx, child->tr, made.items + before, made.count - before);
        base = base == NULL ? NULL : az_extract_python(ctx, base, made.items + before, made.count - before);
        if (base == NULL) {
            return NULL;
        }
        agg->base = az_tr_project(ctx, base, made.items, made.count);
    }
    return agg;
}

static bool add_columns(AzCtx *ctx, AzAgg *agg, const TyNamed *columns, size_t ncolumns) {
    Rewrite r = {ctx, agg, NULL, NULL};
    for (size_t i = 0; i < ncolumns; i++) {
        TyNamed column = columns[i];
        column.expr = rewrite(&r, columns[i].expr);
        if (column.expr == NULL) {
            return false;
        }
        column.attr.nullable = column.expr->nullable;
        for (size_t k = 0; k < agg->ngroups; k++) {
            /* A selected group keeps its id, or takes the one that grouping sets gave it. */
            if (columns[i].expr->tag == TX_COLUMN && columns[i].attr.id == agg->inputs[k].id) {
                column.attr.id = agg->outputs[k].id;
                column.attr.nullable = agg->outputs[k].nullable;
            }
        }
        VEC_PUSH(&agg->columns, column); /* seen by lateral aliases behind it */
    }
    return true;
}

const AzRel *az_global_aggregate(AzCtx *ctx, const AzRel *input, const TyNamed *columns, size_t ncolumns) {
    AzAgg *agg = start(ctx, input, NULL, NULL, 0, false);
    if (agg == NULL || !add_columns(ctx, agg, columns, ncolumns)) {
        return NULL;
    }
    return build(ctx, agg, SIZE_MAX, NULL);
}

static AzAgg *copy_of(AzCtx *ctx, const AzAgg *agg) {
    AzAgg *copy = ARENA_NEW(ctx->arena, AzAgg);
    *copy = *agg;
    copy->calls = (AzColumns){.arena = ctx->arena};
    copy->columns = (AzColumns){.arena = ctx->arena};
    copy->filters.items = NULL;
    copy->filters.count = 0;
    copy->filters.cap = 0;
    for (size_t i = 0; i < agg->calls.count; i++) {
        VEC_PUSH(&copy->calls, agg->calls.items[i]);
    }
    for (size_t i = 0; i < agg->columns.count; i++) {
        VEC_PUSH(&copy->columns, agg->columns.items[i]);
    }
    for (size_t i = 0; i < agg->filters.count; i++) {
        VEC_PUSH(&copy->filters, agg->filters.items[i]);
    }
    return copy;
}

AzScope az_agg_scope(AzCtx *ctx, const AzRel *rel, AzIds *missing) {
    AzScope scope = az_scope_of(ctx, rel);
    AzRel *only = ARENA_NEW(ctx->arena, AzRel);
    *only = *rel->agg->child;
    only->under = NULL;
    scope.fallback = only;
    scope.missing = missing;
    return scope;
}

const AzRel *az_agg_filter(AzCtx *ctx, const AzRel *rel, const TxExpr *condition, const PxExpr *source) {
    AzAgg *agg = copy_of(ctx, rel->agg);
    Rewrite r = {ctx, agg, agg->by_user ? rel : NULL, source};
    const TxExpr *over = rewrite(&r, condition);
    if (over == NULL) {
        return NULL;
    }
    VEC_PUSH(&agg->filters, over);
    return build(ctx, agg, rel->nattrs, rel);
}

const AzRel *az_agg_extend(AzCtx *ctx, const AzRel *rel, const TxExpr **exprs, size_t nexprs, const PxExpr *const *sources) {
    AzAgg *agg = copy_of(ctx, rel->agg);
    Rewrite r = {ctx, agg, rel, NULL};
    for (size_t i = 0; i < nexprs; i++) {
        r.source = sources[i];
        const TxExpr *over = rewrite(&r, exprs[i]);
        if (over == NULL) {
            return NULL;
        }
        TyNamed extra = az_named(ctx, az_pretty(ctx, exprs[i]), over);
        VEC_PUSH(&agg->columns, extra);
        exprs[i] = az_column(ctx, &extra.attr);
    }
    return build(ctx, agg, rel->nattrs, rel);
}

/* ---- GROUP BY ---- */

/* The select-list item that a grouping ordinal or alias stands for; NULL: neither. */
static const PxExpr *group_reference(AzCtx *ctx, const PrRel *pr, const PxExpr *group, const AzRel *input) {
    if (!pr->aggregate.is_select_list) {
        return NULL;
    }
    if (group->tag == PX_LITERAL && group->literal->type->kind == PL_TYPE_INT && az_setting(ctx, "spark.sql.groupByOrdinal")) {
        int64_t position = group->literal->i;
        if (position < 1 || (uint64_t)position > pr->aggregate.naggregates) {
            az_fail(ctx, group->origin, "GROUP_BY_POS_OUT_OF_RANGE", "GROUP BY position %lld is not in select list (valid range is [1, %zu]).",
                    (long long)position, pr->aggregate.naggregates);
            return NULL;
        }
        return pr->aggregate.aggregates[position - 1];
    }
    if (group->tag != PX_ATTRIBUTE || group->attribute.nparts != 1 || !az_setting(ctx, "spark.sql.groupByAliases")) {
        return NULL;
    }
    bool ambiguous = false;
    if (az_find_attr(ctx, input, group->attribute.parts[0], &ambiguous) != NULL || ambiguous) {
        return NULL;
    }
    for (size_t i = 0; i < pr->aggregate.naggregates; i++) {
        const PxExpr *item = pr->aggregate.aggregates[i];
        if (item->tag == PX_ALIAS && item->alias.nnames == 1 && az_name_eq(ctx, item->alias.names[0], group->attribute.parts[0])) {
            return item;
        }
    }
    return NULL;
}

static bool check_group(AzCtx *ctx, const PxExpr *px, const TxExpr *group) {
    if (az_has_tag(group, TX_AGGREGATE)) {
        Str shown = az_pretty(ctx, group);
        return az_fail(ctx, px->origin, "GROUP_BY_AGGREGATE", "Aggregate functions are not allowed in GROUP BY, but found %.*s.", STR_ARG(shown));
    }
    if (!az_is_orderable(group->type)) {
        Str shown = az_quote_expr(ctx, group);
        Str type = az_quote_type(ctx, group->type);
        return az_fail(ctx, px->origin, "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE",
                       "The expression %.*s cannot be used as a grouping expression because its data type %.*s is not an orderable data type.",
                       STR_ARG(shown), STR_ARG(type));
    }
    return true;
}

/* ROLLUP and CUBE as grouping sets. */
static bool make_sets(AzCtx *ctx, const PrRel *pr, size_t ngroups, AzAgg *agg) {
    if (pr->aggregate.type == PL_GROUP_SETS) {
        agg->set_sizes = pr->aggregate.set_sizes;
        agg->nsets = pr->aggregate.nsets;
        agg->set_members = pr->aggregate.set_members;
        return true;
    }
    VEC(size_t) sizes = {.arena = ctx->arena};
    VEC(size_t) members = {.arena = ctx->arena};
    if (pr->aggregate.type == PL_GROUP_ROLLUP) {
        for (size_t n = ngroups + 1; n > 0; n--) {
            VEC_PUSH(&sizes, n - 1);
            for (size_t i = 0; i + 1 < n; i++) {
                VEC_PUSH(&members, i);
            }
        }
    } else {
        if (ngroups > 12) {
            return az_not_supported(ctx, "CUBE over more than 12 columns is not supported.");
        }
        for (size_t mask = (size_t)1 << ngroups; mask > 0; mask--) {
            size_t count = 0;
            for (size_t i = 0; i < ngroups; i++) {
                if (((mask - 1) >> (ngroups - 1 - i) & 1) != 0) {
                    VEC_PUSH(&members, i);
                    count++;
                }
            }
            VEC_PUSH(&sizes, count);
        }
    }
    agg->set_sizes = sizes.items;
    agg->nsets = sizes.count;
    agg->set_members = members.items;
    return true;
}

/* A group that stands in every set never becomes NULL. */
static void fix_nullability(AzAgg *agg, TyAttr *outputs) {
    for (size_t g = 0; g < agg->ngroups; g++) {
        size_t at = 0;
        bool everywhere = true;
        for (size_t s = 0; s < agg->nsets; s++) {
            bool here = false;
            for (size_t i = 0; i < agg->set_sizes[s]; i++) {
                here = here || agg->set_members[at + i] == g;
            }
            at += agg->set_sizes[s];
            everywhere = everywhere && here;
        }
        outputs[g].nullable = agg->inputs[g].nullable || !everywhere;
    }
}

static const AzRel *grouped(AzCtx *ctx, const PrRel *pr, const AzRel *input, const PxExpr *const *aggregates, size_t naggregates) {
    AzScope scope = az_scope_of(ctx, input);
    size_t ngroups = pr->aggregate.ngroups;
    const TxExpr **groups = ARENA_ARRAY(ctx->arena, const TxExpr *, ngroups);
    Str *names = ARENA_ARRAY(ctx->arena, Str, ngroups);
    AzColumns columns = {.arena = ctx->arena};
    for (size_t i = 0; i < ngroups; i++) {
        const PxExpr *px = pr->aggregate.groups[i];
        const PxExpr *reference = group_reference(ctx, pr, px, input);
        if (reference == NULL && ctx->err->is_set) {
            return NULL;
        }
        const PxExpr *source = reference != NULL ? reference : px;
        AzColumns one = {.arena = ctx->arena};
        if (!az_select_list(ctx, &source, 1, &scope, &one)) {
            return NULL;
        }
        if (one.count != 1) {
            return az_not_supported(ctx, "A star in GROUP BY is not supported yet.") ? input : NULL;
        }
        groups[i] = one.items[0].expr;
        names[i] = one.items[0].attr.name;
        if (!check_group(ctx, px, groups[i])) {
            return NULL;
        }
        if (!pr->aggregate.is_select_list) {
            VEC_PUSH(&columns, one.items[0]);
        }
    }
    bool sets = pr->aggregate.type == PL_GROUP_ROLLUP || pr->aggregate.type == PL_GROUP_CUBE || pr->aggregate.type == PL_GROUP_SETS;
    AzAgg *agg = start(ctx, input, groups, names, ngroups, sets);
    if (agg == NULL) {
        return NULL;
    }
    agg->by_user = ngroups > 0;
    if (sets) {
        if (!make_sets(ctx, pr, ngroups, agg)) {
            return NULL;
        }
        TyAttr *outputs = ARENA_ARRAY(ctx->arena, TyAttr, ngroups);
        if (ngroups > 0) {
            memcpy(outputs, agg->outputs, ngroups * sizeof *outputs);
        }
        fix_nullability(agg, outputs);
        agg->outputs = outputs;
    }
    if (!az_select_list(ctx, aggregates, naggregates, &scope, &columns) || !add_columns(ctx, agg, columns.items, columns.count)) {
        return NULL;
    }
    const AzRel *rel = build(ctx, agg, SIZE_MAX, NULL);
    if (rel == NULL || pr->aggregate.having == NULL) {
        return rel;
    }
    AzIds missing = {.arena = ctx->arena};
    AzScope having = az_agg_scope(ctx, rel, &missing);
    const TxExpr *condition = az_expr(ctx, pr->aggregate.having, &having);
    condition = condition == NULL ? NULL : az_to_condition(ctx, pr->aggregate.having->origin, condition, "having");
    return condition == NULL ? NULL : az_agg_filter(ctx, rel, condition, pr->aggregate.having);
}

/* ---- pivot ---- */

static Str pivot_text(AzCtx *ctx, const PlValue *value) {
    if (value->is_null) {
        return STR("null");
    }
    Str text = az_value_text(ctx->arena, value, false);
    if (value->type->kind == PL_TYPE_DATE || value->type->kind == PL_TYPE_TIMESTAMP || value->type->kind == PL_TYPE_TIMESTAMP_NTZ) {
        const char *quote = memchr(text.data, '\'', text.len);
        if (quote != NULL) {
            return str_slice(text, (size_t)(quote + 1 - text.data), text.len - 1);
        }
    }
    return text;
}

static const PxExpr *px_call(AzCtx *ctx, const char *name, const PxExpr **args, size_t nargs) {
    PxExpr *px = ARENA_NEW(ctx->arena, PxExpr);
    px->tag = PX_CALL;
    px->call.name = str_from_c(name);
    px->call.args = args;
    px->call.nargs = nargs;
    return px;
}

/* agg(x) under a pivot value: agg(if(column <=> value, x, null)), for each aggregate inside the expression. */
static const PxExpr *restrict_to(AzCtx *ctx, const PxExpr *px, const PxExpr *condition) {
    PxExpr *copy = ARENA_NEW(ctx->arena, PxExpr);
    *copy = *px;
    if (px->tag == PX_ALIAS) {
        copy->alias.child = restrict_to(ctx, px->alias.child, condition);
        return copy;
    }
    if (px->tag == PX_CAST) {
        copy->cast.child = restrict_to(ctx, px->cast.child, condition);
        return copy;
    }
    if (px->tag != PX_CALL) {
        return px;
    }
    const PlFunction *fn = pl_function_find(px->call.name);
    if (fn != NULL && fn->kind == PL_FN_AGGREGATE) {
        if (px->call.filter != NULL) {
            const PxExpr **both = ARENA_ARRAY(ctx->arena, const PxExpr *, 2);
            both[0] = condition;
            both[1] = px->call.filter;
            condition = px_call(ctx, "and", both, 2);
        }
        copy->call.filter = condition;
        return copy;
    }
    const PxExpr **args = ARENA_ARRAY(ctx->arena, const PxExpr *, px->call.nargs);
    for (size_t i = 0; i < px->call.nargs; i++) {
        args[i] = restrict_to(ctx, px->call.args[i], condition);
    }
    copy->call.args = args;
    return copy;
}

typedef struct PivotValue {
    const PxExpr *expr;
    Str name;
} PivotValue;

/* The name of an aggregate in a pivot's columns: its alias, else how it reads. */
static bool aggregate_name(AzCtx *ctx, const PxExpr *px, const AzScope *scope, Str *ret_name) {
    const TxExpr *expr = az_expr(ctx, px, scope);
    if (expr == NULL) {
        return false;
    }
    *ret_name = az_output_name(ctx, px, expr);
    return true;
}

static const AzRel *pivot(AzCtx *ctx, const PrRel *pr, const AzRel *input, const PxExpr *column, const PivotValue *values, size_t nvalues) {
    AzScope scope = az_scope_of(ctx, input);
    VEC(const PxExpr *) list = {.arena = ctx->arena};
    for (size_t v = 0; v < nvalues; v++) {
        const PxExpr **sides = ARENA_ARRAY(ctx->arena, const PxExpr *, 2);
        sides[0] = column;
        sides[1] = values[v].expr;
        const PxExpr *condition = px_call(ctx, "<=>", sides, 2);
        for (size_t a = 0; a < pr->aggregate.naggregates; a++) {
            const PxExpr *px = pr->aggregate.aggregates[a];
            Str *name = ARENA_NEW(ctx->arena, Str);
            *name = values[v].name;
            if (pr->aggregate.naggregates > 1) {
                Str own = {0};
                if (!aggregate_name(ctx, px, &scope, &own)) {
                    return NULL;
                }
                *name = str_fmt(ctx->arena, "%.*s_%.*s", STR_ARG(values[v].name), STR_ARG(own));
            }
            PxExpr *alias = ARENA_NEW(ctx->arena, PxExpr);
            alias->tag = PX_ALIAS;
            alias->origin = px->origin;
            alias->alias.child = restrict_to(ctx, px->tag == PX_ALIAS ? px->alias.child : px, condition);
            alias->alias.names = name;
            alias->alias.nnames = 1;
            VEC_PUSH(&list, alias);
        }
    }
    PrRel plain = *pr;
    plain.aggregate.type = PL_GROUP_BY;
    const AzRel *made = grouped(ctx, &plain, input, list.items, list.count);
    if (made == NULL) {
        return NULL;
    }
    /* Spark's pivot columns may all be NULL: a group may lack the value. */
    AzRel *rel = ARENA_NEW(ctx->arena, AzRel);
    *rel = *made;
    TyAttr *attrs = ARENA_ARRAY(ctx->arena, TyAttr, made->nattrs);
    memcpy(attrs, made->attrs, made->nattrs * sizeof *attrs);
    for (size_t i = made->nattrs - list.count; i < made->nattrs; i++) {
        attrs[i].nullable = true;
    }
    rel->attrs = attrs;
    TrRel *tr = ARENA_NEW(ctx->arena, TrRel);
    *tr = *made->tr;
    tr->output = attrs;
    rel->tr = tr;
    rel->agg = NULL;
    return rel;
}

const AzRel *az_aggregate_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    if (pr->aggregate.type != PL_GROUP_PIVOT) {
        return grouped(ctx, pr, input, pr->aggregate.aggregates, pr->aggregate.naggregates);
    }
    if (pr->aggregate.npivot_values == 0) {
        az_not_supported(ctx, "pivot() without a list of values is not supported yet: give the values, as in pivot(\"column\", [1, 2]).");
        return NULL;
    }
    PivotValue *values = ARENA_ARRAY(ctx->arena, PivotValue, pr->aggregate.npivot_values);
    for (size_t i = 0; i < pr->aggregate.npivot_values; i++) {
        PxExpr *literal = ARENA_NEW(ctx->arena, PxExpr);
        literal->tag = PX_LITERAL;
        literal->literal = pr->aggregate.pivot_values[i];
        values[i] = (PivotValue){literal, pivot_text(ctx, pr->aggregate.pivot_values[i])};
    }
    return pivot(ctx, pr, input, pr->aggregate.pivot, values, pr->aggregate.npivot_values);
}

/* Names that an unresolved expression mentions, for PIVOT's implicit grouping. */
static bool mentions(AzCtx *ctx, const PxExpr *px, Str name) {
    if (px->tag == PX_ATTRIBUTE) {
        for (size_t i = 0; i < px->attribute.nparts; i++) {
            if (az_name_eq(ctx, px->attribute.parts[i], name)) {
                return true;
            }
        }
        return false;
    }
    if (px->tag == PX_ALIAS) {
        return mentions(ctx, px->alias.child, name);
    }
    if (px->tag == PX_CAST) {
        return mentions(ctx, px->cast.child, name);
    }
    if (px->tag == PX_EXTRACT) {
        return mentions(ctx, px->extract.child, name) || mentions(ctx, px->extract.key, name);
    }
    for (size_t i = 0; px->tag == PX_CALL && i < px->call.nargs; i++) {
        if (mentions(ctx, px->call.args[i], name)) {
            return true;
        }
    }
    return px->tag == PX_CALL && px->call.filter != NULL && mentions(ctx, px->call.filter, name);
}

const AzRel *az_pivot_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    input = az_visible(ctx, input);
    VEC(const PxExpr *) groups = {.arena = ctx->arena};
    for (size_t i = 0; i < input->nattrs; i++) {
        bool used = false;
        for (size_t k = 0; k < pr->pivot.naggregates; k++) {
            used = used || mentions(ctx, pr->pivot.aggregates[k], input->attrs[i].name);
        }
        for (size_t k = 0; k < pr->pivot.ncolumns; k++) {
            used = used || mentions(ctx, pr->pivot.columns[k], input->attrs[i].name);
        }
        if (!used) {
            PxExpr *px = ARENA_NEW(ctx->arena, PxExpr);
            px->tag = PX_ATTRIBUTE;
            px->attribute.parts = &input->attrs[i].name;
            px->attribute.nparts = 1;
            px->attribute.plan_id = -1;
            VEC_PUSH(&groups, px);
        }
    }
    AzScope scope = {0};
    PivotValue *values = ARENA_ARRAY(ctx->arena, PivotValue, pr->pivot.nvalues);
    for (size_t i = 0; i < pr->pivot.nvalues; i++) {
        const PxExpr *px = pr->pivot.values[i];
        const PxExpr *inner = px->tag == PX_ALIAS ? px->alias.child : px;
        const TxExpr *expr = az_expr(ctx, inner, &scope);
        if (expr == NULL) {
            return NULL;
        }
        Str name = px->tag == PX_ALIAS ? px->alias.names[0] : expr->tag == TX_LITERAL ? pivot_text(ctx, expr->literal) : az_pretty(ctx, expr);
        values[i] = (PivotValue){inner, name};
    }
    PrRel as = {.tag = PR_AGGREGATE, .plan_id = -1, .origin = pr->origin};
    as.aggregate.groups = groups.items;
    as.aggregate.ngroups = groups.count;
    as.aggregate.aggregates = pr->pivot.aggregates;
    as.aggregate.naggregates = pr->pivot.naggregates;
    const PxExpr *column = pr->pivot.ncolumns == 1 ? pr->pivot.columns[0] : px_call(ctx, "struct", pr->pivot.columns, pr->pivot.ncolumns);
    return pivot(ctx, &as, input, column, values, pr->pivot.nvalues);
}
