/* store/part_places.h - who writes where in the file that parts of an upload share. Not for other rooms; used by uploads.c and store.c.
 *
 * Invariant: of one upload, each part is claimed by one request at most, and none while it is being completed in place.
 */
#ifndef SOLDER_STORE_PART_PLACES_H
#define SOLDER_STORE_PART_PLACES_H

#include "store/store_room.h"

/* The upload's file and slot; an empty file: it has none, or isn't there. With the lock held. */
typedef struct StSlots {
    Str file;
    int64_t slot;
} StSlots;
bool st_slots_find(StStore *store, Arena *arena, Str bucket, Str key, Str upload, StSlots *ret_slots, Err *err);

/* Nobody writes parts of it, and until the arena is freed nobody begins to. false: somebody does. */
bool st_claim_upload(StStore *store, Arena *arena, Str upload);
/* The part's bytes are there. */
void st_claim_end(StStore *store, Str upload, int64_t number);
/* Before the store goes: requests that are still under way keep nothing of it. */
void st_claims_close(StStore *store);

#endif
