"""What is no request: answered with an error, and the server goes on."""

from __future__ import annotations

import random
import socket
import struct
import uuid
from typing import Iterator

import grpc
import pyarrow
import pytest
from pyspark.sql.connect.proto import base_pb2, relations_pb2

from tests.connect.raw import Client, classes_of, deep_plan, range_plan, rows_of

METHODS = ("ExecutePlan", "AnalyzePlan", "Config", "ArtifactStatus", "Interrupt", "ReattachExecute", "ReleaseExecute")


@pytest.fixture
def client(engine_remote: str) -> Iterator[Client]:
    """A session that must still work afterwards."""
    made = Client(engine_remote)
    yield made
    assert rows_of(made.execute(range_plan(7))) == 7
    made.close()


def send(client: Client, method: str, data: bytes) -> grpc.RpcError:
    """Send bytes as the request of a method; the failure."""
    call = client.channel.unary_stream(
        f"/spark.connect.SparkConnectService/{method}", request_serializer=lambda raw: raw, response_deserializer=lambda raw: raw
    )
    with pytest.raises(grpc.RpcError) as caught:
        list(call(data, timeout=20))
    return caught.value


@pytest.mark.parametrize("method", METHODS)
def test_garbage(client: Client, method: str) -> None:
    generator = random.Random(method)
    for size in (1, 3, 50, 5000):
        error = send(client, method, generator.randbytes(size))
        assert error.code() == grpc.StatusCode.INTERNAL, error


@pytest.mark.parametrize("method", METHODS)
def test_empty_request(client: Client, method: str) -> None:
    assert "INVALID_HANDLE.FORMAT" in (send(client, method, b"").details() or "")


def test_truncated_at_every_byte(client: Client) -> None:
    request = base_pb2.ExecutePlanRequest(session_id=client.session_id, user_context=client.user, plan=deep_plan(3))
    whole = request.SerializeToString()
    for size in range(len(whole)):
        call = client.channel.unary_stream(
            "/spark.connect.SparkConnectService/ExecutePlan", request_serializer=lambda raw: raw, response_deserializer=lambda raw: raw
        )
        try:
            list(call(whole[:size], timeout=20))
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.INTERNAL


def test_bytes_changed_at_random(client: Client) -> None:
    request = base_pb2.ExecutePlanRequest(session_id=client.session_id, user_context=client.user, plan=deep_plan(5))
    whole = request.SerializeToString()
    generator = random.Random(5)
    call = client.channel.unary_stream(
        "/spark.connect.SparkConnectService/ExecutePlan", request_serializer=lambda raw: raw, response_deserializer=lambda raw: raw
    )
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            changed[generator.randrange(len(changed))] = generator.randrange(256)
        try:
            list(call(bytes(changed), timeout=20))
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.INTERNAL, error


def test_oversized(client: Client) -> None:
    error = send(client, "ExecutePlan", b"\x0a" + b"\xff" * (129 << 20))
    assert error.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL)


def deep_request(client: Client, levels: int) -> bytes:
    """limit(limit(… range(1))), written by hand: the Python library refuses to."""
    inner = range_plan(1).root.SerializeToString()
    for _ in range(levels):
        limit = b"\x0a" + varint(len(inner)) + inner + b"\x10\x01"
        inner = b"\x42" + varint(len(limit)) + limit
    plan = b"\x0a" + varint(len(inner)) + inner
    return b"\x0a\x24" + client.session_id.encode() + b"\x1a" + varint(len(plan)) + plan


def varint(value: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@pytest.mark.parametrize("levels", [600, 20_000])
def test_nested_too_deep(client: Client, levels: int) -> None:
    assert "nests deeper than 1024" in (send(client, "ExecutePlan", deep_request(client, levels)).details() or "")


def test_a_deep_plan_within_the_limit_works(client: Client) -> None:
    call = client.channel.unary_stream("/spark.connect.SparkConnectService/ExecutePlan", request_serializer=lambda raw: raw)
    answers = [base_pb2.ExecutePlanResponse.FromString(raw) for raw in call(deep_request(client, 400), timeout=60)]
    assert rows_of(iter(answers)) == 1


def test_not_even_http(client: Client, engine_remote: str) -> None:
    host, port = engine_remote.removeprefix("sc://").split(":")
    for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 1000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 500):
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(data)


def test_unknown_method(client: Client) -> None:
    assert send(client, "FetchErrorDetails", b"").code() == grpc.StatusCode.UNIMPLEMENTED


def test_session_id_must_be_a_uuid(engine_remote: str, client: Client) -> None:
    bad = Client(engine_remote, session_id="not a uuid")
    with pytest.raises(grpc.RpcError) as caught:
        list(bad.execute(range_plan(1)))
    message, classes, reason = classes_of(caught.value)
    assert message.startswith("[INVALID_HANDLE.FORMAT] The handle not a uuid is invalid.")
    assert reason == classes[0] == "org.apache.spark.SparkSQLException"
    bad.close()


def test_a_plan_without_anything(client: Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        list(client.execute(base_pb2.Plan(), str(uuid.uuid4())))
    assert "SOLDER.BAD_REQUEST" in caught.value.details()


def test_a_local_relation_that_is_no_arrow(client: Client) -> None:
    plan = base_pb2.Plan()
    plan.root.local_relation.data = b"this is not arrow at all, not even nearly"
    with pytest.raises(grpc.RpcError) as caught:
        list(client.execute(plan))
    assert caught.value.code() == grpc.StatusCode.INTERNAL


def local_plan(rows: bytes) -> base_pb2.Plan:
    """The plan whose result is the rows of an Arrow stream."""
    return base_pb2.Plan(root=relations_pb2.Relation(local_relation=relations_pb2.LocalRelation(data=rows)))


def arrow_stream(table: pyarrow.Table) -> bytes:
    """The table as a client sends it."""
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def test_damaged_rows(client: Client) -> None:
    """Lengths below zero, and parts that are not there, at every place of a client's rows."""
    rows = arrow_stream(pyarrow.table({"a": [1, None, 3], "b": ["x", None, "größer"]}))
    assert rows_of(client.execute(local_plan(rows))) == 3
    refused = 0
    for at in range(0, len(rows) - 8, 4):
        for value in (-8, 0):
            damaged = rows[:at] + struct.pack("<q", value) + rows[at + 8 :]
            try:
                list(client.execute(local_plan(damaged)))
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.INTERNAL, error
                refused += 1
    assert refused > 0


def test_rows_without_fields(client: Client) -> None:
    rows = arrow_stream(pyarrow.table({"s": pyarrow.array([{}, None], pyarrow.struct([]))}))
    with pytest.raises(grpc.RpcError) as caught:
        list(client.execute(local_plan(rows)))
    assert "column s: rows from outside with a struct without fields are not supported" in (caught.value.details() or "")
