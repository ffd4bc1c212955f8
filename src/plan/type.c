/* type.c - see type.h: the types' constants and constructors, equality, and their text in every form.
 *
 * Invariant: nothing here recurses deeper than a type is nested; whoever makes types from text limits that depth.
 */
#include "plan/type.h"

#include <math.h>

#define X(tag, json, simple) const PlType PL_##tag = {.kind = PL_TYPE_##tag};
PL_SCALAR_TYPES(X)
#undef X
const PlType PL_DAY_TIME = {.kind = PL_TYPE_DAY_TIME_INTERVAL, .start = 0, .end = 3};
const PlType PL_YEAR_MONTH = {.kind = PL_TYPE_YEAR_MONTH_INTERVAL, .start = 0, .end = 1};
const PlType PL_DECIMAL_USER = {.kind = PL_TYPE_DECIMAL, .precision = 10, .scale = 0};

const PlType *pl_decimal(Arena *arena, int precision, int scale) {
    PlType *t = ARENA_NEW(arena, PlType);
    *t = (PlType){.kind = PL_TYPE_DECIMAL, .precision = precision, .scale = scale};
    return t;
}

const PlType *pl_array(Arena *arena, const PlType *element, bool element_nullable) {
    PlType *t = ARENA_NEW(arena, PlType);
    *t = (PlType){.kind = PL_TYPE_ARRAY, .element = element, .element_nullable = element_nullable};
    return t;
}

const PlType *pl_map(Arena *arena, const PlType *key, const PlType *value, bool value_nullable) {
    PlType *t = ARENA_NEW(arena, PlType);
    *t = (PlType){.kind = PL_TYPE_MAP, .key = key, .element = value, .element_nullable = value_nullable};
    return t;
}

const PlType *pl_struct(Arena *arena, const PlField *borrowed_fields, size_t nfields) {
    PlField *fields = ARENA_ARRAY(arena, PlField, nfields);
    for (size_t i = 0; i < nfields; i++) {
        fields[i] = borrowed_fields[i];
    }
    PlType *t = ARENA_NEW(arena, PlType);
    *t = (PlType){.kind = PL_TYPE_STRUCT, .fields = fields, .nfields = nfields};
    return t;
}

/* Both equalities in one walk; exact: nullability, case of names and metadata count. */
static bool type_matches(const PlType *a, const PlType *b, bool exact) {
    if (a == b) {
        return true;
    }
    if (a->kind != b->kind || a->precision != b->precision || a->scale != b->scale || a->length != b->length ||
        a->start != b->start || a->end != b->end || a->nfields != b->nfields) {
        return false;
    }
    if (exact && a->element_nullable != b->element_nullable) {
        return false;
    }
    if ((a->key != NULL && !type_matches(a->key, b->key, exact)) ||
        (a->element != NULL && !type_matches(a->element, b->element, exact))) {
        return false;
    }
    for (size_t i = 0; i < a->nfields; i++) {
        const PlField *fa = &a->fields[i];
        const PlField *fb = &b->fields[i];
        bool named = exact ? str_eq(fa->name, fb->name) : str_eq_nocase(fa->name, fb->name);
        if (!named || !type_matches(fa->type, fb->type, exact)) {
            return false;
        }
        if (exact && (fa->nullable != fb->nullable || !str_eq(fa->metadata_json, fb->metadata_json))) {
            return false;
        }
    }
    return true;
}

bool pl_type_equal(const PlType *a, const PlType *b) {
    return type_matches(a, b, true);
}

bool pl_type_same(const PlType *a, const PlType *b) {
    return type_matches(a, b, false);
}

bool pl_type_is_integral(const PlType *t) {
    return t->kind == PL_TYPE_BYTE || t->kind == PL_TYPE_SHORT || t->kind == PL_TYPE_INT || t->kind == PL_TYPE_LONG;
}

bool pl_type_is_numeric(const PlType *t) {
    return pl_type_is_integral(t) || t->kind == PL_TYPE_FLOAT || t->kind == PL_TYPE_DOUBLE || t->kind == PL_TYPE_DECIMAL;
}

bool pl_type_is_atomic(const PlType *t) {
    return t->kind != PL_TYPE_ARRAY && t->kind != PL_TYPE_MAP && t->kind != PL_TYPE_STRUCT && t->kind != PL_TYPE_NULL;
}

static const char *const DAY_TIME_UNITS[] = {"day", "hour", "minute", "second"};
static const char *const YEAR_MONTH_UNITS[] = {"year", "month"};

/* "interval day to second"; one unit when start and end are the same. */
static void add_interval(StrBuf *buf, const char *const *units, const PlType *t) {
    if (t->start == t->end) {
        strbuf_fmt(buf, "interval %s", units[t->start]);
    } else {
        strbuf_fmt(buf, "interval %s to %s", units[t->start], units[t->end]);
    }
}

/* Whether a name can stand in SQL as it is: word characters, not digits alone. */
static bool is_plain_name(Str name) {
    bool has_other_than_digit = false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_') {
            return false;
        }
        has_other_than_digit = has_other_than_digit || !is_digit;
    }
    return has_other_than_digit;
}

static void add_quoted_if_needed(StrBuf *buf, Str name) {
    if (is_plain_name(name)) {
        strbuf_add(buf, name);
        return;
    }
    strbuf_add_char(buf, '`');
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '`') {
            strbuf_add_char(buf, '`');
        }
        strbuf_add_char(buf, name.data[i]);
    }
    strbuf_add_char(buf, '`');
}

/* "string" with JSON's escapes. */
static void add_json_string(StrBuf *buf, Str s) {
    strbuf_add_char(buf, '"');
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (c == '"' || c == '\\') {
            strbuf_add_char(buf, '\\');
            strbuf_add_char(buf, c);
        } else if (c == '\n') {
            strbuf_add_c(buf, "\\n");
        } else if (c == '\r') {
            strbuf_add_c(buf, "\\r");
        } else if (c == '\t') {
            strbuf_add_c(buf, "\\t");
        } else if (c == '\b') {
            strbuf_add_c(buf, "\\b");
        } else if (c == '\f') {
            strbuf_add_c(buf, "\\f");
        } else if ((unsigned char)c < 0x20) {
            strbuf_fmt(buf, "\\u%04X", (unsigned)(unsigned char)c);
        } else {
            strbuf_add_char(buf, c);
        }
    }
    strbuf_add_char(buf, '"');
}

/* The ways to write a type, and what stands between its parts. */
typedef enum Form { SIMPLE, SQL, JSON } Form;

static const struct {
    const char *array, *map, *value, *structure, *next, *type, *end, *structure_end;
} WORDS[] = {
    [SIMPLE] = {"array<", "map<", ",", "struct<", ",", ":", ">", ">"},
    [SQL] = {"ARRAY<", "MAP<", ", ", "STRUCT<", ", ", ": ", ">", ">"},
    [JSON] = {"{\"type\":\"array\",\"elementType\":", "{\"type\":\"map\",\"keyType\":", ",\"valueType\":", "{\"type\":\"struct\",\"fields\":[", ",",
              ",\"type\":", "}", "]}"},
};

static void add_flag(StrBuf *buf, const char *key, bool value) {
    strbuf_fmt(buf, ",\"%s\":%s", key, value ? "true" : "false");
}

/* The name of a type that holds no others, as schema JSON or simpleString has it. */
static void add_name(StrBuf *buf, const PlType *t, bool is_json) {
    switch (t->kind) {
#define X(tag, json, simple)                                                                                                     \
    case PL_TYPE_##tag:                                                                                                          \
        strbuf_add_c(buf, is_json ? json : simple);                                                                              \
        return;
        PL_SCALAR_TYPES(X)
#undef X
    case PL_TYPE_DECIMAL:
        strbuf_fmt(buf, "decimal(%d,%d)", t->precision, t->scale);
        return;
    case PL_TYPE_CHAR:
        strbuf_fmt(buf, "char(%d)", t->length);
        return;
    case PL_TYPE_VARCHAR:
        strbuf_fmt(buf, "varchar(%d)", t->length);
        return;
    case PL_TYPE_DAY_TIME_INTERVAL:
        add_interval(buf, DAY_TIME_UNITS, t);
        return;
    case PL_TYPE_YEAR_MONTH_INTERVAL:
        add_interval(buf, YEAR_MONTH_UNITS, t);
        return;
    case PL_TYPE_ARRAY:
        strbuf_add_c(buf, "array");
        return;
    case PL_TYPE_MAP:
        strbuf_add_c(buf, "map");
        return;
    case PL_TYPE_STRUCT:
        strbuf_add_c(buf, "struct");
        return;
    }
}

static void add_type(StrBuf *buf, const PlType *t, Form form);

static void add_comment(StrBuf *buf, const PlField *field) {
    Str comment;
    if (!pl_field_comment(buf->arena, field, &comment)) {
        return;
    }
    strbuf_add_c(buf, " COMMENT '");
    for (size_t k = 0; k < comment.len; k++) {
        if (comment.data[k] == '\'') {
            strbuf_add_char(buf, '\\');
        }
        strbuf_add_char(buf, comment.data[k]);
    }
    strbuf_add_char(buf, '\'');
}

static void add_field(StrBuf *buf, const PlField *field, Form form) {
    if (form == JSON) {
        strbuf_add_c(buf, "{\"name\":");
        add_json_string(buf, field->name);
    } else if (form == SQL) {
        add_quoted_if_needed(buf, field->name);
    } else {
        strbuf_add(buf, field->name);
    }
    strbuf_add_c(buf, WORDS[form].type);
    add_type(buf, field->type, form);
    if (form == SQL) {
        add_comment(buf, field);
    }
    if (form == JSON) {
        add_flag(buf, "nullable", field->nullable);
        strbuf_add_c(buf, ",\"metadata\":");
        strbuf_add(buf, field->metadata_json.len > 0 ? field->metadata_json : STR("{}"));
        strbuf_add_char(buf, '}');
    }
}

static void add_type(StrBuf *buf, const PlType *t, Form form) {
    bool is_map = t->kind == PL_TYPE_MAP;
    if (is_map || t->kind == PL_TYPE_ARRAY) {
        strbuf_add_c(buf, is_map ? WORDS[form].map : WORDS[form].array);
        if (is_map) {
            add_type(buf, t->key, form);
            strbuf_add_c(buf, WORDS[form].value);
        }
        add_type(buf, t->element, form);
        if (form == JSON) {
            add_flag(buf, is_map ? "valueContainsNull" : "containsNull", t->element_nullable);
        }
        strbuf_add_c(buf, WORDS[form].end);
        return;
    }
    if (t->kind == PL_TYPE_STRUCT) {
        strbuf_add_c(buf, WORDS[form].structure);
        for (size_t i = 0; i < t->nfields; i++) {
            strbuf_add_c(buf, i > 0 ? WORDS[form].next : "");
            add_field(buf, &t->fields[i], form);
        }
        strbuf_add_c(buf, WORDS[form].structure_end);
        return;
    }
    if (form == SQL) {
        StrBuf name = {.arena = buf->arena};
        add_name(&name, t, false);
        strbuf_add(buf, str_upper(buf->arena, strbuf_str(&name)));
        return;
    }
    strbuf_add_c(buf, form == JSON ? "\"" : "");
    add_name(buf, t, form == JSON);
    strbuf_add_c(buf, form == JSON ? "\"" : "");
}

static Str type_text(Arena *arena, const PlType *t, Form form) {
    StrBuf buf = {.arena = arena};
    add_type(&buf, t, form);
    return strbuf_str(&buf);
}

Str pl_type_simple(Arena *arena, const PlType *t) {
    return type_text(arena, t, SIMPLE);
}

Str pl_type_sql(Arena *arena, const PlType *t) {
    return type_text(arena, t, SQL);
}

Str pl_type_json(Arena *arena, const PlType *t) {
    return type_text(arena, t, JSON);
}

Str pl_comment_metadata(Arena *arena, Str comment) {
    StrBuf buf = {.arena = arena};
    strbuf_add_c(&buf, "{\"comment\":");
    add_json_string(&buf, comment);
    strbuf_add_char(&buf, '}');
    return strbuf_str(&buf);
}

/* A field's name on one line of a tree: control characters as escapes, as Spark shows them. */
static void add_tree_name(StrBuf *buf, Str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        const char *escape = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : c == '\f' ? "\\f" : c == '\b' ? "\\b" :
                             c == '\v' ? "\\v" : c == '\a' ? "\\a" : NULL;
        if (escape != NULL) {
            strbuf_add_c(buf, escape);
        } else {
            strbuf_add_char(buf, c);
        }
    }
}

static void add_tree(StrBuf *buf, const PlType *t, Str prefix, int level);

/* One line "prefix-- what: type (nullness = …)" and the type's insides below it. is_null NULL: the line has no such note. */
static void add_tree_line(StrBuf *buf, Str prefix, Str what, const PlType *t, const char *note, bool note_value, int level) {
    strbuf_add(buf, prefix);
    strbuf_add_c(buf, "-- ");
    add_tree_name(buf, what);
    strbuf_add_c(buf, ": ");
    add_name(buf, t, true);
    if (note != NULL) {
        strbuf_fmt(buf, " (%s = %s)", note, note_value ? "true" : "false");
    }
    strbuf_add_char(buf, '\n');
    add_tree(buf, t, str_fmt(buf->arena, "%.*s    |", STR_ARG(prefix)), level - 1);
}

static void add_tree(StrBuf *buf, const PlType *t, Str prefix, int level) {
    if (level <= 0) {
        return;
    }
    if (t->kind == PL_TYPE_ARRAY) {
        add_tree_line(buf, prefix, STR("element"), t->element, "containsNull", t->element_nullable, level);
    } else if (t->kind == PL_TYPE_MAP) {
        add_tree_line(buf, prefix, STR("key"), t->key, NULL, false, level);
        add_tree_line(buf, prefix, STR("value"), t->element, "valueContainsNull", t->element_nullable, level);
    } else if (t->kind == PL_TYPE_STRUCT) {
        for (size_t i = 0; i < t->nfields; i++) {
            const PlField *field = &t->fields[i];
            add_tree_line(buf, prefix, field->name, field->type, "nullable", field->nullable, level);
        }
    }
}

Str pl_type_tree(Arena *arena, const PlType *t, int level) {
    StrBuf buf = {.arena = arena};
    strbuf_add_c(&buf, "root\n");
    add_tree(&buf, t, STR(" |"), level > 0 ? level : INT32_MAX);
    return strbuf_str(&buf);
}

/* The payload of two values of one kind that are not NULL. */
static bool payload_equal(const PlValue *a, const PlValue *b) {
    switch (a->type->kind) {
    case PL_TYPE_NULL:
        return true;
    case PL_TYPE_BOOLEAN:
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG:
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL:
        return a->i == b->i;
    case PL_TYPE_FLOAT:
    case PL_TYPE_DOUBLE:
        return a->f == b->f || (isnan(a->f) && isnan(b->f));
    case PL_TYPE_DECIMAL:
        return a->dec == b->dec;
    case PL_TYPE_STRING:
    case PL_TYPE_BINARY:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
        return str_eq(a->s, b->s);
    case PL_TYPE_CALENDAR_INTERVAL:
        return a->months == b->months && a->days == b->days && a->i == b->i;
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT:
        if (a->nitems != b->nitems) {
            return false;
        }
        for (size_t k = 0; k < a->nitems; k++) {
            if (!pl_value_equal(&a->items[k], &b->items[k])) {
                return false;
            }
        }
        return true;
    }
    return false;
}

bool pl_value_equal(const PlValue *a, const PlValue *b) {
    if (!pl_type_equal(a->type, b->type) || a->is_null != b->is_null) {
        return false;
    }
    return a->is_null || payload_equal(a, b);
}
