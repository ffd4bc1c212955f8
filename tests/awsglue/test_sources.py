"""Reading: catalog tables in csv, json and parquet, partitions, and files by options."""

from __future__ import annotations

import bz2
import gzip

import pytest

from awsglue.errors import EntityNotFoundException, GlueException, IllegalArgumentException, NotImplementedInSolder
from tests.awsglue.conftest import JSON, OPEN_CSV, PARQUET, rows


def read(glue, name, **options):
    return glue.create_dynamic_frame.from_catalog(database="db", table_name=name, **options)


def test_csv_table_of_strings(glue, catalog, folder):
    place = folder("t", {"a.csv": 'id,name,age\n1,"Allen, Miss ""E""",29\n2,Bob,\n'})
    catalog.table(
        "people",
        place,
        "id string, name string, age string",
        serde_parameters={"field.delim": ","},
        parameters={"classification": "csv", "skip.header.line.count": "1"},
    )
    frame = read(glue, "people")
    assert frame.name == "people"
    assert rows(frame) == [("1", 'Allen, Miss "E"', "29"), ("2", "Bob", "")]
    assert [f.dataType.typeName() for f in frame.schema()] == ["string"] * 3


def test_a_blank_string_is_empty_and_the_null_text_is_null(glue, catalog, folder):
    place = folder("t", {"a.csv": "a|\\N\n|b\n"})
    catalog.table("t", place, "x string, y string", serde_parameters={"field.delim": "|", "serialization.null.format": "\\N"})
    assert rows(read(glue, "t")) == [("", "b"), ("a", None)]


def test_hive_separator_is_the_default_without_classification(glue, catalog, folder):
    catalog.table("t", folder("t", {"a": "1\x01x,y\n"}), "a string, b string")
    assert rows(read(glue, "t")) == [("1", "x,y")]


def test_open_csv(glue, catalog, folder):
    place = folder("t", {"a.csv": "a;b\n1;'it;s'\n"})
    parameters = {"separatorChar": ";", "quoteChar": "'", "escapeChar": "\\"}
    catalog.table("t", place, "a bigint, b string", OPEN_CSV, parameters, {"skip.header.line.count": "1"})
    assert rows(read(glue, "t")) == [(1, "it;s")]


def test_quotes_can_be_turned_off(glue, catalog, folder):
    catalog.table("t", folder("t", {"a.csv": '"a,b"\n'}), "x string, y string", serde_parameters={"field.delim": ",", "quoteChar": "-1"})
    assert rows(read(glue, "t")) == [('"a', 'b"')]


def test_ragged_lines_are_filled_and_cut(glue, catalog, folder):
    catalog.table("t", folder("t", {"a.csv": "1,x,y\n2\n"}), "a int, b string", serde_parameters={"field.delim": ","})
    frame = read(glue, "t")
    assert rows(frame) == [(1, "x"), (2, "")]
    assert frame.errorsCount() == 0


def test_typed_columns_that_all_fit(glue, catalog, folder):
    place = folder("t", {"a.csv": "7,2.5,true,2024-02-29,2024-02-29 10:00:00\n,,,,\n"})
    catalog.table("t", place, "i int, d double, b boolean, day date, at timestamp", serde_parameters={"field.delim": ","})
    frame = read(glue, "t")
    assert [f.dataType.typeName() for f in frame.schema()] == ["int", "double", "boolean", "date", "timestamp"]
    got = rows(frame)
    assert got[1] == (None,) * 5
    assert got[0][:3] == (7, 2.5, True) and str(got[0][3]) == "2024-02-29" and str(got[0][4]) == "2024-02-29 10:00:00"


def test_values_that_do_not_fit_make_a_choice(glue, catalog, folder, capsys):
    catalog.table("t", folder("t", {"a.csv": "1,a\nx1,b\n,c\n2.5,d\n"}), "id bigint, s string", serde_parameters={"field.delim": ","})
    frame = read(glue, "t")
    frame.printSchema()
    assert capsys.readouterr().out == "root\n|-- id: choice\n|    |-- long\n|    |-- string\n|-- s: string\n\n"
    df = frame.toDF()
    assert df.schema["id"].dataType.simpleString() == "struct<long:bigint,string:string>"
    assert {r["s"]: None if r["id"] is None else tuple(r["id"]) for r in df.collect()} == {
        "a": (1, None),
        "b": (None, "x1"),
        "c": None,
        "d": (None, "2.5"),
    }


def test_a_data_frame_has_no_choices(glue, catalog, folder):
    catalog.table("t", folder("t", {"a.csv": "1,a\nx1,b\n"}), "id bigint, s string", serde_parameters={"field.delim": ","})
    df = glue.create_data_frame.from_catalog(database="db", table_name="t")
    assert df.schema.simpleString() == "struct<id:bigint,s:string>" and rows(df) == [(1, "a"), (None, "b")]


def test_json_table(glue, catalog, folder):
    place = folder("t", {"a.json": '{"a": 1, "b": {"c": "x"}, "l": [1, 2]}\n{"a": "n/a", "extra": 1}\n'})
    catalog.table("t", place, "a bigint, b struct<c:string>, l array<int>", JSON)
    got = rows(read(glue, "t"))
    assert [(r[0] and tuple(r[0]), r[1] and tuple(r[1]), r[2]) for r in got] == [((1, None), ("x",), [1, 2]), ((None, "n/a"), None, None)]


def test_malformed_json_lines_are_error_records(glue, catalog, folder):
    catalog.table("t", folder("t", {"a.json": '{"a": "1"}\n{"a": \n{"a": "3"}\n'}), "a string", JSON)
    frame = read(glue, "t")
    assert frame.count() == 2
    assert frame.errorsCount() == 1 and frame.stageErrorsCount() == 1
    error = frame.errorsAsDynamicFrame().toDF().collect()[0]["error"]
    assert (
        error["msg"] == "malformed JSON record"
        and error["dynamicRecord"]["line"] == '{"a": '
        and error["callsite"]["info"] == "reading db.t"
    )


def test_json_mapping_renames(glue, catalog, folder):
    catalog.table("t", folder("t", {"a.json": '{"userId": "u1"}\n'}), "user_id string", JSON, {"mapping.user_id": "userId"})
    assert rows(read(glue, "t")) == [("u1",)]


def test_parquet_table_has_the_types_of_its_files(glue, spark, catalog, tmp_path):
    spark.createDataFrame([(1, "x")], "a int, b string").write.parquet(str(tmp_path / "t"))
    catalog.table("t", tmp_path / "t", "a bigint, b string", PARQUET)
    frame = read(glue, "t")
    assert rows(frame) == [(1, "x")] and frame.schema().getField("a").dataType.typeName() == "int"


@pytest.fixture
def sales(catalog, folder):
    place = folder("sales", {f"year={y}/month={m}/p.csv": f"{y}{m},x\n" for y in ("2023", "2024") for m in ("01", "02")})
    catalog.table("sales", place, "n int, s string", serde_parameters={"field.delim": ","}, keys="year int, month string")
    for y in ("2023", "2024"):
        for m in ("01", "02"):
            catalog.partition("sales", [y, m], place / f"year={y}" / f"month={m}")
    return place


def test_partition_columns(glue, sales):
    frame = read(glue, "sales")
    assert rows(frame) == [(202301, "x", 2023, "01"), (202302, "x", 2023, "02"), (202401, "x", 2024, "01"), (202402, "x", 2024, "02")]
    assert [(f.name, f.dataType.typeName()) for f in frame.schema()] == [
        ("n", "int"),
        ("s", "string"),
        ("year", "int"),
        ("month", "string"),
    ]


def test_push_down_predicate(glue, sales):
    assert rows(read(glue, "sales", push_down_predicate="year > 2023 and month = '02'")) == [(202402, "x", 2024, "02")]
    both = read(glue, "sales", push_down_predicate="year > 2023", additional_options={"catalogPartitionPredicate": "month='01'"})
    assert rows(both) == [(202401, "x", 2024, "01")]
    assert read(glue, "sales", push_down_predicate="year = 1999").count() == 0


def test_a_predicate_on_no_partition_column_says_so(glue, sales):
    with pytest.raises(IllegalArgumentException, match=r"db\.sales.*'n > 1'.*partition columns \(year, month\)"):
        read(glue, "sales", push_down_predicate="n > 1")


def test_partitions_in_odd_places(glue, catalog, folder):
    place = folder("t", {"first/p.csv": "1\n", "else/where/p.csv": "2\n"})
    catalog.table("t", place, "n int", serde_parameters={"field.delim": ","}, keys="k string")
    catalog.partition("t", ["a"], place / "first")
    catalog.partition("t", ["b"], place / "else" / "where")
    assert rows(read(glue, "t")) == [(1, "a"), (2, "b")]


def test_partitioned_parquet(glue, spark, catalog, tmp_path):
    spark.createDataFrame([(1, "01"), (2, "02")], "n int, k string").write.partitionBy("k").parquet(str(tmp_path / "t"))
    catalog.table("t", tmp_path / "t", "n int", PARQUET, keys="k string")
    for k in ("01", "02"):
        catalog.partition("t", [k], tmp_path / "t" / f"k={k}")
    assert rows(read(glue, "t")) == [(1, "01"), (2, "02")]
    assert rows(read(glue, "t", push_down_predicate="k = '02'")) == [(2, "02")]


def test_no_registered_partition_is_an_empty_frame(glue, catalog, folder):
    catalog.table("t", folder("t", {"k=a/p.csv": "1\n"}), "n int", keys="k string")
    frame = read(glue, "t")
    assert frame.count() == 0 and [f.name for f in frame.schema()] == ["n", "k"]


def test_missing_names(glue, catalog):
    with pytest.raises(EntityNotFoundException, match=r"table db\.nope is not in the Data Catalog"):
        read(glue, "nope")
    with pytest.raises(EntityNotFoundException, match=r"database other "):
        glue.create_dynamic_frame.from_catalog(database="other", table_name="nope")
    with pytest.raises(IllegalArgumentException, match="table_name is missing"):
        glue.create_dynamic_frame.from_catalog(database="db")
    with pytest.raises(IllegalArgumentException, match="database or name_space"):
        glue.create_dynamic_frame.from_catalog(database="db", name_space="db", table_name="x")


def test_no_catalog_at_all(glue, monkeypatch):
    monkeypatch.delenv("SOLDER_CATALOG_FILE", raising=False)
    with pytest.raises(GlueException, match="there is no Data Catalog here"):
        read(glue, "t")


def test_what_can_not_be_read_is_named(glue, catalog, folder):
    place = folder("t", {"a": "x\n"})
    catalog.table("grok", place, "a string", "com.amazonaws.glue.serde.GrokSerDe")
    catalog.table("lines", place, "a string", parameters={"skip.header.line.count": "2"})
    catalog.table("odd", place, "a sparkles")
    with pytest.raises(NotImplementedInSolder, match="GrokSerDe"):
        read(glue, "grok")
    with pytest.raises(NotImplementedInSolder, match="skip.header.line.count=2"):
        read(glue, "lines")
    with pytest.raises(IllegalArgumentException, match=r"db\.odd, column a: 'sparkles' is not a type"):
        read(glue, "odd")


# ---- from_options


def test_csv_options(glue, folder):
    place = folder("t", {"a.csv": 'a;b\n1;"x;""y"""\n2;\n'})
    options = {"connection_type": "s3", "connection_options": {"paths": [str(place)]}, "format": "csv"}
    with_header = glue.create_dynamic_frame.from_options(**options, format_options={"withHeader": True, "separator": ";"})
    assert [f.name for f in with_header.schema()] == ["a", "b"] and rows(with_header) == [("1", 'x;"y"'), ("2", "")]
    without = glue.create_dynamic_frame.from_options(**options, format_options={"separator": ";"})
    assert [f.name for f in without.schema()] == ["col0", "col1"] and without.count() == 3
    skipped = glue.create_dynamic_frame.from_options(**options, format_options={"separator": ";", "skipFirst": "true", "quoteChar": -1})
    assert rows(skipped) == [("1", '"x'), ("2", "")]


def test_json_options(glue, folder):
    place = folder("t", {"deep/a.json": '{"a": 1}\nbroken\n{"a": 2}\n'})
    frame = glue.create_dynamic_frame.from_options("s3", {"paths": [str(place)], "recurse": True}, "json")
    assert rows(frame) == [(1,), (2,)] and frame.errorsCount() == 1


def test_parquet_options(glue, spark, tmp_path):
    spark.range(3).write.parquet(str(tmp_path / "p"))
    for connection in (("s3", "parquet"), ("parquet", None)):
        assert glue.create_dynamic_frame.from_options(connection[0], {"path": str(tmp_path / "p")}, connection[1]).count() == 3
    source = glue.getSource("file", paths=[str(tmp_path / "p")])
    source.setFormat("parquet")
    assert source.getSampleFrame(2).count() == 2


def test_bad_source_options(glue, folder):
    place = str(folder("t", {"a.csv": "1\n"}))
    with pytest.raises(IllegalArgumentException, match="format is missing"):
        glue.create_dynamic_frame.from_options("s3", {"paths": [place]})
    with pytest.raises(IllegalArgumentException, match='"paths"'):
        glue.create_dynamic_frame.from_options("s3", {}, "csv")
    with pytest.raises(IllegalArgumentException, match="separator='ab': must be one character"):
        glue.create_dynamic_frame.from_options("s3", {"paths": [place]}, "csv", {"separator": "ab"})
    with pytest.raises(NotImplementedInSolder, match="format='xml'"):
        glue.create_dynamic_frame.from_options("s3", {"paths": [place]}, "xml")
    with pytest.raises(NotImplementedInSolder, match="connection_type='mysql'"):
        glue.create_dynamic_frame.from_options("mysql", {"url": "x"})
    with pytest.raises(NotImplementedInSolder, match="exclusions"):
        glue.create_dynamic_frame.from_options("s3", {"paths": [place], "exclusions": '["**.tmp"]'}, "csv")


def test_compression_of_a_table_is_told_by_the_names(glue, catalog, folder):
    """compressionType, as crawlers note it, is held against the files; text is never made of compressed bytes."""
    good, bad = folder("good", {}), folder("bad", {})
    (good / "a.csv.bz2").write_bytes(bz2.compress(b"1,x\n"))
    (bad / "a.csv").write_bytes(gzip.compress(b"1,x\n"))
    for name, place, word in (("good", good, "bzip2"), ("bad", bad, "gzip")):
        catalog.table(name, place, "a int, b string", parameters={"classification": "csv", "compressionType": word})
    assert rows(read(glue, "good")) == [(1, "x")]
    with pytest.raises(IllegalArgumentException, match=r"a\.csv does not end with \.gz"):
        read(glue, "bad")
    with pytest.raises(IllegalArgumentException, match="compressionType='rar': one of gzip, bzip2"):
        glue.create_dynamic_frame.from_options("s3", {"paths": [str(good)], "compressionType": "rar"}, "csv")
