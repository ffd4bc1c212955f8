"""Starts a Glue job run by the API and waits for its script's first line in the log store; prints what that took, in parts.

Usage: job_start.py SOLDER SCRIPT

The parts follow one another: the request until `solder run` was started, the engine and the script's copy until Python was, Python until the
script's first line, and the line until GetLogEvents gives it. Processes' starts are known to a hundredth of a second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import served

POLL_SECONDS = 0.005


def main(arguments: list[str]) -> int:
    """One run on a server of its own, whose first run it is."""
    program, script = arguments
    with tempfile.TemporaryDirectory(prefix="bench-serve-") as name, served.solder(program, Path(name)) as server:
        glue, logs, s3 = server.client("glue"), server.client("logs"), server.client("s3")
        s3.create_bucket(Bucket="scripts")
        s3.upload_file(script, "scripts", "first_line.py")
        command = {"Name": "glueetl", "ScriptLocation": "s3://scripts/first_line.py", "PythonVersion": "3"}
        glue.create_job(Name="first-line", Role="arn:aws:iam::000000000000:role/job", Command=command, GlueVersion="5.0")
        begun = time.time()
        run = glue.start_job_run(JobName="first-line")["JobRunId"]
        answered = time.time()

        def first_line() -> str:
            try:
                events = logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run, startFromHead=True, limit=1)["events"]
            except logs.exceptions.ResourceNotFoundException:
                return ""
            return events[0]["message"] if events else ""

        line = served.wait_until(first_line, 60, POLL_SECONDS)
        seen = time.time()
        word, *times = line.split()
        if word != "began":
            raise SystemExit(f"bench: the job printed {line!r}")
        launched, interpreter, printed = map(float, times)
        state = served.wait_until(lambda: (now := glue.get_job_run(JobName="first-line", RunId=run)["JobRun"]["JobRunState"]) not in ("STARTING", "RUNNING") and now, 60, POLL_SECONDS)
        ended = time.time()
        if state != "SUCCEEDED":
            raise SystemExit(f"bench: the run is {state}")
    print(f"first_line_seconds {seen - begun:.4f}")
    print(f"answer_seconds {answered - begun:.4f}")
    print(f"launch_seconds {launched - begun:.4f}")
    print(f"engine_seconds {interpreter - launched:.4f}")
    print(f"python_seconds {printed - interpreter:.4f}")
    print(f"log_seconds {seen - printed:.4f}")
    print(f"end_seconds {ended - seen:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
