/* emr_types.c - see emr_types.h; and the operations over these tables: ListReleaseLabels, DescribeReleaseLabel. */
#include "service/emr_types.h"

#include "service/json_members.h"
#include "service/service.h"

#include <unistd.h>

typedef enum EmVersionOf { EM_NO_VERSION, EM_SPARK_VERSION, EM_HADOOP_VERSION, EM_HIVE_VERSION } EmVersionOf;

typedef struct EmApplication {
    const char *name;
    EmVersionOf version;
} EmApplication;

#include "gen/emr.inc"

enum {
    TYPE_COUNT = sizeof INSTANCE_TYPES / sizeof INSTANCE_TYPES[0],
    RELEASE_COUNT = sizeof RELEASES / sizeof RELEASES[0],
    APPLICATION_COUNT = sizeof APPLICATIONS / sizeof APPLICATIONS[0],
    DEFAULT_PAGE = 100
};

const EmInstanceType *em_instance_type(Str name) {
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (str_eq_c(name, INSTANCE_TYPES[i].name)) {
            return &INSTANCE_TYPES[i];
        }
    }
    return NULL;
}

const EmRelease *em_release(Str label) {
    for (size_t i = 0; i < RELEASE_COUNT; i++) {
        if (str_eq_c(label, RELEASES[i].label)) {
            return &RELEASES[i];
        }
    }
    return NULL;
}

const EmRelease *em_releases(size_t *ret_count) {
    *ret_count = RELEASE_COUNT;
    return RELEASES;
}

static const char *version_of(const EmRelease *release, EmVersionOf which) {
    switch (which) {
    case EM_SPARK_VERSION: return release->spark;
    case EM_HADOOP_VERSION: return release->hadoop;
    case EM_HIVE_VERSION: return release->hive;
    case EM_NO_VERSION: break;
    }
    return "";
}

const char *em_application_version(const EmRelease *release, Str name, const char **ret_name) {
    for (size_t i = 0; i < APPLICATION_COUNT; i++) {
        if (str_eq_nocase(name, str_from_c(APPLICATIONS[i].name))) {
            *ret_name = APPLICATIONS[i].name;
            return version_of(release, APPLICATIONS[i].version);
        }
    }
    return NULL;
}

const char *em_application_at(size_t index) {
    return index < APPLICATION_COUNT ? APPLICATIONS[index].name : NULL;
}

/* ---- how much of the machine ---- */

/* Measured: daemons 175 to 225 MB, a driver 325 MB and its Python 50 MB, an executor 318 MB beside its heap's use. */
enum {
    MASTER_MIB = 256,
    DRIVER_MIB = 1024 + 384, /* with the default heap */
    WORKER_EXTRA_MIB = 448,  /* the worker's daemon, and what its executor uses beside its heap */
    LEAST_MEMORY_MIB = 768   /* an executor with less than 450 MiB does not start */
};

EmMachine em_machine(void) {
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_size = sysconf(_SC_PAGESIZE);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t memory_mib = pages > 0 && page_size > 0 ? (int64_t)pages * page_size / (1 << 20) : 4096;
    /* The rest is for the server, its engine and everybody else on the machine. */
    return (EmMachine){.cores = cores > 0 ? (int)cores : 1, .budget_mib = memory_mib * 6 / 10};
}

bool em_share(const EmMachine *machine, const EmInstanceType *type, size_t workers, EmShare *ret_share) {
    int64_t count = (int64_t)workers;
    int64_t fixed = MASTER_MIB + DRIVER_MIB;
    /* EMR gives YARN three quarters of an instance. Two clusters shall fit on the machine at once. */
    int64_t wanted = (int64_t)type->memory_mib * 3 / 4;
    int64_t fair = (machine->budget_mib / 2 - fixed) / count - WORKER_EXTRA_MIB;
    int64_t given = wanted < fair ? wanted : fair;
    given = given < LEAST_MEMORY_MIB ? LEAST_MEMORY_MIB : given;
    int fair_cores = machine->cores / (int)count;
    int cores = type->vcpu < fair_cores ? type->vcpu : fair_cores;
    *ret_share = (EmShare){.cores = cores > 0 ? cores : 1,
                           .memory_mib = given,
                           .promise_mib = fixed + count * (given + WORKER_EXTRA_MIB),
                           .is_scaled_down = given < wanted || cores < type->vcpu};
    return ret_share->promise_mib <= machine->budget_mib;
}

/* ---- operations ---- */

static bool page_start(AwsCall *call, int64_t *ret_at, Err *err) {
    Str token = js_str(call->input, "NextToken");
    Str position;
    *ret_at = 0;
    return token.len == 0 || (js_page_position(call->arena, token, &position) && str_to_i64(position, ret_at) && *ret_at >= 0) ||
           err_set(err, "InvalidRequestException", "NextToken is not valid.");
}

static void put_next(AwsCall *call, size_t at) {
    js_put_str(call->doc, call->output, "NextToken", js_page_token(call->arena, str_fmt(call->arena, "%zu", at)));
}

/* Filters.Application is "Spark" or "Spark 3.5.0"; name and version may stand with '-' as well ("spark-3.5.0"). */
static bool has_application(const EmRelease *release, Str wanted) {
    for (size_t i = 0; i < APPLICATION_COUNT; i++) {
        Str name = str_from_c(APPLICATIONS[i].name);
        Str version = str_from_c(version_of(release, APPLICATIONS[i].version));
        Str rest = str_slice(wanted, name.len, wanted.len);
        if (str_eq_nocase(str_slice(wanted, 0, name.len), name) &&
            (rest.len == 0 || ((rest.data[0] == ' ' || rest.data[0] == '-') && str_eq(str_slice(rest, 1, rest.len), version)))) {
            return true;
        }
    }
    return false;
}

bool sv_emr_list_release_labels(void *self, AwsCall *call, Err *err) {
    (void)self;
    yyjson_val *filters = yyjson_obj_get(call->input, "Filters");
    Str prefix = js_str(filters, "Prefix");
    Str application = js_str(filters, "Application");
    int64_t limit = js_i64(call->input, "MaxResults", DEFAULT_PAGE);
    int64_t at = 0;
    if (!page_start(call, &at, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "ReleaseLabels");
    for (size_t i = (size_t)at; i < RELEASE_COUNT; i++) {
        if (!str_starts_with(str_from_c(RELEASES[i].label), prefix) ||
            (application.len > 0 && !has_application(&RELEASES[i], application))) {
            continue;
        }
        if ((int64_t)yyjson_mut_arr_size(list) == limit) {
            put_next(call, i);
            break;
        }
        (void)yyjson_mut_arr_add_str(call->doc, list, RELEASES[i].label);
    }
    return true;
}

bool sv_emr_describe_release_label(void *self, AwsCall *call, Err *err) {
    (void)self;
    Str label = js_str(call->input, "ReleaseLabel");
    const EmRelease *release = label.len == 0 ? &RELEASES[0] : em_release(label);
    int64_t limit = js_i64(call->input, "MaxResults", DEFAULT_PAGE);
    int64_t at = 0;
    if (release == NULL) {
        return err_set(err, "InvalidRequestException", "The supplied release label is invalid: %.*s.", STR_ARG(label));
    }
    if (!page_start(call, &at, err)) {
        return false;
    }
    js_put_str(call->doc, call->output, "ReleaseLabel", str_from_c(release->label));
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "Applications");
    for (size_t i = (size_t)at; i < APPLICATION_COUNT; i++) {
        if (APPLICATIONS[i].version == EM_NO_VERSION) {
            continue; /* not installed */
        }
        if ((int64_t)yyjson_mut_arr_size(list) == limit) {
            put_next(call, i);
            break;
        }
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->doc, list);
        js_put_str(call->doc, item, "Name", str_from_c(APPLICATIONS[i].name));
        js_put_str(call->doc, item, "Version", str_from_c(version_of(release, APPLICATIONS[i].version)));
    }
    return true;
}
