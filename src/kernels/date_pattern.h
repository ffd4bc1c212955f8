/* date_pattern.h - Spark's datetime patterns ("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]"), compiled once, for text to time and back.
 *
 * Shared by the kernels (date_format, to_timestamp …) and by the readers and writers of files (exec/). Invariant: a pattern that Spark refuses is
 * an error when it is compiled, with Spark's class; a compiled one never changes, so threads share it.
 */
#ifndef SOLDER_KERNELS_DATE_PATTERN_H
#define SOLDER_KERNELS_DATE_PATTERN_H

#include "base/err.h"
#include "kernels/calendar.h"

typedef struct KnPattern KnPattern;

/* In the arena; NULL after err. is_parsing: it is for reading, for which Spark refuses more letters. */
const KnPattern *kn_pattern_new(Arena *arena, Str pattern, bool is_parsing, Err *err);

/* The time in all of a text. Without a zone of its own it is in the session's; session NULL: the wall-clock time, and a text with a zone is none. */
bool kn_pattern_parse(const KnPattern *pattern, const KnZone *session, Str text, int64_t *ret_us);
bool kn_pattern_parse_date(const KnPattern *pattern, Str text, int32_t *ret_days);

/* The text of an instant in a zone (NULL: of a wall-clock time, without the letters that show a zone) into kn_pattern_room bytes; the length. */
size_t kn_pattern_room(const KnPattern *pattern);
size_t kn_pattern_format(const KnPattern *pattern, const KnZone *zone, int64_t us, char *ret_text);

#endif
