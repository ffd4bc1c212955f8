"""Writing: good records to files in a format, with Glue's options.

Where it stands: GlueContext, DataSink and the writers call `write_options` and `write_catalog`; both use Spark's own writers only.
Invariant: a write adds files to its target (mode append), as Glue's S3 sink does; all of a write becomes visible at once where the engine's does.
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import functions as F

from awsglue.catalog import Catalog, read_table
from awsglue.errors import IllegalArgumentException, NotImplementedInSolder
from awsglue.records import Records
from awsglue.schemas import find_field, quoted
from awsglue.sources import csv_dialect, one_character, truth, unknown_format

__all__ = ["write_catalog", "write_options"]

_CONNECTIONS = ("s3", "file", "parquet", "orc", "csv", "json", "avro")
_FORMATS = ("parquet", "orc", "csv", "json", "avro")
_COMPRESSION = {
    "gzip": "gzip",
    "bzip2": "bzip2",
    "snappy": "snappy",
    "lzo": "lzo",
    "uncompressed": "uncompressed",
    "none": "none",
    "zstd": "zstd",
    "lz4": "lz4",
    "zlib": "zlib",
    "deflate": "deflate",
}


def _csv_options(options: dict[str, Any]) -> dict[str, Any]:
    quote = str(options.get("quoteChar", '"'))
    quote = "" if quote == "-1" else one_character(quote, "quoteChar")
    escaper = options.get("escaper")
    return {
        "sep": one_character(options.get("separator", ","), "separator"),
        "quote": quote,
        "escape": one_character(escaper, "escaper") if escaper else (quote or ""),
        "header": truth(options.get("writeHeader", True)),
        "emptyValue": "",
    }


def _partition_keys(options: dict[str, Any], names: list[str] | None) -> list[str]:
    keys = options.get("partitionKeys") or []
    if isinstance(keys, str):
        keys = [keys]
    missing = next((k for k in keys if names is not None and k not in names), None)
    if missing is not None:
        raise IllegalArgumentException(f"partitionKeys: there is no field {missing!r}; the frame has {', '.join(names or ())}")
    return list(keys)


def _refuse_catalog_update(options: dict[str, Any]) -> None:
    if truth(options.get("enableUpdateCatalog", False)):
        raise NotImplementedInSolder(
            "the sink option enableUpdateCatalog", "write the files, then `solder catalog import` the table or partition"
        )


def write_options(
    records: Records, connection_type: str, connection_options: dict[str, Any], format: str | None, format_options: dict[str, Any]
) -> None:
    """Write the good records below a path."""
    kind = (connection_type or "").lower()
    if kind not in _CONNECTIONS:
        raise NotImplementedInSolder(f"writing connection_type={connection_type!r}", "s3, file, parquet and orc are")
    _refuse_catalog_update(connection_options)
    path = connection_options.get("path")
    if not path:
        raise IllegalArgumentException(f'connection_options of {kind}: "path" is missing')
    name = (format or (kind if kind not in ("s3", "file") else "")).lower()
    if name == "glueparquet":
        name = "parquet"
    if not name:
        raise IllegalArgumentException(f"writing {path}: format is missing: parquet, csv, json, orc or avro")
    if name not in _FORMATS:
        raise unknown_format("writing", name)
    records = records.settled()
    records.check()
    asked = connection_options.get("partitionKeys")
    writer = records.df.write.format(name).mode("append")
    keys = _partition_keys(connection_options, records.names if asked else None)
    if keys:
        writer = writer.partitionBy(*keys)
    compression = connection_options.get("compression") or format_options.get("compression") or connection_options.get("compressionType")
    if compression:
        if str(compression).lower() not in _COMPRESSION:
            raise IllegalArgumentException(f"compression={compression!r}: one of {', '.join(_COMPRESSION)}")
        writer = writer.option("compression", _COMPRESSION[str(compression).lower()])
    options = _csv_options(format_options) if name == "csv" else {}
    for glue, spark in (("blockSize", "parquet.block.size"), ("pageSize", "parquet.page.size")):
        if name == "parquet" and format_options.get(glue):
            options[spark] = format_options[glue]
    writer.options(**options).save(path)


def write_catalog(records: Records, catalog: Catalog, database: str, name: str, options: dict[str, Any]) -> None:
    """Write the good records into a table's location, in its format and by its partition keys.

    Decided here: fields are matched to the table's columns by name, in any case; a table column that the frame lacks is left out of the
    files, and a field that the table lacks is an error that names it.  csv columns are written in the table's order, since order is all a
    csv has.  The new partitions are not registered (Glue too does that only with enableUpdateCatalog).
    """
    _refuse_catalog_update(options)
    table = read_table(catalog, database, name)
    records = records.settled()
    schema = records.schema
    wanted = {n.lower() for n, _ in table.columns + table.keys}
    foreign = next((n for n in records.names if n.lower() not in wanted), None)
    if foreign is not None:
        raise IllegalArgumentException(
            f"table {table.label} has no column {foreign!r}: its columns are {', '.join(n for n, _ in table.columns + table.keys)}"
        )
    columns = []
    for column, spark_type in table.columns + table.keys:
        field = find_field(schema, column)
        if field is not None:
            columns.append(F.col(quoted(field.name)).alias(column))
        elif (column, spark_type) in table.keys:
            raise IllegalArgumentException(f"table {table.label}: the frame has no field for the partition key {column!r}")
        elif table.format == "csv":
            columns.append(F.lit(None).cast(spark_type).alias(column))
    format_options: dict[str, Any] = {}
    if table.format == "csv":
        separator, quote, escape = csv_dialect(table)
        format_options = {
            "separator": separator,
            "quoteChar": quote or "-1",
            "escaper": escape,
            "writeHeader": table.option("skip.header.line.count") == "1",
        }
    connection = {
        **{k: v for k, v in options.items() if k != "partitionKeys"},
        "path": table.location,
        "partitionKeys": [n for n, _ in table.keys],
    }
    write_options(records.same(records.df.select(*columns)).reschemed(), "s3", connection, table.format, format_options)
