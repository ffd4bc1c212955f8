"""DynamicFrame: row functions, columns, looking, thresholds."""

from __future__ import annotations

import os

import pytest

from awsglue import DynamicFrame
from awsglue.errors import ErrorThresholdExceeded, IllegalArgumentException, NotImplementedInSolder
from tests.awsglue.conftest import rows

HERE = os.path.basename(__file__)


@pytest.fixture
def people(glue, spark):
    df = spark.createDataFrame(
        [("1", "Ann", "41"), ("2", "Bob", ""), ("3", "Cid", "0.92"), ("4", "Dee", None)], "id string, name string, age string"
    )
    return DynamicFrame.fromDF(df, glue, "people")


@pytest.fixture
def nested(glue, spark):
    schema = "id int, a struct<b:struct<c:int,d:string>,e:int>, l array<struct<x:int,y:int>>"
    df = spark.createDataFrame([(1, ((7, "s"), 5), [(1, 2), (3, 4)]), (2, None, None)], schema)
    return DynamicFrame.fromDF(df, glue, "nested")


def test_round_trip(people, glue):
    df = people.toDF().withColumnRenamed("name", "full_name")
    again = DynamicFrame.fromDF(df, glue, "final")
    assert again.name == "final" and again.toDF() is df and again.count() == 4


def test_filter_drops_what_raises(people):
    kept = people.filter(lambda row: row["age"] and int(row["age"]) > 30)
    assert rows(kept) == [("1", "Ann", "41")]
    assert kept.name == "people" and kept.errorsCount() == 0


def test_filter_by_a_missing_key_keeps_nothing(people):
    assert people.filter(lambda row: row["nope"] == 1).count() == 0


def test_other_exceptions_are_error_records(people):
    kept = people.filter(f=lambda row: 1 / (int(row["id"]) - 2) > 0, transformation_ctx="positive", info="inverse")
    line = test_other_exceptions_are_error_records.__code__.co_firstlineno + 1
    assert kept.name == "positive" and [r[0] for r in rows(kept)] == ["3", "4"]
    assert (kept.errorsCount(), kept.stageErrorsCount()) == (1, 1)
    errors = kept.errorsAsDynamicFrame()
    assert errors.count() == 1
    error = errors.toDF().collect()[0]["error"]
    assert error["callsite"]["site"] == f"{HERE}:{line}" and error["callsite"]["info"] == "inverse"
    assert "division by zero" in error["msg"] and error["dynamicRecord"].asDict() == {"id": "2", "name": "Bob", "age": ""}


def test_map(people):
    def change(record):
        record["upper"] = record["name"].upper()
        record["n"] = int(record["id"])
        del record["age"]
        return record

    got = people.map(change)
    assert sorted(got.toDF().columns) == ["id", "n", "name", "upper"]
    assert sorted((r["id"], r["n"], r["upper"]) for r in got.toDF().collect()) == [
        ("1", 1, "ANN"),
        ("2", 2, "BOB"),
        ("3", 3, "CID"),
        ("4", 4, "DEE"),
    ]


def test_map_error_records(people):
    def change(record):
        return None if record["id"] == "1" else {"years": int(record["age"])}

    mapped = people.map(change)
    assert mapped.count() == 0 and mapped.errorsCount() == 4
    messages = sorted(r["error"]["msg"] for r in mapped.errorsAsDynamicFrame().toDF().collect())
    assert "User-specified function returned None instead of DynamicRecord" in messages


def test_errors_add_up_over_stages(people):
    def second(record):
        return 1 / 0

    kept = people.filter(lambda row: 1 / (int(row["id"]) - 2))
    after = kept.filter(second)
    assert (after.stageErrorsCount(), after.errorsCount()) == (3, 4)
    assert after.errorsAsDynamicFrame().count() == 4 and after.rename_field("id", "key").stageErrorsCount() == 0


def test_thresholds(people):
    ok = people.filter(lambda row: 1 / (int(row["id"]) - 2), stageThreshold=2)
    assert ok.count() == 3
    over = people.filter(lambda row: 1 / (int(row["id"]) - 2), stageThreshold=1)
    for use in (over.count, over.toDF, over.assertErrorThreshold, over.show):
        with pytest.raises(ErrorThresholdExceeded, match=rf"{HERE}:\d+: 1 error records reach stageThreshold=1"):
            use()
    total = people.filter(lambda row: 1 / (int(row["id"]) - 2)).map(lambda row: row, totalThreshold=1)
    with pytest.raises(ErrorThresholdExceeded, match="totalThreshold=1"):
        total.count()


def test_a_function_that_is_none(people):
    with pytest.raises(TypeError, match="must be callable"):
        people.filter(None)


# ---- columns


def test_apply_mapping(people):
    got = people.apply_mapping(
        [("id", "string", "key", "long"), ("Age", "string", "who.age", "double"), ("name", "string", "who.name", "string")]
    )
    assert got.toDF().schema.simpleString() == "struct<key:bigint,who:struct<age:double,name:string>>"
    assert [(r[0], tuple(r[1])) for r in rows(got)] == [(1, (41.0, "Ann")), (2, (None, "Bob")), (3, (0.92, "Cid")), (4, (None, "Dee"))]


def test_apply_mapping_shapes(people, nested, capsys):
    assert people.apply_mapping(("id", "string", "k", "int")).toDF().columns == ["k"]
    assert people.apply_mapping([("id", "k"), ("name", "n", "string"), ("gone", "g")]).toDF().columns == ["k", "n"]
    assert f"{HERE}:" in capsys.readouterr().err
    assert rows(nested.apply_mapping([("a.b.c", "int", "`x.y`", "string")])) == [("7",), (None,)]
    with pytest.raises(TypeError, match="must be a tuple"):
        people.apply_mapping(["id"])
    with pytest.raises(IllegalArgumentException, match="leads into the array"):
        nested.apply_mapping([("l.x", "int", "x", "int")])
    with pytest.raises(IllegalArgumentException, match="none of the source fields"):
        people.apply_mapping([("ID", "string", "k", "int")], case_sensitive=True)


def test_select_and_drop(people, nested):
    assert people.select_fields(["name", "id", "nope"]).toDF().columns == ["name", "id"]
    assert people.drop_fields(["age", "nope"]).toDF().columns == ["id", "name"]
    dropped = nested.drop_fields(["a.b.d", "l.x"]).toDF()
    assert dropped.schema.simpleString() == "struct<id:int,a:struct<b:struct<c:int>,e:int>,l:array<struct<y:int>>>"
    first = dropped.filter("id = 1").collect()[0]
    assert first["a"]["b"]["c"] == 7 and [e["y"] for e in first["l"]] == [2, 4]
    assert tuple(dropped.filter("id = 2").collect()[0])[1:] == (None, None)
    with pytest.raises(IllegalArgumentException, match="none of the fields"):
        people.select_fields(["nope"])


def test_rename(people, nested):
    assert sorted(people.rename_field("name", "full_name").toDF().columns) == ["age", "full_name", "id"]
    assert nested.rename_field("a.b.c", "a.b.z").toDF().schema["a"].dataType.simpleString() == "struct<b:struct<z:int,d:string>,e:int>"
    assert "x.y" in people.rename_field("name", "`x.y`").toDF().columns


def test_unnest(nested):
    assert nested.unnest().toDF().columns == ["id", "a.b.c", "a.b.d", "a.e", "l"]
    assert nested.unnest().drop_fields(["`a.b.d`"]).toDF().columns == ["id", "a.b.c", "a.e", "l"]


def test_looking(people, nested, capsys):
    people.show(1)
    assert capsys.readouterr().out == '{"id": "1", "name": "Ann", "age": "41"}\n'
    nested.printSchema()
    assert capsys.readouterr().out.splitlines() == [
        "root",
        "|-- id: int",
        "|-- a: struct",
        "|    |-- b: struct",
        "|    |    |-- c: int",
        "|    |    |-- d: string",
        "|    |-- e: int",
        "|-- l: array",
        "|    |-- element: struct",
        "|    |    |-- x: int",
        "|    |    |-- y: int",
        "",
    ]


def test_partitions(people):
    assert people.repartition(3).getNumPartitions() == 3 or people.repartition(3).count() == 4
    assert people.repartition(3).coalesce(1).getNumPartitions() == 1
    assert people.coalesce(2, shuffle=True).count() == 4


def test_with_frame_schema(people):
    from awsglue import gluetypes as G

    schema = G.StructType([G.Field("id", G.LongType()), G.Field("extra", G.StringType())])
    assert rows(people.with_frame_schema(schema)) == [(1, None), (2, None), (3, None), (4, None)]


def test_unbox(glue, spark):
    from awsglue import gluetypes as G

    frame = DynamicFrame.fromDF(spark.createDataFrame([('{"a": 1, "b": null}',)], "j string"), glue, "f")
    schema = G.StructType([G.Field("a", G.IntegerType()), G.Field("b", G.StringType())]).json()
    assert tuple(rows(frame.unbox("j", "json", withSchema=schema))[0][0]) == (1, None)
    with pytest.raises(NotImplementedInSolder, match="without withSchema"):
        frame.unbox("j", "json")


def test_the_rest_is_named(people):
    for call in (
        lambda: people.mapPartitions(list),
        lambda: people.mapPartitionsWithIndex(list),
        people.unnest_ddb_json,
        people.simplify_ddb_json,
    ):
        with pytest.raises(NotImplementedInSolder, match="DynamicFrame.*: not implemented yet"):
            call()
