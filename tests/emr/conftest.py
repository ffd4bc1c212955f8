"""A server with buckets, and what EMR's tests ask of clusters."""

from __future__ import annotations

import gzip
import os
import pathlib
import signal
import time
from typing import Any, Callable, Iterator

import pytest

from tests.aws.conftest import Server

SECONDS = 300
LIVE_STATES = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]


def wait_until(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} seconds: {what}")


class Emr:
    """EMR of one server, by boto3."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.connect()

    def connect(self) -> None:
        """Clients for the server, which has another port after a new start."""
        self.client = self.server.client("emr")
        self.s3 = self.server.client("s3")

    def put(self, key: str, text: str, bucket: str = "scripts") -> str:
        """An object; its URI."""
        self.s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        return f"s3://{bucket}/{key}"

    def create(self, count: int = 2, keep: bool = True, **more: Any) -> str:
        """A small cluster; its id."""
        groups = [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}]
        if count > 1:
            groups.append({"InstanceRole": "CORE", "InstanceType": "m5.xlarge", "InstanceCount": count - 1})
        request: dict[str, Any] = {
            "Name": "test", "ReleaseLabel": "emr-7.5.0", "Applications": [{"Name": "Spark"}],
            "Instances": {"InstanceGroups": groups, "KeepJobFlowAliveWhenNoSteps": keep}, "LogUri": "s3://logs/emr/"}
        return str(self.client.run_job_flow(**{**request, **more})["JobFlowId"])

    def status(self, cluster: str) -> dict[str, Any]:
        """The cluster's Status."""
        return dict(self.client.describe_cluster(ClusterId=cluster)["Cluster"]["Status"])

    def wait(self, cluster: str, *states: str) -> dict[str, Any]:
        """Until it is in one of these states; a cluster that ended otherwise is an error at once."""

        def look() -> dict[str, Any] | None:
            status = self.status(cluster)
            if status["State"] in states:
                return status
            assert not status["State"].startswith("TERMINATED"), status
            return None

        return dict(wait_until(look, f"cluster {cluster} is {' or '.join(states)}"))

    def add(self, cluster: str, *args: str, jar: str = "command-runner.jar", failure: str = "CONTINUE", **more: Any) -> str:
        """A step; its id."""
        step = {"Name": args[0] if args else jar, "ActionOnFailure": failure, "HadoopJarStep": {"Jar": jar, "Args": list(args), **more}}
        return str(self.client.add_job_flow_steps(JobFlowId=cluster, Steps=[step])["StepIds"][0])

    def step(self, cluster: str, step: str) -> dict[str, Any]:
        """What DescribeStep answers."""
        return dict(self.client.describe_step(ClusterId=cluster, StepId=step)["Step"])

    def end_of(self, cluster: str, step: str) -> dict[str, Any]:
        """The step's Status when it is over."""

        def look() -> dict[str, Any] | None:
            status = self.step(cluster, step)["Status"]
            return None if status["State"] in ("PENDING", "RUNNING", "CANCEL_PENDING") else status

        return dict(wait_until(look, f"step {step} is over"))

    def log(self, cluster: str, name: str) -> str:
        """A log, unpacked."""
        return gzip.decompress(self.s3.get_object(Bucket="logs", Key=f"emr/{cluster}/{name}.gz")["Body"].read()).decode(errors="replace")

    def log_names(self, cluster: str) -> list[str]:
        """All logs of a cluster, without the prefix."""
        prefix = f"emr/{cluster}/"
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="logs", Prefix=prefix)
        return [item["Key"].removeprefix(prefix).removesuffix(".gz") for page in pages for item in page.get("Contents", [])]

    def processes(self, cluster: str) -> dict[int, str]:
        """The command lines of all processes of a cluster ("": of any), by the variable that each has."""
        mark = f"SOLDER_CLUSTER={self.server.home}/emr/{cluster}".encode()
        found = {}
        for folder in pathlib.Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                try:
                    if any(value == mark or (not cluster and value.startswith(mark)) for value in (folder / "environ").read_bytes().split(b"\0")):
                        found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue
        return {pid: line for pid, line in found.items() if line}  # an empty one is a zombie


@pytest.fixture(scope="module")
def emr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emr]:
    """A server that a module's tests share; it ends without leaving a process."""
    server = Server(tmp_path_factory.mktemp("emr") / "home")
    made = Emr(server)
    for bucket in ("scripts", "data", "logs"):
        made.s3.create_bucket(Bucket=bucket)
    try:
        yield made
        made.connect()
        clusters = [item["Id"] for item in made.client.list_clusters()["Clusters"]]
        assert server.stop() == 0
        for cluster in clusters:
            assert made.processes(cluster) == {}
    finally:  # also when a test broke off with the server killed, whose clusters live on
        server.process.kill()
        server.process.wait()
        for pid in made.processes(""):
            os.kill(pid, signal.SIGKILL)
