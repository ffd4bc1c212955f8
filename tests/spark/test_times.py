"""Texts as dates, times and numbers, and back, on every way into the engine: casts, datetime patterns, CSV columns, partition names, writers.

All of them stand on the same code of the engine, as they do in Spark; a text that one way takes and another refuses is where the two would part.
"""

from __future__ import annotations

import pathlib
import random
import urllib.parse
from typing import Any, Iterator

import pytest

from tests.conftest import connect_mode
from tests.spark.test_sources import assert_same, both, written  # noqa: F401 - both is a fixture

ZONE = "America/New_York"
TIMES = [
    "2020-01-01 12:30:45", "2020-01-01T12:30:45.123Z", "2020-01-01 12:30:45+01:00", "2020-01-01 12:30:45 Europe/Berlin", "2020-01-01", "2020",
    "1234567-01-01", "123456-01-01", " 2020-01-01 ", "\x7f2020-01-01", "2020-01-01 12:30:45EST", "2500-07-01 00:00:00", "x", "12020-01-01",
    "+12020-01-01", "-0001-01-01", "0000-01-01", "2020-01-01 12:30:45+130", "2020-01-01 12:30:45+18:00", "2020-01-01 12:30:45+18:30",
    "2020-01-01 12:30:45+1:5", "2020-01-01 12:30:45+010030", "2020-01-01 12:30:45 UTC+3", "2020-01-01 12:30:45 GMT-3:30", "2020-01-01 12:30:45 utc",
    "2020-01-01 12:30:45 GMT0", "2020-01-01 12:30:45 europe/paris", "2020-01-01 12", "2020-01-01 12:30:", "2020-01-01 12:30:45.", "2020-01-01 24:00:00",
    "2020-01-01 12:30:45.1234567", "2021-03-14 02:30:00", "2021-11-07 01:30:00", "2299-07-01 00:00:00 America/New_York", "1883-11-18 12:03:57",
    "1883-11-18 12:03:58 America/New_York", "1700-01-01 00:00:00 Europe/Paris", "294247-01-10 04:00:54.775807Z", "294247-01-10 04:00:54.775808Z",
    "2020-1-1 1:1:1", "20200101", "2020-01-01a", "2020-01-01 x", "2020-02-30", "2020-06", "2020-06-", "99999999-01-01", "-", "+", "T",
]  # fmt: skip
NUMBERS = [
    "1", "+1", " 1", "1.5", "-1.5e3", "1e", "1E+5", "1e400", "-1e400", "1e-400", "NaN", "nan", "+NaN", "-NaN", "Infinity", "+Infinity", "-Infinity",
    "Inf", "+Inf", "-Inf", "inf", "1d", "1f", "1D", "0x1p3", "0x1", "0x", "1_0", "1,000", "1,0.5", "-", "+", ".", "-.", "1.", ".5", "+.5", "00012",
    "9223372036854775808", "-9223372036854775808", "12345678901234567890123456789012345678", "0.1234567890123456789012345678901234567895", "1e38",
    "99999999.995", "999999.994", "0.005", "-0.005", "1e-5", "1e-99999999999", "3.4028236e38", "16777217",
    "1.00000017881393421514957253748434595763683319091796875001",
]  # fmt: skip
PATTERNS = {
    "yyyy-MM-dd HH:mm:ss.SSSSSS": ["2020-01-01 12:30:45.123", "2020-01-01 12:30:45.1234567", "2020-01-01 12:30:45."],
    "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]": ["2020-01-01T12:30:45", "2020-01-01T12:30:45.1Z", "2020-01-01T12:30:45+0100", "2020-01-01t12:30:45.123-03:30"],
    "dd/MM/yyyy": ["1/1/2020", "01/01/2020", "31/02/2020", "01/01/12020", "01/01/+12020", "01/01/-0005", "01/01/0000"],
    "yyyyMMddHHmmssSSS": ["20200101123045123", "2020010112304512", "120200101123045123"],
    "yMMdd": ["20200101", "120200101", "10101", "0101"],
    "M/d/yy h:mm a": ["1/2/20 3:04 pm", "1/2/20 13:04 pm", "1/2/20 12:04 AM"],
    "HH:mm a": ["13:00 PM", "13:00 AM"],
    "MMM d yyyy": ["jan 2 2020", "January 2 2020"],
    "d MMMM yyyy G": ["2 january 5 BC", "2 January 2020 ad", "2 January 0 AD"],
    "GGGG y": ["Anno Domini 7", "before christ 7", "AD 7"],
    "yyyy-DDD": ["2020-366", "2019-366", "2020-1"],
    "DD": ["100", "7"],
    "yyyy-MM-dd DDD": ["2020-02-01 032", "2020-02-01 033"],
    "yyyy-MM-dd [[HH]:mm]": ["2020-01-01 12:30", "2020-01-01 :30", "2020-01-01 "],
    "[[yyyy-MM-dd][dd.MM.yyyy]] HH": ["2020-02-01 03", "01.02.2020 03", " 03"],
    "yyyy[-MM": ["2020", "2020-02"],
    "yyyy'o''clock'": ["2020O'CLOCK", "2020oclock"],
    "yyyy X": ["2020 Z", "2020 z", "2020 +08", "2020 +0830", "2020 +08:30", "2020 +19"],
    "yyyy XXXX": ["2020 +0830", "2020 +083015", "2020 +08"],
    "yyyy xxxxx": ["2020 +08:30", "2020 +08:30:15", "2020 +00:00", "2020 Z"],
    "yyyy Z": ["2020 +0800", "2020 Z", "2020 +08:00"],
    "yyyy ZZZZ": ["2020 GMT+08:00", "2020 GMT", "2020 GMT+8"],
    "yyyy O": ["2020 GMT+8", "2020 GMT-3:30", "2020 GMT", "2020 UTC"],
    "yyyy VV": ["2020 Europe/Berlin", "2020 Asia/Nowhere", "2020 +02:00", "2020 Z"],
    "yyyy z": ["2020 PST", "2020 Europe/Berlin"],
}
REFUSED = ["yyyy-MM-dd E", "u-MM", "T", "yyyy QQ", "Y", "e", "n", "MMMMM", "ddd", "aa", "V", "OO", "yyyyyyy", "yyyy]", "yyyy#", "yyyy'", "XXXXXX", "ZZZZZZ"]
SHOWN = [
    "yyyy-MM-dd", "yy y yyy yyyyy", "G yyyy GGGG y", "M MM MMM MMMM L LLL", "d dd D DD", "E EEE EEEE", "a h hh H HH k kk K KK", "m mm s ss",
    "S SSS SSSSSS SSSSSSSSS", "Q QQ QQQ QQQQ q", "F", "VV z zzzz", "O OOOO", "X XX XXX XXXX XXXXX", "x xx xxx xxxx xxxxx", "Z ZZZ ZZZZ ZZZZZ",
    "'it''s'", "[yyyy]-[XXX]", "yyyy[",
]  # fmt: skip
INSTANTS = [
    "0000-01-01 00:00:00", "-0005-03-04 05:06:07.000001", "0099-12-31 23:59:59.999999", "1582-10-10 12:00:00", "1883-11-01 00:00:00",
    "1969-12-31 23:59:59.5", "2020-02-29 13:04:05.123456", "2021-07-01 00:00:00", "9999-12-31 11:59:59", "+12345-06-07 08:09:10", "2499-07-01 00:00:00",
]  # fmt: skip


@pytest.fixture(autouse=True)
def settings(both: list[tuple[Any, bool]]) -> Iterator[None]:  # noqa: F811
    """A zone with gaps and overlaps; and texts that Spark 2 read otherwise are just no times."""
    before: list[str] = []
    for session, is_connect in both:
        with connect_mode(is_connect):
            before.append(session.conf.get("spark.sql.session.timeZone"))
            session.conf.set("spark.sql.session.timeZone", ZONE)
            session.conf.set("spark.sql.legacy.timeParserPolicy", "CORRECTED")
    yield
    for (session, is_connect), zone in zip(both, before):
        with connect_mode(is_connect):
            session.conf.set("spark.sql.session.timeZone", zone)
            session.conf.unset("spark.sql.legacy.timeParserPolicy")


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def over(columns: str, texts: list[str]) -> str:
    """A query of the columns over the texts as t."""
    return f"SELECT t, {columns} FROM VALUES {', '.join(f'({literal(text)})' for text in texts)} AS v(t)"


def lines(path: pathlib.Path, texts: list[str]) -> str:
    """A CSV file of one quoted column."""
    path.write_text("".join(f'"{text}"\n' for text in texts), encoding="utf-8", newline="\n")
    return str(path)


def test_casts(both: list[tuple[Any, bool]]) -> None:  # noqa: F811
    columns = "cast(cast(t AS timestamp) AS string) AS a, cast(cast(t AS timestamp_ntz) AS string) AS b, cast(cast(t AS date) AS string) AS c"
    assert_same(both, lambda s: s.sql(over(columns, TIMES)))
    kinds = ["double", "float", "bigint", "decimal(10,2)", "decimal(38,10)"]
    assert_same(both, lambda s: s.sql(over(", ".join(f"cast(t AS {kind}) AS c{i}" for i, kind in enumerate(kinds)), NUMBERS)))
    now = "date_format(cast(t AS timestamp), 'HH:mm:ss.S') AS a, cast(cast(t AS timestamp) AS date) = current_date() AS b, cast(t AS timestamp_ntz) AS c"
    assert_same(both, lambda s: s.sql(over(now, ["12:30", "T12:30:45.5", "T7"])))


@pytest.mark.parametrize("kind", ["timestamp", "timestamp_ntz", "date", "double", "float", "bigint", "int", "decimal(10,2)", "decimal(38,10)"])
def test_csv_columns(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, kind: str) -> None:  # noqa: F811
    file = lines(tmp_path / "in.csv", TIMES if kind[0] == "t" or kind == "date" else NUMBERS)
    columns = ["cast(a AS string) AS a", "_corrupt_record AS b"]
    found = assert_same(both, lambda s: s.read.schema(f"a {kind}, _corrupt_record string").csv(file).selectExpr(*columns))
    assert any(row[0] is None for row in found[1]) and any(row[0] is not None for row in found[1])


def test_csv_times_of_today(both: list[tuple[Any, bool]], tmp_path: pathlib.Path) -> None:  # noqa: F811
    file = lines(tmp_path / "in.csv", ["12:30", "T12:30:45.5"])
    columns = ["date_format(a, 'HH:mm:ss.S') AS a", "cast(a AS date) = current_date() AS b"]
    found = assert_same(both, lambda s: s.read.schema("a timestamp").csv(file).selectExpr(*columns))
    assert found[1] == [("12:30:00.0", True), ("12:30:45.5", True)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, pattern: str) -> None:  # noqa: F811
    columns = f"cast(to_timestamp(t, {literal(pattern)}) AS string) AS a, cast(to_date(t, {literal(pattern)}) AS string) AS b"
    assert_same(both, lambda s: s.sql(over(columns, PATTERNS[pattern])))
    file = lines(tmp_path / "in.csv", PATTERNS[pattern])
    for kind, option in (("timestamp", "timestampFormat"), ("timestamp_ntz", "timestampNTZFormat"), ("date", "dateFormat")):
        assert_same(
            both,
            lambda s: s.read.schema(f"a {kind}, _corrupt_record string").option(option, pattern).csv(file).selectExpr("cast(a AS string) AS a", "_corrupt_record AS b"),
        )


@pytest.mark.parametrize("pattern", REFUSED)
def test_refused_patterns(both: list[tuple[Any, bool]], pattern: str) -> None:  # noqa: F811
    assert isinstance(assert_same(both, lambda s: s.sql(over(f"to_timestamp(t, {literal(pattern)}) AS a", ["x"]))), str)


@pytest.mark.parametrize("pattern", SHOWN)
@pytest.mark.parametrize("zone", [ZONE, "UTC", "EST", "UTC+3"])
def test_shown(both: list[tuple[Any, bool]], pattern: str, zone: str) -> None:  # noqa: F811
    for session, is_connect in both:
        with connect_mode(is_connect):
            session.conf.set("spark.sql.session.timeZone", zone)
    assert_same(both, lambda s: s.sql(over(f"date_format(cast(t AS timestamp), {literal(pattern)}) AS a", INSTANTS)))


@pytest.mark.parametrize(
    "name", ["2020-1-3", "2020-01-03", "2020-01-03 12:30:45", "2020-01-03 12:30:45.5", "2020-01-03 12:30:45.55", "2020-01-03T12:30:45", "12:30:45.123456",
             "T12:30:45.1234", "2020-01", " 2020-01-03", "1e5", "1.5", "NaN", "1d", "0x1p3", "12345678901234567890", "inf"],
)  # fmt: skip
def test_partition_names(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, name: str) -> None:  # noqa: F811
    folder = tmp_path / f"k={urllib.parse.quote(name)}"
    folder.mkdir()
    lines(folder / "in.csv", ["1"])
    assert_same(both, lambda s: s.read.csv(str(tmp_path)))
    assert_same(both, lambda s: s.read.csv(str(tmp_path)).selectExpr("cast(k AS string) AS k"))


@pytest.mark.parametrize("text", ["1e5", "1E3", "12345678901234567890", "1,000", "1.", "0x1p3", "20200101", "2020-1-3", "2020-06", "12:30"])
def test_inferred(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, text: str) -> None:  # noqa: F811
    file = lines(tmp_path / "in.csv", [text])
    assert_same(both, lambda s: s.read.option("inferSchema", "true").csv(file))


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize(
    "options",
    [{}, {"timestampFormat": "yyyy-MM-dd HH:mm:ss.SSSSSS XXX VV z O Z", "dateFormat": "G y EEE d MMM QQQ"}, {"timestampNTZFormat": "yyyy-MM-dd[ XXX]"}],
    ids=str,
)
def test_written(both: list[tuple[Any, bool]], tmp_path: pathlib.Path, form: str, options: dict[str, str]) -> None:  # noqa: F811
    columns = """cast(t AS timestamp) AS a, cast(t AS timestamp_ntz) AS b, cast(t AS date) AS c, cast(1.5 AS decimal(20,8)) AS d,
        cast('-0.00000012' AS decimal(20,8)) AS e, interval '100' hour AS f, interval '5' second AS g, interval '-1 02:03:04.50' day to second AS h,
        interval '7' month AS i, interval '1-2' year to month AS j"""
    results = []
    for session, is_connect in both:
        with connect_mode(is_connect):
            target = tmp_path / str(is_connect)
            session.sql(over(columns, INSTANTS)).coalesce(1).write.options(**options).format(form).save(str(target))
        results.append(written(target))
    assert results[1] == results[0]


LETTERS = ["y", "yy", "yyy", "yyyy", "yyyyy", "M", "MM", "MMM", "MMMM", "L", "d", "dd", "D", "DD", "DDD", "H", "HH", "h", "hh", "k", "kk", "K", "KK", "m", "mm",
           "s", "ss", "S", "SSS", "SSSSSS", "a", "G", "X", "XXX", "x", "xx", "Z", "ZZZZ", "O"]  # fmt: skip
PLAUSIBLE = {"M": "7", "MMM": "Jul", "MMMM": "July", "a": "PM", "G": "AD", "X": "+08", "XXX": "+08:00", "x": "+0830", "xx": "+0800", "Z": "-0330",
             "ZZZZ": "GMT+08:00", "O": "GMT+8"}  # fmt: skip


def test_random_patterns(both: list[tuple[Any, bool]]) -> None:  # noqa: F811
    """Letters in any order with or without marks between them, over texts that nearly fit."""
    rng = random.Random(5)
    columns, texts = [], []
    for number in range(60):
        letters = rng.sample(LETTERS, rng.randint(1, 4))
        letters = [letter for i, letter in enumerate(letters) if letter[0] not in {other[0] for other in letters[:i]}]
        letters = [letter for letter in letters if letter[0] != "K" or not {"H", "k"} & {other[0] for other in letters}]
        offsets = [letter for letter in letters if letter[0] in "XxZO"]
        letters = [letter for letter in letters if letter not in offsets[1:]]  # two offsets that differ are a matter of their own
        marks = [rng.choice(["-", "/", ":", " ", "", ""]) for _ in letters]
        columns.append(f"cast(to_timestamp(t, {literal(''.join(a + b for a, b in zip(letters, marks)))}) AS string) AS c{number}")
        for _ in range(5):
            text = "".join(PLAUSIBLE.get(a, str(rng.choice([1, 7, 12, 59])).zfill(len(a) if rng.random() < 0.8 else 1)) + b for a, b in zip(letters, marks))
            at = rng.randrange(len(text))
            texts.append(rng.choice([text, text, text[:at] + text[at + 1 :], text[:at] + rng.choice("019+- ") + text[at:], text.swapcase()]))
    assert_same(both, lambda s: s.sql(over(", ".join(columns), texts)))
