/* exec/compress.c - see compress.h. zlib and libbz2 behind one step function each. */
#include "exec/compress.h"

#include <bzlib.h>
#include <stdlib.h>
#include <zlib.h>

typedef union State {
    z_stream zlib;
    bz_stream bzip2;
} State;

typedef struct Step {
    Str in; /* moved on */
    char *out;
    size_t size; /* of out; then what is filled */
    bool is_last, has_ended;
} Step;

struct ExCompression {
    const char *name, *hadoop, *suffix;
    bool (*open)(State *state); /* NULL: Spark has it, Solder not yet */
    void (*close)(State *state);
    bool (*step)(State *state, Step *step);
};

struct ExCompressor {
    const ExCompression *compression;
    State state;
    bool is_open;
};

/* 15: the largest window; 16 more: with gzip's header. 8: zlib's own memory level. */
static bool gzip_open(State *state) {
    return deflateInit2(&state->zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool deflate_open(State *state) {
    return deflateInit2(&state->zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15, 8, Z_DEFAULT_STRATEGY) == Z_OK;
}

static void zlib_close(State *state) {
    (void)deflateEnd(&state->zlib);
}

static bool zlib_step(State *state, Step *step) {
    z_stream *zip = &state->zlib;
    zip->next_in = (unsigned char *)(uintptr_t)step->in.data;
    zip->avail_in = (uInt)step->in.len;
    zip->next_out = (unsigned char *)step->out;
    zip->avail_out = (uInt)step->size;
    int code = deflate(zip, step->is_last ? Z_FINISH : Z_NO_FLUSH);
    step->in = (Str){(const char *)zip->next_in, zip->avail_in};
    step->size -= zip->avail_out;
    step->has_ended = code == Z_STREAM_END;
    return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR;
}

static bool bzip2_open(State *state) {
    return BZ2_bzCompressInit(&state->bzip2, 9, 0, 0) == BZ_OK; /* blocks of 900 kB, as Hadoop's */
}

static void bzip2_close(State *state) {
    (void)BZ2_bzCompressEnd(&state->bzip2);
}

static bool bzip2_step(State *state, Step *step) {
    bz_stream *zip = &state->bzip2;
    zip->next_in = (char *)(uintptr_t)step->in.data;
    zip->avail_in = (unsigned)step->in.len;
    zip->next_out = step->out;
    zip->avail_out = (unsigned)step->size;
    int code = BZ2_bzCompress(zip, step->is_last ? BZ_FINISH : BZ_RUN);
    step->in = (Str){zip->next_in, zip->avail_in};
    step->size -= zip->avail_out;
    step->has_ended = code == BZ_STREAM_END;
    return code == BZ_RUN_OK || code == BZ_FINISH_OK || code == BZ_STREAM_END;
}

static const ExCompression COMPRESSIONS[] = {
    {"gzip", "org.apache.hadoop.io.compress.GzipCodec", ".gz", gzip_open, zlib_close, zlib_step},
    {"bzip2", "org.apache.hadoop.io.compress.BZip2Codec", ".bz2", bzip2_open, bzip2_close, bzip2_step},
    {"deflate", "org.apache.hadoop.io.compress.DeflateCodec", ".deflate", deflate_open, zlib_close, zlib_step},
    {"lz4", "org.apache.hadoop.io.compress.Lz4Codec", ".lz4", NULL, NULL, NULL},
    {"snappy", "org.apache.hadoop.io.compress.SnappyCodec", ".snappy", NULL, NULL, NULL},
};

bool ex_compression_find(Str name, const ExCompression **ret, Err *err) {
    *ret = NULL;
    if (str_eq_nocase(name, STR("none")) || str_eq_nocase(name, STR("uncompressed"))) {
        return true;
    }
    for (size_t i = 0; i < sizeof COMPRESSIONS / sizeof COMPRESSIONS[0]; i++) {
        const ExCompression *compression = &COMPRESSIONS[i];
        if (!str_eq_nocase(name, str_from_c(compression->name)) && !str_eq(name, str_from_c(compression->hadoop))) {
            continue;
        }
        *ret = compression;
        return compression->open != NULL ||
               err_set(err, ERR_NOT_SUPPORTED, "writing text compressed with %s is not supported yet; gzip, bzip2 and deflate are",
                       compression->name);
    }
    return err_set(err, "SOLDER.OPTION",
                   "Codec [%.*s] is not available. Known codecs are bzip2, deflate, uncompressed, lz4, gzip, snappy, none.", STR_ARG(name));
}

const char *ex_compression_suffix(const ExCompression *compression) {
    return compression != NULL ? compression->suffix : "";
}

ExCompressor *ex_compressor_new(const ExCompression *compression) {
    ExCompressor *compressor = calloc(1, sizeof *compressor);
    if (compressor == NULL) {
        return NULL;
    }
    compressor->compression = compression;
    compressor->is_open = compression->open(&compressor->state);
    if (!compressor->is_open) {
        ex_compressor_free(compressor);
        return NULL;
    }
    return compressor;
}

void ex_compressor_free(ExCompressor *owned_compressor) {
    if (owned_compressor != NULL && owned_compressor->is_open) {
        owned_compressor->compression->close(&owned_compressor->state);
    }
    free(owned_compressor);
}

bool ex_compress(ExCompressor *compressor, Str in, bool is_last, ExBytes *out) {
    char piece[64 * 1024];
    Step step = {.in = in, .is_last = is_last};
    while (step.in.len > 0 || (is_last && !step.has_ended)) {
        step.out = piece;
        step.size = sizeof piece;
        if (!compressor->compression->step(&compressor->state, &step)) {
            return false;
        }
        ex_bytes_add(out, piece, step.size);
    }
    return true;
}
