/* decode_type.c - data types between protobuf and plan/. */
#include "connect/decode.h"
#include "connect/wire.h"

static const PlType *bad(Err *err, const char *what) {
    (void)err_set(err, "SOLDER.BAD_REQUEST", "The plan has a data type %s", what);
    return NULL;
}

static const PlType *decode_struct(Arena *arena, const Spark__Connect__DataType__Struct *message, Err *err) {
    PlField *fields = ARENA_ARRAY(arena, PlField, message->n_fields);
    for (size_t i = 0; i < message->n_fields; i++) {
        const Spark__Connect__DataType__StructField *field = message->fields[i];
        const PlType *type = cn_decode_type(arena, field->data_type, err);
        if (type == NULL) {
            return NULL;
        }
        fields[i] = (PlField){.name = CN_STR(field->name), .type = type, .nullable = field->nullable != 0};
        if (field->has_metadata && !str_eq_c(CN_STR(field->metadata), "{}")) {
            fields[i].metadata_json = CN_STR(field->metadata);
        }
    }
    return pl_struct(arena, fields, message->n_fields);
}

static const PlType *interval(Arena *arena, PlTypeKind kind, bool has_start, int start, bool has_end, int end, int last) {
    PlType *type = ARENA_NEW(arena, PlType);
    type->kind = kind;
    type->start = has_start ? start : 0;
    type->end = has_end ? end : has_start ? start : last;
    return type;
}

static const PlType *with_length(Arena *arena, PlTypeKind kind, int length) {
    PlType *type = ARENA_NEW(arena, PlType);
    type->kind = kind;
    type->length = length;
    return type;
}

static const PlType *decode_nested(Arena *arena, const Spark__Connect__DataType *type, Err *err) {
    switch ((int)type->kind_case) {
    case SPARK__CONNECT__DATA_TYPE__KIND_ARRAY: {
        const PlType *element = cn_decode_type(arena, type->array->element_type, err);
        return element == NULL ? NULL : pl_array(arena, element, type->array->contains_null != 0);
    }
    case SPARK__CONNECT__DATA_TYPE__KIND_MAP: {
        const PlType *key = cn_decode_type(arena, type->map->key_type, err);
        const PlType *value = key == NULL ? NULL : cn_decode_type(arena, type->map->value_type, err);
        return value == NULL ? NULL : pl_map(arena, key, value, type->map->value_contains_null != 0);
    }
    case SPARK__CONNECT__DATA_TYPE__KIND_STRUCT: return decode_struct(arena, type->struct_, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_UDT: {
        (void)err_set(err, ERR_NOT_SUPPORTED, "User-defined types are not supported yet (%.*s)", STR_ARG(CN_STR(type->udt->type)));
        return NULL;
    }
    case SPARK__CONNECT__DATA_TYPE__KIND_UNPARSED: return cn_decode_schema_text(arena, CN_STR(type->unparsed->data_type_string), err);
    default: return bad(err, "that this version does not know");
    }
}

const PlType *cn_decode_type(Arena *arena, const Spark__Connect__DataType *type, Err *err) {
    if (type == NULL) {
        return bad(err, "that is missing");
    }
    switch ((int)type->kind_case) {
    case SPARK__CONNECT__DATA_TYPE__KIND_NULL: return &PL_NULL;
    case SPARK__CONNECT__DATA_TYPE__KIND_BINARY: return &PL_BINARY;
    case SPARK__CONNECT__DATA_TYPE__KIND_BOOLEAN: return &PL_BOOLEAN;
    case SPARK__CONNECT__DATA_TYPE__KIND_BYTE: return &PL_BYTE;
    case SPARK__CONNECT__DATA_TYPE__KIND_SHORT: return &PL_SHORT;
    case SPARK__CONNECT__DATA_TYPE__KIND_INTEGER: return &PL_INT;
    case SPARK__CONNECT__DATA_TYPE__KIND_LONG: return &PL_LONG;
    case SPARK__CONNECT__DATA_TYPE__KIND_FLOAT: return &PL_FLOAT;
    case SPARK__CONNECT__DATA_TYPE__KIND_DOUBLE: return &PL_DOUBLE;
    case SPARK__CONNECT__DATA_TYPE__KIND_DECIMAL: {
        int precision = type->decimal->has_precision ? type->decimal->precision : 10;
        int scale = type->decimal->has_scale ? type->decimal->scale : 0;
        if (precision < 1 || precision > 38 || scale < 0 || scale > precision) {
            return bad(err, "DECIMAL whose precision or scale is out of range");
        }
        return pl_decimal(arena, precision, scale);
    }
    case SPARK__CONNECT__DATA_TYPE__KIND_STRING: return &PL_STRING;
    case SPARK__CONNECT__DATA_TYPE__KIND_CHAR: return with_length(arena, PL_TYPE_CHAR, type->char_->length);
    case SPARK__CONNECT__DATA_TYPE__KIND_VAR_CHAR: return with_length(arena, PL_TYPE_VARCHAR, type->var_char->length);
    case SPARK__CONNECT__DATA_TYPE__KIND_DATE: return &PL_DATE;
    case SPARK__CONNECT__DATA_TYPE__KIND_TIMESTAMP: return &PL_TIMESTAMP;
    case SPARK__CONNECT__DATA_TYPE__KIND_TIMESTAMP_NTZ: return &PL_TIMESTAMP_NTZ;
    case SPARK__CONNECT__DATA_TYPE__KIND_CALENDAR_INTERVAL: return &PL_CALENDAR_INTERVAL;
    case SPARK__CONNECT__DATA_TYPE__KIND_YEAR_MONTH_INTERVAL: {
        const Spark__Connect__DataType__YearMonthInterval *i = type->year_month_interval;
        return interval(arena, PL_TYPE_YEAR_MONTH_INTERVAL, i->has_start_field, i->start_field, i->has_end_field, i->end_field, 1);
    }
    case SPARK__CONNECT__DATA_TYPE__KIND_DAY_TIME_INTERVAL: {
        const Spark__Connect__DataType__DayTimeInterval *i = type->day_time_interval;
        return interval(arena, PL_TYPE_DAY_TIME_INTERVAL, i->has_start_field, i->start_field, i->has_end_field, i->end_field, 3);
    }
    default: return decode_nested(arena, type, err);
    }
}

const PlType *cn_decode_schema_text(Arena *arena, Str text, Err *err) {
    Str trimmed = str_trim(text);
    if (trimmed.len > 0 && (trimmed.data[0] == '{' || trimmed.data[0] == '"')) {
        return pl_type_from_json(arena, trimmed, err);
    }
    return sq_parse_schema(arena, text, err);
}

/* An outgoing message of a type without parameters goes into its member of the union. */
#define ENCODE_EMPTY(case_name, member, Name, NAME)                                                                              \
    do {                                                                                                                         \
        out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_##case_name;                                                            \
        out->member = ARENA_NEW(arena, Spark__Connect__DataType__##Name);                                                        \
        spark__connect__data_type__##NAME##__init(out->member);                                                                  \
    } while (0)

static void encode_struct(Arena *arena, Spark__Connect__DataType *out, const PlType *type) {
    ENCODE_EMPTY(STRUCT, struct_, Struct, struct);
    out->struct_->n_fields = type->nfields;
    out->struct_->fields = ARENA_ARRAY(arena, Spark__Connect__DataType__StructField *, type->nfields);
    for (size_t i = 0; i < type->nfields; i++) {
        Spark__Connect__DataType__StructField *field = ARENA_NEW(arena, Spark__Connect__DataType__StructField);
        spark__connect__data_type__struct_field__init(field);
        CN_SET(field, name, cn_bytes(type->fields[i].name));
        CN_SET(field, nullable, type->fields[i].nullable);
        if (type->fields[i].metadata_json.len > 0) {
            CN_SET(field, metadata, cn_bytes(type->fields[i].metadata_json));
        }
        field->data_type = cn_encode_type(arena, type->fields[i].type);
        out->struct_->fields[i] = field;
    }
}

static void encode_with_parameters(Arena *arena, Spark__Connect__DataType *out, const PlType *type) {
    if (type->kind == PL_TYPE_DECIMAL) {
        ENCODE_EMPTY(DECIMAL, decimal, Decimal, decimal);
        CN_SET(out->decimal, precision, type->precision);
        CN_SET(out->decimal, scale, type->scale);
    } else if (type->kind == PL_TYPE_CHAR) {
        ENCODE_EMPTY(CHAR, char_, Char, char);
        CN_SET(out->char_, length, type->length);
    } else if (type->kind == PL_TYPE_VARCHAR) {
        ENCODE_EMPTY(VAR_CHAR, var_char, VarChar, var_char);
        CN_SET(out->var_char, length, type->length);
    } else if (type->kind == PL_TYPE_DAY_TIME_INTERVAL) {
        ENCODE_EMPTY(DAY_TIME_INTERVAL, day_time_interval, DayTimeInterval, day_time_interval);
        CN_SET(out->day_time_interval, start_field, type->start);
        CN_SET(out->day_time_interval, end_field, type->end);
    } else if (type->kind == PL_TYPE_YEAR_MONTH_INTERVAL) {
        ENCODE_EMPTY(YEAR_MONTH_INTERVAL, year_month_interval, YearMonthInterval, year_month_interval);
        CN_SET(out->year_month_interval, start_field, type->start);
        CN_SET(out->year_month_interval, end_field, type->end);
    } else if (type->kind == PL_TYPE_ARRAY) {
        ENCODE_EMPTY(ARRAY, array, Array, array);
        out->array->element_type = cn_encode_type(arena, type->element);
        CN_SET(out->array, contains_null, type->element_nullable);
    } else {
        ENCODE_EMPTY(MAP, map, Map, map);
        out->map->key_type = cn_encode_type(arena, type->key);
        out->map->value_type = cn_encode_type(arena, type->element);
        CN_SET(out->map, value_contains_null, type->element_nullable);
    }
}

Spark__Connect__DataType *cn_encode_type(Arena *arena, const PlType *type) {
    Spark__Connect__DataType *out = ARENA_NEW(arena, Spark__Connect__DataType);
    spark__connect__data_type__init(out);
    switch (type->kind) {
    case PL_TYPE_NULL: ENCODE_EMPTY(NULL, null, NULL, null); break;
    case PL_TYPE_BOOLEAN: ENCODE_EMPTY(BOOLEAN, boolean, Boolean, boolean); break;
    case PL_TYPE_BYTE: ENCODE_EMPTY(BYTE, byte, Byte, byte); break;
    case PL_TYPE_SHORT: ENCODE_EMPTY(SHORT, short_, Short, short); break;
    case PL_TYPE_INT: ENCODE_EMPTY(INTEGER, integer, Integer, integer); break;
    case PL_TYPE_LONG: ENCODE_EMPTY(LONG, long_, Long, long); break;
    case PL_TYPE_FLOAT: ENCODE_EMPTY(FLOAT, float_, Float, float); break;
    case PL_TYPE_DOUBLE: ENCODE_EMPTY(DOUBLE, double_, Double, double); break;
    case PL_TYPE_STRING: ENCODE_EMPTY(STRING, string, String, string); break;
    case PL_TYPE_BINARY: ENCODE_EMPTY(BINARY, binary, Binary, binary); break;
    case PL_TYPE_DATE: ENCODE_EMPTY(DATE, date, Date, date); break;
    case PL_TYPE_TIMESTAMP: ENCODE_EMPTY(TIMESTAMP, timestamp, Timestamp, timestamp); break;
    case PL_TYPE_TIMESTAMP_NTZ: ENCODE_EMPTY(TIMESTAMP_NTZ, timestamp_ntz, TimestampNTZ, timestamp_ntz); break;
    case PL_TYPE_CALENDAR_INTERVAL: ENCODE_EMPTY(CALENDAR_INTERVAL, calendar_interval, CalendarInterval, calendar_interval); break;
    case PL_TYPE_STRUCT: encode_struct(arena, out, type); break;
    case PL_TYPE_DECIMAL:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL:
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP: encode_with_parameters(arena, out, type); break;
    }
    return out;
}
