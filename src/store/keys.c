/* keys.c - see keys.h. */
#include "store/keys.h"

#include "base/vec.h"
#include "store/store_room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_LENGTH = 16, SECRET_LENGTH = 40, TOKEN_LENGTH = 128, MAX_FILE = 1 << 20 };
/* A key that expired stays known for a day: its holder is told that it is expired, not that it never was. */
static const int64_t KEPT_US = INT64_C(86400) * 1000000;

typedef VEC(StKey) KeyVec;

static Str path_of(StStore *store, Arena *arena, const char *name) {
    return str_fmt(arena, "%.*s/%s", STR_ARG(store->home), name);
}

/* Random characters of an alphabet of 32 or 64, so that each is equally likely. */
static bool random_text(Arena *arena, size_t len, const char *alphabet, size_t alphabet_len, Str *ret_text, Err *err) {
    unsigned char bytes[TOKEN_LENGTH];
    if (getrandom(bytes, len, 0) != (ssize_t)len) {
        return err_set(err, ERR_IO, "no random numbers: %s", strerror(errno));
    }
    char *text = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        text[i] = alphabet[bytes[i] % alphabet_len];
    }
    *ret_text = (Str){text, len};
    return true;
}

bool st_key_make(Arena *arena, const char *id_prefix, StKey *ret_key, Err *err) {
    static const char ID_ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    /* Without the '+' and '/' of AWS's own secrets: those need quoting in too many places. */
    static const char SECRET_ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab";
    Str tail = {0};
    if (!random_text(arena, ID_LENGTH, ID_ALPHABET, 32, &tail, err) ||
        !random_text(arena, SECRET_LENGTH, SECRET_ALPHABET, 64, &ret_key->secret, err)) {
        return false;
    }
    ret_key->id = str_fmt(arena, "%s%.*s", id_prefix, STR_ARG(tail));
    return true;
}

/* ---- the file ---- */

static bool read_file(Str path, Arena *arena, Str *ret_text, Err *err) {
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        *ret_text = STR("");
        return errno == ENOENT || err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(path), strerror(errno));
    }
    StrBuf text = {.arena = arena};
    char chunk[4096];
    ssize_t got = 0;
    while ((got = read(fd, chunk, sizeof chunk)) > 0 && text.len < MAX_FILE) {
        strbuf_add(&text, (Str){chunk, (size_t)got});
    }
    int saved = errno;
    (void)close(fd);
    *ret_text = strbuf_str(&text);
    return got == 0 || err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), got < 0 ? strerror(saved) : "longer than any list of keys");
}

/* "name = value" split at its first '='. */
static bool split_setting(Str line, Str *ret_name, Str *ret_value) {
    const char *equals = line.len == 0 ? NULL : memchr(line.data, '=', line.len);
    if (equals == NULL) {
        return false;
    }
    size_t at = (size_t)(equals - line.data);
    *ret_name = str_trim(str_slice(line, 0, at));
    *ret_value = str_trim(str_slice(line, at + 1, line.len));
    return true;
}

static void parse_keys(Str text, KeyVec *keys) {
    StKey key = {0};
    size_t at = 0;
    while (at <= text.len) {
        const char *end = at == text.len ? NULL : memchr(text.data + at, '\n', text.len - at);
        size_t line_end = end == NULL ? text.len : (size_t)(end - text.data);
        Str line = str_trim(str_slice(text, at, line_end));
        Str name;
        Str value;
        bool is_section = line.len > 2 && line.data[0] == '[' && line.data[line.len - 1] == ']';
        if ((is_section || line_end == text.len) && key.id.len > 0 && key.secret.len > 0 && !(line_end == text.len && line.len > 0 && !is_section)) {
            VEC_PUSH(keys, key);
            key = (StKey){0};
        }
        if (is_section) {
            key = (StKey){.profile = str_trim(str_slice(line, 1, line.len - 1))};
        } else if (line.len > 0 && line.data[0] != '#' && split_setting(line, &name, &value)) {
            key.id = str_eq_c(name, "aws_access_key_id") ? value : key.id;
            key.secret = str_eq_c(name, "aws_secret_access_key") ? value : key.secret;
            if (line_end == text.len && key.id.len > 0 && key.secret.len > 0) {
                VEC_PUSH(keys, key);
            }
        }
        at = line_end + 1;
    }
}

static bool read_keys(StStore *store, Arena *arena, KeyVec *ret_keys, Err *err) {
    Str text;
    *ret_keys = (KeyVec){.arena = arena};
    if (!read_file(path_of(store, arena, "credentials"), arena, &text, err)) {
        return false;
    }
    parse_keys(text, ret_keys);
    return true;
}

/* The keys as the file last had them. A file that changes is another one (its number, size or time differs); one that was written just before it was read
 * may change again within the clock's grain, and is not kept. */
struct StKeyCache {
    Arena *arena;
    struct stat seen;
    KeyVec keys;
};

enum { GRAIN_SECONDS = 2 };

void st_key_cache_free(struct StKeyCache *owned_cache) {
    if (owned_cache != NULL) {
        arena_free(owned_cache->arena);
    }
}

static bool is_same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The file's keys, for a look: read anew only when `solder key` of another process, or an editor, may have changed them. Borrowed while locked. */
static bool seen_keys(StStore *store, Arena *arena, KeyVec *ret_keys, Err *err) {
    struct stat now;
    if (stat(path_of(store, arena, "credentials").data, &now) != 0) {
        return read_keys(store, arena, ret_keys, err);
    }
    if (store->key_cache != NULL && is_same_file(&store->key_cache->seen, &now)) {
        *ret_keys = store->key_cache->keys;
        return true;
    }
    st_key_cache_free(store->key_cache);
    store->key_cache = NULL;
    Arena *kept = arena_new();
    struct StKeyCache *cache = ARENA_NEW(kept, struct StKeyCache);
    *cache = (struct StKeyCache){.arena = kept, .seen = now};
    bool is_settled = st_now_us() / 1000000 - now.st_ctim.tv_sec > GRAIN_SECONDS;
    if (!is_settled) {
        arena_free(kept);
        return read_keys(store, arena, ret_keys, err);
    }
    if (!read_keys(store, kept, &cache->keys, err)) {
        arena_free(kept);
        return false;
    }
    store->key_cache = cache;
    *ret_keys = cache->keys;
    return true;
}

static bool write_whole(int fd, Str text) {
    for (size_t done = 0; done < text.len;) {
        ssize_t put = write(fd, text.data + done, text.len - done);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static bool write_keys(StStore *store, Arena *arena, const KeyVec *keys, Err *err) {
    StrBuf text = {.arena = arena};
    strbuf_add_c(&text, "# Access keys of this Solder home; see solder key --help.\n");
    for (size_t i = 0; i < keys->count; i++) {
        const StKey *key = &keys->items[i];
        strbuf_fmt(&text, "\n[%.*s]\naws_access_key_id = %.*s\naws_secret_access_key = %.*s\n", STR_ARG(key->profile), STR_ARG(key->id),
                   STR_ARG(key->secret));
    }
    Str path = path_of(store, arena, "credentials");
    Str aside = path_of(store, arena, "credentials.new");
    int fd = open(aside.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && fchmod(fd, 0600) == 0 && write_whole(fd, strbuf_str(&text)) && fsync(fd) == 0;
    if (fd >= 0) {
        ok = close(fd) == 0 && ok;
    }
    if (!ok || rename(aside.data, path.data) != 0) {
        return err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(path), strerror(errno));
    }
    int directory = open(str_to_c(arena, store->home), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = directory >= 0 && fsync(directory) == 0;
    if (directory >= 0) {
        (void)close(directory);
    }
    return ok || err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(store->home), strerror(errno));
}

static const StKey *find_in_file(const KeyVec *keys, Str id_or_profile) {
    for (size_t i = 0; i < keys->count; i++) {
        if (str_eq(keys->items[i].id, id_or_profile) || str_eq(keys->items[i].profile, id_or_profile)) {
            return &keys->items[i];
        }
    }
    return NULL;
}

static bool profile_is_valid(Str profile) {
    for (size_t i = 0; i < profile.len; i++) {
        unsigned char c = (unsigned char)profile.data[i];
        if (c <= ' ' || c == '[' || c == ']' || c == '#' || c == 127) {
            return false;
        }
    }
    return profile.len > 0 && profile.len <= 64;
}

static bool create_locked(StStore *store, Arena *arena, Str profile, bool keep, StKey *ret_key, Err *err) {
    KeyVec keys;
    if (!read_keys(store, arena, &keys, err)) {
        return false;
    }
    const StKey *there = find_in_file(&keys, profile);
    if (there != NULL) {
        *ret_key = *there;
        return keep || err_set(err, "AlreadyExistsException", "there is a key named %.*s already", STR_ARG(profile));
    }
    *ret_key = (StKey){.profile = profile};
    if (!st_key_make(arena, "AKIA", ret_key, err)) {
        return false;
    }
    VEC_PUSH(&keys, *ret_key);
    return write_keys(store, arena, &keys, err);
}

bool st_key_default(StStore *store, Arena *arena, StKey *ret_key, Err *err) {
    st_lock(store);
    bool ok = create_locked(store, arena, STR("default"), true, ret_key, err);
    st_unlock(store);
    return ok;
}

bool st_key_create(StStore *store, Arena *arena, Str profile, StKey *ret_key, Err *err) {
    if (!profile_is_valid(profile)) {
        return err_set(err, "InvalidInputException", "a key's name is 1 to 64 characters without spaces, brackets and '#'");
    }
    st_lock(store);
    bool ok = create_locked(store, arena, profile, false, ret_key, err);
    st_unlock(store);
    return ok;
}

bool st_key_list(StStore *store, Arena *arena, const StKey **ret_keys, size_t *ret_count, Err *err) {
    KeyVec keys;
    st_lock(store);
    bool ok = read_keys(store, arena, &keys, err);
    st_unlock(store);
    *ret_keys = keys.items;
    *ret_count = keys.count;
    return ok;
}

bool st_key_delete(StStore *store, Str id_or_profile, Err *err) {
    Arena *scratch = arena_new();
    KeyVec keys;
    st_lock(store);
    bool ok = read_keys(store, scratch, &keys, err);
    const StKey *gone = ok ? find_in_file(&keys, id_or_profile) : NULL;
    if (ok && gone == NULL) {
        ok = err_set(err, "EntityNotFoundException", "there is no key %.*s: solder key list shows them", STR_ARG(id_or_profile));
    }
    if (ok) {
        size_t at = (size_t)(gone - keys.items);
        memmove(&keys.items[at], &keys.items[at + 1], (keys.count - at - 1) * sizeof keys.items[0]);
        keys.count--;
        ok = write_keys(store, scratch, &keys, err);
    }
    st_unlock(store);
    arena_free(scratch);
    return ok;
}

/* ---- temporary keys ---- */

Str st_key_claim(const StKey *key) {
    return str_slice(key->token, TOKEN_LENGTH, key->token.len);
}

bool st_key_issue(StStore *store, Arena *arena, int64_t seconds, Str claim, StKey *ret_key, Err *err) {
    static const char TOKEN_ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab";
    *ret_key = (StKey){.expires_us = st_now_us() + seconds * 1000000};
    if (!st_key_make(arena, "ASIA", ret_key, err) || !random_text(arena, TOKEN_LENGTH, TOKEN_ALPHABET, 64, &ret_key->token, err)) {
        return false;
    }
    ret_key->token = str_fmt(arena, "%.*s%.*s", STR_ARG(ret_key->token), STR_ARG(claim));
    st_lock(store);
    StStatement old = st_prepare(store, "DELETE FROM temporary_key WHERE expires_us < ?1", err);
    st_bind_i64(&old, st_now_us() - KEPT_US);
    (void)st_step(&old);
    bool ok = st_finish(&old);
    if (ok) {
        StStatement insert = st_prepare(store, "INSERT INTO temporary_key (id, secret, token, expires_us) VALUES (?1, ?2, ?3, ?4)", err);
        st_bind_str(&insert, ret_key->id);
        st_bind_str(&insert, ret_key->secret);
        st_bind_str(&insert, ret_key->token);
        st_bind_i64(&insert, ret_key->expires_us);
        (void)st_step(&insert);
        ok = st_finish(&insert);
    }
    st_unlock(store);
    return ok;
}

bool st_key_revoke(StStore *store, Str id, Err *err) {
    st_lock(store);
    StStatement statement = st_prepare(store, "DELETE FROM temporary_key WHERE id = ?1", err);
    st_bind_str(&statement, id);
    (void)st_step(&statement);
    bool ok = st_finish(&statement);
    st_unlock(store);
    return ok;
}

static bool find_temporary(StStore *store, Arena *arena, Str id, StKey *ret_key, bool *ret_found, Err *err) {
    StStatement statement = st_prepare(store, "SELECT secret, token, expires_us FROM temporary_key WHERE id = ?1", err);
    st_bind_str(&statement, id);
    *ret_found = st_step(&statement);
    if (*ret_found) {
        *ret_key = (StKey){.id = str_copy(arena, id),
                           .secret = st_column(&statement, arena, 0),
                           .token = st_column(&statement, arena, 1),
                           .expires_us = st_column_i64(&statement, 2)};
    }
    return st_finish(&statement);
}

bool st_key_find(StStore *store, Arena *arena, Str id, StKey *ret_key, bool *ret_found, Err *err) {
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = true;
    *ret_found = false;
    if (str_starts_with(id, STR("ASIA"))) {
        ok = find_temporary(reader, arena, id, ret_key, ret_found, err);
    } else {
        KeyVec keys;
        ok = seen_keys(reader, arena, &keys, err);
        for (size_t i = 0; ok && i < keys.count && !*ret_found; i++) {
            if (str_eq(keys.items[i].id, id)) {
                *ret_key = (StKey){.profile = str_copy(arena, keys.items[i].profile), .id = str_copy(arena, id),
                                   .secret = str_copy(arena, keys.items[i].secret)};
                *ret_found = true;
            }
        }
    }
    st_unlock(reader);
    return ok;
}
