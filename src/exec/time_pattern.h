/* exec/time_pattern.h - Spark's datetime patterns ("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]"), compiled once, for text to time and back.
 *
 * Used by the CSV and JSON readers and writers. Invariant: a letter that is not understood is an error when the pattern is compiled, never skipped.
 */
#ifndef SOLDER_EXEC_TIME_PATTERN_H
#define SOLDER_EXEC_TIME_PATTERN_H

#include "exec/zone.h"

typedef struct ExPattern ExPattern;

/* NULL and err set for a pattern that is wrong or not supported. */
const ExPattern *ex_pattern_new(Arena *arena, Str pattern, Err *err);
/* The date and time in text, all of it; a zone in the text wins over zone (NULL: without zone). */
bool ex_pattern_parse_date(const ExPattern *pattern, Str text, int32_t *ret_days);
bool ex_pattern_parse(const ExPattern *pattern, const ExZone *zone, Str text, int64_t *ret_us);
/* Text of an instant in a zone (NULL: the wall-clock time itself), up to size bytes; returns its length. */
size_t ex_pattern_format(const ExPattern *pattern, const ExZone *zone, int64_t us, char *out, size_t size);

#endif
