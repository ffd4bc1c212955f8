/* test_store.c - the catalog, buckets and transactions of store/, over a home directory of their own. */
#include "store/catalog_json.h"
#include "store/store.h"
#include "store/uploads.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Fixture {
    char home[64];
    Arena *arena;
    StStore *store;
    Err err;
} Fixture;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    (void)snprintf(fixture->home, sizeof fixture->home, "/tmp/solder-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->home));
    fixture->arena = arena_new();
    fixture->store = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(fixture->store);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    Fixture *fixture = *state;
    st_close(fixture->store);
    arena_free(fixture->arena);
    assert_int_equal(nftw(fixture->home, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

static void write_file(Str path, const char *text) {
    int fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static void put_object(Fixture *fixture, const char *key, const char *text) {
    StTxn *txn = st_txn_begin(fixture->store, STR("bucket"), &fixture->err);
    Str path;
    assert_non_null(txn);
    assert_true(st_txn_add(txn, fixture->arena, str_from_c(key), &path, &fixture->err));
    write_file(path, text);
    assert_true(st_txn_commit(txn, &fixture->err));
}

static size_t count_objects(Fixture *fixture, const char *prefix) {
    const StObject *objects;
    size_t count;
    assert_true(st_object_list(fixture->store, fixture->arena, STR("bucket"), str_from_c(prefix), STR(""), 0, &objects, &count, &fixture->err));
    return count;
}

static void test_buckets(void **state) {
    Fixture *fixture = *state;
    bool exists = true;
    assert_true(st_bucket_exists(fixture->store, STR("bucket"), &exists, &fixture->err));
    assert_false(exists);
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    assert_false(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    assert_string_equal(fixture->err.code, "BucketAlreadyOwnedByYou");
    const char *bad[] = {"ab", "Bucket", "-ab", "ab-", "a..b", "a/b", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err_clear(&fixture->err);
        assert_false(st_bucket_create(fixture->store, str_from_c(bad[i]), STR(""), &fixture->err));
        assert_string_equal(fixture->err.code, "InvalidBucketName");
    }
    err_clear(&fixture->err);
    put_object(fixture, "a", "x");
    assert_false(st_bucket_delete(fixture->store, STR("bucket"), &fixture->err));
    assert_string_equal(fixture->err.code, "BucketNotEmpty");
    err_clear(&fixture->err);
    assert_true(st_object_delete(fixture->store, STR("bucket"), &STR("a"), 1, &fixture->err));
    assert_true(st_bucket_delete(fixture->store, STR("bucket"), &fixture->err));
    assert_null(st_txn_begin(fixture->store, STR("bucket"), &fixture->err));
    assert_string_equal(fixture->err.code, "NoSuchBucket");
}

static void test_listing_follows_bytes(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    const char *keys[] = {"dir/b", "dir/a", "dirty", "dir", "dir/\xC3\xA9", "\xF4\x8F\xBF\xBF" /* the last character */};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        put_object(fixture, keys[i], "x");
    }
    const StObject *objects;
    size_t count;
    assert_true(st_object_list(fixture->store, fixture->arena, STR("bucket"), STR("dir/"), STR("dir/a"), 0, &objects, &count, &fixture->err));
    assert_int_equal(count, 2);
    assert_true(str_eq_c(objects[0].key, "dir/b"));
    assert_true(str_eq_c(objects[1].key, "dir/\xC3\xA9"));
    assert_int_equal(count_objects(fixture, ""), 6);
    assert_int_equal(count_objects(fixture, "dir"), 5);
    assert_int_equal(count_objects(fixture, "\xF4"), 1);
    StTxn *txn = st_txn_begin(fixture->store, STR("bucket"), &fixture->err);
    Str path;
    assert_false(st_txn_add(txn, fixture->arena, STR("\xFF"), &path, &fixture->err)); /* stands for the end of all keys */
    assert_string_equal(fixture->err.code, "InvalidURI");
    st_txn_abort(txn);
}

static void test_transaction_is_all_or_nothing(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    put_object(fixture, "out/old-1", "1");
    put_object(fixture, "out/old-2", "2");
    put_object(fixture, "outer", "3");
    StTxn *txn = st_txn_begin(fixture->store, STR("bucket"), &fixture->err);
    Str first;
    Str second;
    assert_true(st_txn_add(txn, fixture->arena, STR("out/new-1"), &first, &fixture->err));
    assert_true(st_txn_add(txn, fixture->arena, STR("out/old-1"), &second, &fixture->err));
    assert_true(st_txn_replace(txn, STR("out/"), &fixture->err));
    write_file(first, "new");
    write_file(second, "newer");
    assert_int_equal(count_objects(fixture, "out/"), 2);
    StObject object;
    assert_true(st_object_get(fixture->store, fixture->arena, STR("bucket"), STR("out/old-1"), &object, &fixture->err));
    assert_int_equal(object.size, 1);
    assert_true(st_txn_commit(txn, &fixture->err));
    assert_int_equal(count_objects(fixture, "out/"), 2);
    assert_true(st_object_get(fixture->store, fixture->arena, STR("bucket"), STR("out/old-1"), &object, &fixture->err));
    assert_int_equal(object.size, 5);
    assert_int_equal(count_objects(fixture, "outer"), 1);
}

static void test_commit_without_the_file_fails_whole(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    StTxn *txn = st_txn_begin(fixture->store, STR("bucket"), &fixture->err);
    Str path;
    assert_true(st_txn_add(txn, fixture->arena, STR("a"), &path, &fixture->err));
    write_file(path, "x");
    assert_true(st_txn_add(txn, fixture->arena, STR("b"), &path, &fixture->err));
    assert_false(st_txn_commit(txn, &fixture->err));
    assert_int_equal(count_objects(fixture, ""), 0);
}

static size_t count_directories(const Fixture *fixture) {
    char command[128];
    (void)snprintf(command, sizeof command, "ls %s/objects | wc -l", fixture->home);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    unsigned count = 0;
    assert_int_equal(fscanf(out, "%u", &count), 1);
    assert_int_equal(pclose(out), 0);
    return count;
}

/* A process that dies inside a transaction leaves nothing that the next opening does not sweep; what was committed stays. */
static void test_killed_transaction_leaves_no_trace(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    put_object(fixture, "kept", "x");
    st_close(fixture->store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        Err err = {0};
        Arena *arena = arena_new();
        StStore *store = st_open(str_from_c(fixture->home), &err);
        StTxn *txn = store == NULL ? NULL : st_txn_begin(store, STR("bucket"), &err);
        Str path;
        if (txn == NULL || !st_txn_add(txn, arena, STR("lost"), &path, &err)) {
            _exit(1);
        }
        FILE *file = fopen(path.data, "w");
        _exit(file != NULL && fputs("half", file) >= 0 && fflush(file) == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(count_directories(fixture), 2);
    fixture->store = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(fixture->store);
    assert_int_equal(count_objects(fixture, ""), 1);
    assert_int_equal(count_directories(fixture), 1);
}

/* A path that was read stays good until the reader's arena is freed, in whatever store of the home; then the file goes. */
static void test_replaced_file_goes_when_nobody_reads(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    put_object(fixture, "a", "1");
    StStore *other = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(other);
    StObject old;
    Arena *own = arena_new();
    Arena *foreign = arena_new();
    assert_true(st_object_get(fixture->store, own, STR("bucket"), STR("a"), &old, &fixture->err));
    assert_true(st_object_get(other, foreign, STR("bucket"), STR("a"), &old, &fixture->err));
    Str path = str_copy(fixture->arena, old.path);
    put_object(fixture, "a", "2");
    st_sweep(fixture->store);
    assert_int_equal(access(path.data, R_OK), 0);
    arena_free(own);
    st_sweep(fixture->store);
    assert_int_equal(access(path.data, R_OK), 0);
    arena_free(foreign);
    st_sweep(fixture->store);
    assert_int_not_equal(access(path.data, R_OK), 0);
    /* Later readers hold back nothing that was deleted before they read. */
    assert_true(st_object_delete(fixture->store, STR("bucket"), &STR("a"), 1, &fixture->err));
    foreign = arena_new();
    const StObject *objects;
    size_t count;
    assert_true(st_object_list(other, foreign, STR("bucket"), STR(""), STR(""), 0, &objects, &count, &fixture->err));
    st_sweep(fixture->store);
    assert_int_equal(count_directories(fixture), 0);
    st_close(other);
    arena_free(foreign); /* after its store */
}

/* A reader that is killed protects nothing any more. */
static void test_killed_reader_holds_nothing_back(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    put_object(fixture, "a", "1");
    st_close(fixture->store);
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        Err err = {0};
        StObject object;
        StStore *store = st_open(str_from_c(fixture->home), &err);
        bool ok = store != NULL && st_object_get(store, arena_new(), STR("bucket"), STR("a"), &object, &err);
        (void)!write(told[1], ok ? "y" : "n", 1);
        for (;;) {
            (void)pause();
        }
    }
    char answer = 0;
    assert_int_equal(read(told[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    fixture->store = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(fixture->store);
    assert_true(st_object_delete(fixture->store, STR("bucket"), &STR("a"), 1, &fixture->err));
    st_sweep(fixture->store);
    assert_int_equal(count_directories(fixture), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    st_sweep(fixture->store);
    assert_int_equal(count_directories(fixture), 0);
    (void)close(told[0]);
    (void)close(told[1]);
}

/* ---- single objects ---- */

static Str upload_file(Fixture *fixture, const char *text) {
    Str path = str_fmt(fixture->arena, "%s/upload-%zu", fixture->home, arena_used(fixture->arena));
    write_file(path, text);
    return path;
}

static bool put_single(Fixture *fixture, const StPut *put, const char *text) {
    err_clear(&fixture->err);
    return st_object_put(fixture->store, fixture->arena, STR("bucket"), put, upload_file(fixture, text), NULL, &fixture->err);
}

static void assert_bytes(Str path, const char *text) {
    char buffer[256];
    int fd = open(path.data, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t got = read(fd, buffer, sizeof buffer);
    assert_int_equal(close(fd), 0);
    assert_int_equal(got, (ssize_t)strlen(text));
    assert_memory_equal(buffer, text, strlen(text));
}

static void test_single_put_copy_and_conditions(void **state) {
    Fixture *fixture = *state;
    StPut put = {.key = STR("a/../b"), .etag = STR("0123"), .meta = STR("{\"ContentType\":\"x/y\"}")};
    assert_false(put_single(fixture, &put, "1"));
    assert_string_equal(fixture->err.code, "NoSuchBucket");
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR("eu-west-1"), (err_clear(&fixture->err), &fixture->err)));
    assert_true(put_single(fixture, &put, "one"));
    StObject object;
    assert_true(st_object_get(fixture->store, fixture->arena, STR("bucket"), put.key, &object, &fixture->err));
    assert_true(str_eq(object.etag, put.etag));
    assert_true(str_eq(object.meta, put.meta));
    assert_bytes(object.path, "one");
    put.condition = (StCondition){.must_be_absent = true};
    assert_false(put_single(fixture, &put, "two"));
    assert_string_equal(fixture->err.code, "PreconditionFailed");
    put.condition = (StCondition){.etag = STR("4567")};
    assert_false(put_single(fixture, &put, "two"));
    assert_string_equal(fixture->err.code, "PreconditionFailed");
    put.condition = (StCondition){.etag = STR("0123")};
    put.etag = STR("4567");
    assert_true(put_single(fixture, &put, "two"));
    put.key = STR("absent");
    assert_false(put_single(fixture, &put, "two"));
    assert_string_equal(fixture->err.code, "NoSuchKey");
    /* A copy outlives its source. */
    err_clear(&fixture->err);
    StPut copy = {.key = STR("copy"), .etag = STR("4567")};
    assert_true(st_object_get(fixture->store, fixture->arena, STR("bucket"), STR("a/../b"), &object, &fixture->err));
    assert_true(st_object_copy(fixture->store, fixture->arena, &object, STR("bucket"), &copy, &object, &fixture->err));
    assert_true(st_object_delete(fixture->store, STR("bucket"), &STR("a/../b"), 1, &fixture->err));
    st_sweep(fixture->store);
    assert_bytes(object.path, "two");
    assert_int_equal(count_objects(fixture, ""), 1);
    assert_false(st_object_delete_if(fixture->store, STR("bucket"), STR("copy"), &(StCondition){.etag = STR("x")}, &fixture->err));
    assert_string_equal(fixture->err.code, "PreconditionFailed");
}

/* What the engine writes has an ETag as well: of its own for each file, and stable. */
static void test_engine_objects_have_etags(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    StTxn *txn = st_txn_begin(fixture->store, STR("bucket"), &fixture->err);
    Str path;
    for (int i = 0; i < 2; i++) {
        assert_true(st_txn_add(txn, fixture->arena, i == 0 ? STR("a") : STR("b"), &path, &fixture->err));
        write_file(path, "same");
    }
    assert_true(st_txn_commit(txn, &fixture->err));
    StObject a;
    StObject again;
    StObject b;
    assert_true(st_object_get(fixture->store, fixture->arena, STR("bucket"), STR("a"), &a, &fixture->err));
    assert_true(st_object_get(fixture->store, fixture->arena, STR("bucket"), STR("a"), &again, &fixture->err));
    assert_true(st_object_get(fixture->store, fixture->arena, STR("bucket"), STR("b"), &b, &fixture->err));
    assert_int_equal(a.etag.len, 34);
    assert_true(str_ends_with(a.etag, STR("-1")));
    assert_true(str_eq(a.etag, again.etag));
    assert_false(str_eq(a.etag, b.etag));
}

/* The entries of a page as "key|prefix/|…", with "+" behind when there are more. */
static Str page_text(Fixture *fixture, StPage page) {
    const StEntry *entries;
    size_t count;
    bool more = false;
    StrBuf text = {.arena = fixture->arena};
    assert_true(st_object_page(fixture->store, fixture->arena, STR("bucket"), &page, &entries, &count, &more, &fixture->err));
    for (size_t i = 0; i < count; i++) {
        strbuf_fmt(&text, "%s%.*s%s", i > 0 ? "|" : "", STR_ARG(entries[i].object.key), entries[i].is_prefix ? "*" : "");
    }
    strbuf_add_c(&text, more ? "+" : "");
    return strbuf_str(&text);
}

static void assert_page(Fixture *fixture, StPage page, const char *expected) {
    assert_string_equal(page_text(fixture, page).data, expected);
}

static void test_pages_roll_up(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    const char *keys[] = {"a", "b", "b/1", "b/2", "b/c/3", "c", "d/", "d/x", "e//f"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        put_object(fixture, keys[i], "x");
    }
    Str slash = STR("/");
    assert_page(fixture, (StPage){.limit = 100}, "a|b|b/1|b/2|b/c/3|c|d/|d/x|e//f");
    assert_page(fixture, (StPage){.delimiter = slash, .limit = 100}, "a|b|b/*|c|d/*|e/*");
    assert_page(fixture, (StPage){.delimiter = slash, .limit = 3}, "a|b|b/*+");
    assert_page(fixture, (StPage){.delimiter = slash, .limit = 6}, "a|b|b/*|c|d/*|e/*");
    assert_page(fixture, (StPage){.delimiter = slash, .limit = 2, .after = STR("b/"), .after_is_rolled = true}, "c|d/*+");
    assert_page(fixture, (StPage){.delimiter = slash, .limit = 9, .after = STR("b/1")}, "b/*|c|d/*|e/*");
    assert_page(fixture, (StPage){.delimiter = slash, .limit = 9, .after = STR("b/1"), .after_rolls_up = true}, "c|d/*|e/*");
    assert_page(fixture, (StPage){.prefix = STR("b/"), .delimiter = slash, .limit = 9}, "b/1|b/2|b/c/*");
    assert_page(fixture, (StPage){.prefix = STR("d/"), .delimiter = slash, .limit = 9}, "d/|d/x");
    assert_page(fixture, (StPage){.prefix = STR("e/"), .delimiter = slash, .limit = 9}, "e//*");
    assert_page(fixture, (StPage){.prefix = STR("b"), .delimiter = slash, .limit = 9, .after = STR("a")}, "b|b/*");
    assert_page(fixture, (StPage){.prefix = STR("b"), .limit = 9, .after = STR("c")}, "");
    assert_page(fixture, (StPage){.delimiter = STR("/c/"), .limit = 9}, "a|b|b/1|b/2|b/c/*|c|d/|d/x|e//f");
    assert_page(fixture, (StPage){.limit = 0}, "");
}

/* ---- multipart uploads ---- */

static bool put_part(Fixture *fixture, const StUpload *upload, int number, const char *text) {
    int64_t when = 0;
    StPart part = {.number = number, .etag = STR("e")};
    err_clear(&fixture->err);
    part.size = (int64_t)strlen(text);
    StPlace place = {.path = upload_file(fixture, text)};
    return st_part_put(fixture->store, fixture->arena, STR("bucket"), upload->key, upload->id, &part, &place, &when, &fixture->err);
}

/* When nobody reads any more and what is dead is swept, one file is left. */
static void assert_one_file(Fixture *fixture) {
    char command[128];
    arena_free(fixture->arena);
    fixture->arena = arena_new();
    st_sweep(fixture->store);
    (void)snprintf(command, sizeof command, "test $(find %s/objects -type f | wc -l) = 1", fixture->home);
    assert_int_equal(system(command), 0);
}

static void test_upload_becomes_an_object(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    StUpload upload;
    assert_true(st_upload_create(fixture->store, fixture->arena, STR("bucket"), STR("big"), STR("{}"), STR(""), &upload, &fixture->err));
    assert_true(put_part(fixture, &upload, 2, "world"));
    assert_true(put_part(fixture, &upload, 1, "wrong"));
    assert_true(put_part(fixture, &upload, 1, "hello "));
    /* Parts survive the server. */
    st_close(fixture->store);
    fixture->store = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(fixture->store);
    const StPart *parts;
    size_t count;
    assert_true(st_part_list(fixture->store, fixture->arena, upload.id, 0, 0, &parts, &count, &fixture->err));
    assert_int_equal(count, 2);
    assert_int_equal(parts[0].size, 6);
    StPut put = {.key = STR("big"), .etag = STR("x-2")};
    StObject object;
    assert_true(st_upload_complete(fixture->store, fixture->arena, STR("bucket"), upload.id, &put, parts, count, &object, &fixture->err));
    assert_bytes(object.path, "hello world");
    assert_false(put_part(fixture, &upload, 3, "late"));
    assert_string_equal(fixture->err.code, "NoSuchUpload");
    assert_one_file(fixture);
}

enum { SLOT = 5 * 1024 * 1024 };

/* A part of size bytes, all of them one letter; arena: the request's. */
static bool write_part(Fixture *fixture, Arena *arena, const StUpload *upload, int number, char letter, size_t size, bool *ret_is_shared) {
    StComingPart coming = {.bucket = STR("bucket"), .key = upload->key, .upload = upload->id, .number = number, .size = (int64_t)size};
    StPlace place;
    err_clear(&fixture->err);
    assert_true(st_part_place(fixture->store, arena, &coming, &place, &fixture->err));
    *ret_is_shared = place.is_shared;
    char *bytes = arena_alloc(arena, size);
    memset(bytes, letter, size);
    int fd = open(place.path.data, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, place.offset), (ssize_t)size);
    assert_int_equal(close(fd), 0);
    StPart part = {.number = number, .size = (int64_t)size, .etag = STR("e")};
    int64_t when = 0;
    return st_part_put(fixture->store, arena, STR("bucket"), upload->key, upload->id, &part, &place, &when, &fixture->err);
}

static void assert_letters(Str path, const char *letters, size_t last_size) {
    size_t count = strlen(letters);
    int fd = open(path.data, O_RDONLY);
    assert_true(fd >= 0);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, (off_t)((count - 1) * SLOT + last_size));
    for (size_t i = 0; i < count; i++) {
        char ends[2];
        size_t size = i + 1 < count ? SLOT : last_size;
        assert_int_equal(pread(fd, &ends[0], 1, (off_t)(i * SLOT)), 1);
        assert_int_equal(pread(fd, &ends[1], 1, (off_t)(i * SLOT + size - 1)), 1);
        assert_int_equal(ends[0], letters[i]);
        assert_int_equal(ends[1], letters[i]);
    }
    assert_int_equal(close(fd), 0);
}

/* What the parts are in the end is the object, whatever came in between; is_in_place: without copying what lay right. */
static void complete_parts(Fixture *fixture, const StUpload *upload, const int *numbers, size_t count, bool is_in_place, const char *letters, size_t last_size) {
    const StPart *all;
    size_t nall;
    StPart *chosen = ARENA_ARRAY(fixture->arena, StPart, count);
    assert_true(st_part_list(fixture->store, fixture->arena, upload->id, 0, 0, &all, &nall, &fixture->err));
    Str shared = STR("");
    for (size_t i = 0; i < nall; i++) {
        shared = all[i].is_placed ? all[i].path : shared;
        for (size_t k = 0; k < count; k++) {
            chosen[k] = all[i].number == numbers[k] ? all[i] : chosen[k];
        }
    }
    StPut put = {.key = upload->key, .etag = STR("x")};
    StObject object;
    assert_true(st_upload_complete(fixture->store, fixture->arena, STR("bucket"), upload->id, &put, chosen, count, &object, &fixture->err));
    assert_letters(object.path, letters, last_size);
    assert_int_equal(str_eq(object.path, shared), is_in_place);
    assert_one_file(fixture);
    assert_true(st_object_delete(fixture->store, STR("bucket"), &STR("big"), 1, &fixture->err));
}

static void new_upload(Fixture *fixture, StUpload *ret_upload) {
    static Str KEY = {"big", 3};
    StUpload upload;
    assert_true(st_upload_create(fixture->store, fixture->arena, STR("bucket"), KEY, STR("{}"), STR(""), &upload, &fixture->err));
    *ret_upload = (StUpload){.id = str_copy(fixture->arena, upload.id), .key = KEY};
}

static void test_parts_lie_in_the_object_to_be(void **state) {
    Fixture *fixture = *state;
    StUpload upload;
    bool is_shared = false;
    static const int ALL[] = {1, 2, 3};
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    /* In any order; the last one shorter. */
    new_upload(fixture, &upload);
    assert_true(write_part(fixture, fixture->arena, &upload, 2, 'b', SLOT, &is_shared) && is_shared);
    assert_true(write_part(fixture, fixture->arena, &upload, 3, 'c', 7, &is_shared) && is_shared);
    assert_true(write_part(fixture, fixture->arena, &upload, 1, 'a', SLOT, &is_shared) && is_shared);
    complete_parts(fixture, &upload, ALL, 3, true, "abc", 7);
    /* A part again: the first bytes stay until then, and nobody writes over them. */
    new_upload(fixture, &upload);
    assert_true(write_part(fixture, fixture->arena, &upload, 1, 'a', SLOT, &is_shared) && is_shared);
    assert_true(write_part(fixture, fixture->arena, &upload, 2, 'b', SLOT, &is_shared) && is_shared);
    assert_true(write_part(fixture, fixture->arena, &upload, 1, 'A', SLOT, &is_shared) && !is_shared);
    complete_parts(fixture, &upload, ALL, 2, true, "Ab", SLOT);
    /* Another size in the middle, or a part left out: then they are joined. */
    new_upload(fixture, &upload);
    assert_true(write_part(fixture, fixture->arena, &upload, 1, 'a', SLOT, &is_shared) && is_shared);
    assert_true(write_part(fixture, fixture->arena, &upload, 2, 'b', SLOT, &is_shared) && is_shared);
    assert_true(write_part(fixture, fixture->arena, &upload, 3, 'c', SLOT, &is_shared) && is_shared);
    complete_parts(fixture, &upload, (const int[]){1, 3}, 2, false, "ac", SLOT);
    new_upload(fixture, &upload);
    assert_true(write_part(fixture, fixture->arena, &upload, 1, 'a', SLOT, &is_shared) && is_shared);
    assert_true(write_part(fixture, fixture->arena, &upload, 2, 'b', SLOT + 1, &is_shared) && !is_shared);
    complete_parts(fixture, &upload, ALL, 2, false, "ab", SLOT + 1);
}

static void test_nobody_writes_into_an_object(void **state) {
    Fixture *fixture = *state;
    StUpload upload;
    StPlace place;
    bool is_shared = false;
    static const int ALL[] = {1};
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    /* One request has the place of part 2, and is slow; a second one for the same part goes elsewhere; the upload ends without part 2. */
    new_upload(fixture, &upload);
    Arena *slow = arena_new();
    StComingPart coming = {.bucket = STR("bucket"), .key = upload.key, .upload = upload.id, .number = 2, .size = SLOT};
    assert_true(st_part_place(fixture->store, slow, &coming, &place, &fixture->err) && place.is_shared);
    assert_true(write_part(fixture, fixture->arena, &upload, 2, 'b', SLOT, &is_shared) && !is_shared);
    assert_true(write_part(fixture, fixture->arena, &upload, 1, 'a', SLOT, &is_shared) && is_shared);
    complete_parts(fixture, &upload, ALL, 1, false, "a", SLOT);
    arena_free(slow);
    /* Once it has gone, the place is free again. */
    new_upload(fixture, &upload);
    slow = arena_new();
    coming.upload = upload.id;
    assert_true(st_part_place(fixture->store, slow, &coming, &place, &fixture->err) && place.is_shared);
    arena_free(slow);
    assert_true(write_part(fixture, fixture->arena, &upload, 2, 'b', SLOT, &is_shared) && is_shared);
    assert_true(write_part(fixture, fixture->arena, &upload, 1, 'a', SLOT, &is_shared) && is_shared);
    static const int BOTH[] = {1, 2};
    complete_parts(fixture, &upload, BOTH, 2, true, "ab", SLOT);
}

static void test_upload_is_aborted_or_goes_with_its_bucket(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &fixture->err));
    StUpload first;
    StUpload second;
    assert_true(st_upload_create(fixture->store, fixture->arena, STR("bucket"), STR("d/k"), STR(""), STR(""), &first, &fixture->err));
    assert_true(st_upload_create(fixture->store, fixture->arena, STR("bucket"), STR("d/k"), STR(""), STR(""), &second, &fixture->err));
    assert_true(put_part(fixture, &first, 1, "x"));
    assert_true(put_part(fixture, &second, 1, "x"));
    const StUploadEntry *entries;
    size_t count;
    bool more;
    StUploadPage page = {.limit = 1};
    assert_true(st_upload_page(fixture->store, fixture->arena, STR("bucket"), &page, &entries, &count, &more, &fixture->err));
    assert_true(count == 1 && more && str_eq(entries[0].upload.id, first.id));
    page.after_key = STR("d/k");
    page.after_id = first.id;
    assert_true(st_upload_page(fixture->store, fixture->arena, STR("bucket"), &page, &entries, &count, &more, &fixture->err));
    assert_true(count == 1 && !more && str_eq(entries[0].upload.id, second.id));
    page = (StUploadPage){.limit = 9, .delimiter = STR("/")};
    assert_true(st_upload_page(fixture->store, fixture->arena, STR("bucket"), &page, &entries, &count, &more, &fixture->err));
    assert_true(count == 1 && entries[0].is_prefix);
    assert_false(st_upload_abort(fixture->store, STR("bucket"), STR("other"), first.id, &fixture->err));
    assert_string_equal(fixture->err.code, "NoSuchUpload");
    err_clear(&fixture->err);
    assert_true(st_upload_abort(fixture->store, STR("bucket"), STR("d/k"), first.id, &fixture->err));
    assert_true(st_bucket_delete(fixture->store, STR("bucket"), &fixture->err));
    st_close(fixture->store);
    assert_int_equal(count_directories(fixture), 0);
    fixture->store = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(fixture->store);
}

static bool import_text(Fixture *fixture, const char *json, StImported *ret_counts) {
    err_clear(&fixture->err);
    return st_catalog_import(fixture->store, str_from_c(json), ret_counts, &fixture->err);
}

static void test_catalog_takes_cli_input(void **state) {
    Fixture *fixture = *state;
    StImported counts;
    assert_false(import_text(fixture, "{\"DatabaseName\":\"d\",\"TableInput\":{\"Name\":\"t\"}}", &counts));
    assert_string_equal(fixture->err.code, "EntityNotFoundException");
    assert_true(import_text(fixture, "{\"DatabaseInput\":{\"Name\":\"D\",\"Description\":\"x\"}}", &counts));
    assert_int_equal(counts.databases, 1);
    assert_true(import_text(fixture,
                            "{\"DatabaseName\":\"d\",\"TableInput\":{\"Name\":\"T\",\"StorageDescriptor\":{\"Columns\":[{\"Name\":\"a\",\"Type\":"
                            "\"int\"}]},\"PartitionKeys\":[{\"Name\":\"p\",\"Type\":\"string\"}]}}",
                            &counts));
    assert_true(import_text(fixture, "{\"DatabaseName\":\"d\",\"TableName\":\"t\",\"PartitionInputList\":[{\"Values\":[\"1\"]},{\"Values\":[\"2\"]}]}",
                            &counts));
    assert_int_equal(counts.partitions, 2);
    Str json;
    StEntityName name = {.database = STR("d"), .table = STR("t")};
    assert_true(st_catalog_get(fixture->store, fixture->arena, ST_TABLE, &name, &json, &fixture->err));
    assert_true(str_contains(json, STR("\"Name\":\"t\"")));
    assert_true(str_contains(json, STR("\"DatabaseName\":\"d\"")));
    assert_false(st_catalog_put(fixture->store, ST_TABLE, &name, json, false, &fixture->err));
    assert_string_equal(fixture->err.code, "AlreadyExistsException");
    Str exported;
    assert_true(st_catalog_export(fixture->store, fixture->arena, &exported, &fixture->err));
    StEntityName database = {.database = STR("d")};
    err_clear(&fixture->err);
    assert_true(st_catalog_delete(fixture->store, ST_DATABASE, &database, &fixture->err));
    assert_false(st_catalog_get(fixture->store, fixture->arena, ST_TABLE, &name, &json, &fixture->err));
    assert_true(import_text(fixture, exported.data, &counts));
    assert_int_equal(counts.databases + counts.tables + counts.partitions, 4);
}

static void test_catalog_refuses_what_is_wrong(void **state) {
    Fixture *fixture = *state;
    StImported counts;
    assert_true(import_text(fixture, "{\"DatabaseInput\":{\"Name\":\"d\"}}", &counts));
    const char *wrong[] = {"",
                           "[]",
                           "{",
                           "{\"DatabaseInput\":{}}",
                           "{\"DatabaseInput\":{\"Name\":\"\"}}",
                           "{\"DatabaseInput\":[]}",
                           "{\"DatabaseName\":\"d\",\"TableInput\":{\"Name\":7}}",
                           "{\"DatabaseName\":\"d\",\"TableInput\":{\"Name\":\"t\",\"StorageDescriptor\":{\"Columns\":[{\"Type\":\"int\"}]}}}",
                           "{\"TableInput\":{\"Name\":\"t\"}}",
                           "{\"Something\":{}}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(import_text(fixture, wrong[i], &counts));
        assert_string_equal(fixture->err.code, "InvalidInputException");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_buckets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listing_follows_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_transaction_is_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_without_the_file_fails_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_transaction_leaves_no_trace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replaced_file_goes_when_nobody_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_reader_holds_nothing_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_single_put_copy_and_conditions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_engine_objects_have_etags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages_roll_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_upload_becomes_an_object, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parts_lie_in_the_object_to_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_writes_into_an_object, setup, teardown),
        cmocka_unit_test_setup_teardown(test_upload_is_aborted_or_goes_with_its_bucket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_catalog_takes_cli_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_catalog_refuses_what_is_wrong, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
