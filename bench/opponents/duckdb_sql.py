"""The example job in hand-written DuckDB SQL. Prints "query_seconds N". Usage: duckdb_sql.py INPUT OUTPUT"""

import sys
import time

import duckdb

start = time.monotonic()
duckdb.execute(
    f"""
    COPY (
        SELECT id, name AS full_name, class, age, sex, survived
        FROM read_csv('{sys.argv[1]}', header = true, all_varchar = true)
        WHERE age IS NOT NULL AND NOT contains(age, '.') AND TRY_CAST(age AS INTEGER) > 30
    ) TO '{sys.argv[2]}' (FORMAT parquet)
    """
)
print(f"query_seconds {time.monotonic() - start:.4f}")
