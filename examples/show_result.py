"""Shows the first rows of what glue_job.py wrote, and how many there are."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
result = spark.read.parquet("s3://my-target-bucket/transformed-data/")
result.show(5, truncate=30)
print(f"{result.count()} rows")
