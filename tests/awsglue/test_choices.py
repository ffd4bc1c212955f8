"""Choice types: where they come from and how they are resolved."""

from __future__ import annotations

import pytest

from awsglue.errors import IllegalArgumentException
from tests.awsglue.conftest import rows


@pytest.fixture
def providers(glue, catalog, folder):
    place = folder("t", {"a.csv": "1,a\nx1,b\n,c\n"})
    catalog.table("providers", place, "pid bigint, s string", serde_parameters={"field.delim": ","})
    return glue.create_dynamic_frame.from_catalog(database="db", table_name="providers")


def test_cast_keeps_the_row_and_nulls_the_rest(providers):
    assert rows(providers.resolveChoice(specs=[("pid", "cast:long")])) == [(1, "a"), (None, "b"), (None, "c")]
    assert rows(providers.resolveChoice(choice="cast:long")) == [(1, "a"), (None, "b"), (None, "c")]
    assert rows(providers.resolveChoice(specs=("pid", "cast:string"))) == [("1", "a"), ("x1", "b"), (None, "c")]


def test_cast_to_the_declared_type_needs_no_look_at_the_data(providers):
    resolved = providers.resolveChoice(specs=[("pid", "cast:long")])
    assert resolved._records.text == {} and providers._records._settled is None


def test_project_keeps_only_its_type(providers):
    assert rows(providers.resolveChoice(specs=[("pid", "project:string")])) == [("x1", "b"), (None, "a"), (None, "c")]
    assert rows(providers.resolveChoice(choice="project:long")) == [(1, "a"), (None, "b"), (None, "c")]


def test_make_cols_and_struct(providers):
    cols = providers.resolveChoice(choice="make_cols").toDF()
    assert sorted(cols.columns) == ["pid_long", "pid_string", "s"]
    assert sorted(((r["pid_long"], r["pid_string"]) for r in cols.collect()), key=repr) == [(1, None), (None, "x1"), (None, None)]
    struct = providers.resolveChoice(choice="make_struct")
    assert struct.schema().getField("pid").dataType.typeName() == "struct"


def test_match_catalog(providers):
    assert rows(providers.resolveChoice(choice="match_catalog", database="db", table_name="providers")) == [
        (1, "a"),
        (None, "b"),
        (None, "c"),
    ]
    with pytest.raises(IllegalArgumentException, match="needs database"):
        providers.resolveChoice(choice="match_catalog")


def test_bad_arguments(providers):
    for arguments in (
        {},
        {"specs": [("pid", "cast:int")], "choice": "make_cols"},
        {"choice": "cast"},
        {"choice": "make_cols:int"},
        {"choice": "melt"},
    ):
        with pytest.raises(IllegalArgumentException, match="resolveChoice"):
            providers.resolveChoice(**arguments)


def test_a_row_function_sees_the_value_not_the_struct(providers):
    kept = providers.filter(lambda row: isinstance(row["pid"], str))
    assert [(r[0]["string"], r[1]) for r in rows(kept)] == [("x1", "b")]
    assert kept.schema().getField("pid").dataType.typeName() == "choice"


def test_to_df_options(providers):
    from pyspark.sql.types import LongType

    from awsglue.dynamicframe import ResolveOption

    assert dict(providers.toDF([ResolveOption("pid", "Project", LongType())]).dtypes)["pid"] == "bigint"
    assert dict(providers.toDF([ResolveOption("pid", "KeepAsStruct")]).dtypes)["pid"] == "struct<long:bigint,string:string>"
    with pytest.raises(ValueError, match="KeepAsStruct, or Project"):
        providers.toDF([ResolveOption("pid", "Project", "long")])


def test_mapping_a_choice_casts_either_member(providers):
    assert rows(providers.apply_mapping([("pid", "choice", "p", "string"), ("s", "string", "s", "string")])) == [
        ("1", "a"),
        ("x1", "b"),
        (None, "c"),
    ]


def test_a_typed_mapping_needs_no_look_at_the_data(providers):
    mapped = providers.apply_mapping([("pid", "long", "p", "int"), ("s", "string", "s", "string")])
    assert providers._records._settled is None
    assert rows(mapped) == [(1, "a"), (None, "b"), (None, "c")]
    assert rows(providers.apply_mapping([("pid", "long", "p", "string")])) == [("1",), ("x1",), (None,)]


def test_show_prints_the_held_value(providers, capsys):
    providers.show()
    assert sorted(capsys.readouterr().out.splitlines()) == ['{"pid": "x1", "s": "b"}', '{"pid": 1, "s": "a"}', '{"pid": null, "s": "c"}']


def test_union_of_disagreeing_frames(glue, spark):
    from awsglue import DynamicFrame

    one = DynamicFrame.fromDF(spark.createDataFrame([(1, "a")], "id long, x string"), glue, "one")
    two = DynamicFrame.fromDF(spark.createDataFrame([("z", 5)], "id string, y int"), glue, "two")
    both = one.union(two)
    assert [(f.name, f.dataType.typeName()) for f in both.schema()] == [("id", "choice"), ("x", "string"), ("y", "int")]
    assert [(tuple(r[0]), r[1], r[2]) for r in rows(both)] == [((1, None), "a", None), ((None, "z"), None, 5)]
