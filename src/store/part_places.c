/* part_places.c - st_part_place: into the file that the object will be, where the part fits. See uploads.h and part_places.h. */
#include "store/part_places.h"

#include "store/object_files.h"
#include "store/uploads.h"

#include <stdlib.h>

enum { LEAST_SLOT = 5 * 1024 * 1024 /* S3's least part, but for the last one */ };
static const int64_t LARGEST_OFFSET = INT64_C(5) << 40; /* S3's largest object */

struct StClaim {
    StStore *store; /* NULL: over */
    Str upload;
    int64_t number; /* 0: of all parts */
    struct StClaim *next;
};

static void lock_claims(StStore *store) {
    if (pthread_mutex_lock(&store->claims_mutex) != 0) {
        abort(); /* as st_lock */
    }
}

static void unlock_claims(StStore *store) {
    if (pthread_mutex_unlock(&store->claims_mutex) != 0) {
        abort();
    }
}

static void unlink_claim(StStore *store, struct StClaim *claim) {
    for (struct StClaim **at = &store->claims; *at != NULL; at = &(*at)->next) {
        if (*at == claim) {
            *at = claim->next;
            break;
        }
    }
    claim->store = NULL;
}

static void end_claim(void *self) {
    struct StClaim *claim = self;
    StStore *store = claim->store;
    if (store != NULL) {
        lock_claims(store);
        unlink_claim(store, claim);
        unlock_claims(store);
    }
}

void st_claim_end(StStore *store, Str upload, int64_t number) {
    lock_claims(store);
    for (struct StClaim *claim = store->claims; claim != NULL; claim = claim->next) {
        if (claim->number == number && str_eq(claim->upload, upload)) {
            unlink_claim(store, claim);
            break;
        }
    }
    unlock_claims(store);
}

void st_claims_close(StStore *store) {
    while (store->claims != NULL) {
        unlink_claim(store, store->claims);
    }
}

/* number 0: all, when there is no other claim on the upload. */
static bool claim(StStore *store, Arena *arena, Str upload, int64_t number) {
    bool is_free = true;
    struct StClaim *mine = ARENA_NEW(arena, struct StClaim);
    lock_claims(store);
    for (const struct StClaim *other = store->claims; is_free && other != NULL; other = other->next) {
        is_free = !str_eq(other->upload, upload) || (number != 0 && other->number != 0 && other->number != number);
    }
    if (is_free) {
        *mine = (struct StClaim){.store = store, .upload = str_copy(arena, upload), .number = number, .next = store->claims};
        store->claims = mine;
    }
    unlock_claims(store);
    if (is_free) {
        arena_on_free(arena, end_claim, mine);
    }
    return is_free;
}

bool st_claim_upload(StStore *store, Arena *arena, Str upload) {
    return claim(store, arena, upload, 0);
}

bool st_slots_find(StStore *store, Arena *arena, Str bucket, Str key, Str upload, StSlots *ret_slots, Err *err) {
    StStatement statement = st_prepare(store, "SELECT file, slot FROM upload WHERE id = ?1 AND bucket = ?2 AND key = ?3", err);
    st_bind_str(&statement, upload);
    st_bind_str(&statement, bucket);
    st_bind_blob(&statement, key);
    *ret_slots = (StSlots){.file = STR("")};
    if (st_step(&statement)) {
        *ret_slots = (StSlots){.file = st_column(&statement, arena, 0), .slot = st_column_i64(&statement, 1)};
    }
    return st_finish(&statement);
}

typedef struct Opening {
    Arena *arena;
    const StComingPart *coming;
    Str file;
    StSlots *ret_slots; /* as they are then: another part may have been first */
} Opening;

static bool open_slots(StStore *store, void *self, Err *err) {
    const Opening *opening = self;
    const StComingPart *coming = opening->coming;
    StStatement statement =
        st_prepare(store, "UPDATE upload SET file = ?4, slot = ?5 WHERE id = ?1 AND bucket = ?2 AND key = ?3 AND file = ''", err);
    st_bind_str(&statement, coming->upload);
    st_bind_str(&statement, coming->bucket);
    st_bind_blob(&statement, coming->key);
    st_bind_str(&statement, opening->file);
    st_bind_i64(&statement, coming->size);
    (void)st_step(&statement);
    return st_finish(&statement) && st_slots_find(store, opening->arena, coming->bucket, coming->key, coming->upload, opening->ret_slots, err);
}

static bool is_taken(StStore *store, const StComingPart *coming, bool *ret_is_taken, Err *err) {
    StStatement statement = st_prepare(store, "SELECT 1 FROM upload_part WHERE upload = ?1 AND number = ?2", err);
    st_bind_str(&statement, coming->upload);
    st_bind_i64(&statement, coming->number);
    *ret_is_taken = st_step(&statement);
    return st_finish(&statement);
}

/* The upload's slots, made by its first large part; no file: this part goes elsewhere. */
static bool slots_for(StStore *store, Arena *arena, const StComingPart *coming, StSlots *ret_slots, Err *err) {
    st_lock(store);
    bool ok = st_slots_find(store, arena, coming->bucket, coming->key, coming->upload, ret_slots, err);
    st_unlock(store);
    if (!ok || ret_slots->file.len > 0 || coming->size < LEAST_SLOT) {
        return ok;
    }
    Opening opening = {.arena = arena, .coming = coming, .ret_slots = ret_slots};
    return st_file_new(store, arena, &opening.file, err) && st_change(store, STR(""), open_slots, &opening, err);
}

/* Claimed first, then looked up: a part whose row came in between is seen. */
static bool take_slot(StStore *store, Arena *arena, const StComingPart *coming, const StSlots *slots, bool *ret_is_mine, Err *err) {
    bool is_there = false;
    *ret_is_mine = slots->file.len > 0 && coming->size <= slots->slot && (coming->number - 1) * slots->slot <= LARGEST_OFFSET - slots->slot &&
                   claim(store, arena, coming->upload, coming->number);
    if (!*ret_is_mine) {
        return true;
    }
    st_lock(store);
    bool ok = is_taken(store, coming, &is_there, err);
    st_unlock(store);
    if (is_there || !ok) {
        st_claim_end(store, coming->upload, coming->number);
        *ret_is_mine = false;
    }
    return ok;
}

bool st_part_place(StStore *store, Arena *arena, const StComingPart *coming, StPlace *ret_place, Err *err) {
    StSlots slots = {.file = STR("")};
    bool is_mine = false;
    bool is_sized = coming->size > 0 && coming->number > 0;
    st_sweep_soon(store); /* on a full disk, what was deleted is the room for what comes */
    if (is_sized && (!slots_for(store, arena, coming, &slots, err) || !take_slot(store, arena, coming, &slots, &is_mine, err))) {
        return false;
    }
    if (is_mine) {
        *ret_place = (StPlace){.path = st_file_path(arena, store, slots.file), .offset = (coming->number - 1) * slots.slot, .is_shared = true};
        return true;
    }
    *ret_place = (StPlace){.path = STR("")};
    return st_object_file(store, arena, &ret_place->path, err);
}
