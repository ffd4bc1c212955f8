/* exec/pending.c - what of exec.h is still to come, as named errors (this file goes away with the last of them). */
#include "exec/source.h"

void ex_scan_done(ExInput *input);

void ex_input_done(ExInput *input) {
    if (input->lo->kind == LO_INPUT_SCAN) {
        ex_scan_done(input);
    }
}

static bool json_plan(ExScanPlan *plan, Err *err) {
    (void)plan;
    return err_set(err, ERR_NOT_SUPPORTED, "reading json is not supported yet");
}

const ExFormat ex_format_json = {.name = "json", .plan = json_plan};

const PlType *ex_json_schema(Arena *arena, const TyScan *scan, Str time_zone, Err *err) {
    (void)arena;
    (void)scan;
    (void)time_zone;
    err_set(err, ERR_NOT_SUPPORTED, "reading json is not supported yet");
    return NULL;
}
