"""The server killed and stopped with a cluster and a step under way."""

from __future__ import annotations

import os
import pathlib
import signal
import time

from tests.emr.conftest import Emr, wait_until

# Runs on the executors while the server is away: it needs no S3.
SLOW = """
import sys, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("started", flush=True)
def slow(number):
    time.sleep(1)
    return number
print("sum", spark.sparkContext.parallelize(range(int(sys.argv[1])), 4).map(slow).sum())
"""


def kill_and_start(emr: Emr) -> None:
    """SIGKILL, then a new server over the home directory."""
    emr.server.kill()
    emr.server.start()
    emr.connect()


def stdout_of(emr: Emr, cluster: str, step: str) -> str:
    """What the step has printed so far."""
    path = pathlib.Path(emr.server.home) / "emr" / cluster / "steps" / step / "stdout"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_a_cluster_outlives_its_server(emr: Emr) -> None:
    """Killed while a step runs, while one has ended unseen, and while nothing runs: the cluster is taken up, each step's state is true."""
    emr.put("slow.py", SLOW)
    cluster = emr.create(2)
    emr.wait(cluster, "WAITING")
    before = emr.processes(cluster)
    kill_and_start(emr)  # nothing runs
    assert emr.status(cluster)["State"] == "WAITING"
    step = emr.add(cluster, "spark-submit", "s3://scripts/slow.py", "24")
    waiting = emr.add(cluster, "bash", "-c", "exit 4")
    wait_until(lambda: "started" in stdout_of(emr, cluster, step), "the step runs")
    kill_and_start(emr)  # a Spark step runs
    assert emr.step(cluster, step)["Status"]["State"] == "RUNNING" and emr.status(cluster)["State"] == "RUNNING"
    assert emr.end_of(cluster, step)["State"] == "COMPLETED"
    assert f"sum {sum(range(24))}" in emr.log(cluster, f"steps/{step}/stdout")
    assert "taken up" in emr.log(cluster, f"steps/{step}/controller")
    assert "status 4" in emr.end_of(cluster, waiting)["FailureDetails"]["Reason"]
    unseen = emr.add(cluster, "bash", "-c", "sleep 2; exit 5")
    wait_until(lambda: emr.step(cluster, unseen)["Status"]["State"] == "RUNNING", "the step runs")
    emr.server.kill()  # a step ends with nobody watching
    status_file = pathlib.Path(emr.server.home) / "emr" / cluster / "steps" / unseen / "status"
    wait_until(status_file.exists, "the step has ended")
    emr.server.start()
    emr.connect()
    assert "status 5" in emr.end_of(cluster, unseen)["FailureDetails"]["Reason"]
    assert set(before) <= set(emr.processes(cluster))
    emr.client.terminate_job_flows(JobFlowIds=[cluster])
    emr.wait(cluster, "TERMINATED")
    assert emr.processes(cluster) == {}


def test_killed_while_it_starts_and_while_it_ends(emr: Emr) -> None:
    """A start goes on with new processes, an end goes on to its end; nothing is left running."""
    cluster = emr.create(2)
    wait_until(lambda: emr.processes(cluster), "the master is launched")
    kill_and_start(emr)
    emr.wait(cluster, "WAITING")
    assert len(emr.processes(cluster)) == 2
    emr.client.terminate_job_flows(JobFlowIds=[cluster])
    kill_and_start(emr)
    status = emr.wait(cluster, "TERMINATED")
    assert status["StateChangeReason"]["Code"] == "USER_REQUEST"
    assert emr.processes(cluster) == {}


def test_a_master_that_died_with_the_server(emr: Emr) -> None:
    """The cluster ends with the reason; its step is interrupted."""
    cluster = emr.create(2)
    step = emr.add(cluster, "bash", "-c", "sleep 600")
    wait_until(lambda: emr.step(cluster, step)["Status"]["State"] == "RUNNING", "the step runs")
    emr.server.kill()
    master = next(pid for pid, line in emr.processes(cluster).items() if "deploy.master.Master" in line)
    os.kill(master, signal.SIGKILL)
    wait_until(lambda: master not in emr.processes(cluster), "the master is gone")
    emr.server.start()
    emr.connect()

    def look() -> bool:
        return bool(emr.status(cluster)["State"] == "TERMINATED_WITH_ERRORS")

    wait_until(look, "the cluster ends")
    assert emr.status(cluster)["StateChangeReason"]["Code"] == "INSTANCE_FAILURE"
    assert emr.step(cluster, step)["Status"]["State"] == "INTERRUPTED"
    assert emr.processes(cluster) == {}


def test_a_worker_that_dies_is_not_the_clusters_end(emr: Emr) -> None:
    """Its instance is; then SIGTERM of the server ends the cluster, and says so."""
    cluster = emr.create(3)
    emr.wait(cluster, "WAITING")
    worker = next(pid for pid, line in emr.processes(cluster).items() if "deploy.worker.Worker" in line)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: "TERMINATED" in [item["Status"]["State"] for item in emr.client.list_instances(ClusterId=cluster)["Instances"]], "the instance is gone")
    step = emr.add(cluster, "bash", "-c", "sleep 600")
    wait_until(lambda: emr.step(cluster, step)["Status"]["State"] == "RUNNING", "the step runs")
    begun = time.monotonic()
    assert emr.server.stop() == 0
    assert time.monotonic() - begun < 60
    assert emr.processes(cluster) == {}
    emr.server.start()
    emr.connect()
    status = emr.status(cluster)
    assert (status["State"], status["StateChangeReason"]["Message"]) == ("TERMINATED", "The server was stopped")
    assert emr.step(cluster, step)["Status"]["State"] == "INTERRUPTED"
