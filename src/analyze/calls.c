/* calls.c - a function by name: found in the registry, its arguments coerced, its type and nullability from the row's rules.
 *
 * Called by expressions.c. Few forms are not rows: CASE, <>, casts written as functions, session functions.
 * Invariant: what this returns obeys the row; nothing here branches on an ordinary function's name.
 */
#include "analyze/az.h"

#include <string.h>

static const TxExpr *make_node(AzCtx *ctx, const AzCall *call, const PlType *type, bool nullable) {
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->type = type;
    expr->nullable = nullable;
    if (call->fn->kind == PL_FN_AGGREGATE) {
        expr->tag = TX_AGGREGATE;
        expr->aggregate.fn = call->fn;
        expr->aggregate.args = call->args;
        expr->aggregate.nargs = call->nargs;
        expr->aggregate.is_distinct = call->is_distinct;
        expr->aggregate.ignore_nulls = call->ignore_nulls;
        expr->aggregate.filter = call->filter;
        return expr;
    }
    expr->tag = TX_CALL;
    expr->call.fn = call->fn;
    expr->call.args = call->args;
    expr->call.nargs = call->nargs;
    return expr;
}

static const PlType *result_type(AzCtx *ctx, const AzCall *call) {
    const char *name = call->fn->result;
    if (strncmp(name, "arg", 3) == 0 && name[3] >= '0' && name[3] <= '9' && name[4] == '\0') {
        size_t index = (size_t)(name[3] - '0');
        return index < call->nargs ? call->args[index]->type : &PL_NULL;
    }
    AzResultRule rule = az_result_rule(name);
    if (rule != NULL) {
        return rule(ctx, call);
    }
    const PlType *type = az_parse_type_name(ctx, str_from_c(name));
    if (type == NULL) {
        err_set(ctx->err, ERR_INTERNAL, "The registry's row of %s has an unknown result rule: %s.", call->fn->name, name);
    }
    return type;
}

const TxExpr *az_apply_call(AzCtx *ctx, AzCall *call) {
    if (!az_check_arity(ctx, call)) {
        return NULL;
    }
    az_add_defaults(ctx, call);
    AzCoerceRule coerce = az_coerce_rule(call->fn->coerce);
    AzNullRule nulls = az_null_rule(call->fn->nulls);
    if (coerce == NULL || nulls == NULL) {
        err_set(ctx->err, ERR_INTERNAL, "The registry's row of %s has an unknown rule: %s or %s.", call->fn->name, call->fn->coerce,
                call->fn->nulls);
        return NULL;
    }
    const TxExpr **own = ARENA_ARRAY(ctx->arena, const TxExpr *, call->nargs);
    if (call->nargs > 0) {
        memcpy(own, call->args, call->nargs * sizeof *own);
    }
    call->args = own;
    if (!coerce(ctx, call)) {
        return NULL;
    }
    if (call->replaced != NULL) {
        return call->replaced;
    }
    const PlType *type = result_type(ctx, call);
    return type == NULL ? NULL : make_node(ctx, call, type, nulls(call, type));
}

const TxExpr *az_apply(AzCtx *ctx, const char *function, const TxExpr *const *args, size_t nargs) {
    const PlFunction *fn = pl_function_find(str_from_c(function));
    if (fn == NULL) {
        az_not_supported(ctx, "The function %s is not supported yet.", function);
        return NULL;
    }
    const TxExpr **copy = ARENA_ARRAY(ctx->arena, const TxExpr *, nargs);
    if (nargs > 0) {
        memcpy(copy, args, nargs * sizeof *copy);
    }
    AzCall call = {.fn = fn, .written = str_from_c(function), .args = copy, .nargs = nargs};
    return az_apply_call(ctx, &call);
}

/* ---- forms that are not rows ---- */

static const TxExpr *case_when(AzCtx *ctx, const PxExpr *px, const TxExpr **args, size_t nargs) {
    size_t pairs = nargs / 2;
    const TxExpr **values = ARENA_ARRAY(ctx->arena, const TxExpr *, pairs + 1);
    for (size_t i = 0; i < pairs; i++) {
        values[i] = args[2 * i + 1];
    }
    size_t nvalues = pairs;
    if (nargs % 2 == 1) {
        values[nvalues++] = args[nargs - 1];
    }
    const PlType *common = az_wider_common(ctx, values, nvalues);
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->tag = TX_CASE;
    expr->type = common == NULL ? &PL_NULL : common;
    expr->cases.when = ARENA_ARRAY(ctx->arena, const TxExpr *, 2 * pairs);
    expr->cases.nwhen = pairs;
    expr->nullable = nargs % 2 == 0;
    memcpy(expr->cases.when, args, 2 * pairs * sizeof *args);
    expr->cases.otherwise = nargs % 2 == 1 ? args[nargs - 1] : NULL;
    for (size_t i = 0; i < pairs; i++) {
        const PlType *type = args[2 * i]->type;
        if (type->kind != PL_TYPE_BOOLEAN && type->kind != PL_TYPE_NULL) {
            Str shown = az_quote_expr(ctx, expr);
            Str condition = az_quote_expr(ctx, args[2 * i]);
            Str is = az_quote_type(ctx, type);
            az_fail(ctx, px->origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                    "Cannot resolve %.*s due to data type mismatch: Parameter %zu requires the \"BOOLEAN\" type, however %.*s has the type "
                    "%.*s.",
                    STR_ARG(shown), i + 1, STR_ARG(condition), STR_ARG(is));
            return NULL;
        }
    }
    if (common == NULL) {
        StrBuf types = {.arena = ctx->arena};
        for (size_t i = 0; i < nvalues; i++) {
            Str type = az_quote_type(ctx, values[i]->type);
            strbuf_fmt(&types, "%s%.*s", i > 0 ? ", " : "", STR_ARG(type));
        }
        Str all = strbuf_str(&types);
        Str shown = az_quote_expr(ctx, expr);
        az_fail(ctx, px->origin, "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
                "Cannot resolve %.*s due to data type mismatch: Input to `casewhen` should all be the same type, but it's [%.*s].",
                STR_ARG(shown), STR_ARG(all));
        return NULL;
    }
    for (size_t i = 0; i < pairs; i++) {
        const TxExpr *value = az_cast_to(ctx, args[2 * i + 1], common);
        expr->cases.when[2 * i] = az_cast_to(ctx, args[2 * i], &PL_BOOLEAN);
        expr->cases.when[2 * i + 1] = value;
        expr->nullable = expr->nullable || value->nullable;
    }
    if (expr->cases.otherwise != NULL) {
        expr->cases.otherwise = az_cast_to(ctx, expr->cases.otherwise, common);
        expr->nullable = expr->nullable || expr->cases.otherwise->nullable;
    }
    return expr;
}

static const TxExpr *not_equal(AzCtx *ctx, const PxExpr *px, const TxExpr **args, size_t nargs) {
    AzCall equal = {.fn = pl_function_find(STR("=")), .written = STR("="), .args = args, .nargs = nargs, .origin = px->origin};
    const TxExpr *same = equal.fn == NULL ? NULL : az_apply_call(ctx, &equal);
    return same == NULL ? NULL : az_apply(ctx, "not", &same, 1);
}

/* int(x), date(x), string(x) … are casts. */
static const PlType *cast_function(Str name) {
    static const struct {
        const char *name;
        const PlType *type;
    } CASTS[] = {{"boolean", &PL_BOOLEAN}, {"tinyint", &PL_BYTE},        {"smallint", &PL_SHORT},         {"int", &PL_INT},
                 {"bigint", &PL_LONG},     {"float", &PL_FLOAT},         {"double", &PL_DOUBLE},          {"string", &PL_STRING},
                 {"date", &PL_DATE},       {"timestamp", &PL_TIMESTAMP}, {"decimal", &PL_DECIMAL_USER}, {"binary", &PL_BINARY}};
    for (size_t i = 0; i < sizeof CASTS / sizeof CASTS[0]; i++) {
        if (str_eq_nocase(name, str_from_c(CASTS[i].name))) {
            return CASTS[i].type;
        }
    }
    return NULL;
}

static const TxExpr *session_function(AzCtx *ctx, const PlPython *function, const TxExpr **args, size_t nargs) {
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->tag = TX_PYTHON_UDF;
    expr->type = function->result;
    expr->nullable = true;
    expr->python.function = function;
    expr->python.args = args;
    expr->python.nargs = nargs;
    return expr;
}

/* Arguments, stars expanded (count(*) is count(1)); lambdas stay NULL for az_lambda_args. */
static bool resolve_args(AzCtx *ctx, const PxExpr *px, const AzScope *scope, const PlFunction *fn, AzCall *call) {
    bool is_lambda = fn != NULL && fn->kind == PL_FN_LAMBDA;
    VEC(const TxExpr *) args = {.arena = ctx->arena};
    VEC(const PxExpr *) sources = {.arena = ctx->arena};
    bool is_count = str_eq_nocase(px->call.name, STR("count"));
    for (size_t i = 0; i < px->call.nargs; i++) {
        const PxExpr *source = px->call.args[i];
        if (source->tag == PX_STAR && is_count && source->star.ntarget == 0 && !px->call.is_distinct && px->call.nargs == 1) {
            VEC_PUSH(&args, az_int(ctx, 1));
            VEC_PUSH(&sources, source);
            continue;
        }
        if (source->tag == PX_STAR && is_count && source->star.ntarget > 0) {
            StrBuf target = {.arena = ctx->arena};
            for (size_t k = 0; k < source->star.ntarget; k++) {
                strbuf_fmt(&target, "%.*s.", STR_ARG(source->star.target[k]));
            }
            Str shown = strbuf_str(&target);
            return az_fail(ctx, (PlOrigin){0}, "_LEGACY_ERROR_TEMP_1021",
                           "count(%.*s*) is not allowed. Please use count(*) or expand the columns manually, e.g. count(col1, col2).",
                           STR_ARG(shown));
        }
        if (source->tag == PX_STAR) {
            const TxExpr **found = NULL;
            Str *names = NULL;
            size_t count = 0;
            if (!az_star(ctx, source, scope, &found, &names, &count)) {
                return false;
            }
            for (size_t k = 0; k < count; k++) {
                VEC_PUSH(&args, found[k]);
                VEC_PUSH(&sources, source);
            }
            continue;
        }
        const TxExpr *arg = NULL;
        bool in_place = is_lambda && (source->tag == PX_LAMBDA || az_param_is(fn, args.count, "lambda"));
        if (!in_place) {
            arg = az_expr(ctx, source, scope);
            if (arg == NULL) {
                return false;
            }
        }
        VEC_PUSH(&args, arg);
        VEC_PUSH(&sources, source);
    }
    call->args = args.items;
    call->nargs = args.count;
    call->sources = sources.items;
    return true;
}

static bool fail_unknown(AzCtx *ctx, const PxExpr *px) {
    Str name = px->call.name;
    return az_fail(ctx, px->origin, "UNRESOLVED_ROUTINE",
                   "Cannot resolve function `%.*s` on search path [`system`.`builtin`, `system`.`session`, `spark_catalog`.`%.*s`].",
                   STR_ARG(name), STR_ARG(ctx->world->current_database));
}

/* explode(a) + 1: a generator stands alone in a select list. */
static bool check_nested_generator(AzCtx *ctx, const PxExpr *px, const AzCall *call) {
    for (size_t i = 0; i < call->nargs; i++) {
        if (call->args[i] == NULL || !az_has_generator(call->args[i])) {
            continue;
        }
        TxExpr whole = {.tag = TX_CALL, .type = &PL_NULL};
        whole.call.fn = call->fn;
        whole.call.args = call->args;
        whole.call.nargs = call->nargs;
        Str shown = call->fn != NULL ? az_quote_expr(ctx, &whole) : az_quote_expr(ctx, call->args[i]);
        PlOrigin none = {0};
        (void)px;
        return az_fail(ctx, none, "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
                       "The generator is not supported: nested in expressions %.*s.", STR_ARG(shown));
    }
    return true;
}

static const TxExpr *special_form(AzCtx *ctx, const PxExpr *px, AzCall *call, bool *ret_handled) {
    Str name = px->call.name;
    *ret_handled = true;
    if (str_eq_nocase(name, STR("when"))) {
        return case_when(ctx, px, call->args, call->nargs);
    }
    if ((str_eq_c(name, "!=") || str_eq_c(name, "<>")) && call->nargs == 2) {
        return not_equal(ctx, px, call->args, call->nargs);
    }
    const PlType *cast = cast_function(name);
    if (cast != NULL && call->nargs == 1) {
        const TxExpr *made = az_user_cast(ctx, px->origin, call->args[0], cast, PL_CAST_LEGACY);
        if (made != NULL) { /* Spark does not show casts written as functions */
            TxExpr *plain = ARENA_NEW(ctx->arena, TxExpr);
            *plain = *made;
            plain->cast.is_implicit = true;
            made = plain;
        }
        return made;
    }
    *ret_handled = false;
    return NULL;
}

static bool check_aggregate(AzCtx *ctx, const PxExpr *px, const AzCall *call, bool is_window_function) {
    if (call->fn->kind != PL_FN_AGGREGATE) {
        if (call->is_distinct || call->filter != NULL) {
            return az_fail(ctx, px->origin, "INVALID_SQL_SYNTAX", "Invalid SQL syntax: The function `%s` does not support %s.",
                           call->fn->name, call->is_distinct ? "DISTINCT" : "FILTER clause");
        }
        return true;
    }
    for (size_t i = 0; i < call->nargs && !is_window_function; i++) {
        if (az_has_tag(call->args[i], TX_AGGREGATE)) {
            PlOrigin inner = call->sources != NULL ? call->sources[i]->origin : px->origin;
            return az_fail(ctx, inner, "NESTED_AGGREGATE_FUNCTION",
                           "It is not allowed to use an aggregate function in the argument of another aggregate function. Please use the "
                           "inner aggregate function in a sub-query.");
        }
    }
    return true;
}

const TxExpr *az_call(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    const PlPython *python = ctx->world->function == NULL ? NULL : ctx->world->function(ctx->world->self, px->call.name);
    const PlFunction *fn = python == NULL && !px->call.is_user_defined ? pl_function_find(px->call.name) : NULL;
    AzScope inner = *scope;
    inner.is_window_function = false;
    inner.inside_aggregate = scope->inside_aggregate || (fn != NULL && fn->kind == PL_FN_AGGREGATE);
    AzCall call = {.fn = fn, .written = px->call.name, .origin = px->origin, .is_distinct = px->call.is_distinct,
                   .ignore_nulls = px->call.ignore_nulls};
    bool known = fn != NULL || python != NULL || str_eq_nocase(px->call.name, STR("when")) || str_eq_c(px->call.name, "!=") ||
                 str_eq_c(px->call.name, "<>") || cast_function(px->call.name) != NULL;
    if (!known) {
        fail_unknown(ctx, px);
        return NULL;
    }
    if (!resolve_args(ctx, px, &inner, fn, &call)) {
        return NULL;
    }
    if (!check_nested_generator(ctx, px, &call)) {
        return NULL;
    }
    if (python != NULL) {
        return session_function(ctx, python, call.args, call.nargs);
    }
    bool handled = false;
    const TxExpr *special = special_form(ctx, px, &call, &handled);
    if (handled) {
        return special;
    }
    if (fn == NULL) {
        fail_unknown(ctx, px);
        return NULL;
    }
    if (px->call.filter != NULL) {
        call.filter = az_expr(ctx, px->call.filter, &inner);
        if (call.filter == NULL) {
            return NULL;
        }
        call.filter = az_cast_to(ctx, call.filter, &PL_BOOLEAN);
    }
    if (!check_aggregate(ctx, px, &call, scope->is_window_function)) {
        return NULL;
    }
    if (fn->kind == PL_FN_LAMBDA && !az_check_arity(ctx, &call)) {
        return NULL;
    }
    if (fn->kind == PL_FN_LAMBDA && call.nargs > 0 && call.args[0] != NULL && !az_lambda_args(ctx, &call, scope)) {
        return NULL;
    }
    return az_apply_call(ctx, &call);
}
