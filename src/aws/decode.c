/* decode.c - a request as one JSON object by the model of its operation's input, whatever its protocol.
 *
 * JSON bodies are parsed as they are (check.c looks at their types); forms and REST requests are put together member by member. Invariant: what comes out has
 * the model's member names; text that is no value of its member's type is an error that names the member.
 */
#include "aws/request.h"

#include <string.h>

enum { MOST_NESTING = 64, MOST_LIST_ITEMS = 10000 };

yyjson_mut_val *aws_scalar_read(yyjson_mut_doc *doc, const AwsShape *shape, Str text) {
    int64_t whole = 0;
    double real = 0;
    switch ((AwsKind)shape->kind) {
    case AWS_STRING:
    case AWS_BLOB: return yyjson_mut_strncpy(doc, text.data != NULL ? text.data : "", text.len);
    case AWS_INTEGER:
    case AWS_LONG: return str_to_i64(text, &whole) ? yyjson_mut_sint(doc, whole) : NULL;
    case AWS_FLOAT:
    case AWS_DOUBLE: return str_to_double(text, &real) ? yyjson_mut_real(doc, real) : NULL;
    case AWS_BOOLEAN:
        return str_eq_nocase(text, STR("true")) || str_eq_c(text, "1")    ? yyjson_mut_bool(doc, true)
               : str_eq_nocase(text, STR("false")) || str_eq_c(text, "0") ? yyjson_mut_bool(doc, false)
                                                                          : NULL;
    case AWS_TIMESTAMP: return aws_time_parse(text, &real) ? yyjson_mut_real(doc, real) : NULL;
    case AWS_STRUCTURE:
    case AWS_LIST:
    case AWS_MAP: break;
    }
    return NULL;
}

/* ---- JSON ---- */

static bool depth_is_fine(Str text) {
    int depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (in_text) {
            i += c == '\\' ? 1 : 0;
            in_text = c != '"';
        } else if (c == '"') {
            in_text = true;
        } else if (c == '{' || c == '[') {
            if (++depth > MOST_NESTING) {
                return false;
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return true;
}

static bool decode_json(AwsRequest *request, yyjson_mut_doc *doc, yyjson_mut_val **ret_input, Err *err) {
    Str body = str_trim(request->body);
    if (body.len == 0) {
        *ret_input = yyjson_mut_obj(doc);
        return true;
    }
    if (!depth_is_fine(body)) {
        return err_set(err, "SerializationException", "the body is nested more than %d levels deep", MOST_NESTING);
    }
    yyjson_read_err reason;
    yyjson_doc *parsed = yyjson_read_opts((char *)(uintptr_t)body.data, body.len, 0, NULL, &reason);
    yyjson_val *root = yyjson_doc_get_root(parsed);
    bool ok = yyjson_is_obj(root);
    if (parsed == NULL) {
        (void)err_set(err, "SerializationException", "the body is not JSON: %s at byte %zu", reason.msg, reason.pos);
    } else if (!ok) {
        (void)err_set(err, "SerializationException", "the body is not a JSON object");
    }
    *ret_input = ok ? yyjson_val_mut_copy(doc, root) : NULL;
    yyjson_doc_free(parsed);
    return ok;
}

/* ---- forms of the query protocol: Name.member.1.Key=value ---- */

typedef struct Form {
    Arena *arena;
    yyjson_mut_doc *doc;
    const AwsPair *pairs;
    size_t npairs;
    Err *err;
} Form;

static bool any_below(const Form *form, Str prefix) {
    for (size_t i = 0; i < form->npairs; i++) {
        Str name = form->pairs[i].name;
        if (str_starts_with(name, prefix) && (name.len == prefix.len || name.data[prefix.len] == '.')) {
            return true;
        }
    }
    return false;
}

static yyjson_mut_val *form_value(Form *form, Str name, const AwsShape *shape, int depth);

static yyjson_mut_val *form_list(Form *form, Str name, const AwsShape *shape, int depth) {
    yyjson_mut_val *list = yyjson_mut_arr(form->doc);
    const char *element = shape->element_name != NULL ? shape->element_name : "member";
    for (int i = 1; i <= MOST_LIST_ITEMS; i++) {
        Str item = shape->is_flattened ? str_fmt(form->arena, "%.*s.%d", STR_ARG(name), i) : str_fmt(form->arena, "%.*s.%s.%d", STR_ARG(name), element, i);
        if (!any_below(form, item)) {
            break;
        }
        yyjson_mut_val *value = form_value(form, item, aws_shape(shape->element), depth + 1);
        if (value == NULL) {
            return NULL;
        }
        (void)yyjson_mut_arr_append(list, value);
    }
    return list;
}

static yyjson_mut_val *form_map(Form *form, Str name, const AwsShape *shape, int depth) {
    yyjson_mut_val *map = yyjson_mut_obj(form->doc);
    for (int i = 1; i <= MOST_LIST_ITEMS; i++) {
        Str entry = str_fmt(form->arena, shape->is_flattened ? "%.*s.%d" : "%.*s.entry.%d", STR_ARG(name), i);
        if (!any_below(form, entry)) {
            break;
        }
        yyjson_mut_val *key = form_value(form, str_fmt(form->arena, "%.*s.key", STR_ARG(entry)), aws_shape(shape->key), depth + 1);
        yyjson_mut_val *value = form_value(form, str_fmt(form->arena, "%.*s.value", STR_ARG(entry)), aws_shape(shape->element), depth + 1);
        if (key == NULL || value == NULL) {
            return NULL;
        }
        (void)yyjson_mut_obj_add(map, key, value);
    }
    return map;
}

static yyjson_mut_val *form_structure(Form *form, Str name, const AwsShape *shape, int depth) {
    yyjson_mut_val *object = yyjson_mut_obj(form->doc);
    const AwsMember *members = aws_members(shape);
    for (size_t i = 0; i < shape->nmembers; i++) {
        const char *wire = aws_member_wire_name(&members[i]);
        Str member = name.len == 0 ? str_from_c(wire) : str_fmt(form->arena, "%.*s.%s", STR_ARG(name), wire);
        if (!any_below(form, member)) {
            continue;
        }
        yyjson_mut_val *value = form_value(form, member, aws_shape(members[i].shape), depth + 1);
        if (value == NULL) {
            return NULL;
        }
        (void)yyjson_mut_obj_add_val(form->doc, object, members[i].name, value);
    }
    return object;
}

static yyjson_mut_val *form_value(Form *form, Str name, const AwsShape *shape, int depth) {
    if (depth > MOST_NESTING) {
        (void)err_set(form->err, "ValidationError", "%.*s is nested too deeply", STR_ARG(name));
        return NULL;
    }
    switch ((AwsKind)shape->kind) {
    case AWS_STRUCTURE: return form_structure(form, name, shape, depth);
    case AWS_LIST: return form_list(form, name, shape, depth);
    case AWS_MAP: return form_map(form, name, shape, depth);
    case AWS_STRING:
    case AWS_INTEGER:
    case AWS_LONG:
    case AWS_FLOAT:
    case AWS_DOUBLE:
    case AWS_BOOLEAN:
    case AWS_TIMESTAMP:
    case AWS_BLOB: break;
    }
    for (size_t i = 0; i < form->npairs; i++) {
        if (str_eq(form->pairs[i].name, name)) {
            yyjson_mut_val *value = aws_scalar_read(form->doc, shape, form->pairs[i].value);
            if (value == NULL) {
                (void)err_set(form->err, "ValidationError", "Value '%.*s' at '%.*s' has a wrong type", STR_ARG(form->pairs[i].value), STR_ARG(name));
            }
            return value;
        }
    }
    (void)err_set(form->err, "ValidationError", "'%.*s' is missing", STR_ARG(name));
    return NULL;
}

/* Without a signature (--no-auth) the API's version tells the services apart. */
static void settle_service(AwsRequest *request, Str version) {
    size_t count = 0;
    const AwsService *services = aws_services(&count);
    for (size_t i = 0; request->is_service_guessed && i < count; i++) {
        if (services[i].protocol == AWS_QUERY && str_eq_c(version, services[i].version)) {
            request->service = &services[i];
        }
    }
}

static bool decode_form(AwsRequest *request, yyjson_mut_doc *doc, yyjson_mut_val **ret_input, Err *err) {
    /* The query string and the form together: AWS takes parameters from either. */
    AwsRequest form_request = {.arena = request->arena, .raw_query = request->body, .query = {.arena = request->arena}};
    aws_parse_query(&form_request);
    for (size_t i = 0; i < request->query.count; i++) {
        VEC_PUSH(&form_request.query, request->query.items[i]);
    }
    Str action = aws_query(&form_request, "Action", NULL);
    settle_service(request, aws_query(&form_request, "Version", NULL));
    request->operation = aws_operation_find(request->service, action);
    if (request->operation == NULL) {
        return err_set(err, "InvalidAction", "Could not find operation %.*s for version %.*s", STR_ARG(action),
                       STR_ARG(aws_query(&form_request, "Version", NULL)));
    }
    const AwsShape *input = aws_shape(request->operation->input);
    if (input == NULL) {
        *ret_input = yyjson_mut_obj(doc);
        return true;
    }
    Form form = {request->arena, doc, form_request.query.items, form_request.query.count, err};
    *ret_input = form_structure(&form, STR(""), input, 0);
    return *ret_input != NULL;
}

/* ---- REST: path, query, headers, and XML or bytes as the body ---- */

static bool add_text(const AwsMember *member, Str text, yyjson_mut_doc *doc, yyjson_mut_val *input, Err *err) {
    yyjson_mut_val *value = aws_scalar_read(doc, aws_shape(member->shape), text);
    if (value == NULL) {
        return err_set(err, "InvalidArgument", "Provided %s '%.*s' has a wrong type", aws_member_wire_name(member), STR_ARG(text));
    }
    return yyjson_mut_obj_add_val(doc, input, member->name, value);
}

/* A map of all headers with a prefix: x-amz-meta-*. */
static void add_headers(const AwsRequest *request, const AwsMember *member, yyjson_mut_doc *doc, yyjson_mut_val *input) {
    Str prefix = str_lower(request->arena, str_from_c(aws_member_wire_name(member)));
    yyjson_mut_val *map = NULL;
    for (size_t i = 0; i < request->headers.count; i++) {
        Str name = request->headers.items[i].name;
        if (str_starts_with(name, prefix) && name.len > prefix.len) {
            map = map != NULL ? map : yyjson_mut_obj_add_obj(doc, input, member->name);
            Str value = request->headers.items[i].value;
            yyjson_mut_val *key = yyjson_mut_strncpy(doc, name.data + prefix.len, name.len - prefix.len);
            (void)yyjson_mut_obj_put(map, key, yyjson_mut_strncpy(doc, value.data, value.len));
        }
    }
}

static bool add_rest_member(const AwsRequest *request, const AwsMember *member, yyjson_mut_doc *doc, yyjson_mut_val *input, Err *err) {
    bool there = false;
    Str text = STR("");
    switch ((AwsPlace)member->place) {
    case AWS_IN_URI:
        text = strcmp(member->name, "Bucket") == 0 ? request->bucket : request->key;
        there = text.len > 0;
        break;
    case AWS_IN_QUERY: text = aws_query(request, aws_member_wire_name(member), &there); break;
    case AWS_IN_HEADER: {
        Str name = str_lower(request->arena, str_from_c(aws_member_wire_name(member)));
        text = aws_header(request, name.data);
        there = text.len > 0;
        break;
    }
    case AWS_IN_HEADERS: add_headers(request, member, doc, input); return true;
    case AWS_IN_BODY:
    case AWS_IN_STATUS: return true;
    }
    /* Lists come in one header, with commas between. */
    const AwsShape *shape = aws_shape(member->shape);
    if (there && shape->kind == AWS_LIST) {
        yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, input, member->name);
        for (size_t from = 0; from <= text.len;) {
            const char *comma = from == text.len ? NULL : memchr(text.data + from, ',', text.len - from);
            size_t end = comma == NULL ? text.len : (size_t)(comma - text.data);
            Str item = str_trim(str_slice(text, from, end));
            (void)yyjson_mut_arr_add_strncpy(doc, list, item.data, item.len);
            from = end + 1;
        }
        return true;
    }
    return !there || add_text(member, text, doc, input, err);
}

static bool decode_rest(AwsRequest *request, yyjson_mut_doc *doc, yyjson_mut_val **ret_input, Err *err) {
    const AwsShape *shape = aws_shape(request->operation->input);
    yyjson_mut_val *input = yyjson_mut_obj(doc);
    *ret_input = input;
    for (size_t i = 0; shape != NULL && i < shape->nmembers; i++) {
        if (!add_rest_member(request, &aws_members(shape)[i], doc, input, err)) {
            return false;
        }
    }
    const AwsMember *payload = shape == NULL || shape->payload == NULL ? NULL : aws_member_find(shape, str_from_c(shape->payload));
    if (payload == NULL || str_trim(request->body).len == 0 || request->has_upload) {
        return true;
    }
    const AwsShape *body = aws_shape(payload->shape);
    if (body->kind != AWS_STRUCTURE) {
        return add_text(payload, request->body, doc, input, err);
    }
    yyjson_mut_val *value = NULL;
    return aws_xml_read(request->arena, request->body, body, doc, &value, err) && yyjson_mut_obj_add_val(doc, input, payload->name, value);
}

bool aws_decode(AwsRequest *request, yyjson_mut_doc *doc, yyjson_mut_val **ret_input, Err *err) {
    switch (request->service->protocol) {
    case AWS_JSON: return decode_json(request, doc, ret_input, err);
    case AWS_QUERY: return decode_form(request, doc, ret_input, err);
    case AWS_REST_XML: return decode_rest(request, doc, ret_input, err);
    }
    return err_set(err, ERR_INTERNAL, "no protocol");
}
