/* unicode.h - stepping through UTF-8.
 *
 * Shared by the text kernels. Invariant: never reads past a string's end, whatever its bytes are.
 */
#ifndef SOLDER_KERNELS_UNICODE_H
#define SOLDER_KERNELS_UNICODE_H

#include "base/str.h"

/* Bytes of the character that starts here (1 for a stray byte), never more than are left. */
static inline size_t kn_char_size(Str s, size_t at) {
    unsigned char c = (unsigned char)s.data[at];
    size_t size = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return size > s.len - at ? s.len - at : size;
}

static inline uint32_t kn_char_code(Str s, size_t at, size_t size) {
    unsigned char c = (unsigned char)s.data[at];
    uint32_t code = size == 1 ? c : size == 2 ? c & 0x1Fu : size == 3 ? c & 0x0Fu : c & 0x07u;
    for (size_t i = 1; i < size; i++) {
        code = code << 6 | ((unsigned char)s.data[at + i] & 0x3Fu);
    }
    return code;
}

/* Writes a code point; the bytes used (1..4). */
static inline size_t kn_char_write(uint32_t code, char *ret_bytes) {
    if (code < 0x80) {
        ret_bytes[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        ret_bytes[0] = (char)(0xC0 | code >> 6);
        ret_bytes[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        ret_bytes[0] = (char)(0xE0 | code >> 12);
        ret_bytes[1] = (char)(0x80 | (code >> 6 & 0x3F));
        ret_bytes[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    ret_bytes[0] = (char)(0xF0 | code >> 18);
    ret_bytes[1] = (char)(0x80 | (code >> 12 & 0x3F));
    ret_bytes[2] = (char)(0x80 | (code >> 6 & 0x3F));
    ret_bytes[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static inline size_t kn_char_count(Str s) {
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++) {
        count += ((unsigned char)s.data[i] & 0xC0) != 0x80;
    }
    return count;
}

/* The byte offset of the index-th character, s.len when there are fewer. */
static inline size_t kn_char_offset(Str s, size_t index) {
    size_t at = 0;
    while (index > 0 && at < s.len) {
        at += kn_char_size(s, at);
        index--;
    }
    return at;
}

static inline bool kn_is_ascii(Str s) {
    unsigned char all = 0;
    for (size_t i = 0; i < s.len; i++) {
        all |= (unsigned char)s.data[i];
    }
    return all < 0x80;
}

#endif
