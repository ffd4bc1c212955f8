/* emr_records.c - rows of EMR: ids, times, states, and how AWS shows them. See emr.h.
 *
 * A row's JSON is AWS's Cluster, Instance or Step without Status.State (that is the row's own column), and Inner, which only Solder sees.
 */
#include "service/emr.h"
#include "service/json_members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { ID_LENGTH = 13, INSTANCE_ID_BYTES = 9, ADDRESSES_A_BLOCK = 240, FIRST_ADDRESS = 10, STORE_PAUSE_MS = 1000, STORE_LOOK_MS = 100 };

bool em_new_id(Arena *arena, const char *prefix, Str *ret_id, Err *err) {
    static const char ALPHABET[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    unsigned char bytes[ID_LENGTH];
    char text[ID_LENGTH];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return err_set(err, ERR_IO, "no random numbers: %s", strerror(errno));
    }
    for (size_t i = 0; i < ID_LENGTH; i++) {
        text[i] = ALPHABET[bytes[i] % 32];
    }
    *ret_id = str_fmt(arena, "%s%.*s", prefix, ID_LENGTH, text);
    return true;
}

bool em_new_instance_id(Arena *arena, Str *ret_id, Err *err) {
    unsigned char bytes[INSTANCE_ID_BYTES];
    StrBuf text = {.arena = arena};
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return err_set(err, ERR_IO, "no random numbers: %s", strerror(errno));
    }
    strbuf_add_c(&text, "i-");
    for (size_t i = 0; i < INSTANCE_ID_BYTES; i++) {
        strbuf_fmt(&text, i + 1 < INSTANCE_ID_BYTES ? "%02x" : "%x", i + 1 < INSTANCE_ID_BYTES ? bytes[i] : bytes[i] & 15U);
    }
    *ret_id = strbuf_str(&text);
    return true;
}

Str em_address(Arena *arena, size_t index) {
    return str_fmt(arena, "127.0.%zu.%zu", index / ADDRESSES_A_BLOCK, index % ADDRESSES_A_BLOCK + FIRST_ADDRESS);
}

StResourceName em_cluster_name(Str id) {
    return (StResourceName){.kind = STR(EM_CLUSTER), .parent = STR(""), .id = id};
}

StResourceName em_child_name(const char *kind, Str cluster, Str id) {
    return (StResourceName){.kind = str_from_c(kind), .parent = cluster, .id = id};
}

bool em_get_cluster(SvServices *services, Arena *arena, Str id, StResource *ret_cluster, Err *err) {
    StResourceName name = em_cluster_name(id);
    Err found = {0};
    if (st_resource_get(services->store, arena, &name, ret_cluster, &found)) {
        return true;
    }
    return err_is(&found, "EntityNotFoundException")
               ? err_set(err, "InvalidRequestException", "Cluster id '%.*s' is not valid.", STR_ARG(id))
               : err_set(err, found.code, "%s", found.message);
}

bool em_is_over(Str state) {
    return str_eq_c(state, "TERMINATED") || str_eq_c(state, "TERMINATED_WITH_ERRORS");
}

static int64_t now_us(void) {
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0 ? (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 : 0;
}

void em_put_now(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name) {
    js_put_time(doc, object, name, now_us());
}

static bool try_move(SvServices *services, const StResourceName *name, const EmMove *move, bool *ret_moved, Err *err) {
    Arena *scratch = arena_new();
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = move->more != NULL ? yyjson_mut_val_mut_copy(doc, yyjson_mut_doc_get_root(move->more)) : yyjson_mut_obj(doc);
    yyjson_mut_val *status = yyjson_mut_obj_get(root, "Status");
    if (status == NULL) {
        status = yyjson_mut_obj_add_obj(doc, root, "Status");
    }
    yyjson_mut_val *timeline = yyjson_mut_obj_add_obj(doc, status, "Timeline");
    if (move->starts) {
        em_put_now(doc, timeline, "StartDateTime");
    }
    if (move->is_ready) {
        em_put_now(doc, timeline, "ReadyDateTime");
    }
    if (move->ends) {
        em_put_now(doc, timeline, "EndDateTime");
    }
    if (move->code != NULL || move->message.len > 0) {
        yyjson_mut_val *reason = yyjson_mut_obj_add_obj(doc, status, "StateChangeReason");
        if (move->code != NULL && move->code[0] != '\0') {
            (void)yyjson_mut_obj_add_str(doc, reason, "Code", move->code);
        } else {
            (void)yyjson_mut_obj_add_null(doc, reason, "Code"); /* the merge takes it away */
        }
        js_put_str(doc, reason, "Message", move->message);
    }
    bool ok = st_resource_move(services->store, name, str_from_c(move->state), js_write(scratch, root), ret_moved, err);
    yyjson_mut_doc_free(doc);
    arena_free(scratch);
    return ok;
}

static void complain(const StResourceName *name, const Err *err) {
    (void)fprintf(stderr, "solder: %.*s %.*s: %s\n", STR_ARG(name->kind), STR_ARG(name->id), err->message);
}

bool em_move(SvServices *services, const StResourceName *name, const EmMove *move) {
    Err err = {0};
    bool moved = false;
    if (!try_move(services, name, move, &moved, &err)) {
        complain(name, &err); /* the disk is full or broken: the state that is there stays */
    }
    return moved;
}

bool em_wait_for_store(SvClusters *clusters) {
    em_lock(clusters);
    for (int waited = 0; waited < STORE_PAUSE_MS && !clusters->is_stopping; waited += STORE_LOOK_MS) {
        em_wait(clusters, STORE_LOOK_MS);
    }
    bool goes_on = !clusters->is_stopping;
    em_unlock(clusters);
    return goes_on;
}

bool em_move_surely(SvServices *services, const StResourceName *name, const EmMove *move) {
    bool moved = false;
    bool is_told = false;
    for (;;) {
        Err err = {0};
        if (try_move(services, name, move, &moved, &err)) {
            return moved;
        }
        if (!is_told || err_is(&err, "EntityNotFoundException")) {
            complain(name, &err);
        }
        is_told = true;
        if (err_is(&err, "EntityNotFoundException") || !em_wait_for_store(services->clusters)) {
            return false;
        }
    }
}

yyjson_mut_val *em_shown(AwsCall *call, const StResource *row) {
    yyjson_mut_val *shown = js_parse_into(call->doc, row->json);
    if (shown == NULL) {
        return yyjson_mut_obj(call->doc);
    }
    (void)yyjson_mut_obj_remove_key(shown, "Inner");
    yyjson_mut_val *status = yyjson_mut_obj_get(shown, "Status");
    if (status == NULL) {
        status = yyjson_mut_obj_add_obj(call->doc, shown, "Status");
    }
    js_put_str(call->doc, status, "State", row->state);
    return shown;
}

bool em_is_wanted(yyjson_val *array, Str text) {
    size_t i;
    size_t max;
    yyjson_val *item;
    yyjson_arr_foreach(array, i, max, item) {
        if (str_eq(js_text(item), text)) {
            return true;
        }
    }
    return yyjson_arr_size(array) == 0;
}

bool em_list_page(SvServices *services, AwsCall *call, const EmPage *page, Err *err) {
    StResourceQuery query = page->query;
    Str marker = js_str(call->input, "Marker");
    Str position;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, page->member);
    if (marker.len > 0 && (!js_page_position(call->arena, marker, &position) || !str_to_i64(position, &query.after_seq))) {
        return err_set(err, "InvalidRequestException", "Marker '%.*s' is not valid.", STR_ARG(marker));
    }
    query.limit = page->size + 1;
    for (;;) {
        const StResource *rows = NULL;
        size_t count = 0;
        if (!st_resource_list(services->store, call->arena, &query, &rows, &count, err)) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            if (page->keeps != NULL && !page->keeps(page->self, &rows[i])) {
                query.after_seq = rows[i].seq;
                continue;
            }
            if (yyjson_mut_arr_size(list) == page->size) {
                js_put_str(call->doc, call->output, "Marker",
                           js_page_token(call->arena, str_fmt(call->arena, "%lld", (long long)query.after_seq)));
                return true;
            }
            query.after_seq = rows[i].seq;
            (void)yyjson_mut_arr_append(list, page->show(call, &rows[i]));
        }
        if (count < query.limit) {
            return true;
        }
    }
}
