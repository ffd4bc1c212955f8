/* exec/csv_infer.c - the schema of CSV files: names from the header, types as CSVInferSchema of Spark 3.5 finds them.
 *
 * Invariant: a column's type depends only on the set of its values, in file order, as in Spark with one partition.
 */
#include "exec/csv.h"
#include "base/utf8.h"
#include "exec/source.h"

#include "kernels/number_text.h"

#include <stdlib.h>
#include <string.h>

typedef struct Infer {
    Arena *arena;
    const ExCsvOptions *options;
    const PlType **types;
    size_t n;
} Infer;

static bool is_real(const ExCsvOptions *o, Str s) {
    double f;
    return kn_java_double(s, &f) || str_eq(s, o->parse.nan_value) || str_eq(s, o->parse.positive_inf) || str_eq(s, o->parse.negative_inf);
}

static const PlType *try_time(const Infer *infer, Str s) {
    const ExParseOptions *p = &infer->options->parse;
    int64_t us;
    bool is_stamp = p->timestamp != NULL ? kn_pattern_parse(p->timestamp, p->zone, s, &us) : kn_parse_timestamp(s, p->zone, &us);
    if (is_stamp) {
        return &PL_TIMESTAMP;
    }
    return str_eq_nocase(s, STR("true")) || str_eq_nocase(s, STR("false")) ? &PL_BOOLEAN : &PL_STRING;
}

/* The type that one value asks for, beginning at the type so far: Spark never goes back in this chain. */
static const PlType *try_from(const Infer *infer, PlTypeKind so_far, Str s) {
    const ExParseOptions *p = &infer->options->parse;
    int64_t i;
    int precision, scale;
    int32_t days;
    bool is_first = so_far == PL_TYPE_NULL || so_far == PL_TYPE_INT;
    if (is_first && kn_java_long(s, &i) && i >= INT32_MIN && i <= INT32_MAX) {
        return &PL_INT;
    }
    if ((is_first || so_far == PL_TYPE_LONG) && kn_java_long(s, &i)) {
        return &PL_LONG;
    }
    bool is_decimal = is_first || so_far == PL_TYPE_LONG || so_far == PL_TYPE_DECIMAL;
    if (is_decimal && kn_decimal_shape(s, &precision, &scale) && scale == 0 && precision <= 38) {
        return pl_decimal(infer->arena, precision, 0);
    }
    if ((is_decimal || so_far == PL_TYPE_DOUBLE) && is_real(infer->options, s)) {
        return &PL_DOUBLE;
    }
    bool may_date = is_decimal || so_far == PL_TYPE_DOUBLE || so_far == PL_TYPE_DATE;
    bool is_iso = s.len == 10 && s.data[4] == '-' && s.data[7] == '-' && kn_parse_date(s, &days);
    if (may_date && (p->date != NULL ? kn_pattern_parse_date(p->date, s, &days) : is_iso)) {
        return &PL_DATE;
    }
    if (so_far == PL_TYPE_BOOLEAN) {
        return str_eq_nocase(s, STR("true")) || str_eq_nocase(s, STR("false")) ? &PL_BOOLEAN : &PL_STRING;
    }
    return so_far == PL_TYPE_STRING ? &PL_STRING : try_time(infer, s);
}

static int rank(PlTypeKind kind) {
    return kind == PL_TYPE_INT ? 1 : kind == PL_TYPE_LONG ? 2 : kind == PL_TYPE_DECIMAL ? 3 : kind == PL_TYPE_DOUBLE ? 4 : 0;
}

static const PlType *compatible(const Infer *infer, const PlType *a, const PlType *b) {
    if (a->kind == PL_TYPE_NULL) {
        return b;
    }
    if (b->kind == PL_TYPE_NULL || pl_type_equal(a, b)) {
        return a;
    }
    int ra = rank(a->kind), rb = rank(b->kind);
    if (ra > 0 && rb > 0) {
        if (ra != 3 && rb != 3) {
            return ra > rb ? a : b;
        }
        if (ra == 4 || rb == 4) {
            return &PL_DOUBLE;
        }
        int pa = ra == 1 ? 10 : ra == 2 ? 20 : a->precision, pb = rb == 1 ? 10 : rb == 2 ? 20 : b->precision;
        return pl_decimal(infer->arena, pa > pb ? pa : pb, 0);
    }
    bool is_time = (a->kind == PL_TYPE_DATE && b->kind == PL_TYPE_TIMESTAMP) || (a->kind == PL_TYPE_TIMESTAMP && b->kind == PL_TYPE_DATE);
    return is_time ? &PL_TIMESTAMP : &PL_STRING;
}

static void infer_record(Infer *infer, const ExCsvParser *parser) {
    for (size_t i = 0; i < infer->n && i < parser->nfields; i++) {
        Str value;
        if (!ex_csv_value(infer->options, &parser->fields[i], &value) || value.len == 0) {
            continue;
        }
        const PlType *so_far = infer->types[i];
        if (so_far->kind != PL_TYPE_STRING) {
            infer->types[i] = compatible(infer, so_far, try_from(infer, so_far->kind, value));
        }
    }
}

/* CSVUtils.makeSafeHeader */
static const PlField *make_header(Arena *arena, const ExCsvOptions *o, const ExCsvParser *parser) {
    PlField *fields = ARENA_ARRAY(arena, PlField, parser->nfields);
    for (size_t i = 0; i < parser->nfields; i++) {
        Str name;
        bool has_name = o->has_header && ex_csv_value(o, &parser->fields[i], &name) && name.len > 0;
        fields[i] = (PlField){.name = has_name ? str_copy(arena, name) : str_fmt(arena, "_c%zu", i), .type = &PL_STRING, .nullable = true};
        if (has_name && !utf8_is_valid(name.data, name.len)) {
            char *fixed = arena_alloc(arena, name.len * 3 + 1);
            fields[i].name = (Str){fixed, utf8_repair(name.data, name.len, fixed)};
        }
    }
    Str *names = ARENA_ARRAY(arena, Str, parser->nfields);
    for (size_t i = 0; i < parser->nfields && o->has_header; i++) {
        bool is_double = false;
        for (size_t k = 0; k < parser->nfields && !is_double; k++) {
            is_double = k != i && str_eq_nocase(fields[i].name, fields[k].name);
        }
        names[i] = is_double ? str_fmt(arena, "%.*s%zu", STR_ARG(fields[i].name), i) : fields[i].name;
    }
    for (size_t i = 0; i < parser->nfields && o->has_header; i++) {
        fields[i].name = names[i];
    }
    return fields;
}

typedef struct Pass {
    Infer infer;
    ExCsvParser parser;
    ExLines lines;
    Str first_line;
    const PlField *fields;
    size_t nfields;
    bool has_first;
    uint64_t records; /* behind the header, so far */
} Pass;

static bool take(Pass *pass, Str line, bool is_file_start, Err *err) {
    const ExCsvOptions *o = pass->infer.options;
    const char *next;
    if (pass->has_first && o->has_header && (o->multi_line ? is_file_start : str_eq(line, pass->first_line))) {
        return true;
    }
    if (!pass->has_first) {
        ex_csv_reset(&pass->parser);
        if (!ex_csv_record(&pass->parser, line.data, line.data + line.len, &next, err)) {
            return false;
        }
        pass->first_line = str_copy(pass->infer.arena, line);
        pass->fields = make_header(pass->infer.arena, o, &pass->parser);
        pass->nfields = pass->infer.n = pass->parser.nfields;
        pass->infer.types = ARENA_ARRAY(pass->infer.arena, const PlType *, pass->nfields);
        for (size_t i = 0; i < pass->nfields; i++) {
            pass->infer.types[i] = &PL_NULL;
        }
        pass->has_first = true;
        if (o->has_header) {
            return true;
        }
    }
    if (!o->infer_schema || !ex_record_is_sampled(pass->records++, o->sampling_ratio)) {
        return true;
    }
    ex_csv_reset(&pass->parser);
    if (!ex_csv_record(&pass->parser, line.data, line.data + line.len, &next, err)) {
        return false;
    }
    infer_record(&pass->infer, &pass->parser);
    return true;
}

static bool wants_more(const Pass *pass) {
    return !pass->has_first || pass->infer.options->infer_schema;
}

static bool infer_multi(Pass *pass, Err *err) {
    ExLines *lines = &pass->lines;
    bool has_more = true, is_start = true;
    while (has_more) {
        if (!ex_lines_grow(lines, &has_more, err)) {
            return false;
        }
    }
    const char *p = lines->buffer + lines->from, *end = lines->buffer + lines->to;
    while (p < end && wants_more(pass)) {
        if (*p == '\n' || *p == '\r') {
            p++;
            continue;
        }
        const char *next = end;
        ex_csv_reset(&pass->parser);
        if (!ex_csv_record(&pass->parser, p, end, &next, err) || !take(pass, (Str){p, (size_t)(next - p)}, is_start, err)) {
            return false;
        }
        is_start = false;
        p = next;
    }
    return true;
}

static bool infer_lines(Pass *pass, Err *err) {
    bool has_more = true;
    int64_t skip = pass->infer.options->skip_lines;
    while (has_more && wants_more(pass)) {
        Str line;
        if (!ex_lines_fill(&pass->lines, &has_more, err)) {
            return false;
        }
        while (wants_more(pass) && ex_lines_next(&pass->lines, &line)) {
            if (skip > 0) {
                skip--;
            } else if (!ex_csv_is_skipped(pass->infer.options, line) && !take(pass, line, false, err)) {
                return false;
            }
        }
    }
    return true;
}

const PlType *ex_csv_schema(Arena *arena, const TyScan *scan, Str time_zone, Err *err) {
    ExCsvOptions options;
    if (!ex_csv_options(&options, scan->options, scan->noptions, time_zone, arena, err)) {
        return NULL;
    }
    Pass pass = {.infer = {.arena = arena, .options = &options}, .parser = {.options = &options}, .lines = {.is_whole = options.multi_line}};
    bool is_ok = true;
    for (size_t i = 0; i < scan->nfiles && is_ok && wants_more(&pass); i++) {
        const TyFile *file = &scan->files[i];
        is_ok = ex_lines_begin(&pass.lines, file->path, file->shown, options.charset, options.line_sep, 0, INT64_MAX, err) &&
                (options.multi_line ? infer_multi(&pass, err) : infer_lines(&pass, err));
    }
    ex_lines_close(&pass.lines);
    ex_csv_done(&pass.parser);
    if (!is_ok || (!pass.has_first && scan->nfiles == 0)) {
        return NULL;
    }
    PlField *fields = ARENA_ARRAY(arena, PlField, pass.nfields);
    for (size_t i = 0; i < pass.nfields; i++) {
        fields[i] = pass.fields[i];
        bool is_known = options.infer_schema && pass.infer.types[i]->kind != PL_TYPE_NULL;
        fields[i].type = is_known ? pass.infer.types[i] : &PL_STRING;
    }
    return pl_struct(arena, fields, pass.nfields);
}
