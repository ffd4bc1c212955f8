"""Column types for the values that a map function returns.

Where it stands: rowworker.py describes a sample of results with ValueType; rowfn.py turns the merged description into a schema; Fitter checks
each later result against that schema and builds its Arrow columns.
Invariant: a value goes into a column only as itself, as the wider number it equals, or, where the column is a string, as its text. Any other
value makes an error record; none is dropped or rounded.
"""

from __future__ import annotations

import datetime
import decimal
import json
from typing import Any

_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1
_EXACT = 2**53


class ValueType:
    """A type found by looking at values: a kind, with the element of an array or the fields of a struct."""

    __slots__ = ("kind", "element", "fields")

    def __init__(self, kind: str, element: "ValueType | None" = None, fields: "dict[str, ValueType] | None" = None) -> None:
        self.kind = kind
        self.element = element
        self.fields = fields

    def to_json(self) -> Any:
        """A form that json.dumps takes."""
        if self.kind == "array":
            assert self.element is not None
            return {"array": self.element.to_json()}
        if self.kind == "struct":
            assert self.fields is not None
            return {"struct": [[name, t.to_json()] for name, t in self.fields.items()]}
        return self.kind

    @staticmethod
    def from_json(form: Any) -> "ValueType":
        """The type that to_json wrote."""
        if isinstance(form, str):
            return ValueType(form)
        if "array" in form:
            return ValueType("array", element=ValueType.from_json(form["array"]))
        return ValueType("struct", fields={name: ValueType.from_json(t) for name, t in form["struct"]})

    def spark(self) -> Any:
        """The Spark type; what was only ever null is a string."""
        from pyspark.sql import types as T

        if self.kind == "array":
            assert self.element is not None
            return T.ArrayType(self.element.spark())
        if self.kind == "struct":
            assert self.fields is not None
            return T.StructType([T.StructField(name, t.spark()) for name, t in self.fields.items()])
        return {
            "null": T.StringType(),
            "boolean": T.BooleanType(),
            "long": T.LongType(),
            "double": T.DoubleType(),
            "string": T.StringType(),
            "binary": T.BinaryType(),
            "date": T.DateType(),
            "timestamp": T.TimestampType(),
            "decimal": T.DecimalType(38, 18),
        }[self.kind]


def value_type_of(value: Any) -> ValueType:
    """The type of one value."""
    if value is None:
        return ValueType("null")
    if isinstance(value, bool):
        return ValueType("boolean")
    if isinstance(value, int):
        return ValueType("long")
    if isinstance(value, float):
        return ValueType("double")
    if isinstance(value, str):
        return ValueType("string")
    if isinstance(value, (bytes, bytearray)):
        return ValueType("binary")
    if isinstance(value, datetime.datetime):
        return ValueType("timestamp")
    if isinstance(value, datetime.date):
        return ValueType("date")
    if isinstance(value, decimal.Decimal):
        return ValueType("decimal")
    if isinstance(value, dict):
        return ValueType("struct", fields={str(k): value_type_of(v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        element = ValueType("null")
        for item in value:
            element = merge_value_types(element, value_type_of(item))
        return ValueType("array", element=element)
    return ValueType("string")


def merge_value_types(a: ValueType, b: ValueType) -> ValueType:
    """The narrowest type for both: long widens to double, whatever else disagrees becomes a string."""
    if a.kind == "null":
        return b
    if b.kind == "null":
        return a
    if a.kind == b.kind == "array":
        assert a.element is not None and b.element is not None
        return ValueType("array", element=merge_value_types(a.element, b.element))
    if a.kind == b.kind == "struct":
        assert a.fields is not None and b.fields is not None
        fields = dict(a.fields)
        for name, t in b.fields.items():
            fields[name] = merge_value_types(fields[name], t) if name in fields else t
        return ValueType("struct", fields=fields)
    if a.kind == b.kind:
        return a
    if {a.kind, b.kind} == {"long", "double"}:
        return ValueType("double")
    return ValueType("string")


def _text(value: Any) -> str:
    """A value in a string column: itself, JSON for lists and dicts, Python's str() for everything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, default=str)
    return str(value)


class Fitter:
    """The columns of a map's results: each a Spark type, and whether it is the row's own column of that name.

    Pickled into the workers, so it holds Spark types as plain words.
    """

    def __init__(self, names: list[str], types: list[Any], own: set[str], zone: str) -> None:
        self.names = names
        self.types = dict(zip(names, types))
        self.own = own
        self.zone = zone
        self._name_set = frozenset(names)
        self._arrow: dict[str, Any] = {}

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_arrow": {}}

    def is_own(self, name: str) -> bool:
        """True when the column keeps the type that it has in the input."""
        return name in self.own

    def arrow_type(self, name: str) -> Any:
        """The Arrow type of the column `name`."""
        found = self._arrow.get(name)
        if found is None:
            found = self._arrow[name] = arrow_type_of(self.types[name], self.zone)
        return found

    def arrow_types(self) -> list:
        """The Arrow types of all columns."""
        return [self.arrow_type(name) for name in self.names]

    def misfit(self, result: Any, touched: set[str] | None = None) -> Exception | None:
        """What keeps a result out of the columns: None when it fits. Fields outside `touched` are the row's own and fit."""
        if not isinstance(result, dict):
            return TypeError(f"User-specified function returned {type(result).__name__} instead of DynamicRecord")
        names = result if touched is None else touched
        for name in names:
            if touched is not None and not dict.__contains__(result, name):
                continue
            if name not in self._name_set:
                return TypeError(f"field {name!r} is in none of the records that the result's columns were found from")
            problem = misfit_value(result[name], self.types[name], repr(name))
            if problem is not None:
                return problem
        return None

    def array(self, pa: Any, name: str, values: list) -> Any:
        """The Arrow array of values that all fit."""
        spark_type = self.types[name]
        return pa.array([fit_value(v, spark_type, self.zone) for v in values], self.arrow_type(name))


def _integer_bounds(spark_type: Any) -> tuple[int, int] | None:
    bits = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}.get(spark_type.simpleString())
    return None if bits is None else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def misfit_value(value: Any, spark_type: Any, where: str) -> Exception | None:
    """What keeps a value out of a column of this type; None when it fits."""
    word = spark_type.simpleString()
    if value is None or word == "string":
        return None
    bounds = _integer_bounds(spark_type)
    if bounds is not None:
        if not isinstance(value, int) or isinstance(value, bool):
            return _does_not_fit(value, word, where)
        if not bounds[0] <= value <= bounds[1]:
            return OverflowError(f"field {where}: {value} does not fit a column of type {word}")
        return None
    if word in ("double", "float"):
        if isinstance(value, float):
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            if abs(value) <= _EXACT or (value.bit_length() < 1024 and int(float(value)) == value):
                return None
            return OverflowError(f"field {where}: {value} does not fit a column of type {word}")
        return _does_not_fit(value, word, where)
    if word.startswith("array<"):
        if not isinstance(value, (list, tuple)):
            return _does_not_fit(value, word, where)
        return next((p for p in (misfit_value(v, spark_type.elementType, where) for v in value) if p is not None), None)
    if word.startswith("map<"):
        if not isinstance(value, dict):
            return _does_not_fit(value, word, where)
        for k, v in value.items():
            problem = misfit_value(k, spark_type.keyType, where) or misfit_value(v, spark_type.valueType, where)
            if problem is not None:
                return problem
        return None
    if word.startswith("struct<"):
        if not isinstance(value, dict):
            return _does_not_fit(value, word, where)
        known = {field.name: field.dataType for field in spark_type.fields}
        for k, v in value.items():
            if k not in known:
                return TypeError(f"field {where}: {k!r} is not a field of {word}")
            problem = misfit_value(v, known[k], where)
            if problem is not None:
                return problem
        return None
    return None if isinstance(value, _SCALARS.get(word.split("(")[0], object)) else _does_not_fit(value, word, where)


_SCALARS: dict[str, Any] = {
    "boolean": bool,
    "binary": (bytes, bytearray),
    "timestamp": datetime.datetime,
    "timestamp_ntz": datetime.datetime,
    "date": datetime.date,
    "decimal": decimal.Decimal,
}


def _does_not_fit(value: Any, word: str, where: str) -> Exception:
    return TypeError(f"field {where}: {type(value).__name__} value {value!r} does not fit a column of type {word}")


def fit_value(value: Any, spark_type: Any, zone: str) -> Any:
    """A value that fits, in the form in which pyarrow takes it for a column of this type."""
    if value is None:
        return None
    word = spark_type.simpleString()
    if word == "string":
        return _text(value)
    if word in ("double", "float"):
        return float(value)
    if word == "timestamp":
        if value.tzinfo is None:
            from zoneinfo import ZoneInfo

            return value.replace(tzinfo=ZoneInfo(zone))
        return value
    if word.startswith("array<"):
        return [fit_value(v, spark_type.elementType, zone) for v in value]
    if word.startswith("map<"):
        return [(fit_value(k, spark_type.keyType, zone), fit_value(v, spark_type.valueType, zone)) for k, v in value.items()]
    if word.startswith("struct<"):
        return {field.name: fit_value(value.get(field.name), field.dataType, zone) for field in spark_type.fields}
    return value


def arrow_type_of(spark_type: Any, zone: str) -> Any:
    """The Arrow type in which a column of this Spark type crosses between the engine and the workers."""
    import pyarrow as pa

    word = spark_type.simpleString()
    simple = {
        "boolean": pa.bool_(),
        "tinyint": pa.int8(),
        "smallint": pa.int16(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "string": pa.string(),
        "binary": pa.binary(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz=zone),
        "timestamp_ntz": pa.timestamp("us"),
        "void": pa.null(),
    }.get(word)
    if simple is not None:
        return simple
    if word.startswith("decimal("):
        return pa.decimal128(spark_type.precision, spark_type.scale)
    if word.startswith("array<"):
        return pa.list_(arrow_type_of(spark_type.elementType, zone))
    if word.startswith("map<"):
        return pa.map_(arrow_type_of(spark_type.keyType, zone), arrow_type_of(spark_type.valueType, zone))
    if word.startswith("struct<"):
        return pa.struct([pa.field(f.name, arrow_type_of(f.dataType, zone), f.nullable) for f in spark_type.fields])
    raise TypeError(f"a map function can't return a column of type {word}")
