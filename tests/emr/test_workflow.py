"""The workflow from its first step to its last: examples/workflow.sh with the AWS CLI, and again by boto3; both engines write the same rows."""

from __future__ import annotations

import csv
import io
import json
import pathlib
import subprocess
from typing import Any

import pyarrow
import pyarrow.parquet as parquet
import pytest
from botocore.exceptions import ClientError
from tests.aws.conftest import ROOT, SOLDER, Server
from tests.aws.test_front_door import TlsServer, make_certificate
from tests.emr.conftest import Emr, wait_until

EXAMPLES = ROOT / "examples"
ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")


def sorted_rows(files: list[Any]) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """Names and types of the columns, and all rows, of the Parquet files of one result."""
    tables = [parquet.read_table(file) for file in files]
    rows = [row for table in tables for row in table.to_pylist()]
    return [(field.name, str(field.type)) for field in tables[0].schema], sorted(rows, key=lambda row: [str(value) for value in row.values()])


@pytest.mark.parametrize("has_tls", [False, True], ids=["plain", "tls"])
def test_by_the_cli(tmp_path: pathlib.Path, has_tls: bool) -> None:
    """As its user types it: `solder serve`, `eval "$(solder env)"`, then the commands. Over TLS jobs, Spark and S3A reach the server all the same."""
    files = make_certificate(tmp_path, "server") if has_tls else ("", "")
    server = TlsServer(tmp_path / "home", "--tls-cert", files[0], "--tls-key", files[1]) if has_tls else Server(tmp_path / "home")
    results = tmp_path / "results"
    results.mkdir()
    try:
        environment = {**server.env, "KEEP_RESULTS": str(results)}
        command = f'eval "$("{SOLDER}" env)"; "{EXAMPLES}/workflow.sh"'
        done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert "8 records for which the function raised: ValueError 8" in done.stdout
        assert "/steps/" in done.stdout and "stderr.gz" in done.stdout
        assert done.stdout.endswith("TERMINATED\tSteps completed\n")
        engine, spark = (sorted_rows(sorted((results / name).glob("*.parquet"))) for name in ("engine", "spark"))
        assert len(engine[1]) == 324
        assert engine == spark
    finally:
        assert server.stop() == 0


class Workflow:
    """The workflow's buckets, catalog, job and cluster, by boto3."""

    def __init__(self, emr: Emr) -> None:
        self.emr = emr
        self.connect()
        for bucket in ("my-source-bucket", "my-target-bucket", "my-script-bucket", "my-log-bucket"):
            emr.s3.create_bucket(Bucket=bucket)
        emr.s3.upload_file(str(EXAMPLES / "titanic.csv"), "my-source-bucket", "titanic/titanic.csv")
        emr.s3.upload_file(str(EXAMPLES / "glue_job.py"), "my-script-bucket", "glue_job.py")
        for verb, file in (("create-database", "source_db.json"), ("create-table", "source_table.json")):
            emr.server.aws("glue", verb, "--cli-input-json", (EXAMPLES / file).read_text())
        self.make_job("titanic", "s3://my-script-bucket/glue_job.py")
        instances = {"MasterInstanceType": "m5.xlarge", "SlaveInstanceType": "m5.xlarge", "InstanceCount": 3, "KeepJobFlowAliveWhenNoSteps": True}
        self.cluster = str(emr.client.run_job_flow(
            Name="ETL Cluster", ReleaseLabel="emr-6.5.0", Applications=[{"Name": "Spark"}, {"Name": "Hadoop"}], Instances=instances,
            JobFlowRole="EMR_EC2_DefaultRole", ServiceRole="EMR_DefaultRole", LogUri="s3://logs/emr/")["JobFlowId"])

    def connect(self) -> None:
        """Clients for the server as it listens now."""
        self.emr.connect()
        self.glue, self.logs = self.emr.server.client("glue"), self.emr.server.client("logs")

    def make_job(self, name: str, location: str, **more: Any) -> None:
        """A job definition."""
        self.glue.create_job(Name=name, Role="GlueRole", Command={"Name": "glueetl", "ScriptLocation": location}, **more)

    def script(self, name: str, text: str, **more: Any) -> str:
        """A job whose script is this text."""
        self.make_job(name, self.emr.put(f"{name}.py", text), **more)
        return name

    def start(self, job: str, on: str | None = None, **arguments: str) -> str:
        """A run, on the engine or on a cluster."""
        given = {f"--{name}": value for name, value in arguments.items()}
        if on is not None:
            given.update({"--enable-spark-submit": "true", "--emr-endpoint": on})
        return str(self.glue.start_job_run(JobName=job, Arguments=given)["JobRunId"])

    def get(self, job: str, run: str) -> dict[str, Any]:
        """What GetJobRun answers."""
        return dict(self.glue.get_job_run(JobName=job, RunId=run)["JobRun"])

    def end_of(self, job: str, run: str) -> dict[str, Any]:
        """The run when it is over."""
        return dict(wait_until(lambda: (now := self.get(job, run))["JobRunState"] in ENDED and now, f"run {run} of {job} is over"))

    def lines(self, run: str, stream: str) -> list[str]:
        """What a run printed."""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws-glue/jobs/{stream}", logStreamNames=[run])
        return [event["message"] for page in pages for event in page["events"]]

    def steps(self) -> dict[str, str]:
        """State by name of the cluster's steps."""
        return {step["Name"]: step["Status"]["State"] for step in self.emr.client.list_steps(ClusterId=self.cluster)["Steps"]}

    def result(self) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
        """The target's rows; the target is empty then."""
        listed = self.emr.s3.list_objects_v2(Bucket="my-target-bucket")["Contents"]
        found = [self.emr.s3.get_object(Bucket="my-target-bucket", Key=item["Key"])["Body"].read() for item in listed if item["Key"].endswith(".parquet")]
        self.emr.s3.delete_objects(Bucket="my-target-bucket", Delete={"Objects": [{"Key": item["Key"]} for item in listed]})
        return sorted_rows([io.BytesIO(content) for content in found])


@pytest.fixture(scope="module")
def workflow(emr: Emr) -> Workflow:
    return Workflow(emr)


def test_by_boto3(workflow: Workflow) -> None:
    """The job on the engine while the cluster starts, then on the cluster: a Glue run and a step, the same rows and types, no key in sight."""
    run = workflow.start("titanic")
    done = workflow.end_of("titanic", run)
    assert done["JobRunState"] == "SUCCEEDED", workflow.lines(run, "error")
    on_engine = workflow.result()
    workflow.emr.wait(workflow.cluster, "WAITING")
    on_spark_run = workflow.start("titanic", workflow.cluster)
    commands: set[str] = set()

    def is_over() -> bool:
        commands.update(workflow.emr.processes(workflow.cluster).values())
        return workflow.get("titanic", on_spark_run)["JobRunState"] in ENDED

    wait_until(is_over, "the run on the cluster")
    done = workflow.get("titanic", on_spark_run)
    errors = workflow.lines(on_spark_run, "error")
    assert done["JobRunState"] == "SUCCEEDED", errors
    assert workflow.result() == on_engine and len(on_engine[1]) == 324
    assert workflow.steps() == {f"Glue job titanic, run {on_spark_run}": "COMPLETED"}
    step = errors[0].split()[5]
    assert errors[0] == f"solder: this run is step {step} of cluster {workflow.cluster}"
    kept = workflow.emr.log(workflow.cluster, f"steps/{step}/stderr")
    assert kept.split() == "\n".join(errors[1:]).split()
    assert any("SparkSubmit" in command for command in commands)
    assert not any("fs.s3a.secret" in text or "AWS_SECRET" in text for text in [*commands, kept])


def test_by_the_masters_url(workflow: Workflow) -> None:
    """The endpoint may be the master's URL; arguments and getResolvedOptions as on Glue; what the script prints is in the log as it prints it."""
    status = workflow.emr.wait(workflow.cluster, "WAITING")
    url = next(word for word in status["StateChangeReason"]["Message"].replace(";", " ").split() if word.startswith("spark://"))
    job = workflow.script("arguments", """
import sys, time
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
given = getResolvedOptions(sys.argv, ["JOB_NAME", "level"])
spark = SparkSession.builder.getOrCreate()
print(given["JOB_NAME"], given["level"], spark.range(10).count(), spark.conf.get("spark.sql.shuffle.partitions"), spark.conf.get("spark.x"), flush=True)
time.sleep(600)
""", DefaultArguments={"--conf": "spark.sql.shuffle.partitions=5 --conf spark.x=a b"})
    run = workflow.start(job, url, level="high")
    wait_until(lambda: workflow.get(job, run)["JobRunState"] == "RUNNING", "the run is RUNNING")
    wait_until(lambda: "output" in str(workflow.logs.describe_log_groups(logGroupNamePrefix="/aws-glue/jobs/output")["logGroups"])
               and workflow.lines(run, "output") == ["arguments high 10 5 a b"], "its line is in the log")
    workflow.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
    done = workflow.end_of(job, run)
    assert done["JobRunState"] == "STOPPED" and "ErrorMessage" not in done
    assert workflow.steps()[f"Glue job {job}, run {run}"] == "CANCELLED"


SAME = """
import sys, json
from pyspark.sql import SparkSession, functions as F
from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions

spark = SparkSession.builder.getOrCreate()
glue = GlueContext(spark.sparkContext)
given = getResolvedOptions(sys.argv, ["JOB_NAME", "words", "quotes", "unicode", "dollar"])
at = sys.argv.index("--JOB_NAME")
print("argv", json.dumps(sys.argv[at:]))
print("own", json.dumps([given[name] for name in ("words", "quotes", "unicode", "dollar")]))

def show(name, frame):
    print(name, frame.schema.json())
    for row in sorted(json.dumps(row.asDict(True), default=repr, sort_keys=True, ensure_ascii=False) for row in frame.collect()):
        print(name, row)

def table(name, **more):
    return glue.create_dynamic_frame.from_catalog(database="same_db", table_name=name, **more)

for name in ("parted_csv", "parted_json", "parted_parquet"):
    show(name, table(name).toDF())
    show(name + ".pushed", table(name, push_down_predicate="year = '2024'").toDF())
    counted = table(name).toDF().groupBy("year", "month").agg(F.count("*").alias("n"), F.sum("price").alias("sum"))
    show(name + ".counted", counted)
sources = {"csv": {"withHeader": True}, "json": {}, "parquet": {}}
for format, options in sources.items():
    frame = glue.create_dynamic_frame.from_options("s3", {"paths": [f"s3://my-source-bucket/same/{format}/"], "recurse": True}, format=format, format_options=options)
    frame.printSchema()
    show(format, frame.toDF())
mapped = table("parted_json").map(lambda row: {"id": row["id"], "twice": row["price"] * 2 if row["price"] else None})
show("mapped", mapped.toDF())
"""


def put_sources(workflow: Workflow) -> None:
    """One small table in three formats, partitioned by year and month, in buckets and catalog."""
    rows = [{"id": n, "name": name, "price": price, "seen": f"2024-01-{n:02d} 10:11:12"}
            for n, (name, price) in enumerate([("Ann", 1.5), ("B, b", 2.25), ('C "c"', None), ("Ünï", -3.0), (None, 4.75), ("", 1e10)], 1)]
    s3, glue = workflow.emr.s3, workflow.glue
    for number, row in enumerate(rows):
        folder = f"year={2023 + number % 2}/month={number % 3 + 1:02d}/part-{number}"
        schema = pyarrow.schema([("id", pyarrow.int64()), ("name", pyarrow.string()), ("price", pyarrow.float64()), ("seen", pyarrow.string())])
        packed, text = io.BytesIO(), io.StringIO()
        parquet.write_table(pyarrow.Table.from_pylist([row], schema=schema), packed)
        csv.DictWriter(text, list(row), lineterminator="\n").writeheader()
        csv.DictWriter(text, list(row), lineterminator="\n").writerow(row)
        for ending, body in (("csv", text.getvalue().encode()), ("json", (json.dumps(row) + "\n").encode()), ("parquet", packed.getvalue())):
            s3.put_object(Bucket="my-source-bucket", Key=f"same/{ending}/{folder}.{ending}", Body=body)
    glue.create_database(DatabaseInput={"Name": "same_db"})
    kinds = {"csv": ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.serde2.OpenCSVSerde", {"separatorChar": ",", "quoteChar": '"'}, {"skip.header.line.count": "1"}),
             "json": ("org.apache.hadoop.mapred.TextInputFormat", "org.openx.data.jsonserde.JsonSerDe", {}, {}),
             "parquet": ("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat", "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", {}, {})}
    columns = [{"Name": name, "Type": kind} for name, kind in (("id", "bigint"), ("name", "string"), ("price", "double"), ("seen", "string"))]
    for kind, (reads, serde, options, parameters) in kinds.items():
        storage = {"Columns": columns, "InputFormat": reads, "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                   "SerdeInfo": {"SerializationLibrary": serde, "Parameters": options}, "Location": f"s3://my-source-bucket/same/{kind}/"}
        keys = [{"Name": "year", "Type": "string"}, {"Name": "month", "Type": "string"}]
        glue.create_table(DatabaseName="same_db", TableInput={"Name": f"parted_{kind}", "TableType": "EXTERNAL_TABLE", "PartitionKeys": keys,
                                                              "Parameters": {"classification": kind, **parameters}, "StorageDescriptor": storage})
        folders = sorted({(str(2023 + number % 2), f"{number % 3 + 1:02d}") for number in range(len(rows))})
        glue.batch_create_partition(DatabaseName="same_db", TableName=f"parted_{kind}", PartitionInputList=[
            {"Values": [year, month], "StorageDescriptor": {**storage, "Location": f"s3://my-source-bucket/same/{kind}/year={year}/month={month}/"}}
            for year, month in folders])


def test_the_same_on_both_engines(workflow: Workflow) -> None:
    """Arguments; partitioned tables and plain sources of three formats: what the script prints is the same, letter by letter."""
    put_sources(workflow)
    arguments = {"words": "two  words ", "quotes": """it's "so" `x` \\ \\n""", "unicode": "Ünï→🜚", "dollar": "$HOME ${x} %s *", "empty": "", "line": "a\nb\tc"}
    job = workflow.script("same", SAME, ExecutionProperty={"MaxConcurrentRuns": 2})
    workflow.emr.wait(workflow.cluster, "WAITING", "RUNNING")
    runs = [workflow.start(job, **arguments), workflow.start(job, workflow.cluster, **arguments)]
    for run in runs:
        assert workflow.end_of(job, run)["JobRunState"] == "SUCCEEDED", "\n".join(workflow.lines(run, "error"))
    engine, spark = (workflow.lines(run, "output") for run in runs)
    own = [line.removeprefix("own ") for line in engine if line.startswith("own ")]
    assert [json.loads(line) for line in own] == [[arguments[name] for name in ("words", "quotes", "unicode", "dollar")]]
    words = [json.loads(next(line for line in lines if line.startswith("argv "))[5:]) for lines in (engine, spark)]
    told = ["--enable-spark-submit", "true", "--emr-endpoint", workflow.cluster]
    assert [word for word in words[1] if word not in told] == words[0]
    assert [line for line in engine if not line.startswith("argv ")] == [line for line in spark if not line.startswith("argv ")]
    assert sum(line.startswith("parted_csv {") for line in engine) == 7


HARMFUL = {
    "killed": ("import os, signal, pyspark\nos.kill(os.getpid(), signal.SIGKILL)", "FAILED", "Command failed with exit code 137"),
    "forks": ("import subprocess\nfor argv in (['sleep', '1000'], ['setsid', 'sleep', '1000'], ['setsid', 'sh', '-c', '(setsid sleep 1000 &)']):\n    subprocess.Popen(argv)\nprint('forked')", "SUCCEEDED", None),
    "bytes": ("import sys\nsys.stdout.buffer.write(b'a\\xff\\xfeb\\n\\xc3\\xa9\\n'); sys.stdout.flush()\nsys.stderr.buffer.write(b'OSError: caf\\xe9 \\xff\\n'); sys.stderr.flush()\nsys.exit(1)",
              "FAILED", "OSError: caf\ufffd \ufffd"),
    "much": ("import sys\nline = 'y' * 999 + '\\n'\nfor i in range(300000): sys.stdout.write(line)\nprint('end', flush=True)\nfor i in range(5000): sys.stderr.write(line)\nraise OSError('after much')",
             "FAILED", "OSError: after much"),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_harmful_scripts(workflow: Workflow, name: str) -> None:
    """As on the engine: every end is told, every line is in the log, no process and no file is left."""
    script, state, message = HARMFUL[name]
    workflow.emr.wait(workflow.cluster, "WAITING", "RUNNING")
    before = set(workflow.emr.processes(workflow.cluster))
    job = workflow.script(f"harmful_{name}", script)
    run = workflow.start(job, workflow.cluster)
    done = workflow.end_of(job, run)
    assert (done["JobRunState"], done.get("ErrorMessage")) == (state, message), workflow.lines(run, "error")[-20:]
    assert set(workflow.emr.processes(workflow.cluster)) <= before
    if name == "bytes":
        assert workflow.lines(run, "output")[:2] == ["a\ufffd\ufffdb", "é"]
    if name == "much":
        # Spark sends both streams of a driver's Python to its output: the traceback stands last.
        last = workflow.logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run, limit=1)["events"]
        assert [event["message"] for event in last] == ["OSError: after much"]
        status = pathlib.Path(f"/proc/{workflow.emr.server.process.pid}/status").read_text(encoding="utf-8")
        assert int(status.split("VmHWM:")[1].split()[0]) < 600_000
    assert list((workflow.emr.server.home / "runs").iterdir()) == []


def test_ignores_sigterm(workflow: Workflow) -> None:
    """Stopped all the same, with its step CANCELLED, and its key is good for nothing any more."""
    job = workflow.script("stubborn", """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(*(os.environ[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")), flush=True)
while True:
    time.sleep(1)
""")
    run = workflow.start(job, workflow.cluster)
    wait_until(lambda: workflow.get(job, run)["JobRunState"] == "RUNNING", "the run is RUNNING")
    wait_until(lambda: run in str(workflow.logs.describe_log_streams(logGroupName="/aws-glue/jobs/output", logStreamNamePrefix=run)["logStreams"]), "its first line")
    words = wait_until(lambda: workflow.lines(run, "output"), "its key")[0].split()
    sts = workflow.emr.server.client("sts", aws_access_key_id=words[0], aws_secret_access_key=words[1], aws_session_token=words[2])
    assert sts.get_caller_identity()["Account"] == "000000000000"
    workflow.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
    assert workflow.end_of(job, run)["JobRunState"] == "STOPPED"
    assert workflow.steps()[f"Glue job {job}, run {run}"] == "CANCELLED"
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


@pytest.mark.parametrize(("name", "script", "endpoint", "message"), [
    ("raises", "raise ValueError('no such thing')", None, "ValueError: no such thing"),
    ("exits", "import sys\nsys.exit(7)", None, "Command failed with exit code 7"),
    ("unknown", "print(1)", "j-0000000000000", "LAUNCH ERROR | Cluster id 'j-0000000000000' is not valid."),
    ("nobody", "print(1)", "spark://127.0.0.1:1", "LAUNCH ERROR | no cluster's master is at spark://127.0.0.1:1"),
    ("none", "print(1)", "", "LAUNCH ERROR | --enable-spark-submit needs --emr-endpoint: the id of an EMR cluster, or its master's URL (spark://…)"),
])
def test_runs_that_fail(workflow: Workflow, name: str, script: str, endpoint: str | None, message: str) -> None:
    job = workflow.script(name, script)
    done = workflow.end_of(job, workflow.start(job, workflow.cluster if endpoint is None else endpoint))
    assert (done["JobRunState"], done["ErrorMessage"]) == ("FAILED", message)


def test_script_that_is_not_there(workflow: Workflow) -> None:
    workflow.make_job("absent", "s3://my-script-bucket/absent.py")
    done = workflow.end_of("absent", workflow.start("absent", workflow.cluster))
    assert done["JobRunState"] == "FAILED" and "s3://my-script-bucket/absent.py" in done["ErrorMessage"]


def test_killed_server(workflow: Workflow) -> None:
    """The step outlives the server, and a new one takes up both the cluster and the run; a second run waits for the first."""
    job = workflow.script("survives", """
import os, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("before", flush=True)
while not os.path.exists(os.environ["HOME_OF_TEST"] + "/go"):
    time.sleep(0.1)
print("after", spark.range(7).count(), flush=True)
""".replace('os.environ["HOME_OF_TEST"]', repr(str(workflow.emr.server.home))), ExecutionProperty={"MaxConcurrentRuns": 2})
    first, second = workflow.start(job, workflow.cluster), workflow.start(job, workflow.cluster)
    wait_until(lambda: first in str(workflow.logs.describe_log_streams(logGroupName="/aws-glue/jobs/output")["logStreams"])
               and workflow.lines(first, "output") == ["before"], "the first run's line")
    workflow.emr.server.kill()
    workflow.emr.server.start()
    workflow.connect()
    assert workflow.get(job, first)["JobRunState"] == "RUNNING" and workflow.get(job, second)["JobRunState"] == "STARTING"
    (workflow.emr.server.home / "go").touch()
    assert [workflow.end_of(job, run)["JobRunState"] for run in (first, second)] == ["SUCCEEDED"] * 2
    assert [workflow.lines(run, "output") for run in (first, second)] == [["before", "after 7"]] * 2
    assert workflow.steps()[f"Glue job {job}, run {first}"] == "COMPLETED"


def test_timeout_and_the_clusters_end(workflow: Workflow) -> None:
    """A Timeout cancels the step; a cluster that ends takes the run with it. Nothing is left of either."""
    job = workflow.script("slow", "import time\ntime.sleep(600)", Timeout=1)
    ends = workflow.script("ends", "import time\nprint('there', flush=True)\ntime.sleep(600)")
    slow = workflow.end_of(job, workflow.start(job, workflow.cluster))
    assert slow["JobRunState"] == "TIMEOUT", slow
    run = workflow.start(ends, workflow.cluster)
    wait_until(lambda: workflow.get(ends, run)["JobRunState"] == "RUNNING", "the run is RUNNING")
    workflow.emr.client.terminate_job_flows(JobFlowIds=[workflow.cluster])
    done = workflow.end_of(ends, run)
    assert (done["JobRunState"], done["ErrorMessage"]) == ("FAILED", "The cluster ended")
    wait_until(lambda: workflow.emr.status(workflow.cluster)["State"] == "TERMINATED", "the cluster is over")
    late = workflow.end_of(ends, workflow.start(ends, workflow.cluster))
    assert late["ErrorMessage"] == "LAUNCH ERROR | A job flow that is shutting down, terminated, or finished may not be modified."
    assert list((workflow.emr.server.home / "runs").iterdir()) == []
    assert workflow.emr.processes(workflow.cluster) == {}
