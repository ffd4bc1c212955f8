/* reserve.c - room that is kept for making room. Deleting an object writes rows before it frees bytes: on a full disk nobody could delete anything.
 *
 * Invariant: the file solder.db-reserve holds no data, only blocks. A piece of it is given up for a change that frees bytes, and taken back by the sweep
 * that unlinked files.
 */
#include "store/store_room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHOLE = 1 << 20, PIECE = 128 << 10 };

static int open_reserve(const StStore *store, off_t *ret_size) {
    Arena *scratch = arena_new();
    int fd = open(str_fmt(scratch, "%.*s/solder.db-reserve", STR_ARG(store->home)).data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat status;
    arena_free(scratch);
    if (fd >= 0 && fstat(fd, &status) != 0) {
        (void)close(fd);
        return -1;
    }
    *ret_size = fd < 0 ? 0 : status.st_size;
    return fd;
}

/* Without one, all works but deleting on a full disk: a failure is no error. */
void st_reserve_take(StStore *store) {
    off_t size = 0;
    if (atomic_load(&store->reserve_is_whole)) {
        return;
    }
    st_lock(store);
    int fd = open_reserve(store, &size);
    bool is_whole = fd >= 0 && (size >= WHOLE || fallocate(fd, 0, 0, WHOLE) == 0 || errno == EOPNOTSUPP);
    if (fd >= 0) {
        is_whole = is_whole || ftruncate(fd, size) != 0; /* what fallocate got before the disk was full */
        (void)close(fd);
    }
    atomic_store(&store->reserve_is_whole, is_whole);
    st_unlock(store);
}

bool st_reserve_give(StStore *store) {
    off_t size = 0;
    st_lock(store);
    int fd = open_reserve(store, &size);
    bool given = fd >= 0 && size > 0 && ftruncate(fd, size > PIECE ? size - PIECE : 0) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    atomic_store(&store->reserve_is_whole, false);
    st_unlock(store);
    return given;
}
