/* rpc_artifacts.c - AddArtifacts and ArtifactStatus: files that the client sends, kept in the session's folder.
 *
 * Names are the client's (pyfiles/x.py, cache/HASH); on disk the files are numbered, so that no name can lead out of the folder.
 * Invariant: an artifact is known only when all its bytes are there and every chunk's CRC was right.
 */
#include "base/vec.h"
#include "connect/server.h"

#include "spark/connect/base.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Upload {
    CnCall *call;
    CnSession *session;
    VEC(Spark__Connect__AddArtifactsResponse__ArtifactSummary *) summaries;
    int file; /* of the chunked artifact under way; -1: none */
    Str name, path;
    int64_t chunks_left, bytes_left;
    bool crc_ok;
} Upload;

/* CRC-32 as java.util.zip.CRC32 computes it, a byte at a time with a table. */
static uint32_t crc32_of(Str bytes) {
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) {
            c = (c & 1) != 0 ? 0xedb88320u ^ c >> 1 : c >> 1;
        }
        table[i] = c;
    }
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < bytes.len; i++) {
        crc = table[(crc ^ (unsigned char)bytes.data[i]) & 0xff] ^ crc >> 8;
    }
    return crc ^ 0xffffffffu;
}

static bool chunk_is_right(const Spark__Connect__AddArtifactsRequest__ArtifactChunk *chunk) {
    return chunk != NULL && (uint32_t)chunk->crc == crc32_of(CN_STR(chunk->data));
}

/* Spark refuses absolute names and those that leave the folder; the kinds are its own. */
static bool check_name(Str name, Err *err) {
    bool ok = name.len > 0 && name.len < 4096 && name.data[0] != '/' && !str_contains(name, STR("..")) &&
              (str_starts_with(name, STR("jars/")) || str_starts_with(name, STR("classes/")) || str_starts_with(name, STR("files/")) ||
               str_starts_with(name, STR("pyfiles/")) || str_starts_with(name, STR("archives/")) || str_starts_with(name, STR("cache/")) ||
               str_starts_with(name, STR("forward_to_fs/")));
    if (!ok) {
        return err_set(err, "SOLDER.BAD_REQUEST", "The artifact's name %.*s is not one of jars/, files/, pyfiles/, archives/ or cache/",
                       STR_ARG(str_slice(name, 0, 200)));
    }
    if (str_starts_with(name, STR("forward_to_fs/"))) {
        return err_set(err, ERR_NOT_SUPPORTED, "copyFromLocalToFs is not supported on the embedded engine yet");
    }
    return true;
}

/* Under the session's lock. */
static bool session_folder(CnSession *session, Err *err) {
    if (session->artifact_directory.len > 0) {
        return true;
    }
    Str base = session->server->config.artifact_directory;
    if (base.len == 0) {
        return err_set(err, ERR_NOT_SUPPORTED, "This server keeps no artifacts: it was started without a folder for them");
    }
    Str folder = str_fmt(session->arena, "%.*s/%.*s-%llu", STR_ARG(base), STR_ARG(session->id),
                         (unsigned long long)atomic_fetch_add(&session->server->numbers, 1));
    if ((mkdir(base.data, 0700) != 0 && errno != EEXIST) || mkdir(folder.data, 0700) != 0) {
        return err_set(err, ERR_IO, "cannot make the folder %.*s: %s", STR_ARG(folder), strerror(errno));
    }
    session->artifact_directory = folder;
    return true;
}

static bool open_file(Upload *upload, Str name, Err *err) {
    CnSession *session = upload->session;
    if (!check_name(name, err)) {
        return false;
    }
    (void)pthread_mutex_lock(&session->lock);
    bool ok = session_folder(session, err);
    if (ok) {
        upload->path = str_fmt(upload->call->arena, "%.*s/%llu", STR_ARG(session->artifact_directory),
                               (unsigned long long)atomic_fetch_add(&session->server->numbers, 1));
    }
    (void)pthread_mutex_unlock(&session->lock);
    if (!ok) {
        return false;
    }
    upload->name = name;
    upload->crc_ok = true;
    upload->file = open(upload->path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return upload->file >= 0 || err_set(err, ERR_IO, "cannot write the artifact %.*s: %s", STR_ARG(name), strerror(errno));
}

static bool write_chunk(Upload *upload, const Spark__Connect__AddArtifactsRequest__ArtifactChunk *chunk, Err *err) {
    upload->crc_ok = upload->crc_ok && chunk_is_right(chunk);
    size_t at = 0, size = chunk != NULL ? chunk->data.len : 0;
    while (at < size) {
        ssize_t n = write(upload->file, chunk->data.data + at, size - at);
        if (n < 0 && errno != EINTR) {
            return err_set(err, ERR_IO, "cannot write the artifact %.*s: %s", STR_ARG(upload->name), strerror(errno));
        }
        at += n > 0 ? (size_t)n : 0;
    }
    upload->bytes_left -= (int64_t)size;
    return true;
}

static void abandon(Upload *upload) {
    if (upload->file >= 0) {
        (void)close(upload->file);
        (void)unlink(upload->path.data);
        upload->file = -1;
    }
}

/* Makes the artifact known, if its bytes are right, and answers for it. An artifact of a name that is there stays as it is. */
static bool finish_file(Upload *upload, Err *err) {
    CnSession *session = upload->session;
    if (close(upload->file) != 0) {
        upload->file = -1;
        return err_set(err, ERR_IO, "cannot write the artifact %.*s: %s", STR_ARG(upload->name), strerror(errno));
    }
    upload->file = -1;
    (void)pthread_mutex_lock(&session->lock);
    bool is_known = map_get(&session->artifacts, upload->name) != NULL;
    if (upload->crc_ok && !is_known) {
        CnArtifact *artifact = ARENA_NEW(session->arena, CnArtifact);
        *artifact = (CnArtifact){str_copy(session->arena, upload->name), str_copy(session->arena, upload->path)};
        map_put(&session->artifacts, artifact->name, artifact);
    }
    (void)pthread_mutex_unlock(&session->lock);
    if (!upload->crc_ok || is_known) {
        (void)unlink(upload->path.data);
    }
    Spark__Connect__AddArtifactsResponse__ArtifactSummary *summary =
        ARENA_NEW(upload->call->arena, Spark__Connect__AddArtifactsResponse__ArtifactSummary);
    spark__connect__add_artifacts_response__artifact_summary__init(summary);
    CN_SET(summary, name, cn_bytes(upload->name));
    CN_SET(summary, is_crc_successful, upload->crc_ok);
    VEC_PUSH(&upload->summaries, summary);
    return true;
}

static bool take_batch(Upload *upload, const Spark__Connect__AddArtifactsRequest__Batch *batch, Err *err) {
    for (size_t i = 0; i < batch->n_artifacts; i++) {
        if (!open_file(upload, CN_STR(batch->artifacts[i]->name), err) || !write_chunk(upload, batch->artifacts[i]->data, err) ||
            !finish_file(upload, err)) {
            return false;
        }
    }
    return true;
}

static bool take_begin(Upload *upload, const Spark__Connect__AddArtifactsRequest__BeginChunkedArtifact *begin, Err *err) {
    if (begin->num_chunks < 1 || begin->total_bytes < 0) {
        return err_set(err, "SOLDER.BAD_REQUEST", "A chunked artifact has no chunks");
    }
    if (!open_file(upload, CN_STR(begin->name), err)) {
        return false;
    }
    upload->chunks_left = begin->num_chunks - 1;
    upload->bytes_left = begin->total_bytes;
    return write_chunk(upload, begin->initial_chunk, err);
}

static bool take(Upload *upload, const Spark__Connect__AddArtifactsRequest *message, Err *err) {
    int what = (int)message->payload_case;
    if ((upload->file >= 0) != (what == SPARK__CONNECT__ADD_ARTIFACTS_REQUEST__PAYLOAD_CHUNK)) {
        return err_set(err, "SOLDER.BAD_REQUEST", upload->file >= 0 ? "A chunk of the artifact was expected" : "The AddArtifacts request has no artifact");
    }
    if (what == SPARK__CONNECT__ADD_ARTIFACTS_REQUEST__PAYLOAD_BATCH) {
        return take_batch(upload, message->batch, err);
    }
    if (what == SPARK__CONNECT__ADD_ARTIFACTS_REQUEST__PAYLOAD_BEGIN_CHUNK) {
        if (!take_begin(upload, message->begin_chunk, err)) {
            return false;
        }
    } else {
        upload->chunks_left--;
        if (!write_chunk(upload, message->chunk, err)) {
            return false;
        }
    }
    if (upload->chunks_left > 0) {
        return true;
    }
    if (upload->bytes_left != 0) {
        return err_set(err, "SOLDER.BAD_REQUEST", "The artifact %.*s came with another number of bytes than announced", STR_ARG(upload->name));
    }
    return finish_file(upload, err);
}

void cn_rpc_add_artifacts(CnCall *call) {
    Err err = {0};
    Upload upload = {.call = call, .file = -1, .summaries = {.arena = call->arena}};
    Str bytes = {0};
    while (!err.is_set && cn_call_receive(call, &bytes)) {
        const Spark__Connect__AddArtifactsRequest *message = cn_unpack(call->arena, &spark__connect__add_artifacts_request__descriptor, bytes, &err);
        if (message != NULL && upload.session == NULL) {
            Str user = message->user_context != NULL ? CN_STR(message->user_context->user_id) : STR("");
            upload.session = cn_session_find(call->server, user, CN_STR(message->session_id), &err);
        }
        if (!err.is_set) {
            (void)take(&upload, message, &err);
        }
    }
    if (!err.is_set && upload.file >= 0) {
        (void)err_set(&err, "SOLDER.BAD_REQUEST", "The artifact %.*s was cut", STR_ARG(upload.name));
    }
    abandon(&upload);
    if (err.is_set) {
        cn_call_fail(call, &err);
    } else {
        Spark__Connect__AddArtifactsResponse response = SPARK__CONNECT__ADD_ARTIFACTS_RESPONSE__INIT;
        response.n_artifacts = upload.summaries.count;
        response.artifacts = upload.summaries.items;
        cn_call_reply(call, &response.base);
    }
    if (upload.session != NULL) {
        cn_session_drop(upload.session);
    }
}

void cn_rpc_artifact_status(CnCall *call) {
    const Spark__Connect__ArtifactStatusesRequest *request = cn_rpc_request(call, &spark__connect__artifact_statuses_request__descriptor);
    CnSession *session = request == NULL ? NULL : cn_rpc_session(call, request->user_context, request->session_id);
    if (session == NULL) {
        return;
    }
    Spark__Connect__ArtifactStatusesResponse response = SPARK__CONNECT__ARTIFACT_STATUSES_RESPONSE__INIT;
    response.n_statuses = request->n_names;
    response.statuses = ARENA_ARRAY(call->arena, Spark__Connect__ArtifactStatusesResponse__StatusesEntry *, request->n_names);
    (void)pthread_mutex_lock(&session->lock);
    for (size_t i = 0; i < request->n_names; i++) {
        Spark__Connect__ArtifactStatusesResponse__StatusesEntry *entry =
            ARENA_NEW(call->arena, Spark__Connect__ArtifactStatusesResponse__StatusesEntry);
        Spark__Connect__ArtifactStatusesResponse__ArtifactStatus *status =
            ARENA_NEW(call->arena, Spark__Connect__ArtifactStatusesResponse__ArtifactStatus);
        spark__connect__artifact_statuses_response__statuses_entry__init(entry);
        spark__connect__artifact_statuses_response__artifact_status__init(status);
        CN_SET(status, exists, map_get(&session->artifacts, CN_STR(request->names[i])) != NULL);
        CN_SET(entry, key, request->names[i]);
        entry->value = status;
        response.statuses[i] = entry;
    }
    (void)pthread_mutex_unlock(&session->lock);
    cn_call_reply(call, &response.base);
    cn_session_drop(session);
}
