/* node.c - makers of unresolved nodes with their origin; see parser.h. */
#include "sql/parser.h"

PxExpr *sq_expr(SqParser *p, PxTag tag, size_t first_token) {
    PxExpr *e = ARENA_NEW(p->arena, PxExpr);
    e->tag = tag;
    e->origin = sq_origin(p, first_token);
    return e;
}

PrRel *sq_rel(SqParser *p, PrTag tag, size_t first_token, const PrRel *input) {
    PrRel *rel = ARENA_NEW(p->arena, PrRel);
    rel->tag = tag;
    rel->plan_id = -1;
    rel->origin = sq_origin(p, first_token);
    rel->input = input;
    return rel;
}

PxExpr *sq_call(SqParser *p, size_t first_token, Str name, const PxExpr *const *args, size_t nargs) {
    PxExpr *e = sq_expr(p, PX_CALL, first_token);
    e->call.name = name;
    e->call.args = ARENA_ARRAY(p->arena, const PxExpr *, nargs);
    e->call.nargs = nargs;
    for (size_t i = 0; i < nargs; i++) {
        e->call.args[i] = args[i];
    }
    return e;
}

PxExpr *sq_call1(SqParser *p, size_t first_token, const char *name, const PxExpr *a) {
    return sq_call(p, first_token, str_from_c(name), (const PxExpr *[]){a}, 1);
}

PxExpr *sq_call2(SqParser *p, size_t first_token, const char *name, const PxExpr *a, const PxExpr *b) {
    return sq_call(p, first_token, str_from_c(name), (const PxExpr *[]){a, b}, 2);
}

PxExpr *sq_call3(SqParser *p, size_t first_token, const char *name, const PxExpr *a, const PxExpr *b, const PxExpr *c) {
    return sq_call(p, first_token, str_from_c(name), (const PxExpr *[]){a, b, c}, 3);
}

PxExpr *sq_literal(SqParser *p, size_t first_token, PlValue value) {
    PxExpr *e = sq_expr(p, PX_LITERAL, first_token);
    PlValue *copy = ARENA_NEW(p->arena, PlValue);
    *copy = value;
    e->literal = copy;
    return e;
}

PxExpr *sq_string(SqParser *p, size_t first_token, Str value) {
    return sq_literal(p, first_token, (PlValue){.type = &PL_STRING, .s = value});
}

PxExpr *sq_int(SqParser *p, size_t first_token, int32_t value) {
    return sq_literal(p, first_token, (PlValue){.type = &PL_INT, .i = value});
}

PxExpr *sq_boolean(SqParser *p, size_t first_token, bool value) {
    return sq_literal(p, first_token, (PlValue){.type = &PL_BOOLEAN, .i = value});
}

PxExpr *sq_attribute(SqParser *p, size_t first_token, const Str *parts, size_t nparts) {
    PxTag tag = PX_ATTRIBUTE;
    for (const SqScope *scope = p->scope; scope != NULL && nparts > 0; scope = scope->outer) {
        for (size_t i = 0; i < scope->nparams; i++) {
            if (str_eq_nocase(scope->params[i], parts[0])) {
                tag = PX_LAMBDA_VARIABLE;
            }
        }
    }
    PxExpr *e = sq_expr(p, tag, first_token);
    e->attribute.parts = parts;
    e->attribute.nparts = nparts;
    e->attribute.plan_id = -1;
    return e;
}

PxExpr *sq_alias(SqParser *p, size_t first_token, const PxExpr *child, const Str *names, size_t nnames) {
    PxExpr *e = sq_expr(p, PX_ALIAS, first_token);
    e->alias.child = child;
    e->alias.names = names;
    e->alias.nnames = nnames;
    return e;
}
