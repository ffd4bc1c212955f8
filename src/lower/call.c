/* lower/call.c - a function's row into SQL: templates, and the @writers for those that depend on types.
 *
 * Used by expr.c. The lower column of spec/functions is a template: {0} {1} arguments, {*} all of them, {1*} from the second on,
 * {1=text} an argument or, where the call has none, that text, {type} the result's DuckDB type, {type0} an argument's, {simple0} the first argument's Spark type as text, {tz} the session's time zone as a literal, {kernel:family} a generic kernel's instance for
 * the result type; in aggregates {d} DISTINCT or nothing and {over} the FILTER and OVER clauses, which stand right behind DuckDB's function.
 * Invariant: an argument is computed once where it is named once; a template that names one twice is for cheap or idempotent use only.
 */
#include "lower/lo_internal.h"

#include <ctype.h>

static bool write_number(Lo *lo, StrBuf *out, Str word, const LoCall *call) {
    size_t index = 0;
    size_t at = 0;
    while (at < word.len && isdigit((unsigned char)word.data[at])) {
        index = index * 10 + (size_t)(word.data[at++] - '0');
    }
    bool is_rest = at < word.len && word.data[at] == '*';
    if (at + (is_rest ? 1 : 0) != word.len) {
        return false;
    }
    if (!is_rest) {
        if (index >= call->nargs) {
            return false;
        }
        lo_write_expr(lo, out, call->args[index]);
        return true;
    }
    for (size_t i = index; i < call->nargs; i++) {
        strbuf_add_c(out, i > index ? ", " : "");
        lo_write_expr(lo, out, call->args[i]);
    }
    return true;
}

static bool write_word(Lo *lo, StrBuf *out, Str word, const LoCall *call, bool *ret_over) {
    if (word.len > 2 && isdigit((unsigned char)word.data[0]) && word.data[1] == '=') {
        if ((size_t)(word.data[0] - '0') < call->nargs) {
            lo_write_expr(lo, out, call->args[word.data[0] - '0']);
        } else {
            strbuf_add(out, str_slice(word, 2, word.len));
        }
        return true;
    }
    if (word.len > 0 && (isdigit((unsigned char)word.data[0]) || word.data[0] == '*')) {
        return write_number(lo, out, word, call);
    }
    if (str_eq(word, STR("type"))) {
        strbuf_add(out, lo_duckdb_type(lo->arena, call->type));
    } else if (str_starts_with(word, STR("type"))) {
        int64_t index = 0;
        if (!str_to_i64(str_slice(word, 4, word.len), &index) || index < 0 || (size_t)index >= call->nargs) {
            return false;
        }
        strbuf_add(out, lo_duckdb_type(lo->arena, call->args[index]->type));
    } else if (str_eq(word, STR("simple0")) && call->nargs > 0) {
        lo_write_quoted(out, pl_type_simple(lo->arena, call->args[0]->type));
    } else if (str_eq(word, STR("tz"))) {
        lo_write_quoted(out, lo->time_zone);
    } else if (str_starts_with(word, STR("kernel:"))) {
        strbuf_add(out, lo_kernel(lo, str_to_c(lo->arena, str_slice(word, 7, word.len)), call->type));
    } else if (str_eq(word, STR("d"))) {
        strbuf_add(out, call->distinct);
    } else if (str_eq(word, STR("over"))) {
        strbuf_add(out, call->over);
        *ret_over = true;
    } else {
        return false;
    }
    return true;
}

static void write_template(Lo *lo, StrBuf *out, Str text, const LoCall *call) {
    bool has_over = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '{') {
            strbuf_add_char(out, text.data[i]);
            continue;
        }
        size_t end = i + 1;
        while (end < text.len && text.data[end] != '}') {
            end++;
        }
        Str word = str_slice(text, i + 1, end);
        if (!write_word(lo, out, word, call, &has_over)) {
            if (!lo->err->is_set) {
                err_set(lo->err, ERR_INTERNAL, "the lower column of %s has {%.*s}, which does not fit its call", call->fn->name, STR_ARG(word));
            }
            return;
        }
        i = end;
    }
    if (call->over.len > 0 && !has_over) {
        lo_not_supported(lo, call->is_window ? "over a window, the function" : "with FILTER, the function", str_from_c(call->fn->name));
    }
}

void lo_write_call(Lo *lo, StrBuf *out, const LoCall *call) {
    Str lower = str_from_c(call->fn->lower);
    if (lower.len == 0) {
        lo_not_supported(lo, "the function", str_from_c(call->fn->name));
        return;
    }
    if (lower.data[0] != '@') {
        write_template(lo, out, lower, call);
        return;
    }
    LoWriter *writer = lo_writer_find(lower);
    if (writer == NULL) {
        err_set(lo->err, ERR_INTERNAL, "the lower column of %s names %.*s, which is not there", call->fn->name, STR_ARG(lower));
        return;
    }
    writer(lo, out, call);
}
