"""Runs a row function symbolically: from its syntax tree to the outcome of every row as expressions.

Where it stands: rowsource.py gives the tree, rowops.py and rowcalls.py say what operations mean, rowspark.py turns the result into columns.
Invariant: the events (exceptions, rows left to the function itself) stand in the order in which Python would meet them, each with the
condition under which it is reached; the first whose condition holds is what happens.  A result counts only where no event's does.
"""

from __future__ import annotations

import ast
import builtins
import re
import types
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from .rowcalls import Calls
from .rowir import Graph, Node, NotCompiled
from .rowops import ESCAPE, Event
from .rowsource import FunctionSource, SourceReader, SourceUnavailable
from .rowvalues import SCALARS, Alt, NotAConstant, Struct, Value, column_value, constant_of, constant_value, join, scalar

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**"}
_COMPARISONS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
# A value of each kind, to ask for its attributes.
_SAMPLES: dict[str, Any] = {"none": None, "bool": True, "int": 1, "float": 1.0, "str": "", "strs": []}
_MAX_DEPTH = 12
_MAX_UNROLL = 64


class Field:
    """A record's field: its value, where it is there at all."""

    __slots__ = ("present", "value")

    def __init__(self, present: Node, value: Value) -> None:
        self.present = present
        self.value = value


class State:
    """The local names of the running function and the records, by number."""

    __slots__ = ("names", "records")

    def __init__(self, names: dict[str, Value], records: dict[int, dict[str, Field]]) -> None:
        self.names = names
        self.records = records

    def copy(self) -> "State":
        return State(dict(self.names), {number: dict(fields) for number, fields in self.records.items()})


class Return:
    """One way out of a function: under `condition` it returns `value`, with the records as they then are."""

    __slots__ = ("condition", "value", "records")

    def __init__(self, condition: Node, value: Value, records: dict[int, dict[str, Field]]) -> None:
        self.condition = condition
        self.value = value
        self.records = records


class Frame:
    """A running function."""

    def __init__(self, source: FunctionSource) -> None:
        self.source = source
        self.returns: list[Return] = []


class Machine(Calls):
    """Runs one row function over the columns of a schema."""

    def __init__(self, schema: Any, reader: SourceReader, exact: frozenset[str]) -> None:
        super().__init__(Graph(), exact)
        self.reader = reader
        self.schema = schema
        fields = {f.name: Field(self.g.true, column_value(self.g, (f.name,), f.dataType, f.nullable)) for f in schema.fields}
        self.state = State({}, {0: fields})
        self.next_record = 1
        self.frames: list[Frame] = []

    def run(self, f: Callable) -> list[Return]:
        """The ways out of f(row); the events are in self.events."""
        try:
            source = self.reader.read(f)
        except SourceUnavailable as problem:
            raise NotCompiled(str(problem)) from None
        row = Value([Alt("record", self.g.true, 0)])
        return self._run(source, [row], {})

    def snapshot(self) -> State:
        return self.state.copy()

    @contextmanager
    def perhaps(self, condition: Node) -> Iterator[None]:
        """What is done inside happens only where condition holds; so it must leave names and records as they are."""
        names, records = dict(self.state.names), {number: dict(fields) for number, fields in self.state.records.items()}
        with self.under(condition):
            yield
        same = names == self.state.names and all(self.state.records[number] == fields for number, fields in records.items())
        if not same:
            raise NotCompiled("a change to the record or a name inside a conditional expression")

    # -- functions ---------------------------------------------------------------------------------------------------

    def _run(self, source: FunctionSource, args: list[Value], keywords: dict[str, Value]) -> list[Return]:
        if len(self.frames) >= _MAX_DEPTH:
            raise NotCompiled("functions that call one another too deeply")
        caller, pc = self.state, self.pc
        self.state = State(self._bind(source, args, keywords), caller.records)
        self.frames.append(Frame(source))
        try:
            body = source.node.body
            if isinstance(body, list):
                self.block(body)
                if self.pc is not self.g.false:
                    self._return(constant_value(self.g, None))
            else:
                self._return(self.eval(body))
            return self.frames[-1].returns
        finally:
            self.frames.pop()
            self.state, self.pc = caller, pc

    def _return(self, value: Value) -> None:
        self.frames[-1].returns.append(Return(self.pc, value, self.state.copy().records))
        self.pc = self.g.false

    def _bind(self, source: FunctionSource, args: list[Value], keywords: dict[str, Value]) -> dict[str, Value]:
        a = source.node.args
        if a.vararg or a.kwarg:
            raise NotCompiled("a function with *args or **kwargs")
        names = [p.arg for p in (*a.posonlyargs, *a.args)]
        bound: dict[str, Value] = {}
        defaults = source.f.__defaults__ or ()
        for name, value in zip(names[len(names) - len(defaults) :], defaults):
            bound[name] = constant_value(self.g, value)
        for name, value in (source.f.__kwdefaults__ or {}).items():
            bound[name] = constant_value(self.g, value)
        if len(args) > len(names):
            raise NotCompiled("a call with too many arguments")
        bound.update(zip(names, args))
        bound.update(keywords)
        if set(bound) != {*names, *(p.arg for p in a.kwonlyargs)}:
            raise NotCompiled("a call with missing or unknown arguments")
        return bound

    def call_function(self, f: Callable, args: list[Value], keywords: dict[str, Value]) -> Value:
        """A call of a Python function of the script, run in place."""
        try:
            source = self.reader.read(f)
        except SourceUnavailable as problem:
            raise NotCompiled(f"a call of {getattr(f, '__name__', 'a function')}(): {problem}") from None
        returns = self._run(source, args, keywords)
        if not returns:
            self.pc = self.g.false
            return Value([])
        records = returns[-1].records
        for way in reversed(returns[:-1]):
            records = self._merge_records(way.condition, way.records, records)
        self.state.records = records
        return join(self.g, [(way.condition, way.value) for way in returns])

    # -- statements --------------------------------------------------------------------------------------------------

    def block(self, body: list[ast.stmt]) -> None:
        """Statements one after another, as far as they are reached."""
        for statement in body:
            if self.pc is self.g.false:
                return
            handler = getattr(self, f"do_{type(statement).__name__}", None)
            if handler is None:
                raise NotCompiled(f"a {type(statement).__name__.lower()} statement (line {statement.lineno})")
            handler(statement)

    def do_Pass(self, node: ast.Pass) -> None:
        pass

    def do_Expr(self, node: ast.Expr) -> None:
        self.eval(node.value)

    def do_Return(self, node: ast.Return) -> None:
        value = constant_value(self.g, None) if node.value is None else self.eval(node.value)
        self._return(value)

    def do_Assign(self, node: ast.Assign) -> None:
        value = self.eval(node.value)
        for target in node.targets:
            self.assign(target, value)

    def do_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.eval(node.value))

    def do_AugAssign(self, node: ast.AugAssign) -> None:
        op = _OPERATORS.get(type(node.op))
        if op is None:
            raise NotCompiled(f"the operator of line {node.lineno}")
        old = self.eval(ast.copy_location(_as_load(node.target), node.target))
        if any(alt.kind in ("obj", "strs", "record") for alt in old.alts):
            raise NotCompiled("changing a list or dict in place")
        self.assign(node.target, self.arithmetic(op, old, self.eval(node.value)))

    def assign(self, target: ast.expr, value: Value) -> None:
        """target = value."""
        if isinstance(target, ast.Name):
            self.state.names[target.id] = value
        elif isinstance(target, ast.Subscript):
            record = self._record(self.eval(target.value), "assigning to an item")
            self.set_field(record, self._key(target.slice), value)
        elif isinstance(target, ast.Attribute):
            self.set_field(self._record(self.eval(target.value), "assigning to an attribute"), target.attr, value)
        else:
            raise NotCompiled("assigning to several names at once")

    def do_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                record, name, missing = self._record(self.eval(target.value), "del of an item"), self._key(target.slice), KeyError
            elif isinstance(target, ast.Attribute):
                record, name, missing = self._record(self.eval(target.value), "del of an attribute"), target.attr, AttributeError
            else:
                raise NotCompiled("del of a name")
            self.delete_field(record, name, missing)

    def do_If(self, node: ast.If) -> None:
        condition = self.test(node.test)
        self.branch(condition, lambda: self.block(node.body), lambda: self.block(node.orelse))

    def branch(self, condition: Node, then: Callable[[], None], other: Callable[[], None]) -> None:
        """Runs both ways and puts their states together."""
        g, before, start = self.g, self.pc, self.state
        self.pc = g.and_(before, condition)
        self.state = start.copy()
        then_from = self.pc
        if self.pc is not g.false:
            then()
        then_pc, then_state = self.pc, self.state
        self.pc = other_from = g.and_(before, g.not_(condition))
        self.state = start.copy()
        if self.pc is not g.false:
            other()
        if then_pc is g.false:
            return
        if self.pc is g.false:
            self.pc, self.state = then_pc, then_state
            return
        self.state = self._merge(condition, then_state, self.state)
        whole = then_pc is then_from and self.pc is other_from
        self.pc = before if whole else g.or_(then_pc, self.pc)

    def _merge(self, condition: Node, a: State, b: State) -> State:
        names = {}
        for name in {**a.names, **b.names}:
            if name in a.names and name in b.names:
                names[name] = self._choose(condition, a.names[name], b.names[name])
            # A name that only one way has set is left out: using it then isn't compiled.
        return State(names, self._merge_records(condition, a.records, b.records))

    def _choose(self, condition: Node, a: Value, b: Value) -> Value:
        return a if a is b else join(self.g, [(condition, a), (self.g.not_(condition), b)])

    def _merge_records(self, condition: Node, a: dict[int, dict[str, Field]], b: dict[int, dict[str, Field]]) -> dict[int, dict[str, Field]]:
        out = {}
        for number in {**a, **b}:
            x, y = a.get(number), b.get(number)
            if x is None or y is None:
                out[number] = x if x is not None else y
                continue
            fields = {}
            for name in _order(list(x), list(y)):
                p, q = x.get(name), y.get(name)
                if p is not None and q is not None and p.present is q.present and p.value is q.value:
                    fields[name] = p
                elif p is not None and q is not None:
                    fields[name] = Field(self.g.if_(condition, p.present, q.present), self._choose(condition, p.value, q.value))
                elif p is not None:
                    fields[name] = Field(self.g.and_(condition, p.present), p.value)
                elif q is not None:
                    fields[name] = Field(self.g.and_(self.g.not_(condition), q.present), q.value)
            out[number] = fields
        return out

    def do_Raise(self, node: ast.Raise) -> None:
        if node.exc is None or node.cause is not None:
            raise NotCompiled("raise without an exception, or with a cause")
        what = node.exc
        if isinstance(what, ast.Call) and not what.keywords:
            for arg in what.args:
                self.eval(arg)
            what = what.func
        cls = self._class(what)
        self.raise_(cls)
        self.pc = self.g.false

    def _class(self, node: ast.expr) -> Any:
        try:
            cls = constant_of(self.eval(node))
        except NotAConstant:
            cls = None
        if not (isinstance(cls, type) and issubclass(cls, Exception)):
            raise NotCompiled("an exception that is no plain class")
        return cls

    def do_Assert(self, node: ast.Assert) -> None:
        condition = self.test(node.test)
        self.raise_(AssertionError, self.g.not_(condition))
        self.pc = self.g.and_(self.pc, condition)

    def do_For(self, node: ast.For) -> None:
        if node.orelse or any(isinstance(n, (ast.Break, ast.Continue)) for n in ast.walk(node)):
            raise NotCompiled("a loop with break, continue or else")
        for item in self._items(node.iter):
            if self.pc is self.g.false:
                return
            if isinstance(node.target, ast.Tuple):
                self._unpack(node.target, item)
            else:
                self.assign(node.target, constant_value(self.g, item))
            self.block(node.body)

    def _unpack(self, target: ast.Tuple, item: Any) -> None:
        if not isinstance(item, tuple) or len(item) != len(target.elts):
            raise NotCompiled("a loop over something other than tuples of that length")
        for name, value in zip(target.elts, item):
            self.assign(name, constant_value(self.g, value))

    def _items(self, node: ast.expr) -> list:
        """What a loop goes over: only what is known now."""
        try:
            found = constant_of(self.eval(node))
        except NotAConstant:
            raise NotCompiled("a loop over something other than a constant") from None
        if not isinstance(found, (list, tuple, dict, str, range)) or len(found) > _MAX_UNROLL:
            raise NotCompiled("a loop over something other than a short constant list")
        return list(found)

    def do_Import(self, node: ast.Import) -> None:
        import sys

        for alias in node.names:
            if alias.name not in sys.modules or "." in alias.name:
                raise NotCompiled(f"import {alias.name} inside the function")
            self.state.names[alias.asname or alias.name] = constant_value(self.g, sys.modules[alias.name])

    def do_Try(self, node: ast.Try) -> None:
        if node.finalbody:
            raise NotCompiled("try with finally")
        g, start_pc = self.g, self.pc
        outer, self.events = self.events, []
        returned = len(self.frames[-1].returns)
        self.block(node.body)
        body_events, self.events = self.events, outer
        body_pc, body_state = self.pc, self.state
        # Which event of the body comes first: 0 for none, else its place.
        first: Node = g.const(0)
        for place, event in reversed(list(enumerate(body_events, 1))):
            first = g.if_(event.condition, g.const(place), first)
        ways: list[tuple[Node, State]] = []
        quiet = g.compare("eq", first, g.const(0)) if body_events else g.true
        for i in range(returned, len(self.frames[-1].returns)):
            way = self.frames[-1].returns[i]
            way.condition = g.and_(way.condition, quiet)
        self.pc, self.state = g.and_(body_pc, quiet), body_state
        if self.pc is not g.false:
            self.block(node.orelse)
        if self.pc is not g.false:
            ways.append((self.pc, self.state))
        handled = [False] * len(body_events)
        for handler in node.handlers:
            classes = self._handler_classes(handler)
            mine = [i for i, e in enumerate(body_events) if not handled[i] and e.raised is not ESCAPE and issubclass(e.raised, classes)]
            for i in mine:
                handled[i] = True
            if not mine:
                continue
            if handler.name is not None and any(isinstance(n, ast.Name) and n.id == handler.name for s in handler.body for n in ast.walk(s)):
                raise NotCompiled("an except clause that looks at the exception")
            at = {i: g.compare("eq", first, g.const(i + 1)) for i in mine}
            self.pc = g.and_(start_pc, g.or_(*at.values()))
            state = body_events[mine[-1]].state
            for i in reversed(mine[:-1]):
                state = self._merge(at[i], body_events[i].state, state)
            self.state = state.copy()
            self.block(handler.body)
            if self.pc is not g.false:
                ways.append((self.pc, self.state))
        for i, event in enumerate(body_events):
            if not handled[i]:
                # Of the body's events only the first counts, and a later one may be the outer world's.
                condition = event.condition if i == 0 else g.and_(start_pc, g.compare("eq", first, g.const(i + 1)))
                self.events.append(Event(condition, event.raised, event.state))
        if not ways:
            self.pc = g.false
            return
        state = ways[-1][1]
        for condition, other in reversed(ways[:-1]):
            state = self._merge(condition, other, state)
        self.state = state
        self.pc = g.or_(*(condition for condition, _ in ways))

    def _handler_classes(self, handler: ast.ExceptHandler) -> tuple[type, ...]:
        if handler.type is None:
            return (Exception,)
        parts = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        out = []
        for part in parts:
            try:
                cls = constant_of(self.eval(part))
            except NotAConstant:
                cls = None
            if not (isinstance(cls, type) and issubclass(cls, BaseException)):
                raise NotCompiled("an except clause for something other than classes")
            out.append(cls)
        return tuple(out)

    # -- expressions -------------------------------------------------------------------------------------------------

    def eval(self, node: ast.expr) -> Value:
        """The value of an expression."""
        handler = getattr(self, f"eval_{type(node).__name__}", None)
        if handler is None:
            raise NotCompiled(f"a {type(node).__name__} expression (line {node.lineno})")
        return handler(node)

    def test(self, node: ast.expr) -> Node:
        """The truth of an expression."""
        g = self.g
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return g.not_(self.test(node.operand))
        if isinstance(node, ast.BoolOp):
            both = isinstance(node.op, ast.And)
            so_far = self.test(node.values[0])
            for value in node.values[1:]:
                with self.perhaps(so_far if both else g.not_(so_far)):
                    more = g.false if self.pc is g.false else self.test(value)
                so_far = g.and_(so_far, more) if both else g.or_(so_far, more)
            return so_far
        return self.truth(self.eval(node))

    def eval_Constant(self, node: ast.Constant) -> Value:
        return constant_value(self.g, node.value)

    def eval_Name(self, node: ast.Name) -> Value:
        if node.id in self.state.names:
            return self.state.names[node.id]
        source = self.frames[-1].source
        if node.id in source.f.__code__.co_varnames or node.id in source.f.__code__.co_cellvars:
            raise NotCompiled(f"the name {node.id}, which may not be set")
        try:
            return constant_value(self.g, source.captured(node.id))
        except KeyError:
            return self.nothing(NameError)

    def eval_Tuple(self, node: ast.Tuple | ast.List | ast.Set) -> Value:
        try:
            items = [constant_of(self.eval(item)) for item in node.elts]
        except NotAConstant:
            raise NotCompiled(f"a {type(node).__name__.lower()} of computed values") from None
        made = {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)](items)
        return Value([Alt("obj", self.g.true, made)])

    eval_List = eval_Tuple
    eval_Set = eval_Tuple

    def eval_BoolOp(self, node: ast.BoolOp) -> Value:
        return self._bool_op(isinstance(node.op, ast.And), node.values)

    def _bool_op(self, both: bool, nodes: list[ast.expr]) -> Value:
        g = self.g
        value = self.eval(nodes[0])
        if len(nodes) == 1:
            return value
        truth = self.truth(value)
        go_on = truth if both else g.not_(truth)
        with self.perhaps(go_on):
            rest = Value([]) if self.pc is g.false else self._bool_op(both, nodes[1:])
        cases = [(g.not_(go_on), self._where(value, g.not_(go_on))), (go_on, rest)]
        return join(g, [case for case in cases if case[0] is not g.false])

    def _where(self, value: Value, condition: Node) -> Value:
        """The value, knowing that its truth is such: without the alternatives that this rules out."""
        g = self.g
        left = [alt for alt in value.alts if g.and_(self.pc, alt.guard, condition) is not g.false]
        return value if len(left) == len(value.alts) else Value(left)

    def eval_UnaryOp(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not):
            return scalar(self.g, self.test(node))
        if isinstance(node.op, ast.Invert):
            raise NotCompiled("~")
        value = self.eval(node.operand)
        found = self._constant_call((lambda v: -v) if isinstance(node.op, ast.USub) else (lambda v: +v), value)
        return found if found is not None else self.unary("-" if isinstance(node.op, ast.USub) else "+", value)

    def eval_BinOp(self, node: ast.BinOp) -> Value:
        op = _OPERATORS.get(type(node.op))
        if op is None:
            raise NotCompiled(f"the operator {type(node.op).__name__} (line {node.lineno})")
        left = self.eval(node.left)
        return self.arithmetic(op, left, self.eval(node.right))

    def eval_Compare(self, node: ast.Compare) -> Value:
        return self._compare_chain(self.eval(node.left), node.ops, node.comparators)

    def _compare_chain(self, left: Value, ops: list[ast.cmpop], rest: list[ast.expr]) -> Value:
        right = self.eval(rest[0])
        value = self._compare_one(ops[0], left, right)
        if len(ops) == 1:
            return value
        g = self.g
        truth = self.truth(value)
        with self.perhaps(truth):
            more = Value([]) if self.pc is g.false else self._compare_chain(right, ops[1:], rest[1:])
        return join(g, [(g.not_(truth), value), (truth, more)])

    def _compare_one(self, op: ast.cmpop, left: Value, right: Value) -> Value:
        if isinstance(op, (ast.Is, ast.IsNot)):
            value = self.is_(left, right)
        elif isinstance(op, (ast.In, ast.NotIn)):
            value = self.contains(left, right)
        else:
            return self.compare_values(_COMPARISONS[type(op)], left, right)
        return scalar(self.g, self.g.not_(self.truth(value))) if isinstance(op, (ast.IsNot, ast.NotIn)) else value

    def eval_IfExp(self, node: ast.IfExp) -> Value:
        g = self.g
        condition = self.test(node.test)
        cases = []
        for at, part in ((condition, node.body), (g.not_(condition), node.orelse)):
            with self.perhaps(at):
                if self.pc is not g.false:
                    cases.append((at, self.eval(part)))
        return join(g, cases)

    def eval_JoinedStr(self, node: ast.JoinedStr) -> Value:
        parts: list[Value] = []
        for item in node.values:
            if isinstance(item, ast.Constant):
                parts.append(constant_value(self.g, item.value))
            elif isinstance(item, ast.FormattedValue):
                if item.format_spec is not None or item.conversion not in (-1, ord("s")):
                    raise NotCompiled("an f-string with a format")
                parts.append(self.call_str(self.eval(item.value)))
        return self._joined(parts)

    def _joined(self, parts: list[Value]) -> Value:
        nodes = []
        for part in parts:
            alt = part.only()
            if alt is None:
                return Value([])
            nodes.append(alt.data)
        return scalar(self.g, self.concat(nodes))

    def eval_NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.eval(node.value)
        if self.pc is not self.g.false:
            # The name keeps its old value where this expression isn't reached; branches of and/or don't copy the state.
            old = self.state.names.get(node.target.id)
            if old is None:
                self.state.names[node.target.id] = value
            else:
                raise NotCompiled("setting a name again inside an expression")
        return value

    # -- records and subscripts --------------------------------------------------------------------------------------

    def eval_Subscript(self, node: ast.Subscript) -> Value:
        target = self.eval(node.value)
        if isinstance(node.slice, ast.Slice):
            return self._slice(target, node.slice)
        index = self.eval(node.slice)
        return self.each(target, lambda alt: self._item(alt, index))

    def _slice(self, target: Value, part: ast.Slice) -> Value:
        bounds: list[int | None] = []
        for bound in (part.lower, part.upper, part.step):
            try:
                value = None if bound is None else constant_of(self.eval(bound))
            except NotAConstant:
                raise NotCompiled("a slice with computed bounds") from None
            if not (value is None or (type(value) is int and abs(value) < 2**30)):
                raise NotCompiled("a slice with bounds other than ints")
            bounds.append(value)
        if bounds[2] not in (None, 1):
            raise NotCompiled("a slice with a step")

        def one(alt: Alt) -> Value:
            if alt.kind == "str":
                return self.text_slice(alt.data, bounds[0], bounds[1])
            if alt.kind in ("none", "bool", "int", "float"):
                return self.nothing(TypeError)
            raise NotCompiled(f"a slice of a {self.kind_name(alt)}")

        return self.each(target, one)

    def _item(self, alt: Alt, index: Value) -> Value:
        if alt.kind == "record":
            return self.get_field(alt.data, self._key_of(index), KeyError)
        if alt.kind == "struct":
            return self._struct_field(alt.data, self._key_of(index), KeyError)
        if alt.kind in ("str", "strs"):
            return self.each(index, lambda i: self._position_item(alt, i))
        if alt.kind in ("none", "bool", "int", "float"):
            return self.nothing(TypeError)
        if alt.kind == "obj":
            return self._constant_item(alt.data, index, None)
        raise NotCompiled(f"an item of a {self.kind_name(alt)}")

    def _position_item(self, alt: Alt, i: Alt) -> Value:
        if i.kind in ("int", "bool"):
            at = self.as_int(i)
            return self.text_item(alt.data, at) if alt.kind == "str" else self.strs_item(alt.data, at)
        if i.kind in (*SCALARS, "none"):
            return self.nothing(TypeError)
        raise NotCompiled(f"an index that is a {self.kind_name(i)}")

    def _constant_item(self, holder: Any, index: Value, default: Value | None) -> Value:
        """holder[index] of a constant dict or list, or holder.get(index, default)."""
        g = self.g
        try:
            key = constant_of(index)
        except NotAConstant:
            pass
        else:
            try:
                return constant_value(g, holder[key])
            except Exception as raised:
                return default if default is not None else self.nothing(type(raised))
        if type(holder) is not dict or len(holder) > _MAX_UNROLL:
            raise NotCompiled(f"an item of a {type(holder).__name__} by a computed key")
        left = g.true
        cases: list[tuple[Node, Value]] = []
        for key, value in holder.items():
            same = self.truth(self._contains(index, Alt("obj", g.true, (key,))))
            cases.append((g.and_(left, same), constant_value(g, value)))
            left = g.and_(left, g.not_(same))
        if default is None:
            self.raise_(KeyError, left)
        else:
            cases.append((left, default))
        return join(g, cases)

    def _key(self, node: ast.expr) -> str:
        return self._key_of(self.eval(node))

    def _key_of(self, value: Value) -> str:
        try:
            key = constant_of(value)
        except NotAConstant:
            raise NotCompiled("a field whose name is computed") from None
        if not isinstance(key, str):
            raise NotCompiled("a field whose name is no string")
        return key

    def _record(self, value: Value, what: str) -> int:
        alt = value.only()
        if alt is None or alt.kind != "record":
            raise NotCompiled(f"{what} of something other than the record")
        return alt.data

    def get_field(self, record: int, name: str, missing: type, default: Value | None = None) -> Value:
        """record[name]; where there is none: the default, or the exception."""
        g = self.g
        field = self.state.records[record].get(name)
        if field is None:
            return default if default is not None else self.nothing(missing)
        if field.present is g.true:
            return field.value
        if default is None:
            self.raise_(missing, g.not_(field.present))
            return field.value
        return join(g, [(field.present, field.value), (g.not_(field.present), default)])

    def set_field(self, record: int, name: str, value: Value) -> None:
        """record[name] = value."""
        self.state.records[record][name] = Field(self.g.true, value)

    def delete_field(self, record: int, name: str, missing: type) -> None:
        """del record[name]."""
        field = self.state.records[record].get(name)
        if field is None:
            self.raise_(missing)
            self.pc = self.g.false
            return
        self.raise_(missing, self.g.not_(field.present))
        del self.state.records[record][name]

    def _struct_field(self, struct: Struct, name: str, missing: type, default: Value | None = None) -> Value:
        for field in struct.type.fields:
            if field.name == name:
                return column_value(self.g, (*struct.path, name), field.dataType, field.nullable)
        return default if default is not None else self.nothing(missing)

    def contains_key(self, item: Value, whole: Alt) -> Value:
        if whole.kind == "record":
            field = self.state.records[whole.data].get(self._key_of(item))
            return scalar(self.g, self.g.false if field is None else field.present)
        if whole.kind == "struct":
            return scalar(self.g, self.g.const(any(f.name == self._key_of(item) for f in whole.data.type.fields)))
        return super().contains_key(item, whole)

    def record_truth(self, number: int) -> Node:
        return self.g.or_(*(field.present for field in self.state.records[number].values()))

    def new_record(self, fields: dict[str, Field]) -> Value:
        """A dict that the function makes."""
        number = self.next_record
        self.next_record += 1
        self.state.records[number] = fields
        return Value([Alt("record", self.g.true, number)])

    def eval_Dict(self, node: ast.Dict) -> Value:
        fields: dict[str, Field] = {}
        for key, item in zip(node.keys, node.values):
            if key is None:
                source = self._record(self.eval(item), "**")
                for name, field in self.state.records[source].items():
                    old = fields.get(name)
                    if field.present is not self.g.true and old is not None:
                        raise NotCompiled("** of a record with a field that may be missing")
                    fields[name] = field
            else:
                name = self._key(key)
                fields[name] = Field(self.g.true, self.eval(item))
        return self.new_record(fields)

    # -- attributes and calls ----------------------------------------------------------------------------------------

    def eval_Attribute(self, node: ast.Attribute) -> Value:
        return self.each(self.eval(node.value), lambda alt: self._attribute(alt, node.attr))

    def _attribute(self, alt: Alt, name: str) -> Value:
        if alt.kind == "record":
            if hasattr(dict, name):
                raise NotCompiled(f"the method {name} of a record as a value")
            if alt.data != 0 and not self._is_dynamic(alt.data):
                return self.nothing(AttributeError)
            return self.get_field(alt.data, name, AttributeError)
        if alt.kind == "struct":
            if hasattr(dict, name):
                raise NotCompiled(f"the method {name} of a struct as a value")
            if len(alt.data.path) > 1:
                return self.nothing(AttributeError)
            return self._struct_field(alt.data, name, AttributeError)
        if alt.kind == "obj" and isinstance(alt.data, (types.ModuleType, type, re.Pattern)):
            try:
                return constant_value(self.g, getattr(alt.data, name))
            except AttributeError:
                return self.nothing(AttributeError)
        if alt.kind in _SAMPLES and not hasattr(_SAMPLES[alt.kind], name):
            return self.nothing(AttributeError)
        raise NotCompiled(f"the attribute {name} of a {self.kind_name(alt)}")

    def _is_dynamic(self, number: int) -> bool:
        """Records that the function makes are plain dicts: no attributes."""
        return False

    def eval_Call(self, node: ast.Call) -> Value:
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise NotCompiled("a call with * or **")
        if isinstance(node.func, ast.Attribute):
            return self._method_call(node, node.func)
        f = self.eval(node.func)
        try:
            target = constant_of(f)
        except NotAConstant:
            raise NotCompiled("a call of something computed") from None
        if target in (any, all) and len(node.args) == 1 and isinstance(node.args[0], (ast.GeneratorExp, ast.ListComp)):
            return self._any_all(target is all, node.args[0])
        args, keywords = self._arguments(node)
        return self._call(target, args, keywords)

    def _arguments(self, node: ast.Call) -> tuple[list[Value], dict[str, Value]]:
        return [self.eval(a) for a in node.args], {k.arg: self.eval(k.value) for k in node.keywords if k.arg is not None}

    def _call(self, target: Any, args: list[Value], keywords: dict[str, Value]) -> Value:
        name = getattr(target, "__name__", repr(target))
        if target is dict and len(args) <= 1:
            return self._make_dict(args, keywords)
        if getattr(builtins, name, None) is target:
            return self.builtin(name, args, keywords)
        if target in (re.match, re.search, re.fullmatch):
            return self._re_call(name, args, keywords)
        if isinstance(target, types.FunctionType):
            return self.call_function(target, args, keywords)
        raise NotCompiled(f"a call of {name}()")

    def _re_call(self, how: str, args: list[Value], keywords: dict[str, Value]) -> Value:
        try:
            flags = constant_of(keywords["flags"] if "flags" in keywords else args[2]) if len(args) > 2 or keywords else 0
            pattern = constant_of(args[0])
        except (NotAConstant, KeyError):
            raise NotCompiled("a regular expression that is computed") from None
        if len(args) not in (2, 3):
            raise NotCompiled(f"re.{how}() with these arguments")
        return self.regex(how, pattern, int(flags), args[1])

    def _make_dict(self, args: list[Value], keywords: dict[str, Value]) -> Value:
        fields: dict[str, Field] = {}
        if args:
            fields.update(self.state.records[self._record(args[0], "dict()")])
        fields.update({name: Field(self.g.true, value) for name, value in keywords.items()})
        return self.new_record(fields)

    def _method_call(self, node: ast.Call, func: ast.Attribute) -> Value:
        target = self.eval(func.value)
        alt = target.only()
        if alt is not None and alt.kind == "record":
            args, keywords = self._arguments(node)
            return self._record_method(alt.data, func.attr, args, keywords)
        for each in target.alts:
            # Python looks the method up before it evaluates the arguments.
            if each.kind in _SAMPLES and not hasattr(_SAMPLES[each.kind], func.attr):
                self.raise_(AttributeError, each.guard)
        if alt is not None and alt.kind == "str" and func.attr == "join" and len(node.args) == 1 and isinstance(node.args[0], (ast.List, ast.Tuple)):
            return self._join_list(alt.data, node.args[0].elts)
        args, keywords = self._arguments(node)
        if alt is not None and alt.kind == "obj":
            return self._object_method(alt.data, func.attr, args, keywords)
        if all(a.kind in ("struct", "none") for a in target.alts) and func.attr == "get" and len(args) in (1, 2) and not keywords:
            default = args[1] if len(args) == 2 else constant_value(self.g, None)
            return self.each(
                target,
                lambda a: self._struct_field(a.data, self._key_of(args[0]), KeyError, default) if a.kind == "struct" else self.nothing(AttributeError),
            )
        return self.method(target, func.attr, args, keywords)

    def _join_list(self, separator: Node, items: list[ast.expr]) -> Value:
        parts: list[Value] = []
        values = [self.eval(item) for item in items]
        for value in values:
            text = self.each(value, lambda a: scalar(self.g, a.data) if a.kind == "str" else self._not_text(a))
            parts += [scalar(self.g, separator), text] if parts else [text]
        return self._joined(parts)

    def _not_text(self, alt: Alt) -> Value:
        if alt.kind in (*SCALARS, "none"):
            return self.nothing(TypeError)
        raise NotCompiled(f"join of a {self.kind_name(alt)}")

    def _object_method(self, holder: Any, name: str, args: list[Value], keywords: dict[str, Value]) -> Value:
        if isinstance(holder, re.Pattern) and name in ("match", "search", "fullmatch") and len(args) == 1 and not keywords:
            return self.regex(name, holder, 0, args[0])
        if type(holder) is dict and name == "get" and len(args) in (1, 2) and not keywords:
            return self._constant_item(holder, args[0], args[1] if len(args) == 2 else constant_value(self.g, None))
        if isinstance(holder, types.ModuleType):
            return self._call(getattr(holder, name, None), args, keywords)
        raise NotCompiled(f"{name}() of a {type(holder).__name__}")

    def _record_method(self, record: int, name: str, args: list[Value], keywords: dict[str, Value]) -> Value:
        g = self.g
        none = constant_value(g, None)
        if keywords and name != "update":
            raise NotCompiled(f"{name}() of a record with keyword arguments")
        if name == "get" and len(args) in (1, 2):
            return self.get_field(record, self._key_of(args[0]), KeyError, args[1] if len(args) == 2 else none)
        if name == "copy" and not args:
            return self.new_record(dict(self.state.records[record]))
        if name == "pop" and len(args) in (1, 2):
            key = self._key_of(args[0])
            value = self.get_field(record, key, KeyError, args[1] if len(args) == 2 else None)
            self.state.records[record].pop(key, None)
            return value
        if name == "setdefault" and len(args) in (1, 2):
            key = self._key_of(args[0])
            value = self.get_field(record, key, KeyError, args[1] if len(args) == 2 else none)
            if key not in self.state.records[record]:
                self.set_field(record, key, value)
            elif self.state.records[record][key].present is not g.true:
                raise NotCompiled("setdefault() of a field that may be missing")
            return value
        if name == "update" and len(args) <= 1:
            if args:
                for key, field in self.state.records[self._record(args[0], "update()")].items():
                    if field.present is not g.true:
                        raise NotCompiled("update() with a field that may be missing")
                    self.state.records[record][key] = field
            for key, value in keywords.items():
                self.set_field(record, key, value)
            return none
        raise NotCompiled(f"{name}() of a record")

    def _any_all(self, want_all: bool, node: ast.GeneratorExp | ast.ListComp) -> Value:
        """any() or all() of a test over a constant list, one test after the other."""
        g = self.g
        if len(node.generators) != 1 or node.generators[0].ifs or node.generators[0].is_async or not isinstance(node.generators[0].target, ast.Name):
            raise NotCompiled("any() or all() of more than one plain loop")
        if isinstance(node, ast.ListComp):
            raise NotCompiled("any() or all() of a list")
        name = node.generators[0].target.id
        items = self._items(node.generators[0].iter)
        had = self.state.names.get(name)
        so_far = g.const(want_all)
        for item in items:
            with self.under(so_far if want_all else g.not_(so_far)):
                if self.pc is g.false:
                    break
                self.state.names[name] = constant_value(g, item)
                one = self.test(node.elt)
            so_far = g.and_(so_far, one) if want_all else g.or_(so_far, one)
        self.state.names.pop(name, None)
        if had is not None:
            self.state.names[name] = had
        return scalar(g, so_far)


def _as_load(target: ast.expr) -> ast.expr:
    """The expression that reads what an assignment target writes."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, ast.Load())
    if isinstance(target, ast.Subscript):
        return ast.Subscript(target.value, target.slice, ast.Load())
    raise NotCompiled("changing several names in place")


def _order(a: list[str], b: list[str]) -> list[str]:
    """The names of both, in a's order, b's own ones behind."""
    return a + [name for name in b if name not in set(a)]
