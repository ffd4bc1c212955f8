/* exec/zone.c - see zone.h. The rules come from ICU's data, as a table of transitions made once a zone. */
#include "exec/zone.h"

#include "base/vec.h"

#include <unicode/ucal.h>
#include <unicode/ustring.h>

typedef struct Transition {
    int64_t at; /* seconds since 1970 */
    int32_t before, after;
} Transition;

struct ExZone {
    Str name;
    int32_t first; /* offset before the first transition */
    const Transition *transitions;
    size_t n;
};

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static const ExZone *fixed(Arena *arena, Str name, int32_t offset) {
    ExZone *zone = ARENA_NEW(arena, ExZone);
    *zone = (ExZone){.name = name, .first = offset};
    return zone;
}

/* ±h, ±hh, ±hhmm, ±h[h]:m[m], ±hh:mm:ss */
static bool read_offset(Str s, int32_t *ret) {
    if (s.len < 2 || (s.data[0] != '+' && s.data[0] != '-')) {
        return false;
    }
    int parts[3] = {0}, digits[3] = {0}, n = 0;
    for (size_t i = 1; i < s.len; i++) {
        char c = s.data[i];
        if (c == ':' && n < 2 && digits[n] > 0) {
            n++;
        } else if (c >= '0' && c <= '9' && digits[n] < 4) {
            parts[n] = parts[n] * 10 + (c - '0');
            digits[n]++;
        } else {
            return false;
        }
    }
    if (n == 0 && digits[0] > 2) {
        parts[1] = parts[0] % 100;
        parts[0] /= 100;
    } else if (digits[n] == 0 || digits[n] > 2) {
        return false;
    }
    int32_t total = parts[0] * 3600 + parts[1] * 60 + parts[2];
    if (parts[1] > 59 || parts[2] > 59 || total > 18 * 3600) {
        return false;
    }
    *ret = s.data[0] == '-' ? -total : total;
    return true;
}

static int32_t offset_at(UCalendar *calendar, double ms, UErrorCode *status) {
    ucal_setMillis(calendar, ms, status);
    return (ucal_get(calendar, UCAL_ZONE_OFFSET, status) + ucal_get(calendar, UCAL_DST_OFFSET, status)) / 1000;
}

static const ExZone *region(Arena *arena, Str name) {
    UErrorCode status = U_ZERO_ERROR;
    UChar id[64];
    int32_t n = 0;
    u_strFromUTF8(id, 64, &n, name.data, (int32_t)name.len, &status);
    UChar canonical[64];
    UBool is_system = 0;
    if (U_FAILURE(status)) {
        return NULL;
    }
    ucal_getCanonicalTimeZoneID(id, n, canonical, 64, &is_system, &status);
    if (U_FAILURE(status) || !is_system) {
        return NULL;
    }
    UCalendar *calendar = ucal_open(id, n, "en_US", UCAL_GREGORIAN, &status);
    if (U_FAILURE(status)) {
        return NULL;
    }
    VEC(Transition) list = {.arena = arena};
    const double first_ms = -4102444800000.0, last_ms = 7258118400000.0; /* 1840 to 2200 */
    int32_t offset = offset_at(calendar, first_ms, &status);
    int32_t first = offset;
    UDate next;
    while (ucal_getTimeZoneTransitionDate(calendar, UCAL_TZ_TRANSITION_NEXT, &next, &status) && U_SUCCESS(status) && next < last_ms) {
        int32_t after = offset_at(calendar, next, &status);
        if (after != offset) {
            VEC_PUSH(&list, (Transition){.at = (int64_t)(next / 1000), .before = offset, .after = after});
        }
        offset = after;
    }
    ucal_close(calendar);
    ExZone *zone = ARENA_NEW(arena, ExZone);
    *zone = (ExZone){.name = name, .first = first, .transitions = list.items, .n = list.count};
    return zone;
}

const ExZone *ex_zone_find(Arena *arena, Str name) {
    name = str_copy(arena, str_trim(name));
    int32_t offset = 0;
    if (name.len == 0) {
        return NULL;
    }
    if (str_eq_c(name, "Z") || str_eq_c(name, "UTC") || str_eq_c(name, "GMT") || str_eq_c(name, "UT")) {
        return fixed(arena, name, 0);
    }
    Str rest = name;
    if (str_starts_with(name, STR("UTC")) || str_starts_with(name, STR("GMT"))) {
        rest = str_slice(name, 3, name.len);
    } else if (str_starts_with(name, STR("UT+")) || str_starts_with(name, STR("UT-"))) {
        rest = str_slice(name, 2, name.len);
    }
    if (read_offset(rest, &offset)) {
        return fixed(arena, name, offset);
    }
    return region(arena, name);
}

Str ex_zone_name(const ExZone *zone) {
    return zone->name;
}

int32_t ex_zone_offset(const ExZone *zone, int64_t utc_us) {
    int64_t s = floor_div(utc_us, 1000000);
    size_t low = 0, high = zone->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (zone->transitions[mid].at <= s) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low == 0 ? zone->first : zone->transitions[low - 1].after;
}

int64_t ex_zone_to_utc(const ExZone *zone, int64_t local_us) {
    int64_t local = floor_div(local_us, 1000000);
    size_t low = 0, high = zone->n;
    /* The first transition whose wall clock (before or after, the later) lies behind the time. */
    while (low < high) {
        size_t mid = (low + high) / 2;
        const Transition *t = &zone->transitions[mid];
        int32_t most = t->before > t->after ? t->before : t->after;
        if (t->at + most <= local) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    /* Before that transition its "before" offset holds; in a gap too (which moves the time forward), in an overlap too (the earlier). */
    int32_t offset = low < zone->n ? zone->transitions[low].before : zone->n > 0 ? zone->transitions[zone->n - 1].after : zone->first;
    return local_us - (int64_t)offset * 1000000;
}

bool ex_days_of(int64_t year, int month, int day, int32_t *ret_days) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (month == 2 && is_leap)) {
        return false;
    }
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_div(y, 400), yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
    if (days < INT32_MIN || days > INT32_MAX) {
        return false;
    }
    *ret_days = (int32_t)days;
    return true;
}

void ex_date_of(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day) {
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *ret_year = yoe + era * 400 + (*ret_month <= 2);
}
