"""CloudWatch Logs by boto3 and the AWS CLI: groups, streams, events, pages, patterns, and what a kill leaves."""

from __future__ import annotations

import random
import time
from typing import Any

import botocore.exceptions
import pytest

from .conftest import Server


def now() -> int:
    """Milliseconds, as CloudWatch counts."""
    return int(time.time() * 1000)


def refused(code: str) -> Any:
    """The error that AWS's client must raise."""
    return pytest.raises(botocore.exceptions.ClientError, match=rf"\({code}\)")


@pytest.fixture(scope="module")
def logs(server: Server) -> Any:
    return server.client("logs")


def fill(logs: Any, group: str, stream: str, lines: list[str], start: int) -> None:
    """A group, a stream and one event a millisecond."""
    for create, names in ((logs.create_log_group, {"logGroupName": group}), (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream})):
        try:
            create(**names)
        except logs.exceptions.ResourceAlreadyExistsException:
            pass
    for i in range(0, len(lines), 5000):
        batch = [{"timestamp": start + i + j, "message": line} for j, line in enumerate(lines[i : i + 5000])]
        assert "rejectedLogEventsInfo" not in logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)


def test_groups_by_the_cli(server: Server) -> None:
    for name in ("/aws/one", "/aws/two", "other"):
        server.aws("logs", "create-log-group", "--log-group-name", name, "--tags", "a=b")
    server.aws("logs", "put-retention-policy", "--log-group-name", "/aws/two", "--retention-in-days", "7")
    shown = server.aws("logs", "describe-log-groups", "--log-group-name-prefix", "/aws/")["logGroups"]
    assert [group["logGroupName"] for group in shown][:2] == ["/aws/one", "/aws/two"]
    assert shown[1]["retentionInDays"] == 7 and "retentionInDays" not in shown[0]
    assert shown[0]["arn"] == "arn:aws:logs:us-east-1:000000000000:log-group:/aws/one:*"
    assert server.cli("logs", "put-retention-policy", "--log-group-name", "/aws/two", "--retention-in-days", "8").returncode != 0
    assert "ResourceAlreadyExistsException" in server.cli("logs", "create-log-group", "--log-group-name", "other").stderr
    server.aws("logs", "delete-log-group", "--log-group-name", "other")
    assert "ResourceNotFoundException" in server.cli("logs", "delete-log-group", "--log-group-name", "other").stderr


def test_tags_of_groups(logs: Any) -> None:
    logs.create_log_group(logGroupName="/tagged", tags={"a": "1", "b": "2"})
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:/tagged"
    logs.tag_resource(resourceArn=arn, tags={"b": "3", "c": "4"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a", "never there"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "3", "c": "4"}
    assert logs.list_tags_log_group(logGroupName="/tagged")["tags"] == {"b": "3", "c": "4"}
    with refused("ResourceNotFoundException"):
        logs.list_tags_for_resource(resourceArn=arn + "none")
    with refused("InvalidParameterException"):
        logs.list_tags_for_resource(resourceArn="arn:aws:logs:us-east-1:000000000000:spaceship:x")
    logs.delete_log_group(logGroupName="/tagged")


def test_pages_of_groups_and_streams(logs: Any) -> None:
    for i in range(60):
        logs.create_log_group(logGroupName=f"/paged/{i:03}")
        logs.create_log_stream(logGroupName="/paged/000", logStreamName=f"s{i:03}")
    names = [g["logGroupName"] for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/paged/") for g in page["logGroups"]]
    assert names == [f"/paged/{i:03}" for i in range(60)]
    shuffled = list(range(60))
    random.Random(5).shuffle(shuffled)
    start = now() - 1000
    for place, i in enumerate(shuffled):
        logs.put_log_events(logGroupName="/paged/000", logStreamName=f"s{i:03}", logEvents=[{"timestamp": start + place, "message": "x"}])
    for order, descending in (("LogStreamName", False), ("LogStreamName", True), ("LastEventTime", False), ("LastEventTime", True)):
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName="/paged/000", orderBy=order, descending=descending, PaginationConfig={"PageSize": 7}
        )
        found = [s["logStreamName"] for page in pages for s in page["logStreams"]]
        expected = [f"s{i:03}" for i in (range(60) if order == "LogStreamName" else shuffled)]
        assert found == (expected[::-1] if descending else expected), (order, descending)
    with refused("InvalidParameterException"):
        logs.describe_log_streams(logGroupName="/paged/000", orderBy="LastEventTime", logStreamNamePrefix="s")
    with refused("ResourceNotFoundException"):
        logs.describe_log_streams(logGroupName="/none")


def test_get_log_events_both_ways(logs: Any) -> None:
    start = now() - 10000
    lines = [f"line {i}" for i in range(250)]
    fill(logs, "get", "s", lines, start)
    names = {"logGroupName": "get", "logStreamName": "s"}
    found: list[str] = []
    answer = logs.get_log_events(**names, startFromHead=True, limit=100)
    while answer["events"]:
        found += [event["message"] for event in answer["events"]]
        last = answer["nextForwardToken"]
        answer = logs.get_log_events(**names, nextToken=last, limit=100)
    assert found == lines
    assert answer["nextForwardToken"] == last  # the end: the same again
    back = logs.get_log_events(**names, nextToken=answer["nextBackwardToken"], limit=10)
    assert [event["message"] for event in back["events"]] == lines[-10:]
    found = []
    answer = logs.get_log_events(**names, limit=100)
    while answer["events"]:
        found = [event["message"] for event in answer["events"]] + found
        answer = logs.get_log_events(**names, nextToken=answer["nextBackwardToken"], limit=100)
    assert found == lines
    ranged = logs.get_log_events(**names, startTime=start + 10, endTime=start + 13, startFromHead=True)["events"]
    assert [event["message"] for event in ranged] == ["line 10", "line 11", "line 12"]
    assert ranged[0]["timestamp"] == start + 10 and ranged[0]["ingestionTime"] >= start
    # What comes later is behind the last token.
    fill(logs, "get", "s", ["later"], now())
    assert [e["message"] for e in logs.get_log_events(**names, nextToken=last)["events"]] == ["later"]
    with refused("InvalidParameterException"):
        logs.get_log_events(**names, nextToken="f/nonsense")
    with refused("ResourceNotFoundException"):
        logs.get_log_events(logGroupName="get", logStreamName="none")


def test_filter_log_events(server: Server, logs: Any) -> None:
    start = now() - 60000
    fill(logs, "filter", "run/a", ["ERROR one", "INFO two", "WARN three ERROR", 'say "hello world" now', "héllo ☃"], start)
    fill(logs, "filter", "run/b", ["error small", "INFO ERROR both", "-dash"], start)

    def matching(pattern: str, **more: Any) -> list[str]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName="filter", filterPattern=pattern, PaginationConfig={"PageSize": 2}, **more)
        events = [event for page in pages for event in page["events"]]
        assert [e["timestamp"] for e in events] == sorted(e["timestamp"] for e in events)
        assert len({e["eventId"] for e in events}) == len(events)
        return [event["message"] for event in events]

    assert sorted(matching("")) == sorted(["ERROR one", "INFO two", "WARN three ERROR", 'say "hello world" now', "héllo ☃", "error small", "INFO ERROR both", "-dash"])
    assert matching("ERROR") == ["ERROR one", "INFO ERROR both", "WARN three ERROR"]
    assert matching("ERROR INFO") == ["INFO ERROR both"]
    assert matching("ERROR -INFO") == ["ERROR one", "WARN three ERROR"]
    assert matching("?one ?two") == ["ERROR one", "INFO two"]
    assert matching('"hello world"') == ['say "hello world" now']
    assert matching('"say \\"hello"') == ['say "hello world" now']
    assert matching("☃") == ["héllo ☃"]
    assert matching("", logStreamNames=["run/b"]) == ["error small", "INFO ERROR both", "-dash"]
    assert len(matching("", logStreamNamePrefix="run/")) == 8
    assert matching("", startTime=start + 4, endTime=start + 4) == ["héllo ☃"]
    with refused("InvalidParameterException"):
        matching("{ $.x = 1 }")
    with refused("ResourceNotFoundException"):
        logs.filter_log_events(logGroupName="/aws-glue/none")
    shown = server.aws("logs", "filter-log-events", "--log-group-name", "filter", "--filter-pattern", "WARN")
    assert [(e["logStreamName"], e["message"]) for e in shown["events"]] == [("run/a", "WARN three ERROR")]


def test_put_log_events_refuses(logs: Any) -> None:
    fill(logs, "put", "s", ["x"], now())
    names = {"logGroupName": "put", "logStreamName": "s"}
    with refused("InvalidParameterException"):
        logs.put_log_events(**names, logEvents=[{"timestamp": now(), "message": "b"}, {"timestamp": now() - 5000, "message": "a"}])
    with refused("InvalidParameterException"):
        logs.put_log_events(**names, logEvents=[{"timestamp": now() - 25 * 3600000, "message": "b"}, {"timestamp": now(), "message": "a"}])
    with refused("InvalidParameterException"):
        logs.put_log_events(**names, logEvents=[{"timestamp": now(), "message": "y" * 300000}])
    answer = logs.put_log_events(**names, logEvents=[{"timestamp": now() - 15 * 86400000, "message": "old"}])
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    with refused("ResourceNotFoundException"):
        logs.put_log_events(logGroupName="put", logStreamName="none", logEvents=[{"timestamp": now(), "message": "x"}])


def test_acknowledged_events_outlive_a_kill(fresh_server: Server) -> None:
    logs = fresh_server.client("logs")
    start = now() - 100000
    fill(logs, "kept", "s", [f"{i}" for i in range(3)], start)
    token = logs.get_log_events(logGroupName="kept", logStreamName="s", startFromHead=True, limit=2)["nextForwardToken"]
    for round_number in range(4):
        fill(logs, "kept", "s", [f"{3 + round_number}"], start + 3 + round_number)
        fresh_server.kill()
        fresh_server.start()
        logs = fresh_server.client("logs")
        found = [e["message"] for e in logs.get_log_events(logGroupName="kept", logStreamName="s", startFromHead=True)["events"]]
        assert found == [f"{i}" for i in range(4 + round_number)]
    assert logs.get_log_events(logGroupName="kept", logStreamName="s", nextToken=token)["events"][0]["message"] == "2"
    shown = logs.describe_log_streams(logGroupName="kept")["logStreams"][0]
    assert (shown["firstEventTimestamp"], shown["lastEventTimestamp"]) == (start, start + 6)
