"""Files read and written by real Spark 3.5 and by the engine, side by side: the same files, the same options, the same rows.

Compared are column names, types and rows in order (csv, json, text), error classes, and byte for byte what the text writers write. The random files
are made from a fixed seed over the characters that CSV and JSON care about.
"""

from __future__ import annotations

import bz2
import datetime
import decimal
import gzip
import json
import math
import pathlib
import random
import re
import zlib
from typing import Any, Callable, Iterator

import pyarrow
import pyarrow.parquet
import pytest

from tests.conftest import connect_mode

LETTERS = ["a", "b", "", '"', '"', "\\", "'", " ", "\t", ",", ",", "é", "1"]


@pytest.fixture(scope="session")
def both(spark_classic: Any, spark_engine: Any) -> list[tuple[Any, bool]]:
    """Real Spark and the engine, with what connect_mode wants."""
    return [(spark_classic, False), (spark_engine, True)]


def comparable(value: Any) -> Any:
    """A value that equals itself: NaN as text, rows as tuples."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else (value, math.copysign(1.0, value))
    if isinstance(value, (tuple, list)):
        return tuple(comparable(v) for v in value)
    if isinstance(value, dict):
        return tuple(sorted((comparable(k), comparable(v)) for k, v in value.items()))
    return value


def error_name(error: Exception) -> str:
    """The error class in brackets, else the exception's type."""
    found = re.search(r"\[([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\]", str(error))
    return found.group(1) if found else type(error).__name__


def outcome(session: Any, is_connect: bool, make: Callable[[Any], Any]) -> Any:
    """Schema and rows of make(spark), or its error's name."""
    with connect_mode(is_connect):
        try:
            frame = make(session)
            schema = [(field.name, field.dataType.simpleString()) for field in frame.schema.fields]
            return schema, [comparable(tuple(row)) for row in frame.collect()]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
            return error_name(error)


def assert_same(both: list[tuple[Any, bool]], make: Callable[[Any], Any]) -> Any:
    """Both engines come to the same; the first difference is shown."""
    (spark, is_connect), (ours, ours_connect) = both
    wanted, got = outcome(spark, is_connect, make), outcome(ours, ours_connect, make)
    if isinstance(wanted, tuple) and isinstance(got, tuple) and wanted != got:
        assert got[0] == wanted[0]
        for i, (a, b) in enumerate(zip(got[1], wanted[1])):
            assert a == b, f"row {i}"
        assert len(got[1]) == len(wanted[1])
    assert got == wanted
    return wanted


def random_lines(seed: int, count: int, letters: list[str]) -> str:
    """Lines of random length over the letters."""
    rng = random.Random(seed)
    return "\n".join("".join(rng.choice(letters) for _ in range(rng.randint(0, 12))) for _ in range(count)) + "\n"


def quoted_lines(seed: int, count: int, with_breaks: bool) -> str:
    """Lines that are mostly right: quoted and plain values, sometimes with line breaks inside."""
    rng = random.Random(seed)
    inner = ["a", "bc", ",", '""', '\\"', "\\\\", " ", "x\n" if with_breaks else "x", "é"]
    lines = []
    for _ in range(count):
        cells = []
        for _ in range(rng.randint(1, 4)):
            text = "".join(rng.choice(inner) for _ in range(rng.randint(0, 4)))
            plain = text.replace(",", "").replace('"', "").replace("\n", "")
            cells.append(f'"{text}"' if rng.random() < 0.6 else plain)
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


TYPED = """i,l,d,s,b,t,day,dec
1,10000000000,1.5,x,true,2020-01-02 03:04:05,2020-01-02,1.25
-2,-3,1e3,"y,z",FALSE,2020-01-02T03:04:05.123456,2020-1-2,1000.005
x,1.5,NaN,,yes,2020-13-01,2020-02,abc
,,,,,,,
2147483648,9223372036854775808,Inf,"",TRUE,2020-01-02,2020,99999999999
+5, 7,-Inf,q,true ,2020-01-02 03:04:05+02:00,2020-01-02T10,"1,234.5"
7,8
9,10,1d,extra,true,2020-01-02 03,2020-01-02,1,more
"""
TYPED_SCHEMA = "i int, l bigint, d double, s string, b boolean, t timestamp, day date, dec decimal(10,2)"


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder with every input file."""
    folder = tmp_path_factory.mktemp("sources")

    def put(name: str, content: str | bytes) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    put("random.csv", random_lines(1, 3000, LETTERS))
    put("quoted.csv", quoted_lines(2, 2000, False))
    put("breaks.csv", quoted_lines(3, 400, True))
    put("typed.csv", TYPED)
    put("upgrade.csv", "a\n2020-01-01\n2020-02-30\n")
    put("header.csv", 'a,a,"",B,b,_c1\n1,2,3,4,5,6\n')
    put("bom.csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4")
    put("cr.csv", b"a,b\r1,2\r3,4\r\n\r\n5,6")
    put("invalid.csv", b"a,b\n\xff\xfe,\xc3(\n\xe2\x82,ok\xf0\x9f\x98\n")
    put("nul.csv", b"a,b\n1\x002,\x00\n")
    put("blank.csv", "a,b\n\n   \n1,2\n\t\n,\n")
    put("comment.csv", "#first\na,b\n#c,d\n1,#2\n #3,4\n")
    put("empty.csv", "")
    put("only_header.csv", "a,b\n")
    put("latin.csv", "a,b\né,ü\n".encode("iso-8859-1"))
    put("wide.csv", "a,b\né,ü\n€,x\n".encode("utf-16"))
    put("packed.csv.gz", gzip.compress(b"a,b\n1,2\n3,4\n"))
    put("tabs.csv", "a\tb\n1\t2\n\"x\ty\"\tz\n")
    put("bars.csv", "a||b\n1||2|3\n\"x||y\"||z\n||\n")
    put("infer.csv", "i,l,f,dec,d,t,b,s,n,mixed,dt\n1,3000000000,1.5,99999999999999999999,2020-01-01,2020-01-01 00:00:00,true,x,,1,2020-01-01\n"
        "2,2,2,1,2021-02-03,2021-02-03T04:05:06,false,y,,2020-01-01,2020-01-01 10:00:00\n")
    put("part/k=1/v=x/f.csv", "1,2\n")
    put("part/k=2/v=a%2Fb/f.csv", "3,4\n")
    put("part/k=__HIVE_DEFAULT_PARTITION__/v=z/f.csv", "5,6\n")
    put("part/_SUCCESS", "")
    put("dates/d=2020-01-01/f.csv", "1\n")
    put("dates/d=2020-01-02/f.csv", "2\n")
    put("text.txt", b"one\n\ntwo\r\n\xc3\xa9\nlast")
    put("plain.json", '{"b":1,"a":"x","c":{"y":[1,2],"x":null}}\n{"a":null,"d":1.5}\n\n{"b":2147483648000,"c":{"z":true}}\n')
    put("odd.json", "\n".join([
        '{"i":1,"s":"x","d":1.5,"b":true,"t":"2020-01-02 03:04:05","day":"2020-01-02","dec":1.255,"arr":[1,2,null],"m":{"k":1},"st":{"x":1,"y":"z"}}',
        '{"i":"1","s":5,"d":"NaN","b":"true","t":0,"day":"x","dec":"2.5","arr":[1,"x"],"m":{"k":"v"},"st":{"x":"bad","y":1.50}}',
        '{"i":1.0,"s":{"q": [1, 2.50, "é\\n"]},"d":3,"b":null,"t":"bad","day":"2020-1-2","dec":12345678901,"arr":"no","m":[1],"st":7}',
        "{'i':3,'s':'single \"q\"'}",
        '{"i":4,"s":"dup","s":"second"}',
        '{"i":5',
        "not json",
        '[{"i":6},{"i":7,"s":"in array"}]',
        "7",
        '{"i":8,"s":true} trailing',
        '{"i":99999999999,"s":[]}',
        '{"s":"\\u00e9\\ud83d\\ude00"}',
        '{"i":null,"unknown":1}',
        '{"d":NaN,"i":-0}',
        "   ",
        '{"i":01}',
    ]) + "\n")
    odd = (folder / "odd.json").read_text()
    put("single.json", odd.replace('"s":"dup",', ""))
    put("whole.json", '[\n {"a": 1,\n "b": "x"},\n {"a": 2}\n]\n')
    nested = ['{"a":' + "[" * depth + "]" * depth + ',"n":1}' for depth in (999, 1000, 3, 200000)]
    put("deep.json", "\n".join(nested) + "\n")
    put("infer.json", '{"a":1,"z":"","n":null,"big":123456789012345678901,"e":{},"arr":[]}\n{"a":1.5,"n":null,"arr":[{"q":1}],"big":1}\n{"a":"s"}\nbroken\n')
    (folder / "void").mkdir()
    return folder


CSV_READS: list[tuple[str, str | None, dict[str, str]]] = [
    (name, "x string, y string, z string", options)
    for name in ("random.csv", "quoted.csv")
    for options in (
        {},
        {"escape": '"'},
        {"quote": "'"},
        {"quote": ""},
        {"nullValue": "a", "emptyValue": "E"},
        {"nullValue": "NULL"},
        {"ignoreLeadingWhiteSpace": "true", "ignoreTrailingWhiteSpace": "true"},
        {"mode": "DROPMALFORMED"},
        {"mode": "FAILFAST"},
        {"sep": "\\t"},
        {"sep": "\\\\"},
        {"charToEscapeQuoteEscaping": "\\"},
        {"comment": "a"},
    )
] + [
    ("random.csv", "x string, y string, z string, _corrupt_record string", {}),
    ("breaks.csv", "x string, y string, z string", {"multiLine": "true"}),
    ("breaks.csv", "x string, y string, z string", {}),
    ("breaks.csv", "x string, y string, z string", {"multiLine": "true", "escape": '"'}),
    ("typed.csv", TYPED_SCHEMA, {"header": "true"}),
    ("typed.csv", TYPED_SCHEMA + ", _corrupt_record string", {"header": "true"}),
    ("typed.csv", TYPED_SCHEMA, {"header": "true", "mode": "DROPMALFORMED"}),
    ("typed.csv", TYPED_SCHEMA, {"header": "true", "enforceSchema": "false"}),
    ("typed.csv", TYPED_SCHEMA, {"header": "true", "dateFormat": "yyyy-MM-dd", "timestampFormat": "yyyy-MM-dd HH:mm:ss"}),
    ("typed.csv", TYPED_SCHEMA, {"header": "true", "timeZone": "Europe/Berlin"}),
    ("typed.csv", TYPED_SCHEMA, {"header": "true", "mode": "FAILFAST"}),
    ("upgrade.csv", "a date", {"header": "true"}),
    ("upgrade.csv", "a date", {"header": "true", "dateFormat": "yyyy-MM-dd"}),
    ("upgrade.csv", "a timestamp", {"header": "true", "timestampFormat": "yyyy-MM-dd"}),
    ("typed.csv", None, {"header": "true", "inferSchema": "true"}),
    ("infer.csv", None, {"header": "true", "inferSchema": "true"}),
    ("header.csv", None, {"header": "true"}),
    ("header.csv", None, {}),
    ("bom.csv", None, {"header": "true"}),
    ("cr.csv", None, {"header": "true"}),
    ("invalid.csv", None, {"header": "true"}),
    ("nul.csv", None, {"header": "true"}),
    ("blank.csv", None, {"header": "true"}),
    ("comment.csv", None, {"header": "true", "comment": "#"}),
    ("empty.csv", None, {}),
    ("empty.csv", "a int", {}),
    ("only_header.csv", None, {"header": "true"}),
    ("latin.csv", None, {"header": "true", "encoding": "ISO-8859-1"}),
    ("wide.csv", None, {"header": "true", "encoding": "UTF-16", "multiLine": "true"}),
    ("packed.csv.gz", None, {"header": "true", "inferSchema": "true"}),
    ("tabs.csv", None, {"header": "true", "sep": "\t"}),
    ("bars.csv", None, {"header": "true", "sep": "||"}),
    ("part", None, {}),
    ("part", "a int, b int, k string", {}),
    ("dates", None, {}),
    ("part/*/v=x", None, {}),
    ("void", None, {}),
    ("missing.csv", None, {}),
    ("missing*.csv", None, {}),
]


@pytest.mark.parametrize("name,schema,options", CSV_READS, ids=lambda v: str(v)[:60])
def test_csv(both: list[tuple[Any, bool]], files: pathlib.Path, name: str, schema: str | None, options: dict[str, str]) -> None:
    def make(spark: Any) -> Any:
        reader = spark.read.options(**options)
        reader = reader.schema(schema) if schema else reader
        frame = reader.csv(str(files / name))
        return frame.orderBy(*frame.columns) if (files / name).is_dir() and frame.columns else frame

    assert_same(both, make)


ODD_SCHEMA = (
    "i int, s string, d double, b boolean, t timestamp, day date, dec decimal(5,2), arr array<int>, m map<string,int>, "
    "st struct<x:int,y:string>"
)
JSON_READS: list[tuple[str, str | None, dict[str, str]]] = [
    ("plain.json", None, {}),
    ("plain.json", "a string, b int, c struct<x:string,y:array<bigint>>", {}),
    ("odd.json", ODD_SCHEMA, {}),
    ("odd.json", ODD_SCHEMA + ", _corrupt_record string", {}),
    ("odd.json", ODD_SCHEMA, {"mode": "DROPMALFORMED"}),
    ("odd.json", ODD_SCHEMA, {"mode": "FAILFAST"}),
    ("odd.json", ODD_SCHEMA, {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}),
    ("odd.json", None, {}),
    ("odd.json", None, {"mode": "DROPMALFORMED"}),
    ("single.json", None, {}),
    ("single.json", None, {"primitivesAsString": "true"}),
    ("whole.json", None, {"multiLine": "true"}),
    ("infer.json", None, {}),
    ("infer.json", None, {"primitivesAsString": "true"}),
    ("infer.json", None, {"prefersDecimal": "true", "dropFieldIfAllNull": "true"}),
    ("deep.json", "n int, _corrupt_record string", {}),
    ("deep.json", "n int", {"mode": "DROPMALFORMED"}),
    ("deep.json", "n int", {"mode": "FAILFAST"}),
    ("void", None, {}),
    ("missing.json", None, {}),
]


@pytest.mark.parametrize("name,schema,options", JSON_READS, ids=lambda v: str(v)[:60])
def test_json(both: list[tuple[Any, bool]], files: pathlib.Path, name: str, schema: str | None, options: dict[str, str]) -> None:
    def make(spark: Any) -> Any:
        reader = spark.read.options(**options)
        return (reader.schema(schema) if schema else reader).json(str(files / name))

    assert_same(both, make)


@pytest.mark.parametrize("options", [{}, {"wholetext": "true"}, {"lineSep": "o"}], ids=str)
def test_text(both: list[tuple[Any, bool]], files: pathlib.Path, options: dict[str, str]) -> None:
    assert_same(both, lambda spark: spark.read.format("text").options(**options).load(str(files / "text.txt")))


ROWS: list[tuple[Any, ...]] = [
    (1, "plain", 1.5, True, decimal.Decimal("1.20"), datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)),
    (None, None, None, None, None, None, None),
    (-5, "", float("nan"), False, decimal.Decimal("-0.01"), datetime.date(1, 1, 1), datetime.datetime(1969, 12, 31, 23, 59, 59)),
    (2147483647, 'qu"ote', 1e-7, True, decimal.Decimal("0.00"), datetime.date(9999, 12, 31), datetime.datetime(2020, 6, 1)),
    (0, "com,ma", float("inf"), True, None, None, None),
    (0, " spaces ", 1e20, True, None, None, None),
    (0, "back\\slash", -0.0, True, None, None, None),
    (0, "new\nline", 123456789.125, True, None, None, None),
    (0, 'both",\\', 0.1, True, None, None, None),
    (0, "#tab\té\u0001", 100.0, True, None, None, None),
]
ROW_SCHEMA = "i int, s string, d double, b boolean, dec decimal(10,2), day date, t timestamp"

WRITES: list[tuple[str, dict[str, str]]] = [
    ("csv", {}),
    ("csv", {"header": "true", "quoteAll": "true"}),
    ("csv", {"escapeQuotes": "false"}),
    ("csv", {"escape": '"'}),
    ("csv", {"nullValue": "NULL", "emptyValue": "EMPTY", "sep": "|"}),
    ("csv", {"ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false"}),
    ("csv", {"timestampFormat": "yyyy/MM/dd HH:mm", "dateFormat": "dd.MM.yyyy"}),
    ("csv", {"lineSep": ";"}),
    ("csv", {"quote": "\u0000"}),
    ("json", {}),
    ("json", {"ignoreNullFields": "false", "timestampFormat": "yyyy-MM-dd HH:mm:ss.SSSSSS"}),
]


def written(folder: pathlib.Path) -> dict[str, bytes]:
    """Relative directory → the bytes of its part files, in order of their names."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name.startswith("part-"):
            key = str(path.parent.relative_to(folder))
            found[key] = found.get(key, b"") + path.read_bytes()
    return found


@pytest.mark.parametrize("form,options", WRITES, ids=lambda v: str(v)[:60])
def test_writes(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, form: str, options: dict[str, str]) -> None:
    results = []
    for session, is_connect in both:
        target = tmp_path / str(is_connect)
        with connect_mode(is_connect):
            frame = session.createDataFrame(ROWS, ROW_SCHEMA).coalesce(1)
            frame.write.options(**options).format(form).save(str(target))
        assert (target / "_SUCCESS").exists()
        results.append(written(target))
    assert results[1] == results[0]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_partitioned_writes(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, form: str) -> None:
    results = []
    for session, is_connect in both:
        target = tmp_path / str(is_connect)
        with connect_mode(is_connect):
            frame = session.createDataFrame(ROWS, ROW_SCHEMA).coalesce(1)
            frame.select("i", "d", "s", "day").write.partitionBy("s", "day").format(form).save(str(target))
        results.append(written(target))
    assert results[1] == results[0]


def nested(spark: Any) -> Any:
    """A frame with nested types."""
    return spark.sql(
        "select id, cast(id as tinyint) t, cast(id as smallint) sm, cast(id as float) f, named_struct('Aa', id, 'b', array(named_struct('q', 'x'))) st, "
        "map('k', named_struct('z', id)) m, array(1, null, 3) arr, cast('abc' as binary) bin, date'2020-01-02' day, "
        "timestamp'2020-01-02 03:04:05.5' ts, timestamp_ntz'2020-01-02 03:04:05' ntz, cast(1.5 as decimal(30,5)) dec, cast(null as string) nothing "
        "from range(3)"
    )


@pytest.mark.parametrize("writer,reader", [(0, 1), (1, 0), (1, 1)])
def test_parquet(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, writer: int, reader: int) -> None:
    """What one engine writes, the other reads: types, nested names and values."""
    target = str(tmp_path / "p")
    session, is_connect = both[writer]
    with connect_mode(is_connect):
        nested(session).write.parquet(target)
    wanted = outcome(*both[0], lambda spark: nested(spark).orderBy("id"))
    session, is_connect = both[reader]
    got = outcome(session, is_connect, lambda spark: spark.read.parquet(target).orderBy("id"))
    assert got == wanted


@pytest.mark.parametrize("how", ["option", "setting"])
def test_parquet_without_dictionaries_keeps_the_sign_of_zero(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, how: str) -> None:
    """With them DuckDB takes -0.0 and 0.0 for one value, which Spark does not."""
    key = "parquet.enable.dictionary"
    rows = [(i, -0.0 if i % 2 == 0 else 0.0) for i in range(100)]  # not SQL: Spark's optimizer takes if(a, -0.0D, 0.0D) for -0.0D

    def make(session: Any) -> Any:
        columns = ("id", "d", "float(d) f", "array(d, 1D) l", "named_struct('x', d) s", "'same' t")
        return session.createDataFrame(rows, "id int, d double").coalesce(1).selectExpr(*columns)

    found = []
    for session, is_connect in both:
        target = tmp_path / str(is_connect)
        with connect_mode(is_connect):
            if how == "setting":
                session.conf.set(key, "false")
            try:
                write = make(session).write
                (write.option(key, " False") if how == "option" else write).parquet(str(target))
            finally:
                session.conf.unset(key)
        (part,) = target.glob("part-*")
        chunks = pyarrow.parquet.ParquetFile(part).metadata.row_group(0)
        found.append([word for i in range(6) for word in chunks.column(i).encodings if "DICTIONARY" in word])
        spark, classic = both[0]
        got = outcome(spark, classic, lambda s, t=str(target): s.read.parquet(t).orderBy("id"))
        assert got == outcome(spark, classic, make)
    assert found == [[], []]


@pytest.mark.parametrize("writer", [0, 1])
def test_parquet_partitions(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, writer: int) -> None:
    target = str(tmp_path / "p")
    session, is_connect = both[writer]
    with connect_mode(is_connect):
        plain = [row for row in ROWS if not row[1] or row[1].isascii() and row[1].isprintable() and "\\" not in row[1]]
        plain = [row for row in plain if row[5] is None or row[5].year > 1900]
        session.createDataFrame(plain, ROW_SCHEMA).write.partitionBy("s", "b").parquet(target)
    assert_same(both, lambda spark: spark.read.parquet(target).orderBy("i", "s", "d"))


def modes(session: Any, is_connect: bool, target: str) -> Iterator[Any]:
    """What each save mode does to a target that exists."""
    with connect_mode(is_connect):
        small = session.range(2)
        for mode in ("error", "append", "ignore", "overwrite", "error"):
            try:
                small.write.mode(mode).parquet(target)
                yield mode, session.read.parquet(target).count()
            except Exception as error:  # noqa: BLE001
                yield mode, error_name(error)


def test_save_modes(both: list[tuple[Any, bool]], tmp_path: pathlib.Path) -> None:
    results = [list(modes(session, is_connect, str(tmp_path / str(is_connect)))) for session, is_connect in both]
    assert results[1] == results[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda spark, target: spark.range(1).selectExpr("id", "id as ID").write.parquet(target),
        lambda spark, target: spark.range(1).selectExpr("array(id) as a").write.csv(target),
        lambda spark, target: spark.range(1).write.text(target),
        lambda spark, target: spark.range(1).write.partitionBy("id").parquet(target),
        lambda spark, target: spark.range(1).write.partitionBy("nope").parquet(target),
        lambda spark, target: spark.range(1).write.format("nope").save(target),
        lambda spark, target: spark.range(1).selectExpr("null as n").write.parquet(target),
    ],
    ids=["duplicate", "csv array", "text long", "all partitions", "no such partition", "no such format", "void"],
)
def test_refused_writes(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, make: Callable[[Any, str], None]) -> None:
    """The same error, and nothing left behind."""
    names = []
    for session, is_connect in both:
        with connect_mode(is_connect):
            try:
                make(session, str(tmp_path / str(is_connect)))
                names.append("no error")
            except Exception as error:  # noqa: BLE001
                names.append(error_name(error))
    assert names[1] == names[0]
    assert not (tmp_path / "True").exists()
    assert not list(tmp_path.glob(".True.*"))


def test_truncated_parquet(both: list[tuple[Any, bool]], tmp_path: pathlib.Path) -> None:
    """One message that names the file."""
    session, is_connect = both[1]
    with connect_mode(is_connect):
        session.range(100).write.parquet(str(tmp_path / "p"))
        part = next((tmp_path / "p").glob("part-*"))
        part.write_bytes(part.read_bytes()[:-20])
        with pytest.raises(Exception, match=re.escape(part.name)):
            session.read.parquet(str(tmp_path / "p")).collect()


def test_json_round_trip_of_names(both: list[tuple[Any, bool]], tmp_path: pathlib.Path) -> None:
    """Nested names survive the engine's own JSON."""
    session, is_connect = both[1]
    with connect_mode(is_connect):
        nested(session).select("id", "st", "m", "arr").coalesce(1).write.json(str(tmp_path / "j"))
    lines = b"".join(written(tmp_path / "j").values()).decode().splitlines()
    assert json.loads(lines[1]) == {"id": 1, "st": {"Aa": 1, "b": [{"q": "x"}]}, "m": {"k": {"z": 1}}, "arr": [1, None, 3]}


def test_parquet_columns_that_files_lack(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, spark_classic: Any) -> None:
    """Columns of the schema that some files, all files of a partition, or all files lack are NULL."""
    first = "SELECT 1 AS a, 'x' AS b, timestamp'2020-01-01 00:00:00' AS t, named_struct('x', 1, 'y', 'q') AS s, array(1, 2) AS l"
    spark_classic.sql(first).write.parquet(str(tmp_path / "t/p=1"))
    spark_classic.sql("SELECT 2 AS a, 5L AS c").write.parquet(str(tmp_path / "t/p=2"))
    scalars = "n decimal(10,2), d date, o boolean, r binary, u timestamp_ntz, f double"
    nested = "m map<string,int>, z struct<k:array<struct<v:timestamp>>>, w array<string>"
    schema = f"a int, b string, c bigint, t timestamp, s struct<x:int,y:string>, l array<int>, {scalars}, {nested}, p int"
    path = str(tmp_path / "t")
    assert_same(both, lambda spark: spark.read.schema(schema).parquet(path).orderBy("a"))
    assert_same(both, lambda spark: spark.read.schema(schema).parquet(path).where("n IS NULL AND a > 1").select("a", "z.k", "m"))
    assert_same(both, lambda spark: spark.read.schema("q int").parquet(path).orderBy("p"))
    assert_same(both, lambda spark: spark.read.schema("q int").parquet(path + "/p=1").groupBy("q").count())


def zstd_compress(data: bytes) -> bytes:
    """One frame (Python 3.11 has no Zstandard of its own)."""
    return bytes(pyarrow.compress(data, codec="zstd", asbytes=True))


def test_zstandard(both: list[tuple[Any, bool]], tmp_path: pathlib.Path) -> None:
    """Real Spark from pip lacks Hadoop's native library for it, so it is asked for the plain file; two frames one after another are one text."""
    text = b"a,b\n" + b"".join(b"%d,x%d\n" % (i, i * 7) for i in range(5000))
    (tmp_path / "t.csv").write_bytes(text)
    (tmp_path / "t.csv.zst").write_bytes(zstd_compress(text[:10_001]) + zstd_compress(text[10_001:]))
    wanted, got = [
        outcome(session, is_connect, lambda spark, n=name: spark.read.csv(str(tmp_path / n), header=True, inferSchema=True))
        for (session, is_connect), name in zip(both, ("t.csv", "t.csv.zst"))
    ]
    assert got == wanted


UNPACK: dict[str, Callable[[bytes], bytes]] = {".bz2": bz2.decompress, ".gz": gzip.decompress, ".deflate": zlib.decompress, ".csv": bytes}


@pytest.mark.parametrize("form", ["csv", "json", "text"])
@pytest.mark.parametrize("name", ["bzip2", "gzip", "deflate", "none", "BZIP2", "org.apache.hadoop.io.compress.BZip2Codec", "nope", ""])
def test_compressed_writes(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, form: str, name: str) -> None:
    """The same names, the same text inside, and each engine reads the other's files; a wrong name is the same error."""
    results = []
    for session, is_connect in both:
        folder = tmp_path / str(is_connect)
        with connect_mode(is_connect):
            for count in (0, 20_000):
                frame = session.range(count).selectExpr("concat(id, ' ', sha(cast(id as string))) AS a").coalesce(1)
                try:
                    frame.write.option("compression", name).format(form).save(str(folder / str(count)))
                except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
                    results.append((type(error).__name__, "Known codecs are bzip2, deflate, uncompressed" in str(error)))
                    continue
                (part,) = (folder / str(count)).glob("part-*")
                results.append((part.suffixes, UNPACK.get(part.suffix, bytes)(part.read_bytes())))
    assert results[2:] == results[:2]
    if (tmp_path / "True").exists():
        for folder in ("True", "False"):
            assert_same(both, lambda spark, f=folder: spark.read.format(form).load(str(tmp_path / f / "20000")))


def test_bzip2(both: list[tuple[Any, bool]], tmp_path: pathlib.Path) -> None:
    """Members one after another, as parallel compressors write them; a cut and a damaged file are errors."""
    text = b"a,b\n" + b"".join(b"%d,x%d\n" % (i, i * 7) for i in range(5000))
    (tmp_path / "t.csv.bz2").write_bytes(bz2.compress(text[:10_001]) + bz2.compress(text[10_001:]))
    path = str(tmp_path / "t.csv.bz2")
    assert_same(both, lambda spark: spark.read.csv(path, header=True, inferSchema=True))
    assert_same(both, lambda spark: spark.read.text(path))
    (tmp_path / "j.json.bz2").write_bytes(bz2.compress(b'{"a": 1}\n{"a": 2, "b": "x"}\n'))
    assert_same(both, lambda spark: spark.read.json(str(tmp_path / "j.json.bz2")))


@pytest.mark.parametrize("codec", ["lz4", "snappy"])
def test_hadoop_blocks_are_refused_by_name(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, codec: str) -> None:
    """Files in Hadoop's block formats, as Spark writes them, are not taken for text: the error says which file, and what is read."""
    target = tmp_path / "t"
    session, is_connect = both[0]
    with connect_mode(is_connect):
        session.range(100).selectExpr("cast(id as string)").coalesce(1).write.option("compression", codec).text(str(target))
        assert session.read.text(str(target)).count() == 100
    (part,) = target.glob(f"part-*.{codec}")
    session, is_connect = both[1]
    with connect_mode(is_connect):
        for form in ("text", "csv", "json"):
            with pytest.raises(Exception, match=rf"reading .*{re.escape(part.name)}: files compressed as \.{codec} are not supported yet; \.gz"):
                session.read.format(form).load(str(target)).collect()


@pytest.mark.parametrize("name, compress", [("bz2", bz2.compress), ("gz", gzip.compress), ("deflate", zlib.compress), ("zst", zstd_compress)])
def test_damaged_archives(spark_engine: Any, tmp_path: pathlib.Path, name: str, compress: Callable[[bytes], bytes]) -> None:
    whole = compress(b"".join(b"%d\n" % (i * i) for i in range(20_000)))
    for kind, data in (("cut off", whole[: len(whole) // 2]), ("damaged", b"this is no archive at all " * 40)):
        path = tmp_path / f"t.csv.{name}"
        path.write_bytes(data)
        with connect_mode(True), pytest.raises(Exception, match=f"t.csv.{name}: the \\w+ file is {kind}"):
            spark_engine.read.csv(str(path)).count()


def test_sampling_ratio(both: list[tuple[Any, bool]], tmp_path: pathlib.Path) -> None:
    """Only a share of the records decides the schema; with 1.0, all; 0 is refused."""
    (tmp_path / "t.csv").write_text("a\n" + "1\n" * 2000 + "x\n")
    (tmp_path / "t.json").write_text('{"a": 1}\n' * 2000 + '{"a": "x"}\n')
    for ratio, expected in (("1.0", "string"), ("0.995", "string"), ("0.001", "int bigint")):
        for session, is_connect in both:
            with connect_mode(is_connect):
                csv = session.read.csv(str(tmp_path / "t.csv"), header=True, inferSchema=True, samplingRatio=ratio).schema[0].dataType
                text = session.read.json(str(tmp_path / "t.json"), samplingRatio=float(ratio)).schema
                assert csv.simpleString() in expected
                assert len(text) == 0 or text[0].dataType.simpleString() in expected
    for session, is_connect in both:
        for form in ("csv", "json"):
            reader = session.read.format(form).option("inferSchema", "true")
            for ratio in ("0", "-0.5"):
                with connect_mode(is_connect), pytest.raises(Exception, match="should be greater than 0"):
                    reader.option("samplingRatio", ratio).load(str(tmp_path / f"t.{form}")).schema  # noqa: B018
            for ratio in ("nan", "x", ""):
                with connect_mode(is_connect), pytest.raises(Exception):
                    reader.option("samplingRatio", ratio).load(str(tmp_path / f"t.{form}")).schema  # noqa: B018


@pytest.mark.parametrize("form", ["csv", "json", "parquet", "text"])
def test_input_file_name(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, spark_classic: Any, form: str) -> None:
    """Each row's file, through filters, projections, views and generators; nothing behind an aggregation."""
    target = str(tmp_path / "some files %")
    with connect_mode(False):
        for k in range(3):
            frame = spark_classic.range(k * 10, k * 10 + 3).selectExpr("cast(id as string) as value", "id % 2 as p")
            (frame.select("value") if form == "text" else frame).repartition(1).write.mode("append").format(form).save(f"{target}/part={k}")

    def read(spark: Any) -> Any:
        return spark.read.format(form).schema("value string").load(target)

    def view(spark: Any) -> Any:
        read(spark).createOrReplaceTempView("named_files")
        return spark.sql("SELECT value, upper(input_file_name()) f FROM named_files WHERE input_file_name() LIKE '%part=1%' ORDER BY value LIMIT 5")

    def functions(name: str) -> Any:
        from pyspark.sql import functions

        return getattr(functions, name)

    names = assert_same(both, lambda spark: read(spark).withColumn("f", functions("input_file_name")()).orderBy("value"))
    assert len({row[-1] for row in names[1]}) == 3
    assert_same(both, view)
    assert_same(both, lambda spark: read(spark).filter("value > '1'").selectExpr("value", "part").selectExpr("input_file_name() as f", "value").orderBy("value"))
    assert_same(both, lambda spark: read(spark).selectExpr("explode(array(1, 2)) as e", "value").selectExpr("input_file_name() as f", "e", "value").orderBy("value", "e"))
    assert_same(both, lambda spark: read(spark).groupBy("part").count().selectExpr("part", "input_file_name() as f").orderBy("part"))
    assert_same(both, lambda spark: read(spark).withColumn("f", functions("input_file_name")()).groupBy("f").count().orderBy("f"))


@pytest.mark.parametrize("form", ["parquet", "json", "csv"])
@pytest.mark.parametrize("partitions", [[], ["p"]])
def test_max_records_per_file(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, spark_classic: Any, form: str, partitions: list[str]) -> None:
    """As many files of as many rows in each directory as Spark writes from one partition, and the same rows in them."""
    counts = []
    for k, (session, is_connect) in enumerate(both):
        target = str(tmp_path / f"t{k}")
        with connect_mode(is_connect):
            frame = session.range(0, 10050, 1, 1).selectExpr("id", "concat('value ', id) as s", "id % 2 as p")
            frame.write.option("maxRecordsPerFile", 2000).partitionBy(*partitions).format(form).save(target)
            frame.limit(0).write.option("maxRecordsPerFile", 2000).format(form).save(f"{target}-empty")
        with connect_mode(False):
            read = spark_classic.read.format(form).schema("id bigint, s string, p bigint").load(target)
            assert read.selectExpr("count(distinct id, s)").first()[0] == 10050
            sizes = read.selectExpr("p", "input_file_name() as f").groupBy("f").count().collect()
            assert spark_classic.read.format(form).schema("id bigint").load(f"{target}-empty").count() == 0
            counts.append(sorted((row["f"].split("/")[-2] if partitions else "", row["count"]) for row in sizes))
    assert counts[0] == counts[1]
