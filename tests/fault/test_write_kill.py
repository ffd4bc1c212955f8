"""A run killed with SIGKILL at any moment leaves the old target whole, or the new one."""

import os
import pathlib
import random
import signal
import subprocess
import time
from typing import Dict, Tuple

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOLDER = pathlib.Path(os.environ.get("SOLDER_BIN", ROOT / "build" / "solder"))
KILLS = int(os.environ.get("SOLDER_KILLS", "12"))

WRITE = """
import sys
from pyspark.sql import SparkSession, functions as F
target, mode, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
spark = SparkSession.builder.getOrCreate()
frame = spark.range(rows).withColumn("part", F.col("id") % 5).withColumn("text", F.concat(F.lit("row "), F.col("id").cast("string")))
print("go", flush=True)
frame.write.mode(mode).partitionBy("part").parquet(target)
"""

READ = """
import sys
from pyspark.sql import SparkSession, functions as F
row = SparkSession.builder.getOrCreate().read.parquet(sys.argv[1]).agg(F.count("*"), F.sum("id"), F.count("text")).first()
print(*row)
"""


def facts(rows: int, times: int = 1) -> Tuple[int, int, int]:
    """What READ prints for that many rows written that often."""
    return rows * times, rows * (rows - 1) // 2 * times, rows * times


class Home:
    """A home directory, the two scripts, and one target."""

    def __init__(self, folder: pathlib.Path, target: str) -> None:
        self.folder = folder
        self.target = target
        self.env: Dict[str, str] = {**os.environ, "SOLDER_HOME": str(folder / "home")}
        (folder / "write.py").write_text(WRITE)
        (folder / "read.py").write_text(READ)
        subprocess.run([SOLDER, "s3", "mb", "s3://bucket"], env=self.env, check=True, stdout=subprocess.DEVNULL)

    def command(self, script: str, *args: object) -> list:
        """The command line of a run."""
        return [str(SOLDER), "run", "--quiet", str(self.folder / script), self.target, *map(str, args)]

    def write(self, mode: str, rows: int) -> float:
        """Write to the end; the seconds from the script's word to its end."""
        process = subprocess.Popen(self.command("write.py", mode, rows), env=self.env, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"go\n"
        started = time.monotonic()
        assert process.wait() == 0
        process.stdout.close()
        return time.monotonic() - started

    def write_killed(self, mode: str, rows: int, delay: float) -> bool:
        """Kill the writing process that long after the script's word; whether it had ended by itself."""
        process = subprocess.Popen(self.command("write.py", mode, rows), env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None and process.stdout.readline() == b"go\n"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        status = process.wait()
        process.stdout.close()
        return status == 0

    def read(self) -> Tuple[int, ...]:
        """The facts of what a reader sees."""
        done = subprocess.run(self.command("read.py"), env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return tuple(map(int, done.stdout.split()))


@pytest.fixture(params=["bucket", "directory"])
def home(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Home:
    """A home with its target in a bucket or in a plain directory."""
    return Home(tmp_path, "s3://bucket/out" if request.param == "bucket" else str(tmp_path / "plain" / "out"))


def left_over(home: Home) -> list:
    """What lies beside a plain target, and run directories of dead processes."""
    beside = list((home.folder / "plain").iterdir()) if (home.folder / "plain").exists() else []
    return [path for path in beside if path.name != "out"] + list((home.folder / "home" / "tmp").glob("*"))


def test_overwrite(home: Home) -> None:
    sizes = [60_000, 80_000]
    seconds = max(home.write("overwrite", sizes[0]), 0.05)
    current = sizes[0]
    moments = random.Random(7)
    outcomes = {"old": 0, "new": 0}
    for _ in range(KILLS):
        other = sizes[1] if current == sizes[0] else sizes[0]
        ended = home.write_killed("overwrite", other, moments.uniform(0, 1.2 * seconds))
        seen = home.read()
        assert seen in (facts(current), facts(other)), f"neither the old nor the new target: {seen}"
        assert seen == facts(other) or not ended, "the run reported success and its rows are not there"
        outcomes["new" if seen == facts(other) else "old"] += 1
        current = other if seen == facts(other) else current
    print(f"killed {KILLS} overwrites: {outcomes}")
    home.write("overwrite", sizes[0])
    assert home.read() == facts(sizes[0])
    assert left_over(home) == []


def test_append(home: Home) -> None:
    rows = 50_000
    seconds = max(home.write("append", rows), 0.05)
    times = 1
    moments = random.Random(8)
    for _ in range(KILLS):
        ended = home.write_killed("append", rows, moments.uniform(0, 1.2 * seconds))
        seen = home.read()
        assert seen in (facts(rows, times), facts(rows, times + 1)), f"a part of an append is visible: {seen}"
        assert seen == facts(rows, times + 1) or not ended
        times += seen == facts(rows, times + 1)
    home.write("append", rows)
    assert home.read() == facts(rows, times + 1)
    assert left_over(home) == []
