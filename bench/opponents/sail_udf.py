"""The example job on Sail, with the lambda as a Python UDF over the whole row. Usage: sail_udf.py INPUT OUTPUT"""

import sys

from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession, functions as F

SCHEMA = "id string, name string, class string, age string, sex string, survived string"
server = SparkConnectServer()
server.start()
address = server.listening_address
spark = SparkSession.builder.remote(f"sc://{address[0]}:{address[1]}").getOrCreate()
source = spark.read.csv(sys.argv[1], header=True, schema=SCHEMA)


@F.udf("boolean")
def keep(row):
    """The script's lambda; what raises is not kept, as in Glue."""
    try:
        return bool(row["age"] and int(row["age"]) > 30)
    except ValueError:
        return False


kept = source.filter(keep(F.struct(*source.columns))).withColumnRenamed("name", "full_name")
kept.write.mode("overwrite").parquet(sys.argv[2])
