/* store/uploads.h - multipart uploads: parts that become one object.
 *
 * Used by service/s3_multipart.c. Invariants: a part is there exactly when its row is, its bytes synced before; completing is one transaction that
 * makes the object and takes the upload away, so that after a kill the upload is either still whole or done. Of the file that parts share
 * (spec/store/0007_places.sql), a stretch is written by one request at a time, and never once a row names it.
 */
#ifndef SOLDER_STORE_UPLOADS_H
#define SOLDER_STORE_UPLOADS_H

#include "store/store.h"

typedef struct StUpload {
    Str id;
    Str key;
    int64_t created_us;
    Str meta, tags; /* of the object to be */
} StUpload;

typedef struct StPart {
    int64_t number;
    Str path; /* stays good until the arena is freed */
    int64_t offset; /* of its bytes in that file */
    bool is_placed; /* in the file that the object will be */
    int64_t size;
    int64_t modified_us;
    Str etag;
    Str meta; /* JSON: checksums; may be empty */
} StPart;

/* Where the bytes of a part go. */
typedef struct StPlace {
    Str path;
    int64_t offset;
    bool is_shared; /* with other parts: whoever gives up leaves the file alone; else he removes it */
} StPlace;

/* A part that is to come; size -1: not known. */
typedef struct StComingPart {
    Str bucket, key, upload;
    int64_t number, size;
} StComingPart;

bool st_upload_create(StStore *store, Arena *arena, Str bucket, Str key, Str meta, Str tags, StUpload *ret_upload, Err *err);
/* NoSuchUpload when it is not there, or is of another key. */
bool st_upload_get(StStore *store, Arena *arena, Str bucket, Str key, Str id, StUpload *ret_upload, Err *err);
/* Its parts and the row go. */
bool st_upload_abort(StStore *store, Str bucket, Str key, Str id, Err *err);

/* A place for its bytes, the caller's alone until the arena is freed or st_part_put has taken it. Of an upload that isn't there, a file of its own. */
bool st_part_place(StStore *store, Arena *arena, const StComingPart *coming, StPlace *ret_place, Err *err);
/* Takes the bytes at the place, as st_object_put does; replaces a part of that number. Number, size, etag and meta of the part are read; *ret_us is
 * when. */
bool st_part_put(StStore *store, Arena *arena, Str bucket, Str key, Str id, const StPart *part, const StPlace *place, int64_t *ret_us, Err *err);
/* In the order of their numbers, behind the number `after`, at most limit (0: all). */
bool st_part_list(StStore *store, Arena *arena, Str id, int64_t after, size_t limit, const StPart **ret_parts, size_t *ret_count, Err *err);

/* The object put->key of the parts' bytes. NoSuchUpload when the upload went meanwhile. */
bool st_upload_complete(StStore *store, Arena *arena, Str bucket, Str id, const StPut *put, const StPart *parts, size_t count, StObject *ret_object,
                        Err *err);

/* Uploads in the order of key and start, behind the key (and, of the same key, behind the id); uploads whose key is rolled up are one entry. */
typedef struct StUploadPage {
    Str prefix, delimiter, after_key, after_id;
    size_t limit;
} StUploadPage;

typedef struct StUploadEntry {
    bool is_prefix; /* then of upload there is the key alone: the common prefix */
    StUpload upload;
} StUploadEntry;

bool st_upload_page(StStore *store, Arena *arena, Str bucket, const StUploadPage *page, const StUploadEntry **ret_entries, size_t *ret_count,
                    bool *ret_more, Err *err);

#endif
