/* service/spark_home.h - the Spark that EMR clusters run: where it is, and how its JVMs start quickly.
 *
 * Made by tools/make_spark_home: SPARK_HOME with the S3 connector and an archive of loaded classes (class-data sharing). Invariants: the class
 * path is the same text for every role, and the same with which the archive was made; flags that name the archive are given only when it fits
 * the JVM that is there.
 */
#ifndef SOLDER_SERVICE_SPARK_HOME_H
#define SOLDER_SERVICE_SPARK_HOME_H

#include "base/err.h"

typedef struct SpSparkHome {
    Str directory; /* empty: there is none */
    Str version;   /* 3.5.9 */
    Str java;      /* the program's path */
    Str python;
    Str class_path;
    const char *const *quick_flags;    /* of every JVM; NULL-terminated. They name the archive when it fits */
    const char *const *driver_options; /* NULL-terminated; NULL: unknown, drivers start by bin/spark-submit */
} SpSparkHome;

/* default_directory and python: where the build put Spark, and the Python with pyspark. The environment's SPARK_HOME goes before it. */
bool sp_find_spark(Arena *arena, Str default_directory, Str python, SpSparkHome *ret_home, Err *err);

#endif
