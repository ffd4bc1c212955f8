/* test_logs.c - log groups, streams and events of store/: their order, pages, the index, and files that a kill tore. */
#include "store/logs.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
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
    StLogs *logs;
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
    (void)snprintf(fixture->home, sizeof fixture->home, "/tmp/solder-logs-XXXXXX");
    assert_non_null(mkdtemp(fixture->home));
    fixture->arena = arena_new();
    fixture->store = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(fixture->store);
    fixture->logs = st_logs_open(fixture->store, &fixture->err);
    assert_non_null(fixture->logs);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    Fixture *fixture = *state;
    st_logs_close(fixture->logs);
    st_close(fixture->store);
    arena_free(fixture->arena);
    assert_int_equal(nftw(fixture->home, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

static void check(Fixture *fixture, bool ok) {
    if (!ok) {
        fail_msg("%s: %s", fixture->err.code, fixture->err.message);
    }
}

static void reopen(Fixture *fixture) {
    st_logs_close(fixture->logs);
    fixture->logs = st_logs_open(fixture->store, &fixture->err);
    check(fixture, fixture->logs != NULL);
}

static int64_t make_stream(Fixture *fixture, const char *group, const char *name) {
    Err exists = {0};
    StLogStream stream;
    (void)st_log_group_create(fixture->logs, str_from_c(group), STR(""), &exists);
    check(fixture, st_log_stream_create(fixture->logs, str_from_c(group), str_from_c(name), &fixture->err));
    check(fixture, st_log_stream_get(fixture->logs, fixture->arena, str_from_c(group), str_from_c(name), &stream, &fixture->err));
    return stream.id;
}

static void append(Fixture *fixture, int64_t stream, int64_t time_ms, Str message) {
    StLogEvent event = {.time_ms = time_ms, .message = message};
    check(fixture, st_log_append(fixture->logs, stream, &event, 1, false, &fixture->err));
}

static StLogQuery all_of(const int64_t *streams, size_t count) {
    return (StLogQuery){.streams = streams, .nstreams = count, .from_ms = 0, .to_ms = INT64_MAX, .limit = 10000, .max_bytes = 1 << 20};
}

static StLogPage read_page(Fixture *fixture, const StLogQuery *query) {
    StLogPage page;
    check(fixture, st_log_read(fixture->logs, fixture->arena, query, &page, &fixture->err));
    return page;
}

static void expect_code(Err *err, bool ok, const char *code) {
    assert_false(ok);
    assert_string_equal(err->code, code);
    err_clear(err);
}

static void test_groups_and_streams(void **state) {
    Fixture *fixture = *state;
    Err err = {0};
    int64_t id = make_stream(fixture, "/aws/a", "s1");
    (void)make_stream(fixture, "/aws/a", "s2");
    (void)make_stream(fixture, "/aws/b", "s1");
    expect_code(&err, st_log_group_create(fixture->logs, STR("/aws/a"), STR(""), &err), "ResourceAlreadyExistsException");
    expect_code(&err, st_log_stream_create(fixture->logs, STR("/aws/a"), STR("s1"), &err), "ResourceAlreadyExistsException");
    expect_code(&err, st_log_stream_create(fixture->logs, STR("/none"), STR("s1"), &err), "ResourceNotFoundException");
    check(fixture, st_log_group_retain(fixture->logs, STR("/aws/b"), 7, &fixture->err));
    append(fixture, id, 1000, STR("hello"));
    append(fixture, id, 500, STR("earlier"));
    reopen(fixture);
    const StLogGroup *groups = NULL;
    const StLogStream *streams = NULL;
    size_t count = 0;
    check(fixture, st_log_group_list(fixture->logs, fixture->arena, STR("/aws/"), &groups, &count, &fixture->err));
    assert_int_equal(count, 2);
    assert_int_equal(groups[0].stored_bytes, 5 + 7 + 2 * ST_LOG_EVENT_OVERHEAD);
    assert_int_equal(groups[1].retention_days, 7);
    check(fixture, st_log_stream_list(fixture->logs, fixture->arena, STR("/aws/a"), STR("s"), &streams, &count, &fixture->err));
    assert_int_equal(count, 2);
    assert_int_equal(streams[0].first_ms, 500);
    assert_int_equal(streams[0].last_ms, 1000);
    assert_true(streams[0].ingested_ms > 1000);
    assert_int_equal(streams[1].ingested_ms, 0);
    check(fixture, st_log_stream_delete(fixture->logs, STR("/aws/a"), STR("s1"), &fixture->err));
    StLogEvent event = {.time_ms = 1, .message = STR("x")};
    expect_code(&err, st_log_append(fixture->logs, id, &event, 1, false, &err), "ResourceNotFoundException");
    expect_code(&err, st_log_stream_delete(fixture->logs, STR("/aws/a"), STR("s1"), &err), "ResourceNotFoundException");
    check(fixture, st_log_group_delete(fixture->logs, STR("/aws/a"), &fixture->err));
    expect_code(&err, st_log_stream_list(fixture->logs, fixture->arena, STR("/aws/a"), STR(""), &streams, &count, &err), "ResourceNotFoundException");
}

/* Pages forward and backward over two streams with times out of order give every event once, in the order of time. */
static void test_pages(void **state) {
    Fixture *fixture = *state;
    const int64_t streams[] = {make_stream(fixture, "g", "a"), make_stream(fixture, "g", "b")};
    enum { COUNT = 3000 };
    unsigned seed = 7;
    for (int i = 0; i < COUNT; i++) {
        seed = seed * 1103515245u + 12345u;
        Str text = str_fmt(fixture->arena, "%d %0*d", i, (int)(seed >> 16) % 200 + 1, 0);
        append(fixture, streams[(seed >> 20) & 1], 100000 + i * 10 - (int)(seed >> 24) % 900, text);
    }
    for (int backward = 0; backward < 2; backward++) {
        StLogQuery query = all_of(streams, 2);
        query.limit = 70;
        query.backward = backward == 1;
        StLogPlace place;
        size_t total = 0;
        StLogPlace last = {0};
        bool has_last = false;
        for (;;) {
            StLogPage page = read_page(fixture, &query);
            if (page.count == 0) {
                break;
            }
            for (size_t i = 0; i < page.count; i++) {
                const StLogEvent *event = &page.events[query.backward ? page.count - 1 - i : i];
                if (has_last) {
                    int64_t step = event->time_ms != last.time_ms       ? event->time_ms - last.time_ms
                                   : event->stream_id != last.stream_id ? event->stream_id - last.stream_id
                                                                        : event->offset - last.offset;
                    assert_true(query.backward ? step < 0 : step > 0);
                }
                last = (StLogPlace){event->time_ms, event->stream_id, event->offset};
                has_last = true;
            }
            total += page.count;
            assert_int_equal(page.has_more, total < COUNT);
            place = query.backward ? page.previous : page.next;
            query.place = &place;
        }
        assert_int_equal(total, COUNT);
    }
}

static bool ends_in_seven(void *self, Str message) {
    (*(int *)self)++;
    return message.len > 0 && message.data[message.len - 1] == '7';
}

static void test_range_match_and_bytes(void **state) {
    Fixture *fixture = *state;
    int64_t stream = make_stream(fixture, "g", "a");
    for (int i = 0; i < 100; i++) {
        append(fixture, stream, 1000 + i, str_fmt(fixture->arena, "line %d", i));
    }
    StLogQuery query = all_of(&stream, 1);
    query.from_ms = 1010;
    query.to_ms = 1050;
    int asked = 0;
    query.match = ends_in_seven;
    query.self = &asked;
    StLogPage page = read_page(fixture, &query);
    assert_int_equal(page.count, 4);
    assert_int_equal(asked, 40);
    assert_true(str_eq_c(page.events[0].message, "line 17"));
    query = all_of(&stream, 1);
    query.max_bytes = 100;
    page = read_page(fixture, &query);
    assert_int_equal(page.count, 3);
    assert_true(page.has_more && str_eq_c(page.events[2].message, "line 2"));
    query.max_bytes = 1;
    query.backward = true;
    page = read_page(fixture, &query);
    assert_int_equal(page.count, 1);
    assert_true(str_eq_c(page.events[0].message, "line 99"));
}

/* A range in the middle of 40 MB is read from the blocks that hold it, before and after a restart. */
static void test_index_saves_reading(void **state) {
    Fixture *fixture = *state;
    int64_t stream = make_stream(fixture, "g", "a");
    enum { BATCHES = 400, PER_BATCH = 100 };
    char text[1000];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < BATCHES; i++) {
        StLogEvent events[PER_BATCH];
        for (int j = 0; j < PER_BATCH; j++) {
            events[j] = (StLogEvent){.time_ms = 1 + i * PER_BATCH + j, .message = {text, sizeof text}};
        }
        check(fixture, st_log_append(fixture->logs, stream, events, PER_BATCH, false, &fixture->err));
    }
    for (int restarts = 0; restarts < 2; restarts++) {
        StLogQuery query = all_of(&stream, 1);
        query.from_ms = 20000;
        query.to_ms = 20010;
        int64_t before = st_logs_bytes_read(fixture->logs);
        StLogPage page = read_page(fixture, &query);
        assert_int_equal(page.count, 10);
        assert_true(st_logs_bytes_read(fixture->logs) - before < 300000);
        query = all_of(&stream, 1);
        query.limit = 5;
        query.backward = true;
        page = read_page(fixture, &query);
        assert_int_equal(page.count, 5);
        assert_int_equal(page.events[4].time_ms, BATCHES * PER_BATCH);
        assert_true(st_logs_bytes_read(fixture->logs) - before < 600000);
        reopen(fixture);
    }
}

static Str read_file(Fixture *fixture, Str path) {
    struct stat status;
    int fd = open(path.data, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    char *bytes = arena_alloc(fixture->arena, (size_t)status.st_size + 1);
    assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
    assert_int_equal(close(fd), 0);
    return (Str){bytes, (size_t)status.st_size};
}

static void write_file(Str path, Str bytes) {
    int fd = open(path.data, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
    assert_int_equal(close(fd), 0);
}

/* The file cut at every byte: the events in front of the cut are there, and what is appended then follows them. */
static void test_torn_at_every_byte(void **state) {
    Fixture *fixture = *state;
    int64_t stream = make_stream(fixture, "g", "a");
    size_t ends[6];
    size_t nends = 0;
    Str path = str_fmt(fixture->arena, "%s/logs/%lld.log", fixture->home, (long long)stream);
    for (int i = 0; i < 6; i++) {
        append(fixture, stream, 1000 + i, str_fmt(fixture->arena, "%.*s", i * 3, "abcdefghijklmnopqrstuvwxyz"));
        ends[nends++] = read_file(fixture, path).len;
    }
    Str whole = read_file(fixture, path);
    for (size_t cut = 0; cut <= whole.len; cut++) {
        size_t expected = 0;
        while (expected < nends && ends[expected] <= cut) {
            expected++;
        }
        st_logs_close(fixture->logs);
        write_file(path, str_slice(whole, 0, cut));
        fixture->logs = st_logs_open(fixture->store, &fixture->err);
        check(fixture, fixture->logs != NULL);
        StLogQuery query = all_of(&stream, 1);
        assert_int_equal(read_page(fixture, &query).count, expected);
        StLogStream row;
        check(fixture, st_log_stream_get(fixture->logs, fixture->arena, STR("g"), STR("a"), &row, &fixture->err));
        assert_int_equal(row.last_ms, expected == 0 ? 0 : 999 + (int)expected);
        append(fixture, stream, 5000, STR("after"));
        reopen(fixture);
        StLogPage page = read_page(fixture, &query);
        assert_int_equal(page.count, expected + 1);
        assert_true(str_eq_c(page.events[expected].message, "after"));
        for (size_t i = 0; i < expected; i++) {
            assert_int_equal(page.events[i].time_ms, 1000 + i);
            assert_int_equal(page.events[i].message.len, i * 3);
        }
    }
}

/* A flipped bit in the last record, zeros behind it, an index that was cut, spoiled or lost: what is whole is there. */
static void test_spoiled_files(void **state) {
    Fixture *fixture = *state;
    int64_t stream = make_stream(fixture, "g", "a");
    Str log = str_fmt(fixture->arena, "%s/logs/%lld.log", fixture->home, (long long)stream);
    Str index = str_fmt(fixture->arena, "%s/logs/%lld.idx", fixture->home, (long long)stream);
    char text[5000];
    memset(text, 'y', sizeof text);
    for (int i = 0; i < 100; i++) {
        append(fixture, stream, i + 1, (Str){text, sizeof text});
    }
    reopen(fixture);
    Str whole_log = read_file(fixture, log);
    Str whole_index = read_file(fixture, index);
    assert_true(whole_index.len >= 5 * 56 && whole_index.len % 56 == 0);
    for (int way = 0; way < 6; way++) {
        st_logs_close(fixture->logs);
        Str a = str_copy(fixture->arena, whole_log);
        Str b = str_copy(fixture->arena, whole_index);
        size_t expected = 100;
        if (way == 0) {
            ((char *)a.data)[a.len - 1] ^= 1;
            expected = 99;
        } else if (way == 1) {
            StrBuf longer = {.arena = fixture->arena};
            strbuf_add(&longer, a);
            for (int i = 0; i < 100; i++) {
                strbuf_add_char(&longer, 0);
            }
            a = strbuf_str(&longer);
        } else if (way == 2) {
            b = str_slice(b, 0, 56 * 2 + 17);
        } else if (way == 3) {
            ((char *)b.data)[56 * 3 + 5] ^= 1;
        } else if (way == 4) {
            b = STR("");
        } else {
            a = str_slice(a, 0, 5024 * 10 + 3); /* shorter than the index tells */
            expected = 10;
        }
        write_file(log, a);
        write_file(index, b);
        fixture->logs = st_logs_open(fixture->store, &fixture->err);
        check(fixture, fixture->logs != NULL);
        StLogQuery query = all_of(&stream, 1);
        assert_int_equal(read_page(fixture, &query).count, expected);
        append(fixture, stream, 1000, STR("z"));
        reopen(fixture);
        query.from_ms = 500;
        assert_int_equal(read_page(fixture, &query).count, 1);
    }
}

static void test_long_message_is_cut(void **state) {
    Fixture *fixture = *state;
    int64_t stream = make_stream(fixture, "g", "a");
    size_t size = ST_LOG_EVENT_MAX + 100;
    char *text = arena_alloc(fixture->arena, size);
    for (size_t i = 0; i + 1 < size; i += 2) {
        memcpy(text + i, "\xC3\xA9", 2);
    }
    text[0] = 'x';
    text[1] = 'x';
    append(fixture, stream, 1, (Str){text, size});
    memmove(text + 1, text, size - 1);
    append(fixture, stream, 2, (Str){text, size});
    StLogQuery query = all_of(&stream, 1);
    StLogPage page = read_page(fixture, &query);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.events[0].message.len, ST_LOG_EVENT_MAX);
    assert_int_equal(page.events[1].message.len, ST_LOG_EVENT_MAX - 1);
}

/* A process that appends is killed at some moment, again and again: what it told as synced is there, in order, without a gap. */
static void test_killed_while_appending(void **state) {
    Fixture *fixture = *state;
    int64_t stream = make_stream(fixture, "g", "a");
    int64_t next = 1;
    for (int round = 0; round < 8; round++) {
        st_logs_close(fixture->logs);
        st_close(fixture->store);
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            Err err = {0};
            StStore *store = st_open(str_from_c(fixture->home), &err);
            StLogs *logs = store == NULL ? NULL : st_logs_open(store, &err);
            for (int64_t i = next; logs != NULL; i++) {
                char text[64];
                StLogEvent event = {.time_ms = i, .message = {text, (size_t)snprintf(text, sizeof text, "%lld", (long long)i)}};
                if (!st_log_append(logs, stream, &event, 1, i % 3 == 0, &err) || (i % 3 == 0 && write(ends[1], &i, sizeof i) != (ssize_t)sizeof i)) {
                    break;
                }
            }
            _exit(1);
        }
        int64_t told = 0;
        int64_t value = 0;
        assert_int_equal(close(ends[1]), 0);
        for (int i = 0; i < 20 + round * 3; i++) {
            assert_int_equal(read(ends[0], &value, sizeof value), sizeof value);
            told = value;
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        while (read(ends[0], &value, sizeof value) == (ssize_t)sizeof value) {
            told = value;
        }
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(close(ends[0]), 0);
        fixture->store = st_open(str_from_c(fixture->home), &fixture->err);
        check(fixture, fixture->store != NULL);
        fixture->logs = st_logs_open(fixture->store, &fixture->err);
        check(fixture, fixture->logs != NULL);
        StLogQuery query = all_of(&stream, 1);
        StLogPage page = read_page(fixture, &query);
        assert_true((int64_t)page.count >= told);
        for (size_t i = 0; i < page.count; i++) {
            assert_int_equal(page.events[i].time_ms, i + 1);
        }
        next = (int64_t)page.count + 1;
    }
}

static void test_one_writer(void **state) {
    Fixture *fixture = *state;
    Err err = {0};
    StStore *second = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(second);
    assert_null(st_logs_open(second, &err));
    assert_non_null(strstr(err.message, "another solder serve"));
    st_close(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_groups_and_streams, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_range_match_and_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_index_saves_reading, setup, teardown),
        cmocka_unit_test_setup_teardown(test_torn_at_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoiled_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_message_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_while_appending, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_writer, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
