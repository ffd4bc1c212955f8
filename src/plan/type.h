/* plan/type.h - Spark's data types, and values of them.
 *
 * Used by every room on a script's way. Types are immutable; the scalar ones are the constants below and compare by kind, the
 * others live in an arena. Source of meaning: org.apache.spark.sql.types of Spark 3.5.
 */
#ifndef SOLDER_PLAN_TYPE_H
#define SOLDER_PLAN_TYPE_H

#include "base/err.h"
#include "base/str.h"

/* X(tag, typeName as in schema JSON, simpleString) for the types that need no parameter. */
#define PL_SCALAR_TYPES(X)                                                                                                       \
    X(NULL, "void", "void")                                                                                                      \
    X(BOOLEAN, "boolean", "boolean")                                                                                             \
    X(BYTE, "byte", "tinyint")                                                                                                   \
    X(SHORT, "short", "smallint")                                                                                                \
    X(INT, "integer", "int")                                                                                                     \
    X(LONG, "long", "bigint")                                                                                                    \
    X(FLOAT, "float", "float")                                                                                                   \
    X(DOUBLE, "double", "double")                                                                                                \
    X(STRING, "string", "string")                                                                                                \
    X(BINARY, "binary", "binary")                                                                                                \
    X(DATE, "date", "date")                                                                                                      \
    X(TIMESTAMP, "timestamp", "timestamp")                                                                                       \
    X(TIMESTAMP_NTZ, "timestamp_ntz", "timestamp_ntz")                                                                           \
    X(CALENDAR_INTERVAL, "interval", "interval")

typedef enum PlTypeKind {
#define X(tag, json, simple) PL_TYPE_##tag,
    PL_SCALAR_TYPES(X)
#undef X
        PL_TYPE_DECIMAL,         /* precision, scale */
    PL_TYPE_CHAR,                /* length */
    PL_TYPE_VARCHAR,             /* length */
    PL_TYPE_DAY_TIME_INTERVAL,   /* start, end: 0 day 1 hour 2 minute 3 second */
    PL_TYPE_YEAR_MONTH_INTERVAL, /* start, end: 0 year 1 month */
    PL_TYPE_ARRAY,               /* element, element_nullable */
    PL_TYPE_MAP,                 /* key, element = value, element_nullable = valueContainsNull */
    PL_TYPE_STRUCT               /* fields */
} PlTypeKind;

typedef struct PlType PlType;

typedef struct PlField {
    Str name;
    const PlType *type;
    bool nullable;
    Str metadata_json; /* empty or a JSON object */
} PlField;

struct PlType {
    PlTypeKind kind;
    int precision, scale; /* DECIMAL: 1..38, 0..precision */
    int length;           /* CHAR, VARCHAR */
    int start, end;       /* intervals */
    const PlType *key;
    const PlType *element;
    bool element_nullable;
    const PlField *fields;
    size_t nfields;
};

/* PL_LONG, PL_STRING, … : the types without parameters. */
#define X(tag, json, simple) extern const PlType PL_##tag;
PL_SCALAR_TYPES(X)
#undef X
extern const PlType PL_DAY_TIME;     /* interval day to second */
extern const PlType PL_YEAR_MONTH;   /* interval year to month */
extern const PlType PL_DECIMAL_USER; /* decimal(10,0), the default of "decimal" */

const PlType *pl_decimal(Arena *arena, int precision, int scale);
const PlType *pl_array(Arena *arena, const PlType *element, bool element_nullable);
const PlType *pl_map(Arena *arena, const PlType *key, const PlType *value, bool value_nullable);
const PlType *pl_struct(Arena *arena, const PlField *borrowed_fields, size_t nfields); /* copies the array, not the names */

/* Equal in every respect, nullability inside included; field names compared with case. */
bool pl_type_equal(const PlType *a, const PlType *b);
/* Equal but for nullability inside and the case of field names (Spark's sameType with case-insensitive analysis). */
bool pl_type_same(const PlType *a, const PlType *b);
bool pl_type_is_integral(const PlType *t); /* byte short int long */
bool pl_type_is_numeric(const PlType *t);  /* integral, float, double, decimal */
bool pl_type_is_atomic(const PlType *t);   /* neither array, map, struct nor void */

/* DataType.simpleString: struct<a:int,b:array<string>>; never shortened (Spark's catalogString, which differs above 25 fields). */
Str pl_type_simple(Arena *arena, const PlType *t);
Str pl_type_sql(Arena *arena, const PlType *t);    /* DataType.sql: STRUCT<a: INT, b: ARRAY<STRING>> (as in messages) */
Str pl_type_json(Arena *arena, const PlType *t);   /* DataType.json, with metadata */
/* StructType.treeString, as printSchema shows it ("root\n |-- a: long (nullable = true)\n"); level <= 0: no limit. */
Str pl_type_tree(Arena *arena, const PlType *t, int level);
/* Reads schema JSON (an object or a bare type name). Code: "PARSE_DATATYPE_JSON". */
const PlType *pl_type_from_json(Arena *arena, Str json, Err *err);

/* The COMMENT kept in a field's metadata; false: it has none. */
bool pl_field_comment(Arena *arena, const PlField *field, Str *ret_comment);
/* The metadata that says no more than a COMMENT. */
Str pl_comment_metadata(Arena *arena, Str comment);

/* A constant of any type. */
typedef struct PlValue PlValue;
struct PlValue {
    const PlType *type;
    bool is_null;
    int64_t i;              /* boolean (0/1), byte..long; date: days; timestamps: microseconds; day-time interval: microseconds;
                               year-month interval: months */
    double f;               /* float, double */
    __int128 dec;           /* decimal: unscaled */
    Str s;                  /* string, char, varchar, binary */
    int32_t months, days;   /* calendar interval, with i = microseconds */
    const PlValue *items;   /* array: elements; struct: fields; map: key, value, key, value… */
    size_t nitems;          /* for a map 2 × the number of entries */
};

bool pl_value_equal(const PlValue *a, const PlValue *b); /* same type and value; NULL equals NULL; NaN equals NaN */

#endif
