"""SQL commands, spark.catalog, AnalyzePlan's forms, and what is refused by name."""

from __future__ import annotations

import pathlib
from typing import Any, Callable

import pytest
from pyspark.errors import AnalysisException, ParseException
from pyspark.errors.exceptions.connect import UnsupportedOperationException

from tests.conftest import connect_mode


def test_version(spark_engine: Any) -> None:
    assert spark_engine.version.startswith("3.5.")


@pytest.mark.parametrize("ddl", ["a int, b string", "struct<a:array<map<string,decimal(10,2)>>>", "int", "a timestamp_ntz not null comment 'x'"])
def test_ddl(spark_classic: Any, spark_engine: Any, ddl: str) -> None:
    from pyspark.sql.types import _parse_datatype_string

    with connect_mode(False):
        expected = _parse_datatype_string(ddl)
    got = spark_engine.client._analyze(method="ddl_parse", ddl_string=ddl).parsed
    assert got == expected


def test_ddl_error(spark_engine: Any) -> None:
    with pytest.raises(ParseException, match="PARSE_SYNTAX_ERROR"):
        spark_engine.client._analyze(method="ddl_parse", ddl_string="a int,,")


def test_sql_errors_are_raised_at_once(spark_engine: Any) -> None:
    with pytest.raises(ParseException, match="PARSE_SYNTAX_ERROR"):
        spark_engine.sql("selec 1")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark_engine.sql("select * from nowhere")


def test_sql_arguments(spark_engine: Any) -> None:
    assert spark_engine.sql("select :a + 1 as x, :b as y", args={"a": 1, "b": "z"}).collect() == [(2, "z")]
    assert spark_engine.sql("select ? as x, ? as y", args=[1, "z"]).collect() == [(1, "z")]


def test_views_in_sql(spark_engine: Any) -> None:
    assert spark_engine.sql("create temporary view sql_view as select 1 as a union all select 2").collect() == []
    with pytest.raises(AnalysisException, match="TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"):
        spark_engine.sql("create temporary view sql_view as select 1")
    spark_engine.sql("create or replace temporary view sql_view as select * from sql_view where a > 1")
    assert [row.a for row in spark_engine.sql("select * from sql_view").collect()] == [2]
    assert ("", "sql_view", True) in [tuple(row) for row in spark_engine.sql("show tables").collect()]
    assert [tuple(row) for row in spark_engine.sql("describe sql_view").collect()] == [("a", "int", None)]
    spark_engine.sql("drop view sql_view")
    spark_engine.sql("drop view if exists sql_view")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark_engine.sql("drop view sql_view")


def test_set_and_reset(spark_engine: Any) -> None:
    assert spark_engine.sql("set my.own = 5").collect() == [("my.own", "5")]
    assert spark_engine.conf.get("my.own") == "5"
    assert spark_engine.sql("set my.own").collect() == [("my.own", "5")]
    spark_engine.sql("reset my.own")
    assert spark_engine.sql("set my.own").collect() == [("my.own", "<undefined>")]
    assert spark_engine.conf.get("my.own", "none") == "none"


def test_config_forms(spark_engine: Any) -> None:
    conf = spark_engine.conf
    conf.set("spark.sql.shuffle.partitions", 7)
    assert conf.get("spark.sql.shuffle.partitions") == "7"
    conf.unset("spark.sql.shuffle.partitions")
    assert conf.get("spark.sql.shuffle.partitions") == "200"
    assert conf.isModifiable("spark.sql.shuffle.partitions") and not conf.isModifiable("spark.sql.warehouse.dir")
    with pytest.raises(AnalysisException, match="CANNOT_MODIFY_CONFIG"):
        conf.set("spark.sql.warehouse.dir", "x")
    with pytest.warns(UserWarning, match="has been deprecated"):
        conf.set("spark.sql.execution.arrow.enabled", "true")


def test_catalog(spark_engine: Any) -> None:
    catalog = spark_engine.catalog
    assert catalog.currentCatalog() == "spark_catalog" and [c.name for c in catalog.listCatalogs()] == ["spark_catalog"]
    assert "default" in [d.name for d in catalog.listDatabases()] and catalog.databaseExists("DEFAULT")
    assert catalog.functionExists("upper") and not catalog.functionExists("no_such_function")
    assert "upper" in [f.name for f in catalog.listFunctions()] and not catalog.tableExists("nowhere")
    spark_engine.range(1).createOrReplaceTempView("listed")
    assert ("listed", "TEMPORARY", True) in [(t.name, t.tableType, t.isTemporary) for t in catalog.listTables()]
    assert catalog.getTable("listed").isTemporary
    assert [(c.name, c.dataType, c.nullable) for c in catalog.listColumns("listed")] == [("id", "bigint", False)]
    assert not catalog.isCached("listed")
    catalog.cacheTable("listed")
    assert catalog.isCached("listed")
    catalog.uncacheTable("listed")
    assert not catalog.isCached("listed")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        catalog.getTable("nowhere")
    assert catalog.dropTempView("listed") and not catalog.dropTempView("listed")


def test_plan_questions(spark_engine: Any, tmp_path: pathlib.Path) -> None:
    frame = spark_engine.range(3)
    assert frame.sameSemantics(spark_engine.range(3)) and not frame.sameSemantics(spark_engine.range(4))
    assert frame.semanticHash() == spark_engine.range(3).semanticHash()
    assert not frame.isLocal() and not frame.isStreaming
    file = tmp_path / "one.csv"
    file.write_text("a,b\n1,2\n")
    assert spark_engine.read.csv(str(file), header=True).inputFiles() == [file.as_uri()]
    assert frame.storageLevel.useMemory is False
    frame.cache()
    assert frame.storageLevel.useMemory and frame.collect() == spark_engine.range(3).collect()
    frame.unpersist()
    assert frame.storageLevel.useMemory is False


def test_explain(spark_engine: Any, capsys: Any) -> None:
    spark_engine.range(3).filter("id > 1").explain()
    simple = capsys.readouterr().out
    assert "== Physical Plan ==" in simple and "Filter" in simple and "Range (0, 3, step=1)" in simple
    spark_engine.range(3).explain(extended=True)
    extended = capsys.readouterr().out
    assert "== Parsed Logical Plan ==" in extended and "== Analyzed Logical Plan ==" in extended and "id: bigint" in extended
    for mode in ("simple", "extended", "codegen", "cost", "formatted"):
        spark_engine.range(3).explain(mode=mode)
        assert "==" in capsys.readouterr().out


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.range(1).write.saveAsTable("t"),
        lambda s: s.range(1).write.insertInto("t"),
        lambda s: s.range(1).write.orc("/nowhere/at/all"),
        lambda s: s.range(1).writeTo("t").create(),
        lambda s: s.range(1).freqItems(["id"]).collect(),
        lambda s: s.sql("create table t (a int)"),
        lambda s: s.range(1).groupBy("id").applyInPandas(lambda f: f, "id long").collect(),
    ],
)
def test_what_is_not_there_says_so_by_name(spark_engine: Any, act: Callable[[Any], Any]) -> None:
    with connect_mode(True), pytest.raises(UnsupportedOperationException, match=r"^\[SOLDER.NOT_SUPPORTED\] .*not supported"):
        act(spark_engine)


def test_writes_check_first(spark_engine: Any, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "out"
    frame = spark_engine.range(2).selectExpr("id", "id as other")
    with pytest.raises(AnalysisException, match="ALL_PARTITION_COLUMNS_NOT_ALLOWED"):
        frame.write.partitionBy("id", "other").parquet(str(target))
    with pytest.raises(AnalysisException, match="Partition column `nope` not found"):
        frame.write.partitionBy("nope").parquet(str(target))
    with pytest.raises(AnalysisException, match="COLUMN_ALREADY_EXISTS"):
        spark_engine.sql("select 1 a, 2 A").write.parquet(str(target))
    assert not target.exists()
    frame.write.format("noop").mode("overwrite").save()
