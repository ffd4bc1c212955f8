/* store/keys.h - the access keys with which requests are signed.
 *
 * Used by daemon/ (the gateway asks for secrets), service/ (temporary keys for jobs and clusters) and cli/ (solder key, solder env).
 * Lasting keys stand in <home>/credentials, mode 0600, in the format of the AWS SDKs' shared credentials file, one profile a key, so that
 * AWS_SHARED_CREDENTIALS_FILE may name it; temporary ones are rows that expire. Invariant: a change of the file is whole or absent after a kill.
 * Error codes: AlreadyExistsException, EntityNotFoundException.
 */
#ifndef SOLDER_STORE_KEYS_H
#define SOLDER_STORE_KEYS_H

#include "store/store.h"

typedef struct StKey {
    Str profile; /* lasting keys: the section's name */
    Str id, secret;
    Str token;          /* temporary keys: must come with each request; else empty */
    int64_t expires_us; /* temporary keys; else 0 */
} StKey;

/* The key of profile "default"; made when there is none, which is at a server's first start. */
bool st_key_default(StStore *store, Arena *arena, StKey *ret_key, Err *err);
bool st_key_create(StStore *store, Arena *arena, Str profile, StKey *ret_key, Err *err);
bool st_key_list(StStore *store, Arena *arena, const StKey **ret_keys, size_t *ret_count, Err *err);
/* By the key's id or its profile. */
bool st_key_delete(StStore *store, Str id_or_profile, Err *err);

/* A new id behind a prefix of four letters and a secret, which nothing stores: for keys (and ids alone) that are another's rows. */
bool st_key_make(Arena *arena, const char *id_prefix, StKey *ret_key, Err *err);

/* A temporary key ("ASIA…") that is good for so many seconds. Its token ends with the claim, letters and digits that say whose it is (empty: the
 * account's), which the token's check covers. */
bool st_key_issue(StStore *store, Arena *arena, int64_t seconds, Str claim, StKey *ret_key, Err *err);
/* The claim out of a key's token; empty: none. Borrowed from the key. */
Str st_key_claim(const StKey *key);
/* Ends a temporary key before its time; one that is not there is no error. */
bool st_key_revoke(StStore *store, Str id, Err *err);
/* Lasting or temporary; *ret_found false: there is no such key. An expired one is found: its caller looks at expires_us. */
bool st_key_find(StStore *store, Arena *arena, Str id, StKey *ret_key, bool *ret_found, Err *err);

#endif
