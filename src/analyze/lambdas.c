/* lambdas.c - the functions given to higher-order functions: parameter types from the collection, body in a scope of its own.
 *
 * Called by calls.c once the other arguments are typed. Invariant: a TX_LAMBDA's type is its body's.
 */
#include "analyze/az.h"

#include <string.h>

enum { MAX_LAMBDA_PARAMS = 3 };

typedef struct ParamType {
    const PlType *type;
    bool nullable;
} ParamType;

/* An expression in a lambda's place: a function that does not look at its parameters. */
static const TxExpr *constant_lambda(AzCtx *ctx, const PxExpr *px, const AzScope *scope, const ParamType *types, size_t count) {
    const TxExpr *body = az_expr(ctx, px, scope);
    if (body == NULL) {
        return NULL;
    }
    TyAttr *params = ARENA_ARRAY(ctx->arena, TyAttr, count);
    for (size_t i = 0; i < count; i++) {
        params[i] = az_attr(ctx, str_fmt(ctx->arena, "col%zu", i), types[i].type, types[i].nullable);
    }
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->tag = TX_LAMBDA;
    expr->type = body->type;
    expr->nullable = body->nullable;
    expr->lambda.params = params;
    expr->lambda.nparams = count;
    expr->lambda.body = body;
    return expr;
}

static const TxExpr *resolve_lambda(AzCtx *ctx, const PxExpr *px, const AzScope *scope, const ParamType *types, size_t least, size_t most) {
    if (px->tag != PX_LAMBDA) {
        return constant_lambda(ctx, px, scope, types, least);
    }
    if (px->lambda.nparams > most || px->lambda.nparams < least) {
        az_fail(ctx, px->origin, "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH",
                "Invalid lambda function call. A higher order function expects %zu arguments, but got %zu.", px->lambda.nparams, most);
        return NULL;
    }
    TyAttr *params = ARENA_ARRAY(ctx->arena, TyAttr, px->lambda.nparams);
    for (size_t i = 0; i < px->lambda.nparams; i++) {
        params[i] = az_attr(ctx, px->lambda.params[i], types[i].type, types[i].nullable);
    }
    AzLambdaScope inner = {params, px->lambda.nparams, scope->lambdas};
    AzScope with = *scope;
    with.lambdas = &inner;
    const TxExpr *body = az_expr(ctx, px->lambda.body, &with);
    if (body == NULL) {
        return NULL;
    }
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->tag = TX_LAMBDA;
    expr->type = body->type;
    expr->nullable = body->nullable;
    expr->lambda.params = params;
    expr->lambda.nparams = px->lambda.nparams;
    expr->lambda.body = body;
    return expr;
}

static bool fail_collection(AzCtx *ctx, const AzCall *call, const char *wanted) {
    Str arg = az_quote_expr(ctx, call->args[0]);
    Str type = az_quote_type(ctx, call->args[0]->type);
    return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                   "Cannot resolve \"%s\" due to data type mismatch: Parameter 1 requires the \"%s\" type, however %.*s has the type %.*s.",
                   call->fn->name, wanted, STR_ARG(arg), STR_ARG(type));
}

static const TxExpr *to_boolean(AzCtx *ctx, const AzCall *call, const TxExpr *lambda) {
    bool wants = strcmp(call->fn->name, "filter") == 0 || strcmp(call->fn->name, "exists") == 0 || strcmp(call->fn->name, "forall") == 0 ||
                 strcmp(call->fn->name, "any") == 0 || strcmp(call->fn->name, "map_filter") == 0;
    if (wants && lambda->type->kind != PL_TYPE_BOOLEAN && lambda->type->kind != PL_TYPE_NULL) {
        Str arg = az_quote_expr(ctx, lambda);
        Str type = az_quote_type(ctx, lambda->type);
        az_fail(ctx, call->origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "Cannot resolve \"%s\" due to data type mismatch: Parameter 2 requires the \"BOOLEAN\" type, however %.*s has the type %.*s.",
                call->fn->name, STR_ARG(arg), STR_ARG(type));
        return NULL;
    }
    return lambda;
}

/* aggregate(array, start, merge[, finish]). */
static bool fold(AzCtx *ctx, AzCall *call, const AzScope *scope, ParamType element) {
    if (call->nargs < 3 || call->args[1] == NULL) {
        return fail_collection(ctx, call, "ARRAY");
    }
    /* Spark takes the start's type, nullable, for the accumulator. */
    ParamType merge[] = {{call->args[1]->type, true}, element};
    const TxExpr *body = resolve_lambda(ctx, call->sources[2], scope, merge, 2, 2);
    if (body == NULL) {
        return false;
    }
    if (!pl_type_same(body->type, call->args[1]->type)) {
        Str wanted = az_quote_type(ctx, call->args[1]->type);
        Str arg = az_quote_expr(ctx, body);
        Str type = az_quote_type(ctx, body->type);
        return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                       "Cannot resolve \"%s\" due to data type mismatch: Parameter 3 requires the %.*s type, however %.*s has the type %.*s.",
                       call->fn->name, STR_ARG(wanted), STR_ARG(arg), STR_ARG(type));
    }
    call->args[2] = body;
    ParamType result = {call->args[1]->type, true};
    if (call->nargs > 3) {
        call->args[3] = resolve_lambda(ctx, call->sources[3], scope, &result, 1, 1);
        return call->args[3] != NULL;
    }
    /* Without a finish the accumulator is the result. */
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, 4);
    memcpy(args, call->args, 3 * sizeof *args);
    TyAttr *param = ARENA_NEW(ctx->arena, TyAttr);
    *param = az_attr(ctx, STR("id"), result.type, result.nullable);
    TxExpr *variable = ARENA_NEW(ctx->arena, TxExpr);
    *variable = *az_column(ctx, param);
    variable->column.is_lambda = true;
    TxExpr *identity = ARENA_NEW(ctx->arena, TxExpr);
    identity->tag = TX_LAMBDA;
    identity->type = result.type;
    identity->nullable = result.nullable;
    identity->lambda.params = param;
    identity->lambda.nparams = 1;
    identity->lambda.body = variable;
    args[3] = identity;
    call->args = args;
    call->nargs = 4;
    return true;
}

bool az_lambda_args(AzCtx *ctx, AzCall *call, const AzScope *scope) {
    const char *how = call->fn->coerce;
    const PlType *first = call->args[0]->type;
    bool wants_map = strcmp(how, "lambda_map") == 0 || strcmp(how, "lambda_map_zip") == 0;
    if (first->kind != (wants_map ? PL_TYPE_MAP : PL_TYPE_ARRAY)) {
        return fail_collection(ctx, call, wants_map ? "MAP" : "ARRAY");
    }
    ParamType types[MAX_LAMBDA_PARAMS] = {{first->element, first->element_nullable}, {&PL_INT, false}, {&PL_NULL, true}};
    bool boolean_only = strcmp(call->fn->name, "exists") == 0 || strcmp(call->fn->name, "forall") == 0;
    size_t most = boolean_only ? 1 : 2;
    if (strcmp(how, "lambda_fold") == 0) {
        return fold(ctx, call, scope, types[0]);
    }
    if (strcmp(how, "lambda_sort") == 0) {
        types[1] = types[0];
    } else if (strcmp(how, "lambda_map") == 0) {
        types[0] = (ParamType){first->key, false};
        types[1] = (ParamType){first->element, first->element_nullable};
    } else if (strcmp(how, "lambda_zip") == 0 || strcmp(how, "lambda_map_zip") == 0) {
        const PlType *second = call->nargs > 1 && call->args[1] != NULL ? call->args[1]->type : &PL_NULL;
        if (second->kind != first->kind) {
            return fail_collection(ctx, call, wants_map ? "MAP" : "ARRAY");
        }
        types[0] = wants_map ? (ParamType){first->key, false} : (ParamType){first->element, true};
        types[1] = (ParamType){wants_map ? first->element : second->element, true};
        types[2] = (ParamType){second->element, true};
        most = wants_map ? 3 : 2;
    }
    for (size_t i = 0; i < call->nargs; i++) {
        if (call->args[i] == NULL) {
            const TxExpr *lambda = resolve_lambda(ctx, call->sources[i], scope, types, strcmp(how, "lambda_array") == 0 ? 1 : most, most);
            call->args[i] = lambda == NULL ? NULL : to_boolean(ctx, call, lambda);
            if (call->args[i] == NULL) {
                return false;
            }
        }
    }
    return true;
}
