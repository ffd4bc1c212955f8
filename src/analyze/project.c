/* project.c - SELECT, WHERE and ORDER BY: select lists over an input, and names that a projection below has dropped.
 *
 * Called by analyze.c. Invariant: a select list with aggregates becomes an aggregation (aggregate.c); windows, generators and Python
 * functions become relations of their own below the projection.
 */
#include "analyze/az.h"

#include <string.h>

AzRel *az_wrap(AzCtx *ctx, const TrRel *tr, const AzRel *input) {
    AzRel *rel = ARENA_NEW(ctx->arena, AzRel);
    *rel = *input;
    rel->tr = tr;
    rel->plan_id = -1;
    rel->inputs[0] = input;
    rel->inputs[1] = NULL;
    rel->wrapped = input;
    return rel;
}

static bool has_id(const TrRel *tr, uint32_t id) {
    for (size_t i = 0; i < tr->noutput; i++) {
        if (tr->output[i].id == id) {
            return true;
        }
    }
    return false;
}

static const TyAttr *attr_of(const AzRel *rel, uint32_t id) {
    for (; rel != NULL; rel = rel->under) {
        for (size_t i = 0; i < rel->tr->noutput; i++) {
            if (rel->tr->output[i].id == id) {
                return &rel->tr->output[i];
            }
        }
    }
    return NULL;
}

const AzRel *az_add_missing(AzCtx *ctx, const AzRel *rel, const AzIds *ids) {
    bool all = true;
    for (size_t i = 0; i < ids->count; i++) {
        all = all && has_id(rel->tr, ids->items[i]);
    }
    if (all) {
        return rel;
    }
    AzRel *made = ARENA_NEW(ctx->arena, AzRel);
    *made = *rel;
    if (rel->wrapped != NULL) {
        const AzRel *inner = az_add_missing(ctx, rel->wrapped, ids);
        if (inner == NULL) {
            return NULL;
        }
        TrRel *tr = ARENA_NEW(ctx->arena, TrRel);
        *tr = *rel->tr;
        tr->input = inner->tr;
        tr->output = inner->tr->output;
        tr->noutput = inner->tr->noutput;
        made->tr = tr;
        made->wrapped = inner;
        return made;
    }
    if (rel->under == NULL || rel->tr->tag != TR_PROJECT) {
        err_set(ctx->err, ERR_INTERNAL, "A column that a projection dropped can't be brought back.");
        return NULL;
    }
    const TrRel *below = rel->tr->input;
    bool there = true;
    for (size_t i = 0; i < ids->count; i++) {
        there = there && (has_id(below, ids->items[i]) || has_id(rel->tr, ids->items[i]));
    }
    if (!there) {
        if (below != rel->under->tr) {
            return az_not_supported(ctx, "ORDER BY or WHERE on a column that was dropped below a window or generator.") ? rel : NULL;
        }
        const AzRel *inner = az_add_missing(ctx, rel->under, ids);
        if (inner == NULL) {
            return NULL;
        }
        below = inner->tr;
        made->under = inner;
    }
    AzColumns columns = {.arena = ctx->arena};
    for (size_t i = 0; i < rel->tr->noutput; i++) {
        VEC_PUSH(&columns, rel->tr->project.columns[i]);
    }
    for (size_t i = 0; i < ids->count; i++) {
        const TyAttr *attr = attr_of(rel->under, ids->items[i]);
        bool again = false;
        for (size_t k = 0; k < i; k++) {
            again = again || ids->items[k] == ids->items[i];
        }
        if (attr != NULL && !again && !has_id(rel->tr, ids->items[i])) {
            TyNamed pass = az_pass(ctx, attr);
            VEC_PUSH(&columns, pass);
        }
    }
    made->tr = az_tr_project(ctx, below, columns.items, columns.count);
    return made;
}

const AzRel *az_restrict(AzCtx *ctx, const AzRel *rel, const AzRel *like) {
    AzRel *made = ARENA_NEW(ctx->arena, AzRel);
    *made = *rel;
    made->attrs = like->attrs;
    made->nattrs = like->nattrs;
    made->hidden = like->hidden;
    made->nhidden = like->nhidden;
    return made;
}

/* ---- select ---- */

/* Columns that earlier columns of the same list name (lateral aliases) go into projections below. */
typedef struct Refs {
    const TyNamed *columns;
    const int *levels;
    size_t count; /* of the columns in front */
    int level;
} Refs;

static bool note_level(void *self, const TxExpr *expr) {
    Refs *refs = self;
    for (size_t i = 0; expr->tag == TX_COLUMN && i < refs->count; i++) {
        const TyNamed *column = &refs->columns[i];
        bool passes = column->expr->tag == TX_COLUMN && column->expr->column.id == column->attr.id;
        if (column->attr.id == expr->column.id && !passes && refs->levels[i] + 1 > refs->level) {
            refs->level = refs->levels[i] + 1;
        }
    }
    return false;
}

static const TrRel *layer_aliases(AzCtx *ctx, const TrRel *tr, TyNamed *columns, size_t ncolumns) {
    int *levels = ARENA_ARRAY(ctx->arena, int, ncolumns);
    int deepest = 0;
    for (size_t i = 0; i < ncolumns; i++) {
        Refs refs = {columns, levels, i, 0};
        (void)pl_expr_any(columns[i].expr, note_level, &refs);
        levels[i] = refs.level;
        deepest = refs.level > deepest ? refs.level : deepest;
    }
    for (int level = 0; level < deepest; level++) {
        AzColumns made = {.arena = ctx->arena};
        for (size_t i = 0; i < ncolumns; i++) {
            bool passes = columns[i].expr->tag == TX_COLUMN && columns[i].expr->column.id == columns[i].attr.id;
            if (levels[i] == level && !passes) {
                VEC_PUSH(&made, columns[i]);
                columns[i].expr = az_column(ctx, &columns[i].attr);
            }
        }
        tr = az_extract_windows(ctx, tr, made.items, made.count);
        tr = tr == NULL ? NULL : az_extract_python(ctx, tr, made.items, made.count);
        if (tr == NULL) {
            return NULL;
        }
        AzColumns all = {.arena = ctx->arena};
        for (size_t i = 0; i < tr->noutput; i++) {
            TyNamed pass = az_pass(ctx, &tr->output[i]);
            VEC_PUSH(&all, pass);
        }
        for (size_t i = 0; i < made.count; i++) {
            VEC_PUSH(&all, made.items[i]);
        }
        tr = az_tr_project(ctx, tr, all.items, all.count);
    }
    return tr;
}

static bool is_generator_column(const TyNamed *column) {
    return column->expr->tag == TX_CALL && column->expr->call.fn->kind == PL_FN_GENERATOR;
}

/* The generator of a select list to a relation below; its columns take its place. */
static const AzRel *expand_generators(AzCtx *ctx, const AzRel *input, AzColumns *columns) {
    size_t generators = 0;
    for (size_t i = 0; i < columns->count; i++) {
        bool whole = is_generator_column(&columns->items[i]);
        generators += whole ? 1 : 0;
        if (!whole && az_has_generator(columns->items[i].expr)) {
            Str shown = az_quote_expr(ctx, columns->items[i].expr);
            err_set(ctx->err, "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
                    "The generator is not supported: nested in expressions %.*s.", STR_ARG(shown));
            return NULL;
        }
    }
    if (generators == 0) {
        return input;
    }
    AzColumns made = {.arena = ctx->arena};
    const AzRel *rel = input;
    for (size_t i = 0; i < columns->count; i++) {
        if (!is_generator_column(&columns->items[i])) {
            VEC_PUSH(&made, columns->items[i]);
            continue;
        }
        const TxExpr *generator = columns->items[i].expr;
        rel = az_generate(ctx, rel, generator, str_ends_with(str_from_c(generator->call.fn->name), STR("_outer")), NULL, 0, (Str){0});
        if (rel == NULL) {
            return NULL;
        }
        for (size_t k = rel->nattrs - generator->type->nfields; k < rel->nattrs; k++) {
            TyNamed pass = az_pass(ctx, &rel->attrs[k]);
            VEC_PUSH(&made, pass);
        }
    }
    *columns = made;
    return rel;
}

const AzRel *az_select(AzCtx *ctx, const AzRel *input, TyNamed *columns, size_t ncolumns) {
    AzColumns list = {.arena = ctx->arena};
    for (size_t i = 0; i < ncolumns; i++) {
        VEC_PUSH(&list, columns[i]);
    }
    const AzRel *base = expand_generators(ctx, input, &list);
    const TrRel *tr = base == NULL ? NULL : layer_aliases(ctx, base->tr, list.items, list.count);
    tr = tr == NULL ? NULL : az_extract_windows(ctx, tr, list.items, list.count);
    tr = tr == NULL ? NULL : az_extract_python(ctx, tr, list.items, list.count);
    if (tr == NULL) {
        return NULL;
    }
    AzRel *rel = az_rel(ctx, az_tr_project(ctx, tr, list.items, list.count), input);
    rel->under = input;
    return rel;
}

const AzRel *az_project_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    AzScope scope = az_scope_of(ctx, input);
    AzColumns columns = {.arena = ctx->arena};
    if (!az_select_list(ctx, pr->project.exprs, pr->project.nexprs, &scope, &columns)) {
        return NULL;
    }
    for (size_t i = 0; i < columns.count; i++) {
        if (az_has_tag(columns.items[i].expr, TX_AGGREGATE)) {
            return az_global_aggregate(ctx, input, columns.items, columns.count);
        }
    }
    return az_select(ctx, input, columns.items, columns.count);
}

/* ---- where ---- */

const TxExpr *az_to_condition(AzCtx *ctx, PlOrigin origin, const TxExpr *expr, const char *clause) {
    PlTypeKind kind = expr->type->kind;
    if (kind == PL_TYPE_NULL) {
        return az_cast_to(ctx, expr, &PL_BOOLEAN);
    }
    if (kind != PL_TYPE_BOOLEAN) {
        Str shown = az_quote_expr(ctx, expr);
        Str type = az_quote_type(ctx, expr->type);
        if (strcmp(clause, "join") == 0) {
            az_fail(ctx, origin, "JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE",
                    "The join condition %.*s has the invalid type %.*s, expected \"BOOLEAN\".", STR_ARG(shown), STR_ARG(type));
            return NULL;
        }
        az_fail(ctx, origin, "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
                "Cannot resolve %.*s due to data type mismatch: Filter expression %.*s of type %.*s is not a boolean.", STR_ARG(shown),
                STR_ARG(shown), STR_ARG(type));
        return NULL;
    }
    return expr;
}

typedef struct Misplaced {
    AzCtx *ctx;
    StrBuf list;
} Misplaced;

static bool list_misplaced(void *self, const TxExpr *expr) {
    Misplaced *out = self;
    bool generator = expr->tag == TX_CALL && expr->call.fn->kind == PL_FN_GENERATOR;
    if (expr->tag == TX_AGGREGATE || expr->tag == TX_WINDOW || generator) {
        Str shown = az_pretty(out->ctx, expr);
        strbuf_fmt(&out->list, "%s%.*s", out->list.len > 0 ? ", " : "", STR_ARG(shown));
    }
    return false;
}

static bool check_where(AzCtx *ctx, PlOrigin origin, const TxExpr *condition) {
    bool bad = az_has_tag(condition, TX_AGGREGATE) || az_has_tag(condition, TX_WINDOW) || az_has_generator(condition);
    if (!bad) {
        return true;
    }
    Str shown = az_quote_expr(ctx, condition);
    Misplaced found = {.ctx = ctx, .list = {.arena = ctx->arena}};
    (void)pl_expr_any(condition, list_misplaced, &found);
    Str list = strbuf_str(&found.list);
    return az_fail(ctx, origin, "INVALID_WHERE_CONDITION",
                   "The WHERE condition %.*s contains invalid expressions: %.*s.\nRewrite the query to avoid window functions, aggregate "
                   "functions, and generator functions in the WHERE clause.",
                   STR_ARG(shown), STR_ARG(list));
}

const AzRel *az_filter_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    AzIds missing = {.arena = ctx->arena};
    AzScope scope = input->agg != NULL ? az_agg_scope(ctx, input, &missing) : az_scope_of(ctx, input);
    if (input->agg == NULL) {
        scope.fallback = input->under;
        scope.missing = &missing;
    }
    const TxExpr *condition = az_expr(ctx, pr->filter.condition, &scope);
    condition = condition == NULL ? NULL : az_to_condition(ctx, pr->origin, condition, "where");
    if (condition == NULL) {
        return NULL;
    }
    if (input->agg != NULL && (missing.count > 0 || az_has_tag(condition, TX_AGGREGATE))) {
        return az_agg_filter(ctx, input, condition, pr->filter.condition);
    }
    if (!check_where(ctx, pr->origin, condition)) {
        return NULL;
    }
    const AzRel *wide = az_add_missing(ctx, input, &missing);
    if (wide == NULL) {
        return NULL;
    }
    TyNamed column = {.expr = condition};
    const TrRel *base = az_extract_python(ctx, wide->tr, &column, 1);
    if (base == NULL) {
        return NULL;
    }
    TrRel *tr = az_tr(ctx, TR_FILTER, base);
    tr->filter.condition = column.expr;
    AzRel *rel = az_wrap(ctx, tr, az_restrict(ctx, wide, input));
    rel->agg = NULL;
    if (base != wide->tr) {
        rel->wrapped = NULL;
        rel->under = NULL;
    }
    return rel;
}

/* ---- order by ---- */

/* ORDER BY 2: the second column. NULL without an error: not an ordinal. */
static const TxExpr *ordinal(AzCtx *ctx, const PxExpr *key, const AzRel *input) {
    const PxExpr *px = key->tag == PX_SORT ? key->sort.child : key;
    if (px->tag != PX_LITERAL || px->literal->type->kind != PL_TYPE_INT || px->literal->is_null ||
        !az_setting(ctx, "spark.sql.orderByOrdinal")) {
        return NULL;
    }
    int64_t position = px->literal->i;
    if (position < 1 || (uint64_t)position > input->nattrs) {
        az_fail(ctx, px->origin, "ORDER_BY_POS_OUT_OF_RANGE",
                "ORDER BY position %lld is not in select list (valid range is [1, %zu]).", (long long)position, input->nattrs);
        return NULL;
    }
    return az_column(ctx, &input->attrs[position - 1]);
}

const AzRel *az_sort_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    AzIds missing = {.arena = ctx->arena};
    AzScope scope = input->agg != NULL ? az_agg_scope(ctx, input, &missing) : az_scope_of(ctx, input);
    if (input->agg == NULL) {
        scope.fallback = input->under;
        scope.missing = &missing;
    }
    size_t norder = pr->sort.norder;
    TySort *keys = ARENA_ARRAY(ctx->arena, TySort, norder);
    bool aggregates = false;
    for (size_t i = 0; i < norder; i++) {
        const TxExpr *position = ordinal(ctx, pr->sort.order[i], input);
        if (position == NULL && ctx->err->is_set) {
            return NULL;
        }
        TySort *one = NULL;
        if (position != NULL) {
            const PxExpr *px = pr->sort.order[i];
            keys[i] = (TySort){position, px->tag == PX_SORT && px->sort.descending, px->tag != PX_SORT || px->sort.nulls_first};
        } else {
            if (!az_sort_keys(ctx, (const PxExpr *const *)&pr->sort.order[i], 1, &scope, &one)) {
                return NULL;
            }
            keys[i] = *one;
        }
        aggregates = aggregates || az_has_tag(keys[i].expr, TX_AGGREGATE);
        if (az_has_tag(keys[i].expr, TX_WINDOW)) {
            Str shown = az_quote_expr(ctx, keys[i].expr);
            err_set(ctx->err, "UNSUPPORTED_EXPR_FOR_OPERATOR",
                    "A query operator contains one or more unsupported expressions. Consider to rewrite it to avoid window functions, "
                    "aggregate functions, and generator functions in the WHERE clause.\nInvalid expressions: [%.*s]",
                    STR_ARG(shown));
            return NULL;
        }
    }
    const AzRel *wide = input;
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, norder);
    const TxExpr **exprs = ARENA_ARRAY(ctx->arena, const TxExpr *, norder);
    for (size_t i = 0; i < norder; i++) {
        exprs[i] = keys[i].expr;
    }
    if (input->agg != NULL && (missing.count > 0 || aggregates)) {
        wide = az_agg_extend(ctx, input, exprs, norder, pr->sort.order);
    } else if (aggregates) {
        err_set(ctx->err, "UNSUPPORTED_EXPR_FOR_OPERATOR", "The query operator `Sort` contains an aggregate function, which needs GROUP BY.");
        return NULL;
    } else {
        wide = az_add_missing(ctx, input, &missing);
    }
    if (wide == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < norder; i++) {
        columns[i] = (TyNamed){.expr = exprs[i]};
    }
    const TrRel *base = az_extract_windows(ctx, wide->tr, columns, norder);
    base = base == NULL ? NULL : az_extract_python(ctx, base, columns, norder);
    if (base == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < norder; i++) {
        keys[i].expr = columns[i].expr;
    }
    TrRel *tr = az_tr(ctx, TR_SORT, base);
    tr->sort.keys = keys;
    tr->sort.nkeys = norder;
    AzRel *rel = az_wrap(ctx, tr, az_restrict(ctx, wide, input));
    rel->agg = NULL;
    if (base != wide->tr || input->agg != NULL) {
        rel->wrapped = NULL;
        rel->under = NULL;
    }
    return rel;
}
