/* show.c - Dataset.showString and htmlString: values as text, in columns.
 *
 * The plan's columns are cast to strings (inside arrays, maps and structs too) by the engine; what Spark's ToPrettyString writes differently from a
 * cast (null as NULL, binary as hex, decimals without exponent) is done here. Lengths are Java's: in UTF-16 units.
 */
#include "connect/arrow_out.h"
#include "connect/run.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MIN = 3 };

typedef struct ShowRows {
    Arena *arena;
    const PlType *type; /* the pretty type of the rows */
    int truncate;
    VEC(Str) cells;     /* row after row; the header first */
    size_t nrows;       /* without the header */
} ShowRows;

/* The type that a column is fetched in: text at the leaves, except what is formatted here. */
static const PlType *pretty_type(Arena *arena, const PlType *type) {
    switch (type->kind) {
    case PL_TYPE_NULL:
    case PL_TYPE_BINARY:
    case PL_TYPE_STRING:
    case PL_TYPE_DECIMAL: return type;
    case PL_TYPE_ARRAY: return pl_array(arena, pretty_type(arena, type->element), type->element_nullable);
    case PL_TYPE_MAP: return pl_map(arena, pretty_type(arena, type->key), pretty_type(arena, type->element), type->element_nullable);
    case PL_TYPE_STRUCT: {
        PlField *fields = ARENA_ARRAY(arena, PlField, type->nfields);
        for (size_t i = 0; i < type->nfields; i++) {
            fields[i] = type->fields[i];
            fields[i].type = pretty_type(arena, type->fields[i].type);
        }
        return pl_struct(arena, fields, type->nfields);
    }
    case PL_TYPE_BOOLEAN:
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG:
    case PL_TYPE_FLOAT:
    case PL_TYPE_DOUBLE:
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL: break;
    }
    return &PL_STRING;
}

static uint32_t highest_id(const TrRel *rel) {
    uint32_t highest = 0;
    for (size_t i = 0; i < rel->noutput; i++) {
        highest = rel->output[i].id > highest ? rel->output[i].id : highest;
    }
    return highest;
}

/* select cast(c as pretty type) for every column, limit rows. Ids from far above, unique in the tree. */
static const TrRel *pretty_rel(Arena *arena, const TrRel *input, int64_t rows) {
    TrRel *project = ARENA_NEW(arena, TrRel), *limit = ARENA_NEW(arena, TrRel);
    TyNamed *columns = ARENA_ARRAY(arena, TyNamed, input->noutput);
    TyAttr *output = ARENA_ARRAY(arena, TyAttr, input->noutput);
    for (size_t i = 0; i < input->noutput; i++) {
        const TyAttr *attr = &input->output[i];
        const PlType *type = pretty_type(arena, attr->type);
        TxExpr *column = ARENA_NEW(arena, TxExpr), *cast = ARENA_NEW(arena, TxExpr);
        *column = (TxExpr){.tag = TX_COLUMN, .type = attr->type, .nullable = attr->nullable, .column = {.id = attr->id, .name = attr->name}};
        *cast = (TxExpr){.tag = TX_CAST, .type = type, .nullable = true, .cast = {.child = column, .mode = PL_CAST_LEGACY, .is_implicit = true}};
        output[i] = *attr;
        output[i].id = highest_id(input) + 0x20000000u + (uint32_t)i;
        output[i].type = type;
        output[i].nullable = true;
        columns[i] = (TyNamed){.attr = output[i], .expr = pl_type_equal(type, attr->type) ? column : cast};
    }
    *limit = (TrRel){.tag = TR_LIMIT, .output = input->output, .noutput = input->noutput, .input = input, .limit = {.limit = rows}};
    *project = (TrRel){.tag = TR_PROJECT, .output = output, .noutput = input->noutput, .input = limit, .project = {.columns = columns}};
    return project;
}

static void add_decimal(StrBuf *buf, const uint8_t *bytes, int scale) {
    __int128 value = 0;
    memcpy(&value, bytes, sizeof value);
    unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    char digits[48];
    int n = 0;
    for (; rest > 0 || n <= scale; rest /= 10) {
        digits[n++] = (char)('0' + (int)(rest % 10));
    }
    if (value < 0) {
        strbuf_add_char(buf, '-');
    }
    for (int i = n; i > 0; i--) {
        if (i == scale) {
            strbuf_add_char(buf, '.');
        }
        strbuf_add_char(buf, digits[i - 1]);
    }
}

static bool is_null_at(const struct ArrowArray *array, int64_t row) {
    return array->n_buffers > 0 && array->null_count != 0 && array->buffers[0] != NULL && ArrowBitGet(array->buffers[0], row) == 0;
}

static void add_value(StrBuf *buf, const struct ArrowArray *array, const PlType *type, int64_t row);

static void add_nested(StrBuf *buf, const struct ArrowArray *array, const PlType *type, int64_t row) {
    if (type->kind == PL_TYPE_STRUCT) {
        strbuf_add_char(buf, '{');
        for (size_t i = 0; i < type->nfields; i++) {
            strbuf_add_c(buf, i > 0 ? ", " : "");
            add_value(buf, array->children[i], type->fields[i].type, row);
        }
        strbuf_add_char(buf, '}');
        return;
    }
    const int32_t *offsets = array->buffers[1];
    bool is_map = type->kind == PL_TYPE_MAP;
    strbuf_add_char(buf, is_map ? '{' : '[');
    for (int32_t i = offsets[row]; i < offsets[row + 1]; i++) {
        strbuf_add_c(buf, i > offsets[row] ? ", " : "");
        const struct ArrowArray *child = array->children[0];
        if (is_map) {
            add_value(buf, child->children[0], type->key, i + child->offset);
            strbuf_add_c(buf, " -> ");
            add_value(buf, child->children[1], type->element, i + child->offset);
        } else {
            add_value(buf, child, type->element, i);
        }
    }
    strbuf_add_char(buf, is_map ? '}' : ']');
}

/* row counts from the array's own first row. */
static void add_value(StrBuf *buf, const struct ArrowArray *array, const PlType *type, int64_t row) {
    row += array->offset;
    if (type->kind == PL_TYPE_NULL || is_null_at(array, row)) {
        strbuf_add_c(buf, "NULL");
        return;
    }
    if (type->kind == PL_TYPE_DECIMAL) {
        add_decimal(buf, (const uint8_t *)array->buffers[1] + row * 16, type->scale);
        return;
    }
    if (type->kind != PL_TYPE_STRING && type->kind != PL_TYPE_BINARY) {
        add_nested(buf, array, type, row);
        return;
    }
    const int32_t *offsets = array->buffers[1];
    Str text = {(const char *)array->buffers[2] + offsets[row], (size_t)(offsets[row + 1] - offsets[row])};
    if (type->kind == PL_TYPE_STRING) {
        strbuf_add(buf, text);
        return;
    }
    strbuf_add_char(buf, '[');
    for (size_t i = 0; i < text.len; i++) {
        strbuf_fmt(buf, "%s%02X", i > 0 ? " " : "", (unsigned)(unsigned char)text.data[i]);
    }
    strbuf_add_char(buf, ']');
}

/* The code point at i; ret_size: its bytes. Text from the engine is valid UTF-8; a broken byte counts as one character. */
static uint32_t code_point(Str s, size_t i, size_t *ret_size) {
    unsigned char c = (unsigned char)s.data[i];
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    if (i + n > s.len) {
        n = 1;
    }
    uint32_t value = n == 1 ? c : c & (0xffu >> (n + 1));
    for (size_t k = 1; k < n; k++) {
        value = value << 6 | ((unsigned char)s.data[i + k] & 0x3fu);
    }
    *ret_size = n;
    return value;
}

/* Utils.stringHalfWidth: UTF-16 length, and one more for each character of East Asian width. */
static size_t half_width(Str s) {
    static const uint32_t WIDE[][2] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                                       {0xfe10, 0xfe19}, {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}};
    size_t width = 0, size = 0;
    for (size_t i = 0; i < s.len; i += size) {
        uint32_t c = code_point(s, i, &size);
        width += c >= 0x10000 ? 2 : 1;
        for (size_t k = 0; k < sizeof WIDE / sizeof WIDE[0]; k++) {
            width += c >= WIDE[k][0] && c <= WIDE[k][1] ? 1 : 0;
        }
    }
    return width;
}

/* The first n UTF-16 units; half a surrogate pair shows as '?', as Java writes it. */
static void add_units(StrBuf *buf, Str s, size_t n) {
    size_t units = 0, size = 0;
    for (size_t i = 0; i < s.len && units < n; i += size) {
        uint32_t c = code_point(s, i, &size);
        units += c >= 0x10000 ? 2 : 1;
        if (units > n) {
            strbuf_add_char(buf, '?');
        } else {
            strbuf_add(buf, (Str){s.data + i, size});
        }
    }
}

static size_t unit_length(Str s) {
    size_t units = 0, size = 0;
    for (size_t i = 0; i < s.len; i += size) {
        units += code_point(s, i, &size) >= 0x10000 ? 2 : 1;
    }
    return units;
}

/* SchemaUtils.escapeMetaCharacters */
static Str escape(Arena *arena, Str s) {
    static const char RAW[] = "\n\r\t\f\b\v\a";
    static const char SHOWN[] = "nrtfbva";
    StrBuf buf = {.arena = arena};
    for (size_t i = 0; i < s.len; i++) {
        const char *found = s.data[i] != '\0' ? strchr(RAW, s.data[i]) : NULL;
        if (found != NULL) {
            strbuf_add_char(&buf, '\\');
        }
        strbuf_add_char(&buf, found != NULL ? SHOWN[found - RAW] : s.data[i]);
    }
    return strbuf_str(&buf);
}

static void add_cell(ShowRows *rows, Str text, bool is_header) {
    Str shown = escape(rows->arena, text);
    size_t limit = rows->truncate > 0 ? (size_t)rows->truncate : 0;
    if (limit > 0 && !is_header && unit_length(shown) > limit) {
        StrBuf cut = {.arena = rows->arena};
        add_units(&cut, shown, limit < 4 ? limit : limit - 3);
        strbuf_add_c(&cut, limit < 4 ? "" : "...");
        shown = strbuf_str(&cut);
    }
    VEC_PUSH(&rows->cells, shown);
}

static bool take_rows(void *self, const struct ArrowArray *batch, Err *err) {
    (void)err;
    ShowRows *rows = self;
    for (int64_t i = 0; i < batch->length; i++) {
        for (size_t k = 0; k < rows->type->nfields; k++) {
            StrBuf text = {.arena = rows->arena};
            add_value(&text, batch->children[k], rows->type->fields[k].type, i + batch->offset);
            add_cell(rows, strbuf_str(&text), false);
        }
        rows->nrows++;
    }
    return true;
}

static void pad(StrBuf *buf, Str cell, size_t width, bool is_left) {
    size_t have = half_width(cell);
    if (!is_left) {
        strbuf_add(buf, cell);
    }
    for (; have < width; have++) {
        strbuf_add_char(buf, ' ');
    }
    if (is_left) {
        strbuf_add(buf, cell);
    }
}

static void add_separator(StrBuf *buf, const size_t *widths, size_t n) {
    strbuf_add_char(buf, '+');
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < widths[i]; k++) {
            strbuf_add_char(buf, '-');
        }
        strbuf_add_c(buf, i + 1 < n ? "+" : "");
    }
    strbuf_add_c(buf, "+\n");
}

static void add_table(StrBuf *buf, const ShowRows *rows, size_t shown) {
    size_t n = rows->type->nfields;
    size_t *widths = ARENA_ARRAY(rows->arena, size_t, n);
    for (size_t i = 0; i < n; i++) {
        widths[i] = WIDTH_MIN;
        for (size_t row = 0; row <= shown; row++) {
            size_t width = half_width(rows->cells.items[row * n + i]);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    add_separator(buf, widths, n);
    for (size_t row = 0; row <= shown; row++) {
        strbuf_add_char(buf, '|');
        for (size_t i = 0; i < n; i++) {
            pad(buf, rows->cells.items[row * n + i], widths[i], rows->truncate > 0);
            strbuf_add_c(buf, i + 1 < n ? "|" : "");
        }
        strbuf_add_c(buf, "|\n");
        if (row == 0) {
            add_separator(buf, widths, n);
        }
    }
    add_separator(buf, widths, n);
}

static void add_vertical(StrBuf *buf, const ShowRows *rows, size_t shown) {
    size_t n = rows->type->nfields;
    size_t name_width = WIDTH_MIN, data_width = WIDTH_MIN;
    for (size_t i = 0; i < n * (shown + 1); i++) {
        size_t width = half_width(rows->cells.items[i]);
        size_t *widest = i < n ? &name_width : &data_width;
        *widest = width > *widest ? width : *widest;
    }
    for (size_t row = 1; row <= shown; row++) {
        Str header = str_fmt(rows->arena, "-RECORD %zu", row - 1);
        strbuf_add(buf, header);
        for (size_t k = header.len; k < name_width + data_width + 5; k++) {
            strbuf_add_char(buf, '-');
        }
        strbuf_add_char(buf, '\n');
        for (size_t i = 0; i < n; i++) {
            strbuf_add_char(buf, ' ');
            pad(buf, rows->cells.items[i], name_width, false);
            strbuf_add_c(buf, " | ");
            pad(buf, rows->cells.items[row * n + i], data_width, false);
            strbuf_add_c(buf, i + 1 < n ? " \n" : " ");
        }
        strbuf_add_char(buf, '\n');
    }
}

static void add_html(StrBuf *buf, const ShowRows *rows, size_t shown) {
    size_t n = rows->type->nfields;
    strbuf_add_c(buf, "<table border='1'>\n");
    for (size_t row = 0; row <= shown; row++) {
        const char *tag = row == 0 ? "th" : "td";
        strbuf_add_c(buf, "<tr>");
        for (size_t i = 0; i < n; i++) {
            Str cell = rows->cells.items[row * n + i];
            strbuf_fmt(buf, "<%s>", tag);
            for (size_t k = 0; k < cell.len; k++) {
                char c = cell.data[k];
                const char *entity = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : NULL;
                if (entity != NULL) {
                    strbuf_add_c(buf, entity);
                } else {
                    strbuf_add_char(buf, c);
                }
            }
            strbuf_fmt(buf, "</%s>", tag);
        }
        if (n == 0) { /* Seq.mkString of nothing still writes its start and end */
            strbuf_fmt(buf, "<%s></%s>", tag, tag);
        }
        strbuf_add_c(buf, "</tr>\n");
    }
    strbuf_add_c(buf, "</table>\n");
}

static bool answer(CnRun *run, const char *column, Str text, Err *err) {
    Arena *arena = run->request->arena;
    PlField field = {.name = str_from_c(column), .type = &PL_STRING, .nullable = false};
    const PlType *type = pl_struct(arena, &field, 1);
    PlValue cell = {.type = &PL_STRING, .s = text};
    Str ipc = {0};
    if (!cn_arrow_rows(arena, type, &cell, 1, &ipc, err)) {
        return false;
    }
    uint8_t *bytes = malloc(ipc.len);
    if (bytes == NULL) {
        return err_set(err, ERR_INTERNAL, "out of memory");
    }
    memcpy(bytes, ipc.data, ipc.len);
    return cn_respond_arrow(run, bytes, ipc.len, 1, type, err);
}

bool cn_run_show(CnRun *run, const PrRel *plan, Err *err) {
    Arena *arena = run->request->arena;
    const TrRel *input = cn_request_analyze_plan(run->request, plan->input, err);
    if (input == NULL) {
        return false;
    }
    int64_t limit = plan->show.rows < 0 ? 0 : plan->show.rows > INT_MAX - 16 ? INT_MAX - 16 : plan->show.rows;
    const TrRel *rel = pretty_rel(arena, input, limit + 1);
    ShowRows rows = {.arena = arena, .type = pl_output_schema(arena, rel), .truncate = plan->show.truncate, .cells = {.arena = arena}};
    for (size_t i = 0; i < input->noutput; i++) {
        add_cell(&rows, input->output[i].name, true);
    }
    if (!cn_run_query(run, rel, STR("show"), take_rows, &rows, err)) {
        return false;
    }
    size_t shown = rows.nrows > (size_t)limit ? (size_t)limit : rows.nrows;
    StrBuf text = {.arena = arena};
    if (plan->tag == PR_HTML_STRING) {
        add_html(&text, &rows, shown);
    } else if (plan->show.vertical) {
        add_vertical(&text, &rows, shown);
    } else {
        add_table(&text, &rows, shown);
    }
    if (plan->tag == PR_SHOW_STRING && plan->show.vertical && shown == 0) {
        strbuf_add_c(&text, "(0 rows)\n");
    } else if (rows.nrows > shown) {
        strbuf_fmt(&text, "only showing top %lld row%s\n", (long long)limit, limit == 1 ? "" : "s");
    }
    return answer(run, plan->tag == PR_HTML_STRING ? "html_string" : "show_string", strbuf_str(&text), err);
}
