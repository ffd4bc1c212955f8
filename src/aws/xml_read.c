/* xml_read.c - the XML body of an S3 request as a JSON value by its shape.
 *
 * expat parses, with document types and entities refused and the depth bounded: a body can neither expand nor reach for files. Elements that the model
 * does not know are passed over, as AWS does. See aws_xml_read in request.h.
 */
#include "aws/request.h"

#include <expat.h>
#include <string.h>

enum { MOST_DEPTH = 32 };

typedef struct Level {
    const AwsShape *shape;   /* NULL: an element that is not known */
    yyjson_mut_val *value;   /* structures, maps and lists: what is being filled */
    const AwsMember *member; /* of the structure above */
    bool is_item;            /* of a list that is not flattened */
} Level;

typedef struct Reader {
    Arena *arena;
    yyjson_mut_doc *doc;
    XML_Parser parser;
    Level levels[MOST_DEPTH];
    int depth;
    StrBuf text;
    yyjson_mut_val *root;
    const AwsShape *root_shape;
    Err *err;
} Reader;

static void stop(Reader *reader, const char *why) {
    (void)err_set(reader->err, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema (%s)", why);
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

/* Names may come with a namespace's prefix. */
static Str local_name(const char *name) {
    const char *colon = strrchr(name, ':');
    return str_from_c(colon == NULL ? name : colon + 1);
}

static const AwsMember *member_on_wire(const AwsShape *shape, Str name) {
    for (size_t i = 0; i < shape->nmembers; i++) {
        const AwsMember *member = &aws_members(shape)[i];
        if (str_eq_c(name, aws_member_wire_name(member))) {
            return member;
        }
    }
    return NULL;
}

static yyjson_mut_val *container(Reader *reader, const AwsShape *shape) {
    return shape->kind == AWS_LIST ? yyjson_mut_arr(reader->doc) : shape->kind == AWS_STRUCTURE || shape->kind == AWS_MAP ? yyjson_mut_obj(reader->doc) : NULL;
}

static Level level_of(Reader *reader, const Level *above, Str name) {
    if (above->shape == NULL) {
        return (Level){0};
    }
    if (above->shape->kind == AWS_LIST) {
        const AwsShape *element = aws_shape(above->shape->element);
        return (Level){.shape = element, .value = container(reader, element), .is_item = true};
    }
    const AwsMember *member = above->shape->kind == AWS_STRUCTURE ? member_on_wire(above->shape, name) : NULL;
    if (member == NULL) {
        return (Level){0};
    }
    const AwsShape *shape = aws_shape(member->shape);
    if (shape->kind == AWS_LIST && shape->is_flattened) { /* each such element is an item */
        const AwsShape *element = aws_shape(shape->element);
        return (Level){.shape = element, .value = container(reader, element), .member = member};
    }
    return (Level){.shape = shape, .value = container(reader, shape), .member = member};
}

/* xsi:type of a grantee: the prefix is whatever the client bound. */
static void take_attributes(Reader *reader, const Level *level, const char **attributes) {
    bool is_structure = level->value != NULL && level->shape->kind == AWS_STRUCTURE;
    for (size_t i = 0; is_structure && attributes[i] != NULL; i += 2) {
        for (size_t k = 0; k < level->shape->nmembers; k++) {
            const AwsMember *member = &aws_members(level->shape)[k];
            if (member->is_attribute && str_eq(local_name(aws_member_wire_name(member)), local_name(attributes[i]))) {
                (void)yyjson_mut_obj_put(level->value, yyjson_mut_str(reader->doc, member->name), yyjson_mut_strcpy(reader->doc, attributes[i + 1]));
            }
        }
    }
}

static void XMLCALL start_element(void *self, const char *name, const char **attributes) {
    Reader *reader = self;
    if (reader->depth == MOST_DEPTH) {
        stop(reader, "nested too deeply");
        return;
    }
    if (reader->depth == 0) {
        reader->root = container(reader, reader->root_shape);
        reader->levels[0] = (Level){.shape = reader->root_shape, .value = reader->root};
    } else {
        reader->levels[reader->depth] = level_of(reader, &reader->levels[reader->depth - 1], local_name(name));
    }
    take_attributes(reader, &reader->levels[reader->depth], attributes);
    reader->depth++;
    reader->text.len = 0;
}

static void put(Reader *reader, const Level *above, const Level *level, yyjson_mut_val *value) {
    if (level->is_item) {
        (void)yyjson_mut_arr_append(above->value, value);
        return;
    }
    const AwsShape *shape = aws_shape(level->member->shape);
    if (shape->kind == AWS_LIST && shape->is_flattened) {
        yyjson_mut_val *list = yyjson_mut_obj_get(above->value, level->member->name);
        list = list != NULL ? list : yyjson_mut_obj_add_arr(reader->doc, above->value, level->member->name);
        (void)yyjson_mut_arr_append(list, value);
        return;
    }
    (void)yyjson_mut_obj_put(above->value, yyjson_mut_str(reader->doc, level->member->name), value);
}

static void XMLCALL end_element(void *self, const char *name) {
    Reader *reader = self;
    Level *level = &reader->levels[--reader->depth];
    if (reader->depth > 0 && level->shape != NULL) {
        yyjson_mut_val *value = level->value;
        if (value == NULL) {
            Str text = strbuf_str(&reader->text);
            value = aws_scalar_read(reader->doc, level->shape, level->shape->kind == AWS_STRING ? text : str_trim(text));
            if (value == NULL) {
                stop(reader, name);
                return;
            }
        }
        put(reader, &reader->levels[reader->depth - 1], level, value);
    }
    reader->text.len = 0;
}

static void XMLCALL add_text(void *self, const char *text, int len) {
    Reader *reader = self;
    strbuf_add(&reader->text, (Str){text, (size_t)len});
}

static void XMLCALL refuse_doctype(void *self, const char *name, const char *system_id, const char *public_id, int has_internal) {
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal;
    stop(self, "a document type is not allowed");
}

bool aws_xml_read(Arena *arena, Str text, const AwsShape *shape, yyjson_mut_doc *doc, yyjson_mut_val **ret_value, Err *err) {
    XML_Parser parser = XML_ParserCreate(NULL);
    if (parser == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for an XML parser");
    }
    Reader *reader = ARENA_NEW(arena, Reader);
    *reader = (Reader){.arena = arena, .doc = doc, .parser = parser, .text = {.arena = arena}, .root_shape = shape, .err = err};
    XML_SetUserData(parser, reader);
    XML_SetElementHandler(parser, start_element, end_element);
    XML_SetCharacterDataHandler(parser, add_text);
    XML_SetStartDoctypeDeclHandler(parser, refuse_doctype);
    bool ok = text.len <= INT32_MAX && XML_Parse(parser, text.data, (int)text.len, 1) == XML_STATUS_OK;
    if (!ok) {
        (void)err_set(err, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema (%s, line %lu)",
                      XML_ErrorString(XML_GetErrorCode(parser)), (unsigned long)XML_GetCurrentLineNumber(parser));
    }
    XML_ParserFree(parser);
    *ret_value = reader->root;
    return ok && !err->is_set;
}
