/* exec/value_parse.h - text to values as Spark's CSV and JSON readers convert it.
 *
 * Invariant: what ex_parse_into refuses is exactly what makes Spark call a record malformed (its datum is then null).
 */
#ifndef SOLDER_EXEC_VALUE_PARSE_H
#define SOLDER_EXEC_VALUE_PARSE_H

#include "kernels/date_pattern.h"
#include "plan/type.h"
#include "plan/unresolved.h"

#include <duckdb.h>

typedef struct ExParseOptions {
    Str nan_value, positive_inf, negative_inf;
    Arena *arena;
    const KnZone *zone;                      /* of the session, or the timeZone option */
    const KnPattern *date, *timestamp, *ntz; /* NULL: Spark's defaults, the rules of casts */
    Str date_text, timestamp_text;           /* their patterns' text, Spark's default where none is given */
    bool is_corrected;                       /* spark.sql.legacy.timeParserPolicy is not EXCEPTION */
    bool has_fallback;                       /* enableDateTimeParsingFallback, where a pattern is given */
} ExParseOptions;

bool ex_parse_options(ExParseOptions *ret, const PlOption *options, size_t noptions, Str time_zone, Arena *arena, Err *err);
/* Atomic types but strings and binary. The target is a vector's data of the type's carrier. false: the text is no such value. */
bool ex_parse_into(const ExParseOptions *options, const PlType *type, Str text, void *data, idx_t row);

bool ex_parse_decimal(Str text, int precision, int scale, __int128 *ret); /* rounds half up; false: no number or too large */

/* Whether Spark 2 would have taken a text that ex_parse_into refuses: Spark 3 then ends the query (INCONSISTENT_BEHAVIOR_CROSS_VERSION) rather than
 * choose silently. Sets err and returns true in that case. */
bool ex_parse_is_upgrade(const ExParseOptions *options, const PlType *type, Str text, Err *err);

#endif
