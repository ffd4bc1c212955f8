/* aws/tls.h - the certificate and key that the gateway shows, read and held against each other before it listens.
 *
 * Used by server.c, which hands the texts to libmicrohttpd (GnuTLS). Invariant: what aws_tls_read accepted is a certificate with its own private key.
 */
#ifndef SOLDER_AWS_TLS_H
#define SOLDER_AWS_TLS_H

#include "base/err.h"

typedef struct AwsTls {
    char *certificate, *key; /* PEM texts */
    bool is_own_authority;   /* self-signed: a client has to be told to trust it */
} AwsTls;

bool aws_tls_read(Arena *arena, Str certificate_path, Str key_path, AwsTls *ret_tls, Err *err);

#endif
