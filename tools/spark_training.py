"""The job whose loaded classes tools/make_spark_home records: what steps usually do, once each, against a store that is not there."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = SparkSession.builder.appName("training").getOrCreate()
folder = sys.argv[1]
words = spark.sparkContext.parallelize(["a b", "b c", "c d"], 2).flatMap(str.split).map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
rows = spark.createDataFrame(words, ["word", "count"])
rows.write.mode("overwrite").option("header", True).csv(f"{folder}/csv")
back = spark.read.option("header", True).option("inferSchema", True).csv(f"{folder}/csv")
back.write.mode("overwrite").partitionBy("word").parquet(f"{folder}/parquet")
back.write.mode("overwrite").json(f"{folder}/json")
spark.read.json(f"{folder}/json").count()
spark.read.text(f"{folder}/csv").withColumn("words", F.explode(F.split("value", ","))).groupBy("words").count().orderBy("words").collect()
spark.read.parquet(f"{folder}/parquet").createOrReplaceTempView("counted")
spark.sql("SELECT a.word, sum(b.count) OVER (PARTITION BY a.word) AS total FROM counted a JOIN counted b ON a.word = b.word WHERE a.count > 0").show()

# The S3 connector, as far as it gets with nobody answering.
hadoop = spark.sparkContext._jsc.hadoopConfiguration()
for name, value in {
    "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    "fs.s3a.endpoint": "http://127.0.0.1:9",
    "fs.s3a.path.style.access": "true",
    "fs.s3a.access.key": "training",
    "fs.s3a.secret.key": "training",
    "fs.s3a.attempts.maximum": "1",
    "fs.s3a.retry.limit": "0",
}.items():
    hadoop.set(name, value)
try:
    spark.read.text("s3://training/input").count()
except Exception as error:  # noqa: BLE001: whatever it is, its classes are loaded
    print(str(error).splitlines()[0])
spark.stop()
