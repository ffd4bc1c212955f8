/* store/log_file.h - the file of one log stream: records behind one another, and the index of its blocks by time.
 *
 * Used by logs.c and log_read.c, under the log store's lock. A record is a header of 24 bytes (length, checksum, time, time of ingestion; little
 * endian) and the text. A block is a run of records of about 64 KB; a block that is full has an entry in the index file, written after its
 * records are synced. Invariants: size is where the last whole record ends; the blocks cover [0, size) without a gap.
 */
#ifndef SOLDER_STORE_LOG_FILE_H
#define SOLDER_STORE_LOG_FILE_H

#include "store/logs.h"

typedef struct StLogBlock {
    int64_t start, end;
    int64_t min_ms, max_ms, ingested_ms;
    int64_t count;
} StLogBlock;

typedef struct StLogFile {
    int64_t id;
    Str path;        /* without its ending */
    int fd;          /* for appending; -1: closed */
    int64_t size;
    StLogBlock *blocks; /* malloc'ed; the last one may still grow */
    size_t nblocks, cap;
    size_t nindexed; /* of them, those that stand in the index file */
    bool is_dirty;   /* appended to since the last sync */
} StLogFile;

/* Reads the index, then the records behind its last block; cuts off what is no whole record. A file that is not there is an empty one. */
bool st_log_file_load(StLogFile *file, Err *err);
bool st_log_file_append(StLogFile *file, const StLogEvent *events, size_t count, int64_t now_ms, Err *err);
bool st_log_file_sync(StLogFile *file, Err *err);
void st_log_file_done(StLogFile *file);

/* Takes the record at *at of a block's bytes and moves behind it; false: no whole, right record is there. The message is borrowed. */
bool st_log_record(Str bytes, size_t *at, StLogEvent *ret_event);

#endif
