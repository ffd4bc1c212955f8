/* service/emr_types.h - instance types, releases and applications (spec/emr/), and how much of an instance this machine gives.
 *
 * Invariant: tables without state; em_share depends on its arguments alone.
 */
#ifndef SOLDER_SERVICE_EMR_TYPES_H
#define SOLDER_SERVICE_EMR_TYPES_H

#include "base/str.h"

typedef struct EmInstanceType {
    const char *name;
    int vcpu;
    int memory_mib;
} EmInstanceType;

typedef struct EmRelease {
    const char *label, *spark, *hadoop, *hive;
} EmRelease;

typedef struct EmMachine {
    int cores;
    int64_t budget_mib; /* of all clusters together */
} EmMachine;

/* What one worker gets of the machine, and what the cluster as a whole may come to use. */
typedef struct EmShare {
    int cores;
    int64_t memory_mib;  /* of the executors on a worker */
    int64_t promise_mib; /* of the whole cluster */
    bool is_scaled_down;
} EmShare;

const EmInstanceType *em_instance_type(Str name); /* NULL: there is none */
const EmRelease *em_release(Str label);           /* NULL: there is none */
const EmRelease *em_releases(size_t *ret_count);  /* newest first */
/* The version that a release has of an application: empty text for one without a version here; NULL: there is no such application. */
const char *em_application_version(const EmRelease *release, Str name, const char **ret_name);
const char *em_application_at(size_t index); /* NULL behind the last */

EmMachine em_machine(void);
/* For so many workers of a type. false: not even the least fits on this machine. */
bool em_share(const EmMachine *machine, const EmInstanceType *type, size_t workers, EmShare *ret_share);

#endif
