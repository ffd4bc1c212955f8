"""One client of the soak test: a session with queries of many kinds, until its time is over. Usage: soak_client.py REMOTE SECONDS SEED"""

import random
import sys
import time

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession, functions as F

remote, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
pick = random.Random(seed)
end = time.monotonic() + seconds
spark = SparkSession.builder.remote(remote).create()
while time.monotonic() < end:
    rows = pick.choice([1, 1000, 200_000])
    frame = spark.range(rows).withColumn("k", F.col("id") % 7).withColumn("s", F.concat(F.lit("v"), F.col("id").cast("string")))
    kind = pick.randrange(6)
    if kind == 0:
        assert frame.count() == rows
    elif kind == 1:
        assert len(frame.groupBy("k").agg(F.sum("id"), F.max("s")).collect()) == min(rows, 7)
    elif kind == 2:
        assert len(frame.orderBy(F.col("id").desc()).limit(10).collect()) == min(rows, 10)
    elif kind == 3:
        assert len(frame.toPandas()) == rows
    elif kind == 4:
        frame.cache()
        assert frame.count() == rows and frame.filter("k = 3").count() <= rows
        if pick.random() < 0.5:
            frame.unpersist()
    else:
        try:
            frame.select("no_such_column").collect()
            raise SystemExit("a missing column went unnoticed")
        except PySparkException:
            pass
spark.catalog.clearCache()  # the server learns that a session has ended from its silence alone, an hour later
spark.stop()
