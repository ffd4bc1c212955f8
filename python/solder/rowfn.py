"""Plans for functions over records: what DynamicFrame.filter and map do with the function they are given.

Where it stands: awsglue calls plan_filter / plan_map and then .apply(df); the compiler (rowcompile.py) is asked first, and the workers
(rowworker.py) run what it refuses.  Public PySpark API only, so a plan runs on Spark as on the engine.
Invariant: both ways give the same records, the same error records and the same counts; only the speed differs.
"""

from __future__ import annotations

import itertools
import json
import os
from typing import TYPE_CHECKING, Any, Callable

from . import outcomes
from .rowir import NotCompiled
from .rowplan import compile_filter, compile_map
from .rowsource import SourceReader, source_text
from .rowworker import CODE, COUNTER_COLUMNS, ROWS, ErrorsWorker, FilterWorker, InferWorker, MapWorker, counter_name
from .valuetypes import Fitter, ValueType

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

# How many records a map function is tried on to find the columns of its results.
SAMPLE_ROWS = 1000

_readers: list[SourceReader] = []
_numbers = itertools.count(1)


def _reader() -> SourceReader:
    if not _readers:
        _readers.append(SourceReader())
    return _readers[0]


class Outcome:
    """What a function made of a frame: the good records and, computed only when asked for, the error records (msg, exception, record)."""

    def __init__(self, kept: "DataFrame", errors: Callable[[], "DataFrame"]) -> None:
        self.kept = kept
        self._make_errors = errors

    @property
    def errors(self) -> "DataFrame":
        """The error records; the frame is made when it is asked for, because pickling the function and asking for a schema cost time."""
        return self._make_errors()


class _Plan:
    kind = ""

    def __init__(self, f: Callable, schema: "StructType", site: str) -> None:
        self.f = f
        self.schema = schema
        self.site = site
        self.code = source_text(f, _reader())
        self.way = "worker"
        self.why = ""

    def _metric_name(self) -> str:
        about = {"kind": self.kind, "site": self.site, "code": self.code, "way": self.way, "why": self.why, "id": next(_numbers)}
        return "solder:" + json.dumps(about)

    def _observed(self, coded: "DataFrame", rows: Any, possible: frozenset[int], some: Callable[[tuple[int, ...]], Any]) -> "DataFrame":
        """`coded` with the plan's counters: `rows` sums the records, `some` those with one of some codes; only `possible` codes occur."""
        from pyspark.sql import functions as F

        def count(codes: tuple[int, ...]) -> Any:
            met = tuple(code for code in codes if code in possible)
            return some(met) if met else F.count(F.lit(None))

        raised = {name: (code,) for name, code in outcomes.RAISED.items() if code in possible}
        metrics = [
            rows.alias("rows"),
            count((outcomes.KEEP,)).alias("kept"),
            count(tuple(outcomes.RAISED.values())).alias("raised"),
            *(count(codes).alias(f"raised_{name}") for name, codes in raised.items()),
            count(outcomes.error_codes(self.kind)).alias("errors"),
        ]
        return coded.observe(self._metric_name(), *metrics)

    def observed_counters(self, coded: "DataFrame") -> "DataFrame":
        """`coded`, whose counter columns say how many records each row stands for, with the plan's counters."""
        from pyspark.sql import functions as F

        def total(column: Any) -> Any:
            return F.coalesce(F.sum(column), F.lit(0).cast("bigint"))

        def count(codes: tuple[int, ...]) -> Any:
            if codes == (outcomes.KEEP,):
                return total(F.when(F.col(CODE) == outcomes.KEEP, F.lit(1)).otherwise(F.lit(0)).cast("bigint"))
            columns = [F.col(counter_name(code)) for code in codes]
            return total(sum(columns[1:], columns[0]))

        return self._observed(coded, total(F.col(ROWS)), outcomes.ALL, count)

    def observed_codes(self, coded: "DataFrame", possible: frozenset[int]) -> "DataFrame":
        """`coded`, which has a row with one of the `possible` codes for every record, with the plan's counters."""
        from pyspark.sql import functions as F

        def count(codes: tuple[int, ...]) -> Any:
            test = F.col(CODE) == F.lit(codes[0]) if len(codes) == 1 else F.col(CODE).isin(*codes)
            return F.count(F.when(test, F.lit(1)))

        return self._observed(coded, F.count(F.lit(1)), possible, count)

    def _errors(self, df: "DataFrame", worker: ErrorsWorker) -> "DataFrame":
        """The error records among the rows of df."""
        from pyspark.sql import functions as F
        from pyspark.sql import types as T

        names = [field.name for field in self.schema.fields]
        plain = [T.StructField(f"c{i}", field.dataType) for i, field in enumerate(self.schema.fields)]
        head = [T.StructField("msg", T.StringType()), T.StructField("exception", T.StringType())]
        rows = df.mapInArrow(worker, T.StructType(head + plain))
        if not names:
            return rows.select("msg", "exception", F.lit(None).cast("struct<>").alias("record"))
        record = F.struct(*(F.col(f"c{i}").alias(name) for i, name in enumerate(names)))
        return rows.select("msg", "exception", record.alias("record"))


def _coded_schema(schema: "StructType", keep_nullable: bool) -> "StructType":
    from pyspark.sql import types as T

    fields = [T.StructField(f.name, f.dataType, f.nullable if keep_nullable else True) for f in schema.fields]
    fields.append(T.StructField(CODE, T.IntegerType()))
    fields += [T.StructField(name, T.LongType()) for name in COUNTER_COLUMNS]
    return T.StructType(fields)


class FilterPlan(_Plan):
    """Keeps the records for which a predicate is true.

    KeyError, ValueError and TypeError mean "not kept"; any other exception makes an error record, which is not kept either.
    """

    kind = "filter"

    def __init__(self, f: Callable, schema: "StructType", site: str, compiled: Any = None, why: str = "") -> None:
        super().__init__(f, schema, site)
        self._compiled = compiled
        self.way = "worker" if compiled is None else "compiled"
        self.why = why

    def apply(self, df: "DataFrame") -> Outcome:
        """The kept records, with df's schema, and the error records."""
        names = [field.name for field in self.schema.fields]
        errors_worker = ErrorsWorker(self.f, names, self.kind, outcomes.error_codes(self.kind))
        if self._compiled is not None:
            coded = self._compiled.coded(df)
            kept = self._compiled.kept(self, coded)
            return Outcome(kept, lambda: self._errors(self._compiled.suspects(coded, self.kind), errors_worker))
        from pyspark.sql import functions as F

        coded = df.mapInArrow(FilterWorker(self.f, names), _coded_schema(self.schema, True))
        kept = self.observed_counters(coded).filter(F.col(CODE) == outcomes.KEEP).drop(CODE, *COUNTER_COLUMNS)
        return Outcome(kept, lambda: self._errors(df, errors_worker))


class MapPlan(_Plan):
    """Replaces each record by what a function returns.

    An exception, or a result that is empty or None, makes an error record.  Run by the workers, the columns of the results are found by
    trying the function on the first SAMPLE_ROWS records when the plan is applied: a field's type is the narrowest that holds all values
    seen (long widens to double; whatever else disagrees becomes a string); a later result that doesn't fit makes an error record.
    """

    kind = "map"

    def __init__(self, f: Callable, schema: "StructType", site: str, compiled: Any = None, why: str = "") -> None:
        super().__init__(f, schema, site)
        self._compiled = compiled
        self.way = "worker" if compiled is None else "compiled"
        self.why = why

    def apply(self, df: "DataFrame") -> Outcome:
        """The mapped records and the error records."""
        names = [field.name for field in self.schema.fields]
        codes = outcomes.error_codes(self.kind)
        if self._compiled is not None:
            coded = self._compiled.coded(df)
            zone = _zone(df)
            kept = self._compiled.kept(self, coded, zone)
            worker = ErrorsWorker(self.f, names, self.kind, codes, self._compiled.fitter(zone))
            return Outcome(kept, lambda: self._errors(self._compiled.suspects(coded, self.kind), worker))
        from pyspark.sql import functions as F
        from pyspark.sql import types as T

        fitter = self._fitter(df)
        nested = {f.name for f in self.schema.fields if isinstance(f.dataType, (T.StructType, T.ArrayType, T.MapType))}
        schema = T.StructType([T.StructField(name, fitter.types[name]) for name in fitter.names])
        coded = df.mapInArrow(MapWorker(self.f, names, fitter, nested), _coded_schema(schema, False))
        kept = self.observed_counters(coded).filter(F.col(CODE) == outcomes.KEEP).drop(CODE, *COUNTER_COLUMNS)
        return Outcome(kept, lambda: self._errors(df, ErrorsWorker(self.f, names, self.kind, codes, fitter)))

    def _fitter(self, df: "DataFrame") -> Fitter:
        names = [field.name for field in self.schema.fields]
        rows = df.limit(SAMPLE_ROWS).mapInArrow(InferWorker(self.f, names), "shape string").collect()
        shape = json.loads(rows[0][0]) if rows else {"results": 0, "fields": []}
        own = {field.name: field.dataType for field in self.schema.fields}
        if shape["results"] == 0:
            return Fitter(names, [own[name] for name in names], set(names), _zone(df))
        result_names: list[str] = []
        result_types: list[Any] = []
        kept_types: set[str] = set()
        for field in shape["fields"]:
            name = field["name"]
            found = None if field["type"] is None else ValueType.from_json(field["type"])
            spark_type = column_type(found, own.get(name), field["same"])
            if name in own and spark_type == own[name]:
                kept_types.add(name)
            result_names.append(name)
            result_types.append(spark_type)
        return Fitter(result_names, result_types, kept_types, _zone(df))


def column_type(found: ValueType | None, own: Any, same: bool) -> Any:
    """The type of a result's column from the values seen in it, the type of the input's column of that name, and whether it was untouched."""
    if own is not None:
        word = own.simpleString()
        if same or found is None or found.kind == "null":
            return own
        if found.kind in ("date", "timestamp", "decimal") and word.startswith(found.kind):
            return own
        if found.kind in ("struct", "array") and word.startswith(("struct<", "array<", "map<")):
            return own
    assert found is not None
    return found.spark()


def _zone(df: "DataFrame") -> str:
    return df.sparkSession.conf.get("spark.sql.session.timeZone")


def on_engine() -> bool:
    """True where columns go to the engine: in a script that it runs, and over Spark Connect unless SOLDER_ENGINE=0 says that real Spark serves it."""
    said = os.environ.get("SOLDER_ENGINE")
    return said == "1" or (said != "0" and "SPARK_CONNECT_MODE_ENABLED" in os.environ)


def _ansi() -> bool:
    """True where real Spark's functions raise on their own: compiled expressions are made of ones that don't."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession() if "SPARK_CONNECT_MODE_ENABLED" not in os.environ else None
    return session is not None and session.conf.get("spark.sql.ansi.enabled", "false") == "true"


def _compiled(compile_: Callable, f: Callable, schema: "StructType") -> tuple[Any, str]:
    """The compiled form, or why there is none."""
    engine = on_engine()
    if not engine and _ansi():
        return None, "spark.sql.ansi.enabled is on"
    try:
        return compile_(f, schema, _reader(), engine), ""
    except NotCompiled as reason:
        return None, str(reason)
    except RecursionError:
        return None, "it is nested too deeply"


def plan_filter(f: Callable, schema: "StructType", site: str) -> FilterPlan:
    """How to keep the records of a frame with this schema for which f is true; `site` is the script's file:line."""
    compiled, why = _compiled(compile_filter, f, schema)
    return FilterPlan(f, schema, site, compiled, why)


def plan_map(f: Callable, schema: "StructType", site: str) -> MapPlan:
    """How to replace each record of a frame with this schema by f's result; `site` is the script's file:line."""
    compiled, why = _compiled(compile_map, f, schema)
    return MapPlan(f, schema, site, compiled, why)
