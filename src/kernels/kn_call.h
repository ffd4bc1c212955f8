/* kn_call.h - one call of a kernel on one chunk: typed access to its columns, row by row.
 *
 * Shared by the files of kernels/. A kernel is a C function over a KnCall; kernels.c calls it from DuckDB's scalar callback.
 * Invariant: every row of the output is either written or set to null; nothing in a KnCall outlives the call but its KnState, which
 * belongs to one thread.
 */
#ifndef SOLDER_KERNELS_KN_CALL_H
#define SOLDER_KERNELS_KN_CALL_H

#include "base/str.h"

#include <duckdb.h>
#include <string.h>

enum { KN_MAX_ARGS = 12 };

typedef struct KnColumn {
    duckdb_vector vector;
    void *data;
    uint64_t *validity; /* NULL: all valid */
} KnColumn;

/* One thing made from a constant argument (a compiled pattern, a time zone …), kept as long as the argument stays the same. */
typedef struct KnSlot {
    char *owned_key;
    size_t key_len;
    void *owned_object;
    void (*free_object)(void *object);
} KnSlot;

typedef struct KnState {
    char *owned_buffer; /* scratch text */
    size_t buffer_len, buffer_cap;
    KnSlot slots[2];
    int64_t number; /* a counter for functions that have one, such as rand */
} KnState;

typedef struct KnCall {
    duckdb_function_info info;
    KnState *state;
    idx_t rows;
    idx_t nargs;
    KnColumn args[KN_MAX_ARGS];
    KnColumn out;
    bool has_nulls; /* some argument has a validity mask */
    bool failed;
} KnCall;

typedef void KnFunction(KnCall *kn);

/* types: a letter each for the arguments, ':' and the result. b BOOLEAN 1 TINYINT 2 SMALLINT 4 INTEGER 8 BIGINT h HUGEINT f FLOAT d DOUBLE
 * s VARCHAR x BLOB D DATE T TIMESTAMPTZ N TIMESTAMP I INTERVAL S VARCHAR[] Z VARCHAR[][] L BIGINT[] A any; '*' behind the last argument: any number
 * of them; '!' at the end: volatile. Several kernels of one name, one behind the other, are overloads. */
typedef struct KnScalar {
    const char *name;
    const char *types;
    KnFunction *function;
} KnScalar;

/* A family of kernels whose result type comes with the instance (kn_set_require). */
typedef struct KnFamily {
    const char *name;
    const char *args; /* letters as above */
    KnFunction *function;
} KnFamily;

static inline bool kn_is_null(const KnColumn *column, idx_t row) {
    return column->validity != NULL && (column->validity[row >> 6] >> (row & 63) & 1) == 0;
}

static inline bool kn_row_has_null(const KnCall *kn, idx_t row) {
    if (!kn->has_nulls) {
        return false;
    }
    for (idx_t i = 0; i < kn->nargs; i++) {
        if (kn_is_null(&kn->args[i], row)) {
            return true;
        }
    }
    return false;
}

void kn_set_null_at(KnColumn *column, idx_t row);

static inline void kn_null(KnCall *kn, idx_t row) {
    kn_set_null_at(&kn->out, row);
}

static inline Str kn_text(const duckdb_string_t *value) {
    return value->value.inlined.length <= 12 ? (Str){value->value.inlined.inlined, value->value.inlined.length}
                                             : (Str){value->value.pointer.ptr, value->value.pointer.length};
}

static inline Str kn_str(const KnCall *kn, idx_t arg, idx_t row) {
    return kn_text((const duckdb_string_t *)kn->args[arg].data + row);
}

/* Writes text that must be valid UTF-8 already. */
static inline void kn_put_text(KnColumn *column, idx_t row, Str text) {
    if (text.len <= 12) {
        duckdb_string_t value = {0};
        value.value.inlined.length = (uint32_t)text.len;
        if (text.len > 0) {
            memcpy(value.value.inlined.inlined, text.data, text.len);
        }
        ((duckdb_string_t *)column->data)[row] = value;
        return;
    }
    duckdb_unsafe_vector_assign_string_element_len(column->vector, row, text.data, text.len);
}

static inline void kn_put(KnCall *kn, idx_t row, Str text) {
    kn_put_text(&kn->out, row, text);
}

/* Runs the statement behind it for each row whose arguments are all there; the others become null. */
#define KN_EACH_ROW(kn, row)                                                                                                     \
    for (idx_t row = 0; row < (kn)->rows; row++)                                                                                 \
        if (kn_row_has_null((kn), row)) {                                                                                        \
            kn_null((kn), row);                                                                                                  \
        } else

#define KN_ARG(kn, T, index) ((const T *)(kn)->args[index].data)
#define KN_OUT(kn, T) ((T *)(kn)->out.data)

/* A kernel of one or two numbers: EXPR over x (and y) for every row, nulls included, which keeps the loop without branches. */
#define KN_MAP1(fn, A, R, EXPR)                                                                                                  \
    static void fn(KnCall *kn) {                                                                                                 \
        const A *a = KN_ARG(kn, A, 0);                                                                                           \
        R *r = KN_OUT(kn, R);                                                                                                    \
        for (idx_t i = 0; i < kn->rows; i++) {                                                                                   \
            A x = a[i];                                                                                                          \
            r[i] = (R)(EXPR);                                                                                                    \
        }                                                                                                                        \
        kn_copy_nulls(kn);                                                                                                       \
    }
#define KN_MAP2(fn, A, B, R, EXPR)                                                                                               \
    static void fn(KnCall *kn) {                                                                                                 \
        const A *a = KN_ARG(kn, A, 0);                                                                                           \
        const B *b = KN_ARG(kn, B, 1);                                                                                           \
        R *r = KN_OUT(kn, R);                                                                                                    \
        for (idx_t i = 0; i < kn->rows; i++) {                                                                                   \
            A x = a[i];                                                                                                          \
            B y = b[i];                                                                                                          \
            r[i] = (R)(EXPR);                                                                                                    \
        }                                                                                                                        \
        kn_copy_nulls(kn);                                                                                                       \
    }

/* The output is null where an argument is. */
void kn_copy_nulls(KnCall *kn);

/* Scratch text of the state, valid until the next kn_text_start of this thread's kernel. */
void kn_text_start(KnCall *kn);
void kn_text_add(KnCall *kn, const char *data, size_t len);
void kn_text_char(KnCall *kn, char c);
char *kn_text_reserve(KnCall *kn, size_t len); /* room for len bytes behind the text; kn_text_added says how many were used */
void kn_text_added(KnCall *kn, size_t len);
Str kn_text_str(const KnCall *kn);

/* Ends the query with "CLASS: text". */
void kn_fail(KnCall *kn, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The state's object for this key, made anew when the key is another. make gives NULL after kn_fail. */
void *kn_cached(KnCall *kn, Str key, void *(*make)(KnCall *kn, Str key), void (*free_object)(void *object));
/* A second one, for kernels that need two (a zone and a pattern). */
void *kn_cached_also(KnCall *kn, Str key, void *(*make)(KnCall *kn, Str key), void (*free_object)(void *object));

/* A decimal column of any width: how its values are stored. */
typedef struct KnDecimal {
    duckdb_type storage;
    int width, scale;
} KnDecimal;

/* One as DuckDB stores it for a precision. */
static inline __int128 kn_decimal_load(const void *data, int precision, idx_t row) {
    if (precision <= 4) {
        return ((const int16_t *)data)[row];
    }
    if (precision <= 9) {
        return ((const int32_t *)data)[row];
    }
    if (precision <= 18) {
        return ((const int64_t *)data)[row];
    }
    __int128 value;
    memcpy(&value, (const char *)data + row * sizeof value, sizeof value);
    return value;
}

static inline void kn_decimal_store(void *data, int precision, idx_t row, __int128 value) {
    if (precision <= 4) {
        ((int16_t *)data)[row] = (int16_t)value;
    } else if (precision <= 9) {
        ((int32_t *)data)[row] = (int32_t)value;
    } else if (precision <= 18) {
        ((int64_t *)data)[row] = (int64_t)value;
    } else {
        memcpy((char *)data + row * sizeof value, &value, sizeof value);
    }
}

KnDecimal kn_decimal_of(const KnColumn *column);
__int128 kn_decimal_get(const KnColumn *column, const KnDecimal *type, idx_t row);
void kn_decimal_put(KnColumn *column, const KnDecimal *type, idx_t row, __int128 value);

/* The tables of the files of kernels/, each ended by a row without a name. */
extern const KnScalar kn_number_kernels[];
extern const KnScalar kn_number_text_kernels[];
extern const KnScalar kn_decimal_kernels[];
extern const KnScalar kn_show_kernels[];
extern const KnScalar kn_string_kernels[];
extern const KnScalar kn_regex_kernels[];
extern const KnScalar kn_date_kernels[];
extern const KnScalar kn_hash_kernels[];
extern const KnScalar kn_json_kernels[];
extern const KnScalar kn_python_kernels[];
extern const KnScalar kn_text_tool_kernels[];
extern const KnScalar kn_printf_kernels[];
extern const KnScalar kn_random_kernels[];
extern const KnScalar kn_date_pattern_kernels[];
extern const KnFamily kn_decimal_families[];

#endif
