/* build.c - constructors of typed nodes and of relations under construction.
 *
 * Used by every file of this room. Invariant: ids are handed out here only; a project's columns carry unique ids.
 */
#include "analyze/az.h"

#include <string.h>

uint32_t az_new_id(AzCtx *ctx) {
    uint32_t id = ctx->next_id++;
    while (ctx->canon.count <= id) {
        uint32_t self = (uint32_t)ctx->canon.count;
        VEC_PUSH(&ctx->canon, self);
    }
    return id;
}

uint32_t az_new_copy_id(AzCtx *ctx, uint32_t of) {
    uint32_t id = az_new_id(ctx);
    ctx->canon.items[id] = az_canon(ctx, of);
    return id;
}

uint32_t az_canon(const AzCtx *ctx, uint32_t id) {
    return id < ctx->canon.count ? ctx->canon.items[id] : id;
}

TyAttr az_attr(AzCtx *ctx, Str name, const PlType *type, bool nullable) {
    return (TyAttr){.id = az_new_id(ctx), .name = name, .type = type, .nullable = nullable};
}

const TxExpr *az_column(AzCtx *ctx, const TyAttr *attr) {
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->tag = TX_COLUMN;
    expr->type = attr->type;
    expr->nullable = attr->nullable;
    expr->column.id = attr->id;
    expr->column.name = attr->name;
    return expr;
}

const TxExpr *az_literal(AzCtx *ctx, const PlValue *value) {
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->tag = TX_LITERAL;
    expr->type = value->type;
    expr->nullable = value->is_null;
    expr->literal = value;
    return expr;
}

static PlValue *new_value(AzCtx *ctx, const PlType *type) {
    PlValue *value = ARENA_NEW(ctx->arena, PlValue);
    value->type = type;
    return value;
}

const TxExpr *az_null(AzCtx *ctx, const PlType *type) {
    PlValue *value = new_value(ctx, type);
    value->is_null = true;
    return az_literal(ctx, value);
}

const TxExpr *az_int(AzCtx *ctx, int64_t number) {
    PlValue *value = new_value(ctx, &PL_INT);
    value->i = number;
    return az_literal(ctx, value);
}

const TxExpr *az_bool(AzCtx *ctx, bool truth) {
    PlValue *value = new_value(ctx, &PL_BOOLEAN);
    value->i = truth ? 1 : 0;
    return az_literal(ctx, value);
}

const TxExpr *az_string(AzCtx *ctx, Str text) {
    PlValue *value = new_value(ctx, &PL_STRING);
    value->s = text;
    return az_literal(ctx, value);
}

static const TxExpr *make_cast(AzCtx *ctx, const TxExpr *expr, const PlType *type, PlCastMode mode, bool implicit) {
    TxExpr *cast = ARENA_NEW(ctx->arena, TxExpr);
    cast->tag = TX_CAST;
    cast->type = type;
    cast->nullable = expr->nullable || mode == PL_CAST_TRY || az_cast_nullable(expr->type, type);
    cast->cast.child = expr;
    cast->cast.mode = mode;
    cast->cast.is_implicit = implicit;
    return cast;
}

const TxExpr *az_cast_to(AzCtx *ctx, const TxExpr *expr, const PlType *type) {
    if (pl_type_equal(expr->type, type)) {
        return expr;
    }
    if (expr->tag == TX_LITERAL && expr->literal->is_null) {
        return az_null(ctx, type);
    }
    return make_cast(ctx, expr, type, PL_CAST_LEGACY, true);
}

/* try_cast follows ANSI rules, which refuse what these pairs would only give by convention. NULL: allowed; empty: nothing to suggest instead. */
static const char *refused_by_try(const PlType *from, const PlType *to) {
    bool from_number = pl_type_is_numeric(from);
    if (from_number && to->kind == PL_TYPE_DATE) {
        return "DATE_FROM_UNIX_DATE";
    }
    if (from->kind == PL_TYPE_DATE && pl_type_is_numeric(to)) {
        return "UNIX_DATE";
    }
    bool refused = (from_number && to->kind == PL_TYPE_BINARY) || (from->kind == PL_TYPE_BOOLEAN && to->kind == PL_TYPE_TIMESTAMP) ||
                   ((from->kind == PL_TYPE_DATE || from->kind == PL_TYPE_TIMESTAMP) && to->kind == PL_TYPE_BOOLEAN);
    return refused ? "" : NULL;
}

const TxExpr *az_user_cast(AzCtx *ctx, PlOrigin origin, const TxExpr *expr, const PlType *type, PlCastMode mode) {
    if (type->kind == PL_TYPE_CHAR || type->kind == PL_TYPE_VARCHAR) {
        type = &PL_STRING; /* CharVarcharUtils: a cast to char(n) is one to string */
    }
    const TxExpr *cast = make_cast(ctx, expr, type, mode, false);
    const char *instead = mode == PL_CAST_TRY ? refused_by_try(expr->type, type) : NULL;
    if (instead != NULL || !az_can_cast(expr->type, type)) {
        Str shown = az_quote_expr(ctx, cast);
        Str from = az_quote_type(ctx, expr->type);
        Str to = az_quote_type(ctx, type);
        if (instead != NULL && instead[0] != '\0') {
            az_fail(ctx, origin, "DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION",
                    "Cannot resolve %.*s due to data type mismatch: cannot cast %.*s to %.*s.\nTo convert values from %.*s to %.*s, you can use the "
                    "functions `%s` instead.",
                    STR_ARG(shown), STR_ARG(from), STR_ARG(to), STR_ARG(from), STR_ARG(to), instead);
            return NULL;
        }
        az_fail(ctx, origin, "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
                "Cannot resolve %.*s due to data type mismatch: cannot cast %.*s to %.*s.", STR_ARG(shown), STR_ARG(from), STR_ARG(to));
        return NULL;
    }
    return cast;
}

const TxExpr *az_field(AzCtx *ctx, const TxExpr *child, size_t index) {
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->tag = TX_FIELD;
    expr->type = child->type->fields[index].type;
    expr->nullable = child->nullable || child->type->fields[index].nullable;
    expr->field.child = child;
    expr->field.index = index;
    expr->field.name = child->type->fields[index].name;
    return expr;
}

TyNamed az_pass(AzCtx *ctx, const TyAttr *attr) {
    return (TyNamed){*attr, az_column(ctx, attr)};
}

TyNamed az_named(AzCtx *ctx, Str name, const TxExpr *expr) {
    return (TyNamed){az_attr(ctx, name, expr->type, expr->nullable), expr};
}

TrRel *az_tr(AzCtx *ctx, TrTag tag, const TrRel *input) {
    TrRel *rel = ARENA_NEW(ctx->arena, TrRel);
    rel->tag = tag;
    rel->input = input;
    if (input != NULL) {
        rel->output = input->output;
        rel->noutput = input->noutput;
    }
    return rel;
}

AzRel *az_rel(AzCtx *ctx, const TrRel *tr, const AzRel *input) {
    AzRel *rel = ARENA_NEW(ctx->arena, AzRel);
    rel->tr = tr;
    rel->attrs = tr->output;
    rel->nattrs = tr->noutput;
    rel->plan_id = -1;
    rel->inputs[0] = input;
    return rel;
}

const TrRel *az_tr_project(AzCtx *ctx, const TrRel *input, const TyNamed *columns, size_t ncolumns) {
    TrRel *tr = az_tr(ctx, TR_PROJECT, input);
    TyAttr *output = ARENA_ARRAY(ctx->arena, TyAttr, ncolumns);
    TyNamed *copy = ARENA_ARRAY(ctx->arena, TyNamed, ncolumns);
    for (size_t i = 0; i < ncolumns; i++) {
        copy[i] = columns[i];
        for (size_t k = 0; k < i; k++) {
            if (copy[k].attr.id == copy[i].attr.id) {
                copy[i].attr.id = az_new_copy_id(ctx, copy[i].attr.id);
                break;
            }
        }
        output[i] = copy[i].attr;
    }
    tr->output = output;
    tr->noutput = ncolumns;
    tr->project.columns = copy;
    return tr;
}

const AzRel *az_project(AzCtx *ctx, const AzRel *input, const TyNamed *columns, size_t ncolumns) {
    AzRel *rel = az_rel(ctx, az_tr_project(ctx, input->tr, columns, ncolumns), input);
    rel->under = input;
    return rel;
}

static bool is_plain(const AzRel *rel) {
    if (rel->nattrs != rel->tr->noutput) {
        return false;
    }
    for (size_t i = 0; i < rel->nattrs; i++) {
        const TyAttr *shown = &rel->attrs[i];
        const TyAttr *made = &rel->tr->output[i];
        if (shown->id != made->id || !str_eq(shown->name, made->name) || !str_eq(shown->metadata_json, made->metadata_json)) {
            return false;
        }
    }
    return true;
}

const AzRel *az_visible(AzCtx *ctx, const AzRel *rel) {
    if (is_plain(rel) && rel->nhidden == 0) {
        return rel;
    }
    AzRel *plain = ARENA_NEW(ctx->arena, AzRel);
    *plain = *rel;
    plain->nhidden = 0;
    plain->under = NULL;
    plain->agg = NULL;
    plain->inputs[0] = rel;
    plain->inputs[1] = NULL;
    if (!is_plain(rel)) {
        TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, rel->nattrs);
        for (size_t i = 0; i < rel->nattrs; i++) {
            columns[i] = az_pass(ctx, &rel->attrs[i]);
        }
        plain->tr = az_tr_project(ctx, rel->tr, columns, rel->nattrs);
        plain->attrs = plain->tr->output;
    }
    return plain;
}

bool az_enter(AzCtx *ctx) {
    if (ctx->depth >= AZ_MAX_DEPTH) {
        return err_set(ctx->err, ERR_NOT_SUPPORTED, "The query is nested more than %d levels deep: split it up.", (int)AZ_MAX_DEPTH);
    }
    ctx->depth++;
    return true;
}

void az_leave(AzCtx *ctx) {
    ctx->depth--;
}

bool az_setting(const AzCtx *ctx, const char *key) {
    return pl_settings_bool(ctx->world->settings, str_from_c(key));
}
