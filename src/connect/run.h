/* connect/run.h - typed plans through lower/ and exec/, with the operation's interrupt, events and metrics.
 *
 * Used by execute.c, show.c and the commands. Invariant: whatever happens, exec's operation is closed and events get their end.
 */
#ifndef SOLDER_CONNECT_RUN_H
#define SOLDER_CONNECT_RUN_H

#include "connect/operation.h"
#include "connect/request.h"

struct ArrowArray;

typedef struct CnRun {
    CnRequest *request;
    CnOperation *op;
    VEC(ExMetric) metrics; /* of all queries so far; in the request's arena */
} CnRun;

/* Gives each batch to take (which does not keep it). */
bool cn_run_query(CnRun *run, const TrRel *rel, Str what, bool (*take)(void *self, const struct ArrowArray *batch, Err *err), void *self, Err *err);
/* Into a table of the engine; ret_bytes: about what its sources take. */
bool cn_run_keep(CnRun *run, const TrRel *rel, const PlSettings *settings, Str table, int64_t *ret_bytes, Err *err);
bool cn_run_write(CnRun *run, const TrRel *rel, Str what, const ExWrite *write, Err *err);

/* One response: fills its ids and sends it. */
bool cn_respond(CnRun *run, Spark__Connect__ExecutePlanResponse *response, Err *err);
/* Arrow IPC bytes (malloc'd, taken) as a response without copying them; schema may be NULL. */
bool cn_respond_arrow(CnRun *run, uint8_t *owned_bytes, size_t size, int64_t rows, const PlType *schema, Err *err);
/* A query's rows to the client. */
bool cn_run_to_client(CnRun *run, const TrRel *rel, Err *err);

/* show(): the plan is PR_SHOW_STRING or PR_HTML_STRING; answers with one row. */
bool cn_run_show(CnRun *run, const PrRel *plan, Err *err);
/* A Command of the protocol. */
bool cn_run_command(CnRun *run, const Spark__Connect__Command *command, Err *err);
bool cn_run_sql(CnRun *run, const Spark__Connect__SqlCommand *command, Err *err);
bool cn_run_save(CnRun *run, const Spark__Connect__WriteOperation *write, Err *err);
/* Keeps a plan as a temp view. */
bool cn_put_view(CnRequest *request, Str name, bool is_global, bool replace, const PrRel *(*make)(void *self, const CnDecode *decode, Err *err),
                 void *self, Err *err);

/* The text of explain(); mode as in Dataset.explain: simple extended codegen cost formatted. */
Str cn_explain(CnRequest *request, const PrRel *plan, const TrRel *rel, Str mode, Err *err);

#endif
