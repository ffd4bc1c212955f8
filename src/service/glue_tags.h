/* service/glue_tags.h - tags of what Glue has: told at its creation, asked and changed by ARN (glue_tags.c). */
#ifndef SOLDER_SERVICE_GLUE_TAGS_H
#define SOLDER_SERVICE_GLUE_TAGS_H

#include "service/json_members.h"
#include "service/service.h"

/* A job's tags as JSON text, wherever its row has them. */
Str gt_job_tags(Arena *arena, yyjson_val *job);
/* The tags (NULL: none) of a database that was just created; those of one that was deleted. */
bool gt_put_database(const SvServices *services, Arena *arena, Str database, yyjson_val *tags, Err *err);
bool gt_forget_database(const SvServices *services, Str database, Err *err);

#endif
