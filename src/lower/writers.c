/* lower/writers.c - functions whose SQL depends on their arguments' types or values: the @names of the lower column.
 *
 * Used by call.c. Invariant: one entry of the table for each @name of spec/functions; unit tests check that none is missing.
 */
#include "lower/lo_internal.h"

static bool is_floating(const PlType *type) {
    return type->kind == PL_TYPE_FLOAT || type->kind == PL_TYPE_DOUBLE;
}

static void write_infix(Lo *lo, StrBuf *out, const LoCall *call, const char *symbol) {
    strbuf_add_char(out, '(');
    lo_write_expr(lo, out, call->args[0]);
    strbuf_fmt(out, " %s ", symbol);
    lo_write_expr(lo, out, call->args[1]);
    strbuf_add_char(out, ')');
}

static void write_function(Lo *lo, StrBuf *out, const LoCall *call, const char *name) {
    strbuf_fmt(out, "%s(", name);
    for (size_t i = 0; i < call->nargs; i++) {
        strbuf_add_c(out, i > 0 ? ", " : "");
        lo_write_expr(lo, out, call->args[i]);
    }
    strbuf_add_char(out, ')');
}

static void write_kernel(Lo *lo, StrBuf *out, const LoCall *call, const char *family) {
    write_function(lo, out, call, str_to_c(lo->arena, lo_kernel(lo, family, call->type)));
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

/* Addition and subtraction of decimals: exact in DuckDB as long as the exact result type fits. */
static bool write_decimal_sum(Lo *lo, StrBuf *out, const LoCall *call, const char *symbol) {
    const PlType *a = call->args[0]->type;
    const PlType *b = call->args[1]->type;
    int scale = larger(a->scale, b->scale);
    int precision = larger(a->precision - a->scale, b->precision - b->scale) + scale;
    if (precision + 1 > 38) {
        return false;
    }
    Str left = lo_expr(lo, call->args[0]);
    Str right = lo_expr(lo, call->args[1]);
    strbuf_fmt(out, "CAST((CAST(%.*s AS DECIMAL(%d,%d)) %s CAST(%.*s AS DECIMAL(%d,%d))) AS %.*s)", STR_ARG(left), precision, scale, symbol,
               STR_ARG(right), precision, scale, STR_ARG(lo_duckdb_type(lo->arena, call->type)));
    return true;
}

static void write_arithmetic(Lo *lo, StrBuf *out, const LoCall *call, const char *symbol, const char *integral, const char *decimal) {
    if (pl_type_is_integral(call->type)) {
        write_function(lo, out, call, integral);
    } else if (call->type->kind == PL_TYPE_DECIMAL) {
        if (symbol[0] == '*' || !write_decimal_sum(lo, out, call, symbol)) {
            write_kernel(lo, out, call, decimal);
        }
    } else {
        write_infix(lo, out, call, symbol);
    }
}

static void write_add(Lo *lo, StrBuf *out, const LoCall *call) {
    write_arithmetic(lo, out, call, "+", "spark_add", "decimal_add");
}

static void write_subtract(Lo *lo, StrBuf *out, const LoCall *call) {
    write_arithmetic(lo, out, call, "-", "spark_subtract", "decimal_subtract");
}

static void write_multiply(Lo *lo, StrBuf *out, const LoCall *call) {
    const PlType *type = call->type;
    if (type->kind == PL_TYPE_DECIMAL && call->args[0]->type->precision + call->args[1]->type->precision < 38) {
        strbuf_add_c(out, "CAST(");
        write_infix(lo, out, call, "*");
        strbuf_fmt(out, " AS %.*s)", STR_ARG(lo_duckdb_type(lo->arena, type)));
        return;
    }
    write_arithmetic(lo, out, call, "*", "spark_multiply", "decimal_multiply");
}

/* Whole numbers that do not fit give null; the rest is as without try_. */
static void write_try(Lo *lo, StrBuf *out, const LoCall *call, LoWriter *plain, const char *symbol) {
    if (pl_type_is_integral(call->type)) {
        strbuf_add_c(out, "TRY_CAST((CAST(");
        lo_write_expr(lo, out, call->args[0]);
        strbuf_fmt(out, " AS HUGEINT) %s CAST(", symbol);
        lo_write_expr(lo, out, call->args[1]);
        strbuf_fmt(out, " AS HUGEINT)) AS %.*s)", STR_ARG(lo_duckdb_type(lo->arena, call->type)));
    } else {
        plain(lo, out, call);
    }
}

static void write_try_add(Lo *lo, StrBuf *out, const LoCall *call) {
    write_try(lo, out, call, write_add, "+");
}

static void write_try_subtract(Lo *lo, StrBuf *out, const LoCall *call) {
    write_try(lo, out, call, write_subtract, "-");
}

static void write_try_multiply(Lo *lo, StrBuf *out, const LoCall *call) {
    write_try(lo, out, call, write_multiply, "*");
}

static void write_divide(Lo *lo, StrBuf *out, const LoCall *call) {
    if (is_floating(call->type)) {
        strbuf_add_char(out, '(');
        lo_write_expr(lo, out, call->args[0]);
        strbuf_add_c(out, " / nullif(");
        lo_write_expr(lo, out, call->args[1]);
        strbuf_add_c(out, ", 0))");
    } else {
        write_kernel(lo, out, call, "decimal_divide");
    }
}

static void write_remainder(Lo *lo, StrBuf *out, const LoCall *call) {
    if (call->type->kind == PL_TYPE_DECIMAL) {
        write_kernel(lo, out, call, "decimal_remainder");
    } else {
        write_function(lo, out, call, "spark_remainder");
    }
}

static void write_pmod(Lo *lo, StrBuf *out, const LoCall *call) {
    if (call->type->kind == PL_TYPE_DECIMAL) {
        write_kernel(lo, out, call, "decimal_pmod");
    } else {
        write_function(lo, out, call, "spark_pmod");
    }
}

static void write_integral_divide(Lo *lo, StrBuf *out, const LoCall *call) {
    if (call->args[0]->type->kind == PL_TYPE_DECIMAL) {
        write_function(lo, out, call, "spark_decimal_div");
    } else {
        strbuf_add_c(out, "spark_div(CAST(");
        lo_write_expr(lo, out, call->args[0]);
        strbuf_add_c(out, " AS BIGINT), CAST(");
        lo_write_expr(lo, out, call->args[1]);
        strbuf_add_c(out, " AS BIGINT))");
    }
}

static void write_negative(Lo *lo, StrBuf *out, const LoCall *call) {
    if (pl_type_is_integral(call->type)) {
        write_function(lo, out, call, "spark_negative");
    } else {
        strbuf_add_c(out, "CAST((- ");
        lo_write_expr(lo, out, call->args[0]);
        strbuf_fmt(out, ") AS %.*s)", STR_ARG(lo_duckdb_type(lo->arena, call->type)));
    }
}

static void write_abs(Lo *lo, StrBuf *out, const LoCall *call) {
    if (pl_type_is_integral(call->type)) {
        write_function(lo, out, call, "spark_abs");
    } else {
        write_function(lo, out, call, "abs");
    }
}

/* A constant pattern without the escape character is plain LIKE, which DuckDB turns into prefix and substring tests. */
static void write_like_as(Lo *lo, StrBuf *out, const LoCall *call, const char *word) {
    const TxExpr *pattern = call->args[1];
    bool has_escape = call->nargs > 2;
    bool is_plain = !has_escape && pattern->tag == TX_LITERAL && !pattern->literal->is_null &&
                    !str_contains(pattern->literal->s, STR("\\"));
    strbuf_add_char(out, '(');
    lo_write_expr(lo, out, call->args[0]);
    strbuf_fmt(out, " %s ", word);
    lo_write_expr(lo, out, pattern);
    if (!is_plain) {
        strbuf_add_c(out, " ESCAPE ");
        if (has_escape) {
            lo_write_expr(lo, out, call->args[2]);
        } else {
            strbuf_add_c(out, "'\\'");
        }
    }
    strbuf_add_char(out, ')');
}

static void write_like(Lo *lo, StrBuf *out, const LoCall *call) {
    write_like_as(lo, out, call, "LIKE");
}

static void write_ilike(Lo *lo, StrBuf *out, const LoCall *call) {
    write_like_as(lo, out, call, "ILIKE");
}

/* floor and ceil: of a decimal a decimal, of an integer itself, of a double a long. */
static void write_whole(Lo *lo, StrBuf *out, const LoCall *call, const char *family, const char *kernel) {
    const PlType *type = call->args[0]->type;
    if (call->nargs > 1) {
        lo_not_supported(lo, "with a scale, the function", str_from_c(call->fn->name));
    } else if (type->kind == PL_TYPE_DECIMAL) {
        write_kernel(lo, out, call, family);
    } else if (is_floating(type)) {
        strbuf_fmt(out, "%s(CAST(", kernel);
        lo_write_expr(lo, out, call->args[0]);
        strbuf_add_c(out, " AS DOUBLE))");
    } else {
        lo_write_cast(lo, out, lo_expr(lo, call->args[0]), type, call->type, PL_CAST_LEGACY);
    }
}

static void write_floor(Lo *lo, StrBuf *out, const LoCall *call) {
    write_whole(lo, out, call, "decimal_floor", "spark_floor");
}

static void write_ceil(Lo *lo, StrBuf *out, const LoCall *call) {
    write_whole(lo, out, call, "decimal_ceil", "spark_ceil");
}

static void write_rounding(Lo *lo, StrBuf *out, const LoCall *call, const char *family, const char *kernel) {
    const PlType *type = call->args[0]->type;
    if (type->kind == PL_TYPE_DECIMAL) {
        strbuf_fmt(out, "%s(", str_to_c(lo->arena, lo_kernel(lo, family, call->type)));
    } else {
        strbuf_fmt(out, "%s(", kernel);
    }
    lo_write_expr(lo, out, call->args[0]);
    strbuf_add_c(out, ", ");
    if (call->nargs > 1) {
        lo_write_expr(lo, out, call->args[1]);
    } else {
        strbuf_add_c(out, "CAST(0 AS INTEGER)");
    }
    strbuf_add_char(out, ')');
}

static void write_round(Lo *lo, StrBuf *out, const LoCall *call) {
    write_rounding(lo, out, call, "decimal_round", "spark_round");
}

static void write_bround(Lo *lo, StrBuf *out, const LoCall *call) {
    write_rounding(lo, out, call, "decimal_bround", "spark_bround");
}

static void write_concat(Lo *lo, StrBuf *out, const LoCall *call) {
    bool is_list = call->type->kind == PL_TYPE_ARRAY;
    if (call->nargs == 0) {
        strbuf_add_c(out, "''");
        return;
    }
    if (!is_list) {
        strbuf_add_char(out, '(');
        for (size_t i = 0; i < call->nargs; i++) {
            strbuf_add_c(out, i > 0 ? " || " : "");
            lo_write_expr(lo, out, call->args[i]);
        }
        strbuf_add_char(out, ')');
        return;
    }
    /* list_concat takes a null list for an empty one; Spark's concat is null then. */
    strbuf_add_c(out, "(CASE WHEN ");
    for (size_t i = 0; i < call->nargs; i++) {
        strbuf_add_c(out, i > 0 ? " AND (" : "(");
        lo_write_expr(lo, out, call->args[i]);
        strbuf_add_c(out, ") IS NOT NULL");
    }
    strbuf_add_c(out, " THEN ");
    write_function(lo, out, call, "list_concat");
    strbuf_add_c(out, " END)");
}

static void write_length(Lo *lo, StrBuf *out, const LoCall *call) {
    bool is_binary = call->args[0]->type->kind == PL_TYPE_BINARY;
    strbuf_add_c(out, "CAST(");
    write_function(lo, out, call, is_binary ? "octet_length" : "length");
    strbuf_add_c(out, " AS INTEGER)");
}

/* -1 for null, as spark.sql.legacy.sizeOfNull has it while ANSI is off. */
static void write_size(Lo *lo, StrBuf *out, const LoCall *call) {
    bool is_map = call->args[0]->type->kind == PL_TYPE_MAP;
    strbuf_add_c(out, "coalesce(CAST(");
    write_function(lo, out, call, is_map ? "cardinality" : "len");
    strbuf_add_c(out, " AS INTEGER), -1)");
}

static void write_fields(Lo *lo, StrBuf *out, const LoCall *call, size_t from, size_t step) {
    strbuf_add_c(out, call->nargs <= from ? "struct_pack(f := false" : "struct_pack(");
    size_t field = 0;
    for (size_t i = from; i < call->nargs; i += step) {
        strbuf_fmt(out, "%sf%zu := ", field > 0 ? ", " : "", field);
        field++;
        lo_write_expr(lo, out, call->args[i]);
    }
    strbuf_add_char(out, ')');
}

static void write_struct(Lo *lo, StrBuf *out, const LoCall *call) {
    write_fields(lo, out, call, 0, 1);
}

static void write_named_struct(Lo *lo, StrBuf *out, const LoCall *call) {
    write_fields(lo, out, call, 1, 2);
}

static void write_map(Lo *lo, StrBuf *out, const LoCall *call) {
    strbuf_add_c(out, "CAST(map(");
    for (size_t part = 0; part < 2; part++) {
        strbuf_add_c(out, part > 0 ? ", [" : "[");
        for (size_t i = part; i < call->nargs; i += 2) {
            strbuf_add_c(out, i > part ? ", " : "");
            lo_write_expr(lo, out, call->args[i]);
        }
        strbuf_add_char(out, ']');
    }
    strbuf_fmt(out, ") AS %.*s)", STR_ARG(lo_duckdb_type(lo->arena, call->type)));
}

static void write_array(Lo *lo, StrBuf *out, const LoCall *call) {
    strbuf_add_c(out, "CAST([");
    for (size_t i = 0; i < call->nargs; i++) {
        strbuf_add_c(out, i > 0 ? ", " : "");
        lo_write_expr(lo, out, call->args[i]);
    }
    strbuf_fmt(out, "] AS %.*s)", STR_ARG(lo_duckdb_type(lo->arena, call->type)));
}

static void write_log(Lo *lo, StrBuf *out, const LoCall *call) {
    write_function(lo, out, call, call->nargs == 1 ? "spark_ln" : "spark_log_base");
}

static void write_octets(Lo *lo, StrBuf *out, const LoCall *call, const char *times) {
    bool is_binary = call->args[0]->type->kind == PL_TYPE_BINARY;
    strbuf_add_c(out, "CAST(");
    write_function(lo, out, call, is_binary ? "octet_length" : "strlen");
    strbuf_fmt(out, "%s AS INTEGER)", times);
}

static void write_octet_length(Lo *lo, StrBuf *out, const LoCall *call) {
    write_octets(lo, out, call, "");
}

static void write_bit_length(Lo *lo, StrBuf *out, const LoCall *call) {
    write_octets(lo, out, call, " * 8");
}

/* trim(s) or, as Spark's two-argument form has it, trim(set, s). */
static void write_trimming(Lo *lo, StrBuf *out, const LoCall *call, const char *kernel) {
    strbuf_fmt(out, "%s(", kernel);
    lo_write_expr(lo, out, call->args[call->nargs - 1]);
    if (call->nargs > 1) {
        strbuf_add_c(out, ", ");
        lo_write_expr(lo, out, call->args[0]);
    }
    strbuf_add_char(out, ')');
}

static void write_trim(Lo *lo, StrBuf *out, const LoCall *call) {
    write_trimming(lo, out, call, "spark_trim");
}

static void write_ltrim(Lo *lo, StrBuf *out, const LoCall *call) {
    write_trimming(lo, out, call, "spark_ltrim");
}

static void write_rtrim(Lo *lo, StrBuf *out, const LoCall *call) {
    write_trimming(lo, out, call, "spark_rtrim");
}

static void write_reverse(Lo *lo, StrBuf *out, const LoCall *call) {
    write_function(lo, out, call, call->type->kind == PL_TYPE_ARRAY ? "list_reverse" : "spark_reverse");
}

/* An array's texts are joined first; one without any texts must not leave a separator behind. */
static void write_concat_ws(Lo *lo, StrBuf *out, const LoCall *call) {
    Str separator = lo_expr(lo, call->args[0]);
    strbuf_fmt(out, "spark_concat_ws(%.*s", STR_ARG(separator));
    for (size_t i = 1; i < call->nargs; i++) {
        Str part = lo_expr(lo, call->args[i]);
        if (call->args[i]->type->kind == PL_TYPE_ARRAY) {
            strbuf_fmt(out, ", CASE WHEN list_count(%.*s) > 0 THEN array_to_string(%.*s, %.*s) END", STR_ARG(part), STR_ARG(part),
                       STR_ARG(separator));
        } else {
            strbuf_fmt(out, ", %.*s", STR_ARG(part));
        }
    }
    strbuf_add_char(out, ')');
}

/* A text with a pattern is parsed by it; anything else is a cast. */
static void write_timestamp(Lo *lo, StrBuf *out, const LoCall *call) {
    const TxExpr *arg = call->args[0];
    if (call->nargs > 1 && arg->type->kind == PL_TYPE_STRING) {
        strbuf_add_c(out, "spark_parse_timestamp(");
        lo_write_expr(lo, out, arg);
        strbuf_add_c(out, ", ");
        lo_write_expr(lo, out, call->args[1]);
        strbuf_add_c(out, ", ");
        lo_write_quoted(out, lo->time_zone);
        strbuf_add_char(out, ')');
        return;
    }
    lo_write_cast(lo, out, lo_expr(lo, arg), arg->type, &PL_TIMESTAMP, PL_CAST_LEGACY);
}

static void write_to_timestamp(Lo *lo, StrBuf *out, const LoCall *call) {
    write_timestamp(lo, out, call);
}

static void write_to_date(Lo *lo, StrBuf *out, const LoCall *call) {
    const TxExpr *arg = call->args[0];
    if (call->nargs > 1 && arg->type->kind == PL_TYPE_STRING) {
        strbuf_add_c(out, "spark_timestamp_to_date(");
        write_timestamp(lo, out, call);
        strbuf_add_c(out, ", ");
        lo_write_quoted(out, lo->time_zone);
        strbuf_add_char(out, ')');
        return;
    }
    lo_write_cast(lo, out, lo_expr(lo, arg), arg->type, &PL_DATE, PL_CAST_LEGACY);
}

static void write_unix_timestamp(Lo *lo, StrBuf *out, const LoCall *call) {
    strbuf_add_c(out, "spark_div(epoch_us("); /* towards zero */
    if (call->nargs == 0) {
        strbuf_add_c(out, "now()");
    } else if (call->nargs == 1 && call->args[0]->type->kind == PL_TYPE_STRING) {
        strbuf_add_c(out, "spark_parse_timestamp(");
        lo_write_expr(lo, out, call->args[0]);
        strbuf_add_c(out, ", 'yyyy-MM-dd HH:mm:ss', ");
        lo_write_quoted(out, lo->time_zone);
        strbuf_add_char(out, ')');
    } else {
        write_timestamp(lo, out, call);
    }
    strbuf_add_c(out, "), CAST(1000000 AS BIGINT))");
}

static void write_sha2(Lo *lo, StrBuf *out, const LoCall *call) {
    const TxExpr *bits = call->args[1];
    if (bits->tag != TX_LITERAL) {
        lo_not_supported(lo, "with a length that is no constant, the function", STR("sha2"));
        return;
    }
    int64_t length = bits->literal->is_null ? -1 : bits->literal->i;
    const char *name = length == 0 || length == 256 ? "sha256" : length == 384 ? "spark_sha384" : length == 512 ? "spark_sha512" : NULL;
    if (length == 224) {
        lo_not_supported(lo, "with 224 bits, the function", STR("sha2"));
    } else if (name == NULL) {
        strbuf_add_c(out, "CAST(NULL AS VARCHAR)");
    } else {
        strbuf_fmt(out, "%s(", name);
        lo_write_expr(lo, out, call->args[0]);
        strbuf_add_char(out, ')');
    }
}

/* Decimals are text inside a format; dates and timestamps the numbers that Spark keeps. */
static void write_format_string(Lo *lo, StrBuf *out, const LoCall *call) {
    strbuf_add_c(out, "spark_format_string(");
    for (size_t i = 0; i < call->nargs; i++) {
        strbuf_add_c(out, i > 0 ? ", " : "");
        if (call->args[i]->type->kind == PL_TYPE_DECIMAL) {
            lo_write_cast(lo, out, lo_expr(lo, call->args[i]), call->args[i]->type, &PL_STRING, PL_CAST_LEGACY);
        } else {
            lo_write_expr(lo, out, call->args[i]);
        }
    }
    strbuf_add_char(out, ')');
}

/* A seeded sequence goes through the rows in their order: the rows' numbers make DuckDB do that. */
static void write_random(Lo *lo, StrBuf *out, const LoCall *call, const char *name) {
    if (call->nargs == 0) {
        strbuf_fmt(out, "%s()", name);
    } else if (call->args[0]->tag != TX_LITERAL && call->args[0]->tag != TX_CAST) {
        lo_not_supported(lo, "with a seed that is no constant, the function", str_from_c(call->fn->name));
    } else {
        Str seed = lo_expr(lo, call->args[0]);
        strbuf_fmt(out, "%s(CAST(%.*s AS BIGINT), row_number() OVER ())", name, STR_ARG(seed));
    }
}

static void write_rand(Lo *lo, StrBuf *out, const LoCall *call) {
    write_random(lo, out, call, "spark_rand");
}

static void write_randn(Lo *lo, StrBuf *out, const LoCall *call) {
    write_random(lo, out, call, "spark_randn");
}

/* The value, a type as schema JSON, the options from an argument on as a list, the time zone (exec/json_function.c). */
static void write_json_call(Lo *lo, StrBuf *out, const LoCall *call, const char *family, Str schema, size_t options) {
    Str value = lo_expr(lo, call->args[0]);
    Str name = lo_kernel(lo, family, call->type);
    strbuf_fmt(out, "%.*s(%.*s, ", STR_ARG(name), STR_ARG(value));
    lo_write_quoted(out, schema);
    Str policy = STR("EXCEPTION");
    (void)pl_settings_get(lo->settings, STR("spark.sql.legacy.timeParserPolicy"), &policy);
    strbuf_add_c(out, ", CAST(['timeParserPolicy', ");
    lo_write_quoted(out, policy);
    for (size_t i = options; i < call->nargs; i++) {
        strbuf_add_c(out, ", ");
        lo_write_expr(lo, out, call->args[i]);
    }
    strbuf_add_c(out, "] AS VARCHAR[]), ");
    lo_write_quoted(out, lo->time_zone);
    strbuf_add_char(out, ')');
}

static void write_from_json(Lo *lo, StrBuf *out, const LoCall *call) {
    write_json_call(lo, out, call, "from_json", call->args[1]->literal->s, 2);
}

static void write_to_json(Lo *lo, StrBuf *out, const LoCall *call) {
    write_json_call(lo, out, call, "to_json", pl_type_json(lo->arena, call->args[0]->type), 1);
}

typedef struct Writer {
    const char *name;
    LoWriter *write;
} Writer;

static const Writer writers[] = {
    {"@abs", write_abs},
    {"@add", write_add},
    {"@array", write_array},
    {"@bit_length", write_bit_length},
    {"@bround", write_bround},
    {"@ceil", write_ceil},
    {"@concat", write_concat},
    {"@concat_ws", write_concat_ws},
    {"@divide", write_divide},
    {"@floor", write_floor},
    {"@format_string", write_format_string},
    {"@from_json", write_from_json},
    {"@ilike", write_ilike},
    {"@integral_divide", write_integral_divide},
    {"@length", write_length},
    {"@like", write_like},
    {"@log", write_log},
    {"@ltrim", write_ltrim},
    {"@map", write_map},
    {"@multiply", write_multiply},
    {"@named_struct", write_named_struct},
    {"@negative", write_negative},
    {"@octet_length", write_octet_length},
    {"@pmod", write_pmod},
    {"@rand", write_rand},
    {"@randn", write_randn},
    {"@remainder", write_remainder},
    {"@reverse", write_reverse},
    {"@round", write_round},
    {"@rtrim", write_rtrim},
    {"@sha2", write_sha2},
    {"@size", write_size},
    {"@struct", write_struct},
    {"@subtract", write_subtract},
    {"@to_date", write_to_date},
    {"@to_timestamp", write_to_timestamp},
    {"@to_json", write_to_json},
    {"@trim", write_trim},
    {"@try_add", write_try_add},
    {"@try_multiply", write_try_multiply},
    {"@try_subtract", write_try_subtract},
    {"@unix_timestamp", write_unix_timestamp},
};

static LoWriter *find_in(const Writer *rows, size_t count, Str name) {
    for (size_t i = 0; i < count; i++) {
        if (str_eq_c(name, rows[i].name)) {
            return rows[i].write;
        }
    }
    return NULL;
}

LoWriter *lo_writer_find(Str name) {
    LoWriter *found = find_in(writers, sizeof writers / sizeof writers[0], name);
    found = found != NULL ? found : lo_aggregate_writer_find(name);
    return found != NULL ? found : lo_collection_writer_find(name);
}
