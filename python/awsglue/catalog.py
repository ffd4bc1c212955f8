"""The Data Catalog as a job sees it: AWS's own Table and Partition objects, and what they say of files, formats and types.

Where it stands: sources and sinks ask here.  On the embedded engine the objects come from its data source `solder.catalog`; on a Spark cluster
from the Glue API, by the endpoint and key in the environment; or, when the user says so, from a file in the form that
`solder catalog export` prints, named by SOLDER_CATALOG_FILE.
Invariant: the objects are never changed; names are compared in lower case, as Glue stores them.
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any, Protocol

from pyspark.sql import types as T

from awsglue.errors import EntityNotFoundException, GlueException, IllegalArgumentException, NotImplementedInSolder
from awsglue.glueapi import GlueApi, GlueApiError
from awsglue.schemas import spark_type

__all__ = ["Catalog", "Partition", "Table", "open_catalog", "read_table"]

_SERDES = {
    "org.apache.hadoop.hive.serde2.lazy.lazysimpleserde": "csv",
    "org.apache.hadoop.hive.serde2.opencsvserde": "csv",
    "org.openx.data.jsonserde.jsonserde": "json",
    "org.apache.hive.hcatalog.data.jsonserde": "json",
    "org.apache.hadoop.hive.serde2.jsonserde": "json",
    "org.apache.hadoop.hive.ql.io.parquet.serde.parquethiveserde": "parquet",
    "org.apache.hadoop.hive.ql.io.orc.orcserde": "orc",
    "org.apache.hadoop.hive.serde2.avro.avroserde": "avro",
}
_FORMATS = ("csv", "json", "parquet", "orc", "avro")


class Catalog(Protocol):
    """Where Table, Partition and Database objects come from."""

    def table(self, database: str, name: str) -> dict[str, Any]:
        """The Table object; EntityNotFoundException when there is none."""

    def partitions(self, database: str, name: str) -> list[dict[str, Any]]:
        """The Partition objects of a table."""


class _FileCatalog:
    """A catalog export: {"Databases": [...], "Tables": [...], "Partitions": [...]}."""

    def __init__(self, path: str) -> None:
        self._path = path

    def _entries(self, kind: str) -> list[dict[str, Any]]:
        """The file is read again each time: the job or somebody else may have added to it."""
        try:
            with open(self._path, encoding="utf-8") as source:
                content = json.load(source)
        except OSError as e:
            raise GlueException(f"SOLDER_CATALOG_FILE: cannot read {self._path}: {e.strerror}") from None
        except ValueError as e:
            raise GlueException(f"SOLDER_CATALOG_FILE: {self._path} is not JSON: {e}") from None
        return content.get(kind) or []

    def table(self, database: str, name: str) -> dict[str, Any]:
        for table in self._entries("Tables"):
            if (table["DatabaseName"].lower(), table["Name"].lower()) == (database.lower(), name.lower()):
                return table
        raise _not_found(database, name, any(d["Name"].lower() == database.lower() for d in self._entries("Databases")))

    def partitions(self, database: str, name: str) -> list[dict[str, Any]]:
        wanted = (database.lower(), name.lower())
        return [p for p in self._entries("Partitions") if (p["DatabaseName"].lower(), p["TableName"].lower()) == wanted]


class _EngineCatalog:
    """The embedded engine's catalog."""

    def __init__(self, spark: Any) -> None:
        self._spark = spark

    def _load(self, kind: str, database: str, name: str) -> list[dict[str, Any]] | None:
        """The entries; None when the catalog says that there is no such entity."""
        reader = self._spark.read.format("solder.catalog").option("kind", kind).option("database", database).option("table", name)
        try:
            return [json.loads(row[0]) for row in reader.load().collect()]
        except Exception as e:
            if "EntityNotFoundException" not in str(e):
                raise
            return None

    def table(self, database: str, name: str) -> dict[str, Any]:
        found = self._load("table", database.lower(), name.lower())
        if not found:
            raise _not_found(database, name, bool(self._load("database", database.lower(), "")))
        return found[0]

    def partitions(self, database: str, name: str) -> list[dict[str, Any]]:
        return self._load("partitions", database.lower(), name.lower()) or []


class _GlueCatalog:
    """The Data Catalog behind the Glue API."""

    def __init__(self) -> None:
        self._glue = GlueApi()

    def _find(self, operation: str, member: str, **names: str) -> dict[str, Any] | None:
        """The entity; None when there is none."""
        try:
            return dict(self._glue.call(operation, **names)[member])
        except GlueApiError as e:
            if e.code != "EntityNotFoundException":
                raise
            return None

    def table(self, database: str, name: str) -> dict[str, Any]:
        found = self._find("GetTable", "Table", DatabaseName=database.lower(), Name=name.lower())
        if found is None:
            raise _not_found(database, name, self._find("GetDatabase", "Database", Name=database.lower()) is not None)
        return found

    def partitions(self, database: str, name: str) -> list[dict[str, Any]]:
        return list(self._glue.pages("GetPartitions", "Partitions", DatabaseName=database.lower(), TableName=name.lower()))


def _not_found(database: str, name: str, has_database: bool) -> EntityNotFoundException:
    if has_database:
        return EntityNotFoundException(
            f"table {database}.{name} is not in the Data Catalog: `solder catalog list` shows what is, `solder catalog import` adds to it"
        )
    return EntityNotFoundException(
        f"database {database} (of table {database}.{name}) is not in the Data Catalog: `solder catalog list` shows what is"
    )


def open_catalog(spark: Any) -> Catalog:
    """The catalog for a session: the file that SOLDER_CATALOG_FILE names, the embedded engine's on the engine, else the Glue API's."""
    path = os.environ.get("SOLDER_CATALOG_FILE")
    if path:
        return _FileCatalog(path)
    if os.environ.get("SOLDER_ENGINE") == "1":
        return _EngineCatalog(spark)
    if os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_GLUE"):
        return _GlueCatalog()
    raise GlueException(
        "there is no Data Catalog here: run the job with `solder run` or as a Glue job, set AWS_ENDPOINT_URL to a server with the Glue API, or"
        " SOLDER_CATALOG_FILE to what `solder catalog export` printed"
    )


@dataclasses.dataclass(frozen=True)
class Partition:
    """One registered partition."""

    values: tuple[str, ...]
    location: str


@dataclasses.dataclass(frozen=True)
class Table:
    """What a Table object says, in the words of this package."""

    database: str
    name: str
    location: str
    format: str
    columns: tuple[tuple[str, T.DataType], ...]
    keys: tuple[tuple[str, T.DataType], ...]
    serde: str
    serde_parameters: dict[str, str]
    parameters: dict[str, str]

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"{self.database}.{self.name}"

    def option(self, *names: str) -> str | None:
        """The first of these settings that the SerDe or the table has."""
        for name in names:
            for where in (self.serde_parameters, self.parameters):
                if where.get(name) not in (None, ""):
                    return where[name]
        return None


def _columns(entries: list[dict[str, Any]], label: str) -> tuple[tuple[str, T.DataType], ...]:
    found = []
    for entry in entries:
        try:
            found.append((entry["Name"], spark_type(entry.get("Type") or "string")))
        except IllegalArgumentException as e:
            raise IllegalArgumentException(f"table {label}, column {entry['Name']}: {e}") from None
    return tuple(found)


def read_table(catalog: Catalog, database: str, name: str) -> Table:
    """The table of that name, checked for what this package can read and write."""
    raw = catalog.table(database, name)
    label = f"{database}.{name}"
    storage = raw.get("StorageDescriptor") or {}
    serde = (storage.get("SerdeInfo") or {}).get("SerializationLibrary") or ""
    parameters = {**(storage.get("Parameters") or {}), **(raw.get("Parameters") or {})}
    if raw.get("TableType") == "VIRTUAL_VIEW":
        raise NotImplementedInSolder(f"table {label} is a view")
    if parameters.get("table_type", "").upper() == "ICEBERG" or "connectionName" in parameters:
        raise NotImplementedInSolder(f"table {label} of type {parameters.get('table_type') or parameters.get('classification') or 'JDBC'}")
    kind = _SERDES.get(serde.lower()) or (parameters.get("classification") or "").lower()
    if serde and serde.lower() not in _SERDES and kind not in _FORMATS:
        raise NotImplementedInSolder(f"table {label} with SerDe {serde}")
    if kind not in _FORMATS:
        raise NotImplementedInSolder(
            f"table {label} of classification {kind!r}" if kind else f"table {label} with neither a SerDe nor a classification"
        )
    location = storage.get("Location") or ""
    if not location:
        raise IllegalArgumentException(f"table {label} has no Location: set StorageDescriptor.Location to the s3:// path of its files")
    return Table(
        raw.get("DatabaseName") or database,
        raw.get("Name") or name,
        location,
        kind,
        _columns(storage.get("Columns") or [], label),
        _columns(raw.get("PartitionKeys") or [], label),
        serde.rsplit(".", 1)[-1],
        dict((storage.get("SerdeInfo") or {}).get("Parameters") or {}),
        parameters,
    )


def read_partitions(catalog: Catalog, table: Table) -> list[Partition]:
    """The table's registered partitions, in the order of their values."""
    found = []
    for raw in catalog.partitions(table.database, table.name):
        values = tuple(raw.get("Values") or ())
        if len(values) != len(table.keys):
            raise IllegalArgumentException(
                f"table {table.label}: a partition has {len(values)} values for {len(table.keys)} partition keys"
            )
        default = "/".join([table.location.rstrip("/"), *(f"{k}={v}" for (k, _), v in zip(table.keys, values))])
        found.append(Partition(values, (raw.get("StorageDescriptor") or {}).get("Location") or default))
    return sorted(found, key=lambda p: p.values)
