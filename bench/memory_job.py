"""Joins a large file with itself aggregated, sorts the result and writes it. Usage: memory_job.py INPUT_DIR OUTPUT_DIR"""

import sys

from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()
rows = spark.read.csv(sys.argv[1], header=True, schema="id long, name string, class string, age string, sex string, survived string")
other = rows.select(F.col("id").alias("other_id"), F.col("name").alias("other_name"), F.col("class").alias("other_class"))
joined = rows.join(other, F.col("id") == F.col("other_id")).drop("other_id")
joined.orderBy("name", "id").write.mode("overwrite").parquet(sys.argv[2])
print(f"rows {spark.read.parquet(sys.argv[2]).count()}", flush=True)
