/* exec/value_parse.h - text to values as Spark's CSV and JSON readers convert it.
 *
 * Invariant: what ex_parse_into refuses is exactly what makes Spark call a record malformed (its datum is then null).
 */
#ifndef SOLDER_EXEC_VALUE_PARSE_H
#define SOLDER_EXEC_VALUE_PARSE_H

#include "exec/time_pattern.h"
#include "plan/type.h"
#include "plan/unresolved.h"

#include <duckdb.h>

typedef struct ExParseOptions {
    Str nan_value, positive_inf, negative_inf;
    Arena *arena;
    const ExZone *zone;                   /* of the session, or the timeZone option */
    const ExPattern *date, *timestamp, *ntz; /* NULL: Spark's defaults, the rules of casts */
    Str date_text, timestamp_text;        /* their patterns' text, Spark's default where none is given */
    bool is_corrected;                    /* spark.sql.legacy.timeParserPolicy is not EXCEPTION */
    bool has_fallback;                    /* enableDateTimeParsingFallback, where a pattern is given */
} ExParseOptions;

bool ex_parse_options(ExParseOptions *ret, const PlOption *options, size_t noptions, Str time_zone, Arena *arena, Err *err);
/* Atomic types but strings and binary. The target is a vector's data of the type's carrier. false: the text is no such value. */
bool ex_parse_into(const ExParseOptions *options, const PlType *type, Str text, void *data, idx_t row);

/* Whether Spark 2 would have taken a text that ex_parse_into refuses: Spark 3 then ends the query (INCONSISTENT_BEHAVIOR_CROSS_VERSION) rather than
 * choose silently. Sets err and returns true in that case. */
bool ex_parse_is_upgrade(const ExParseOptions *options, const PlType *type, Str text, Err *err);

/* Casts' rules. */
bool ex_parse_date(Str text, int32_t *ret_days);
bool ex_parse_timestamp(const ExZone *zone, Str text, bool is_ntz, int64_t *ret_us);
bool ex_parse_double(Str text, double *ret);     /* Java's Double.parseDouble */
bool ex_parse_long(Str text, int64_t *ret);      /* Java's Long.parseLong */
bool ex_parse_decimal(Str text, int precision, int scale, __int128 *ret); /* rounds half up; false: no number or too large */
/* precision and scale of a number as java.math.BigDecimal has it. */
bool ex_decimal_shape(Str text, int *ret_precision, int *ret_scale);
void ex_store_decimal(void *data, idx_t row, int precision, __int128 value);

#endif
