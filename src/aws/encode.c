/* encode.c - what a handler answered, as its protocol has it: JSON, the query protocol's XML, or S3's headers and XML; and errors.
 *
 * Invariant: members are written by the model of the operation's output, in its order; a member that the model does not have is left out of XML
 * and headers (unit tests compare with botocore's parser).
 */
#include "aws/request.h"

#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_escaped(StrBuf *out, Str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        switch (c) {
        case '&': strbuf_add_c(out, "&amp;"); break;
        case '<': strbuf_add_c(out, "&lt;"); break;
        case '>': strbuf_add_c(out, "&gt;"); break;
        case '"': strbuf_add_c(out, "&quot;"); break;
        case '\r': strbuf_add_c(out, "&#13;"); break;
        default:
            /* XML 1.0 has no other control characters; S3's clients ask for encoding-type=url because of that. */
            if (c >= 0x20 || c == '\t' || c == '\n') {
                strbuf_add_char(out, (char)c);
            } else {
                strbuf_fmt(out, "&#x%X;", c);
            }
        }
    }
}

static Str scalar_text(Arena *arena, const AwsShape *shape, AwsTimeFormat format, yyjson_mut_val *value) {
    if (yyjson_mut_is_str(value)) {
        return (Str){yyjson_mut_get_str(value), yyjson_mut_get_len(value)};
    }
    if (yyjson_mut_is_bool(value)) {
        return yyjson_mut_get_bool(value) ? STR("true") : STR("false");
    }
    if (shape->kind == AWS_TIMESTAMP) {
        double seconds = yyjson_mut_get_num(value);
        return format == AWS_TIME_HTTP    ? aws_time_http(arena, seconds)
               : format == AWS_TIME_EPOCH ? str_fmt(arena, "%lld", (long long)seconds)
                                          : aws_time_iso(arena, seconds);
    }
    if (yyjson_mut_is_int(value)) {
        return str_fmt(arena, "%lld", (long long)yyjson_mut_get_sint(value));
    }
    return str_fmt(arena, "%.17g", yyjson_mut_get_num(value));
}

static AwsTimeFormat time_format(const AwsShape *shape, const AwsMember *member, AwsTimeFormat usual) {
    uint8_t own = member != NULL && member->time_format != AWS_TIME_DEFAULT ? member->time_format : shape->time_format;
    return own != AWS_TIME_DEFAULT ? (AwsTimeFormat)own : usual;
}

/* ---- XML ---- */

static void write_value(StrBuf *out, const AwsShape *shape, const AwsMember *member, yyjson_mut_val *value);

static void write_element(StrBuf *out, const char *name, const AwsShape *shape, const AwsMember *member, yyjson_mut_val *value) {
    strbuf_fmt(out, "<%s", name);
    for (size_t i = 0; shape->kind == AWS_STRUCTURE && i < shape->nmembers; i++) {
        const AwsMember *attribute = &aws_members(shape)[i];
        yyjson_mut_val *text = attribute->is_attribute ? yyjson_mut_obj_get(value, attribute->name) : NULL;
        if (text != NULL) {
            strbuf_fmt(out, " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" %s=\"", aws_member_wire_name(attribute));
            add_escaped(out, scalar_text(out->arena, aws_shape(attribute->shape), AWS_TIME_ISO, text));
            strbuf_add_char(out, '"');
        }
    }
    strbuf_add_char(out, '>');
    write_value(out, shape, member, value);
    strbuf_fmt(out, "</%s>", name);
}

static void write_structure(StrBuf *out, const AwsShape *shape, yyjson_mut_val *value) {
    for (size_t i = 0; i < shape->nmembers; i++) {
        const AwsMember *member = &aws_members(shape)[i];
        yyjson_mut_val *inner = yyjson_mut_obj_get(value, member->name);
        if (inner == NULL || member->place != AWS_IN_BODY || member->is_attribute) {
            continue;
        }
        const AwsShape *target = aws_shape(member->shape);
        const char *name = aws_member_wire_name(member);
        if (target->kind != AWS_LIST || !target->is_flattened) {
            write_element(out, name, target, member, inner);
            continue;
        }
        size_t k;
        size_t count;
        yyjson_mut_val *item;
        yyjson_mut_arr_foreach(inner, k, count, item) {
            write_element(out, name, aws_shape(target->element), NULL, item);
        }
    }
}

static void write_value(StrBuf *out, const AwsShape *shape, const AwsMember *member, yyjson_mut_val *value) {
    size_t i;
    size_t count;
    yyjson_mut_val *key;
    yyjson_mut_val *item;
    switch ((AwsKind)shape->kind) {
    case AWS_STRUCTURE: write_structure(out, shape, value); return;
    case AWS_LIST:
        yyjson_mut_arr_foreach(value, i, count, item) {
            write_element(out, shape->element_name != NULL ? shape->element_name : "member", aws_shape(shape->element), NULL, item);
        }
        return;
    case AWS_MAP:
        yyjson_mut_obj_foreach(value, i, count, key, item) {
            strbuf_add_c(out, "<entry>");
            write_element(out, shape->key_name != NULL ? shape->key_name : "key", aws_shape(shape->key), NULL, key);
            write_element(out, shape->value_name != NULL ? shape->value_name : "value", aws_shape(shape->element), NULL, item);
            strbuf_add_c(out, "</entry>");
        }
        return;
    case AWS_STRING:
    case AWS_INTEGER:
    case AWS_LONG:
    case AWS_FLOAT:
    case AWS_DOUBLE:
    case AWS_BOOLEAN:
    case AWS_TIMESTAMP:
    case AWS_BLOB: add_escaped(out, scalar_text(out->arena, shape, time_format(shape, member, AWS_TIME_ISO), value)); return;
    }
}

static const char XML_HEAD[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

static void encode_query(const AwsRequest *request, AwsCall *call, AwsAnswer *answer) {
    StrBuf out = {.arena = request->arena};
    const char *name = request->operation->name;
    const AwsShape *shape = aws_shape(request->operation->output);
    strbuf_fmt(&out, "<%sResponse xmlns=\"%s\">", name, request->service->xml_namespace);
    if (shape != NULL) {
        const char *wrapper = request->operation->result_wrapper != NULL ? request->operation->result_wrapper : "Result";
        write_element(&out, wrapper, shape, NULL, call->output);
    }
    strbuf_fmt(&out, "<ResponseMetadata><RequestId>%.*s</RequestId></ResponseMetadata></%sResponse>\n", STR_ARG(call->request_id), name);
    answer->body = strbuf_str(&out);
    answer->content_type = "text/xml";
}

/* ---- REST ---- */

static void add_header(AwsAnswer *answer, const AwsRequest *request, const char *name, Str value) {
    VEC_PUSH(&answer->headers, (AwsPair){str_copy(request->arena, str_from_c(name)), str_copy(request->arena, value)});
}

static void add_headers(const AwsRequest *request, const AwsShape *shape, yyjson_mut_val *output, AwsAnswer *answer) {
    for (size_t i = 0; i < shape->nmembers; i++) {
        const AwsMember *member = &aws_members(shape)[i];
        const AwsShape *target = aws_shape(member->shape);
        yyjson_mut_val *value = yyjson_mut_obj_get(output, member->name);
        const char *name = aws_member_wire_name(member);
        if (value == NULL) {
            continue;
        }
        if (member->place == AWS_IN_HEADER) {
            add_header(answer, request, name, scalar_text(request->arena, target, time_format(target, member, AWS_TIME_HTTP), value));
        } else if (member->place == AWS_IN_HEADERS) {
            size_t k;
            size_t count;
            yyjson_mut_val *key;
            yyjson_mut_val *text;
            yyjson_mut_obj_foreach(value, k, count, key, text) {
                Str full = str_fmt(request->arena, "%s%s", name, yyjson_mut_get_str(key));
                add_header(answer, request, full.data, scalar_text(request->arena, aws_shape(target->element), AWS_TIME_HTTP, text));
            }
        }
    }
}

static bool has_body_members(const AwsShape *shape) {
    for (size_t i = 0; i < shape->nmembers; i++) {
        if (aws_members(shape)[i].place == AWS_IN_BODY) {
            return true;
        }
    }
    return false;
}

static void encode_rest(const AwsRequest *request, AwsCall *call, AwsAnswer *answer) {
    const AwsShape *shape = aws_shape(request->operation->output);
    if (shape == NULL) {
        return;
    }
    add_headers(request, shape, call->output, answer);
    const AwsMember *payload = shape->payload == NULL ? NULL : aws_member_find(shape, str_from_c(shape->payload));
    if (payload != NULL && aws_shape(payload->shape)->kind != AWS_STRUCTURE) {
        answer->download = call->download;
        yyjson_mut_val *text = yyjson_mut_obj_get(call->output, payload->name);
        answer->body = text == NULL ? STR("") : (Str){yyjson_mut_get_str(text), yyjson_mut_get_len(text)};
        return;
    }
    yyjson_mut_val *value = payload == NULL ? call->output : yyjson_mut_obj_get(call->output, payload->name);
    const AwsShape *body = payload == NULL ? shape : aws_shape(payload->shape);
    const char *root = request->operation->root != NULL ? request->operation->root : payload != NULL ? aws_member_wire_name(payload) : NULL;
    if (value == NULL || root == NULL || !has_body_members(body)) {
        return;
    }
    StrBuf out = {.arena = request->arena};
    strbuf_fmt(&out, "%s<%s xmlns=\"%s\">", XML_HEAD, root, request->service->xml_namespace);
    const AwsMember *only = body->nmembers == 1 ? &aws_members(body)[0] : NULL;
    if (only != NULL && strcmp(only->name, root) == 0) { /* <LocationConstraint>eu-west-1</LocationConstraint> */
        yyjson_mut_val *text = yyjson_mut_obj_get(value, only->name);
        if (text != NULL) {
            add_escaped(&out, scalar_text(request->arena, aws_shape(only->shape), AWS_TIME_ISO, text));
        }
    } else {
        write_structure(&out, body, value);
    }
    strbuf_fmt(&out, "</%s>", root);
    answer->body = strbuf_str(&out);
    answer->content_type = "application/xml";
}

/* ---- JSON ---- */

static Str json_text(Arena *arena, yyjson_mut_val *value) {
    size_t len = 0;
    char *text = yyjson_mut_val_write(value, 0, &len);
    Str copy = text == NULL ? STR("{}") : str_copy(arena, (Str){text, len});
    free(text);
    return copy;
}

void aws_encode(const AwsRequest *request, AwsCall *call, AwsAnswer *ret_answer) {
    *ret_answer = (AwsAnswer){.status = call->status != 0 ? call->status : request->operation->status, .headers = {.arena = request->arena}};
    switch (request->service->protocol) {
    case AWS_JSON:
        ret_answer->body = request->operation->output == AWS_NO_SHAPE ? STR("") : json_text(request->arena, call->output);
        ret_answer->content_type = "application/x-amz-json-1.1";
        break;
    case AWS_QUERY: encode_query(request, call, ret_answer); break;
    case AWS_REST_XML: encode_rest(request, call, ret_answer); break;
    }
}

/* ---- errors ---- */

/* Text of a request as an error may show it: UTF-8, and no control characters, which no XML parser takes. */
static Str showable(Arena *arena, Str text) {
    char *out = arena_alloc(arena, text.len * 3 + 1);
    size_t len = text.len == 0 ? 0 : utf8_repair(text.data, text.len, out);
    for (size_t i = 0; i < len; i++) {
        out[i] = (unsigned char)out[i] < 0x20 && out[i] != '\t' && out[i] != '\n' ? '?' : out[i];
    }
    out[len] = '\0';
    return (Str){out, len};
}

static Str error_xml(const AwsRequest *request, Str request_id, const AwsCall *call, Str code, Str message) {
    StrBuf out = {.arena = request->arena};
    strbuf_fmt(&out, "%s<Error><Code>%.*s</Code><Message>", XML_HEAD, STR_ARG(code));
    add_escaped(&out, message);
    strbuf_add_c(&out, "</Message>");
    size_t i;
    size_t count;
    yyjson_mut_val *key;
    yyjson_mut_val *value;
    if (call != NULL && call->error_detail != NULL) {
        yyjson_mut_obj_foreach(call->error_detail, i, count, key, value) {
            Str name = {yyjson_mut_get_str(key), yyjson_mut_get_len(key)};
            strbuf_fmt(&out, "<%.*s>", STR_ARG(name));
            add_escaped(&out, showable(request->arena, (Str){yyjson_mut_get_str(value), yyjson_mut_get_len(value)}));
            strbuf_fmt(&out, "</%.*s>", STR_ARG(name));
        }
    }
    strbuf_add_c(&out, "<Resource>");
    add_escaped(&out, showable(request->arena, aws_percent_decode(request->arena, request->raw_path, false)));
    strbuf_fmt(&out, "</Resource><RequestId>%.*s</RequestId></Error>", STR_ARG(request_id));
    return strbuf_str(&out);
}

Str aws_post_response(const AwsRequest *request, Str location, Str etag) {
    const struct {
        const char *name;
        Str value;
    } MEMBERS[] = {{"Location", location}, {"Bucket", request->bucket}, {"Key", request->key}, {"ETag", etag}};
    StrBuf out = {.arena = request->arena};
    strbuf_fmt(&out, "%s<PostResponse>", XML_HEAD);
    for (size_t i = 0; i < sizeof MEMBERS / sizeof MEMBERS[0]; i++) {
        strbuf_fmt(&out, "<%s>", MEMBERS[i].name);
        add_escaped(&out, MEMBERS[i].value);
        strbuf_fmt(&out, "</%s>", MEMBERS[i].name);
    }
    strbuf_add_c(&out, "</PostResponse>");
    return strbuf_str(&out);
}

static Str error_query(const AwsRequest *request, Str request_id, Str code, Str message, int status) {
    StrBuf out = {.arena = request->arena};
    const char *space = request->service != NULL && request->service->xml_namespace != NULL ? request->service->xml_namespace : "";
    strbuf_fmt(&out, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type><Code>%.*s</Code><Message>", space, status < 500 ? "Sender" : "Receiver", STR_ARG(code));
    add_escaped(&out, message);
    strbuf_fmt(&out, "</Message></Error><RequestId>%.*s</RequestId></ErrorResponse>\n", STR_ARG(request_id));
    return strbuf_str(&out);
}

static Str error_json(const AwsRequest *request, const AwsCall *call, Str code, Str message) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = call != NULL && call->error_detail != NULL ? yyjson_mut_val_mut_copy(doc, call->error_detail) : yyjson_mut_obj(doc);
    (void)yyjson_mut_obj_add_strn(doc, root, "__type", code.data, code.len);
    /* The services' models name the member Message or message; botocore takes either. */
    bool is_lower = request->service != NULL && strcmp(request->service->name, "logs") == 0;
    (void)yyjson_mut_obj_add_strn(doc, root, is_lower ? "message" : "Message", message.data, message.len);
    Str text = json_text(request->arena, root);
    yyjson_mut_doc_free(doc);
    return text;
}

void aws_encode_error(const AwsRequest *request, Str request_id, const AwsCall *call, const Err *err, AwsAnswer *ret_answer) {
    AwsProtocol protocol = request->service == NULL ? AWS_JSON : request->service->protocol;
    bool is_inner = strncmp(err->code, "SOLDER.", 7) == 0;
    bool is_full = err_is(err, ERR_DISK_FULL); /* the client may try again: there may be room then */
    const char *inner = is_full ? "ServiceUnavailable" : protocol == AWS_REST_XML ? "InternalError" : "InternalFailure";
    Str code = str_from_c(is_inner ? inner : err->code);
    Str message = is_full    ? STR("The server's disk is full: make room, and try again.")
                  : is_inner ? STR("We encountered an internal error; the server's log says which.")
                             : showable(request->arena, str_from_c(err->message));
    *ret_answer = (AwsAnswer){.status = aws_error_status(request->service, code), .headers = {.arena = request->arena}};
    size_t i;
    size_t count;
    yyjson_mut_val *key;
    yyjson_mut_val *value;
    yyjson_mut_obj_foreach(call == NULL ? NULL : call->error_headers, i, count, key, value) {
        add_header(ret_answer, request, yyjson_mut_get_str(key), (Str){yyjson_mut_get_str(value), yyjson_mut_get_len(value)});
    }
    /* A HEAD's answer has no body, and a 304 may have none. */
    bool is_bare = str_eq_c(request->method, "HEAD") || ret_answer->status == 304;
    switch (protocol) {
    case AWS_JSON:
        ret_answer->body = error_json(request, call, code, message);
        ret_answer->content_type = "application/x-amz-json-1.1";
        VEC_PUSH(&ret_answer->headers, (AwsPair){STR("x-amzn-ErrorType"), code});
        break;
    case AWS_QUERY:
        ret_answer->body = error_query(request, request_id, code, message, ret_answer->status);
        ret_answer->content_type = "text/xml";
        break;
    case AWS_REST_XML:
        ret_answer->body = is_bare ? STR("") : error_xml(request, request_id, call, code, message);
        ret_answer->content_type = is_bare ? NULL : "application/xml";
        break;
    }
}
