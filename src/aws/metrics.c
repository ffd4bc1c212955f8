/* metrics.c - see metrics.h. One cell for each operation and class of status, and one histogram of seconds for all. */
#include "aws/metrics.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { CLASSES = 6, BUCKETS = 12 }; /* 2xx is class 2 */

static const double BOUNDS[BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};

struct AwsCounters {
    size_t noperations;
    atomic_llong buckets[BUCKETS + 1], microseconds;
    atomic_llong cells[]; /* by operation (the last is for none) and class */
};

static size_t all_operations(void) {
    size_t nservices = 0;
    const AwsService *services = aws_services(&nservices);
    return services[nservices - 1].first_operation + services[nservices - 1].noperations;
}

AwsCounters *aws_counters_new(void) {
    size_t count = all_operations();
    AwsCounters *counters = calloc(1, sizeof *counters + (count + 1) * CLASSES * sizeof counters->cells[0]);
    if (counters != NULL) {
        counters->noperations = count;
    }
    return counters;
}

void aws_counters_free(AwsCounters *owned_counters) {
    free(owned_counters);
}

static const AwsOperation *first_operation(void) {
    size_t count = 0;
    return aws_operations(aws_services(&count));
}

void aws_count(AwsCounters *counters, const AwsOperation *operation, int status, double seconds) {
    size_t row = operation == NULL ? counters->noperations : (size_t)(operation - first_operation());
    size_t class = status >= 100 && status < 600 ? (size_t)status / 100 : 5;
    (void)atomic_fetch_add(&counters->cells[row * CLASSES + class], 1);
    size_t bucket = 0;
    while (bucket < BUCKETS && seconds > BOUNDS[bucket]) {
        bucket++;
    }
    (void)atomic_fetch_add(&counters->buckets[bucket], 1);
    (void)atomic_fetch_add(&counters->microseconds, (long long)(seconds * 1e6));
}

Str aws_counters_text(const AwsCounters *counters, Arena *arena) {
    StrBuf out = {.arena = arena};
    strbuf_add_c(&out, "# HELP solder_requests_total Requests by operation and class of status.\n# TYPE solder_requests_total counter\n");
    for (size_t row = 0; row <= counters->noperations; row++) {
        const AwsOperation *operation = row == counters->noperations ? NULL : first_operation() + row;
        for (size_t class = 0; class < CLASSES; class++) {
            long long count = atomic_load(&counters->cells[row * CLASSES + class]);
            if (count > 0) {
                strbuf_fmt(&out, "solder_requests_total{service=\"%s\",operation=\"%s\",status=\"%zuxx\"} %lld\n",
                           operation == NULL ? "" : aws_service_of(operation)->name, operation == NULL ? "" : operation->name, class, count);
            }
        }
    }
    strbuf_add_c(&out, "# HELP solder_request_seconds How long requests took.\n# TYPE solder_request_seconds histogram\n");
    long long sum = 0;
    for (size_t i = 0; i <= BUCKETS; i++) {
        sum += atomic_load(&counters->buckets[i]);
        if (i < BUCKETS) {
            strbuf_fmt(&out, "solder_request_seconds_bucket{le=\"%g\"} %lld\n", BOUNDS[i], sum);
        }
    }
    strbuf_fmt(&out, "solder_request_seconds_bucket{le=\"+Inf\"} %lld\nsolder_request_seconds_sum %.6f\nsolder_request_seconds_count %lld\n", sum,
               (double)atomic_load(&counters->microseconds) / 1e6, sum);
    return strbuf_str(&out);
}
