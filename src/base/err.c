/* err.c - see err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Drops a multi-byte character that the end of the buffer cut in two. */
static void cut_at_utf8_boundary(char *text) {
    size_t len = strlen(text);
    size_t start = len;
    while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return;
    }
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (len - start + 1 < need) {
        text[start - 1] = '\0';
    }
}

bool err_set(Err *err, const char *code, const char *fmt, ...) {
    if (err->is_set) {
        return false;
    }
    err->is_set = true;
    (void)snprintf(err->code, sizeof err->code, "%s", code);
    va_list args;
    va_start(args, fmt);
    int need = vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    if (need >= (int)sizeof err->message) {
        cut_at_utf8_boundary(err->message);
    }
    return false;
}

bool err_prefix(Err *err, const char *fmt, ...) {
    char old[ERR_MESSAGE_MAX];
    memcpy(old, err->message, sizeof old);
    va_list args;
    va_start(args, fmt);
    int wrote = vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    if (wrote < 0 || wrote >= (int)sizeof err->message) {
        memcpy(err->message, old, sizeof old);
        return false;
    }
    int need = snprintf(err->message + wrote, sizeof err->message - (size_t)wrote, "%s", old);
    if (need >= (int)(sizeof err->message - (size_t)wrote)) {
        cut_at_utf8_boundary(err->message);
    }
    return false;
}

const char *err_io_code(int error) {
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? ERR_DISK_FULL : ERR_IO;
}

bool err_is(const Err *err, const char *code) {
    return err->is_set && strcmp(err->code, code) == 0;
}

void err_clear(Err *err) {
    err->is_set = false;
    err->code[0] = '\0';
    err->message[0] = '\0';
}
