/* run_life.c - the life of a job run: queued, started, watched, settled; its part of glue_jobs.h.
 *
 * A run is `solder run` of the script over the server's own home, as a task of the supervisor, or a step of an EMR cluster (run_step.h): RUNNERS
 * says which. Its states are rows of spec/states.tsv and are written before what they tell of: STARTING before the process, the intent to stop
 * before the signal. The process names its parent (--parent), so that it ends with a killed server; what that did not end, rl_start does. A step
 * outlives a killed server, and its run is taken up again. Invariants: under the mutex, the list of active runs is that of the rows in STARTING,
 * RUNNING and STOPPING; a run is settled once, by whoever takes it from that list.
 */
#include "service/glue_jobs.h"

#include "base/vec.h"
#include "service/emr.h"
#include "service/run_output.h"
#include "service/run_step.h"
#include "store/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    GRACE_MS = 8000, /* solder run itself gives the script five seconds */
    TICK_MS = 500,
    TICKS_A_PROGRESS = 4,
    KEY_SLACK_S = 3600,
    MAX_RESULT = 1 << 20,
    MAX_MESSAGE = 4096
};

typedef struct Active Active;
typedef struct Unsettled Unsettled;

/* A way to run a script: the first of RUNNERS that takes the run's arguments. */
typedef struct Runner {
    bool takes_place; /* one of SvJobs.limit */
    bool (*takes)(yyjson_val *arguments);
    bool (*start)(SvJobs *jobs, Active *active, yyjson_val *run, Err *err);
    void (*stop)(SvJobs *jobs, Active *active);
} Runner;

struct Active {
    struct Active *next;
    SvJobs *jobs;
    Arena *arena;
    Str job, id;
    const Runner *runner;
    SuTaskId task; /* of a run on this machine's engine */
    RunStep step;  /* of a run on a cluster */
    RunOutput *output;
    Str result_path;
    int64_t rows_read, bytes_read; /* as the row has them */
    int64_t deadline_us;           /* of a step */
    bool was_timed_out, was_stopped, is_running;
    bool is_cancelled; /* its step's row says so */
};

struct SvJobs {
    SvServices *services;
    pthread_mutex_t mutex;
    Active *active;
    Unsettled *unsettled;
    SuLimits limits;       /* of each process of a run on this machine's engine */
    int64_t engine_bytes;  /* what its engine takes before it spills */
    size_t nplaces, limit; /* taken by runs on this machine's engine, and how many there are */
    bool is_ready; /* the runs of an earlier server are settled; until then new ones wait */
    bool is_stopping, is_ticking;
    bool looks_again; /* the store could not tell or take which runs start */
    int ticks;
};

/* How a run came to its end. */
typedef struct Outcome {
    const char *state;
    Str message; /* empty: none */
} Outcome;

/* The end of a run that a full disk did not take: it is written when there is room, or by the next server. */
struct Unsettled {
    Unsettled *next;
    Arena *arena;
    Str job, id;
    Outcome outcome;
    int64_t ended_us;
};

static void lock(SvJobs *jobs) {
    if (pthread_mutex_lock(&jobs->mutex) != 0) {
        abort(); /* ours and valid: only memory corruption gets here */
    }
}

static void unlock(SvJobs *jobs) {
    if (pthread_mutex_unlock(&jobs->mutex) != 0) {
        abort();
    }
}

static StResourceName run_name(Str job, Str id) {
    return (StResourceName){.kind = STR(GJ_RUN), .parent = job, .id = id};
}

/* What goes wrong beside a request has no caller to tell. */
static void complain(Str id, const Err *err) {
    fprintf(stderr, "solder: run %.*s: %s\n", STR_ARG(id), err->message);
}

static size_t count_active(const SvJobs *jobs, Str job) {
    size_t count = 0;
    for (const Active *active = jobs->active; active != NULL; active = active->next) {
        count += str_eq(active->job, job);
    }
    return count;
}

/* ---- the result file: what solder run tells of a run ---- */

static Str result_path(const SvJobs *jobs, Arena *arena, Str id) {
    return str_fmt(arena, "%.*s/runs/%.*s.json", STR_ARG(st_home(jobs->services->store)), STR_ARG(id));
}

/* NULL: there is none (yet). The caller frees it. */
static yyjson_doc *read_result(Str path) {
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    char *text = malloc(MAX_RESULT);
    if (text == NULL) {
        abort();
    }
    ssize_t len = read(fd, text, MAX_RESULT);
    (void)close(fd);
    yyjson_doc *doc = len > 0 ? yyjson_read(text, (size_t)len, 0) : NULL;
    free(text);
    return doc;
}

/* With what a killed solder run left beside it. */
static void remove_result(Str path) {
    static const char *const ENDINGS[] = {"", ".new", ".script"};
    Arena *scratch = arena_new();
    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        (void)unlink(str_fmt(scratch, "%.*s%s", STR_ARG(path), ENDINGS[i]).data);
    }
    st_remove_tree(str_fmt(scratch, "%.*s.files", STR_ARG(path)).data);
    arena_free(scratch);
}

static Str cut_message(Str text) {
    if (text.len <= MAX_MESSAGE) {
        return text;
    }
    size_t len = MAX_MESSAGE;
    while (len > 0 && ((unsigned char)text.data[len] & 0xC0) == 0x80) {
        len--;
    }
    return str_slice(text, 0, len);
}

/* ErrorMessage as Glue words it: the exception that ended the script, else the exit code. */
static Str failure_message(Arena *arena, yyjson_val *result, int status) {
    Str error_class = js_str(result, "error_class");
    Str message = js_str(result, "error_message");
    if (js_bool(result, "launch_error", false)) {
        return cut_message(str_fmt(arena, "LAUNCH ERROR | %.*s", STR_ARG(message)));
    }
    if (error_class.len == 0) {
        return str_fmt(arena, "Command failed with exit code %d", status);
    }
    return cut_message(message.len == 0 ? str_copy(arena, error_class) : str_fmt(arena, "%.*s: %.*s", STR_ARG(error_class), STR_ARG(message)));
}

/* ---- settling ---- */

static bool submit(SvJobs *jobs, Str job_name, int64_t max_concurrent, bool may_wait, Str run_id, Str json, Err *err);

/* "jr_…" → "jr_…_attempt_1" → "jr_…_attempt_2". */
static Str retry_id(Arena *arena, Str id, int64_t attempt) {
    static const char MARK[] = "_attempt_";
    const char *mark = memmem(id.data, id.len, MARK, sizeof MARK - 1);
    Str base = mark == NULL ? id : str_slice(id, 0, (size_t)(mark - id.data));
    return str_fmt(arena, "%.*s%s%lld", STR_ARG(base), MARK, (long long)attempt);
}

static void retry(SvJobs *jobs, Arena *arena, Str job_name, const StResource *row) {
    Err err = {0};
    yyjson_doc *job = gj_job(jobs->services, arena, job_name, &err);
    if (job == NULL) {
        return; /* deleted: nobody waits for it */
    }
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *run = js_parse_into(doc, row->json);
    int64_t attempt = yyjson_mut_get_sint(yyjson_mut_obj_get(run, "Attempt")) + 1;
    static const char *const GONE[] = {"CompletedOn", "ErrorMessage", "SolderPid", "SolderStartTicks", "SolderProgress", "SolderStep", "SolderKey"};
    for (size_t i = 0; i < sizeof GONE / sizeof GONE[0]; i++) {
        (void)yyjson_mut_obj_remove_key(run, GONE[i]);
    }
    Str id = retry_id(arena, row->id, attempt);
    js_put_str(doc, run, "Id", id);
    js_put_str(doc, run, "PreviousRunId", row->id);
    (void)yyjson_mut_obj_put(run, yyjson_mut_str(doc, "Attempt"), yyjson_mut_int(doc, attempt));
    (void)yyjson_mut_obj_put(run, yyjson_mut_str(doc, "ExecutionTime"), yyjson_mut_int(doc, 0));
    js_put_time(doc, run, "StartedOn", gj_now_us());
    if (!submit(jobs, job_name, gj_max_concurrent(yyjson_doc_get_root(job)), true, id, js_write(arena, run), &err)) {
        complain(id, &err);
    }
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(job);
}

static void revoke_key(SvJobs *jobs, Str id) {
    Err ignored = {0}; /* else it ends by its time */
    if (id.len > 0) {
        (void)st_key_revoke(jobs->services->store, id, &ignored);
    }
}

/* Writes the end of a run that is in the list no more; starts its next attempt. false: the store does not take it now. */
static bool try_settle(SvJobs *jobs, Arena *arena, const Unsettled *end, Err *err) {
    const Outcome *outcome = &end->outcome;
    StResourceName name = run_name(end->job, end->id);
    StResource row;
    bool moved = false;
    if (!st_resource_get(jobs->services->store, arena, &name, &row, err)) {
        return err_is(err, "EntityNotFoundException"); /* deleted: nobody asks for it */
    }
    /* A stop was asked for: whatever its process made of that, it is stopped, and how it ended is no failure. */
    bool ends_stopped = strcmp(outcome->state, "STOPPED") == 0;
    bool is_stopping = str_eq_c(row.state, "STOPPING");
    Str message = is_stopping && !ends_stopped ? STR("") : outcome->message;
    yyjson_doc *before = yyjson_read(row.json.data, row.json.len, 0);
    yyjson_val *run = yyjson_doc_get_root(before);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *patch = yyjson_mut_obj(doc);
    double seconds = (double)end->ended_us / 1e6 - yyjson_get_num(yyjson_obj_get(run, "StartedOn"));
    js_put_time(doc, patch, "CompletedOn", end->ended_us);
    (void)yyjson_mut_obj_add_int(doc, patch, "ExecutionTime", str_eq_c(row.state, "WAITING") || seconds < 0 ? 0 : (int64_t)(seconds + 0.5));
    if (message.len > 0) {
        js_put_str(doc, patch, "ErrorMessage", message);
    }
    Str text = js_write(arena, patch);
    revoke_key(jobs, js_str(run, "SolderKey")); /* first: who sees the run's end sees that of its key */
    bool ok = true;
    if (!is_stopping && ends_stopped && !str_eq_c(row.state, "WAITING")) {
        ok = st_resource_move(jobs->services->store, &name, STR("STOPPING"), STR(""), &moved, err);
        is_stopping = ok;
    } else if (str_eq_c(row.state, "STARTING") && strcmp(outcome->state, "SUCCEEDED") == 0) {
        ok = st_resource_move(jobs->services->store, &name, STR("RUNNING"), STR(""), &moved, err); /* which could not be written then */
    }
    const char *state = is_stopping ? "STOPPED" : outcome->state;
    ok = ok && st_resource_move(jobs->services->store, &name, str_from_c(state), text, &moved, err);
    if (ok && !moved) {
        Err none = {0};
        (void)err_set(&none, ERR_INTERNAL, "no way from %.*s to %s", STR_ARG(row.state), state);
        complain(end->id, &none);
    }
    bool retries = moved && strcmp(state, "FAILED") == 0 && !jobs->is_stopping && js_i64(run, "Attempt", 0) < js_i64(run, "SolderMaxRetries", 0);
    if (ok) {
        remove_result(result_path(jobs, arena, end->id));
    }
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(before);
    if (ok && retries && st_resource_get(jobs->services->store, arena, &name, &row, err)) {
        retry(jobs, arena, end->job, &row);
    }
    return ok;
}

static void keep_ticking(SvJobs *jobs);

/* The same, now or later. */
static void settle(SvJobs *jobs, Arena *arena, Str job, Str id, const Outcome *outcome) {
    Unsettled end = {.job = job, .id = id, .outcome = *outcome, .ended_us = gj_now_us()};
    Err err = {0};
    if (try_settle(jobs, arena, &end, &err)) {
        return;
    }
    complain(id, &err);
    Arena *own = arena_new();
    Unsettled *kept = ARENA_NEW(own, Unsettled);
    *kept = (Unsettled){.next = jobs->unsettled,
                        .arena = own,
                        .job = str_copy(own, job),
                        .id = str_copy(own, id),
                        .outcome = {outcome->state, str_copy(own, outcome->message)},
                        .ended_us = end.ended_us};
    jobs->unsettled = kept;
    keep_ticking(jobs);
}

static void settle_the_rest(SvJobs *jobs) {
    for (Unsettled **place = &jobs->unsettled; *place != NULL;) {
        Unsettled *end = *place;
        Arena *scratch = arena_new();
        Err err = {0};
        if (try_settle(jobs, scratch, end, &err)) {
            *place = end->next;
            arena_free(end->arena);
        } else {
            place = &end->next;
        }
        arena_free(scratch);
    }
}

static Outcome outcome_of_exit(Arena *arena, yyjson_val *result, const SuExit *exit, bool server_stops) {
    if (exit->was_timed_out) {
        return (Outcome){"TIMEOUT", STR("The run's Timeout was over.")};
    }
    if (exit->was_stopped) {
        return (Outcome){"STOPPED", server_stops ? STR("The server was stopped.") : STR("")};
    }
    return exit->status == 0 ? (Outcome){"SUCCEEDED", STR("")} : (Outcome){"FAILED", failure_message(arena, result, exit->status)};
}

static void start_waiting(SvJobs *jobs);

static void free_active(Active *owned_active) {
    ro_free(owned_active->output);
    arena_free(owned_active->arena);
}

static void take_from_list(SvJobs *jobs, const Active *active) {
    Active **place = &jobs->active;
    while (*place != active) {
        place = &(*place)->next;
    }
    *place = active->next;
    jobs->nplaces -= active->runner->takes_place;
}

static void run_ended(void *self, const SuExit *exit) {
    Active *active = self;
    SvJobs *jobs = active->jobs;
    ro_flush(active->output, true);
    yyjson_doc *result = read_result(active->result_path);
    lock(jobs);
    take_from_list(jobs, active);
    Outcome outcome = outcome_of_exit(active->arena, yyjson_doc_get_root(result), exit, jobs->is_stopping);
    settle(jobs, active->arena, active->job, active->id, &outcome);
    start_waiting(jobs);
    unlock(jobs);
    yyjson_doc_free(result);
    free_active(active);
}

static bool take_output(void *self, bool is_stderr, Str bytes) {
    ro_take(((Active *)self)->output, is_stderr, bytes);
    return true;
}

/* ---- progress and lines without an end ---- */

static void note_progress(SvJobs *jobs, Active *active) {
    yyjson_doc *result = read_result(active->result_path);
    yyjson_val *root = yyjson_doc_get_root(result);
    int64_t rows = js_i64(root, "rows_read", 0);
    int64_t bytes = js_i64(root, "bytes_read", 0);
    yyjson_doc_free(result);
    if (rows != active->rows_read || bytes != active->bytes_read) {
        Err ignored = {0}; /* the next one tells more */
        Arena *scratch = arena_new();
        StResourceName name = run_name(active->job, active->id);
        Str patch = str_fmt(scratch, "{\"SolderProgress\": {\"rows_read\": %lld, \"bytes_read\": %lld}}", (long long)rows, (long long)bytes);
        (void)st_resource_patch(jobs->services->store, &name, patch, &ignored);
        arena_free(scratch);
        active->rows_read = rows;
        active->bytes_read = bytes;
    }
}

/* ---- steps ---- */

static int64_t deadline_of(yyjson_val *run) {
    int64_t minutes = js_i64(run, "Timeout", 0);
    double started = yyjson_get_num(yyjson_obj_get(run, "StartedOn"));
    return minutes > 0 ? (int64_t)(started * 1e6) + minutes * 60000000 : INT64_MAX;
}

static Outcome outcome_of_step(Arena *arena, const Active *active, const RunStepEnd *end, bool server_stops) {
    if (active->was_timed_out) {
        return (Outcome){"TIMEOUT", STR("The run's Timeout was over.")};
    }
    if (str_eq_c(end->state, "COMPLETED")) {
        return (Outcome){"SUCCEEDED", STR("")};
    }
    if (server_stops) {
        return (Outcome){"STOPPED", STR("The server was stopped.")};
    }
    if (str_eq_c(end->state, "CANCELLED")) {
        return (Outcome){"STOPPED", active->was_stopped ? STR("") : str_fmt(arena, "Step %.*s was cancelled.", STR_ARG(active->step.step))};
    }
    return (Outcome){"FAILED", end->message.len > 0 ? cut_message(end->message) : str_fmt(arena, "Command failed with exit code %lld", (long long)end->status)};
}

/* Again while the disk does not take it: else the step would run on. */
static void cancel_if_wanted(SvServices *services, Active *active) {
    if ((active->was_timed_out || active->was_stopped) && !active->is_cancelled) {
        active->is_cancelled = rs_cancel(services, &active->step);
    }
}

static void end_step(SvJobs *jobs, Active *active, const Outcome *outcome) {
    take_from_list(jobs, active);
    ro_flush(active->output, true);
    rs_close(&active->step, true);
    settle(jobs, active->arena, active->job, active->id, outcome);
    free_active(active);
}

/* One look at a run on a cluster: what it printed, how far it is; true: it is over, and in the list no more. Under the mutex. */
static bool look_at_step(SvJobs *jobs, Active *active) {
    SvServices *services = jobs->services;
    Arena *scratch = arena_new();
    StResourceName name = run_name(active->job, active->id);
    RunStepEnd end = {.state = STR("")};
    Err err = {0};
    bool moved = false;
    RunStepState state = jobs->is_stopping ? RUN_STEP_WAITS : rs_look(services, scratch, &active->step, &end);
    bool did_read = rs_read(&active->step, active->output);
    if (did_read && !st_resource_patch(services->store, &name, rs_patch(&active->step, scratch), &err)) {
        err_clear(&err); /* deleted; else a new server logs some lines twice */
    }
    if (state != RUN_STEP_WAITS && !active->is_running) {
        active->is_running = true;
        (void)st_resource_move(services->store, &name, STR("RUNNING"), STR(""), &moved, &err);
    }
    bool is_over = state == RUN_STEP_LOST || (state == RUN_STEP_OVER && !did_read);
    if (state == RUN_STEP_LOST) {
        end_step(jobs, active, &(Outcome){"FAILED", STR("The server ended before the run's step was there.")});
    } else if (is_over) {
        Outcome outcome = outcome_of_step(scratch, active, &end, false);
        end_step(jobs, active, &outcome);
    } else if (!active->was_timed_out && !jobs->is_stopping && gj_now_us() > active->deadline_us) {
        active->was_timed_out = true;
    }
    if (!is_over) {
        cancel_if_wanted(services, active);
    }
    arena_free(scratch);
    return is_over;
}

/* On the supervisor's thread, as the sinks. */
static void tick(void *self) {
    SvJobs *jobs = self;
    bool did_end = false;
    lock(jobs);
    jobs->ticks++;
    for (Active *active = jobs->active, *next = NULL; active != NULL; active = next) {
        next = active->next;
        ro_flush(active->output, false);
        if (!active->runner->takes_place) {
            did_end = look_at_step(jobs, active) || did_end;
        } else if (jobs->ticks % TICKS_A_PROGRESS == 0) {
            note_progress(jobs, active);
        }
    }
    bool is_time = jobs->ticks % TICKS_A_PROGRESS == 0;
    if (is_time) {
        settle_the_rest(jobs);
    }
    if (did_end || (is_time && jobs->looks_again)) {
        start_waiting(jobs);
    }
    jobs->is_ticking = jobs->active != NULL || jobs->unsettled != NULL || jobs->looks_again;
    if (jobs->is_ticking) {
        su_after(jobs->services->supervisor, TICK_MS, tick, jobs);
    }
    unlock(jobs);
}

/* ---- starting ---- */

typedef struct RunCommand {
    const char **argv, **env; /* NULL-terminated */
} RunCommand;

/* "j_" and 64 digits, as Glue has them; a job's is always the same. */
static Str job_id(Arena *arena, Str job) {
    StrBuf text = {.arena = arena};
    strbuf_add_c(&text, "j_");
    for (int i = 0; i < 4; i++) {
        strbuf_fmt(&text, "%016llx", (unsigned long long)str_hash(str_fmt(arena, "%d %.*s", i, STR_ARG(job))));
    }
    return strbuf_str(&text);
}

/* The script's arguments in Glue's order: its own flags, then the job's. A flag without a value stands alone. */
static void add_arguments(Arena *arena, const Active *active, yyjson_val *run, const char **argv, size_t *argc) {
    yyjson_val *arguments = yyjson_obj_get(run, "SolderArguments");
    const struct {
        const char *name;
        Str value;
    } own[] = {{"--JOB_ID", job_id(arena, active->job)},
               {"--JOB_RUN_ID", active->id},
               {"--JOB_NAME", active->job}};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        argv[(*argc)++] = own[i].name;
        argv[(*argc)++] = str_to_c(arena, own[i].value);
    }
    size_t index;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    yyjson_obj_foreach(arguments, index, count, key, value) {
        argv[(*argc)++] = str_to_c(arena, js_text(key));
        if (yyjson_get_len(value) > 0) {
            argv[(*argc)++] = str_to_c(arena, js_text(value));
        }
    }
    argv[*argc] = NULL;
}

/* boto3 in the script reaches this server, with a key that ends with the run: its id is in the row before any process has it. */
static bool add_credentials(const SvJobs *jobs, const Active *active, int64_t minutes, const char **env, size_t *count, Err *err) {
    const SvServices *services = jobs->services;
    Arena *arena = active->arena;
    StResourceName name = run_name(active->job, active->id);
    StKey key;
    if (!st_key_issue(services->store, arena, minutes * 60 + KEY_SLACK_S, STR(""), &key, err) ||
        !st_resource_patch(services->store, &name, str_fmt(arena, "{\"SolderKey\": \"%.*s\"}", STR_ARG(key.id)), err)) {
        return false;
    }
    env[(*count)++] = str_fmt(arena, "AWS_ENDPOINT_URL=%.*s", STR_ARG(services->endpoint)).data;
    env[(*count)++] = str_fmt(arena, "AWS_ACCESS_KEY_ID=%.*s", STR_ARG(key.id)).data;
    env[(*count)++] = str_fmt(arena, "AWS_SECRET_ACCESS_KEY=%.*s", STR_ARG(key.secret)).data;
    env[(*count)++] = str_fmt(arena, "AWS_SESSION_TOKEN=%.*s", STR_ARG(key.token)).data;
    env[(*count)++] = str_fmt(arena, "AWS_DEFAULT_REGION=%.*s", STR_ARG(services->region)).data;
    env[(*count)++] = str_fmt(arena, "AWS_REGION=%.*s", STR_ARG(services->region)).data;
    return true;
}

/* ---- on this machine's engine ---- */

static bool takes_all(yyjson_val *arguments) {
    (void)arguments;
    return true;
}

/* --extra-py-files: copies of the objects, importable; a module by its folder, an archive as it is. */
static bool add_modules(const SvJobs *jobs, const Active *active, Str files, const char **env, size_t *count, Err *err) {
    Arena *arena = active->arena;
    StrBuf path = {.arena = arena};
    const char *inherited = getenv("PYTHONPATH");
    strbuf_add_c(&path, "PYTHONPATH=");
    for (int number = 0; files.len > 0; number++) {
        const char *comma = memchr(files.data, ',', files.len);
        size_t end = comma == NULL ? files.len : (size_t)(comma - files.data);
        Str uri = str_trim(str_slice(files, 0, end));
        Str file;
        if (!em_fetch(jobs->services, arena, uri, str_fmt(arena, "%.*s.files/%d", STR_ARG(active->result_path), number), &file, err)) {
            return err_prefix(err, "--extra-py-files: ");
        }
        const char *slash = memrchr(file.data, '/', file.len);
        strbuf_add_c(&path, number > 0 ? ":" : "");
        strbuf_add(&path, str_ends_with(file, STR(".py")) && slash != NULL ? str_slice(file, 0, (size_t)(slash - file.data)) : file);
        files = comma == NULL ? STR("") : str_slice(files, end + 1, files.len);
    }
    strbuf_fmt(&path, "%s%s", inherited != NULL ? ":" : "", inherited != NULL ? inherited : "");
    env[(*count)++] = strbuf_str(&path).data;
    return true;
}

static bool embedded_command(const SvJobs *jobs, const Active *active, yyjson_val *run, RunCommand *ret_command, Err *err) {
    enum { OWN_WORDS = 18, VARIABLES = 10 };
    Arena *arena = active->arena;
    const SvServices *services = jobs->services;
    const char **argv = ARENA_ARRAY(arena, const char *, OWN_WORDS + 2 * yyjson_obj_size(yyjson_obj_get(run, "SolderArguments")));
    const char **env = ARENA_ARRAY(arena, const char *, VARIABLES);
    size_t argc = 0;
    size_t nenv = 0;
    argv[argc++] = str_to_c(arena, services->program);
    argv[argc++] = "--home";
    argv[argc++] = str_to_c(arena, st_home(services->store));
    argv[argc++] = "run";
    argv[argc++] = "--memory";
    argv[argc++] = str_fmt(arena, "%lldMiB", (long long)(jobs->engine_bytes >> 20)).data;
    argv[argc++] = "--result";
    argv[argc++] = active->result_path.data;
    argv[argc++] = "--parent";
    argv[argc++] = str_fmt(arena, "%d", (int)getpid()).data;
    argv[argc++] = str_to_c(arena, js_str(run, "SolderScript"));
    add_arguments(arena, active, run, argv, &argc);
    yyjson_val *arguments = yyjson_obj_get(run, "SolderArguments");
    Str files = js_str(arguments, "--extra-py-files");
    Str settings = js_str(arguments, "--conf");
    if (settings.len > 0) {
        env[nenv++] = str_fmt(arena, "SOLDER_SPARK_CONF=%.*s", STR_ARG(settings)).data;
    }
    *ret_command = (RunCommand){argv, env};
    return (files.len == 0 || add_modules(jobs, active, files, env, &nenv, err)) &&
           add_credentials(jobs, active, js_i64(run, "Timeout", 0), env, &nenv, err);
}

static bool start_embedded(SvJobs *jobs, Active *active, yyjson_val *run, Err *err) {
    RunCommand command;
    SuIdentity identity;
    StResourceName name = run_name(active->job, active->id);
    bool moved = false;
    if (!embedded_command(jobs, active, run, &command, err)) {
        return false;
    }
    SuTaskSpec spec = {.command = {.argv = command.argv, .extra_env = command.env, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1},
                       .deadline_ms = js_i64(run, "Timeout", 0) * 60000,
                       .limits = jobs->limits,
                       .grace_ms = GRACE_MS,
                       .sink = take_output,
                       .on_exit = run_ended,
                       .self = active};
    active->task = su_task_start(jobs->services->supervisor, &spec, &identity, err);
    if (active->task == 0) {
        return false;
    }
    /* run_ended waits for the mutex: the run is RUNNING before it has ended. */
    Str patch = str_fmt(active->arena, "{\"SolderPid\": %d, \"SolderStartTicks\": %lld}", (int)identity.pid, (long long)identity.start_ticks);
    if (!st_resource_move(jobs->services->store, &name, STR("RUNNING"), patch, &moved, err) || !moved) {
        complain(active->id, err);
    }
    return true;
}

static void stop_embedded(SvJobs *jobs, Active *active) {
    su_task_stop(jobs->services->supervisor, active->task);
}

/* ---- on a cluster ---- */

static bool start_step(SvJobs *jobs, Active *active, yyjson_val *run, Err *err) {
    enum { OWN_WORDS = 8 };
    SvServices *services = jobs->services;
    Arena *arena = active->arena;
    yyjson_val *arguments = yyjson_obj_get(run, "SolderArguments");
    const char **words = ARENA_ARRAY(arena, const char *, OWN_WORDS + 2 * yyjson_obj_size(arguments));
    size_t nwords = 0;
    StResourceName name = run_name(active->job, active->id);
    add_arguments(arena, active, run, words, &nwords);
    RunStepCommand command = {.name = str_fmt(arena, "Glue job %.*s, run %.*s", STR_ARG(active->job), STR_ARG(active->id)),
                              .script = str_copy(arena, js_str(run, "SolderScript")),
                              .words = words,
                              .arguments = arguments};
    active->deadline_us = deadline_of(run);
    if (!rs_plan(services, arena, active->id, arguments, &active->step, err) ||
        !st_resource_patch(services->store, &name, rs_patch(&active->step, arena), err) ||
        !rs_submit(services, arena, &active->step, &command, err)) {
        return false;
    }
    Str told = str_fmt(arena, "solder: this run is step %.*s of cluster %.*s\n", STR_ARG(active->step.step), STR_ARG(active->step.cluster));
    ro_take(active->output, true, told);
    return true;
}

static void stop_step(SvJobs *jobs, Active *active) {
    active->was_stopped = true;
    cancel_if_wanted(jobs->services, active);
}

static const Runner RUNNERS[] = {{false, rs_is_step, start_step, stop_step}, {true, takes_all, start_embedded, stop_embedded}};

static const Runner *runner_of(yyjson_val *run) {
    const Runner *runner = RUNNERS;
    while (!runner->takes(yyjson_obj_get(run, "SolderArguments"))) {
        runner++; /* the last one takes all */
    }
    return runner;
}

static bool start_run(SvJobs *jobs, Active *active, yyjson_val *run, Err *err) {
    return js_str(run, "SolderScript").len > 0 ? active->runner->start(jobs, active, run, err)
                                               : err_set(err, ERR_IO, "the job has no Command.ScriptLocation");
}

static bool has_place(const SvJobs *jobs, const Runner *runner) {
    return !runner->takes_place || jobs->nplaces < jobs->limit;
}

/* While there is something to look after. */
static void keep_ticking(SvJobs *jobs) {
    if (!jobs->is_ticking) {
        jobs->is_ticking = true;
        su_after(jobs->services->supervisor, TICK_MS, tick, jobs);
    }
}

static Active *add_active(SvJobs *jobs, Str job, Str id, const Runner *runner) {
    Arena *arena = arena_new();
    Active *active = ARENA_NEW(arena, Active);
    *active = (Active){.jobs = jobs,
                       .arena = arena,
                       .job = str_copy(arena, job),
                       .id = str_copy(arena, id),
                       .runner = runner,
                       .step = {.fds = {-1, -1}}};
    active->result_path = result_path(jobs, arena, id);
    active->output = ro_new(jobs->services->logs, STR(GJ_LOG_GROUP), id);
    active->next = jobs->active;
    jobs->active = active;
    jobs->nplaces += runner->takes_place;
    return active;
}

/* The row is in STARTING. Under the mutex. */
static void launch(SvJobs *jobs, Str job, Str id, Str json) {
    Err err = {0};
    yyjson_doc *run = yyjson_read(json.data, json.len, 0);
    Active *active = add_active(jobs, job, id, runner_of(yyjson_doc_get_root(run)));
    bool ok = start_run(jobs, active, yyjson_doc_get_root(run), &err);
    yyjson_doc_free(run);
    if (!ok) {
        take_from_list(jobs, active);
        rs_close(&active->step, true);
        Outcome outcome = {"FAILED", str_fmt(active->arena, "LAUNCH ERROR | %s", err.message)};
        settle(jobs, active->arena, job, id, &outcome);
        free_active(active);
        return;
    }
    keep_ticking(jobs);
}

static bool list_runs(SvJobs *jobs, Arena *arena, const char *state, Str job, const StResource **ret_rows, size_t *ret_count, Err *err) {
    StResourceQuery query = {.kind = STR(GJ_RUN), .parent = job, .by_parent = job.len > 0, .state = str_from_c(state)};
    return st_resource_list(jobs->services->store, arena, &query, ret_rows, ret_count, err);
}

static bool submit(SvJobs *jobs, Str job_name, int64_t max_concurrent, bool may_wait, Str run_id, Str json, Err *err) {
    Arena *scratch = arena_new();
    const StResource *waiting = NULL;
    size_t nwaiting = 0;
    StResourceName name = run_name(job_name, run_id);
    bool ok = list_runs(jobs, scratch, "WAITING", job_name, &waiting, &nwaiting, err);
    bool job_is_full = count_active(jobs, job_name) + nwaiting >= (size_t)max_concurrent;
    if (ok && job_is_full && !may_wait) {
        ok = err_set(err, "ConcurrentRunsExceededException", "Concurrent runs exceeded for %.*s", STR_ARG(job_name));
    }
    yyjson_doc *run = yyjson_read(json.data, json.len, 0);
    bool starts = !job_is_full && has_place(jobs, runner_of(yyjson_doc_get_root(run))) && jobs->is_ready && !jobs->is_stopping;
    yyjson_doc_free(run);
    ok = ok && st_resource_insert(jobs->services->store, &name, starts ? STR("STARTING") : STR("WAITING"), json, err);
    if (ok && starts) {
        launch(jobs, job_name, run_id, json);
    }
    arena_free(scratch);
    return ok;
}

bool rl_submit(SvJobs *jobs, Str job_name, int64_t max_concurrent, bool may_wait, Str run_id, Str json, Err *err) {
    lock(jobs);
    bool ok = submit(jobs, job_name, max_concurrent, may_wait, run_id, json, err);
    unlock(jobs);
    return ok;
}

/* The store failed: the queue is looked at again in a while, or its runs would wait until another one ends. */
static void look_again(SvJobs *jobs, Str id, const Err *err) {
    if (!jobs->looks_again) {
        complain(id, err);
    }
    jobs->looks_again = true;
    keep_ticking(jobs);
}

/* Starts one run that waits when there is a place for it. */
static void start_if_free(SvJobs *jobs, Arena *scratch, const StResource *row) {
    Err err = {0};
    StResourceName name = run_name(row->parent, row->id);
    yyjson_doc *job = gj_job(jobs->services, scratch, row->parent, &err);
    if (job == NULL && !err_is(&err, "EntityNotFoundException")) {
        look_again(jobs, row->id, &err);
        return;
    }
    if (job == NULL) {
        Outcome outcome = {"FAILED", STR("Its job was deleted while the run waited.")};
        settle(jobs, scratch, row->parent, row->id, &outcome);
        return;
    }
    yyjson_doc *run = yyjson_read(row->json.data, row->json.len, 0);
    bool is_free = count_active(jobs, row->parent) < (size_t)gj_max_concurrent(yyjson_doc_get_root(job)) &&
                   has_place(jobs, runner_of(yyjson_doc_get_root(run)));
    yyjson_doc_free(run);
    yyjson_doc_free(job);
    bool moved = false;
    StResource now = *row; /* what it becomes, but for StartedOn, should the next look fail: it is STARTING then, and must start */
    Str patch = str_fmt(scratch, "{\"StartedOn\": %.3f}", (double)gj_now_us() / 1e6);
    if (is_free && st_resource_move(jobs->services->store, &name, STR("STARTING"), patch, &moved, &err) && moved) {
        (void)st_resource_get(jobs->services->store, scratch, &name, &now, &err);
        launch(jobs, row->parent, row->id, now.json);
    } else if (err.is_set) {
        look_again(jobs, row->id, &err);
    }
}

static void start_waiting(SvJobs *jobs) {
    Arena *scratch = arena_new();
    const StResource *rows = NULL;
    size_t count = 0;
    Err err = {0};
    bool ok = !jobs->is_ready || jobs->is_stopping || list_runs(jobs, scratch, "WAITING", STR(""), &rows, &count, &err);
    if (ok) {
        jobs->looks_again = false;
    } else {
        look_again(jobs, STR("(queue)"), &err);
    }
    for (size_t i = 0; i < count; i++) {
        start_if_free(jobs, scratch, &rows[i]);
    }
    arena_free(scratch);
}

/* ---- stopping, forgetting ---- */

bool rl_stop_run(SvJobs *jobs, Str job_name, Str run_id, bool *ret_did, Err *err) {
    StResourceName name = run_name(job_name, run_id);
    lock(jobs);
    Active *active = jobs->active;
    while (active != NULL && !(str_eq(active->id, run_id) && str_eq(active->job, job_name))) {
        active = active->next;
    }
    bool ok = true;
    if (active != NULL) {
        ok = st_resource_move(jobs->services->store, &name, STR("STOPPING"), STR(""), ret_did, err);
        if (ok && *ret_did) {
            active->runner->stop(jobs, active);
        }
    } else {
        char patch[64];
        int len = snprintf(patch, sizeof patch, "{\"CompletedOn\": %.3f}", (double)gj_now_us() / 1e6);
        ok = st_resource_move(jobs->services->store, &name, STR("STOPPED"), (Str){patch, (size_t)len}, ret_did, err);
    }
    unlock(jobs);
    return ok;
}

bool rl_forget_job(SvJobs *jobs, Str job_name, Err *err) {
    Arena *scratch = arena_new();
    const StResource *rows = NULL;
    size_t count = 0;
    lock(jobs);
    bool ok = list_runs(jobs, scratch, "", job_name, &rows, &count, err);
    for (size_t i = 0; i < count && ok; i++) {
        bool is_active = false;
        for (const Active *active = jobs->active; active != NULL; active = active->next) {
            is_active = is_active || (str_eq(active->id, rows[i].id) && str_eq(active->job, job_name));
        }
        StResourceName name = run_name(job_name, rows[i].id);
        ok = is_active || st_resource_delete(jobs->services->store, &name, err);
    }
    unlock(jobs);
    arena_free(scratch);
    return ok;
}

/* ---- the server's start and end ---- */

SvJobs *rl_new(SvServices *services) {
    SvJobs *jobs = calloc(1, sizeof *jobs);
    if (jobs == NULL || pthread_mutex_init(&jobs->mutex, NULL) != 0) {
        abort();
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    jobs->services = services;
    jobs->limit = services->max_runs > 0 ? (size_t)services->max_runs : cores > 0 ? (size_t)cores : 1;
    jobs->limits = services->run_limits;
    int64_t machine = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    bool is_told = jobs->limits.memory_bytes > 0;
    jobs->limits.memory_bytes = is_told ? jobs->limits.memory_bytes : machine;
    jobs->engine_bytes = (is_told ? jobs->limits.memory_bytes : machine / (int64_t)jobs->limit) / 4 * 3;
    return jobs;
}

void rl_free(SvJobs *owned_jobs) {
    if (owned_jobs != NULL) {
        for (Unsettled *end = owned_jobs->unsettled, *next = NULL; end != NULL; end = next) {
            next = end->next;
            arena_free(end->arena);
        }
        (void)pthread_mutex_destroy(&owned_jobs->mutex);
        free(owned_jobs);
    }
}

/* What an earlier server's run came to: its process may have told before that ended. */
static Outcome stale_outcome(Arena *arena, yyjson_val *result) {
    if (yyjson_obj_get(result, "status") == NULL) {
        return (Outcome){"FAILED", STR("The server ended while the run was under way.")};
    }
    SuExit exit = {.status = (int)js_i64(result, "status", 1)};
    return outcome_of_exit(arena, result, &exit, false);
}

/* A run on a cluster goes on where an earlier server left it. */
static bool take_up_step(SvJobs *jobs, const StResource *row, yyjson_val *run) {
    const Runner *runner = runner_of(run);
    if (runner->takes_place) {
        return false;
    }
    Active *active = add_active(jobs, row->parent, row->id, runner);
    active->deadline_us = deadline_of(run);
    active->is_running = !str_eq_c(row->state, "STARTING");
    if (!rs_resume(jobs->services, active->arena, active->id, run, &active->step)) {
        take_from_list(jobs, active);
        free_active(active);
        return false; /* it had no step yet */
    }
    if (str_eq_c(row->state, "STOPPING")) {
        runner->stop(jobs, active);
    }
    keep_ticking(jobs);
    return true;
}

static bool settle_stale(SvJobs *jobs, Arena *scratch, const char *state, Err *err) {
    const StResource *rows = NULL;
    size_t count = 0;
    if (!list_runs(jobs, scratch, state, STR(""), &rows, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        yyjson_doc *run = yyjson_read(rows[i].json.data, rows[i].json.len, 0);
        if (take_up_step(jobs, &rows[i], yyjson_doc_get_root(run))) {
            yyjson_doc_free(run);
            continue;
        }
        SuIdentity identity = {.pid = (pid_t)js_i64(yyjson_doc_get_root(run), "SolderPid", 0),
                               .start_ticks = js_i64(yyjson_doc_get_root(run), "SolderStartTicks", 0)};
        yyjson_doc_free(run);
        su_end_stale(&identity, 0); /* nothing of its work is visible that was not committed */
        yyjson_doc *result = read_result(result_path(jobs, scratch, rows[i].id));
        Outcome outcome = stale_outcome(scratch, yyjson_doc_get_root(result));
        settle(jobs, scratch, rows[i].parent, rows[i].id, &outcome);
        yyjson_doc_free(result);
    }
    return true;
}

bool rl_start(SvJobs *jobs, Err *err) {
    static const char *const UNDER_WAY[] = {"STARTING", "RUNNING", "STOPPING"};
    Arena *scratch = arena_new();
    Str folder = str_fmt(scratch, "%.*s/runs", STR_ARG(st_home(jobs->services->store)));
    bool ok = mkdir(folder.data, 0700) == 0 || errno == EEXIST || err_set(err, ERR_IO, "%.*s: %s", STR_ARG(folder), strerror(errno));
    lock(jobs);
    for (size_t i = 0; i < 3 && ok; i++) {
        ok = settle_stale(jobs, scratch, UNDER_WAY[i], err);
    }
    jobs->is_ready = ok;
    start_waiting(jobs);
    unlock(jobs);
    arena_free(scratch);
    return ok;
}

void rl_stop(SvJobs *jobs) {
    lock(jobs);
    jobs->is_stopping = true;
    unlock(jobs);
}

void rl_end_steps(SvJobs *jobs) {
    lock(jobs);
    for (Active *active = jobs->active, *next = NULL; active != NULL; active = next) {
        next = active->next;
        if (active->runner->takes_place) {
            continue; /* the supervisor ends it */
        }
        RunStepEnd end = {.state = STR("INTERRUPTED")};
        while (rs_read(&active->step, active->output)) {
        }
        (void)rs_look(jobs->services, active->arena, &active->step, &end);
        Outcome outcome = outcome_of_step(active->arena, active, &end, true);
        end_step(jobs, active, &outcome);
    }
    unlock(jobs);
}
