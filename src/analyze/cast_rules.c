/* cast_rules.c - which casts exist, and which may give NULL (Spark's Cast.canCast and Cast.forceNullable, ANSI off).
 *
 * Called when casts are made (build.c). Invariant: agrees with real Spark on every pair of types; tests/spark asks it.
 */
#include "analyze/az.h"

static bool is_interval(const PlType *t) {
    return t->kind == PL_TYPE_DAY_TIME_INTERVAL || t->kind == PL_TYPE_YEAR_MONTH_INTERVAL;
}

static bool can_cast_scalar(const PlType *from, const PlType *to) {
    PlTypeKind a = from->kind;
    PlTypeKind b = to->kind;
    if (b == PL_TYPE_STRING || a == PL_TYPE_NULL) {
        return true;
    }
    if (b == PL_TYPE_BINARY) {
        return a == PL_TYPE_STRING || pl_type_is_integral(from);
    }
    if (b == PL_TYPE_BOOLEAN || pl_type_is_numeric(to)) {
        if (a == PL_TYPE_STRING || a == PL_TYPE_BOOLEAN || pl_type_is_numeric(from) || a == PL_TYPE_DATE || a == PL_TYPE_TIMESTAMP) {
            return true;
        }
        return is_interval(from) && (pl_type_is_integral(to) || b == PL_TYPE_DECIMAL);
    }
    if (b == PL_TYPE_TIMESTAMP) {
        return a == PL_TYPE_STRING || a == PL_TYPE_BOOLEAN || a == PL_TYPE_DATE || a == PL_TYPE_TIMESTAMP_NTZ || pl_type_is_numeric(from);
    }
    if (b == PL_TYPE_TIMESTAMP_NTZ) {
        return a == PL_TYPE_STRING || a == PL_TYPE_DATE || a == PL_TYPE_TIMESTAMP;
    }
    if (b == PL_TYPE_DATE) {
        return a == PL_TYPE_STRING || a == PL_TYPE_TIMESTAMP || a == PL_TYPE_TIMESTAMP_NTZ;
    }
    if (b == PL_TYPE_CALENDAR_INTERVAL) {
        return a == PL_TYPE_STRING;
    }
    if (is_interval(to)) {
        return a == PL_TYPE_STRING || a == b || pl_type_is_integral(from) || a == PL_TYPE_DECIMAL;
    }
    return false;
}

static bool keeps_nullability(bool from_nullable, bool to_nullable) {
    return !from_nullable || to_nullable;
}

bool az_can_cast(const PlType *from, const PlType *to) {
    if (pl_type_equal(from, to)) {
        return true;
    }
    if (from->kind == PL_TYPE_ARRAY && to->kind == PL_TYPE_ARRAY) {
        return az_can_cast(from->element, to->element) &&
               keeps_nullability(from->element_nullable || az_cast_nullable(from->element, to->element), to->element_nullable);
    }
    if (from->kind == PL_TYPE_MAP && to->kind == PL_TYPE_MAP) {
        return az_can_cast(from->key, to->key) && !az_cast_nullable(from->key, to->key) && az_can_cast(from->element, to->element) &&
               keeps_nullability(from->element_nullable || az_cast_nullable(from->element, to->element), to->element_nullable);
    }
    if (from->kind == PL_TYPE_STRUCT && to->kind == PL_TYPE_STRUCT) {
        if (from->nfields != to->nfields) {
            return false;
        }
        for (size_t i = 0; i < from->nfields; i++) {
            const PlField *a = &from->fields[i];
            const PlField *b = &to->fields[i];
            if (!az_can_cast(a->type, b->type) || !keeps_nullability(a->nullable || az_cast_nullable(a->type, b->type), b->nullable)) {
                return false;
            }
        }
        return true;
    }
    return can_cast_scalar(from, to);
}

/* Whether every value of from fits into the decimal. */
static bool fits_decimal(const PlType *from, const PlType *to) {
    static const struct {
        PlTypeKind kind;
        int digits;
    } WHOLE[] = {{PL_TYPE_BOOLEAN, 1}, {PL_TYPE_BYTE, 3}, {PL_TYPE_SHORT, 5}, {PL_TYPE_INT, 10}, {PL_TYPE_LONG, 20}};
    int whole = to->precision - to->scale;
    for (size_t i = 0; i < sizeof WHOLE / sizeof WHOLE[0]; i++) {
        if (WHOLE[i].kind == from->kind) {
            return whole >= WHOLE[i].digits;
        }
    }
    if (from->kind == PL_TYPE_TIMESTAMP) {
        return false;
    }
    return from->kind == PL_TYPE_DECIMAL && whole >= from->precision - from->scale && to->scale >= from->scale;
}

bool az_cast_nullable(const PlType *from, const PlType *to) {
    PlTypeKind a = from->kind;
    PlTypeKind b = to->kind;
    if (a == PL_TYPE_NULL || pl_type_equal(from, to)) {
        return false;
    }
    if (a == PL_TYPE_STRING) {
        return b != PL_TYPE_BINARY;
    }
    if (b == PL_TYPE_STRING) {
        return false;
    }
    if ((a == PL_TYPE_FLOAT || a == PL_TYPE_DOUBLE) && b == PL_TYPE_TIMESTAMP) {
        return true;
    }
    if (b == PL_TYPE_DATE) {
        return a != PL_TYPE_TIMESTAMP;
    }
    if (a == PL_TYPE_DATE) {
        return b != PL_TYPE_TIMESTAMP && b != PL_TYPE_TIMESTAMP_NTZ;
    }
    if (b == PL_TYPE_CALENDAR_INTERVAL) {
        return true;
    }
    if (b == PL_TYPE_DECIMAL) {
        return !fits_decimal(from, to);
    }
    return (a == PL_TYPE_FLOAT || a == PL_TYPE_DOUBLE || a == PL_TYPE_DECIMAL) && pl_type_is_integral(to);
}
