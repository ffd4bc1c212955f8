"""A small PySpark step: an RDD with Python workers, and SQL."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
counted = spark.sparkContext.parallelize(range(1000), 4).map(lambda number: (number % 7, 1)).reduceByKey(lambda a, b: a + b)
rows = spark.createDataFrame(counted, ["key", "count"])
rows.createOrReplaceTempView("counted")
assert spark.sql("SELECT sum(count) AS total FROM counted").first()["total"] == 1000
spark.stop()
