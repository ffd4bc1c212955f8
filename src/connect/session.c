/* session.c - see session.h. */
#include "connect/cache.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int64_t cn_now_ms(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_uuid(Str s) {
    if (s.len != 36) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? s.data[i] != '-' : !isxdigit((unsigned char)s.data[i])) {
            return false;
        }
    }
    return true;
}

static CnSession *session_new(CnServer *server, Str user, Str id) {
    Arena *arena = arena_new();
    CnSession *session = ARENA_NEW(arena, CnSession);
    session->server = server;
    session->arena = arena;
    session->user = str_copy(arena, user);
    session->id = str_copy(arena, id);
    atomic_init(&session->refs, 1);
    (void)pthread_mutex_init(&session->lock, NULL);
    pl_settings_init(&session->settings, arena);
    session->current_database = STR("default");
    session->views.arena = arena;
    session->functions.arena = arena;
    session->artifacts.arena = arena;
    session->used_ms = cn_now_ms();
    return session;
}

CnSession *cn_session_find(CnServer *server, Str user, Str id, Err *err) {
    if (!is_uuid(id)) {
        (void)err_set(err, "INVALID_HANDLE.FORMAT", "The handle %.*s is invalid. Handle must be an UUID string of the format "
                      "'00112233-4455-6677-8899-aabbccddeeff'", STR_ARG(str_slice(id, 0, 200)));
        return NULL;
    }
    (void)pthread_mutex_lock(&server->lock);
    CnSession *session = server->sessions;
    while (session != NULL && !(str_eq(session->id, id) && str_eq(session->user, user))) {
        session = session->next;
    }
    if (session == NULL) {
        session = session_new(server, user, id);
        session->next = server->sessions;
        server->sessions = session;
    }
    (void)atomic_fetch_add(&session->refs, 1);
    (void)pthread_mutex_lock(&session->lock);
    session->used_ms = cn_now_ms();
    session->requests++;
    (void)pthread_mutex_unlock(&session->lock);
    (void)pthread_mutex_unlock(&server->lock);
    return session;
}

/* The session's own folder holds plain files only (rpc_artifacts.c names them by number). */
static void remove_artifacts(const CnSession *session) {
    if (session->artifact_directory.len == 0) {
        return;
    }
    DIR *directory = opendir(session->artifact_directory.data);
    if (directory == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
        }
    }
    (void)closedir(directory);
    (void)rmdir(session->artifact_directory.data);
}

static void session_free(CnSession *session) {
    for (size_t i = 0; i < session->views.count; i++) {
        if (session->views.entries[i].value != NULL) {
            cn_view_drop(session->views.entries[i].value);
        }
    }
    cn_cache_clear(session);
    remove_artifacts(session);
    (void)pthread_mutex_destroy(&session->lock);
    arena_free(session->arena);
}

void cn_session_unref(CnSession *session) {
    if (atomic_fetch_sub(&session->refs, 1) == 1) {
        session_free(session);
    }
}

void cn_session_drop(CnSession *session) {
    (void)pthread_mutex_lock(&session->lock);
    session->requests--;
    session->used_ms = cn_now_ms();
    (void)pthread_mutex_unlock(&session->lock);
    cn_session_unref(session);
}

CnView *cn_view_hold(CnView *view) {
    (void)atomic_fetch_add(&view->refs, 1);
    return view;
}

void cn_view_drop(CnView *owned_view) {
    if (atomic_fetch_sub(&owned_view->refs, 1) == 1) {
        for (size_t i = 0; i < owned_view->nuses; i++) {
            cn_view_drop(owned_view->uses[i]);
        }
        arena_free(owned_view->arena);
    }
}

CnView *cn_session_view(CnSession *session, Str name) {
    Arena *scratch = arena_new();
    (void)pthread_mutex_lock(&session->lock);
    CnView *view = map_get(&session->views, str_lower(scratch, name));
    if (view != NULL) {
        (void)cn_view_hold(view);
    }
    (void)pthread_mutex_unlock(&session->lock);
    arena_free(scratch);
    return view;
}

bool cn_session_put_view(CnSession *session, CnView *owned_view, bool replace, Err *err) {
    (void)pthread_mutex_lock(&session->lock);
    Str key = str_lower(session->arena, owned_view->name);
    CnView *old = map_get(&session->views, key);
    bool ok = old == NULL || replace;
    bool is_same = old != NULL && pl_rel_same(old->rel, owned_view->rel);
    if (ok) {
        map_put(&session->views, key, owned_view);
    }
    (void)pthread_mutex_unlock(&session->lock);
    if (!ok) {
        (void)err_set(err, "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
                      "Cannot create the temporary view `%.*s` because it already exists.\nChoose a different name, drop or replace the "
                      "existing view,  or add the IF NOT EXISTS clause to tolerate pre-existing views.",
                      STR_ARG(owned_view->name));
        cn_view_drop(owned_view);
    } else if (old != NULL) {
        if (!is_same) { /* as in Spark, even when it is cached as a DataFrame, not by this name */
            cn_cache_remove(session, old->rel, false);
        }
        cn_view_drop(old);
    }
    return ok;
}

bool cn_session_drop_view(CnSession *session, Str name) {
    (void)pthread_mutex_lock(&session->lock);
    Str key = str_lower(session->arena, name);
    CnView *old = map_get(&session->views, key);
    if (old != NULL) {
        map_remove(&session->views, key);
    }
    (void)pthread_mutex_unlock(&session->lock);
    if (old != NULL) {
        cn_cache_remove(session, old->rel, false);
        cn_view_drop(old);
    }
    return old != NULL;
}
