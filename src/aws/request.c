/* request.c - see request.h: looking things up in a request, and the text of times. */
#include "aws/request.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

Str aws_header(const AwsRequest *request, const char *name) {
    for (size_t i = 0; i < request->headers.count; i++) {
        if (str_eq_c(request->headers.items[i].name, name)) {
            return request->headers.items[i].value;
        }
    }
    return STR("");
}

bool aws_has_header(const AwsRequest *request, const char *name) {
    for (size_t i = 0; i < request->headers.count; i++) {
        if (str_eq_c(request->headers.items[i].name, name)) {
            return true;
        }
    }
    return false;
}

Str aws_query(const AwsRequest *request, const char *name, bool *ret_there) {
    for (size_t i = 0; i < request->query.count; i++) {
        if (str_eq_c(request->query.items[i].name, name)) {
            if (ret_there != NULL) {
                *ret_there = true;
            }
            return request->query.items[i].value;
        }
    }
    if (ret_there != NULL) {
        *ret_there = false;
    }
    return STR("");
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

Str aws_percent_decode(Arena *arena, Str text, bool plus_is_space) {
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = text.data[i] == '%' && i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
        if (low >= 0) {
            out[len++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[len++] = plus_is_space && text.data[i] == '+' ? ' ' : text.data[i];
        }
    }
    return (Str){out, len};
}

Str aws_percent_encode(Arena *arena, Str text) {
    StrBuf out = {.arena = arena};
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-_.~/", c) != NULL);
        if (is_plain) {
            strbuf_add_char(&out, c);
        } else {
            strbuf_fmt(&out, "%%%02X", (unsigned char)c);
        }
    }
    return strbuf_str(&out);
}

static bool is_token(Str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c <= ' ' || c > '~' || memchr("\"(),/:;<=>?@[\\]{}", c, 17) != NULL) {
            return false;
        }
    }
    return name.len > 0;
}

bool aws_check_framing(const AwsRequest *request, Err *err) {
    Str length = aws_header(request, "content-length");
    size_t hosts = 0;
    for (size_t i = 0; i < request->headers.count; i++) {
        const AwsPair *header = &request->headers.items[i];
        hosts += str_eq_c(header->name, "host") ? 1 : 0;
        if (!is_token(header->name)) {
            return err_set(err, "BadRequest", "A header's name is not one.");
        }
        if (str_eq_c(header->name, "content-length") && !str_eq(header->value, length)) {
            return err_set(err, "BadRequest", "The request has several Content-Length headers.");
        }
    }
    if (hosts > 1) {
        return err_set(err, "BadRequest", "The request has several Host headers.");
    }
    if (!aws_has_header(request, "transfer-encoding")) {
        return true;
    }
    if (aws_has_header(request, "content-length")) {
        return err_set(err, "BadRequest", "The request has both Content-Length and Transfer-Encoding.");
    }
    return str_eq_nocase(aws_header(request, "transfer-encoding"), STR("chunked")) ||
           err_set(err, "BadRequest", "Transfer-Encoding can only be chunked.");
}

void aws_parse_query(AwsRequest *request) {
    Str rest = request->raw_query;
    while (rest.len > 0) {
        const char *ampersand = memchr(rest.data, '&', rest.len);
        size_t end = ampersand == NULL ? rest.len : (size_t)(ampersand - rest.data);
        Str pair = str_slice(rest, 0, end);
        const char *equals = pair.len == 0 ? NULL : memchr(pair.data, '=', pair.len);
        size_t name_end = equals == NULL ? pair.len : (size_t)(equals - pair.data);
        if (pair.len > 0) {
            VEC_PUSH(&request->query, (AwsPair){aws_percent_decode(request->arena, str_slice(pair, 0, name_end), true),
                                                aws_percent_decode(request->arena, str_slice(pair, name_end + 1, pair.len), true)});
        }
        rest = str_slice(rest, end + 1, rest.len);
    }
}

static bool utc_of(double seconds, struct tm *ret_tm) {
    time_t whole = (time_t)floor(seconds);
    return gmtime_r(&whole, ret_tm) != NULL;
}

Str aws_time_iso(Arena *arena, double seconds) {
    struct tm tm;
    int millis = (int)llround((seconds - floor(seconds)) * 1000);
    if (millis == 1000) {
        millis = 0;
        seconds += 1;
    }
    if (!utc_of(seconds, &tm)) {
        return STR("");
    }
    return str_fmt(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, millis);
}

static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

Str aws_time_http(Arena *arena, double seconds) {
    struct tm tm;
    if (!utc_of(seconds, &tm)) {
        return STR("");
    }
    return str_fmt(arena, "%s, %02d %s %04d %02d:%02d:%02d GMT", DAYS[tm.tm_wday], tm.tm_mday, MONTHS[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                   tm.tm_sec);
}

static bool time_from(int year, int month, int day, int hour, int minute, int second, double *ret_seconds) {
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute, .tm_sec = second};
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    *ret_seconds = (double)timegm(&tm);
    return true;
}

bool aws_time_parse(Str text, double *ret_seconds) {
    char copy[64];
    char month[4];
    int year = 0;
    int mon = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (text.len == 0 || text.len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (sscanf(copy, "%4d%2d%2dT%2d%2d%2dZ", &year, &mon, &day, &hour, &minute, &second) == 6) { /* x-amz-date */
        return time_from(year, mon, day, hour, minute, second, ret_seconds);
    }
    if (sscanf(copy, "%4d-%2d-%2dT%2d:%2d:%2d", &year, &mon, &day, &hour, &minute, &second) == 6) {
        double fraction = 0;
        const char *point = strchr(copy, '.');
        if (point != NULL) {
            (void)sscanf(point, "%lf", &fraction);
        }
        bool ok = time_from(year, mon, day, hour, minute, second, ret_seconds);
        *ret_seconds += fraction;
        return ok;
    }
    if (sscanf(copy, "%*3s, %2d %3s %4d %2d:%2d:%2d", &day, month, &year, &hour, &minute, &second) == 6) {
        for (size_t i = 0; i < 12; i++) {
            if (strcmp(month, MONTHS[i]) == 0) {
                return time_from(year, (int)i + 1, day, hour, minute, second, ret_seconds);
            }
        }
        return false;
    }
    return str_to_double(text, ret_seconds);
}
