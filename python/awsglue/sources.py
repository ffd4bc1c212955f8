"""Reading: a format with Glue's options, or a catalog table, as `Records`.

Where it stands: GlueContext, DataSource and the readers call `read_options` and `read_catalog`; both use Spark's own readers only.
Invariant: no scan.  What is asked of the engine is a schema, and only where nothing else tells it.

Decided here, because nothing public settles it:
* A csv table is read as Glue's csv reader reads it, with quotes, whatever its SerDe: quoteChar of the SerDe or table, else '"'; -1 is none.
  Inside quotes a doubled quote is a quote, unless an escape character is set (escape.delim, escapeChar): then that one escapes.
* A blank cell of a string column is the empty string, not null; of any other column it is null.  serialization.null.format, when the
  SerDe has it, names the text that is null.
* A short line's missing cells are blank, a long line's further cells are left out: neither makes an error record.
* A malformed JSON line is one error record; the lines around it are kept (Glue's own reader also swallows the line after it).
* A json table's value that does not fit its column's type makes the field a choice, as in csv; json without a table is typed by Spark,
  where a field whose values disagree is a string.
* Spark tells a text file's compression by its name only.  compressionType of csv and json is held against the files' names: a file without the
  ending is an error that names it, where Spark would read its bytes as text.
* Parquet, ORC and Avro tables have the types of their files, since those describe themselves; the catalog's types serve when there is no file.
"""

from __future__ import annotations

import json
from typing import Any, Callable
from urllib.parse import quote as url_quote

from pyspark.sql import functions as F
from pyspark.sql import types as T

from awsglue import gluetypes as G
from awsglue.catalog import Catalog, Partition, Table, read_partitions, read_table
from awsglue.errors import IllegalArgumentException, NotImplementedInSolder
from awsglue.records import ErrorPart, Records, call_site, union_all
from awsglue.schemas import find_field, quoted, spark_type_of_glue

__all__ = ["FILE_CONNECTIONS", "read_catalog", "read_options"]

FILE_CONNECTIONS = ("s3", "file", "parquet", "orc", "csv", "json", "avro")
_OTHER_FORMATS = ("xml", "ion", "groklog", "hudi", "iceberg", "delta")
_SPARK_FORMATS = ("parquet", "orc", "avro")
_COMPRESSED = {"gzip": ".gz", "bzip2": ".bz2", "none": "", "uncompressed": ""}
_CORRUPT = "_corrupt_record"
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def truth(value: Any) -> bool:
    """An option's truth: True, "true"."""
    return str(value).strip().lower() == "true"


def one_character(value: str, option: str) -> str:
    """A separator or quote as one character; \\t, \\u0001 and \\001 may be spelled out."""
    text = str(value)
    if len(text) > 1 and text.startswith("\\"):
        if text in ("\\t", "\\n", "\\r", "\\\\"):
            return {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[text[1]]
        if text[1] == "u" and len(text) == 6:
            return chr(int(text[2:], 16))
        if text[1:].isdigit():
            return chr(int(text[1:], 8))
    if len(text) != 1:
        raise IllegalArgumentException(f"{option}={text!r}: must be one character")
    return text


# ---- csv ---------------------------------------------------------------------------------------------------------------------------


def csv_options(
    separator: str, quote: str, escape: str | None, header: bool, multi_line: bool = False, encoding: str | None = None
) -> dict[str, Any]:
    """Spark's options for a csv with Glue's settings."""
    options: dict[str, Any] = {
        "sep": separator,
        "quote": quote,
        "escape": escape if escape is not None else (quote or ""),
        "header": header,
    }
    if multi_line:
        options["multiLine"] = True
    if encoding:
        options["encoding"] = encoding
    return options


def _blank_strings(df: Any, names: list[str], strings: set[str], null_text: str | None) -> Any:
    """Spark reads a blank cell as null: give string columns their empty string back, and take the table's word for null."""
    if not strings:
        return df
    columns = []
    for name in names:
        column = F.col(quoted(name))
        if name in strings:
            value = F.coalesce(column, F.lit(""))
            column = (F.when(value != null_text, value) if null_text is not None else value).alias(name)
        columns.append(column)
    return df.select(*columns)


def _read_csv_table(
    spark: Any, table: Table, paths: list[str], columns: list[tuple[str, T.DataType]], base: str | None
) -> tuple[Any, dict[str, T.DataType]]:
    """A csv table's files as text columns, and the declared types that wait to be looked at."""
    nested = next((name for name, t in table.columns if isinstance(t, (T.StructType, T.ArrayType, T.MapType))), None)
    if nested is not None:
        raise NotImplementedInSolder(f"table {table.label}: column {nested} of a nested type in a csv table")
    lines = table.option("skip.header.line.count") or "0"
    if not lines.isdigit() or int(lines) > 1:
        raise NotImplementedInSolder(f"table {table.label}: skip.header.line.count={lines}", "0 and 1 are")
    separator, quote, escape = csv_dialect(table)
    options = csv_options(separator, quote, escape, lines == "1", encoding=table.option("serialization.encoding", "encoding"))
    schema = T.StructType([T.StructField(n, T.StringType()) for n, _ in table.columns] + [T.StructField(n, t) for n, t in columns])
    df = _reader(spark, "csv", options, base).schema(schema).load(paths)
    text = {n: t for n, t in table.columns if not isinstance(t, T.StringType)}
    strings = {n for n, t in table.columns if isinstance(t, T.StringType)}
    null_text = table.serde_parameters.get("serialization.null.format")
    return _blank_strings(df, schema.fieldNames(), strings, null_text), text


def csv_dialect(table: Table) -> tuple[str, str, str | None]:
    """A csv table's separator, quote ("" for none) and escape character (None for none)."""
    separator = table.option("field.delim", "separatorChar", "delimiter")
    if separator is None:
        by_hive = table.serde == "LazySimpleSerDe" and table.parameters.get("classification") != "csv"
        separator = "\x01" if by_hive else ","
    quote = table.option("quoteChar") or '"'
    escape = table.option("escape.delim", "escapeChar")
    return (
        one_character(separator, f"table {table.label}: separator"),
        "" if quote == "-1" else one_character(quote, f"table {table.label}: quoteChar"),
        None if escape is None else one_character(escape, f"table {table.label}: escape"),
    )


def _read_csv_options(spark: Any, paths: list[str], options: dict[str, Any], extra: dict[str, Any]) -> Records:
    separator = one_character(options.get("separator", ","), "separator")
    quote = str(options.get("quoteChar", '"'))
    quote = "" if quote == "-1" else one_character(quote, "quoteChar")
    escape = options.get("escaper")
    with_header, skip_first = truth(options.get("withHeader", False)), truth(options.get("skipFirst", False))
    spark_options = csv_options(
        separator,
        quote,
        None if escape in (None, "") else one_character(escape, "escaper"),
        with_header or skip_first,
        truth(options.get("multiLine", options.get("multiline", False))),
    )
    df = spark.read.format("csv").options(**spark_options, **extra).load(paths)
    names = df.columns
    if not with_header:
        names = [f"col{i}" for i in range(len(names))]
        df = df.toDF(*names)
    schema = T.StructType([T.StructField(n, T.StringType()) for n in names])
    return Records(_blank_strings(df, names, set(names), None), schema)


# ---- json --------------------------------------------------------------------------------------------------------------------------


def _split_corrupt(df: Any, names: list[str], site: str, info: str) -> tuple[Any, ErrorPart]:
    """The good records of a json source, and its malformed lines as error records.

    Spark refuses a query that reads the corrupt column alone (such as a count), so the conditions read another column too, in a way that
    can't be optimised away and changes nothing.
    """
    corrupt = F.col(_CORRUPT)
    other = F.length(F.coalesce(F.col(quoted(names[0])).cast("string"), F.lit(""))) if names else F.lit(0)
    good = df.filter(corrupt.isNull() | (other < 0)).select(*(F.col(quoted(n)) for n in names))
    message = F.lit("malformed JSON record")
    bad = df.filter(corrupt.isNotNull() & (other >= 0))
    errors = bad.select(
        message.alias("msg"), F.concat(message, F.lit(": "), corrupt).alias("exception"), F.struct(corrupt.alias("line")).alias("record")
    )
    return good, ErrorPart(lambda: errors, site, info)


def _read_json_table(
    spark: Any, table: Table, paths: list[str], columns: list[tuple[str, T.DataType]], base: str | None
) -> tuple[Any, dict[str, T.DataType], ErrorPart]:
    """A json table's files: scalars as text, so that a value of another type is not lost, and malformed lines apart."""
    keys = {k[len("mapping.") :]: v for k, v in table.serde_parameters.items() if k.startswith("mapping.")}
    fields, text = [], {}
    for name, spark_type in table.columns:
        scalar = not isinstance(spark_type, (T.StructType, T.ArrayType, T.MapType))
        if scalar and not isinstance(spark_type, T.StringType):
            text[name] = spark_type
        fields.append(T.StructField(keys.get(name, name), T.StringType() if scalar else spark_type))
    partition_fields = [T.StructField(n, t) for n, t in columns]
    schema = T.StructType([*fields, T.StructField(_CORRUPT, T.StringType()), *partition_fields])
    df = _reader(spark, "json", {"columnNameOfCorruptRecord": _CORRUPT}, base).schema(schema).load(paths)
    names = [f.name for f in fields + partition_fields]
    good, bad = _split_corrupt(df, names, call_site(), f"reading {table.label}")
    if keys:
        good = good.toDF(*[n for n, _ in table.columns], *[n for n, _ in columns])
    return good, text, bad


def _read_json_options(spark: Any, paths: list[str], options: dict[str, Any], extra: dict[str, Any]) -> Records:
    if options.get("jsonPath") not in (None, "", "$", "$[*]"):
        raise NotImplementedInSolder(f"format json with jsonPath={options['jsonPath']!r}")
    spark_options: dict[str, Any] = {"columnNameOfCorruptRecord": _CORRUPT}
    if truth(options.get("multiline", options.get("multiLine", False))):
        spark_options["multiLine"] = True
    reader = spark.read.format("json").options(**spark_options, **extra)
    if options.get("withSchema"):
        wanted = spark_type_of_glue(G.DataType.fromJsonValue(json.loads(options["withSchema"])))
        if not isinstance(wanted, T.StructType):
            raise IllegalArgumentException("withSchema: must be the JSON of a StructType")
        schema = T.StructType([*wanted.fields, T.StructField(_CORRUPT, T.StringType())])
        df = reader.schema(schema).load(paths)
    else:
        df = reader.load(paths)
        schema = df.schema
    fields = [f for f in schema.fields if f.name != _CORRUPT]
    if len(fields) == len(schema.fields):
        return Records(df, schema)
    good, bad = _split_corrupt(df, [f.name for f in fields], call_site(), "reading json")
    return Records(good, T.StructType(fields), errors=(bad,), stage=(bad,))


# ---- options -----------------------------------------------------------------------------------------------------------------------


def unknown_format(what: str, name: str) -> Exception:
    """The error for a format: one of Glue's that is not there yet, or none at all."""
    if name in _OTHER_FORMATS:
        return NotImplementedInSolder(f"{what} format={name!r}", "csv, json, parquet, orc and avro are")
    return IllegalArgumentException(f"{what}: there is no format {name!r}: use csv, json, parquet, orc or avro")


def _paths(connection_type: str, options: dict[str, Any]) -> list[str]:
    found = options.get("paths", options.get("path"))
    if isinstance(found, str):
        found = json.loads(found) if found.lstrip().startswith("[") else [found]
    if not found:
        raise IllegalArgumentException(f'connection_options of {connection_type}: "paths" (a list) or "path" is missing')
    return list(found)


def _check_source_options(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse what would change the result and is not there yet; what only tunes Glue's reader is left out."""
    excluded = options.get("exclusions")
    if excluded and excluded not in ("[]", []):
        raise NotImplementedInSolder("the source option exclusions", "list the wanted folders in paths")
    for name in ("boundedFiles", "boundedSize"):
        if options.get(name):
            raise NotImplementedInSolder(f"the source option {name}")
    return {"recursiveFileLookup": "true"} if truth(options.get("recurse", False)) else {}


def _check_compression(df: Any, options: dict[str, Any]) -> None:
    """Refuse compressed text whose names do not say so."""
    asked = str(options.get("compressionType") or options.get("compression") or "none").lower()
    if asked not in _COMPRESSED:
        raise IllegalArgumentException(f"compressionType={asked!r}: one of {', '.join(_COMPRESSED)}")
    ending = _COMPRESSED[asked]
    unnamed = next((path for path in df.inputFiles() if not path.endswith(ending)), None) if ending else None
    if unnamed is not None:
        raise IllegalArgumentException(
            f"compressionType={asked!r}: {unnamed} does not end with {ending}: rename it, since its name tells the compression"
        )


def read_options(
    spark: Any, connection_type: str, connection_options: dict[str, Any], format: str | None, format_options: dict[str, Any]
) -> Records:
    """Files in a format, with Glue's options."""
    kind = (connection_type or "").lower()
    if kind not in FILE_CONNECTIONS:
        raise NotImplementedInSolder(
            f"reading connection_type={connection_type!r}", "s3, file, parquet and orc are; from_catalog reads tables"
        )
    name = (format or (kind if kind not in ("s3", "file") else "")).lower()
    extra = _check_source_options(connection_options)
    paths = _paths(kind, connection_options)
    if name in ("csv", "json"):
        read = _read_csv_options if name == "csv" else _read_json_options
        records = read(spark, paths, format_options, extra)
        _check_compression(records.df, connection_options)
        return records
    if name in _SPARK_FORMATS:
        passed = {
            k: str(v) for k, v in {**connection_options, **format_options}.items() if k in ("mergeSchema", "basePath", "pathGlobFilter")
        }
        return Records(spark.read.format(name).options(**passed, **extra).load(paths))
    if not name:
        raise IllegalArgumentException(f"reading {paths[0]}: format is missing: csv, json, parquet, orc or avro")
    raise unknown_format("reading", name)


# ---- catalog -----------------------------------------------------------------------------------------------------------------------


def _reader(spark: Any, format: str, options: dict[str, Any], base: str | None) -> Any:
    reader = spark.read.format(format).options(**options)
    return reader.option("basePath", base) if base else reader


def _partition_value(text: str, spark_type: T.DataType) -> Any:
    column = F.lit(None if text == _HIVE_NULL else text)
    return column if isinstance(spark_type, T.StringType) and text != _HIVE_NULL else column.cast(spark_type)


def prune(spark: Any, table: Table, partitions: list[Partition], predicates: list[str]) -> list[Partition]:
    """The partitions for which all predicates (Spark SQL over the partition keys) are true."""
    predicates = [p for p in predicates if p and p.strip()]
    if not predicates:
        return partitions
    keys = ", ".join(n for n, _ in table.keys)
    if not table.keys:
        raise IllegalArgumentException(
            f"table {table.label}: the predicate {predicates[0]!r} can not be resolved against partition columns: it has none"
        )
    if not partitions:
        return []
    schema = T.StructType([T.StructField("__at", T.IntegerType())] + [T.StructField(n, T.StringType()) for n, _ in table.keys])
    rows = [(i, *(None if v == _HIVE_NULL else v for v in p.values)) for i, p in enumerate(partitions)]
    df = spark.createDataFrame(rows, schema).select("__at", *(F.col(quoted(n)).cast(t).alias(n) for n, t in table.keys))
    try:
        for predicate in predicates:
            df = df.filter(F.expr(predicate))
        kept = {row[0] for row in df.select("__at").collect()}
    except Exception as e:
        first = str(e).split("\n", 1)[0]
        raise IllegalArgumentException(
            f"table {table.label}: the predicate {predicates[0]!r} can not be resolved against partition columns ({keys}): {first}"
        ) from None
    return [p for i, p in enumerate(partitions) if i in kept]


def _hive_location(table: Table, partition: Partition) -> bool:
    """True when the partition lies where Spark itself would find and name it."""
    folders = "/".join(f"{k}={url_quote(v, safe=' ,;()[]@!$&+-._~')}" for (k, _), v in zip(table.keys, partition.values))
    return partition.location.rstrip("/") == f"{table.location.rstrip('/')}/{folders}"


# Reads a table's files at some places, with these further columns found in the folders' names.
_Part = Callable[[list[str], list[tuple[str, T.DataType]], Any], tuple[Any, dict[str, T.DataType], tuple[ErrorPart, ...]]]


def _part_reader(spark: Any, table: Table, options: dict[str, Any]) -> _Part:
    def csv(paths: list[str], columns: list[tuple[str, T.DataType]], base: str | None) -> tuple:
        df, text = _read_csv_table(spark, table, paths, columns, base)
        _check_compression(df, options)
        return df, text, ()

    def json_(paths: list[str], columns: list[tuple[str, T.DataType]], base: str | None) -> tuple:
        df, text, bad = _read_json_table(spark, table, paths, columns, base)
        _check_compression(df, options)
        return df, text, (bad,)

    def own(paths: list[str], columns: list[tuple[str, T.DataType]], base: str | None) -> tuple:
        return _read_described(spark, table, paths, columns, base), {}, ()

    return csv if table.format == "csv" else json_ if table.format == "json" else own


def _read_described(spark: Any, table: Table, paths: list[str], columns: list[tuple[str, T.DataType]], base: str | None) -> Any:
    """Files that tell their own schema; that of the first place holds for all, as in Spark."""
    declared = T.StructType([T.StructField(n, t) for n, t in table.columns])
    try:
        found = spark.read.format(table.format).load(paths[0])
        schema = found.schema
    except Exception as e:
        if "UNABLE_TO_INFER_SCHEMA" not in str(e) and "Unable to infer schema" not in str(e):
            raise
        found, schema = None, declared
    if found is not None and len(paths) == 1 and not columns:
        return found
    fields = [f for f in schema.fields if f.name.lower() not in {n.lower() for n, _ in columns}]
    whole = T.StructType([*fields, *(T.StructField(n, t) for n, t in columns)])
    return _reader(spark, table.format, {}, base).schema(whole).load(paths)


def _empty(spark: Any, table: Table) -> Records:
    fields = [T.StructField(n, t) for n, t in table.columns + table.keys]
    schema = T.StructType(fields)
    return Records(lambda: spark.createDataFrame([], schema), schema)


def read_catalog(spark: Any, catalog: Catalog, database: str, name: str, push_down_predicate: str, options: dict[str, Any]) -> Records:
    """A catalog table's records, of the partitions that the predicates leave."""
    table = read_table(catalog, database, name)
    settings = {**table.parameters, **options}
    _check_source_options({**settings, "recurse": "false"})
    predicates = [push_down_predicate, str(options.get("catalogPartitionPredicate") or "")]
    read = _part_reader(spark, table, settings)
    if not table.keys:
        prune(spark, table, [], predicates)
        df, text, bad = read([table.location], [], None)
        schema = None if table.format in _SPARK_FORMATS else _text_schema(table)
        return Records(df, schema, text, errors=bad, stage=bad)
    partitions = prune(spark, table, read_partitions(catalog, table), predicates)
    if not partitions:
        return _empty(spark, table)
    if len(partitions) > 1 and all(_hive_location(table, p) for p in partitions):
        df, text, bad = read([p.location for p in partitions], list(table.keys), table.location)
    else:
        parts = []
        bad = ()
        for partition in partitions:
            part, text, part_bad = read([partition.location], [], None)
            values = (_partition_value(v, t).alias(n) for (n, t), v in zip(table.keys, partition.values))
            parts.append(part.select(*(F.col(quoted(c)) for c in _own_columns(part, table)), *values))
            bad += part_bad
        df = union_all(parts)
    return Records(df, None if table.format in _SPARK_FORMATS else _text_schema(table), text, errors=bad, stage=bad)


def _own_columns(part: Any, table: Table) -> list[str]:
    if table.format not in _SPARK_FORMATS:
        return [n for n, _ in table.columns]
    keys = T.StructType([T.StructField(n, t) for n, t in table.keys])
    return [n for n in part.columns if find_field(keys, n) is None]


def _text_schema(table: Table) -> T.StructType:
    """The schema of a csv or json table as it is read: scalars as text, then the partition keys."""
    nested = (T.StructType, T.ArrayType, T.MapType)
    fields = [T.StructField(n, t if isinstance(t, nested) else T.StringType()) for n, t in table.columns]
    return T.StructType([*fields, *(T.StructField(n, t) for n, t in table.keys)])
