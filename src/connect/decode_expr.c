/* decode_expr.c - expressions from protobuf. One function a kind; the switch is at the end. */
#include "connect/decode_parts.h"

static const PxExpr *bad(Err *err, const char *what) {
    (void)err_set(err, "SOLDER.BAD_REQUEST", "The plan has an expression %s", what);
    return NULL;
}

PxExpr *cn_decode_expr_new(Arena *arena, PxTag tag) {
    PxExpr *expr = ARENA_NEW(arena, PxExpr);
    expr->tag = tag;
    return expr;
}

const Str *cn_decode_strs(Arena *arena, size_t n, const ProtobufCBinaryData *strings) {
    Str *result = ARENA_ARRAY(arena, Str, n);
    for (size_t i = 0; i < n; i++) {
        result[i] = CN_STR(strings[i]);
    }
    return result;
}

bool cn_decode_exprs(const CnDecode *decode, size_t n, Spark__Connect__Expression **expressions, const PxExpr ***ret_exprs, Err *err) {
    const PxExpr **exprs = ARENA_ARRAY(decode->arena, const PxExpr *, n);
    for (size_t i = 0; i < n; i++) {
        exprs[i] = cn_decode_expression(decode, expressions[i], err);
        if (exprs[i] == NULL) {
            return false;
        }
    }
    *ret_exprs = exprs;
    return true;
}

static const PxExpr *attribute(const CnDecode *decode, const Spark__Connect__Expression__UnresolvedAttribute *message, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_ATTRIBUTE);
    expr->attribute.plan_id = message->has_plan_id ? message->plan_id : -1;
    return sq_parse_name(decode->arena, CN_STR(message->unparsed_identifier), &expr->attribute.parts, &expr->attribute.nparts, err) ? expr : NULL;
}

/* nth_value, lag and lead take "ignore nulls" as one more argument than their classes have. */
static bool takes_ignore_nulls(Str name, size_t nargs) {
    return (str_eq_nocase(name, STR("nth_value")) && nargs == 3) ||
           ((str_eq_nocase(name, STR("lag")) || str_eq_nocase(name, STR("lead"))) && nargs == 4);
}

static const PxExpr *call(const CnDecode *decode, Str name, size_t nargs, Spark__Connect__Expression **args, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_CALL);
    expr->call.name = name;
    expr->call.nargs = nargs;
    if (!cn_decode_exprs(decode, nargs, args, &expr->call.args, err)) {
        return NULL;
    }
    if (takes_ignore_nulls(name, nargs)) {
        const PxExpr *last = expr->call.args[nargs - 1];
        if (last->tag != PX_LITERAL || last->literal->type->kind != PL_TYPE_BOOLEAN || last->literal->is_null) {
            return bad(err, "that ignores nulls by something else than true or false");
        }
        expr->call.ignore_nulls = last->literal->i != 0;
        expr->call.nargs--;
    }
    return expr;
}

static const PxExpr *function(const CnDecode *decode, const Spark__Connect__Expression__UnresolvedFunction *message, Err *err) {
    const PxExpr *expr = call(decode, CN_STR(message->function_name), message->n_arguments, message->arguments, err);
    if (expr != NULL) {
        ((PxExpr *)(uintptr_t)expr)->call.is_distinct = message->is_distinct != 0;
        ((PxExpr *)(uintptr_t)expr)->call.is_user_defined = message->is_user_defined_function != 0;
    }
    return expr;
}

static const PxExpr *star(const CnDecode *decode, const Spark__Connect__Expression__UnresolvedStar *message, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_STAR);
    expr->star.plan_id = -1;
    Str target = message->has_unparsed_target ? CN_STR(message->unparsed_target) : STR("");
    if (target.len > 0) {
        if (!str_ends_with(target, STR(".*"))) {
            return bad(err, "star whose target does not end in .*");
        }
        target.len -= 2;
        if (!sq_parse_name(decode->arena, target, &expr->star.target, &expr->star.ntarget, err)) {
            return NULL;
        }
    }
    return expr;
}

static const PxExpr *alias(const CnDecode *decode, const Spark__Connect__Expression__Alias *message, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_ALIAS);
    expr->alias.child = cn_decode_expression(decode, message->expr, err);
    expr->alias.names = cn_decode_strs(decode->arena, message->n_name, message->name);
    expr->alias.nnames = message->n_name;
    expr->alias.metadata_json = message->has_metadata ? CN_STR(message->metadata) : STR("");
    if (expr->alias.child != NULL && message->n_name == 0) {
        return bad(err, "alias without a name");
    }
    return expr->alias.child == NULL ? NULL : expr;
}

static const PxExpr *cast(const CnDecode *decode, const Spark__Connect__Expression__Cast *message, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_CAST);
    expr->cast.mode = PL_CAST_LEGACY;
    expr->cast.child = cn_decode_expression(decode, message->expr, err);
    if (expr->cast.child == NULL) {
        return NULL;
    }
    if (message->cast_to_type_case == SPARK__CONNECT__EXPRESSION__CAST__CAST_TO_TYPE_TYPE) {
        expr->cast.type = cn_decode_type(decode->arena, message->type, err);
    } else if (message->cast_to_type_case == SPARK__CONNECT__EXPRESSION__CAST__CAST_TO_TYPE_TYPE_STR) {
        expr->cast.type = sq_parse_type(decode->arena, CN_STR(message->type_str), err);
    } else {
        return bad(err, "cast without a type");
    }
    return expr->cast.type == NULL ? NULL : expr;
}

const PxExpr *cn_decode_sort(const CnDecode *decode, const Spark__Connect__Expression__SortOrder *order, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_SORT);
    expr->sort.child = cn_decode_expression(decode, order->child, err);
    expr->sort.descending = (int)order->direction == SPARK__CONNECT__EXPRESSION__SORT_ORDER__SORT_DIRECTION__SORT_DIRECTION_DESCENDING;
    switch ((int)order->null_ordering) {
    case SPARK__CONNECT__EXPRESSION__SORT_ORDER__NULL_ORDERING__SORT_NULLS_FIRST: expr->sort.nulls_first = true; break;
    case SPARK__CONNECT__EXPRESSION__SORT_ORDER__NULL_ORDERING__SORT_NULLS_LAST: expr->sort.nulls_first = false; break;
    default: expr->sort.nulls_first = !expr->sort.descending; break;
    }
    return expr->sort.child == NULL ? NULL : expr;
}

static const PxExpr *lambda(const CnDecode *decode, const Spark__Connect__Expression__LambdaFunction *message, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_LAMBDA);
    Str *params = ARENA_ARRAY(decode->arena, Str, message->n_arguments);
    if (message->n_arguments == 0) {
        return bad(err, "lambda without parameters");
    }
    for (size_t i = 0; i < message->n_arguments; i++) {
        if (message->arguments[i]->n_name_parts != 1) {
            return bad(err, "lambda with a dotted parameter");
        }
        params[i] = CN_STR(message->arguments[i]->name_parts[0]);
    }
    expr->lambda.params = params;
    expr->lambda.nparams = message->n_arguments;
    expr->lambda.body = cn_decode_expression(decode, message->function, err);
    return expr->lambda.body == NULL ? NULL : expr;
}

static const PxExpr *lambda_variable(const CnDecode *decode, const Spark__Connect__Expression__UnresolvedNamedLambdaVariable *message) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_LAMBDA_VARIABLE);
    expr->attribute.parts = cn_decode_strs(decode->arena, message->n_name_parts, message->name_parts);
    expr->attribute.nparts = message->n_name_parts;
    expr->attribute.plan_id = -1;
    return expr;
}

static bool frame_bound(const CnDecode *decode, const Spark__Connect__Expression__Window__WindowFrame__FrameBoundary *message, PlBound *ret_kind,
                        const PxExpr **ret_value, Err *err) {
    if (message == NULL) {
        return err_set(err, "SOLDER.BAD_REQUEST", "The plan has a window frame without a boundary");
    }
    switch ((int)message->boundary_case) {
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_BOUNDARY__BOUNDARY_CURRENT_ROW: *ret_kind = PL_BOUND_CURRENT_ROW; return true;
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_BOUNDARY__BOUNDARY_UNBOUNDED: *ret_kind = PL_BOUND_UNBOUNDED; return true;
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_BOUNDARY__BOUNDARY_VALUE:
        *ret_kind = PL_BOUND_VALUE;
        *ret_value = cn_decode_expression(decode, message->value, err);
        return *ret_value != NULL;
    default: return err_set(err, "SOLDER.BAD_REQUEST", "The plan has a window frame without a boundary");
    }
}

static const PxExpr *window(const CnDecode *decode, const Spark__Connect__Expression__Window *message, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_WINDOW);
    expr->window.function = cn_decode_expression(decode, message->window_function, err);
    if (expr->window.function == NULL ||
        !cn_decode_exprs(decode, message->n_partition_spec, message->partition_spec, &expr->window.partition, err)) {
        return NULL;
    }
    expr->window.npartition = message->n_partition_spec;
    expr->window.norder = message->n_order_spec;
    expr->window.order = ARENA_ARRAY(decode->arena, const PxExpr *, message->n_order_spec);
    for (size_t i = 0; i < message->n_order_spec; i++) {
        expr->window.order[i] = cn_decode_sort(decode, message->order_spec[i], err);
        if (expr->window.order[i] == NULL) {
            return NULL;
        }
    }
    const Spark__Connect__Expression__Window__WindowFrame *frame = message->frame_spec;
    if (frame != NULL) {
        PxFrame *f = &expr->window.frame;
        switch ((int)frame->frame_type) {
        case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_TYPE__FRAME_TYPE_ROW: f->type = PL_FRAME_ROWS; break;
        case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_TYPE__FRAME_TYPE_RANGE: f->type = PL_FRAME_RANGE; break;
        default: return bad(err, "window frame that is neither ROW nor RANGE");
        }
        if (!frame_bound(decode, frame->lower, &f->lower_kind, &f->lower, err) ||
            !frame_bound(decode, frame->upper, &f->upper_kind, &f->upper, err)) {
            return NULL;
        }
    }
    return expr;
}

static const PxExpr *extract(const CnDecode *decode, const Spark__Connect__Expression__UnresolvedExtractValue *message, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_EXTRACT);
    expr->extract.child = cn_decode_expression(decode, message->child, err);
    expr->extract.key = expr->extract.child == NULL ? NULL : cn_decode_expression(decode, message->extraction, err);
    return expr->extract.key == NULL ? NULL : expr;
}

static const PxExpr *update_fields(const CnDecode *decode, const Spark__Connect__Expression__UpdateFields *message, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_UPDATE_FIELDS);
    expr->update.child = cn_decode_expression(decode, message->struct_expression, err);
    expr->update.field = CN_STR(message->field_name);
    if (expr->update.child != NULL && message->value_expression != NULL) {
        expr->update.value = cn_decode_expression(decode, message->value_expression, err);
        return expr->update.value == NULL ? NULL : expr;
    }
    return expr->update.child == NULL ? NULL : expr;
}

const PlPython *cn_decode_python(const CnDecode *decode, const Spark__Connect__CommonInlineUserDefinedFunction *function, Err *err) {
    if (function == NULL || function->function_case != SPARK__CONNECT__COMMON_INLINE_USER_DEFINED_FUNCTION__FUNCTION_PYTHON_UDF) {
        const char *language = function != NULL && (int)function->function_case == SPARK__CONNECT__COMMON_INLINE_USER_DEFINED_FUNCTION__FUNCTION_JAVA_UDF
                                   ? "Java"
                                   : "Scala";
        (void)err_set(err, ERR_NOT_SUPPORTED, "Functions written in %s need a JVM and do not run on the embedded engine; Python functions do", language);
        return NULL;
    }
    const Spark__Connect__PythonUDF *udf = function->python_udf;
    PlPython *python = ARENA_NEW(decode->arena, PlPython);
    python->name = CN_STR(function->function_name);
    python->deterministic = function->deterministic != 0;
    python->eval = (PlPythonEval)udf->eval_type;
    python->command = CN_STR(udf->command);
    python->python_version = CN_STR(udf->python_ver);
    python->result = cn_decode_type(decode->arena, udf->output_type, err);
    return python->result == NULL ? NULL : python;
}

static const PxExpr *python_udf(const CnDecode *decode, const Spark__Connect__CommonInlineUserDefinedFunction *message, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_PYTHON_UDF);
    expr->python.function = cn_decode_python(decode, message, err);
    expr->python.nargs = message->n_arguments;
    if (expr->python.function == NULL || !cn_decode_exprs(decode, message->n_arguments, message->arguments, &expr->python.args, err)) {
        return NULL;
    }
    return expr;
}

static const PxExpr *literal(const CnDecode *decode, const Spark__Connect__Expression__Literal *message, Err *err) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_LITERAL);
    expr->literal = cn_decode_literal(decode->arena, message, err);
    return expr->literal == NULL ? NULL : expr;
}

static const PxExpr *regex(const CnDecode *decode, const Spark__Connect__Expression__UnresolvedRegex *message) {
    PxExpr *expr = cn_decode_expr_new(decode->arena, PX_REGEX);
    expr->regex.pattern = CN_STR(message->col_name);
    expr->regex.plan_id = message->has_plan_id ? message->plan_id : -1;
    return expr;
}

const PxExpr *cn_decode_expression(const CnDecode *decode, const Spark__Connect__Expression *e, Err *err) {
    if (e == NULL) {
        return bad(err, "that is missing");
    }
    switch ((int)e->expr_type_case) {
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_LITERAL: return literal(decode, e->literal, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_ATTRIBUTE: return attribute(decode, e->unresolved_attribute, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_FUNCTION: return function(decode, e->unresolved_function, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_EXPRESSION_STRING:
        return sq_parse_expression(decode->arena, CN_STR(e->expression_string->expression), err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_STAR: return star(decode, e->unresolved_star, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_ALIAS: return alias(decode, e->alias, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_CAST: return cast(decode, e->cast, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_REGEX: return regex(decode, e->unresolved_regex);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_SORT_ORDER: return cn_decode_sort(decode, e->sort_order, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_LAMBDA_FUNCTION: return lambda(decode, e->lambda_function, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_WINDOW: return window(decode, e->window, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_EXTRACT_VALUE: return extract(decode, e->unresolved_extract_value, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UPDATE_FIELDS: return update_fields(decode, e->update_fields, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_NAMED_LAMBDA_VARIABLE:
        return lambda_variable(decode, e->unresolved_named_lambda_variable);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_COMMON_INLINE_USER_DEFINED_FUNCTION:
        return python_udf(decode, e->common_inline_user_defined_function, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_CALL_FUNCTION:
        return call(decode, CN_STR(e->call_function->function_name), e->call_function->n_arguments, e->call_function->arguments, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_EXTENSION:
        (void)err_set(err, ERR_NOT_SUPPORTED, "Extensions of the Spark Connect protocol are not supported (expression)");
        return NULL;
    default: return bad(err, "of a kind that this version does not know");
    }
}
