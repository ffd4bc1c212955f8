/* exec/python_pool.c - solder_python(n): rows of a child query through Python workers and back.
 *
 * The child's rows are cut into parts: by the scan's splits where a row of the child comes from one row of a scan (as Spark's partitions), by runs of
 * rows for functions that see one row at a time, else one part. Each lane has a worker process, a thread that feeds it one part after the other,
 * and a thread that reads its answers. The table function hands the parts out in order.
 * Invariant: answers come out in the child's order; what waits for its turn is bounded, and a full pipe holds its lane back.
 */
#include "exec/arrow_batch.h"
#include "exec/parts.h"
#include "exec/python_wire.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_WAITING = 256 * 1024 * 1024, RUN_CHUNKS = 16, MOST_LANES = 64, LOOK_AHEAD = 4096 };

typedef struct Answer {
    struct Answer *next;
    ExBatch *batch;
    int64_t bytes;
} Answer;

typedef struct Part {
    Answer *first, *last;
    bool is_done;
} Part;

typedef struct ExPool ExPool;

typedef struct Lane {
    ExPool *pool;
    pthread_t feeder, reader;
    bool has_feeder, has_reader, has_worker;
    int to, from;
    int64_t worker;
    /* Parts handed to the worker and not yet read, in order. */
    size_t sent[LOOK_AHEAD];
    size_t nsent, nread;
    bool feeder_done;
} Lane;

struct ExPool {
    ExInput *input;
    const TyAttr *output;
    size_t noutput;
    bool is_udf; /* columns appended, each row by itself */
    Arena *arena;
    Str setup;
    size_t nparts; /* SIZE_MAX: as many as come (runs of rows) */
    ExScope *shared; /* runs of rows: the one child query */
    duckdb_prepared_statement prepared;
    duckdb_pending_result pending;
    duckdb_result result;
    bool has_result, is_exhausted;
    pthread_mutex_t child_lock; /* over the shared child query */
    pthread_mutex_t lock;       /* over everything below */
    pthread_cond_t changed;
    size_t next_part, current, known;
    Part *parts;
    size_t cap;
    int64_t waiting; /* bytes of answers */
    bool is_stopping;
    Err err;
    Lane lanes[MOST_LANES];
    size_t nlanes;
    ExArrowMap map;
    bool has_map;
    /* the consumer's place */
    ExBatch *batch;
    int64_t at;
    idx_t ncolumns;
    idx_t columns[];
};

static void pool_fail(ExPool *pool, const Err *err) {
    pthread_mutex_lock(&pool->lock);
    if (!pool->err.is_set && !pool->is_stopping) {
        pool->err = *err;
    }
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

static bool should_stop(ExPool *pool) {
    pthread_mutex_lock(&pool->lock);
    bool stops = pool->is_stopping || pool->err.is_set;
    pthread_mutex_unlock(&pool->lock);
    return stops || atomic_load(&pool->input->scope->op->is_interrupted);
}

static Part *part_at(ExPool *pool, size_t i) {
    if (i >= pool->cap) {
        size_t cap = pool->cap == 0 ? 64 : pool->cap * 2;
        while (cap <= i) {
            cap *= 2;
        }
        Part *parts = realloc(pool->parts, cap * sizeof *parts);
        if (parts == NULL) {
            abort();
        }
        memset(parts + pool->cap, 0, (cap - pool->cap) * sizeof *parts);
        pool->parts = parts;
        pool->cap = cap;
    }
    return &pool->parts[i];
}

/* ---- feeding ------------------------------------------------------------------------------------------------------------------ */

typedef struct Feed {
    struct ArrowSchema schema;
    struct ArrowIpcWriter writer;
    struct ArrowArrayView view;
    duckdb_arrow_options options;
    bool is_open;
} Feed;

static bool feed_open(Lane *lane, ExScope *scope, Feed *feed, Err *err) {
    ExPool *pool = lane->pool;
    const LoQuery *child = pool->input->lo->child;
    *feed = (Feed){0};
    Arena *arena = arena_new();
    bool is_ok = ex_wire_schema(arena, child->output, child->noutput, pool->input->scope->op->time_zone, &feed->schema, err);
    arena_free(arena);
    if (!is_ok) {
        return false;
    }
    struct ArrowIpcOutputStream out;
    struct ArrowError error = {0};
    is_ok = ex_wire_send(lane->to, EX_FRAME_PART, NULL, 0, err) && ex_wire_output(&out, &lane->to) == NANOARROW_OK &&
            ArrowIpcWriterInit(&feed->writer, &out) == NANOARROW_OK;
    feed->is_open = is_ok;
    if (is_ok && (ArrowIpcWriterWriteSchema(&feed->writer, &feed->schema, &error) != NANOARROW_OK ||
                  ArrowArrayViewInitFromSchema(&feed->view, &feed->schema, &error) != NANOARROW_OK)) {
        is_ok = err_set(err, "PYTHON_EXCEPTION", "feeding the Python worker failed: %s", error.message);
    }
    duckdb_connection_get_arrow_options(scope->connection, &feed->options);
    return is_ok;
}

static bool feed_chunk(Feed *feed, duckdb_data_chunk chunk, Err *err) {
    struct ArrowArray array = {0};
    struct ArrowError error = {0};
    duckdb_error_data failure = duckdb_data_chunk_to_arrow(feed->options, chunk, &array);
    if (failure != NULL) {
        ex_error_from_duckdb(NULL, duckdb_error_data_message(failure), err);
        duckdb_destroy_error_data(&failure);
        return false;
    }
    bool is_ok = ArrowArrayViewSetArray(&feed->view, &array, &error) == NANOARROW_OK &&
                 ArrowIpcWriterWriteArrayView(&feed->writer, &feed->view, &error) == NANOARROW_OK;
    array.release(&array);
    return is_ok || err_set(err, "PYTHON_EXCEPTION", "The Python worker ended unexpectedly (killed, out of memory, or it called os._exit)");
}

static bool feed_close(Feed *feed, bool is_ok, Err *err) {
    struct ArrowError error = {0};
    if (is_ok && ArrowIpcWriterWriteArrayView(&feed->writer, NULL, &error) != NANOARROW_OK) {
        is_ok = err_set(err, "PYTHON_EXCEPTION", "The Python worker ended unexpectedly (killed, out of memory, or it called os._exit)");
    }
    if (feed->is_open) {
        ArrowIpcWriterReset(&feed->writer);
        ArrowArrayViewReset(&feed->view);
    }
    if (feed->schema.release != NULL) {
        ArrowSchemaRelease(&feed->schema);
    }
    duckdb_destroy_arrow_options(&feed->options);
    return is_ok;
}

static bool start_child(ExOperation *op, ExScope *scope, duckdb_prepared_statement *prepared, duckdb_pending_result *pending, duckdb_result *result,
                        bool *has_result, Err *err) {
    if (duckdb_prepare(scope->connection, scope->query->sql.data, prepared) != DuckDBSuccess) {
        return ex_op_error(op, duckdb_prepare_error(*prepared), err);
    }
    if (duckdb_pending_prepared_streaming(*prepared, pending) != DuckDBSuccess) {
        return ex_op_error(op, duckdb_pending_error(*pending), err);
    }
    *has_result = true;
    return duckdb_execute_pending(*pending, result) == DuckDBSuccess || ex_op_error(op, duckdb_result_error(result), err);
}

static void end_child(duckdb_prepared_statement *prepared, duckdb_pending_result *pending, duckdb_result *result, bool has_result) {
    if (has_result) {
        duckdb_destroy_result(result);
    }
    duckdb_destroy_pending(pending);
    duckdb_destroy_prepare(prepared);
}

/* A part that is a piece of the scan, or the whole child. */
static bool feed_piece(Lane *lane, size_t part, Err *err) {
    ExPool *pool = lane->pool;
    ExOperation *op = pool->input->scope->op;
    ExScope *scope = ex_scope_open(op, pool->input->lo->child, err);
    if (scope == NULL) {
        return false;
    }
    scope->part = part;
    scope->nparts = pool->nparts > 1 ? pool->nparts : 0;
    duckdb_prepared_statement prepared = NULL;
    duckdb_pending_result pending = NULL;
    duckdb_result result = {0};
    bool has_result = false;
    Feed feed;
    bool is_ok = start_child(op, scope, &prepared, &pending, &result, &has_result, err) && feed_open(lane, scope, &feed, err);
    if (is_ok) {
        while (is_ok && !should_stop(pool)) {
            duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
            if (chunk == NULL) {
                const char *message = duckdb_result_error(&result);
                is_ok = message == NULL || message[0] == '\0' || ex_op_error(op, message, err);
                break;
            }
            is_ok = duckdb_data_chunk_get_size(chunk) == 0 || feed_chunk(&feed, chunk, err);
            duckdb_destroy_data_chunk(&chunk);
        }
        is_ok = feed_close(&feed, is_ok, err);
    }
    end_child(&prepared, &pending, &result, has_result);
    ex_scope_close(scope);
    return is_ok;
}

/* The next run of rows of the shared child; *ret_count 0: no more. The part's number is given under the same lock, so that order is kept. */
static bool take_run(ExPool *pool, duckdb_data_chunk *ret_chunks, size_t *ret_count, size_t *ret_part, Err *err) {
    ExOperation *op = pool->input->scope->op;
    bool is_ok = true;
    *ret_count = 0;
    pthread_mutex_lock(&pool->child_lock);
    while (is_ok && !pool->is_exhausted && *ret_count < RUN_CHUNKS) {
        if (!pool->has_result && !start_child(op, pool->shared, &pool->prepared, &pool->pending, &pool->result, &pool->has_result, err)) {
            is_ok = false;
            break;
        }
        duckdb_data_chunk chunk = duckdb_fetch_chunk(pool->result);
        if (chunk == NULL) {
            const char *message = duckdb_result_error(&pool->result);
            is_ok = message == NULL || message[0] == '\0' || ex_op_error(op, message, err);
            pool->is_exhausted = true;
        } else if (duckdb_data_chunk_get_size(chunk) == 0) {
            duckdb_destroy_data_chunk(&chunk);
        } else {
            ret_chunks[(*ret_count)++] = chunk;
        }
    }
    if (*ret_count > 0) {
        pthread_mutex_lock(&pool->lock);
        *ret_part = pool->next_part++;
        pthread_mutex_unlock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->child_lock);
    return is_ok;
}

/* Notes that the lane's worker gets this part, once there is room to remember it. */
static bool announce(Lane *lane, size_t part) {
    ExPool *pool = lane->pool;
    pthread_mutex_lock(&pool->lock);
    while (lane->nsent - lane->nread >= LOOK_AHEAD && !pool->is_stopping && !pool->err.is_set) {
        pthread_cond_wait(&pool->changed, &pool->lock);
    }
    lane->sent[lane->nsent++ % LOOK_AHEAD] = part;
    bool goes_on = !pool->is_stopping && !pool->err.is_set;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return goes_on;
}

static bool feed_runs(Lane *lane, Err *err) {
    ExPool *pool = lane->pool;
    for (;;) {
        duckdb_data_chunk chunks[RUN_CHUNKS];
        size_t count, part = 0;
        bool is_ok = take_run(pool, chunks, &count, &part, err);
        if (count == 0 || !is_ok || !announce(lane, part) || should_stop(pool)) {
            for (size_t i = 0; i < count; i++) {
                duckdb_destroy_data_chunk(&chunks[i]);
            }
            return is_ok;
        }
        Feed feed;
        is_ok = feed_open(lane, pool->shared, &feed, err);
        for (size_t i = 0; i < count; i++) {
            is_ok = is_ok && feed_chunk(&feed, chunks[i], err);
            duckdb_destroy_data_chunk(&chunks[i]);
        }
        is_ok = feed_close(&feed, is_ok, err);
        if (!is_ok) {
            return false;
        }
    }
}

static void *feed_lane(void *arg) {
    Lane *lane = arg;
    ExPool *pool = lane->pool;
    Err err = {0};
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    bool is_ok = true;
    if (pool->nparts == SIZE_MAX) {
        is_ok = feed_runs(lane, &err);
    }
    while (is_ok && pool->nparts != SIZE_MAX && !should_stop(pool)) {
        pthread_mutex_lock(&pool->lock);
        size_t part = pool->next_part < pool->nparts ? pool->next_part++ : SIZE_MAX;
        pthread_mutex_unlock(&pool->lock);
        if (part == SIZE_MAX || !announce(lane, part)) {
            break;
        }
        is_ok = feed_piece(lane, part, &err);
    }
    if (!is_ok) {
        /* The worker's own report, if there is one, is the cause: give the reader a moment to get it. */
        bool is_broken_pipe = err_is(&err, "PYTHON_EXCEPTION");
        for (int i = 0; is_broken_pipe && i < 100 && !should_stop(pool); i++) {
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        pool_fail(pool, &err);
    }
    pthread_mutex_lock(&pool->lock);
    lane->feeder_done = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------ */

/* Waits while too much is waiting, but for the part that is wanted now. */
static bool put_answer(ExPool *pool, size_t part, ExBatch *batch, int64_t bytes) {
    Answer *answer = calloc(1, sizeof *answer);
    if (answer == NULL) {
        abort();
    }
    answer->batch = batch;
    answer->bytes = bytes;
    pthread_mutex_lock(&pool->lock);
    while (pool->waiting > MOST_WAITING && pool->current != part && !pool->is_stopping && !pool->err.is_set) {
        pthread_cond_wait(&pool->changed, &pool->lock);
    }
    /* The wanted part too waits for a consumer that is slow. */
    while (pool->waiting > 2 * (int64_t)MOST_WAITING && !pool->is_stopping && !pool->err.is_set) {
        pthread_cond_wait(&pool->changed, &pool->lock);
    }
    Part *p = part_at(pool, part);
    if (p->last != NULL) {
        p->last->next = answer;
    } else {
        p->first = answer;
    }
    p->last = answer;
    pool->waiting += bytes;
    bool goes_on = !pool->is_stopping && !pool->err.is_set;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return goes_on;
}

static bool take_map(ExPool *pool, const struct ArrowSchema *schema, Err *err) {
    pthread_mutex_lock(&pool->lock);
    bool is_ok = pool->has_map;
    if (!is_ok) {
        is_ok = ex_arrow_map_init(&pool->map, pool->input->scope->connection, schema, pool->output, pool->noutput, err);
        pool->has_map = is_ok;
    }
    pthread_mutex_unlock(&pool->lock);
    return is_ok;
}

static bool read_part(Lane *lane, size_t part, Err *err) {
    ExPool *pool = lane->pool;
    ExWireIn in = {.fd = lane->from};
    struct ArrowIpcInputStream bytes;
    struct ArrowArrayStream stream = {0};
    struct ArrowSchema schema = {0};
    ex_wire_input(&bytes, &in);
    bool is_ok = ArrowIpcArrayStreamReaderInit(&stream, &bytes, NULL) == NANOARROW_OK;
    is_ok = is_ok && ArrowArrayStreamGetSchema(&stream, &schema, NULL) == NANOARROW_OK && take_map(pool, &schema, err);
    while (is_ok) {
        struct ArrowArray array = {0};
        is_ok = ArrowArrayStreamGetNext(&stream, &array, NULL) == NANOARROW_OK;
        if (!is_ok || array.release == NULL) {
            break;
        }
        int64_t size = ex_arrow_bytes(&schema, &array);
        ExBatch *batch = array.length > 0 ? ex_batch_new(&pool->map, &schema, &array, err) : NULL;
        if (array.release != NULL) {
            ArrowArrayRelease(&array);
            continue;
        }
        is_ok = batch != NULL && put_answer(pool, part, batch, size);
    }
    if (!is_ok && !in.err.is_set && !err->is_set && stream.release != NULL) {
        err_set(err, "SOLDER.ARROW_DATA", "a Python worker's answer is damaged: %s", ArrowArrayStreamGetLastError(&stream));
    }
    if (schema.release != NULL) {
        ArrowSchemaRelease(&schema);
    }
    if (stream.release != NULL) {
        ArrowArrayStreamRelease(&stream);
    }
    if (in.err.is_set) {
        return err_set(err, in.err.code, "%s", in.err.message);
    }
    return is_ok && ex_wire_finish(&in, err);
}

static void *read_lane(void *arg) {
    Lane *lane = arg;
    ExPool *pool = lane->pool;
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        while (lane->nread == lane->nsent && !lane->feeder_done && !pool->is_stopping && !pool->err.is_set) {
            pthread_cond_wait(&pool->changed, &pool->lock);
        }
        bool has_part = lane->nread < lane->nsent && !pool->is_stopping && !pool->err.is_set;
        size_t part = has_part ? lane->sent[lane->nread % LOOK_AHEAD] : 0;
        pthread_mutex_unlock(&pool->lock);
        if (!has_part) {
            return NULL;
        }
        Err err = {0};
        bool is_ok = read_part(lane, part, &err);
        if (!is_ok) {
            pool_fail(pool, &err);
            return NULL;
        }
        pthread_mutex_lock(&pool->lock);
        part_at(pool, part)->is_done = true;
        lane->nread++;
        pthread_cond_broadcast(&pool->changed);
        pthread_mutex_unlock(&pool->lock);
    }
}

/* ---- the pool ------------------------------------------------------------------------------------------------------------------ */

static void pool_stop(ExPool *pool) {
    ExEngine *engine = pool->input->scope->engine;
    pthread_mutex_lock(&pool->lock);
    bool is_clean = !pool->err.is_set;
    for (size_t i = 0; i < pool->nlanes; i++) {
        is_clean = is_clean && pool->lanes[i].feeder_done && pool->lanes[i].nread == pool->lanes[i].nsent;
    }
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    const ExWorkerStarter *workers = engine->config.workers;
    for (size_t i = 0; i < pool->nlanes; i++) {
        Lane *lane = &pool->lanes[i];
        if (lane->has_worker && !is_clean) {
            workers->stop(workers->self, lane->worker);
        }
    }
    for (size_t i = 0; i < pool->nlanes; i++) {
        Lane *lane = &pool->lanes[i];
        if (lane->has_feeder) {
            pthread_join(lane->feeder, NULL);
        }
        if (lane->has_reader) {
            pthread_join(lane->reader, NULL);
        }
        if (lane->has_worker && is_clean) {
            ex_worker_keep(engine, lane->to, lane->from, lane->worker);
        } else if (lane->has_worker) {
            close(lane->to);
            close(lane->from);
        }
    }
}

static void pool_free(void *owned) {
    ExPool *pool = owned;
    pool_stop(pool);
    if (pool->shared != NULL) {
        end_child(&pool->prepared, &pool->pending, &pool->result, pool->has_result);
        ex_scope_close(pool->shared);
    }
    for (size_t i = 0; i < pool->cap; i++) {
        while (pool->parts[i].first != NULL) {
            Answer *answer = pool->parts[i].first;
            pool->parts[i].first = answer->next;
            ex_batch_drop(answer->batch);
            free(answer);
        }
    }
    ex_batch_drop(pool->batch);
    ex_arrow_map_done(&pool->map);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->child_lock);
    pthread_cond_destroy(&pool->changed);
    arena_free(pool->arena);
    free(pool->parts);
    free(pool);
}

static bool send_setup(ExPool *pool, int fd, Err *err) {
    const TrRel *rel = pool->input->lo->rel;
    if (!ex_wire_send(fd, EX_FRAME_SETUP, pool->setup.data, pool->setup.len, err)) {
        return false;
    }
    if (rel->python.function != NULL) {
        return ex_wire_send(fd, EX_FRAME_COMMAND, rel->python.function->command.data, rel->python.function->command.len, err);
    }
    for (size_t i = 0; i < rel->python.nudfs; i++) {
        Str command = rel->python.udfs[i].expr->python.function->command;
        if (!ex_wire_send(fd, EX_FRAME_COMMAND, command.data, command.len, err)) {
            return false;
        }
    }
    return true;
}

/* What the worker must know: the kind of function, the result's type, how many arguments each UDF takes. */
static Str setup_json(ExPool *pool) {
    const TrRel *rel = pool->input->lo->rel;
    StrBuf out = {.arena = pool->arena};
    PlField *fields = ARENA_ARRAY(pool->arena, PlField, rel->noutput);
    for (size_t i = 0; i < rel->noutput; i++) {
        fields[i] = (PlField){.name = rel->output[i].name, .type = rel->output[i].type, .nullable = rel->output[i].nullable};
    }
    Str schema = pl_type_json(pool->arena, pl_struct(pool->arena, fields, rel->noutput));
    Str zone = pool->input->scope->op->time_zone;
    Str pyfiles = STR("[]");
    (void)pl_settings_get(pool->input->scope->op->settings, STR(EX_SETTING_PYFILES), &pyfiles);
    strbuf_fmt(&out, "{\"zone\":\"%.*s\",\"pyfiles\":%.*s,\"schema\":%.*s,\"functions\":[", STR_ARG(zone), STR_ARG(pyfiles), STR_ARG(schema));
    if (rel->python.function != NULL) {
        strbuf_fmt(&out, "{\"eval\":%d}", (int)rel->python.function->eval);
    }
    for (size_t i = 0; i < rel->python.nudfs && rel->python.function == NULL; i++) {
        const TxExpr *udf = rel->python.udfs[i].expr;
        StrBuf args = {.arena = pool->arena};
        for (size_t k = 0; k < udf->python.nargs; k++) {
            Str type = pl_type_json(pool->arena, udf->python.args[k]->type);
            strbuf_fmt(&args, "%s%.*s", k > 0 ? "," : "", STR_ARG(type));
        }
        strbuf_fmt(&out, "%s{\"eval\":%d,\"args\":[%.*s]}", i > 0 ? "," : "", (int)udf->python.function->eval, STR_ARG(strbuf_str(&args)));
    }
    strbuf_add_c(&out, "]}");
    return strbuf_str(&out);
}

static bool start_lane(ExPool *pool, Err *err) {
    Lane *lane = &pool->lanes[pool->nlanes];
    lane->pool = pool;
    if (!ex_worker_take(pool->input->scope->engine, &lane->to, &lane->from, &lane->worker, err)) {
        return false;
    }
    lane->has_worker = true;
    pool->nlanes++;
    if (!send_setup(pool, lane->to, err)) {
        return false;
    }
    lane->has_feeder = pthread_create(&lane->feeder, NULL, feed_lane, lane) == 0;
    lane->has_reader = lane->has_feeder && pthread_create(&lane->reader, NULL, read_lane, lane) == 0;
    return lane->has_reader || err_set(err, ERR_INTERNAL, "no thread for a Python worker");
}

static bool pool_start(ExPool *pool, Err *err) {
    ExInput *input = pool->input;
    const TrRel *rel = input->lo->rel;
    ExEngine *engine = input->scope->engine;
    pool->output = rel->output;
    pool->noutput = rel->noutput;
    pool->is_udf = rel->python.function == NULL;
    pool->setup = setup_json(pool);
    if (engine->config.workers == NULL) {
        return err_set(err, ERR_NOT_SUPPORTED, "this engine starts no Python workers");
    }
    ExScope *probe = ex_scope_open(input->scope->op, input->lo->child, err);
    if (probe == NULL) {
        return false;
    }
    size_t pieces = ex_count_parts(probe, SIZE_MAX);
    size_t nlanes = (size_t)engine->threads;
    if (pieces > 1) {
        /* A few parts for each lane: calls have a price, but the slowest lane should not be waited for. */
        size_t most = nlanes * 4;
        pool->nparts = pieces < most ? pieces : most;
        ex_scope_close(probe);
    } else if (pool->is_udf) {
        pool->nparts = SIZE_MAX;
        pool->shared = probe;
    } else {
        pool->nparts = 1;
        ex_scope_close(probe);
    }
    nlanes = pool->nparts < nlanes ? pool->nparts : nlanes;
    nlanes = nlanes > MOST_LANES ? MOST_LANES : nlanes;
    for (size_t i = 0; i < nlanes; i++) {
        if (!start_lane(pool, err)) {
            return false;
        }
    }
    return true;
}

static void bind(duckdb_bind_info info) {
    ExInput *input = ex_bind_input(info, LO_INPUT_PYTHON);
    if (input != NULL) {
        ex_bind_columns(info, input->lo->rel->output, input->lo->rel->noutput);
        duckdb_bind_set_bind_data(info, input, NULL);
    }
}

static void init(duckdb_init_info info) {
    ExInput *input = duckdb_init_get_bind_data(info);
    idx_t n = duckdb_init_get_column_count(info);
    ExPool *pool = calloc(1, sizeof *pool + (size_t)(n + 1) * sizeof(idx_t));
    if (pool == NULL) {
        duckdb_init_set_error(info, "SOLDER.OUT_OF_MEMORY: no memory for Python workers");
        return;
    }
    pool->input = input;
    pool->arena = arena_new();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_mutex_init(&pool->child_lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->ncolumns = n;
    for (idx_t i = 0; i < n; i++) {
        pool->columns[i] = duckdb_init_get_column_index(info, i);
    }
    Err err = {0};
    if (!pool_start(pool, &err)) {
        pool_fail(pool, &err);
        ex_op_fail(input->scope->op, &err);
        duckdb_init_set_error(info, err.message);
        pool_free(pool);
        return;
    }
    duckdb_init_set_max_threads(info, 1);
    duckdb_init_set_init_data(info, pool, pool_free);
}

static bool all_done(const ExPool *pool) {
    for (size_t i = 0; i < pool->nlanes; i++) {
        if (!pool->lanes[i].feeder_done) {
            return false;
        }
    }
    return pool->current >= pool->next_part;
}

/* The next batch in order; NULL without error: no more. */
static ExBatch *next_batch(ExPool *pool, Err *err) {
    ExOperation *op = pool->input->scope->op;
    ExBatch *batch = NULL;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        if (pool->err.is_set) {
            *err = pool->err;
            break;
        }
        Part *part = part_at(pool, pool->current);
        if (part->first != NULL) {
            Answer *answer = part->first;
            part->first = answer->next;
            part->last = part->first == NULL ? NULL : part->last;
            pool->waiting -= answer->bytes;
            batch = answer->batch;
            free(answer);
            pthread_cond_broadcast(&pool->changed);
            break;
        }
        if (part->is_done) {
            pool->current++;
            pthread_cond_broadcast(&pool->changed);
            continue;
        }
        if (all_done(pool)) {
            break;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&pool->changed, &pool->lock, &until);
        if (ex_op_cancelled(op, err)) {
            break;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return batch;
}

static void run(duckdb_function_info info, duckdb_data_chunk chunk) {
    ExPool *pool = duckdb_function_get_init_data(info);
    Err err = {0};
    duckdb_data_chunk_set_size(chunk, 0);
    if (pool->batch == NULL || pool->at >= pool->batch->length) {
        ex_batch_drop(pool->batch);
        pool->at = 0;
        pool->batch = next_batch(pool, &err);
    }
    bool is_ok = !err.is_set;
    if (is_ok && pool->batch != NULL) {
        int64_t left = pool->batch->length - pool->at;
        idx_t count = left > (int64_t)duckdb_vector_size() ? duckdb_vector_size() : (idx_t)left;
        is_ok = ex_batch_emit(&pool->map, pool->batch, pool->at, count, pool->columns, pool->ncolumns, chunk, &err);
        pool->at += (int64_t)count;
    }
    if (!is_ok) {
        ex_op_fail(pool->input->scope->op, &err);
        duckdb_function_set_error(info, err.message);
    }
}

bool ex_python_register(ExEngine *engine, Err *err) {
    return ex_table_function_register(engine, "solder_python", bind, init, NULL, run, err);
}
