/* service/partition_filter.h - GetPartitions' Expression: a condition over partition columns, "year = '2024' AND month IN (1, 2)".
 *
 * Language and types: AWS Glue API reference, GetPartitions ("Expression"): comparisons, IN, BETWEEN, LIKE, IS [NOT] NULL, AND, OR, NOT, parentheses.
 * Values are compared as the column's type says: numbers as numbers, all else (strings, dates and timestamps in ISO form) as text.
 * Invariant: depth and length of an expression are bounded, so that none can exhaust the stack.
 */
#ifndef SOLDER_SERVICE_PARTITION_FILTER_H
#define SOLDER_SERVICE_PARTITION_FILTER_H

#include "base/err.h"

#include <yyjson.h>

typedef struct PfFilter PfFilter;

/* keys: the table's PartitionKeys. InvalidInputException names what can't be read. */
bool pf_parse(Arena *arena, Str expression, yyjson_val *keys, const PfFilter **ret_filter, Err *err);
/* values: a partition's Values, in the order of the keys. A comparison with Hive's NULL partition is not true. */
bool pf_matches(const PfFilter *filter, yyjson_val *values);

#endif
