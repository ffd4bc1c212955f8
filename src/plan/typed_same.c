/* typed_same.c - whether two typed trees give the same rows; see typed.h.
 *
 * Used by connect/ to find a cached relation in a later query, whose attributes have ids of their own. Invariant: the ids of the one tree
 * answer to those of the other one to one, wherever they stand; names, qualifiers and implicit marks do not count.
 */
#include "plan/typed.h"

#include "base/vec.h"

typedef struct IdPair {
    uint32_t a, b;
} IdPair;

typedef struct Same {
    VEC(IdPair) ids;
} Same;

static bool same_rel(Same *s, const TrRel *a, const TrRel *b);
static bool same_expr(Same *s, const TxExpr *a, const TxExpr *b);

/* Definitions come before uses in the walk, so that the first meeting of two ids binds them. */
static bool same_id(Same *s, uint32_t a, uint32_t b) {
    for (size_t i = 0; i < s->ids.count; i++) {
        if (s->ids.items[i].a == a || s->ids.items[i].b == b) {
            return s->ids.items[i].a == a && s->ids.items[i].b == b;
        }
    }
    VEC_PUSH(&s->ids, (IdPair){a, b});
    return true;
}

static bool same_exprs(Same *s, const TxExpr *const *a, size_t na, const TxExpr *const *b, size_t nb) {
    if (na != nb) {
        return false;
    }
    for (size_t i = 0; i < na; i++) {
        if (!same_expr(s, a[i], b[i])) {
            return false;
        }
    }
    return true;
}

static bool same_keys(Same *s, const TySort *a, size_t na, const TySort *b, size_t nb) {
    if (na != nb) {
        return false;
    }
    for (size_t i = 0; i < na; i++) {
        if (a[i].descending != b[i].descending || a[i].nulls_first != b[i].nulls_first || !same_expr(s, a[i].expr, b[i].expr)) {
            return false;
        }
    }
    return true;
}

static bool same_attrs(Same *s, const TyAttr *a, size_t na, const TyAttr *b, size_t nb) {
    if (na != nb) {
        return false;
    }
    for (size_t i = 0; i < na; i++) {
        if (!pl_type_same(a[i].type, b[i].type) || !same_id(s, a[i].id, b[i].id)) {
            return false;
        }
    }
    return true;
}

static bool same_named(Same *s, const TyNamed *a, size_t na, const TyNamed *b, size_t nb) {
    if (na != nb) {
        return false;
    }
    for (size_t i = 0; i < na; i++) {
        if (!same_expr(s, a[i].expr, b[i].expr) || !same_id(s, a[i].attr.id, b[i].attr.id)) {
            return false;
        }
    }
    return true;
}

static bool same_python(const PlPython *a, const PlPython *b) {
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return a->eval == b->eval && pl_type_same(a->result, b->result) && str_eq(a->command, b->command) && str_eq(a->python_version, b->python_version);
}

static bool same_expr(Same *s, const TxExpr *a, const TxExpr *b) {
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (a->tag != b->tag || !pl_type_same(a->type, b->type)) {
        return false;
    }
    switch (a->tag) {
    case TX_LITERAL: return pl_value_equal(a->literal, b->literal);
    case TX_COLUMN: return same_id(s, a->column.id, b->column.id);
    case TX_CALL: return a->call.fn == b->call.fn && same_exprs(s, a->call.args, a->call.nargs, b->call.args, b->call.nargs);
    case TX_CAST: return a->cast.mode == b->cast.mode && same_expr(s, a->cast.child, b->cast.child);
    case TX_CASE:
        return same_exprs(s, a->cases.when, 2 * a->cases.nwhen, b->cases.when, 2 * b->cases.nwhen) &&
               same_expr(s, a->cases.otherwise, b->cases.otherwise);
    case TX_FIELD: return a->field.index == b->field.index && same_expr(s, a->field.child, b->field.child);
    case TX_LAMBDA:
        return same_attrs(s, a->lambda.params, a->lambda.nparams, b->lambda.params, b->lambda.nparams) &&
               same_expr(s, a->lambda.body, b->lambda.body);
    case TX_AGGREGATE:
        return a->aggregate.fn == b->aggregate.fn && a->aggregate.is_distinct == b->aggregate.is_distinct &&
               a->aggregate.ignore_nulls == b->aggregate.ignore_nulls && same_expr(s, a->aggregate.filter, b->aggregate.filter) &&
               same_exprs(s, a->aggregate.args, a->aggregate.nargs, b->aggregate.args, b->aggregate.nargs);
    case TX_WINDOW:
        return a->window.frame == b->window.frame && a->window.lower == b->window.lower && a->window.upper == b->window.upper &&
               same_expr(s, a->window.function, b->window.function) &&
               same_exprs(s, a->window.partition, a->window.npartition, b->window.partition, b->window.npartition) &&
               same_keys(s, a->window.order, a->window.norder, b->window.order, b->window.norder) &&
               same_expr(s, a->window.lower_offset, b->window.lower_offset) && same_expr(s, a->window.upper_offset, b->window.upper_offset);
    case TX_PYTHON_UDF:
        return same_python(a->python.function, b->python.function) &&
               same_exprs(s, a->python.args, a->python.nargs, b->python.args, b->python.nargs);
    case TX_SUBQUERY:
        return a->subquery.kind == b->subquery.kind && a->subquery.is_negated == b->subquery.is_negated &&
               same_exprs(s, a->subquery.values, a->subquery.nvalues, b->subquery.values, b->subquery.nvalues) &&
               same_rel(s, a->subquery.plan, b->subquery.plan);
    }
    return false;
}

static bool same_options(const PlOption *a, size_t na, const PlOption *b, size_t nb) {
    if (na != nb) {
        return false;
    }
    for (size_t i = 0; i < na; i++) {
        if (!str_eq_nocase(a[i].key, b[i].key) || !str_eq(a[i].value, b[i].value)) {
            return false;
        }
    }
    return true;
}

/* Of the same places with the same columns: not of the same files, which come and go. */
static bool same_scan(const TyScan *a, const TyScan *b) {
    if (!str_eq_nocase(a->format, b->format) || a->nroots != b->nroots || a->npartition_fields != b->npartition_fields ||
        !same_options(a->options, a->noptions, b->options, b->noptions) || !pl_type_same(a->data_schema, b->data_schema)) {
        return false;
    }
    for (size_t i = 0; i < a->nroots; i++) {
        if (!str_eq(a->roots[i], b->roots[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < a->npartition_fields; i++) {
        if (!str_eq(a->partition_fields[i].name, b->partition_fields[i].name) || !pl_type_same(a->partition_fields[i].type, b->partition_fields[i].type)) {
            return false;
        }
    }
    return true;
}

static bool same_sets(const TrRel *a, const TrRel *b) {
    if (a->aggregate.nsets != b->aggregate.nsets || (a->aggregate.set_sizes == NULL) != (b->aggregate.set_sizes == NULL)) {
        return false;
    }
    size_t members = 0;
    for (size_t i = 0; a->aggregate.set_sizes != NULL && i < a->aggregate.nsets; i++) {
        if (a->aggregate.set_sizes[i] != b->aggregate.set_sizes[i]) {
            return false;
        }
        members += a->aggregate.set_sizes[i];
    }
    for (size_t i = 0; i < members; i++) {
        if (a->aggregate.set_members[i] != b->aggregate.set_members[i]) {
            return false;
        }
    }
    return true;
}

static bool same_payload(Same *s, const TrRel *a, const TrRel *b) {
    switch (a->tag) {
    case TR_SCAN: return same_scan(a->scan.scan, b->scan.scan);
    case TR_LOCAL_DATA: return str_eq(a->local.arrow_ipc, b->local.arrow_ipc);
    case TR_VALUES:
        return a->values.nrows == b->values.nrows &&
               same_exprs(s, a->values.cells, a->values.nrows * a->noutput, b->values.cells, b->values.nrows * b->noutput);
    case TR_RANGE: return a->range.start == b->range.start && a->range.end == b->range.end && a->range.step == b->range.step;
    case TR_PROJECT: return same_named(s, a->project.columns, a->noutput, b->project.columns, b->noutput);
    case TR_FILTER: return same_expr(s, a->filter.condition, b->filter.condition);
    case TR_JOIN:
        return a->join.type == b->join.type && a->join.is_lateral == b->join.is_lateral && same_expr(s, a->join.condition, b->join.condition);
    case TR_SET_OP: return a->set_op.op == b->set_op.op && a->set_op.is_all == b->set_op.is_all;
    case TR_SORT: return same_keys(s, a->sort.keys, a->sort.nkeys, b->sort.keys, b->sort.nkeys);
    case TR_LIMIT:
    case TR_TAIL: return a->limit.limit == b->limit.limit && a->limit.offset == b->limit.offset;
    case TR_AGGREGATE:
        return same_sets(a, b) && same_exprs(s, a->aggregate.groups, a->aggregate.ngroups, b->aggregate.groups, b->aggregate.ngroups) &&
               same_named(s, a->aggregate.columns, a->noutput, b->aggregate.columns, b->noutput);
    case TR_WINDOW: return same_named(s, a->window.columns, a->window.ncolumns, b->window.columns, b->window.ncolumns);
    case TR_GENERATE:
        return a->generate.is_outer == b->generate.is_outer && a->generate.ncolumns == b->generate.ncolumns &&
               same_expr(s, a->generate.generator, b->generate.generator);
    case TR_SAMPLE:
        return a->sample.lower == b->sample.lower && a->sample.upper == b->sample.upper &&
               a->sample.with_replacement == b->sample.with_replacement && a->sample.seed == b->sample.seed;
    case TR_PYTHON:
        return same_python(a->python.function, b->python.function) &&
               same_named(s, a->python.udfs, a->python.nudfs, b->python.udfs, b->python.nudfs);
    case TR_COLLECT_METRICS:
        return str_eq(a->metrics.name, b->metrics.name) && same_named(s, a->metrics.metrics, a->metrics.nmetrics, b->metrics.metrics, b->metrics.nmetrics);
    case TR_KEPT: return str_eq(a->kept.table, b->kept.table);
    case TR_SHOW_STRING:
    case TR_HTML_STRING: return a->show.rows == b->show.rows && a->show.truncate == b->show.truncate && a->show.vertical == b->show.vertical;
    }
    return false;
}

static bool same_rel(Same *s, const TrRel *a, const TrRel *b) {
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return a->tag == b->tag && a->noutput == b->noutput && same_rel(s, a->input, b->input) && same_rel(s, a->right, b->right) &&
           same_payload(s, a, b) && same_attrs(s, a->output, a->noutput, b->output, b->noutput);
}

bool pl_rel_same(const TrRel *a, const TrRel *b) {
    Arena *arena = arena_new();
    Same same = {.ids = {.arena = arena}};
    bool is_same = same_rel(&same, a, b);
    arena_free(arena);
    return is_same;
}
