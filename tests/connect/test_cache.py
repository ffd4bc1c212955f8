"""Cached relations: what real Spark answers to the same steps, and what only Solder's engine can be asked."""

from __future__ import annotations

import pathlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql.connect.proto import base_pb2

from tests.conftest import connect_mode
from tests.connect.raw import Client, endless_plan, wait_until

Steps = Callable[[Any, pathlib.Path], Iterator[Any]]


def rows_of(folder: pathlib.Path) -> list[pathlib.Path]:
    """The data files of a directory that Spark wrote."""
    return sorted(folder.glob("*.parquet"))


def change_files(spark: Any, folder: pathlib.Path, rows: int, aside: pathlib.Path) -> None:
    """Other files in the place of a directory's, behind the back of the session."""
    spark.range(rows).write.parquet(str(aside))
    for file in rows_of(folder):
        file.unlink()
    for file in rows_of(aside):
        shutil.copy(file, folder / file.name)


def files_that_change(spark: Any, folder: pathlib.Path) -> Iterator[Any]:
    source = folder / "source"
    spark.range(5).write.parquet(str(source))
    frame = spark.read.parquet(str(source))
    yield str(frame.storageLevel)
    frame.cache()
    yield str(frame.storageLevel), frame.is_cached, frame.count()
    change_files(spark, source, 3, folder / "aside")
    yield frame.count(), frame.groupBy().sum("id").collect(), frame.filter("id > 1").count()
    frame.createOrReplaceTempView("v")
    yield spark.sql("select sum(id) from v").collect(), spark.catalog.isCached("v")
    frame.unpersist()
    yield str(frame.storageLevel), spark.catalog.isCached("v"), spark.read.parquet(str(source)).count()


def files_that_go(spark: Any, folder: pathlib.Path) -> Iterator[Any]:
    source = folder / "source.csv"
    source.write_text("a,b\n1,x\n2,y\n")
    read = spark.read.csv(str(source), header=True, inferSchema=True)
    frame = read.filter(read["a"] > 0).cache()
    yield frame.count(), frame.select(frame["a"], read["b"]).collect()
    source.write_text("z,b,k\n1.5,x,3\n")
    yield frame.collect(), frame.columns, frame.select("a").collect()
    yield frame.join(frame.withColumnRenamed("b", "other"), "a").count()
    yield spark.read.csv(str(source), header=True, inferSchema=True).collect()
    source.unlink()
    frame.createOrReplaceTempView("v")
    yield frame.filter("a = 1").collect(), spark.sql("select max(a) from v").collect(), spark.catalog.isCached("v")
    frame.unpersist()
    try:
        yield frame.collect()
    except Exception:  # noqa: BLE001 - the engines' words differ, that it fails does not
        yield "gone"


def writes_by_the_session(spark: Any, folder: pathlib.Path) -> Iterator[Any]:
    path = str(folder / "written")
    spark.range(4).write.parquet(path)
    frame = spark.read.parquet(path).cache()
    yield frame.count()
    spark.range(6).write.mode("append").parquet(path)
    yield frame.count(), str(frame.storageLevel), spark.read.parquet(path).count()
    spark.range(9).write.mode("overwrite").parquet(path)
    yield spark.read.parquet(path).count()
    again = spark.read.parquet(path).cache()
    yield again.count()
    change_files(spark, folder / "written", 2, folder / "aside")
    yield again.count()
    spark.catalog.refreshByPath(path)
    yield spark.read.parquet(path).count()


def names(spark: Any, folder: pathlib.Path) -> Iterator[Any]:
    def cached(*tables: str) -> list[bool]:
        return [spark.catalog.isCached(table) for table in tables]

    spark.range(10).createOrReplaceTempView("a")
    spark.sql("select id * 2 as x from a").createOrReplaceTempView("b")
    spark.catalog.cacheTable("a")
    yield cached("a", "b"), str(spark.table("a").storageLevel)
    spark.table("b").cache()
    yield cached("a", "b")
    spark.catalog.uncacheTable("a")
    yield cached("a", "b")
    spark.sql("cache table a")
    spark.catalog.dropTempView("a")
    spark.range(10).createOrReplaceTempView("a")
    yield cached("a", "b")
    spark.sql("cache table a")
    spark.range(10).createOrReplaceTempView("a")
    yield cached("a")
    spark.range(11).createOrReplaceTempView("a")
    yield cached("a")
    spark.range(10).createOrReplaceTempView("a")
    yield cached("a")
    spark.sql("cache table a")
    spark.sql("drop view a")
    spark.range(10).createOrReplaceTempView("a")
    yield cached("a", "b")
    spark.sql("clear cache")
    yield cached("a", "b")
    frame = spark.range(12)
    frame.cache()
    frame.createOrReplaceTempView("u")
    yield cached("u")
    spark.catalog.dropTempView("u")
    yield str(frame.storageLevel)
    frame.createOrReplaceTempView("u")
    frame.createOrReplaceTempView("u2")
    spark.catalog.cacheTable("u2")
    yield cached("u", "u2"), str(frame.storageLevel)
    spark.catalog.uncacheTable("u")
    yield cached("u", "u2")


def statements(spark: Any, folder: pathlib.Path) -> Iterator[Any]:
    spark.sql("cache lazy table c options('storageLevel' 'DISK_ONLY') as select 1 as one")
    yield spark.catalog.isCached("c"), str(spark.table("c").storageLevel), spark.table("c").collect()
    spark.sql("uncache table c")
    yield spark.catalog.isCached("c")
    spark.sql("uncache table if exists nothing")
    for text in ("uncache table nothing", "cache table nothing", "cache table c as select 2"):
        try:
            yield spark.sql(text).collect()
        except AnalysisException as error:
            yield str(error).split("]")[0]


def eager_and_lazy(spark: Any, folder: pathlib.Path) -> Iterator[Any]:
    for statement in ("cache table eager", "cache lazy table eager"):
        source = folder / statement.replace(" ", "_")
        spark.range(5).write.parquet(str(source))
        spark.read.parquet(str(source)).createOrReplaceTempView("eager")
        spark.sql(statement)
        shutil.rmtree(source)
        try:
            yield spark.table("eager").count()
        except Exception:  # noqa: BLE001
            yield "its files are gone"
        spark.catalog.clearCache()


def parts_of_plans(spark: Any, folder: pathlib.Path) -> Iterator[Any]:
    inner = spark.range(20).filter("id > 3")
    inner.persist()
    outer = inner.selectExpr("id + 1 as y")
    outer.cache()
    yield outer.count(), str(inner.storageLevel), str(outer.storageLevel)
    inner.unpersist()
    yield str(inner.storageLevel), str(outer.storageLevel), outer.count()
    yield str(spark.range(20).filter("id > 3").selectExpr("id + 1 as other_name").storageLevel)
    yield str(spark.range(20).filter("id > 4").selectExpr("id + 1 as y").storageLevel)
    yield outer.alias("l").join(outer.alias("r"), "y").count()
    spark.catalog.clearCache()
    yield str(outer.storageLevel)
    empty = spark.range(3).select()
    empty.cache()
    yield empty.count(), str(empty.storageLevel)
    nested = spark.sql("select array(struct(1 as a, map('k', 2.5) as m)) as n, cast(null as void) as v, timestamp'2024-01-02 03:04:05' as t").cache()
    yield nested.collect(), nested.collect(), nested.dtypes


@pytest.fixture
def quiet_catalog(spark_classic: Any, spark_engine: Any) -> Iterator[None]:
    """Both sessions without caches and views of these tests, before and after."""
    for _ in range(2):
        for spark in (spark_classic, spark_engine):
            spark.catalog.clearCache()
            for view in ("a", "b", "c", "u", "u2", "v", "eager"):
                spark.catalog.dropTempView(view)
        if _ == 0:
            yield


@pytest.mark.parametrize("steps", [files_that_change, files_that_go, writes_by_the_session, names, statements, eager_and_lazy, parts_of_plans])
def test_as_spark(quiet_catalog: None, spark_classic: Any, spark_engine: Any, tmp_path: pathlib.Path, steps: Steps) -> None:
    said = {}
    for mode, spark in ((False, spark_classic), (True, spark_engine)):
        folder = tmp_path / f"connect-{mode}"
        folder.mkdir()
        with connect_mode(mode):
            said[mode] = list(steps(spark, folder))
    assert said[True] == said[False] and len(said[True]) > 1


def test_rows_are_made_once(spark_engine: Any) -> None:
    """By however many actions at once; uuid() would give others each time."""
    frame = spark_engine.sql("select id, uuid() as name from range(50000)").cache()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: frame.toPandas()["name"].tolist(), range(6)))
    assert len(set(answers[0])) == 50000
    assert all(answer == answers[0] for answer in answers)
    assert "InMemoryTableScan" in frame.filter("id > 3")._explain_string()
    frame.unpersist()
    assert frame.toPandas()["name"].tolist() != answers[0]


def test_another_session_has_none_of_it(engine_remote: str, spark_engine: Any) -> None:
    with connect_mode(True):
        from pyspark.sql.connect.session import SparkSession

        other = SparkSession(connection=engine_remote)
    frame = spark_engine.range(77).cache()
    assert frame.count() == 77
    assert str(other.range(77).storageLevel) == "Serialized 1x Replicated"
    frame.unpersist()


def test_a_new_dataframe_means_what_its_view_is_now(quiet_catalog: None, spark_engine: Any) -> None:
    spark_engine.sql("select 1 as a").createOrReplaceTempView("v")
    frame = spark_engine.sql("select a from v where a > 0").cache()
    assert frame.collect() == [(1,)]
    spark_engine.sql("select 2 as a").createOrReplaceTempView("v")
    assert spark_engine.sql("select a from v where a > 0").collect() == [(2,)]
    spark_engine.catalog.clearCache()


def test_time_zones_have_rows_of_their_own(spark_engine: Any) -> None:
    frame = spark_engine.sql("select cast(timestamp_seconds(id) as string) as t from range(2)").cache()
    assert frame.first()[0] == "1970-01-01 00:00:00"
    try:
        spark_engine.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
        assert frame.first()[0] == "1970-01-01 09:00:00"
    finally:
        spark_engine.conf.set("spark.sql.session.timeZone", "UTC")
    frame.unpersist()


def test_a_failure_keeps_nothing(spark_engine: Any, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("x\n")
    frame = spark_engine.read.schema("a int").csv(str(source), mode="FAILFAST").cache()
    for _ in range(2):
        with pytest.raises(Exception, match="MALFORMED_RECORD_IN_PARSING|FAILFAST|alformed"):
            frame.collect()
    source.write_text("7\n")
    assert frame.first()[0] == 7
    source.write_text("8\n")
    assert frame.first()[0] == 7
    frame.unpersist()


def test_an_interrupt_ends_the_filling(engine_remote: str) -> None:
    client, plan = Client(engine_remote), endless_plan()
    request = base_pb2.AnalyzePlanRequest(session_id=client.session_id, user_context=client.user)
    request.persist.relation.CopyFrom(plan.root)
    client.stub.AnalyzePlan(request)
    ended: list[Exception] = []

    def collect() -> None:
        try:
            list(client.execute(plan))
        except Exception as error:  # noqa: BLE001
            ended.append(error)

    waiting = [threading.Thread(target=collect) for _ in range(3)]
    for thread in waiting:
        thread.start()
    wait_until(lambda: client.running() >= 3, 20)
    client.interrupt()
    for thread in waiting:
        thread.join(30)
    assert len(ended) == 3 and all("OPERATION_CANCELED" in str(error) or "canceled" in str(error) for error in ended)
    client.close()
