"""A Python worker of the engine: `python -m solder.worker`, fed on stdin, answering on stdout (src/exec/python_wire.h says how).

Where it stands: the engine starts it for mapInArrow, mapInPandas and Python UDFs, sends it the pickled function once and then one partition
after the other as Arrow streams.
Invariant: nothing but frames goes to the real stdout (a function's print goes to stderr), and after a partition's end the worker is ready for the
next one or for another function.
"""

from __future__ import annotations

import datetime
import decimal
import io
import json
import os
import struct
import sys
import traceback
from typing import Any, Callable, Iterable, Iterator

import pyarrow as pa

from solder.shipped import Shipped

SETUP, COMMAND, PART, ARROW, PART_END, ERROR = 1, 2, 3, 11, 12, 13
BATCHED, ARROW_BATCHED, SCALAR_PANDAS, SCALAR_PANDAS_ITER, MAP_PANDAS, MAP_ARROW = 100, 101, 200, 204, 205, 207
ROWS_PER_BATCH = 10_000  # spark.sql.execution.arrow.maxRecordsPerBatch

HEAD = struct.Struct("<IQ")
Batches = Iterator[pa.RecordBatch]


class WorkerError(Exception):
    """What the user is told in place of a traceback of this file."""


class Source(io.BufferedReader):
    """The pipe from the engine; pyarrow reads a partition's stream from it and must not close it."""

    def close(self) -> None:
        """Nothing: the next partition comes over the same pipe."""


class Out:
    """Frames to the engine."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def frame(self, kind: int, *parts: Any) -> None:
        """One frame of these bytes."""
        views = [memoryview(part) for part in parts]
        pending = [memoryview(HEAD.pack(kind, sum(view.nbytes for view in views))), *views]
        for view in pending:
            while view.nbytes:
                view = view[os.write(self.fd, view) :]


def joined(reader: Iterable[pa.RecordBatch]) -> Batches:
    """The engine's small batches put together to Spark's usual size."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS_PER_BATCH:
            yield concat(waiting)
            waiting, rows = [], 0
    if waiting:
        yield concat(waiting)


def concat(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """One batch of all."""
    if len(batches) == 1:
        return batches[0]
    columns = [pa.concat_arrays([batch.column(i) for batch in batches]) for i in range(batches[0].num_columns)]
    if not columns:
        return batches[0]
    return pa.RecordBatch.from_arrays(columns, schema=batches[0].schema)


def arrow_schema(spark_type: Any) -> pa.Schema:
    """The Arrow schema of a Spark struct type."""
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(spark_type)


def same_type(actual: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether Spark takes one for the other: names inside do not count, nor does the zone of a timestamp."""
    if pa.types.is_timestamp(wanted) and pa.types.is_timestamp(actual):
        return (actual.tz is None) == (wanted.tz is None)
    if (pa.types.is_string(wanted) and pa.types.is_large_string(actual)) or (pa.types.is_binary(wanted) and pa.types.is_large_binary(actual)):
        return True
    if pa.types.is_list(wanted) and (pa.types.is_list(actual) or pa.types.is_large_list(actual)):
        return same_type(actual.value_type, wanted.value_type)
    if pa.types.is_map(wanted) and pa.types.is_map(actual):
        return same_type(actual.key_type, wanted.key_type) and same_type(actual.item_type, wanted.item_type)
    if pa.types.is_struct(wanted) and pa.types.is_struct(actual):
        return actual.num_fields == wanted.num_fields and all(
            same_type(actual.field(i).type, wanted.field(i).type) for i in range(actual.num_fields)
        )
    return actual.equals(wanted)


def fitted(batch: pa.RecordBatch, wanted: pa.Schema, who: str) -> pa.RecordBatch:
    """The batch with the declared schema; columns go by position, as in Spark."""
    actual = batch.schema
    fits = len(actual) == len(wanted) and all(same_type(actual.field(i).type, wanted.field(i).type) for i in range(len(wanted)))
    if not fits:
        said = ", ".join(str(field.type) for field in wanted)
        got = ", ".join(str(field.type) for field in actual)
        raise WorkerError(f"Invalid schema from {who}: expected {said}, got {got}.")
    columns = [
        column if column.type.equals(field.type) else column.cast(field.type) for column, field in zip(batch.columns, wanted)
    ]
    if not columns:
        return batch
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


class Function:
    """What SETUP and COMMAND say."""

    def __init__(self, setup: dict[str, Any], commands: list[bytes]) -> None:
        from pyspark import cloudpickle
        from pyspark.sql.types import StructType, _parse_datatype_json_value

        self.zone: str = setup["zone"]
        self.kinds: list[int] = [function["eval"] for function in setup["functions"]]
        self.argument_types = [
            [_parse_datatype_json_value(argument) for argument in function.get("args", [])] for function in setup["functions"]
        ]
        self.schema = StructType.fromJson(setup["schema"])
        self.arrow = arrow_schema(self.schema)
        self.functions: list[Callable] = []
        self.results: list[Any] = []
        for command in commands:
            function, result = cloudpickle.loads(command)
            self.functions.append(function)
            self.results.append(parsed_type(result))

    def run(self, batches: Batches) -> Batches:
        """The answer to one partition."""
        kind = self.kinds[0]
        if kind == MAP_ARROW:
            return (fitted(checked(batch, "mapInArrow"), self.arrow, "mapInArrow()") for batch in self.functions[0](batches))
        if kind == MAP_PANDAS:
            return self.map_pandas(batches)
        return (self.appended(batch) for batch in batches)

    def pandas_serializer(self) -> Any:
        from pyspark.sql.pandas.serializers import ArrowStreamPandasUDFSerializer

        return ArrowStreamPandasUDFSerializer(self.zone, False, True, True)

    def map_pandas(self, batches: Batches) -> Batches:
        """mapInPandas: whole data frames in and out."""
        import pandas as pd

        serializer = self.pandas_serializer()

        def frames() -> Iterator[Any]:
            for batch in batches:
                columns = [serializer.arrow_to_pandas(column) for column in pa.Table.from_batches([batch]).itercolumns()]
                frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(batch.num_rows))
                frame.columns = batch.schema.names
                yield frame

        for frame in self.functions[0](frames()):
            if not isinstance(frame, pd.DataFrame):
                raise WorkerError(f"Return type of the user-defined function should be pandas.DataFrame, but is {type(frame).__name__}.")
            self.check_frame(frame)
            batch = serializer._create_batch([(frame, pa.struct(list(self.arrow)))])
            struct_column = batch.column(0)
            yield fitted(pa.RecordBatch.from_arrays(struct_column.flatten(), schema=self.arrow), self.arrow, "mapInPandas()")

    def check_frame(self, frame: Any) -> None:
        """Spark's rules on the columns of a returned frame: by name when names are strings, else by position."""
        names = [name for name in frame.columns]
        wanted = self.schema.names
        if any(isinstance(name, str) for name in names):
            missing = sorted(set(wanted) - set(names))
            extra = sorted(set(str(name) for name in names) - set(wanted))
            if missing or extra:
                text = "".join([f" Missing: {', '.join(missing)}." if missing else "", f" Unexpected: {', '.join(extra)}." if extra else ""])
                raise WorkerError(
                    f"[RESULT_COLUMNS_MISMATCH_FOR_PANDAS_UDF] Column names of the returned pandas.DataFrame do not match specified schema.{text}"
                )
        elif len(names) != len(wanted):
            raise WorkerError(
                "[RESULT_LENGTH_MISMATCH_FOR_PANDAS_UDF] Number of columns of the returned pandas.DataFrame doesn't match specified schema. "
                f"Expected: {len(wanted)} Actual: {len(names)}"
            )

    def appended(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The input's columns and, behind them, one column for each UDF. The batch ends with the UDFs' arguments."""
        counts = [len(types) for types in self.argument_types]
        at = batch.num_columns - sum(counts)
        columns = list(batch.columns[:at])
        for i, function in enumerate(self.functions):
            arguments = batch.columns[at : at + counts[i]]
            at += counts[i]
            columns.append(self.evaluated(i, function, arguments, batch.num_rows))
        wanted = self.arrow
        columns = [c if c.type.equals(f.type) else c.cast(f.type) for c, f in zip(columns, wanted)]
        return pa.RecordBatch.from_arrays(columns, schema=pa.schema([f.with_nullable(True) for f in wanted]))

    def evaluated(self, i: int, function: Callable, arguments: list[pa.Array], rows: int) -> pa.Array:
        """One UDF over one batch."""
        kind, result = self.kinds[i], self.results[i]
        if kind in (SCALAR_PANDAS, SCALAR_PANDAS_ITER):
            return self.pandas_column(function, arguments, result, kind, rows)
        if kind not in (BATCHED, ARROW_BATCHED):
            raise WorkerError(f"Python functions of kind {kind} are not supported yet")
        converters = [to_python(type_) for type_ in self.argument_types[i]]
        values = [
            column.to_pylist() if convert is None else [None if v is None else convert(v) for v in column.to_pylist()]
            for column, convert in zip(arguments, converters)
        ]
        called = (function(*row) for row in zip(*values)) if values else (function() for _ in range(rows))
        fit = from_python(result)
        from pyspark.sql.pandas.types import to_arrow_type

        return pa.array([None if v is None else fit(v) for v in called], type=to_arrow_type(result))

    def pandas_column(self, function: Callable, arguments: list[pa.Array], result: Any, kind: int, rows: int) -> pa.Array:
        """A pandas UDF over one batch."""
        from pyspark.sql.pandas.types import to_arrow_type

        serializer = self.pandas_serializer()
        series = [serializer.arrow_to_pandas(pa.chunked_array([column])) for column in arguments]
        if kind == SCALAR_PANDAS_ITER:
            given = series[0] if len(series) == 1 else tuple(series)
            value = next(iter(function(iter([given]))))
        else:
            value = function(*series)
        if not hasattr(value, "__len__"):
            raise WorkerError(f"Return type of the user-defined function should be Pandas.Series, but is {type(value).__name__}.")
        if len(value) != rows:
            raise WorkerError(
                "[SCHEMA_MISMATCH_FOR_PANDAS_UDF] Result vector from pandas_udf was not the required length: "
                f"expected {rows}, got {len(value)}"
            )
        batch = serializer._create_batch([(value, to_arrow_type(result))])
        return batch.column(0)


def parsed_type(result: Any) -> Any:
    """A result type, given as such or as a DDL string."""
    if not isinstance(result, str):
        return result
    from pyspark.sql.connect.types import UnparsedDataType  # noqa: F401  (the client parses strings itself; none should arrive)

    raise WorkerError(f"the result type {result!r} was not parsed by the client")


def checked(batch: Any, who: str) -> pa.RecordBatch:
    """A batch, or Spark's complaint about what the function gave."""
    if not isinstance(batch, pa.RecordBatch):
        raise WorkerError(
            f"Return type of the user-defined function should be iterator of pyarrow.RecordBatch, but is iterator of {type(batch).__name__}."
        )
    return batch


def to_python(type_: Any) -> Callable[[Any], Any] | None:
    """From pyarrow's Python value to the one that a UDF sees on Spark; None: the same."""
    from pyspark.sql import types as t

    if isinstance(type_, t.TimestampType):
        return lambda v: v.astimezone().replace(tzinfo=None)
    if isinstance(type_, t.BinaryType):
        return bytearray
    if isinstance(type_, t.ArrayType):
        inner = to_python(type_.elementType)
        return None if inner is None else lambda v: [None if x is None else inner(x) for x in v]
    if isinstance(type_, t.MapType):
        key, value = to_python(type_.keyType) or same, to_python(type_.valueType) or same
        return lambda v: {key(k): None if x is None else value(x) for k, x in v}
    if isinstance(type_, t.StructType):
        inner_fields = [(field.name, to_python(field.dataType) or same) for field in type_.fields]

        def row(v: dict[str, Any]) -> Any:
            created = t._create_row([name for name, _ in inner_fields], [None if v[n] is None else f(v[n]) for n, f in inner_fields])
            return created

        return row
    return None


def same(value: Any) -> Any:
    """The value itself."""
    return value


def java_text(value: Any) -> str:
    """What toString gives on the JVM for a pickled value (Spark turns any result of a string UDF into text this way)."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join("null" if v is None else java_text(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{java_text(k)}={'null' if v is None else java_text(v)}" for k, v in value.items()) + "}"
    return str(value)


WHOLE = {"byte": 8, "short": 16, "integer": 32, "long": 64}


def from_python(type_: Any) -> Callable[[Any], Any]:
    """From a UDF's result to the declared type, as EvaluatePython.makeFromJava: what has another kind becomes null."""
    from pyspark.sql import types as t

    name = type_.typeName()
    if name in WHOLE:
        bits = WHOLE[name]

        def whole(v: Any) -> Any:
            if isinstance(v, bool) or not isinstance(v, int):
                return None
            v &= (1 << bits) - 1
            return v - (1 << bits) if v >> (bits - 1) else v

        return whole
    if isinstance(type_, (t.FloatType, t.DoubleType)):
        return lambda v: v if isinstance(v, float) else None
    if isinstance(type_, t.BooleanType):
        return lambda v: v if isinstance(v, bool) else None
    if isinstance(type_, (t.StringType, t.VarcharType, t.CharType)):
        return java_text
    if isinstance(type_, t.BinaryType):
        return lambda v: v.encode() if isinstance(v, str) else bytes(v) if isinstance(v, (bytes, bytearray)) else None
    if isinstance(type_, t.DecimalType):
        return lambda v: fitted_decimal(v, type_) if isinstance(v, decimal.Decimal) else None
    if isinstance(type_, t.TimestampType):
        return lambda v: v.astimezone(datetime.timezone.utc) if isinstance(v, datetime.datetime) else None
    if isinstance(type_, t.ArrayType):
        inner = from_python(type_.elementType)
        return lambda v: [None if x is None else inner(x) for x in v] if isinstance(v, (list, tuple)) else None
    if isinstance(type_, t.MapType):
        key, value = from_python(type_.keyType), from_python(type_.valueType)
        return lambda v: [(key(k), None if x is None else value(x)) for k, x in v.items()] if isinstance(v, dict) else None
    if isinstance(type_, t.StructType):
        return struct_from_python(type_)
    return same


def struct_from_python(type_: Any) -> Callable[[Any], Any]:
    """Rows, tuples, dicts and objects as a struct's dict."""
    fields = [(field.name, from_python(field.dataType)) for field in type_.fields]

    def convert(v: Any) -> Any:
        if isinstance(v, dict):
            got = [v.get(name) for name, _ in fields]
        elif isinstance(v, tuple):
            if hasattr(v, "__from_dict__"):
                got = [v[name] for name, _ in fields]
            else:
                got = list(v)
        elif isinstance(v, list):
            got = v
        else:
            got = [v.__dict__.get(name) for name, _ in fields]
        return {name: None if x is None else fit(x) for (name, fit), x in zip(fields, got)}

    return convert


def fitted_decimal(value: decimal.Decimal, type_: Any) -> decimal.Decimal | None:
    """The value at the declared scale; null when it has too many digits."""
    if not value.is_finite():
        return None
    with decimal.localcontext() as context:
        context.prec = 80
        rounded = value.quantize(decimal.Decimal(1).scaleb(-type_.scale), rounding=decimal.ROUND_HALF_UP)
    return rounded if len(rounded.as_tuple().digits) <= type_.precision else None


def error_text(error: BaseException) -> bytes:
    """The ERROR frame: Spark's words, with the function's traceback."""
    if isinstance(error, WorkerError):
        message = str(error)
        text = f"{message}\n\nTraceback (most recent call last):\npyspark.errors.exceptions.base.PySparkRuntimeError: {message}"
    else:
        text = "".join(traceback.format_exception(type(error), error, trimmed(error.__traceback__)))
    shown = f"An exception was thrown from the Python worker. Please see the stack trace below.\n{text}"
    return json.dumps({"class": "PYTHON_EXCEPTION", "message": shown}).encode()


def trimmed(trace: Any) -> Any:
    """The traceback without the frames of this file."""
    at = trace
    while at is not None and at.tb_frame.f_code.co_filename == __file__:
        at = at.tb_next
    return at if at is not None else trace


def answer(function: Function, reader: Any, out: Out) -> None:
    """One partition: its Arrow stream in, the function's batches out."""
    out.frame(ARROW, function.arrow.serialize())
    for batch in function.run(joined(reader)):
        if batch.num_rows:
            out.frame(ARROW, batch.serialize())
    for _ in reader:  # what the function did not ask for
        pass
    out.frame(PART_END)


def read_exact(source: Any, size: int) -> bytes:
    """Exactly that many bytes; fewer only at the end of the input."""
    parts = []
    while size:
        part = source.read(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def serve(source: Any, out: Out) -> None:
    """Until the engine closes the pipe."""
    setup: dict[str, Any] = {}
    commands: list[bytes] = []
    function: Function | None = None
    shipped = Shipped()
    while True:
        head = read_exact(source, HEAD.size)
        if len(head) < HEAD.size:
            return
        kind, size = HEAD.unpack(head)
        body = read_exact(source, size)
        if kind == SETUP:
            setup, commands, function = json.loads(body), [], None
            shipped.use(setup["pyfiles"])
        elif kind == COMMAND:
            commands.append(body)
        elif kind == PART:
            reader = pa.ipc.open_stream(source)
            if function is None:
                function = Function(setup, commands)
            answer(function, reader, out)


def main() -> None:
    """The worker's whole life."""
    out = Out(os.dup(1))
    os.dup2(2, 1)  # a function's print must not get between the frames
    sys.stdout = sys.stderr
    source = Source(io.FileIO(0, closefd=False), 1 << 20)
    try:
        serve(source, out)
    except BrokenPipeError:
        pass
    except BaseException as error:  # noqa: B902  whatever a user's function raises is reported, SystemExit too
        try:
            out.frame(ERROR, error_text(error))
        except OSError:
            pass
        os._exit(1)


if __name__ == "__main__":
    main()
