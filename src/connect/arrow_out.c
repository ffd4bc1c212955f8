/* arrow_out.c - see arrow_out.h: chunks joined by copying buffers, whole columns at a time. */
#include "connect/arrow_out.h"

#include <errno.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdlib.h>
#include <string.h>

static bool check(ArrowErrorCode code, Err *err) {
    return code == NANOARROW_OK || err_set(err, ERR_INTERNAL, "cannot put the result's Arrow batch together (%s)", strerror(code));
}

/* Appends n bits of src (from bit `from`) to a bitmap's buffer that holds `have` bits. */
static ArrowErrorCode append_bits(struct ArrowBuffer *out, int64_t have, const uint8_t *src, int64_t from, int64_t n) {
    int64_t size = (have + n + 7) / 8;
    NANOARROW_RETURN_NOT_OK(ArrowBufferReserve(out, size - out->size_bytes));
    uint8_t *bits = out->data;
    if (size > out->size_bytes) {
        memset(bits + out->size_bytes, 0, (size_t)(size - out->size_bytes));
        out->size_bytes = size;
    }
    if (have % 8 == 0 && from % 8 == 0) {
        memcpy(bits + have / 8, src + from / 8, (size_t)((n + 7) / 8));
        if (n % 8 != 0) { /* what lies behind the end must stay zero for the next append */
            bits[size - 1] &= (uint8_t)((1u << (n % 8)) - 1);
        }
        return NANOARROW_OK;
    }
    for (int64_t i = 0; i < n; i++) {
        if (ArrowBitGet(src, from + i)) {
            ArrowBitSet(bits, have + i);
        }
    }
    return NANOARROW_OK;
}

static ArrowErrorCode append_ones(struct ArrowBuffer *out, int64_t have, int64_t n) {
    int64_t size = (have + n + 7) / 8;
    NANOARROW_RETURN_NOT_OK(ArrowBufferReserve(out, size - out->size_bytes));
    if (size > out->size_bytes) {
        memset(out->data + out->size_bytes, 0, (size_t)(size - out->size_bytes));
        out->size_bytes = size;
    }
    ArrowBitsSetTo(out->data, have, n, 1);
    return NANOARROW_OK;
}

static ArrowErrorCode append_validity(struct ArrowArray *out, const struct ArrowArray *in, int64_t from, int64_t n) {
    struct ArrowBuffer *bits = &ArrowArrayValidityBitmap(out)->buffer;
    const uint8_t *src = in->n_buffers > 0 && in->null_count != 0 ? in->buffers[0] : NULL;
    if (src == NULL) {
        return bits->size_bytes > 0 ? append_ones(bits, out->length, n) : NANOARROW_OK;
    }
    int64_t valid = ArrowBitCountSet(src, from, n);
    if (valid == n && bits->size_bytes == 0) {
        return NANOARROW_OK;
    }
    if (bits->size_bytes == 0) {
        NANOARROW_RETURN_NOT_OK(append_ones(bits, 0, out->length));
    }
    out->null_count += n - valid;
    return append_bits(bits, out->length, src, from, n);
}

static int64_t fixed_width(const PlType *type) {
    switch (type->kind) {
    case PL_TYPE_BYTE: return 1;
    case PL_TYPE_SHORT: return 2;
    case PL_TYPE_INT:
    case PL_TYPE_FLOAT:
    case PL_TYPE_DATE:
    case PL_TYPE_YEAR_MONTH_INTERVAL: return 4;
    case PL_TYPE_LONG:
    case PL_TYPE_DOUBLE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_DAY_TIME_INTERVAL: return 8;
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_DECIMAL: return 16;
    case PL_TYPE_NULL:
    case PL_TYPE_BOOLEAN:
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_BINARY:
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: break;
    }
    return 0;
}

/* 32-bit offsets moved on to the end of out's; ret_from and ret_n: the part of in's values that they cover. */
static ArrowErrorCode append_offsets(struct ArrowArray *out, const struct ArrowArray *in, int64_t from, int64_t n, int64_t *ret_from, int64_t *ret_n) {
    struct ArrowBuffer *offsets = ArrowArrayBuffer(out, 1);
    const int32_t *src = in->buffers[1];
    *ret_from = *ret_n = 0;
    if (n == 0) {
        return NANOARROW_OK;
    }
    NANOARROW_RETURN_NOT_OK(ArrowBufferReserve(offsets, n * (int64_t)sizeof(int32_t)));
    int32_t *dst = (int32_t *)(void *)offsets->data + offsets->size_bytes / (int64_t)sizeof(int32_t);
    int64_t shift = (int64_t)dst[-1] - src[from];
    if ((int64_t)src[from + n] + shift > INT32_MAX) {
        return EOVERFLOW;
    }
    for (int64_t i = 0; i < n; i++) {
        dst[i] = (int32_t)(src[from + i + 1] + shift);
    }
    offsets->size_bytes += n * (int64_t)sizeof(int32_t);
    *ret_from = src[from];
    *ret_n = src[from + n] - src[from];
    return NANOARROW_OK;
}

static ArrowErrorCode append(struct ArrowArray *out, const struct ArrowArray *in, const PlType *type, int64_t from, int64_t n);

static ArrowErrorCode append_struct(struct ArrowArray *out, const struct ArrowArray *in, const PlType *type, int64_t from, int64_t n) {
    for (size_t i = 0; i < type->nfields; i++) {
        NANOARROW_RETURN_NOT_OK(append(out->children[i], in->children[i], type->fields[i].type, from, n));
    }
    return NANOARROW_OK;
}

static ArrowErrorCode append_map_entries(struct ArrowArray *out, const struct ArrowArray *in, const PlType *type, int64_t from, int64_t n) {
    from += in->offset;
    NANOARROW_RETURN_NOT_OK(append(out->children[0], in->children[0], type->key, from, n));
    NANOARROW_RETURN_NOT_OK(append(out->children[1], in->children[1], type->element, from, n));
    out->length += n;
    return NANOARROW_OK;
}

/* from counts from in's first row; in->offset is added here, once for each level. */
static ArrowErrorCode append(struct ArrowArray *out, const struct ArrowArray *in, const PlType *type, int64_t from, int64_t n) {
    from += in->offset;
    if (type->kind == PL_TYPE_NULL) {
        out->length += n;
        out->null_count += n;
        return NANOARROW_OK;
    }
    NANOARROW_RETURN_NOT_OK(append_validity(out, in, from, n));
    int64_t width = fixed_width(type);
    int64_t inner_from = 0, inner_n = 0;
    if (width > 0) {
        NANOARROW_RETURN_NOT_OK(ArrowBufferAppend(ArrowArrayBuffer(out, 1), (const uint8_t *)in->buffers[1] + from * width, n * width));
    } else if (type->kind == PL_TYPE_BOOLEAN) {
        NANOARROW_RETURN_NOT_OK(append_bits(ArrowArrayBuffer(out, 1), out->length, in->buffers[1], from, n));
    } else if (type->kind == PL_TYPE_STRUCT) {
        NANOARROW_RETURN_NOT_OK(append_struct(out, in, type, from, n));
    } else {
        NANOARROW_RETURN_NOT_OK(append_offsets(out, in, from, n, &inner_from, &inner_n));
        if (type->kind == PL_TYPE_ARRAY) {
            NANOARROW_RETURN_NOT_OK(append(out->children[0], in->children[0], type->element, inner_from, inner_n));
        } else if (type->kind == PL_TYPE_MAP) {
            NANOARROW_RETURN_NOT_OK(append_map_entries(out->children[0], in->children[0], type, inner_from, inner_n));
        } else if (inner_n > 0) {
            NANOARROW_RETURN_NOT_OK(ArrowBufferAppend(ArrowArrayBuffer(out, 2), (const uint8_t *)in->buffers[2] + inner_from, inner_n));
        }
    }
    out->length += n;
    return NANOARROW_OK;
}

/* About how many bytes a column's buffers hold. */
static int64_t bytes_of(const struct ArrowArray *array) {
    struct ArrowArray *mutable_array = (struct ArrowArray *)(uintptr_t)array;
    int64_t bytes = 0;
    for (int64_t i = 0; i < array->n_buffers; i++) {
        bytes += ArrowArrayBuffer(mutable_array, i)->size_bytes;
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        bytes += bytes_of(array->children[i]);
    }
    return bytes;
}

static bool start(CnBatcher *batcher, Err *err) {
    if (!check(ArrowArrayInitFromSchema(&batcher->rows, &batcher->schema, NULL), err)) {
        return false;
    }
    batcher->is_building = true;
    return check(ArrowArrayStartAppending(&batcher->rows), err);
}

bool cn_batcher_init(CnBatcher *ret_batcher, Arena *arena, const PlType *type, Str time_zone, Err *err) {
    *ret_batcher = (CnBatcher){.type = type};
    return cn_arrow_schema(arena, type, time_zone, &ret_batcher->schema, err) && start(ret_batcher, err);
}

bool cn_batcher_add(CnBatcher *batcher, const struct ArrowArray *chunk, Err *err) {
    int64_t from = chunk->offset;
    for (size_t i = 0; i < batcher->type->nfields; i++) {
        if (!check(append(batcher->rows.children[i], chunk->children[i], batcher->type->fields[i].type, from, chunk->length), err)) {
            return false;
        }
    }
    batcher->rows.length += chunk->length;
    batcher->bytes = bytes_of(&batcher->rows);
    return true;
}

static ArrowErrorCode write_stream(struct ArrowBuffer *out, struct ArrowSchema *schema, struct ArrowArray *rows) {
    struct ArrowIpcOutputStream stream;
    struct ArrowIpcWriter writer;
    struct ArrowArrayView view;
    NANOARROW_RETURN_NOT_OK(ArrowIpcOutputStreamInitBuffer(&stream, out));
    ArrowErrorCode code = ArrowIpcWriterInit(&writer, &stream);
    if (code != NANOARROW_OK) {
        stream.release(&stream);
        return code;
    }
    code = ArrowArrayViewInitFromSchema(&view, schema, NULL);
    if (code == NANOARROW_OK) {
        code = ArrowArrayViewSetArray(&view, rows, NULL);
        if (code == NANOARROW_OK) {
            code = ArrowIpcWriterWriteSchema(&writer, schema, NULL);
        }
        if (code == NANOARROW_OK) {
            code = ArrowIpcWriterWriteArrayView(&writer, &view, NULL);
        }
        if (code == NANOARROW_OK) {
            code = ArrowIpcWriterWriteArrayView(&writer, NULL, NULL);
        }
        ArrowArrayViewReset(&view);
    }
    ArrowIpcWriterReset(&writer);
    return code;
}

/* The stream's bytes, in memory that free() takes: nanoarrow's default allocator is malloc's. */
static bool take_stream(struct ArrowSchema *schema, struct ArrowArray *rows, int64_t about, uint8_t **ret_bytes, size_t *ret_size, Err *err) {
    struct ArrowBuffer out;
    ArrowBufferInit(&out);
    bool ok = check(ArrowArrayFinishBuilding(rows, NANOARROW_VALIDATION_LEVEL_NONE, NULL), err) &&
              check(ArrowBufferReserve(&out, about + about / 16 + 4096), err) && check(write_stream(&out, schema, rows), err);
    if (!ok) {
        ArrowBufferReset(&out);
        return false;
    }
    *ret_bytes = out.data;
    *ret_size = (size_t)out.size_bytes;
    return true;
}

bool cn_batcher_take(CnBatcher *batcher, uint8_t **ret_owned_bytes, size_t *ret_size, int64_t *ret_rows, Err *err) {
    *ret_rows = batcher->rows.length;
    if (!take_stream(&batcher->schema, &batcher->rows, batcher->bytes, ret_owned_bytes, ret_size, err)) {
        return false;
    }
    ArrowArrayRelease(&batcher->rows);
    batcher->is_building = false;
    batcher->bytes = 0;
    if (!start(batcher, err)) {
        free(*ret_owned_bytes);
        return false;
    }
    return true;
}

void cn_batcher_done(CnBatcher *batcher) {
    if (batcher->is_building) {
        ArrowArrayRelease(&batcher->rows);
        batcher->is_building = false;
    }
    if (batcher->schema.release != NULL) {
        ArrowSchemaRelease(&batcher->schema);
    }
}

static ArrowErrorCode append_cell(struct ArrowArray *out, const PlValue *cell) {
    if (cell->is_null) {
        return ArrowArrayAppendNull(out, 1);
    }
    switch (cell->type->kind) {
    case PL_TYPE_STRING: return ArrowArrayAppendString(out, (struct ArrowStringView){cell->s.data, (int64_t)cell->s.len});
    case PL_TYPE_BOOLEAN:
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG: return ArrowArrayAppendInt(out, cell->i);
    case PL_TYPE_FLOAT:
    case PL_TYPE_DOUBLE: return ArrowArrayAppendDouble(out, cell->f);
    case PL_TYPE_ARRAY:
        for (size_t i = 0; i < cell->nitems; i++) {
            NANOARROW_RETURN_NOT_OK(append_cell(out->children[0], &cell->items[i]));
        }
        return ArrowArrayFinishElement(out);
    case PL_TYPE_NULL:
    case PL_TYPE_BINARY:
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_DECIMAL:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: break;
    }
    return EINVAL;
}

bool cn_arrow_rows(Arena *arena, const PlType *type, const PlValue *cells, size_t nrows, Str *ret_ipc, Err *err) {
    CnBatcher batcher;
    bool ok = cn_batcher_init(&batcher, arena, type, STR("UTC"), err);
    for (size_t i = 0; ok && i < nrows; i++) {
        for (size_t k = 0; ok && k < type->nfields; k++) {
            ok = check(append_cell(batcher.rows.children[k], &cells[i * type->nfields + k]), err);
        }
        batcher.rows.length++;
    }
    uint8_t *bytes = NULL;
    size_t size = 0;
    ok = ok && take_stream(&batcher.schema, &batcher.rows, (int64_t)(nrows * 64), &bytes, &size, err);
    if (ok) {
        *ret_ipc = (Str){arena_copy(arena, bytes, size), size};
    }
    free(bytes);
    cn_batcher_done(&batcher);
    return ok;
}
