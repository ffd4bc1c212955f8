/* group.c - GROUP BY: plain lists, ROLLUP, CUBE, GROUPING SETS and their combinations.
 *
 * Invariant: what is not a plain list becomes numbered grouping sets over the list of distinct grouping expressions, except for a ROLLUP or a
 * CUBE of plain expressions alone, which keep their type. Combined items multiply: GROUP BY a, CUBE(b, c) is four sets, each with a.
 */
#include "sql/parser.h"

enum { MAX_SETS = 4096, MAX_CUBE = 12 };

typedef VEC(size_t) Set; /* indexes into the groups */
typedef VEC(Set) Sets;

typedef struct Grouping {
    SqParser *p;
    SqExprs groups;
} Grouping;

static bool expr_text_equal(const PxExpr *a, const PxExpr *b) {
    Str text_a = str_slice(a->origin.sql, (size_t)a->origin.start, (size_t)a->origin.stop);
    Str text_b = str_slice(b->origin.sql, (size_t)b->origin.start, (size_t)b->origin.stop);
    return str_eq_nocase(text_a, text_b) && text_a.len > 0;
}

/* The number of a grouping expression; the same text is the same expression. */
static size_t group_number(Grouping *g, const PxExpr *e) {
    for (size_t i = 0; i < g->groups.count; i++) {
        if (g->groups.items[i] != NULL && e != NULL && expr_text_equal(g->groups.items[i], e)) {
            return i;
        }
    }
    VEC_PUSH(&g->groups, e);
    return g->groups.count - 1;
}

static void add_all(Set *to, const Set *from) {
    for (size_t i = 0; i < from->count; i++) {
        bool has = false;
        for (size_t k = 0; k < to->count; k++) {
            has = has || to->items[k] == from->items[i];
        }
        if (!has) {
            VEC_PUSH(to, from->items[i]);
        }
    }
}

/* a, or (a, b), or (): one grouping set. */
static Set grouping_set(Grouping *g) {
    SqParser *p = g->p;
    Set set = {.arena = p->arena};
    size_t close = !p->failed && sq_is(p, SQ_TOK_LPAREN) ? p->tokens.items[p->pos].match : 0;
    SqTok after = close > 0 ? p->tokens.items[close + 1].tok : SQ_TOK_EOF;
    if (close > 0 && (after == SQ_TOK_COMMA || after == SQ_TOK_RPAREN)) {
        sq_expect(p, SQ_TOK_LPAREN);
        if (!sq_is(p, SQ_TOK_RPAREN)) {
            do {
                VEC_PUSH(&set, group_number(g, sq_expression(p)));
            } while (sq_accept(p, SQ_TOK_COMMA));
        }
        sq_expect(p, SQ_TOK_RPAREN);
        return set;
    }
    VEC_PUSH(&set, group_number(g, sq_expression(p)));
    return set;
}

static void too_many(Grouping *g, size_t first) {
    sq_note(g->p, first, "SOLDER.NOT_SUPPORTED", "GROUP BY makes more than %d grouping sets; use fewer columns in CUBE and ROLLUP.", MAX_SETS);
}

/* ROLLUP(…) or CUBE(…) of sets, as the sets it stands for. */
static Sets expanded(Grouping *g, size_t first, bool is_cube, const Sets *members) {
    Sets sets = {.arena = g->p->arena};
    size_t n = members->count;
    if (is_cube && n > MAX_CUBE) {
        too_many(g, first);
        return sets;
    }
    size_t count = is_cube ? (size_t)1 << n : n + 1;
    for (size_t i = 0; i < count; i++) {
        Set set = {.arena = g->p->arena};
        for (size_t k = 0; k < n; k++) {
            bool is_in = is_cube ? (i >> (n - 1 - k) & 1) == 0 : k < n - i;
            if (is_in) {
                add_all(&set, &members->items[k]);
            }
        }
        VEC_PUSH(&sets, set);
    }
    return sets;
}

static Sets grouping_sets(Grouping *g);

/* One item of GROUP BY. *ret_type says what it was. */
static Sets group_item(Grouping *g, PlGroupType *ret_type, bool *ret_is_plain) {
    SqParser *p = g->p;
    size_t first = p->pos;
    Sets sets = {.arena = p->arena};
    bool is_cube = sq_is(p, SQ_KW_CUBE);
    if ((is_cube || sq_is(p, SQ_KW_ROLLUP)) && sq_peek(p, 1) == SQ_TOK_LPAREN) {
        p->pos += 2;
        *ret_type = is_cube ? PL_GROUP_CUBE : PL_GROUP_ROLLUP;
        do {
            Set set = grouping_set(g);
            *ret_is_plain = *ret_is_plain && set.count == 1;
            VEC_PUSH(&sets, set);
        } while (sq_accept(p, SQ_TOK_COMMA));
        sq_expect(p, SQ_TOK_RPAREN);
        return expanded(g, first, is_cube, &sets);
    }
    if (sq_is(p, SQ_KW_GROUPING) && sq_peek(p, 1) == SQ_KW_SETS && sq_peek(p, 2) == SQ_TOK_LPAREN) {
        p->pos += 2;
        *ret_type = PL_GROUP_SETS;
        return grouping_sets(g);
    }
    *ret_type = PL_GROUP_BY;
    Set set = {.arena = p->arena};
    VEC_PUSH(&set, group_number(g, sq_expression(p)));
    VEC_PUSH(&sets, set);
    return sets;
}

/* ( set, ROLLUP(…), … ) ; the parenthesis is the current token */
static Sets grouping_sets(Grouping *g) {
    SqParser *p = g->p;
    Sets sets = {.arena = p->arena};
    if (!sq_deeper(p)) {
        p->depth--;
        return sets;
    }
    sq_expect(p, SQ_TOK_LPAREN);
    do {
        bool is_special = ((sq_is(p, SQ_KW_CUBE) || sq_is(p, SQ_KW_ROLLUP)) && sq_peek(p, 1) == SQ_TOK_LPAREN) ||
                          (sq_is(p, SQ_KW_GROUPING) && sq_peek(p, 1) == SQ_KW_SETS);
        if (is_special) {
            PlGroupType type;
            bool is_plain = true;
            Sets inner = group_item(g, &type, &is_plain);
            for (size_t i = 0; i < inner.count; i++) {
                VEC_PUSH(&sets, inner.items[i]);
            }
        } else {
            Set set = grouping_set(g);
            VEC_PUSH(&sets, set);
        }
    } while (sq_accept(p, SQ_TOK_COMMA));
    sq_expect(p, SQ_TOK_RPAREN);
    p->depth--;
    return sets;
}

/* Every set of a with every set of b. */
static Sets product(Grouping *g, size_t first, const Sets *a, const Sets *b) {
    Sets sets = {.arena = g->p->arena};
    if (a->count * b->count > MAX_SETS) {
        too_many(g, first);
        return *a;
    }
    for (size_t i = 0; i < a->count; i++) {
        for (size_t k = 0; k < b->count; k++) {
            Set set = {.arena = g->p->arena};
            add_all(&set, &a->items[i]);
            add_all(&set, &b->items[k]);
            VEC_PUSH(&sets, set);
        }
    }
    return sets;
}

static void put_sets(SqParser *p, PrRel *aggregate, const Sets *sets) {
    size_t total = 0;
    for (size_t i = 0; i < sets->count; i++) {
        total += sets->items[i].count;
    }
    size_t *sizes = ARENA_ARRAY(p->arena, size_t, sets->count);
    size_t *members = ARENA_ARRAY(p->arena, size_t, total);
    size_t at = 0;
    for (size_t i = 0; i < sets->count; i++) {
        sizes[i] = sets->items[i].count;
        for (size_t k = 0; k < sets->items[i].count; k++) {
            members[at++] = sets->items[i].items[k];
        }
    }
    aggregate->aggregate.type = PL_GROUP_SETS;
    aggregate->aggregate.set_sizes = sizes;
    aggregate->aggregate.nsets = sets->count;
    aggregate->aggregate.set_members = members;
}

/* a, b WITH ROLLUP | WITH CUBE | GROUPING SETS (…), the older form behind a plain list. */
static void older_form(Grouping *g, PrRel *aggregate) {
    SqParser *p = g->p;
    if (sq_is(p, SQ_KW_WITH) && (sq_peek(p, 1) == SQ_KW_ROLLUP || sq_peek(p, 1) == SQ_KW_CUBE)) {
        aggregate->aggregate.type = sq_peek(p, 1) == SQ_KW_CUBE ? PL_GROUP_CUBE : PL_GROUP_ROLLUP;
        p->pos += 2;
    } else if (sq_is(p, SQ_KW_GROUPING) && sq_peek(p, 1) == SQ_KW_SETS) {
        p->pos += 2;
        Sets sets = grouping_sets(g);
        put_sets(p, aggregate, &sets);
    }
}

void sq_group_by(SqParser *p, PrRel *aggregate) {
    Grouping g = {.p = p, .groups = {.arena = p->arena}};
    size_t first = p->pos;
    Sets all = {.arena = p->arena};
    Set none = {.arena = p->arena};
    VEC_PUSH(&all, none);
    bool is_first = true;
    PlGroupType type = PL_GROUP_BY;
    bool is_plain = true;
    size_t nspecial = 0;
    size_t nitems = 0;
    do {
        PlGroupType item_type;
        Sets item = group_item(&g, &item_type, &is_plain);
        all = product(&g, first, &all, &item);
        nspecial += item_type != PL_GROUP_BY;
        type = is_first ? item_type : type;
        is_first = false;
        nitems++;
    } while (sq_accept(p, SQ_TOK_COMMA));
    if (nspecial == 0) {
        older_form(&g, aggregate);
    } else if (nitems == 1 && is_plain && (type == PL_GROUP_ROLLUP || type == PL_GROUP_CUBE)) {
        aggregate->aggregate.type = type;
    } else {
        put_sets(p, aggregate, &all);
    }
    aggregate->aggregate.groups = g.groups.items;
    aggregate->aggregate.ngroups = g.groups.count;
}
