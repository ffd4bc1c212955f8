"""solder run s3://bucket/script.py: as the same script from a file, and errors that name the key."""

import pathlib
import re
import signal

import pytest

from program import EXAMPLES
from test_run import script, target_keys

URL = "s3://scripts/jobs/job.py"


@pytest.fixture
def upload(solder, tmp_path: pathlib.Path):
    """Puts a text into the bucket as the script."""
    solder.ok("s3", "mb", "s3://scripts")

    def put(text: str) -> None:
        solder.ok("s3", "cp", script(tmp_path, text), URL)

    return put


def test_reference_job(titanic) -> None:
    titanic.ok("s3", "mb", "s3://scripts")
    titanic.ok("s3", "cp", str(EXAMPLES / "glue_job.py"), "s3://scripts/glue_job.py")
    done = titanic("run", "s3://scripts/glue_job.py", "--JOB_NAME", "nightly")
    assert done.returncode == 0, done.stderr
    assert "ValueError 8" in done.stderr and "glue_job.py:22" in done.stderr, done.stderr
    assert len([key for key in target_keys(titanic) if key.endswith(".parquet")]) == 1
    assert titanic.leftovers() == []


def test_its_surroundings(solder, upload, tmp_path: pathlib.Path) -> None:
    upload("import os, sys\nprint(sys.argv[1:], os.path.basename(__file__), os.listdir(sys.path[0]), sys.argv[0] == __file__)\n")
    done = solder("run", "--quiet", URL, "--JOB_NAME", "x")
    assert (done.stdout, done.stderr) == ("['--JOB_NAME', 'x'] job.py ['job.py'] True\n", "")
    assert solder.leftovers() == []


@pytest.mark.parametrize(
    "text",
    [
        "def f(row):\n    return row['a'] / 0\nf({'a': 1})\n",
        "x = 1\ndef f(:\n",
        "import sys\nsys.exit(3)\n",
        "# -*- coding: latin-1 -*-\nraise ValueError('caf\\xe9')\n",
        "from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate().table('no.such')\\\n  .count()\n",
        "import inspect\ndef f(x):\n    return x\nprint(inspect.getsource(f))\nraise KeyError('k')\n",
    ],
)
def test_a_failing_script_says_what_a_local_one_says(solder, upload, tmp_path: pathlib.Path, text: str) -> None:
    upload(text)
    local = solder("run", "--quiet", script(tmp_path, text))
    done = solder("run", "--quiet", URL)
    assert local.returncode != 0
    assert (done.returncode, done.stdout) == (local.returncode, local.stdout)
    assert done.stderr == local.stderr.replace(str(tmp_path / "job.py"), URL)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://scripts/jobs/none.py", "script s3://scripts/jobs/none.py does not exist"),
        ("s3://scripts/jobs/", "script s3://scripts/jobs/: the URL names a folder"),
        ("s3://scripts", "s3://scripts"),
        ("s3://nowhere/job.py", "bucket nowhere does not exist"),
        ("s3:///job.py", "s3:///job.py"),
    ],
)
def test_a_script_that_is_not_there(solder, upload, url: str, said: str) -> None:
    upload("print('must not run')\n")
    done = solder("run", url)
    assert done.returncode == 1 and done.stdout == ""
    assert said in done.stderr and len(done.stderr.splitlines()) == 1
    assert solder.leftovers() == []


def test_an_interrupted_script_names_its_line(solder, upload) -> None:
    upload("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    running = solder.start("run", "--quiet", URL)
    assert running.stdout.readline() == "up\n"
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130 and re.search(r"interrupted at job\.py:[23]$", errors.strip()), errors
    assert solder.leftovers() == []
