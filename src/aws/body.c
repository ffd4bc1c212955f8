/* body.c - see body.h. A body goes through at most two stages: the chunks of aws-chunked are taken off, then the payload is hashed and kept. */
#include "aws/body.h"

#include "aws/checksum.h"
#include "aws/post_form.h"

#include <openssl/evp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_LINE = 8192 };

/* Where in an aws-chunked body the next byte belongs: "5;chunk-signature=…\r\nhello\r\n0;…\r\n\r\n" or with trailing headers. */
typedef enum ChunkState { CHUNK_HEAD, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER, CHUNK_DONE } ChunkState;

struct AwsBody {
    AwsRequest *request;
    AwsDigests *digests;
    int fd; /* -1: in memory */
    StrBuf memory;
    int64_t size, announced; /* of the payload; announced -1: not said */
    AwsForm *form; /* NULL: the body is the payload */
    /* aws-chunked */
    bool is_chunked, is_signed;
    ChunkState state;
    StrBuf line;
    int64_t chunk_left;
    Str chunk_signature;
    EVP_MD_CTX *chunk_hash;
    StrBuf trailer; /* canonical, as it is signed */
    Str trailer_signature;
    Str checksum_name, checksum; /* base64 */
    AwsDigest checksum_digest;
};

static bool is_literal_hash(Str hash) {
    return hash.len == AWS_HEX_SIZE;
}

static bool is_s3(const AwsRequest *request) {
    return request->service != NULL && request->service->protocol == AWS_REST_XML;
}

/* The checksum that comes with the request: its header, or the trailer that is announced; of a form, once it is whole, its field. That of
 * CompleteMultipartUpload is of the object that is to be, not of this body: it is the handler's. */
static bool find_checksum(AwsBody *body) {
    static const Str PREFIX = {"x-amz-checksum-", 15};
    const AwsRequest *request = body->request;
    const AwsPair *pairs = request->is_form ? request->form.items : request->headers.items;
    size_t count = request->is_form ? request->form.count : request->headers.count;
    if (request->operation != NULL && strcmp(request->operation->name, "CompleteMultipartUpload") == 0) {
        return false;
    }
    Str trailer = request->is_form ? STR("") : aws_header(request, "x-amz-trailer");
    if (str_starts_with(trailer, PREFIX) && aws_digest_named(str_slice(trailer, PREFIX.len, trailer.len), &body->checksum_digest)) {
        body->checksum_name = str_slice(trailer, PREFIX.len, trailer.len);
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        Str name = pairs[i].name;
        if (str_starts_with(name, PREFIX) && aws_digest_named(str_slice(name, PREFIX.len, name.len), &body->checksum_digest)) {
            body->checksum_name = str_slice(name, PREFIX.len, name.len);
            body->checksum = pairs[i].value;
            return true;
        }
    }
    return false;
}

static bool no_room(const char *what, Err *err) {
    return err_set(err, err_io_code(errno), "%s: %s", what, strerror(errno));
}

static bool open_file(AwsBody *body, const AwsConfig *config, Err *err) {
    AwsRequest *request = body->request;
    AwsUpload *upload = &request->upload;
    AwsComingUpload coming = {.bucket = request->bucket,
                              .key = request->key,
                              .upload_id = aws_query(request, "uploadId", NULL),
                              .size = body->announced};
    (void)str_to_i64(aws_query(request, "partNumber", NULL), &coming.part);
    if (!config->place_upload(config->services, request->arena, &coming, upload, err)) {
        return false;
    }
    body->fd = open(str_to_c(request->arena, upload->path), O_WRONLY | O_CREAT | O_CLOEXEC | (upload->is_shared ? 0 : O_EXCL), 0600);
    return body->fd >= 0 || no_room("making a file for the upload", err);
}

static bool announced_size(AwsBody *body, Err *err) {
    const AwsRequest *request = body->request;
    Str length = aws_header(request, body->is_chunked ? "x-amz-decoded-content-length" : "content-length");
    body->announced = -1;
    if (request->is_form) {
        return true; /* the length is that of the form, not of its file */
    }
    if (length.len > 0 && (!str_to_i64(length, &body->announced) || body->announced < 0)) {
        return err_set(err, is_s3(request) ? "InvalidArgument" : "ValidationException", "the length '%.*s' is no length", STR_ARG(length));
    }
    if (body->is_chunked && length.len == 0) {
        return err_set(err, "MissingContentLength", "You must provide the x-amz-decoded-content-length HTTP header.");
    }
    return true;
}

AwsBody *aws_body_open(AwsRequest *request, const AwsConfig *config, bool to_file, Err *err) {
    AwsBody *body = ARENA_NEW(request->arena, AwsBody);
    Str hash = aws_header(request, "x-amz-content-sha256");
    *body = (AwsBody){.request = request, .fd = -1, .memory = {.arena = request->arena}, .line = {.arena = request->arena}, .trailer = {.arena = request->arena}};
    body->is_chunked = !request->is_form && (str_starts_with(hash, STR("STREAMING-")) || str_contains(aws_header(request, "content-encoding"), STR("aws-chunked")));
    body->is_signed = str_starts_with(hash, STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")) && request->signing != NULL;
    request->payload_hash = hash;
    unsigned wanted = 1u << AWS_MD5;
    wanted |= is_literal_hash(hash) || !is_s3(request) ? 1u << AWS_SHA256 : 0;
    wanted |= find_checksum(body) ? 1u << body->checksum_digest : 0;
    wanted |= to_file ? 1u << AWS_CRC64NVME : 0;
    wanted |= request->is_form ? (1u << AWS_DIGEST_COUNT) - 1 : 0; /* which one, a field will say */
    body->digests = aws_digests_new(wanted);
    body->chunk_hash = body->is_signed ? EVP_MD_CTX_new() : NULL;
    bool ok = body->digests != NULL && (!body->is_signed || body->chunk_hash != NULL);
    ok = ok || err_set(err, ERR_INTERNAL, "no memory for digests");
    body->form = request->is_form ? aws_form_new(request, err) : NULL;
    ok = ok && (body->form != NULL) == request->is_form && announced_size(body, err) && (!to_file || open_file(body, config, err));
    if (!ok) {
        aws_body_close(body);
        return NULL;
    }
    return body;
}

/* ---- the payload ---- */

static bool keep(AwsBody *body, Str bytes, Err *err) {
    aws_digests_add(body->digests, bytes);
    body->size += (int64_t)bytes.len;
    if (body->announced >= 0 && body->size > body->announced) {
        return err_set(err, is_s3(body->request) ? "InvalidRequest" : "ValidationException", "the body is longer than announced");
    }
    if (body->fd < 0) {
        if (body->size > AWS_MOST_IN_MEMORY) {
            return err_set(err, "RequestEntityTooLarge", "the body is longer than %d bytes", AWS_MOST_IN_MEMORY);
        }
        strbuf_add(&body->memory, bytes);
        return true;
    }
    for (int64_t at = body->request->upload.offset + body->size - (int64_t)bytes.len; bytes.len > 0;) {
        ssize_t put = pwrite(body->fd, bytes.data, bytes.len, at);
        if (put < 0 && errno != EINTR) {
            return no_room("keeping the upload", err);
        }
        at += put > 0 ? put : 0;
        bytes = str_slice(bytes, put > 0 ? (size_t)put : 0, bytes.len);
    }
    return true;
}

static bool keep_file(void *self, Str bytes, Err *err) {
    return keep(self, bytes, err);
}

/* ---- aws-chunked ---- */

static bool broken_chunks(const AwsBody *body, Err *err) {
    (void)body;
    return err_set(err, "IncompleteBody", "The request body terminated unexpectedly: its aws-chunked encoding can't be read");
}

static bool wrong_chunk(Err *err) {
    return err_set(err, "SignatureDoesNotMatch", "The signature of a chunk of the body is not the one that the service calculated.");
}

/* The rest of a line, up to "\r\n". true when the line is complete: it is then in *ret_line. */
static bool take_line(AwsBody *body, Str *bytes, Str *ret_line, Err *err) {
    const char *end = memchr(bytes->data, '\n', bytes->len);
    size_t len = end == NULL ? bytes->len : (size_t)(end - bytes->data) + 1;
    strbuf_add(&body->line, str_slice(*bytes, 0, len));
    *bytes = str_slice(*bytes, len, bytes->len);
    if (body->line.len > LONGEST_LINE) {
        return broken_chunks(body, err);
    }
    if (end == NULL) {
        return false;
    }
    *ret_line = str_copy(body->request->arena, strbuf_str(&body->line));
    body->line.len = 0;
    ret_line->len -= 1;
    ret_line->len -= ret_line->len > 0 && ret_line->data[ret_line->len - 1] == '\r' ? 1 : 0;
    return true;
}

static bool end_chunk(AwsBody *body, Err *err) {
    if (!body->is_signed) {
        return true;
    }
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_DigestFinal_ex(body->chunk_hash, hash, &len) != 1) {
        return err_set(err, ERR_INTERNAL, "SHA-256 failed");
    }
    return aws_chunk_is_right(body->request->signing, hash, body->chunk_signature) || wrong_chunk(err);
}

static bool begin_chunk(AwsBody *body, Str line, Err *err) {
    char digits[17];
    size_t n = 0;
    while (n < line.len && n < 16 && line.data[n] != ';') {
        digits[n] = line.data[n];
        n++;
    }
    digits[n] = '\0';
    char *end = NULL;
    unsigned long long size = strtoull(digits, &end, 16);
    if (n == 0 || *end != '\0' || size > INT64_MAX) {
        return broken_chunks(body, err);
    }
    body->chunk_left = (int64_t)size;
    static const Str MARK = {";chunk-signature=", 17};
    body->chunk_signature = str_starts_with(str_slice(line, n, line.len), MARK) ? str_slice(line, n + MARK.len, line.len) : STR("");
    if (body->is_signed && EVP_DigestInit_ex(body->chunk_hash, EVP_sha256(), NULL) != 1) {
        return err_set(err, ERR_INTERNAL, "SHA-256 failed");
    }
    body->state = size == 0 ? CHUNK_TRAILER : CHUNK_DATA;
    return size > 0 || end_chunk(body, err);
}

/* One trailing header, or the empty line that ends the body. */
static bool take_trailer(AwsBody *body, Str line, Err *err) {
    const char *colon = line.len == 0 ? NULL : memchr(line.data, ':', line.len);
    if (line.len == 0) {
        body->state = CHUNK_DONE;
        return true;
    }
    if (colon == NULL) {
        return broken_chunks(body, err);
    }
    size_t at = (size_t)(colon - line.data);
    Str name = str_lower(body->request->arena, str_trim(str_slice(line, 0, at)));
    Str value = str_trim(str_slice(line, at + 1, line.len));
    if (str_eq_c(name, "x-amz-trailer-signature")) {
        body->trailer_signature = value;
        return true;
    }
    strbuf_fmt(&body->trailer, "%.*s:%.*s\n", STR_ARG(name), STR_ARG(value));
    if (body->checksum_name.len > 0 && str_eq(str_slice(name, 15, name.len), str_lower(body->request->arena, body->checksum_name))) {
        body->checksum = value;
    }
    return true;
}

static bool take_chunked(AwsBody *body, Str bytes, Err *err) {
    while (bytes.len > 0 && !err->is_set) {
        Str line;
        switch (body->state) {
        case CHUNK_HEAD:
            if (take_line(body, &bytes, &line, err) && !begin_chunk(body, line, err)) {
                return false;
            }
            break;
        case CHUNK_DATA: {
            Str piece = str_slice(bytes, 0, (uint64_t)body->chunk_left < bytes.len ? (size_t)body->chunk_left : bytes.len);
            if (body->is_signed) {
                (void)EVP_DigestUpdate(body->chunk_hash, piece.data, piece.len);
            }
            if (!keep(body, piece, err)) {
                return false;
            }
            body->chunk_left -= (int64_t)piece.len;
            bytes = str_slice(bytes, piece.len, bytes.len);
            body->state = body->chunk_left == 0 ? CHUNK_DATA_END : CHUNK_DATA;
            break;
        }
        case CHUNK_DATA_END:
            if (take_line(body, &bytes, &line, err)) {
                if (line.len > 0) {
                    return broken_chunks(body, err);
                }
                if (!end_chunk(body, err)) {
                    return false;
                }
                body->state = CHUNK_HEAD;
            }
            break;
        case CHUNK_TRAILER:
            if (take_line(body, &bytes, &line, err) && !take_trailer(body, line, err)) {
                return false;
            }
            break;
        case CHUNK_DONE:
            return broken_chunks(body, err);
        }
    }
    return !err->is_set;
}

bool aws_body_take(AwsBody *body, Str bytes, Err *err) {
    if (body->form != NULL) {
        return aws_form_take(body->form, bytes, keep_file, body, err);
    }
    return body->is_chunked ? take_chunked(body, bytes, err) : keep(body, bytes, err);
}

/* ---- the end ---- */

static bool check_chunks(AwsBody *body, Err *err) {
    if (!body->is_chunked) {
        return true;
    }
    /* Some clients leave the last empty line away. */
    if (body->state != CHUNK_DONE && !(body->state == CHUNK_TRAILER && body->line.len == 0)) {
        return broken_chunks(body, err);
    }
    if (body->is_signed && body->trailer.len > 0) {
        AwsDigests *digests = aws_digests_new(1u << AWS_SHA256);
        if (digests == NULL) {
            return err_set(err, ERR_INTERNAL, "no memory for digests");
        }
        aws_digests_add(digests, strbuf_str(&body->trailer));
        Str hash = aws_digests_get(digests, AWS_SHA256);
        bool ok = aws_trailer_is_right(body->request->signing, (const unsigned char *)hash.data, body->trailer_signature);
        aws_digests_free(digests);
        return ok || wrong_chunk(err);
    }
    return true;
}

static bool check_md5(AwsBody *body, Err *err) {
    Str given = body->request->is_form ? aws_form_field(body->request, "content-md5") : aws_header(body->request, "content-md5");
    Str bytes;
    if (given.len == 0) {
        return true;
    }
    if (!aws_base64_decode(body->request->arena, given, &bytes) || bytes.len != 16) {
        return err_set(err, "InvalidDigest", "The Content-MD5 you specified is not valid.");
    }
    return str_eq(bytes, aws_digests_get(body->digests, AWS_MD5)) ||
           err_set(err, "BadDigest", "The Content-MD5 you specified did not match what we received.");
}

/* A form may also name the algorithm alone: the checksum is computed then. */
static bool find_form_checksum(AwsBody *body, Err *err) {
    Str algorithm = str_lower(body->request->arena, aws_form_field(body->request, "x-amz-checksum-algorithm"));
    if (find_checksum(body) || algorithm.len == 0) {
        return true;
    }
    if (!aws_digest_named(algorithm, &body->checksum_digest)) {
        return err_set(err, "InvalidRequest",
                       "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
    }
    body->checksum_name = algorithm;
    body->checksum = aws_base64(body->request->arena, aws_digests_get(body->digests, body->checksum_digest));
    return true;
}

static bool check_checksum(AwsBody *body, Err *err) {
    if (body->checksum_name.len == 0) {
        return true;
    }
    Str own = aws_base64(body->request->arena, aws_digests_get(body->digests, body->checksum_digest));
    Str name = str_upper(body->request->arena, body->checksum_name);
    if (body->checksum.len == 0) {
        return err_set(err, "InvalidRequest", "The trailer x-amz-checksum-%.*s did not come.", STR_ARG(body->checksum_name));
    }
    if (!str_eq(own, body->checksum)) {
        return err_set(err, "BadDigest", "The %.*s you specified did not match the calculated checksum.", STR_ARG(name));
    }
    body->request->upload.checksum_name = str_lower(body->request->arena, body->checksum_name);
    body->request->upload.checksum = own;
    return true;
}

Str aws_body_sha256(const AwsBody *body) {
    Str hash = aws_digests_get(body->digests, AWS_SHA256);
    char *hex = arena_alloc(body->request->arena, AWS_HEX_SIZE + 1);
    aws_hex((const unsigned char *)hash.data, hash.len, hex);
    return (Str){hex, hash.len * 2};
}

bool aws_body_finish(AwsBody *body, Err *err) {
    AwsRequest *request = body->request;
    if (!check_chunks(body, err) || (body->form != NULL && !aws_form_finish(body->form, err))) {
        return false;
    }
    if (body->announced >= 0 && body->size != body->announced) {
        return err_set(err, is_s3(request) ? "IncompleteBody" : "ValidationException",
                       "You did not provide the number of bytes specified by the Content-Length HTTP header");
    }
    if (is_literal_hash(request->payload_hash) && !str_eq(aws_body_sha256(body), request->payload_hash)) {
        return err_set(err, is_s3(request) ? "XAmzContentSHA256Mismatch" : "InvalidSignatureException",
                       "The provided 'x-amz-content-sha256' header does not match what was computed.");
    }
    if (!check_md5(body, err) || (body->form != NULL && !find_form_checksum(body, err)) || !check_checksum(body, err)) {
        return false;
    }
    Str md5 = aws_digests_get(body->digests, AWS_MD5);
    memcpy(request->upload.md5, md5.data, sizeof request->upload.md5);
    request->upload.crc64nvme = aws_base64(request->arena, aws_digests_get(body->digests, AWS_CRC64NVME));
    request->upload.size = body->size;
    request->has_upload = body->fd >= 0;
    request->body = strbuf_str(&body->memory);
    return true;
}

void aws_body_close(AwsBody *owned_body) {
    if (owned_body == NULL) {
        return;
    }
    if (owned_body->fd >= 0) {
        (void)close(owned_body->fd);
        if (!owned_body->request->upload.is_taken && !owned_body->request->upload.is_shared) {
            (void)unlink(owned_body->request->upload.path.data);
        }
    }
    EVP_MD_CTX_free(owned_body->chunk_hash);
    aws_digests_free(owned_body->digests);
}
