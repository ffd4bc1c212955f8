/* sigv4.c - see sigv4.h. */
#include "aws/sigv4.h"

#include "aws/sigv2.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { SKEW_SECONDS = 15 * 60, LONGEST_EXPIRY = 7 * 24 * 3600 };

typedef enum Failure {
    MISSING,
    MALFORMED,
    UNKNOWN_KEY,
    WRONG_SIGNATURE,
    SKEWED,
    EXPIRED_KEY,
    WRONG_TOKEN,
    EXPIRED_URL,
    FAILURE_COUNT
} Failure;

/* The protocols' own words, by AwsProtocol. */
static const struct {
    const char *code[3];
    const char *message;
} FAILURES[FAILURE_COUNT] = {
    [MISSING] = {{"MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied"}, "the request is not signed"},
    [MALFORMED] = {{"IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed"}, "the signature's parameters can't be read"},
    [UNKNOWN_KEY] = {{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"},
                     "The AWS Access Key Id you provided does not exist in our records."},
    [WRONG_SIGNATURE] = {{"InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"},
                         "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
    [SKEWED] = {{"InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"},
                "The difference between the request time and the current time is too large."},
    [EXPIRED_KEY] = {{"ExpiredTokenException", "ExpiredToken", "ExpiredToken"}, "The security token included in the request is expired"},
    [WRONG_TOKEN] = {{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidToken"}, "The security token included in the request is invalid"},
    [EXPIRED_URL] = {{"InvalidSignatureException", "SignatureDoesNotMatch", "AccessDenied"}, "Request has expired"},
};

/* A signature's parts as the request carries them. */
typedef struct Claim {
    Str access_key, day, region, service; /* of the credential */
    Str scope;
    Str signed_headers, signature, date, token;
    bool is_query, is_v2;
    int64_t expires; /* presigned URLs: seconds from the date; of version 2: since 1970 */
} Claim;

void aws_hex(const unsigned char *bytes, size_t size, char *ret_text) {
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        ret_text[i * 2] = DIGITS[bytes[i] >> 4];
        ret_text[i * 2 + 1] = DIGITS[bytes[i] & 15];
    }
    ret_text[size * 2] = '\0';
}

static bool refuse(const AwsRequest *request, Failure failure, const char *detail, Err *err) {
    AwsProtocol protocol = request->service == NULL ? AWS_JSON : request->service->protocol;
    return err_set(err, FAILURES[failure].code[protocol], "%s%s%s", FAILURES[failure].message, detail[0] != '\0' ? " " : "", detail);
}

static bool hmac(const void *key, size_t key_len, Str text, unsigned char ret_hash[AWS_HASH_SIZE]) {
    unsigned len = AWS_HASH_SIZE;
    return HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text.data, text.len, ret_hash, &len) != NULL;
}

/* ---- reading the claim ---- */

static bool split_credential(Str credential, Claim *claim) {
    Str parts[5];
    size_t n = 0;
    size_t from = 0;
    for (size_t i = 0; i <= credential.len && n < 5; i++) {
        if (i == credential.len || credential.data[i] == '/') {
            parts[n++] = str_slice(credential, from, i);
            from = i + 1;
        }
    }
    if (n != 5 || from <= credential.len || !str_eq_c(parts[4], "aws4_request") || parts[0].len == 0 || parts[1].len != 8) {
        return false;
    }
    claim->access_key = parts[0];
    claim->day = parts[1];
    claim->region = parts[2];
    claim->service = parts[3];
    claim->scope = str_slice(credential, parts[0].len + 1, credential.len);
    return true;
}

/* "Name=value" out of the Authorization header's list. */
static Str parameter(Str header, const char *name) {
    size_t len = strlen(name);
    const char *at = header.data;
    size_t left = header.len;
    while (left > len) {
        const char *found = memmem(at, left, name, len);
        if (found == NULL) {
            break;
        }
        size_t start = (size_t)(found - header.data);
        bool is_own = start == 0 || header.data[start - 1] == ' ' || header.data[start - 1] == ',';
        if (is_own && start + len < header.len && header.data[start + len] == '=') {
            size_t from = start + len + 1;
            size_t end = from;
            while (end < header.len && header.data[end] != ',' && header.data[end] != ' ') {
                end++;
            }
            return str_slice(header, from, end);
        }
        at = found + len;
        left = header.len - (size_t)(at - header.data);
    }
    return STR("");
}

static bool read_header_claim(const AwsRequest *request, Str header, Claim *claim) {
    if (!str_starts_with(header, STR(ALGORITHM " "))) {
        return false;
    }
    header = str_slice(header, sizeof ALGORITHM, header.len);
    claim->signed_headers = parameter(header, "SignedHeaders");
    claim->signature = parameter(header, "Signature");
    claim->date = aws_header(request, "x-amz-date");
    claim->token = aws_header(request, "x-amz-security-token");
    double seconds = 0;
    if (claim->date.len == 0 && aws_time_parse(aws_header(request, "date"), &seconds)) {
        Str iso = aws_time_iso(request->arena, seconds); /* 2024-01-02T03:04:05.000Z → 20240102T030405Z */
        claim->date = str_fmt(request->arena, "%.4s%.2s%.2sT%.2s%.2s%.2sZ", iso.data, iso.data + 5, iso.data + 8, iso.data + 11, iso.data + 14, iso.data + 17);
    }
    return split_credential(parameter(header, "Credential"), claim) && claim->signed_headers.len > 0 && claim->signature.len > 0 && claim->date.len > 0;
}

static bool read_query_claim(const AwsRequest *request, Claim *claim) {
    claim->is_query = true;
    claim->signed_headers = aws_query(request, "X-Amz-SignedHeaders", NULL);
    claim->signature = aws_query(request, "X-Amz-Signature", NULL);
    claim->date = aws_query(request, "X-Amz-Date", NULL);
    claim->token = aws_query(request, "X-Amz-Security-Token", NULL);
    return str_eq_c(aws_query(request, "X-Amz-Algorithm", NULL), ALGORITHM) &&
           split_credential(aws_query(request, "X-Amz-Credential", NULL), claim) &&
           str_to_i64(aws_query(request, "X-Amz-Expires", NULL), &claim->expires) && claim->expires > 0 && claim->expires <= LONGEST_EXPIRY &&
           claim->signed_headers.len > 0 && claim->signature.len > 0;
}

static bool read_v2_claim(const AwsRequest *request, Claim *claim) {
    bool there = false;
    claim->is_query = claim->is_v2 = true;
    claim->access_key = aws_query(request, "AWSAccessKeyId", NULL);
    claim->signature = aws_query(request, "Signature", NULL);
    claim->token = aws_query(request, "x-amz-security-token", &there);
    claim->token = there ? claim->token : aws_header(request, "x-amz-security-token");
    return str_to_i64(aws_query(request, "Expires", NULL), &claim->expires) && claim->access_key.len > 0 && claim->signature.len > 0;
}

/* ---- the canonical request ---- */

static void add_encoded(StrBuf *out, Str text) {
    static const char DIGITS[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (is_plain) {
            strbuf_add_char(out, (char)c);
        } else {
            strbuf_add_char(out, '%');
            strbuf_add_char(out, DIGITS[c >> 4]);
            strbuf_add_char(out, DIGITS[c & 15]);
        }
    }
}

static int compare_pairs(const void *a, const void *b) {
    const AwsPair *x = a;
    const AwsPair *y = b;
    int order = str_cmp(x->name, y->name);
    return order != 0 ? order : str_cmp(x->value, y->value);
}

/* One name or value of the query: a form's "+" is a blank, which is signed as %20. */
static Str encoded(Arena *arena, Str raw) {
    StrBuf out = {.arena = arena};
    add_encoded(&out, aws_percent_decode(arena, raw, true));
    return strbuf_str(&out);
}

static void add_query(const AwsRequest *request, StrBuf *out, bool is_presigned) {
    VEC(AwsPair) pairs = {.arena = request->arena};
    Str rest = request->raw_query;
    while (rest.len > 0) {
        const char *ampersand = memchr(rest.data, '&', rest.len);
        size_t end = ampersand == NULL ? rest.len : (size_t)(ampersand - rest.data);
        Str pair = str_slice(rest, 0, end);
        const char *equals = pair.len == 0 ? NULL : memchr(pair.data, '=', pair.len);
        size_t name_end = equals == NULL ? pair.len : (size_t)(equals - pair.data);
        Str name = encoded(request->arena, str_slice(pair, 0, name_end));
        if (pair.len > 0 && !(is_presigned && str_eq_c(name, "X-Amz-Signature"))) {
            VEC_PUSH(&pairs, (AwsPair){name, encoded(request->arena, str_slice(pair, name_end + 1, pair.len))});
        }
        rest = str_slice(rest, end + 1, rest.len);
    }
    if (pairs.count > 1) {
        qsort(pairs.items, pairs.count, sizeof pairs.items[0], compare_pairs);
    }
    for (size_t i = 0; i < pairs.count; i++) {
        strbuf_fmt(out, "%s%.*s=%.*s", i > 0 ? "&" : "", STR_ARG(pairs.items[i].name), STR_ARG(pairs.items[i].value));
    }
}

/* A value without white space around it, and with single blanks inside. */
static void add_value(StrBuf *out, Str value) {
    value = str_trim(value);
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] != ' ' || value.data[i - 1] != ' ') {
            strbuf_add_char(out, value.data[i]);
        }
    }
}

static void add_headers(const AwsRequest *request, StrBuf *out, Str names) {
    size_t from = 0;
    for (size_t i = 0; i <= names.len; i++) {
        if (i < names.len && names.data[i] != ';') {
            continue;
        }
        Str name = str_slice(names, from, i);
        from = i + 1;
        strbuf_add(out, name);
        strbuf_add_char(out, ':');
        bool is_first = true;
        for (size_t k = 0; k < request->headers.count; k++) {
            if (str_eq(request->headers.items[k].name, name)) {
                strbuf_add_c(out, is_first ? "" : ",");
                add_value(out, request->headers.items[k].value);
                is_first = false;
            }
        }
        strbuf_add_char(out, '\n');
    }
}

static Str canonical_request(const AwsRequest *request, const Claim *claim, Str payload) {
    StrBuf out = {.arena = request->arena};
    strbuf_fmt(&out, "%.*s\n%.*s\n", STR_ARG(request->method), STR_ARG(request->raw_path));
    add_query(request, &out, claim->is_query);
    strbuf_add_char(&out, '\n');
    add_headers(request, &out, claim->signed_headers);
    strbuf_fmt(&out, "\n%.*s\n%.*s", STR_ARG(claim->signed_headers), STR_ARG(payload));
    return strbuf_str(&out);
}

static bool signing_key(Arena *arena, Str secret, const Claim *claim, unsigned char ret_key[AWS_HASH_SIZE]) {
    Str first = str_fmt(arena, "AWS4%.*s", STR_ARG(secret));
    return hmac(first.data, first.len, claim->day, ret_key) && hmac(ret_key, AWS_HASH_SIZE, claim->region, ret_key) &&
           hmac(ret_key, AWS_HASH_SIZE, claim->service, ret_key) && hmac(ret_key, AWS_HASH_SIZE, STR("aws4_request"), ret_key);
}

/* ---- checking ---- */

static bool equal_hex(const char *ours, Str theirs) {
    return theirs.len == AWS_HEX_SIZE && CRYPTO_memcmp(ours, theirs.data, AWS_HEX_SIZE) == 0;
}

static bool check_time(const AwsRequest *request, const Claim *claim, double now, Err *err) {
    double at = 0;
    if (claim->is_v2) {
        return now <= (double)claim->expires ? true : refuse(request, EXPIRED_URL, "", err);
    }
    if (claim->date.len != 16 || !aws_time_parse(claim->date, &at) || !str_eq(str_slice(claim->date, 0, 8), claim->day)) {
        return refuse(request, MALFORMED, "(its date)", err);
    }
    if (claim->is_query) {
        return now <= at + (double)claim->expires && at <= now + SKEW_SECONDS ? true : refuse(request, EXPIRED_URL, "", err);
    }
    return fabs(now - at) <= SKEW_SECONDS || refuse(request, SKEWED, "", err);
}

static Str payload_of(const AwsRequest *request, const Claim *claim, Str body_hash) {
    Str given = aws_header(request, "x-amz-content-sha256");
    if (given.len > 0) {
        return given;
    }
    return claim->is_query ? STR("UNSIGNED-PAYLOAD") : body_hash.len > 0 ? body_hash : STR(EMPTY_HASH);
}

bool aws_signs_body(const AwsRequest *request) {
    return !aws_has_header(request, "x-amz-content-sha256") && aws_has_header(request, "authorization");
}

/* Whether anything of the request says that it is signed. */
static bool has_claim(const AwsRequest *request) {
    static const char *const PARAMETERS[] = {"X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential", "AWSAccessKeyId", "Signature"};
    bool has = aws_has_header(request, "authorization");
    for (size_t i = 0; i < sizeof PARAMETERS / sizeof PARAMETERS[0]; i++) {
        bool there = false;
        (void)aws_query(request, PARAMETERS[i], &there);
        has = has || there;
    }
    return has;
}

static bool read_claim(const AwsRequest *request, Claim *ret_claim, Err *err) {
    Str header = aws_header(request, "authorization");
    bool is_presigned = false;
    (void)aws_query(request, "X-Amz-Signature", &is_presigned);
    if (header.len == 0 && !is_presigned && aws_is_v2(request)) {
        return read_v2_claim(request, ret_claim) || refuse(request, MALFORMED, "", err);
    }
    if (header.len == 0 && !is_presigned) {
        return refuse(request, MISSING, "", err);
    }
    bool ok = header.len > 0 ? read_header_claim(request, header, ret_claim) : read_query_claim(request, ret_claim);
    return ok || refuse(request, MALFORMED, "", err);
}

static bool check_v2_signature(const AwsRequest *request, const Claim *claim, Str secret, Err *err) {
    Str own;
    return aws_v2_signature(request, secret, &own, err) &&
           ((own.len == claim->signature.len && CRYPTO_memcmp(own.data, claim->signature.data, own.len) == 0) || refuse(request, WRONG_SIGNATURE, "", err));
}

/* Also makes what the signatures of a body's chunks go on from. */
static bool check_v4_signature(AwsRequest *request, const Claim *claim, Str secret, Str body_hash, Err *err) {
    Str canonical = canonical_request(request, claim, payload_of(request, claim, body_hash));
    unsigned char hash[AWS_HASH_SIZE];
    char hex[AWS_HEX_SIZE + 1];
    (void)SHA256((const unsigned char *)canonical.data, canonical.len, hash);
    aws_hex(hash, sizeof hash, hex);
    Str to_sign = str_fmt(request->arena, ALGORITHM "\n%.*s\n%.*s\n%s", STR_ARG(claim->date), STR_ARG(claim->scope), hex);
    AwsSigned *signing = ARENA_NEW(request->arena, AwsSigned);
    if (!signing_key(request->arena, secret, claim, signing->key) || !hmac(signing->key, AWS_HASH_SIZE, to_sign, hash)) {
        return err_set(err, ERR_INTERNAL, "HMAC failed");
    }
    aws_hex(hash, sizeof hash, signing->signature);
    if (!equal_hex(signing->signature, claim->signature)) {
        return refuse(request, WRONG_SIGNATURE, "", err);
    }
    signing->date = claim->date;
    signing->scope = claim->scope;
    request->signing = signing;
    return true;
}

/* Nothing is signed: of S3 the bucket may be for everybody (AwsConfig.authorize decides what); else it is refused here. */
static bool admit(AwsRequest *request, const AwsConfig *config, Err *err) {
    bool is_s3 = request->service != NULL && request->service->protocol == AWS_REST_XML;
    if (!is_s3 || config->admits == NULL) {
        return refuse(request, MISSING, "", err);
    }
    request->caller.is_anonymous = true;
    Str operation = str_from_c(request->operation == NULL ? NULL : request->operation->name);
    return config->admits(config->services, request->arena, operation, request->bucket, err);
}

static void note_signature(AwsRequest *request, const Claim *claim, const char *auth_type) {
    request->access_key = claim->access_key;
    request->caller.auth_type = auth_type;
    request->caller.signature_version = claim->is_v2 ? "AWS" : ALGORITHM;
    request->caller.signed_date = claim->date;
}

static bool token_is_right(Str given, Str own) {
    return given.len == own.len && CRYPTO_memcmp(given.data != NULL ? given.data : "", own.data != NULL ? own.data : "", own.len) == 0;
}

bool aws_authenticate(AwsRequest *request, const AwsConfig *config, Str body_hash, double now, Err *err) {
    Claim claim = {0};
    if (config->no_auth) {
        Err ignored = {0};
        (void)read_claim(request, &claim, &ignored);
        request->access_key = claim.access_key;
        return true;
    }
    Str secret = {0};
    Str token = {0};
    bool is_expired = false;
    if (!has_claim(request)) {
        return admit(request, config, err);
    }
    if (!read_claim(request, &claim, err)) {
        return false;
    }
    if (!config->find_key(config->services, request->arena, claim.access_key, &secret, &token, &is_expired)) {
        return refuse(request, UNKNOWN_KEY, "", err);
    }
    if (!check_time(request, &claim, now, err)) {
        return false;
    }
    bool is_right = claim.is_v2 ? check_v2_signature(request, &claim, secret, err) : check_v4_signature(request, &claim, secret, body_hash, err);
    if (!is_right) {
        return false;
    }
    if (!token_is_right(claim.token, token)) {
        return refuse(request, WRONG_TOKEN, "", err);
    }
    if (is_expired) {
        return refuse(request, EXPIRED_KEY, "", err);
    }
    note_signature(request, &claim, claim.is_query ? "REST-QUERY-STRING" : "REST-HEADER");
    return true;
}

static bool check_form_signature(AwsRequest *request, const AwsFormClaim *form, const Claim *claim, Str secret, Err *err) {
    unsigned char mac[AWS_HASH_SIZE];
    char hex[AWS_HEX_SIZE + 1];
    Str own = {hex, AWS_HEX_SIZE};
    if (claim->is_v2) {
        if (!aws_v2_sign(request->arena, secret, form->policy, &own, err)) {
            return false;
        }
    } else if (!signing_key(request->arena, secret, claim, mac) || !hmac(mac, AWS_HASH_SIZE, form->policy, mac)) {
        return err_set(err, ERR_INTERNAL, "HMAC failed");
    } else {
        aws_hex(mac, sizeof mac, hex);
    }
    return (own.len == claim->signature.len && CRYPTO_memcmp(own.data, claim->signature.data, own.len) == 0) ||
           refuse(request, WRONG_SIGNATURE, "", err);
}

/* The policy says itself how long it holds. */
bool aws_authenticate_form(AwsRequest *request, const AwsConfig *config, const AwsFormClaim *form, Err *err) {
    bool is_v2 = form->v2_key.len > 0;
    Claim claim = {.access_key = form->v2_key, .signature = is_v2 ? form->v2_signature : form->signature, .token = form->token, .is_v2 = is_v2};
    Str secret = {0};
    Str token = {0};
    bool is_expired = false;
    bool is_read = is_v2 || (str_eq_c(form->algorithm, ALGORITHM) && split_credential(form->credential, &claim));
    request->access_key = claim.access_key;
    if (config->no_auth) {
        return true;
    }
    bool has_signature = form->credential.len > 0 || form->signature.len > 0 || form->algorithm.len > 0 || is_v2;
    if (form->policy.len == 0) {
        return has_signature ? refuse(request, MISSING, "", err) : admit(request, config, err);
    }
    if (!is_read) {
        return refuse(request, MALFORMED, "", err);
    }
    if (!config->find_key(config->services, request->arena, claim.access_key, &secret, &token, &is_expired)) {
        return refuse(request, UNKNOWN_KEY, "", err);
    }
    if (!check_form_signature(request, form, &claim, secret, err)) {
        return false;
    }
    if (!token_is_right(claim.token, token)) {
        return refuse(request, WRONG_TOKEN, "", err);
    }
    if (is_expired) {
        return refuse(request, EXPIRED_KEY, "", err);
    }
    note_signature(request, &claim, "POST");
    return true;
}

static bool part_is_right(AwsSigned *signing, const char *what, const char *empty, const unsigned char hash[AWS_HASH_SIZE], Str signature) {
    char hex[AWS_HEX_SIZE + 1];
    unsigned char mac[AWS_HASH_SIZE];
    aws_hex(hash, AWS_HASH_SIZE, hex);
    Arena *scratch = arena_new();
    Str to_sign = str_fmt(scratch, ALGORITHM "-%s\n%.*s\n%.*s\n%s\n%s%s", what, STR_ARG(signing->date), STR_ARG(signing->scope), signing->signature, empty, hex);
    bool ok = hmac(signing->key, AWS_HASH_SIZE, to_sign, mac);
    arena_free(scratch);
    if (!ok) {
        return false;
    }
    aws_hex(mac, sizeof mac, signing->signature);
    return equal_hex(signing->signature, signature);
}

bool aws_chunk_is_right(AwsSigned *signing, const unsigned char hash[AWS_HASH_SIZE], Str signature) {
    return part_is_right(signing, "PAYLOAD", EMPTY_HASH "\n", hash, signature);
}

bool aws_trailer_is_right(AwsSigned *signing, const unsigned char hash[AWS_HASH_SIZE], Str signature) {
    return part_is_right(signing, "TRAILER", "", hash, signature);
}
