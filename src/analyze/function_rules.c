/* function_rules.c - the words of the registry's coerce, result and nulls columns, as functions.
 *
 * Called by calls.c. A word is a row in one of the three tables at the end; a new word is a function and a row.
 * Invariant: a rule looks at argument types only, never at the function's name (but for its own family's operators).
 */
#include "analyze/az.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

static const TxExpr *call_node(AzCtx *ctx, const AzCall *call) {
    TxExpr *whole = ARENA_NEW(ctx->arena, TxExpr);
    whole->tag = TX_CALL;
    whole->type = &PL_NULL;
    whole->call.fn = call->fn;
    whole->call.args = call->args;
    whole->call.nargs = call->nargs;
    return whole;
}

static const TxExpr **cast_all(AzCtx *ctx, const AzCall *call, size_t from, const PlType *type) {
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, call->nargs);
    for (size_t i = 0; i < call->nargs; i++) {
        args[i] = i < from ? call->args[i] : az_cast_to(ctx, call->args[i], type);
    }
    return args;
}

static bool fail_different(AzCtx *ctx, const AzCall *call, size_t from, bool brackets) {
    StrBuf types = {.arena = ctx->arena};
    for (size_t i = from; i < call->nargs; i++) {
        Str type = az_quote_type(ctx, call->args[i]->type);
        strbuf_fmt(&types, "%s%.*s", i == from ? "" : brackets ? ", " : " or ", STR_ARG(type));
    }
    Str all = strbuf_str(&types);
    Str shown = az_quote_expr(ctx, call_node(ctx, call));
    return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
                   "Cannot resolve %.*s due to data type mismatch: Input to `%s` should all be the same type, but it's %s%.*s%s.", STR_ARG(shown),
                   call->fn->name, brackets ? "[" : "(", STR_ARG(all), brackets ? "]" : ")");
}

/* ---- coerce ---- */

static bool coerce_none(AzCtx *ctx, AzCall *call) {
    return az_coerce_args(ctx, call, false);
}

static bool coerce_implicit(AzCtx *ctx, AzCall *call) {
    return az_coerce_args(ctx, call, true);
}

static bool coerce_common(AzCtx *ctx, AzCall *call) {
    const PlType *common = az_wider_common(ctx, call->args, call->nargs);
    if (common == NULL) {
        return fail_different(ctx, call, 0, false);
    }
    call->args = cast_all(ctx, call, 0, common);
    return true;
}

/* greatest, least: strings do not meet numbers. */
static bool coerce_common_strict(AzCtx *ctx, AzCall *call) {
    const PlType *common = &PL_NULL;
    for (size_t i = 0; i < call->nargs && common != NULL; i++) {
        common = az_wider_type(ctx, common, call->args[i]->type, false);
    }
    if (common == NULL) {
        return fail_different(ctx, call, 0, true);
    }
    call->args = cast_all(ctx, call, 0, common);
    return true;
}

static bool coerce_if(AzCtx *ctx, AzCall *call) {
    PlTypeKind condition = call->args[0]->type->kind;
    if (condition != PL_TYPE_BOOLEAN && condition != PL_TYPE_NULL) {
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        Str arg = az_quote_expr(ctx, call->args[0]);
        Str type = az_quote_type(ctx, call->args[0]->type);
        return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                       "Cannot resolve %.*s due to data type mismatch: Parameter 1 requires the \"BOOLEAN\" type, however %.*s has the type "
                       "%.*s.",
                       STR_ARG(shown), STR_ARG(arg), STR_ARG(type));
    }
    const PlType *common = az_wider_common(ctx, call->args + 1, call->nargs - 1);
    if (common == NULL) {
        return fail_different(ctx, call, 1, true);
    }
    call->args = cast_all(ctx, call, 1, common);
    call->args[0] = az_cast_to(ctx, call->args[0], &PL_BOOLEAN);
    return true;
}

static bool coerce_concat(AzCtx *ctx, AzCall *call) {
    size_t arrays = 0;
    size_t binaries = 0;
    for (size_t i = 0; i < call->nargs; i++) {
        arrays += call->args[i]->type->kind == PL_TYPE_ARRAY ? 1 : 0;
        binaries += call->args[i]->type->kind == PL_TYPE_BINARY ? 1 : 0;
    }
    if (arrays > 0) {
        const PlType *common = az_wider_common(ctx, call->args, call->nargs);
        if (common == NULL) {
            return fail_different(ctx, call, 0, false);
        }
        call->args = cast_all(ctx, call, 0, common);
        return true;
    }
    if (binaries > 0 && binaries == call->nargs) {
        return true;
    }
    for (size_t i = 0; i < call->nargs; i++) {
        const PlType *type = call->args[i]->type;
        if (!pl_type_is_atomic(type) && type->kind != PL_TYPE_NULL) {
            return fail_different(ctx, call, 0, false);
        }
    }
    call->args = cast_all(ctx, call, 0, &PL_STRING);
    return true;
}

static bool coerce_floor_ceil(AzCtx *ctx, AzCall *call) {
    PlTypeKind kind = call->args[0]->type->kind;
    if (kind == PL_TYPE_DECIMAL || kind == PL_TYPE_LONG) {
        return true;
    }
    const PlType *target = az_implicit_target(ctx, call->args[0]->type, STR("double|decimal|bigint"), true);
    if (target == NULL) {
        return az_coerce_args(ctx, call, true);
    }
    call->args = cast_all(ctx, call, 0, target);
    return true;
}

static bool coerce_map(AzCtx *ctx, AzCall *call) {
    size_t pairs = call->nargs / 2;
    if (call->nargs % 2 != 0) {
        return az_fail(ctx, call->origin, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                       "The `%s` requires 2n (n > 0) parameters but the actual number is %zu. Please, refer to "
                       "'https://spark.apache.org/docs/latest/sql-ref-functions.html' for a fix.",
                       call->fn->name, call->nargs);
    }
    const TxExpr **keys = ARENA_ARRAY(ctx->arena, const TxExpr *, pairs);
    const TxExpr **values = ARENA_ARRAY(ctx->arena, const TxExpr *, pairs);
    for (size_t i = 0; i < pairs; i++) {
        keys[i] = call->args[2 * i];
        values[i] = call->args[2 * i + 1];
    }
    const PlType *key = az_wider_common(ctx, keys, pairs);
    const PlType *value = az_wider_common(ctx, values, pairs);
    if (key == NULL || value == NULL) {
        return fail_different(ctx, call, 0, false);
    }
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, call->nargs);
    for (size_t i = 0; i < pairs; i++) {
        args[2 * i] = az_cast_to(ctx, keys[i], key);
        args[2 * i + 1] = az_cast_to(ctx, values[i], value);
    }
    call->args = args;
    return true;
}

static bool coerce_named_struct(AzCtx *ctx, AzCall *call) {
    for (size_t i = 0; i < call->nargs; i += 2) {
        if (call->args[i]->tag != TX_LITERAL || call->args[i]->type->kind != PL_TYPE_STRING || i + 1 >= call->nargs) {
            Str shown = az_quote_expr(ctx, call_node(ctx, call));
            return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING",
                           "Cannot resolve %.*s due to data type mismatch: Only foldable `STRING` expressions are allowed to appear at odd "
                           "position, but they are not.",
                           STR_ARG(shown));
        }
    }
    return true;
}

/* array_union and the like: arrays of one type. */
static bool coerce_arrays(AzCtx *ctx, AzCall *call) {
    bool all = true;
    for (size_t i = 0; i < call->nargs; i++) {
        all = all && call->args[i]->type->kind == PL_TYPE_ARRAY;
    }
    const PlType *common = all ? az_wider_common(ctx, call->args, call->nargs) : NULL;
    if (common == NULL) {
        StrBuf types = {.arena = ctx->arena};
        for (size_t i = 0; i < call->nargs; i++) {
            Str type = az_quote_type(ctx, call->args[i]->type);
            strbuf_fmt(&types, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(type));
        }
        Str list = strbuf_str(&types);
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.BINARY_ARRAY_DIFF_TYPES",
                       "Cannot resolve %.*s due to data type mismatch: Input to function `%s` should have been two \"ARRAY\" with same element "
                       "type, but it's [%.*s].",
                       STR_ARG(shown), call->fn->name, STR_ARG(list));
    }
    call->args = cast_all(ctx, call, 0, common);
    return true;
}

/* array_contains, array_position, …: the second argument is an element of the first. */
static bool coerce_element(AzCtx *ctx, AzCall *call) {
    if (!az_coerce_args(ctx, call, true)) {
        return false;
    }
    const PlType *array = call->args[0]->type;
    const PlType *value = call->args[1]->type;
    if (array->kind != PL_TYPE_ARRAY) {
        return true;
    }
    const PlType *common = az_wider_type(ctx, array->element, value, false);
    if (common == NULL) {
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        Str left = az_quote_type(ctx, array);
        Str right = az_quote_type(ctx, value);
        return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES",
                       "Cannot resolve %.*s due to data type mismatch: Input to `%s` should have been \"ARRAY\" followed by a value with same "
                       "element type, but it's [%.*s, %.*s].",
                       STR_ARG(shown), call->fn->name, STR_ARG(left), STR_ARG(right));
    }
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, call->nargs);
    memcpy(args, call->args, call->nargs * sizeof *args);
    args[0] = az_cast_to(ctx, args[0], pl_array(ctx->arena, common, array->element_nullable));
    args[1] = az_cast_to(ctx, args[1], common);
    call->args = args;
    return true;
}

/* element_at: an index into an array, or a key of a map. */
static bool coerce_element_at(AzCtx *ctx, AzCall *call) {
    const PlType *left = call->args[0]->type;
    const TxExpr *key = call->args[1];
    const PlType *target = left->kind == PL_TYPE_ARRAY && pl_type_is_integral(key->type) && key->type->kind != PL_TYPE_LONG ? &PL_INT
                           : left->kind == PL_TYPE_MAP                                  ? az_tightest_common(ctx, key->type, left->key)
                                                                                        : NULL;
    if (target == NULL || (left->kind == PL_TYPE_MAP && !pl_type_same(target, left->key))) {
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        Str wanted = left->kind == PL_TYPE_MAP ? az_quote_type(ctx, left->key) : az_quote_type(ctx, &PL_INT);
        size_t which = left->kind == PL_TYPE_MAP || left->kind == PL_TYPE_ARRAY ? 1 : 0;
        if (which == 0) {
            wanted = STR("(\"ARRAY\" or \"MAP\")");
        }
        Str arg = az_quote_expr(ctx, call->args[which]);
        Str type = az_quote_type(ctx, call->args[which]->type);
        return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                       "Cannot resolve %.*s due to data type mismatch: Parameter %zu requires the %.*s type, however %.*s has the type %.*s.",
                       STR_ARG(shown), which + 1, STR_ARG(wanted), STR_ARG(arg), STR_ARG(type));
    }
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, call->nargs);
    args[0] = call->args[0];
    args[1] = az_cast_to(ctx, key, target);
    call->args = args;
    return true;
}

/* nvl2(a, b, c): b and c meet. */
static bool coerce_nvl2(AzCtx *ctx, AzCall *call) {
    const PlType *common = az_wider_common(ctx, call->args + 1, call->nargs - 1);
    if (common == NULL) {
        return fail_different(ctx, call, 1, true);
    }
    call->args = cast_all(ctx, call, 1, common);
    return true;
}

/* Both arguments as the wider binary fraction: floats stay floats. */
static bool coerce_nanvl(AzCtx *ctx, AzCall *call) {
    if (!az_coerce_args(ctx, call, true)) {
        return false;
    }
    bool floats = call->args[0]->type->kind == PL_TYPE_FLOAT && call->args[1]->type->kind == PL_TYPE_FLOAT;
    call->args = cast_all(ctx, call, 0, floats ? &PL_FLOAT : &PL_DOUBLE);
    return true;
}

/* nullif(a, b) is IF(a = b, NULL, a): the comparison's casts do not touch the result. Arguments become a, and a and b as compared. */
static bool coerce_nullif(AzCtx *ctx, AzCall *call) {
    const TxExpr *pair[] = {call->args[0], call->args[1]};
    AzCall equal = {.fn = pl_function_find(STR("=")), .written = STR("="), .args = pair, .nargs = 2, .origin = call->origin};
    if (equal.fn == NULL || !az_rule_compare(ctx, &equal)) {
        return false;
    }
    if (equal.replaced != NULL) { /* a boolean against 1 or 0 */
        equal.args[0] = equal.replaced;
        equal.args[1] = az_bool(ctx, true);
    }
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, 3);
    args[0] = call->args[0];
    args[1] = equal.args[0];
    args[2] = equal.args[1];
    call->args = args;
    call->nargs = 3;
    return true;
}

/* Whether a value is known before there are rows. */
static bool is_foldable(const TxExpr *expr) {
    if (expr->tag == TX_CAST) {
        return is_foldable(expr->cast.child);
    }
    for (size_t i = 0; expr->tag == TX_CALL && i < expr->call.nargs; i++) {
        if (!is_foldable(expr->call.args[i])) {
            return false;
        }
    }
    return expr->tag == TX_LITERAL || (expr->tag == TX_CALL && expr->call.nargs > 0);
}

static bool coerce_seed(AzCtx *ctx, AzCall *call) {
    if (!az_coerce_args(ctx, call, false)) {
        return false;
    }
    if (call->nargs > 0 && !is_foldable(call->args[0])) {
        Str seed = az_quote_expr(ctx, call->args[0]);
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        return az_fail(ctx, call->origin, "SEED_EXPRESSION_IS_UNFOLDABLE", "The seed expression %.*s of the expression %.*s must be foldable.", STR_ARG(seed),
                       STR_ARG(shown));
    }
    return true;
}

static bool coerce_percentile_approx(AzCtx *ctx, AzCall *call) {
    static const char *const names[] = {"", "percentage", "accuracy"};
    if (!az_coerce_args(ctx, call, true)) {
        return false;
    }
    for (size_t i = 1; i < call->nargs; i++) {
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        Str type = az_quote_type(ctx, i == 1 ? call->args[i]->type : &PL_INT);
        if (!is_foldable(call->args[i])) {
            Str arg = az_quote_expr(ctx, call->args[i]);
            return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                           "Cannot resolve %.*s due to data type mismatch: the input %s should be a foldable %.*s expression; however, got %.*s.", STR_ARG(shown),
                           names[i], STR_ARG(type), STR_ARG(arg));
        }
        const TxExpr *value = call->args[i]->tag == TX_CAST ? call->args[i]->cast.child : call->args[i];
        if (value->tag == TX_LITERAL && value->literal->is_null) {
            return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.UNEXPECTED_NULL", "Cannot resolve %.*s due to data type mismatch: The %s must not be null.",
                           STR_ARG(shown), names[i]);
        }
    }
    return true;
}

static void set_last_arg(AzCtx *ctx, AzCall *call, const TxExpr *last) {
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, call->nargs + 1);
    if (call->nargs > 0) {
        memcpy(args, call->args, call->nargs * sizeof *args);
    }
    args[call->nargs++] = last;
    call->args = args;
}

/* Without a message, the condition itself is it. */
static bool coerce_assert_true(AzCtx *ctx, AzCall *call) {
    if (call->nargs < 2) {
        Str shown = az_pretty(ctx, call->args[0]);
        set_last_arg(ctx, call, az_string(ctx, str_fmt(ctx->arena, "'%.*s' is not true!", STR_ARG(shown))));
    }
    return az_coerce_args(ctx, call, true);
}

static bool coerce_current_database(AzCtx *ctx, AzCall *call) {
    set_last_arg(ctx, call, az_string(ctx, ctx->world->current_database));
    return true;
}

static bool coerce_input_file_name(AzCtx *ctx, AzCall *call) {
    (void)call;
    ctx->names_files = true;
    return true;
}

static bool coerce_current_user(AzCtx *ctx, AzCall *call) {
    char space[1024];
    struct passwd entry, *found = NULL;
    bool is_known = getpwuid_r(geteuid(), &entry, space, sizeof space, &found) == 0 && found != NULL;
    set_last_arg(ctx, call, az_string(ctx, is_known ? str_copy(ctx->arena, str_from_c(found->pw_name)) : STR("unknown")));
    return true;
}

/* ---- result ---- */

static const PlType *result_last(AzCtx *ctx, const AzCall *call) {
    (void)ctx;
    return call->nargs == 0 ? &PL_NULL : call->args[call->nargs - 1]->type;
}

static const PlType *result_concat(AzCtx *ctx, const AzCall *call) {
    (void)ctx;
    return call->nargs == 0 ? &PL_STRING : call->args[0]->type;
}

static bool any_nullable(const TxExpr *const *args, size_t nargs) {
    for (size_t i = 0; i < nargs; i++) {
        if (args[i]->nullable && args[i]->tag != TX_LAMBDA) {
            return true;
        }
    }
    return false;
}

static const PlType *result_array_of_common(AzCtx *ctx, const AzCall *call) {
    return pl_array(ctx->arena, call->nargs == 0 ? &PL_NULL : call->args[0]->type, any_nullable(call->args, call->nargs));
}

static const PlType *result_map(AzCtx *ctx, const AzCall *call) {
    if (call->nargs == 0) {
        return pl_map(ctx->arena, &PL_NULL, &PL_NULL, false);
    }
    bool nullable = false;
    for (size_t i = 1; i < call->nargs; i += 2) {
        nullable = nullable || call->args[i]->nullable;
    }
    return pl_map(ctx->arena, call->args[0]->type, call->args[1]->type, nullable);
}

static const PlType *result_struct(AzCtx *ctx, const AzCall *call) {
    PlField *fields = ARENA_ARRAY(ctx->arena, PlField, call->nargs);
    for (size_t i = 0; i < call->nargs; i++) {
        const TxExpr *arg = call->args[i];
        const PxExpr *source = call->sources == NULL ? NULL : call->sources[i];
        Str name = str_fmt(ctx->arena, "col%zu", i + 1);
        if (source != NULL && source->tag == PX_ALIAS) {
            name = az_output_name(ctx, source, arg);
        } else if (arg->tag == TX_COLUMN) {
            name = arg->column.name;
        } else if (arg->tag == TX_FIELD && source != NULL && source->tag == PX_ATTRIBUTE) {
            name = arg->field.name;
        }
        fields[i] = (PlField){name, arg->type, arg->nullable, {0}};
    }
    return pl_struct(ctx->arena, fields, call->nargs);
}

static const PlType *result_named_struct(AzCtx *ctx, const AzCall *call) {
    PlField *fields = ARENA_ARRAY(ctx->arena, PlField, call->nargs / 2 + 1);
    for (size_t i = 0; 2 * i + 1 < call->nargs; i++) {
        const TxExpr *value = call->args[2 * i + 1];
        fields[i] = (PlField){call->args[2 * i]->literal->s, value->type, value->nullable, {0}};
    }
    return pl_struct(ctx->arena, fields, call->nargs / 2);
}

static const PlType *result_sum(AzCtx *ctx, const AzCall *call) {
    const PlType *t = call->args[0]->type;
    if (t->kind == PL_TYPE_DECIMAL) {
        return az_decimal_bounded(ctx, t->precision + 10, t->scale);
    }
    if (pl_type_is_integral(t)) {
        return &PL_LONG;
    }
    return pl_type_is_numeric(t) || t->kind == PL_TYPE_NULL ? &PL_DOUBLE : t;
}

static const PlType *result_avg(AzCtx *ctx, const AzCall *call) {
    const PlType *t = call->args[0]->type;
    if (t->kind == PL_TYPE_DECIMAL) {
        return az_decimal_bounded(ctx, t->precision + 4, t->scale + 4);
    }
    return pl_type_is_numeric(t) || t->kind == PL_TYPE_NULL ? &PL_DOUBLE : t;
}

static const PlType *result_collect(AzCtx *ctx, const AzCall *call) {
    return pl_array(ctx->arena, call->args[0]->type, false);
}

static const PlType *result_array_of_string(AzCtx *ctx, const AzCall *call) {
    (void)call;
    return pl_array(ctx->arena, &PL_STRING, false);
}

static const PlType *result_sequence(AzCtx *ctx, const AzCall *call) {
    return pl_array(ctx->arena, call->args[0]->type, false);
}

static const PlType *result_array_of_arg0(AzCtx *ctx, const AzCall *call) {
    return pl_array(ctx->arena, call->args[0]->type, call->args[0]->nullable);
}

static const PlType *result_floor_ceil(AzCtx *ctx, const AzCall *call) {
    const PlType *t = call->args[0]->type;
    return t->kind == PL_TYPE_DECIMAL ? az_decimal_bounded(ctx, t->precision - t->scale + 1, 0) : &PL_LONG;
}

static const PlType *result_round(AzCtx *ctx, const AzCall *call) {
    const PlType *t = call->args[0]->type;
    if (t->kind != PL_TYPE_DECIMAL) {
        return t;
    }
    const TxExpr *places = call->nargs > 1 ? call->args[1] : NULL;
    while (places != NULL && places->tag == TX_CAST) {
        places = places->cast.child;
    }
    bool negative = places != NULL && places->tag == TX_CALL && strcmp(places->call.fn->name, "negative") == 0;
    const TxExpr *literal = negative ? places->call.args[0] : places;
    int64_t scale = literal != NULL && literal->tag == TX_LITERAL ? literal->literal->i : 0;
    scale = negative ? -scale : scale;
    int whole = t->precision - t->scale + 1;
    if (scale < 0) {
        return az_decimal_bounded(ctx, whole > 1 - (int)scale ? whole : 1 - (int)scale, 0);
    }
    int kept = scale < t->scale ? (int)scale : t->scale;
    return az_decimal_bounded(ctx, whole + kept, kept);
}

static const PlType *result_element(AzCtx *ctx, const AzCall *call) {
    (void)ctx;
    const PlType *t = call->args[0]->type;
    return t->kind == PL_TYPE_ARRAY || t->kind == PL_TYPE_MAP ? t->element : &PL_NULL;
}

/* array.field: the field of each struct; az_extract made the second argument the field's own name. */
static const PlType *result_array_fields(AzCtx *ctx, const AzCall *call) {
    const PlType *t = call->args[0]->type;
    for (size_t i = 0; t->element != NULL && i < t->element->nfields; i++) {
        const PlField *field = &t->element->fields[i];
        if (call->args[1]->tag == TX_LITERAL && str_eq(field->name, call->args[1]->literal->s)) {
            return pl_array(ctx->arena, field->type, t->element_nullable || field->nullable);
        }
    }
    err_set(ctx->err, ERR_INTERNAL, "A field of an array's structs is not there.");
    return NULL;
}

static const PlType *result_flatten(AzCtx *ctx, const AzCall *call) {
    const PlType *t = call->args[0]->type;
    if (t->kind != PL_TYPE_ARRAY || t->element->kind != PL_TYPE_ARRAY) {
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        Str type = az_quote_type(ctx, t);
        az_fail(ctx, call->origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "Cannot resolve %.*s due to data type mismatch: Parameter 1 requires the \"ARRAY\" of \"ARRAY\" type, however %.*s has the "
                "type %.*s.",
                STR_ARG(shown), STR_ARG(shown), STR_ARG(type));
        return NULL;
    }
    return t->element;
}

static const PlType *result_map_keys(AzCtx *ctx, const AzCall *call) {
    const PlType *t = call->args[0]->type;
    return pl_array(ctx->arena, t->kind == PL_TYPE_MAP ? t->key : &PL_NULL, true);
}

static const PlType *result_map_values(AzCtx *ctx, const AzCall *call) {
    const PlType *t = call->args[0]->type;
    return pl_array(ctx->arena, t->kind == PL_TYPE_MAP ? t->element : &PL_NULL, true);
}

static const PlType *result_map_entries(AzCtx *ctx, const AzCall *call) {
    const PlType *t = call->args[0]->type;
    PlField fields[] = {{STR("key"), t->key, false, {0}}, {STR("value"), t->element, t->element_nullable, {0}}};
    return pl_array(ctx->arena, pl_struct(ctx->arena, fields, 2), false);
}

static const PlType *result_map_from_arrays(AzCtx *ctx, const AzCall *call) {
    const PlType *v = call->args[1]->type;
    return pl_map(ctx->arena, call->args[0]->type->element, v->element, v->element_nullable);
}

static const PlType *result_map_from_entries(AzCtx *ctx, const AzCall *call) {
    const PlType *entry = call->args[0]->type->element;
    if (entry->kind != PL_TYPE_STRUCT || entry->nfields != 2) {
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        az_fail(ctx, call->origin, "DATATYPE_MISMATCH.MAP_FROM_ENTRIES_WRONG_TYPE",
                "Cannot resolve %.*s due to data type mismatch: The `map_from_entries` is expected to have array of pairs.", STR_ARG(shown));
        return NULL;
    }
    return pl_map(ctx->arena, entry->fields[0].type, entry->fields[1].type, entry->fields[1].nullable);
}

static const PlType *result_arrays_zip(AzCtx *ctx, const AzCall *call) {
    PlField *fields = ARENA_ARRAY(ctx->arena, PlField, call->nargs);
    for (size_t i = 0; i < call->nargs; i++) {
        const TxExpr *arg = call->args[i];
        Str name = arg->tag == TX_COLUMN ? arg->column.name : str_fmt(ctx->arena, "%zu", i);
        fields[i] = (PlField){name, arg->type->kind == PL_TYPE_ARRAY ? arg->type->element : &PL_NULL, true, {0}};
    }
    return pl_array(ctx->arena, pl_struct(ctx->arena, fields, call->nargs), false);
}

static const PlType *result_lambda_array(AzCtx *ctx, const AzCall *call) {
    const TxExpr *last = call->args[call->nargs - 1];
    return pl_array(ctx->arena, last->type, last->nullable);
}

static const PlType *result_lambda_keys(AzCtx *ctx, const AzCall *call) {
    const PlType *map = call->args[0]->type;
    return pl_map(ctx->arena, call->args[1]->type, map->element, map->element_nullable);
}

static const PlType *result_lambda_values(AzCtx *ctx, const AzCall *call) {
    const PlType *map = call->args[0]->type;
    return pl_map(ctx->arena, map->key, call->args[1]->type, call->args[1]->nullable);
}

static const PlType *result_lambda_zip_map(AzCtx *ctx, const AzCall *call) {
    return pl_map(ctx->arena, call->args[0]->type->key, call->args[2]->type, call->args[2]->nullable);
}

/* explode, posexplode, inline, stack: the struct of the columns that a generator makes. */
static const PlType *result_generator(AzCtx *ctx, const AzCall *call) {
    PlField fields[3];
    size_t count = 0;
    const PlType *t = call->args[0]->type;
    if (t->kind == PL_TYPE_MAP) {
        fields[count++] = (PlField){STR("key"), t->key, false, {0}};
        fields[count++] = (PlField){STR("value"), t->element, t->element_nullable, {0}};
    } else {
        fields[count++] = (PlField){STR("col"), t->element != NULL ? t->element : &PL_NULL, t->element_nullable, {0}};
    }
    return pl_struct(ctx->arena, fields, count);
}

static const PlType *result_generator_position(AzCtx *ctx, const AzCall *call) {
    const PlType *without = result_generator(ctx, call);
    PlField fields[3] = {{STR("pos"), &PL_INT, false, {0}}};
    memcpy(fields + 1, without->fields, without->nfields * sizeof *fields);
    return pl_struct(ctx->arena, fields, without->nfields + 1);
}

static const PlType *result_generator_inline(AzCtx *ctx, const AzCall *call) {
    const PlType *t = call->args[0]->type;
    if (t->kind != PL_TYPE_ARRAY || t->element->kind != PL_TYPE_STRUCT) {
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        Str arg = az_quote_expr(ctx, call->args[0]);
        Str type = az_quote_type(ctx, t);
        az_fail(ctx, call->origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "Cannot resolve %.*s due to data type mismatch: Parameter 1 requires the \"ARRAY<STRUCT>\" type, however %.*s has the type "
                "%.*s.",
                STR_ARG(shown), STR_ARG(arg), STR_ARG(type));
        return NULL;
    }
    PlField *fields = ARENA_ARRAY(ctx->arena, PlField, t->element->nfields);
    for (size_t i = 0; i < t->element->nfields; i++) {
        fields[i] = t->element->fields[i];
        fields[i].nullable = fields[i].nullable || t->element_nullable;
    }
    return pl_struct(ctx->arena, fields, t->element->nfields);
}

static const PlType *result_generator_stack(AzCtx *ctx, const AzCall *call) {
    int64_t rows = call->args[0]->tag == TX_LITERAL ? call->args[0]->literal->i : 0;
    if (rows <= 0) {
        az_fail(ctx, call->origin, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                "Cannot resolve \"stack\" due to data type mismatch: The `n` must be between (0, 2147483647] (current value = %lld).",
                (long long)rows);
        return NULL;
    }
    size_t values = call->nargs - 1;
    size_t width = (values + (size_t)rows - 1) / (size_t)rows;
    PlField *fields = ARENA_ARRAY(ctx->arena, PlField, width);
    for (size_t k = 0; k < width; k++) {
        const PlType *type = &PL_NULL;
        for (size_t i = k; i < values; i += width) {
            const PlType *other = call->args[1 + i]->type;
            type = type->kind == PL_TYPE_NULL ? other : type;
            if (other->kind != PL_TYPE_NULL && !pl_type_same(type, other)) {
                az_fail(ctx, call->origin, "DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES",
                        "Cannot resolve \"stack\" due to data type mismatch: The data type of the column (%zu) do not have the same type.",
                        k);
                return NULL;
            }
        }
        fields[k] = (PlField){str_fmt(ctx->arena, "col%zu", k), type, true, {0}};
    }
    return pl_struct(ctx->arena, fields, width);
}

/* The first argument's array, which may now hold a null. */
static const PlType *result_array_of_nulls(AzCtx *ctx, const AzCall *call) {
    const PlType *type = call->args[0]->type;
    return type->kind == PL_TYPE_ARRAY ? pl_array(ctx->arena, type->element, true) : type;
}

static const PlType *result_map_concat(AzCtx *ctx, const AzCall *call) {
    return call->nargs == 0 ? pl_map(ctx->arena, &PL_STRING, &PL_STRING, true) : result_last(ctx, call);
}

static const PlType *result_percentile_approx(AzCtx *ctx, const AzCall *call) {
    const PlType *type = call->args[0]->type;
    return call->args[1]->type->kind == PL_TYPE_ARRAY ? pl_array(ctx->arena, type, false) : type;
}

/* ---- nulls ---- */

static bool null_any(const AzCall *call, const PlType *result) {
    (void)result;
    return any_nullable(call->args, call->nargs);
}
/* exists, forall: three-valued logic lets the function's NULL through. */
static bool null_with_lambda(const AzCall *call, const PlType *result) {
    (void)result;
    return any_nullable(call->args, call->nargs) || call->args[call->nargs - 1]->nullable;
}
static bool null_never(const AzCall *call, const PlType *result) {
    (void)call;
    (void)result;
    return false;
}
static bool null_always(const AzCall *call, const PlType *result) {
    (void)call;
    (void)result;
    return true;
}
static bool null_all(const AzCall *call, const PlType *result) {
    (void)result;
    for (size_t i = 0; i < call->nargs; i++) {
        if (!call->args[i]->nullable) {
            return false;
        }
    }
    return true;
}
static bool null_if(const AzCall *call, const PlType *result) {
    (void)result;
    return any_nullable(call->args + 1, call->nargs - 1);
}
static bool null_arithmetic(const AzCall *call, const PlType *result) {
    return result->kind == PL_TYPE_DECIMAL || any_nullable(call->args, call->nargs);
}
static bool null_arg0(const AzCall *call, const PlType *result) {
    (void)result;
    return call->args[0]->nullable;
}
static bool null_last(const AzCall *call, const PlType *result) {
    (void)result;
    return call->args[call->nargs - 1]->nullable;
}
/* array_contains: also when the array holds nulls. */
static bool null_element(const AzCall *call, const PlType *result) {
    (void)result;
    return any_nullable(call->args, call->nargs) || (call->args[0]->type->kind == PL_TYPE_ARRAY && call->args[0]->type->element_nullable);
}
/* lag, lead: without a default the rows outside are null. */
static bool null_shift(const AzCall *call, const PlType *result) {
    (void)result;
    return call->nargs < 3 || call->args[0]->nullable || call->args[2]->nullable;
}
/* to_date(x), to_timestamp(x) are casts unless there is a format. */
static bool null_cast(const AzCall *call, const PlType *result) {
    return call->nargs > 1 || call->args[0]->nullable || az_cast_nullable(call->args[0]->type, result);
}
static bool null_nested(const AzCall *call, const PlType *result) {
    (void)result;
    const PlType *t = call->args[0]->type;
    return call->args[0]->nullable || (t->kind == PL_TYPE_ARRAY && t->element_nullable);
}

/* ---- the tables ---- */

static const struct {
    const char *name;
    AzCoerceRule rule;
} COERCE[] = {
    {"none", coerce_none},
    {"exact", coerce_none},
    {"implicit", coerce_implicit},
    {"arithmetic", az_rule_arithmetic},
    {"divide", az_rule_divide},
    {"integral_divide", az_rule_integral_divide},
    {"bitwise", az_rule_bitwise},
    {"logical", az_rule_logical},
    {"unary", az_rule_unary},
    {"compare", az_rule_compare},
    {"in", az_rule_in},
    {"date_shift", az_rule_date_shift},
    {"subtract_timestamps", az_rule_subtract_timestamps},
    {"common", coerce_common},
    {"common_strict", coerce_common_strict},
    {"if", coerce_if},
    {"nvl2", coerce_nvl2},
    {"nanvl", coerce_nanvl},
    {"nullif", coerce_nullif},
    {"concat", coerce_concat},
    {"count", coerce_none},
    {"round", coerce_implicit},
    {"floor_ceil", coerce_floor_ceil},
    {"struct", coerce_none},
    {"named_struct", coerce_named_struct},
    {"map", coerce_map},
    {"arrays", coerce_arrays},
    {"element", coerce_element},
    {"element_at", coerce_element_at},
    {"assert_true", coerce_assert_true},
    {"current_database", coerce_current_database},
    {"current_user", coerce_current_user},
    {"extract", az_rule_extract},
    {"percentile_approx", coerce_percentile_approx},
    {"seed", coerce_seed},
    {"input_file_name", coerce_input_file_name},
    {"from_json", az_rule_from_json},
    {"to_json", az_rule_to_json},
    {"schema_of_json", az_rule_schema_of_json},
    {"lambda_array", coerce_none},
    {"lambda_map", coerce_none},
    {"lambda_fold", coerce_none},
    {"lambda_zip", coerce_none},
    {"lambda_map_zip", coerce_none},
    {"lambda_sort", coerce_none},
};

static const struct {
    const char *name;
    AzResultRule rule;
} RESULT[] = {
    {"common", result_last},
    {"last", result_last},
    {"arithmetic", az_result_arithmetic},
    {"concat", result_concat},
    {"array_of_common", result_array_of_common},
    {"array_of_arg0", result_array_of_arg0},
    {"array_of_string", result_array_of_string},
    {"sequence", result_sequence},
    {"map", result_map},
    {"struct", result_struct},
    {"named_struct", result_named_struct},
    {"sum", result_sum},
    {"avg", result_avg},
    {"collect", result_collect},
    {"floor_ceil", result_floor_ceil},
    {"round", result_round},
    {"element", result_element},
    {"array_fields", result_array_fields},
    {"flatten", result_flatten},
    {"map_keys", result_map_keys},
    {"map_values", result_map_values},
    {"map_entries", result_map_entries},
    {"map_from_arrays", result_map_from_arrays},
    {"map_from_entries", result_map_from_entries},
    {"arrays_zip", result_arrays_zip},
    {"lambda_array", result_lambda_array},
    {"lambda_keys", result_lambda_keys},
    {"lambda_values", result_lambda_values},
    {"lambda_zip_map", result_lambda_zip_map},
    {"from_json", az_result_from_json},
    {"array_of_nulls", result_array_of_nulls},
    {"map_concat", result_map_concat},
    {"percentile_approx", result_percentile_approx},
    {"generator", result_generator},
    {"generator_position", result_generator_position},
    {"generator_inline", result_generator_inline},
    {"generator_stack", result_generator_stack},
};

static const struct {
    const char *name;
    AzNullRule rule;
} NULLS[] = {
    {"any", null_any},   {"never", null_never},           {"always", null_always}, {"all", null_all},         {"if", null_if},
    {"arg0", null_arg0}, {"arithmetic", null_arithmetic}, {"last", null_last},     {"element", null_element}, {"nested", null_nested},
    {"shift", null_shift},
    {"cast", null_cast},
    {"with_lambda", null_with_lambda},
};

#define FIND(table, wanted)                                                                                                      \
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {                                                                \
        if (strcmp(table[i].name, wanted) == 0) {                                                                                \
            return table[i].rule;                                                                                                \
        }                                                                                                                        \
    }                                                                                                                            \
    return NULL

AzCoerceRule az_coerce_rule(const char *name) {
    FIND(COERCE, name);
}

AzResultRule az_result_rule(const char *name) {
    FIND(RESULT, name);
}

AzNullRule az_null_rule(const char *name) {
    FIND(NULLS, name);
}
