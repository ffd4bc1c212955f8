/* s3_cors.c - S3: what a bucket's CORS rules say to a browser's question, and to a request that a page of another origin makes.
 *
 * Called by the gateway for S3's requests that name an origin. Behaviour: "Using cross-origin resource sharing" of the user guide: the first rule that fits
 * answers.
 */
#include "service/s3_cors.h"

#include "service/s3.h"

#include <string.h>

/* One star of a pattern ("x-amz-*") stands for anything. */
static bool matches(Str pattern, Str text) {
    const char *star = pattern.len == 0 ? NULL : memchr(pattern.data, '*', pattern.len);
    if (star == NULL) {
        return str_eq(pattern, text);
    }
    size_t at = (size_t)(star - pattern.data);
    Str end = str_slice(pattern, at + 1, pattern.len);
    return text.len >= at + end.len && str_starts_with(text, str_slice(pattern, 0, at)) && str_ends_with(text, end);
}

static bool any_matches(Arena *arena, yyjson_val *patterns, Str text, bool ignores_case) {
    size_t i;
    size_t count;
    yyjson_val *pattern;
    yyjson_arr_foreach(patterns, i, count, pattern) {
        Str one = ignores_case ? str_lower(arena, js_text(pattern)) : js_text(pattern);
        if (matches(one, ignores_case ? str_lower(arena, text) : text)) {
            return true;
        }
    }
    return false;
}

/* Every header that the page wants to send. */
static bool allows_headers(Arena *arena, yyjson_val *rule, Str headers) {
    for (size_t from = 0; from < headers.len;) {
        const char *comma = memchr(headers.data + from, ',', headers.len - from);
        size_t end = comma == NULL ? headers.len : (size_t)(comma - headers.data);
        Str one = str_trim(str_slice(headers, from, end));
        if (one.len > 0 && !any_matches(arena, yyjson_obj_get(rule, "AllowedHeaders"), one, true)) {
            return false;
        }
        from = end + 1;
    }
    return true;
}

static Str joined(Arena *arena, yyjson_val *texts) {
    StrBuf out = {.arena = arena};
    size_t i;
    size_t count;
    yyjson_val *text;
    yyjson_arr_foreach(texts, i, count, text) {
        strbuf_fmt(&out, "%s%.*s", i > 0 ? ", " : "", STR_ARG(js_text(text)));
    }
    return strbuf_str(&out);
}

static void take_answer(Arena *arena, const AwsCorsQuestion *question, yyjson_val *rule, AwsCorsAnswer *answer) {
    bool is_open = false;
    size_t i;
    size_t count;
    yyjson_val *origin;
    yyjson_arr_foreach(yyjson_obj_get(rule, "AllowedOrigins"), i, count, origin) {
        is_open = is_open || str_eq_c(js_text(origin), "*");
    }
    yyjson_val *age = yyjson_obj_get(rule, "MaxAgeSeconds");
    answer->origin = is_open ? STR("*") : question->origin;
    answer->allows_credentials = !is_open;
    answer->methods = joined(arena, yyjson_obj_get(rule, "AllowedMethods"));
    answer->exposed = joined(arena, yyjson_obj_get(rule, "ExposeHeaders"));
    answer->headers = str_lower(arena, question->headers);
    answer->max_age = age == NULL ? STR("") : str_fmt(arena, "%lld", (long long)yyjson_get_sint(age));
}

bool sv_s3_cors(void *self, Arena *arena, const AwsCorsQuestion *question, AwsCorsAnswer *ret_answer) {
    SvServices *services = self;
    Str json = STR("");
    Err err = {0};
    *ret_answer = (AwsCorsAnswer){0};
    if (!st_bucket_setting_get(services->store, arena, question->bucket, STR("cors"), &json, &err) || json.len == 0) {
        ret_answer->refusal = "CORSResponse: CORS is not enabled for this bucket.";
        return false;
    }
    yyjson_doc *parsed = yyjson_read(json.data, json.len, 0);
    bool found = false;
    size_t i;
    size_t count;
    yyjson_val *rule;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(parsed), "CORSRules"), i, count, rule) {
        if (!found && any_matches(arena, yyjson_obj_get(rule, "AllowedOrigins"), question->origin, false) &&
            any_matches(arena, yyjson_obj_get(rule, "AllowedMethods"), question->method, false) && allows_headers(arena, rule, question->headers)) {
            take_answer(arena, question, rule, ret_answer);
            found = true;
        }
    }
    yyjson_doc_free(parsed);
    ret_answer->refusal = "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request method / "
                          "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
    return found;
}
