"""Many clients at once: nothing is mixed up, nothing is left behind."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
from pyspark.sql.connect.proto import base_pb2

from tests.connect.raw import Client, endless_plan, range_plan, rows_of, wait_until


def named_view(client: Client, name: str, rows: int) -> None:
    """createOrReplaceTempView"""
    plan = base_pb2.Plan()
    plan.command.create_dataframe_view.name = name
    plan.command.create_dataframe_view.replace = True
    plan.command.create_dataframe_view.input.CopyFrom(range_plan(rows).root)
    list(client.execute(plan))


def view_rows(client: Client, name: str) -> int:
    """Rows of a view."""
    plan = base_pb2.Plan()
    plan.root.read.named_table.unparsed_identifier = name
    return rows_of(client.execute(plan))


def one_client(remote: str, number: int) -> None:
    """A session that runs, replaces views, interrupts and reattaches, and checks what it gets."""
    client = Client(remote)
    for turn in range(6):
        rows = number * 1000 + turn
        named_view(client, "shared_name", rows)
        assert view_rows(client, "SHARED_NAME") == rows
        operation = str(uuid.uuid4())
        stream = client.execute(range_plan(400_000 + rows), operation)
        first = next(stream)
        stream.cancel()
        assert first.arrow_batch.row_count + rows_of(client.reattach(operation, first.response_id)) == 400_000 + rows
        client.release(operation)
        stuck = client.execute(endless_plan(), tags=("stuck",))
        wait_until(lambda: client.interrupt(operation_tag="stuck") != [], 20)
        try:
            list(stuck)
            raise AssertionError("an interrupted operation ended well")
        except grpc.RpcError as error:
            assert "OPERATION_CANCELED" in (error.details() or "")
    client.close()


def test_many_sessions_at_once(engine_remote: str) -> None:
    with ThreadPoolExecutor(12) as pool:
        for done in [pool.submit(one_client, engine_remote, number) for number in range(1, 13)]:
            done.result(120)
    watcher = Client(engine_remote)
    wait_until(lambda: watcher.running() == 0, 20)
    watcher.close()


def test_one_session_from_many_threads(engine_remote: str) -> None:
    client = Client(engine_remote)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                named_view(client, f"view_{turn % 3}", 100)
                assert view_rows(client, f"view_{turn % 3}") == 100
                assert rows_of(client.execute(range_plan(number))) == number
        except BaseException as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    client.close()
