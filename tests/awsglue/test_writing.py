"""Writing: formats, options, partitions, tables; and that a script runs no more than its write."""

from __future__ import annotations

import pathlib

import pytest

from awsglue import DynamicFrame
from awsglue.dynamicframe import DynamicFrameCollection
from awsglue.errors import IllegalArgumentException, NotImplementedInSolder
from tests.awsglue.conftest import PARQUET, rows


@pytest.fixture
def frame(glue, spark):
    return DynamicFrame.fromDF(spark.createDataFrame([(1, "a,b", ""), (2, 'q"', None)], "n int, s string, e string"), glue, "f")


def data_files(place: pathlib.Path) -> list[pathlib.Path]:
    return sorted(p for p in place.rglob("part-*") if not p.name.endswith(".crc"))


def test_parquet_adds_files(glue, spark, frame, tmp_path):
    for kind in ("parquet", "glueparquet"):
        errors = glue.write_dynamic_frame.from_options(
            frame=frame, connection_type="s3", connection_options={"path": str(tmp_path / "o")}, format=kind
        )
    assert errors.name == "f_errors" and errors.count() == 0
    assert spark.read.parquet(str(tmp_path / "o")).count() == 4
    assert all(".snappy." in p.name for p in data_files(tmp_path / "o")) and (tmp_path / "o" / "_SUCCESS").exists()


def test_csv(glue, frame, tmp_path):
    glue.write_dynamic_frame.from_options(frame.coalesce(1), "s3", {"path": str(tmp_path / "a")}, "csv")
    assert data_files(tmp_path / "a")[0].read_text() == 'n,s,e\n1,"a,b",\n2,"q""",\n'
    glue.write_dynamic_frame.from_options(
        frame.coalesce(1), "s3", {"path": str(tmp_path / "b")}, "csv", {"writeHeader": False, "separator": "|", "quoteChar": -1}
    )
    assert data_files(tmp_path / "b")[0].read_text() == '1|a,b|\n2|q"|\n'


@pytest.mark.parametrize("option, value, ending", [("compression", "gzip", ".gz"), ("compressionType", "bzip2", ".bz2")])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_compressed_and_back(glue, frame, tmp_path, form, option, value, ending):
    glue.write_dynamic_frame.from_options(frame, "s3", {"path": str(tmp_path / "o"), option: value}, form)
    assert all(p.name.endswith(f".{form}{ending}") for p in data_files(tmp_path / "o"))
    source = {"paths": [str(tmp_path / "o")], "compressionType": value}
    back = glue.create_dynamic_frame.from_options("s3", source, form, {"withHeader": True} if form == "csv" else {})
    assert sorted(r["s"] for r in back.toDF().collect()) == ["a,b", 'q"']


def test_partition_keys(glue, spark, frame, tmp_path):
    glue.write_dynamic_frame.from_options(frame, "s3", {"path": str(tmp_path / "o"), "partitionKeys": ["n"]}, "parquet")
    assert sorted(p.name for p in (tmp_path / "o").iterdir() if p.is_dir()) == ["n=1", "n=2"]
    with pytest.raises(IllegalArgumentException, match="no field 'nope'"):
        glue.write_dynamic_frame.from_options(frame, "s3", {"path": str(tmp_path / "p"), "partitionKeys": ["nope"]}, "parquet")


def test_sink_and_collection(glue, spark, frame, tmp_path):
    sink = glue.getSink("s3", path=str(tmp_path / "o"))
    sink.setFormat("json")
    sink.write(DynamicFrameCollection({"x": frame, "y": frame}, glue))
    assert spark.read.json(str(tmp_path / "o" / "y")).count() == 2
    with pytest.raises(TypeError, match="use DynamicFrame.fromDF"):
        sink.writeFrame(frame.toDF())


def test_bad_sinks(glue, frame, tmp_path):
    path = str(tmp_path / "o")
    with pytest.raises(IllegalArgumentException, match='"path" is missing'):
        glue.write_dynamic_frame.from_options(frame, "s3", {}, "parquet")
    with pytest.raises(IllegalArgumentException, match="format is missing"):
        glue.write_dynamic_frame.from_options(frame, "s3", {"path": path})
    with pytest.raises(NotImplementedInSolder, match="format='ion'"):
        glue.write_dynamic_frame.from_options(frame, "s3", {"path": path}, "ion")
    with pytest.raises(IllegalArgumentException, match="there is no format 'parqet'"):
        glue.write_dynamic_frame.from_options(frame, "s3", {"path": path}, "parqet")
    with pytest.raises(IllegalArgumentException, match="compression='rar'"):
        glue.write_dynamic_frame.from_options(frame, "s3", {"path": path, "compression": "rar"}, "json")
    with pytest.raises(NotImplementedInSolder, match="enableUpdateCatalog"):
        glue.write_dynamic_frame.from_options(frame, "s3", {"path": path, "enableUpdateCatalog": True}, "json")
    with pytest.raises(NotImplementedInSolder, match="'redshift'"):
        glue.write_dynamic_frame.from_options(frame, "redshift", {"path": path}, "json")
    assert not (tmp_path / "o").exists()


def test_into_a_csv_table_and_back(glue, spark, catalog, tmp_path):
    catalog.table(
        "t",
        tmp_path / "t",
        "a string, b bigint, c string",
        serde_parameters={"field.delim": "|"},
        parameters={"skip.header.line.count": "1"},
        keys="k string",
    )
    frame = DynamicFrame.fromDF(spark.createDataFrame([(5, "x|y", "01")], "B int, a string, k string"), glue, "f")
    glue.write_dynamic_frame.from_catalog(frame=frame, database="db", table_name="t")
    assert data_files(tmp_path / "t" / "k=01")[0].read_text() == 'a|b|c\n"x|y"|5|\n'
    catalog.partition("t", ["01"])
    assert rows(glue.create_dynamic_frame.from_catalog(database="db", table_name="t")) == [("x|y", 5, "", "01")]


def test_into_a_parquet_table(glue, spark, catalog, tmp_path):
    catalog.table("t", tmp_path / "t", "a string", PARQUET)
    glue.write_data_frame.from_catalog(spark.createDataFrame([("x",)], "a string"), "db", "t")
    assert rows(glue.create_data_frame.from_catalog("db", "t")) == [("x",)]
    foreign = DynamicFrame.fromDF(spark.range(1), glue, "f")
    with pytest.raises(IllegalArgumentException, match="db.t has no column 'id': its columns are a"):
        glue.write_dynamic_frame.from_catalog(foreign, "db", "t")


def test_spigot(glue, spark, frame, tmp_path):
    assert frame.spigot(str(tmp_path / "s"), {"topk": 1}).count() == 2
    assert spark.read.json(str(tmp_path / "s")).count() == 1


def test_error_records_are_not_written(glue, spark, frame, tmp_path):
    kept = frame.filter(lambda row: 1 / (row["n"] - 1))
    errors = glue.write_dynamic_frame.from_options(kept, "s3", {"path": str(tmp_path / "o")}, "json")
    assert spark.read.json(str(tmp_path / "o")).count() == 1 and errors.count() == 1


def test_nothing_is_read_before_the_write(glue, catalog, folder, tmp_path):
    """The reference job's steps up to the write work on a table whose files are not there yet."""
    place = tmp_path / "later"
    catalog.table(
        "t",
        place / "a.csv",
        "id string, name string, age string",
        serde_parameters={"field.delim": ","},
        parameters={"skip.header.line.count": "1"},
    )
    place.mkdir()
    (place / "a.csv").write_text("id,name,age\n")
    source = glue.create_dynamic_frame.from_catalog(database="db", table_name="t")
    kept = source.filter(lambda row: row["age"] and int(row["age"]) > 30)
    final = DynamicFrame.fromDF(kept.toDF().withColumnRenamed("name", "full_name"), glue, "final")
    (place / "a.csv").write_text('id,name,age\n1,"A, b",31\n2,C,0.92\n3,D,\n')
    glue.write_dynamic_frame.from_options(
        frame=final, connection_type="s3", connection_options={"path": str(tmp_path / "o")}, format="json"
    )
    assert [p.read_text() for p in data_files(tmp_path / "o")] == ['{"id":"1","full_name":"A, b","age":"31"}\n']
