/* operators.c - coercion of arithmetic, comparison and logic (Spark's PromoteStrings, DecimalPrecision, BooleanEquality, Division,
 * ImplicitTypeCasts, DateTimeOperations; ANSI off).
 *
 * Called through the rule tables. Invariant: after a rule the operands have the types that the operator works on.
 */
#include "analyze/az.h"

#include <string.h>

/* + - * / % and the like, also of try_add and its kin. */
static char symbol_of(const AzCall *call) {
    static const struct {
        const char *name;
        char symbol;
    } tries[] = {{"try_add", '+'}, {"try_subtract", '-'}, {"try_multiply", '*'}, {"try_divide", '/'}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        if (strcmp(call->fn->name, tries[i].name) == 0) {
            return tries[i].symbol;
        }
    }
    return call->fn->name[0];
}

static bool is_interval(const PlType *t) {
    return t->kind == PL_TYPE_CALENDAR_INTERVAL || t->kind == PL_TYPE_DAY_TIME_INTERVAL || t->kind == PL_TYPE_YEAR_MONTH_INTERVAL;
}

static bool is_dated(const PlType *t) {
    return t->kind == PL_TYPE_DATE || t->kind == PL_TYPE_TIMESTAMP || t->kind == PL_TYPE_TIMESTAMP_NTZ;
}

static bool is_binary_float(const PlType *t) {
    return t->kind == PL_TYPE_FLOAT || t->kind == PL_TYPE_DOUBLE;
}

static const TxExpr *call_node(AzCtx *ctx, const AzCall *call) {
    TxExpr *whole = ARENA_NEW(ctx->arena, TxExpr);
    whole->tag = TX_CALL;
    whole->type = &PL_NULL;
    whole->call.fn = call->fn;
    whole->call.args = call->args;
    whole->call.nargs = call->nargs;
    return whole;
}

static bool fail_types(AzCtx *ctx, const AzCall *call) {
    Str shown = az_quote_expr(ctx, call_node(ctx, call));
    Str left = az_quote_type(ctx, call->args[0]->type);
    Str right = az_quote_type(ctx, call->args[1]->type);
    return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
                   "Cannot resolve %.*s due to data type mismatch: the left and right operands of the binary operator have incompatible "
                   "types (%.*s and %.*s).",
                   STR_ARG(shown), STR_ARG(left), STR_ARG(right));
}

static bool fail_wrong_type(AzCtx *ctx, const AzCall *call, const char *wanted) {
    Str shown = az_quote_expr(ctx, call_node(ctx, call));
    Str type = az_quote_type(ctx, call->args[0]->type);
    return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
                   "Cannot resolve %.*s due to data type mismatch: the binary operator requires the input type %s, not %.*s.", STR_ARG(shown),
                   wanted, STR_ARG(type));
}

static void set_args(AzCtx *ctx, AzCall *call, const TxExpr *left, const TxExpr *right) {
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, 2);
    args[0] = left;
    args[1] = right;
    call->args = args;
}

static void cast_both(AzCtx *ctx, AzCall *call, const PlType *type) {
    set_args(ctx, call, az_cast_to(ctx, call->args[0], type), az_cast_to(ctx, call->args[1], type));
}

/* The narrowest decimal of a literal integer. */
static const PlType *literal_decimal(AzCtx *ctx, const TxExpr *literal) {
    int digits = 0;
    for (int64_t rest = literal->literal->i; rest != 0; rest /= 10) {
        digits++;
    }
    return pl_decimal(ctx->arena, digits > 0 ? digits : 1, 0);
}

/* One operand is a decimal, the other an integer or a binary fraction: make both decimals, or both doubles. */
static void mix_decimals(AzCtx *ctx, AzCall *call) {
    for (size_t i = 0; i < 2; i++) {
        const TxExpr *decimal = call->args[i];
        const TxExpr *other = call->args[1 - i];
        if (decimal->type->kind != PL_TYPE_DECIMAL) {
            continue;
        }
        const TxExpr *changed = other;
        if (pl_type_is_integral(other->type)) {
            bool literal = other->tag == TX_LITERAL && !other->literal->is_null;
            changed = az_cast_to(ctx, other, literal ? literal_decimal(ctx, other) : az_decimal_for(ctx, other->type));
        } else if (is_binary_float(other->type)) {
            cast_both(ctx, call, &PL_DOUBLE);
            return;
        }
        set_args(ctx, call, i == 0 ? decimal : changed, i == 0 ? changed : decimal);
    }
}

/* dt + 1, ts - interval … : another function in the operator's place. */
static bool date_arithmetic(AzCtx *ctx, AzCall *call) {
    const TxExpr *a = call->args[0];
    const TxExpr *b = call->args[1];
    bool plus = symbol_of(call) == '+';
    bool minus = symbol_of(call) == '-';
    const char *name = NULL;
    if (plus && is_dated(b->type) && !is_dated(a->type)) {
        const TxExpr *swap = a;
        a = b;
        b = swap;
    }
    if (!plus && !minus) {
        bool times = symbol_of(call) == '*';
        if (times && is_interval(b->type) && !is_interval(a->type)) {
            const TxExpr *swap = a;
            a = b;
            b = swap;
        }
        if (is_interval(a->type) && times) {
            name = a->type->kind == PL_TYPE_YEAR_MONTH_INTERVAL ? "multiply_ym_interval"
                   : a->type->kind == PL_TYPE_DAY_TIME_INTERVAL ? "multiply_dt_interval"
                                                                : "multiply_interval";
        }
    } else if (minus && is_dated(a->type) && is_dated(b->type)) {
        name = a->type->kind == PL_TYPE_DATE && b->type->kind == PL_TYPE_DATE ? "subtract_dates" : "subtract_timestamps";
    } else if (a->type->kind == PL_TYPE_DATE && b->type->kind == PL_TYPE_YEAR_MONTH_INTERVAL) {
        name = plus ? "date_add_ym_interval" : "date_sub_ym_interval";
    } else if (a->type->kind == PL_TYPE_DATE && b->type->kind == PL_TYPE_DAY_TIME_INTERVAL && b->type->start == 0 && b->type->end == 0) {
        const TxExpr *days = az_apply(ctx, "extractansiintervaldays", &b, 1);
        if (days == NULL) {
            return false;
        }
        b = days;
        name = plus ? "date_add" : "date_sub";
    } else if (is_dated(a->type) && b->type->kind == PL_TYPE_YEAR_MONTH_INTERVAL) {
        name = plus ? "timestamp_add_ym_interval" : "timestamp_sub_ym_interval";
    } else if (a->type->kind == PL_TYPE_DATE && b->type->kind == PL_TYPE_CALENDAR_INTERVAL) {
        name = plus ? "date_add_interval" : "date_sub_interval";
    } else if (is_dated(a->type) && is_interval(b->type)) {
        if (b->type->kind == PL_TYPE_CALENDAR_INTERVAL) {
            return az_not_supported(ctx, "Arithmetic with a calendar interval is not supported yet: write INTERVAL with one unit or a range.");
        }
        name = plus ? "time_add" : "time_sub";
        if (a->type->kind == PL_TYPE_DATE) {
            a = az_cast_to(ctx, a, &PL_TIMESTAMP);
        }
    } else if (a->type->kind == PL_TYPE_DATE && !is_interval(b->type)) {
        name = plus ? "date_add" : "date_sub";
        if (b->type->kind == PL_TYPE_STRING) {
            b = az_cast_to(ctx, b, &PL_DOUBLE);
        }
    }
    if (name == NULL) {
        return true;
    }
    const TxExpr *pair[] = {a, b};
    AzCall other = {.fn = pl_function_find(str_from_c(name)), .written = str_from_c(name), .args = pair, .nargs = 2, .origin = call->origin};
    if (other.fn == NULL) {
        Str shown = az_pretty(ctx, call_node(ctx, call));
        return az_not_supported(ctx, "%.*s: arithmetic of these date, time or interval types is not supported yet.", STR_ARG(shown));
    }
    call->replaced = az_apply_call(ctx, &other);
    return call->replaced != NULL;
}

static bool involves_time(const AzCall *call) {
    const PlType *a = call->args[0]->type;
    const PlType *b = call->args[1]->type;
    return is_dated(a) || is_dated(b) || ((is_interval(a) || is_interval(b)) && a->kind != b->kind);
}

static void promote_strings(AzCtx *ctx, AzCall *call) {
    const TxExpr *a = call->args[0];
    const TxExpr *b = call->args[1];
    bool left = a->type->kind == PL_TYPE_STRING && !is_interval(b->type);
    bool right = b->type->kind == PL_TYPE_STRING && !is_interval(a->type);
    if (left || right) {
        set_args(ctx, call, left ? az_cast_to(ctx, a, &PL_DOUBLE) : a, right ? az_cast_to(ctx, b, &PL_DOUBLE) : b);
    }
}

/* Both operands to their tightest common type, when the operator takes that. */
static bool tighten(AzCtx *ctx, AzCall *call, bool integral) {
    const PlType *a = call->args[0]->type;
    const PlType *b = call->args[1]->type;
    if (a->kind == PL_TYPE_DECIMAL && b->kind == PL_TYPE_DECIMAL) {
        return true;
    }
    if (!pl_type_equal(a, b)) {
        const PlType *common = az_tightest_common(ctx, a, b);
        if (common != NULL && integral && !pl_type_is_integral(common) && common->kind != PL_TYPE_NULL) {
            return fail_types(ctx, call);
        }
        if (common == NULL || !(pl_type_is_numeric(common) || is_interval(common) || common->kind == PL_TYPE_NULL)) {
            return fail_types(ctx, call);
        }
        cast_both(ctx, call, common);
    }
    return true;
}

bool az_rule_arithmetic(AzCtx *ctx, AzCall *call) {
    if (involves_time(call)) {
        if (!date_arithmetic(ctx, call)) {
            return false;
        }
        if (call->replaced != NULL) {
            return true;
        }
    }
    promote_strings(ctx, call);
    mix_decimals(ctx, call);
    if (!tighten(ctx, call, false)) {
        return false;
    }
    const PlType *type = call->args[0]->type;
    if (type->kind == PL_TYPE_NULL) {
        cast_both(ctx, call, &PL_DOUBLE);
        return true;
    }
    bool additive = symbol_of(call) == '+' || symbol_of(call) == '-';
    if (!pl_type_is_numeric(type) && !(additive && is_interval(type))) {
        return fail_wrong_type(ctx, call,
                               additive ? "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")"
                                        : "\"NUMERIC\"");
    }
    return true;
}

bool az_rule_divide(AzCtx *ctx, AzCall *call) {
    if (is_interval(call->args[0]->type)) {
        const TxExpr *pair[] = {call->args[0], call->args[1]};
        PlTypeKind kind = pair[0]->type->kind;
        const char *name = kind == PL_TYPE_YEAR_MONTH_INTERVAL ? "divide_ym_interval"
                           : kind == PL_TYPE_DAY_TIME_INTERVAL ? "divide_dt_interval"
                                                               : "divide_interval";
        if (pl_function_find(str_from_c(name)) == NULL) {
            return az_not_supported(ctx, "Division of an interval is not supported yet.");
        }
        call->replaced = az_apply(ctx, name, pair, 2);
        return call->replaced != NULL;
    }
    promote_strings(ctx, call);
    mix_decimals(ctx, call);
    const PlType *a = call->args[0]->type;
    const PlType *b = call->args[1]->type;
    if (a->kind == PL_TYPE_DECIMAL && b->kind == PL_TYPE_DECIMAL) {
        return true;
    }
    bool numeric = (pl_type_is_numeric(a) || a->kind == PL_TYPE_NULL) && (pl_type_is_numeric(b) || b->kind == PL_TYPE_NULL);
    if (!numeric) {
        return pl_type_equal(a, b) ? fail_wrong_type(ctx, call, "(\"DOUBLE\" or \"DECIMAL\")") : fail_types(ctx, call);
    }
    if ((a->kind == PL_TYPE_DECIMAL && b->kind == PL_TYPE_NULL) || (b->kind == PL_TYPE_DECIMAL && a->kind == PL_TYPE_NULL)) {
        cast_both(ctx, call, a->kind == PL_TYPE_DECIMAL ? a : b);
        return true;
    }
    cast_both(ctx, call, &PL_DOUBLE);
    return true;
}

bool az_rule_integral_divide(AzCtx *ctx, AzCall *call) {
    promote_strings(ctx, call);
    mix_decimals(ctx, call);
    const PlType *a = call->args[0]->type;
    const PlType *b = call->args[1]->type;
    if (a->kind == PL_TYPE_DECIMAL && b->kind == PL_TYPE_DECIMAL) {
        cast_both(ctx, call, az_decimal_wider(ctx, a, b));
        return true;
    }
    bool whole_a = pl_type_is_integral(a) || a->kind == PL_TYPE_NULL;
    bool whole_b = pl_type_is_integral(b) || b->kind == PL_TYPE_NULL;
    if (whole_a && whole_b) {
        cast_both(ctx, call, &PL_LONG);
        return true;
    }
    const PlType *common = az_tightest_common(ctx, a, b);
    if (common == NULL) {
        return fail_types(ctx, call);
    }
    if (pl_type_equal(a, b) || pl_type_is_numeric(common)) {
        if (common->kind == PL_TYPE_DECIMAL) {
            cast_both(ctx, call, common);
            return true;
        }
        if (!pl_type_equal(a, b)) {
            return fail_types(ctx, call);
        }
        return fail_wrong_type(ctx, call, "(\"BIGINT\" or \"DECIMAL\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\")");
    }
    return fail_types(ctx, call);
}

bool az_rule_bitwise(AzCtx *ctx, AzCall *call) {
    promote_strings(ctx, call);
    if (!tighten(ctx, call, true)) {
        return false;
    }
    const PlType *type = call->args[0]->type;
    if (type->kind == PL_TYPE_NULL) {
        cast_both(ctx, call, &PL_INT);
        return true;
    }
    return pl_type_is_integral(type) || fail_wrong_type(ctx, call, "\"INTEGRAL\"");
}

bool az_rule_logical(AzCtx *ctx, AzCall *call) {
    const PlType *a = call->args[0]->type;
    const PlType *b = call->args[1]->type;
    bool ok_a = a->kind == PL_TYPE_BOOLEAN || a->kind == PL_TYPE_NULL;
    bool ok_b = b->kind == PL_TYPE_BOOLEAN || b->kind == PL_TYPE_NULL;
    if (ok_a && ok_b) {
        cast_both(ctx, call, &PL_BOOLEAN);
        return true;
    }
    return pl_type_equal(a, b) ? fail_wrong_type(ctx, call, "\"BOOLEAN\"") : fail_types(ctx, call);
}

/* The common type when one side is a string (findCommonTypeForBinaryComparison); NULL: another rule. */
static const PlType *comparison_with_string(const PlType *a, const PlType *b) {
    bool left = a->kind == PL_TYPE_STRING;
    if (left == (b->kind == PL_TYPE_STRING)) {
        if (!left && a->kind != b->kind && (is_dated(a) && is_dated(b)) && a->kind != PL_TYPE_TIMESTAMP_NTZ &&
            b->kind != PL_TYPE_TIMESTAMP_NTZ) {
            return &PL_TIMESTAMP;
        }
        return NULL;
    }
    const PlType *other = left ? b : a;
    if (other->kind == PL_TYPE_DECIMAL) {
        return &PL_DOUBLE;
    }
    if (other->kind == PL_TYPE_NULL) {
        return &PL_STRING;
    }
    bool promotes = pl_type_is_atomic(other) && !is_interval(other);
    return promotes ? other : NULL;
}

/* b = 1, b = a: Spark compares a boolean with a number as 1 and 0. True when it set the call. */
static bool boolean_equality(AzCtx *ctx, AzCall *call) {
    bool null_safe = strcmp(call->fn->name, "<=>") == 0;
    if (!null_safe && strcmp(call->fn->name, "=") != 0 && strcmp(call->fn->name, "==") != 0) {
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        const TxExpr *truth = call->args[i];
        const TxExpr *number = call->args[1 - i];
        if (truth->type->kind != PL_TYPE_BOOLEAN || !pl_type_is_numeric(number->type)) {
            continue;
        }
        if (number->tag == TX_LITERAL && !number->literal->is_null) {
            const PlValue *v = number->literal;
            __int128 unit = 1;
            for (int k = 0; v->type->kind == PL_TYPE_DECIMAL && k < v->type->scale; k++) {
                unit *= 10;
            }
            bool one = is_binary_float(v->type) ? v->f == 1.0 : v->type->kind == PL_TYPE_DECIMAL ? v->dec == unit : v->i == 1;
            bool zero = is_binary_float(v->type) ? v->f == 0.0 : v->type->kind == PL_TYPE_DECIMAL ? v->dec == 0 : v->i == 0;
            if (one || zero) {
                const TxExpr *result = one ? truth : az_apply(ctx, "not", &truth, 1);
                if (null_safe && result != NULL && truth->nullable) {
                    const TxExpr *known = az_apply(ctx, "isnotnull", &truth, 1);
                    const TxExpr *pair[] = {known, result};
                    result = known == NULL ? NULL : az_apply(ctx, "and", pair, 2);
                }
                call->replaced = result;
                return true;
            }
        }
        const TxExpr *as_number = az_cast_to(ctx, truth, number->type);
        set_args(ctx, call, i == 0 ? as_number : number, i == 0 ? number : as_number);
        return true;
    }
    return false;
}

bool az_rule_compare(AzCtx *ctx, AzCall *call) {
    const PlType *a = call->args[0]->type;
    const PlType *b = call->args[1]->type;
    const PlType *with_string = comparison_with_string(a, b);
    if (with_string != NULL) {
        cast_both(ctx, call, with_string);
    } else if (boolean_equality(ctx, call)) {
        return call->replaced != NULL || !ctx->err->is_set;
    } else {
        mix_decimals(ctx, call);
        a = call->args[0]->type;
        b = call->args[1]->type;
        if (!pl_type_equal(a, b)) {
            const PlType *common = a->kind == PL_TYPE_DECIMAL && b->kind == PL_TYPE_DECIMAL ? az_decimal_wider(ctx, a, b)
                                                                                           : az_tightest_common(ctx, a, b);
            if (common == NULL) {
                return fail_types(ctx, call);
            }
            cast_both(ctx, call, common);
        }
    }
    if (!az_is_orderable(call->args[0]->type)) {
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        Str type = az_quote_type(ctx, call->args[0]->type);
        const char *symbol = strcmp(call->fn->name, "==") == 0 ? "=" : call->fn->name;
        return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
                       "Cannot resolve %.*s due to data type mismatch: The `%s` does not support ordering on type %.*s.", STR_ARG(shown),
                       symbol, STR_ARG(type));
    }
    return true;
}

bool az_rule_unary(AzCtx *ctx, AzCall *call) {
    if (call->args[0]->type->kind == PL_TYPE_STRING) {
        call->args[0] = az_cast_to(ctx, call->args[0], &PL_DOUBLE);
    }
    return az_coerce_args(ctx, call, true);
}

/* date_add(d, n): the date may come from a string or a timestamp, the number must be a small integer or a constant string. */
bool az_rule_date_shift(AzCtx *ctx, AzCall *call) {
    const TxExpr *start = call->args[0];
    const TxExpr *days = call->args[1];
    PlTypeKind kind = start->type->kind;
    if (kind == PL_TYPE_STRING || kind == PL_TYPE_TIMESTAMP || kind == PL_TYPE_TIMESTAMP_NTZ) {
        start = az_cast_to(ctx, start, &PL_DATE);
    }
    if (days->tag == TX_LITERAL && days->type->kind == PL_TYPE_STRING) {
        days = az_cast_to(ctx, days, &PL_INT);
    }
    set_args(ctx, call, start, days);
    return az_coerce_args(ctx, call, false);
}

/* Both as timestamps, of the zoned kind unless both have none. */
bool az_rule_subtract_timestamps(AzCtx *ctx, AzCall *call) {
    bool zoneless = call->args[0]->type->kind == PL_TYPE_TIMESTAMP_NTZ && call->args[1]->type->kind == PL_TYPE_TIMESTAMP_NTZ;
    cast_both(ctx, call, zoneless ? &PL_TIMESTAMP_NTZ : &PL_TIMESTAMP);
    return az_coerce_args(ctx, call, false);
}

bool az_rule_in(AzCtx *ctx, AzCall *call) {
    bool equal = true;
    for (size_t i = 1; i < call->nargs; i++) {
        equal = equal && pl_type_same(call->args[0]->type, call->args[i]->type);
    }
    if (equal) {
        return true;
    }
    const PlType *common = az_wider_common(ctx, call->args, call->nargs);
    if (common == NULL) {
        StrBuf types = {.arena = ctx->arena};
        for (size_t i = 0; i < call->nargs; i++) {
            Str type = az_quote_type(ctx, call->args[i]->type);
            strbuf_fmt(&types, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(type));
        }
        Str all = strbuf_str(&types);
        Str shown = az_quote_expr(ctx, call_node(ctx, call));
        return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
                       "Cannot resolve %.*s due to data type mismatch: Input to `in` should all be the same type, but it's [%.*s].",
                       STR_ARG(shown), STR_ARG(all));
    }
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, call->nargs);
    for (size_t i = 0; i < call->nargs; i++) {
        args[i] = az_cast_to(ctx, call->args[i], common);
    }
    call->args = args;
    return true;
}

enum { DECIMAL_MAX = 38, DECIMAL_MIN_SCALE = 6 };

static const PlType *adjusted(AzCtx *ctx, int precision, int scale) {
    if (!az_setting(ctx, "spark.sql.decimalOperations.allowPrecisionLoss")) {
        return az_decimal_bounded(ctx, precision, scale);
    }
    if (precision <= DECIMAL_MAX) {
        return pl_decimal(ctx->arena, precision, scale);
    }
    int whole = precision - scale;
    int least = scale < DECIMAL_MIN_SCALE ? scale : DECIMAL_MIN_SCALE;
    int left = DECIMAL_MAX - whole;
    return pl_decimal(ctx->arena, DECIMAL_MAX, left > least ? left : least);
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

const PlType *az_result_arithmetic(AzCtx *ctx, const AzCall *call) {
    const PlType *a = call->args[0]->type;
    if (call->nargs < 2 || a->kind != PL_TYPE_DECIMAL || call->args[1]->type->kind != PL_TYPE_DECIMAL) {
        return a;
    }
    const PlType *b = call->args[1]->type;
    int p1 = a->precision;
    int s1 = a->scale;
    int p2 = b->precision;
    int s2 = b->scale;
    char op = symbol_of(call);
    if (op == '+' || op == '-') {
        int scale = larger(s1, s2);
        return adjusted(ctx, larger(p1 - s1, p2 - s2) + scale + 1, scale);
    }
    if (op == '*') {
        return adjusted(ctx, p1 + p2 + 1, s1 + s2);
    }
    if (op == '/') {
        if (!az_setting(ctx, "spark.sql.decimalOperations.allowPrecisionLoss")) {
            int whole = p1 - s1 + s2 < DECIMAL_MAX ? p1 - s1 + s2 : DECIMAL_MAX;
            int fraction = larger(DECIMAL_MIN_SCALE, s1 + p2 + 1);
            fraction = fraction < DECIMAL_MAX ? fraction : DECIMAL_MAX;
            int excess = whole + fraction - DECIMAL_MAX;
            if (excess > 0) {
                fraction -= excess / 2 + 1;
                whole = DECIMAL_MAX - fraction;
            }
            return az_decimal_bounded(ctx, whole + fraction, fraction);
        }
        int scale = larger(DECIMAL_MIN_SCALE, s1 + p2 + 1);
        return adjusted(ctx, p1 - s1 + s2 + scale, scale);
    }
    int scale = larger(s1, s2);
    int whole = p1 - s1 < p2 - s2 ? p1 - s1 : p2 - s2;
    return adjusted(ctx, whole + scale, scale);
}
