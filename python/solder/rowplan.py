"""The compiled form of a row function as DataFrame operations.

Where it stands: rowcompile.py ran the function symbolically; this file makes of the result one outcome code a row, computed once, and for a map
the result's columns.  rowfn.py calls it and owns the counting.
Invariant: the code of a row is that of the first event whose condition holds, else that of the result; the rows with the code ESCAPE, if the
function can have any, are run through the function itself by a worker and come back with its outcome.
"""

from __future__ import annotations

import functools
import itertools
import operator
from typing import TYPE_CHECKING, Any, Callable

from . import outcomes
from .rowcompile import Field, Machine, State
from .rowir import EXACT_FLOAT, Node, NotCompiled
from .rowops import ESCAPE
from .rowspark import Backend
from .rowvalues import SCALARS, Alt
from .rowworker import CODE, COUNTED, COUNTER_COLUMNS, ROWS, FilterWorker, MapWorker, counter_name
from .valuetypes import Fitter

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from .rowsource import SourceReader

_numbers = itertools.count(1)
_TEMPORARY = "__solder_t"
_RESULT = "__solder_r"
# Costs nothing to write twice, given that what it is made of costs nothing.
_CHEAP = frozenset("isnull not exact eq lt le feq flt fle float_is_nan int_of_bool float_of_int int_neg float_neg".split())


def make_backend(engine: bool) -> Backend:
    """The backend for a session of the engine or of Spark."""
    if engine:
        from .rowengine import EngineBackend

        return EngineBackend()
    return Backend()


def exact_operations(engine: bool) -> frozenset[str]:
    """What that backend computes exactly."""
    if engine:
        from .rowengine import EngineBackend

        return EngineBackend.EXACT
    return Backend.EXACT


def check_columns(schema: "StructType") -> None:
    """Refuses schemas in which a column can't be named for certain."""
    seen: set[str] = set()
    for field in schema.fields:
        low = field.name.lower()
        if low in seen:
            raise NotCompiled(f"two columns are called {field.name}")
        if low.startswith("__solder_"):
            raise NotCompiled(f"a column is called {field.name}")
        seen.add(low)


class Compiled:
    """A compiled function: its events in order, the code of a result, and further columns."""

    def __init__(self, f: Callable, schema: "StructType", machine: Machine, result_code: list[tuple[Node, int]], engine: bool) -> None:
        self.f = f
        self.schema = schema
        self.names = [field.name for field in schema.fields]
        self.engine = engine
        self.events = [(event.condition, _event_code(event.raised)) for event in machine.events]
        self.result_code = result_code
        self.possible = frozenset(code for _, code in (*self.events, *result_code)) | {outcomes.DROP}
        self.escapes = any(code == outcomes.ESCAPE for _, code in self.events)

    def _roots(self) -> list[Node]:
        return [condition for condition, _ in self.events] + [condition for condition, _ in self.result_code]

    def _code(self, backend: Backend) -> Any:
        """The code as a column; what all conditions have in common is looked at once."""
        F = backend.F

        def code(value: int) -> Any:
            return F.lit(value).cast("int")

        cases = [*self.events, *self.result_code]
        parts = [list(condition.args) if condition.op == "and" else [condition] for condition, _ in cases]
        common = [p for p in (parts[0] if parts else []) if p.op != "const" and all(p in other for other in parts)]
        column: Any = F
        for (_, value), conditions in zip(cases, parts):
            own = [backend.column(p) for p in conditions if p not in common]
            column = column.when(functools.reduce(operator.and_, own) if own else F.lit(True), code(value))
        column = column.otherwise(code(outcomes.DROP)) if cases else code(outcomes.DROP)
        if not common:
            return column
        return F.when(functools.reduce(operator.and_, map(backend.column, common)), column).otherwise(code(outcomes.DROP))

    def _result_columns(self, backend: Backend) -> list[Any]:
        return []

    def coded(self, df: "DataFrame", also: tuple[str, ...] = ()) -> "DataFrame":
        """The input's columns, those of df that `also` names, the code, and a map's result columns under temporary names."""
        backend = make_backend(self.engine)
        own = [backend.field((name,)) for name in (*self.names, *also)]
        for stage in _stages(self._roots()):
            columns = {}
            made = []
            for node in stage:
                name = f"{_TEMPORARY}{node.number}"
                made.append(backend.column(node).alias(name))
                columns[node] = backend.F.col(name)
            df = df.select("*", *made)
            backend.columns.update(columns)
            backend.forget()
        return df.select(*own, self._code(backend).alias(CODE), *self._result_columns(backend))

    def suspects(self, coded: "DataFrame", kind: str) -> "DataFrame":
        """The rows, as they came, that may make an error record."""
        from pyspark.sql import functions as F

        backend = make_backend(self.engine)
        codes = [*outcomes.error_codes(kind), outcomes.ESCAPE]
        return _once(coded).filter(F.col(CODE).isin(*codes)).select(*(backend.field((name,)) for name in self.names))

    def _counted(self, coded: "DataFrame") -> list[Any]:
        """The counter columns that a worker would send for these rows."""
        from pyspark.sql import functions as F

        one, zero = F.lit(1).cast("bigint"), F.lit(0).cast("bigint")
        counters = [F.when(F.col(CODE) == F.lit(code), one).otherwise(zero).alias(counter_name(code)) for code in COUNTED]
        return [one.alias(ROWS), *counters]

    def with_escapes(self, coded: "DataFrame", results: list[Any], worker: Any, schema: "StructType") -> "DataFrame":
        """The results of all rows, with code and counters: the compiled ones and those that the worker found."""
        from pyspark.sql import functions as F

        backend = make_backend(self.engine)
        compiled = _once(coded).filter(F.col(CODE) != F.lit(outcomes.ESCAPE)).select(*results, F.col(CODE), *self._counted(coded))
        left = _once(coded).filter(F.col(CODE) == F.lit(outcomes.ESCAPE)).select(*(backend.field((name,)) for name in self.names))
        return compiled.unionAll(left.mapInArrow(worker, schema))


def _once(coded: "DataFrame") -> "DataFrame":
    """`coded`, so that a filter on its columns does not compute them again: optimisers push filters down, but not below an observation."""
    from pyspark.sql import functions as F

    return coded.observe(f"solder-once-{next(_numbers)}", F.count(F.lit(1)).alias("rows"))


def _event_code(raised: Any) -> int:
    return outcomes.ESCAPE if raised is ESCAPE else outcomes.code_of(raised.__new__(raised))


def _stages(roots: list[Node]) -> list[list[Node]]:
    """The nodes to compute under a name of their own, because several others use them: stage by stage, each using earlier ones only."""
    uses: dict[Node, int] = {}
    todo = list(dict.fromkeys(roots))
    for root in todo:
        uses[root] = uses.get(root, 0) + 1
    seen: set[Node] = set()
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        for arg in node.nodes():
            uses[arg] = uses.get(arg, 0) + 1
            todo.append(arg)
    # A node's arguments were made before it, so their numbers are lower.
    ordered = sorted(seen, key=lambda n: n.number)
    cheap: dict[Node, bool] = {}
    level: dict[Node, int] = {}
    stages: list[list[Node]] = []
    for node in ordered:
        args = node.nodes()
        depth = max((level[a] for a in args), default=0)
        free = node.op in ("const", "col") or (node.op in _CHEAP and all(cheap[a] for a in args))
        if uses.get(node, 0) > 1 and not free:
            while len(stages) <= depth:
                stages.append([])
            stages[depth].append(node)
            level[node] = depth + 1
            cheap[node] = True
        else:
            level[node] = depth
            cheap[node] = free
    return stages


class CompiledFilter(Compiled):
    """A compiled predicate."""

    def kept(self, plan: Any, coded: "DataFrame") -> "DataFrame":
        """The rows that are kept, counted on the way."""
        from pyspark.sql import functions as F
        from pyspark.sql import types as T

        own = [make_backend(self.engine).field((name,)) for name in self.names]
        if self.escapes:
            fields = [*self.schema.fields, T.StructField(CODE, T.IntegerType()), *(T.StructField(n, T.LongType()) for n in COUNTER_COLUMNS)]
            everything = self.with_escapes(coded, own, FilterWorker(self.f, self.names), T.StructType(fields))
            return plan.observed_counters(everything).filter(F.col(CODE) == F.lit(outcomes.KEEP)).select(*own)
        return plan.observed_codes(coded, self.possible).filter(F.col(CODE) == F.lit(outcomes.KEEP)).select(*own)


def compile_filter(f: Callable, schema: "StructType", reader: "SourceReader", engine: bool) -> CompiledFilter:
    """The predicate's compiled form; NotCompiled, saying why, when it has none."""
    check_columns(schema)
    machine = Machine(schema, reader, exact_operations(engine))
    g = machine.g
    returns = machine.run(f)
    keep = []
    for way in returns:
        machine.state = State({}, way.records)
        with machine.under(way.condition):
            if machine.pc is not g.false:
                keep.append(g.and_(way.condition, machine.truth(way.value)))
    return CompiledFilter(f, schema, machine, [(g.or_(*keep), outcomes.KEEP)], engine)


class ResultColumn:
    """A column of a map's result: an untouched column of the input, or a node where `guard` holds and null elsewhere."""

    __slots__ = ("name", "type", "path", "guard", "node")

    def __init__(self, name: str, type_: Any, path: tuple[str, ...] | None, guard: Node | None, node: Node | None) -> None:
        self.name = name
        self.type = type_
        self.path = path
        self.guard = guard
        self.node = node


class CompiledMap(Compiled):
    """A compiled map function."""

    def __init__(self, f: Callable, schema: "StructType", machine: Machine, codes: list[tuple[Node, int]], columns: list[ResultColumn], engine: bool) -> None:
        super().__init__(f, schema, machine, codes, engine)
        self.columns = columns

    def _roots(self) -> list[Node]:
        roots = super()._roots()
        for column in self.columns:
            roots += [n for n in (column.guard, column.node) if n is not None]
        return roots

    def _result_columns(self, backend: Backend) -> list[Any]:
        F = backend.F
        out = []
        for i, column in enumerate(self.columns):
            value = F.lit(None) if column.node is None else backend.column(column.node)
            if column.path is not None:
                value = backend.field(column.path)
            elif column.guard is not None and column.guard.args != (True,):
                value = F.when(backend.column(column.guard), value)
            out.append(value.cast(column.type).alias(f"{_RESULT}{i}") if column.path is None else value.alias(f"{_RESULT}{i}"))
        return out

    def fitter(self, zone: str) -> Fitter:
        """The result's columns, for the worker that runs the rows left to the function itself."""
        own = {c.name for c in self.columns if c.path == (c.name,)}
        return Fitter([c.name for c in self.columns], [c.type for c in self.columns], own, zone)

    def kept(self, plan: Any, coded: "DataFrame", zone: str) -> "DataFrame":
        """The results, counted on the way."""
        from pyspark.sql import functions as F
        from pyspark.sql import types as T

        results = [F.col(f"{_RESULT}{i}").alias(column.name) for i, column in enumerate(self.columns)]
        if self.escapes:
            fields = [T.StructField(f"{_RESULT}{i}", c.type) for i, c in enumerate(self.columns)]
            fields += [T.StructField(CODE, T.IntegerType()), *(T.StructField(n, T.LongType()) for n in COUNTER_COLUMNS)]
            nested = {f.name for f in self.schema.fields if isinstance(f.dataType, (T.StructType, T.ArrayType, T.MapType))}
            worker = MapWorker(self.f, self.names, self.fitter(zone), nested)
            temporary = [F.col(f"{_RESULT}{i}") for i in range(len(self.columns))]
            everything = self.with_escapes(coded, temporary, worker, T.StructType(fields))
            return plan.observed_counters(everything).filter(F.col(CODE) == F.lit(outcomes.KEEP)).select(*results)
        return plan.observed_codes(coded, self.possible).filter(F.col(CODE) == F.lit(outcomes.KEEP)).select(*results)


def compile_map(f: Callable, schema: "StructType", reader: "SourceReader", engine: bool) -> CompiledMap:
    """The map function's compiled form; NotCompiled, saying why, when it has none."""
    check_columns(schema)
    machine = Machine(schema, reader, exact_operations(engine))
    g = machine.g
    nothing: list[Node] = []
    wrong: list[Node] = []
    good: list[tuple[Node, dict[str, Field]]] = []
    for way in machine.run(f):
        machine.state = State({}, way.records)
        with machine.under(way.condition):
            if machine.pc is g.false:
                continue
            truth = machine.truth(way.value)
            nothing.append(g.and_(way.condition, g.not_(truth)))
            for alt in way.value.alts:
                at = g.and_(way.condition, truth, alt.guard)
                if at is g.false:
                    continue
                if alt.kind == "record":
                    good.append((at, way.records[alt.data]))
                elif alt.kind in ("struct", "obj"):
                    raise NotCompiled(f"a result that is a {machine.kind_name(alt)}")
                else:
                    wrong.append(at)
    columns = _result_columns(machine, schema, good)
    codes = [(g.or_(*nothing), outcomes.NOTHING), (g.or_(*wrong), outcomes.RAISED["TypeError"]), (g.true, outcomes.KEEP)]
    return CompiledMap(f, schema, machine, [c for c in codes if c[0] is not g.false], columns, engine)


def _result_columns(machine: Machine, schema: "StructType", good: list[tuple[Node, dict[str, Field]]]) -> list[ResultColumn]:
    if not good:
        return [ResultColumn(field.name, field.dataType, (field.name,), None, None) for field in schema.fields]
    names: dict[str, None] = {}
    for _, fields in good:
        for name in fields:
            names.setdefault(name)
    lowered = [name.lower() for name in names]
    if len(set(lowered)) != len(lowered):
        raise NotCompiled("two fields of the result have the same name but for case")
    own = {field.name: field.dataType for field in schema.fields}
    return [_result_column(machine, name, own, [(at, fields.get(name)) for at, fields in good]) for name in names]


def _result_column(machine: Machine, name: str, own: dict[str, Any], cases: list[tuple[Node, Field | None]]) -> ResultColumn:
    from pyspark.sql import types as T

    g = machine.g
    there = [(at, field) for at, field in cases if field is not None]
    if len(there) == len(cases) and all(f.present is g.true and f.value.column == name for _, f in there):
        return ResultColumn(name, own[name], (name,), None, None)
    parts: dict[str, list[tuple[Node, Any]]] = {}
    for at, field in there:
        here = g.and_(at, field.present)
        for alt in field.value.alts:
            guard = g.and_(here, alt.guard)
            if guard is not g.false:
                parts.setdefault(alt.kind, []).append((guard, alt.data))
    parts.pop("none", None)
    if not parts:
        return ResultColumn(name, own.get(name, T.StringType()), None, g.false, None)
    if set(parts) == {"int", "float"}:
        parts = {"float": [(guard, _widened(machine, guard, data)) for kind in parts for guard, data in parts[kind]]}
    if len(parts) > 1:
        raise NotCompiled(f"field {name!r} may hold values of several types")
    kind, items = next(iter(parts.items()))
    if kind == "any":
        if any(data is not items[0][1] and data[0] is not items[0][1][0] for _, data in items):
            raise NotCompiled(f"field {name!r} is one of several columns")
        node, spark_type = items[0][1]
        return ResultColumn(name, spark_type, None, g.or_(*(guard for guard, _ in items)), node)
    if kind not in (*SCALARS, "strs"):
        raise NotCompiled(f"field {name!r} is set to a {machine.kind_name(Alt(kind, g.true, items[0][1]))}")
    if kind == "int":
        items = [(guard, _stored(machine, guard, data)) for guard, data in items]
    node = items[-1][1]
    for guard, data in reversed(items[:-1]):
        node = g.if_(guard, data, node)
    types = {"bool": T.BooleanType(), "int": T.LongType(), "float": T.DoubleType(), "str": T.StringType(), "strs": T.ArrayType(T.StringType())}
    return ResultColumn(name, types[kind], None, g.or_(*(guard for guard, _ in items)), node)


def _stored(machine: Machine, guard: Node, data: Node) -> Node:
    """An int that a long column is to hold: one beyond 64 bits makes an error record."""
    g = machine.g
    with machine.under(guard):
        if data.limit is not None and data.op == "int_of_str":
            fits = g.node("int_fits", "bool", data.args[0])
            machine.raise_(OverflowError, g.and_(g.saturated(data), g.not_(fits)))
            return data
        return machine.exact_int(data)


def _widened(machine: Machine, guard: Node, data: Node) -> Node:
    """An int or float for a double column."""
    g = machine.g
    if data.type == "float":
        return data
    with machine.under(guard):
        data = machine.exact_int(data)
        machine.escape(g.or_(g.compare("lt", g.const(EXACT_FLOAT), data), g.compare("lt", data, g.const(-EXACT_FLOAT))))
    return g.node("float_of_int", "float", data)
