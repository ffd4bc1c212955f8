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

typedef struct Writer {
    const char *name;
    LoWriter *write;
} Writer;

static const Writer writers[] = {
    {"@abs", write_abs},           {"@add", write_add},           {"@div", write_integral_divide}, {"@divide", write_divide},
    {"@ilike", write_ilike},       {"@like", write_like},         {"@multiply", write_multiply},   {"@negative", write_negative},
    {"@pmod", write_pmod},         {"@remainder", write_remainder}, {"@subtract", write_subtract},
};

LoWriter *lo_writer_find(Str name) {
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        if (str_eq_c(name, writers[i].name)) {
            return writers[i].write;
        }
    }
    return NULL;
}
