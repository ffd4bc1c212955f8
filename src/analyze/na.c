/* na.c - DataFrame.na: fill, drop and replace, by the rules of which columns a value fits.
 *
 * Called by analyze.c. Source of meaning: Spark's DataFrameNaFunctions.
 */
#include "analyze/az.h"

#include <string.h>

static bool is_float(const PlType *t) {
    return t->kind == PL_TYPE_FLOAT || t->kind == PL_TYPE_DOUBLE;
}

/* Whether a column of that type takes a value of that type. */
static bool fits(const PlType *column, const PlType *value) {
    if (pl_type_is_numeric(value)) {
        return pl_type_is_numeric(column);
    }
    return column->kind == value->kind;
}

static bool check_columns(AzCtx *ctx, const PrRel *pr, const AzRel *input, const Str *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool ambiguous = false;
        if (az_find_attr(ctx, input, names[i], &ambiguous) == NULL) {
            if (ambiguous) {
                return az_fail(ctx, pr->origin, "AMBIGUOUS_REFERENCE", "Reference `%.*s` is ambiguous.", STR_ARG(names[i]));
            }
            StrBuf list = {.arena = ctx->arena};
            for (size_t k = 0; k < input->nattrs; k++) {
                Str quoted = az_quote_parts(ctx->arena, &input->attrs[k].name, 1);
                strbuf_fmt(&list, "%s%.*s", k > 0 ? ", " : "", STR_ARG(quoted));
            }
            Str all = strbuf_str(&list);
            Str shown = az_quote_parts(ctx->arena, &names[i], 1);
            return err_set(ctx->err, "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                           "A column or function parameter with name %.*s cannot be resolved. Did you mean one of the following? [%.*s].",
                           STR_ARG(shown), STR_ARG(all));
        }
    }
    return true;
}

/* The index of the column among names; count when it is not there. */
static size_t index_of(AzCtx *ctx, const Str *names, size_t count, Str name) {
    for (size_t i = 0; i < count; i++) {
        if (az_name_eq(ctx, names[i], name)) {
            return i;
        }
    }
    return count;
}

static const TxExpr *filled(AzCtx *ctx, const TyAttr *attr, const PlValue *value) {
    const TxExpr *column = az_column(ctx, attr);
    const TxExpr *replacement = az_cast_to(ctx, az_literal(ctx, value), attr->type);
    if (is_float(attr->type)) {
        const TxExpr *pair[] = {column, az_null(ctx, attr->type)};
        column = az_apply(ctx, "nanvl", pair, 2);
        if (column == NULL) {
            return NULL;
        }
    }
    const TxExpr *args[] = {column, replacement};
    return az_apply(ctx, "coalesce", args, 2);
}

static const AzRel *fill(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    size_t count = pr->na_fill.ncolumns;
    if (!check_columns(ctx, pr, input, pr->na_fill.columns, count)) {
        return NULL;
    }
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, input->nattrs);
    for (size_t i = 0; i < input->nattrs; i++) {
        const TyAttr *attr = &input->attrs[i];
        columns[i] = az_pass(ctx, attr);
        size_t at = index_of(ctx, pr->na_fill.columns, count, attr->name);
        if (count > 0 && at == count) {
            continue;
        }
        size_t which = pr->na_fill.nvalues > 1 && at < pr->na_fill.nvalues ? at : 0;
        if (pr->na_fill.nvalues == 0 || !fits(attr->type, pr->na_fill.values[which]->type)) {
            continue;
        }
        const TxExpr *expr = filled(ctx, attr, pr->na_fill.values[which]);
        if (expr == NULL) {
            return NULL;
        }
        columns[i] = az_named(ctx, attr->name, expr);
    }
    return az_project(ctx, input, columns, input->nattrs);
}

static const TxExpr *is_present(AzCtx *ctx, const TyAttr *attr) {
    const TxExpr *column = az_column(ctx, attr);
    const TxExpr *known = az_apply(ctx, "isnotnull", &column, 1);
    if (known == NULL || !is_float(attr->type)) {
        return known;
    }
    const TxExpr *nan = az_apply(ctx, "isnan", &column, 1);
    const TxExpr *number = nan == NULL ? NULL : az_apply(ctx, "not", &nan, 1);
    const TxExpr *both[] = {known, number};
    return number == NULL ? NULL : az_apply(ctx, "and", both, 2);
}

static const AzRel *drop(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    size_t count = pr->na_drop.ncolumns;
    if (!check_columns(ctx, pr, input, pr->na_drop.columns, count)) {
        return NULL;
    }
    int needed = pr->na_drop.min_non_nulls;
    const TxExpr *condition = NULL;
    for (size_t i = 0; i < input->nattrs; i++) {
        if (count > 0 && index_of(ctx, pr->na_drop.columns, count, input->attrs[i].name) == count) {
            continue;
        }
        const TxExpr *present = is_present(ctx, &input->attrs[i]);
        if (present != NULL && needed >= 0) {
            const TxExpr *branches[] = {present, az_int(ctx, 1), az_int(ctx, 0)};
            present = az_apply(ctx, "if", branches, 3);
        }
        if (present == NULL) {
            return NULL;
        }
        const TxExpr *pair[] = {condition, present};
        condition = condition == NULL ? present : az_apply(ctx, needed >= 0 ? "+" : "and", pair, 2);
        if (condition == NULL) {
            return NULL;
        }
    }
    if (needed >= 0) {
        const TxExpr *pair[] = {condition != NULL ? condition : az_int(ctx, 0), az_int(ctx, needed)};
        condition = az_apply(ctx, ">=", pair, 2);
    } else if (condition == NULL) {
        condition = az_bool(ctx, true);
    }
    if (condition == NULL) {
        return NULL;
    }
    TrRel *tr = az_tr(ctx, TR_FILTER, input->tr);
    tr->filter.condition = condition;
    AzRel *rel = az_wrap(ctx, tr, input);
    rel->agg = NULL;
    return rel;
}

static const TxExpr *replaced(AzCtx *ctx, const PrRel *pr, const TyAttr *attr) {
    TxExpr *cases = ARENA_NEW(ctx->arena, TxExpr);
    const TxExpr *column = az_column(ctx, attr);
    size_t count = pr->na_replace.nvalues;
    cases->tag = TX_CASE;
    cases->type = attr->type;
    cases->nullable = attr->nullable;
    cases->cases.when = ARENA_ARRAY(ctx->arena, const TxExpr *, 2 * count);
    cases->cases.nwhen = count;
    cases->cases.otherwise = column;
    for (size_t i = 0; i < count; i++) {
        const PlValue *old = pr->na_replace.old_values[i];
        const PlValue *new = pr->na_replace.new_values[i];
        const TxExpr *pair[] = {column, az_cast_to(ctx, az_literal(ctx, old), attr->type)};
        const TxExpr *condition = old->is_null ? az_apply(ctx, "isnull", &column, 1) : az_apply(ctx, "=", pair, 2);
        const TxExpr *value = new->is_null ? az_null(ctx, attr->type) : az_cast_to(ctx, az_literal(ctx, new), attr->type);
        if (condition == NULL) {
            return NULL;
        }
        cases->cases.when[2 * i] = condition;
        cases->cases.when[2 * i + 1] = value;
        cases->nullable = cases->nullable || value->nullable;
    }
    return cases;
}

static const AzRel *replace(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    size_t count = pr->na_replace.ncolumns;
    if (!check_columns(ctx, pr, input, pr->na_replace.columns, count)) {
        return NULL;
    }
    const PlType *kind = &PL_NULL;
    for (size_t i = 0; i < pr->na_replace.nvalues; i++) {
        const PlValue *old = pr->na_replace.old_values[i];
        const PlValue *new = pr->na_replace.new_values[i];
        kind = kind->kind == PL_TYPE_NULL ? (old->is_null ? new->type : old->type) : kind;
    }
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, input->nattrs);
    for (size_t i = 0; i < input->nattrs; i++) {
        const TyAttr *attr = &input->attrs[i];
        columns[i] = az_pass(ctx, attr);
        bool named = count == 0 || index_of(ctx, pr->na_replace.columns, count, attr->name) < count;
        if (!named || pr->na_replace.nvalues == 0 || !fits(attr->type, kind)) {
            continue;
        }
        const TxExpr *expr = replaced(ctx, pr, attr);
        if (expr == NULL) {
            return NULL;
        }
        columns[i] = az_named(ctx, attr->name, expr);
    }
    return az_project(ctx, input, columns, input->nattrs);
}

const AzRel *az_na_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    if (pr->tag == PR_NA_FILL) {
        return fill(ctx, pr, input);
    }
    return pr->tag == PR_NA_DROP ? drop(ctx, pr, input) : replace(ctx, pr, input);
}
