/* tls.c - see tls.h. */
#include "aws/tls.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { MOST_BYTES = 1 << 20 };

static bool read_text(Arena *arena, Str path, const char *option, char **ret_text, size_t *ret_len, Err *err) {
    FILE *file = fopen(str_to_c(arena, path), "re");
    if (file == NULL) {
        return err_set(err, ERR_IO, "%s %.*s: %s", option, STR_ARG(path), strerror(errno));
    }
    char *text = arena_alloc(arena, MOST_BYTES + 1);
    *ret_len = fread(text, 1, MOST_BYTES, file);
    text[*ret_len] = '\0';
    *ret_text = text;
    bool ok = ferror(file) == 0;
    return (fclose(file) == 0 && ok) || err_set(err, ERR_IO, "%s %.*s: cannot be read", option, STR_ARG(path));
}

/* A key with a passphrase is refused: a server that starts by itself has nobody to ask. */
static int no_passphrase(char *buffer, int size, int is_written, void *self) {
    (void)buffer;
    (void)size;
    (void)is_written;
    (void)self;
    return -1;
}

bool aws_tls_read(Arena *arena, Str certificate_path, Str key_path, AwsTls *ret_tls, Err *err) {
    size_t certificate_len = 0;
    size_t key_len = 0;
    if (!read_text(arena, certificate_path, "--tls-cert", &ret_tls->certificate, &certificate_len, err) ||
        !read_text(arena, key_path, "--tls-key", &ret_tls->key, &key_len, err)) {
        return false;
    }
    BIO *certificate_bio = BIO_new_mem_buf(ret_tls->certificate, (int)certificate_len);
    BIO *key_bio = BIO_new_mem_buf(ret_tls->key, (int)key_len);
    X509 *certificate = certificate_bio == NULL ? NULL : PEM_read_bio_X509(certificate_bio, NULL, no_passphrase, NULL);
    EVP_PKEY *key = key_bio == NULL ? NULL : PEM_read_bio_PrivateKey(key_bio, NULL, no_passphrase, NULL);
    bool ok = true;
    if (certificate == NULL) {
        ok = err_set(err, ERR_IO, "--tls-cert %.*s: no certificate in PEM form", STR_ARG(certificate_path));
    } else if (key == NULL) {
        ok = err_set(err, ERR_IO, "--tls-key %.*s: no private key in PEM form without a passphrase", STR_ARG(key_path));
    } else if (X509_check_private_key(certificate, key) != 1) {
        ok = err_set(err, ERR_IO, "--tls-key %.*s is not the key of --tls-cert %.*s", STR_ARG(key_path), STR_ARG(certificate_path));
    }
    ret_tls->is_own_authority = ok && X509_check_issued(certificate, certificate) == X509_V_OK;
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    return ok;
}
