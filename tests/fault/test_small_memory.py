"""A join and a sort of more data than the engine may use: they spill, and finish with the right rows."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOLDER = pathlib.Path(os.environ.get("SOLDER_BIN", ROOT / "build" / "solder"))

ROWS = 2_500_000

SCRIPT = f"""
import sys
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
folder = sys.argv[1]
names = spark.range({ROWS}).select("id", F.md5(F.col("id").cast("string")).alias("name"), (F.col("id") % 7).cast("string").alias("class"))
names.write.mode("overwrite").csv(folder + "/in")
rows = spark.read.schema("id long, name string, class string").csv(folder + "/in")
other = rows.select(F.col("id").alias("other_id"), F.col("name").alias("other_name"))
joined = rows.join(other, F.col("id") == F.col("other_id")).drop("other_id")
joined.orderBy("name", "id").write.mode("overwrite").parquet(folder + "/out")
back = spark.read.parquet(folder + "/out")
print(back.count(), back.where("name <> other_name").count(), back.agg(F.sum("id")).first()[0])
print(back.select("name").limit(1).first()[0] == back.agg(F.min("name")).first()[0])
"""


def test_join_and_sort_spill(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(SCRIPT)
    env = {**os.environ, "SOLDER_HOME": str(tmp_path / "home")}
    command = [str(SOLDER), "run", "--quiet", "--memory", "128MB", "--threads", "2", str(script), str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sum(path.stat().st_size for path in (tmp_path / "in").iterdir()) > 64_000_000, "the input must be too large for the memory"
    assert done.stdout == f"{ROWS} 0 {ROWS * (ROWS - 1) // 2}\nTrue\n"
