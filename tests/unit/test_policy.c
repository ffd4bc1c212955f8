/* test_policy.c - what policies say of requests: the evaluator alone, over a table of condition keys. */
#include "service/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ACCOUNT "123456789012"
#define USER "arn:aws:iam::" ACCOUNT ":user/ann"
#define ROLE "arn:aws:iam::" ACCOUNT ":role/team/reader"
#define SESSION "arn:aws:sts::" ACCOUNT ":assumed-role/reader/me"
#define ROOT "arn:aws:iam::" ACCOUNT ":root"

typedef struct Key {
    const char *name;
    const char *values[3];
} Key;

static const Key KEYS[] = {
    {"aws:username", {"ann", NULL, NULL}},      {"aws:userid", {"AIDA:*?", NULL, NULL}},       {"aws:sourceip", {"192.0.2.77", NULL, NULL}},
    {"aws:sourcev6", {"2001:db8::5", NULL, NULL}}, {"s3:max-keys", {"10", NULL, NULL}},        {"aws:currenttime", {"2024-06-01T12:00:00.000Z", NULL, NULL}},
    {"aws:epochtime", {"1717243200", NULL, NULL}}, {"aws:securetransport", {"true", NULL, NULL}}, {"aws:tagkeys", {"a", "b", NULL}},
    {"aws:principalarn", {USER, NULL, NULL}},   {"s3:prefix", {"", NULL, NULL}},               {"s3:existingobjecttag/Team", {"Red", NULL, NULL}},
};

typedef struct Question {
    Arena *arena;
    const PolicyCaller *caller;
    const char *action, *resource;
} Question;

static size_t values(void *self, Str key, const Str **ret_values) {
    Question *question = self;
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        if (str_eq_c(key, KEYS[i].name)) {
            Str *found = ARENA_ARRAY(question->arena, Str, 3);
            size_t count = 0;
            for (; count < 3 && KEYS[i].values[count] != NULL; count++) {
                found[count] = str_from_c(KEYS[i].values[count]);
            }
            *ret_values = found;
            return count;
        }
    }
    return 0;
}

static const PolicyCaller ANYBODY = {.is_anonymous = true};
static const PolicyCaller ANN = {.account = {ACCOUNT, 12}, .canonical_id = {"c0ffee", 6}, .arn = {USER, sizeof USER - 1}};
static const PolicyCaller ME = {
    .account = {ACCOUNT, 12}, .canonical_id = {"c0ffee", 6}, .arn = {SESSION, sizeof SESSION - 1}, .role_arn = {ROLE, sizeof ROLE - 1}};
static const PolicyCaller OWNER = {.is_root = true, .account = {ACCOUNT, 12}, .canonical_id = {"c0ffee", 6}, .arn = {ROOT, sizeof ROOT - 1}};

static PolicyDecision decide(const Question *asked, const char *document) {
    Question question = *asked;
    question.arena = arena_new();
    yyjson_doc *parsed = yyjson_read(document, strlen(document), 0);
    if (parsed == NULL) {
        fail_msg("no JSON: %s", document);
    }
    PolicyContext context = {.arena = question.arena,
                             .caller = question.caller,
                             .action = str_from_c(question.action),
                             .resource = str_from_c(question.resource),
                             .values = values,
                             .self = &question};
    PolicyDecision decision = policy_decide(yyjson_doc_get_root(parsed), &context);
    yyjson_doc_free(parsed);
    arena_free(question.arena);
    return decision;
}

static PolicyDecision ask(const PolicyCaller *caller, const char *document) {
    Question question = {.caller = caller, .action = "s3:GetObject", .resource = "arn:aws:s3:::b/home/ann/\xC3\xBC"};
    return decide(&question, document);
}

/* The members of one Allow beside Effect, asked by ann. */
static bool allows(const PolicyCaller *caller, const char *members) {
    char document[2048];
    (void)snprintf(document, sizeof document, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",%s}}", members);
    PolicyDecision decision = ask(caller, document);
    assert_int_not_equal(decision, POLICY_DENIES);
    return decision == POLICY_ALLOWS;
}

static void test_principals(void **state) {
    (void)state;
#define WHO(principal) principal ",\"Action\":\"*\",\"Resource\":\"*\""
    static const struct {
        const char *members;
        bool anybody, ann, me, owner;
    } CASES[] = {
        {WHO("\"Principal\":\"*\""), true, true, true, true},
        {WHO("\"Principal\":{\"AWS\":[\"111122223333\",\"*\"]}"), true, true, true, true},
        {WHO("\"Principal\":{\"AWS\":\"" ACCOUNT "\"}"), false, true, true, true},
        {WHO("\"Principal\":{\"AWS\":\"" ROOT "\"}"), false, true, true, true},
        {WHO("\"Principal\":{\"CanonicalUser\":\"c0ffee\"}"), false, true, true, true},
        {WHO("\"Principal\":{\"CanonicalUser\":\"*\"}"), false, false, false, false},
        {WHO("\"Principal\":{\"AWS\":\"" USER "\"}"), false, true, false, false},
        {WHO("\"Principal\":{\"AWS\":[\"" ROLE "\"]}"), false, false, true, false},
        {WHO("\"Principal\":{\"AWS\":[\"" SESSION "\"]}"), false, false, true, false},
        {WHO("\"Principal\":{\"Service\":\"*\",\"Federated\":\"*\"}"), false, false, false, false},
        {WHO("\"Principal\":{\"AWS\":\"\"}"), false, false, false, false},
        {WHO("\"NotPrincipal\":{\"AWS\":[\"" USER "\",\"" ROOT "\"]}"), true, false, true, false},
        {WHO("\"NotPrincipal\":\"*\""), false, false, false, false},
        {"\"Action\":\"*\",\"Resource\":\"*\"", false, false, false, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        bool ok = allows(&ANYBODY, CASES[i].members) == CASES[i].anybody && allows(&ANN, CASES[i].members) == CASES[i].ann &&
                  allows(&ME, CASES[i].members) == CASES[i].me && allows(&OWNER, CASES[i].members) == CASES[i].owner;
        if (!ok) {
            fail_msg("%s", CASES[i].members);
        }
    }
}

static void test_actions_and_resources(void **state) {
    (void)state;
    static const struct {
        const char *action_member, *action, *resource_member, *resource;
        bool holds;
    } CASES[] = {
        {"Action", "\"s3:getobject\"", "Resource", "\"*\"", true},
        {"Action", "[\"s3:Put*\",\"s3:Get*\"]", "Resource", "\"arn:aws:s3:::b/*\"", true},
        {"Action", "\"s3:Get?bject\"", "Resource", "\"arn:aws:s3:::*\"", true},
        {"Action", "\"s3:Get\"", "Resource", "\"*\"", false},
        {"Action", "\"s3:GetObjectVersion\"", "Resource", "\"*\"", false},
        {"NotAction", "\"s3:Put*\"", "Resource", "\"*\"", true},
        {"NotAction", "[\"s3:Put*\",\"s3:*\"]", "Resource", "\"*\"", false},
        {"Action", "\"*\"", "Resource", "\"arn:aws:s3:::b\"", false},
        {"Action", "\"*\"", "Resource", "\"arn:aws:s3:::B/*\"", false},
        {"Action", "\"*\"", "Resource", "[\"x\",\"arn:aws:s3:::b/home/ann/?\"]", true},
        {"Action", "\"*\"", "Resource", "\"arn:aws:s3:::b/home/ann/??\"", false},
        {"Action", "\"*\"", "Resource", "\"arn:aws:s3:::b/**/ann/*\"", true},
        {"Action", "\"*\"", "Resource", "\"arn:aws:s3:::b/home/${aws:username}/*\"", true},
        {"Action", "\"*\"", "Resource", "\"arn:aws:s3:::b/home/${AWS:UserName}/*\"", true},
        {"Action", "\"*\"", "Resource", "\"arn:aws:s3:::b/home/${aws:nobody}/*\"", false},
        {"Action", "\"*\"", "Resource", "\"arn:aws:s3:::b/home/${aws:nobody, 'ann'}/*\"", true},
        {"Action", "\"*\"", "Resource", "\"arn:aws:s3:::b/home/${aws:userid}\"", false},
        {"Action", "\"*\"", "Resource", "\"arn:aws:s3:::b/home/ann/${*}\"", false},
        {"Action", "\"*\"", "NotResource", "\"arn:aws:s3:::b/home/${aws:username}/*\"", false},
        {"Action", "\"*\"", "NotResource", "\"arn:aws:s3:::b/other/*\"", true},
        {"Action", "\"*\"", "NotResource", "[]", true},
        {"Action", "[]", "Resource", "\"*\"", false},
        {"Action", "7", "Resource", "\"*\"", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char members[512];
        (void)snprintf(members, sizeof members, "\"Principal\":\"*\",\"%s\":%s,\"%s\":%s", CASES[i].action_member, CASES[i].action, CASES[i].resource_member,
                       CASES[i].resource);
        if (allows(&ANN, members) != CASES[i].holds) {
            fail_msg("%s", members);
        }
    }
}

static void test_conditions(void **state) {
    (void)state;
    static const struct {
        const char *condition;
        bool holds;
    } CASES[] = {
        {"{}", true},
        {"[]", false},
        {"{\"StringEquals\":{\"aws:username\":\"ann\"}}", true},
        {"{\"stringequals\":{\"AWS:USERNAME\":[\"bob\",\"ann\"]}}", true},
        {"{\"StringEquals\":{\"aws:username\":\"Ann\"}}", false},
        {"{\"StringEquals\":{\"aws:username\":\"a*\"}}", false},
        {"{\"StringEquals\":{\"aws:username\":\"${aws:username}\"}}", true},
        {"{\"StringEqualsIgnoreCase\":{\"aws:username\":\"ANN\"}}", true},
        {"{\"StringNotEquals\":{\"aws:username\":[\"bob\",\"ann\"]}}", false},
        {"{\"StringNotEquals\":{\"aws:username\":[\"bob\",\"eve\"]}}", true},
        {"{\"StringNotEqualsIgnoreCase\":{\"aws:username\":\"ANN\"}}", false},
        {"{\"StringLike\":{\"aws:username\":\"?n*\"}}", true},
        {"{\"StringNotLike\":{\"aws:username\":[\"b*\",\"a*\"]}}", false},
        {"{\"StringLike\":{\"aws:userid\":\"AIDA:${*}${?}\"}}", true},
        {"{\"StringLike\":{\"aws:username\":\"${aws:userid}\"}}", false},
        {"{\"StringEquals\":{\"s3:prefix\":\"\"}}", true},
        {"{\"StringEquals\":{\"s3:ExistingObjectTag/Team\":\"Red\"}}", true},
        {"{\"StringEquals\":{\"s3:ExistingObjectTag/team\":\"Red\"}}", false},
        /* what is absent */
        {"{\"StringEquals\":{\"aws:absent\":\"x\"}}", false},
        {"{\"StringNotEquals\":{\"aws:absent\":\"x\"}}", true},
        {"{\"StringEqualsIfExists\":{\"aws:absent\":\"x\"}}", true},
        {"{\"StringEqualsIfExists\":{\"aws:username\":\"x\"}}", false},
        {"{\"Null\":{\"aws:absent\":\"true\",\"aws:username\":\"false\"}}", true},
        {"{\"Null\":{\"aws:username\":true}}", false},
        {"{\"Null\":{\"aws:absent\":[\"true\",\"false\"]}}", false},
        {"{\"ForAllValues:StringEquals\":{\"aws:absent\":\"x\"}}", true},
        {"{\"ForAnyValue:StringEquals\":{\"aws:absent\":\"x\"}}", false},
        {"{\"ForAnyValue:StringNotEquals\":{\"aws:absent\":\"x\"}}", false},
        /* several values */
        {"{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"a\",\"b\",\"c\"]}}", true},
        {"{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"a\"]}}", false},
        {"{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"b\"]}}", true},
        {"{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"c\"]}}", false},
        {"{\"ForAnyValue:StringNotEquals\":{\"aws:TagKeys\":[\"a\"]}}", true},
        {"{\"ForAllValues:StringNotLike\":{\"aws:TagKeys\":[\"a\",\"x\"]}}", false},
        /* numbers, dates, booleans */
        {"{\"NumericEquals\":{\"s3:max-keys\":10}}", true},
        {"{\"NumericNotEquals\":{\"s3:max-keys\":\"10.0\"}}", false},
        {"{\"NumericLessThan\":{\"s3:max-keys\":\"10\"}}", false},
        {"{\"NumericLessThanEquals\":{\"s3:max-keys\":\"10\"}}", true},
        {"{\"NumericGreaterThan\":{\"s3:max-keys\":\"9\"}}", true},
        {"{\"NumericGreaterThanEquals\":{\"s3:max-keys\":\"11\"}}", false},
        {"{\"NumericEquals\":{\"s3:max-keys\":\"ten\"}}", false},
        {"{\"NumericEquals\":{\"aws:username\":\"10\"}}", false},
        {"{\"DateGreaterThan\":{\"aws:CurrentTime\":\"2024-06-01T11:59:59Z\"},\"DateLessThan\":{\"aws:CurrentTime\":\"2024-06-02\"}}", true},
        {"{\"DateEquals\":{\"aws:CurrentTime\":\"1717243200\"}}", true},
        {"{\"DateLessThanEquals\":{\"aws:EpochTime\":\"2024-06-01T12:00:00Z\"}}", true},
        {"{\"DateGreaterThanEquals\":{\"aws:EpochTime\":\"soon\"}}", false},
        {"{\"Bool\":{\"aws:SecureTransport\":\"TRUE\"}}", true},
        {"{\"Bool\":{\"aws:SecureTransport\":false}}", false},
        /* networks */
        {"{\"IpAddress\":{\"aws:SourceIp\":[\"10.0.0.0/8\",\"192.0.2.64/26\"]}}", true},
        {"{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/26\"}}", false},
        {"{\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}}", true},
        {"{\"IpAddress\":{\"aws:SourceIp\":\"::/0\"}}", false},
        {"{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.77/33\"}}", false},
        {"{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.77/\"}}", false},
        {"{\"NotIpAddress\":{\"aws:SourceIp\":\"192.0.2.77\"}}", false},
        {"{\"IpAddress\":{\"aws:SourceV6\":\"2001:db8::/126\"}}", false},
        {"{\"IpAddress\":{\"aws:SourceV6\":\"2001:db8::/125\"}}", true},
        /* ARNs: part by part */
        {"{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/*\"}}", true},
        {"{\"ArnEquals\":{\"aws:PrincipalArn\":\"arn:*:user/ann\"}}", false},
        {"{\"ArnEquals\":{\"aws:PrincipalArn\":\"*\"}}", true},
        {"{\"ArnNotLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::" ACCOUNT ":user/a?n\"}}", false},
        {"{\"ArnNotEquals\":{\"aws:PrincipalArn\":\"arn:aws:iam::" ACCOUNT ":role/*\"}}", true},
        /* all blocks hold, or none does */
        {"{\"StringEquals\":{\"aws:username\":\"ann\",\"s3:max-keys\":\"11\"}}", false},
        {"{\"StringEquals\":{\"aws:username\":\"ann\"},\"Bool\":{\"aws:SecureTransport\":\"false\"}}", false},
        {"{\"StringEquals\":{\"aws:username\":[]}}", false},
        {"{\"Nonsense\":{\"aws:username\":\"ann\"}}", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char members[1024];
        (void)snprintf(members, sizeof members, "\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":%s", CASES[i].condition);
        if (allows(&ANN, members) != CASES[i].holds) {
            fail_msg("%s", CASES[i].condition);
        }
    }
}

static void test_decisions(void **state) {
    (void)state;
#define ALLOW "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"
#define DENY "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:Get*\",\"Resource\":\"*\"}"
    assert_int_equal(ask(&ANN, "{\"Statement\":[" ALLOW "]}"), POLICY_ALLOWS);
    assert_int_equal(ask(&ANN, "{\"Statement\":[" ALLOW "," DENY "]}"), POLICY_DENIES);
    assert_int_equal(ask(&ANN, "{\"Statement\":[" DENY "," ALLOW "]}"), POLICY_DENIES);
    assert_int_equal(ask(&ANN, "{\"Statement\":[]}"), POLICY_SILENT);
    assert_int_equal(ask(&ANN, "[1]"), POLICY_SILENT);
    assert_int_equal(ask(&ANN, "{\"Statement\":[7,\"x\",null,{}]}"), POLICY_SILENT);
    /* The older version of the language has no variables: there "${" is text. */
    assert_int_equal(ask(&ANN, "{\"Version\":\"2008-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\","
                               "\"Resource\":\"arn:aws:s3:::b/home/${aws:username}/*\"}}"),
                     POLICY_SILENT);
}

static void test_public(void **state) {
    (void)state;
#define OPEN "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"s3:GetObject\",\"Resource\":\"*\""
    static const struct {
        const char *statement;
        bool is_public;
    } CASES[] = {
        {OPEN, true},
        {"\"Effect\":\"Deny\",\"Principal\":\"*\"", false},
        {"\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" ACCOUNT "\"}", false},
        {"\"Effect\":\"Allow\",\"NotPrincipal\":{\"AWS\":\"" ACCOUNT "\"}", true},
        {OPEN ",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"54.240.143.0/24\"}}", false},
        {OPEN ",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":[\"54.240.143.0/24\",\"0.0.0.0/1\"]}}", true},
        {OPEN ",\"Condition\":{\"NotIpAddress\":{\"aws:SourceIp\":\"54.240.143.0/24\"}}", true},
        {OPEN ",\"Condition\":{\"StringEquals\":{\"aws:SourceVpc\":\"vpc-1\"}}", false},
        {OPEN ",\"Condition\":{\"StringLike\":{\"aws:SourceVpc\":\"vpc-*\"}}", true},
        {OPEN ",\"Condition\":{\"StringEqualsIfExists\":{\"aws:SourceVpc\":\"vpc-1\"}}", true},
        {OPEN ",\"Condition\":{\"ForAllValues:StringEquals\":{\"aws:SourceVpc\":\"vpc-1\"}}", true},
        {OPEN ",\"Condition\":{\"StringLike\":{\"aws:userid\":\"AROAEXAMPLE:*\"}}", false},
        {OPEN ",\"Condition\":{\"StringEquals\":{\"aws:SourceAccount\":\"${aws:userid}\"}}", true},
        {OPEN ",\"Condition\":{\"StringLike\":{\"aws:Referer\":\"https://a/\"}}", true},
        {OPEN ",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"true\"}}", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char document[1024];
        int size = snprintf(document, sizeof document, "{\"Statement\":[{%s}]}", CASES[i].statement);
        yyjson_doc *parsed = yyjson_read(document, (size_t)size, 0);
        assert_non_null(parsed);
        if (policy_is_public(yyjson_doc_get_root(parsed)) != CASES[i].is_public) {
            fail_msg("%s", CASES[i].statement);
        }
        yyjson_doc_free(parsed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_principals), cmocka_unit_test(test_actions_and_resources), cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_decisions),  cmocka_unit_test(test_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
