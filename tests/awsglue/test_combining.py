"""Transforms of several frames, collections, and the transform classes."""

from __future__ import annotations

import pytest

from awsglue import DynamicFrame
from awsglue import transforms as X
from awsglue.dynamicframe import DynamicFrameCollection
from awsglue.errors import IllegalArgumentException
from tests.awsglue.conftest import rows


@pytest.fixture
def frame(glue, spark):
    return lambda data, schema, name="f": DynamicFrame.fromDF(spark.createDataFrame(data, schema), glue, name)


def test_join(frame):
    people = frame([(1, "Ann", "x"), (2, "Bob", "y"), (None, "Nul", "z")], "id int, name string, zip string", "people")
    orders = frame([(1, 10, "q"), (1, 11, "r"), (3, 12, "s"), (None, 13, "t")], "who int, n int, zip string", "orders")
    joined = people.join(["id"], ["who"], orders)
    assert joined.name == "peopleorders" and joined.toDF().columns == ["id", "name", "zip", "who", "n", ".zip"]
    assert rows(joined) == [(1, "Ann", "x", 1, 10, "q"), (1, "Ann", "x", 1, 11, "r")]
    assert joined.drop_fields([".zip"]).toDF().columns == ["id", "name", "zip", "who", "n"]
    assert rows(X.Join.apply(people, orders, "id", "who")) == rows(joined)


def test_join_with_itself(frame):
    one = frame([(1, 2), (2, 1)], "a int, b int")
    assert rows(one.join("a", "b", one)) == [(1, 2, 2, 1), (2, 1, 1, 2)]


def test_join_by_nested_keys_and_bad_ones(frame):
    one = frame([((5,), "x")], "k struct<i:int>, v string")
    two = frame([(5, "y")], "i int, w string")
    assert [r[1:] for r in rows(one.join(["k.i"], ["i"], two))] == [("x", 5, "y")]
    with pytest.raises(IllegalArgumentException, match="second frame has no field 'nope'"):
        one.join(["k.i"], ["nope"], two)
    with pytest.raises(IllegalArgumentException, match="1 keys of the first frame for 2"):
        one.join(["k.i"], ["i", "w"], two)


def test_names_differ_by_more_than_case(frame):
    joined = frame([(1, "a")], "id int, v string").join("id", "ID", frame([(1, "b")], "ID int, w string"))
    assert joined.toDF().columns == ["id", "v", ".ID", "w"]
    both = frame([(1,)], "id long").union(frame([("z",)], "ID string"))
    assert both.schema().getField("id").dataType.typeName() == "choice" and both.count() == 2


def test_union_fills_missing_fields(frame):
    assert rows(frame([(1,)], "a int").union(frame([(2, "x")], "a int, b string"))) == [(1, None), (2, "x")]


def test_merge(frame):
    source = frame([(1, "old"), (1, "old2"), (2, "keep")], "id int, v string")
    stage = frame([(1, "new"), (3, "add")], "id int, v string")
    assert rows(source.mergeDynamicFrame(stage, ["id"])) == [(1, "new"), (2, "keep"), (3, "add")]


def test_split_rows_and_fields(frame):
    source = frame([(1, "a"), (5, "b"), (9, "a"), (None, "a")], "n int, s string", "src")
    parts = source.split_rows({"n": {">": 1, "<": 9}, "s": {"!=": "a"}}, "in", "out")
    assert list(parts.keys()) == ["in", "out"] and rows(parts["in"]) == [(5, "b")]
    assert parts["out"].count() == 3
    with pytest.raises(IllegalArgumentException, match="'~' is not a comparison"):
        source.split_rows({"n": {"~": 1}}, "a", "b")
    halves = X.SplitFields.apply(source, ["s"])
    assert {k: halves[k].toDF().columns for k in halves.keys()} == {"src1": ["s"], "src2": ["n"]}


def test_relationalize(frame):
    schema = "id int, who struct<name:string>, orders array<struct<sku:string,items:array<int>>>, tags array<string>"
    source = frame([(1, ("Ann",), [("p", [7, 8]), ("q", [])], ["t"]), (2, ("Bob",), None, ["u", "v"])], schema)
    tables = source.relationalize("root", "unused")
    assert sorted(tables.keys()) == ["root", "root_orders", "root_orders.val.items", "root_tags"]
    root = {r["id"]: r for r in tables["root"].toDF().collect()}
    assert tables["root"].toDF().columns == ["id", "who.name", "orders", "tags"] and root[2]["orders"] is None
    orders = tables["root_orders"].toDF()
    assert orders.columns == ["id", "index", "orders.val.sku", "orders.val.items"]
    by_sku = {r["orders.val.sku"]: r for r in orders.collect()}
    assert by_sku["p"]["id"] == root[1]["orders"] and (by_sku["p"]["index"], by_sku["q"]["index"]) == (0, 1)
    items = tables["root_orders.val.items"].toDF().collect()
    assert sorted((r["index"], r["orders.val.items.val"]) for r in items) == [(0, 7), (1, 8)]
    assert {r["id"] for r in items} == {by_sku["p"]["orders.val.items"]}
    tags = tables["root_tags"].toDF().collect()
    assert sorted((r["index"], r["tags.val"]) for r in tags if r["id"] == root[2]["tags"]) == [(0, "u"), (1, "v")]


def test_collections(glue, frame):
    one, two = frame([(1,)], "a int", "one"), frame([(2,)], "a int", "two")
    both = DynamicFrameCollection([one, two], glue)
    assert len(both) == 2 and list(both) == ["one", "two"] and both.select("one") is one and both["two"] is two
    assert both.select("none").count() == 0
    seen = []
    mapped = both.map(lambda f, ctx: seen.append(ctx) or f.rename_field("a", "b"), "m")
    assert seen == ["m:one", "m:two"] and mapped["two"].toDF().columns == ["b"]
    with pytest.raises(TypeError, match="must return a DynamicFrame"):
        both.map(lambda f, ctx: 1)
    flat = X.FlatMap.apply(both, X.DropFields, "frame", paths=["nope"])
    assert list(flat.keys()) == ["one", "two"]


def test_transform_classes_do_what_the_methods_do(frame):
    source = frame([(1, "a", None), (2, "b", None)], "n int, s string, z void", "src")
    assert X.ApplyMapping.apply(frame=source, mappings=[("n", "int", "m", "long")]).toDF().columns == ["m"]
    assert rows(X.Filter.apply(frame=source, f=lambda r: r["n"] > 1)) == [(2, "b", None)]
    assert X.SelectFields.apply(source, ["s"]).toDF().columns == ["s"]
    assert X.DropFields.apply(source, ["s"]).toDF().columns == ["n", "z"]
    assert sorted(X.RenameField.apply(source, "s", "t").toDF().columns) == ["n", "t", "z"]
    assert X.DropNullFields.apply(source).toDF().columns == ["n", "s"]
    assert sorted(
        r["t"] for r in X.Map.apply(frame=X.SelectFields.apply(source, ["s"]), f=lambda r: {"t": r["s"] * 2}).toDF().collect()
    ) == ["aa", "bb"]
    assert X.SplitRows.apply(source, {"n": {"=": 1}})["frame1"].count() == 1
    assert (
        X.Union.apply(source, source).count() == 4
        and X.Repartition.apply(source, 2).count() == 2
        and X.Coalesce.apply(source, 1).count() == 2
    )
    assert X.UnnestFrame.apply(source).count() == 2 and X.ErrorsAsDynamicFrame.apply(source).count() == 0
    assert X.ResolveChoice.apply(source, choice="make_cols").toDF().columns == ["n", "s", "z"]
    collection = X.SplitFields.apply(source, ["n"])
    assert X.SelectFromCollection.apply(dfc=collection, key="src1").toDF().columns == ["n"]
    assert list(X.MapToCollection.apply(collection, lambda f, ctx: f).keys()) == ["src1", "src2"]
    with pytest.raises(RuntimeError, match="no TempDir"):
        X.Relationalize.apply(source)


def test_dataframe_mapping(spark):
    from awsglue.dataframe_transforms import ApplyMapping

    assert ApplyMapping.apply(spark.range(1), [("id", "long", "x.y", "string")]).schema.simpleString() == "struct<x:struct<y:string>>"
