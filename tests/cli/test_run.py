"""solder run: the reference script, the summary, and scripts that end badly."""

import os
import pathlib
import signal
import subprocess
import time
from typing import List

import pytest

from program import EXAMPLES, SOLDER


def script(tmp_path: pathlib.Path, text: str) -> str:
    """A script file with that text."""
    path = tmp_path / "job.py"
    path.write_text(text)
    return str(path)


def target_keys(solder) -> List[str]:
    """Keys below the reference script's target."""
    listed = solder("s3", "ls", "s3://my-target-bucket/transformed-data", "--recursive")
    return [line.split()[-1] for line in listed.stdout.splitlines()]


def test_reference_job(titanic, tmp_path: pathlib.Path) -> None:
    import pyarrow.parquet as parquet

    done = titanic("run", str(EXAMPLES / "glue_job.py"))
    assert done.returncode == 0, done.stderr
    assert "SUCCEEDED" in done.stderr
    assert "ValueError 8" in done.stderr and "glue_job.py:22" in done.stderr, done.stderr
    keys = target_keys(titanic)
    assert "transformed-data/_SUCCESS" in keys
    parts = [key for key in keys if key.endswith(".parquet")]
    rows = []
    for number, key in enumerate(parts):
        path = tmp_path / f"{number}.parquet"
        titanic.ok("s3", "cp", f"s3://my-target-bucket/{key}", str(path))
        rows += parquet.read_table(path).to_pylist()
    assert len(rows) == 324
    assert list(rows[0]) == ["id", "full_name", "class", "age", "sex", "survived"]
    assert all(int(row["age"]) > 30 for row in rows)
    assert titanic.leftovers() == []


def test_a_second_run_appends(titanic) -> None:
    for _ in range(2):
        titanic.ok("run", "--quiet", str(EXAMPLES / "glue_job.py"))
    assert len([key for key in target_keys(titanic) if key.endswith(".parquet")]) == 2


def test_arguments_and_output_are_the_scripts(solder, tmp_path: pathlib.Path) -> None:
    text = "import sys\nprint(sys.argv[1:])\nprint('to stderr', file=sys.stderr)\n"
    done = solder("run", "--quiet", script(tmp_path, text), "--JOB_NAME", "x", "--help")
    assert done.returncode == 0
    assert done.stdout == "['--JOB_NAME', 'x', '--help']\n"
    assert done.stderr == "to stderr\n"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("import sys\nsys.exit(3)\n", 3, "FAILED (exit status 3)"),
        ("import sys\nsys.exit('no input')\n", 1, "no input"),
        ("x = 1\nraise ValueError('bad thing')\n", 1, "ValueError: bad thing"),
        ("x = 1\nraise ValueError('bad thing')\n", 1, "line 2"),
        ("x = 1\ndef f(:\n", 1, "SyntaxError"),
        ("x = 1\ndef f(:\n", 1, "line 2"),
        ("from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate().table('no.such')\\\n  .count()\n", 1, "TABLE_OR_VIEW_NOT_FOUND"),
    ],
)
def test_a_failing_script(solder, tmp_path: pathlib.Path, text: str, status: int, said: str) -> None:
    done = solder("run", script(tmp_path, text))
    assert done.returncode == status
    assert said in done.stderr
    assert solder.leftovers() == []


def test_a_missing_script(solder) -> None:
    done = solder("run", "nothing.py")
    assert done.returncode == 1 and done.stderr == "solder: script nothing.py: No such file or directory\n"


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_script_and_children(solder, tmp_path: pathlib.Path, number: signal.Signals) -> None:
    pids = tmp_path / "pids"
    text = f"""
import os, subprocess, time
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
open({str(pids) + '.new'!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
os.rename({str(pids) + '.new'!r}, {str(pids)!r})
time.sleep(1000)
"""
    process = solder.start("run", script(tmp_path, text))
    while not pids.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == 128 + number
    assert "STOPPED" in errors
    assert [pid for pid in map(int, pids.read_text().split()) if is_alive(pid)] == []
    assert solder.leftovers() == []


def test_children_left_behind_are_ended(solder, tmp_path: pathlib.Path) -> None:
    text = "import subprocess\nprint(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid)\n"
    done = solder("run", script(tmp_path, text))
    assert done.returncode == 0
    assert not is_alive(int(done.stdout))


def test_progress_on_a_terminal_leaves_the_output_whole(solder, tmp_path: pathlib.Path) -> None:
    text = "import time\nfor i in range(5):\n    print('line', i)\n    time.sleep(0.2)\n"
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [str(SOLDER), "run", script(tmp_path, text)], env=solder.env, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            chunk = os.read(leader, 4096)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(leader)
    assert process.wait() == 0
    for i in range(5):
        assert f"line {i}".encode() in seen
    assert b"SUCCEEDED" in seen



def test_a_filtered_write_is_cut_into_parts(titanic, tmp_path: pathlib.Path) -> None:
    """The reference script on more than one split: a file for each thread, the rows those of the small run as often as the input repeats."""
    repeats = 400
    header, *lines = (EXAMPLES / "titanic.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    large = tmp_path / "large.csv"
    large.write_text(header + "".join(lines) * repeats, encoding="utf-8")
    titanic.ok("s3", "rm", "s3://my-source-bucket/", "--recursive")
    titanic.ok("s3", "cp", str(large), "s3://my-source-bucket/titanic/large.csv")
    done = titanic("run", "--threads", "2", str(EXAMPLES / "glue_job.py"))
    assert done.returncode == 0, done.stderr
    assert f"{324 * repeats:,}" in done.stderr
    listed = titanic.ok("s3", "ls", "s3://my-target-bucket/", "--recursive")
    assert listed.count(".parquet") >= 2, listed
