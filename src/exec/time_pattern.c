/* exec/time_pattern.c - see time_pattern.h. */
#include "exec/time_pattern.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

typedef struct Part {
    char letter; /* 0: literal; '[' and ']': an optional section */
    int count;
    Str literal;
    size_t close; /* of '[': the index of its ']' */
} Part;

struct ExPattern {
    const Part *parts;
    size_t n;
};

typedef struct Fields {
    int64_t year;
    int month, day, hour, hour12, minute, second, pm, day_of_year;
    int64_t micros;
    bool has_zone, has_hour12, has_day_of_year, is_era_bc;
    int32_t offset;
    const ExZone *zone;
} Fields;

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const days[] = {"Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"};

const ExPattern *ex_pattern_new(Arena *arena, Str pattern, Err *err) {
    VEC(Part) parts = {.arena = arena};
    VEC(size_t) open = {.arena = arena};
    for (size_t i = 0; i < pattern.len;) {
        char c = pattern.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == '\'') {
            StrBuf text = {.arena = arena};
            i++;
            bool is_closed = false;
            while (i < pattern.len && !is_closed) {
                if (pattern.data[i] != '\'') {
                    strbuf_add_char(&text, pattern.data[i++]);
                } else if (i + 1 < pattern.len && pattern.data[i + 1] == '\'') {
                    strbuf_add_char(&text, '\'');
                    i += 2;
                } else {
                    is_closed = true;
                    i++;
                }
            }
            if (text.len == 0) {
                strbuf_add_char(&text, '\'');
            }
            VEC_PUSH(&parts, (Part){.literal = strbuf_str(&text)});
            continue;
        }
        if (is_letter) {
            size_t from = i;
            while (i < pattern.len && pattern.data[i] == c) {
                i++;
            }
            if (strchr("yuMLdDHhkKmsSaEXxZzVOG", c) == NULL) {
                err_set(err, ERR_NOT_SUPPORTED, "the letter '%c' of the datetime pattern '%.*s' is not supported", c, STR_ARG(pattern));
                return NULL;
            }
            VEC_PUSH(&parts, (Part){.letter = c, .count = (int)(i - from)});
            continue;
        }
        if (c == '[') {
            VEC_PUSH(&open, parts.count);
            VEC_PUSH(&parts, (Part){.letter = '['});
        } else if (c == ']') {
            if (open.count == 0) {
                err_set(err, "SOLDER.OPTION", "the datetime pattern '%.*s' closes a section that it does not open", STR_ARG(pattern));
                return NULL;
            }
            parts.items[open.items[--open.count]].close = parts.count;
            VEC_PUSH(&parts, (Part){.letter = ']'});
        } else {
            VEC_PUSH(&parts, (Part){.literal = str_slice(pattern, i, i + 1)});
        }
        i++;
    }
    if (open.count > 0) {
        err_set(err, "SOLDER.OPTION", "the datetime pattern '%.*s' leaves a section open", STR_ARG(pattern));
        return NULL;
    }
    for (size_t i = 0; i < parts.count; i++) {
        if (parts.items[i].letter == 0) {
            parts.items[i].literal = str_copy(arena, parts.items[i].literal);
        }
    }
    ExPattern *result = ARENA_NEW(arena, ExPattern);
    *result = (ExPattern){parts.items, parts.count};
    return result;
}

static bool digits(const char **p, const char *end, int least, int most, int64_t *ret) {
    int n = 0;
    int64_t value = 0;
    while (*p < end && n < most && **p >= '0' && **p <= '9') {
        value = value * 10 + (**p - '0');
        (*p)++;
        n++;
    }
    *ret = value;
    return n >= least;
}

static bool is_numeric(const Part *part) {
    return part->letter != 0 && strchr("yudDHhkKmsS", part->letter) != NULL ? true : (part->letter == 'M' || part->letter == 'L') && part->count <= 2;
}

static bool name_of(const char **p, const char *end, const char *const *names, int n, bool is_short, int *ret) {
    for (int i = 0; i < n; i++) {
        size_t len = is_short ? 3 : strlen(names[i]);
        if ((size_t)(end - *p) >= len && memcmp(*p, names[i], len) == 0) {
            *p += len;
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

/* X x Z O: offsets; z VV: names. */
static bool parse_zone(const Part *part, const char **p, const char *end, Fields *f) {
    const char *from = *p;
    if (part->letter == 'X' && from < end && *from == 'Z') {
        (*p)++;
        f->has_zone = true;
        f->offset = 0;
        return true;
    }
    const char *to = from;
    bool is_named = part->letter == 'z' || part->letter == 'V' || part->letter == 'O';
    while (to < end && ((*to >= '0' && *to <= '9') || *to == ':' || *to == '+' || *to == '-' ||
                        (is_named && ((*to >= 'A' && *to <= 'Z') || (*to >= 'a' && *to <= 'z') || *to == '/' || *to == '_')))) {
        to++;
    }
    if (to == from || (!is_named && *from != '+' && *from != '-')) {
        return false;
    }
    Arena *arena = arena_new();
    const ExZone *zone = ex_zone_find(arena, (Str){from, (size_t)(to - from)});
    if (zone != NULL) {
        /* Regions need the local time; a fixed offset is the same at any time. */
        f->has_zone = true;
        int64_t local = 0;
        int32_t offset_now = ex_zone_offset(zone, local);
        f->offset = offset_now;
    }
    arena_free(arena);
    *p = to;
    return f->has_zone;
}

static bool parse_part(const Part *part, bool next_is_numeric, const char **p, const char *end, Fields *f) {
    int64_t v = 0;
    int most = next_is_numeric || part->count > 1 ? part->count : 19;
    switch (part->letter) {
    case 'y':
    case 'u': {
        bool is_negative = *p < end && **p == '-' && part->count != 2;
        *p += is_negative;
        if (!digits(p, end, part->count, part->count == 2 ? 2 : next_is_numeric ? part->count : 6, &v)) {
            return false;
        }
        f->year = part->count == 2 ? 2000 + v : is_negative ? -v : v;
        return true;
    }
    case 'M':
    case 'L':
        if (part->count >= 3) {
            return name_of(p, end, months, 12, part->count == 3, &f->month);
        }
        if (!digits(p, end, part->count, part->count == 1 && !next_is_numeric ? 2 : part->count, &v)) {
            return false;
        }
        f->month = (int)v;
        return true;
    case 'd': f->day = -1; break;
    default: break;
    }
    if (strchr("dDHhkKms", part->letter) != NULL) {
        most = part->letter == 'D' ? 3 : part->count == 1 && !next_is_numeric ? 2 : part->count;
        if (!digits(p, end, part->count, most, &v)) {
            return false;
        }
    }
    switch (part->letter) {
    case 'd': f->day = (int)v; return true;
    case 'D':
        f->day_of_year = (int)v;
        f->has_day_of_year = true;
        return true;
    case 'H': f->hour = (int)v; return v <= 23;
    case 'k': f->hour = (int)(v % 24); return v >= 1 && v <= 24;
    case 'h':
    case 'K':
        f->hour12 = (int)(v % 12);
        f->has_hour12 = true;
        return v <= 12;
    case 'm': f->minute = (int)v; return v <= 59;
    case 's': f->second = (int)v; return v <= 59;
    case 'S': {
        int n = 0;
        int64_t micros = 0;
        for (; n < part->count && *p < end && **p >= '0' && **p <= '9'; n++, (*p)++) {
            micros = n < 6 ? micros * 10 + (**p - '0') : micros;
        }
        for (int i = n; i < 6; i++) {
            micros *= 10;
        }
        f->micros = micros;
        return n >= 1 && n == part->count;
    }
    case 'a':
        if (end - *p < 2 || ((*p)[1] | 32) != 'm' || (((*p)[0] | 32) != 'a' && ((*p)[0] | 32) != 'p')) {
            return false;
        }
        f->pm = ((*p)[0] | 32) == 'p';
        *p += 2;
        return true;
    case 'E': {
        int which;
        return name_of(p, end, days, 7, part->count <= 3, &which);
    }
    case 'G':
        if (end - *p < 2 || ((*p)[0] != 'A' && (*p)[0] != 'B')) {
            return false;
        }
        f->is_era_bc = (*p)[0] == 'B';
        *p += 2;
        return true;
    default: return parse_zone(part, p, end, f);
    }
}

static bool parse_parts(const ExPattern *pattern, size_t from, size_t to, const char **p, const char *end, Fields *f) {
    for (size_t i = from; i < to; i++) {
        const Part *part = &pattern->parts[i];
        if (part->letter == 0) {
            if ((size_t)(end - *p) < part->literal.len || memcmp(*p, part->literal.data, part->literal.len) != 0) {
                return false;
            }
            *p += part->literal.len;
        } else if (part->letter == '[') {
            const char *start = *p;
            Fields before = *f;
            if (!parse_parts(pattern, i + 1, part->close, p, end, f)) {
                *p = start;
                *f = before;
            }
            i = part->close;
        } else if (part->letter != ']') {
            bool next_is_numeric = i + 1 < to && is_numeric(&pattern->parts[i + 1]);
            if (!parse_part(part, next_is_numeric, p, end, f)) {
                return false;
            }
        }
    }
    return true;
}

static bool parse_all(const ExPattern *pattern, Str text, Fields *f, int32_t *ret_days) {
    *f = (Fields){.year = 1970, .month = 1, .day = 1};
    const char *p = text.data, *end = text.data + text.len;
    if (!parse_parts(pattern, 0, pattern->n, &p, end, f) || p != end) {
        return false;
    }
    if (f->has_hour12) {
        f->hour = f->hour12 + (f->pm ? 12 : 0);
    }
    int64_t year = f->is_era_bc ? 1 - f->year : f->year;
    if (f->has_day_of_year) {
        int32_t first, last;
        if (!ex_days_of(year, 1, 1, &first) || !ex_days_of(year, 12, 31, &last) || f->day_of_year < 1 || first + f->day_of_year - 1 > last) {
            return false;
        }
        *ret_days = first + f->day_of_year - 1;
        return true;
    }
    return ex_days_of(year, f->month, f->day, ret_days);
}

bool ex_pattern_parse_date(const ExPattern *pattern, Str text, int32_t *ret_days) {
    Fields f;
    return parse_all(pattern, text, &f, ret_days);
}

bool ex_pattern_parse(const ExPattern *pattern, const ExZone *zone, Str text, int64_t *ret_us) {
    Fields f;
    int32_t day;
    if (!parse_all(pattern, text, &f, &day)) {
        return false;
    }
    int64_t local = ((int64_t)day * 86400 + f.hour * 3600 + f.minute * 60 + f.second) * 1000000 + f.micros;
    *ret_us = zone == NULL ? local : f.has_zone ? local - (int64_t)f.offset * 1000000 : ex_zone_to_utc(zone, local);
    return true;
}

typedef struct Out {
    char *data;
    size_t len, size;
} Out;

static void out_char(Out *out, char c) {
    if (out->len < out->size) {
        out->data[out->len++] = c;
    }
}

static void out_number(Out *out, int64_t value, int width) {
    char text[24];
    int n = 0;
    bool is_negative = value < 0;
    uint64_t v = is_negative ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        text[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    if (is_negative) {
        out_char(out, '-');
    }
    for (int i = n; i < width; i++) {
        out_char(out, '0');
    }
    while (n > 0) {
        out_char(out, text[--n]);
    }
}

static void out_text(Out *out, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        out_char(out, text[i]);
    }
}

static void out_offset(Out *out, const Part *part, int32_t offset) {
    if (part->letter == 'X' && offset == 0) {
        out_char(out, 'Z');
        return;
    }
    int count = part->letter == 'Z' ? 2 : part->count;
    int32_t a = offset < 0 ? -offset : offset;
    out_char(out, offset < 0 ? '-' : '+');
    out_number(out, a / 3600, 2);
    int minutes = a / 60 % 60;
    if (count == 1 && minutes == 0) {
        return;
    }
    if (count == 3 || count == 5) {
        out_char(out, ':');
    }
    out_number(out, minutes, 2);
}

static void format_part(const Part *part, const Fields *f, int32_t day, int32_t offset, const ExZone *zone, Out *out) {
    switch (part->letter) {
    case 'y':
    case 'u':
        if (part->count == 2) {
            out_number(out, f->year % 100, 2);
        } else {
            if (f->year > 9999 && part->count == 4) {
                out_char(out, '+');
            }
            out_number(out, f->year, part->count);
        }
        return;
    case 'M':
    case 'L':
        if (part->count >= 3) {
            out_text(out, months[f->month - 1], part->count == 3 ? 3 : strlen(months[f->month - 1]));
        } else {
            out_number(out, f->month, part->count);
        }
        return;
    case 'd': out_number(out, f->day, part->count); return;
    case 'D': {
        int32_t first = day;
        (void)ex_days_of(f->year, 1, 1, &first);
        out_number(out, day - first + 1, part->count);
        return;
    }
    case 'H': out_number(out, f->hour, part->count); return;
    case 'k': out_number(out, f->hour == 0 ? 24 : f->hour, part->count); return;
    case 'h': out_number(out, f->hour % 12 == 0 ? 12 : f->hour % 12, part->count); return;
    case 'K': out_number(out, f->hour % 12, part->count); return;
    case 'm': out_number(out, f->minute, part->count); return;
    case 's': out_number(out, f->second, part->count); return;
    case 'S': {
        int64_t v = f->micros;
        for (int i = part->count; i < 6; i++) {
            v /= 10;
        }
        out_number(out, v, part->count < 6 ? part->count : 6);
        for (int i = 6; i < part->count; i++) {
            out_char(out, '0');
        }
        return;
    }
    case 'a': out_text(out, f->hour < 12 ? "AM" : "PM", 2); return;
    case 'E': {
        const char *name = days[((day % 7) + 7) % 7];
        out_text(out, name, part->count <= 3 ? 3 : strlen(name));
        return;
    }
    case 'G': out_text(out, f->year > 0 ? "AD" : "BC", 2); return;
    case 'z':
    case 'V':
        if (zone != NULL) {
            out_text(out, ex_zone_name(zone).data, ex_zone_name(zone).len);
        }
        return;
    default: out_offset(out, part, offset); return;
    }
}

size_t ex_pattern_format(const ExPattern *pattern, const ExZone *zone, int64_t us, char *out_bytes, size_t size) {
    int32_t offset = zone != NULL ? ex_zone_offset(zone, us) : 0;
    int64_t local = us + (int64_t)offset * 1000000;
    int64_t day = local / 86400000000, rest = local % 86400000000;
    if (rest < 0) {
        rest += 86400000000;
        day--;
    }
    Fields f = {0};
    ex_date_of(day, &f.year, &f.month, &f.day);
    f.hour = (int)(rest / 3600000000);
    f.minute = (int)(rest / 60000000 % 60);
    f.second = (int)(rest / 1000000 % 60);
    f.micros = rest % 1000000;
    Out out = {out_bytes, 0, size};
    for (size_t i = 0; i < pattern->n; i++) {
        const Part *part = &pattern->parts[i];
        if (part->letter == 0) {
            out_text(&out, part->literal.data, part->literal.len);
        } else if (part->letter == '[' || part->letter == ']') {
            continue; /* an optional section is written when its fields are there: always, but for a zone that is not */
        } else if (zone != NULL || strchr("XxZzVO", part->letter) == NULL) {
            format_part(part, &f, (int32_t)day, offset, zone, &out);
        }
    }
    return out.len;
}
