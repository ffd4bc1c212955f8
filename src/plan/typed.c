/* typed.c - schemas, comparison and walking of typed trees; see typed.h.
 *
 * Invariant: trees are immutable; a walk that changes something returns new nodes and shares the rest.
 */
#include "plan/typed.h"

#include <string.h>

const PlType *pl_output_schema(Arena *arena, const TrRel *rel) {
    PlField *fields = ARENA_ARRAY(arena, PlField, rel->noutput);
    for (size_t i = 0; i < rel->noutput; i++) {
        const TyAttr *attr = &rel->output[i];
        fields[i] = (PlField){attr->name, attr->type, attr->nullable, attr->metadata_json};
    }
    return pl_struct(arena, fields, rel->noutput);
}

static bool equal_lists(const TxExpr *const *a, size_t na, const TxExpr *const *b, size_t nb) {
    if (na != nb) {
        return false;
    }
    for (size_t i = 0; i < na; i++) {
        if (!pl_expr_equal(a[i], b[i])) {
            return false;
        }
    }
    return true;
}

static bool equal_windows(const TxExpr *a, const TxExpr *b) {
    if (!pl_expr_equal(a->window.function, b->window.function) || a->window.frame != b->window.frame ||
        a->window.lower != b->window.lower || a->window.upper != b->window.upper || a->window.norder != b->window.norder ||
        !pl_expr_equal(a->window.lower_offset, b->window.lower_offset) ||
        !pl_expr_equal(a->window.upper_offset, b->window.upper_offset)) {
        return false;
    }
    for (size_t i = 0; i < a->window.norder; i++) {
        const TySort *x = &a->window.order[i];
        const TySort *y = &b->window.order[i];
        if (x->descending != y->descending || x->nulls_first != y->nulls_first || !pl_expr_equal(x->expr, y->expr)) {
            return false;
        }
    }
    return equal_lists(a->window.partition, a->window.npartition, b->window.partition, b->window.npartition);
}

bool pl_expr_equal(const TxExpr *a, const TxExpr *b) {
    if (a == b) {
        return true;
    }
    if (a == NULL || b == NULL || a->tag != b->tag || !pl_type_same(a->type, b->type)) {
        return false;
    }
    switch (a->tag) {
    case TX_LITERAL:
        return pl_value_equal(a->literal, b->literal);
    case TX_COLUMN:
        return a->column.id == b->column.id;
    case TX_CALL:
        return a->call.fn == b->call.fn && equal_lists(a->call.args, a->call.nargs, b->call.args, b->call.nargs);
    case TX_CAST:
        return a->cast.mode == b->cast.mode && pl_expr_equal(a->cast.child, b->cast.child);
    case TX_CASE:
        return equal_lists(a->cases.when, 2 * a->cases.nwhen, b->cases.when, 2 * b->cases.nwhen) &&
               pl_expr_equal(a->cases.otherwise, b->cases.otherwise);
    case TX_FIELD:
        return a->field.index == b->field.index && pl_expr_equal(a->field.child, b->field.child);
    case TX_LAMBDA:
        return false; /* parameters have ids of their own */
    case TX_AGGREGATE:
        return a->aggregate.fn == b->aggregate.fn && a->aggregate.is_distinct == b->aggregate.is_distinct &&
               a->aggregate.ignore_nulls == b->aggregate.ignore_nulls &&
               pl_expr_equal(a->aggregate.filter, b->aggregate.filter) &&
               equal_lists(a->aggregate.args, a->aggregate.nargs, b->aggregate.args, b->aggregate.nargs);
    case TX_WINDOW:
        return equal_windows(a, b);
    case TX_PYTHON_UDF:
        return a->python.function == b->python.function && a->python.function->deterministic &&
               equal_lists(a->python.args, a->python.nargs, b->python.args, b->python.nargs);
    case TX_SUBQUERY:
        return a->subquery.plan == b->subquery.plan;
    }
    return false;
}

/* Maps one child; NULL stays NULL. False when fn refused. */
static bool map_one(const TxExpr **slot, PlExprMap fn, void *self, bool *changed) {
    if (*slot == NULL) {
        return true;
    }
    const TxExpr *mapped = fn(self, *slot);
    if (mapped == NULL) {
        return false;
    }
    *changed = *changed || mapped != *slot;
    *slot = mapped;
    return true;
}

static bool map_list(Arena *arena, const TxExpr ***list, size_t count, PlExprMap fn, void *self, bool *changed) {
    const TxExpr **copy = NULL;
    for (size_t i = 0; i < count; i++) {
        const TxExpr *mapped = fn(self, (*list)[i]);
        if (mapped == NULL) {
            return false;
        }
        if (mapped != (*list)[i] && copy == NULL) {
            copy = ARENA_ARRAY(arena, const TxExpr *, count);
            memcpy(copy, *list, count * sizeof *copy);
        }
        if (copy != NULL) {
            copy[i] = mapped;
        }
    }
    if (copy != NULL) {
        *list = copy;
        *changed = true;
    }
    return true;
}

static bool map_window(Arena *arena, TxExpr *copy, PlExprMap fn, void *self, bool *changed) {
    TySort *order = ARENA_ARRAY(arena, TySort, copy->window.norder);
    for (size_t i = 0; i < copy->window.norder; i++) {
        order[i] = copy->window.order[i];
        if (!map_one(&order[i].expr, fn, self, changed)) {
            return false;
        }
    }
    copy->window.order = order;
    return map_one(&copy->window.function, fn, self, changed) &&
           map_list(arena, &copy->window.partition, copy->window.npartition, fn, self, changed) &&
           map_one(&copy->window.lower_offset, fn, self, changed) && map_one(&copy->window.upper_offset, fn, self, changed);
}

const TxExpr *pl_expr_map_children(Arena *arena, const TxExpr *expr, PlExprMap fn, void *self) {
    TxExpr copy = *expr;
    bool changed = false;
    bool ok = true;
    switch (expr->tag) {
    case TX_LITERAL:
    case TX_COLUMN:
        break;
    case TX_CALL:
        ok = map_list(arena, &copy.call.args, copy.call.nargs, fn, self, &changed);
        break;
    case TX_CAST:
        ok = map_one(&copy.cast.child, fn, self, &changed);
        break;
    case TX_CASE:
        ok = map_list(arena, &copy.cases.when, 2 * copy.cases.nwhen, fn, self, &changed) &&
             map_one(&copy.cases.otherwise, fn, self, &changed);
        break;
    case TX_FIELD:
        ok = map_one(&copy.field.child, fn, self, &changed);
        break;
    case TX_LAMBDA:
        ok = map_one(&copy.lambda.body, fn, self, &changed);
        break;
    case TX_AGGREGATE:
        ok = map_list(arena, &copy.aggregate.args, copy.aggregate.nargs, fn, self, &changed) &&
             map_one(&copy.aggregate.filter, fn, self, &changed);
        break;
    case TX_WINDOW:
        ok = map_window(arena, &copy, fn, self, &changed);
        break;
    case TX_PYTHON_UDF:
        ok = map_list(arena, &copy.python.args, copy.python.nargs, fn, self, &changed);
        break;
    case TX_SUBQUERY:
        ok = map_list(arena, &copy.subquery.values, copy.subquery.nvalues, fn, self, &changed);
        break;
    }
    if (!ok) {
        return NULL;
    }
    return changed ? arena_copy(arena, &copy, sizeof copy) : expr;
}

typedef struct AnyWalk {
    PlExprTest test;
    void *self;
    Arena *arena;
} AnyWalk;

static const TxExpr *any_step(void *self, const TxExpr *expr) {
    AnyWalk *walk = self;
    if (walk->test(walk->self, expr)) {
        return NULL; /* found: ends the walk */
    }
    return pl_expr_map_children(walk->arena, expr, any_step, walk);
}

bool pl_expr_any(const TxExpr *expr, PlExprTest test, void *self) {
    /* A walk that changes nothing allocates nothing but windows' sort keys. */
    Arena *arena = arena_new();
    AnyWalk walk = {test, self, arena};
    bool found = any_step(&walk, expr) == NULL;
    arena_free(arena);
    return found;
}
