/* join.c - joins: by condition, USING columns, NATURAL, LATERAL.
 *
 * Called by analyze.c. Invariant: an outer join's other side is nullable in the output; the keys that USING drops stay reachable by
 * qualified name (hidden).
 */
#include "analyze/az.h"

#include <stdlib.h>
#include <string.h>

static const TyAttr *side(AzCtx *ctx, const TyAttr *attrs, size_t count, bool nullable) {
    TyAttr *copy = ARENA_ARRAY(ctx->arena, TyAttr, count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = attrs[i];
        copy[i].nullable = copy[i].nullable || nullable;
    }
    return copy;
}

static const TyAttr *concat(AzCtx *ctx, const TyAttr *a, size_t na, const TyAttr *b, size_t nb) {
    TyAttr *all = ARENA_ARRAY(ctx->arena, TyAttr, na + nb);
    if (na > 0) {
        memcpy(all, a, na * sizeof *all);
    }
    if (nb > 0) {
        memcpy(all + na, b, nb * sizeof *all);
    }
    return all;
}

/* The join itself: all columns of both sides, as the join type makes them. */
static AzRel *join_all(AzCtx *ctx, PlJoinType type, const AzRel *left, const AzRel *right, const TxExpr *condition, bool lateral) {
    bool one_sided = type == PL_JOIN_LEFT_SEMI || type == PL_JOIN_LEFT_ANTI;
    bool null_left = type == PL_JOIN_RIGHT || type == PL_JOIN_FULL;
    bool null_right = type == PL_JOIN_LEFT || type == PL_JOIN_FULL;
    TrRel *tr = az_tr(ctx, TR_JOIN, left->tr);
    tr->right = right->tr;
    tr->join.type = type;
    tr->join.condition = condition;
    tr->join.is_lateral = lateral;
    size_t nright = one_sided ? 0 : right->tr->noutput;
    tr->output = concat(ctx, side(ctx, left->tr->output, left->tr->noutput, null_left), left->tr->noutput,
                        side(ctx, right->tr->output, right->tr->noutput, null_right), nright);
    tr->noutput = left->tr->noutput + nright;
    AzRel *rel = az_rel(ctx, tr, left);
    rel->inputs[1] = right;
    size_t nvisible = one_sided ? 0 : right->nattrs;
    rel->attrs = concat(ctx, side(ctx, left->attrs, left->nattrs, null_left), left->nattrs, side(ctx, right->attrs, right->nattrs, null_right),
                        nvisible);
    rel->nattrs = left->nattrs + nvisible;
    size_t nhidden = one_sided ? 0 : right->nhidden;
    rel->hidden = concat(ctx, side(ctx, left->hidden, left->nhidden, null_left), left->nhidden,
                         side(ctx, right->hidden, right->nhidden, null_right), nhidden);
    rel->nhidden = left->nhidden + nhidden;
    return rel;
}

static int by_text(const void *a, const void *b) {
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

static const TyAttr *using_column(AzCtx *ctx, const AzRel *rel, Str name, const char *which) {
    for (size_t i = 0; i < rel->nattrs; i++) {
        if (az_name_eq(ctx, rel->attrs[i].name, name)) {
            return &rel->attrs[i]; /* the first, as Spark does */
        }
    }
    Str *names = ARENA_ARRAY(ctx->arena, Str, rel->nattrs);
    for (size_t i = 0; i < rel->nattrs; i++) {
        names[i] = az_quote_parts(ctx->arena, &rel->attrs[i].name, 1);
    }
    qsort(names, rel->nattrs, sizeof *names, by_text);
    StrBuf list = {.arena = ctx->arena};
    for (size_t i = 0; i < rel->nattrs; i++) {
        strbuf_fmt(&list, "%s%.*s", i > 0 ? ", " : "", STR_ARG(names[i]));
    }
    Str all = strbuf_str(&list);
    Str shown = az_quote_parts(ctx->arena, &name, 1);
    err_set(ctx->err, "UNRESOLVED_USING_COLUMN_FOR_JOIN",
            "USING column %.*s cannot be resolved on the %s side of the join. The %s-side columns: [%.*s].", STR_ARG(shown), which, which,
            STR_ARG(all));
    return NULL;
}

static const TxExpr *both(AzCtx *ctx, const TxExpr *a, const TxExpr *b) {
    if (a == NULL) {
        return b;
    }
    const TxExpr *args[] = {a, b};
    return az_apply(ctx, "and", args, 2);
}

static const TyAttr *find(const TyAttr *attrs, size_t count, uint32_t id) {
    for (size_t i = 0; i < count; i++) {
        if (attrs[i].id == id) {
            return &attrs[i];
        }
    }
    return NULL;
}

static bool is_key(const TyAttr *const *keys, size_t count, uint32_t id) {
    for (size_t i = 0; i < count; i++) {
        if (keys[i]->id == id) {
            return true;
        }
    }
    return false;
}

static const AzRel *join_using(AzCtx *ctx, const PrRel *pr, const AzRel *left, const AzRel *right, const Str *names, size_t nnames) {
    const TyAttr **lefts = ARENA_ARRAY(ctx->arena, const TyAttr *, nnames);
    const TyAttr **rights = ARENA_ARRAY(ctx->arena, const TyAttr *, nnames);
    const TxExpr *condition = NULL;
    for (size_t i = 0; i < nnames; i++) {
        lefts[i] = using_column(ctx, left, names[i], "left");
        rights[i] = lefts[i] == NULL ? NULL : using_column(ctx, right, names[i], "right");
        if (rights[i] == NULL) {
            return NULL;
        }
        const TxExpr *args[] = {az_column(ctx, lefts[i]), az_column(ctx, rights[i])};
        const TxExpr *equal = az_apply(ctx, "=", args, 2);
        condition = equal == NULL ? NULL : both(ctx, condition, equal);
        if (condition == NULL) {
            return NULL;
        }
    }
    PlJoinType type = pr->join.type == PL_JOIN_CROSS ? PL_JOIN_INNER : pr->join.type;
    AzRel *joined = join_all(ctx, type, left, right, condition, false);
    bool one_sided = type == PL_JOIN_LEFT_SEMI || type == PL_JOIN_LEFT_ANTI;
    AzColumns keys = {.arena = ctx->arena};
    bool full = type == PL_JOIN_FULL;
    bool from_right = type == PL_JOIN_RIGHT;
    for (size_t i = 0; i < nnames; i++) {
        const TyAttr *l = find(joined->attrs, joined->nattrs, lefts[i]->id);
        const TyAttr *r = one_sided ? NULL : find(joined->attrs, joined->nattrs, rights[i]->id);
        if (full) {
            const TxExpr *args[] = {az_column(ctx, l), az_column(ctx, r)};
            const TxExpr *either = az_apply(ctx, "coalesce", args, 2);
            if (either == NULL) {
                return NULL;
            }
            TyNamed made = az_named(ctx, l->name, either);
            VEC_PUSH(&keys, made);
        } else {
            TyNamed made = az_pass(ctx, from_right ? r : l);
            VEC_PUSH(&keys, made);
        }
    }
    VEC(TyAttr) shown = {.arena = ctx->arena};
    VEC(TyAttr) hidden = {.arena = ctx->arena};
    for (size_t i = 0; i < keys.count; i++) {
        VEC_PUSH(&shown, keys.items[i].attr);
    }
    for (size_t i = 0; i < joined->nattrs; i++) {
        const TyAttr *attr = &joined->attrs[i];
        bool l = is_key(lefts, nnames, attr->id);
        bool r = is_key(rights, nnames, attr->id);
        if (!l && !r) {
            VEC_PUSH(&shown, *attr);
        } else if (full || (from_right ? l : r)) {
            VEC_PUSH(&hidden, *attr);
        }
    }
    for (size_t i = 0; i < joined->nhidden; i++) {
        VEC_PUSH(&hidden, joined->hidden[i]);
    }
    if (full) {
        AzColumns columns = {.arena = ctx->arena};
        for (size_t i = 0; i < keys.count; i++) {
            VEC_PUSH(&columns, keys.items[i]);
        }
        for (size_t i = 0; i < joined->tr->noutput; i++) {
            TyNamed pass = az_pass(ctx, &joined->tr->output[i]);
            VEC_PUSH(&columns, pass);
        }
        joined->tr = az_tr_project(ctx, joined->tr, columns.items, columns.count);
    }
    joined->attrs = shown.items;
    joined->nattrs = shown.count;
    joined->hidden = hidden.items;
    joined->nhidden = hidden.count;
    return joined;
}

static const AzRel *natural(AzCtx *ctx, const PrRel *pr, const AzRel *left, const AzRel *right) {
    VEC(Str) names = {.arena = ctx->arena};
    for (size_t i = 0; i < left->nattrs; i++) {
        bool shared = false;
        for (size_t k = 0; k < right->nattrs; k++) {
            shared = shared || az_name_eq(ctx, left->attrs[i].name, right->attrs[k].name);
        }
        if (shared) {
            VEC_PUSH(&names, left->attrs[i].name);
        }
    }
    if (names.count == 0) {
        return join_all(ctx, pr->join.type, left, right, NULL, false);
    }
    return join_using(ctx, pr, left, right, names.items, names.count);
}

const AzRel *az_join_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *left = az_relation(ctx, pr->input);
    if (left == NULL) {
        return NULL;
    }
    AzScope left_scope = az_scope_of(ctx, left);
    const AzScope *before = ctx->outer;
    if (pr->join.is_lateral) {
        ctx->outer = &left_scope;
    }
    const AzRel *right = az_relation(ctx, pr->right);
    ctx->outer = before;
    if (right == NULL) {
        return NULL;
    }
    if (pr->join.is_natural) {
        return natural(ctx, pr, left, right);
    }
    if (pr->join.nusing > 0) {
        return join_using(ctx, pr, left, right, pr->join.using_columns, pr->join.nusing);
    }
    const TxExpr *condition = NULL;
    if (pr->join.condition != NULL) {
        AzScope scope = {.inputs = {left, right}, .ninputs = 2, .outer = ctx->outer};
        condition = az_expr(ctx, pr->join.condition, &scope);
        condition = condition == NULL ? NULL : az_to_condition(ctx, pr->origin, condition, "join");
        if (condition == NULL) {
            return NULL;
        }
        if (az_has_tag(condition, TX_PYTHON_UDF)) {
            az_not_supported(ctx, "A Python function in a join condition is not supported yet: compute it in a column first.");
            return NULL;
        }
    }
    PlJoinType type = pr->join.type == PL_JOIN_CROSS && condition != NULL ? PL_JOIN_INNER : pr->join.type;
    return join_all(ctx, type, left, right, condition, pr->join.is_lateral);
}
