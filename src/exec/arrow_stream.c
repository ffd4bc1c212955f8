/* exec/arrow_stream.c - see arrow_stream.h. */
#include "exec/arrow_stream.h"

#include <nanoarrow/ipc/flatcc_generated.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdlib.h>
#include <string.h>

/* A message: a marker and the length of its header (before Arrow 0.15 only the length), the header, its body. */
enum { MARKER = 4, PREFIX = 8 };

static int32_t int_at(const char *bytes) {
    int32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

#define FB(name) org_apache_arrow_flatbuf_##name

/* The verifier passes a union that names its type and has no value; nanoarrow goes on to use it, and a dictionary's parts as well. */
static bool field_is_whole(FB(Field_table_t) field) {
    FB(DictionaryEncoding_table_t) dictionary = FB(Field_dictionary_get)(field);
    FB(Field_vec_t) children = FB(Field_children_get)(field);
    bool is_whole = FB(Field_type_is_present)(field) && (dictionary == NULL || FB(DictionaryEncoding_indexType_is_present)(dictionary));
    for (size_t i = 0; is_whole && children != NULL && i < FB(Field_vec_len)(children); i++) {
        is_whole = field_is_whole(FB(Field_vec_at)(children, i));
    }
    return is_whole;
}

/* Lengths are what Java's vectors can have, buffers lie in the body and are aligned as Arrow's format asks for: nanoarrow indexes by a length before it
 * has looked at it. */
static bool batch_is_whole(FB(RecordBatch_table_t) batch, int64_t body_size) {
    FB(FieldNode_vec_t) nodes = FB(RecordBatch_nodes_get)(batch);
    FB(Buffer_vec_t) buffers = FB(RecordBatch_buffers_get)(batch);
    int64_t rows = FB(RecordBatch_length_get)(batch);
    bool is_whole = rows >= 0 && rows <= INT32_MAX;
    for (size_t i = 0; is_whole && nodes != NULL && i < FB(FieldNode_vec_len)(nodes); i++) {
        int64_t length = FB(FieldNode_length_get)(FB(FieldNode_vec_at)(nodes, i));
        is_whole = length >= 0 && length <= INT32_MAX;
    }
    for (size_t i = 0; is_whole && buffers != NULL && i < FB(Buffer_vec_len)(buffers); i++) {
        int64_t from = FB(Buffer_offset_get)(FB(Buffer_vec_at)(buffers, i)), size = FB(Buffer_length_get)(FB(Buffer_vec_at)(buffers, i));
        is_whole = size == 0 || (size > 0 && from >= 0 && from % 8 == 0 && size <= body_size && from <= body_size - size);
    }
    return is_whole;
}

static bool message_is_whole(FB(Message_table_t) message) {
    if (!FB(Message_header_is_present)(message)) {
        return false;
    }
    const void *header = FB(Message_header_get)(message);
    int type = FB(Message_header_type_get)(message);
    int64_t body_size = FB(Message_bodyLength_get)(message);
    bool is_whole = true;
    if (type == FB(MessageHeader_RecordBatch)) {
        is_whole = batch_is_whole(header, body_size);
    } else if (type == FB(MessageHeader_DictionaryBatch)) {
        is_whole = FB(DictionaryBatch_data_is_present)(header) && batch_is_whole(FB(DictionaryBatch_data_get)(header), body_size);
    } else if (type == FB(MessageHeader_Schema)) {
        FB(Field_vec_t) fields = FB(Schema_fields_get)(header);
        for (size_t i = 0; is_whole && fields != NULL && i < FB(Field_vec_len)(fields); i++) {
            is_whole = field_is_whole(FB(Field_vec_at)(fields, i));
        }
    }
    return is_whole;
}

static bool claims_too_much(size_t at, int64_t claimed, size_t left, Err *err) {
    return err_set(err, "SOLDER.ARROW_DATA", "the rows of a LocalRelation are damaged: a message at byte %zu says that it has %lld bytes, %zu are there", at,
                   (long long)claimed, left);
}

/* Steps over the message at *at; *ret_has false: the stream ends there. */
static bool step_over(struct ArrowIpcDecoder *decoder, struct ArrowBuffer *aligned, Str ipc, size_t *at, bool *ret_has, Err *err) {
    size_t left = ipc.len - *at;
    *ret_has = left >= PREFIX;
    if (!*ret_has) {
        return true; /* the reader says what it thinks of a rest */
    }
    bool has_marker = int_at(ipc.data + *at) == -1;
    size_t prefix = has_marker ? PREFIX : MARKER;
    int64_t header = int_at(ipc.data + *at + prefix - 4);
    left -= prefix;
    *ret_has = header != 0;
    if (header == 0) {
        return true;
    }
    /* A header shorter than the marker that old streams lack would be read with a length below zero. */
    if (header < MARKER || (uint64_t)header > left) {
        return claims_too_much(*at, header, left, err);
    }
    const int32_t start[] = {-1, (int32_t)header};
    struct ArrowError why = {0};
    aligned->size_bytes = 0;
    if (ArrowBufferAppend(aligned, start, sizeof start) != NANOARROW_OK ||
        ArrowBufferAppend(aligned, ipc.data + *at + prefix, header) != NANOARROW_OK) {
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for an Arrow reader");
    }
    struct ArrowBufferView view = {.data.data = aligned->data, .size_bytes = aligned->size_bytes};
    if (ArrowIpcDecoderVerifyHeader(decoder, view, &why) != NANOARROW_OK) {
        return err_set(err, "SOLDER.ARROW_DATA", "the rows of a LocalRelation are no Arrow stream: %s", why.message);
    }
    if (!message_is_whole(FB(Message_as_root)(aligned->data + PREFIX))) {
        return err_set(err, "SOLDER.ARROW_DATA", "the rows of a LocalRelation are damaged: the message at byte %zu lacks a part, or has one of an impossible size", *at);
    }
    left -= (size_t)header;
    if (decoder->body_size_bytes < 0 || (uint64_t)decoder->body_size_bytes > left) {
        return claims_too_much(*at, decoder->body_size_bytes, left, err);
    }
    *at += prefix + (size_t)header + (size_t)decoder->body_size_bytes;
    return true;
}

static bool check_sizes(Str ipc, Err *err) {
    struct ArrowIpcDecoder decoder;
    struct ArrowBuffer aligned;
    if (ArrowIpcDecoderInit(&decoder) != NANOARROW_OK) {
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for an Arrow reader");
    }
    ArrowBufferInit(&aligned);
    size_t at = 0;
    bool is_ok = true, has_more = true;
    while (is_ok && has_more) {
        is_ok = step_over(&decoder, &aligned, ipc, &at, &has_more, err);
    }
    ArrowBufferReset(&aligned);
    ArrowIpcDecoderReset(&decoder);
    return is_ok;
}

static ArrowErrorCode read_bytes(struct ArrowIpcInputStream *stream, uint8_t *buf, int64_t size, int64_t *ret_size, struct ArrowError *error) {
    (void)error;
    Str *rest = stream->private_data;
    if (size < 0) {
        return EINVAL;
    }
    size_t n = (uint64_t)size < rest->len ? (size_t)size : rest->len;
    if (n > 0) {
        memcpy(buf, rest->data, n);
    }
    *rest = str_slice(*rest, n, rest->len);
    *ret_size = (int64_t)n;
    return NANOARROW_OK;
}

static void release_bytes(struct ArrowIpcInputStream *stream) {
    free(stream->private_data);
    stream->release = NULL;
}

bool ex_arrow_stream_open(Str borrowed_ipc, struct ArrowArrayStream *ret_stream, struct ArrowSchema *ret_schema, Err *err) {
    *ret_stream = (struct ArrowArrayStream){0};
    *ret_schema = (struct ArrowSchema){0};
    if (!check_sizes(borrowed_ipc, err)) {
        return false;
    }
    Str *rest = malloc(sizeof *rest);
    struct ArrowIpcInputStream bytes = {.read = read_bytes, .release = release_bytes, .private_data = rest};
    if (rest == NULL || ArrowIpcArrayStreamReaderInit(ret_stream, &bytes, NULL) != NANOARROW_OK) {
        free(rest);
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for an Arrow reader");
    }
    *rest = borrowed_ipc;
    if (ArrowArrayStreamGetSchema(ret_stream, ret_schema, NULL) != NANOARROW_OK) {
        err_set(err, "SOLDER.ARROW_DATA", "the rows of a LocalRelation are no Arrow stream: %s", ArrowArrayStreamGetLastError(ret_stream));
        ArrowArrayStreamRelease(ret_stream);
        return false;
    }
    return true;
}
