/* service/logs_names.h - how the logs service's requests name groups and streams; shared by logs_groups.c and logs_events.c. */
#ifndef SOLDER_SERVICE_LOGS_NAMES_H
#define SOLDER_SERVICE_LOGS_NAMES_H

#include "service/json_members.h"
#include "service/service.h"

/* The group by logGroupName, or logGroupIdentifier, which is a name or an ARN. */
bool lg_group_name(const SvServices *services, AwsCall *call, Str *ret_name, Err *err);
/* arn:aws:logs:REGION:ACCOUNT:log-group:NAME */
Str lg_group_arn(const SvServices *services, Arena *arena, Str name);
/* Where a page begins, from nextToken: the text behind which it goes on; empty: from the start. */
bool lg_page_start(AwsCall *call, Str *ret_after, Err *err);

#endif
