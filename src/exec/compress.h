/* exec/compress.h - the compressions of text targets: gzip, bzip2 and deflate, by the names that Spark's writers take.
 *
 * Used by write_rows.c; decompress.h is the other way. Invariant: what a compressor has put out by its last call is one whole stream, also of no bytes.
 */
#ifndef SOLDER_EXEC_COMPRESS_H
#define SOLDER_EXEC_COMPRESS_H

#include "exec/value_format.h"

typedef struct ExCompression ExCompression;
typedef struct ExCompressor ExCompressor;

/* By Spark's short name or the Hadoop class; *ret NULL: none is wanted. */
bool ex_compression_find(Str name, const ExCompression **ret, Err *err);
const char *ex_compression_suffix(const ExCompression *compression); /* ".gz"; of NULL "" */

/* NULL: no memory. */
ExCompressor *ex_compressor_new(const ExCompression *compression);
void ex_compressor_free(ExCompressor *owned_compressor);
/* Appends to out what comes of in; is_last ends the stream. false: no memory. */
bool ex_compress(ExCompressor *compressor, Str in, bool is_last, ExBytes *out);

#endif
