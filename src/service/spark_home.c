/* spark_home.c - see spark_home.h. */
#include "service/spark_home.h"

#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef VEC(const char *) Words;

static bool is_file(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static bool read_text(Arena *arena, Str path, Str *ret_text) {
    FILE *file = fopen(path.data, "re");
    if (file == NULL) {
        return false;
    }
    char chunk[4096];
    StrBuf text = {.arena = arena};
    size_t got = 0;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        strbuf_add(&text, (Str){chunk, got});
    }
    bool ok = ferror(file) == 0;
    (void)fclose(file);
    *ret_text = strbuf_str(&text);
    return ok;
}

static Str find_java(Arena *arena) {
    const char *home = getenv("JAVA_HOME");
    Str candidate = home != NULL && home[0] != '\0' ? str_fmt(arena, "%s/bin/java", home) : STR("");
    if (candidate.len > 0) {
        return access(candidate.data, X_OK) == 0 ? candidate : STR("");
    }
    Str path = str_from_c(getenv("PATH"));
    for (size_t at = 0; at < path.len;) {
        const char *end = memchr(path.data + at, ':', path.len - at);
        size_t folder_end = end == NULL ? path.len : (size_t)(end - path.data);
        candidate = str_fmt(arena, "%.*s/java", STR_ARG(str_slice(path, at, folder_end)));
        if (folder_end > at && access(candidate.data, X_OK) == 0) {
            return candidate;
        }
        at = folder_end + 1;
    }
    return STR("");
}

/* What changes when the JVM does, as tools/make_spark_home writes it beside the archive. */
static Str jvm_identity(Arena *arena, Str java) {
    char *resolved = realpath(java.data, NULL);
    Str path = resolved != NULL ? str_copy(arena, str_from_c(resolved)) : STR("");
    free(resolved);
    for (int i = 0; i < 2; i++) {
        const char *slash = path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;
        path = slash == NULL ? STR("") : str_slice(path, 0, (size_t)(slash - path.data));
    }
    Str library = str_fmt(arena, "%.*s/lib/server/libjvm.so", STR_ARG(path));
    struct stat status;
    return stat(library.data, &status) == 0
               ? str_fmt(arena, "%.*s %lld %lld\n", STR_ARG(library), (long long)status.st_size, (long long)status.st_mtime)
               : STR("");
}

static const char *const *quick_flags(Arena *arena, const SpSparkHome *home) {
    Str archive = str_fmt(arena, "%.*s/spark.jsa", STR_ARG(home->directory));
    Str stamp;
    Words flags = {.arena = arena};
    /* Nobody asks for these at every start: log4j over JMX, counters in a file, a class for each method that reflection has called 15 times. */
    VEC_PUSH(&flags, "-Dlog4j2.disable.jmx=true");
    VEC_PUSH(&flags, "-XX:-UsePerfData");
    VEC_PUSH(&flags, "-Dsun.reflect.inflationThreshold=2000");
    if (is_file(archive.data) && read_text(arena, str_fmt(arena, "%.*s.jvm", STR_ARG(archive)), &stamp) && stamp.len > 0 &&
        str_eq(stamp, jvm_identity(arena, home->java))) {
        VEC_PUSH(&flags, "-XX:+UnlockDiagnosticVMOptions");
        VEC_PUSH(&flags, "-XX:ArchiveRelocationMode=0"); /* so that the JVMs of a machine share its pages */
        VEC_PUSH(&flags, str_fmt(arena, "-XX:SharedArchiveFile=%.*s", STR_ARG(archive)).data);
    }
    VEC_PUSH(&flags, NULL);
    return flags.items;
}

static const char *const *driver_options(Arena *arena, const SpSparkHome *home) {
    Str text;
    Words options = {.arena = arena};
    if (!read_text(arena, str_fmt(arena, "%.*s/driver-options", STR_ARG(home->directory)), &text)) {
        return NULL;
    }
    for (size_t at = 0; at < text.len;) {
        const char *end = memchr(text.data + at, '\n', text.len - at);
        size_t line_end = end == NULL ? text.len : (size_t)(end - text.data);
        if (line_end > at) {
            VEC_PUSH(&options, str_to_c(arena, str_slice(text, at, line_end)));
        }
        at = line_end + 1;
    }
    VEC_PUSH(&options, NULL);
    return options.items;
}

/* "Spark 3.5.9 …" */
static Str read_version(Arena *arena, const SpSparkHome *home) {
    Str text;
    Str word = STR("Spark ");
    if (!read_text(arena, str_fmt(arena, "%.*s/RELEASE", STR_ARG(home->directory)), &text) || !str_starts_with(text, word)) {
        return STR("of an unknown version");
    }
    size_t end = word.len;
    while (end < text.len && text.data[end] > ' ') {
        end++;
    }
    return str_slice(text, word.len, end);
}

bool sp_find_spark(Arena *arena, Str default_directory, Str python, SpSparkHome *ret_home, Err *err) {
    const char *own = getenv("SPARK_HOME");
    SpSparkHome home = {.directory = own != NULL && own[0] != '\0' ? str_copy(arena, str_from_c(own)) : str_copy(arena, default_directory)};
    struct stat status;
    *ret_home = (SpSparkHome){0};
    if (home.directory.len == 0 || stat(str_fmt(arena, "%.*s/jars", STR_ARG(home.directory)).data, &status) != 0) {
        return err_set(err, "SOLDER.NO_SPARK", "there is no Spark in '%.*s': run make deps, or set SPARK_HOME", STR_ARG(home.directory));
    }
    home.java = find_java(arena);
    if (home.java.len == 0) {
        return err_set(err, "SOLDER.NO_SPARK", "Spark needs Java 17: install openjdk-17-jre-headless, or set JAVA_HOME");
    }
    home.python = str_copy(arena, python);
    home.version = read_version(arena, &home);
    home.class_path = str_fmt(arena, "%.*s/conf/:%.*s/jars/*", STR_ARG(home.directory), STR_ARG(home.directory));
    home.quick_flags = quick_flags(arena, &home);
    home.driver_options = driver_options(arena, &home);
    *ret_home = home;
    return true;
}
