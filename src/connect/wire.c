/* wire.c - see wire.h. The walk follows the message's descriptor: only fields that are messages there count as nesting. */
#include "connect/wire.h"

#include <string.h>

static void *wire_alloc(void *arena, size_t size) {
    return arena_alloc(arena, size);
}

static void wire_free(void *arena, void *pointer) {
    (void)arena;
    (void)pointer;
}

static bool read_varint(Str bytes, size_t *at, uint64_t *ret_value) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && *at < bytes.len; shift += 7) {
        uint8_t byte = (uint8_t)bytes.data[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool check_nesting(const ProtobufCMessageDescriptor *type, Str bytes, int depth, Err *err);

/* One field's bytes behind its tag. */
static bool check_field(const ProtobufCMessageDescriptor *type, uint64_t tag, Str bytes, size_t *at, int depth, Err *err) {
    uint64_t value = 0;
    switch (tag & 7) {
    case 0: return read_varint(bytes, at, &value) || err_set(err, "SOLDER.BAD_REQUEST", "The request's message is cut or no protobuf");
    case 1: value = 8; break;
    case 5: value = 4; break;
    case 2:
        if (!read_varint(bytes, at, &value)) {
            return err_set(err, "SOLDER.BAD_REQUEST", "The request's message is cut or no protobuf");
        }
        break;
    default: return err_set(err, "SOLDER.BAD_REQUEST", "The request's message is no protobuf");
    }
    if (value > bytes.len - *at) {
        return err_set(err, "SOLDER.BAD_REQUEST", "The request's message is cut");
    }
    size_t start = *at;
    *at += (size_t)value;
    const ProtobufCFieldDescriptor *field =
        (tag & 7) == 2 ? protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3)) : NULL;
    if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return check_nesting(field->descriptor, str_slice(bytes, start, *at), depth + 1, err);
    }
    return true;
}

static bool check_nesting(const ProtobufCMessageDescriptor *type, Str bytes, int depth, Err *err) {
    if (depth > CN_NESTING_MAX) {
        return err_set(err, "SOLDER.BAD_REQUEST",
                       "The plan nests deeper than %d messages; shorten the chain of calls, for instance one select or withColumns instead "
                       "of many withColumn",
                       CN_NESTING_MAX);
    }
    size_t at = 0;
    while (at < bytes.len) {
        uint64_t tag = 0;
        if (!read_varint(bytes, &at, &tag) || tag >> 32 != 0) {
            return err_set(err, "SOLDER.BAD_REQUEST", "The request's message is cut or no protobuf");
        }
        if (!check_field(type, tag, bytes, &at, depth, err)) {
            return false;
        }
    }
    return true;
}

void *cn_unpack(Arena *arena, const ProtobufCMessageDescriptor *type, Str bytes, Err *err) {
    if (!check_nesting(type, bytes, 1, err)) {
        return NULL;
    }
    ProtobufCAllocator allocator = {.alloc = wire_alloc, .free = wire_free, .allocator_data = arena};
    static const uint8_t NOTHING[1] = {0};
    const uint8_t *data = bytes.len == 0 ? NOTHING : (const uint8_t *)bytes.data;
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, bytes.len, data);
    if (message == NULL) {
        (void)err_set(err, "SOLDER.BAD_REQUEST", "The request's message is no %s", type->name);
    }
    return message;
}

Str cn_pack(Arena *arena, const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = arena_alloc(arena, size);
    size_t written = protobuf_c_message_pack(message, data);
    return (Str){(const char *)data, written};
}
