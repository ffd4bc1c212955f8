"""The workflow's cluster, its steps, its logs and its end."""

from __future__ import annotations

import io
import json
import pathlib
import subprocess
import threading
import time
from typing import Any, Iterator

import pyarrow.parquet as parquet
import pytest
from tests.aws.conftest import SOLDER
from tests.emr.conftest import Emr, wait_until

WORDS = """
import os, sys
from pyspark.sql import SparkSession, functions as F
source, target = sys.argv[1:]
spark = SparkSession.builder.appName("words").getOrCreate()
words = spark.read.text(source).select(F.explode(F.split("value", " ")).alias("word"))
words.groupBy("word").count().write.mode("overwrite").parquet(target)
key = "\\n".join([os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_SESSION_TOKEN"]])
spark.createDataFrame([(key,)], ["key"]).coalesce(1).write.mode("overwrite").json("s3://data/key")
print("cores", spark.sparkContext.defaultParallelism, "setting", spark.conf.get("spark.sql.shuffle.partitions"), "exported", os.environ["FROM_ENV"])
"""
BOOTSTRAP = "#!/bin/bash\necho bootstrapping $1 on $SPARK_LOCAL_IP\necho done > bootstrapped\n"


@pytest.fixture(scope="module")
def cluster(emr: Emr, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The workflow's command, without --auto-terminate, with all that may be given beside it."""
    emr.put("bootstrap.sh", BOOTSTRAP)
    emr.put("words.py", WORDS)
    emr.put("in/a.txt", "to be or not to be\nthat is the question\n", "data")
    settings = [{"Classification": "spark-defaults", "Properties": {"spark.sql.shuffle.partitions": "3", "spark.executor.memory": "64g"}},
                {"Classification": "spark-env", "Configurations": [{"Classification": "export", "Properties": {"FROM_ENV": "yes"}}]}]
    file = tmp_path_factory.mktemp("settings") / "settings.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    made = emr.server.aws(
        "emr", "create-cluster", "--name", "ETL Cluster", "--release-label", "emr-6.5.0", "--applications", "Name=Spark", "Name=Hadoop",
        "--instance-type", "m5.xlarge", "--instance-count", "3", "--use-default-roles", "--log-uri", "s3://logs/emr/",
        "--configurations", f"file://{file}", "--bootstrap-actions", "Path=s3://scripts/bootstrap.sh,Name=first,Args=[hello]")
    yield str(made["ClusterId"])


def test_states_and_parts(emr: Emr, cluster: str) -> None:
    """It comes up by STARTING and BOOTSTRAPPING, and tells what it is made of."""
    seen: list[str] = []

    def look() -> bool:
        state = str(emr.status(cluster)["State"])
        if state not in seen:
            seen.append(state)
        return state == "WAITING"

    wait_until(look, "the cluster waits for steps")
    assert [state for state in ("STARTING", "BOOTSTRAPPING", "WAITING") if state in seen] == seen
    whole = emr.server.aws("emr", "describe-cluster", "--cluster-id", cluster)["Cluster"]
    assert whole["Name"] == "ETL Cluster" and whole["Applications"] == [{"Name": "Spark", "Version": "3.1.2"}, {"Name": "Hadoop", "Version": "3.2.1"}]
    assert whole["ServiceRole"] == "EMR_DefaultRole" and whole["Ec2InstanceAttributes"]["IamInstanceProfile"] == "EMR_EC2_DefaultRole"
    assert not whole["AutoTerminate"] and whole["LogUri"] == "s3://logs/emr/"
    assert "2 workers" in whole["Status"]["StateChangeReason"]["Message"] and "spark://127.0.0.10:" in whole["Status"]["StateChangeReason"]["Message"]
    assert [(group["InstanceGroupType"], group["RunningInstanceCount"]) for group in whole["InstanceGroups"]] == [("MASTER", 1), ("CORE", 2)]
    assert whole["BootstrapActions"] == [{"Name": "first", "ScriptPath": "s3://scripts/bootstrap.sh", "Args": ["hello"]}]
    instances = emr.server.aws("emr", "list-instances", "--cluster-id", cluster)["Instances"]
    assert [item["Status"]["State"] for item in instances] == ["RUNNING"] * 3
    assert len({item["PrivateIpAddress"] for item in instances}) == 3
    core = emr.client.list_instances(ClusterId=cluster, InstanceGroupTypes=["CORE"])["Instances"]
    assert {item["Ec2InstanceId"] for item in core} == {item["Ec2InstanceId"] for item in instances[1:]}
    emr.server.aws("emr", "wait", "cluster-running", "--cluster-id", cluster)


def listening(emr: Emr, cluster: str) -> list[str]:
    """The addresses on which the cluster's processes listen."""
    pids = emr.processes(cluster)
    shown = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    return [line.split()[3] for line in shown.splitlines() if any(f"pid={pid}," in line for pid in pids)]


def test_nothing_listens_off_loopback(emr: Emr, cluster: str) -> None:
    """Each socket of the cluster's processes is on 127.*."""
    emr.wait(cluster, "WAITING")
    assert len(emr.processes(cluster)) == 3
    addresses = listening(emr, cluster)
    assert addresses and all(address.removeprefix("[::ffff:").startswith("127.") for address in addresses), addresses


def test_words_from_s3_to_s3(emr: Emr, cluster: str) -> None:
    """A Type=Spark step of the CLI, with the words that scripts for YARN have; its result, its logs; its keys nowhere in sight."""
    emr.wait(cluster, "WAITING")
    lines: set[str] = set()
    addresses: set[str] = set()
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            lines.update(emr.processes(cluster).values())
            addresses.update(listening(emr, cluster))
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        made = emr.server.aws(
            "emr", "add-steps", "--cluster-id", cluster, "--steps",
            "Type=Spark,Name=Words,ActionOnFailure=CONTINUE,Args=[--deploy-mode,cluster,--master,yarn,--executor-memory,32g,s3://scripts/words.py,s3://data/in/,s3://data/out/]")
        step = made["StepIds"][0]
        status = emr.end_of(cluster, step)
    finally:
        is_over.set()
        watcher.join()
    assert status["State"] == "COMPLETED", emr.log(cluster, f"steps/{step}/stderr")[-3000:]
    assert len(addresses) > 6 and all(address.removeprefix("[::ffff:").startswith("127.") for address in addresses), addresses
    assert emr.server.cli("emr", "wait", "step-complete", "--cluster-id", cluster, "--step-id", step).returncode == 0
    counted: dict[str, int] = {}
    objects = emr.s3.list_objects_v2(Bucket="data", Prefix="out/")["Contents"]
    for key in [item["Key"] for item in objects if item["Key"].endswith(".parquet")]:
        for row in parquet.read_table(io.BytesIO(emr.s3.get_object(Bucket="data", Key=key)["Body"].read())).to_pylist():
            counted[row["word"]] = row["count"]
    assert counted == {"to": 2, "be": 2, "or": 1, "not": 1, "that": 1, "is": 1, "the": 1, "question": 1}
    assert "out/_SUCCESS" in [item["Key"] for item in objects]
    stdout = emr.log(cluster, f"steps/{step}/stdout")
    assert "setting 3 exported yes" in stdout
    controller = emr.log(cluster, f"steps/{step}/controller")
    assert "executor memory 32g" in controller and "ended with status 0" in controller
    # The keys: in no command line and no log.
    part = next(item["Key"] for item in emr.s3.list_objects_v2(Bucket="data", Prefix="key/part")["Contents"])
    secrets = json.loads(emr.s3.get_object(Bucket="data", Key=part)["Body"].read())["key"].split("\n")
    assert all(len(secret) >= 40 for secret in secrets) and any("CoarseGrainedExecutorBackend" in line for line in lines)
    names = wait_until(lambda: [name for name in emr.log_names(cluster) if name.startswith("containers/")] and emr.log_names(cluster), "containers' logs")
    texts = list(lines) + [emr.log(cluster, name) for name in names]
    assert not [text for text in texts for secret in secrets if secret in text]
    # They ended with the step.
    emr.wait(cluster, "WAITING")
    rows = subprocess.run([str(SOLDER), "status"], env=emr.server.env, capture_output=True, text=True, check=True).stdout
    assert cluster in rows


@pytest.mark.parametrize(
    ("words", "more", "state", "reason"),
    [
        (["bash", "-c", "echo here $AWS_ENDPOINT_URL; exit 0"], {}, "COMPLETED", ""),
        (["bash", "-c", "echo oops >&2; exit 3"], {}, "FAILED", "ended with status 3"),
        (["no-such-program"], {}, "FAILED", "ended with status 127"),
        (["bash", "-c", "kill -9 $$"], {}, "FAILED", "ended with status 137"),
        ([], {}, "FAILED", "can't be started"),
        (["a"], {"jar": "s3://scripts/missing.jar"}, "FAILED", "can't be started"),
        (["s3://scripts/run.sh", "b c"], {"jar": "s3://us-east-1.elasticmapreduce/libs/script-runner/script-runner.jar"}, "COMPLETED", ""),
        (["spark-submit", "s3://scripts/missing.py"], {}, "FAILED", "can't be started"),
    ],
)
def test_kinds_of_steps(emr: Emr, cluster: str, words: list[str], more: dict[str, Any], state: str, reason: str) -> None:
    """Commands, scripts and jars; what fails says why."""
    emr.put("run.sh", "#!/bin/bash\n[ \"$1\" = 'b c' ]\n")
    step = emr.add(cluster, *words, **more)
    status = emr.end_of(cluster, step)
    assert status["State"] == state, emr.log(cluster, f"steps/{step}/stderr")
    assert reason in status.get("FailureDetails", {}).get("Reason", "")
    if state == "FAILED":
        assert status["FailureDetails"]["LogFile"] == f"s3://logs/emr/{cluster}/steps/{step}/stderr.gz"
    assert status["Timeline"]["EndDateTime"] >= status["Timeline"]["StartDateTime"] >= status["Timeline"]["CreationDateTime"]


def test_a_script_that_raises(emr: Emr, cluster: str) -> None:
    """FailureDetails has the exception."""
    emr.put("raises.py", "raise ValueError('no such thing')\n")
    status = emr.end_of(cluster, emr.add(cluster, "spark-submit", "s3://scripts/raises.py"))
    assert status["State"] == "FAILED" and "ValueError: no such thing" in status["FailureDetails"]["Message"]


def test_cancel_a_step_that_runs_and_one_that_waits(emr: Emr, cluster: str) -> None:
    """CancelSteps of either; the one that ignores TERM is killed."""
    first = emr.add(cluster, "bash", "-c", "trap '' TERM; sleep 600 & wait; sleep 600")
    second = emr.add(cluster, "bash", "-c", "exit 0")
    wait_until(lambda: emr.step(cluster, first)["Status"]["State"] == "RUNNING", "the step runs")
    assert emr.status(cluster)["State"] == "RUNNING"
    answer = emr.client.cancel_steps(ClusterId=cluster, StepIds=[first, second, "s-NOSUCHSTEP000"])["CancelStepsInfoList"]
    assert [(item["StepId"], item["Status"]) for item in answer] == [(first, "SUBMITTED"), (second, "SUBMITTED"), ("s-NOSUCHSTEP000", "FAILED")]
    assert emr.end_of(cluster, first)["State"] == "CANCELLED"
    assert emr.end_of(cluster, second)["State"] == "CANCELLED"
    wait_until(lambda: not [line for line in emr.processes(cluster).values() if "sleep" in line], "nothing of the step is left")
    emr.wait(cluster, "WAITING")


def test_a_failed_step_cancels_those_behind_it(emr: Emr, cluster: str) -> None:
    """CANCEL_AND_WAIT; ListSteps is newest first, and filters."""
    first = emr.add(cluster, "bash", "-c", "sleep 2; exit 1", failure="CANCEL_AND_WAIT")
    second = emr.add(cluster, "bash", "-c", "exit 0")
    assert emr.end_of(cluster, second)["State"] == "CANCELLED"
    assert emr.end_of(cluster, first)["State"] == "FAILED"
    steps = emr.client.list_steps(ClusterId=cluster)["Steps"]
    assert [step["Id"] for step in steps[:2]] == [second, first]
    only = emr.client.list_steps(ClusterId=cluster, StepStates=["CANCELLED"], StepIds=[first, second])["Steps"]
    assert [step["Id"] for step in only] == [second]


def test_termination(emr: Emr, cluster: str) -> None:
    """Protection, then the end: states, reason, logs of nodes, no process and no file left."""
    emr.wait(cluster, "WAITING")
    emr.client.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=True)
    refused = emr.server.cli("emr", "terminate-clusters", "--cluster-ids", cluster)
    assert "ValidationException" in refused.stderr and "termination protected" in refused.stderr
    emr.client.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=False)
    emr.server.aws("emr", "terminate-clusters", "--cluster-ids", cluster)
    assert emr.status(cluster)["State"] in ("TERMINATING", "TERMINATED")
    status = emr.wait(cluster, "TERMINATED")
    assert status["StateChangeReason"] == {"Code": "USER_REQUEST", "Message": "Terminated by user request"}
    assert emr.server.cli("emr", "wait", "cluster-terminated", "--cluster-id", cluster).returncode == 0
    assert emr.processes(cluster) == {}
    assert not (pathlib.Path(emr.server.home) / "emr" / cluster).exists()
    names = emr.log_names(cluster)
    instances = [item["Ec2InstanceId"] for item in emr.client.list_instances(ClusterId=cluster)["Instances"]]
    assert f"node/{instances[0]}/applications/spark/spark-master.out" in names
    for instance in instances[1:]:
        assert f"node/{instance}/applications/spark/spark-worker.out" in names
    assert "bootstrapping hello on 127.0.0.11" in emr.log(cluster, f"node/{instances[1]}/bootstrap-actions/1/stdout")
    refused = emr.server.cli("emr", "add-steps", "--cluster-id", cluster, "--steps", "Type=CUSTOM_JAR,Jar=command-runner.jar,Args=[true]")
    assert "A job flow that is shutting down, terminated, or finished may not be modified." in refused.stderr
