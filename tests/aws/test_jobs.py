"""Glue jobs and their runs by boto3 and the AWS CLI: the reference job, what runs print, runs that end badly, queues, retries, a killed server."""

from __future__ import annotations

import io
import json
import os
import pathlib
import random
import subprocess
import time
import zipfile
from typing import Any, Callable

import botocore.exceptions
import pytest

from .conftest import ROOT, Server

EXAMPLES = ROOT / "examples"
ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR"}


def refused(code: str) -> Any:
    """The error that AWS's client must raise."""
    return pytest.raises(botocore.exceptions.ClientError, match=rf"\({code}\)")


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Until it is true; its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


class Jobs:
    """Jobs of one server, and the processes of their runs."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.connect()

    def connect(self) -> None:
        """Clients for the server as it listens now."""
        self.glue, self.s3, self.logs = (self.server.client(name) for name in ("glue", "s3", "logs"))

    def job(self, name: str, script: str, **more: Any) -> str:
        """A job whose script is this text."""
        if "scripts" not in [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]:
            self.s3.create_bucket(Bucket="scripts")
        self.s3.put_object(Bucket="scripts", Key=f"{name}.py", Body=script.encode())
        definition = {"Role": "glue", "Command": {"Name": "glueetl", "ScriptLocation": f"s3://scripts/{name}.py", "PythonVersion": "3"}, **more}
        assert self.glue.create_job(Name=name, **definition)["Name"] == name
        return name

    def start(self, name: str, **more: Any) -> str:
        """Start a run; its id."""
        return str(self.glue.start_job_run(JobName=name, **more)["JobRunId"])

    def get(self, name: str, run: str) -> dict[str, Any]:
        """The run as GetJobRun tells it."""
        return dict(self.glue.get_job_run(JobName=name, RunId=run)["JobRun"])

    def state(self, name: str, run: str) -> str:
        """Only its state."""
        return str(self.get(name, run)["JobRunState"])

    def ended(self, name: str, run: str, seconds: float = 60) -> dict[str, Any]:
        """The run once it has ended."""
        wait_for(lambda: self.state(name, run) in ENDED, f"the end of {name}", seconds)
        return self.get(name, run)

    def lines(self, run: str, stream: str = "output") -> list[str]:
        """What a run printed."""
        try:
            pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws-glue/jobs/{stream}", logStreamNames=[run])
            return [event["message"] for page in pages for event in page["events"]]
        except self.logs.exceptions.ResourceNotFoundException:
            return []

    def processes(self, run: str) -> list[int]:
        """Processes that belong to a run: by its id in their arguments or environment."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                except OSError:
                    continue
                if run.encode() in text:
                    found.append(int(entry.name))
        return found


@pytest.fixture(scope="module")
def jobs(server: Server) -> Jobs:
    return Jobs(server)


@pytest.fixture
def fresh_jobs(fresh_server: Server) -> Jobs:
    return Jobs(fresh_server)


def test_reference_job(jobs: Jobs, tmp_path: pathlib.Path) -> None:
    import pyarrow.parquet as parquet

    aws = jobs.server.aws
    for bucket in ("my-source-bucket", "my-target-bucket", "job-scripts"):
        aws("s3", "mb", f"s3://{bucket}")
    aws("s3", "cp", str(EXAMPLES / "titanic.csv"), "s3://my-source-bucket/titanic/titanic.csv")
    aws("s3", "cp", str(EXAMPLES / "glue_job.py"), "s3://job-scripts/glue_job.py")
    aws("glue", "create-database", "--cli-input-json", (EXAMPLES / "source_db.json").read_text())
    aws("glue", "create-table", "--cli-input-json", (EXAMPLES / "source_table.json").read_text())
    command = json.dumps({"Name": "glueetl", "ScriptLocation": "s3://job-scripts/glue_job.py", "PythonVersion": "3"})
    made = aws("glue", "create-job", "--name", "titanic", "--role", "glue", "--command", command, "--default-arguments", '{"--level": "1"}')
    assert made == {"Name": "titanic"}
    run = aws("glue", "start-job-run", "--job-name", "titanic", "--arguments", '{"--level": "2"}')["JobRunId"]
    assert run.startswith("jr_") and len(run) == 67
    done = jobs.ended("titanic", run)
    assert done["JobRunState"] == "SUCCEEDED", (done, jobs.lines(run, "error"))
    assert done["Arguments"] == {"--level": "2"} and done["LogGroupName"] == "/aws-glue/jobs" and done["Attempt"] == 0
    assert done["StartedOn"] <= done["CompletedOn"] and "ErrorMessage" not in done
    rows = []
    for item in jobs.s3.list_objects_v2(Bucket="my-target-bucket")["Contents"]:
        if item["Key"].endswith(".parquet"):
            rows += parquet.read_table(io.BytesIO(jobs.s3.get_object(Bucket="my-target-bucket", Key=item["Key"])["Body"].read())).to_pylist()
    assert len(rows) == 324
    assert [r["Id"] for r in aws("glue", "get-job-runs", "--job-name", "titanic")["JobRuns"]] == [run]
    assert any("1,313" in line for line in jobs.lines(run, "error"))
    assert jobs.processes(run) == []


def test_definitions(jobs: Jobs) -> None:
    glue = jobs.glue
    given = {
        "Description": "a job",
        "Role": "arn:aws:iam::000000000000:role/glue",
        "Command": {"Name": "glueetl", "ScriptLocation": "s3://scripts/x.py", "PythonVersion": "3"},
        "DefaultArguments": {"--a": "1", "--TempDir": "s3://tmp/"},
        "MaxRetries": 2,
        "Timeout": 7,
        "MaxCapacity": 10.0,
        "ExecutionProperty": {"MaxConcurrentRuns": 3},
        "LogUri": "s3://logs/",
        "GlueVersion": "4.0",
    }
    glue.create_job(Name="defined", Tags={"team": "x"}, **given)
    shown = glue.get_job(JobName="defined")["Job"]
    assert {name: shown[name] for name in given} == given
    assert shown["Name"] == "defined" and shown["CreatedOn"] == shown["LastModifiedOn"]
    assert not [name for name in shown if name.startswith("Solder") or name == "Tags"]
    assert "ExecutionClass" not in shown  # Terraform would take it back at every apply
    with refused("AlreadyExistsException"):
        glue.create_job(Name="defined", **given)
    glue.update_job(JobName="defined", JobUpdate={"Role": "other", "Command": given["Command"], "WorkerType": "G.1X", "NumberOfWorkers": 4})
    changed = glue.get_job(JobName="defined")["Job"]
    assert (changed["Role"], changed["MaxRetries"], changed["Timeout"], changed["MaxCapacity"]) == ("other", 0, 480, 4.0)
    assert changed["CreatedOn"] == shown["CreatedOn"] and "Description" not in changed and "DefaultArguments" not in changed
    for wrong in (
        {"MaxCapacity": 2.0, "WorkerType": "G.1X", "NumberOfWorkers": 2},
        {"WorkerType": "G.1X"},
        {"Command": {"Name": "glueray"}},
        {"MaxRetries": 99},
        {"ExecutionProperty": {"MaxConcurrentRuns": 0}},
    ):
        with refused("InvalidInputException"):
            glue.create_job(Name="wrong", **{"Role": "r", "Command": given["Command"], **wrong})
    assert glue.batch_get_jobs(JobNames=["defined", "none"])["JobsNotFound"] == ["none"]
    assert glue.list_jobs(Tags={"team": "x"})["JobNames"] == ["defined"]
    assert glue.list_jobs(Tags={"team": "y"})["JobNames"] == []
    for i in range(5):
        glue.create_job(Name=f"many{i}", Role="r", Command=given["Command"])
    pages = glue.get_paginator("get_jobs").paginate(PaginationConfig={"PageSize": 2})
    names = [job["Name"] for page in pages for job in page["Jobs"]]
    assert {f"many{i}" for i in range(5)} <= set(names) and len(names) == len(set(names))
    for _ in range(2):  # the second time, nothing is there: no error
        assert glue.delete_job(JobName="defined")["JobName"] == "defined"
    with refused("EntityNotFoundException"):
        glue.get_job(JobName="defined")
    with refused("EntityNotFoundException"):
        glue.start_job_run(JobName="defined")
    with refused("EntityNotFoundException"):
        glue.get_job_runs(JobName="defined")


ARGUMENTS = """
import os, sys
from awsglue.utils import getResolvedOptions
options = getResolvedOptions(sys.argv, ["JOB_NAME", "a", "b", "c"])
print("options", options["JOB_NAME"], options["a"], options["b"], options["c"])
print("argv", sys.argv[1:])
import boto3
print("jobs", [job["Name"] for job in boto3.client("glue").get_jobs()["Jobs"] if job["Name"] == options["JOB_NAME"]])
"""


def test_tags(server: Server) -> None:
    """Terraform asks for a job's and a database's tags whenever it reads one."""
    glue = server.client("glue")
    arn = "arn:aws:glue:us-east-1:000000000000:"
    glue.create_job(Name="tagged", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://b/k"}, Tags={"a": "1", "b": "2"})
    glue.create_database(DatabaseInput={"Name": "Tagged"}, Tags={"a": "1", "b": "2"})
    for of in ("job/tagged", "database/tagged"):
        assert glue.get_tags(ResourceArn=arn + of)["Tags"] == {"a": "1", "b": "2"}
        glue.tag_resource(ResourceArn=arn + of, TagsToAdd={"b": "3", "c": "4"})
        glue.untag_resource(ResourceArn=arn + of, TagsToRemove=["a", "never there"])
        assert glue.get_tags(ResourceArn=arn + of)["Tags"] == {"b": "3", "c": "4"}
        with refused("InvalidInputException"):
            glue.tag_resource(ResourceArn=arn + of, TagsToAdd={f"k{i}": "" for i in range(49)})
    glue.update_job(JobName="tagged", JobUpdate={"Role": "other", "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k"}})
    assert glue.get_tags(ResourceArn=arn + "job/tagged")["Tags"] == {"b": "3", "c": "4"}
    assert glue.list_jobs(Tags={"c": "4"})["JobNames"] == ["tagged"] and not glue.list_jobs(Tags={"a": "1"})["JobNames"]
    glue.delete_database(Name="tagged")
    glue.create_database(DatabaseInput={"Name": "tagged"})
    assert glue.get_tags(ResourceArn=arn + "database/tagged")["Tags"] == {}
    for of in ("job/none", "database/none"):
        with refused("EntityNotFoundException"):
            glue.get_tags(ResourceArn=arn + of)
    with refused("InvalidInputException"):
        glue.get_tags(ResourceArn=arn + "spaceship/none")


def test_arguments_and_boto3(jobs: Jobs) -> None:
    name = jobs.job("arguments", ARGUMENTS, DefaultArguments={"--a": "1", "--b": "2", "--flag": ""}, NonOverridableArguments={"--c": "3"})
    run = jobs.start(name, Arguments={"--b": "two words", "--c": "never"})
    assert jobs.ended(name, run)["JobRunState"] == "SUCCEEDED", jobs.lines(run, "error")
    lines = jobs.lines(run)
    assert lines[0] == "options arguments 1 two words 3" and lines[2] == "jobs ['arguments']"
    assert f"'--JOB_RUN_ID', '{run}', '--JOB_NAME', 'arguments'" in lines[1] and "'--flag'" in lines[1]


def test_its_key_ends_with_the_run(jobs: Jobs, tmp_path: pathlib.Path) -> None:
    """However it ends: what a script's key was good for while it ran, it is refused afterwards."""
    gate = tmp_path / "gate"
    name = jobs.job("key", "import os\nprint(*(os.environ[f'AWS_{name}'] for name in ('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN')), flush=True)\n" + WAITS,
                    DefaultArguments={"--gate": str(gate)})
    for ends in ("by itself", "stopped"):
        run = jobs.start(name)
        wait_for(lambda run=run: jobs.lines(run)[-1:] == ["ready"], "ready")
        words = jobs.lines(run)[0].split()
        sts = jobs.server.client("sts", aws_access_key_id=words[0], aws_secret_access_key=words[1], aws_session_token=words[2])
        assert sts.get_caller_identity()["Account"] == "000000000000"
        if ends == "stopped":
            jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
        else:
            gate.touch()
        jobs.ended(name, run)
        gate.unlink(missing_ok=True)
        with refused("InvalidClientTokenId"):
            sts.get_caller_identity()


def test_lines_are_seen_while_it_runs(jobs: Jobs) -> None:
    script = "import sys, time\nprint('first', time.time())\nsys.stdout.write('partial'); sys.stdout.flush()\ntime.sleep(60)\n"
    name = jobs.job("tail", script)
    run = jobs.start(name)
    first = wait_for(lambda: jobs.lines(run), "the first line", 30)[0]
    seen = time.time()
    assert seen - float(first.split()[1]) < 1
    wait_for(lambda: jobs.lines(run) == [first, "partial"], "the line without an end", 5)
    assert jobs.state(name, run) == "RUNNING"
    event = jobs.logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run, startFromHead=True)["events"][0]
    assert event["message"] == first and abs(event["timestamp"] / 1000 - float(first.split()[1])) < 1
    stopped = jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run, "jr_none"])
    assert [done["JobRunId"] for done in stopped["SuccessfulSubmissions"]] == [run]
    assert stopped["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    done = jobs.ended(name, run)
    assert done["JobRunState"] == "STOPPED" and "ErrorMessage" not in done
    assert jobs.processes(run) == []
    again = jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    assert again["SuccessfulSubmissions"] == [] and again["Errors"][0]["JobRunId"] == run


FORKS = """
import os, subprocess, sys
for argv in (["sleep", "1000"], ["setsid", "sleep", "1000"], ["setsid", "sh", "-c", "(setsid sleep 1000 &)"]):
    subprocess.Popen(argv)
print("forked")
"""

BAD = {
    "raises": ("raise ValueError('no such thing: 7')", "FAILED", "ValueError: no such thing: 7"),
    "raises_nothing": ("raise KeyError", "FAILED", "KeyError"),
    "exits": ("import sys\nsys.exit(3)", "FAILED", "SystemExit: 3"),
    "exits_text": ("import sys\nsys.exit('enough')", "FAILED", "SystemExit: enough"),
    "exits_hard": ("import os\nos._exit(7)", "FAILED", "Command failed with exit code 7"),
    "crashes": ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "FAILED", "Command failed with exit code 139"),
    "syntax": ("def f(:\n", "FAILED", "SyntaxError: invalid syntax (syntax.py, line 1)"),
    "forks": (FORKS, "SUCCEEDED", None),
    "forks_and_fails": (FORKS + "raise OSError('x')\n", "FAILED", "OSError: x"),
    "wrong_bytes": ("import sys\nsys.stdout.buffer.write(b'a\\xff\\xfeb\\n\\xc3\\xa9\\n' + b'x' * 300000 + b'\\n')", "SUCCEEDED", None),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_scripts(jobs: Jobs, name: str) -> None:
    text, state, message = BAD[name]
    jobs.job(name, text)
    run = jobs.start(name)
    done = jobs.ended(name, run)
    assert (done["JobRunState"], done.get("ErrorMessage")) == (state, message), jobs.lines(run, "error")
    assert jobs.processes(run) == []
    if name == "wrong_bytes":
        lines = jobs.lines(run)
        assert lines[:2] == ["a\ufffd\ufffdb", "é"] and sum(map(len, lines[2:])) == 300000


def test_script_not_there(jobs: Jobs) -> None:
    jobs.glue.create_job(Name="absent", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://scripts/absent/no.py"})
    run = jobs.start("absent")
    done = jobs.ended("absent", run)
    assert done["JobRunState"] == "FAILED" and done["ErrorMessage"].startswith("LAUNCH ERROR | ") and "absent/no.py" in done["ErrorMessage"]


def test_ignores_sigterm(jobs: Jobs) -> None:
    name = jobs.job("stubborn", "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready')\nwhile True: time.sleep(1)\n")
    run = jobs.start(name)
    wait_for(lambda: jobs.lines(run) == ["ready"], "ready")
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    assert jobs.state(name, run) == "STOPPING"
    assert jobs.ended(name, run)["JobRunState"] == "STOPPED"
    assert jobs.processes(run) == []


def test_prints_much(jobs: Jobs) -> None:
    name = jobs.job("much", "import sys\nline = 'y' * 999 + '\\n'\nfor i in range(100000): sys.stdout.write(line)\nprint('end')\n")
    run = jobs.start(name)
    assert jobs.ended(name, run, 120)["JobRunState"] == "SUCCEEDED"
    last = jobs.logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run, limit=1)["events"]
    assert [event["message"] for event in last] == ["end"]
    status = pathlib.Path(f"/proc/{jobs.server.process.pid}/status").read_text()
    assert int(status.split("VmHWM:")[1].split()[0]) < 400_000


def test_retries(jobs: Jobs) -> None:
    name = jobs.job("again", "import sys\nprint(sys.argv)\nraise RuntimeError('once more')", MaxRetries=2)
    run = jobs.start(name, Arguments={"--x": "1"})
    runs = wait_for(
        lambda: (found := jobs.glue.get_job_runs(JobName=name)["JobRuns"])
        and len(found) == 3
        and all(r["JobRunState"] == "FAILED" for r in found)
        and found,
        "three attempts",
    )
    assert [(r["Id"], r["Attempt"]) for r in runs] == [(f"{run}_attempt_2", 2), (f"{run}_attempt_1", 1), (run, 0)]
    assert [r.get("PreviousRunId") for r in runs] == [f"{run}_attempt_1", run, None]
    assert all(r["Arguments"] == {"--x": "1"} for r in runs)
    pages = jobs.glue.get_paginator("get_job_runs").paginate(JobName=name, PaginationConfig={"PageSize": 1})
    assert [r["Id"] for page in pages for r in page["JobRuns"]] == [r["Id"] for r in runs]


WAITS = "import os, sys, time\nprint('ready')\nwhile not os.path.exists(sys.argv[-1]): time.sleep(0.05)\n"


def test_concurrent_runs_and_queue(jobs: Jobs, tmp_path: pathlib.Path) -> None:
    gate = tmp_path / "gate"
    name = jobs.job("one", WAITS, DefaultArguments={"--gate": str(gate)})
    first = jobs.start(name)
    with refused("ConcurrentRunsExceededException"):
        jobs.start(name)
    queued = jobs.start(name, JobRunQueuingEnabled=True)
    third = jobs.start(name, JobRunQueuingEnabled=True)
    assert jobs.state(name, queued) == "WAITING"
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[third])
    assert jobs.state(name, third) == "STOPPED"
    gate.touch()
    assert jobs.ended(name, first)["JobRunState"] == jobs.ended(name, queued)["JobRunState"] == "SUCCEEDED"


def test_machine_limit(tmp_path: pathlib.Path) -> None:
    server = Server(tmp_path / "home", "--max-runs", "1")
    try:
        jobs = Jobs(server)
        gate = tmp_path / "gate"
        name = jobs.job("wide", WAITS, DefaultArguments={"--gate": str(gate)}, ExecutionProperty={"MaxConcurrentRuns": 3})
        runs = [jobs.start(name) for _ in range(3)]
        assert [jobs.state(name, run) for run in runs][1:] == ["WAITING", "WAITING"]
        gate.touch()
        done = [jobs.ended(name, run) for run in runs]
        assert [run["JobRunState"] for run in done] == ["SUCCEEDED"] * 3
        assert done[0]["StartedOn"] <= done[1]["StartedOn"] <= done[2]["StartedOn"]
    finally:
        server.stop()


def test_modules_and_settings(jobs: Jobs) -> None:
    """--extra-py-files are importable, in functions that run in workers as well; --conf are the session's first settings."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("shipped_package/__init__.py", "def double(n):\n    return 2 * n\n")
    name = jobs.job("modules", """
from pyspark.context import SparkContext
from pyspark.sql import SparkSession, functions as F
import shipped_module, shipped_package
sc = SparkContext()
spark = SparkSession(sc)
double = F.udf(lambda n: shipped_package.double(n), "long")
print(shipped_module.NAME, spark.range(3).select(double("id").alias("d")).agg(F.sum("d")).first()[0], spark.conf.get("spark.sql.shuffle.partitions"), spark.conf.get("spark.x"))
""")
    jobs.s3.put_object(Bucket="scripts", Key="lib/shipped_module.py", Body=b"NAME = 'shipped'\n")
    jobs.s3.put_object(Bucket="scripts", Key="lib/package.zip", Body=archive.getvalue())
    given = {"--extra-py-files": "s3://scripts/lib/shipped_module.py, s3://scripts/lib/package.zip", "--conf": "spark.sql.shuffle.partitions=5 --conf spark.x=a b"}
    run = jobs.start(name, Arguments=given)
    assert jobs.ended(name, run)["JobRunState"] == "SUCCEEDED", jobs.lines(run, "error")
    assert jobs.lines(run) == ["shipped 6 5 a b"]
    missing = jobs.ended(name, jobs.start(name, Arguments={"--extra-py-files": "s3://scripts/lib/absent.py"}))
    assert missing["JobRunState"] == "FAILED" and "--extra-py-files" in missing["ErrorMessage"], missing
    assert not list((jobs.server.home / "runs").glob("*.files"))


def test_tail_follows(jobs: Jobs) -> None:
    """`aws logs tail --follow` of the AWS CLI's version 2 shows what a run prints while it runs."""
    programs = [path for folder in os.environ["PATH"].split(":") for path in [pathlib.Path(folder) / "aws"] if path.exists()]
    program = next(str(p) for p in programs if "aws-cli/2" in subprocess.run([p, "--version"], capture_output=True, text=True, check=False).stdout)
    name = jobs.job("ticks", "import time\nfor n in range(1000):\n    print('tick', n, time.time(), flush=True)\n    time.sleep(0.3)")
    run = jobs.start(name)
    wait_for(lambda: jobs.lines(run), "the first line")
    command = [program, "--endpoint-url", jobs.server.endpoint, "logs", "tail", "/aws-glue/jobs/output", "--follow", "--log-stream-names", run]
    environment = {**jobs.server.env, **jobs.server.variables, "PYTHONUNBUFFERED": "1"}
    tail = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert tail.stdout is not None
        seen = []
        while len(seen) < 30:
            words = tail.stdout.readline().split()
            assert words[2] == "tick", words
            seen.append((int(words[3]), time.time() - float(words[4])))
        assert jobs.state(name, run) == "RUNNING"
    finally:
        tail.kill()
        tail.wait()
        jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    assert [number for number, _ in seen] == list(range(30))
    print("the freshest line was", round(min(late for _, late in seen), 3), "s old")  # it asks every five seconds
    assert jobs.ended(name, run)["JobRunState"] == "STOPPED"


def test_limits(tmp_path: pathlib.Path) -> None:
    """--run-memory and the rest hold each process of a run; what meets one raises in the script, and the run says so."""
    server = Server(tmp_path / "home", "--run-memory", "1GB", "--run-files", "200", "--run-file-size", "64MB")
    try:
        jobs = Jobs(server)
        cases = {"memory": ("x = bytearray(2 << 30)", "MemoryError"),
                 "files": ("files = [open('/dev/null') for _ in range(300)]", "OSError: [Errno 24] Too many open files: '/dev/null'"),
                 "disk": ("import signal, tempfile\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nwith tempfile.TemporaryFile() as f:\n    f.write(bytes(65 << 20))\n    f.flush()",
                          "OSError: [Errno 27] File too large")}
        for name, (script, message) in cases.items():
            done = jobs.ended(jobs.job(name, script), jobs.start(name))
            assert (done["JobRunState"], done.get("ErrorMessage")) == ("FAILED", message), name
        job = jobs.job("works", "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\nprint(spark.range(1000).selectExpr('sum(id) s').collect()[0].s)")
        run = jobs.start(job)
        assert jobs.ended(job, run)["JobRunState"] == "SUCCEEDED" and jobs.lines(run) == ["499500"]
    finally:
        server.stop()


def test_timeout(jobs: Jobs) -> None:
    name = jobs.job("slow", "import time\ntime.sleep(1000)", Timeout=1)
    run = jobs.start(name)
    done = jobs.ended(name, run, 90)
    assert done["JobRunState"] == "TIMEOUT" and done["ExecutionTime"] >= 60
    assert jobs.processes(run) == []


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "WAITING", "STOPPING"])
def test_killed_server(fresh_jobs: Jobs, tmp_path: pathlib.Path, state: str) -> None:
    jobs = fresh_jobs
    gate = tmp_path / "gate"
    script = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAITS
    name = jobs.job("killed", script, DefaultArguments={"--gate": str(gate)}, JobRunQueuingEnabled=True)
    run = jobs.start(name)
    if state != "STARTING":
        wait_for(lambda: jobs.lines(run) == ["ready"], "ready")
    waiting = jobs.start(name) if state == "WAITING" else None
    if state == "STOPPING":
        jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    jobs.server.kill()
    jobs.server.start()
    jobs.connect()
    done = jobs.get(name, run)
    expected = ("STOPPED", None) if state == "STOPPING" else ("FAILED", "The server ended while the run was under way.")
    assert (done["JobRunState"], done.get("ErrorMessage")) == expected and "CompletedOn" in done
    assert jobs.processes(run) == []
    if state != "STARTING":
        assert jobs.lines(run) == ["ready"]
    gate.touch()
    if waiting is not None:
        assert jobs.ended(name, waiting)["JobRunState"] == "SUCCEEDED"
    assert jobs.ended(name, jobs.start(name))["JobRunState"] == "SUCCEEDED"


def test_killed_at_random_moments(fresh_jobs: Jobs) -> None:
    """Again and again, with runs that start, run, fail and stop: what was acknowledged is there, everything ends, nothing is left."""
    jobs = fresh_jobs
    moments = random.Random(11)
    shared = {"ExecutionProperty": {"MaxConcurrentRuns": 3}, "JobRunQueuingEnabled": True}
    names = [jobs.job("short", "print('short')", **shared), jobs.job("long", "import time\ntime.sleep(30)", **shared), jobs.job("fails", "raise OSError(1)", MaxRetries=1, **shared)]
    told: list[tuple[str, str]] = []
    for _ in range(6):
        for name in names:
            told.append((name, jobs.start(name)))
        jobs.glue.batch_stop_job_run(JobName=told[-2][0], JobRunIds=[told[-2][1]])
        time.sleep(moments.uniform(0, 1.5))
        jobs.server.kill()
        jobs.server.start()
        jobs.connect()
        assert all(jobs.get(name, run)["Id"] == run for name, run in told)
    for name, run in told:
        if name == "long":
            jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    every = lambda: [r for name in names for r in jobs.glue.get_job_runs(JobName=name)["JobRuns"]]  # noqa: E731
    runs = wait_for(lambda: (found := every()) and all(r["JobRunState"] in ENDED for r in found) and found, "the end of all runs", 120)
    assert {run for _, run in told} <= {r["Id"] for r in runs}
    assert any(r["JobRunState"] == "SUCCEEDED" for r in runs)
    assert [jobs.processes(r["Id"]) for r in runs] == [[]] * len(runs)
    assert list((jobs.server.home / "runs").iterdir()) == []


def test_killed_server_leaves_no_process(fresh_jobs: Jobs) -> None:
    """Before any new start: the run follows its parent."""
    name = fresh_jobs.job("follows", "import time\nprint('ready')\ntime.sleep(1000)")
    run = fresh_jobs.start(name)
    wait_for(lambda: fresh_jobs.lines(run) == ["ready"], "ready")
    assert fresh_jobs.processes(run)
    fresh_jobs.server.kill()
    wait_for(lambda: not fresh_jobs.processes(run), "the end of the run's processes", 20)


def test_stopped_server_stops_runs(fresh_jobs: Jobs) -> None:
    name = fresh_jobs.job("ends", "import time\nprint('ready')\ntime.sleep(1000)")
    run = fresh_jobs.start(name)
    wait_for(lambda: fresh_jobs.lines(run) == ["ready"], "ready")
    assert fresh_jobs.server.stop() == 0
    assert fresh_jobs.processes(run) == []
    fresh_jobs.server.start()
    fresh_jobs.connect()
    done = fresh_jobs.get(name, run)
    assert (done["JobRunState"], done["ErrorMessage"]) == ("STOPPED", "The server was stopped.")
