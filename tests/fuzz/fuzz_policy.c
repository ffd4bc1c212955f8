/* fuzz_policy.c - libFuzzer target: any bytes as a bucket policy: its check, its publicness, and what it says of a request.
 *
 * What must hold: no crash; the check fails exactly with an error; the decision is the same a second time; a policy that lets in a caller without a key and
 * has no conditions is public.
 */
#include "service/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every key is there, with the document's own bytes among its values: a variable brings in what an attacker wrote. */
static size_t values(void *self, Str key, const Str **ret_values) {
    static const Str FIXED[] = {{"ann", 3}, {"10.1.2.3", 8}, {"2024-01-02T03:04:05Z", 20}, {"arn:aws:iam::123456789012:user/ann", 34}, {"7", 1}};
    const Str *whole = self;
    size_t pick = key.len % 7;
    *ret_values = pick < 5 ? &FIXED[pick] : whole;
    return pick == 6 ? 0 : 1;
}

static PolicyDecision decide(Arena *arena, yyjson_val *policy, const PolicyCaller *caller, const Str *whole) {
    PolicyContext context = {.arena = arena,
                             .caller = caller,
                             .action = STR("s3:GetObject"),
                             .resource = STR("arn:aws:s3:::bucket/home/ann/\xC3\xBC"),
                             .values = values,
                             .self = (void *)(uintptr_t)whole};
    return policy_decide(policy, &context);
}

static void check_same(Arena *arena, yyjson_val *policy, const PolicyCaller *caller, const Str *whole) {
    if (decide(arena, policy, caller, whole) != decide(arena, policy, caller, whole)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const PolicyCaller ANYBODY = {.is_anonymous = true};
    static const PolicyCaller ANN = {.account = {"123456789012", 12}, .canonical_id = {"c0ffee", 6}, .arn = {"arn:aws:iam::123456789012:user/ann", 34}};
    Str text = {(const char *)data, size};
    Err err = {0};
    bool is_good = policy_check(text, STR("bucket"), &err);
    if (is_good == err.is_set) {
        abort();
    }
    yyjson_doc *parsed = size > 1 << 15 ? NULL : yyjson_read(text.data, text.len, 0);
    if (parsed == NULL) {
        return 0;
    }
    Arena *arena = arena_new();
    yyjson_val *policy = yyjson_doc_get_root(parsed);
    bool is_public = policy_is_public(policy);
    check_same(arena, policy, &ANN, &text);
    check_same(arena, policy, &ANYBODY, &text);
    /* Who is let in without a key came by a wildcard: then the policy is public, or a condition that fixes the caller held. */
    if (is_good && !is_public && decide(arena, policy, &ANYBODY, &text) == POLICY_ALLOWS && !str_contains(text, STR("Condition")) && !str_contains(text, STR("\\u"))) {
        abort();
    }
    arena_free(arena);
    yyjson_doc_free(parsed);
    return 0;
}
