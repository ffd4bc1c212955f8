/* emr_submit.c - see emr_submit.h. The options are those of Spark's SparkSubmitOptionParser. */
#include "service/emr_submit.h"

#include "base/vec.h"

#include <ctype.h>
#include <string.h>

typedef VEC(const char *) Words;

typedef enum OptionKind {
    KEPT,          /* handed on */
    SWITCH,        /* handed on, has no value */
    MASTER,        /* ours, unless it is local */
    DROPPED,       /* falls away with its value */
    FILES,         /* a list of files */
    CONF,          /* name=value */
    MEMORY,        /* of an executor */
    CORES,         /* of an executor */
    DRIVER_MEMORY, /* what the driver's JVM must be started with */
    DRIVER_OPTIONS,
    DRIVER_CLASS_PATH,
    DRIVER_LIBRARY_PATH,
    LAUNCHER, /* makes bin/spark-submit necessary */
    LAUNCHER_SWITCH
} OptionKind;

typedef struct Option {
    const char *name;
    OptionKind kind;
} Option;

static const Option OPTIONS[] = {
    {"--archives", FILES},
    {"--class", KEPT},
    {"--conf", CONF},
    {"-c", CONF},
    {"--deploy-mode", DROPPED},
    {"--driver-class-path", DRIVER_CLASS_PATH},
    {"--driver-cores", KEPT},
    {"--driver-java-options", DRIVER_OPTIONS},
    {"--driver-library-path", DRIVER_LIBRARY_PATH},
    {"--driver-memory", DRIVER_MEMORY},
    {"--exclude-packages", KEPT},
    {"--executor-cores", CORES},
    {"--executor-memory", MEMORY},
    {"--files", FILES},
    {"--help", LAUNCHER_SWITCH},
    {"-h", LAUNCHER_SWITCH},
    {"--jars", FILES},
    {"--keytab", KEPT},
    {"--kill", LAUNCHER},
    {"--master", MASTER},
    {"--name", KEPT},
    {"--num-executors", KEPT},
    {"--packages", KEPT},
    {"--principal", KEPT},
    {"--properties-file", LAUNCHER},
    {"--proxy-user", KEPT},
    {"--py-files", FILES},
    {"--queue", KEPT},
    {"--remote", LAUNCHER},
    {"--repositories", KEPT},
    {"--status", LAUNCHER},
    {"--supervise", SWITCH},
    {"-s", SWITCH},
    {"--total-executor-cores", KEPT},
    {"--usage-error", LAUNCHER_SWITCH},
    {"--verbose", SWITCH},
    {"-v", SWITCH},
    {"--version", LAUNCHER_SWITCH},
};

typedef struct Plan {
    const EmSubmitContext *context;
    EmSubmit *submit;
    Words arguments;
    StrBuf notes;
    Str driver_options;
} Plan;

static const Option *find_option(Str name) {
    for (size_t i = 0; i < sizeof OPTIONS / sizeof OPTIONS[0]; i++) {
        if (str_eq_c(name, OPTIONS[i].name)) {
            return &OPTIONS[i];
        }
    }
    return NULL;
}

int64_t em_memory_mib(Str text) {
    Str trimmed = str_trim(text);
    size_t digits = 0;
    int64_t number = 0;
    while (digits < trimmed.len && isdigit((unsigned char)trimmed.data[digits]) != 0) {
        digits++;
    }
    Str unit = str_slice(trimmed, digits, trimmed.len);
    if (!str_to_i64(str_slice(trimmed, 0, digits), &number) || number > INT64_C(1) << 40 || unit.len > 2 ||
        (unit.len == 2 && tolower((unsigned char)unit.data[1]) != 'b')) {
        return -1;
    }
    switch (unit.len == 0 ? 'm' : tolower((unsigned char)unit.data[0])) {
    case 'k': return number / 1024;
    case 'm': return number;
    case 'g': return number * 1024;
    case 't': return number * 1024 * 1024;
    default: return -1;
    }
}

static void push(Plan *plan, Str word) {
    VEC_PUSH(&plan->arguments, str_to_c(plan->context->arena, word));
}

static void note(Plan *plan, const char *what, Str from, Str to) {
    strbuf_fmt(&plan->notes, "%s %.*s: %.*s here\n", what, STR_ARG(from), STR_ARG(to));
}

static Str cut_memory(Plan *plan, const char *what, Str asked, int64_t limit_mib) {
    int64_t mib = em_memory_mib(asked);
    if (mib <= limit_mib) {
        return asked; /* also what Spark shall refuse itself */
    }
    Str given = str_fmt(plan->context->arena, "%lldm", (long long)limit_mib);
    note(plan, what, asked, given);
    return given;
}

static Str cut_cores(Plan *plan, Str asked) {
    int64_t cores = 0;
    if (!str_to_i64(asked, &cores) || cores <= plan->context->worker_cores) {
        return asked;
    }
    Str given = str_fmt(plan->context->arena, "%d", plan->context->worker_cores);
    note(plan, "executor cores", asked, given);
    return given;
}

static bool is_s3(Str uri) {
    return str_starts_with(uri, STR("s3://")) || str_starts_with(uri, STR("s3a://")) || str_starts_with(uri, STR("s3n://"));
}

/* A comma-separated list; "#name" behind a file stays. */
static bool fetch_files(Plan *plan, Str list, Str *ret_list, Err *err) {
    StrBuf fetched = {.arena = plan->context->arena};
    for (size_t at = 0; at <= list.len;) {
        const char *comma = at < list.len ? memchr(list.data + at, ',', list.len - at) : NULL;
        size_t end = comma == NULL ? list.len : (size_t)(comma - list.data);
        Str item = str_trim(str_slice(list, at, end));
        const char *hash = item.len > 0 ? memchr(item.data, '#', item.len) : NULL;
        Str uri = hash == NULL ? item : str_slice(item, 0, (size_t)(hash - item.data));
        Str path = uri;
        if (is_s3(uri) && !plan->context->fetch(plan->context->self, uri, &path, err)) {
            return false;
        }
        if (at > 0) {
            strbuf_add_char(&fetched, ',');
        }
        strbuf_add(&fetched, path);
        strbuf_add(&fetched, str_slice(item, uri.len, item.len));
        at = end + 1;
    }
    *ret_list = strbuf_str(&fetched);
    return true;
}

static void take_conf(Plan *plan, Str option, Str conf) {
    const char *equals = conf.len > 0 ? memchr(conf.data, '=', conf.len) : NULL;
    Str name = equals == NULL ? conf : str_slice(conf, 0, (size_t)(equals - conf.data));
    Str value = equals == NULL ? STR("") : str_slice(conf, name.len + 1, conf.len);
    EmSubmit *submit = plan->submit;
    if (str_eq_c(name, "spark.submit.deployMode") || (str_eq_c(name, "spark.master") && !str_starts_with(value, STR("local")))) {
        strbuf_fmt(&plan->notes, "%.*s: not needed here\n", STR_ARG(conf));
        return;
    }
    if (str_eq_c(name, "spark.executor.memory")) {
        value = cut_memory(plan, "executor memory", value, plan->context->worker_memory_mib);
    } else if (str_eq_c(name, "spark.executor.cores")) {
        value = cut_cores(plan, value);
    } else if (str_eq_c(name, "spark.driver.memory")) {
        submit->driver_memory = value;
    } else if (str_eq_c(name, "spark.driver.extraJavaOptions")) {
        plan->driver_options = value;
    } else if (str_eq_c(name, "spark.driver.extraClassPath")) {
        submit->driver_class_path = value;
    } else if (str_eq_c(name, "spark.driver.extraLibraryPath")) {
        submit->driver_library_path = value;
    }
    push(plan, option);
    push(plan, equals == NULL ? conf : str_fmt(plan->context->arena, "%.*s=%.*s", STR_ARG(name), STR_ARG(value)));
}

static bool take_option(Plan *plan, Str name, OptionKind kind, Str value, Err *err) {
    EmSubmit *submit = plan->submit;
    switch (kind) {
    case CONF: take_conf(plan, name, value); return true;
    case MASTER:
        if (!str_starts_with(value, STR("local"))) {
            note(plan, "master", value, plan->context->master_url);
            return true;
        }
        break;
    case DROPPED: note(plan, "deploy mode", value, STR("client, on the master's node,")); return true;
    case FILES:
        if (!fetch_files(plan, value, &value, err)) {
            return false;
        }
        break;
    case MEMORY: value = cut_memory(plan, "executor memory", value, plan->context->worker_memory_mib); break;
    case CORES: value = cut_cores(plan, value); break;
    case DRIVER_MEMORY: submit->driver_memory = value; break;
    case DRIVER_OPTIONS: plan->driver_options = value; break;
    case DRIVER_CLASS_PATH: submit->driver_class_path = value; break;
    case DRIVER_LIBRARY_PATH: submit->driver_library_path = value; break;
    case LAUNCHER: submit->needs_launcher = true; break;
    case KEPT:
    case SWITCH:
    case LAUNCHER_SWITCH: break;
    }
    push(plan, name);
    push(plan, value);
    return true;
}

/* Words between blanks, with quotes and backslashes as Spark's launcher reads them. */
static const char *const *split_options(Arena *arena, Str text) {
    Words words = {.arena = arena};
    StrBuf word = {.arena = arena};
    bool is_open = false;
    char quote = 0;
    for (size_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.data[i] : ' ';
        if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
            if (is_open) {
                VEC_PUSH(&words, str_to_c(arena, strbuf_str(&word)));
                word = (StrBuf){.arena = arena};
                is_open = false;
            }
        } else if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
            is_open = true;
        } else if (quote != 0 && c == quote) {
            quote = 0;
        } else {
            if (c == '\\' && quote != '\'' && i + 1 < text.len) {
                c = text.data[++i];
            }
            strbuf_add_char(&word, c);
            is_open = true;
        }
    }
    VEC_PUSH(&words, NULL);
    return words.items;
}

/* The options up to the application's file. */
static bool take_options(Plan *plan, const Str *words, size_t count, size_t *ret_at, Err *err) {
    size_t at = 0;
    while (at < count && words[at].len > 0 && words[at].data[0] == '-') {
        const char *equals = str_starts_with(words[at], STR("--")) ? memchr(words[at].data, '=', words[at].len) : NULL;
        Str name = equals == NULL ? words[at] : str_slice(words[at], 0, (size_t)(equals - words[at].data));
        const Option *option = find_option(name);
        bool is_switch = option != NULL && (option->kind == SWITCH || option->kind == LAUNCHER_SWITCH);
        at++;
        if (option == NULL) {
            plan->submit->needs_launcher = true; /* it says what is wrong in Spark's own words */
            push(plan, words[at - 1]);
        } else if (is_switch) {
            plan->submit->needs_launcher |= option->kind == LAUNCHER_SWITCH;
            push(plan, name);
        } else if (equals == NULL && at == count) {
            plan->submit->needs_launcher = true;
            push(plan, name);
        } else {
            Str value = equals != NULL ? str_slice(words[at - 1], name.len + 1, words[at - 1].len) : words[at++];
            if (!take_option(plan, name, option->kind, value, err)) {
                return false;
            }
        }
    }
    *ret_at = at;
    return true;
}

bool em_plan_submit(const EmSubmitContext *context, const Str *words, size_t count, EmSubmit *ret_submit, Err *err) {
    Arena *arena = context->arena;
    void *self = context->self;
    Plan plan = {.context = context, .submit = ret_submit, .arguments = {.arena = arena}, .notes = {.arena = arena}};
    size_t at = 0;
    *ret_submit = (EmSubmit){.driver_memory = context->setting(self, STR("spark.driver.memory")),
                             .driver_class_path = context->setting(self, STR("spark.driver.extraClassPath")),
                             .driver_library_path = context->setting(self, STR("spark.driver.extraLibraryPath"))};
    plan.driver_options = context->setting(self, STR("spark.driver.extraJavaOptions"));
    /* First, so that a --master local of the step comes later and counts. */
    push(&plan, STR("--master"));
    push(&plan, context->master_url);
    if (!take_options(&plan, words, count, &at, err)) {
        return false;
    }
    if (at == count) {
        ret_submit->needs_launcher = true;
    } else {
        Str file = words[at];
        if (is_s3(file) && !context->fetch(self, file, &file, err)) {
            return false;
        }
        push(&plan, file);
    }
    for (size_t i = at + 1; i < count; i++) {
        push(&plan, words[i]);
    }
    VEC_PUSH(&plan.arguments, NULL);
    Str memory = ret_submit->driver_memory.len > 0 ? ret_submit->driver_memory : STR("1g");
    memory = cut_memory(&plan, "driver memory", memory, context->driver_memory_limit_mib);
    int64_t mib = em_memory_mib(memory);
    ret_submit->needs_launcher |= mib < 0;
    ret_submit->driver_memory = str_fmt(arena, "%lldm", (long long)mib);
    ret_submit->arguments = plan.arguments.items;
    ret_submit->driver_java_options = split_options(arena, plan.driver_options);
    ret_submit->notes = strbuf_str(&plan.notes);
    return true;
}
