/* run_record.c - see run_record.h. */
#include "daemon/run_record.h"

#include "base/vec.h"

#include <pthread.h>
#include <stdlib.h>
#include <yyjson.h>

typedef struct RaisedClass {
    Str name;
    int64_t count;
} RaisedClass;

typedef struct FunctionEntry {
    CliFunctionCount count;
    VEC(RaisedClass) raised;
} FunctionEntry;

struct RunRecord {
    Arena *arena;
    pthread_mutex_t mutex;
    VEC(CliFileCount) files;
    VEC(FunctionEntry) functions;
};

RunRecord *run_record_new(void) {
    Arena *arena = arena_new();
    RunRecord *record = ARENA_NEW(arena, RunRecord);
    record->arena = arena;
    record->files.arena = arena;
    record->functions.arena = arena;
    if (pthread_mutex_init(&record->mutex, NULL) != 0) {
        arena_free(arena);
        return NULL;
    }
    return record;
}

void run_record_free(RunRecord *owned_record) {
    if (owned_record != NULL) {
        (void)pthread_mutex_destroy(&owned_record->mutex);
        arena_free(owned_record->arena);
    }
}

static CliFileCount *find_file(RunRecord *record, const ExCount *count) {
    for (size_t i = 0; i < record->files.count; i++) {
        CliFileCount *file = &record->files.items[i];
        if (file->is_target == count->is_target && str_eq(file->shown, count->shown) && str_eq(file->format, count->format)) {
            return file;
        }
    }
    VEC_PUSH(&record->files, (CliFileCount){.is_target = count->is_target,
                                            .shown = str_copy(record->arena, count->shown),
                                            .format = str_copy(record->arena, count->format)});
    return &record->files.items[record->files.count - 1];
}

void run_record_add_counts(RunRecord *record, const ExCount *counts, size_t ncounts) {
    if (pthread_mutex_lock(&record->mutex) != 0) {
        return;
    }
    for (size_t i = 0; i < ncounts; i++) {
        CliFileCount *file = find_file(record, &counts[i]);
        /* Reading a source twice reads the same files: their number does not add up, rows and bytes do. */
        file->files = counts[i].is_target ? file->files + counts[i].files : counts[i].files > file->files ? counts[i].files : file->files;
        file->rows += counts[i].rows;
        file->bytes += counts[i].bytes;
        file->malformed += counts[i].malformed;
        if (file->first_malformed.len == 0) {
            file->first_malformed = str_copy(record->arena, counts[i].first_malformed);
        }
    }
    (void)pthread_mutex_unlock(&record->mutex);
}

static Str member(RunRecord *record, yyjson_val *object, const char *name) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? str_copy(record->arena, (Str){yyjson_get_str(value), yyjson_get_len(value)}) : STR("");
}

static FunctionEntry *find_function(RunRecord *record, yyjson_val *described) {
    CliFunctionCount count = {.kind = member(record, described, "kind"),
                              .site = member(record, described, "site"),
                              .code = member(record, described, "code"),
                              .way = member(record, described, "way"),
                              .why = member(record, described, "why")};
    for (size_t i = 0; i < record->functions.count; i++) {
        FunctionEntry *entry = &record->functions.items[i];
        if (str_eq(entry->count.kind, count.kind) && str_eq(entry->count.site, count.site) && str_eq(entry->count.code, count.code) &&
            str_eq(entry->count.way, count.way)) {
            return entry;
        }
    }
    VEC_PUSH(&record->functions, (FunctionEntry){.count = count, .raised = {.arena = record->arena}});
    return &record->functions.items[record->functions.count - 1];
}

static void add_raised(RunRecord *record, FunctionEntry *entry, Str class_name, int64_t count) {
    for (size_t i = 0; i < entry->raised.count; i++) {
        if (str_eq(entry->raised.items[i].name, class_name)) {
            entry->raised.items[i].count += count;
            return;
        }
    }
    VEC_PUSH(&entry->raised, (RaisedClass){str_copy(record->arena, class_name), count});
}

static void add_metric_column(RunRecord *record, FunctionEntry *entry, Str name, int64_t value) {
    struct {
        Str name;
        int64_t *target;
    } known[] = {{STR("rows"), &entry->count.rows},
                 {STR("kept"), &entry->count.kept},
                 {STR("raised"), &entry->count.raised},
                 {STR("errors"), &entry->count.errors}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (str_eq(name, known[i].name)) {
            *known[i].target += value;
            return;
        }
    }
    if (str_starts_with(name, STR("raised_")) && value > 0) {
        add_raised(record, entry, str_slice(name, 7, name.len), value);
    }
}

void run_record_add_metrics(RunRecord *record, const ExMetric *metrics, size_t nmetrics) {
    if (pthread_mutex_lock(&record->mutex) != 0) {
        return;
    }
    for (size_t i = 0; i < nmetrics; i++) {
        if (!str_starts_with(metrics[i].name, STR("solder:"))) {
            continue;
        }
        Str json = str_slice(metrics[i].name, 7, metrics[i].name.len);
        yyjson_doc *doc = yyjson_read(json.data, json.len, 0);
        if (doc == NULL) {
            continue;
        }
        FunctionEntry *entry = find_function(record, yyjson_doc_get_root(doc));
        for (size_t c = 0; c < metrics[i].ncolumns; c++) {
            const PlValue *value = metrics[i].values[c];
            if (value != NULL && !value->is_null) {
                add_metric_column(record, entry, metrics[i].columns[c].name, value->i);
            }
        }
        yyjson_doc_free(doc);
    }
    (void)pthread_mutex_unlock(&record->mutex);
}

static Str raised_text(Arena *arena, const FunctionEntry *entry) {
    StrBuf buf = {.arena = arena};
    for (size_t i = 0; i < entry->raised.count; i++) {
        strbuf_fmt(&buf, "%s%.*s %.*s", i > 0 ? ", " : "", STR_ARG(entry->raised.items[i].name),
                   STR_ARG(cli_count(arena, entry->raised.items[i].count)));
    }
    return strbuf_str(&buf);
}

void run_record_summary(RunRecord *record, Arena *arena, CliSummary *ret_summary) {
    *ret_summary = (CliSummary){0};
    if (pthread_mutex_lock(&record->mutex) != 0) {
        return;
    }
    CliFileCount *files = ARENA_ARRAY(arena, CliFileCount, record->files.count + 1);
    for (size_t i = 0; i < record->files.count; i++) {
        files[i] = record->files.items[i];
    }
    CliFunctionCount *functions = ARENA_ARRAY(arena, CliFunctionCount, record->functions.count + 1);
    for (size_t i = 0; i < record->functions.count; i++) {
        functions[i] = record->functions.items[i].count;
        functions[i].raised_by = raised_text(arena, &record->functions.items[i]);
    }
    *ret_summary = (CliSummary){.files = files, .nfiles = record->files.count, .functions = functions, .nfunctions = record->functions.count};
    (void)pthread_mutex_unlock(&record->mutex);
}
