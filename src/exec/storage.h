/* exec/storage.h - where files are: the engine's only view of buckets, implemented by daemon/ over store/, and by exec/ itself for
 * plain directories.
 *
 * Invariant: a transaction's files are seen by nobody before commit, and by everybody after it; abort or a kill leaves no trace.
 */
#ifndef SOLDER_EXEC_STORAGE_H
#define SOLDER_EXEC_STORAGE_H

#include "base/err.h"

typedef struct ExObject {
    Str url;  /* s3://bucket/key, as the user would write it */
    Str path; /* local file that holds its bytes */
    int64_t size;
    int64_t modified_us;
} ExObject;

typedef struct ExStorageTxn ExStorageTxn;

typedef struct ExStorage {
    void *self;
    /* Objects whose key is the URL's or begins with it as a directory (s3://b/dir matches dir/…, not dirty/…), sorted by key. No match: zero objects,
     * no error. Codes: NoSuchBucket. */
    bool (*list)(void *self, Arena *arena, Str url, const ExObject **ret_objects, size_t *ret_count, Err *err);
    /* Opens a transaction that will add objects below the URL. */
    ExStorageTxn *(*begin)(void *self, Str url, Err *err);
    /* A path for a new file that will become the object url/relative on commit. */
    bool (*add)(ExStorageTxn *txn, Arena *arena, Str relative, Str *ret_path, Err *err);
    /* Objects below url/relative (empty: all below the URL) that exist at commit and are not of this transaction are deleted by it. */
    bool (*replace)(ExStorageTxn *txn, Str relative, Err *err);
    /* All at once and durable; the transaction is gone afterwards in either case. */
    bool (*commit)(ExStorageTxn *owned_txn, Err *err);
    void (*abort)(ExStorageTxn *owned_txn);
} ExStorage;

#endif
