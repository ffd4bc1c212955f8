"""Glue's data types, as DynamicFrame.schema() gives them, and the record that row functions get.

Where it stands: a tree of small value objects; `awsglue.schemas` turns Spark's types into these and back.
Invariant: typeName is the class name without "Type" in lower case, but "int" for IntegerType.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Iterable, Iterator

from solder.record import DynamicRecord

__all__ = [
    "ArrayType",
    "BinaryType",
    "BooleanType",
    "ByteType",
    "ChoiceType",
    "DataType",
    "DateType",
    "DecimalType",
    "DoubleType",
    "DynamicRecord",
    "EntityType",
    "EnumType",
    "Field",
    "FloatType",
    "IntegerType",
    "LongType",
    "MapType",
    "NullType",
    "SetType",
    "ShortType",
    "StringType",
    "StructType",
    "TimestampNTZType",
    "TimestampType",
    "UnknownType",
    "mergeDataTypes",
]


class DataType:
    """A type; `properties` are free notes that travel with it."""

    _registry: ClassVar[dict[str, type["DataType"]]] = {}

    def __init__(self, properties: dict[str, Any] | None = None) -> None:
        self.properties: dict[str, Any] = dict(properties or {})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        DataType._registry.setdefault(cls.typeName(), cls)

    @classmethod
    def typeName(cls) -> str:
        """The type's word in schemas and mappings."""
        return "int" if cls.__name__ == "IntegerType" else cls.__name__.removesuffix("Type").lower()

    def _parts(self) -> tuple:
        return ()

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        value: dict[str, Any] = {"dataType": self.typeName()}
        if self.properties:
            value["properties"] = self.properties
        return value

    def json(self) -> str:
        """The type as JSON text."""
        return json.dumps(self.jsonValue(), separators=(",", ":"))

    @classmethod
    def fromJsonValue(cls, value: dict[str, Any]) -> "DataType":
        """The type that jsonValue() described."""
        word = value.get("dataType", "")
        found = DataType._registry.get(word)
        if found is None:
            raise ValueError(f"unknown data type {word!r}")
        return found._from_json(value)

    @classmethod
    def _from_json(cls, value: dict[str, Any]) -> "DataType":
        return cls(properties=value.get("properties"))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._parts() == other._parts()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._parts()))

    def __repr__(self) -> str:
        inside = ", ".join(repr(p) for p in self._parts())
        return f"{type(self).__name__}({inside})"


class AtomicType(DataType):
    """A type without parts."""


class BinaryType(AtomicType):
    """Bytes."""


class BooleanType(AtomicType):
    """True or false."""


class ByteType(AtomicType):
    """8-bit integer."""


class DateType(AtomicType):
    """A day."""


class DecimalType(AtomicType):
    """A decimal number with a fixed number of digits."""

    def __init__(self, precision: int = 10, scale: int = 2, properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.precision, self.scale = precision, scale

    def _parts(self) -> tuple:
        return (self.precision, self.scale)

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "precision": self.precision, "scale": self.scale}

    @classmethod
    def _from_json(cls, value: dict[str, Any]) -> "DataType":
        return cls(int(value.get("precision", 10)), int(value.get("scale", 2)), value.get("properties"))


class DoubleType(AtomicType):
    """64-bit float."""


class EnumType(AtomicType):
    """One of a list of words."""

    def __init__(self, options: Iterable[str] = (), properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.options = list(options)

    def _parts(self) -> tuple:
        return tuple(self.options)

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "options": self.options}

    @classmethod
    def _from_json(cls, value: dict[str, Any]) -> "DataType":
        return cls(value.get("options", ()), value.get("properties"))


class FloatType(AtomicType):
    """32-bit float."""


class IntegerType(AtomicType):
    """32-bit integer; its word is "int"."""


class LongType(AtomicType):
    """64-bit integer."""


class NullType(AtomicType):
    """Nothing but nulls."""


class ShortType(AtomicType):
    """16-bit integer."""


class StringType(AtomicType):
    """Text."""


class TimestampType(AtomicType):
    """A moment."""


class TimestampNTZType(AtomicType):
    """A date and time of day with no zone."""


class UnknownType(AtomicType):
    """A type that nothing is known of."""


class ArrayType(DataType):
    """A list of elements of one type."""

    def __init__(self, elementType: DataType | None = None, properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.elementType = elementType or UnknownType()

    def _parts(self) -> tuple:
        return (self.elementType,)

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "elementType": self.elementType.jsonValue()}

    @classmethod
    def _from_json(cls, value: dict[str, Any]) -> "DataType":
        return cls(DataType.fromJsonValue(value["elementType"]), value.get("properties"))


class SetType(ArrayType):
    """A set of elements of one type."""


class MapType(DataType):
    """Text keys with values of one type."""

    def __init__(self, valueType: DataType | None = None, properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.valueType = valueType or UnknownType()

    def _parts(self) -> tuple:
        return (self.valueType,)

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "valueType": self.valueType.jsonValue()}

    @classmethod
    def _from_json(cls, value: dict[str, Any]) -> "DataType":
        return cls(DataType.fromJsonValue(value["valueType"]), value.get("properties"))


class ChoiceType(DataType):
    """A field whose records disagree in type: one of several types."""

    def __init__(self, choices: Iterable[DataType] = (), properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.choices: dict[str, DataType] = {}
        for choice in choices:
            self.add(choice)

    def add(self, choice: DataType) -> None:
        """One more type; adding a choice adds its types."""
        if isinstance(choice, ChoiceType):
            for inner in choice.choices.values():
                self.add(inner)
        else:
            self.choices.setdefault(choice.typeName(), choice)

    def _parts(self) -> tuple:
        return tuple(self.choices[k] for k in sorted(self.choices))

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "choices": [c.jsonValue() for c in self.choices.values()]}

    @classmethod
    def _from_json(cls, value: dict[str, Any]) -> "DataType":
        return cls([DataType.fromJsonValue(c) for c in value["choices"]], value.get("properties"))


class Field:
    """A named member of a struct."""

    def __init__(self, name: str, dataType: DataType, properties: dict[str, Any] | None = None) -> None:
        self.name, self.dataType = name, dataType
        self.properties: dict[str, Any] = dict(properties or {})

    def jsonValue(self) -> dict[str, Any]:
        """The field as a JSON object."""
        return {"name": self.name, "container": self.dataType.jsonValue(), "properties": self.properties}

    @classmethod
    def fromJsonValue(cls, value: dict[str, Any]) -> "Field":
        """The field that jsonValue() described."""
        return cls(value["name"], DataType.fromJsonValue(value["container"]), value.get("properties"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Field) and (self.name, self.dataType) == (other.name, other.dataType)

    def __hash__(self) -> int:
        return hash((self.name, self.dataType))

    def __repr__(self) -> str:
        return f"Field({self.name}, {self.dataType!r})"


class StructType(DataType):
    """Named fields."""

    def __init__(self, fields: Iterable[Field] = (), properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.fields: list[Field] = list(fields)

    @property
    def field_map(self) -> dict[str, Field]:
        """The fields by name."""
        return {f.name: f for f in self.fields}

    def add(self, field: Field) -> "StructType":
        """Append a field."""
        self.fields.append(field)
        return self

    def hasField(self, field: str | Field) -> bool:
        """True when there is a field of that name."""
        return (field.name if isinstance(field, Field) else field) in self.field_map

    def getField(self, field: str) -> Field:
        """The field of that name; KeyError when there is none."""
        return self.field_map[field]

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def _parts(self) -> tuple:
        return tuple(self.fields)

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "fields": [f.jsonValue() for f in self.fields]}

    @classmethod
    def _from_json(cls, value: dict[str, Any]) -> "DataType":
        return cls([Field.fromJsonValue(f) for f in value["fields"]], value.get("properties"))


class EntityType(DataType):
    """A struct with a name, from an older form of the catalog."""

    def __init__(self, base_type: DataType | None = None, properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.base_type = base_type or UnknownType()

    def _parts(self) -> tuple:
        return (self.base_type,)

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "baseType": self.base_type.jsonValue()}

    @classmethod
    def _from_json(cls, value: dict[str, Any]) -> "DataType":
        return cls(DataType.fromJsonValue(value["baseType"]), value.get("properties"))


def mergeDataTypes(s1: DataType, s2: DataType) -> DataType:
    """The type that holds the values of both: the same type, structs and containers merged member by member, else a choice.

    Decided here, nothing public says it: null and unknown give way to the other type, and numbers of different width make a choice.
    """
    if s1 == s2 or isinstance(s2, (NullType, UnknownType)):
        return s1
    if isinstance(s1, (NullType, UnknownType)):
        return s2
    if isinstance(s1, StructType) and isinstance(s2, StructType):
        merged = {f.name: f.dataType for f in s1.fields}
        for field in s2.fields:
            merged[field.name] = mergeDataTypes(merged[field.name], field.dataType) if field.name in merged else field.dataType
        return StructType([Field(n, t) for n, t in merged.items()])
    if type(s1) is type(s2) and isinstance(s1, ArrayType):
        return type(s1)(mergeDataTypes(s1.elementType, s2.elementType))  # type: ignore[attr-defined]
    if isinstance(s1, MapType) and isinstance(s2, MapType):
        return MapType(mergeDataTypes(s1.valueType, s2.valueType))
    choice = ChoiceType([s1])
    types = list(s2.choices.values()) if isinstance(s2, ChoiceType) else [s2]
    for each in types:
        same = choice.choices.get(each.typeName())
        if same is None:
            choice.add(each)
        elif isinstance(same, (StructType, ArrayType, MapType)):
            choice.choices[each.typeName()] = mergeDataTypes(same, each)
    return choice
