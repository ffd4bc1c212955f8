/* connect/session.h - what one client session has of its own: settings, temp views, functions, artifacts, running operations.
 *
 * Found by (user, session id) for each request; made on first use; ended when idle. Shared by the threads of its requests.
 * Invariant: every field below lock is read and written under it; trees that a request uses are kept alive by its references (CnView).
 */
#ifndef SOLDER_CONNECT_SESSION_H
#define SOLDER_CONNECT_SESSION_H

#include "base/map.h"
#include "connect/connect.h"
#include "connect/wire.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct CnOperation CnOperation;
typedef struct CnView CnView;
typedef struct CnCache CnCache;

/* An analysed plan that outlives the request which made it. Immutable, counted. */
struct CnView {
    atomic_int refs;
    Arena *arena;
    Str name; /* as the user wrote it */
    Str id;   /* what PR_CACHED names it by */
    const TrRel *rel;
    CnView **uses; /* views whose trees this one points into */
    size_t nuses;
};

/* A file or a block that the client added. The bytes lie in the session's folder. */
typedef struct CnArtifact {
    Str name; /* pyfiles/x.py, archives/a.zip#dir, files/f, cache/HASH */
    Str path;
} CnArtifact;

/* How a relation is cached, as the client asked: here all levels are the same, memory that spills to disk. */
typedef struct CnStorageLevel {
    bool use_disk, use_memory, use_off_heap, deserialized;
    int replication;
} CnStorageLevel;

typedef struct CnSession {
    CnServer *server;
    Arena *arena;
    Str user, id;
    atomic_int refs;
    struct CnSession *next; /* in the server's list, under the server's lock */
    pthread_mutex_t lock;
    PlSettings settings;
    Str current_database;
    Map views;     /* lower-case name → CnView */
    Map functions; /* lower-case name → PlPython */
    CnCache *caches; /* cached relations (cache.h), the last one first */
    Map artifacts; /* name → CnArtifact */
    Str artifact_directory; /* empty until the first artifact */
    CnOperation *operations;
    int64_t used_ms; /* when the last request came */
    int requests;    /* under way now */
} CnSession;

/* The session of a request, counted for the caller (cn_session_drop). Checks that the id is a UUID (INVALID_HANDLE.FORMAT). */
CnSession *cn_session_find(CnServer *server, Str user, Str id, Err *err);
/* A request is over. */
void cn_session_drop(CnSession *session);
/* Gives up a bare reference (operations, the server's list). */
void cn_session_unref(CnSession *session);

/* Counted for the caller; NULL when there is none. Names are compared without case. */
CnView *cn_session_view(CnSession *session, Str name);
/* Takes the view. False: the name is taken and replace is not given (TEMP_TABLE_OR_VIEW_ALREADY_EXISTS). */
bool cn_session_put_view(CnSession *session, CnView *owned_view, bool replace, Err *err);
/* False: there was none. */
bool cn_session_drop_view(CnSession *session, Str name);
CnView *cn_view_hold(CnView *view);
void cn_view_drop(CnView *owned_view);

int64_t cn_now_ms(void);

#endif
