/* coercion.c - the types that two or more expressions have in common (Spark's TypeCoercion and DecimalPrecision, ANSI off).
 *
 * Called by the rules for operators and functions and by set operations. Invariant: no expression is changed here; NULL means that there is
 * no such type, and sets no error.
 */
#include "analyze/az.h"

#include <stddef.h>

enum { DECIMAL_MAX = 38 };

const PlType *az_decimal_bounded(AzCtx *ctx, int precision, int scale) {
    int p = precision < DECIMAL_MAX ? precision : DECIMAL_MAX;
    int s = scale < DECIMAL_MAX ? scale : DECIMAL_MAX;
    return pl_decimal(ctx->arena, p, s);
}

const PlType *az_decimal_for(AzCtx *ctx, const PlType *t) {
    static const struct {
        PlTypeKind kind;
        int precision, scale;
    } SIZES[] = {{PL_TYPE_BYTE, 3, 0}, {PL_TYPE_SHORT, 5, 0}, {PL_TYPE_INT, 10, 0}, {PL_TYPE_LONG, 20, 0}, {PL_TYPE_FLOAT, 14, 7},
                 {PL_TYPE_DOUBLE, 30, 15}};
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        if (SIZES[i].kind == t->kind) {
            return pl_decimal(ctx->arena, SIZES[i].precision, SIZES[i].scale);
        }
    }
    return t->kind == PL_TYPE_DECIMAL ? t : NULL;
}

const PlType *az_decimal_wider(AzCtx *ctx, const PlType *a, const PlType *b) {
    int scale = a->scale > b->scale ? a->scale : b->scale;
    int whole_a = a->precision - a->scale;
    int whole_b = b->precision - b->scale;
    int whole = whole_a > whole_b ? whole_a : whole_b;
    return az_decimal_bounded(ctx, whole + scale, scale);
}

/* byte 0 … double 5; -1: not in the order. */
static int numeric_rank(const PlType *t) {
    static const PlTypeKind ORDER[] = {PL_TYPE_BYTE, PL_TYPE_SHORT, PL_TYPE_INT, PL_TYPE_LONG, PL_TYPE_FLOAT, PL_TYPE_DOUBLE};
    for (int i = 0; i < 6; i++) {
        if (ORDER[i] == t->kind) {
            return i;
        }
    }
    return -1;
}

typedef const PlType *(*Combine)(AzCtx *ctx, const PlType *a, const PlType *b, bool promote_strings);

/* Arrays, maps and structs of the same shape, combined inside (findTypeForComplex). */
static const PlType *combine_complex(AzCtx *ctx, const PlType *a, const PlType *b, bool promote, Combine inside) {
    if (a->kind != b->kind) {
        return NULL;
    }
    if (a->kind == PL_TYPE_ARRAY) {
        const PlType *element = inside(ctx, a->element, b->element, promote);
        if (element == NULL) {
            return NULL;
        }
        bool nullable = a->element_nullable || b->element_nullable || az_cast_nullable(a->element, element) ||
                        az_cast_nullable(b->element, element);
        return pl_array(ctx->arena, element, nullable);
    }
    if (a->kind == PL_TYPE_MAP) {
        const PlType *key = inside(ctx, a->key, b->key, promote);
        const PlType *value = key == NULL ? NULL : inside(ctx, a->element, b->element, promote);
        if (value == NULL || az_cast_nullable(a->key, key) || az_cast_nullable(b->key, key)) {
            return NULL;
        }
        bool nullable = a->element_nullable || b->element_nullable || az_cast_nullable(a->element, value) ||
                        az_cast_nullable(b->element, value);
        return pl_map(ctx->arena, key, value, nullable);
    }
    if (a->kind != PL_TYPE_STRUCT || a->nfields != b->nfields) {
        return NULL;
    }
    PlField *fields = ARENA_ARRAY(ctx->arena, PlField, a->nfields);
    for (size_t i = 0; i < a->nfields; i++) {
        const PlField *x = &a->fields[i];
        const PlField *y = &b->fields[i];
        const PlType *type = az_name_eq(ctx, x->name, y->name) ? inside(ctx, x->type, y->type, promote) : NULL;
        if (type == NULL) {
            return NULL;
        }
        bool nullable = x->nullable || y->nullable || az_cast_nullable(x->type, type) || az_cast_nullable(y->type, type);
        fields[i] = (PlField){x->name, type, nullable, {0}};
    }
    return pl_struct(ctx->arena, fields, a->nfields);
}

static bool holds_integral(const PlType *decimal, const PlType *integral, AzCtx *ctx) {
    const PlType *as = az_decimal_for(ctx, integral);
    return decimal->precision - decimal->scale >= as->precision;
}

static const PlType *tightest(AzCtx *ctx, const PlType *a, const PlType *b, bool promote) {
    (void)promote;
    if (pl_type_equal(a, b)) {
        return a;
    }
    if (a->kind == PL_TYPE_NULL) {
        return b;
    }
    if (b->kind == PL_TYPE_NULL) {
        return a;
    }
    int ra = numeric_rank(a);
    int rb = numeric_rank(b);
    if (ra >= 0 && rb >= 0) {
        return ra > rb ? a : b;
    }
    if (a->kind == PL_TYPE_DECIMAL && pl_type_is_integral(b)) {
        return holds_integral(a, b, ctx) ? a : NULL;
    }
    if (b->kind == PL_TYPE_DECIMAL && pl_type_is_integral(a)) {
        return holds_integral(b, a, ctx) ? b : NULL;
    }
    bool dated_a = a->kind == PL_TYPE_DATE || a->kind == PL_TYPE_TIMESTAMP || a->kind == PL_TYPE_TIMESTAMP_NTZ;
    bool dated_b = b->kind == PL_TYPE_DATE || b->kind == PL_TYPE_TIMESTAMP || b->kind == PL_TYPE_TIMESTAMP_NTZ;
    if (dated_a && dated_b) {
        if (a->kind == PL_TYPE_TIMESTAMP || b->kind == PL_TYPE_TIMESTAMP) {
            return &PL_TIMESTAMP;
        }
        return &PL_TIMESTAMP_NTZ;
    }
    if (a->kind == b->kind && (a->kind == PL_TYPE_DAY_TIME_INTERVAL || a->kind == PL_TYPE_YEAR_MONTH_INTERVAL)) {
        PlType *type = ARENA_NEW(ctx->arena, PlType);
        *type = *a;
        type->start = a->start < b->start ? a->start : b->start;
        type->end = a->end > b->end ? a->end : b->end;
        return type;
    }
    return combine_complex(ctx, a, b, false, tightest);
}

const PlType *az_tightest_common(AzCtx *ctx, const PlType *a, const PlType *b) {
    return tightest(ctx, a, b, false);
}

static bool promotes_to_string(const PlType *t) {
    return pl_type_is_atomic(t) && t->kind != PL_TYPE_BINARY && t->kind != PL_TYPE_BOOLEAN;
}

static const PlType *wider(AzCtx *ctx, const PlType *a, const PlType *b, bool promote) {
    const PlType *found = tightest(ctx, a, b, false);
    if (found != NULL) {
        return found;
    }
    if (a->kind == PL_TYPE_DECIMAL || b->kind == PL_TYPE_DECIMAL) {
        const PlType *decimal = a->kind == PL_TYPE_DECIMAL ? a : b;
        const PlType *other = a->kind == PL_TYPE_DECIMAL ? b : a;
        if (other->kind == PL_TYPE_FLOAT || other->kind == PL_TYPE_DOUBLE) {
            return &PL_DOUBLE;
        }
        if (other->kind == PL_TYPE_DECIMAL || pl_type_is_integral(other)) {
            return az_decimal_wider(ctx, decimal, az_decimal_for(ctx, other));
        }
    }
    if (promote && ((a->kind == PL_TYPE_STRING && promotes_to_string(b)) || (b->kind == PL_TYPE_STRING && promotes_to_string(a)))) {
        return &PL_STRING;
    }
    return combine_complex(ctx, a, b, promote, wider);
}

const PlType *az_wider_type(AzCtx *ctx, const PlType *a, const PlType *b, bool promote_strings) {
    return wider(ctx, a, b, promote_strings);
}

static bool has_string(const PlType *t) {
    if (t->kind == PL_TYPE_STRING) {
        return true;
    }
    if (t->kind == PL_TYPE_ARRAY) {
        return has_string(t->element);
    }
    if (t->kind == PL_TYPE_MAP) {
        return has_string(t->key) || has_string(t->element);
    }
    for (size_t i = 0; t->kind == PL_TYPE_STRUCT && i < t->nfields; i++) {
        if (has_string(t->fields[i].type)) {
            return true;
        }
    }
    return false;
}

const PlType *az_wider_common_types(AzCtx *ctx, const PlType *const *types, size_t count) {
    const PlType *common = &PL_NULL;
    /* Strings first: promotion is not associative. */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            if (has_string(types[i]) == (pass == 0)) {
                common = wider(ctx, common, types[i], true);
                if (common == NULL) {
                    return NULL;
                }
            }
        }
    }
    return common;
}

const PlType *az_wider_common(AzCtx *ctx, const TxExpr *const *exprs, size_t count) {
    const PlType **types = ARENA_ARRAY(ctx->arena, const PlType *, count);
    for (size_t i = 0; i < count; i++) {
        types[i] = exprs[i]->type;
    }
    return az_wider_common_types(ctx, types, count);
}

const PlType *az_set_nullability(AzCtx *ctx, const PlType *type) {
    if (type->kind == PL_TYPE_ARRAY) {
        return pl_array(ctx->arena, az_set_nullability(ctx, type->element), true);
    }
    if (type->kind == PL_TYPE_MAP) {
        return pl_map(ctx->arena, az_set_nullability(ctx, type->key), az_set_nullability(ctx, type->element), true);
    }
    if (type->kind == PL_TYPE_STRUCT) {
        PlField *fields = ARENA_ARRAY(ctx->arena, PlField, type->nfields);
        for (size_t i = 0; i < type->nfields; i++) {
            fields[i] = type->fields[i];
            fields[i].type = az_set_nullability(ctx, fields[i].type);
            fields[i].nullable = true;
        }
        return pl_struct(ctx->arena, fields, type->nfields);
    }
    return type;
}

bool az_is_orderable(const PlType *t) {
    if (t->kind == PL_TYPE_MAP || t->kind == PL_TYPE_CALENDAR_INTERVAL) {
        return false;
    }
    if (t->kind == PL_TYPE_ARRAY) {
        return az_is_orderable(t->element);
    }
    for (size_t i = 0; t->kind == PL_TYPE_STRUCT && i < t->nfields; i++) {
        if (!az_is_orderable(t->fields[i].type)) {
            return false;
        }
    }
    return true;
}
