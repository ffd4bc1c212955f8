/* cmd_run.c - solder run: the engine in this process, the script in a child, its output and the progress on one terminal.
 *
 * A server that starts it for a job run (service/run_life.c) adds --result FILE, where progress and end are told as JSON, and --parent PID, with which
 * it ends. Both are left out of the help.
 * Invariant: when it returns, no process that the script started is left, and the terminal's last line is the script's or the summary's.
 */
#include "cli/cli.h"

#include "supervise/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <yyjson.h>

enum { TICK_MS = 100, PLAIN_EVERY_S = 10, RESULT_EVERY_S = 1, GRACE_MS = 5000, DRAWS_AFTER_MS = 400 };

typedef struct Run {
    CliCall *call;
    CliEngineConfig config;
    bool quiet;
    const char *script;
    char **script_args;
    int script_fd; /* of a script in a bucket, until it is copied; -1: a local file */
    CliEngine *engine;
    SuProcess child;
    int out_pipe, err_pipe; /* read ends; -1: closed, or the child writes to ours directly */
    int signal_fd;
    int interrupted; /* the signal that ended the run, or 0 */
    int terminal_width; /* of stderr; 0: not a terminal */
    bool bar_is_drawn;
    double started, last_plain;
    const char *result_path; /* --result, NULL: none. What becomes of the run, for the server that started it */
    const char *script_result_path;
    int64_t parent; /* --parent: the process without which this one ends; 0: none */
    double last_result;
    CliProgress told;
} Run;

static double now_s(void) {
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0 ? (double)now.tv_sec + (double)now.tv_nsec / 1e9 : 0;
}

static bool read_arguments(CliCall *call, Run *run, Err *err) {
    int at = 0;
    while (at < call->argc && call->argv[at][0] == '-') {
        if (cli_engine_option(call, &at, &run->config, err)) {
            continue;
        }
        if (err->is_set) {
            return false;
        }
        Str value;
        if (strcmp(call->argv[at], "--quiet") == 0) {
            run->quiet = true;
            at++;
            continue;
        }
        if (cli_option(call, &at, "--result", &value)) {
            run->result_path = str_to_c(call->arena, value);
            run->script_result_path = str_fmt(call->arena, "%s.script", run->result_path).data;
            continue;
        }
        if (cli_option(call, &at, "--parent", &value) && str_to_i64(value, &run->parent)) {
            continue;
        }
        return err_set(err, "usage", "unknown option %s (the script's own arguments come behind the script)", call->argv[at]);
    }
    if (at >= call->argc) {
        return err_set(err, "usage", "name the script");
    }
    run->script = call->argv[at];
    run->script_args = call->argv + at + 1;
    return true;
}

/* The kernel tells when the parent ends; when it had ended before, it is another's by now. */
static bool follow_parent(const Run *run, Err *err) {
    if (run->parent == 0) {
        return true;
    }
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
        return err_set(err, ERR_INTERNAL, "cannot follow the parent: %s", strerror(errno));
    }
    return getppid() == (pid_t)run->parent || err_set(err, ERR_CANCELLED, "process %lld, which started this run, has ended", (long long)run->parent);
}

static bool check_script(Run *run, Err *err) {
    struct stat status;
    if (cli_is_s3(run->script)) {
        return cli_script_open(run->config.home, run->script, &run->script_fd, err);
    }
    if (stat(run->script, &status) != 0) {
        return err_set(err, ERR_IO, "script %s: %s", run->script, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return err_set(err, ERR_IO, "script %s is not a file", run->script);
    }
    return access(run->script, R_OK) == 0 || err_set(err, ERR_IO, "script %s: %s", run->script, strerror(errno));
}

static bool block_signals(Run *run, Err *err) {
    sigset_t signals;
    if (sigemptyset(&signals) != 0 || sigaddset(&signals, SIGINT) != 0 || sigaddset(&signals, SIGTERM) != 0 ||
        sigaddset(&signals, SIGHUP) != 0 || sigprocmask(SIG_BLOCK, &signals, NULL) != 0) {
        return err_set(err, ERR_INTERNAL, "cannot block signals: %s", strerror(errno));
    }
    /* A reader of our output that goes away must not kill us before the child processes have ended. */
    (void)signal(SIGPIPE, SIG_IGN);
    run->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return run->signal_fd >= 0 || err_set(err, ERR_INTERNAL, "signalfd: %s", strerror(errno));
}

static bool start_script(Run *run, Err *err) {
    const CliHost *host = run->call->host;
    Arena *arena = run->call->arena;
    const char *python = getenv("SOLDER_PYTHON");
    const char *module_path = getenv("SOLDER_PYTHONPATH");
    const char *user_path = getenv("PYTHONPATH");
    size_t nargs = 0;
    while (run->script_args[nargs] != NULL) {
        nargs++;
    }
    const char **argv = ARENA_ARRAY(arena, const char *, nargs + 5);
    argv[0] = python != NULL && python[0] != '\0' ? python : host->python;
    argv[1] = "-m";
    argv[2] = "solder.launch";
    argv[3] = run->script;
    if (run->script_fd >= 0) {
        Str copy = {0};
        if (!cli_script_copy(arena, run->script_fd, run->script, host->scratch(run->engine), &copy, err)) {
            return false;
        }
        argv[3] = copy.data;
    }
    memcpy(argv + 4, run->script_args, nargs * sizeof *argv);
    const char *env[] = {
        str_fmt(arena, "PYTHONPATH=%s%s%s", module_path != NULL ? module_path : host->python_path, user_path != NULL ? ":" : "",
                user_path != NULL ? user_path : "")
            .data,
        str_fmt(arena, "SPARK_REMOTE=sc://127.0.0.1:%d", host->port(run->engine)).data,
        "SPARK_CONNECT_MODE_ENABLED=1",
        "SOLDER_ENGINE=1",
        "PYTHONUNBUFFERED=1",
        str_fmt(arena, "SOLDER_HOME=%.*s", STR_ARG(run->config.home)).data,
        str_fmt(arena, "SOLDER_SCRIPT_NAME=%s", run->script_fd >= 0 ? run->script : "").data,
        str_fmt(arena, "SOLDER_SCRIPT_RESULT=%s", run->script_result_path != NULL ? run->script_result_path : "").data,
        NULL};
    int out[2] = {-1, -1};
    int errors[2] = {-1, -1};
    /* Only where a bar is drawn must the script's lines pass through here, so that they don't run into it. */
    bool pumps = run->terminal_width > 0 && !run->quiet;
    if (pumps && (pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0)) {
        return err_set(err, ERR_IO, "pipe: %s", strerror(errno));
    }
    SuCommand command = {.argv = argv, .extra_env = env, .stdin_fd = -1, .stdout_fd = out[1], .stderr_fd = errors[1]};
    bool ok = su_start(&command, &run->child, err);
    if (pumps) {
        (void)close(out[1]);
        (void)close(errors[1]);
        run->out_pipe = out[0];
        run->err_pipe = errors[0];
    }
    return ok;
}

static void erase_bar(Run *run) {
    if (run->bar_is_drawn) {
        fputs("\r\033[K", stderr);
        run->bar_is_drawn = false;
    }
}

static void draw(Run *run) {
    double seconds = now_s() - run->started;
    if (run->quiet || seconds * 1000 < DRAWS_AFTER_MS) {
        return;
    }
    bool is_plain = run->terminal_width == 0;
    if (is_plain && seconds - run->last_plain < PLAIN_EVERY_S) {
        return;
    }
    CliProgress progress = {0};
    run->call->host->progress(run->engine, &progress);
    if (progress.running == 0) {
        erase_bar(run);
        return;
    }
    Arena *scratch = arena_new();
    Str line = cli_progress_line(scratch, &progress, seconds, run->terminal_width);
    fprintf(stderr, is_plain ? "solder: %.*s\n" : "\r\033[K%.*s", STR_ARG(line));
    (void)fflush(stderr);
    run->bar_is_drawn = !is_plain;
    run->last_plain = seconds;
    arena_free(scratch);
}

static void write_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno != EINTR) {
            return; /* nobody reads our output any more: the script goes on, its lines are lost as with any pipe */
        }
        if (put > 0) {
            bytes += put;
            size -= (size_t)put;
        }
    }
}

/* Passes on what is there; closes the pipe at its end. */
static void pump(Run *run, int *fd, int target) {
    char chunk[1 << 14];
    ssize_t got = read(*fd, chunk, sizeof chunk);
    if (got > 0) {
        erase_bar(run);
        (void)fflush(stderr);
        write_all(target, chunk, (size_t)got);
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* The first signal is passed on as it is (a script may clean up); a second one ends the script at once. */
static void take_signal(Run *run) {
    struct signalfd_siginfo info;
    if (read(run->signal_fd, &info, sizeof info) != (ssize_t)sizeof info) {
        return;
    }
    if (run->interrupted != 0) {
        su_signal(&run->child, SIGKILL);
        return;
    }
    run->interrupted = (int)info.ssi_signo;
    erase_bar(run);
    su_signal(&run->child, run->interrupted == SIGINT ? SIGINT : SIGTERM);
}

/* ---- the result file: one JSON object, replaced whole ---- */

static yyjson_doc *read_script_result(const Run *run) {
    return run->script_result_path == NULL ? NULL : yyjson_read_file(run->script_result_path, 0, NULL, NULL);
}

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *root, const char *name, yyjson_val *value) {
    if (yyjson_is_str(value)) {
        (void)yyjson_mut_obj_add_strncpy(doc, root, name, yyjson_get_str(value), yyjson_get_len(value));
    }
}

/* status below 0: it runs. launch: why it did not come to run; NULL: it did. */
static void write_result(Run *run, int status, const Err *launch) {
    if (run->result_path == NULL) {
        return;
    }
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    (void)yyjson_mut_obj_add_int(doc, root, "rows_read", run->told.rows_read);
    (void)yyjson_mut_obj_add_int(doc, root, "bytes_read", run->told.bytes_read);
    yyjson_doc *script = status >= 0 ? read_script_result(run) : NULL;
    if (status >= 0) {
        (void)yyjson_mut_obj_add_int(doc, root, "status", status);
        add_text(doc, root, "error_class", yyjson_obj_get(yyjson_doc_get_root(script), "error_class"));
        add_text(doc, root, "error_message", yyjson_obj_get(yyjson_doc_get_root(script), "error_message"));
    }
    if (launch != NULL) {
        (void)yyjson_mut_obj_add_bool(doc, root, "launch_error", true);
        (void)yyjson_mut_obj_add_strcpy(doc, root, "error_message", launch->message);
    }
    const char *aside = str_fmt(run->call->arena, "%s.new", run->result_path).data;
    /* Of no consequence when it fails: the exit status tells as much. */
    if (yyjson_mut_write_file(aside, doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL, NULL)) {
        (void)rename(aside, run->result_path);
    }
    yyjson_doc_free(script);
    yyjson_mut_doc_free(doc);
}

static void tell_progress(Run *run) {
    CliProgress progress = {0};
    if (run->result_path == NULL || now_s() - run->last_result < RESULT_EVERY_S) {
        return;
    }
    run->last_result = now_s();
    run->call->host->progress(run->engine, &progress);
    if (progress.rows_read != run->told.rows_read || progress.bytes_read != run->told.bytes_read) {
        run->told = progress;
        write_result(run, -1, NULL);
    }
}

static int wait_for_script(Run *run) {
    int status = 0;
    double deadline = 0;
    bool is_running = true;
    while (is_running || run->out_pipe >= 0 || run->err_pipe >= 0) {
        struct pollfd watched[] = {{.fd = run->signal_fd, .events = POLLIN},
                                   {.fd = run->child.pidfd, .events = POLLIN},
                                   {.fd = run->out_pipe, .events = POLLIN},
                                   {.fd = run->err_pipe, .events = POLLIN}};
        (void)poll(watched, 4, TICK_MS);
        if (watched[0].revents != 0) {
            take_signal(run);
            deadline = now_s() + GRACE_MS / 1000.0;
        }
        if (watched[2].revents != 0) {
            pump(run, &run->out_pipe, STDOUT_FILENO);
        }
        if (watched[3].revents != 0) {
            pump(run, &run->err_pipe, STDERR_FILENO);
        }
        if (is_running && watched[1].revents != 0 && su_try_wait(&run->child, &status)) {
            is_running = false;
            /* What the script left running holds the pipes open: it ends here. */
            (void)su_end_orphans();
        }
        if (is_running && deadline > 0 && now_s() > deadline) {
            su_signal(&run->child, SIGKILL);
        }
        if (is_running) {
            draw(run);
            tell_progress(run);
        }
    }
    erase_bar(run);
    return run->interrupted != 0 ? 128 + run->interrupted : status;
}

static void print_summary(Run *run, int status) {
    CliSummary summary = {0};
    run->call->host->summary(run->engine, run->call->arena, &summary);
    Str outcome = run->interrupted != 0 ? STR("STOPPED") : status == 0 ? STR("SUCCEEDED") : str_fmt(run->call->arena, "FAILED (exit status %d)", status);
    cli_print_summary(stderr, run->call->arena, &summary, now_s() - run->started, outcome.data);
}

int cmd_run(CliCall *call) {
    Err err = {0};
    Run run = {.call = call,
               .config = {.home = call->home, .host = STR("127.0.0.1")},
               .out_pipe = -1,
               .err_pipe = -1,
               .signal_fd = -1,
               .script_fd = -1,
               .terminal_width = cli_terminal_width(stderr),
               .started = now_s()};
    if (!read_arguments(call, &run, &err)) {
        return cli_misuse("run", "%s", err.message);
    }
    if (!block_signals(&run, &err) || !follow_parent(&run, &err)) {
        return cli_fail(&err);
    }
    if (!check_script(&run, &err) || !su_become_subreaper(&err)) {
        write_result(&run, CLI_FAILED, &err);
        return cli_fail(&err);
    }
    run.engine = call->host->start(&run.config, &err);
    if (run.engine == NULL) {
        write_result(&run, CLI_FAILED, &err);
        return cli_fail(&err);
    }
    int status = CLI_FAILED;
    if (start_script(&run, &err)) {
        status = wait_for_script(&run);
        call->host->progress(run.engine, &run.told);
        if (run.interrupted == 0) { /* else its end is not the script's doing: who interrupted it knows */
            write_result(&run, status, NULL);
        }
        if (!run.quiet) {
            print_summary(&run, status);
        }
    } else {
        write_result(&run, CLI_FAILED, &err);
        status = cli_fail(&err);
    }
    call->host->stop(run.engine);
    (void)su_end_orphans();
    if (run.script_result_path != NULL) {
        (void)unlink(run.script_result_path);
    }
    (void)close(run.signal_fd);
    return status;
}
