"""Types and paths: the catalog's type words, Spark's types and Glue's types into one another; dotted paths; rewriting nested columns.

Where it stands: under every transform.  Nothing here touches a frame or runs anything.
Invariant: a path is a tuple of names; a dot in a name was quoted with backticks by the user and is quoted again for Spark.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Sequence, Union

from pyspark.sql import functions as F
from pyspark.sql import types as T

from awsglue import gluetypes as G
from awsglue.errors import IllegalArgumentException

__all__ = [
    "Path",
    "choice_word",
    "column_at",
    "find_field",
    "glue_type",
    "parse_path",
    "quoted",
    "rewrite",
    "spark_type",
    "spark_type_of_glue",
    "tree_lines",
]

Path = tuple[str, ...]

_SIMPLE: dict[str, Callable[[], T.DataType]] = {
    "string": T.StringType,
    "long": T.LongType,
    "bigint": T.LongType,
    "int": T.IntegerType,
    "integer": T.IntegerType,
    "short": T.ShortType,
    "smallint": T.ShortType,
    "byte": T.ByteType,
    "tinyint": T.ByteType,
    "double": T.DoubleType,
    "float": T.FloatType,
    "real": T.FloatType,
    "boolean": T.BooleanType,
    "binary": T.BinaryType,
    "date": T.DateType,
    "timestamp": T.TimestampType,
    "timestamp_ntz": T.TimestampNTZType,
    "timestampntz": T.TimestampNTZType,
    "null": T.NullType,
    "void": T.NullType,
    "unknown": T.StringType,
    "uuid": T.StringType,
}
_GLUE: list[tuple[type[T.DataType], type[G.DataType]]] = [
    (T.StringType, G.StringType),
    (T.LongType, G.LongType),
    (T.IntegerType, G.IntegerType),
    (T.ShortType, G.ShortType),
    (T.ByteType, G.ByteType),
    (T.DoubleType, G.DoubleType),
    (T.FloatType, G.FloatType),
    (T.BooleanType, G.BooleanType),
    (T.BinaryType, G.BinaryType),
    (T.DateType, G.DateType),
    (T.TimestampNTZType, G.TimestampNTZType),
    (T.TimestampType, G.TimestampType),
    (T.NullType, G.NullType),
]
_TOKEN = re.compile(r"\s*([<>(),:]|`[^`]*`|[^<>(),:`\s]+)")


class _TypeText:
    """A recursive descent over a type such as struct<a:int,b:array<decimal(10,2)>>."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _TOKEN.findall(text)
        self.at = 0

    def fail(self) -> IllegalArgumentException:
        return IllegalArgumentException(
            f"{self.text!r} is not a type: use string, int, long, double, decimal(10,2), date, timestamp, array<…>, map<…,…>, struct<name:type,…>"
        )

    def take(self, wanted: str | None = None) -> str:
        if self.at >= len(self.tokens) or wanted is not None and self.tokens[self.at] != wanted:
            raise self.fail()
        self.at += 1
        return self.tokens[self.at - 1]

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def numbers(self) -> list[int]:
        found: list[int] = []
        if self.peek() == "(":
            self.take()
            while True:
                word = self.take()
                if not word.isdigit():
                    raise self.fail()
                found.append(int(word))
                if self.take() == ")":
                    return found
        return found

    def type(self) -> T.DataType:
        word = self.take().lower()
        if word in ("decimal", "numeric"):
            digits = self.numbers()
            return T.DecimalType(digits[0] if digits else 10, digits[1] if len(digits) > 1 else (0 if digits else 2))
        if word in ("varchar", "char", "character"):
            self.numbers()
            return T.StringType()
        if word in ("array", "set", "list"):
            self.take("<")
            element = self.type()
            self.take(">")
            return T.ArrayType(element)
        if word == "map":
            self.take("<")
            key = self.type()
            if self.peek() == ",":
                self.take()
                value = self.type()
            else:
                key, value = T.StringType(), key
            self.take(">")
            return T.MapType(key, value)
        if word == "struct":
            return self.struct()
        if word not in _SIMPLE:
            raise self.fail()
        return _SIMPLE[word]()

    def struct(self) -> T.StructType:
        fields: list[T.StructField] = []
        self.take("<")
        while self.peek() != ">":
            name = self.take().strip("`")
            self.take(":")
            fields.append(T.StructField(name, self.type()))
            if self.peek() == ",":
                self.take()
        self.take(">")
        return T.StructType(fields)


def spark_type(text: str) -> T.DataType:
    """The Spark type of a type word of the catalog or of a mapping: bigint, long, array<int>, decimal(10,2), …"""
    reader = _TypeText(text)
    found = reader.type()
    if reader.at != len(reader.tokens):
        raise reader.fail()
    return found


def glue_type(spark: T.DataType) -> G.DataType:
    """Glue's type for a Spark type."""
    if isinstance(spark, T.StructType):
        return G.StructType([G.Field(f.name, glue_type(f.dataType)) for f in spark.fields])
    if isinstance(spark, T.ArrayType):
        return G.ArrayType(glue_type(spark.elementType))
    if isinstance(spark, T.MapType):
        return G.MapType(glue_type(spark.valueType))
    if isinstance(spark, T.DecimalType):
        return G.DecimalType(spark.precision, spark.scale)
    for ours, theirs in _GLUE:
        if isinstance(spark, ours):
            return theirs()
    return G.UnknownType()


def spark_type_of_glue(glue: G.DataType) -> T.DataType:
    """The Spark type for Glue's; a choice becomes the struct that toDF() makes of it."""
    if isinstance(glue, G.StructType):
        return T.StructType([T.StructField(f.name, spark_type_of_glue(f.dataType)) for f in glue.fields])
    if isinstance(glue, G.ArrayType):
        return T.ArrayType(spark_type_of_glue(glue.elementType))
    if isinstance(glue, G.MapType):
        return T.MapType(T.StringType(), spark_type_of_glue(glue.valueType))
    if isinstance(glue, G.DecimalType):
        return T.DecimalType(glue.precision, glue.scale)
    if isinstance(glue, G.ChoiceType):
        return T.StructType([T.StructField(word, spark_type_of_glue(t)) for word, t in glue.choices.items()])
    if isinstance(glue, G.EntityType):
        return spark_type_of_glue(glue.base_type)
    return _SIMPLE.get(glue.typeName(), T.StringType)()


def choice_word(spark: T.DataType) -> str:
    """The word that names a type inside a choice: long, int, string, struct, …"""
    return glue_type(spark).typeName()


def parse_path(path: str) -> Path:
    """The names of a dotted path; backticks quote a name with dots."""
    if not isinstance(path, str) or not path:
        raise IllegalArgumentException(f"{path!r} is not a field path: it must be a non-empty string")
    names: list[str] = []
    rest = path
    while True:
        if rest.startswith("`"):
            end = rest.find("`", 1)
            if end < 0 or rest[end + 1 : end + 2] not in ("", "."):
                raise IllegalArgumentException(f"{path!r} is not a field path: a backtick is not closed")
            names.append(rest[1:end])
            rest = rest[end + 1 :]
        else:
            name, dot, tail = rest.partition(".")
            names.append(name)
            rest = dot + tail
        if not rest:
            break
        rest = rest[1:]
    if not all(names):
        if path.startswith(".") and len(names) > 1:  # a joined frame's own name for its second copy: .zip
            return (".".join(names),)
        raise IllegalArgumentException(f"{path!r} is not a field path: a name is empty")
    return tuple(names)


def quoted(name: str) -> str:
    """A column name that Spark takes literally."""
    return "`" + name.replace("`", "``") + "`"


def find_field(schema: T.StructType, name: str, case_sensitive: bool = False) -> T.StructField | None:
    """The field of that name; an exact match comes before one in other case."""
    for field in schema.fields:
        if field.name == name:
            return field
    if not case_sensitive:
        for field in schema.fields:
            if field.name.lower() == name.lower():
                return field
    return None


def column_at(schema: T.StructType, path: str, case_sensitive: bool = False) -> tuple[Any, T.DataType, Path] | None:
    """The column that a path leads to through structs, its type and its real names; None when a name is not there."""
    literal = find_field(schema, path, case_sensitive)
    names = (literal.name,) if literal is not None else parse_path(path)
    column: Any = None
    current: T.DataType = schema
    real: list[str] = []
    for name in names:
        if isinstance(current, T.ArrayType):
            raise IllegalArgumentException(f"{path!r} leads into the array {'.'.join(real)!r}, which a path can't do here")
        if not isinstance(current, T.StructType):
            return None
        field = find_field(current, name, case_sensitive)
        if field is None:
            return None
        column = F.col(quoted(field.name)) if column is None else column.getField(field.name)
        current = field.dataType
        real.append(field.name)
    return column, current, tuple(real)


# What a rewrite makes of the field at the end of a path: gone, or a name and a column.
Leaf = Callable[[str, Any, T.DataType], Union[tuple[str, Any], None]]


def rewrite(column: Any, spark: T.DataType, changes: dict[Path, Leaf]) -> Any:
    """The column with the fields below it at the given paths (relative to it, all non-empty) changed; arrays are walked through."""
    if not changes:
        return column
    if isinstance(spark, T.ArrayType):
        element = spark.elementType
        return F.transform(column, lambda e: rewrite(e, element, changes))
    if not isinstance(spark, T.StructType):
        return column
    members = rewrite_fields([(f, column.getField(f.name)) for f in spark.fields], changes)
    if not members:
        return F.lit(None).cast(T.NullType())
    return F.when(column.isNotNull(), F.struct(*(c.alias(n) for n, c in members)))


def rewrite_fields(fields: Sequence[tuple[T.StructField, Any]], changes: dict[Path, Leaf]) -> list[tuple[str, Any]]:
    """The named columns of a struct (or of a whole record), changed."""
    members: list[tuple[str, Any]] = []
    for field, value in fields:
        here = next((leaf for path, leaf in changes.items() if len(path) == 1 and path[0].lower() == field.name.lower()), None)
        if here is not None:
            new = here(field.name, value, field.dataType)
            if new is not None:
                members.append(new)
            continue
        below = {path[1:]: leaf for path, leaf in changes.items() if len(path) > 1 and path[0].lower() == field.name.lower()}
        members.append((field.name, rewrite(value, field.dataType, below)))
    return members


def tree_lines(glue: G.DataType, depth: int = 0) -> list[str]:
    """The lines below a type in printSchema()."""
    pad = "|    " * depth + "|-- "
    lines: list[str] = []
    if isinstance(glue, G.StructType):
        for field in glue.fields:
            lines.append(f"{pad}{field.name}: {_word(field.dataType)}")
            lines += tree_lines(field.dataType, depth + 1)
    elif isinstance(glue, G.ArrayType):
        lines.append(f"{pad}element: {_word(glue.elementType)}")
        lines += tree_lines(glue.elementType, depth + 1)
    elif isinstance(glue, G.MapType):
        lines.append(f"{pad}keyType: string")
        lines.append(f"{pad}valueType: {_word(glue.valueType)}")
        lines += tree_lines(glue.valueType, depth + 1)
    elif isinstance(glue, G.ChoiceType):
        for word in sorted(glue.choices):
            lines.append(f"{pad}{_word(glue.choices[word])}")
            lines += tree_lines(glue.choices[word], depth + 1)
    return lines


def _word(glue: G.DataType) -> str:
    return f"decimal({glue.precision},{glue.scale})" if isinstance(glue, G.DecimalType) else glue.typeName()
