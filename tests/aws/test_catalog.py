"""The Data Catalog by boto3 and the AWS CLI."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.conftest import ROOT, Server


def code_of(caught: Any) -> str:
    """The error's code."""
    return caught.value.response["Error"]["Code"]


COLUMNS = [{"Name": "id", "Type": "bigint"}, {"Name": "name", "Type": "string", "Comment": "of the person"}]


def table_input(name: str, **more: Any) -> dict[str, Any]:
    """A CSV table partitioned by year and month."""
    return {
        "Name": name,
        "StorageDescriptor": {"Columns": COLUMNS, "Location": f"s3://bucket/{name}/", "SerdeInfo": {"SerializationLibrary": "x.OpenCSVSerde"}},
        "PartitionKeys": [{"Name": "year", "Type": "int"}, {"Name": "month", "Type": "string"}],
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "csv"},
        **more,
    }


def test_databases(server: Server) -> None:
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "Sales", "Description": "d", "Parameters": {"a": "b"}})
    got = glue.get_database(Name="SALES")["Database"]
    assert (got["Name"], got["Description"], got["Parameters"], got["CatalogId"]) == ("sales", "d", {"a": "b"}, "000000000000")
    assert got["CreateTime"].year >= 2024
    with pytest.raises(ClientError) as caught:
        glue.create_database(DatabaseInput={"Name": "sales"})
    assert code_of(caught) == "AlreadyExistsException"
    glue.update_database(Name="sales", DatabaseInput={"Name": "sales", "LocationUri": "s3://bucket/sales"})
    again = glue.get_database(Name="sales")["Database"]
    assert again["LocationUri"] == "s3://bucket/sales" and "Description" not in again and again["CreateTime"] == got["CreateTime"]
    for number in range(5):
        glue.create_database(DatabaseInput={"Name": f"page{number}"})
    names = [db["Name"] for page in glue.get_paginator("get_databases").paginate(PaginationConfig={"PageSize": 2}) for db in page["DatabaseList"]]
    assert names == sorted(names) and {"sales", "page0", "page4"} <= set(names) and len(set(names)) == len(names)
    glue.delete_database(Name="sales")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_database(Name="sales")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_database(Name="page0", CatalogId="123456789012")


def test_tables(server: Server) -> None:
    glue = server.client("glue")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.create_table(DatabaseName="nowhere", TableInput={"Name": "t"})
    glue.create_database(DatabaseInput={"Name": "tables"})
    given = table_input("Orders")
    glue.create_table(DatabaseName="tables", TableInput=given)
    got = glue.get_table(DatabaseName="Tables", Name="ORDERS")["Table"]
    assert {key: got[key] for key in given if key != "Name"} == {key: value for key, value in given.items() if key != "Name"}
    assert (got["Name"], got["DatabaseName"], got["VersionId"], got["CatalogId"]) == ("orders", "tables", "0", "000000000000")
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_table(DatabaseName="tables", TableInput=given)
    glue.update_table(DatabaseName="tables", TableInput=table_input("orders", Description="new"), VersionId="0")
    changed = glue.get_table(DatabaseName="tables", Name="orders")["Table"]
    assert (changed["VersionId"], changed["Description"], changed["CreateTime"]) == ("1", "new", got["CreateTime"])
    with pytest.raises(glue.exceptions.ConcurrentModificationException):
        glue.update_table(DatabaseName="tables", TableInput=table_input("orders"), VersionId="0")
    for name in ("customers", "order_lines", "items"):
        glue.create_table(DatabaseName="tables", TableInput={"Name": name})
    names = [t["Name"] for t in glue.get_tables(DatabaseName="tables", Expression="order*")["TableList"]]
    assert names == ["order_lines", "orders"]
    pages = glue.get_paginator("get_tables").paginate(DatabaseName="tables", PaginationConfig={"PageSize": 1})
    assert [t["Name"] for page in pages for t in page["TableList"]] == ["customers", "items", "order_lines", "orders"]
    failed = glue.batch_delete_table(DatabaseName="tables", TablesToDelete=["items", "ghost"])["Errors"]
    assert [(e["TableName"], e["ErrorDetail"]["ErrorCode"]) for e in failed] == [("ghost", "EntityNotFoundException")]
    glue.delete_table(DatabaseName="tables", Name="orders")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_table(DatabaseName="tables", Name="orders")


def test_partitions(server: Server) -> None:
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "parts"})
    glue.create_table(DatabaseName="parts", TableInput=table_input("t"))
    where = {"DatabaseName": "parts", "TableName": "t"}
    storage = {"Columns": COLUMNS, "Location": "s3://bucket/t/p"}
    inputs = [{"Values": [str(year), f"{month:02}"], "StorageDescriptor": storage} for year in (999, 2023, 2024) for month in (1, 2, 12)]
    glue.create_partition(**where, PartitionInput=inputs[0])
    errors = glue.batch_create_partition(**where, PartitionInputList=inputs)["Errors"]
    assert [(e["PartitionValues"], e["ErrorDetail"]["ErrorCode"]) for e in errors] == [(["999", "01"], "AlreadyExistsException")]
    with pytest.raises(glue.exceptions.InvalidInputException):
        glue.create_partition(**where, PartitionInput={"Values": ["2024"]})

    def found(expression: str, **more: Any) -> list[str]:
        pages = glue.get_paginator("get_partitions").paginate(**where, Expression=expression, PaginationConfig={"PageSize": 2}, **more)
        return sorted("/".join(p["Values"]) for page in pages for p in page["Partitions"])

    everything = sorted("/".join(p["Values"]) for p in inputs)
    assert found("") == everything
    assert found("year = 2024") == ["2024/01", "2024/02", "2024/12"]
    assert found("year > 1000 AND month IN ('01', '12')") == ["2023/01", "2023/12", "2024/01", "2024/12"]
    assert found("NOT (year = '2024' OR year < 1000)") == ["2023/01", "2023/02", "2023/12"]
    assert found("month LIKE '0%' and year between 2024 and 2030") == ["2024/01", "2024/02"]
    assert found("month <> '01' AND year IS NOT NULL AND year != 999") == ["2023/02", "2023/12", "2024/02", "2024/12"]
    for wrong in ("color = 1", "year =", "year = 'abc'", "(year = 1", "year = 1 garbage", "(" * 500 + "year = 1"):
        with pytest.raises(glue.exceptions.InvalidInputException):
            found(wrong)
    segments = [found("", Segment={"SegmentNumber": number, "TotalSegments": 3}) for number in range(3)]
    assert sorted(sum(segments, [])) == everything
    assert "Columns" not in glue.get_partitions(**where, ExcludeColumnSchema=True)["Partitions"][0]["StorageDescriptor"]
    got = glue.get_partition(**where, PartitionValues=["2024", "12"])["Partition"]
    assert (got["Values"], got["StorageDescriptor"]["Location"], got["TableName"]) == (["2024", "12"], "s3://bucket/t/p", "t")
    glue.update_partition(**where, PartitionValueList=["2024", "12"], PartitionInput={"Values": ["2025", "01"], "Parameters": {"moved": "yes"}})
    assert found("year >= 2024") == ["2024/01", "2024/02", "2025/01"]
    moved = glue.batch_get_partition(**where, PartitionsToGet=[{"Values": ["2025", "01"]}, {"Values": ["1", "1"]}])["Partitions"]
    assert [p["Parameters"] for p in moved] == [{"moved": "yes"}]
    glue.delete_partition(**where, PartitionValues=["2025", "01"])
    failed = glue.batch_delete_partition(**where, PartitionsToDelete=[{"Values": ["999", "01"]}, {"Values": ["1", "1"]}])["Errors"]
    assert [e["PartitionValues"] for e in failed] == [["1", "1"]]
    assert glue.get_partition_indexes(**where)["PartitionIndexDescriptorList"] == []
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_partition(**where, PartitionValues=["999", "01"])


def test_cli_takes_the_files_that_solder_takes(server: Server, tmp_path: pathlib.Path) -> None:
    """The same JSON serves `solder catalog import` and the AWS CLI."""
    server.aws("glue", "create-database", "--cli-input-json", f"file://{ROOT}/examples/source_db.json")
    server.aws("glue", "create-table", "--cli-input-json", f"file://{ROOT}/examples/source_table.json")
    shown = server.aws("glue", "get-table", "--database-name", "source_db", "--name", "source_table")["Table"]
    given = json.loads((ROOT / "examples/source_table.json").read_text())["TableInput"]
    assert shown["StorageDescriptor"]["Columns"] == given["StorageDescriptor"]["Columns"]
    refused = server.cli("glue", "get-table", "--database-name", "source_db", "--name", "ghost")
    assert refused.returncode != 0 and "EntityNotFoundException" in refused.stderr


def test_what_was_answered_survives_a_kill(fresh_server: Server) -> None:
    glue = fresh_server.client("glue")
    for number in range(20):
        glue.create_database(DatabaseInput={"Name": f"db{number}"})
    fresh_server.kill()
    fresh_server.start()
    names = [db["Name"] for db in fresh_server.client("glue").get_databases()["DatabaseList"]]
    assert sorted(names) == sorted(f"db{number}" for number in range(20))
