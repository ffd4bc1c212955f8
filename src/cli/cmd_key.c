/* cmd_key.c - solder key create, list, delete. */
#include "cli/cli.h"

#include "store/keys.h"

#include <string.h>

static bool create(CliCall *call, StStore *store, Err *err) {
    StKey key;
    if (!st_key_create(store, call->arena, str_from_c(call->argv[1]), &key, err)) {
        return false;
    }
    printf("aws_access_key_id = %.*s\naws_secret_access_key = %.*s\n", STR_ARG(key.id), STR_ARG(key.secret));
    return true;
}

static bool list(CliCall *call, StStore *store, Err *err) {
    const StKey *keys = NULL;
    size_t count = 0;
    if (!st_key_list(store, call->arena, &keys, &count, err)) {
        return false;
    }
    static const CliColumn COLUMNS[] = {{"name", false}, {"access key id", false}};
    Str *cells = ARENA_ARRAY(call->arena, Str, count * 2 + 1);
    for (size_t i = 0; i < count; i++) {
        cells[i * 2] = keys[i].profile;
        cells[i * 2 + 1] = keys[i].id;
    }
    cli_print_table(stdout, call->arena, COLUMNS, 2, cells, count, 0);
    return true;
}

static bool delete(CliCall *call, StStore *store, Err *err) {
    return st_key_delete(store, str_from_c(call->argv[1]), err);
}

static const struct {
    const char *name;
    int nargs;
    bool (*run)(CliCall *call, StStore *store, Err *err);
} ACTIONS[] = {{"create", 1, create}, {"list", 0, list}, {"delete", 1, delete}};

int cmd_key(CliCall *call) {
    Err err = {0};
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        if (call->argc > 0 && strcmp(call->argv[0], ACTIONS[i].name) == 0) {
            if (call->argc != ACTIONS[i].nargs + 1) {
                return cli_misuse("key", "%s takes %s", ACTIONS[i].name, ACTIONS[i].nargs == 0 ? "no argument" : "a key's name");
            }
            StStore *store = st_open(call->home, &err);
            bool ok = store != NULL && ACTIONS[i].run(call, store, &err);
            st_close(store);
            return ok ? CLI_OK : cli_fail(&err);
        }
    }
    return cli_misuse("key", "say one of create, list, delete");
}
