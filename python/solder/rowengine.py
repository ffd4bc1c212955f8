"""Turns the nodes of rowir.py into columns for the engine: Python's own number and text rules are kernels there (solder_py_*).

Where it stands: beside rowspark.py, from which it takes everything that plain Spark functions say exactly and fast.
Invariant: the kernels' meaning is written down in spec/functions/solder.tsv and tested against Python; a kernel never raises.
"""

from __future__ import annotations

from typing import Any

from .rowir import Node
from .rowspark import Backend


class EngineBackend(Backend):
    """Columns for a session of the engine."""

    EXACT = Backend.EXACT | {"str_of_float", "float_round", "case"}

    def _kernel(self, name: str, *args: Any) -> Any:
        return self.F.call_function(f"solder_py_{name}", *args)

    def op_int_of_str(self, node: Node, x: Node) -> Any:
        return self._kernel("int", self.column(x))

    def op_int_fits(self, node: Node, x: Node) -> Any:
        return self._kernel("int_fits", self.column(x))

    def op_float_of_str(self, node: Node, x: Node) -> Any:
        return self._kernel("float", self.column(x))

    def op_str_of_float(self, node: Node, x: Node) -> Any:
        return self._kernel("float_text", self.column(x))

    def op_float_round(self, node: Node, x: Node, digits: Node) -> Any:
        return self._kernel("round", self.column(x), self.column(digits).cast("int"))

    def op_float_rint(self, node: Node, x: Node) -> Any:
        return self._kernel("round", self.column(x), self.F.lit(0))

    def op_int_of_rounded(self, node: Node, x: Node) -> Any:
        return self.op_float_rint(node, x).cast("bigint")

    def op_int_add_saturating(self, node: Node, a: Node, b: Node) -> Any:
        return self._kernel("add", self.column(a), self.column(b))

    def op_int_mul_saturating(self, node: Node, a: Node, b: Node) -> Any:
        return self._kernel("multiply", self.column(a), self.column(b))

    def op_find(self, node: Node, x: Node, part: Node) -> Any:
        return self._kernel("find", self.column(x), self.column(part))

    def op_float_floordiv(self, node: Node, a: Node, b: Node) -> Any:
        return self._kernel("floordiv", self.column(a), self.column(b))

    def op_float_mod(self, node: Node, a: Node, b: Node) -> Any:
        return self._kernel("mod", self.column(a), self.column(b))

    def op_item(self, node: Node, strs: Node, position: Node) -> Any:
        # element_at counts from 1, is null beyond the end and refuses 0, which only rows that raise anyway can have.
        F, at = self.F, self.column(position)
        safe = at if position.is_const() else F.when(at >= self.lit(0), at).otherwise(self.lit(0))
        return F.element_at(self.column(strs), (safe + self.lit(1)).cast("int"))

    def op_lower(self, node: Node, x: Node) -> Any:
        return self._kernel("lower", self.column(x))

    def op_upper(self, node: Node, x: Node) -> Any:
        return self._kernel("upper", self.column(x))

    def op_strip(self, node: Node, x: Node, chars: Node, where: str) -> Any:
        side = {"both": 0, "left": 1, "right": 2}[where]
        return self._kernel("strip", self.column(x), self.column(chars), self.F.lit(side))
