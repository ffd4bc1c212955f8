"""The example job on Sail, with the lambda rewritten as an expression. Usage: sail_expression.py INPUT OUTPUT"""

import sys

from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession

SCHEMA = "id string, name string, class string, age string, sex string, survived string"
server = SparkConnectServer()
server.start()
address = server.listening_address
spark = SparkSession.builder.remote(f"sc://{address[0]}:{address[1]}").getOrCreate()
source = spark.read.csv(sys.argv[1], header=True, schema=SCHEMA)
kept = source.filter("case when age rlike '^[0-9]+$' then cast(age as int) > 30 else false end")
kept.withColumnRenamed("name", "full_name").write.mode("overwrite").parquet(sys.argv[2])
