/* plan_key.c - see plan_key.h. The walk goes by the messages' descriptors, so that new kinds of nodes need nothing here. */
#include "connect/plan_key.h"

#include <string.h>

static void strip(ProtobufCMessage *message);

static void strip_field(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    char *member = (char *)message + field->offset;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return;
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = *(const size_t *)(const void *)((char *)message + field->quantifier_offset);
        ProtobufCMessage **items = *(ProtobufCMessage ***)(void *)member;
        for (size_t i = 0; i < n; i++) {
            strip(items[i]);
        }
        return;
    }
    bool is_member = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
                     *(const uint32_t *)(const void *)((char *)message + field->quantifier_offset) == field->id;
    ProtobufCMessage *child = is_member ? *(ProtobufCMessage **)(void *)member : NULL;
    if (child != NULL) {
        strip(child);
    }
}

static void strip(ProtobufCMessage *message) {
    if (message->descriptor == &spark__connect__relation__descriptor) {
        ((Spark__Connect__Relation *)(void *)message)->common = NULL;
    } else if (message->descriptor == &spark__connect__expression__unresolved_attribute__descriptor) {
        ((Spark__Connect__Expression__UnresolvedAttribute *)(void *)message)->has_plan_id = 0;
    } else if (message->descriptor == &spark__connect__expression__unresolved_regex__descriptor) {
        ((Spark__Connect__Expression__UnresolvedRegex *)(void *)message)->has_plan_id = 0;
    }
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        strip_field(message, &message->descriptor->fields[i]);
    }
}

Str cn_plan_key(Arena *arena, Spark__Connect__Relation *relation) {
    strip(&relation->base);
    return cn_pack(arena, &relation->base);
}
