/* arrow_schema.c - Spark's types as Arrow's and back (Spark's ArrowUtils). */
#include "connect/arrow_out.h"
#include "exec/arrow_stream.h"

#include <string.h>

static bool check(ArrowErrorCode code, Err *err) {
    return code == NANOARROW_OK || err_set(err, ERR_INTERNAL, "cannot write the result's Arrow schema (%s)", strerror(code));
}

static bool set_type(Arena *arena, struct ArrowSchema *schema, const PlType *type, Str time_zone, Err *err);

static bool set_field(Arena *arena, struct ArrowSchema *schema, Str name, const PlType *type, bool nullable, Str time_zone, Err *err) {
    if (!set_type(arena, schema, type, time_zone, err) || !check(ArrowSchemaSetName(schema, str_to_c(arena, name)), err)) {
        return false;
    }
    schema->flags = nullable ? ARROW_FLAG_NULLABLE : 0;
    return true;
}

static bool set_struct(Arena *arena, struct ArrowSchema *schema, const PlType *type, Str time_zone, Err *err) {
    if (!check(ArrowSchemaSetTypeStruct(schema, (int64_t)type->nfields), err)) {
        return false;
    }
    for (size_t i = 0; i < type->nfields; i++) {
        const PlField *field = &type->fields[i];
        if (!set_field(arena, schema->children[i], field->name, field->type, field->nullable, time_zone, err)) {
            return false;
        }
    }
    return true;
}

static bool set_list(Arena *arena, struct ArrowSchema *schema, const PlType *type, Str time_zone, Err *err) {
    return check(ArrowSchemaSetFormat(schema, "+l"), err) && check(ArrowSchemaAllocateChildren(schema, 1), err) &&
           (ArrowSchemaInit(schema->children[0]), true) &&
           set_field(arena, schema->children[0], STR("element"), type->element, type->element_nullable, time_zone, err);
}

static bool set_map(Arena *arena, struct ArrowSchema *schema, const PlType *type, Str time_zone, Err *err) {
    if (!check(ArrowSchemaSetFormat(schema, "+m"), err) || !check(ArrowSchemaAllocateChildren(schema, 1), err)) {
        return false;
    }
    struct ArrowSchema *entries = schema->children[0];
    ArrowSchemaInit(entries);
    if (!check(ArrowSchemaSetTypeStruct(entries, 2), err) || !check(ArrowSchemaSetName(entries, "entries"), err)) {
        return false;
    }
    entries->flags = 0;
    return set_field(arena, entries->children[0], STR("key"), type->key, false, time_zone, err) &&
           set_field(arena, entries->children[1], STR("value"), type->element, type->element_nullable, time_zone, err);
}

static const char *scalar_format(const PlType *type) {
    switch (type->kind) {
    case PL_TYPE_NULL: return "n";
    case PL_TYPE_BOOLEAN: return "b";
    case PL_TYPE_BYTE: return "c";
    case PL_TYPE_SHORT: return "s";
    case PL_TYPE_INT: return "i";
    case PL_TYPE_LONG: return "l";
    case PL_TYPE_FLOAT: return "f";
    case PL_TYPE_DOUBLE: return "g";
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: return "u";
    case PL_TYPE_BINARY: return "z";
    case PL_TYPE_DATE: return "tdD";
    case PL_TYPE_TIMESTAMP_NTZ: return "tsu:";
    case PL_TYPE_CALENDAR_INTERVAL: return "tin";
    case PL_TYPE_DAY_TIME_INTERVAL: return "tDu";
    case PL_TYPE_YEAR_MONTH_INTERVAL: return "tiM";
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_DECIMAL:
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: break;
    }
    return NULL;
}

static bool set_type(Arena *arena, struct ArrowSchema *schema, const PlType *type, Str time_zone, Err *err) {
    if (type->kind == PL_TYPE_STRUCT) {
        return set_struct(arena, schema, type, time_zone, err);
    }
    if (type->kind == PL_TYPE_ARRAY) {
        return set_list(arena, schema, type, time_zone, err);
    }
    if (type->kind == PL_TYPE_MAP) {
        return set_map(arena, schema, type, time_zone, err);
    }
    const char *format = scalar_format(type);
    if (type->kind == PL_TYPE_TIMESTAMP) {
        format = str_fmt(arena, "tsu:%.*s", STR_ARG(time_zone)).data;
    } else if (type->kind == PL_TYPE_DECIMAL) {
        format = str_fmt(arena, "d:%d,%d", type->precision, type->scale).data;
    }
    return check(ArrowSchemaSetFormat(schema, format), err);
}

bool cn_arrow_schema(Arena *arena, const PlType *type, Str time_zone, struct ArrowSchema *ret_schema, Err *err) {
    ArrowSchemaInit(ret_schema);
    if (set_type(arena, ret_schema, type, time_zone, err)) {
        return true;
    }
    ArrowSchemaRelease(ret_schema);
    return false;
}

static const PlType *from_arrow(Arena *arena, const struct ArrowSchema *schema, Err *err);

static const PlType *struct_from_arrow(Arena *arena, const struct ArrowSchema *schema, Err *err) {
    PlField *fields = ARENA_ARRAY(arena, PlField, schema->n_children);
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *child = schema->children[i];
        fields[i].name = str_copy(arena, str_from_c(child->name));
        fields[i].type = from_arrow(arena, child, err);
        fields[i].nullable = (child->flags & ARROW_FLAG_NULLABLE) != 0;
        if (fields[i].type == NULL) {
            return NULL;
        }
    }
    return pl_struct(arena, fields, (size_t)schema->n_children);
}

static const PlType *list_from_arrow(Arena *arena, const struct ArrowSchema *schema, Err *err) {
    const PlType *element = from_arrow(arena, schema->children[0], err);
    return element == NULL ? NULL : pl_array(arena, element, (schema->children[0]->flags & ARROW_FLAG_NULLABLE) != 0);
}

static const PlType *map_from_arrow(Arena *arena, const struct ArrowSchema *schema, Err *err) {
    const struct ArrowSchema *entries = schema->children[0];
    const PlType *key = from_arrow(arena, entries->children[0], err);
    const PlType *value = key == NULL ? NULL : from_arrow(arena, entries->children[1], err);
    return value == NULL ? NULL : pl_map(arena, key, value, (entries->children[1]->flags & ARROW_FLAG_NULLABLE) != 0);
}

static const PlType *unsupported(const struct ArrowSchema *schema, Err *err) {
    char text[128] = "?";
    (void)ArrowSchemaToString(schema, text, sizeof text, 0);
    (void)err_set(err, "UNSUPPORTED_ARROWTYPE", "Unsupported arrow type %s.", text);
    return NULL;
}

static const PlType *from_arrow(Arena *arena, const struct ArrowSchema *schema, Err *err) {
    struct ArrowSchemaView view;
    if (ArrowSchemaViewInit(&view, schema, NULL) != NANOARROW_OK) {
        return unsupported(schema, err);
    }
    switch ((int)view.type) {
    case NANOARROW_TYPE_NA: return &PL_NULL;
    case NANOARROW_TYPE_BOOL: return &PL_BOOLEAN;
    case NANOARROW_TYPE_INT8: return &PL_BYTE;
    case NANOARROW_TYPE_INT16: return &PL_SHORT;
    case NANOARROW_TYPE_INT32: return &PL_INT;
    case NANOARROW_TYPE_INT64: return &PL_LONG;
    case NANOARROW_TYPE_FLOAT: return &PL_FLOAT;
    case NANOARROW_TYPE_DOUBLE: return &PL_DOUBLE;
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING: return &PL_STRING;
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY: return &PL_BINARY;
    case NANOARROW_TYPE_DATE32: return &PL_DATE;
    case NANOARROW_TYPE_DECIMAL128: /* Arrow has scales that no Spark type has */
        return view.decimal_scale < 0 || view.decimal_scale > view.decimal_precision ? unsupported(schema, err) :
                                                                                      pl_decimal(arena, view.decimal_precision, view.decimal_scale);
    case NANOARROW_TYPE_TIMESTAMP:
        if (view.time_unit == NANOARROW_TIME_UNIT_MICRO) {
            return view.timezone != NULL && view.timezone[0] != '\0' ? &PL_TIMESTAMP : &PL_TIMESTAMP_NTZ;
        }
        return unsupported(schema, err);
    case NANOARROW_TYPE_DURATION: return view.time_unit == NANOARROW_TIME_UNIT_MICRO ? &PL_DAY_TIME : unsupported(schema, err);
    case NANOARROW_TYPE_INTERVAL_MONTHS: return &PL_YEAR_MONTH;
    case NANOARROW_TYPE_LIST:
    case NANOARROW_TYPE_LARGE_LIST:
    case NANOARROW_TYPE_FIXED_SIZE_LIST: return list_from_arrow(arena, schema, err);
    case NANOARROW_TYPE_MAP: return map_from_arrow(arena, schema, err);
    case NANOARROW_TYPE_STRUCT: return struct_from_arrow(arena, schema, err);
    default: return unsupported(schema, err);
    }
}

const PlType *cn_arrow_type(Arena *arena, Str ipc, Err *err) {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    if (!ex_arrow_stream_open(ipc, &stream, &schema, err)) {
        return NULL;
    }
    const PlType *type = from_arrow(arena, &schema, err);
    ArrowSchemaRelease(&schema);
    ArrowArrayStreamRelease(&stream);
    return type;
}
