/* exec/byte_source.c - see byte_source.h. */
#include "exec/byte_source.h"

#include "exec/decompress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RAW_SIZE = 256 * 1024 };

struct ExByteSource {
    int fd;
    Str shown;
    ExCharset charset;
    const ExCodec *codec; /* NULL: plain */
    ExDecompressor *decompressor;
    bool at_start; /* a byte order mark may come */
    bool is_big_endian;
    int64_t taken;
    char *raw;      /* compressed bytes */
    Str compressed; /* what is left of them */
    bool holds_more; /* the last answer was full: more may come without more bytes of the file */
    char *coded;        /* decompressed bytes that await decoding */
    size_t coded_from, coded_to;
    char spill[8]; /* decoded bytes that did not fit */
    size_t spill_from, spill_to;
};

bool ex_charset_find(Str name, ExCharset *ret_charset) {
    static const struct {
        const char *name;
        ExCharset charset;
    } names[] = {{"utf-8", EX_UTF8},          {"utf8", EX_UTF8},          {"us-ascii", EX_UTF8},      {"ascii", EX_UTF8},
                 {"iso-8859-1", EX_LATIN1},   {"iso8859-1", EX_LATIN1},   {"iso_8859-1", EX_LATIN1},  {"latin1", EX_LATIN1},
                 {"iso-8859_1", EX_LATIN1},   {"utf-16", EX_UTF16},       {"utf16", EX_UTF16},        {"utf-16le", EX_UTF16LE},
                 {"utf-16be", EX_UTF16BE}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq_nocase(name, str_from_c(names[i].name))) {
            *ret_charset = names[i].charset;
            return true;
        }
    }
    return false;
}

bool ex_bytes_are_splittable(Str shown, ExCharset charset) {
    return charset == EX_UTF8 && ex_codec_of_name(shown) == NULL;
}

ExByteSource *ex_bytes_open(Str path, Str shown, ExCharset charset, int64_t from, Err *err) {
    const char *refused = ex_codec_refused(shown);
    if (refused != NULL) {
        err_set(err, ERR_NOT_SUPPORTED, "reading %.*s: files compressed as %s are not supported yet; .gz, .bz2, .zst and .deflate are", STR_ARG(shown), refused);
        return NULL;
    }
    ExByteSource *source = calloc(1, sizeof *source);
    if (source == NULL) {
        err_set(err, "SOLDER.OUT_OF_MEMORY", "reading %.*s: no memory", STR_ARG(shown));
        return NULL;
    }
    Arena *arena = arena_new();
    source->fd = open(str_to_c(arena, path), O_RDONLY | O_CLOEXEC);
    int open_error = errno;
    arena_free(arena);
    source->shown = shown;
    source->charset = charset;
    source->is_big_endian = charset != EX_UTF16LE;
    source->at_start = from == 0;
    source->codec = ex_codec_of_name(shown);
    if (source->fd < 0) {
        err_set(err, ERR_IO, "reading %.*s: %s", STR_ARG(shown), strerror(open_error));
        ex_bytes_close(source);
        return NULL;
    }
    if (from > 0 && lseek(source->fd, from, SEEK_SET) < 0) {
        err_set(err, ERR_IO, "reading %.*s: %s", STR_ARG(shown), strerror(errno));
        ex_bytes_close(source);
        return NULL;
    }
    if (source->codec != NULL) {
        source->raw = malloc(RAW_SIZE);
        source->decompressor = ex_decompressor_new(source->codec);
    }
    if (charset != EX_UTF8) {
        source->coded = malloc(RAW_SIZE);
    }
    if ((source->codec != NULL && (source->raw == NULL || source->decompressor == NULL)) || (charset != EX_UTF8 && source->coded == NULL)) {
        err_set(err, "SOLDER.OUT_OF_MEMORY", "reading %.*s: no memory", STR_ARG(shown));
        ex_bytes_close(source);
        return NULL;
    }
    return source;
}

static bool read_file(ExByteSource *source, void *buffer, size_t size, size_t *ret_size, Err *err) {
    ssize_t n;
    do {
        n = read(source->fd, buffer, size);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return err_set(err, ERR_IO, "reading %.*s: %s", STR_ARG(source->shown), strerror(errno));
    }
    source->taken += n;
    *ret_size = (size_t)n;
    return true;
}

static bool read_compressed(ExByteSource *source, char *buffer, size_t size, size_t *ret_size, Err *err) {
    const char *word = ex_codec_word(source->codec);
    size_t got = 0;
    *ret_size = 0;
    while (got == 0) {
        if (source->compressed.len == 0 && !source->holds_more) {
            size_t n = 0;
            if (!read_file(source, source->raw, RAW_SIZE, &n, err)) {
                return false;
            }
            if (n == 0) {
                return source->taken == 0 || ex_decompressor_has_ended(source->decompressor) ||
                       err_set(err, ERR_IO, "reading %.*s: the %s file is cut off", STR_ARG(source->shown), word);
            }
            source->compressed = (Str){source->raw, n};
        }
        const char *why = NULL;
        if (!ex_decompress(source->decompressor, &source->compressed, buffer, size, &got, &why)) {
            return err_set(err, ERR_IO, "reading %.*s: the %s file is damaged: %s", STR_ARG(source->shown), word, why);
        }
        source->holds_more = got == size;
    }
    *ret_size = got;
    return true;
}

static bool read_coded(ExByteSource *source, char *buffer, size_t size, size_t *ret_size, Err *err) {
    return source->codec != NULL ? read_compressed(source, buffer, size, ret_size, err) : read_file(source, buffer, size, ret_size, err);
}

static size_t put_utf8(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 63));
    out[2] = (char)(0x80 | ((c >> 6) & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

static bool fill_coded(ExByteSource *source, size_t need, Err *err) {
    size_t have = source->coded_to - source->coded_from;
    if (have >= need) {
        return true;
    }
    memmove(source->coded, source->coded + source->coded_from, have);
    source->coded_from = 0;
    source->coded_to = have;
    while (source->coded_to < need) {
        size_t n = 0;
        if (!read_coded(source, source->coded + source->coded_to, RAW_SIZE - source->coded_to, &n, err)) {
            return false;
        }
        if (n == 0) {
            break;
        }
        source->coded_to += n;
    }
    return true;
}

static uint32_t unit_at(const ExByteSource *source, size_t at) {
    unsigned char a = (unsigned char)source->coded[at], b = (unsigned char)source->coded[at + 1];
    return source->is_big_endian ? (uint32_t)(a << 8 | b) : (uint32_t)(b << 8 | a);
}

/* The next code point of UTF-16; *ret_size 0 at the end. Java puts U+FFFD for what is wrong. */
static bool next_utf16(ExByteSource *source, uint32_t *ret_c, size_t *ret_size, Err *err) {
    if (!fill_coded(source, 4, err)) {
        return false;
    }
    size_t have = source->coded_to - source->coded_from;
    *ret_size = 0;
    if (have == 0) {
        return true;
    }
    *ret_c = 0xFFFD;
    *ret_size = have < 2 ? have : 2;
    if (have < 2) {
        return true;
    }
    uint32_t c = unit_at(source, source->coded_from);
    if (c < 0xD800 || c > 0xDFFF) {
        *ret_c = c;
    } else if (c < 0xDC00 && have >= 4) {
        uint32_t low = unit_at(source, source->coded_from + 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *ret_c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            *ret_size = 4;
        }
    }
    return true;
}

static bool read_decoded(ExByteSource *source, char *buffer, size_t size, size_t *ret_size, Err *err) {
    size_t out = 0;
    while (source->spill_from < source->spill_to && out < size) {
        buffer[out++] = source->spill[source->spill_from++];
    }
    while (out < size && source->spill_from == source->spill_to) {
        uint32_t c = 0;
        size_t taken = 0;
        if (source->charset == EX_LATIN1) {
            if (!fill_coded(source, 1, err)) {
                return false;
            }
            taken = source->coded_from < source->coded_to ? 1 : 0;
            c = taken > 0 ? (unsigned char)source->coded[source->coded_from] : 0;
        } else if (!next_utf16(source, &c, &taken, err)) {
            return false;
        }
        if (taken == 0) {
            break;
        }
        source->coded_from += taken;
        if (source->at_start && source->charset != EX_LATIN1) {
            source->at_start = false;
            if (c == 0xFEFF) {
                continue;
            }
            if (c == 0xFFFE && source->charset == EX_UTF16) {
                source->is_big_endian = false;
                continue;
            }
        }
        char one[4];
        size_t n = put_utf8(one, c);
        for (size_t i = 0; i < n; i++) {
            if (out < size) {
                buffer[out++] = one[i];
            } else {
                if (source->spill_from == source->spill_to) {
                    source->spill_from = source->spill_to = 0;
                }
                source->spill[source->spill_to++] = one[i];
            }
        }
    }
    *ret_size = out;
    return true;
}

bool ex_bytes_read(ExByteSource *source, char *buffer, size_t size, size_t *ret_size, Err *err) {
    if (source->charset != EX_UTF8) {
        return read_decoded(source, buffer, size, ret_size, err);
    }
    if (!source->at_start || size < 3) {
        return read_coded(source, buffer, size, ret_size, err);
    }
    size_t have = 0, n = 1;
    while (have < 3 && n > 0) {
        if (!read_coded(source, buffer + have, size - have, &n, err)) {
            return false;
        }
        have += n;
    }
    source->at_start = false;
    if (have >= 3 && memcmp(buffer, "\xEF\xBB\xBF", 3) == 0) {
        memmove(buffer, buffer + 3, have - 3);
        have -= 3;
        if (have == 0) {
            return read_coded(source, buffer, size, ret_size, err);
        }
    }
    *ret_size = have;
    return true;
}

int64_t ex_bytes_taken(const ExByteSource *source) {
    return source->taken;
}

void ex_bytes_close(ExByteSource *owned_source) {
    if (owned_source == NULL) {
        return;
    }
    if (owned_source->fd >= 0) {
        close(owned_source->fd);
    }
    ex_decompressor_free(owned_source->decompressor);
    free(owned_source->raw);
    free(owned_source->coded);
    free(owned_source);
}
