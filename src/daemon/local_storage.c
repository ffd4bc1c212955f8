/* local_storage.c - see local_storage.h: s3:// URLs to buckets and keys, transactions to the store's. */
#include "daemon/local_storage.h"

#include "base/vec.h"

struct ExStorageTxn {
    Arena *arena;
    StTxn *txn;
    Str prefix; /* key of the target directory, with a slash at its end unless empty */
};

typedef struct S3Name {
    Str bucket, key;
} S3Name;

/* Hadoop's three scheme names mean the same here, as on EMR. */
static bool parse_url(Str url, S3Name *ret_name, Err *err) {
    static const char *const SCHEMES[] = {"s3://", "s3a://", "s3n://"};
    for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++) {
        Str scheme = str_from_c(SCHEMES[i]);
        if (str_starts_with(url, scheme)) {
            Str rest = str_slice(url, scheme.len, url.len);
            size_t slash = 0;
            while (slash < rest.len && rest.data[slash] != '/') {
                slash++;
            }
            *ret_name = (S3Name){str_slice(rest, 0, slash), str_slice(rest, slash + 1, rest.len)};
            return ret_name->bucket.len > 0 || err_set(err, "InvalidURI", "%.*s: no bucket's name", STR_ARG(url));
        }
    }
    return err_set(err, "InvalidURI", "%.*s: expected s3://BUCKET/KEY", STR_ARG(url));
}

/* The key without slashes at its end: "dir/" and "dir" name the same directory. */
static Str without_slashes(Str key) {
    while (key.len > 0 && key.data[key.len - 1] == '/') {
        key.len--;
    }
    return key;
}

static bool list_objects(void *self, Arena *arena, Str url, const ExObject **ret_objects, size_t *ret_count, Err *err) {
    S3Name name;
    const StObject *found = NULL;
    size_t count = 0;
    if (!parse_url(url, &name, err)) {
        return false;
    }
    Str key = without_slashes(name.key);
    if (!st_object_list(self, arena, name.bucket, key, STR(""), 0, &found, &count, err)) {
        return false;
    }
    VEC(ExObject) objects = {.arena = arena};
    for (size_t i = 0; i < count; i++) {
        bool is_below = key.len == 0 || (found[i].key.len > key.len && found[i].key.data[key.len] == '/');
        bool is_itself = str_eq(found[i].key, key) && key.len == name.key.len;
        /* A key that ends in a slash is a console's "folder" mark, not a file. */
        bool is_mark = found[i].key.len > 0 && found[i].key.data[found[i].key.len - 1] == '/';
        if ((is_below || is_itself) && !is_mark) {
            ExObject object = {.url = str_fmt(arena, "s3://%.*s/%.*s", STR_ARG(name.bucket), STR_ARG(found[i].key)),
                               .path = found[i].path,
                               .size = found[i].size,
                               .modified_us = found[i].modified_us};
            VEC_PUSH(&objects, object);
        }
    }
    *ret_objects = objects.items;
    *ret_count = objects.count;
    return true;
}

static ExStorageTxn *begin(void *self, Str url, Err *err) {
    S3Name name;
    if (!parse_url(url, &name, err)) {
        return NULL;
    }
    StTxn *inner = st_txn_begin(self, name.bucket, err);
    if (inner == NULL) {
        return NULL;
    }
    Arena *arena = arena_new();
    ExStorageTxn *txn = ARENA_NEW(arena, ExStorageTxn);
    Str key = without_slashes(name.key);
    *txn = (ExStorageTxn){.arena = arena, .txn = inner, .prefix = key.len == 0 ? STR("") : str_fmt(arena, "%.*s/", STR_ARG(key))};
    return txn;
}

static bool add(ExStorageTxn *txn, Arena *arena, Str relative, Str *ret_path, Err *err) {
    Str key = str_fmt(arena, "%.*s%.*s", STR_ARG(txn->prefix), STR_ARG(relative));
    return st_txn_add(txn->txn, arena, key, ret_path, err);
}

static bool replace(ExStorageTxn *txn, Str relative, Err *err) {
    Str below = without_slashes(relative);
    Arena *scratch = arena_new();
    Str prefix = below.len == 0 ? txn->prefix : str_fmt(scratch, "%.*s%.*s/", STR_ARG(txn->prefix), STR_ARG(below));
    bool ok = st_txn_replace(txn->txn, prefix, err);
    arena_free(scratch);
    return ok;
}

static bool commit(ExStorageTxn *owned_txn, Err *err) {
    bool ok = st_txn_commit(owned_txn->txn, err);
    arena_free(owned_txn->arena);
    return ok;
}

static void abort_txn(ExStorageTxn *owned_txn) {
    st_txn_abort(owned_txn->txn);
    arena_free(owned_txn->arena);
}

ExStorage local_storage(StStore *store) {
    return (ExStorage){.self = store, .list = list_objects, .begin = begin, .add = add, .replace = replace, .commit = commit, .abort = abort_txn};
}
