/* post_form.c - see post_form.h. The parser holds back no more than a boundary's length of the file; fields before it are held whole, up to a limit. */
#include "aws/post_form.h"

#include "aws/checksum.h"
#include "aws/sigv4.h"

#include <string.h>

enum { MOST_FIELD_BYTES = 64 * 1024, LONGEST_BOUNDARY = 200 };

/* Where the next byte belongs: before the first boundary, in a part's headers, a field's value, the file, or behind it. */
typedef enum FormState { FORM_BEGIN, FORM_HEAD, FORM_VALUE, FORM_FILE, FORM_DONE } FormState;

struct AwsForm {
    AwsRequest *request;
    FormState state;
    Str delimiter; /* "\r\n--boundary" */
    StrBuf held;
    Str name; /* of the part under way */
    size_t field_bytes;
};

bool aws_is_form(const AwsRequest *request) {
    return str_eq_c(request->method, "POST") && str_starts_with(aws_header(request, "content-type"), STR("multipart/form-data"));
}

static bool malformed(Err *err) {
    return err_set(err, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.");
}

/* name="value" or name=value of a header. */
static Str parameter_of(Str header, const char *name) {
    const char *found = header.len == 0 ? NULL : memmem(header.data, header.len, name, strlen(name));
    if (found == NULL) {
        return STR("");
    }
    Str rest = str_slice(header, (size_t)(found - header.data) + strlen(name), header.len);
    if (rest.len > 0 && rest.data[0] == '"') {
        const char *end = memchr(rest.data + 1, '"', rest.len - 1);
        return end == NULL ? STR("") : str_slice(rest, 1, (size_t)(end - rest.data));
    }
    const char *end = rest.len == 0 ? NULL : memchr(rest.data, ';', rest.len);
    return str_trim(str_slice(rest, 0, end == NULL ? rest.len : (size_t)(end - rest.data)));
}

AwsForm *aws_form_new(AwsRequest *request, Err *err) {
    Str boundary = parameter_of(aws_header(request, "content-type"), "boundary=");
    if (boundary.len == 0 || boundary.len > LONGEST_BOUNDARY) {
        (void)malformed(err);
        return NULL;
    }
    AwsForm *form = ARENA_NEW(request->arena, AwsForm);
    *form = (AwsForm){.request = request, .held = {.arena = request->arena}, .delimiter = str_fmt(request->arena, "\r\n--%.*s", STR_ARG(boundary))};
    strbuf_add_c(&form->held, "\r\n"); /* so that the first boundary is found like the others */
    request->form.arena = request->arena;
    return form;
}

/* ---- taking apart ---- */

static void drop_front(StrBuf *held, size_t count) {
    memmove(held->data, held->data + count, held->len - count);
    held->len -= count;
}

static size_t find(const StrBuf *held, Str text, bool *ret_found) {
    const char *found = held->len == 0 ? NULL : memmem(held->data, held->len, text.data, text.len);
    *ret_found = found != NULL;
    return found == NULL ? 0 : (size_t)(found - held->data);
}

/* A part's headers: what is it called, and is it the file? */
static bool read_head(AwsForm *form, Str head, Err *err) {
    Arena *arena = form->request->arena;
    Str disposition = STR("");
    for (size_t from = 0; from < head.len;) {
        const char *end = memmem(head.data + from, head.len - from, "\r\n", 2);
        size_t to = end == NULL ? head.len : (size_t)(end - head.data);
        Str line = str_slice(head, from, to);
        if (str_starts_with(str_lower(arena, line), STR("content-disposition:"))) {
            disposition = line;
        }
        from = to + 2;
    }
    Str name = parameter_of(disposition, "; name=");
    name = name.len > 0 ? name : parameter_of(disposition, ";name=");
    form->name = str_lower(arena, name);
    if (name.len == 0) {
        return malformed(err);
    }
    if (str_eq_c(form->name, "file")) {
        Str file = str_copy(arena, parameter_of(disposition, "filename="));
        const char *slash = file.len == 0 ? NULL : memrchr(file.data, '/', file.len);
        form->request->form_file = slash == NULL ? file : str_slice(file, (size_t)(slash - file.data) + 1, file.len);
    }
    return true;
}

/* One step; *ret_waits: more bytes are needed. */
static bool step(AwsForm *form, bool *ret_waits, Err *err) {
    bool found = false;
    size_t at = 0;
    *ret_waits = false;
    switch (form->state) {
    case FORM_BEGIN:
        at = find(&form->held, form->delimiter, &found);
        *ret_waits = !found || form->held.len < at + form->delimiter.len + 2;
        if (!*ret_waits) {
            drop_front(&form->held, at + form->delimiter.len);
            bool is_end = memcmp(form->held.data, "--", 2) == 0;
            form->state = is_end ? FORM_DONE : FORM_HEAD;
            return is_end ? err_set(err, "InvalidArgument", "POST requires exactly one file upload per request.") : memcmp(form->held.data, "\r\n", 2) == 0 || malformed(err);
        }
        return true;
    case FORM_HEAD:
        at = find(&form->held, STR("\r\n\r\n"), &found);
        *ret_waits = !found;
        if (found) {
            bool ok = read_head(form, str_copy(form->request->arena, (Str){form->held.data, at}), err);
            drop_front(&form->held, at + 4);
            form->state = str_eq_c(form->name, "file") ? FORM_FILE : FORM_VALUE;
            return ok;
        }
        return true;
    case FORM_VALUE:
        at = find(&form->held, form->delimiter, &found);
        *ret_waits = !found;
        if (found) {
            VEC_PUSH(&form->request->form, (AwsPair){form->name, str_copy(form->request->arena, (Str){form->held.data, at})});
            drop_front(&form->held, at);
            form->field_bytes += at;
            form->state = FORM_BEGIN;
        }
        return true;
    case FORM_FILE:
    case FORM_DONE: *ret_waits = true; return true;
    }
    return true;
}

/* The file goes on up to a boundary, which may be cut between two pieces of the body. */
static bool pass_file(AwsForm *form, bool (*keep)(void *self, Str bytes, Err *err), void *self, Err *err) {
    bool found = false;
    size_t end = find(&form->held, form->delimiter, &found);
    if (!found) {
        end = form->held.len < form->delimiter.len ? 0 : form->held.len - form->delimiter.len + 1;
    }
    if (end > 0 && !keep(self, (Str){form->held.data, end}, err)) {
        return false;
    }
    drop_front(&form->held, end);
    form->state = found ? FORM_DONE : FORM_FILE;
    return true;
}

bool aws_form_take(AwsForm *form, Str bytes, bool (*keep)(void *self, Str bytes, Err *err), void *self, Err *err) {
    if (form->state == FORM_DONE) {
        return true; /* what stands behind the file is not looked at */
    }
    strbuf_add(&form->held, bytes);
    bool waits = false;
    while (!waits) {
        if (!step(form, &waits, err)) {
            return false;
        }
        bool is_held = form->state != FORM_FILE && form->held.len > MOST_FIELD_BYTES && waits;
        if (form->field_bytes > MOST_FIELD_BYTES || is_held) {
            return err_set(err, "MaxPostPreDataLengthExceeded", "Your POST request fields preceding the upload file were too large.");
        }
    }
    if (form->state == FORM_FILE) {
        return pass_file(form, keep, self, err);
    }
    return true;
}

bool aws_form_finish(AwsForm *form, Err *err) {
    return form->state == FORM_DONE || (form->state == FORM_BEGIN ? err_set(err, "InvalidArgument", "POST requires exactly one file upload per request.") : malformed(err));
}

/* ---- the policy ---- */

Str aws_form_field(const AwsRequest *request, const char *name) {
    for (size_t i = 0; i < request->form.count; i++) {
        if (str_eq_c(request->form.items[i].name, name)) {
            return request->form.items[i].value;
        }
    }
    return STR("");
}

static Str text_of(yyjson_val *value) {
    return (Str){yyjson_get_str(value), yyjson_get_len(value)};
}

static bool denied(Err *err, const char *why, Str what) {
    return err_set(err, "AccessDenied", "Invalid according to Policy: %s%.*s", why, STR_ARG(what));
}

/* The value that a condition speaks of; the bucket is that of the request. */
static Str value_of(const AwsRequest *request, Str name) {
    return str_eq_c(name, "bucket") ? request->bucket : aws_form_field(request, str_to_c(request->arena, name));
}

/* ["starts-with", "$key", "a/"], ["eq", …], ["content-length-range", 1, 10]. */
static bool check_list_condition(const AwsRequest *request, yyjson_val *condition, int64_t size, Str *ret_name, Err *err) {
    Arena *arena = request->arena;
    Str kind = str_lower(arena, text_of(yyjson_arr_get(condition, 0)));
    yyjson_val *second = yyjson_arr_get(condition, 1);
    yyjson_val *third = yyjson_arr_get(condition, 2);
    *ret_name = STR("");
    if (str_eq_c(kind, "content-length-range")) {
        int64_t least = yyjson_get_sint(second);
        int64_t most = yyjson_get_sint(third);
        if (size < least) {
            return err_set(err, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
        }
        return size <= most || err_set(err, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
    }
    Str name = text_of(second);
    if (name.len < 2 || name.data[0] != '$' || !yyjson_is_str(third)) {
        return err_set(err, "InvalidPolicyDocument", "Invalid Policy: Invalid condition.");
    }
    *ret_name = str_lower(arena, str_slice(name, 1, name.len));
    Str own = value_of(request, *ret_name);
    Str wanted = text_of(third);
    bool ok = str_eq_c(kind, "eq") ? str_eq(own, wanted) : str_eq_c(kind, "starts-with") && str_starts_with(own, wanted);
    Str shown = str_fmt(arena, "[\"%.*s\", \"%.*s\", \"%.*s\"]", STR_ARG(kind), STR_ARG(name), STR_ARG(wanted));
    return ok || denied(err, "Policy Condition failed: ", shown);
}

/* {"acl": "private"}: each member is an "eq". */
static bool check_object_condition(const AwsRequest *request, yyjson_val *condition, Str *ret_name, Err *err) {
    size_t i;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    yyjson_obj_foreach(condition, i, count, key, value) {
        *ret_name = str_lower(request->arena, text_of(key));
        if (!yyjson_is_str(value) || !str_eq(value_of(request, *ret_name), text_of(value))) {
            Str shown = str_fmt(request->arena, "[\"eq\", \"$%.*s\", \"%.*s\"]", STR_ARG(*ret_name), STR_ARG(text_of(value)));
            return denied(err, "Policy Condition failed: ", shown);
        }
    }
    return true;
}

/* Fields that need no condition. */
static bool is_free_field(Str name) {
    static const char *const FREE[] = {"policy", "x-amz-signature", "signature", "awsaccesskeyid", "file", "submit"};
    for (size_t i = 0; i < sizeof FREE / sizeof FREE[0]; i++) {
        if (str_eq_c(name, FREE[i])) {
            return true;
        }
    }
    return str_starts_with(name, STR("x-ignore-"));
}

static bool check_conditions(const AwsRequest *request, yyjson_val *policy, int64_t size, double now, Err *err) {
    double expires = 0;
    yyjson_val *conditions = yyjson_obj_get(policy, "conditions");
    if (!yyjson_is_arr(conditions) || !aws_time_parse(text_of(yyjson_obj_get(policy, "expiration")), &expires)) {
        return err_set(err, "InvalidPolicyDocument", "Invalid Policy: expiration and conditions are needed.");
    }
    if (now > expires) {
        return denied(err, "Policy expired.", STR(""));
    }
    bool *allowed = ARENA_ARRAY(request->arena, bool, request->form.count);
    size_t i;
    size_t count;
    yyjson_val *condition;
    yyjson_arr_foreach(conditions, i, count, condition) {
        Str name = STR("");
        bool ok = yyjson_is_arr(condition) ? check_list_condition(request, condition, size, &name, err) : check_object_condition(request, condition, &name, err);
        if (!ok) {
            return false;
        }
        for (size_t k = 0; k < request->form.count; k++) {
            allowed[k] = allowed[k] || str_eq(request->form.items[k].name, name);
        }
    }
    for (size_t k = 0; k < request->form.count; k++) {
        Str name = request->form.items[k].name;
        if (!allowed[k] && !is_free_field(name)) {
            return denied(err, "Extra input fields: ", name);
        }
    }
    return true;
}

static bool check_policy(const AwsRequest *request, Str encoded, int64_t size, double now, Err *err) {
    Str text;
    yyjson_doc *parsed = aws_base64_decode(request->arena, encoded, &text) ? yyjson_read(text.data, text.len, 0) : NULL;
    bool ok = parsed != NULL ? check_conditions(request, yyjson_doc_get_root(parsed), size, now, err)
                             : err_set(err, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON.");
    yyjson_doc_free(parsed);
    return ok;
}

/* ---- from a form to a PutObject ---- */

/* "${filename}" is the name that the browser gave. */
static Str key_of(const AwsRequest *request) {
    static const Str MARK = {"${filename}", 11};
    Str key = aws_form_field(request, "key");
    const char *at = key.len == 0 ? NULL : memmem(key.data, key.len, MARK.data, MARK.len);
    if (at == NULL) {
        return key;
    }
    size_t before = (size_t)(at - key.data);
    return str_fmt(request->arena, "%.*s%.*s%.*s", STR_ARG(str_slice(key, 0, before)), STR_ARG(request->form_file),
                   STR_ARG(str_slice(key, before + MARK.len, key.len)));
}

/* The tags of a form are a document; those of PutObject a query. */
static bool tags_as_header(const AwsRequest *request, Str xml, Str *ret_text, Err *err) {
    const AwsOperation *tagging = aws_operation_find(request->service, STR("PutObjectTagging"));
    const AwsMember *member = aws_member_find(aws_shape(tagging->input), STR("Tagging"));
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *document = NULL;
    StrBuf out = {.arena = request->arena};
    bool ok = doc != NULL ? aws_xml_read(request->arena, xml, aws_shape(member->shape), doc, &document, err) : err_set(err, ERR_INTERNAL, "no memory for tags");
    size_t i;
    size_t count;
    yyjson_mut_val *tag;
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(document, "TagSet"), i, count, tag) {
        yyjson_mut_val *key = yyjson_mut_obj_get(tag, "Key");
        yyjson_mut_val *value = yyjson_mut_obj_get(tag, "Value");
        Str name = aws_percent_encode(request->arena, (Str){yyjson_mut_get_str(key), yyjson_mut_get_len(key)});
        Str text = aws_percent_encode(request->arena, (Str){yyjson_mut_get_str(value), yyjson_mut_get_len(value)});
        strbuf_fmt(&out, "%s%.*s=%.*s", i > 0 ? "&" : "", STR_ARG(name), STR_ARG(text));
    }
    yyjson_mut_doc_free(doc);
    *ret_text = strbuf_str(&out);
    return ok;
}

/* The fields are what PutObject has as headers; of the request's own the host's alone counts. */
static bool take_fields(AwsRequest *request, Err *err) {
    Str host = aws_header(request, "host");
    Str origin = aws_header(request, "origin");
    request->headers.count = 0;
    VEC_PUSH(&request->headers, (AwsPair){STR("host"), host});
    if (origin.len > 0) {
        VEC_PUSH(&request->headers, (AwsPair){STR("origin"), origin});
    }
    for (size_t i = 0; i < request->form.count; i++) {
        const AwsPair *pair = &request->form.items[i];
        if (str_eq_c(pair->name, "tagging")) {
            Str tags;
            if (!tags_as_header(request, pair->value, &tags, err)) {
                return false;
            }
            VEC_PUSH(&request->headers, (AwsPair){STR("x-amz-tagging"), tags});
            continue;
        }
        VEC_PUSH(&request->headers, (AwsPair){str_eq_c(pair->name, "acl") ? STR("x-amz-acl") : pair->name, pair->value});
    }
    return true;
}

bool aws_form_apply(AwsRequest *request, const AwsConfig *config, int64_t size, double now, Err *err) {
    Str policy = aws_form_field(request, "policy");
    AwsFormClaim claim = {.policy = policy,
                          .algorithm = aws_form_field(request, "x-amz-algorithm"),
                          .credential = aws_form_field(request, "x-amz-credential"),
                          .signature = aws_form_field(request, "x-amz-signature"),
                          .token = aws_form_field(request, "x-amz-security-token"),
                          .v2_key = aws_form_field(request, "awsaccesskeyid"),
                          .v2_signature = aws_form_field(request, "signature")};
    request->key = key_of(request);
    if (request->key.len == 0) {
        return err_set(err, "InvalidArgument", "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.");
    }
    return aws_authenticate_form(request, config, &claim, err) && (policy.len == 0 || check_policy(request, policy, size, now, err)) &&
           take_fields(request, err);
}

/* ---- the answer ---- */

static Str header_of(const AwsAnswer *answer, Str name) {
    for (size_t i = 0; i < answer->headers.count; i++) {
        if (str_eq_nocase(answer->headers.items[i].name, name)) {
            return answer->headers.items[i].value;
        }
    }
    return STR("");
}

void aws_form_answer(const AwsRequest *request, AwsAnswer *answer) {
    Arena *arena = request->arena;
    Str etag = header_of(answer, STR("ETag"));
    Str status = aws_form_field(request, "success_action_status");
    Str redirect = aws_form_field(request, "success_action_redirect");
    redirect = redirect.len > 0 ? redirect : aws_form_field(request, "redirect");
    Str key = aws_percent_encode(arena, request->key);
    Str location = str_fmt(arena, "http://%.*s/%.*s%s%.*s", STR_ARG(aws_header(request, "host")), STR_ARG(request->is_bucket_in_host ? STR("") : request->bucket),
                           request->is_bucket_in_host ? "" : "/", STR_ARG(key));
    bool is_url = str_starts_with(redirect, STR("http://")) || str_starts_with(redirect, STR("https://"));
    bool is_line = redirect.len > 0 && memchr(redirect.data, '\n', redirect.len) == NULL && memchr(redirect.data, '\r', redirect.len) == NULL;
    if (is_url && is_line) {
        const char *mark = memchr(redirect.data, '?', redirect.len) == NULL ? "?" : "&";
        location = str_fmt(arena, "%.*s%sbucket=%.*s&key=%.*s&etag=%.*s", STR_ARG(redirect), mark, STR_ARG(request->bucket), STR_ARG(key),
                           STR_ARG(aws_percent_encode(arena, etag)));
        answer->status = 303;
    } else if (str_eq_c(status, "201")) {
        answer->status = 201;
        answer->content_type = "application/xml";
        answer->body = aws_post_response(request, location, etag);
    } else {
        answer->status = str_eq_c(status, "200") ? 200 : 204;
    }
    VEC_PUSH(&answer->headers, (AwsPair){STR("Location"), location});
}
