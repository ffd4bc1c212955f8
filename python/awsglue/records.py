"""What a DynamicFrame holds: its good records, what is known of their types, and its error records.

Where it stands: sources make a `Records`, transforms make one from another, sinks and toDF() use one up.  All of it is lazy DataFrames.
Invariant: nothing here runs a scan but `Records.settled()` on text columns with a declared type (once, and the answer is kept), and the
counting of error records, which only an errors… method or a threshold asks for.

The three states of a column:
  plain    its Spark type is the field's type;
  text     read as text, its declared type not yet looked at (`Records.text`): no value was parsed so far;
  choice   some values are not of the declared type (`Records.choices`): a struct with one member for each type, as toDF() shows it.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from functools import reduce
from typing import Any, Callable

from pyspark.sql import functions as F
from pyspark.sql import types as T

from awsglue import gluetypes as G
from awsglue.errors import ErrorThresholdExceeded
from awsglue.schemas import choice_word, glue_type, quoted

__all__ = ["ErrorPart", "Records", "call_site", "typed_text"]

_OWN_FOLDERS = tuple(
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), name) + os.sep for name in ("awsglue", "solder")
)


def call_site() -> str:
    """The script's file:line that called into this package: the nearest frame outside it."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not os.path.abspath(name).startswith(_OWN_FOLDERS):
            return f"{os.path.basename(name)}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return "?"


def typed_text(column: Any, spark: T.DataType) -> Any:
    """A text column's values as a type; null where the text is blank or is not of that type.

    Integers take no fraction (Spark's cast would cut it off), booleans only true and false as in Hive; the rest is Spark's cast.
    """
    if isinstance(spark, (T.ByteType, T.ShortType, T.IntegerType, T.LongType)):
        return F.when(F.instr(column, ".") == 0, column.cast(spark))
    if isinstance(spark, T.BooleanType):
        return F.when(F.lower(F.trim(column)) == "true", F.lit(True)).when(F.lower(F.trim(column)) == "false", F.lit(False))
    return column.cast(spark)


class ErrorPart:
    """The error records that one step made: a function that makes their DataFrame; counted at most once."""

    def __init__(self, make: Callable[[], Any], site: str, info: str = "") -> None:
        self._make, self.site, self.info = make, site, info
        self._df: Any = None
        self._count: int | None = None

    @property
    def df(self) -> Any:
        """The error records: msg, exception, record."""
        if self._df is None:
            self._df = self._make()
        return self._df

    def count(self) -> int:
        """How many there are."""
        if self._count is None:
            self._count = self.df.count()
        return self._count


@dataclasses.dataclass(frozen=True)
class Limit:
    """The thresholds of one step."""

    site: str
    stage: tuple[ErrorPart, ...]
    stage_threshold: int
    total: tuple[ErrorPart, ...]
    total_threshold: int

    def check(self) -> None:
        """Count, and raise when a threshold is reached."""
        for parts, threshold, name in (
            (self.stage, self.stage_threshold, "stageThreshold"),
            (self.total, self.total_threshold, "totalThreshold"),
        ):
            if threshold > 0:
                errors = sum(part.count() for part in parts)
                if errors >= threshold:
                    raise ErrorThresholdExceeded(
                        f"{self.site}: {errors} error records reach {name}={threshold}; errorsAsDynamicFrame() shows them"
                    )


class Records:
    """Good records (lazy), their column states, and the error records so far."""

    def __init__(
        self,
        df: Any,
        schema: T.StructType | None = None,
        text: dict[str, T.DataType] | None = None,
        choices: dict[str, tuple[str, ...]] | None = None,
        errors: tuple[ErrorPart, ...] = (),
        stage: tuple[ErrorPart, ...] = (),
        limits: tuple[Limit, ...] = (),
    ) -> None:
        self._df: Any = df  # a DataFrame, or a function that makes it when it is first needed
        self._schema = schema
        self.text = text or {}
        self.choices = choices or {}
        self.errors, self.stage, self.limits = errors, stage, limits
        self._settled: Records | None = None

    @property
    def df(self) -> Any:
        """The DataFrame of the good records."""
        if callable(self._df):
            self._df = self._df()
        return self._df

    @property
    def schema(self) -> T.StructType:
        """Its schema: asked for once, since each question is a round trip to the engine."""
        if self._schema is None:
            self._schema = self.df.schema
        return self._schema

    @property
    def names(self) -> list[str]:
        """The column names."""
        return [f.name for f in self.schema.fields]

    def then(
        self,
        df: Any,
        schema: T.StructType | None = None,
        text: dict | None = None,
        choices: dict | None = None,
        made: tuple[ErrorPart, ...] = (),
    ) -> "Records":
        """The records of a next step that made these errors."""
        return Records(df, schema, text, choices, self.errors + made, made, self.limits)

    def same(self, df: Any) -> "Records":
        """Other records of the same columns, by a step that makes no errors."""
        return Records(df, self._schema, self.text, self.choices, self.errors, (), self.limits)

    def reschemed(self) -> "Records":
        """The same records with nothing remembered of their columns but what the DataFrame says."""
        return Records(self._df, None, None, None, self.errors, self.stage, self.limits)

    def limited(self, site: str, stage_threshold: int, total_threshold: int) -> "Records":
        """The same records with a step's thresholds on them."""
        if stage_threshold <= 0 and total_threshold <= 0:
            return self
        limit = Limit(site, self.stage, stage_threshold, self.errors, total_threshold)
        return Records(self._df, self._schema, self.text, self.choices, self.errors, self.stage, self.limits + (limit,))

    def check(self) -> None:
        """Raise when some step's thresholds are reached."""
        for limit in self.limits:
            limit.check()

    # -- types

    def settled(self) -> "Records":
        """The same records with every text column made plain or choice: one counting pass, and only when there is such a column."""
        if not self.text:
            return self
        if self._settled is None:
            misfits = self._count_misfits()
            self._settled = self._typed({name for name, count in misfits.items() if count})
        return self._settled

    def forced(self) -> "Records":
        """The same records with every text column plain, null where a value does not fit: what a Spark reader would give."""
        return self._typed(set()) if self.text else self

    def _count_misfits(self) -> dict[str, int]:
        names = list(self.text)
        counts = []
        for i, name in enumerate(names):
            column = F.col(quoted(name))
            counts.append(F.count(F.when((F.trim(column) != "") & typed_text(column, self.text[name]).isNull(), F.lit(1))).alias(f"n{i}"))
        row = self.df.agg(*counts).collect()[0]
        return {name: row[i] for i, name in enumerate(names)}

    def _typed(self, mixed: set[str]) -> "Records":
        columns, fields, choices = [], [], dict(self.choices)
        for field in self.schema.fields:
            column = F.col(quoted(field.name))
            spark = self.text.get(field.name)
            if spark is None:
                columns.append(column)
                fields.append(field)
                continue
            typed = typed_text(column, spark)
            if field.name in mixed:
                word = choice_word(spark)
                rest = F.when(typed.isNull() & (F.trim(column) != ""), column)
                typed = F.when(typed.isNotNull() | rest.isNotNull(), F.struct(typed.alias(word), rest.alias("string")))
                choices[field.name] = (word, "string")
                spark = T.StructType([T.StructField(word, spark), T.StructField("string", T.StringType())])
            columns.append(typed.alias(field.name))
            fields.append(T.StructField(field.name, spark))
        return Records(self.df.select(*columns), T.StructType(fields), None, choices, self.errors, self.stage, self.limits)

    def glue_schema(self) -> G.StructType:
        """The schema in Glue's types, choices among them."""
        settled = self.settled()
        fields = []
        for field in settled.schema.fields:
            if field.name in settled.choices:
                members = field.dataType.fields  # type: ignore[attr-defined]
                fields.append(G.Field(field.name, G.ChoiceType([glue_type(m.dataType) for m in members])))
            else:
                fields.append(G.Field(field.name, glue_type(field.dataType)))
        return G.StructType(fields)

    def without_choices(
        self, decide: Callable[[str, dict[str, tuple[Any, T.DataType]]], list[tuple[str, Any]]], only: set[str] | None = None
    ) -> "Records":
        """Each choice column (or only some) replaced by the named columns that `decide` makes of its members."""
        columns: list[Any] = []
        choices = dict(self.choices)
        for field in self.schema.fields:
            column = F.col(quoted(field.name))
            if field.name in self.choices and (only is None or field.name in only):
                members = {m.name: (column.getField(m.name), m.dataType) for m in field.dataType.fields}  # type: ignore[attr-defined]
                columns += [value.alias(name) for name, value in decide(field.name, members)]
                del choices[field.name]
            else:
                columns.append(column)
        return self.then(self.df.select(*columns), None, self.text, choices)


def union_all(frames: list[Any]) -> Any:
    """All rows of frames with equal columns."""
    return reduce(lambda a, b: a.unionByName(b), frames)
