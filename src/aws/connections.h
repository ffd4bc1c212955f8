/* aws/connections.h - the gateway's open connections, and the end of those that send a request's headers too slowly.
 *
 * Used by server.c. libmicrohttpd ends a connection on which nothing at all moves; one that trickles a header every now and then would hold its
 * thread forever. Invariant: a socket is touched here only between its start and its end as libmicrohttpd tells of them, under one lock.
 */
#ifndef SOLDER_AWS_CONNECTIONS_H
#define SOLDER_AWS_CONNECTIONS_H

#include "base/err.h"

typedef struct AwsConnections AwsConnections;
typedef struct AwsConnection AwsConnection;

/* Between requests a connection has patience_seconds until the headers of the next one are complete. */
AwsConnections *aws_connections_new(int patience_seconds, Err *err);
/* When libmicrohttpd has stopped. NULL is allowed. */
void aws_connections_free(AwsConnections *owned_connections);
/* NULL: no memory; it is then not watched. */
AwsConnection *aws_connection_opened(AwsConnections *connections, int fd);
void aws_connection_closed(AwsConnections *connections, AwsConnection *owned_connection);
/* A request's headers are there; the request is over, and the next one is waited for. */
void aws_connection_busy(AwsConnections *connections, AwsConnection *connection, bool is_busy);
size_t aws_connections_count(AwsConnections *connections);

#endif
