/* types.c - types and table schemas in DDL form: struct<a:int NOT NULL COMMENT 'x'>, decimal(10, 2), a INT, b STRING.
 *
 * A name that is no type is no syntax error: it is noted as UNSUPPORTED_DATATYPE.
 */
#include "sql/parser.h"

enum { MAX_PRECISION = 38 };

static void field_end(SqParser *p, PlField *field) {
    field->nullable = true;
    if (sq_is(p, SQ_KW_NOT) || sq_is(p, SQ_TOK_BANG)) {
        p->pos++;
        sq_expect(p, SQ_KW_NULL);
        field->nullable = false;
    }
    if (sq_accept(p, SQ_KW_COMMENT)) {
        field->metadata_json = pl_comment_metadata(p->arena, sq_single_string(p));
    }
}

static const PlType *struct_type(SqParser *p) {
    if (sq_accept(p, SQ_TOK_NEQ)) {
        return pl_struct(p->arena, NULL, 0); /* struct<> */
    }
    VEC(PlField) fields = {.arena = p->arena};
    sq_expect(p, SQ_TOK_LT);
    if (!sq_is(p, SQ_TOK_GT)) {
        do {
            PlField field = {.name = sq_identifier(p)};
            (void)sq_accept(p, SQ_TOK_COLON);
            field.type = sq_data_type(p);
            field_end(p, &field);
            VEC_PUSH(&fields, field);
        } while (sq_accept(p, SQ_TOK_COMMA));
    }
    sq_expect(p, SQ_TOK_GT);
    return pl_struct(p->arena, fields.items, fields.count);
}

/* INTERVAL is taken. INTERVAL alone is the calendar interval. */
static const PlType *interval_type(SqParser *p) {
    size_t at_interval = p->pos - 1;
    static const SqTok MONTHS[] = {SQ_KW_YEAR, SQ_KW_MONTH};
    static const SqTok TIMES[] = {SQ_KW_DAY, SQ_KW_HOUR, SQ_KW_MINUTE, SQ_KW_SECOND};
    for (int is_time = 0; is_time < 2; is_time++) {
        const SqTok *fields = is_time ? TIMES : MONTHS;
        int count = is_time ? 4 : 2;
        for (int start = 0; start < count; start++) {
            if (!sq_accept(p, fields[start])) {
                continue;
            }
            int end = start;
            if (sq_is(p, SQ_KW_TO)) {
                sq_expect(p, SQ_KW_TO);
                for (end = is_time ? 1 : 1; end < count && !sq_is(p, fields[end]); end++) {
                }
                if (end == count) {
                    sq_fail(p);
                    return &PL_CALENDAR_INTERVAL;
                }
                p->pos++;
                if (end <= start) {
                    sq_note(p, at_interval, "_LEGACY_ERROR_TEMP_0028", "Intervals FROM %.*s TO %.*s are not supported.",
                            STR_ARG(str_lower(p->arena, str_from_c(sq_tok_text(fields[start])))),
                            STR_ARG(str_lower(p->arena, str_from_c(sq_tok_text(fields[end])))));
                }
            }
            PlType *t = ARENA_NEW(p->arena, PlType);
            *t = (PlType){.kind = is_time ? PL_TYPE_DAY_TIME_INTERVAL : PL_TYPE_YEAR_MONTH_INTERVAL, .start = start, .end = end};
            return t;
        }
    }
    return &PL_CALENDAR_INTERVAL;
}

static const PlType *decimal_type(SqParser *p, const int64_t *numbers, size_t count) {
    int64_t precision = count > 0 ? numbers[0] : 10;
    int64_t scale = count > 1 ? numbers[1] : 0;
    if (precision > MAX_PRECISION) {
        (void)err_set(p->noted, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
                      "[DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION] Decimal precision %lld exceeds max precision %d.", (long long)precision,
                      MAX_PRECISION);
        return &PL_DECIMAL_USER;
    }
    if (scale > precision) {
        (void)err_set(p->noted, "_LEGACY_ERROR_TEMP_1228", "\nDecimal scale (%lld) cannot be greater than precision (%lld).\n== SQL ==\n%.*s",
                      (long long)scale, (long long)precision, STR_ARG(p->sql));
        return &PL_DECIMAL_USER;
    }
    return pl_decimal(p->arena, (int)precision, (int)scale);
}

static const PlType *simple_type(SqParser *p, size_t first, Str name, const int64_t *numbers, size_t count) {
    static const struct {
        const char *name;
        const PlType *type;
    } SIMPLE[] = {{"boolean", &PL_BOOLEAN}, {"tinyint", &PL_BYTE},   {"byte", &PL_BYTE},
                  {"smallint", &PL_SHORT},  {"short", &PL_SHORT},    {"int", &PL_INT},
                  {"integer", &PL_INT},     {"bigint", &PL_LONG},    {"long", &PL_LONG},
                  {"float", &PL_FLOAT},     {"real", &PL_FLOAT},     {"double", &PL_DOUBLE},
                  {"date", &PL_DATE},       {"timestamp", &PL_TIMESTAMP}, {"timestamp_ntz", &PL_TIMESTAMP_NTZ},
                  {"timestamp_ltz", &PL_TIMESTAMP}, {"string", &PL_STRING}, {"binary", &PL_BINARY},
                  {"void", &PL_NULL},       {"interval", &PL_CALENDAR_INTERVAL}};
    if (count == 0 && p->tokens.items[first].tok != SQ_TOK_QUOTED_IDENT) {
        for (size_t i = 0; i < sizeof SIMPLE / sizeof *SIMPLE; i++) {
            if (str_eq_nocase(name, str_from_c(SIMPLE[i].name))) {
                return SIMPLE[i].type;
            }
        }
    }
    bool is_decimal = str_eq_nocase(name, STR("decimal")) || str_eq_nocase(name, STR("dec")) || str_eq_nocase(name, STR("numeric"));
    if (is_decimal && count <= 2) {
        return decimal_type(p, numbers, count);
    }
    bool is_char = str_eq_nocase(name, STR("char")) || str_eq_nocase(name, STR("character"));
    bool is_varchar = str_eq_nocase(name, STR("varchar"));
    Str upper = str_upper(p->arena, name);
    if ((is_char || is_varchar) && count == 0) {
        sq_note(p, first, "DATATYPE_MISSING_SIZE",
                "DataType \"%.*s\" requires a length parameter, for example \"%.*s\"(10). Please specify the length.", STR_ARG(upper),
                STR_ARG(upper));
        return &PL_STRING;
    }
    if ((is_char || is_varchar) && count == 1 && numbers[0] <= INT32_MAX) {
        PlType *t = ARENA_NEW(p->arena, PlType);
        *t = (PlType){.kind = is_char ? PL_TYPE_CHAR : PL_TYPE_VARCHAR, .length = (int)numbers[0]};
        return t;
    }
    static const struct {
        const char *name, *what, *example;
    } INCOMPLETE[] = {{"ARRAY", "an element type", "ARRAY<INT>"},
                      {"MAP", "a key type and a value type", "MAP<TIMESTAMP, INT>"},
                      {"STRUCT", "at least one field type", "STRUCT<name STRING, phone DECIMAL(10, 0)>"}};
    for (size_t i = 0; count == 0 && i < sizeof INCOMPLETE / sizeof *INCOMPLETE; i++) {
        if (str_eq_c(upper, INCOMPLETE[i].name)) {
            Str code = str_fmt(p->arena, "INCOMPLETE_TYPE_DEFINITION.%s", INCOMPLETE[i].name);
            sq_note(p, first, code.data,
                    "Incomplete complex type: The definition of \"%s\" type is incomplete. You must provide %s. For example: \"%s\".",
                    INCOMPLETE[i].name, INCOMPLETE[i].what, INCOMPLETE[i].example);
            return &PL_NULL;
        }
    }
    StrBuf shown = {.arena = p->arena};
    strbuf_add(&shown, upper);
    for (size_t i = 0; i < count; i++) {
        strbuf_fmt(&shown, "%s%lld", i == 0 ? "(" : ",", (long long)numbers[i]);
    }
    strbuf_add_c(&shown, count > 0 ? ")" : "");
    sq_note(p, first, "UNSUPPORTED_DATATYPE", "Unsupported data type \"%.*s\".", STR_ARG(strbuf_str(&shown)));
    return &PL_NULL;
}

static const PlType *named_type(SqParser *p) {
    size_t first = p->pos;
    Str name = sq_identifier(p);
    int64_t numbers[3] = {0};
    size_t count = 0;
    if (sq_accept(p, SQ_TOK_LPAREN)) {
        do {
            int64_t value = INT64_MAX;
            Str digits = sq_token_str(p, p->pos);
            sq_expect(p, SQ_TOK_INTEGER);
            if (!p->failed && !str_to_i64(digits, &value)) {
                value = INT64_MAX;
            }
            numbers[count < 3 ? count : 2] = value;
            count += count < 3 ? 1 : 0;
        } while (sq_accept(p, SQ_TOK_COMMA));
        sq_expect(p, SQ_TOK_RPAREN);
    }
    return p->failed ? &PL_NULL : simple_type(p, first, name, numbers, count);
}

const PlType *sq_data_type(SqParser *p) {
    const PlType *t = &PL_NULL;
    if (sq_deeper(p)) {
        SqTok next = sq_peek(p, 1);
        if (sq_is(p, SQ_KW_ARRAY) && next == SQ_TOK_LT) {
            p->pos += 2;
            t = pl_array(p->arena, sq_data_type(p), true);
            sq_expect(p, SQ_TOK_GT);
        } else if (sq_is(p, SQ_KW_MAP) && next == SQ_TOK_LT) {
            p->pos += 2;
            const PlType *key = sq_data_type(p);
            sq_expect(p, SQ_TOK_COMMA);
            t = pl_map(p->arena, key, sq_data_type(p), true);
            sq_expect(p, SQ_TOK_GT);
        } else if (sq_is(p, SQ_KW_STRUCT) && (next == SQ_TOK_LT || next == SQ_TOK_NEQ)) {
            p->pos++;
            t = struct_type(p);
        } else if (sq_is(p, SQ_KW_INTERVAL)) {
            sq_expect(p, SQ_KW_INTERVAL);
            t = interval_type(p);
        } else {
            t = named_type(p);
        }
    }
    p->depth--;
    return t;
}

const PlType *sq_table_schema(SqParser *p) {
    VEC(PlField) fields = {.arena = p->arena};
    do {
        size_t nparts;
        const Str *name = sq_multipart(p, &nparts);
        if (nparts > 1 && !p->failed) {
            sq_fail_at(p, 1); /* a.b int */
        }
        PlField field = {.name = nparts > 0 ? name[0] : (Str){0}};
        field.type = sq_data_type(p);
        field_end(p, &field);
        VEC_PUSH(&fields, field);
    } while (sq_accept(p, SQ_TOK_COMMA));
    return pl_struct(p->arena, fields.items, fields.count);
}
