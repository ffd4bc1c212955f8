/* run.c - see run.h. */
#include "connect/run.h"

#include "connect/arrow_out.h"
#include "connect/cache.h"

#include <stdlib.h>
#include <time.h>

static double now_seconds(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Opens the run for interrupts and tells the listener. False: it was cancelled before. */
static bool begin(CnRun *run, ExOperation *op, Str what, bool is_write, uint64_t *ret_number, Err *err) {
    const CnEvents *events = run->request->server->config.events;
    *ret_number = atomic_fetch_add(&run->request->server->numbers, 1) + 1;
    if (events != NULL) {
        events->started(events->self, *ret_number, what, is_write, op);
    }
    return cn_operation_running(run->op, op, err);
}

/* Tells the listener how it went and closes the run. */
static void end(CnRun *run, ExOperation *op, CnOutcome outcome, double since, const Err *err) {
    const CnEvents *events = run->request->server->config.events;
    Err ignored = {0};
    (void)cn_operation_running(run->op, NULL, &ignored);
    if (!err->is_set) {
        const ExMetric *metrics = NULL;
        size_t n = 0;
        ex_metrics(op, &metrics, &n);
        for (size_t i = 0; i < n; i++) {
            VEC_PUSH(&run->metrics, metrics[i]);
        }
        outcome.metrics = metrics;
        outcome.nmetrics = n;
    }
    if (events != NULL) {
        ex_counts(op, &outcome.counts, &outcome.ncounts);
        outcome.seconds = now_seconds() - since;
        outcome.failure = err->is_set ? err : NULL;
        events->ended(events->self, &outcome);
    }
    ex_close(op);
}

static const LoQuery *lower(CnRequest *request, const PlSettings *settings, const TrRel *rel, Err *err) {
    const LoQuery *query = lo_lower(request->arena, settings, rel, false, err);
    bool is_staged = query != NULL && ex_exceeds_memory(request->server->config.engine, query);
    return is_staged ? lo_lower(request->arena, settings, rel, true, err) : query;
}

bool cn_run_keep(CnRun *run, const TrRel *rel, const PlSettings *settings, Str table, int64_t *ret_bytes, Err *err) {
    CnRequest *request = run->request;
    ExEngine *engine = request->server->config.engine;
    double since = now_seconds();
    const LoQuery *query = lower(request, settings, rel, err);
    ExOperation *op = query == NULL ? NULL : ex_keep_open(engine, request->arena, settings, query, table, err);
    if (op == NULL) {
        return false;
    }
    *ret_bytes = ex_source_bytes(query);
    CnOutcome outcome = {.what = STR("cache")};
    bool ok = begin(run, op, outcome.what, false, &outcome.number, err) && ex_keep_run(op, err);
    end(run, op, outcome, since, err);
    return ok;
}

bool cn_run_query(CnRun *run, const TrRel *rel, Str what, bool (*take)(void *self, const struct ArrowArray *batch, Err *err), void *self, Err *err) {
    CnRequest *request = run->request;
    double since = now_seconds();
    const LoQuery *query = cn_cache_fill(run, &rel, err) ? lower(request, &request->settings, rel, err) : NULL;
    ExOperation *op = query == NULL ? NULL : ex_open(request->server->config.engine, request->arena, &request->settings, query, err);
    if (op == NULL) {
        return false;
    }
    CnOutcome outcome = {.what = what};
    bool ok = begin(run, op, what, false, &outcome.number, err);
    for (bool is_done = false; ok && !is_done;) {
        struct ArrowArray batch = {0};
        ok = ex_next(op, &batch, &is_done, err);
        if (ok && !is_done) {
            outcome.rows_out += batch.length;
            ok = take(self, &batch, err);
        }
        if (batch.release != NULL) {
            batch.release(&batch);
        }
    }
    end(run, op, outcome, since, err);
    return ok;
}

bool cn_run_write(CnRun *run, const TrRel *rel, Str what, const ExWrite *write, Err *err) {
    CnRequest *request = run->request;
    double since = now_seconds();
    const LoQuery *query = cn_cache_fill(run, &rel, err) ? lower(request, &request->settings, rel, err) : NULL;
    ExOperation *op =
        query == NULL ? NULL : ex_write_open(request->server->config.engine, request->arena, &request->settings, query, write, err);
    if (op == NULL) {
        return false;
    }
    CnOutcome outcome = {.what = what, .is_write = true};
    bool ok = begin(run, op, what, true, &outcome.number, err) && ex_write_run(op, err);
    ExProgress progress = {0};
    ex_progress(op, &progress);
    outcome.rows_out = progress.rows_out;
    end(run, op, outcome, since, err);
    return ok;
}

static void fill_ids(CnRun *run, Spark__Connect__ExecutePlanResponse *response) {
    CN_SET(response, session_id, cn_bytes(run->request->session->id));
    CN_SET(response, operation_id, cn_bytes(run->op->id));
    CN_SET(response, response_id, cn_bytes(str_fmt(run->request->arena, "%zu", cn_operation_next_number(run->op))));
}

bool cn_respond(CnRun *run, Spark__Connect__ExecutePlanResponse *response, Err *err) {
    fill_ids(run, response);
    Str bytes = cn_pack(run->request->arena, &response->base);
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes.data, bytes.len);
    return cn_operation_push(run->op, &slice, 1, err);
}

static void add_varint(StrBuf *buf, uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
        strbuf_add_char(buf, (char)(value | 0x80));
    }
    strbuf_add_char(buf, (char)value);
}

/* The message by hand, so that the batch's bytes are not copied: everything else first, then field 2, arrow_batch{1: rows, 2: data}. */
bool cn_respond_arrow(CnRun *run, uint8_t *owned_bytes, size_t size, int64_t rows, const PlType *schema, Err *err) {
    Arena *arena = arena_new();
    Spark__Connect__ExecutePlanResponse head = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    fill_ids(run, &head);
    if (schema != NULL) {
        head.schema = cn_encode_type(arena, schema);
    }
    StrBuf prefix = {.arena = arena}, batch = {.arena = arena};
    strbuf_add(&prefix, cn_pack(arena, &head.base));
    add_varint(&batch, 1 << 3);
    add_varint(&batch, (uint64_t)rows);
    add_varint(&batch, 2 << 3 | 2);
    add_varint(&batch, size);
    add_varint(&prefix, 2 << 3 | 2);
    add_varint(&prefix, batch.len + size);
    strbuf_add(&prefix, strbuf_str(&batch));
    grpc_slice slices[2] = {grpc_slice_from_copied_buffer(prefix.data, prefix.len),
                            grpc_slice_new_with_user_data(owned_bytes, size, free, owned_bytes)};
    arena_free(arena);
    return cn_operation_push(run->op, slices, 2, err);
}

typedef struct ToClient {
    CnRun *run;
    CnBatcher batcher;
    const PlType *schema;
    bool has_sent;
} ToClient;

static bool flush(ToClient *to, Err *err) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    int64_t rows = 0;
    if (!cn_batcher_take(&to->batcher, &bytes, &size, &rows, err)) {
        return false;
    }
    bool is_first = !to->has_sent;
    to->has_sent = true;
    return cn_respond_arrow(to->run, bytes, size, rows, is_first ? to->schema : NULL, err);
}

static bool take_for_client(void *self, const struct ArrowArray *batch, Err *err) {
    ToClient *to = self;
    return cn_batcher_add(&to->batcher, batch, err) && (to->batcher.bytes < CN_BATCH_BYTES || flush(to, err));
}

bool cn_run_to_client(CnRun *run, const TrRel *rel, Err *err) {
    Arena *arena = run->request->arena;
    ToClient to = {.run = run, .schema = pl_output_schema(arena, rel)};
    bool ok = cn_batcher_init(&to.batcher, arena, to.schema, cn_request_time_zone(run->request), err) &&
              cn_run_query(run, rel, STR("collect"), take_for_client, &to, err);
    if (ok && (!to.has_sent || to.batcher.rows.length > 0)) {
        ok = flush(&to, err);
    }
    cn_batcher_done(&to.batcher);
    return ok;
}
