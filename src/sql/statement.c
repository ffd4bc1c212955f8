/* statement.c - statements: queries and the commands of SqStatementKind. Entry point sq_parse_statement.
 *
 * A command that Spark has and Solder has not yet is told by its first words and handed out as SQ_OTHER with its name, so that whoever runs it
 * can say what is missing. Invariant: name, plan, key … are set as sql.h says for the kind, the rest is zero.
 */
#include "sql/parser.h"

typedef struct Statement {
    SqParser *p;
    SqStatement *out;
} Statement;

static void take_name(Statement *s) {
    s->out->name = sq_multipart(s->p, &s->out->nname);
}

static void to_the_end(SqParser *p) {
    if (!p->failed) {
        p->pos = p->tokens.count - 1;
    }
}

/* The first words of a statement that is not looked into; nothing after them is checked. */
static void other(Statement *s, size_t first, size_t nwords) {
    SqParser *p = s->p;
    StrBuf buf = {.arena = p->arena};
    for (size_t i = first; i < first + nwords && p->tokens.items[i].tok != SQ_TOK_EOF; i++) {
        if (i > first) {
            strbuf_add_char(&buf, ' ');
        }
        strbuf_add(&buf, str_upper(p->arena, sq_token_str(p, i)));
    }
    s->out->kind = SQ_OTHER;
    s->out->text = strbuf_str(&buf);
    to_the_end(p);
}

static bool accept_if_exists(SqParser *p) {
    if (sq_is(p, SQ_KW_IF) && sq_peek(p, 1) == SQ_KW_EXISTS) {
        p->pos += 2;
        return true;
    }
    return false;
}

/* ('key' = 'value', key value, …) */
static const PlOption *option_list(SqParser *p, size_t *ret_count) {
    VEC(PlOption) options = {.arena = p->arena};
    sq_expect(p, SQ_TOK_LPAREN);
    do {
        PlOption option = {0};
        size_t at = p->pos;
        if (sq_is(p, SQ_TOK_STRING)) {
            option.key = sq_single_string(p);
        } else {
            size_t nparts;
            (void)sq_multipart(p, &nparts);
            option.key = sq_text_from(p, at);
        }
        (void)sq_accept(p, SQ_TOK_EQ);
        size_t at_value = p->pos;
        if (sq_is(p, SQ_TOK_STRING)) {
            option.value = sq_single_string(p);
        } else {
            (void)sq_value(p);
            option.value = sq_text_from(p, at_value);
        }
        VEC_PUSH(&options, option);
    } while (sq_accept(p, SQ_TOK_COMMA));
    sq_expect(p, SQ_TOK_RPAREN);
    *ret_count = options.count;
    return options.items;
}

/* … VIEW v USING csv OPTIONS (path 'x'): a view over a source. */
static const PrRel *view_of_source(SqParser *p, size_t first, const PlType *schema) {
    sq_expect(p, SQ_KW_USING);
    PrRel *source = sq_rel(p, PR_READ_SOURCE, first, NULL);
    size_t nparts;
    size_t at = p->pos;
    (void)sq_multipart(p, &nparts);
    source->source.format = sq_text_from(p, at);
    source->source.schema = schema;
    if (sq_accept(p, SQ_KW_OPTIONS)) {
        source->source.options = option_list(p, &source->source.noptions);
    }
    return source;
}

/* CREATE [OR REPLACE] [GLOBAL] TEMPORARY VIEW; everything else with CREATE is SQ_OTHER. */
static void create(Statement *s) {
    SqParser *p = s->p;
    size_t first = p->pos;
    sq_expect(p, SQ_KW_CREATE);
    if (sq_is(p, SQ_KW_OR) && sq_peek(p, 1) == SQ_KW_REPLACE) {
        p->pos += 2;
        s->out->replace = true;
    }
    size_t at_word = p->pos;
    s->out->global = sq_accept(p, SQ_KW_GLOBAL);
    bool is_temporary = sq_accept(p, SQ_KW_TEMPORARY) || sq_accept(p, SQ_KW_TEMP);
    if (!sq_is(p, SQ_KW_VIEW) || !is_temporary) {
        static const SqTok OBJECTS[] = {SQ_KW_TABLE, SQ_KW_VIEW, SQ_KW_DATABASE, SQ_KW_SCHEMA, SQ_KW_NAMESPACE, SQ_KW_FUNCTION, SQ_KW_EXTERNAL,
                                        SQ_KW_INDEX, SQ_KW_ROLE};
        for (size_t i = 0; i < sizeof OBJECTS / sizeof *OBJECTS; i++) {
            if (sq_is(p, OBJECTS[i])) {
                Str word = str_upper(p->arena, sq_token_str(p, p->pos));
                p->pos++;
                if (sq_is(p, SQ_TOK_EOF)) {
                    sq_fail(p);
                }
                other(s, first, 1);
                s->out->text = str_fmt(p->arena, "CREATE %s%.*s", is_temporary ? "TEMPORARY " : "", STR_ARG(word));
                return;
            }
        }
        sq_fail_at(p, at_word);
        return;
    }
    sq_expect(p, SQ_KW_VIEW);
    s->out->kind = SQ_CREATE_TEMP_VIEW;
    if (sq_is(p, SQ_KW_IF) && sq_peek(p, 1) == SQ_KW_NOT && sq_peek(p, 2) == SQ_KW_EXISTS) {
        p->pos += 3;
        s->out->if_not_exists = true;
    }
    take_name(s);
    const PlType *schema = NULL;
    const Str *columns = NULL;
    size_t ncolumns = 0;
    if (sq_is(p, SQ_TOK_LPAREN)) {
        bool is_list = sq_peek(p, 2) == SQ_TOK_COMMA || sq_peek(p, 2) == SQ_TOK_RPAREN;
        if (is_list) {
            columns = sq_identifier_list(p, &ncolumns);
        } else {
            sq_expect(p, SQ_TOK_LPAREN);
            schema = sq_table_schema(p);
            sq_expect(p, SQ_TOK_RPAREN);
        }
    }
    if (sq_is(p, SQ_KW_USING)) {
        s->out->plan = view_of_source(p, first, schema);
        return;
    }
    if (sq_accept(p, SQ_KW_COMMENT)) {
        (void)sq_single_string(p);
    }
    if (sq_accept(p, SQ_KW_TBLPROPERTIES)) {
        size_t count;
        (void)option_list(p, &count);
    }
    sq_expect(p, SQ_KW_AS);
    s->out->plan = sq_query(p);
    if (ncolumns > 0) {
        PrRel *alias = sq_rel(p, PR_SUBQUERY_ALIAS, first, s->out->plan);
        alias->alias.name = s->out->name[s->out->nname - 1];
        alias->alias.columns = columns;
        alias->alias.ncolumns = ncolumns;
        s->out->plan = alias;
    }
}

static void drop(Statement *s) {
    SqParser *p = s->p;
    size_t first = p->pos;
    sq_expect(p, SQ_KW_DROP);
    if (!sq_is(p, SQ_KW_VIEW)) {
        bool is_known = sq_is(p, SQ_KW_TABLE) || sq_is(p, SQ_KW_DATABASE) || sq_is(p, SQ_KW_SCHEMA) || sq_is(p, SQ_KW_NAMESPACE) ||
                        sq_is(p, SQ_KW_FUNCTION) || sq_is(p, SQ_KW_TEMPORARY) || sq_is(p, SQ_KW_TEMP) || sq_is(p, SQ_KW_INDEX) ||
                        sq_is(p, SQ_KW_ROLE);
        if (is_known) {
            other(s, first, 2);
        } else {
            sq_fail(p);
        }
        return;
    }
    sq_expect(p, SQ_KW_VIEW);
    s->out->kind = SQ_DROP_VIEW;
    s->out->if_exists = accept_if_exists(p);
    take_name(s);
}

/* -- SET, RESET: read from the raw text, because a setting's value is no expression */

static bool is_key_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' || c == '\\';
}

static void set_time_zone(Statement *s) {
    SqParser *p = s->p;
    p->pos += 2;
    s->out->key = STR("spark.sql.session.timeZone");
    if (sq_accept(p, SQ_KW_LOCAL)) {
        s->out->kind = SQ_RESET; /* the default is the machine's zone */
        return;
    }
    if (sq_is(p, SQ_TOK_STRING)) {
        s->out->value = sq_single_string(p);
    } else {
        size_t at = p->pos;
        const PxExpr *e = sq_at_interval(p) ? sq_interval(p) : NULL;
        if (e == NULL) {
            sq_note(p, 0, "_LEGACY_ERROR_TEMP_0045", "Invalid time zone displacement value.");
            to_the_end(p);
            return;
        }
        int64_t seconds = e->tag == PX_LITERAL ? e->literal->i / 1000000 : 0;
        bool is_fit = e->tag == PX_LITERAL && e->literal->type->kind == PL_TYPE_DAY_TIME_INTERVAL && seconds >= -18 * 3600 && seconds <= 18 * 3600;
        if (!is_fit) {
            sq_note(p, at, "_LEGACY_ERROR_TEMP_0044",
                    "The interval value must be in the range of [-18, +18] hours with second precision.");
        }
        int64_t size = seconds < 0 ? -seconds : seconds;
        s->out->value = str_fmt(p->arena, "%c%02d:%02d", seconds < 0 ? '-' : '+', (int)(size / 3600), (int)(size / 60 % 60));
        if (size % 60 != 0) {
            s->out->value = str_fmt(p->arena, "%.*s:%02d", STR_ARG(s->out->value), (int)(size % 60));
        }
    }
    s->out->has_value = true;
}

static void bad_set(Statement *s) {
    sq_note(s->p, 0, "INVALID_SET_SYNTAX",
            "Expected format is 'SET', 'SET key', or 'SET key=value'. If you want to include special characters in key, or include semicolon in "
            "value, please use backquotes, e.g., SET `key`=`value`.");
}

static void set(Statement *s) {
    SqParser *p = s->p;
    s->out->kind = SQ_SET;
    sq_expect(p, SQ_KW_SET);
    if (sq_is(p, SQ_KW_TIME) && sq_peek(p, 1) == SQ_KW_ZONE) {
        set_time_zone(s);
        return;
    }
    if (sq_is(p, SQ_KW_ROLE) || sq_is(p, SQ_KW_CATALOG)) {
        other(s, p->pos - 1, 2);
        return;
    }
    Str rest = str_trim(str_slice(p->sql, p->tokens.items[0].end, p->sql.len));
    while (rest.len > 0 && rest.data[rest.len - 1] == ';') {
        rest = str_trim(str_slice(rest, 0, rest.len - 1));
    }
    if (rest.len == 0) {
        to_the_end(p);
        return;
    }
    size_t key_end = 0;
    if (sq_is(p, SQ_TOK_QUOTED_IDENT)) {
        s->out->key = sq_back_quotes_removed(p->arena, sq_token_str(p, p->pos));
        key_end = p->tokens.items[p->pos].end - p->tokens.items[p->pos].start;
    } else if (str_eq(rest, STR("-v"))) {
        s->out->key = rest;
        key_end = rest.len;
    } else {
        while (key_end < rest.len && is_key_char(rest.data[key_end])) {
            key_end++;
        }
        s->out->key = str_slice(rest, 0, key_end);
    }
    Str value = str_trim(str_slice(rest, key_end, rest.len));
    if (key_end == 0 || (value.len > 0 && value.data[0] != '=')) {
        bad_set(s);
    } else if (value.len > 0) {
        value = str_trim(str_slice(value, 1, value.len));
        if (value.len > 0 && value.data[0] != '`' && memchr(value.data, ';', value.len) != NULL) {
            bad_set(s);
        }
        bool is_quoted = value.len >= 2 && value.data[0] == '`' && value.data[value.len - 1] == '`';
        s->out->value = is_quoted ? sq_back_quotes_removed(p->arena, value) : value;
        s->out->has_value = true;
    }
    to_the_end(p);
}

static void reset(Statement *s) {
    SqParser *p = s->p;
    s->out->kind = SQ_RESET;
    sq_expect(p, SQ_KW_RESET);
    if (sq_is(p, SQ_TOK_QUOTED_IDENT)) {
        s->out->key = sq_identifier(p);
        return;
    }
    Str rest = str_trim(str_slice(p->sql, p->tokens.items[0].end, p->sql.len));
    while (rest.len > 0 && rest.data[rest.len - 1] == ';') {
        rest = str_trim(str_slice(rest, 0, rest.len - 1));
    }
    s->out->key = rest;
    to_the_end(p);
}

/* -- SHOW, DESCRIBE */

/* [LIKE] 'pattern' */
static void take_pattern(Statement *s) {
    SqParser *p = s->p;
    bool has_like = sq_accept(p, SQ_KW_LIKE);
    if (has_like || sq_is(p, SQ_TOK_STRING)) {
        s->out->text = sq_single_string(p);
    }
}

static bool accept_in(SqParser *p) {
    return sq_accept(p, SQ_KW_FROM) || sq_accept(p, SQ_KW_IN);
}

/* [USER | SYSTEM | ALL] FUNCTIONS [IN db] [[LIKE] name | 'pattern'] */
static void show_functions(Statement *s) {
    SqParser *p = s->p;
    s->out->kind = SQ_SHOW_FUNCTIONS;
    if (!sq_is(p, SQ_KW_FUNCTIONS)) {
        s->out->key = str_lower(p->arena, sq_identifier(p));
    }
    sq_expect(p, SQ_KW_FUNCTIONS);
    if (accept_in(p)) {
        take_name(s);
    }
    bool has_like = sq_peek(p, 1) != SQ_TOK_EOF && sq_accept(p, SQ_KW_LIKE);
    if (sq_is(p, SQ_TOK_STRING)) {
        s->out->text = sq_single_string(p);
    } else if (has_like || sq_is_identifier(sq_peek(p, 0))) {
        size_t nparts;
        const Str *parts = sq_multipart(p, &nparts);
        s->out->text = parts[nparts - 1];
    }
}

static void show(Statement *s) {
    SqParser *p = s->p;
    size_t first = p->pos;
    sq_expect(p, SQ_KW_SHOW);
    if (sq_accept(p, SQ_KW_TABLES)) {
        s->out->kind = SQ_SHOW_TABLES;
        if (accept_in(p)) {
            take_name(s);
        }
        take_pattern(s);
    } else if (sq_accept(p, SQ_KW_DATABASES) || sq_accept(p, SQ_KW_SCHEMAS) || sq_accept(p, SQ_KW_NAMESPACES)) {
        s->out->kind = SQ_SHOW_DATABASES;
        if (accept_in(p)) {
            take_name(s);
        }
        take_pattern(s);
    } else if (sq_accept(p, SQ_KW_COLUMNS)) {
        s->out->kind = SQ_SHOW_COLUMNS;
        if (!accept_in(p)) {
            sq_fail(p);
        }
        take_name(s);
        if (accept_in(p)) { /* FROM t FROM db */
            size_t ndatabase;
            const Str *database = sq_multipart(p, &ndatabase);
            Str *parts = ARENA_ARRAY(p->arena, Str, ndatabase + 1);
            for (size_t i = 0; i < ndatabase; i++) {
                parts[i] = database[i];
            }
            parts[ndatabase] = s->out->name[s->out->nname - 1];
            s->out->name = parts;
            s->out->nname = ndatabase + 1;
        }
    } else if (sq_is(p, SQ_KW_PARTITIONS) || sq_is(p, SQ_KW_VIEWS) || sq_is(p, SQ_KW_TBLPROPERTIES) || sq_is(p, SQ_KW_TABLE) ||
               sq_is(p, SQ_KW_CATALOGS) || sq_is(p, SQ_KW_CREATE) || sq_is(p, SQ_KW_CURRENT)) {
        bool is_whole = sq_is(p, SQ_KW_VIEWS) || sq_is(p, SQ_KW_CATALOGS);
        if (sq_peek(p, 1) == SQ_TOK_EOF && !is_whole) {
            p->pos++;
            sq_fail(p);
        }
        other(s, first, 2);
    } else {
        show_functions(s);
    }
}

static void describe(Statement *s) {
    SqParser *p = s->p;
    size_t first = p->pos;
    p->pos++;
    if (sq_is(p, SQ_KW_FUNCTION) && (sq_is_identifier(sq_peek(p, 1)) || sq_peek(p, 1) == SQ_TOK_STRING)) {
        s->out->kind = SQ_DESCRIBE_FUNCTION;
        sq_expect(p, SQ_KW_FUNCTION);
        s->out->extended = sq_is(p, SQ_KW_EXTENDED) && sq_peek(p, 1) != SQ_TOK_EOF && sq_accept(p, SQ_KW_EXTENDED);
        if (sq_is(p, SQ_TOK_STRING)) {
            Str *name = ARENA_NEW(p->arena, Str);
            *name = sq_single_string(p);
            s->out->name = name;
            s->out->nname = 1;
        } else {
            take_name(s);
        }
        return;
    }
    bool is_namespace = sq_is(p, SQ_KW_DATABASE) || sq_is(p, SQ_KW_SCHEMA) || sq_is(p, SQ_KW_NAMESPACE) || sq_is(p, SQ_KW_CATALOG);
    if (is_namespace && sq_is_identifier(sq_peek(p, 1))) {
        other(s, first, 2);
        return;
    }
    bool has_query_word = sq_is(p, SQ_KW_QUERY) && sq_starts_query(p, 1);
    if (has_query_word || sq_starts_query(p, 0) || (sq_is(p, SQ_TOK_LPAREN) && sq_parenthesis_is_query(p))) {
        p->pos += has_query_word ? 1 : 0;
        if (!(sq_is(p, SQ_KW_TABLE) && !has_query_word)) {
            s->out->kind = SQ_DESCRIBE_QUERY;
            s->out->plan = sq_query(p);
            return;
        }
    }
    s->out->kind = SQ_DESCRIBE_TABLE;
    if (sq_is(p, SQ_KW_TABLE) && sq_is_identifier(sq_peek(p, 1))) {
        sq_expect(p, SQ_KW_TABLE);
    }
    bool is_extended = (sq_is(p, SQ_KW_EXTENDED) || sq_is(p, SQ_KW_FORMATTED)) && sq_is_identifier(sq_peek(p, 1));
    p->pos += is_extended ? 1 : 0;
    s->out->extended = is_extended;
    take_name(s);
    if (sq_is(p, SQ_KW_PARTITION) && sq_peek(p, 1) == SQ_TOK_LPAREN) {
        other(s, first, 1);
        s->out->text = STR("DESCRIBE TABLE PARTITION");
        return;
    }
    if (sq_is_identifier(sq_peek(p, 0))) {
        size_t at = p->pos;
        size_t nparts;
        (void)sq_multipart(p, &nparts);
        s->out->key = sq_text_from(p, at);
    }
}

/* -- the rest */

static void explain(Statement *s) {
    SqParser *p = s->p;
    s->out->kind = SQ_EXPLAIN;
    sq_expect(p, SQ_KW_EXPLAIN);
    bool has_mode = sq_is(p, SQ_KW_LOGICAL) || sq_is(p, SQ_KW_FORMATTED) || sq_is(p, SQ_KW_EXTENDED) || sq_is(p, SQ_KW_CODEGEN) ||
                    sq_is(p, SQ_KW_COST);
    if (has_mode) {
        s->out->text = str_upper(p->arena, sq_token_str(p, p->pos));
        p->pos++;
    }
    s->out->plan = sq_query(p);
}

static void cache(Statement *s) {
    SqParser *p = s->p;
    s->out->kind = SQ_CACHE_TABLE;
    sq_expect(p, SQ_KW_CACHE);
    s->out->is_lazy = sq_accept(p, SQ_KW_LAZY);
    sq_expect(p, SQ_KW_TABLE);
    take_name(s);
    if (sq_accept(p, SQ_KW_OPTIONS)) {
        size_t count = 0;
        const PlOption *options = option_list(p, &count);
        for (size_t i = 0; i < count; i++) {
            if (str_eq_nocase(options[i].key, STR("storageLevel"))) {
                s->out->value = options[i].value;
                s->out->has_value = true;
            }
        }
    }
    if (sq_accept(p, SQ_KW_AS) || sq_starts_query(p, 0)) {
        s->out->plan = sq_query(p);
    }
}

static void uncache(Statement *s) {
    SqParser *p = s->p;
    s->out->kind = SQ_UNCACHE_TABLE;
    if (sq_accept(p, SQ_KW_CLEAR)) {
        sq_expect(p, SQ_KW_CACHE);
        return;
    }
    sq_expect(p, SQ_KW_UNCACHE);
    sq_expect(p, SQ_KW_TABLE);
    s->out->if_exists = accept_if_exists(p);
    take_name(s);
}

static void insert(Statement *s) {
    SqParser *p = s->p;
    size_t first = p->pos;
    s->out->kind = SQ_INSERT;
    sq_expect(p, SQ_KW_INSERT);
    if (sq_accept(p, SQ_KW_OVERWRITE)) {
        s->out->overwrite = true;
        if ((sq_is(p, SQ_KW_LOCAL) && sq_peek(p, 1) == SQ_KW_DIRECTORY) || (sq_is(p, SQ_KW_DIRECTORY) && sq_peek(p, 1) == SQ_TOK_STRING)) {
            other(s, first, 1);
            s->out->text = STR("INSERT OVERWRITE DIRECTORY");
            return;
        }
    } else {
        sq_expect(p, SQ_KW_INTO);
    }
    if (sq_is(p, SQ_KW_TABLE) && sq_is_identifier(sq_peek(p, 1))) {
        sq_expect(p, SQ_KW_TABLE);
    }
    take_name(s);
    if (sq_is(p, SQ_KW_PARTITION) && sq_peek(p, 1) == SQ_TOK_LPAREN) {
        other(s, first, 1);
        s->out->text = STR("INSERT with a PARTITION clause");
        return;
    }
    if (sq_is(p, SQ_KW_BY) && sq_peek(p, 1) == SQ_KW_NAME) {
        p->pos += 2;
        s->out->by_name = true;
    } else if (sq_is(p, SQ_TOK_LPAREN) && !sq_parenthesis_is_query(p)) {
        s->out->columns = sq_identifier_list(p, &s->out->ncolumns);
    }
    s->out->plan = sq_query(p);
}

/* Whether INSERT stands behind WITH a AS (…), b AS (…). */
static bool at_insert_behind_with(const SqParser *p) {
    size_t i = p->pos + 1;
    while (i < p->tokens.count) {
        SqTok tok = p->tokens.items[i].tok;
        if (tok == SQ_TOK_LPAREN && p->tokens.items[i].match > i) {
            i = p->tokens.items[i].match + 1;
            tok = i < p->tokens.count ? p->tokens.items[i].tok : SQ_TOK_EOF;
            if (tok != SQ_TOK_COMMA && tok != SQ_KW_AS && tok != SQ_TOK_LPAREN) {
                return tok == SQ_KW_INSERT;
            }
        } else if (!sq_is_identifier(tok) && tok != SQ_TOK_COMMA) {
            return false;
        } else {
            i++;
        }
    }
    return false;
}

static void insert_behind_with(Statement *s) {
    SqParser *p = s->p;
    PrRel *with = sq_with(p);
    insert(s);
    with->input = s->out->plan;
    s->out->plan = with;
}

/* Commands that Spark has and Solder has not, and those that Spark knows only to refuse them. */
static bool lacking(Statement *s) {
    static const struct {
        SqTok first, second; /* second EOF: any */
        bool is_refused;
    } COMMANDS[] = {
        {SQ_KW_ALTER, SQ_KW_TABLE, false},  {SQ_KW_ALTER, SQ_KW_VIEW, false},    {SQ_KW_ALTER, SQ_KW_DATABASE, false},
        {SQ_KW_ALTER, SQ_KW_SCHEMA, false}, {SQ_KW_ALTER, SQ_KW_NAMESPACE, false}, {SQ_KW_ANALYZE, SQ_KW_TABLE, false},
        {SQ_KW_ANALYZE, SQ_KW_TABLES, false}, {SQ_KW_COMMENT, SQ_KW_ON, false},  {SQ_KW_DELETE, SQ_KW_FROM, false},
        {SQ_KW_LOAD, SQ_KW_DATA, false},    {SQ_KW_MERGE, SQ_KW_INTO, false},    {SQ_KW_MSCK, SQ_KW_REPAIR, false},
        {SQ_KW_REFRESH, SQ_KW_TABLE, false}, {SQ_KW_REFRESH, SQ_KW_FUNCTION, false}, {SQ_KW_REPAIR, SQ_KW_TABLE, false},
        {SQ_KW_TRUNCATE, SQ_KW_TABLE, false}, {SQ_KW_UPDATE, SQ_TOK_EOF, false}, {SQ_KW_REPLACE, SQ_KW_TABLE, false},
        {SQ_KW_ADD, SQ_TOK_EOF, false},     {SQ_KW_LIST, SQ_TOK_EOF, false},     {SQ_KW_REFRESH, SQ_TOK_EOF, false},
        {SQ_KW_GRANT, SQ_TOK_EOF, true},    {SQ_KW_REVOKE, SQ_TOK_EOF, true},    {SQ_KW_EXPORT, SQ_KW_TABLE, true},
        {SQ_KW_IMPORT, SQ_KW_TABLE, true},  {SQ_KW_LOCK, SQ_KW_TABLE, true},     {SQ_KW_LOCK, SQ_KW_DATABASE, true},
        {SQ_KW_UNLOCK, SQ_KW_TABLE, true},  {SQ_KW_UNLOCK, SQ_KW_DATABASE, true}, {SQ_KW_START, SQ_KW_TRANSACTION, true},
        {SQ_KW_COMMIT, SQ_TOK_EOF, true},   {SQ_KW_ROLLBACK, SQ_TOK_EOF, true},  {SQ_KW_DFS, SQ_TOK_EOF, true},
    };
    SqParser *p = s->p;
    size_t first = p->pos;
    bool is_first_known = false;
    SqTok wanted = SQ_TOK_EOF;
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
        if (COMMANDS[i].first != sq_peek(p, 0)) {
            continue;
        }
        is_first_known = true;
        bool is_any = COMMANDS[i].second == SQ_TOK_EOF;
        wanted = wanted == SQ_TOK_EOF ? COMMANDS[i].second : SQ_TOK_SEMICOLON; /* one, or several */
        if (!is_any && sq_peek(p, 1) != COMMANDS[i].second) {
            continue;
        }
        size_t nwords = is_any ? 1 : 2;
        other(s, first, nwords);
        if (COMMANDS[i].is_refused) {
            sq_note(p, first, "_LEGACY_ERROR_TEMP_0035", "Operation not allowed: %.*s.", STR_ARG(str_lower(p->arena, s->out->text)));
        } else if (p->tokens.count == nwords + 1 || (COMMANDS[i].first == SQ_KW_UPDATE && p->tokens.count < 6)) {
            sq_fail(p); /* nothing behind the words */
        }
        return true;
    }
    if (is_first_known) {
        p->pos++;
        sq_expect(p, wanted); /* fails: none of the commands has this second word */
    }
    return is_first_known;
}

static void statement(Statement *s) {
    SqParser *p = s->p;
    switch ((int)sq_peek(p, 0)) {
    case SQ_KW_CREATE:
        create(s);
        return;
    case SQ_KW_DROP:
        drop(s);
        return;
    case SQ_KW_SET:
        set(s);
        return;
    case SQ_KW_RESET:
        reset(s);
        return;
    case SQ_KW_USE:
        s->out->kind = SQ_USE;
        sq_expect(p, SQ_KW_USE);
        if ((sq_is(p, SQ_KW_DATABASE) || sq_is(p, SQ_KW_SCHEMA) || sq_is(p, SQ_KW_NAMESPACE)) && sq_is_identifier(sq_peek(p, 1))) {
            p->pos++;
        }
        take_name(s);
        return;
    case SQ_KW_SHOW:
        show(s);
        return;
    case SQ_KW_DESC:
    case SQ_KW_DESCRIBE:
        describe(s);
        return;
    case SQ_KW_EXPLAIN:
        explain(s);
        return;
    case SQ_KW_CACHE:
        cache(s);
        return;
    case SQ_KW_UNCACHE:
    case SQ_KW_CLEAR:
        uncache(s);
        return;
    case SQ_KW_INSERT:
        insert(s);
        return;
    case SQ_KW_WITH:
        if (at_insert_behind_with(p)) {
            insert_behind_with(s);
            return;
        }
        break;
    default:
        break;
    }
    if (lacking(s)) {
        return;
    }
    s->out->kind = SQ_QUERY;
    s->out->plan = sq_query(p);
}

bool sq_parse_statement(Arena *arena, Str text, const SqArguments *args, SqStatement *ret_statement, Err *err) {
    SqParser p;
    Err noted = {0};
    SqStatement out = {0};
    sq_start(&p, arena, text, args, &noted);
    Statement s = {.p = &p, .out = &out};
    statement(&s);
    sq_expect_end(&p);
    sq_check_windows(&p);
    if (!sq_finish(&p, err)) {
        return false;
    }
    *ret_statement = out;
    return true;
}
