"""Operations: reattach, release, interrupt, and clients that go away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from typing import Iterator

import grpc
import pytest

from tests.connect.raw import Client, classes_of, endless_plan, range_plan, rows_of, wait_until


@pytest.fixture
def client(engine_remote: str) -> Iterator[Client]:
    """A fresh session, with nothing running when it ends."""
    made = Client(engine_remote)
    yield made
    made.interrupt()
    wait_until(lambda: made.running() == 0, 20)
    made.close()


def test_responses_are_numbered_and_end_with_result_complete(client: Client) -> None:
    operation = str(uuid.uuid4())
    responses = list(client.execute(range_plan(10), operation))
    assert [response.WhichOneof("response_type") for response in responses] == ["arrow_batch", "result_complete"]
    assert len({response.response_id for response in responses}) == len(responses)
    assert all(response.response_id and response.operation_id == operation for response in responses)
    assert all(response.session_id == client.session_id for response in responses)
    assert responses[0].schema.struct.fields[0].name == "id"


def test_without_reattach_there_is_no_result_complete(client: Client) -> None:
    kinds = [response.WhichOneof("response_type") for response in client.execute(range_plan(10), reattachable=False)]
    assert kinds == ["arrow_batch"]


def test_large_results_come_in_batches_of_about_four_megabytes(client: Client) -> None:
    responses = list(client.execute(range_plan(3_000_000)))
    sizes = [len(response.arrow_batch.data) for response in responses if response.HasField("arrow_batch")]
    assert rows_of(iter(responses)) == 3_000_000
    assert len(sizes) >= 4 and all(3 << 20 < size < 6 << 20 for size in sizes[:-1])


def test_reattach_gives_what_was_not_seen(client: Client) -> None:
    operation = str(uuid.uuid4())
    stream = client.execute(range_plan(3_000_000), operation)
    first = next(stream)
    stream.cancel()
    again = list(client.reattach(operation, first.response_id))
    assert first.arrow_batch.row_count + rows_of(iter(again)) == 3_000_000
    assert again[-1].HasField("result_complete")
    whole = list(client.reattach(operation))
    assert rows_of(iter(whole)) == 3_000_000
    assert whole[0] == first


def test_reattach_of_an_operation_that_is_not_there(client: Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        list(client.reattach(str(uuid.uuid4())))
    message, classes, _ = classes_of(caught.value)
    assert "INVALID_HANDLE.OPERATION_NOT_FOUND" in message
    assert "org.apache.spark.SparkSQLException" in classes


def test_a_second_stream_takes_the_operation_over(client: Client) -> None:
    operation = str(uuid.uuid4())
    first = client.execute(endless_plan(), operation)
    wait_until(lambda: client.running() > 0, 10)
    second = client.reattach(operation)
    with pytest.raises(grpc.RpcError) as caught:
        list(first)
    assert "INVALID_CURSOR.DISCONNECTED" in caught.value.details()
    client.interrupt()
    with pytest.raises(grpc.RpcError) as caught:
        list(second)
    assert "OPERATION_CANCELED" in caught.value.details()


def test_released_responses_are_gone_and_the_rest_stays(client: Client) -> None:
    operation = str(uuid.uuid4())
    responses = list(client.execute(range_plan(3_000_000), operation))
    client.release(operation, responses[1].response_id)
    rest = list(client.reattach(operation, responses[1].response_id))
    assert rest == responses[2:]
    with pytest.raises(grpc.RpcError) as caught:
        list(client.reattach(operation))
    assert "INVALID_CURSOR.POSITION_NOT_AVAILABLE" in caught.value.details()
    assert client.release(operation).operation_id == operation
    assert client.release(operation).operation_id == ""
    with pytest.raises(grpc.RpcError) as caught:
        list(client.reattach(operation))
    assert "INVALID_HANDLE.OPERATION_NOT_FOUND" in caught.value.details()


def test_release_ends_what_runs(client: Client) -> None:
    operation = str(uuid.uuid4())
    stream = client.execute(endless_plan(), operation)
    wait_until(lambda: client.running() > 0, 10)
    client.release(operation)
    with pytest.raises(grpc.RpcError):
        list(stream)
    wait_until(lambda: client.running() == 0, 10)


def test_the_same_operation_id_twice_is_refused(client: Client) -> None:
    operation = str(uuid.uuid4())
    list(client.execute(range_plan(1), operation))
    with pytest.raises(grpc.RpcError) as caught:
        list(client.execute(range_plan(1), operation))
    assert "INVALID_HANDLE.OPERATION_ALREADY_EXISTS" in caught.value.details()


def drain(stream: Iterator[object], ends: dict[str, str], name: str) -> threading.Thread:
    """Read a stream aside; how it ended is kept under the name."""

    def read() -> None:
        try:
            for _ in stream:
                pass
            ends[name] = "ok"
        except grpc.RpcError as error:
            ends[name] = error.details() or ""

    thread = threading.Thread(target=read)
    thread.start()
    return thread


def test_interrupt_by_tag_id_and_all(client: Client) -> None:
    ends: dict[str, str] = {}
    ids = {name: str(uuid.uuid4()) for name in ("red", "blue", "green")}
    threads = [drain(client.execute(endless_plan(), ids[name], tags=(name, "any")), ends, name) for name in ids]
    wait_until(lambda: client.running() >= 3, 10)
    assert client.interrupt(operation_tag="red") == [ids["red"]]
    threads[0].join(10)
    assert client.interrupt(operation_id=ids["blue"]) == [ids["blue"]]
    threads[1].join(10)
    assert client.interrupt(operation_tag="red") == []
    assert client.interrupt() == [ids["green"]]
    threads[2].join(10)
    assert set(ends) == set(ids) and all(text.startswith("[OPERATION_CANCELED]") for text in ends.values())


def test_an_operation_of_another_session_is_not_reached(client: Client, engine_remote: str) -> None:
    other = Client(engine_remote)
    operation = str(uuid.uuid4())
    stream = client.execute(endless_plan(), operation, tags=("mine",))
    wait_until(lambda: client.running() > 0, 10)
    assert other.interrupt() == [] and other.interrupt(operation_tag="mine") == []
    with pytest.raises(grpc.RpcError) as caught:
        list(other.reattach(operation))
    assert "INVALID_HANDLE.OPERATION_NOT_FOUND" in caught.value.details()
    assert client.interrupt(operation_id=operation) == [operation]
    with pytest.raises(grpc.RpcError):
        list(stream)
    other.close()


def test_a_cancelled_call_without_reattach_ends_its_operation_at_once(client: Client) -> None:
    stream = client.execute(endless_plan(), reattachable=False)
    wait_until(lambda: client.running() > 0, 10)
    stream.cancel()
    wait_until(lambda: client.running() == 0, 5)


def test_a_client_that_does_not_read_stops_the_producer(client: Client) -> None:
    operation = str(uuid.uuid4())
    stream = client.execute(range_plan(10**12), operation)
    next(stream)
    wait_until(lambda: client.running() > 0, 10)
    client.interrupt(operation_id=operation)
    with pytest.raises(grpc.RpcError) as caught:
        list(stream)
    assert "OPERATION_CANCELED" in caught.value.details()


KILLED = """
import os, sys
from pyspark.sql.connect.session import SparkSession
spark = SparkSession(connection=sys.argv[1])
print("up", flush=True)
spark.range(10**13).filter("id < 0").collect()
"""


def test_a_killed_client_leaves_nothing_running(client: Client, engine_remote: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, engine_remote],
        stdout=subprocess.PIPE,
        env={**os.environ, "SPARK_CONNECT_MODE_ENABLED": "1"},
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "up\n"
    wait_until(lambda: client.running() > 0, 20)
    child.send_signal(signal.SIGKILL)
    child.wait()
    wait_until(lambda: client.running() == 0, 20)
