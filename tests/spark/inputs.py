"""The views that [over: NAME] cases and the cast matrix read: edge values of each type, made the same on both engines.

Each view has `i int` (the row's number, not null), the columns that VIEWS names, and a row of nulls.
"""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

_BYTES = [0, 1, -1, 2, 7, 127, -128]
_SHORTS = [0, 1, -1, 7, 300, 32767, -32768]
_INTS = [0, 1, -1, 2, 7, 10, 65536, 1234567, 2147483647, -2147483648]
_LONGS = [0, 1, -1, 3, 10, 4294967296, 1700000000, 9007199254740993, 9223372036854775807, -9223372036854775808]
_DOUBLES = [0.0, -0.0, 1.0, -1.0, 0.1, 0.5, 1.5, 2.5, -2.5, 1e-7, 1e-3, 123456.789, 1e7, 12345678.9, 1e10, 1e22, 1.7976931348623157e308, 5e-324,
            2147483648.0, 9.3e18, -9.3e18, 0.285, math.pi, math.nan, math.inf, -math.inf]
_FLOATS = [0.0, -0.0, 1.0, -1.5, 0.10000000149011612, 3.4028234663852886e38, 1.401298464324817e-45, 16777216.0, 1e10, math.nan, math.inf, -math.inf]
_DECIMALS = [decimal.Decimal(v) for v in ("0.00", "1.00", "-1.00", "0.01", "2.50", "-2.55", "99999999.99", "-99999999.99", "1234.56", "300.00")]
_SMALL = [decimal.Decimal(v) for v in ("0E-10", "1E-10", "-1.5E-7", "0.1234567891", "12.0000000000", "-99.9999999999")]
_WIDE = [decimal.Decimal(v) for v in ("0", "1", "-1", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999",
                                       "12345678901234567890", "9223372036854775808")]
_STRINGS = ["", " ", "a", "abc", "ABC", "Hello World", "  padded  ", "\ttab\n", "0", "1", "-1", "+5", "1.9", "-0.5", ".5", "5.", "1e3", "1E-3", "12abc",
            "127", "128", "-129", "32768", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "99999999999999999999", "NaN", "nan",
            "Infinity", "-inf", "true", "T", "yes", "FALSE", "n", "null", "1d", "0x1p3", "1_000", "1,000", "2020-01-31", "2020-1-3", "2020-02-30", "2020",
            "2020-06", "20200131", "2020-01-31 12:34:56", "2020-01-31T12:34:56.789Z", "2020-01-31 12:34:56.123456789", "2020-01-31 1:2:3",
            "2020-01-31 12:34:56+08:00", "2020-01-31 12:34:56 Europe/Berlin", "2020-01-31 24:00:00", "-0001-01-01", "10000-01-01", "+2020-01-01", "1582-10-10",
            "0001-01-01", "ß", "éÈ", "Straße", "日本語", "😀smile", "e\u0301", "İi", "a,b,,c,", "aaa", "%_\\", "x=1&y=2"]
_DATES = [datetime.date(1970, 1, 1), datetime.date(2020, 2, 29), datetime.date(2019, 12, 31), datetime.date(2021, 1, 1), datetime.date(1582, 10, 4),
          datetime.date(1582, 10, 15), datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(1969, 12, 31), datetime.date(2024, 1, 31)]
_UTC = datetime.timezone.utc
_TIMESTAMPS = [datetime.datetime(1970, 1, 1, tzinfo=_UTC), datetime.datetime(2020, 2, 29, 23, 59, 59, 999999, tzinfo=_UTC),
               datetime.datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=_UTC), datetime.datetime(2021, 3, 14, 7, 30, tzinfo=_UTC),
               datetime.datetime(2021, 11, 7, 5, 30, tzinfo=_UTC), datetime.datetime(2015, 3, 5, 9, 32, 5, 359000, tzinfo=_UTC),
               datetime.datetime(1900, 1, 1, 12, tzinfo=_UTC), datetime.datetime(2262, 4, 12, tzinfo=_UTC)]
_NTZ = [datetime.datetime(1970, 1, 1), datetime.datetime(2020, 2, 29, 23, 59, 59, 999999), datetime.datetime(1969, 12, 31, 23, 59, 59, 500000)]

# view → columns (name, type, values); the columns of one view are as long as its longest and wrap around at different places
VIEWS: dict[str, list[tuple[str, str, list[Any]]]] = {
    "booleans": [("b", "boolean", [True, False]), ("c", "boolean", [True, True, False, None])],
    "bytes": [("x", "tinyint", _BYTES), ("y", "tinyint", _BYTES[::-1])],
    "shorts": [("x", "smallint", _SHORTS), ("y", "smallint", _SHORTS[::-1])],
    "ints": [("x", "int", _INTS), ("y", "int", [3, 0, -1, None, 7, 2147483647, -2]), ("n", "int", [0, 1, 2, 3, -1])],
    "longs": [("x", "bigint", _LONGS), ("y", "bigint", [3, 0, -1, None, 7, 9223372036854775807, -2])],
    "floats": [("x", "float", _FLOATS), ("y", "float", [2.0, 0.0, math.nan, None, -3.0])],
    "doubles": [("x", "double", _DOUBLES), ("y", "double", [2.0, 0.0, -3.0, math.nan, None, 0.5, 1e300]), ("n", "int", [0, 1, 2, -1, 5])],
    "decimals": [("x", "decimal(10,2)", _DECIMALS), ("y", "decimal(6,3)", [decimal.Decimal(v) for v in ("1.500", "0.000", "-3.333", "999.999")])],
    "smalls": [("x", "decimal(12,10)", _SMALL)],
    "wides": [("x", "decimal(38,0)", _WIDE), ("y", "decimal(38,0)", _WIDE[::-1]), ("z", "decimal(38,18)", [decimal.Decimal(v) for v in (
        "0E-18", "1.000000000000000000", "-2.500000000000000001", "12345678901234567890.123456789012345678")])],
    "strings": [("s", "string", _STRINGS), ("t", "string", ["a", "", "b", "l", "abc", None, "1"]), ("n", "int", [0, 1, 2, -1, 3, 5, -3])],
    "binaries": [("x", "binary", [bytearray(b""), bytearray(b"abc"), bytearray(b"\x00\xff"), bytearray("é".encode())])],
    "dates": [("d", "date", _DATES), ("e", "date", _DATES[::-1]), ("n", "int", [0, 1, -1, 30, 400, None, 12])],
    "timestamps": [("t", "timestamp", _TIMESTAMPS), ("u", "timestamp", _TIMESTAMPS[::-1]), ("n", "int", [0, 1, -1, 30, 400, None, 12])],
    "ntzs": [("t", "timestamp_ntz", _NTZ)],
    "arrays": [("a", "array<int>", [[1, 2, 3], [], [3, None, 1, 1], [None], [2147483647]]), ("b", "array<int>", [[3, 4], [1], [], [None, 3]]),
               ("s", "array<string>", [["a", "b"], [], ["b", None, "a", "a"], [""]]), ("n", "int", [1, 2, -1, 3, 4])],
    "structs": [("s", "struct<a:int,b:string>", [(1, "x"), (None, "y"), (2, None)])],
    "maps": [("m", "map<string,int>", [{"a": 1}, {}, {"a": 1, "b": None}, {"z": 9}]), ("k", "string", ["a", "b", "z"])],
    "groups": [("g", "string", ["a", "b", "a", "c", "b", "a", None]), ("x", "int", [1, 2, None, 4, 5, 6, 7, 8, 9]), ("d", "double", [0.5, 1.5, math.nan, None, -0.0, 0.0]),
               ("c", "decimal(10,2)", _DECIMALS), ("l", "bigint", [1, 9223372036854775807, 3, None]), ("s", "string", ["x", "y", "", None, "z"]),
               ("b", "boolean", [True, False, None])],
}


def rows_of(view: str) -> list[tuple[Any, ...]]:
    """The rows of a view, the last one of nulls."""
    columns = VIEWS[view]
    count = max(len(values) for _, _, values in columns)
    rows: list[tuple[Any, ...]] = []
    for i in range(count):
        rows.append((i, *(values[i % len(values)] for _, _, values in columns)))
    rows.append((count, *(None for _ in columns)))
    return rows


def schema_of(view: str) -> Any:
    """The schema of a view."""
    from pyspark.sql import types as T

    fields = [T.StructField("i", T.IntegerType(), False)]
    for name, ddl, _ in VIEWS[view]:
        fields.append(T.StructField(name, _type_of(ddl), True))
    return T.StructType(fields)


def _type_of(ddl: str) -> Any:
    """A type from its DDL, without asking a session."""
    from pyspark.sql import types as T

    simple = {"boolean": T.BooleanType(), "tinyint": T.ByteType(), "smallint": T.ShortType(), "int": T.IntegerType(), "bigint": T.LongType(),
              "float": T.FloatType(), "double": T.DoubleType(), "string": T.StringType(), "binary": T.BinaryType(), "date": T.DateType(),
              "timestamp": T.TimestampType(), "timestamp_ntz": T.TimestampNTZType()}
    if ddl in simple:
        return simple[ddl]
    if ddl.startswith("decimal("):
        precision, scale = ddl[8:-1].split(",")
        return T.DecimalType(int(precision), int(scale))
    if ddl.startswith("array<"):
        return T.ArrayType(_type_of(ddl[6:-1]), True)
    if ddl.startswith("map<"):
        key, value = ddl[4:-1].split(",")
        return T.MapType(_type_of(key), _type_of(value), True)
    if ddl.startswith("struct<"):
        parts = [part.split(":") for part in ddl[7:-1].split(",")]
        return T.StructType([T.StructField(name, _type_of(kind), True) for name, kind in parts])
    raise ValueError(ddl)
