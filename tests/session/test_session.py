"""Starting Spark by every name that scripts use, on the engine and without a JVM."""

from __future__ import annotations

import textwrap

import pytest


@pytest.fixture
def run(launch_connected, script):
    """Runs a script's lines; what it printed."""

    def run_text(text: str, *arguments: str) -> str:
        ran = launch_connected(script(textwrap.dedent(text)), *arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run_text


def test_contexts_and_sessions(run):
    out = run("""
        from pyspark import SparkConf
        from pyspark.context import SparkContext
        from pyspark.sql import HiveContext, SparkSession, SQLContext
        sc = SparkContext(conf=SparkConf().setAppName("conf-app").set("spark.sql.shuffle.partitions", "7"))
        spark = SparkSession(sc)
        built = SparkSession.builder.master("local[4]").appName("b").config("spark.sql.shuffle.partitions", "9").enableHiveSupport().getOrCreate()
        print(built is spark, spark.sparkContext is sc, SparkContext.getOrCreate() is sc, SparkSession.getActiveSession() is spark)
        print(spark.conf.get("spark.sql.shuffle.partitions"), sc.appName, sc.version, sc.getConf().get("spark.app.name"))
        print(SQLContext(sc).sql("select 1 + 1 as two").collect(), SQLContext(sc).read is not None, isinstance(HiveContext(sc), SQLContext))
        try:
            SparkContext()
        except ValueError as e:
            print("second:", e)
        sc.setLogLevel("WARN")
        import subprocess, os
        children = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "comm="], capture_output=True, text=True).stdout.split()
        print([c for c in children if c == "java"])
        """).splitlines()
    assert out[0] == "True True True True" and out[1].startswith("9 conf-app 3.5")
    assert out[2] == "[Row(two=2)] True True" and out[3].startswith("second: Cannot run multiple SparkContexts") and out[4] == "[]"


def test_isinstance(run):
    out = run("""
        import pyspark.sql
        from pyspark.sql import Column, DataFrame, GroupedData, Row, SparkSession, functions as F
        from pyspark.sql.column import Column as C2
        from pyspark.sql.dataframe import DataFrame as D2
        from pyspark.sql.session import SparkSession as S2
        from pyspark.sql.window import Window, WindowSpec
        early = F.col("id") + 1
        spark = SparkSession.builder.getOrCreate()
        df = spark.range(2)
        print(isinstance(df, DataFrame), isinstance(df, D2), isinstance(spark, SparkSession), isinstance(spark, S2), isinstance(early, Column), isinstance(early, C2))
        print(isinstance(df.groupBy("id"), GroupedData), isinstance(Window.partitionBy("id"), WindowSpec), isinstance(1, DataFrame), isinstance(df, SparkSession))
        print(df.select(early.alias("x")).collect())
        """).splitlines()
    assert out == ["True True True True True True", "True True False False", "[Row(x=1), Row(x=2)]"]


def test_values_of_the_context(run):
    out = run("""
        from pyspark.sql import Row
        from pyspark import SparkContext
        sc = SparkContext.getOrCreate()
        from pyspark.sql import SparkSession
        spark = SparkSession(sc)
        sc._jsc.hadoopConfiguration().set("fs.s3a.endpoint", "e")
        print(sc._jsc.hadoopConfiguration().get("fs.s3a.endpoint"), spark._jsc.hadoopConfiguration().get("nope", "d"), spark.conf.get("spark.hadoop.fs.s3a.endpoint"))
        rdd = sc.parallelize([1, 2, 3]).map(lambda x: Row(n=x)).filter(lambda r: r.n > 1)
        print(rdd.toDF().collect(), spark.createDataFrame(rdd).count(), rdd.count(), rdd.first(), sc.emptyRDD().isEmpty())
        total = sc.accumulator(0)
        total += 2
        total.add(3)
        print(total.value, sc.broadcast({"k": 1}).value["k"], sc.defaultParallelism > 0)
        """).splitlines()
    assert out == ["e d e", "[Row(n=2), Row(n=3)] 2 2 Row(n=2) True", "5 1 True"]


def test_a_broadcast_in_a_udf(run):
    out = run("""
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
        from pyspark.sql.functions import udf
        sc = SparkContext()
        spark = SparkSession(sc)
        names = sc.broadcast({0: "zero"})
        print(spark.range(1).select(udf(lambda i: names.value[i], "string")("id").alias("n")).collect())
        """)
    assert out == "[Row(n='zero')]\n"


def test_what_needs_a_jvm_is_named(run):
    out = run("""
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
        sc = SparkContext()
        spark = SparkSession(sc)
        for f in (lambda: spark.range(1).rdd, lambda: spark._jvm, lambda: sc._jvm, lambda: sc.textFile("x"), lambda: sc.parallelize([1]).reduceByKey(max),
                  lambda: sc._jsc.sc()):
            try:
                f()
                print("no error")
            except Exception as e:
                print(type(e).__name__, e)
        """).splitlines()
    assert len(out) == 6 and all(("not implemented" in line or "JVM" in line) for line in out), out
    assert "SparkContext.textFile on the embedded engine" in out[3]


def test_stop_and_start_again(run):
    out = run("""
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
        sc = SparkContext()
        one = SparkSession(sc)
        one.range(1).collect()
        sc.stop()
        two = SparkSession.builder.getOrCreate()
        print(two is one, two.range(2).count(), two.sparkContext is sc)
        two.stop()
        with SparkContext() as again:
            print(SparkSession(again).range(3).count())
        """)
    assert out == "False 2 False\n3\n"


def test_closing_one_session_leaves_the_others(run):
    out = run("""
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        for _ in range(5):
            other = spark.newSession()
            other.conf.set("spark.sql.shuffle.partitions", "3")
            rows = spark.range(10).toLocalIterator()
            first = next(rows)
            other.range(2).collect()
            other.stop()
            assert sum(1 for _ in rows) == 9
        other = spark.newSession()
        other.range(1).collect()
        del other
        import gc
        gc.collect()
        print(spark.range(4).count(), spark.conf.get("spark.sql.shuffle.partitions") != "3")
        """)
    assert out == "4 True\n"


def test_an_engine_error_shows_the_scripts_line_only(launch_connected, script):
    ran = launch_connected(
        script(
            "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\nspark.range(1).select('nope').collect()\n"
        )
    )
    assert ran.returncode == 1
    lines = ran.stderr.splitlines()
    assert lines[0].startswith("Traceback") and 'job.py", line 3' in lines[1]
    assert any(line.startswith("AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION]") for line in lines), ran.stderr
    assert "grpc" not in ran.stderr and "pyspark/sql" not in ran.stderr and "caused by" not in ran.stderr


def test_an_engine_that_is_gone_fails_within_seconds(launch, script):
    ran = launch(
        script("from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate().range(1).collect()\n"),
        env={"SPARK_REMOTE": "sc://127.0.0.1:9", "SPARK_CONNECT_MODE_ENABLED": "1", "SOLDER_ENGINE": "1"},
    )
    assert ran.returncode == 1 and 'job.py", line 2' in ran.stderr and "the engine at sc://127.0.0.1:9 does not answer" in ran.stderr
