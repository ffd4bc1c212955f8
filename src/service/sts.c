/* sts.c - STS: who calls. */
#include "service/json_members.h"
#include "service/service.h"

bool sv_sts_get_caller_identity(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    (void)err;
    js_put_str(call->doc, call->output, "Account", services->account);
    /* The keys of a home directory have the rights of the account's root user. */
    js_put_str(call->doc, call->output, "UserId", services->account);
    js_put_str(call->doc, call->output, "Arn", str_fmt(call->arena, "arn:aws:iam::%.*s:root", STR_ARG(services->account)));
    return true;
}
