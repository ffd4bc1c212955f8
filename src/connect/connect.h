/* connect/connect.h - the Spark Connect service: the only way a script reaches the engine.
 *
 * Made and ended by daemon/. One server a process on one loopback port; it borrows the engine and the catalog, which must outlive it.
 * Invariant: whatever a client sends (garbage, too much, half a message) is answered with an error and the server goes on.
 */
#ifndef SOLDER_CONNECT_CONNECT_H
#define SOLDER_CONNECT_CONNECT_H

#include "exec/exec.h"

typedef struct CnServer CnServer;

typedef struct CnDatabase {
    Str name, description, location;
} CnDatabase;

typedef struct CnTable {
    Str name, description;
    Str type; /* as Spark names it: EXTERNAL, MANAGED, VIEW */
} CnTable;

/* The Data Catalog, implemented by daemon/ over store/. Called from many threads at once. */
typedef struct CnCatalog {
    void *self;
    /* database.table (the database is always given). Code TABLE_OR_VIEW_NOT_FOUND when there is none. */
    bool (*table)(void *self, Arena *arena, Str database, Str table, TyScan *ret_scan, Err *err);
    bool (*databases)(void *self, Arena *arena, const CnDatabase **ret_databases, size_t *ret_count, Err *err);
    /* Code SCHEMA_NOT_FOUND when there is no such database. */
    bool (*tables)(void *self, Arena *arena, Str database, const CnTable **ret_tables, size_t *ret_count, Err *err);
    /* What the data source solder.catalog gives: AWS API JSON of the entities of a kind (table, partitions, database). Code
     * EntityNotFoundException when the database or the table is not there. */
    bool (*entities)(void *self, Arena *arena, Str kind, Str database, Str table, const Str **ret_json, size_t *ret_count, Err *err);
} CnCatalog;

/* What an operation came to. Everything is borrowed for the time of the call. */
typedef struct CnOutcome {
    uint64_t number; /* the one that started() had */
    Str what;        /* "collect", "show", "write parquet to s3://b/k", … */
    bool is_write;
    const ExCount *counts;
    size_t ncounts;
    const ExMetric *metrics;
    size_t nmetrics;
    int64_t rows_out;
    double seconds;
    const Err *failure; /* NULL: it succeeded */
} CnOutcome;

/* Told about every operation that reaches exec/. Called from the operation's thread. */
typedef struct CnEvents {
    void *self;
    /* op may be asked for its progress until ended() is called with the same number. */
    void (*started)(void *self, uint64_t number, Str what, bool is_write, const ExOperation *op);
    void (*ended)(void *self, const CnOutcome *outcome);
} CnEvents;

typedef struct CnConfig {
    ExEngine *engine;
    const CnCatalog *catalog; /* NULL: an empty catalog with the database "default" */
    const CnEvents *events;   /* NULL: nobody listens */
    Str host;                 /* empty: 127.0.0.1 */
    int port;                 /* 0: any free one */
    Str artifact_directory;   /* where files that clients add are kept, one folder a session; made and emptied by the server */
    int abandon_ms;           /* how long an operation goes on after its client went away; 0: 10,000 */
    int session_idle_ms;      /* a session without requests and operations ends; 0: an hour */
} CnConfig;

/* Listens and serves at once. NULL and err set when the port is taken. Copies config's texts. */
CnServer *cn_server_new(const CnConfig *config, Err *err);
int cn_server_port(const CnServer *server);
/* Operations that are running now, over all sessions. */
int cn_server_running(const CnServer *server);
/* Cancels what runs, answers what is under way, waits for its threads. NULL is allowed. */
void cn_server_free(CnServer *owned_server);

#endif
