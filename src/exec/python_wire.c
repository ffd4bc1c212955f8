/* exec/python_wire.c - see python_wire.h. */
#include "exec/python_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yyjson.h>

static bool write_all(int fd, const void *bytes, size_t size) {
    const char *p = bytes;
    while (size > 0) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        p += n;
        size -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, void *bytes, size_t size) {
    char *p = bytes;
    while (size > 0) {
        ssize_t n = read(fd, p, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        p += n;
        size -= (size_t)n;
    }
    return true;
}

static bool gone(Err *err) {
    return err_set(err, "PYTHON_EXCEPTION", "The Python worker ended unexpectedly (killed, out of memory, or it called os._exit)");
}

bool ex_wire_send(int fd, ExFrame kind, const void *bytes, size_t size, Err *err) {
    unsigned char head[12];
    uint32_t k = (uint32_t)kind;
    uint64_t n = size;
    memcpy(head, &k, 4);
    memcpy(head + 4, &n, 8);
    return (write_all(fd, head, sizeof head) && write_all(fd, bytes, size)) || gone(err);
}

static ArrowErrorCode output_write(struct ArrowIpcOutputStream *stream, const void *buf, int64_t size, int64_t *ret_size, struct ArrowError *error) {
    (void)error;
    if (!write_all(*(int *)stream->private_data, buf, (size_t)size)) {
        return EPIPE;
    }
    *ret_size = size;
    return NANOARROW_OK;
}

static void output_release(struct ArrowIpcOutputStream *stream) {
    stream->release = NULL;
}

ArrowErrorCode ex_wire_output(struct ArrowIpcOutputStream *ret_stream, int *borrowed_fd) {
    *ret_stream = (struct ArrowIpcOutputStream){.write = output_write, .release = output_release, .private_data = borrowed_fd};
    return NANOARROW_OK;
}

/* {"message": …} of an ERROR frame: Spark's words around the Python traceback. */
static void take_error(ExWireIn *in, uint64_t size) {
    char *text = malloc((size_t)size + 1);
    if (text == NULL || !read_all(in->fd, text, (size_t)size)) {
        free(text);
        gone(&in->err);
        return;
    }
    yyjson_doc *doc = yyjson_read(text, (size_t)size, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *code = yyjson_get_str(yyjson_obj_get(root, "class")), *message = yyjson_get_str(yyjson_obj_get(root, "message"));
    err_set(&in->err, code != NULL ? code : "PYTHON_EXCEPTION", "%s", message != NULL ? message : "a Python function failed");
    yyjson_doc_free(doc);
    free(text);
}

/* Reads frame heads until there are Arrow bytes, the part's end or an error. */
static void next_frame(ExWireIn *in) {
    while (in->left == 0 && !in->is_ended && !in->err.is_set) {
        unsigned char head[12];
        uint32_t kind;
        uint64_t size;
        if (!read_all(in->fd, head, sizeof head)) {
            gone(&in->err);
            return;
        }
        memcpy(&kind, head, 4);
        memcpy(&size, head + 4, 8);
        if (kind == EX_FRAME_ARROW) {
            in->left = size;
        } else if (kind == EX_FRAME_PART_END) {
            in->is_ended = true;
        } else if (kind == EX_FRAME_ERROR && size < (64U << 20)) {
            take_error(in, size);
        } else {
            err_set(&in->err, "PYTHON_EXCEPTION", "the Python worker wrote something else to its output; a function must not write to file descriptor 1");
        }
    }
}

static ArrowErrorCode input_read(struct ArrowIpcInputStream *stream, uint8_t *buf, int64_t size, int64_t *ret_size, struct ArrowError *error) {
    (void)error;
    ExWireIn *in = stream->private_data;
    *ret_size = 0;
    while (size > 0) {
        next_frame(in);
        if (in->err.is_set) {
            return EIO;
        }
        if (in->is_ended) {
            return NANOARROW_OK;
        }
        size_t n = (uint64_t)size < in->left ? (size_t)size : (size_t)in->left;
        if (!read_all(in->fd, buf, n)) {
            gone(&in->err);
            return EIO;
        }
        in->left -= n;
        buf += n;
        size -= (int64_t)n;
        *ret_size += (int64_t)n;
    }
    return NANOARROW_OK;
}

static void input_release(struct ArrowIpcInputStream *stream) {
    stream->release = NULL;
}

void ex_wire_input(struct ArrowIpcInputStream *ret_stream, ExWireIn *borrowed_in) {
    *ret_stream = (struct ArrowIpcInputStream){.read = input_read, .release = input_release, .private_data = borrowed_in};
}

bool ex_wire_finish(ExWireIn *in, Err *err) {
    char waste[4096];
    while (!in->is_ended && !in->err.is_set) {
        next_frame(in);
        while (in->left > 0 && !in->err.is_set) {
            size_t n = in->left < sizeof waste ? (size_t)in->left : sizeof waste;
            if (!read_all(in->fd, waste, n)) {
                gone(&in->err);
            }
            in->left -= n;
        }
    }
    return !in->err.is_set || err_set(err, in->err.code, "%s", in->err.message);
}

static bool set_type(Arena *arena, const PlType *type, Str time_zone, struct ArrowSchema *schema);

static bool set_children(Arena *arena, const PlType *type, Str time_zone, struct ArrowSchema *schema) {
    for (size_t i = 0; i < type->nfields; i++) {
        struct ArrowSchema *child = schema->children[i];
        if (ArrowSchemaSetName(child, str_to_c(arena, type->fields[i].name)) != NANOARROW_OK ||
            !set_type(arena, type->fields[i].type, time_zone, child)) {
            return false;
        }
        child->flags = type->fields[i].nullable ? ARROW_FLAG_NULLABLE : 0;
    }
    return true;
}

static const char *scalar_format(const PlType *type) {
    switch (type->kind) {
    case PL_TYPE_NULL: return "i"; /* carried as INTEGER, all null */
    case PL_TYPE_BOOLEAN: return "b";
    case PL_TYPE_BYTE: return "c";
    case PL_TYPE_SHORT: return "s";
    case PL_TYPE_INT:
    case PL_TYPE_YEAR_MONTH_INTERVAL: return "i";
    case PL_TYPE_LONG: return "l";
    case PL_TYPE_FLOAT: return "f";
    case PL_TYPE_DOUBLE: return "g";
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: return "u";
    case PL_TYPE_BINARY: return "z";
    case PL_TYPE_DATE: return "tdD";
    case PL_TYPE_TIMESTAMP_NTZ: return "tsu:";
    case PL_TYPE_DAY_TIME_INTERVAL: return "tDu";
    case PL_TYPE_CALENDAR_INTERVAL: return "tin";
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_DECIMAL:
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: break;
    }
    return NULL;
}

static bool set_type(Arena *arena, const PlType *type, Str time_zone, struct ArrowSchema *schema) {
    const char *format = scalar_format(type);
    if (type->kind == PL_TYPE_TIMESTAMP) {
        format = str_fmt(arena, "tsu:%.*s", STR_ARG(time_zone)).data;
    } else if (type->kind == PL_TYPE_DECIMAL) {
        format = str_fmt(arena, "d:%d,%d", type->precision, type->scale).data;
    }
    if (format != NULL) {
        return ArrowSchemaSetFormat(schema, format) == NANOARROW_OK;
    }
    if (type->kind == PL_TYPE_STRUCT) {
        return ArrowSchemaSetTypeStruct(schema, (int64_t)type->nfields) == NANOARROW_OK && set_children(arena, type, time_zone, schema);
    }
    if (type->kind == PL_TYPE_ARRAY) {
        if (ArrowSchemaSetFormat(schema, "+l") != NANOARROW_OK || ArrowSchemaAllocateChildren(schema, 1) != NANOARROW_OK) {
            return false;
        }
        ArrowSchemaInit(schema->children[0]);
        schema->children[0]->flags = type->element_nullable ? ARROW_FLAG_NULLABLE : 0;
        return ArrowSchemaSetName(schema->children[0], "element") == NANOARROW_OK && set_type(arena, type->element, time_zone, schema->children[0]);
    }
    if (ArrowSchemaSetFormat(schema, "+m") != NANOARROW_OK || ArrowSchemaAllocateChildren(schema, 1) != NANOARROW_OK) {
        return false;
    }
    struct ArrowSchema *entries = schema->children[0];
    ArrowSchemaInit(entries);
    const PlField pair[] = {{.name = STR("key"), .type = type->key}, {.name = STR("value"), .type = type->element, .nullable = type->element_nullable}};
    const PlType entry = {.kind = PL_TYPE_STRUCT, .fields = pair, .nfields = 2};
    bool is_ok = ArrowSchemaSetTypeStruct(entries, 2) == NANOARROW_OK && ArrowSchemaSetName(entries, "entries") == NANOARROW_OK &&
                 set_children(arena, &entry, time_zone, entries);
    entries->flags = 0;
    return is_ok;
}

bool ex_wire_schema(Arena *arena, const TyAttr *columns, size_t ncolumns, Str time_zone, struct ArrowSchema *ret_schema, Err *err) {
    PlField *fields = ARENA_ARRAY(arena, PlField, ncolumns);
    for (size_t i = 0; i < ncolumns; i++) {
        fields[i] = (PlField){.name = columns[i].name, .type = columns[i].type, .nullable = columns[i].nullable};
    }
    const PlType all = {.kind = PL_TYPE_STRUCT, .fields = fields, .nfields = ncolumns};
    ArrowSchemaInit(ret_schema);
    if (!set_type(arena, &all, time_zone, ret_schema)) {
        ArrowSchemaRelease(ret_schema);
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for an Arrow schema");
    }
    return true;
}
