/* aws/caller.h - from where and how a request came: what rules about access ask beside who signed it.
 *
 * Used by server.c when a request's headers are there. Invariant: nothing here is taken from a header that a client could set to be let in: the address is
 * the connection's own, whatever a Forwarded header says.
 */
#ifndef SOLDER_AWS_CALLER_H
#define SOLDER_AWS_CALLER_H

#include "aws/request.h"

struct MHD_Connection;

/* Fills request->caller but for what the signature's check adds. */
void aws_caller_read(AwsRequest *request, struct MHD_Connection *connection);

#endif
