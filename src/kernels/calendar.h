/* calendar.h - the proleptic Gregorian calendar (java.time), time zones, and the text of dates, times and intervals.
 *
 * Shared by the date and time kernels, and by the readers and writers of files (exec/). Invariant: days count from 1970-01-01, microseconds from its
 * midnight UTC; no C library time function but the clock is used, so that the process's own zone and locale play no part.
 */
#ifndef SOLDER_KERNELS_CALENDAR_H
#define SOLDER_KERNELS_CALENDAR_H

#include "kernels/kn_call.h"

#define KN_US_PER_SECOND INT64_C(1000000)
#define KN_US_PER_DAY INT64_C(86400000000)

typedef struct KnDate {
    int64_t year;
    int month, day; /* from 1 */
} KnDate;

static inline int64_t kn_floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static inline int64_t kn_floor_mod(int64_t a, int64_t b) {
    return a - kn_floor_div(a, b) * b;
}

int64_t kn_days_of(int64_t year, int month, int day); /* of a valid date */
KnDate kn_date_of(int64_t days);
bool kn_is_leap(int64_t year);
int kn_month_length(int64_t year, int month);
bool kn_is_date(int64_t year, int64_t month, int64_t day);
int kn_day_of_week(int64_t days); /* Monday 1 … Sunday 7 */
int kn_day_of_year(int64_t days);
int kn_week_of_year(int64_t days, int64_t *ret_year); /* ISO */
/* months later; the day is cut to the month's length. */
int64_t kn_add_months(int64_t days, int64_t months);

typedef struct KnZone KnZone;

/* The zone of that name as ZoneId.of takes it (region, offset, UTC+1 …), in the arena; NULL: there is none of that name. It never changes, so
 * threads share it. */
const KnZone *kn_zone_new(Arena *arena, Str name);
/* The same, kept by the call's state; NULL after kn_fail. */
const KnZone *kn_zone_of(KnCall *kn, Str name);
Str kn_zone_id(const KnZone *zone); /* ZoneId.getId: +7 is +07:00 */
/* Its name at an instant, PST or Pacific Standard Time, into at least KN_ZONE_NAME_MAX bytes; the length. */
enum { KN_ZONE_NAME_MAX = 200 };
size_t kn_zone_name(const KnZone *zone, int64_t utc_us, bool is_full, char *ret_text);
int64_t kn_zone_offset(const KnZone *zone, int64_t utc_seconds); /* seconds east */
int64_t kn_to_local(const KnZone *zone, int64_t utc_us);
int64_t kn_to_utc(const KnZone *zone, int64_t local_us); /* gaps and overlaps as ZonedDateTime.ofLocal */
/* The same in a zone that a text names, for once; false: no such zone. */
bool kn_to_utc_in(Str zone_name, int64_t local_us, int64_t *ret_utc_us);

/* Spark's string casts. false: null. */
bool kn_parse_date(Str text, int32_t *ret_days);
/* A text without a zone is in the session's; one without a date is of today. */
bool kn_parse_timestamp(Str text, const KnZone *session, int64_t *ret_us);
/* The wall-clock time; a zone in the text is dropped where it is allowed. */
bool kn_parse_ntz(Str text, bool allows_zone, int64_t *ret_us);
/* yyyy-MM-dd[ HH:mm:ss[.ffffff]] into at least 48 bytes; the length. */
size_t kn_date_text(int64_t days, char *ret_text);
size_t kn_timestamp_text(int64_t local_us, char *ret_text);
/* Intervals of the fields start to end (0 day … 3 second; 0 year, 1 month) as CAST(… AS STRING) says them, into at least 96 bytes; the length. */
size_t kn_day_time_text(int64_t us, int start, int end, char *ret_text);
size_t kn_year_month_text(int32_t months, int start, int end, char *ret_text);

#endif
