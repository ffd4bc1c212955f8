"""SIGKILL of the server in each state of cluster, step and run, one after another: what was acknowledged is there, everything ends, nothing is left.

`make soak` goes round for as long as it is told (tests/soak/test_kills.py).
"""

from __future__ import annotations

import collections
from typing import Any

from tests.emr.conftest import Emr, wait_until

STUBBORN = "trap '' TERM; echo there; sleep {seconds} & wait; sleep {seconds}"
SCRIPT = """
import os, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("running", flush=True)
while not os.path.exists({flag!r}):
    time.sleep(0.1)
print(spark.range(100).count(), flush=True)
"""


class Loop:
    """One server that is killed again and again, and what it has acknowledged."""

    def __init__(self, emr: Emr) -> None:
        self.emr = emr
        self.killed: collections.Counter[str] = collections.Counter()
        self.clusters: set[str] = set()
        self.steps: set[tuple[str, str]] = set()
        self.runs: set[tuple[str, str]] = set()
        self.connect()

    def connect(self) -> None:
        """Clients for the server as it listens now."""
        self.emr.connect()
        self.glue = self.emr.server.client("glue")

    def state(self, kind: str, *names: str) -> str:
        """The state of a cluster, step or run."""
        if kind == "cluster":
            return str(self.emr.status(*names)["State"])
        if kind == "step":
            return str(self.emr.step(*names)["Status"]["State"])
        return str(self.glue.get_job_run(JobName=names[0], RunId=names[1])["JobRun"]["JobRunState"])

    def kill(self, kind: str, *names: str, wanted: str, passed: tuple[str, ...] = ()) -> None:
        """Kill it as soon as it is in this state (or has passed it); a new server knows all that the old one had acknowledged."""
        seen = wait_until(lambda: (now := self.state(kind, *names)) in (wanted, *passed) and now, f"{kind} {wanted}")
        self.emr.server.kill()
        self.killed[f"{kind} {seen}"] += 1
        self.emr.server.start()
        self.connect()
        assert self.clusters <= {item["Id"] for item in self.emr.client.list_clusters()["Clusters"]}
        for cluster, step in self.steps:
            self.state("step", cluster, step)
        for job, run in self.runs:
            self.state("run", job, run)

    def add(self, cluster: str, *words: str) -> str:
        """A step."""
        step = self.emr.add(cluster, *words)
        self.steps.add((cluster, step))
        return step

    def start(self, job: str, cluster: str) -> str:
        """A run on the cluster."""
        run = str(self.glue.start_job_run(JobName=job, Arguments={"--enable-spark-submit": "true", "--emr-endpoint": cluster})["JobRunId"])
        self.runs.add((job, run))
        return run

    def wait(self, kind: str, *names: str, wanted: str) -> None:
        """Until it is in this state; an end that is another is an error."""
        ends = {"cluster": ("TERMINATED", "TERMINATED_WITH_ERRORS"), "step": ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"), "run": ("SUCCEEDED", "FAILED", "STOPPED")}

        def look() -> Any:
            now = self.state(kind, *names)
            assert now == wanted or now not in ends[kind], (kind, names, now)
            return now == wanted

        wait_until(look, f"{kind} {wanted}")


def go_round(loop: Loop, number: int) -> None:
    """One cluster from its start to its end, with steps and runs, through a kill in each state."""
    emr = loop.emr
    flag = emr.server.home / f"go-{number}"
    bootstrap = emr.put("slow_bootstrap.sh", "#!/bin/bash\nsleep 1\n")
    cluster = emr.create(2, BootstrapActions=[{"Name": "slow", "ScriptBootstrapAction": {"Path": bootstrap}}])
    loop.clusters.add(cluster)
    later = ("BOOTSTRAPPING", "WAITING")
    loop.kill("cluster", cluster, wanted="STARTING", passed=later)
    loop.kill("cluster", cluster, wanted="BOOTSTRAPPING", passed=later[1:])
    loop.kill("cluster", cluster, wanted="WAITING")
    first, second = loop.add(cluster, "bash", "-c", STUBBORN.format(seconds=600)), loop.add(cluster, "bash", "-c", "exit 0")
    loop.kill("step", cluster, second, wanted="PENDING")
    loop.wait("step", cluster, first, wanted="RUNNING")
    wait_until(lambda: sum("sleep 600" in line for line in emr.processes(cluster).values()) > 1, "the step's processes")
    loop.kill("step", cluster, first, wanted="RUNNING")
    loop.kill("cluster", cluster, wanted="RUNNING")
    emr.client.cancel_steps(ClusterId=cluster, StepIds=[first])
    loop.kill("step", cluster, first, wanted="CANCEL_PENDING", passed=("CANCELLED",))
    loop.wait("step", cluster, first, wanted="CANCELLED")
    loop.wait("step", cluster, second, wanted="COMPLETED")
    job = f"kill-{number}"
    location = emr.put(f"{job}.py", SCRIPT.format(flag=str(flag)))
    loop.glue.create_job(Name=job, Role="r", Command={"Name": "glueetl", "ScriptLocation": location}, ExecutionProperty={"MaxConcurrentRuns": 3})
    run, stopped = loop.start(job, cluster), loop.start(job, cluster)
    loop.kill("run", job, run, wanted="STARTING", passed=("RUNNING",))
    loop.kill("run", job, run, wanted="RUNNING")
    loop.glue.batch_stop_job_run(JobName=job, JobRunIds=[stopped])
    loop.kill("run", job, stopped, wanted="STOPPING", passed=("STOPPED",))
    flag.touch()
    loop.wait("run", job, run, wanted="SUCCEEDED")
    loop.wait("run", job, stopped, wanted="STOPPED")
    emr.client.terminate_job_flows(JobFlowIds=[cluster])
    loop.kill("cluster", cluster, wanted="TERMINATING", passed=("TERMINATED",))
    loop.wait("cluster", cluster, wanted="TERMINATED")
    assert emr.processes(cluster) == {}
    assert list((emr.server.home / "runs").iterdir()) == [] and list((emr.server.home / "emr").iterdir()) == []


def test_killed_in_each_state(emr: Emr) -> None:
    loop = Loop(emr)
    go_round(loop, 0)
    print(f"killed {sum(loop.killed.values())} times: {dict(sorted(loop.killed.items()))}", flush=True)
    assert sum(loop.killed.values()) == 11
