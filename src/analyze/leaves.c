/* leaves.c - relations without an input: tables, views, files, rows, ranges.
 *
 * Called by analyze.c. What the world must be asked (tables, files, views) goes through AzWorld.
 * Invariant: each use of a view or a kept relation gets attribute ids of its own.
 */
#include "analyze/az.h"

#include <string.h>

static const AzRel *from_scan(AzCtx *ctx, const TyScan *scan, const Str *qualifier, size_t nqualifier) {
    size_t ndata = scan->data_schema == NULL ? 0 : scan->data_schema->nfields;
    size_t total = ndata + scan->npartition_fields;
    TyAttr *attrs = ARENA_ARRAY(ctx->arena, TyAttr, total);
    for (size_t i = 0; i < total; i++) {
        const PlField *field = i < ndata ? &scan->data_schema->fields[i] : &scan->partition_fields[i - ndata];
        const PlType *type = field->type->kind == PL_TYPE_CHAR || field->type->kind == PL_TYPE_VARCHAR ? &PL_STRING : field->type;
        /* Spark reads files as nullable, whatever the schema says. */
        attrs[i] = az_attr(ctx, field->name, az_set_nullability(ctx, type), true);
        attrs[i].metadata_json = field->metadata_json;
        attrs[i].qualifier = qualifier;
        attrs[i].nqualifier = nqualifier;
    }
    TrRel *tr = az_tr(ctx, TR_SCAN, NULL);
    tr->output = attrs;
    tr->noutput = total;
    tr->scan.scan = scan;
    return az_rel(ctx, tr, NULL);
}

static const AzRel *with_qualifier(AzCtx *ctx, const AzRel *input, const Str *qualifier, size_t nqualifier) {
    input = az_visible(ctx, input);
    AzRel *rel = az_rel(ctx, input->tr, input);
    TyAttr *attrs = ARENA_ARRAY(ctx->arena, TyAttr, input->nattrs);
    for (size_t i = 0; i < input->nattrs; i++) {
        attrs[i] = input->attrs[i];
        attrs[i].qualifier = qualifier;
        attrs[i].nqualifier = nqualifier;
    }
    rel->attrs = attrs;
    return rel;
}

static const AzRel *from_cte(AzCtx *ctx, Str name, bool *ret_found) {
    for (const AzCte *cte = ctx->ctes; cte != NULL; cte = cte->outer) {
        if (!str_eq_nocase(cte->name, name)) {
            continue;
        }
        *ret_found = true;
        const AzCte *before = ctx->ctes;
        const AzScope *outer = ctx->outer;
        ctx->ctes = cte->outer;
        ctx->outer = NULL;
        const AzRel *rel = az_relation(ctx, cte->plan);
        ctx->ctes = before;
        ctx->outer = outer;
        if (rel == NULL) {
            return NULL;
        }
        Str *qualifier = ARENA_NEW(ctx->arena, Str);
        *qualifier = cte->name;
        return with_qualifier(ctx, rel, qualifier, 1);
    }
    return NULL;
}

static const AzRel *from_view(AzCtx *ctx, const PrRel *pr, const PrRel *plan) {
    const AzCte *before = ctx->ctes;
    const AzScope *outer = ctx->outer;
    ctx->ctes = NULL;
    ctx->outer = NULL;
    const AzRel *rel = az_relation(ctx, plan);
    ctx->ctes = before;
    ctx->outer = outer;
    return rel == NULL ? NULL : with_qualifier(ctx, rel, pr->table.parts, pr->table.nparts);
}

static const AzRel *read_table(AzCtx *ctx, const PrRel *pr) {
    const AzWorld *world = ctx->world;
    if (pr->table.nparts == 1) {
        bool found = false;
        const AzRel *cte = from_cte(ctx, pr->table.parts[0], &found);
        if (found) {
            return cte;
        }
    }
    const PrRel *view = world->view == NULL ? NULL : world->view(world->self, pr->table.parts, pr->table.nparts);
    if (view != NULL) {
        return from_view(ctx, pr, view);
    }
    TyScan *scan = ARENA_NEW(ctx->arena, TyScan);
    if (world->table == NULL || !world->table(world->self, ctx->arena, pr->table.parts, pr->table.nparts, scan, ctx->err)) {
        if (!ctx->err->is_set || err_is(ctx->err, "TABLE_OR_VIEW_NOT_FOUND")) {
            err_clear(ctx->err);
            Str shown = az_quote_parts(ctx->arena, pr->table.parts, pr->table.nparts);
            az_fail(ctx, pr->origin, "TABLE_OR_VIEW_NOT_FOUND",
                    "The table or view %.*s cannot be found. Verify the spelling and correctness of the schema and catalog.\n"
                    "If you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct "
                    "schema and catalog.\n"
                    "To tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS.",
                    STR_ARG(shown));
        }
        return NULL;
    }
    size_t nparts = pr->table.nparts;
    Str *qualifier = ARENA_ARRAY(ctx->arena, Str, 3);
    qualifier[0] = nparts >= 3 ? pr->table.parts[nparts - 3] : STR("spark_catalog");
    qualifier[1] = nparts >= 2 ? pr->table.parts[nparts - 2] : world->current_database;
    qualifier[2] = pr->table.parts[nparts - 1];
    return from_scan(ctx, scan, qualifier, 3);
}

static const AzRel *read_source(AzCtx *ctx, const PrRel *pr) {
    TyScan *scan = ARENA_NEW(ctx->arena, TyScan);
    if (ctx->world->source == NULL) {
        az_not_supported(ctx, "Files cannot be read here.");
        return NULL;
    }
    if (!ctx->world->source(ctx->world->self, ctx->arena, pr, scan, ctx->err)) {
        return NULL;
    }
    return from_scan(ctx, scan, NULL, 0);
}

/* The columns of a schema, over rows that may have other types: cast where they differ. */
static const AzRel *local_data(AzCtx *ctx, const PrRel *pr) {
    const PlType *given = pr->local.schema;
    const PlType *stream = NULL;
    if (pr->local.arrow_ipc.len > 0) {
        stream = ctx->world->local_schema(ctx->world->self, ctx->arena, pr->local.arrow_ipc, ctx->err);
        if (stream == NULL) {
            return NULL;
        }
    }
    const PlType *has = stream != NULL ? stream : given;
    if (has == NULL) {
        err_set(ctx->err, "INVALID_PLAN_INPUT", "Input data for LocalRelation does not produce a schema.");
        return NULL;
    }
    if (given != NULL && given->kind != PL_TYPE_STRUCT) {
        PlField field = {STR("value"), given, true, {0}};
        given = pl_struct(ctx->arena, &field, 1);
    }
    if (has->kind != PL_TYPE_STRUCT) {
        has = given;
    }
    TyAttr *attrs = ARENA_ARRAY(ctx->arena, TyAttr, has->nfields);
    for (size_t i = 0; i < has->nfields; i++) {
        const PlField *field = &has->fields[i];
        attrs[i] = az_attr(ctx, field->name, field->type, field->nullable);
        attrs[i].metadata_json = field->metadata_json;
    }
    TrRel *tr = az_tr(ctx, TR_LOCAL_DATA, NULL);
    tr->output = attrs;
    tr->noutput = has->nfields;
    tr->local.arrow_ipc = pr->local.arrow_ipc;
    AzRel *rel = az_rel(ctx, tr, NULL);
    if (given == NULL || stream == NULL) {
        return rel;
    }
    if (given->nfields != has->nfields) {
        err_set(ctx->err, "INVALID_PLAN_INPUT", "The rows have %zu columns, but their schema has %zu.", has->nfields, given->nfields);
        return NULL;
    }
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, given->nfields);
    bool differs = false;
    for (size_t i = 0; i < given->nfields; i++) {
        const PlField *field = &given->fields[i];
        const TxExpr *column = az_column(ctx, &attrs[i]);
        differs = differs || !pl_type_equal(field->type, attrs[i].type);
        columns[i] = az_named(ctx, field->name, az_cast_to(ctx, column, field->type));
        columns[i].attr.nullable = field->nullable;
        columns[i].attr.metadata_json = field->metadata_json;
    }
    if (!differs) {
        for (size_t i = 0; i < given->nfields; i++) {
            attrs[i].name = given->fields[i].name;
            attrs[i].nullable = given->fields[i].nullable;
            attrs[i].metadata_json = given->fields[i].metadata_json;
        }
        return rel;
    }
    AzRel *cast = az_rel(ctx, az_tr_project(ctx, tr, columns, given->nfields), rel);
    return cast;
}

static const AzRel *values(AzCtx *ctx, const PrRel *pr) {
    size_t nrows = pr->values.nrows;
    size_t ncolumns = pr->values.ncolumns;
    const TxExpr **cells = ARENA_ARRAY(ctx->arena, const TxExpr *, nrows * ncolumns);
    AzScope scope = {0};
    for (size_t i = 0; i < nrows * ncolumns; i++) {
        cells[i] = az_expr(ctx, pr->values.cells[i], &scope);
        if (cells[i] == NULL) {
            return NULL;
        }
    }
    TyAttr *attrs = ARENA_ARRAY(ctx->arena, TyAttr, ncolumns);
    const TxExpr **column = ARENA_ARRAY(ctx->arena, const TxExpr *, nrows);
    for (size_t c = 0; c < ncolumns; c++) {
        for (size_t r = 0; r < nrows; r++) {
            column[r] = cells[r * ncolumns + c];
        }
        const PlType *type = az_wider_common(ctx, column, nrows);
        if (type == NULL) {
            az_fail(ctx, pr->origin, "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE",
                    "Invalid inline table. Found incompatible types in the column `col%zu` for inline table.", c + 1);
            return NULL;
        }
        bool nullable = false;
        for (size_t r = 0; r < nrows; r++) {
            cells[r * ncolumns + c] = az_cast_to(ctx, column[r], type);
            nullable = nullable || cells[r * ncolumns + c]->nullable;
        }
        attrs[c] = az_attr(ctx, str_fmt(ctx->arena, "col%zu", c + 1), type, nullable);
    }
    TrRel *tr = az_tr(ctx, TR_VALUES, NULL);
    tr->output = attrs;
    tr->noutput = ncolumns;
    tr->values.cells = cells;
    tr->values.nrows = nrows;
    return az_rel(ctx, tr, NULL);
}

static const AzRel *range(AzCtx *ctx, const PrRel *pr) {
    if (pr->range.step == 0) {
        err_set(ctx->err, "INVALID_PLAN_INPUT", "requirement failed: step (0) cannot be 0");
        return NULL;
    }
    TyAttr *attr = ARENA_NEW(ctx->arena, TyAttr);
    *attr = az_attr(ctx, STR("id"), &PL_LONG, false);
    TrRel *tr = az_tr(ctx, TR_RANGE, NULL);
    tr->output = attr;
    tr->noutput = 1;
    tr->range.start = pr->range.start;
    tr->range.end = pr->range.end;
    tr->range.step = pr->range.step;
    return az_rel(ctx, tr, NULL);
}

/* A cached relation is what it was, even where its files are gone by now; but as long as it still is that, the DataFrames that it was made
 * from can be named (df["a"]). */
static const AzRel *still_same(AzCtx *ctx, const PrRel *pr, const TrRel *tr) {
    Err before = *ctx->err;
    const AzRel *now = az_relation(ctx, pr->input);
    if (now != NULL && pl_rel_same(az_visible(ctx, now)->tr, tr)) {
        return now;
    }
    *ctx->err = before;
    return NULL;
}

static const AzRel *kept(AzCtx *ctx, const PrRel *pr) {
    const TrRel *tr = ctx->world->cached == NULL ? NULL : ctx->world->cached(ctx->world->self, pr->cached.id);
    if (tr == NULL) {
        err_set(ctx->err, "INVALID_PLAN_INPUT", "No DataFrame with id %.*s is found in the session.", STR_ARG(pr->cached.id));
        return NULL;
    }
    const AzRel *now = pr->input == NULL ? NULL : still_same(ctx, pr, tr);
    if (now != NULL) {
        return now;
    }
    tr = az_renumber(ctx, tr);
    return tr == NULL ? NULL : az_rel(ctx, tr, NULL);
}

static const AzRel *catalog(AzCtx *ctx, const PrRel *pr) {
    const TrRel *tr = ctx->world->catalog == NULL ? NULL : ctx->world->catalog(ctx->world->self, ctx->arena, pr, ctx->err);
    if (tr == NULL) {
        az_not_supported(ctx, "The catalog operation %.*s is not supported yet.", STR_ARG(pr->catalog.operation));
        return NULL;
    }
    tr = az_renumber(ctx, tr);
    return tr == NULL ? NULL : az_rel(ctx, tr, NULL);
}

const AzRel *az_leaf(AzCtx *ctx, const PrRel *pr) {
    if (pr->tag == PR_READ_TABLE) {
        return read_table(ctx, pr);
    }
    if (pr->tag == PR_READ_SOURCE) {
        return read_source(ctx, pr);
    }
    if (pr->tag == PR_LOCAL_DATA) {
        return local_data(ctx, pr);
    }
    if (pr->tag == PR_VALUES) {
        return values(ctx, pr);
    }
    if (pr->tag == PR_RANGE) {
        return range(ctx, pr);
    }
    if (pr->tag == PR_CACHED) {
        return kept(ctx, pr);
    }
    if (pr->tag == PR_CATALOG) {
        return catalog(ctx, pr);
    }
    TrRel *tr = az_tr(ctx, TR_VALUES, NULL); /* no FROM: one row without columns */
    tr->values.nrows = 1;
    return az_rel(ctx, tr, NULL);
}
