/* run_step.c - see run_step.h. */
#include "service/run_step.h"

#include "service/emr.h"
#include "service/json_members.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024, CHUNKS_A_LOOK = 2048 };

static const char *const FILES[] = {"stdout", "stderr"};

Str rs_directory(const SvServices *services, Arena *arena, Str run) {
    return str_fmt(arena, "%.*s/runs/%.*s.output", STR_ARG(st_home(services->store)), STR_ARG(run));
}

bool rs_is_step(yyjson_val *arguments) {
    return str_eq_nocase(js_str(arguments, "--enable-spark-submit"), STR("true"));
}

static RunStep new_step(const SvServices *services, Arena *arena, Str run) {
    return (RunStep){.directory = rs_directory(services, arena, run), .fds = {-1, -1}};
}

bool rs_plan(SvServices *services, Arena *arena, Str run, yyjson_val *arguments, RunStep *ret_step, Err *err) {
    Str endpoint = js_str(arguments, "--emr-endpoint");
    *ret_step = new_step(services, arena, run);
    if (endpoint.len == 0) {
        return err_set(err, "InvalidInputException",
                       "--enable-spark-submit needs --emr-endpoint: the id of an EMR cluster, or its master's URL (spark://…)");
    }
    return em_cluster_of_endpoint(services, arena, str_copy(arena, endpoint), &ret_step->cluster, err) &&
           em_new_id(arena, "s-", &ret_step->step, err);
}

Str rs_patch(const RunStep *step, Arena *arena) {
    return str_fmt(arena, "{\"SolderStep\": {\"Cluster\": \"%.*s\", \"Id\": \"%.*s\", \"Logged\": [%lld, %lld]}}", STR_ARG(step->cluster),
                   STR_ARG(step->step), (long long)step->offsets[0], (long long)step->offsets[1]);
}

bool rs_resume(const SvServices *services, Arena *arena, Str run, yyjson_val *row, RunStep *ret_step) {
    yyjson_val *kept = yyjson_obj_get(row, "SolderStep");
    *ret_step = new_step(services, arena, run);
    if (kept == NULL) {
        return false;
    }
    ret_step->cluster = str_copy(arena, js_str(kept, "Cluster"));
    ret_step->step = str_copy(arena, js_str(kept, "Id"));
    for (size_t i = 0; i < 2; i++) {
        ret_step->offsets[i] = yyjson_get_sint(yyjson_arr_get(yyjson_obj_get(kept, "Logged"), i));
    }
    return true;
}

/* ---- the step ---- */

static void add(yyjson_mut_doc *doc, yyjson_mut_val *words, Str word) {
    (void)yyjson_mut_arr_add_strncpy(doc, words, word.data, word.len);
}

/* "--conf": "a=b --conf c=d": Glue takes one value for several settings. */
static void add_settings(yyjson_mut_doc *doc, yyjson_mut_val *words, Str settings) {
    static const char MARK[] = " --conf ";
    while (settings.len > 0) {
        const char *mark = memmem(settings.data, settings.len, MARK, sizeof MARK - 1);
        size_t end = mark == NULL ? settings.len : (size_t)(mark - settings.data);
        add(doc, words, STR("--conf"));
        add(doc, words, str_trim(str_slice(settings, 0, end)));
        settings = mark == NULL ? STR("") : str_slice(settings, end + sizeof MARK - 1, settings.len);
    }
}

static void add_files(yyjson_mut_doc *doc, yyjson_mut_val *words, const char *option, Str files) {
    if (files.len > 0) {
        add(doc, words, str_from_c(option));
        add(doc, words, files);
    }
}

static Str step_config(const SvServices *services, Arena *arena, const RunStepCommand *command) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *config = yyjson_mut_obj(doc);
    js_put_str(doc, config, "Name", command->name);
    js_put_str(doc, config, "ActionOnFailure", STR("CONTINUE"));
    yyjson_mut_val *jar = yyjson_mut_obj_add_obj(doc, config, "HadoopJarStep");
    js_put_str(doc, jar, "Jar", STR("command-runner.jar"));
    yyjson_mut_val *words = yyjson_mut_obj_add_arr(doc, jar, "Args");
    Str more = js_str(command->arguments, "--extra-py-files");
    add(doc, words, STR("spark-submit"));
    add_settings(doc, words, js_str(command->arguments, "--conf"));
    add_files(doc, words, "--py-files",
              more.len == 0 ? services->python_archive : str_fmt(arena, "%.*s,%.*s", STR_ARG(services->python_archive), STR_ARG(more)));
    add_files(doc, words, "--jars", js_str(command->arguments, "--extra-jars"));
    add_files(doc, words, "--files", js_str(command->arguments, "--extra-files"));
    add(doc, words, command->script);
    for (size_t i = 0; command->words[i] != NULL; i++) {
        add(doc, words, str_from_c(command->words[i]));
    }
    Str json = js_write(arena, config);
    yyjson_mut_doc_free(doc);
    return json;
}

bool rs_submit(SvServices *services, Arena *arena, const RunStep *step, const RunStepCommand *command, Err *err) {
    Str json = step_config(services, arena, command);
    yyjson_doc *config = yyjson_read(json.data, json.len, 0);
    bool ok = em_make_directory(step->directory, err) &&
              em_add_step(services, arena, &(EmStepName){step->cluster, step->step}, yyjson_doc_get_root(config), step->directory, err);
    yyjson_doc_free(config);
    return ok;
}

RunStepState rs_look(SvServices *services, Arena *arena, const RunStep *step, RunStepEnd *ret_end) {
    StResource row;
    Err err = {0};
    StResourceName name = em_child_name(EM_STEP, step->cluster, step->step);
    if (!st_resource_get(services->store, arena, &name, &row, &err)) {
        return err_is(&err, "EntityNotFoundException") ? RUN_STEP_LOST : RUN_STEP_WAITS; /* a busy disk tells at the next look */
    }
    if (str_eq_c(row.state, "PENDING")) {
        return RUN_STEP_WAITS;
    }
    if (str_eq_c(row.state, "RUNNING") || str_eq_c(row.state, "CANCEL_PENDING")) {
        return RUN_STEP_RUNS;
    }
    yyjson_doc *doc = yyjson_read(row.json.data, row.json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *status = yyjson_obj_get(root, "Status");
    yyjson_val *details = yyjson_obj_get(status, "FailureDetails");
    Str message = js_str(details, "Message");
    if (message.len == 0 && yyjson_obj_get(yyjson_obj_get(root, "Inner"), "ExitStatus") == NULL) {
        message = js_str(details, "Reason").len > 0 ? js_str(details, "Reason") : js_str(yyjson_obj_get(status, "StateChangeReason"), "Message");
    }
    *ret_end = (RunStepEnd){.state = row.state,
                            .status = js_i64(yyjson_obj_get(root, "Inner"), "ExitStatus", 0),
                            .message = str_copy(arena, message)};
    yyjson_doc_free(doc);
    return RUN_STEP_OVER;
}

/* ---- its output ---- */

static void open_file(RunStep *step, size_t i) {
    Arena *scratch = arena_new();
    if (step->fds[i] < 0) {
        step->fds[i] = open(str_fmt(scratch, "%.*s/%s", STR_ARG(step->directory), FILES[i]).data, O_RDONLY | O_CLOEXEC);
    }
    arena_free(scratch);
}

bool rs_read(RunStep *step, RunOutput *output) {
    char chunk[CHUNK];
    bool did = false;
    for (size_t i = 0; i < 2; i++) {
        open_file(step, i);
        for (int n = 0; n < CHUNKS_A_LOOK && step->fds[i] >= 0; n++) {
            ssize_t got = pread(step->fds[i], chunk, sizeof chunk, step->offsets[i]);
            if (got <= 0) {
                break;
            }
            ro_take(output, i == 1, (Str){chunk, (size_t)got});
            step->offsets[i] += got;
            did = true;
        }
    }
    return did;
}

bool rs_cancel(SvServices *services, const RunStep *step) {
    return em_cancel_step(services, &(EmStepName){step->cluster, step->step});
}

void rs_close(RunStep *step, bool is_over) {
    for (size_t i = 0; i < 2; i++) {
        if (step->fds[i] >= 0) {
            (void)close(step->fds[i]);
            step->fds[i] = -1;
        }
    }
    if (is_over && step->directory.len > 0) {
        st_remove_tree(step->directory.data);
    }
}
