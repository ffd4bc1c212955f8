/* kernels/date.c - casts and functions of dates and timestamps.
 *
 * Invariant: a timestamp's fields are those in the session's zone, which comes as an argument.
 */
#include "kernels/calendar.h"
#include "kernels/kn_call.h"

#include <math.h>
#include <stdio.h>

/* ---- casts ------------------------------------------------------------------------------------------------------------------------ */

static void string_to_date(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        if (!kn_parse_date(kn_str(kn, 0, i), &KN_OUT(kn, int32_t)[i])) {
            kn_null(kn, i);
        }
    }
}

static void string_to_timestamp(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        const KnZone *zone = kn_zone_of(kn, kn_str(kn, 1, i));
        if (zone == NULL) {
            return;
        }
        if (!kn_parse_timestamp(kn_str(kn, 0, i), zone, &KN_OUT(kn, int64_t)[i])) {
            kn_null(kn, i);
        }
    }
}

static void string_to_ntz(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        if (!kn_parse_ntz(kn_str(kn, 0, i), true, &KN_OUT(kn, int64_t)[i])) {
            kn_null(kn, i);
        }
    }
}

static void date_str(KnCall *kn) {
    char text[64];
    KN_EACH_ROW(kn, i) {
        kn_put(kn, i, (Str){text, kn_date_text(KN_ARG(kn, int32_t, 0)[i], text)});
    }
}

/* Runs the body with `us` in local time of the zone that argument arg names. */
#define KN_EACH_LOCAL(kn, i, arg, us)                                                                                            \
    for (idx_t i = 0; i < (kn)->rows; i++)                                                                                       \
        if (kn_row_has_null((kn), i)) {                                                                                          \
            kn_null((kn), i);                                                                                                    \
        } else                                                                                                                   \
            for (const KnZone *zone_ = kn_zone_of((kn), kn_str((kn), (arg), i)); zone_ != NULL; zone_ = NULL)                    \
                for (int64_t us = kn_to_local(zone_, KN_ARG(kn, int64_t, 0)[i]), once_ = 1; once_ != 0; once_ = 0)

static void timestamp_str(KnCall *kn) {
    char text[64];
    KN_EACH_LOCAL(kn, i, 1, us) {
        kn_put(kn, i, (Str){text, kn_timestamp_text(us, text)});
    }
}

static void ntz_str(KnCall *kn) {
    char text[64];
    KN_EACH_ROW(kn, i) {
        kn_put(kn, i, (Str){text, kn_timestamp_text(KN_ARG(kn, int64_t, 0)[i], text)});
    }
}

static void timestamp_to_date(KnCall *kn) {
    KN_EACH_LOCAL(kn, i, 1, us) {
        KN_OUT(kn, int32_t)[i] = (int32_t)kn_floor_div(us, KN_US_PER_DAY);
    }
}

static void timestamp_to_ntz(KnCall *kn) {
    KN_EACH_LOCAL(kn, i, 1, us) {
        KN_OUT(kn, int64_t)[i] = us;
    }
}

KN_MAP1(ntz_to_date, int64_t, int32_t, kn_floor_div(x, KN_US_PER_DAY))
KN_MAP1(utc, int64_t, int64_t, x)
KN_MAP1(timestamp_seconds, int64_t, int64_t, kn_floor_div(x, KN_US_PER_SECOND))
KN_MAP1(timestamp_millis, int64_t, int64_t, kn_floor_div(x, 1000))
KN_MAP1(date_to_ntz, int32_t, int64_t, (int64_t)((uint64_t)(int64_t)x * (uint64_t)KN_US_PER_DAY))

static int64_t saturating_micros(int64_t seconds) {
    int64_t us;
    return __builtin_mul_overflow(seconds, KN_US_PER_SECOND, &us) ? (seconds < 0 ? INT64_MIN : INT64_MAX) : us;
}
KN_MAP1(seconds_to_timestamp, int64_t, int64_t, saturating_micros(x))

static void double_to_timestamp(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        double x = KN_ARG(kn, double, 0)[i];
        double us = x * 1e6;
        if (isnan(x) || isinf(x)) {
            kn_null(kn, i);
        } else {
            KN_OUT(kn, int64_t)[i] = us >= 9223372036854775808.0 ? INT64_MAX : us <= -9223372036854775808.0 ? INT64_MIN : (int64_t)us;
        }
    }
}

/* try_cast: null where the timestamp would not hold it. */
static void try_double_to_timestamp(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        double us = KN_ARG(kn, double, 0)[i] * 1e6;
        if (us >= -9223372036854775808.0 && us < 9223372036854775808.0) {
            KN_OUT(kn, int64_t)[i] = (int64_t)us;
        } else {
            kn_null(kn, i);
        }
    }
}

static void date_to_timestamp(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        const KnZone *zone = kn_zone_of(kn, kn_str(kn, 1, i));
        if (zone == NULL) {
            return;
        }
        KN_OUT(kn, int64_t)[i] = kn_to_utc(zone, (int64_t)KN_ARG(kn, int32_t, 0)[i] * KN_US_PER_DAY);
    }
}

static void ntz_to_timestamp(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        const KnZone *zone = kn_zone_of(kn, kn_str(kn, 1, i));
        if (zone == NULL) {
            return;
        }
        KN_OUT(kn, int64_t)[i] = kn_to_utc(zone, KN_ARG(kn, int64_t, 0)[i]);
    }
}

static void day_time_str(KnCall *kn) {
    char text[96];
    KN_EACH_ROW(kn, i) {
        size_t n = kn_day_time_text(KN_ARG(kn, int64_t, 0)[i], KN_ARG(kn, int32_t, 1)[i], KN_ARG(kn, int32_t, 2)[i], text);
        kn_put(kn, i, (Str){text, n});
    }
}

static void year_month_str(KnCall *kn) {
    char text[96];
    KN_EACH_ROW(kn, i) {
        size_t n = kn_year_month_text(KN_ARG(kn, int32_t, 0)[i], KN_ARG(kn, int32_t, 1)[i], KN_ARG(kn, int32_t, 2)[i], text);
        kn_put(kn, i, (Str){text, n});
    }
}

/* ---- fields ----------------------------------------------------------------------------------------------------------------------- */

KN_MAP1(year, int32_t, int32_t, kn_date_of(x).year)
KN_MAP1(quarter, int32_t, int32_t, (kn_date_of(x).month + 2) / 3)
KN_MAP1(month, int32_t, int32_t, kn_date_of(x).month)
KN_MAP1(day_of_month, int32_t, int32_t, kn_date_of(x).day)
KN_MAP1(day_of_week, int32_t, int32_t, kn_day_of_week(x) % 7 + 1)
KN_MAP1(weekday, int32_t, int32_t, kn_day_of_week(x) - 1)
KN_MAP1(day_of_year, int32_t, int32_t, kn_day_of_year(x))
KN_MAP1(week_of_year, int32_t, int32_t, kn_week_of_year(x, NULL))

static void time_field(KnCall *kn, int64_t unit, int64_t count) {
    KN_EACH_LOCAL(kn, i, 1, us) {
        KN_OUT(kn, int32_t)[i] = (int32_t)(kn_floor_div(us, unit) - kn_floor_div(us, unit * count) * count);
    }
}

static void hour(KnCall *kn) {
    time_field(kn, INT64_C(3600000000), 24);
}
static void minute(KnCall *kn) {
    time_field(kn, INT64_C(60000000), 60);
}
static void second(KnCall *kn) {
    time_field(kn, KN_US_PER_SECOND, 60);
}

/* ---- arithmetic ------------------------------------------------------------------------------------------------------------------- */

KN_MAP2(date_add, int32_t, int32_t, int32_t, (uint32_t)x + (uint32_t)y)
KN_MAP2(date_sub, int32_t, int32_t, int32_t, (uint32_t)x - (uint32_t)y)
KN_MAP2(datediff, int32_t, int32_t, int32_t, (uint32_t)x - (uint32_t)y)
KN_MAP2(add_months, int32_t, int32_t, int32_t, kn_add_months(x, y))

static int32_t month_end(int32_t days) {
    KnDate date = kn_date_of(days);
    return days + kn_month_length(date.year, date.month) - date.day;
}
KN_MAP1(last_day, int32_t, int32_t, month_end(x))

/* months_between(a, b, round, zone): whole when both are the same day or both the last of their month. */
static void months_between(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        const KnZone *zone = kn_zone_of(kn, kn_str(kn, 3, i));
        if (zone == NULL) {
            return;
        }
        int64_t a = kn_to_local(zone, KN_ARG(kn, int64_t, 0)[i]);
        int64_t b = kn_to_local(zone, KN_ARG(kn, int64_t, 1)[i]);
        int64_t day_a = kn_floor_div(a, KN_US_PER_DAY);
        int64_t day_b = kn_floor_div(b, KN_US_PER_DAY);
        KnDate x = kn_date_of(day_a);
        KnDate y = kn_date_of(day_b);
        double months = (double)(x.year * 12 + x.month - y.year * 12 - y.month);
        bool both_last = x.day == kn_month_length(x.year, x.month) && y.day == kn_month_length(y.year, y.month);
        if (x.day == y.day || both_last) {
            KN_OUT(kn, double)[i] = months;
            continue;
        }
        double seconds_a = (double)((a - day_a * KN_US_PER_DAY) / KN_US_PER_SECOND);
        double seconds_b = (double)((b - day_b * KN_US_PER_DAY) / KN_US_PER_SECOND);
        double seconds = (double)(x.day - y.day) * 86400.0 + seconds_a - seconds_b;
        double result = months + seconds / (31.0 * 86400.0);
        KN_OUT(kn, double)[i] = KN_ARG(kn, bool, 2)[i] ? round(result * 1e8) / 1e8 : result;
    }
}

static int day_number(Str name) {
    static const char *const names[] = {"MO", "MON", "MONDAY", "TU", "TUE", "TUESDAY", "WE", "WED", "WEDNESDAY", "TH", "THU", "THURSDAY",
                                        "FR", "FRI", "FRIDAY", "SA", "SAT", "SATURDAY", "SU", "SUN", "SUNDAY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq_nocase(name, str_from_c(names[i]))) {
            return (int)i / 3 + 1;
        }
    }
    return 0;
}

static void next_day(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        int wanted = day_number(str_trim(kn_str(kn, 1, i)));
        int32_t days = KN_ARG(kn, int32_t, 0)[i];
        if (wanted == 0) {
            kn_null(kn, i);
            continue;
        }
        int ahead = wanted - kn_day_of_week(days);
        KN_OUT(kn, int32_t)[i] = days + (ahead <= 0 ? ahead + 7 : ahead);
    }
}

typedef enum Unit { UNIT_NONE, MICROSECOND, MILLISECOND, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR } Unit;

static Unit unit_of(Str name) {
    static const struct {
        const char *name;
        Unit unit;
    } names[] = {{"MICROSECOND", MICROSECOND}, {"MILLISECOND", MILLISECOND}, {"SECOND", SECOND}, {"MINUTE", MINUTE}, {"HOUR", HOUR}, {"DAY", DAY},
                 {"DD", DAY}, {"WEEK", WEEK}, {"MON", MONTH}, {"MONTH", MONTH}, {"MM", MONTH}, {"QUARTER", QUARTER}, {"YEAR", YEAR}, {"YYYY", YEAR}, {"YY", YEAR}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq_nocase(name, str_from_c(names[i].name))) {
            return names[i].unit;
        }
    }
    return UNIT_NONE;
}

static int64_t truncate_days(int64_t days, Unit unit) {
    KnDate date = kn_date_of(days);
    if (unit == WEEK) {
        return days - (kn_day_of_week(days) - 1);
    }
    int month = unit == YEAR ? 1 : unit == QUARTER ? (date.month - 1) / 3 * 3 + 1 : date.month;
    return kn_days_of(date.year, month, 1);
}

static void trunc_date(KnCall *kn) { /* trunc(date, unit): week and larger */
    KN_EACH_ROW(kn, i) {
        Unit unit = unit_of(kn_str(kn, 1, i));
        if (unit < WEEK) {
            kn_null(kn, i);
        } else {
            KN_OUT(kn, int32_t)[i] = (int32_t)truncate_days(KN_ARG(kn, int32_t, 0)[i], unit);
        }
    }
}

static void date_trunc(KnCall *kn) { /* (timestamp, unit, zone) */
    static const int64_t sizes[] = {[MICROSECOND] = 1, [MILLISECOND] = 1000, [SECOND] = 1000000, [MINUTE] = 60000000, [HOUR] = 3600000000};
    KN_EACH_ROW(kn, i) {
        Unit unit = unit_of(kn_str(kn, 1, i));
        int64_t us = KN_ARG(kn, int64_t, 0)[i];
        const KnZone *zone = kn_zone_of(kn, kn_str(kn, 2, i));
        if (zone == NULL) {
            return;
        }
        if (unit == UNIT_NONE) {
            kn_null(kn, i);
        } else if (unit <= SECOND) {
            KN_OUT(kn, int64_t)[i] = kn_floor_div(us, sizes[unit]) * sizes[unit];
        } else {
            int64_t local = kn_to_local(zone, us);
            int64_t days = kn_floor_div(local, KN_US_PER_DAY);
            if (unit <= HOUR) { /* keeps the offset in force, so that an hour told twice stays itself */
                int64_t offset = local - us;
                KN_OUT(kn, int64_t)[i] = kn_floor_div(local, sizes[unit]) * sizes[unit] - offset;
                continue;
            }
            days = unit == DAY ? days : truncate_days(days, unit);
            KN_OUT(kn, int64_t)[i] = kn_to_utc(zone, days * KN_US_PER_DAY);
        }
    }
}

static void make_date(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        int64_t year = KN_ARG(kn, int32_t, 0)[i];
        int64_t m = KN_ARG(kn, int32_t, 1)[i];
        int64_t d = KN_ARG(kn, int32_t, 2)[i];
        int64_t days = kn_is_date(year, m, d) ? kn_days_of(year, (int)m, (int)d) : INT64_MAX;
        if (days > INT32_MAX || days < INT32_MIN) {
            kn_null(kn, i);
        } else {
            KN_OUT(kn, int32_t)[i] = (int32_t)days;
        }
    }
}

/* from_utc_timestamp and to_utc_timestamp move the instant itself. */
static void from_utc(KnCall *kn) {
    KN_EACH_LOCAL(kn, i, 1, us) {
        KN_OUT(kn, int64_t)[i] = us;
    }
}

static void timestamp_add(KnCall *kn) { /* (timestamp, microseconds) */
    const int64_t *a = KN_ARG(kn, int64_t, 0);
    const int64_t *b = KN_ARG(kn, int64_t, 1);
    KN_EACH_ROW(kn, i) {
        KN_OUT(kn, int64_t)[i] = (int64_t)((uint64_t)a[i] + (uint64_t)b[i]);
    }
}

static void timestamp_add_months(KnCall *kn) { /* (timestamp, months, zone) */
    KN_EACH_LOCAL(kn, i, 2, us) {
        int64_t days = kn_floor_div(us, KN_US_PER_DAY);
        int64_t rest = us - days * KN_US_PER_DAY;
        KN_OUT(kn, int64_t)[i] = kn_to_utc(zone_, kn_add_months(days, KN_ARG(kn, int32_t, 1)[i]) * KN_US_PER_DAY + rest);
    }
}

const KnScalar kn_date_kernels[] = {
    {"spark_string_to_date", "s:D", string_to_date},
    {"spark_string_to_timestamp", "ss:T", string_to_timestamp},
    {"spark_string_to_ntz", "s:N", string_to_ntz},
    {"spark_date_str", "D:s", date_str},
    {"spark_timestamp_str", "Ts:s", timestamp_str},
    {"spark_ntz_str", "N:s", ntz_str},
    {"spark_timestamp_to_date", "Ts:D", timestamp_to_date},
    {"spark_timestamp_to_ntz", "Ts:N", timestamp_to_ntz},
    {"spark_ntz_to_date", "N:D", ntz_to_date},
    {"spark_utc", "T:T", utc},
    {"spark_utc", "N:T", utc},
    {"spark_timestamp_seconds", "T:8", timestamp_seconds},
    {"spark_timestamp_millis", "T:8", timestamp_millis},
    {"spark_date_to_ntz", "D:N", date_to_ntz},
    {"spark_seconds_to_timestamp", "8:T", seconds_to_timestamp},
    {"spark_double_to_timestamp", "d:T", double_to_timestamp},
    {"spark_try_double_to_timestamp", "d:T", try_double_to_timestamp},
    {"spark_date_to_timestamp", "Ds:T", date_to_timestamp},
    {"spark_ntz_to_timestamp", "Ns:T", ntz_to_timestamp},
    {"spark_day_time_str", "844:s", day_time_str},
    {"spark_year_month_str", "444:s", year_month_str},
    {"spark_year", "D:4", year},
    {"spark_quarter", "D:4", quarter},
    {"spark_month", "D:4", month},
    {"spark_day", "D:4", day_of_month},
    {"spark_dayofweek", "D:4", day_of_week},
    {"spark_weekday", "D:4", weekday},
    {"spark_dayofyear", "D:4", day_of_year},
    {"spark_weekofyear", "D:4", week_of_year},
    {"spark_hour", "Ts:4", hour},
    {"spark_minute", "Ts:4", minute},
    {"spark_second", "Ts:4", second},
    {"spark_date_add", "D4:D", date_add},
    {"spark_date_sub", "D4:D", date_sub},
    {"spark_datediff", "DD:4", datediff},
    {"spark_add_months", "D4:D", add_months},
    {"spark_last_day", "D:D", last_day},
    {"spark_months_between", "TTbs:d", months_between},
    {"spark_next_day", "Ds:D", next_day},
    {"spark_trunc", "Ds:D", trunc_date},
    {"spark_date_trunc", "Tss:T", date_trunc},
    {"spark_make_date", "444:D", make_date},
    {"spark_from_utc", "Ts:T", from_utc},
    {"spark_to_utc", "Ns:T", ntz_to_timestamp},
    {"spark_timestamp_add", "T8:T", timestamp_add},
    {"spark_timestamp_add", "N8:N", timestamp_add},
    {"spark_timestamp_add_months", "T4s:T", timestamp_add_months},
    {.name = NULL},
};
