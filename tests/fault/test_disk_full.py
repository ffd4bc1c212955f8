"""A disk that fills up during a write: one clear message, the old target whole, and work goes on once there is room."""

import os
import pathlib
import subprocess
from typing import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOLDER = pathlib.Path(os.environ.get("SOLDER_BIN", ROOT / "build" / "solder"))

WRITE = """
import sys
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
spark.range(int(sys.argv[2])).withColumn("noise", F.md5(F.col("id").cast("string"))).write.mode("overwrite").parquet(sys.argv[1])
"""

READ = "import sys\nfrom pyspark.sql import SparkSession\nprint(SparkSession.builder.getOrCreate().read.parquet(sys.argv[1]).count())\n"


@pytest.fixture
def small_disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A file system of 24 MB, which takes a mount: only root can make one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("kind", ["bucket", "directory"])
def test_full_disk(small_disk: pathlib.Path, tmp_path: pathlib.Path, kind: str) -> None:
    env = {**os.environ, "SOLDER_HOME": str(small_disk / "home")}
    target = "s3://bucket/out" if kind == "bucket" else str(small_disk / "out")
    (tmp_path / "write.py").write_text(WRITE)
    (tmp_path / "read.py").write_text(READ)

    def run(script: str, *args: str) -> "subprocess.CompletedProcess[str]":
        command = [str(SOLDER), "run", "--quiet", str(tmp_path / script), target, *args]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    subprocess.run([SOLDER, "s3", "mb", "s3://bucket"], env=env, check=True, stdout=subprocess.DEVNULL)
    first = run("write.py", "1000")
    assert first.returncode == 0, first.stderr
    used = os.statvfs(small_disk).f_bfree
    full = run("write.py", "5000000")
    assert full.returncode == 1
    assert "No space left on device" in full.stderr or "disk is full" in full.stderr, full.stderr
    assert run("read.py").stdout == "1000\n"
    free_again = os.statvfs(small_disk)
    assert (used - free_again.f_bfree) * free_again.f_bsize < 1_000_000, "the failed write left its files"
    again = run("write.py", "2000")
    assert again.returncode == 0, again.stderr
    assert run("read.py").stdout == "2000\n"
