"""Reads the case files of tests/cases: what the oracle asks of real Spark and of the engine alike.

A file is a list of cases. A case starts with a line

    === name [mark] [mark: value]

and goes on to the next such line. Its body is one SQL query, or, when its first line is `python:`, Python that sets `df` (spark, F, T and
Window are there), or, with the mark [over: VIEW], one expression a line, each evaluated over that view of inputs.py.
A line of an [over] case may end in `-- approx` or `-- known-gap: reason`. Lines that start with # are comments. Marks:

    approx              floating values may differ in the last digits (1e-12 relative)
    ordered             the order of rows counts
    names               (default) column names count; `no-names` leaves them out
    timezone: ZONE      spark.sql.session.timeZone during the case
    known-gap: REASON   the engine is known to differ; when it does not any more the mark must go, or the build fails
"""

from __future__ import annotations

import dataclasses
import pathlib
import re

CASES = pathlib.Path(__file__).resolve().parent.parent / "cases"
_MARK = re.compile(r"\[([a-z-]+)(?::\s*([^\]]*))?\]")
_LINE_MARK = re.compile(r"\s+--\s+(approx|known-gap:.*)$")


@dataclasses.dataclass
class Expression:
    """One line of an [over] case."""

    text: str
    approx: bool = False
    gap: str = ""


@dataclasses.dataclass
class Case:
    """One case of a file."""

    file: str
    line: int
    name: str
    marks: dict[str, str]
    body: str
    expressions: list[Expression] = dataclasses.field(default_factory=list)

    @property
    def id(self) -> str:
        """What pytest calls it."""
        return f"{self.file}: {self.name}"

    @property
    def is_python(self) -> bool:
        """Whether the body is Python."""
        return self.body.startswith("python:")


def _expressions(body: str) -> list[Expression]:
    found = []
    for line in body.splitlines():
        text = line.strip()
        if not text:
            continue
        expression = Expression(text)
        while match := _LINE_MARK.search(expression.text):
            expression.text = expression.text[: match.start()]
            if match.group(1) == "approx":
                expression.approx = True
            else:
                expression.gap = match.group(1).split(":", 1)[1].strip() or "no reason given"
        found.append(expression)
    return found


def read_cases(path: pathlib.Path) -> list[Case]:
    """The cases of one file, in order; raises ValueError at a body without a case, or a name used twice."""
    cases: list[Case] = []
    body: list[str] = []

    def close() -> None:
        if cases:
            cases[-1].body = "\n".join(body).strip()
            if "over" in cases[-1].marks:
                cases[-1].expressions = _expressions(cases[-1].body)
        body.clear()

    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            continue
        if line.startswith("=== "):
            close()
            marks = {m.group(1): (m.group(2) or "").strip() for m in _MARK.finditer(line)}
            name = _MARK.sub("", line[4:]).strip()
            if any(case.name == name for case in cases):
                raise ValueError(f"{path}:{number}: the name {name!r} is used twice")
            cases.append(Case(path.stem, number, name, marks, ""))
        elif cases:
            body.append(line)
        elif line.strip():
            raise ValueError(f"{path}:{number}: text before the first case")
    close()
    for case in cases:
        if not case.body:
            raise ValueError(f"{path}:{case.line}: the case {case.name!r} is empty")
    return cases


def all_cases() -> list[Case]:
    """Every case of tests/cases."""
    found: list[Case] = []
    for path in sorted(CASES.glob("*.cases")):
        found.extend(read_cases(path))
    return found
