"""The example job in PySpark local[*], with the lambda rewritten as an expression. Usage: pyspark_expression.py INPUT OUTPUT"""

import sys

from pyspark.sql import SparkSession, functions as F

SCHEMA = "id string, name string, class string, age string, sex string, survived string"
spark = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
source = spark.read.csv(sys.argv[1], header=True, schema=SCHEMA)
kept = source.filter(F.col("age").rlike("^[0-9]+$") & (F.col("age").cast("int") > 30)).withColumnRenamed("name", "full_name")
kept.write.mode("overwrite").parquet(sys.argv[2])
