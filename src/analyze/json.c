/* json.c - from_json, to_json and schema_of_json: the schema that a text names, and options given as a map of constants.
 *
 * Rules of the registry's coerce and result columns (function_rules.c lists them). Invariant: after its coerce rule a call's arguments are the value,
 * the schema (from_json: as schema JSON) or answer (schema_of_json), then the options, key and value in turn, all but the first constant strings.
 */
#include "analyze/az.h"

#include <string.h>

typedef VEC(const TxExpr *) Args;

static Str shown_call(AzCtx *ctx, const AzCall *call) {
    TxExpr whole = {.tag = TX_CALL, .type = &PL_NULL};
    whole.call.fn = call->fn;
    whole.call.args = call->args;
    whole.call.nargs = call->nargs;
    return az_quote_expr(ctx, &whole);
}

static const PlValue *constant_of(const TxExpr *expr) {
    while (expr->tag == TX_CAST && expr->type->kind == PL_TYPE_STRING) {
        expr = expr->cast.child;
    }
    return expr->tag == TX_LITERAL ? expr->literal : NULL;
}

/* map('mode', 'FAILFAST') at the call's index, if it has one, behind args. */
static bool add_options(AzCtx *ctx, const AzCall *call, size_t index, Args *args) {
    if (index >= call->nargs) {
        return true;
    }
    const TxExpr *map = call->args[index];
    Str type = az_quote_type(ctx, map->type);
    if (map->type->kind != PL_TYPE_MAP) {
        return az_fail(ctx, call->origin, "INVALID_OPTIONS.NON_MAP_FUNCTION", "Invalid options: Must use the `map()` function for options.");
    }
    bool is_empty = map->type->key->kind == PL_TYPE_NULL && map->type->element->kind == PL_TYPE_NULL;
    if (!is_empty && (map->type->key->kind != PL_TYPE_STRING || map->type->element->kind != PL_TYPE_STRING)) {
        return az_fail(ctx, call->origin, "INVALID_OPTIONS.NON_STRING_TYPE",
                       "Invalid options: A type of keys and values in `map()` must be string, but got %.*s.", STR_ARG(type));
    }
    if (map->tag == TX_LITERAL) {
        for (size_t i = 0; i < map->literal->nitems; i++) {
            VEC_PUSH(args, az_string(ctx, map->literal->items[i].s));
        }
        return true;
    }
    for (size_t i = 0; map->tag == TX_CALL && i < map->call.nargs; i++) {
        const PlValue *value = constant_of(map->call.args[i]);
        if (value == NULL || value->is_null || value->type->kind != PL_TYPE_STRING) {
            return az_fail(ctx, call->origin, "INVALID_OPTIONS.NON_MAP_FUNCTION", "Invalid options: Must use the `map()` function for options.");
        }
        VEC_PUSH(args, az_string(ctx, value->s));
    }
    return map->tag == TX_CALL || az_fail(ctx, call->origin, "INVALID_OPTIONS.NON_MAP_FUNCTION",
                                          "Invalid options: Must use the `map()` function for options.");
}

static bool fail_schema(AzCtx *ctx, const AzCall *call, const PlType *type) {
    Str shown = shown_call(ctx, call);
    Str input = az_quote_type(ctx, type);
    return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA",
                   "Cannot resolve %.*s due to data type mismatch: Input schema %.*s must be a struct, an array or a map.", STR_ARG(shown),
                   STR_ARG(input));
}

static bool is_nested(const PlType *type) {
    return type->kind == PL_TYPE_STRUCT || type->kind == PL_TYPE_ARRAY || type->kind == PL_TYPE_MAP;
}

/* Keys of JSON objects are strings. */
static bool has_other_keys(const PlType *type) {
    if (type->kind == PL_TYPE_MAP) {
        return type->key->kind != PL_TYPE_STRING || has_other_keys(type->element);
    }
    for (size_t i = 0; type->kind == PL_TYPE_STRUCT && i < type->nfields; i++) {
        if (has_other_keys(type->fields[i].type)) {
            return true;
        }
    }
    return type->kind == PL_TYPE_ARRAY && has_other_keys(type->element);
}

/* A DDL text, schema JSON (what pyspark makes of a StructType), or what schema_of_json found. */
static const PlType *schema_of(AzCtx *ctx, const AzCall *call) {
    const TxExpr *schema = call->args[1];
    const PlValue *value = constant_of(schema);
    if (schema->tag == TX_CALL && schema->call.nargs >= 2 && strcmp(schema->call.fn->coerce, "schema_of_json") == 0) {
        value = schema->call.args[1]->literal;
    }
    if (value == NULL || value->is_null || value->type->kind != PL_TYPE_STRING) {
        Str shown = az_quote_expr(ctx, schema);
        az_fail(ctx, call->origin, "INVALID_SCHEMA.NON_STRING_LITERAL",
                "The input schema %.*s is not a valid schema string. The input expression must be string literal and not null.", STR_ARG(shown));
        return NULL;
    }
    Str text = str_trim(value->s);
    if (text.len > 0 && (text.data[0] == '{' || text.data[0] == '"')) {
        return pl_type_from_json(ctx->arena, text, ctx->err);
    }
    if (ctx->world->ddl == NULL) {
        az_not_supported(ctx, "Schemas in text are not supported here.");
        return NULL;
    }
    return ctx->world->ddl(ctx->world->self, ctx->arena, value->s, ctx->err);
}

bool az_rule_from_json(AzCtx *ctx, AzCall *call) {
    const PlType *type = schema_of(ctx, call);
    if (type == NULL || !az_coerce_args(ctx, call, false)) {
        return false;
    }
    Args args = {.arena = ctx->arena};
    VEC_PUSH(&args, call->args[0]);
    type = az_set_nullability(ctx, type);
    VEC_PUSH(&args, az_string(ctx, pl_type_json(ctx->arena, type)));
    if (!add_options(ctx, call, 2, &args)) {
        return false;
    }
    call->args = args.items;
    call->nargs = args.count;
    if (!is_nested(type)) {
        return fail_schema(ctx, call, type);
    }
    if (has_other_keys(type)) {
        Str shown = shown_call(ctx, call);
        Str input = az_quote_type(ctx, type);
        return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.INVALID_JSON_MAP_KEY_TYPE",
                       "Cannot resolve %.*s due to data type mismatch: Input schema %.*s can only contain STRING as a key type for a MAP.",
                       STR_ARG(shown), STR_ARG(input));
    }
    return true;
}

bool az_rule_to_json(AzCtx *ctx, AzCall *call) {
    Args args = {.arena = ctx->arena};
    VEC_PUSH(&args, call->args[0]);
    if (!add_options(ctx, call, 1, &args)) {
        return false;
    }
    if (!is_nested(call->args[0]->type) && call->args[0]->type->kind != PL_TYPE_NULL) {
        return fail_schema(ctx, call, call->args[0]->type);
    }
    call->args = args.items;
    call->nargs = args.count;
    return true;
}

bool az_rule_schema_of_json(AzCtx *ctx, AzCall *call) {
    Args args = {.arena = ctx->arena};
    VEC_PUSH(&args, call->args[0]);
    VEC_PUSH(&args, NULL);
    if (!add_options(ctx, call, 1, &args)) {
        return false;
    }
    const PlValue *text = constant_of(call->args[0]);
    Str shown = shown_call(ctx, call);
    if (text == NULL) {
        Str input = az_quote_expr(ctx, call->args[0]);
        return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                       "Cannot resolve %.*s due to data type mismatch: the input `json` should be a foldable \"STRING\" expression; however, got %.*s.",
                       STR_ARG(shown), STR_ARG(input));
    }
    if (text->is_null) {
        return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.UNEXPECTED_NULL",
                       "Cannot resolve %.*s due to data type mismatch: The `json` must not be null.", STR_ARG(shown));
    }
    if (!az_coerce_args(ctx, call, false)) {
        return false;
    }
    args.items[0] = call->args[0];
    PlOption *options = ARENA_ARRAY(ctx->arena, PlOption, args.count);
    size_t noptions = 0;
    for (size_t i = 2; i + 1 < args.count; i += 2) {
        options[noptions++] = (PlOption){args.items[i]->literal->s, args.items[i + 1]->literal->s};
    }
    if (ctx->world->json_schema == NULL) {
        return az_not_supported(ctx, "schema_of_json is not supported here.");
    }
    const PlType *type = ctx->world->json_schema(ctx->world->self, ctx->arena, text->s, options, noptions, ctx->err);
    if (type == NULL) {
        return false;
    }
    args.items[1] = az_string(ctx, pl_type_sql(ctx->arena, type));
    call->args = args.items;
    call->nargs = args.count;
    return true;
}

const PlType *az_result_from_json(AzCtx *ctx, const AzCall *call) {
    return pl_type_from_json(ctx->arena, call->args[1]->literal->s, ctx->err);
}
