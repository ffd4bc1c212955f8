/* naming.c - how an expression reads in a column's automatic name and in messages (Spark's toPrettySQL).
 *
 * Called for select lists and by errors. Invariant: implicit casts do not show; strings stand without quotes.
 */
#include "analyze/az.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Java's Double.toString / Float.toString. */
static Str java_double(Arena *arena, double value, bool is_float) {
    if (isnan(value)) {
        return STR("NaN");
    }
    if (isinf(value)) {
        return value > 0 ? STR("Infinity") : STR("-Infinity");
    }
    char digits[64];
    int most = is_float ? 9 : 17;
    for (int precision = 1; precision <= most; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*e", precision - 1, value);
        double back = is_float ? (double)strtof(digits, NULL) : strtod(digits, NULL);
        if (back == value) {
            break;
        }
    }
    char *mark = strchr(digits, 'e');
    if (mark == NULL) {
        return str_from_c("NaN");
    }
    int exponent = (int)strtol(mark + 1, NULL, 10);
    char mantissa[64];
    size_t count = 0;
    bool negative = digits[0] == '-';
    for (char *c = digits; c < mark; c++) {
        if (*c >= '0' && *c <= '9') {
            mantissa[count++] = *c;
        }
    }
    StrBuf text = {.arena = arena};
    if (negative) {
        strbuf_add_char(&text, '-');
    }
    if (value == 0) {
        strbuf_add_c(&text, "0.0");
    } else if (exponent >= -3 && exponent < 7) {
        int point = exponent + 1;
        if (point <= 0) {
            strbuf_add_c(&text, "0.");
            for (int i = point; i < 0; i++) {
                strbuf_add_char(&text, '0');
            }
            strbuf_add(&text, (Str){mantissa, count});
        } else {
            for (int i = 0; i < point; i++) {
                strbuf_add_char(&text, (size_t)i < count ? mantissa[i] : '0');
            }
            strbuf_add_char(&text, '.');
            if ((size_t)point < count) {
                strbuf_add(&text, (Str){mantissa + point, count - (size_t)point});
            } else {
                strbuf_add_char(&text, '0');
            }
        }
    } else {
        strbuf_add_char(&text, mantissa[0]);
        strbuf_add_char(&text, '.');
        strbuf_add(&text, count > 1 ? (Str){mantissa + 1, count - 1} : STR("0"));
        strbuf_fmt(&text, "E%d", exponent);
    }
    return strbuf_str(&text);
}

static Str decimal_text(Arena *arena, __int128 unscaled, int scale) {
    char digits[48];
    size_t count = 0;
    bool negative = unscaled < 0;
    unsigned __int128 rest = negative ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;
    do {
        digits[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    while (count <= (size_t)scale) {
        digits[count++] = '0';
    }
    StrBuf text = {.arena = arena};
    if (negative) {
        strbuf_add_char(&text, '-');
    }
    for (size_t i = count; i > 0; i--) {
        if (i == (size_t)scale) {
            strbuf_add_char(&text, '.');
        }
        strbuf_add_char(&text, digits[i - 1]);
    }
    return strbuf_str(&text);
}

static void civil_from_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *ret_year = yoe + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

static Str date_text(Arena *arena, int64_t days) {
    int64_t year = 0;
    int month = 0;
    int day = 0;
    civil_from_days(days, &year, &month, &day);
    return str_fmt(arena, "%04lld-%02d-%02d", (long long)year, month, day);
}

static Str timestamp_text(Arena *arena, int64_t micros) {
    int64_t days = micros / 86400000000LL;
    int64_t rest = micros % 86400000000LL;
    if (rest < 0) {
        rest += 86400000000LL;
        days--;
    }
    Str date = date_text(arena, days);
    int64_t seconds = rest / 1000000;
    StrBuf text = {.arena = arena};
    strbuf_fmt(&text, "%.*s %02d:%02d:%02d", STR_ARG(date), (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
    int64_t fraction = rest % 1000000;
    if (fraction > 0) {
        strbuf_fmt(&text, ".%06d", (int)fraction);
        while (text.len > 0 && text.data[text.len - 1] == '0') {
            text.len--;
        }
    }
    return str_copy(arena, strbuf_str(&text));
}

/* INTERVAL '1 02:03:04' DAY TO SECOND and the like. */
static Str interval_text(Arena *arena, const PlValue *value) {
    static const char *const DAY_TIME[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    static const char *const YEAR_MONTH[] = {"YEAR", "MONTH"};
    const PlType *t = value->type;
    bool day_time = t->kind == PL_TYPE_DAY_TIME_INTERVAL;
    const char *const *units = day_time ? DAY_TIME : YEAR_MONTH;
    bool negative = value->i < 0;
    uint64_t rest = negative ? 0 - (uint64_t)value->i : (uint64_t)value->i;
    StrBuf text = {.arena = arena};
    strbuf_add_c(&text, negative ? "INTERVAL '-" : "INTERVAL '");
    if (!day_time) {
        if (t->start == t->end) {
            strbuf_fmt(&text, "%llu", (unsigned long long)(t->start == 0 ? rest / 12 : rest));
        } else {
            strbuf_fmt(&text, "%llu-%llu", (unsigned long long)(rest / 12), (unsigned long long)(rest % 12));
        }
    } else {
        static const uint64_t SIZE[] = {86400000000ULL, 3600000000ULL, 60000000ULL, 1000000ULL};
        static const char BEFORE[] = {' ', ' ', ':', ':'};
        for (int unit = t->start; unit <= t->end && unit < 4; unit++) {
            uint64_t amount = rest / SIZE[unit];
            rest %= SIZE[unit];
            if (unit > t->start) {
                strbuf_add_char(&text, BEFORE[unit]);
                strbuf_fmt(&text, "%02llu", (unsigned long long)amount);
            } else {
                strbuf_fmt(&text, unit == 0 || t->start == t->end ? "%llu" : "%02llu", (unsigned long long)amount);
            }
            if (unit == 3 && rest > 0) {
                strbuf_fmt(&text, ".%06llu", (unsigned long long)rest);
                while (text.data[text.len - 1] == '0') {
                    text.len--;
                }
            }
        }
    }
    strbuf_fmt(&text, "' %s", units[t->start]);
    if (t->start != t->end) {
        strbuf_fmt(&text, " TO %s", units[t->end]);
    }
    return str_copy(arena, strbuf_str(&text));
}

static Str calendar_interval_text(Arena *arena, const PlValue *value) {
    StrBuf text = {.arena = arena};
    strbuf_add_c(&text, "INTERVAL '");
    size_t start = text.len;
    int64_t parts[] = {value->months / 12, value->months % 12, value->days, value->i / 3600000000LL, value->i / 60000000 % 60};
    static const char *const NAMES[] = {"years", "months", "days", "hours", "minutes"};
    for (size_t k = 0; k < 5; k++) {
        if (parts[k] != 0) {
            strbuf_fmt(&text, "%s%lld %s", text.len > start ? " " : "", (long long)parts[k], NAMES[k]);
        }
    }
    int64_t rest = value->i % 60000000;
    if (rest != 0 || text.len == start) {
        Str seconds = decimal_text(arena, rest, 6);
        while (seconds.len > 0 && seconds.data[seconds.len - 1] == '0') {
            seconds.len--;
        }
        if (seconds.len > 0 && seconds.data[seconds.len - 1] == '.') {
            seconds.len--;
        }
        strbuf_fmt(&text, "%s%.*s seconds", text.len > start ? " " : "", STR_ARG(seconds));
    }
    strbuf_add_char(&text, '\'');
    return strbuf_str(&text);
}

static Str nested_text(Arena *arena, const PlValue *value) {
    StrBuf text = {.arena = arena};
    PlTypeKind kind = value->type->kind;
    strbuf_add_c(&text, kind == PL_TYPE_ARRAY ? "ARRAY(" : kind == PL_TYPE_MAP ? "MAP(" : "NAMED_STRUCT(");
    for (size_t i = 0; i < value->nitems; i++) {
        if (kind == PL_TYPE_STRUCT) {
            strbuf_fmt(&text, "%s'%.*s'", i > 0 ? ", " : "", STR_ARG(value->type->fields[i].name));
        }
        Str item = az_value_text(arena, &value->items[i], true);
        strbuf_fmt(&text, "%s%.*s", i > 0 || kind == PL_TYPE_STRUCT ? ", " : "", STR_ARG(item));
    }
    strbuf_add_char(&text, ')');
    return strbuf_str(&text);
}

Str az_value_text(Arena *arena, const PlValue *value, bool sql) {
    PlTypeKind kind = value->type->kind;
    if (value->is_null) {
        return STR("NULL");
    }
    if (kind == PL_TYPE_BOOLEAN) {
        return value->i != 0 ? STR("true") : STR("false");
    }
    if (pl_type_is_integral(value->type)) {
        const char *suffix = !sql ? "" : kind == PL_TYPE_LONG ? "L" : kind == PL_TYPE_SHORT ? "S" : kind == PL_TYPE_BYTE ? "Y" : "";
        return str_fmt(arena, "%lld%s", (long long)value->i, suffix);
    }
    if (kind == PL_TYPE_FLOAT || kind == PL_TYPE_DOUBLE) {
        Str text = java_double(arena, value->f, kind == PL_TYPE_FLOAT);
        return sql && kind == PL_TYPE_DOUBLE ? str_fmt(arena, "%.*sD", STR_ARG(text)) : text;
    }
    if (kind == PL_TYPE_DECIMAL) {
        Str text = decimal_text(arena, value->dec, value->type->scale);
        return sql ? str_fmt(arena, "%.*sBD", STR_ARG(text)) : text;
    }
    if (kind == PL_TYPE_DATE) {
        Str text = date_text(arena, value->i);
        return str_fmt(arena, "DATE '%.*s'", STR_ARG(text));
    }
    if (kind == PL_TYPE_TIMESTAMP || kind == PL_TYPE_TIMESTAMP_NTZ) {
        Str text = timestamp_text(arena, value->i);
        return str_fmt(arena, "%s '%.*s'", kind == PL_TYPE_TIMESTAMP ? "TIMESTAMP" : "TIMESTAMP_NTZ", STR_ARG(text));
    }
    if (kind == PL_TYPE_BINARY) {
        StrBuf text = {.arena = arena};
        strbuf_add_c(&text, "X'");
        for (size_t i = 0; i < value->s.len; i++) {
            strbuf_fmt(&text, "%02X", (unsigned)(unsigned char)value->s.data[i]);
        }
        strbuf_add_char(&text, '\'');
        return strbuf_str(&text);
    }
    if (kind == PL_TYPE_DAY_TIME_INTERVAL || kind == PL_TYPE_YEAR_MONTH_INTERVAL) {
        return interval_text(arena, value);
    }
    if (kind == PL_TYPE_CALENDAR_INTERVAL) {
        return calendar_interval_text(arena, value);
    }
    if (kind == PL_TYPE_ARRAY || kind == PL_TYPE_MAP || kind == PL_TYPE_STRUCT) {
        return nested_text(arena, value);
    }
    return sql ? str_fmt(arena, "'%.*s'", STR_ARG(value->s)) : value->s;
}

static void add_args(AzCtx *ctx, StrBuf *text, const TxExpr *const *args, size_t from, size_t nargs) {
    for (size_t i = from; i < nargs; i++) {
        Str arg = az_pretty(ctx, args[i]);
        strbuf_fmt(text, "%s%.*s", i > from ? ", " : "", STR_ARG(arg));
    }
}

/* {0} an argument, {*} all, {1*} from the second on, {1=x} the second, or x where there is none. */
static void add_template(AzCtx *ctx, StrBuf *text, const char *pattern, const TxExpr *const *args, size_t nargs) {
    for (const char *c = pattern; *c != '\0'; c++) {
        const char *close = *c == '{' ? strchr(c, '}') : NULL;
        if (close == NULL) {
            strbuf_add_char(text, *c);
            continue;
        }
        char *after = NULL;
        size_t number = (size_t)strtoul(c + 1, &after, 10);
        if (*after == '*') {
            add_args(ctx, text, args, number, nargs);
        } else if (number < nargs) {
            strbuf_add(text, az_pretty(ctx, args[number]));
        } else if (*after == '=') {
            strbuf_add(text, (Str){after + 1, (size_t)(close - after - 1)});
        }
        c = close;
    }
}

static Str pretty_struct(AzCtx *ctx, const TxExpr *expr) {
    StrBuf text = {.arena = ctx->arena};
    strbuf_add_c(&text, "struct(");
    for (size_t i = 0; i < expr->call.nargs; i++) {
        Str arg = az_pretty(ctx, expr->call.args[i]);
        strbuf_fmt(&text, "%s%.*s", i > 0 ? ", " : "", STR_ARG(arg));
        Str name = expr->type->fields[i].name;
        const TxExpr *child = expr->call.args[i];
        bool own = child->tag == TX_COLUMN ? str_eq(child->column.name, name)
                   : child->tag == TX_FIELD ? str_eq(child->field.name, name)
                                            : false;
        Str numbered = str_fmt(ctx->arena, "col%zu", i + 1);
        if (!own && !str_eq(name, numbered)) {
            strbuf_fmt(&text, " AS %.*s", STR_ARG(name));
        }
    }
    strbuf_add_char(&text, ')');
    return strbuf_str(&text);
}

static Str pretty_call(AzCtx *ctx, const PlFunction *fn, const TxExpr *const *args, size_t nargs, bool distinct) {
    StrBuf text = {.arena = ctx->arena};
    if (fn->pretty[0] != '\0' && !distinct) {
        /* first;;second: the second with two arguments or more */
        const char *second = strstr(fn->pretty, ";;");
        const char *pattern = fn->pretty;
        if (second != NULL) {
            pattern = nargs > 1 ? second + 2 : str_to_c(ctx->arena, (Str){fn->pretty, (size_t)(second - fn->pretty)});
        }
        add_template(ctx, &text, pattern, args, nargs);
        return strbuf_str(&text);
    }
    strbuf_fmt(&text, "%s(%s", fn->name, distinct ? "DISTINCT " : "");
    add_args(ctx, &text, args, 0, nargs);
    strbuf_add_char(&text, ')');
    return strbuf_str(&text);
}

static Str pretty_case(AzCtx *ctx, const TxExpr *expr) {
    StrBuf text = {.arena = ctx->arena};
    strbuf_add_c(&text, "CASE");
    for (size_t i = 0; i < expr->cases.nwhen; i++) {
        Str condition = az_pretty(ctx, expr->cases.when[2 * i]);
        Str value = az_pretty(ctx, expr->cases.when[2 * i + 1]);
        strbuf_fmt(&text, " WHEN %.*s THEN %.*s", STR_ARG(condition), STR_ARG(value));
    }
    if (expr->cases.otherwise != NULL) {
        Str value = az_pretty(ctx, expr->cases.otherwise);
        strbuf_fmt(&text, " ELSE %.*s", STR_ARG(value));
    }
    strbuf_add_c(&text, " END");
    return strbuf_str(&text);
}

static void add_bound(AzCtx *ctx, StrBuf *text, TyFrameBound bound, const TxExpr *offset) {
    switch (bound) {
    case TY_BOUND_UNBOUNDED_PRECEDING:
        strbuf_add_c(text, "UNBOUNDED PRECEDING");
        break;
    case TY_BOUND_CURRENT_ROW:
        strbuf_add_c(text, "CURRENT ROW");
        break;
    case TY_BOUND_UNBOUNDED_FOLLOWING:
        strbuf_add_c(text, "UNBOUNDED FOLLOWING");
        break;
    case TY_BOUND_PRECEDING:
    case TY_BOUND_FOLLOWING: {
        Str shown = az_pretty(ctx, offset);
        strbuf_fmt(text, "%.*s %s", STR_ARG(shown), bound == TY_BOUND_PRECEDING ? "PRECEDING" : "FOLLOWING");
        break;
    }
    }
}

static Str pretty_window(AzCtx *ctx, const TxExpr *expr) {
    StrBuf text = {.arena = ctx->arena};
    Str function = az_pretty(ctx, expr->window.function);
    strbuf_fmt(&text, "%.*s OVER (", STR_ARG(function));
    if (expr->window.npartition > 0) {
        strbuf_add_c(&text, "PARTITION BY ");
        add_args(ctx, &text, expr->window.partition, 0, expr->window.npartition);
    }
    if (expr->window.norder > 0) {
        strbuf_add_c(&text, expr->window.npartition > 0 ? " ORDER BY " : "ORDER BY ");
    }
    for (size_t i = 0; i < expr->window.norder; i++) {
        const TySort *key = &expr->window.order[i];
        Str shown = az_pretty(ctx, key->expr);
        strbuf_fmt(&text, "%s%.*s %s NULLS %s", i > 0 ? ", " : "", STR_ARG(shown), key->descending ? "DESC" : "ASC",
                   key->nulls_first ? "FIRST" : "LAST");
    }
    if (expr->window.npartition > 0 || expr->window.norder > 0) {
        strbuf_add_char(&text, ' ');
    }
    strbuf_add_c(&text, expr->window.frame == PL_FRAME_ROWS ? "ROWS BETWEEN " : "RANGE BETWEEN ");
    add_bound(ctx, &text, expr->window.lower, expr->window.lower_offset);
    strbuf_add_c(&text, " AND ");
    add_bound(ctx, &text, expr->window.upper, expr->window.upper_offset);
    strbuf_add_char(&text, ')');
    return strbuf_str(&text);
}

static Str pretty_lambda(AzCtx *ctx, const TxExpr *expr) {
    StrBuf text = {.arena = ctx->arena};
    strbuf_add_c(&text, "lambdafunction(");
    strbuf_add(&text, az_pretty(ctx, expr->lambda.body));
    for (size_t i = 0; i < expr->lambda.nparams; i++) {
        strbuf_fmt(&text, ", namedlambdavariable()");
    }
    strbuf_add_char(&text, ')');
    return strbuf_str(&text);
}

static Str pretty_subquery(AzCtx *ctx, const TxExpr *expr) {
    StrBuf text = {.arena = ctx->arena};
    if (expr->subquery.kind == PL_SUBQUERY_SCALAR) {
        return STR("scalarsubquery()");
    }
    if (expr->subquery.kind == PL_SUBQUERY_EXISTS) {
        strbuf_add_c(&text, "exists()");
    } else {
        strbuf_add_char(&text, '(');
        if (expr->subquery.nvalues > 1) {
            strbuf_add_char(&text, '(');
        }
        add_args(ctx, &text, expr->subquery.values, 0, expr->subquery.nvalues);
        strbuf_add_c(&text, expr->subquery.nvalues > 1 ? ") IN (listquery()))" : " IN (listquery()))");
    }
    Str shown = strbuf_str(&text);
    return expr->subquery.is_negated ? str_fmt(ctx->arena, "(NOT %.*s)", STR_ARG(shown)) : shown;
}

Str az_pretty(AzCtx *ctx, const TxExpr *expr) {
    StrBuf text = {.arena = ctx->arena};
    switch (expr->tag) {
    case TX_LITERAL:
        return az_value_text(ctx->arena, expr->literal, false);
    case TX_COLUMN:
        return expr->column.is_lambda ? STR("namedlambdavariable()")
               : expr->column.is_outer ? str_fmt(ctx->arena, "outer(%.*s)", STR_ARG(expr->column.name))
                                       : expr->column.name;
    case TX_CALL:
        if (expr->type->kind == PL_TYPE_MAP && strcmp(expr->call.fn->name, "from_json") == 0) {
            return STR("entries");
        }
        if (strcmp(expr->call.fn->name, "struct") == 0) {
            return pretty_struct(ctx, expr);
        }
        return pretty_call(ctx, expr->call.fn, expr->call.args, expr->call.nargs, false);
    case TX_CAST: {
        const TxExpr *constant = expr->cast.child;
        if (expr->cast.is_implicit && constant->tag == TX_LITERAL && constant->type->kind == PL_TYPE_TIMESTAMP_NTZ &&
            constant->literal->s.len > 0) { /* how TIMESTAMP'…' of SQL is typed; see az_expression's literals */
            PlValue shown = *constant->literal;
            shown.type = &PL_TIMESTAMP;
            return az_value_text(ctx->arena, &shown, false);
        }
        Str child = az_pretty(ctx, constant);
        if (expr->cast.is_implicit) {
            return child;
        }
        Str type = pl_type_sql(ctx->arena, expr->type);
        return str_fmt(ctx->arena, "%s(%.*s AS %.*s)", expr->cast.mode == PL_CAST_TRY ? "TRY_CAST" : "CAST", STR_ARG(child), STR_ARG(type));
    }
    case TX_CASE:
        return pretty_case(ctx, expr);
    case TX_FIELD: {
        Str child = az_pretty(ctx, expr->field.child);
        return str_fmt(ctx->arena, "%.*s.%.*s", STR_ARG(child), STR_ARG(expr->field.name));
    }
    case TX_LAMBDA:
        return pretty_lambda(ctx, expr);
    case TX_AGGREGATE:
        strbuf_add(&text, pretty_call(ctx, expr->aggregate.fn, expr->aggregate.args, expr->aggregate.nargs, expr->aggregate.is_distinct));
        if (expr->aggregate.filter != NULL) {
            Str filter = az_pretty(ctx, expr->aggregate.filter);
            strbuf_fmt(&text, " FILTER (WHERE %.*s)", STR_ARG(filter));
        }
        return strbuf_str(&text);
    case TX_WINDOW:
        return pretty_window(ctx, expr);
    case TX_PYTHON_UDF:
        strbuf_fmt(&text, "%.*s(", STR_ARG(expr->python.function->name));
        add_args(ctx, &text, expr->python.args, 0, expr->python.nargs);
        strbuf_add_char(&text, ')');
        return strbuf_str(&text);
    case TX_SUBQUERY:
        return pretty_subquery(ctx, expr);
    }
    return STR("");
}

Str az_output_name(AzCtx *ctx, const PxExpr *source, const TxExpr *expr) {
    if (source->tag == PX_ALIAS && source->alias.nnames > 0) {
        return source->alias.names[0];
    }
    bool is_function = expr->tag == TX_CALL && expr->call.nargs == 0 && expr->call.fn->kind == PL_FN_SCALAR;
    bool hive_name = source->tag == PX_ATTRIBUTE && str_eq_nocase(source->attribute.parts[0], STR("grouping__id"));
    if (source->tag == PX_ATTRIBUTE && source->attribute.nparts > 0 && (!is_function || hive_name)) {
        return source->attribute.parts[source->attribute.nparts - 1];
    }
    if (source->tag == PX_CAST && expr->tag == TX_CAST) {
        const PxExpr *child = source->cast.child;
        bool column = child->tag == PX_ATTRIBUTE && expr->cast.child->tag == TX_COLUMN;
        if (column || child->tag == PX_ALIAS) {
            return az_output_name(ctx, child, expr->cast.child);
        }
    }
    return az_pretty(ctx, expr);
}
