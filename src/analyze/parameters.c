/* parameters.c - the args column of the registry: how many arguments a function takes, of which types, and the casts that make them so.
 *
 * Called by calls.c and the rules. Source of meaning: Spark's ExpectsInputTypes / ImplicitCastInputTypes and TypeCoercion.implicitCast.
 * Invariant: a parameter list is read from the registry's text each time; it is short.
 */
#include "analyze/az.h"

#include <string.h>

enum { MAX_PARAMS = 24 };

typedef struct Params {
    Str items[MAX_PARAMS];    /* alternatives, without the suffix */
    Str defaults[MAX_PARAMS]; /* what stands for a missing one; no data: nothing does */
    size_t count;
    size_t required;
    bool is_open; /* the last one repeats */
} Params;

static Params read_params(const char *text) {
    Params params = {0};
    bool optional = false;
    for (const char *c = text; *c != '\0' && params.count < MAX_PARAMS;) {
        while (*c == ' ') {
            c++;
        }
        const char *start = c;
        while (*c != '\0' && *c != ' ') {
            c++;
        }
        size_t len = (size_t)(c - start);
        if (len == 0) {
            break;
        }
        const char *equals = memchr(start, '=', len);
        if (equals != NULL) {
            params.defaults[params.count] = (Str){equals + 1, len - (size_t)(equals + 1 - start)};
            len = (size_t)(equals - start);
        }
        char last = start[len - 1];
        if (last == '?' || last == '*' || last == '+') {
            len--;
            optional = optional || last != '+';
            params.is_open = last != '?';
        }
        params.items[params.count++] = (Str){start, len};
        if (!optional) {
            params.required = params.count;
        }
    }
    return params;
}

bool az_check_arity(AzCtx *ctx, const AzCall *call) {
    Params params = read_params(call->fn->args);
    if (call->nargs >= params.required && (params.is_open || call->nargs <= params.count)) {
        return true;
    }
    StrBuf counts = {.arena = ctx->arena};
    if (params.is_open) {
        strbuf_fmt(&counts, "> %zu", params.required - 1);
    } else if (params.required == params.count) {
        strbuf_fmt(&counts, "%zu", params.count);
    } else {
        for (size_t n = params.required; n <= params.count; n++) {
            strbuf_fmt(&counts, "%s%zu", n == params.required ? "[" : ", ", n);
        }
        strbuf_add_char(&counts, ']');
    }
    Str expected = strbuf_str(&counts);
    return az_fail(ctx, call->origin, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                   "The `%.*s` requires %.*s parameters but the actual number is %zu. Please, refer to "
                   "'https://spark.apache.org/docs/latest/sql-ref-functions.html' for a fix.",
                   STR_ARG(call->written), STR_ARG(expected), call->nargs);
}

bool az_param_is(const PlFunction *fn, size_t index, const char *type) {
    Params params = read_params(fn->args);
    return index < params.count && str_eq_c(params.items[index], type);
}

void az_add_defaults(AzCtx *ctx, AzCall *call) {
    Params params = read_params(call->fn->args);
    if (call->nargs >= params.count || params.defaults[call->nargs].data == NULL) {
        return;
    }
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, params.count);
    memcpy(args, call->args, call->nargs * sizeof *args);
    while (call->nargs < params.count && params.defaults[call->nargs].data != NULL) {
        Str text = params.defaults[call->nargs];
        int64_t number = 0;
        args[call->nargs] = str_to_i64(text, &number)  ? az_int(ctx, number)
                            : str_eq_c(text, "true")  ? az_bool(ctx, true)
                            : str_eq_c(text, "false") ? az_bool(ctx, false)
                            : str_eq_c(text, "null")  ? az_null(ctx, &PL_NULL)
                                                      : az_string(ctx, text);
        call->nargs++;
    }
    call->args = args;
}

#define X(tag, json, simple) {simple, &PL_##tag},
static const struct {
    const char *name;
    const PlType *type;
} NAMED_TYPES[] = {PL_SCALAR_TYPES(X){"interval day to second", &PL_DAY_TIME}, {"interval year to month", &PL_YEAR_MONTH}};
#undef X

const PlType *az_parse_type_name(AzCtx *ctx, Str text) {
    for (size_t i = 0; i < sizeof NAMED_TYPES / sizeof NAMED_TYPES[0]; i++) {
        if (str_eq_c(text, NAMED_TYPES[i].name)) {
            return NAMED_TYPES[i].type;
        }
    }
    static const PlType DAYS = {.kind = PL_TYPE_DAY_TIME_INTERVAL}; /* interval day */
    if (str_eq_c(text, "interval day")) {
        return &DAYS;
    }
    if (str_eq_c(text, "daytime")) {
        return &PL_DAY_TIME;
    }
    if (str_eq_c(text, "yearmonth")) {
        return &PL_YEAR_MONTH;
    }
    if (str_starts_with(text, STR("decimal(")) && str_ends_with(text, STR(")"))) {
        Str inside = str_slice(text, 8, text.len - 1);
        const char *comma = memchr(inside.data, ',', inside.len);
        int64_t precision = 0;
        int64_t scale = 0;
        size_t at = comma == NULL ? inside.len : (size_t)(comma - inside.data);
        if (!str_to_i64(str_trim(str_slice(inside, 0, at)), &precision) ||
            (comma != NULL && !str_to_i64(str_trim(str_slice(inside, at + 1, inside.len)), &scale))) {
            return NULL;
        }
        return pl_decimal(ctx->arena, (int)precision, (int)scale);
    }
    if (str_starts_with(text, STR("array<")) && str_ends_with(text, STR(">"))) {
        const PlType *element = az_parse_type_name(ctx, str_slice(text, 6, text.len - 1));
        return element == NULL ? NULL : pl_array(ctx->arena, element, true);
    }
    if (str_starts_with(text, STR("map<")) && str_ends_with(text, STR(">"))) {
        Str inside = str_slice(text, 4, text.len - 1);
        const char *comma = memchr(inside.data, ',', inside.len);
        if (comma == NULL) {
            return NULL;
        }
        size_t at = (size_t)(comma - inside.data);
        const PlType *key = az_parse_type_name(ctx, str_slice(inside, 0, at));
        const PlType *value = az_parse_type_name(ctx, str_slice(inside, at + 1, inside.len));
        return key == NULL || value == NULL ? NULL : pl_map(ctx->arena, key, value, true);
    }
    return NULL;
}

static bool is_interval(const PlType *t) {
    return t->kind == PL_TYPE_CALENDAR_INTERVAL || t->kind == PL_TYPE_DAY_TIME_INTERVAL || t->kind == PL_TYPE_YEAR_MONTH_INTERVAL;
}

/* Classes of types that a parameter may name, with what a NULL argument becomes and how Spark writes them. */
typedef struct TypeClass {
    const char *name;
    bool (*accepts)(const PlType *type);
    const PlType *fallback; /* defaultConcreteType */
    const char *shown;
} TypeClass;

static bool accepts_all(const PlType *t) {
    (void)t;
    return true;
}
static bool is_array(const PlType *t) {
    return t->kind == PL_TYPE_ARRAY;
}
static bool is_map(const PlType *t) {
    return t->kind == PL_TYPE_MAP;
}
static bool is_struct(const PlType *t) {
    return t->kind == PL_TYPE_STRUCT;
}
static bool is_decimal(const PlType *t) {
    return t->kind == PL_TYPE_DECIMAL;
}
static bool is_numeric_or_interval(const PlType *t) {
    return pl_type_is_numeric(t) || is_interval(t);
}
static bool is_any_timestamp(const PlType *t) {
    return t->kind == PL_TYPE_TIMESTAMP || t->kind == PL_TYPE_TIMESTAMP_NTZ;
}
static bool is_day_time(const PlType *t) {
    return t->kind == PL_TYPE_DAY_TIME_INTERVAL;
}
static bool is_year_month(const PlType *t) {
    return t->kind == PL_TYPE_YEAR_MONTH_INTERVAL;
}
static const PlType NULL_ARRAY = {.kind = PL_TYPE_ARRAY, .element = &PL_NULL, .element_nullable = true};
static const PlType NULL_MAP = {.kind = PL_TYPE_MAP, .key = &PL_NULL, .element = &PL_NULL, .element_nullable = true};
static const PlType EMPTY_STRUCT = {.kind = PL_TYPE_STRUCT};

static const TypeClass CLASSES[] = {
    {"any", accepts_all, &PL_NULL, "\"ANY\""},
    {"orderable", accepts_all, &PL_NULL, "\"ANY\""}, /* checked by its own message */
    {"lambda", accepts_all, &PL_NULL, "\"ANY\""},
    {"atomic", pl_type_is_atomic, &PL_STRING, "\"ATOMIC\""},
    {"numeric", pl_type_is_numeric, &PL_DOUBLE, "\"NUMERIC\""},
    {"integral", pl_type_is_integral, &PL_INT, "\"INTEGRAL\""},
    {"decimal", is_decimal, &PL_DECIMAL_USER, "\"DECIMAL\""},
    {"interval", is_interval, &PL_CALENDAR_INTERVAL, "\"INTERVAL\""},
    {"numeric_or_interval", is_numeric_or_interval, &PL_DOUBLE,
     "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")"},
    {"anytimestamp", is_any_timestamp, &PL_TIMESTAMP, "(\"TIMESTAMP\" or \"TIMESTAMP WITHOUT TIME ZONE\")"},
    {"daytime", is_day_time, &PL_DAY_TIME, "\"INTERVAL DAY TO SECOND\""},
    {"yearmonth", is_year_month, &PL_YEAR_MONTH, "\"INTERVAL YEAR TO MONTH\""},
    {"array", is_array, &NULL_ARRAY, "\"ARRAY\""},
    {"map", is_map, &NULL_MAP, "\"MAP\""},
    {"struct", is_struct, &EMPTY_STRUCT, "\"STRUCT\""},
};

static const TypeClass *find_class(Str name) {
    for (size_t i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++) {
        if (str_eq_c(name, CLASSES[i].name)) {
            return &CLASSES[i];
        }
    }
    return NULL;
}

static bool accepts(AzCtx *ctx, Str name, const PlType *type) {
    const TypeClass *class = find_class(name);
    if (class != NULL) {
        return class->accepts(type);
    }
    const PlType *wanted = az_parse_type_name(ctx, name);
    return wanted != NULL && (pl_type_same(wanted, type) || (wanted->kind == type->kind && wanted->kind == PL_TYPE_DAY_TIME_INTERVAL) ||
                              (wanted->kind == type->kind && wanted->kind == PL_TYPE_YEAR_MONTH_INTERVAL));
}

static const PlType *implicit_to_type(AzCtx *ctx, const PlType *from, const PlType *to);

/* TypeCoercion.implicitCast for one expected type; NULL: none. */
static const PlType *implicit_one(AzCtx *ctx, Str name, const PlType *from) {
    const TypeClass *class = find_class(name);
    if (class == NULL) {
        const PlType *wanted = az_parse_type_name(ctx, name);
        return wanted == NULL ? NULL : implicit_to_type(ctx, from, wanted);
    }
    if (class->accepts(from)) {
        return from;
    }
    if (from->kind == PL_TYPE_NULL) {
        return class->fallback;
    }
    if (class->fallback == &PL_DECIMAL_USER) {
        return from->kind == PL_TYPE_STRING ? pl_decimal(ctx->arena, 38, 18) : pl_type_is_numeric(from) ? az_decimal_for(ctx, from) : NULL;
    }
    if (class->accepts == pl_type_is_numeric && from->kind == PL_TYPE_STRING) {
        return &PL_DOUBLE;
    }
    if (class->accepts == is_any_timestamp && (from->kind == PL_TYPE_STRING || from->kind == PL_TYPE_DATE)) {
        return &PL_TIMESTAMP;
    }
    return NULL;
}

static const PlType *implicit_to_type(AzCtx *ctx, const PlType *from, const PlType *to) {
    if (pl_type_same(from, to) || from->kind == PL_TYPE_NULL) {
        return pl_type_same(from, to) ? from : to;
    }
    if (pl_type_is_numeric(from) && pl_type_is_numeric(to)) {
        return to;
    }
    if (from->kind == PL_TYPE_STRING) {
        bool ok = pl_type_is_numeric(to) || to->kind == PL_TYPE_DATE || is_any_timestamp(to) || to->kind == PL_TYPE_BINARY;
        return ok ? to : NULL;
    }
    if (to->kind == PL_TYPE_STRING) {
        return pl_type_is_atomic(from) ? to : NULL;
    }
    bool from_dated = from->kind == PL_TYPE_DATE || is_any_timestamp(from);
    bool to_dated = to->kind == PL_TYPE_DATE || is_any_timestamp(to);
    if (from_dated && to_dated) {
        return to;
    }
    if (from->kind == PL_TYPE_ARRAY && to->kind == PL_TYPE_ARRAY) {
        const PlType *element = implicit_to_type(ctx, from->element, to->element);
        return element == NULL ? NULL : pl_array(ctx->arena, element, from->element_nullable || az_cast_nullable(from->element, element));
    }
    if (from->kind == PL_TYPE_MAP && to->kind == PL_TYPE_MAP) {
        const PlType *key = implicit_to_type(ctx, from->key, to->key);
        const PlType *value = implicit_to_type(ctx, from->element, to->element);
        if (key == NULL || value == NULL || az_cast_nullable(from->key, key)) {
            return NULL;
        }
        return pl_map(ctx->arena, key, value, from->element_nullable || az_cast_nullable(from->element, value));
    }
    return NULL;
}

/* The next alternative of a|b|c; advances *rest. */
static bool next_alternative(Str *rest, Str *ret_name) {
    if (rest->len == 0) {
        return false;
    }
    const char *bar = memchr(rest->data, '|', rest->len);
    size_t len = bar == NULL ? rest->len : (size_t)(bar - rest->data);
    *ret_name = str_slice(*rest, 0, len);
    *rest = bar == NULL ? (Str){0} : str_slice(*rest, len + 1, rest->len);
    return true;
}

const PlType *az_implicit_target(AzCtx *ctx, const PlType *type, Str alternatives, bool implicit) {
    Str name = {0};
    for (Str rest = alternatives; next_alternative(&rest, &name);) {
        if (accepts(ctx, name, type)) {
            return type;
        }
    }
    for (Str rest = alternatives; next_alternative(&rest, &name);) {
        const PlType *target = implicit || type->kind == PL_TYPE_NULL ? implicit_one(ctx, name, type) : NULL;
        if (target != NULL) {
            return target;
        }
    }
    return NULL;
}

static Str shown_alternatives(AzCtx *ctx, Str alternatives) {
    StrBuf text = {.arena = ctx->arena};
    Str name = {0};
    size_t count = 0;
    for (Str rest = alternatives; next_alternative(&rest, &name); count++) {
        const TypeClass *class = find_class(name);
        const PlType *type = class == NULL ? az_parse_type_name(ctx, name) : NULL;
        Str shown = class != NULL ? str_from_c(class->shown) : type != NULL ? az_quote_type(ctx, type) : name;
        strbuf_fmt(&text, "%s%.*s", count > 0 ? " or " : "", STR_ARG(shown));
    }
    Str all = strbuf_str(&text);
    return count > 1 ? str_fmt(ctx->arena, "(%.*s)", STR_ARG(all)) : all;
}

static bool fail_input(AzCtx *ctx, AzCall *call, size_t index, Str alternatives) {
    TxExpr whole = {.tag = TX_CALL, .type = &PL_NULL};
    whole.call.fn = call->fn;
    whole.call.args = call->args;
    whole.call.nargs = call->nargs;
    Str shown = az_quote_expr(ctx, &whole);
    Str wanted = shown_alternatives(ctx, alternatives);
    Str arg = az_quote_expr(ctx, call->args[index]);
    Str type = az_quote_type(ctx, call->args[index]->type);
    return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                   "Cannot resolve %.*s due to data type mismatch: Parameter %zu requires the %.*s type, however %.*s has the type %.*s.",
                   STR_ARG(shown), index + 1, STR_ARG(wanted), STR_ARG(arg), STR_ARG(type));
}

bool az_coerce_args(AzCtx *ctx, AzCall *call, bool implicit) {
    Params params = read_params(call->fn->args);
    if (params.count == 0) {
        return true;
    }
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, call->nargs);
    for (size_t i = 0; i < call->nargs; i++) {
        Str alternatives = params.items[i < params.count ? i : params.count - 1];
        const TxExpr *arg = call->args[i];
        const PlType *target = az_implicit_target(ctx, arg->type, alternatives, implicit);
        if (target == NULL) {
            return fail_input(ctx, call, i, alternatives);
        }
        args[i] = arg->type->kind == PL_TYPE_NULL && str_eq_c(alternatives, "any") ? arg : az_cast_to(ctx, arg, target);
        if (str_eq_c(alternatives, "orderable") && !az_is_orderable(arg->type)) {
            TxExpr whole = {.tag = TX_CALL, .type = &PL_NULL};
            whole.call.fn = call->fn;
            whole.call.args = call->args;
            whole.call.nargs = call->nargs;
            Str shown = az_quote_expr(ctx, &whole);
            Str type = az_quote_type(ctx, arg->type);
            return az_fail(ctx, call->origin, "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
                           "Cannot resolve %.*s due to data type mismatch: The `%s` does not support ordering on type %.*s.",
                           STR_ARG(shown), call->fn->name, STR_ARG(type));
        }
    }
    call->args = args;
    return true;
}
