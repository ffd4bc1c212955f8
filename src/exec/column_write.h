/* exec/column_write.h - a chunk's column as the readers fill it, row by row.
 *
 * Invariant: a row's validity is right when the chunk is handed out: what a dropped row left behind is cleared before the next row uses its place.
 */
#ifndef SOLDER_EXEC_COLUMN_WRITE_H
#define SOLDER_EXEC_COLUMN_WRITE_H

#include "base/utf8.h"
#include "exec/text_lines.h"
#include "plan/type.h"

#include <duckdb.h>
#include <emmintrin.h>
#include <stdlib.h>
#include <string.h>

typedef struct ExColumn {
    size_t field; /* position in the data schema */
    const PlType *type;
    duckdb_vector vector;
    void *data;
    uint64_t *validity; /* NULL until the first null of the chunk */
} ExColumn;

static inline void ex_column_start(ExColumn *column, duckdb_vector vector) {
    column->vector = vector;
    column->data = duckdb_vector_get_data(vector);
    column->validity = NULL;
}

static inline void ex_column_null(ExColumn *column, idx_t row) {
    if (column->validity == NULL) {
        duckdb_vector_ensure_validity_writable(column->vector);
        column->validity = duckdb_vector_get_validity(column->vector);
    }
    column->validity[row / 64] &= ~(1ULL << (row % 64));
}

static inline void ex_column_valid(ExColumn *column, idx_t row) {
    if (column->validity != NULL) {
        column->validity[row / 64] |= 1ULL << (row % 64);
    }
}

/* UTF-8 text that stays where it is while the chunk lives; 16 bytes from its start must be readable. */
static inline void ex_column_text(ExColumn *column, idx_t row, const char *text, size_t len) {
    static const uint8_t mask[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    char *target = (char *)column->data + row * 16;
    uint32_t len32 = (uint32_t)len;
    if (len <= 12) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
        bytes = _mm_and_si128(bytes, _mm_loadu_si128((const __m128i *)(const void *)(mask + 16 - len)));
        bytes = _mm_or_si128(_mm_slli_si128(bytes, 4), _mm_cvtsi32_si128((int)len32));
        _mm_storeu_si128((__m128i *)(void *)target, bytes);
    } else {
        memcpy(target, &len32, 4);
        memcpy(target + 4, text, 4);
        memcpy(target + 8, &text, sizeof text);
    }
}

/* Any bytes, copied into the vector; wrong UTF-8 replaced as Java does. */
static inline void ex_column_copy(ExColumn *column, idx_t row, const char *text, size_t len) {
    if (ex_is_ascii(text, len) || utf8_is_valid(text, len)) {
        duckdb_unsafe_vector_assign_string_element_len(column->vector, row, text, len);
        return;
    }
    char *fixed = malloc(len * 3 + 1);
    if (fixed == NULL) {
        abort();
    }
    size_t n = utf8_repair(text, len, fixed);
    duckdb_unsafe_vector_assign_string_element_len(column->vector, row, fixed, n);
    free(fixed);
}

#endif
