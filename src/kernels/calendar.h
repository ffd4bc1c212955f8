/* calendar.h - the proleptic Gregorian calendar (java.time), and time zones.
 *
 * Shared by the date and time kernels. Invariant: days count from 1970-01-01, microseconds from its midnight UTC; no C library time function is
 * used, so that the process's own zone and locale play no part.
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

/* The zone of that name as ZoneId.of takes it (region, offset, UTC+1 …), kept by the call's state; NULL after kn_fail. */
const KnZone *kn_zone_of(KnCall *kn, Str name);
/* The same, owned by the caller; NULL when there is no such zone. */
KnZone *kn_zone_new(Str name);
void kn_zone_free(void *owned_zone);
int64_t kn_zone_offset(const KnZone *zone, int64_t utc_seconds);         /* seconds east */
int64_t kn_zone_offset_local(const KnZone *zone, int64_t local_seconds); /* gaps and overlaps as ZonedDateTime.ofLocal */
int64_t kn_to_local(const KnZone *zone, int64_t utc_us);
int64_t kn_to_utc(const KnZone *zone, int64_t local_us);

/* Spark's string casts. false: null. */
bool kn_parse_date(Str text, int64_t *ret_days);
/* zone_name: the session's; is_ntz: a zone in the text is dropped, and a time alone is no timestamp. today_us: the clock, for a time alone. */
bool kn_parse_timestamp(Str text, const KnZone *session, bool is_ntz, int64_t *ret_us);
/* yyyy-MM-dd[ HH:mm:ss[.ffffff]] into at least 48 bytes; the length. */
size_t kn_date_text(int64_t days, char *ret_text);
size_t kn_timestamp_text(int64_t local_us, char *ret_text);

#endif
