/* cache.c - see cache.h. */
#include "connect/cache.h"

#include "connect/plan_key.h"

#include <errno.h>
#include <time.h>

typedef enum CacheState { CACHE_EMPTY, CACHE_FILLING, CACHE_FULL } CacheState;

struct CnCache {
    atomic_int refs;
    CnCache *next; /* in the session's list, under its lock */
    Arena *arena;
    ExEngine *engine;
    CnView *plan;
    Str message; /* the relation's bytes, to analyse it again */
    bool has_plan_id;
    int64_t plan_id; /* the client's, of the DataFrame that it cached */
    Str key;         /* the message without what differs from request to request */
    PlSettings settings;
    CnStorageLevel level;
    Str table;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    CacheState state;
    int64_t bytes;
};

enum { CANCEL_POLL_MS = 50 };

static CnCache *hold(CnCache *cache) {
    (void)atomic_fetch_add(&cache->refs, 1);
    return cache;
}

void cn_cache_drop(CnCache *owned_cache) {
    if (atomic_fetch_sub(&owned_cache->refs, 1) != 1) {
        return;
    }
    if (owned_cache->state == CACHE_FULL) {
        ex_keep_drop(owned_cache->engine, owned_cache->table);
    }
    cn_view_drop(owned_cache->plan);
    (void)pthread_cond_destroy(&owned_cache->changed);
    (void)pthread_mutex_destroy(&owned_cache->lock);
    arena_free(owned_cache->arena);
}

static CnCache *cache_new(CnRequest *request, CnView *owned_plan, Str message, const CnStorageLevel *level) {
    Arena *arena = arena_new();
    CnCache *cache = ARENA_NEW(arena, CnCache);
    atomic_init(&cache->refs, 1);
    cache->arena = arena;
    cache->engine = request->server->config.engine;
    cache->plan = owned_plan;
    cache->message = str_copy(arena, message);
    Err none = {0}; /* they are our own bytes */
    Spark__Connect__Relation *relation = cn_unpack(arena, &spark__connect__relation__descriptor, cache->message, &none);
    if (relation != NULL) {
        cache->has_plan_id = relation->common != NULL && relation->common->has_plan_id;
        cache->plan_id = cache->has_plan_id ? relation->common->plan_id : -1;
        cache->key = cn_plan_key(arena, relation);
    }
    cache->level = *level;
    cache->table = str_fmt(arena, "solder_kept_%llu", (unsigned long long)atomic_fetch_add(&request->server->numbers, 1));
    pl_settings_copy(&cache->settings, arena, &request->settings);
    (void)pthread_mutex_init(&cache->lock, NULL);
    pthread_condattr_t clock;
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&cache->changed, &clock);
    (void)pthread_condattr_destroy(&clock);
    return cache;
}

/* ---- finding ---- */

/* The settings that lowering and exec/ read; what analysis reads of them is in the tree. */
static bool same_settings(const PlSettings *a, const PlSettings *b) {
    static const char *const KEYS[] = {"spark.sql.session.timeZone", "spark.sql.legacy.timeParserPolicy"};
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        Str x = {0}, y = {0};
        (void)pl_settings_get(a, str_from_c(KEYS[i]), &x);
        (void)pl_settings_get(b, str_from_c(KEYS[i]), &y);
        if (!str_eq(x, y)) {
            return false;
        }
    }
    return true;
}

static bool holds(const CnCache *cache, const PlSettings *settings, const TrRel *rel) {
    return pl_rel_same(cache->plan->rel, rel) && same_settings(&cache->settings, settings);
}

/* Under the session's lock. */
static CnCache *find(const CnSession *session, const PlSettings *settings, const TrRel *rel) {
    CnCache *cache = session->caches;
    while (cache != NULL && !holds(cache, settings, rel)) {
        cache = cache->next;
    }
    return cache;
}

bool cn_cache_find(CnRequest *request, const TrRel *rel, CnStorageLevel *ret_level) {
    (void)pthread_mutex_lock(&request->session->lock);
    const CnCache *found = find(request->session, &request->settings, rel);
    if (found != NULL) {
        *ret_level = found->level;
    }
    (void)pthread_mutex_unlock(&request->session->lock);
    return found != NULL;
}

static void put(CnRequest *request, CnCache *owned_cache) {
    (void)pthread_mutex_lock(&request->session->lock);
    bool is_known = find(request->session, &owned_cache->settings, owned_cache->plan->rel) != NULL;
    if (!is_known) {
        owned_cache->next = request->session->caches;
        request->session->caches = owned_cache;
    }
    (void)pthread_mutex_unlock(&request->session->lock);
    if (is_known) { /* like Spark: a second persist() keeps the first level */
        cn_cache_drop(owned_cache);
    }
}

static const PrRel *decode_bytes(void *self, const CnDecode *decode, Err *err) {
    const Spark__Connect__Relation *relation = cn_unpack(decode->arena, &spark__connect__relation__descriptor, *(const Str *)self, err);
    return relation == NULL ? NULL : cn_decode_relation(decode, relation, err);
}

Spark__Connect__Relation *cn_cache_table(Arena *arena, Str name) {
    Spark__Connect__Relation *relation = ARENA_NEW(arena, Spark__Connect__Relation);
    Spark__Connect__Read *read = ARENA_NEW(arena, Spark__Connect__Read);
    Spark__Connect__Read__NamedTable *table = ARENA_NEW(arena, Spark__Connect__Read__NamedTable);
    spark__connect__relation__init(relation);
    spark__connect__read__init(read);
    spark__connect__read__named_table__init(table);
    CN_SET(table, unparsed_identifier, cn_bytes(name));
    read->read_type_case = SPARK__CONNECT__READ__READ_TYPE_NAMED_TABLE;
    read->named_table = table;
    relation->rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_READ;
    relation->read = read;
    return relation;
}

CnStorageLevel cn_cache_level(const Spark__Connect__StorageLevel *wanted) {
    return wanted == NULL ? CN_CACHE_LEVEL
                          : (CnStorageLevel){.use_disk = wanted->use_disk,
                                             .use_memory = wanted->use_memory,
                                             .use_off_heap = wanted->use_off_heap,
                                             .deserialized = wanted->deserialized,
                                             .replication = wanted->replication};
}

bool cn_cache_add(CnRequest *request, const Spark__Connect__Relation *relation, const CnStorageLevel *level, Err *err) {
    Str message = cn_pack(request->arena, &relation->base);
    CnView *plan = cn_view_new(request, STR("cached"), decode_bytes, &message, err);
    if (plan != NULL) {
        put(request, cache_new(request, plan, message, level));
    }
    return plan != NULL;
}

static bool has_plan_id(CnRequest *request, int64_t plan_id) {
    (void)pthread_mutex_lock(&request->session->lock);
    const CnCache *cache = request->session->caches;
    while (cache != NULL && !(cache->has_plan_id && cache->plan_id == plan_id)) {
        cache = cache->next;
    }
    (void)pthread_mutex_unlock(&request->session->lock);
    return cache != NULL;
}

CnView *cn_cache_plan(CnRequest *request, const Spark__Connect__Relation *relation) {
    if (relation->common == NULL || !relation->common->has_plan_id || !has_plan_id(request, relation->common->plan_id)) {
        return NULL; /* without making a key, which costs as much as the relation is long */
    }
    int64_t plan_id = relation->common->plan_id;
    Arena *scratch = arena_new();
    Err none = {0};
    Spark__Connect__Relation *copy = cn_unpack(scratch, &spark__connect__relation__descriptor, cn_pack(scratch, &relation->base), &none);
    Str key = copy == NULL ? STR("") : cn_plan_key(scratch, copy);
    (void)pthread_mutex_lock(&request->session->lock);
    const CnCache *cache = request->session->caches;
    while (cache != NULL && !(cache->has_plan_id && cache->plan_id == plan_id && str_eq(cache->key, key) &&
                              same_settings(&cache->settings, &request->settings))) {
        cache = cache->next;
    }
    CnView *plan = cache == NULL ? NULL : cn_view_hold(cache->plan);
    (void)pthread_mutex_unlock(&request->session->lock);
    arena_free(scratch);
    return plan;
}

/* ---- forgetting ---- */

static bool contains(const TrRel *tree, const TrRel *part) {
    return tree != NULL && (pl_rel_same(tree, part) || contains(tree->input, part) || contains(tree->right, part));
}

typedef bool CacheTest(const void *self, const CnCache *cache);

/* Takes the entries that the test picks out of the list; their table goes with the last request that reads it. */
static CnCache *take(CnSession *session, CacheTest *test, const void *self) {
    CnCache *taken = NULL;
    (void)pthread_mutex_lock(&session->lock);
    for (CnCache **at = &session->caches; *at != NULL;) {
        CnCache *cache = *at;
        if (test(self, cache)) {
            *at = cache->next;
            cache->next = taken;
            taken = cache;
        } else {
            at = &cache->next;
        }
    }
    (void)pthread_mutex_unlock(&session->lock);
    return taken;
}

static void drop_all(CnCache *owned_list) {
    while (owned_list != NULL) {
        CnCache *next = owned_list->next;
        cn_cache_drop(owned_list);
        owned_list = next;
    }
}

typedef struct Unwanted {
    const TrRel *rel;
    bool with_readers;
} Unwanted;

static bool is_unwanted(const void *self, const CnCache *cache) {
    const Unwanted *unwanted = self;
    return unwanted->with_readers ? contains(cache->plan->rel, unwanted->rel) : pl_rel_same(cache->plan->rel, unwanted->rel);
}

void cn_cache_remove(CnSession *session, const TrRel *rel, bool with_readers) {
    Unwanted unwanted = {rel, with_readers};
    drop_all(take(session, is_unwanted, &unwanted));
}

static bool is_any(const void *self, const CnCache *cache) {
    (void)self;
    (void)cache;
    return true;
}

void cn_cache_clear(CnSession *session) {
    drop_all(take(session, is_any, NULL));
}

/* ---- sources that changed ---- */

/* file:/a, file:///a and /a are one path; s3a is s3. */
static Str bare_path(Str path) {
    if (str_starts_with(path, STR("file:"))) {
        path = str_slice(path, sizeof "file:" - 1, path.len);
        while (str_starts_with(path, STR("//"))) {
            path = str_slice(path, 1, path.len);
        }
    } else if (str_starts_with(path, STR("s3a://")) || str_starts_with(path, STR("s3n://"))) {
        path = str_slice(path, 3, path.len);
    } else if (str_starts_with(path, STR("s3://"))) {
        path = str_slice(path, 2, path.len);
    }
    while (path.len > 1 && path.data[path.len - 1] == '/') {
        path = str_slice(path, 0, path.len - 1);
    }
    return path;
}

static bool is_below(Str path, Str folder) {
    return str_starts_with(path, folder) && (path.len == folder.len || path.data[folder.len] == '/');
}

static bool reads_path(const TrRel *rel, Str path) {
    if (rel == NULL) {
        return false;
    }
    for (size_t i = 0; rel->tag == TR_SCAN && i < rel->scan.scan->nroots; i++) {
        if (is_below(bare_path(rel->scan.scan->roots[i]), path)) {
            return true;
        }
    }
    for (size_t i = 0; rel->tag == TR_SCAN && i < rel->scan.scan->nfiles; i++) {
        if (is_below(bare_path(rel->scan.scan->files[i].shown), path)) {
            return true;
        }
    }
    return reads_path(rel->input, path) || reads_path(rel->right, path);
}

static bool is_stale(const void *self, const CnCache *cache) {
    return reads_path(cache->plan->rel, *(const Str *)self);
}

void cn_cache_refresh(CnRequest *request, Str path) {
    Str changed = bare_path(path);
    CnCache *stale = take(request->session, is_stale, &changed);
    for (CnCache *cache = stale; cache != NULL; cache = cache->next) {
        Err ignored = {0}; /* then the next action that needs the rows says what is wrong with the old plan */
        CnView *plan = cn_view_new(request, STR("cached"), decode_bytes, &cache->message, &ignored);
        if (plan != NULL && !pl_rel_same(plan->rel, cache->plan->rel)) {
            cn_view_drop(plan);
            plan = NULL;
        }
        CnCache *fresh = cache_new(request, plan != NULL ? plan : cn_view_hold(cache->plan), cache->message, &cache->level);
        pl_settings_copy(&fresh->settings, fresh->arena, &cache->settings);
        put(request, fresh);
    }
    drop_all(stale);
}

/* ---- using ---- */

typedef struct Used {
    CnCache *cache;
    TrRel *kept;
} Used;

typedef struct Use {
    CnRequest *request;
    const CnCache *except; /* the one whose own rows are being made */
    VEC(CnCache *) known;  /* the session's, held */
    VEC(Used) used;
} Use;

static const TrRel *kept_rel(Use *use, CnCache *cache, const TrRel *rel) {
    TrRel *kept = ARENA_NEW(use->request->arena, TrRel);
    *kept = (TrRel){.tag = TR_KEPT, .output = rel->output, .noutput = rel->noutput};
    kept->kept.table = str_copy(use->request->arena, cache->table);
    VEC_PUSH(&use->used, (Used){cache, kept});
    return kept;
}

static const TrRel *replace(Use *use, const TrRel *rel) {
    if (rel == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < use->known.count; i++) {
        if (use->known.items[i] != use->except && holds(use->known.items[i], &use->request->settings, rel)) {
            return kept_rel(use, use->known.items[i], rel);
        }
    }
    const TrRel *input = replace(use, rel->input), *right = replace(use, rel->right);
    if (input == rel->input && right == rel->right) {
        return rel;
    }
    TrRel *copy = ARENA_NEW(use->request->arena, TrRel);
    *copy = *rel;
    copy->input = input;
    copy->right = right;
    return copy;
}

/* The request holds what it may read until it is done. */
static const TrRel *use_caches(Use *use, const TrRel *rel) {
    CnRequest *request = use->request;
    use->known.arena = use->used.arena = request->arena;
    (void)pthread_mutex_lock(&request->session->lock);
    for (CnCache *cache = request->session->caches; cache != NULL; cache = cache->next) {
        VEC_PUSH(&use->known, hold(cache));
        VEC_PUSH(&request->caches, cache);
    }
    (void)pthread_mutex_unlock(&request->session->lock);
    return use->known.count == 0 ? rel : replace(use, rel);
}

const TrRel *cn_cache_use(CnRequest *request, const TrRel *rel) {
    Use use = {.request = request};
    return use_caches(&use, rel);
}

static bool fill_for(CnRun *run, const CnCache *except, const TrRel **rel, Err *err);

static struct timespec poll_end(void) {
    struct timespec end = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += CANCEL_POLL_MS * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    return end;
}

/* Whether this run must make the rows; else they are there, or (err set) the operation was cancelled while another one made them. */
static bool must_fill(CnRun *run, CnCache *cache, Err *err) {
    (void)pthread_mutex_lock(&cache->lock);
    while (cache->state == CACHE_FILLING && !err->is_set) {
        struct timespec end = poll_end();
        (void)pthread_cond_timedwait(&cache->changed, &cache->lock, &end);
        if (cn_operation_is_cancelled(run->op)) {
            (void)err_set(err, ERR_CANCELLED, "Operation has been canceled.");
        }
    }
    bool must = cache->state == CACHE_EMPTY && !err->is_set;
    cache->state = must ? CACHE_FILLING : cache->state;
    (void)pthread_mutex_unlock(&cache->lock);
    return must;
}

static bool fill(CnRun *run, CnCache *cache, Err *err) {
    if (!must_fill(run, cache, err)) {
        return !err->is_set;
    }
    const TrRel *rel = cache->plan->rel;
    int64_t bytes = 0;
    bool ok = fill_for(run, cache, &rel, err) && cn_run_keep(run, rel, &cache->settings, cache->table, &bytes, err);
    (void)pthread_mutex_lock(&cache->lock);
    cache->state = ok ? CACHE_FULL : CACHE_EMPTY;
    cache->bytes = bytes;
    (void)pthread_cond_broadcast(&cache->changed);
    (void)pthread_mutex_unlock(&cache->lock);
    return ok;
}

static bool fill_for(CnRun *run, const CnCache *except, const TrRel **rel, Err *err) {
    Use use = {.request = run->request, .except = except};
    *rel = use_caches(&use, *rel);
    for (size_t i = 0; i < use.used.count; i++) {
        if (!fill(run, use.used.items[i].cache, err)) {
            return false;
        }
        use.used.items[i].kept->kept.bytes = use.used.items[i].cache->bytes; /* does not change once it is full */
    }
    return true;
}

bool cn_cache_fill(CnRun *run, const TrRel **rel, Err *err) {
    return fill_for(run, NULL, rel, err);
}
