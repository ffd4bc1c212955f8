/* store/log_room.h - what logs.c and log_read.c share. Not for other rooms. Lock order: the logs' mutex, then the store's. */
#ifndef SOLDER_STORE_LOG_ROOM_H
#define SOLDER_STORE_LOG_ROOM_H

#include "base/map.h"
#include "store/log_file.h"
#include "store/store_room.h"

struct StLogs {
    Arena *arena; /* lives as long as the logs: keys of files */
    StStore *store;
    Str folder;
    int lock_fd;
    pthread_mutex_t mutex;
    Map files; /* by the bytes of the stream's id → StLogFile, loaded */
    int64_t bytes_read;
};

void st_logs_lock(StLogs *logs);
void st_logs_unlock(StLogs *logs);
/* The stream's file, loaded; under the lock. */
StLogFile *st_logs_file(StLogs *logs, int64_t stream_id, Err *err);

#endif
