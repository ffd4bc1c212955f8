/* store/version_rows.h - what writes of objects ask of versions.c: room for a new one, and hiding an old one. Not for other rooms.
 *
 * Invariant: as objects.h; after each function here the invariants of spec/store/0006_versions.sql hold again, but that st_version_make_room leaves
 * the key without a current row, which the caller inserts.
 */
#ifndef SOLDER_STORE_VERSION_ROWS_H
#define SOLDER_STORE_VERSION_ROWS_H

#include "base/map.h"
#include "store/objects.h"
#include "store/versions.h"

typedef struct StVersionName {
    Str version;
    int64_t seq;
} StVersionName;

/* Takes the key's current row away, as its bucket has it; the name of what comes into its place. */
bool st_version_make_room(StStore *store, Arena *arena, const StBucket *bucket, Str key, int64_t now_us, StVersionName *ret_name, Err *err);
/* In a bucket with versions: markers for all objects from the key `from` up to, not including, `to`, but those in spared. */
bool st_version_hide_range(StStore *store, Arena *arena, const StBucket *bucket, Str from, Str to, const Map *spared, int64_t now_us, Err *err);

#endif
