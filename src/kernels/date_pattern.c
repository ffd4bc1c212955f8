/* kernels/date_pattern.c - java.time.DateTimeFormatter's patterns in the US locale: formatting and parsing; see date_pattern.h.
 *
 * Reached by date_format, from_unixtime, to_timestamp and the like, and by the options dateFormat and timestampFormat of the file formats.
 * Invariant: the letters and rules of Spark 3.5's datetime patterns (DateTimeFormatterHelper; the parser is strict).
 */
#include "kernels/date_pattern.h"

#include "base/vec.h"
#include "kernels/kn_call.h"
#include "kernels/number_text.h"

enum { LITERAL = '\'', MOST_DIGITS = 19, MOST_OFFSET = 18 * 3600 };

typedef enum Sign { UNSIGNED, NORMAL, EXCEEDS_PAD } Sign; /* java.time's SignStyle */

typedef struct Item {
    char letter; /* LITERAL, '[' or ']' too */
    int count;
    Str text;      /* of a literal */
    size_t close;  /* of '[': the index of its ']', or the end */
    bool has_zone; /* of '[': it shows the zone, so that without one it is left out */
    bool is_number;
    int least, most; /* digits of a number that is read */
    int reserved;    /* of the digits behind those, how many are the next numbers' */
    Sign sign;
} Item;

struct KnPattern {
    const Item *items;
    size_t count;
    size_t room;
    bool has_era;
};

static const char *const month_names[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
static const char *const day_names[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const quarter_names[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};

/* ---- compiling -------------------------------------------------------------------------------------------------------------------- */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* How often a letter may stand in a row; 0: java.time does not know it, or Spark does not take it. */
static int most_of(char letter) {
    switch (letter) {
    case 'S': return 9;
    case 'y': return 6;
    case 'X':
    case 'x':
    case 'Z': return 5;
    case 'G':
    case 'M':
    case 'L':
    case 'E':
    case 'Q':
    case 'q':
    case 'z':
    case 'O': return 4;
    case 'D': return 3;
    case 'd':
    case 'h':
    case 'H':
    case 'k':
    case 'K':
    case 'm':
    case 's':
    case 'V': return 2;
    case 'a':
    case 'F': return 1;
    default: return 0;
    }
}

static bool is_one_of(char letter, const char *letters) {
    return strchr(letters, letter) != NULL;
}

/* What is wrong with a row of letters, as Spark or java.time says it; empty: nothing. */
static Str wrong_letters(Arena *arena, char letter, int count, bool is_parsing) {
    if (is_one_of(letter, "YWwuec")) {
        return str_fmt(arena, "All week-based patterns are unsupported since Spark 3.0, detected: %c, Please use the SQL function EXTRACT instead",
                       letter);
    }
    if (is_one_of(letter, "ABnNp") || (is_parsing && is_one_of(letter, "EFqQ"))) {
        return str_fmt(arena, "Illegal pattern character: %c", letter);
    }
    int most = most_of(letter);
    if (most == 0) {
        return str_fmt(arena, "Unknown pattern letter: %c", letter);
    }
    if (letter == 'V' && count != 2) {
        return str_fmt(arena, "Pattern letter count must be 2: %c", letter);
    }
    if (letter == 'O' && count != 1 && count != 4) {
        return str_fmt(arena, "Pattern letter count must be 1 or 4: %c", letter);
    }
    return count > most ? str_fmt(arena, "Too many pattern letters: %c", letter) : (Str){0};
}

/* Whether Spark 2's formatter (SimpleDateFormat) takes a pattern: Spark 3 then tells of the upgrade. */
static bool legacy_takes(Str s) {
    bool is_quoted = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        is_quoted = c == '\'' ? !is_quoted : is_quoted;
        bool is_long_x = c == 'X' && i + 3 < s.len && memcmp(s.data + i, "XXXX", 4) == 0;
        if (!is_quoted && is_letter(c) && (strchr("GyYMLwWDdFEuaHkKhmsSzZX", c) == NULL || is_long_x)) {
            return false;
        }
    }
    return !is_quoted;
}

static const KnPattern *refuse(Str pattern, Str reason, Err *err) {
    if (!legacy_takes(pattern)) {
        (void)err_set(err, "_LEGACY_ERROR_ILLEGAL_ARGUMENT", "%.*s", STR_ARG(reason));
        return NULL;
    }
    (void)err_set(err, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
                  "[INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION] You may get a different result due to the upgrading to Spark >= "
                  "3.0:\nFail to recognize '%.*s' pattern in the DateTimeFormatter. 1) You can set \"spark.sql.legacy.timeParserPolicy\" to \"LEGACY\" "
                  "to restore the behavior before Spark 3.0. 2) You can form a valid datetime pattern with the guide from "
                  "'https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html'.",
                  STR_ARG(pattern));
    return NULL;
}

/* The text of a quoted literal that begins at *at, which moves behind it; false: it is not closed. */
static bool quoted(Arena *arena, Str s, size_t *at, Str *ret_text) {
    StrBuf text = {.arena = arena};
    for (size_t i = *at + 1; i < s.len; i++) {
        bool is_quote = s.data[i] == '\'';
        if (is_quote && !(i + 1 < s.len && s.data[i + 1] == '\'')) {
            *at = i + 1;
            if (text.len == 0) { /* '' is a quote */
                strbuf_add_char(&text, '\'');
            }
            *ret_text = strbuf_str(&text);
            return true;
        }
        i += is_quote ? 1 : 0;
        strbuf_add_char(&text, s.data[i]);
    }
    return false;
}

/* How a letter's number is read: DateTimeFormatterBuilder.parseField. */
static void set_number(Item *item) {
    int n = item->count;
    bool is_text = strchr("ML", item->letter) != NULL && n > 2;
    item->is_number = strchr("yMLdDhHkKmsS", item->letter) != NULL && !is_text;
    item->least = n;
    item->most = n;
    item->sign = UNSIGNED;
    if (item->letter == 'S') {
        item->least = 1; /* Spark reads fractions of any length up to the letters' */
    } else if (item->letter == 'D' && n > 1) {
        item->most = 3;
    } else if (n == 1 || (item->letter == 'y' && n != 2)) {
        item->most = MOST_DIGITS;
        item->sign = n >= 4 ? EXCEEDS_PAD : NORMAL;
    }
}

/* A number takes the digits in front of it from a number of a fixed length that follows it at once. */
static void reserve_digits(Item *items, size_t count) {
    Item *active = NULL;
    for (size_t i = 0; i < count; i++) {
        Item *item = &items[i];
        bool is_fixed = item->is_number && item->least == item->most && item->sign == UNSIGNED;
        if (is_fixed && active != NULL) {
            active->reserved += item->most;
        } else {
            active = item->is_number && !(item->letter == 'S' && !is_fixed) ? item : NULL;
        }
    }
}

/* Which optional sections show the zone themselves. */
static void mark_zones(Item *items, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i + 1; items[i].letter == '[' && k < items[i].close; k = items[k].letter == '[' ? items[k].close + 1 : k + 1) {
            items[i].has_zone = items[i].has_zone || is_one_of(items[k].letter, "VzOXxZ");
        }
    }
}

static size_t room_of(const Item *item) {
    switch (item->letter) {
    case LITERAL: return item->text.len;
    case 'z':
    case 'V': return KN_ZONE_NAME_MAX;
    default: return 24;
    }
}

const KnPattern *kn_pattern_new(Arena *arena, Str pattern, bool is_parsing, Err *err) {
    VEC(Item) items = {.arena = arena};
    VEC(size_t) open = {.arena = arena};
    KnPattern *made = ARENA_NEW(arena, KnPattern);
    Str s = str_copy(arena, pattern);
    for (size_t i = 0; i < s.len;) {
        char c = s.data[i];
        Item item = {.letter = c, .count = 1};
        if (c == '\'') {
            item.letter = LITERAL;
            if (!quoted(arena, s, &i, &item.text)) {
                return refuse(s, str_fmt(arena, "Pattern ends with an incomplete string literal: %.*s", STR_ARG(s)), err);
            }
        } else if (is_letter(c)) {
            while (i + (size_t)item.count < s.len && s.data[i + (size_t)item.count] == c) {
                item.count++;
            }
            Str wrong = wrong_letters(arena, c, item.count, is_parsing);
            if (wrong.len > 0) {
                return refuse(s, wrong, err);
            }
            set_number(&item);
            i += (size_t)item.count;
        } else {
            if (memchr("#{}", c, 3) != NULL) {
                return refuse(s, str_fmt(arena, "Pattern includes reserved character: '%c'", c), err);
            }
            if (c == ']' && open.count == 0) {
                return refuse(s, STR("Pattern invalid as it contains ] without previous ["), err);
            }
            if (c == '[') {
                VEC_PUSH(&open, items.count);
            } else if (c == ']') {
                items.items[open.items[--open.count]].close = items.count;
            } else {
                item.letter = LITERAL;
                item.text = str_slice(s, i, i + 1);
            }
            i++;
        }
        made->has_era = made->has_era || item.letter == 'G';
        made->room += room_of(&item);
        VEC_PUSH(&items, item);
    }
    while (open.count > 0) { /* what is open at the end closes there */
        items.items[open.items[--open.count]].close = items.count;
    }
    reserve_digits(items.items, items.count);
    mark_zones(items.items, items.count);
    made->items = items.items;
    made->count = items.count;
    return made;
}

/* ---- formatting ------------------------------------------------------------------------------------------------------------------- */

size_t kn_pattern_room(const KnPattern *pattern) {
    return pattern->room;
}

static size_t put(char *ret_text, const char *word, size_t len) {
    memcpy(ret_text, word, len);
    return len;
}

static size_t put_word(char *ret_text, const char *word, bool is_full) {
    return put(ret_text, word, is_full ? strlen(word) : 3);
}

/* +hh[[:]mm[[:]ss]] */
static size_t put_offset(char *ret_text, int64_t offset, char colon, int parts) {
    int64_t size = offset < 0 ? -offset : offset;
    const int64_t values[3] = {size / 3600, size / 60 % 60, size % 60};
    size_t n = 0;
    ret_text[n++] = offset < 0 ? '-' : '+';
    for (int i = 0; i < parts; i++) {
        if (i > 0 && colon != '\0') {
            ret_text[n++] = colon;
        }
        n += kn_padded_text(values[i], 2, ret_text + n);
    }
    return n;
}

static size_t put_zone_offset(char *ret_text, int64_t offset, const Item *item) {
    int64_t size = offset < 0 ? -offset : offset;
    bool has_minutes = size / 60 % 60 != 0;
    bool has_seconds = size % 60 != 0;
    bool is_localized = item->letter == 'O' || (item->letter == 'Z' && item->count == 4);
    if (is_localized) {
        size_t n = put(ret_text, "GMT", 3);
        if (size == 0) {
            return n;
        }
        int parts = has_seconds ? 3 : item->count == 4 || has_minutes ? 2 : 1;
        if (item->count == 4 || size >= 36000) {
            return n + put_offset(ret_text + n, offset, ':', parts);
        }
        char text[16];
        size_t len = put_offset(text, offset, ':', parts);
        ret_text[n++] = text[0];
        return n + put(ret_text + n, text + 2, len - 2); /* an hour of one digit */
    }
    if (size == 0 && (item->letter == 'X' || (item->letter == 'Z' && item->count == 5))) {
        return put(ret_text, "Z", 1);
    }
    int count = item->letter == 'Z' && item->count < 4 ? 2 : item->count;
    char colon = count == 3 || count == 5 ? ':' : '\0';
    int parts = count == 1 ? 1 + has_minutes : count <= 3 ? 2 : 2 + has_seconds;
    return put_offset(ret_text, offset, colon, parts);
}

/* A time, taken apart. */
typedef struct Time {
    int64_t utc_us, local_us, days, of_day;
    KnDate date;
    int hour;
    const KnZone *zone;
} Time;

static size_t put_year(char *ret_text, int64_t year, int count) {
    if (count == 2) {
        int64_t size = year < 0 ? -year : year;
        return kn_padded_text(size % 100, 2, ret_text);
    }
    size_t n = 0;
    if (count >= 4 && year >= (int64_t)kn_power_of_ten[count]) {
        ret_text[n++] = '+';
    }
    return n + kn_padded_text(year, count, ret_text + n);
}

static size_t put_item(char *ret_text, const KnPattern *pattern, const Item *item, const Time *t) {
    int count = item->count;
    switch (item->letter) {
    case LITERAL: return put(ret_text, item->text.data, item->text.len);
    case 'G': {
        bool is_before = t->date.year <= 0;
        return count == 4 ? put_word(ret_text, is_before ? "Before Christ" : "Anno Domini", true) : put(ret_text, is_before ? "BC" : "AD", 2);
    }
    case 'y': return put_year(ret_text, pattern->has_era && t->date.year <= 0 ? 1 - t->date.year : t->date.year, count);
    case 'M':
    case 'L': return count < 3 ? kn_padded_text(t->date.month, count, ret_text) : put_word(ret_text, month_names[t->date.month - 1], count == 4);
    case 'd': return kn_padded_text(t->date.day, count, ret_text);
    case 'D': return kn_padded_text(kn_day_of_year(t->days), count, ret_text);
    case 'F': return kn_padded_text((t->date.day - 1) % 7 + 1, count, ret_text);
    case 'E': return put_word(ret_text, day_names[kn_day_of_week(t->days) - 1], count == 4);
    case 'a': return put(ret_text, t->hour < 12 ? "AM" : "PM", 2);
    case 'h': return kn_padded_text(t->hour % 12 == 0 ? 12 : t->hour % 12, count, ret_text);
    case 'H': return kn_padded_text(t->hour, count, ret_text);
    case 'k': return kn_padded_text(t->hour == 0 ? 24 : t->hour, count, ret_text);
    case 'K': return kn_padded_text(t->hour % 12, count, ret_text);
    case 'm': return kn_padded_text(t->of_day / 60000000 % 60, count, ret_text);
    case 's': return kn_padded_text(t->of_day / 1000000 % 60, count, ret_text);
    case 'S':
        (void)kn_padded_text(t->of_day % 1000000 * 1000, 9, ret_text);
        return (size_t)count;
    case 'Q':
    case 'q': {
        int quarter = (t->date.month + 2) / 3;
        if (count == 3) {
            ret_text[0] = 'Q';
            return 1 + kn_padded_text(quarter, 1, ret_text + 1);
        }
        return count < 3 ? kn_padded_text(quarter, count, ret_text) : put_word(ret_text, quarter_names[quarter - 1], true);
    }
    default: break;
    }
    if (item->letter == '[' || item->letter == ']' || t->zone == NULL) {
        return 0;
    }
    if (item->letter == 'V') {
        Str id = kn_zone_id(t->zone);
        return put(ret_text, id.data, id.len);
    }
    if (item->letter == 'z') {
        return kn_zone_name(t->zone, t->utc_us, count == 4, ret_text);
    }
    return put_zone_offset(ret_text, (t->local_us - t->utc_us) / KN_US_PER_SECOND, item);
}

size_t kn_pattern_format(const KnPattern *pattern, const KnZone *zone, int64_t us, char *ret_text) {
    Time t = {.utc_us = us, .local_us = zone == NULL ? us : kn_to_local(zone, us), .zone = zone};
    t.days = kn_floor_div(t.local_us, KN_US_PER_DAY);
    t.of_day = t.local_us - t.days * KN_US_PER_DAY;
    t.date = kn_date_of(t.days);
    t.hour = (int)(t.of_day / INT64_C(3600000000));
    size_t n = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        const Item *item = &pattern->items[i];
        if (item->has_zone && zone == NULL) {
            i = item->close;
        } else {
            n += put_item(ret_text + n, pattern, item, &t);
        }
    }
    return n;
}

/* ---- parsing ---------------------------------------------------------------------------------------------------------------------- */

typedef struct Fields {
    int64_t year;
    int month, day, day_of_year; /* 0: not there */
    int hour, half_hour, half;   /* half: 0 AM, 1 PM; half_hour: of 12; -1: not there */
    int minute, second, micros;  /* -1: not there */
    bool has_year, is_before_era;
    bool has_offset;
    int64_t offset;
    Str zone; /* a name */
} Fields;

/* A number's digits as NumberPrinterParser reads them. */
static inline bool read_number(const Item *item, Str s, size_t *at, int64_t *ret_value) {
    size_t from = *at;
    char sign = from < s.len ? s.data[from] : '\0';
    bool is_negative = sign == '-' && item->sign != UNSIGNED;
    bool is_positive = sign == '+' && item->sign == EXCEEDS_PAD;
    from += is_negative || is_positive ? 1 : 0;
    uint64_t size = 0; /* holds the most digits */
    const char *digits = s.data + from;
    size_t left = s.len - from;
    int n = 0;
    int limit = item->most;
    if (item->reserved > 0) { /* of the digits there, those that the next numbers don't take */
        int there = 0;
        while (there < limit + item->reserved && (size_t)there < left && is_digit(digits[there])) {
            there++;
        }
        limit = there - item->reserved > item->least ? there - item->reserved : item->least; /* at most item->most */
    }
    limit = (size_t)limit < left ? limit : (int)left;
    for (; n < limit; n++) {
        unsigned digit = (unsigned)(unsigned char)digits[n] - '0';
        if (digit > 9) {
            break;
        }
        size = size * 10 + digit;
    }
    if (n < item->least) {
        return false;
    }
    int64_t value = size < INT64_MAX ? (int64_t)size : INT64_MAX; /* far from every field's values */
    if (is_negative ? value == 0 : item->sign == EXCEEDS_PAD && is_positive != (n > item->least)) {
        return false;
    }
    *at = from + (size_t)n;
    *ret_value = is_negative ? -value : value;
    return true;
}

static inline bool read_text(Str s, size_t *at, Str word) {
    if (s.len - *at < word.len) {
        return false;
    }
    bool is_it = word.len == 1 && s.data[*at] == word.data[0]; /* most literals are a mark or a blank */
    if (!is_it && !str_eq_nocase((Str){s.data + *at, word.len}, word)) {
        return false;
    }
    *at += word.len;
    return true;
}

/* A field that stands twice must be the same; none: what it is while it is not there. */
static bool set_once(int *field, int none, int64_t value) {
    bool is_other = *field != none && *field != value;
    *field = (int)value;
    return !is_other;
}

static bool read_month(const Item *item, Str s, size_t *at, Fields *fields) {
    for (int i = 0; i < 12; i++) {
        if (read_text(s, at, (Str){month_names[i], item->count == 4 ? strlen(month_names[i]) : 3})) {
            return set_once(&fields->month, 0, i + 1);
        }
    }
    return false;
}

/* Two digits up to 59, behind a colon when there is one. */
static bool read_sixty(Str s, size_t *at, bool has_colon, int64_t *ret_value) {
    size_t from = *at + (has_colon ? 1 : 0);
    if (from + 2 > s.len || (has_colon && s.data[*at] != ':')) {
        return false;
    }
    unsigned tens = (unsigned)(unsigned char)s.data[from] - '0';
    unsigned ones = (unsigned)(unsigned char)s.data[from + 1] - '0';
    if (tens > 5 || ones > 9) {
        return false;
    }
    *ret_value = tens * 10 + ones;
    *at = from + 2;
    return true;
}

static bool set_offset(Fields *fields, bool is_negative, int64_t hours, int64_t minutes, int64_t seconds) {
    int64_t size = (hours * 60 + minutes) * 60 + seconds;
    int64_t offset = is_negative ? -size : size;
    bool is_other = fields->has_offset && offset != fields->offset;
    fields->has_offset = true;
    fields->offset = offset;
    return !is_other;
}

/* GMT, GMT+8, GMT+08:00 */
static bool read_localized(const Item *item, Str s, size_t *at, Fields *fields) {
    int64_t hours = 0, minutes = 0, seconds = 0;
    if (!read_text(s, at, STR("GMT"))) {
        return false;
    }
    if (*at == s.len || (s.data[*at] != '+' && s.data[*at] != '-')) {
        return set_offset(fields, false, 0, 0, 0);
    }
    bool is_negative = s.data[(*at)++] == '-';
    const Item hour = {.least = item->count == 4 ? 2 : 1, .most = 2};
    if (!read_number(&hour, s, at, &hours) || (!read_sixty(s, at, true, &minutes) && item->count == 4)) {
        return false;
    }
    (void)read_sixty(s, at, true, &seconds);
    return set_offset(fields, is_negative, hours, minutes, seconds);
}

/* X x Z as OffsetIdPrinterParser reads them. */
static bool read_offset(const Item *item, Str s, size_t *at, Fields *fields) {
    static const char *const zeros[] = {"+00", "+0000", "+00:00", "+0000", "+00:00"};
    int count = item->letter == 'Z' && item->count < 4 ? 2 : item->count;
    bool is_z = item->letter == 'X' || (item->letter == 'Z' && count == 5);
    if (read_text(s, at, is_z ? STR("Z") : str_from_c(zeros[count - 1]))) {
        return set_offset(fields, false, 0, 0, 0);
    }
    if (*at == s.len || (s.data[*at] != '+' && s.data[*at] != '-')) {
        return false;
    }
    bool is_negative = s.data[(*at)++] == '-';
    bool has_colon = count == 3 || count == 5;
    int64_t hours = 0, minutes = 0, seconds = 0;
    if (!read_sixty(s, at, false, &hours) || (!read_sixty(s, at, has_colon, &minutes) && count > 1)) {
        return false;
    }
    if (count > 3) {
        (void)read_sixty(s, at, has_colon, &seconds);
    }
    return set_offset(fields, is_negative, hours, minutes, seconds);
}

static bool read_zone(const Item *item, Str s, size_t *at, Fields *fields) {
    if (item->letter == 'O' || (item->letter == 'Z' && item->count == 4)) {
        return read_localized(item, s, at, fields);
    }
    if (item->letter != 'V' && item->letter != 'z') {
        return read_offset(item, s, at, fields);
    }
    size_t from = *at;
    while (*at < s.len && (is_letter(s.data[*at]) || is_digit(s.data[*at]) || memchr("/_+-:~.", s.data[*at], 7) != NULL)) {
        (*at)++;
    }
    fields->zone = str_slice(s, from, *at);
    return *at > from;
}

/* The value of a letter's number. */
static bool set_field(const Item *item, int64_t value, Fields *fields) {
    switch (item->letter) {
    case 'y':
        fields->year = item->count == 2 ? 2000 + value : value;
        fields->has_year = true;
        return fields->year <= 999999999 && fields->year >= -999999999;
    case 'M':
    case 'L': return value >= 1 && value <= 12 && set_once(&fields->month, 0, value);
    case 'd': fields->day = (int)value; return value >= 1 && value <= 31;
    case 'D': fields->day_of_year = (int)value; return value >= 1 && value <= 366;
    case 'H': return value >= 0 && value < 24 && set_once(&fields->hour, -1, value);
    case 'k': return value >= 1 && value <= 24 && set_once(&fields->hour, -1, value % 24);
    case 'h': return value >= 1 && value <= 12 && set_once(&fields->half_hour, -1, value % 12);
    case 'K': return value >= 0 && value < 12 && set_once(&fields->half_hour, -1, value);
    case 'm': fields->minute = (int)value; return value >= 0 && value < 60;
    case 's': fields->second = (int)value; return value >= 0 && value < 60;
    default: return false;
    }
}

/* The digits of a fraction of a second, as microseconds. */
static bool set_fraction(int64_t value, size_t digits, Fields *fields) {
    for (; digits < 6; digits++) {
        value *= 10;
    }
    for (; digits > 6; digits--) {
        value /= 10;
    }
    fields->micros = (int)value;
    return true;
}

static bool read_item(const Item *item, Str s, size_t *at, Fields *fields) {
    if (item->is_number) {
        int64_t value = 0;
        size_t from = *at;
        return read_number(item, s, at, &value) &&
               (item->letter == 'S' ? set_fraction(value, *at - from, fields) : set_field(item, value, fields));
    }
    switch (item->letter) {
    case LITERAL: return read_text(s, at, item->text);
    case 'M':
    case 'L': return read_month(item, s, at, fields);
    case 'a':
        fields->half = read_text(s, at, STR("AM")) ? 0 : read_text(s, at, STR("PM")) ? 1 : -1;
        return fields->half >= 0;
    case 'G':
        fields->is_before_era = read_text(s, at, item->count == 4 ? STR("Before Christ") : STR("BC"));
        return fields->is_before_era || read_text(s, at, item->count == 4 ? STR("Anno Domini") : STR("AD"));
    default: return read_zone(item, s, at, fields);
    }
}

static bool read_items(const KnPattern *pattern, size_t from, size_t to, Str s, size_t *at, Fields *fields) {
    for (size_t i = from; i < to; i++) {
        const Item *item = &pattern->items[i];
        if (item->letter == '[') {
            size_t before = *at;
            Fields kept = *fields;
            if (!read_items(pattern, i + 1, item->close, s, at, fields)) { /* as if it were not there */
                *at = before;
                *fields = kept;
            }
            i = item->close;
        } else if (item->letter != ']' && !read_item(item, s, at, fields)) {
            return false;
        }
    }
    return true;
}

static bool date_of(const KnPattern *pattern, const Fields *f, int64_t *ret_days) {
    int64_t year = f->has_year ? f->year : 1970;
    if (pattern->has_era && f->has_year) {
        if (year < 1) {
            return false;
        }
        year = f->is_before_era ? 1 - year : year;
    }
    int month = f->month > 0 ? f->month : 1;
    int day = f->day > 0 ? f->day : 1;
    if (f->day_of_year == 0) {
        *ret_days = kn_is_date(year, month, day) ? kn_days_of(year, month, day) : INT64_MAX;
        return *ret_days != INT64_MAX;
    }
    if (f->day_of_year > (kn_is_leap(year) ? 366 : 365)) {
        return false;
    }
    *ret_days = kn_days_of(year, 1, 1) + f->day_of_year - 1;
    KnDate date = kn_date_of(*ret_days);
    return (f->month == 0 || f->month == date.month) && (f->day == 0 || f->day == date.day);
}

/* The time of the day. An hour of 24 must agree with one of 12 and with its half, where java.time makes a whole time of what is there. */
static bool time_of(const Fields *f, int64_t *ret_us) {
    int hour = f->hour;
    if (hour < 0) {
        hour = (f->half_hour > 0 ? f->half_hour : 0) + (f->half == 1 ? 12 : 0);
    } else {
        bool is_whole = f->minute < 0 ? f->second < 0 && f->micros < 0 : f->second >= 0 || f->micros < 0;
        bool agrees = (f->half < 0 || f->half == hour / 12) && (f->half_hour < 0 || f->half_hour == hour % 12);
        if (!agrees && (is_whole || (f->half >= 0 && f->half_hour >= 0))) {
            return false;
        }
    }
    int minute = f->minute > 0 ? f->minute : 0;
    int second = f->second > 0 ? f->second : 0;
    *ret_us = (((int64_t)hour * 60 + minute) * 60 + second) * KN_US_PER_SECOND + (f->micros > 0 ? f->micros : 0);
    return true;
}

static bool parse_fields(const KnPattern *pattern, Str s, Fields *fields, int64_t *ret_days, int64_t *ret_of_day) {
    size_t at = 0;
    *fields = (Fields){.hour = -1, .half_hour = -1, .half = -1, .minute = -1, .second = -1, .micros = -1};
    return read_items(pattern, 0, pattern->count, s, &at, fields) && at == s.len && date_of(pattern, fields, ret_days) && time_of(fields, ret_of_day);
}

bool kn_pattern_parse_date(const KnPattern *pattern, Str text, int32_t *ret_days) {
    Fields f;
    int64_t days;
    int64_t of_day;
    if (!parse_fields(pattern, text, &f, &days, &of_day)) {
        return false;
    }
    *ret_days = (int32_t)days;
    int64_t ignored;
    return days >= INT32_MIN && days <= INT32_MAX && (f.zone.len == 0 || kn_to_utc_in(f.zone, 0, &ignored));
}

bool kn_pattern_parse(const KnPattern *pattern, const KnZone *session, Str text, int64_t *ret_us) {
    Fields f;
    int64_t days;
    int64_t of_day;
    if (!parse_fields(pattern, text, &f, &days, &of_day)) {
        return false;
    }
    __int128 wide = (__int128)days * KN_US_PER_DAY + of_day;
    if (wide < INT64_MIN || wide > INT64_MAX) {
        return false;
    }
    int64_t local = (int64_t)wide;
    if (session == NULL) {
        *ret_us = local;
        return !f.has_offset && f.zone.len == 0;
    }
    if (f.zone.len > 0) {
        return kn_to_utc_in(f.zone, local, ret_us);
    }
    if (f.has_offset) {
        return f.offset >= -MOST_OFFSET && f.offset <= MOST_OFFSET && !__builtin_sub_overflow(local, f.offset * KN_US_PER_SECOND, ret_us);
    }
    *ret_us = kn_to_utc(session, local);
    return true;
}

/* ---- kernels ---------------------------------------------------------------------------------------------------------------------- */

/* What a call's state keeps: the pattern and the arena that it lives in. */
typedef struct KeptPattern {
    Arena *owned_arena;
    const KnPattern *pattern;
} KeptPattern;

static void free_kept(void *owned) {
    arena_free(((KeptPattern *)owned)->owned_arena);
}

static void *keep_pattern(KnCall *kn, Str text, bool is_parsing) {
    Err err = {0};
    Arena *arena = arena_new();
    KeptPattern *kept = ARENA_NEW(arena, KeptPattern);
    *kept = (KeptPattern){.owned_arena = arena, .pattern = kn_pattern_new(arena, text, is_parsing, &err)};
    if (kept->pattern == NULL) {
        arena_free(arena);
        kn_fail(kn, "%s: %s", err.code, err.message);
        return NULL;
    }
    return kept;
}

static void *keep_for_reading(KnCall *kn, Str text) {
    return keep_pattern(kn, text, true);
}

static void *keep_for_writing(KnCall *kn, Str text) {
    return keep_pattern(kn, text, false);
}

static const KnPattern *pattern_of(KnCall *kn, Str text, bool is_parsing) {
    const KeptPattern *kept = kn_cached_also(kn, text, is_parsing ? keep_for_reading : keep_for_writing, free_kept);
    return kept == NULL ? NULL : kept->pattern;
}

static void date_format(KnCall *kn) { /* (timestamp, pattern, zone) */
    KN_EACH_ROW(kn, i) {
        const KnPattern *pattern = pattern_of(kn, kn_str(kn, 1, i), false);
        const KnZone *zone = pattern == NULL ? NULL : kn_zone_of(kn, kn_str(kn, 2, i));
        if (zone == NULL) {
            return;
        }
        kn_text_start(kn);
        char *text = kn_text_reserve(kn, kn_pattern_room(pattern));
        kn_put(kn, i, (Str){text, kn_pattern_format(pattern, zone, KN_ARG(kn, int64_t, 0)[i], text)});
    }
}

static void parse_timestamp(KnCall *kn) { /* (text, pattern, zone) */
    KN_EACH_ROW(kn, i) {
        const KnPattern *pattern = pattern_of(kn, kn_str(kn, 1, i), true);
        const KnZone *zone = pattern == NULL ? NULL : kn_zone_of(kn, kn_str(kn, 2, i));
        if (zone == NULL) {
            return;
        }
        if (!kn_pattern_parse(pattern, zone, kn_str(kn, 0, i), &KN_OUT(kn, int64_t)[i])) {
            kn_null(kn, i);
        }
    }
}

const KnScalar kn_date_pattern_kernels[] = {
    {"spark_date_format", "Tss:s", date_format},
    {"spark_parse_timestamp", "sss:T", parse_timestamp},
    {.name = NULL},
};
