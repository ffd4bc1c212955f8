/* service/emr_launch.h - from RunJobFlow's input to the rows of a new cluster, its instances and its steps.
 *
 * Invariant: the cluster's own row is written last, so that a server killed in between leaves no half cluster.
 */
#ifndef SOLDER_SERVICE_EMR_LAUNCH_H
#define SOLDER_SERVICE_EMR_LAUNCH_H

#include "service/service.h"

bool em_insert_cluster(SvServices *services, AwsCall *call, Str *ret_id, Err *err);
Str em_cluster_arn(const SvServices *services, Arena *arena, Str id);

#endif
