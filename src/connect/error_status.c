/* error_status.c - see error_status.h. google.rpc's two messages are small and fixed, so they are written by hand. */
#include "connect/error_status.h"

#include <string.h>

typedef struct ErrorRow {
    const char *name, *java, *sqlstate;
} ErrorRow;

/* spec/errors.tsv, sorted by name. */
static const ErrorRow ROWS[] = {
#include "gen/errors.inc"
};

/* What an exception class extends, so that clients that look for a general class find it too. */
static const struct {
    const char *java, *parent;
} PARENTS[] = {
    {"org.apache.spark.sql.catalyst.parser.ParseException", "org.apache.spark.sql.AnalysisException"},
    {"org.apache.spark.sql.AnalysisException", "java.lang.Exception"},
    {"org.apache.spark.SparkException", "java.lang.Exception"},
    {"org.apache.spark.SparkArithmeticException", "java.lang.ArithmeticException"},
    {"java.lang.ArithmeticException", "java.lang.RuntimeException"},
    {"org.apache.spark.SparkRuntimeException", "java.lang.RuntimeException"},
    {"org.apache.spark.SparkNumberFormatException", "java.lang.NumberFormatException"},
    {"java.lang.NumberFormatException", "java.lang.IllegalArgumentException"},
    {"java.lang.IllegalArgumentException", "java.lang.RuntimeException"},
    {"org.apache.spark.SparkIllegalArgumentException", "java.lang.IllegalArgumentException"},
    {"org.apache.spark.SparkDateTimeException", "java.time.DateTimeException"},
    {"java.time.DateTimeException", "java.lang.RuntimeException"},
    {"org.apache.spark.SparkArrayIndexOutOfBoundsException", "java.lang.ArrayIndexOutOfBoundsException"},
    {"java.lang.ArrayIndexOutOfBoundsException", "java.lang.IndexOutOfBoundsException"},
    {"java.lang.IndexOutOfBoundsException", "java.lang.RuntimeException"},
    {"org.apache.spark.SparkUnsupportedOperationException", "java.lang.UnsupportedOperationException"},
    {"java.lang.UnsupportedOperationException", "java.lang.RuntimeException"},
    {"org.apache.spark.SparkUpgradeException", "java.lang.RuntimeException"},
    {"org.apache.spark.SparkSQLException", "java.sql.SQLException"},
    {"java.sql.SQLException", "java.lang.Exception"},
    {"org.apache.spark.SparkFileNotFoundException", "java.io.FileNotFoundException"},
    {"java.io.FileNotFoundException", "java.io.IOException"},
    {"java.io.IOException", "java.lang.Exception"},
    {"org.apache.spark.SparkClassNotFoundException", "java.lang.ClassNotFoundException"},
    {"java.lang.ClassNotFoundException", "java.lang.Exception"},
    {"org.apache.spark.api.python.PythonException", "java.lang.RuntimeException"},
    {"java.util.NoSuchElementException", "java.lang.RuntimeException"},
    {"java.lang.RuntimeException", "java.lang.Exception"},
    {"java.lang.Exception", "java.lang.Throwable"},
    {"java.lang.Throwable", "java.lang.Object"},
};

static const ErrorRow *find_row(Str name) {
    size_t low = 0, high = sizeof ROWS / sizeof ROWS[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(name, str_from_c(ROWS[middle].name));
        if (order == 0) {
            return &ROWS[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* The row of the class itself, else of the part before its first dot. */
static const ErrorRow *find_class(const char *code) {
    Str name = str_from_c(code);
    const ErrorRow *row = find_row(name);
    if (row == NULL) {
        size_t dot = 0;
        while (dot < name.len && name.data[dot] != '.') {
            dot++;
        }
        row = find_row(str_slice(name, 0, dot));
    }
    return row;
}

const char *cn_error_java(const char *code) {
    const ErrorRow *row = find_class(code);
    return row != NULL ? row->java : "org.apache.spark.SparkException";
}

const char *cn_error_sqlstate(const char *code) {
    const ErrorRow *row = find_class(code);
    return row != NULL ? row->sqlstate : "";
}

static void add_varint(StrBuf *buf, uint64_t value) {
    while (value >= 0x80) {
        strbuf_add_char(buf, (char)(value | 0x80));
        value >>= 7;
    }
    strbuf_add_char(buf, (char)value);
}

static void add_field(StrBuf *buf, unsigned number, Str bytes) {
    add_varint(buf, (uint64_t)number << 3 | 2);
    add_varint(buf, bytes.len);
    strbuf_add(buf, bytes);
}

static void add_entry(Arena *arena, StrBuf *info, const char *key, Str value) {
    StrBuf entry = {.arena = arena};
    add_field(&entry, 1, str_from_c(key));
    add_field(&entry, 2, value);
    add_field(info, 3, strbuf_str(&entry));
}

/* The class and all it extends, as a JSON array. */
static Str class_chain(Arena *arena, const char *java) {
    StrBuf json = {.arena = arena};
    strbuf_fmt(&json, "[\"%s\"", java);
    for (const char *at = java; at != NULL;) {
        const char *parent = NULL;
        for (size_t i = 0; i < sizeof PARENTS / sizeof PARENTS[0] && parent == NULL; i++) {
            if (strcmp(PARENTS[i].java, at) == 0) {
                parent = PARENTS[i].parent;
            }
        }
        if (parent != NULL) {
            strbuf_fmt(&json, ",\"%s\"", parent);
        }
        at = parent;
    }
    strbuf_add_char(&json, ']');
    return strbuf_str(&json);
}

/* Valid UTF-8 of at most 2,048 bytes that ends in "..." where it was cut; invalid bytes become '?', since protobuf strings must be UTF-8. */
static Str shown_message(Arena *arena, const Err *err) {
    enum { LIMIT = 2048 };
    Str code = str_from_c(err->code);
    Str text = str_from_c(err->message);
    StrBuf buf = {.arena = arena};
    Str mark = str_fmt(arena, "[%.*s]", STR_ARG(code));
    Str parser_mark = str_fmt(arena, "\n%.*s", STR_ARG(mark)); /* Spark's parser puts a line break in front, and leaves out old classes */
    bool is_marked = str_starts_with(text, mark) || str_starts_with(text, parser_mark) || str_starts_with(code, STR("_LEGACY_"));
    if (code.len > 0 && !is_marked && !str_eq(code, STR("PARSE_EMPTY_STATEMENT"))) {
        strbuf_fmt(&buf, "%.*s ", STR_ARG(mark));
    }
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.data[i];
        size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
        bool is_whole = n > 0 && i + n <= text.len;
        for (size_t k = 1; is_whole && k < n; k++) {
            is_whole = ((unsigned char)text.data[i + k] & 0xc0) == 0x80;
        }
        if (buf.len + (is_whole ? n : 1) > LIMIT - 3) {
            strbuf_add_c(&buf, "...");
            break;
        }
        if (is_whole) {
            strbuf_add(&buf, (Str){text.data + i, n});
            i += n;
        } else {
            strbuf_add_char(&buf, '?');
            i++;
        }
    }
    return strbuf_str(&buf);
}

CnErrorStatus cn_error_status(Arena *arena, const Err *err) {
    const char *java = cn_error_java(err->code);
    Str message = shown_message(arena, err);
    StrBuf info = {.arena = arena};
    add_field(&info, 1, str_from_c(java));
    add_field(&info, 2, STR("org.apache.spark"));
    add_entry(arena, &info, "classes", class_chain(arena, java));
    add_entry(arena, &info, "errorClass", str_from_c(err->code));
    if (cn_error_sqlstate(err->code)[0] != '\0') {
        add_entry(arena, &info, "sqlState", str_from_c(cn_error_sqlstate(err->code)));
    }
    StrBuf any = {.arena = arena};
    add_field(&any, 1, STR("type.googleapis.com/google.rpc.ErrorInfo"));
    add_field(&any, 2, strbuf_str(&info));
    StrBuf status = {.arena = arena};
    add_varint(&status, 1 << 3);
    add_varint(&status, 13);
    add_field(&status, 2, message);
    add_field(&status, 3, strbuf_str(&any));
    return (CnErrorStatus){.message = message, .details = strbuf_str(&status)};
}
