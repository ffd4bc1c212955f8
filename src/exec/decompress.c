/* exec/decompress.c - see decompress.h. Three libraries behind one step function each. */
#include "exec/decompress.h"

#include <bzlib.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

typedef union State {
    z_stream zlib;
    bz_stream bzip2;
    ZSTD_DStream *zstd;
} State;

/* One step; *ret_ended: a member is complete. */
typedef bool (*Step)(State *state, Str *in, char *out, size_t size, size_t *ret_size, bool *ret_ended, const char **ret_why);

struct ExCodec {
    const char *word;
    const char *suffixes[2];
    bool (*open)(State *state); /* also for the next member of the file, after close */
    void (*close)(State *state);
    Step step;
};

struct ExDecompressor {
    const ExCodec *codec;
    State state;
    bool is_open, has_ended;
};

/* 15: the largest window; 16 more: gzip's header. */
static bool zlib_open(State *state, int window) {
    state->zlib = (z_stream){0};
    return inflateInit2(&state->zlib, window) == Z_OK;
}

static bool gzip_open(State *state) {
    return zlib_open(state, 15 + 16);
}

static bool deflate_open(State *state) {
    return zlib_open(state, 15);
}

static void zlib_close(State *state) {
    (void)inflateEnd(&state->zlib);
}

static bool zlib_step(State *state, Str *in, char *out, size_t size, size_t *ret_size, bool *ret_ended, const char **ret_why) {
    z_stream *zip = &state->zlib;
    zip->next_in = (unsigned char *)(uintptr_t)in->data;
    zip->avail_in = (uInt)in->len;
    zip->next_out = (unsigned char *)out;
    zip->avail_out = (uInt)size;
    int code = inflate(zip, Z_NO_FLUSH);
    *in = (Str){(const char *)zip->next_in, zip->avail_in};
    *ret_size = size - zip->avail_out;
    *ret_ended = code == Z_STREAM_END;
    *ret_why = zip->msg != NULL ? zip->msg : "wrong data";
    return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR;
}

static bool bzip2_open(State *state) {
    state->bzip2 = (bz_stream){0};
    return BZ2_bzDecompressInit(&state->bzip2, 0, 0) == BZ_OK;
}

static void bzip2_close(State *state) {
    (void)BZ2_bzDecompressEnd(&state->bzip2);
}

static bool bzip2_step(State *state, Str *in, char *out, size_t size, size_t *ret_size, bool *ret_ended, const char **ret_why) {
    bz_stream *zip = &state->bzip2;
    zip->next_in = (char *)(uintptr_t)in->data;
    zip->avail_in = (unsigned)in->len;
    zip->next_out = out;
    zip->avail_out = (unsigned)size;
    int code = BZ2_bzDecompress(zip);
    *in = (Str){zip->next_in, zip->avail_in};
    *ret_size = size - zip->avail_out;
    *ret_ended = code == BZ_STREAM_END;
    *ret_why = code == BZ_DATA_ERROR_MAGIC ? "it does not begin as one" : code == BZ_MEM_ERROR ? "no memory" : "wrong data";
    return code == BZ_OK || code == BZ_STREAM_END;
}

static bool zstd_open(State *state) {
    state->zstd = ZSTD_createDStream();
    return state->zstd != NULL && !ZSTD_isError(ZSTD_initDStream(state->zstd));
}

static void zstd_close(State *state) {
    (void)ZSTD_freeDStream(state->zstd);
}

static bool zstd_step(State *state, Str *in, char *out, size_t size, size_t *ret_size, bool *ret_ended, const char **ret_why) {
    ZSTD_inBuffer from = {in->data, in->len, 0};
    ZSTD_outBuffer to = {out, size, 0};
    size_t code = ZSTD_decompressStream(state->zstd, &to, &from);
    *in = (Str){in->data + from.pos, in->len - from.pos};
    *ret_size = to.pos;
    *ret_ended = code == 0;
    *ret_why = ZSTD_isError(code) ? ZSTD_getErrorName(code) : "wrong data";
    return !ZSTD_isError(code);
}

static const ExCodec CODECS[] = {
    {"gzip", {".gz", ".gzip"}, gzip_open, zlib_close, zlib_step},
    {"deflate", {".deflate", NULL}, deflate_open, zlib_close, zlib_step},
    {"bzip2", {".bz2", NULL}, bzip2_open, bzip2_close, bzip2_step},
    {"Zstandard", {".zst", NULL}, zstd_open, zstd_close, zstd_step},
};

const ExCodec *ex_codec_of_name(Str name) {
    for (size_t i = 0; i < sizeof CODECS / sizeof CODECS[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            if (CODECS[i].suffixes[k] != NULL && str_ends_with(name, str_from_c(CODECS[i].suffixes[k]))) {
                return &CODECS[i];
            }
        }
    }
    return NULL;
}

const char *ex_codec_refused(Str name) {
    static const char *const REFUSED[] = {".lz4", ".snappy", ".xz", ".lzo"};
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        if (str_ends_with(name, str_from_c(REFUSED[i]))) {
            return REFUSED[i];
        }
    }
    return NULL;
}

const char *ex_codec_word(const ExCodec *codec) {
    return codec->word;
}

ExDecompressor *ex_decompressor_new(const ExCodec *codec) {
    ExDecompressor *decompressor = calloc(1, sizeof *decompressor);
    if (decompressor == NULL) {
        return NULL;
    }
    decompressor->codec = codec;
    decompressor->is_open = codec->open(&decompressor->state);
    if (!decompressor->is_open) {
        ex_decompressor_free(decompressor);
        return NULL;
    }
    return decompressor;
}

void ex_decompressor_free(ExDecompressor *owned_decompressor) {
    if (owned_decompressor != NULL && owned_decompressor->is_open) {
        owned_decompressor->codec->close(&owned_decompressor->state);
    }
    free(owned_decompressor);
}

bool ex_decompress(ExDecompressor *decompressor, Str *in, char *out, size_t size, size_t *ret_size, const char **ret_why) {
    if (decompressor->has_ended) { /* the next member */
        decompressor->codec->close(&decompressor->state);
        decompressor->is_open = decompressor->codec->open(&decompressor->state);
        decompressor->has_ended = false;
        if (!decompressor->is_open) {
            *ret_why = "no memory";
            return false;
        }
    }
    return decompressor->codec->step(&decompressor->state, in, out, size, ret_size, &decompressor->has_ended, ret_why);
}

bool ex_decompressor_has_ended(const ExDecompressor *decompressor) {
    return decompressor->has_ended;
}
