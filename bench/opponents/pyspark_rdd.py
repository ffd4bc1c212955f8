"""The example job in PySpark local[*], with the lambda on an RDD. Usage: pyspark_rdd.py INPUT OUTPUT"""

import sys

from pyspark.sql import SparkSession

SCHEMA = "id string, name string, class string, age string, sex string, survived string"
spark = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
source = spark.read.csv(sys.argv[1], header=True, schema=SCHEMA)


def keep(row):
    """The script's lambda; what raises is not kept, as in Glue."""
    try:
        return (lambda row: row["age"] and int(row["age"]) > 30)(row)
    except ValueError:
        return False


kept = source.rdd.filter(keep).toDF(source.schema).withColumnRenamed("name", "full_name")
kept.write.mode("overwrite").parquet(sys.argv[2])
