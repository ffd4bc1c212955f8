/* uploads.c - see uploads.h. Ids begin with the time of the start, so that their order is that of the starts. */
#include "store/uploads.h"

#include "base/vec.h"
#include "store/object_files.h"
#include "store/objects.h"
#include "store/part_places.h"

#include <string.h>
#include <unistd.h>

static bool no_such_upload(Str id, Err *err) {
    return err_set(err, "NoSuchUpload", "upload %.*s does not exist: it may have been aborted or completed", STR_ARG(id));
}

#define UPLOAD_COLUMNS "id, key, created_us, meta, tags"

static StUpload read_upload(StStatement *statement, Arena *arena) {
    return (StUpload){.id = st_column(statement, arena, 0),
                      .key = st_column(statement, arena, 1),
                      .created_us = st_column_i64(statement, 2),
                      .meta = st_column(statement, arena, 3),
                      .tags = st_column(statement, arena, 4)};
}

static bool insert_upload(StStore *store, Str bucket, const StUpload *upload, Err *err) {
    if (!st_require_bucket(store, bucket, err)) {
        return false;
    }
    StStatement statement = st_prepare(store, "INSERT INTO upload (id, bucket, key, created_us, meta, tags) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", err);
    st_bind_str(&statement, upload->id);
    st_bind_str(&statement, bucket);
    st_bind_blob(&statement, upload->key);
    st_bind_i64(&statement, upload->created_us);
    st_bind_str(&statement, upload->meta);
    st_bind_str(&statement, upload->tags);
    (void)st_step(&statement);
    return st_finish(&statement);
}

bool st_upload_create(StStore *store, Arena *arena, Str bucket, Str key, Str meta, Str tags, StUpload *ret_upload, Err *err) {
    Str random;
    if (!st_check_key(key, err) || !st_random_id(arena, &random, err)) {
        return false;
    }
    int64_t now_us = st_now_us();
    *ret_upload = (StUpload){.id = str_fmt(arena, "%016llx%.*s", (unsigned long long)now_us, STR_ARG(random)),
                             .key = key,
                             .created_us = now_us,
                             .meta = meta,
                             .tags = tags};
    st_lock(store);
    bool ok = insert_upload(store, bucket, ret_upload, err);
    st_unlock(store);
    return ok;
}

/* With the lock held. */
static bool find_upload(StStore *store, Arena *arena, Str bucket, Str key, Str id, StUpload *ret_upload, Err *err) {
    if (!st_require_bucket(store, bucket, err)) {
        return false;
    }
    StStatement statement = st_prepare(store, "SELECT " UPLOAD_COLUMNS " FROM upload WHERE id = ?1 AND bucket = ?2 AND key = ?3", err);
    st_bind_str(&statement, id);
    st_bind_str(&statement, bucket);
    st_bind_blob(&statement, key);
    bool found = st_step(&statement);
    if (found) {
        *ret_upload = read_upload(&statement, arena);
    }
    return st_finish(&statement) && (found || no_such_upload(id, err));
}

bool st_upload_get(StStore *store, Arena *arena, Str bucket, Str key, Str id, StUpload *ret_upload, Err *err) {
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = find_upload(reader, arena, bucket, key, id, ret_upload, err);
    st_unlock(reader);
    return ok;
}

/* Buries the files of all parts but the one that is kept (empty: none), then deletes the upload; its parts' rows go with it. */
static bool delete_upload(StStore *store, Str id, Str kept, Err *err) {
    static const char *const STEPS[] = {"INSERT INTO dead_file (path) SELECT path FROM (SELECT path FROM upload_part WHERE upload = ?1 UNION "
                                        "SELECT file FROM upload WHERE id = ?1) WHERE path NOT IN ('', ?2)",
                                        "DELETE FROM upload WHERE id = ?1"};
    for (size_t i = 0; i < 2; i++) {
        StStatement statement = st_prepare(store, STEPS[i], err);
        st_bind_str(&statement, id);
        if (i == 0) {
            st_bind_str(&statement, kept);
        }
        (void)st_step(&statement);
        if (!st_finish(&statement)) {
            return false;
        }
    }
    return true;
}

/* What a change of an upload is about. */
typedef struct UploadChange {
    Arena *arena;
    Str bucket, key, id;
    const StPart *part;    /* that comes, … */
    Str file;              /* … in this file */
    const StPut *put;      /* the object that it becomes, … */
    Str name;              /* … whose file this is */
    int64_t size;
    StObject *ret_object;
} UploadChange;

static bool abort_upload(StStore *store, void *self, Err *err) {
    const UploadChange *change = self;
    StUpload upload;
    return find_upload(store, change->arena, change->bucket, change->key, change->id, &upload, err) && delete_upload(store, change->id, STR(""), err);
}

bool st_upload_abort(StStore *store, Str bucket, Str key, Str id, Err *err) {
    UploadChange change = {.arena = arena_new(), .bucket = bucket, .key = key, .id = id};
    bool ok = st_change_freeing(store, abort_upload, &change, err);
    arena_free(change.arena);
    st_sweep_soon(store);
    return ok;
}

/* ---- parts ---- */

static bool put_part(StStore *store, void *self, Err *err) {
    const UploadChange *change = self;
    const StPart *part = change->part;
    Str id = change->id;
    StUpload upload;
    if (!find_upload(store, change->arena, change->bucket, change->key, id, &upload, err)) {
        return false;
    }
    StStatement burial = st_prepare(store,
                                    "INSERT INTO dead_file (path) SELECT path FROM upload_part WHERE upload = ?1 AND number = ?2 AND "
                                    "path NOT IN (SELECT file FROM upload WHERE id = ?1)",
                                    err);
    st_bind_str(&burial, id);
    st_bind_i64(&burial, part->number);
    (void)st_step(&burial);
    if (!st_finish(&burial)) {
        return false;
    }
    StStatement statement = st_prepare(
        store, "REPLACE INTO upload_part (upload, number, path, offset, size, modified_us, etag, meta) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", err);
    st_bind_str(&statement, id);
    st_bind_i64(&statement, part->number);
    st_bind_str(&statement, change->file);
    st_bind_i64(&statement, part->offset);
    st_bind_i64(&statement, part->size);
    st_bind_i64(&statement, part->modified_us);
    st_bind_str(&statement, part->etag);
    st_bind_str(&statement, part->meta);
    (void)st_step(&statement);
    return st_finish(&statement);
}

bool st_part_put(StStore *store, Arena *arena, Str bucket, Str key, Str id, const StPart *part, const StPlace *place, int64_t *ret_us, Err *err) {
    StPart row = *part;
    Str file = STR("");
    int64_t size = 0; /* of the file: that of a shared one says nothing */
    row.offset = place->offset;
    row.modified_us = *ret_us = st_now_us();
    bool ok = st_file_take(store, arena, place->path, &file, &size, err);
    UploadChange change = {.arena = arena, .bucket = bucket, .key = key, .id = id, .part = &row, .file = file};
    ok = ok && st_change(store, file, put_part, &change, err);
    if (place->is_shared) {
        st_claim_end(store, id, part->number);
    } else if (!ok) {
        (void)unlink(file.len > 0 ? st_file_path(arena, store, file).data : str_to_c(arena, place->path));
    }
    st_sweep_soon(store);
    return ok;
}

bool st_part_list(StStore *store, Arena *arena, Str id, int64_t after, size_t limit, const StPart **ret_parts, size_t *ret_count, Err *err) {
    VEC(StPart) rows = {.arena = arena};
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = st_lease(reader, arena, err);
    if (ok) {
        StStatement statement = st_prepare(
            reader,
            "SELECT number, path, size, modified_us, etag, meta, offset, path = (SELECT file FROM upload WHERE id = ?1) FROM upload_part "
            "WHERE upload = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
            err);
        st_bind_str(&statement, id);
        st_bind_i64(&statement, after);
        st_bind_i64(&statement, limit == 0 ? -1 : (int64_t)limit);
        while (st_step(&statement)) {
            VEC_PUSH(&rows, (StPart){.number = st_column_i64(&statement, 0),
                                     .path = st_file_path(arena, reader, st_column_peek(&statement, 1)),
                                     .size = st_column_i64(&statement, 2),
                                     .modified_us = st_column_i64(&statement, 3),
                                     .etag = st_column(&statement, arena, 4),
                                     .meta = st_column(&statement, arena, 5),
                                     .offset = st_column_i64(&statement, 6),
                                     .is_placed = st_column_i64(&statement, 7) != 0});
        }
        ok = st_finish(&statement);
    }
    st_unlock(reader);
    *ret_parts = rows.items;
    *ret_count = rows.count;
    return ok;
}

/* ---- the end of an upload ---- */

static bool complete_upload(StStore *store, void *self, Err *err) {
    const UploadChange *change = self;
    StUpload upload;
    return st_lease(store, change->arena, err) && find_upload(store, change->arena, change->bucket, change->key, change->id, &upload, err) &&
           st_object_replace(store, change->arena, change->bucket, change->put, change->name, change->size, change->ret_object, err) &&
           delete_upload(store, change->id, change->name, err);
}

/* Each part in its slot, one behind the other, and no other part in the file: then that is the object's. */
static bool is_in_slots(const StPart *parts, size_t count, int64_t slot, int64_t placed) {
    int64_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        bool fits = i + 1 < count ? parts[i].size == slot : parts[i].size <= slot;
        if (parts[i].number != (int64_t)i + 1 || !fits) {
            return false;
        }
        chosen += parts[i].is_placed ? 1 : 0;
    }
    return chosen > 0 && chosen == placed;
}

static bool count_placed(StStore *store, Str id, int64_t *ret_placed, Err *err) {
    StStatement statement = st_prepare(
        store, "SELECT count(*) FROM upload_part p JOIN upload u ON u.id = p.upload AND u.file = p.path WHERE p.upload = ?1", err);
    st_bind_str(&statement, id);
    *ret_placed = st_step(&statement) ? st_column_i64(&statement, 0) : 0;
    return st_finish(&statement);
}

/* Makes the upload's own file the object's, where the parts are such; else *ret_name stays empty. Parts that came another way (a second try, too large a
 * slot for the last) are copied into their slots, which no row names, and which nobody writes any more. */
static bool fill_slots(StStore *store, Arena *arena, Str bucket, Str key, Str id, const StPart *parts, size_t count, Str *ret_name, Err *err) {
    StSlots slots;
    int64_t placed = 0;
    if (!st_claim_upload(store, arena, id)) {
        return true;
    }
    st_lock(store);
    bool ok = st_slots_find(store, arena, bucket, key, id, &slots, err) && count_placed(store, id, &placed, err);
    st_unlock(store);
    if (!ok || slots.file.len == 0 || !is_in_slots(parts, count, slots.slot, placed)) {
        return ok;
    }
    StPiece *pieces = ARENA_ARRAY(arena, StPiece, count);
    for (size_t i = 0; i < count; i++) {
        pieces[i] = (StPiece){.path = parts[i].is_placed ? STR("") : parts[i].path, .offset = parts[i].offset, .size = parts[i].size};
    }
    *ret_name = slots.file;
    return st_file_fill(store, slots.file, pieces, count, err);
}

static bool join_parts(StStore *store, Arena *arena, const StPart *parts, size_t count, Str *ret_name, Err *err) {
    StPiece *pieces = ARENA_ARRAY(arena, StPiece, count);
    for (size_t i = 0; i < count; i++) {
        pieces[i] = (StPiece){.path = parts[i].path, .offset = parts[i].offset, .size = parts[i].size, .is_whole = !parts[i].is_placed};
    }
    return st_file_join(store, arena, pieces, count, ret_name, err);
}

bool st_upload_complete(StStore *store, Arena *arena, Str bucket, Str id, const StPut *put, const StPart *parts, size_t count, StObject *ret_object,
                        Err *err) {
    Str name = STR("");
    int64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += parts[i].size;
    }
    if (!fill_slots(store, arena, bucket, put->key, id, parts, count, &name, err)) {
        return false;
    }
    bool is_in_place = name.len > 0;
    if (!is_in_place && !join_parts(store, arena, parts, count, &name, err)) {
        return false;
    }
    UploadChange change = {
        .arena = arena, .bucket = bucket, .key = put->key, .id = id, .put = put, .name = name, .size = size, .ret_object = ret_object};
    bool ok = st_change(store, name, complete_upload, &change, err);
    if (!ok && !is_in_place) {
        st_file_remove(store, name);
    }
    st_sweep_soon(store);
    return ok;
}

/* ---- listing ---- */

typedef VEC(StUploadEntry) EntryList;

/* Unfinished uploads are few: their keys are read one after the other, without the jumps of st_object_page. */
static bool walk(StStore *store, Arena *arena, Str bucket, const StUploadPage *page, EntryList *entries, bool *ret_more, Err *err) {
    Str after_rolled = str_starts_with(page->after_key, page->prefix) ? st_rolled_up(page->after_key, page->prefix, page->delimiter) : STR("");
    StStatement statement = st_prepare(store,
                                       "SELECT " UPLOAD_COLUMNS " FROM upload WHERE bucket = ?1 AND key >= ?2 AND key < ?3 AND "
                                       "(key > ?4 OR (key = ?4 AND length(?5) > 0 AND id > ?5)) ORDER BY key, id",
                                       err);
    st_bind_str(&statement, bucket);
    st_bind_blob(&statement, page->prefix);
    st_bind_blob(&statement, st_prefix_end(arena, page->prefix));
    st_bind_blob(&statement, page->after_key);
    st_bind_str(&statement, page->after_id);
    Str last = after_rolled;
    while (!*ret_more && st_step(&statement)) {
        StUpload upload = read_upload(&statement, arena);
        Str rolled = st_rolled_up(upload.key, page->prefix, page->delimiter);
        if (rolled.len > 0 && str_eq(rolled, last)) {
            continue;
        }
        if (entries->count == page->limit) {
            *ret_more = true;
        } else if (rolled.len > 0) {
            VEC_PUSH(entries, (StUploadEntry){.is_prefix = true, .upload = {.key = rolled}});
            last = rolled;
        } else {
            VEC_PUSH(entries, (StUploadEntry){.upload = upload});
        }
    }
    return st_finish(&statement);
}

bool st_upload_page(StStore *store, Arena *arena, Str bucket, const StUploadPage *page, const StUploadEntry **ret_entries, size_t *ret_count,
                    bool *ret_more, Err *err) {
    EntryList entries = {.arena = arena};
    *ret_more = false;
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = st_require_bucket(reader, bucket, err) && walk(reader, arena, bucket, page, &entries, ret_more, err);
    st_unlock(reader);
    *ret_entries = entries.items;
    *ret_count = entries.count;
    return ok;
}
