/* utf8.c - see utf8.h. */
#include "base/utf8.h"

#include <string.h>

/* Length of the well-formed sequence at p, or 0 with *ret_bad: bytes that Java replaces by one U+FFFD. */
static size_t sequence(const unsigned char *p, size_t left, size_t *ret_bad) {
    unsigned char a = p[0];
    *ret_bad = 1;
    if (a < 0x80) {
        return 1;
    }
    size_t n = a >= 0xC2 && a <= 0xDF ? 2 : a >= 0xE0 && a <= 0xEF ? 3 : a >= 0xF0 && a <= 0xF4 ? 4 : 0;
    if (n == 0) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        unsigned char low = 0x80, high = 0xBF;
        if (i == 1) {
            low = a == 0xE0 ? 0xA0 : a == 0xF0 ? 0x90 : 0x80;
            high = a == 0xED ? 0x9F : a == 0xF4 ? 0x8F : 0xBF;
        }
        if (i >= left || p[i] < low || p[i] > high) {
            *ret_bad = i;
            return 0;
        }
    }
    return n;
}

bool utf8_is_valid(const char *data, size_t size) {
    const unsigned char *p = (const unsigned char *)data;
    size_t bad;
    for (size_t i = 0; i < size;) {
        size_t n = sequence(p + i, size - i, &bad);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

size_t utf8_repair(const char *data, size_t size, char *out) {
    const unsigned char *p = (const unsigned char *)data;
    size_t to = 0;
    for (size_t i = 0; i < size;) {
        size_t bad, n = sequence(p + i, size - i, &bad);
        if (n > 0) {
            memcpy(out + to, p + i, n);
            to += n;
            i += n;
        } else {
            memcpy(out + to, "\xEF\xBF\xBD", 3);
            to += 3;
            i += bad;
        }
    }
    return to;
}
