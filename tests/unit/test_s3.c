/* test_s3.c - the S3 handlers as the gateway calls them, over a home directory of their own; what clients see is tested in tests/aws. */
#include "service/s3_metadata.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Fixture {
    char home[64];
    Arena *arena;
    SvServices services;
    yyjson_mut_doc *doc;
    yyjson_doc *input;
    AwsCall call;
    AwsUpload upload;
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
    (void)snprintf(fixture->home, sizeof fixture->home, "/tmp/solder-s3-XXXXXX");
    assert_non_null(mkdtemp(fixture->home));
    fixture->arena = arena_new();
    fixture->services = (SvServices){.arena = fixture->arena, .account = STR("000000000000"), .region = STR("us-east-1")};
    fixture->services.store = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(fixture->services.store);
    *state = fixture;
    return 0;
}

static void end_call(Fixture *fixture) {
    yyjson_mut_doc_free(fixture->doc);
    yyjson_doc_free(fixture->input);
    fixture->doc = NULL;
    fixture->input = NULL;
}

static int teardown(void **state) {
    Fixture *fixture = *state;
    end_call(fixture);
    st_close(fixture->services.store);
    arena_free(fixture->arena);
    assert_int_equal(nftw(fixture->home, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

/* Calls an operation with an input; body NULL: none. The answer stays until the next call. */
static bool call(Fixture *fixture, const char *operation, const char *input, const char *body) {
    end_call(fixture);
    err_clear(&fixture->err);
    fixture->doc = yyjson_mut_doc_new(NULL);
    fixture->input = yyjson_read(input, strlen(input), 0);
    assert_non_null(fixture->input);
    fixture->call = (AwsCall){.arena = fixture->arena,
                              .account = fixture->services.account,
                              .region = fixture->services.region,
                              .host = STR("localhost"),
                              .input = yyjson_doc_get_root(fixture->input),
                              .doc = fixture->doc,
                              .output = yyjson_mut_obj(fixture->doc)};
    if (body != NULL) {
        Str path = str_fmt(fixture->arena, "%s/upload-%zu", fixture->home, arena_used(fixture->arena));
        int fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, body, strlen(body)), (ssize_t)strlen(body));
        assert_int_equal(close(fd), 0);
        fixture->upload = (AwsUpload){.path = path, .size = (int64_t)strlen(body)};
        fixture->call.upload = &fixture->upload;
    }
    AwsHandler handler = sv_find_handler(STR("s3"), str_from_c(operation));
    assert_non_null(handler);
    return handler(&fixture->services, &fixture->call, &fixture->err);
}

static void assert_call(Fixture *fixture, const char *operation, const char *input, const char *body) {
    if (!call(fixture, operation, input, body)) {
        fail_msg("%s %s: %s: %s", operation, input, fixture->err.code, fixture->err.message);
    }
}

static void assert_refused(Fixture *fixture, const char *operation, const char *input, const char *code) {
    assert_false(call(fixture, operation, input, NULL));
    assert_string_equal(fixture->err.code, code);
}

static Str output(Fixture *fixture) {
    return js_write(fixture->arena, fixture->call.output);
}

static void assert_output_has(Fixture *fixture, const char *part) {
    Str text = output(fixture);
    if (!str_contains(text, str_from_c(part))) {
        fail_msg("%s is not in %.*s", part, STR_ARG(text));
    }
}

static void test_ranges(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t size;
        S3RangeKind kind;
        int64_t offset, count;
    } CASES[] = {
        {"bytes=0-0", 10, S3_RANGE_FITS, 0, 1},
        {"bytes=2-", 10, S3_RANGE_FITS, 2, 8},
        {"bytes=-4", 10, S3_RANGE_FITS, 6, 4},
        {"bytes=-99", 10, S3_RANGE_FITS, 0, 10},
        {"bytes=9-99999999999999", 10, S3_RANGE_FITS, 9, 1},
        {"bytes=10-", 10, S3_RANGE_BEHIND, 0, 10},
        {"bytes=-0", 10, S3_RANGE_BEHIND, 0, 10},
        {"bytes=0-", 0, S3_RANGE_BEHIND, 0, 0},
        {"bytes=", 10, S3_RANGE_NONE, 0, 10},
        {"bytes=-", 10, S3_RANGE_NONE, 0, 10},
        {"bytes=3-2", 10, S3_RANGE_NONE, 0, 10},
        {"bytes=0-1,3-4", 10, S3_RANGE_NONE, 0, 10},
        {"bytes=0-99999999999999999999", 10, S3_RANGE_NONE, 0, 10},
        {"bytes=a-b", 10, S3_RANGE_NONE, 0, 10},
        {"bits=0-1", 10, S3_RANGE_NONE, 0, 10},
        {"", 10, S3_RANGE_NONE, 0, 10},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        S3Range range;
        S3RangeKind kind = s3_range(str_from_c(CASES[i].text), CASES[i].size, &range);
        if (kind != CASES[i].kind || range.offset != CASES[i].offset || range.size != CASES[i].count) {
            fail_msg("%s of %lld: %d, %lld bytes from %lld", CASES[i].text, (long long)CASES[i].size, (int)kind, (long long)range.size,
                     (long long)range.offset);
        }
    }
}

static void test_utf8(void **state) {
    (void)state;
    const char *good[] = {"", "a", "\xC3\xA9", "\xE6\xBC\xA2", "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF", "\xE0\xA0\x80"};
    const char *bad[] = {"\x80",         "\xC3",         "\xC0\xAF",         "\xE0\x80\x80", "\xED\xA0\x80",
                         "\xF4\x90\x80\x80", "\xF0\x80\x80\x80", "\xFF",             "a\xE6\xBC",    "\xC3(",
                         "\xF8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(s3_is_utf8(str_from_c(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(s3_is_utf8(str_from_c(bad[i])));
    }
}

static void test_an_object_and_its_metadata(void **state) {
    Fixture *fixture = *state;
    assert_refused(fixture, "GetObject", "{\"Bucket\":\"bucket\",\"Key\":\"k\"}", "NoSuchBucket");
    assert_call(fixture, "CreateBucket", "{\"Bucket\":\"bucket\"}", NULL);
    assert_refused(fixture, "HeadObject", "{\"Bucket\":\"bucket\",\"Key\":\"k\"}", "NoSuchKey");
    assert_call(fixture, "PutObject",
                "{\"Bucket\":\"bucket\",\"Key\":\"k\",\"ContentEncoding\":\"aws-chunked, gzip\",\"Metadata\":{\"a\":\"b\"},\"Tagging\":\"x=1&y=a+b\"}",
                "hello");
    assert_int_not_equal(access(fixture->upload.path.data, F_OK), 0);
    assert_output_has(fixture, "\"ETag\":\"\\\"00000000000000000000000000000000\\\"\"");
    assert_call(fixture, "GetObject", "{\"Bucket\":\"bucket\",\"Key\":\"k\",\"Range\":\"bytes=1-3\"}", NULL);
    assert_int_equal(fixture->call.status, 206);
    assert_int_equal(fixture->call.download.offset, 1);
    assert_int_equal(fixture->call.download.size, 3);
    assert_int_equal(access(fixture->call.download.path.data, R_OK), 0);
    assert_output_has(fixture, "\"ContentEncoding\":\"gzip\"");
    assert_output_has(fixture, "\"ContentRange\":\"bytes 1-3/5\"");
    assert_output_has(fixture, "\"TagCount\":2");
    assert_call(fixture, "HeadObject", "{\"Bucket\":\"bucket\",\"Key\":\"k\",\"IfNoneMatch\":\"*\"}", NULL);
    assert_int_equal(fixture->call.status, 304);
    assert_call(fixture, "CopyObject", "{\"Bucket\":\"bucket\",\"Key\":\"c\",\"CopySource\":\"bucket/k\"}", NULL);
    assert_refused(fixture, "CopyObject", "{\"Bucket\":\"bucket\",\"Key\":\"c\",\"CopySource\":\"bucket\"}", "InvalidArgument");
    assert_refused(fixture, "CopyObject", "{\"Bucket\":\"bucket\",\"Key\":\"c\",\"CopySource\":\"\"}", "InvalidArgument");
    assert_refused(fixture, "CopyObject", "{\"Bucket\":\"bucket\",\"Key\":\"c\",\"CopySource\":\"bucket/%zz%C3\"}", "InvalidArgument");
    assert_call(fixture, "ListObjectsV2", "{\"Bucket\":\"bucket\",\"MaxKeys\":1}", NULL);
    assert_output_has(fixture, "\"NextContinuationToken\":\"a16b63\"");
    assert_call(fixture, "ListObjectsV2", "{\"Bucket\":\"bucket\",\"ContinuationToken\":\"a16b63\"}", NULL);
    assert_output_has(fixture, "\"KeyCount\":1");
    assert_refused(fixture, "ListObjectsV2", "{\"Bucket\":\"bucket\",\"ContinuationToken\":\"a1\"}", "InvalidArgument");
    assert_refused(fixture, "DeleteBucket", "{\"Bucket\":\"bucket\"}", "BucketNotEmpty");
}

/* What comes without the members that the model wants, or with odd ones, is refused and harms nothing. */
static void test_odd_inputs(void **state) {
    Fixture *fixture = *state;
    assert_call(fixture, "CreateBucket", "{\"Bucket\":\"bucket\"}", NULL);
    assert_refused(fixture, "DeleteObjects", "{\"Bucket\":\"bucket\"}", "MalformedXML");
    assert_call(fixture, "DeleteObjects", "{\"Bucket\":\"bucket\",\"Delete\":{\"Objects\":[{},{\"Key\":\"a\"}]}}", NULL);
    assert_refused(fixture, "CompleteMultipartUpload", "{\"Bucket\":\"bucket\",\"Key\":\"k\",\"UploadId\":\"u\"}", "MalformedXML");
    assert_refused(fixture, "CompleteMultipartUpload",
                   "{\"Bucket\":\"bucket\",\"Key\":\"k\",\"UploadId\":\"u\",\"MultipartUpload\":{\"Parts\":[{\"PartNumber\":1,\"ETag\":\"zz\"}]}}",
                   "NoSuchUpload");
    assert_refused(fixture, "PutObjectTagging", "{\"Bucket\":\"bucket\",\"Key\":\"k\",\"Tagging\":{\"TagSet\":[{\"Value\":\"v\"}]}}", "InvalidTag");
    assert_refused(fixture, "GetObject", "{\"Bucket\":\"bucket\",\"Key\":\"k\",\"VersionId\":\"x\"}", "InvalidArgument");
    assert_refused(fixture, "GetObject", "{\"Bucket\":\"bucket\",\"Key\":\"k\",\"SSECustomerKey\":\"x\"}", "NotImplemented");
    assert_false(call(fixture, "PutObject", "{\"Bucket\":\"bucket\",\"Key\":\"k\",\"IfMatch\":\"x\"}", "body"));
    assert_string_equal(fixture->err.code, "NoSuchKey");
    assert_false(call(fixture, "PutObject", "{\"Bucket\":\"nowhere\",\"Key\":\"k\"}", "body"));
    assert_string_equal(fixture->err.code, "NoSuchBucket");
    assert_true(str_contains(js_write(fixture->arena, fixture->call.error_detail), STR("\"BucketName\":\"nowhere\"")));
}

static void test_a_lost_answer_is_given_again(void **state) {
    Fixture *fixture = *state;
    assert_call(fixture, "CreateBucket", "{\"Bucket\":\"bucket\"}", NULL);
    assert_call(fixture, "CreateMultipartUpload", "{\"Bucket\":\"bucket\",\"Key\":\"k\"}", NULL);
    Str id = str_from_c(yyjson_mut_get_str(yyjson_mut_obj_get(fixture->call.output, "UploadId")));
    Str names = str_fmt(fixture->arena, "\"Bucket\":\"bucket\",\"Key\":\"k\",\"UploadId\":\"%.*s\"", STR_ARG(id));
    assert_call(fixture, "UploadPart", str_fmt(fixture->arena, "{%.*s,\"PartNumber\":1}", STR_ARG(names)).data, "all");
    const char *complete =
        str_fmt(fixture->arena, "{%.*s,\"MultipartUpload\":{\"Parts\":[{\"PartNumber\":1,\"ETag\":\"00000000000000000000000000000000\"}]}}",
                STR_ARG(names))
            .data;
    assert_call(fixture, "CompleteMultipartUpload", complete, NULL);
    Str first = output(fixture);
    assert_call(fixture, "CompleteMultipartUpload", complete, NULL);
    assert_true(str_eq(first, output(fixture)));
    assert_call(fixture, "PutObject", "{\"Bucket\":\"bucket\",\"Key\":\"k\"}", "newer");
    assert_refused(fixture, "CompleteMultipartUpload", complete, "NoSuchUpload");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test_setup_teardown(test_an_object_and_its_metadata, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_inputs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_lost_answer_is_given_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
