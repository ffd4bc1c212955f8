"""Prints how long it took from the process's start to the first row, in parts: interpreter, imports, session, query.

The same script for every engine; with `sail` as its argument it starts Sail's server in this process first.
"""

import os
import sys
import time

started = int(os.environ["BENCH_START_NS"])
marks = [("interpreter", time.time_ns())]

from pyspark.sql import SparkSession  # noqa: E402

marks.append(("imports", time.time_ns()))
if sys.argv[1:] == ["sail"]:
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer()
    server.start()
    address = server.listening_address
    spark = SparkSession.builder.remote(f"sc://{address[0]}:{address[1]}").getOrCreate()
else:
    spark = SparkSession.builder.getOrCreate()
marks.append(("session", time.time_ns()))
assert spark.range(1).collect()[0][0] == 0
marks.append(("query", time.time_ns()))

before = started
for name, at in marks:
    print(f"{name}_seconds {(at - before) / 1e9:.4f}")
    before = at
print(f"first_row_seconds {(before - started) / 1e9:.4f}", flush=True)
