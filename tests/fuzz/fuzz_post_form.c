/* fuzz_post_form.c - libFuzzer target: any bytes as S3's POST form, with the boundary "x".
 *
 * What must hold: no crash; the form taken in one piece and byte by byte gives the same fields, the same file and the same outcome; the policy in it is read
 * without a crash; and an error exactly when a stage says no.
 */
#include "aws/post_form.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool keep(void *self, Str bytes, Err *err) {
    StrBuf *file = self;
    (void)err;
    strbuf_add(file, bytes);
    return true;
}

static void begin(Arena *arena, AwsRequest *request) {
    *request = (AwsRequest){.arena = arena, .method = STR("POST"), .bucket = STR("bucket"), .headers = {.arena = arena}, .form = {.arena = arena}};
    VEC_PUSH(&request->headers, (AwsPair){STR("content-type"), STR("multipart/form-data; boundary=x")});
}

static bool take(AwsRequest *request, StrBuf *file, Str body, size_t piece, Err *err) {
    AwsForm *form = aws_form_new(request, err);
    bool ok = form != NULL;
    for (size_t from = 0; ok && from < body.len; from += piece) {
        ok = aws_form_take(form, str_slice(body, from, from + piece), keep, file, err);
    }
    ok = ok && aws_form_finish(form, err);
    if (ok == err->is_set) {
        abort();
    }
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str body = {(const char *)data, size};
    Arena *arena = arena_new();
    AwsRequest whole;
    AwsRequest bytewise;
    StrBuf whole_file = {.arena = arena};
    StrBuf bytewise_file = {.arena = arena};
    Err whole_err = {0};
    Err bytewise_err = {0};
    begin(arena, &whole);
    begin(arena, &bytewise);
    bool ok = take(&whole, &whole_file, body, size + 1, &whole_err);
    if (take(&bytewise, &bytewise_file, body, 1, &bytewise_err) != ok || strcmp(whole_err.code, bytewise_err.code) != 0) {
        abort();
    }
    if (ok) {
        bool same = str_eq(strbuf_str(&whole_file), strbuf_str(&bytewise_file)) && whole.form.count == bytewise.form.count;
        for (size_t i = 0; same && i < whole.form.count; i++) {
            same = str_eq(whole.form.items[i].name, bytewise.form.items[i].name) && str_eq(whole.form.items[i].value, bytewise.form.items[i].value);
        }
        if (!same) {
            abort();
        }
        AwsConfig config = {.no_auth = true};
        Err err = {0};
        if (aws_form_apply(&whole, &config, (int64_t)whole_file.len, 1e9, &err) == err.is_set) {
            abort();
        }
    }
    arena_free(arena);
    return 0;
}
