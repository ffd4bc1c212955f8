/* exec/text_lines.h - a split of a text file as blocks of whole lines.
 *
 * Used by the csv, json and text readers. A block's bytes stay where they are until the next ex_lines_fill, so that rows may point into them.
 * Invariant: a line ends at \n, \r\n or \r (or only at the given separator); 64 bytes behind the block are readable.
 */
#ifndef SOLDER_EXEC_TEXT_LINES_H
#define SOLDER_EXEC_TEXT_LINES_H

#include "exec/byte_source.h"

enum { EX_LINES_PAD = 64 };

typedef struct ExLines {
    ExByteSource *source;
    Str shown;
    Str separator; /* empty: the default ones */
    char *buffer;
    size_t cap;
    size_t from, limit; /* whole lines lie in [from, limit) */
    size_t to;          /* bytes in the buffer */
    int64_t base;       /* file offset of buffer[0]; only meaningful for plain files */
    int64_t split_to;   /* lines that begin behind it belong to the next split */
    bool at_end;        /* the file is at its end */
    bool is_whole;      /* blocks end only at the end of the file: for records that span lines */
    bool is_ascii;      /* no byte of the block is above 127 */
    int64_t taken_before;
} ExLines;

/* Starts a split; buffers are reused. */
bool ex_lines_begin(ExLines *lines, Str path, Str shown, ExCharset charset, Str separator, int64_t from, int64_t to, Err *err);
/* The next block; *ret_more false: the split is at its end. */
bool ex_lines_fill(ExLines *lines, bool *ret_more, Err *err);
/* Reads more behind an unfinished record that begins at from, keeping it; *ret_more false: the file has no more bytes. */
bool ex_lines_grow(ExLines *lines, bool *ret_more, Err *err);
/* The end of the line that begins at p (before its separator) and where the next one begins. */
const char *ex_line_end(const ExLines *lines, const char *p, const char *limit, const char **ret_next);
/* The line at lines->from, which it steps over; false: the block is used up or the split ends. */
bool ex_lines_next(ExLines *lines, Str *ret_line);
/* Bytes taken from the file since the last call. */
int64_t ex_lines_taken(ExLines *lines);
void ex_lines_close(ExLines *lines);

/* Whether record number n of an input is looked at by schema inference with that samplingRatio: always the same records of the same input. From 0.99 on it is
 * all, as in Spark (CSVUtils.sample, JsonUtils.sample), whose own choice below that rests on its partitions. */
bool ex_record_is_sampled(uint64_t n, double ratio);

/* "s3://b/k:17" for the line at a byte offset of a file. */
Str ex_line_place(Arena *arena, Str path, Str shown, int64_t offset);

bool ex_is_ascii(const char *data, size_t size);

#endif
