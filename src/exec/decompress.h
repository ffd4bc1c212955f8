/* exec/decompress.h - compressed files as streams: gzip, deflate, bzip2 and Zstandard, told by a file's name.
 *
 * Used by byte_source.c. Invariant: a codec neither reads nor keeps bytes behind those it is given; a file may hold several members one after
 * another, and its end inside a member is for the caller to see (has_ended).
 */
#ifndef SOLDER_EXEC_DECOMPRESS_H
#define SOLDER_EXEC_DECOMPRESS_H

#include "base/str.h"

typedef struct ExCodec ExCodec;
typedef struct ExDecompressor ExDecompressor;

/* By the file's name, as Hadoop's codec factory does; NULL: not compressed. */
const ExCodec *ex_codec_of_name(Str name);
/* The suffix of a codec that Spark reads where Hadoop's native libraries are, and Solder does not; NULL: none. */
const char *ex_codec_refused(Str name);
const char *ex_codec_word(const ExCodec *codec); /* "gzip" */

/* NULL: no memory. */
ExDecompressor *ex_decompressor_new(const ExCodec *codec);
void ex_decompressor_free(ExDecompressor *owned_decompressor);
/* Takes from *in (moved on) and fills up to size bytes of out. false: the data is damaged, *ret_why says how. */
bool ex_decompress(ExDecompressor *decompressor, Str *in, char *out, size_t size, size_t *ret_size, const char **ret_why);
/* Whether what was given so far ends with a whole member. */
bool ex_decompressor_has_ended(const ExDecompressor *decompressor);

#endif
