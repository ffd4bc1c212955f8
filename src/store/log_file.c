/* log_file.c - see log_file.h. */
#include "store/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_SIZE = 24, ENTRY_SIZE = 56, BLOCK_SIZE = 1 << 16, SCAN_SIZE = 1 << 20 };

/* CRC-32C, four bits at a time: the tables of eight would be quicker than what follows it, the write. */
static uint32_t checksum(const void *bytes, size_t size, uint32_t before) {
    static const uint32_t NIBBLES[16] = {0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
                                         0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};
    const unsigned char *at = bytes;
    uint32_t crc = ~before;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        crc = crc >> 4 ^ NIBBLES[crc & 15];
        crc = crc >> 4 ^ NIBBLES[crc & 15];
    }
    return ~crc;
}

static void put_u32(char *to, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        to[i] = (char)(value >> 8 * i);
    }
}

static void put_i64(char *to, int64_t value) {
    put_u32(to, (uint32_t)((uint64_t)value & 0xFFFFFFFFu));
    put_u32(to + 4, (uint32_t)((uint64_t)value >> 32));
}

static uint32_t get_u32(const char *from) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        value |= (uint32_t)(unsigned char)from[i] << 8 * i;
    }
    return value;
}

static int64_t get_i64(const char *from) {
    return (int64_t)((uint64_t)get_u32(from) | (uint64_t)get_u32(from + 4) << 32);
}

/* Of a header but for the checksum in it, and of the text. */
static uint32_t record_checksum(const char *header, const char *text, size_t len) {
    return checksum(text, len, checksum(header + 8, HEADER_SIZE - 8, checksum(header, 4, 0)));
}

bool st_log_record(Str bytes, size_t *at, StLogEvent *ret_event) {
    if (bytes.len - *at < HEADER_SIZE) {
        return false;
    }
    const char *header = bytes.data + *at;
    size_t len = get_u32(header);
    if (len > ST_LOG_EVENT_MAX || bytes.len - *at - HEADER_SIZE < len ||
        record_checksum(header, header + HEADER_SIZE, len) != get_u32(header + 4)) {
        return false;
    }
    ret_event->time_ms = get_i64(header + 8);
    ret_event->ingested_ms = get_i64(header + 16);
    ret_event->message = (Str){header + HEADER_SIZE, len};
    *at += HEADER_SIZE + len;
    return true;
}

static bool io_failed(const StLogFile *file, const char *ending, Err *err) {
    return err_set(err, err_io_code(errno), "%.*s%s: %s", STR_ARG(file->path), ending, strerror(errno));
}

static int open_file(const StLogFile *file, const char *ending, int flags) {
    Arena *scratch = arena_new();
    int fd = open(str_fmt(scratch, "%.*s%s", STR_ARG(file->path), ending).data, flags | O_CLOEXEC, 0600);
    arena_free(scratch);
    return fd;
}

static bool read_at(int fd, int64_t offset, char *to, size_t size, size_t *ret_size) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, to + done, size - done, offset + (int64_t)done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return false;
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    *ret_size = done;
    return true;
}

static bool write_whole(int fd, const char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t put = write(fd, bytes + done, size - done);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static void add_block(StLogFile *file, const StLogBlock *block) {
    if (file->nblocks == file->cap) {
        size_t cap = file->cap == 0 ? 4 : file->cap * 2;
        StLogBlock *grown = realloc(file->blocks, cap * sizeof *grown);
        if (grown == NULL) {
            abort();
        }
        file->blocks = grown;
        file->cap = cap;
    }
    file->blocks[file->nblocks++] = *block;
}

/* The file has grown by one record. */
static void count_record(StLogFile *file, const StLogEvent *event, int64_t size) {
    StLogBlock *last = file->nblocks == 0 ? NULL : &file->blocks[file->nblocks - 1];
    if (last == NULL || last->end - last->start >= BLOCK_SIZE || file->nblocks == file->nindexed) {
        add_block(file, &(StLogBlock){.start = file->size, .end = file->size, .min_ms = event->time_ms, .max_ms = event->time_ms});
        last = &file->blocks[file->nblocks - 1];
    }
    last->min_ms = event->time_ms < last->min_ms ? event->time_ms : last->min_ms;
    last->max_ms = event->time_ms > last->max_ms ? event->time_ms : last->max_ms;
    last->ingested_ms = event->ingested_ms;
    last->count++;
    last->end += size;
    file->size += size;
}

/* ---- the index ---- */

static void write_entry(char *to, const StLogBlock *block) {
    const int64_t values[] = {block->start, block->end, block->min_ms, block->max_ms, block->ingested_ms, block->count};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        put_i64(to + 8 * i, values[i]);
    }
    put_u32(to + 48, checksum(to, 48, 0));
    put_u32(to + 52, 0);
}

/* Takes the entries that fit one another and the file; the rest, if any, is cut off so that the next entry goes behind the last good one. */
static bool load_index(StLogFile *file, int64_t file_size, Err *err) {
    int fd = open_file(file, ".idx", O_RDWR);
    if (fd < 0) {
        return errno == ENOENT || io_failed(file, ".idx", err);
    }
    char entry[ENTRY_SIZE];
    size_t got = 0;
    bool ok = true;
    while ((ok = read_at(fd, (int64_t)(file->nblocks * ENTRY_SIZE), entry, ENTRY_SIZE, &got)) && got == ENTRY_SIZE) {
        StLogBlock block = {.start = get_i64(entry),
                            .end = get_i64(entry + 8),
                            .min_ms = get_i64(entry + 16),
                            .max_ms = get_i64(entry + 24),
                            .ingested_ms = get_i64(entry + 32),
                            .count = get_i64(entry + 40)};
        if (get_u32(entry + 48) != checksum(entry, 48, 0) || block.start != file->size || block.end <= block.start || block.end > file_size) {
            break;
        }
        add_block(file, &block);
        file->size = block.end;
    }
    file->nindexed = file->nblocks;
    ok = (ok && ftruncate(fd, (off_t)(file->nblocks * ENTRY_SIZE)) == 0) || io_failed(file, ".idx", err);
    (void)close(fd);
    return ok;
}

/* Full blocks that no entry tells of yet. Called when their records are synced; what is lost of it is made again from the records. */
static void extend_index(StLogFile *file) {
    size_t from = file->nindexed;
    size_t to = from;
    while (to < file->nblocks && file->blocks[to].end - file->blocks[to].start >= BLOCK_SIZE) {
        to++;
    }
    if (from == to) {
        return;
    }
    int fd = open_file(file, ".idx", O_WRONLY | O_CREAT);
    if (fd < 0 || lseek(fd, (off_t)(from * ENTRY_SIZE), SEEK_SET) < 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return;
    }
    bool ok = true;
    for (size_t i = from; i < to && ok; i++) {
        char entry[ENTRY_SIZE];
        write_entry(entry, &file->blocks[i]);
        ok = write_whole(fd, entry, ENTRY_SIZE);
    }
    (void)close(fd);
    file->nindexed = ok ? to : from;
}

/* ---- the records ---- */

static bool scan_tail(StLogFile *file, int fd, int64_t file_size, Err *err) {
    size_t cap = SCAN_SIZE;
    char *bytes = malloc(cap);
    if (bytes == NULL) {
        abort();
    }
    bool ok = true;
    bool goes_on = true;
    while (ok && goes_on && file->size < file_size) {
        size_t got = 0;
        size_t at = 0;
        StLogEvent event;
        ok = read_at(fd, file->size, bytes, cap, &got) || io_failed(file, ".log", err);
        Str text = {bytes, ok ? got : 0};
        size_t before = 0;
        while (st_log_record(text, &at, &event)) {
            count_record(file, &event, (int64_t)(at - before));
            before = at;
        }
        goes_on = before > 0; /* a whole record is never longer than what one read takes */
    }
    free(bytes);
    return ok;
}

bool st_log_file_load(StLogFile *file, Err *err) {
    int fd = open_file(file, ".log", O_RDWR);
    if (fd < 0) {
        return errno == ENOENT || io_failed(file, ".log", err);
    }
    struct stat status;
    bool ok = (fstat(fd, &status) == 0 || io_failed(file, ".log", err)) && load_index(file, status.st_size, err) &&
              scan_tail(file, fd, status.st_size, err);
    if (ok && file->size < status.st_size) {
        ok = ftruncate(fd, (off_t)file->size) == 0 || io_failed(file, ".log", err);
    }
    (void)close(fd);
    return ok;
}

/* A message that is too long is cut in front of a character that would not be whole. */
static size_t cut_length(Str message) {
    size_t len = message.len;
    if (len <= ST_LOG_EVENT_MAX) {
        return len;
    }
    len = ST_LOG_EVENT_MAX;
    while (len > 0 && ((unsigned char)message.data[len] & 0xC0) == 0x80) {
        len--;
    }
    return len;
}

bool st_log_file_append(StLogFile *file, const StLogEvent *events, size_t count, int64_t now_ms, Err *err) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += HEADER_SIZE + cut_length(events[i].message);
    }
    if (file->fd < 0 && (file->fd = open_file(file, ".log", O_WRONLY | O_CREAT)) < 0) {
        return io_failed(file, ".log", err);
    }
    char *bytes = malloc(size + 1);
    if (bytes == NULL) {
        abort();
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = cut_length(events[i].message);
        char *header = bytes + at;
        put_u32(header, (uint32_t)len);
        put_i64(header + 8, events[i].time_ms);
        put_i64(header + 16, now_ms);
        if (len > 0) {
            memcpy(header + HEADER_SIZE, events[i].message.data, len);
        }
        put_u32(header + 4, record_checksum(header, header + HEADER_SIZE, len));
        at += HEADER_SIZE + len;
    }
    file->is_dirty = true;
    bool ok = lseek(file->fd, (off_t)file->size, SEEK_SET) >= 0 && write_whole(file->fd, bytes, size);
    free(bytes);
    if (!ok) {
        (void)io_failed(file, ".log", err);
        (void)ftruncate(file->fd, (off_t)file->size); /* if that fails too, the next append goes over what was written */
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        count_record(file, &(StLogEvent){.time_ms = events[i].time_ms, .ingested_ms = now_ms}, (int64_t)(HEADER_SIZE + cut_length(events[i].message)));
    }
    return true;
}

bool st_log_file_sync(StLogFile *file, Err *err) {
    if (!file->is_dirty) {
        return true;
    }
    if (fdatasync(file->fd) != 0) {
        return io_failed(file, ".log", err);
    }
    file->is_dirty = false;
    /* Opened again by the next append: as many streams may be written as there are, with few files open. */
    (void)close(file->fd);
    file->fd = -1;
    extend_index(file);
    return true;
}

void st_log_file_done(StLogFile *file) {
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    free(file->blocks);
    *file = (StLogFile){.fd = -1};
}
