"""The interpreted way: a row function run row by row in Python worker processes over Arrow batches.

Where it stands: rowfn.py hands the objects of this file to DataFrame.mapInArrow; they are pickled, sent to the workers and called there with
the batches of one partition.
Invariant: the function sees each record exactly once and in order; every record of the input is counted once, under one outcome code.

The counters travel with the data: each batch that goes out carries, in its first row, what was counted since the last one; where no row is
kept at all, a copy of an input row with the code DROP carries them.
"""

from __future__ import annotations

import json
import traceback
from typing import Any, Callable, Iterable, Iterator

from .outcomes import DROP, KEEP, NOTHING, NOTHING_MESSAGE, RAISED, code_of
from .record import BatchColumns, LazyRecord, TrackedRecord, set_at, set_columns, written_fields
from .valuetypes import Fitter, ValueType, merge_value_types, value_type_of

CODE = "__solder_code"
ROWS = "__solder_rows"
COUNTED: tuple[int, ...] = (*RAISED.values(), NOTHING)


def counter_name(code: int) -> str:
    """The column that carries the count of rows with this code."""
    return f"__solder_n{code}"


COUNTER_COLUMNS: tuple[str, ...] = (ROWS, *(counter_name(code) for code in COUNTED))

_dict_set = dict.__setitem__


class _Counts:
    """What was counted since the last batch went out."""

    def __init__(self) -> None:
        self.rows = 0
        self.by_code: dict[int, int] = {}

    def add(self, code: int) -> None:
        self.by_code[code] = self.by_code.get(code, 0) + 1

    def empty(self) -> bool:
        return self.rows == 0

    def columns(self, pa: Any, length: int, code: int) -> list:
        """CODE and the counter columns of a batch of `length` rows; the counts go to its first row and start again from nothing."""
        nothing = pa.nulls(length, pa.int64()).fill_null(0)
        out = [pa.nulls(length, pa.int32()).fill_null(code)]
        for value in (self.rows, *(self.by_code.get(c, 0) for c in COUNTED)):
            out.append(nothing if value == 0 else pa.concat_arrays([pa.array([value], pa.int64()), nothing.slice(1)]))
        self.rows = 0
        self.by_code = {}
        return out


def _records(columns: BatchColumns, rows: int, cls: type[LazyRecord], warm: list[str]) -> Iterator[LazyRecord]:
    """A record for each row; the fields in `warm` (those that earlier records were asked for) are filled in beforehand."""
    new = cls.__new__
    # A record is never handed over with an empty storage: json.dumps looks at that before it asks for the items.
    warm = warm or columns.names[:1]
    ready = [(name, columns.values(name)) for name in warm]
    if len(ready) == 1:
        name, values = ready[0]
        for at in range(rows):
            record = new(cls)
            set_columns(record, columns)
            set_at(record, at)
            _dict_set(record, name, values[at])
            yield record
        return
    for at in range(rows):
        record = new(cls)
        set_columns(record, columns)
        set_at(record, at)
        for name, values in ready:
            _dict_set(record, name, values[at])
        yield record


def warm_fields(columns: BatchColumns) -> list[str]:
    """The fields worth filling in beforehand next time: those that were asked for, without the one that was only there to be there."""
    decoded = list(columns.decoded)
    return decoded[1:] if len(decoded) > 1 and decoded[0] == columns.names[0] else decoded


class FilterWorker:
    """Keeps the rows on which the predicate is true."""

    def __init__(self, f: Callable, names: list[str]) -> None:
        self.f = f
        self.names = names

    def __call__(self, batches: Iterable) -> Iterator:
        import pyarrow as pa

        counts = _Counts()
        warm: list[str] = []
        carrier = None
        for batch in batches:
            if batch.num_rows == 0:
                continue
            mask, warm = self._mask(batch, counts, warm)
            counts.rows += batch.num_rows
            carrier = batch
            kept = batch.filter(pa.array(mask, pa.bool_()))
            if kept.num_rows:
                yield self._with_counts(pa, kept, counts, KEEP)
        if not counts.empty():
            yield self._with_counts(pa, carrier.slice(0, 1), counts, DROP)

    def _mask(self, batch: Any, counts: _Counts, warm: list[str]) -> tuple[list, list[str]]:
        f = self.f
        columns = BatchColumns(batch, self.names)
        mask: list[bool] = []
        keep = mask.append
        records = iter(_records(columns, batch.num_rows, LazyRecord, warm))
        while True:
            # The exception handler stands outside the loop that runs: entering it for each row costs more than going on behind it.
            try:
                for record in records:
                    keep(True if f(record) else False)
                break
            except Exception as raised:
                if len(mask) >= batch.num_rows:
                    raise
                counts.add(code_of(raised))
                keep(False)
        if len(mask) != batch.num_rows:
            raise RuntimeError(f"the columns {', '.join(warm)} of a batch can't be read")
        return mask, warm_fields(columns)

    def _with_counts(self, pa: Any, batch: Any, counts: _Counts, code: int) -> Any:
        arrays = [*batch.columns, *counts.columns(pa, batch.num_rows, code)]
        return pa.RecordBatch.from_arrays(arrays, names=[*self.names, CODE, *COUNTER_COLUMNS])


def _trace(raised: BaseException) -> str:
    """The traceback without the frame of the worker that called the function."""
    frames = raised.__traceback__.tb_next if raised.__traceback__ is not None else None
    return "".join(traceback.format_exception(type(raised), raised, frames)).rstrip("\n")


class ErrorsWorker:
    """Gives the rows on which the function makes an error record: their message, the exception's text and the row."""

    def __init__(self, f: Callable, names: list[str], kind: str, errors: tuple[int, ...], fitter: "Fitter | None" = None) -> None:
        self.f = f
        self.names = names
        self.kind = kind
        self.errors = errors
        self.fitter = fitter

    def __call__(self, batches: Iterable) -> Iterator:
        import pyarrow as pa

        for batch in batches:
            at: list[int] = []
            messages: list[str] = []
            traces: list[str] = []
            columns = BatchColumns(batch, self.names)
            for i, record in enumerate(_records(columns, batch.num_rows, TrackedRecord, [])):
                found = self._error(record)
                if found is not None:
                    at.append(i)
                    messages.append(found[0])
                    traces.append(found[1])
            if at:
                rows = batch.take(pa.array(at, pa.int64()))
                arrays = [pa.array(messages, pa.string()), pa.array(traces, pa.string()), *rows.columns]
                yield pa.RecordBatch.from_arrays(arrays, names=["msg", "exception", *self.names])

    def _error(self, record: TrackedRecord) -> tuple[str, str] | None:
        try:
            result = self.f(record)
            # A predicate's truth value is part of its run: it may raise too.
            nothing = not result
        except Exception as raised:
            return (str(raised), _trace(raised)) if code_of(raised) in self.errors else None
        if self.kind != "map":
            return None
        if nothing:
            return NOTHING_MESSAGE, ""
        misfit = _not_a_record(result) if self.fitter is None else self.fitter.misfit(result)
        return None if misfit is None else (str(misfit), f"{type(misfit).__name__}: {misfit}")


def _not_a_record(result: Any) -> Exception | None:
    if isinstance(result, dict):
        return None
    return TypeError(f"User-specified function returned {type(result).__name__} instead of DynamicRecord")


class InferWorker:
    """Runs a map function over a sample of rows and describes its results: one row with a JSON text (see MapShape.from_json)."""

    def __init__(self, f: Callable, names: list[str]) -> None:
        self.f = f
        self.names = names

    def __call__(self, batches: Iterable) -> Iterator:
        import pyarrow as pa

        order: dict[str, None] = {}
        types: dict[str, ValueType] = {}
        same: dict[str, bool] = {}
        results = 0
        for batch in batches:
            columns = BatchColumns(batch, self.names)
            nested = {n for n in self.names if pa.types.is_nested(batch.schema.field(columns.position[n]).type)}
            for record in _records(columns, batch.num_rows, TrackedRecord, []):
                try:
                    result = self.f(record)
                    if not result or not isinstance(result, dict):
                        continue
                except Exception:
                    continue
                results += 1
                touched = touched_fields(record, result, nested)
                for name in result:
                    order.setdefault(name)
                    untouched = touched is not None and name not in touched
                    same[name] = same.get(name, True) and untouched
                    if not untouched:
                        types[name] = merge_value_types(types.get(name, ValueType("null")), value_type_of(result[name]))
        fields = [{"name": n, "same": same[n], "type": types[n].to_json() if n in types else None} for n in order if isinstance(n, str)]
        text = json.dumps({"results": results, "fields": fields})
        yield pa.RecordBatch.from_arrays([pa.array([text], pa.string())], names=["shape"])


def touched_fields(record: TrackedRecord, result: Any, nested: set[str]) -> set[str] | None:
    """The fields of a result that may differ from the row's own; None when all may."""
    if result is not record:
        return None
    touched = written_fields(record)
    if nested:
        # A list or struct that was read may have been changed in place.
        touched = touched | {name for name in nested if dict.__contains__(record, name)}
    return touched


class MapWorker:
    """Builds the columns of a map function's results."""

    def __init__(self, f: Callable, names: list[str], fitter: Fitter, nested: set[str]) -> None:
        self.f = f
        self.names = names
        self.fitter = fitter
        self.nested = nested

    def __call__(self, batches: Iterable) -> Iterator:
        import pyarrow as pa

        counts = _Counts()
        warm: list[str] = []
        for batch in batches:
            if batch.num_rows == 0:
                continue
            columns = BatchColumns(batch, self.names)
            kept: list[int] = []
            results: list[dict] = []
            touched: set[str] | None = set()
            for at, record in enumerate(_records(columns, batch.num_rows, TrackedRecord, warm)):
                try:
                    result = self.f(record)
                    if not result:
                        counts.add(NOTHING)
                        continue
                except Exception as raised:
                    counts.add(code_of(raised))
                    continue
                mine = touched_fields(record, result, self.nested)
                misfit = self.fitter.misfit(result, mine)
                if misfit is not None:
                    counts.add(code_of(misfit))
                    continue
                touched = None if touched is None or mine is None else touched | mine
                kept.append(at)
                results.append(result)
            warm = [name for name in warm_fields(columns) if name not in self.nested]
            counts.rows += batch.num_rows
            if kept:
                yield self._batch(pa, batch, kept, results, touched, counts)
        if not counts.empty():
            arrays = [pa.nulls(1, t) for t in self.fitter.arrow_types()]
            arrays += counts.columns(pa, 1, DROP)
            yield pa.RecordBatch.from_arrays(arrays, names=[*self.fitter.names, CODE, *COUNTER_COLUMNS])

    def _batch(self, pa: Any, batch: Any, kept: list[int], results: list[dict], touched: set[str] | None, counts: _Counts) -> Any:
        rows = batch if len(kept) == batch.num_rows else batch.take(pa.array(kept, pa.int64()))
        position = {name: i for i, name in enumerate(self.names)}
        arrays = []
        for name in self.fitter.names:
            if touched is not None and name not in touched and name in position and self.fitter.is_own(name):
                arrays.append(rows.column(position[name]))
            else:
                arrays.append(self.fitter.array(pa, name, [dict_value(result, name) for result in results]))
        arrays += counts.columns(pa, len(kept), KEEP)
        return pa.RecordBatch.from_arrays(arrays, names=[*self.fitter.names, CODE, *COUNTER_COLUMNS])


def dict_value(result: dict, name: str) -> Any:
    """The field of a result, null when it has none."""
    return result.get(name)
