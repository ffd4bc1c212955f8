/* expressions.c - unresolved expression to typed expression, and select lists.
 *
 * Called by the files of relations. Invariant: the result has no name left to resolve; implicit casts are in place.
 */
#include "analyze/az.h"

#include <string.h>

static const TxExpr *literal(AzCtx *ctx, const PxExpr *px) {
    const PlValue *value = px->literal;
    if (value->type->kind == PL_TYPE_CHAR || value->type->kind == PL_TYPE_VARCHAR) {
        PlValue *text = ARENA_NEW(ctx->arena, PlValue);
        *text = *value;
        text->type = &PL_STRING;
        value = text;
    }
    if (value->type->kind == PL_TYPE_TIMESTAMP && value->s.len > 0 && !value->is_null) {
        /* TIMESTAMP'…' without a fixed offset: a local time, which the session's zone makes an instant; a named zone only the text has. */
        bool has_region = memchr(value->s.data, '/', value->s.len) != NULL;
        PlValue *local = ARENA_NEW(ctx->arena, PlValue);
        *local = *value;
        local->type = has_region ? &PL_STRING : &PL_TIMESTAMP_NTZ;
        return az_cast_to(ctx, az_literal(ctx, local), &PL_TIMESTAMP);
    }
    return az_literal(ctx, value);
}

static const TxExpr *extract(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    const TxExpr *child = az_expr(ctx, px->extract.child, scope);
    const TxExpr *key = child == NULL ? NULL : az_expr(ctx, px->extract.key, scope);
    return key == NULL ? NULL : az_extract(ctx, px->origin, child, key);
}

/* A struct with its field at parts replaced (value), added (value), or dropped (NULL). */
static const TxExpr *update_field(AzCtx *ctx, const PxExpr *px, const TxExpr *child, const Str *parts, size_t nparts, const TxExpr *value) {
    if (child->type->kind != PL_TYPE_STRUCT) {
        Str shown = az_quote_expr(ctx, child);
        Str is = az_quote_type(ctx, child->type);
        az_fail(ctx, px->origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "Cannot resolve \"update_fields(%.*s)\" due to data type mismatch: Parameter 1 requires the \"STRUCT\" type, however %.*s has the "
                "type %.*s.",
                STR_ARG(az_pretty(ctx, child)), STR_ARG(shown), STR_ARG(is));
        return NULL;
    }
    VEC(const TxExpr *) args = {.arena = ctx->arena};
    bool found = false;
    for (size_t i = 0; i < child->type->nfields; i++) {
        const PlField *field = &child->type->fields[i];
        const TxExpr *kept = az_field(ctx, child, i);
        if (az_name_eq(ctx, field->name, parts[0])) {
            found = true;
            if (nparts > 1) {
                kept = update_field(ctx, px, kept, parts + 1, nparts - 1, value);
                if (kept == NULL) {
                    return NULL;
                }
            } else if (value == NULL) {
                continue;
            } else {
                kept = value;
            }
        }
        VEC_PUSH(&args, az_string(ctx, found && nparts == 1 && kept == value ? parts[0] : field->name));
        VEC_PUSH(&args, kept);
    }
    if (!found && nparts > 1) {
        az_fail(ctx, px->origin, "FIELD_NOT_FOUND", "No such struct field `%.*s` in the struct.", STR_ARG(parts[0]));
        return NULL;
    }
    if (!found && value != NULL) {
        VEC_PUSH(&args, az_string(ctx, parts[0]));
        VEC_PUSH(&args, value);
    }
    if (args.count == 0) {
        az_fail(ctx, px->origin, "DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS",
                "Cannot resolve \"update_fields()\" due to data type mismatch: Cannot drop all fields in struct.");
        return NULL;
    }
    const TxExpr *made = az_apply(ctx, "named_struct", args.items, args.count);
    if (made == NULL || !child->nullable) {
        return made;
    }
    const TxExpr *is_null = az_apply(ctx, "isnull", &child, 1);
    const TxExpr *branches[] = {is_null, az_null(ctx, made->type), made};
    return is_null == NULL ? NULL : az_apply(ctx, "if", branches, 3);
}

static const TxExpr *update_fields(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    const TxExpr *child = az_expr(ctx, px->update.child, scope);
    const TxExpr *value = NULL;
    if (child == NULL) {
        return NULL;
    }
    if (px->update.value != NULL) {
        value = az_expr(ctx, px->update.value, scope);
        if (value == NULL) {
            return NULL;
        }
    }
    VEC(Str) parts = {.arena = ctx->arena};
    Str rest = px->update.field;
    while (rest.len > 0) {
        const char *dot = memchr(rest.data, '.', rest.len);
        size_t len = dot == NULL ? rest.len : (size_t)(dot - rest.data);
        Str part = str_slice(rest, 0, len);
        if (part.len >= 2 && part.data[0] == '`' && part.data[part.len - 1] == '`') {
            part = str_slice(part, 1, part.len - 1);
        }
        VEC_PUSH(&parts, part);
        rest = dot == NULL ? (Str){0} : str_slice(rest, len + 1, rest.len);
    }
    return update_field(ctx, px, child, parts.items, parts.count, value);
}

static const TxExpr *python(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, px->python.nargs);
    for (size_t i = 0; i < px->python.nargs; i++) {
        args[i] = az_expr(ctx, px->python.args[i], scope);
        if (args[i] == NULL) {
            return NULL;
        }
    }
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->tag = TX_PYTHON_UDF;
    expr->type = px->python.function->result;
    expr->nullable = true;
    expr->python.function = px->python.function;
    expr->python.args = args;
    expr->python.nargs = px->python.nargs;
    return expr;
}

static const TxExpr *misplaced(AzCtx *ctx, const PxExpr *px, const char *what) {
    az_fail(ctx, px->origin, "INVALID_USAGE_OF_STAR_OR_REGEX", "Invalid usage of %s in expression.", what);
    return NULL;
}

static const TxExpr *cast(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    const TxExpr *child = az_expr(ctx, px->cast.child, scope);
    return child == NULL ? NULL : az_user_cast(ctx, px->origin, child, px->cast.type, px->cast.mode);
}

static const TxExpr *resolve(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    switch (px->tag) {
    case PX_LITERAL:
        return literal(ctx, px);
    case PX_ATTRIBUTE:
    case PX_LAMBDA_VARIABLE:
        return az_attribute(ctx, px, scope);
    case PX_STAR:
        return misplaced(ctx, px, "'*'");
    case PX_REGEX:
        return misplaced(ctx, px, "a regular expression");
    case PX_CALL:
        return az_call(ctx, px, scope);
    case PX_CAST:
        return cast(ctx, px, scope);
    case PX_ALIAS:
        return az_expr(ctx, px->alias.child, scope);
    case PX_SORT:
        return az_expr(ctx, px->sort.child, scope);
    case PX_LAMBDA:
        return misplaced(ctx, px, "a lambda function");
    case PX_WINDOW:
        return az_window(ctx, px, scope);
    case PX_EXTRACT:
        return extract(ctx, px, scope);
    case PX_UPDATE_FIELDS:
        return update_fields(ctx, px, scope);
    case PX_PYTHON_UDF:
        return python(ctx, px, scope);
    case PX_SUBQUERY:
        return az_subquery(ctx, px, scope);
    }
    return NULL;
}

const TxExpr *az_expr(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    if (!az_enter(ctx)) {
        return NULL;
    }
    const TxExpr *expr = resolve(ctx, px, scope);
    az_leave(ctx);
    return expr;
}

/* A selected attribute keeps its id, so that later references by DataFrame column find it. */
static TyNamed named_column(AzCtx *ctx, const PxExpr *px, const TxExpr *expr, const AzScope *scope) {
    Str name = az_output_name(ctx, px, expr);
    if (expr->tag == TX_COLUMN && !expr->column.is_outer && !expr->column.is_lambda && px->tag == PX_ATTRIBUTE) {
        for (size_t i = 0; i < scope->ninputs; i++) {
            const AzRel *rel = scope->inputs[i];
            for (size_t k = 0; k < rel->nattrs + rel->nhidden; k++) {
                const TyAttr *attr = k < rel->nattrs ? &rel->attrs[k] : &rel->hidden[k - rel->nattrs];
                if (attr->id == expr->column.id) {
                    TyNamed kept = az_pass(ctx, attr);
                    kept.attr.name = name;
                    return kept;
                }
            }
        }
    }
    TyNamed made = az_named(ctx, name, expr);
    if (px->tag == PX_ALIAS) {
        made.attr.metadata_json = px->alias.metadata_json;
        const PxExpr *child = px->alias.child;
        if (made.attr.metadata_json.len == 0 && expr->tag == TX_COLUMN && child->tag == PX_ATTRIBUTE) {
            made.attr.metadata_json = named_column(ctx, child, expr, scope).attr.metadata_json;
        }
    }
    return made;
}

static TyNamed expanded_column(AzCtx *ctx, const TxExpr *expr, Str name, const AzScope *scope) {
    PxExpr px = {.tag = PX_ATTRIBUTE};
    px.attribute.parts = &name;
    px.attribute.nparts = 1;
    px.attribute.plan_id = -1;
    return named_column(ctx, &px, expr, scope);
}

/* explode(…) AS (a, b): one generator, whose fields become the columns. Marked by a struct-typed TX_CALL; relations expand it. */
static bool push_generator(AzCtx *ctx, const PxExpr *px, const TxExpr *expr, AzColumns *columns) {
    size_t nnames = px->tag == PX_ALIAS ? px->alias.nnames : 0;
    if (nnames > 0 && nnames != expr->type->nfields) {
        StrBuf list = {.arena = ctx->arena};
        for (size_t i = 0; i < nnames; i++) {
            strbuf_fmt(&list, "%s%.*s", i > 0 ? "," : "", STR_ARG(px->alias.names[i]));
        }
        Str names = strbuf_str(&list);
        return az_fail(ctx, px->origin, "UDTF_ALIAS_NUMBER_MISMATCH",
                       "The number of aliases supplied in the AS clause does not match the number of columns output by the UDTF. Expected %zu "
                       "aliases, but got %.*s. Please ensure that the number of aliases provided matches the number of columns output by the "
                       "UDTF.",
                       expr->type->nfields, STR_ARG(names));
    }
    PlField *fields = ARENA_ARRAY(ctx->arena, PlField, expr->type->nfields);
    for (size_t i = 0; i < expr->type->nfields; i++) {
        fields[i] = expr->type->fields[i];
        if (nnames > 0) {
            fields[i].name = px->alias.names[i];
        }
    }
    TxExpr *copy = ARENA_NEW(ctx->arena, TxExpr);
    *copy = *expr;
    copy->type = pl_struct(ctx->arena, fields, expr->type->nfields);
    TyNamed made = az_named(ctx, STR("generator"), copy);
    VEC_PUSH(columns, made);
    return true;
}

static bool select_one(AzCtx *ctx, const PxExpr *px, const AzScope *scope, AzColumns *columns) {
    if (px->tag == PX_STAR || px->tag == PX_REGEX) {
        const TxExpr **exprs = NULL;
        Str *names = NULL;
        size_t count = 0;
        bool ok = px->tag == PX_STAR ? az_star(ctx, px, scope, &exprs, &names, &count) : az_regex(ctx, px, scope, &exprs, &names, &count);
        for (size_t i = 0; ok && i < count; i++) {
            TyNamed made = expanded_column(ctx, exprs[i], names[i], scope);
            VEC_PUSH(columns, made);
        }
        return ok;
    }
    const TxExpr *expr = az_expr(ctx, px, scope);
    if (expr == NULL) {
        return false;
    }
    if (expr->tag == TX_CALL && expr->call.fn->kind == PL_FN_GENERATOR) {
        return push_generator(ctx, px, expr, columns);
    }
    TyNamed made = named_column(ctx, px, expr, scope);
    VEC_PUSH(columns, made);
    return true;
}

bool az_select_list(AzCtx *ctx, const PxExpr *const *exprs, size_t nexprs, AzScope *scope, AzColumns *columns) {
    VEC(AzAlias) aliases = {.arena = ctx->arena};
    bool lateral = az_setting(ctx, "spark.sql.lateralColumnAlias.enableImplicitResolution");
    for (size_t i = 0; i < nexprs; i++) {
        scope->aliases = aliases.items;
        scope->naliases = lateral ? aliases.count : 0;
        size_t before = columns->count;
        if (!select_one(ctx, exprs[i], scope, columns)) {
            return false;
        }
        if (exprs[i]->tag == PX_ALIAS && columns->count == before + 1) {
            const TyNamed *made = &columns->items[before];
            AzAlias alias = {made->attr.name, az_column(ctx, &made->attr)};
            VEC_PUSH(&aliases, alias);
        }
    }
    return true;
}

bool az_sort_keys(AzCtx *ctx, const PxExpr *const *order, size_t norder, const AzScope *scope, TySort **ret_keys) {
    TySort *keys = ARENA_ARRAY(ctx->arena, TySort, norder);
    for (size_t i = 0; i < norder; i++) {
        const PxExpr *px = order[i];
        keys[i].expr = az_expr(ctx, px, scope);
        if (keys[i].expr == NULL) {
            return false;
        }
        keys[i].descending = px->tag == PX_SORT && px->sort.descending;
        keys[i].nulls_first = px->tag == PX_SORT ? px->sort.nulls_first : true;
        if (!az_is_orderable(keys[i].expr->type)) {
            Str shown = az_quote_expr(ctx, keys[i].expr);
            Str type = az_quote_type(ctx, keys[i].expr->type);
            return az_fail(ctx, px->origin, "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
                           "Cannot resolve \"%.*s %s NULLS %s\" due to data type mismatch: The `sortorder` does not support ordering on type "
                           "%.*s.",
                           (int)(shown.len - 2), shown.data + 1, keys[i].descending ? "DESC" : "ASC", keys[i].nulls_first ? "FIRST" : "LAST",
                           STR_ARG(type));
        }
    }
    *ret_keys = keys;
    return true;
}
