/* store/object_files.h - the files behind objects and parts: where new ones go, and when those of deleted rows go.
 *
 * Not for other rooms; used by objects.c, txn.c and uploads.c. A file is objects/<directory>/<n>; its name is never used twice, and it is never
 * changed once an object's row names it. Invariants: a file that a row names, or that a lease protects, is there; a directory into which a process
 * still puts files is a row of open_directory, owned by that process.
 *
 * Leases. A reader that got a path from a row may open it much later (a scan opens its last file hours after the listing), in any process of
 * the home. So each store has a file readers/<id>, locked as long as the process lives, and in it the number of the last deletion
 * that its oldest lease still saw. Whoever takes a path first publishes that number, then reads the rows; whoever unlinks first reads which files are
 * dead, then the numbers, and leaves what is younger than the least of them. Hence: a path that was read is of a file which is deleted later than
 * the lease's number, or not at all. No clocks are involved, and a killed reader's lease ends with its lock.
 */
#ifndef SOLDER_STORE_OBJECT_FILES_H
#define SOLDER_STORE_OBJECT_FILES_H

#include "store/store_room.h"

/* Registers this store as a reader and owner. */
bool st_files_open(StStore *store, Err *err);
void st_files_close(StStore *store);

/* The absolute path of a file's name. */
Str st_file_path(Arena *arena, const StStore *store, Str name);

/* 32 hexadecimal digits, random. */
bool st_random_id(Arena *arena, Str *ret_id, Err *err);
/* Makes a directory of that id below objects/. Takes the store's lock itself. */
bool st_directory_open(StStore *store, Str id, Err *err);
/* With the lock held, inside the transaction that writes the rows: all files of the directory have theirs. */
bool st_directory_settle(StStore *store, Str id, Err *err);
/* Removes it with its files. Takes the lock itself. */
void st_directory_drop(StStore *store, Str id);

/* A name for one more file, in the directory that this process keeps for single files. Takes the lock itself. */
bool st_file_new(StStore *store, Arena *arena, Str *ret_name, Err *err);
/* The part of a name that is its directory's; empty of an empty name. */
Str st_file_directory(Str name);
/* Takes a file of the home's file system there, unless it is there (st_object_file), and makes its bytes durable; its name is not yet: st_change. */
bool st_file_take(StStore *store, Arena *arena, Str path, Str *ret_name, int64_t *ret_size, Err *err);

typedef struct StPiece {
    Str path;
    int64_t offset, size;
    bool is_whole; /* it is all of its file */
} StPiece;

/* A new file of the pieces one behind the other, with durable bytes: a link if it is one whole file; else by reflink or by copying inside the kernel. */
bool st_file_join(StStore *store, Arena *arena, const StPiece *pieces, size_t count, Str *ret_name, Err *err);
/* Writes the pieces that have a path into the file of that name, each behind the ones before it; those without are there already. The file then ends
 * behind the last, and its bytes are durable. */
bool st_file_fill(StStore *store, Str name, const StPiece *pieces, size_t count, Err *err);
/* Makes the entries of a directory, or of the one that holds the name, durable. */
bool st_file_sync_directory(const StStore *store, Str name, Err *err);
/* fsync of a path; its size. */
bool st_sync_path(const char *path, int flags, int64_t *ret_size, Err *err);
void st_file_remove(const StStore *store, Str name);

/* With the lock held, before rows are read: files that rows name from now on stay until the arena is freed. */
bool st_lease(StStore *store, Arena *arena, Err *err);

/* With the lock held, inside a transaction: the file is dead once it commits. */
bool st_file_bury(StStore *store, Str name, Err *err);
/* After a transaction that buried files, without the lock: unlinks what may go, now and then. */
void st_sweep_soon(StStore *store);

#endif
