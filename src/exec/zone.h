/* exec/zone.h - time zones: wall-clock times to instants and back, by Java's rules for gaps and overlaps.
 *
 * Used by the readers and writers of text formats. Invariant: a zone is immutable once found, so threads share it.
 */
#ifndef SOLDER_EXEC_ZONE_H
#define SOLDER_EXEC_ZONE_H

#include "base/err.h"

typedef struct ExZone ExZone;

/* Z, UTC, GMT±h[:mm], ±hh:mm or a region; NULL: there is none of that name. */
const ExZone *ex_zone_find(Arena *arena, Str name);
/* Seconds east of UTC at an instant (microseconds since 1970). */
int32_t ex_zone_offset(const ExZone *zone, int64_t utc_us);
/* The instant of a wall-clock time: in a gap moved forward by its length, in an overlap the earlier one. */
int64_t ex_zone_to_utc(const ExZone *zone, int64_t local_us);
Str ex_zone_name(const ExZone *zone);

/* Days since 1970 of a date of the proleptic Gregorian calendar; false: no such date. */
bool ex_days_of(int64_t year, int month, int day, int32_t *ret_days);
void ex_date_of(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);

#endif
