/* store/objects.h - what the files here that write object rows share. Not for other rooms.
 *
 * Invariant: each function is called with the store's lock held, inside a transaction of the caller (but those that only look at text).
 */
#ifndef SOLDER_STORE_OBJECTS_H
#define SOLDER_STORE_OBJECTS_H

#include "store/store_room.h"

enum { ST_LONGEST_KEY = 1024 };

/* KeyTooLongError; InvalidURI: not UTF-8. */
bool st_check_key(Str key, Err *err);
/* The least byte string that is greater than every string beginning with prefix; of the empty prefix, one that is greater than every key. So a range of
 * keys always has both ends, and the index finds either. */
Str st_prefix_end(Arena *arena, Str prefix);
/* What a listing with the delimiter shows instead of the key, which begins with prefix; empty: the key itself. */
Str st_rolled_up(Str key, Str prefix, Str delimiter);

/* NoSuchBucket. */
bool st_require_bucket(StStore *store, Str name, Err *err);
bool st_find_bucket(StStore *store, Arena *arena, Str name, StBucket *ret_bucket, Err *err);

/* The columns that object and object_version share, and a row of them. */
#define ST_OBJECT_COLUMNS "key, path, size, modified_us, etag, meta, tags, version, seq, lock_mode, lock_until_us, legal_hold"
enum { ST_OBJECT_COLUMN_COUNT = 12 };
StObject st_read_object(StStore *store, StStatement *statement, Arena *arena);
/* What the key stands for now. Not there: *ret_found is false. */
bool st_find_object(StStore *store, Arena *arena, const StBucket *bucket, Str key, bool *ret_found, StObject *ret_object, Err *err);
bool st_no_such_key(Str bucket, Str key, Err *err);
bool st_check_condition(StStore *store, Arena *scratch, const StBucket *bucket, Str key, const StCondition *condition, Err *err);

/* Deletes the rows from the key `from` up to, not including, `to`, and buries their files. */
bool st_drop_objects(StStore *store, Str bucket, Str from, Str to, Err *err);
bool st_drop_key(StStore *store, Arena *scratch, Str bucket, Str key, Err *err);
/* Puts the row in the place of the one that is there, which goes, or becomes an older version (versions.c). */
bool st_object_insert(StStore *store, Arena *arena, const StBucket *bucket, const StPut *put, Str name, int64_t size, int64_t now_us,
                      StObject *ret_object, Err *err);
/* Checks the condition, then inserts. */
bool st_object_replace(StStore *store, Arena *arena, Str bucket, const StPut *put, Str name, int64_t size, StObject *ret_object, Err *err);

#endif
