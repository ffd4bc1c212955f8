"""Starts a Spark cluster of a master and two workers, runs one small PySpark step on it, ends it; prints what each took.

Usage: emr_cluster.py solder SOLDER STEP     create-cluster to WAITING, add-steps to COMPLETED, by EMR's API
       emr_cluster.py stock SPARK_HOME STEP  spark-class for each daemon until both workers are registered, spark-submit
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable

CORES, MEMORY = "1", "2g"


def wait_until(condition: Callable[[], Any], seconds: float = 300) -> Any:
    """The condition's first true value, looked at twenty times a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise SystemExit("bench: not in time")


def run_solder(solder: str, step: str, folder: Path) -> None:
    """By boto3, against a server of its own."""
    import boto3

    environment = {**os.environ, "SOLDER_HOME": str(folder / "home")}
    server = subprocess.Popen([solder, "serve", "--port", "0", "--connect-port", "-1"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert found is not None
        shown = subprocess.run([solder, "env"], env=environment, capture_output=True, text=True, check=True).stdout
        variables = dict(re.findall(r"^export (\w+)=(.*)$", shown, re.MULTILINE))
        made = {"endpoint_url": found.group(0), "region_name": "us-east-1", "aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
                "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"]}
        emr, s3 = boto3.client("emr", **made), boto3.client("s3", **made)
        s3.create_bucket(Bucket="scripts")
        s3.upload_file(step, "scripts", "step.py")
        begun = time.monotonic()
        cluster = emr.run_job_flow(
            Name="bench", ReleaseLabel="emr-7.5.0", Applications=[{"Name": "Spark"}],
            Instances={"MasterInstanceType": "m5.xlarge", "SlaveInstanceType": "m5.xlarge", "InstanceCount": 3, "KeepJobFlowAliveWhenNoSteps": True})["JobFlowId"]
        wait_until(lambda: emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]["State"] == "WAITING")
        print(f"ready_seconds {time.monotonic() - begun:.3f}")
        begun = time.monotonic()
        jar = {"Jar": "command-runner.jar", "Args": ["spark-submit", "s3://scripts/step.py"]}
        ran = emr.add_job_flow_steps(JobFlowId=cluster, Steps=[{"Name": "s", "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar}])["StepIds"][0]
        state = wait_until(lambda: (now := emr.describe_step(ClusterId=cluster, StepId=ran)["Step"]["Status"]["State"]) in ("COMPLETED", "FAILED") and now)
        print(f"step_seconds {time.monotonic() - begun:.3f}")
        assert state == "COMPLETED"
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run_stock(spark_home: str, step: str, folder: Path) -> None:
    """As Spark's own start scripts do: bin/spark-class for each daemon, the workers when the master answers."""
    port, web_port = free_port(), free_port()
    environment = {**os.environ, "SPARK_HOME": spark_home, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(folder / "local"), "PYSPARK_PYTHON": sys.executable}
    log = open(folder / "log", "wb")
    daemons = []

    def launch(*arguments: str) -> None:
        daemons.append(subprocess.Popen([f"{spark_home}/bin/spark-class", *arguments], env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True))

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def registered() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{web_port}/json/", timeout=5) as answer:
                return bool(json.load(answer)["aliveworkers"] == 2)
        except OSError:
            return False

    try:
        begun = time.monotonic()
        launch("org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(web_port))
        wait_until(answers)
        for _ in range(2):
            launch("org.apache.spark.deploy.worker.Worker", "--cores", CORES, "--memory", MEMORY, "--webui-port", "0", "--work-dir", str(folder / "work"), f"spark://127.0.0.1:{port}")
        wait_until(registered)
        print(f"ready_seconds {time.monotonic() - begun:.3f}")
        begun = time.monotonic()
        subprocess.run([f"{spark_home}/bin/spark-submit", "--master", f"spark://127.0.0.1:{port}", step], env=environment, cwd=folder, stdout=log, stderr=log, check=True)
        print(f"step_seconds {time.monotonic() - begun:.3f}")
    finally:
        for daemon in daemons:
            os.killpg(daemon.pid, signal.SIGTERM)
        for daemon in daemons:
            daemon.wait()
        log.close()


def main(arguments: list[str]) -> int:
    """One cluster's life."""
    kind, where, step = arguments
    with tempfile.TemporaryDirectory(prefix="bench-emr-") as folder:
        (run_solder if kind == "solder" else run_stock)(where, step, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
