/* exec/byte_source.h - a file's bytes as UTF-8 text: opened, decompressed, decoded, without its byte order mark.
 *
 * Used by the line readers and by schema inference. Invariant: what it gives is UTF-8 but for bytes that were wrong in the file, which stay as they
 * are (the readers replace them as Java does); a damaged compressed file is an error that names the file.
 */
#ifndef SOLDER_EXEC_BYTE_SOURCE_H
#define SOLDER_EXEC_BYTE_SOURCE_H

#include "base/err.h"

typedef struct ExByteSource ExByteSource;

typedef enum ExCharset { EX_UTF8, EX_LATIN1, EX_UTF16, EX_UTF16LE, EX_UTF16BE } ExCharset;

/* The charset of that name (Java's names and aliases); false: unknown. */
bool ex_charset_find(Str name, ExCharset *ret_charset);
/* Whether its bytes can be read from the middle: plain and UTF-8. */
bool ex_bytes_are_splittable(Str shown, ExCharset charset);

/* path is opened at byte offset from (0 unless splittable). shown is the file's name as its user knows it: errors name it, and its ending tells the
 * compression (an object of a bucket lies in a file of another name). */
ExByteSource *ex_bytes_open(Str path, Str shown, ExCharset charset, int64_t from, Err *err);
/* Up to size bytes; *ret_size 0 at the end. */
bool ex_bytes_read(ExByteSource *source, char *buffer, size_t size, size_t *ret_size, Err *err);
/* Bytes taken from the file so far (compressed ones for a compressed file). */
int64_t ex_bytes_taken(const ExByteSource *source);
void ex_bytes_close(ExByteSource *owned_source);

#endif
