/* aws/post_form.h - S3's POST: an object that a browser's form uploads, allowed by a signed policy instead of a signed request.
 *
 * Used by body.c, which feeds the bytes, and server.c. Source: "Browser-based uploads using POST" of Amazon S3's documentation. A form becomes a PutObject: its
 * fields take the place of the request's headers. Invariant: every field of a form that has a policy is allowed by one of its conditions.
 */
#ifndef SOLDER_AWS_POST_FORM_H
#define SOLDER_AWS_POST_FORM_H

#include "aws/request.h"

typedef struct AwsForm AwsForm;

/* Whether the request is such a form, by its method and content type. */
bool aws_is_form(const AwsRequest *request);
/* MalformedPOSTRequest: it names no boundary. In the request's arena. */
AwsForm *aws_form_new(AwsRequest *request, Err *err);
/* Takes the parts apart; the file's bytes go to keep. */
bool aws_form_take(AwsForm *form, Str bytes, bool (*keep)(void *self, Str bytes, Err *err), void *self, Err *err);
/* The form was whole. */
bool aws_form_finish(AwsForm *form, Err *err);

/* The first field of that (lower-case) name; empty: none. */
Str aws_form_field(const AwsRequest *request, const char *name);
/* Checks signature and policy, then makes the request a PutObject. size: of the file. */
bool aws_form_apply(AwsRequest *request, const AwsConfig *config, int64_t size, double now, Err *err);
/* What the form wants as its answer, instead of PutObject's. */
void aws_form_answer(const AwsRequest *request, AwsAnswer *answer);

#endif
