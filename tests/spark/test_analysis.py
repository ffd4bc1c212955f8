"""The analysis oracle: schemas and error classes of SQL on real Spark and from analyze/ alone (analyze_dump), with no data read.

tests/cases/analysis.sql has one query a line. Besides, every function of spec/functions is called with arguments of many types, right and
wrong, and in wrong numbers; tests/cases/analysis_gaps.txt lists the calls that are known to differ. A listed call, or a line marked
known-gap, that agrees fails the build.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
CASES = TOP / "tests" / "cases" / "analysis.sql"
GAPS = TOP / "tests" / "cases" / "analysis_gaps.txt"
VIEWS = {
    "t": "select cast(1 as int) a, cast(2 as bigint) b, 's' s, cast(1.5 as double) d, cast(1 as decimal(10,2)) c, true bo, date'2020-01-01' dt, "
    "timestamp'2020-01-01 00:00:00' ts, array(1,2) ar, named_struct('x',1,'y','z') st, map('k',1) m, cast(1 as tinyint) ti, "
    "cast(1 as float) f, cast(null as int) n",
    "u": "select 1 a, 'q' s, 3.0 z",
}
# Arguments for a parameter type of the registry: the first is the usual one.
ARGUMENTS = {
    "string": ["s"], "any": ["a", "s"], "double": ["d", "a", "s"], "float": ["f"], "array": ["ar"], "int": ["a", "ti"],
    "date": ["dt", "ts", "'2020-01-01'"], "integral": ["a", "b"], "boolean": ["bo"], "timestamp": ["ts", "dt", "s"], "bigint": ["b"],
    "lambda": ["x -> x"], "binary": ["cast(s as binary)"], "map": ["m"], "numeric": ["c", "d", "a"], "numeric_or_interval": ["a", "c", "d", "s"],
    "orderable": ["a", "s"], "struct": ["st"], "array<string>": ["array('a')"], "decimal": ["c"], "anytimestamp": ["ts"], "atomic": ["a"],
}
OTHERS = ["n", "null", "ar", "m", "c"]


def dump(lines: list[str]) -> list[list[str]]:
    """What analyze_dump says of each line: [ok, "", schema JSON] or [error, class, message]."""
    program = Path(os.environ.get("SOLDER_TEST_PROGRAMS", TOP / "build" / "asan")) / "analyze_dump"
    assert program.exists(), f"{program} is not built: make test builds it, or cmake -DSOLDER_TESTS=ON and ninja analyze_dump"
    text = "".join(f"view {name} {query}\n" for name, query in VIEWS.items()) + "\n".join(lines) + "\n"
    done = subprocess.run([str(program)], input=text, capture_output=True, text=True, check=False, timeout=300)
    replies = [reply.split("\t", 2) for reply in done.stdout.splitlines()]
    assert len(replies) == len(lines), f"analyze_dump ended on: {lines[len(replies)]}\n{done.stderr[-2000:]}"
    return replies


def ask(spark: Any, line: str) -> tuple[str, str, Any]:
    """The same of real Spark."""
    try:
        return "ok", "", plain(json.loads(spark.sql(line).schema.json()))
    except Exception as problem:  # noqa: BLE001 - every error of Spark is an answer
        name = problem.getErrorClass() if hasattr(problem, "getErrorClass") else None
        return "error", name or "", str(problem)


def plain(value: Any) -> Any:
    """A schema without metadata (Spark notes there which names it made itself)."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key != "metadata"}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def differences(spark: Any, lines: list[str]) -> dict[str, str]:
    """The lines on which the two do not agree, with what each says."""
    found: dict[str, str] = {}
    for line, (kind, name, text) in zip(lines, dump(lines)):
        want_kind, want_name, want = ask(spark, line)
        got = plain(json.loads(text)) if kind == "ok" else text
        same = kind == want_kind and (got == want if kind == "ok" else name == want_name or want_name == "")
        if not same:
            found[line] = f"{line}\n  got  {kind} {name} {got}\n  want {want_kind} {want_name} {str(want)[:600]}"
    return found


def check(found: dict[str, str], known: set[str], asked: list[str]) -> None:
    """Fails on differences that are not known, and on known ones that are gone."""
    new = [text for line, text in found.items() if line not in known]
    gone = [line for line in asked if line in known and line not in found]
    print(f"analysis: {len(asked)} queries, {len(asked) - len(found)} agree, {len(found)} known gaps")
    assert not new, f"{len(new)} differ from real Spark:\n" + "\n".join(new[:40])
    assert not gone, "these agree now, take their marks away:\n" + "\n".join(gone)


@pytest.fixture(scope="module")
def spark(spark_classic: Any) -> Any:
    """Real Spark with the views."""
    for name, query in VIEWS.items():
        spark_classic.sql(query).createOrReplaceTempView(name)
    return spark_classic


def test_queries(spark: Any) -> None:
    """tests/cases/analysis.sql."""
    lines, known = [], set()
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if line.startswith("--") or not line.strip():
            continue
        query, mark, _ = line.partition("  -- known-gap:")
        lines.append(query.strip())
        if mark:
            known.add(query.strip())
    check(differences(spark, lines), known, lines)


def probes() -> list[str]:
    """Calls of every function with a plain name, by the parameter types of its row."""
    out: list[str] = []
    for path in sorted((TOP / "spec" / "functions").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            cells = line.split("\t")
            syntax = re.match(r"(get|solder|grouping|subtract_|time_|timestamp_(add|sub)_|date_(add|sub)_ym|extractansi|dayofweekiso|yearofweek|secondwithfraction)", cells[0])
            if len(cells) < 7 or not re.match(r"^[a-z_][a-z0-9_]*$", cells[0]) or syntax:
                continue
            if cells[0] in ("in", "not", "and", "or", "div", "negative", "positive", "isnull", "isnotnull", "like", "rlike", "regexp"):
                continue
            out += calls(cells[0], cells[3], cells[2] == "window")
    return list(dict.fromkeys(out))


def calls(name: str, parameters: str, is_window: bool) -> list[str]:
    """The usual call, optional arguments one by one, each argument of other types, one too many, one too few."""
    required: list[list[str]] = []
    optional: list[list[str]] = []
    for token in parameters.split():
        word = token.split("=")[0]
        choices = [arg for kind in word.rstrip("?*+").split("|") for arg in ARGUMENTS.get(kind, ["a"])]
        (optional if word[-1] in "?*" else required).append(choices)
    usual = [choices[0] for choices in required]
    lists = [usual] + [usual + [choices[0] for choices in optional[: i + 1]] for i in range(len(optional))]
    for i, choices in enumerate(required):
        lists += [usual[:i] + [other] + usual[i + 1 :] for other in choices[1:] + OTHERS]
    lists.append(usual + [choices[0] for choices in optional] + ["a"])
    if required:
        lists.append(usual[:-1])
    over = " over (order by a)" if is_window else ""
    return [f"select {name}({', '.join(args)}){over} from t" for args in lists]


def test_functions(spark: Any) -> None:
    """Every function, called rightly and wrongly."""
    lines = probes()
    known = {line for line in GAPS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}
    check(differences(spark, lines), known, lines)
