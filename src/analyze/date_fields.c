/* date_fields.c - extract(field FROM source), date_part: the field's name chooses the function that computes it.
 *
 * A rule of the registry's coerce column. Invariant: after it the call's last argument is that function's call, whose value and type are the call's.
 */
#include "analyze/az.h"

#include <string.h>

typedef struct Field {
    const char *names;    /* between blanks */
    const char *function; /* of dates and timestamps; NULL: none */
    const char *interval; /* of intervals */
} Field;

static const Field FIELDS[] = {
    {" YEAR Y YEARS YR YRS ", "year", "extractansiintervalyears"},
    {" YEAROFWEEK ", "yearofweek", NULL},
    {" QUARTER QTR ", "quarter", NULL},
    {" MONTH MON MONS MONTHS ", "month", "extractansiintervalmonths"},
    {" WEEK W WEEKS ", "weekofyear", NULL},
    {" DAY D DAYS ", "dayofmonth", "extractansiintervaldays"},
    {" DAYOFWEEK DOW ", "dayofweek", NULL},
    {" DAYOFWEEK_ISO DOW_ISO ", "dayofweekiso", NULL},
    {" DOY ", "dayofyear", NULL},
    {" HOUR H HOURS HR HRS ", "hour", "extractansiintervalhours"},
    {" MINUTE M MIN MINS MINUTES ", "minute", "extractansiintervalminutes"},
    {" SECOND S SEC SECONDS SECS ", "secondwithfraction", "extractansiintervalseconds"},
};

static bool fail_field(AzCtx *ctx, const AzCall *call, Str field) {
    Str source = az_quote_type(ctx, call->args[1]->type);
    return az_fail(ctx, call->origin, "INVALID_EXTRACT_FIELD", "Cannot extract '%.*s' from %.*s.", STR_ARG(field), STR_ARG(source));
}

bool az_rule_extract(AzCtx *ctx, AzCall *call) {
    const TxExpr *field = call->args[0];
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, 3);
    args[0] = call->args[0];
    args[1] = call->args[1];
    if (field->tag == TX_LITERAL && field->literal->is_null) {
        args[2] = az_null(ctx, &PL_DOUBLE);
        call->args = args;
        call->nargs = 3;
        return true;
    }
    if (field->tag != TX_LITERAL || field->type->kind != PL_TYPE_STRING) {
        return az_fail(ctx, call->origin, "_LEGACY_ERROR_TEMP_1100", "The 'field' parameter of function '%s' needs to be a string literal.", call->fn->name);
    }
    PlTypeKind kind = call->args[1]->type->kind;
    bool is_interval = kind == PL_TYPE_DAY_TIME_INTERVAL || kind == PL_TYPE_YEAR_MONTH_INTERVAL || kind == PL_TYPE_CALENDAR_INTERVAL;
    Str wanted = str_fmt(ctx->arena, " %.*s ", STR_ARG(str_upper(ctx->arena, field->literal->s)));
    const char *function = NULL;
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        if (strstr(FIELDS[i].names, wanted.data) != NULL && memchr(field->literal->s.data, ' ', field->literal->s.len) == NULL) {
            function = is_interval ? FIELDS[i].interval : FIELDS[i].function;
        }
    }
    bool is_months = function != NULL && (strstr(function, "years") != NULL || strstr(function, "months") != NULL);
    if (is_interval && ((kind == PL_TYPE_YEAR_MONTH_INTERVAL) != is_months || kind == PL_TYPE_CALENDAR_INTERVAL)) {
        function = NULL;
    }
    if (function == NULL) {
        return fail_field(ctx, call, field->literal->s);
    }
    const TxExpr *value = az_apply(ctx, function, &call->args[1], 1);
    if (value == NULL) {
        return false;
    }
    args[2] = value;
    call->args = args;
    call->nargs = 3;
    return true;
}
