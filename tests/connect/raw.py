"""One Spark Connect session over the bare stubs, for what the stock client does not let one do."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any, Callable, Iterator, Optional

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc, relations_pb2

RUNNING = "solder.operations.running"
FOREVER = 10**13


class Client:
    """A session of its own on the engine."""

    def __init__(self, remote: str, session_id: Optional[str] = None, user: str = "tester") -> None:
        self.channel = grpc.insecure_channel(remote.removeprefix("sc://"), options=[("grpc.max_receive_message_length", 128 << 20)])
        self.stub = base_pb2_grpc.SparkConnectServiceStub(self.channel)
        self.session_id = session_id or str(uuid.uuid4())
        self.user = base_pb2.UserContext(user_id=user)

    def close(self) -> None:
        """Give up the connection."""
        self.channel.close()

    def execute(
        self, plan: base_pb2.Plan, operation: Optional[str] = None, reattachable: bool = True, tags: tuple[str, ...] = ()
    ) -> Any:
        """Start an operation; the stream of its responses."""
        request = base_pb2.ExecutePlanRequest(session_id=self.session_id, user_context=self.user, plan=plan, tags=tags)
        if operation:
            request.operation_id = operation
        option = request.request_options.add()
        option.reattach_options.reattachable = reattachable
        return self.stub.ExecutePlan(request)

    def reattach(self, operation: str, last: Optional[str] = None) -> Any:
        """Go on with an operation behind the response of that id."""
        request = base_pb2.ReattachExecuteRequest(session_id=self.session_id, user_context=self.user, operation_id=operation)
        if last is not None:
            request.last_response_id = last
        return self.stub.ReattachExecute(request)

    def release(self, operation: str, until: Optional[str] = None) -> base_pb2.ReleaseExecuteResponse:
        """Forget responses up to one, or the whole operation."""
        request = base_pb2.ReleaseExecuteRequest(session_id=self.session_id, user_context=self.user, operation_id=operation)
        if until is None:
            request.release_all.SetInParent()
        else:
            request.release_until.response_id = until
        return self.stub.ReleaseExecute(request)

    def interrupt(self, **what: str) -> list[str]:
        """Interrupt by operation_id=, operation_tag=, or everything; the ids of what was running."""
        kind = base_pb2.InterruptRequest.INTERRUPT_TYPE_ALL
        if "operation_tag" in what:
            kind = base_pb2.InterruptRequest.INTERRUPT_TYPE_TAG
        elif "operation_id" in what:
            kind = base_pb2.InterruptRequest.INTERRUPT_TYPE_OPERATION_ID
        request = base_pb2.InterruptRequest(session_id=self.session_id, user_context=self.user, interrupt_type=kind, **what)
        return list(self.stub.Interrupt(request).interrupted_ids)

    def config(self, key: str) -> str:
        """A setting's value."""
        request = base_pb2.ConfigRequest(session_id=self.session_id, user_context=self.user)
        request.operation.get.keys.append(key)
        return self.stub.Config(request).pairs[0].value

    def running(self) -> int:
        """How many operations run on the server."""
        return int(self.config(RUNNING))


def range_plan(end: int) -> base_pb2.Plan:
    """spark.range(end)"""
    return base_pb2.Plan(root=relations_pb2.Relation(range=relations_pb2.Range(start=0, end=end, step=1)))


def endless_plan() -> base_pb2.Plan:
    """A query that works for hours and gives no row."""
    plan = range_plan(FOREVER)
    outer = base_pb2.Plan()
    outer.root.filter.input.CopyFrom(plan.root)
    outer.root.filter.condition.expression_string.expression = "id < 0"
    return outer


def deep_plan(levels: int) -> base_pb2.Plan:
    """limit(limit(… range(1)))"""
    relation = range_plan(1).root
    for _ in range(levels):
        outer = relations_pb2.Relation()
        outer.limit.limit = 1
        outer.limit.input.CopyFrom(relation)
        relation = outer
    return base_pb2.Plan(root=relation)


def rows_of(responses: Iterator[base_pb2.ExecutePlanResponse]) -> int:
    """Rows of all batches."""
    return sum(response.arrow_batch.row_count for response in responses)


def classes_of(error: grpc.RpcError) -> tuple[str, list[str], str]:
    """A failure's message, Java classes and reason, checked against its status."""
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(details)
    assert status.code == error.code().value[0] == grpc.StatusCode.INTERNAL.value[0]
    assert status.message == error.details()
    packed: any_pb2.Any = status.details[0]
    info = error_details_pb2.ErrorInfo()
    assert packed.Unpack(info)
    return status.message, json.loads(info.metadata["classes"]), info.reason


def wait_until(holds: Callable[[], bool], seconds: float) -> float:
    """Wait for it; how long it took. Fails when it does not come."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < seconds, "it did not come in time"
        time.sleep(0.02)
    return time.monotonic() - start
