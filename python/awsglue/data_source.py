"""DataSource: what GlueContext.getSource answers with.

Where it stands: a small holder of options; `getFrame` hands them to awsglue.sources.
"""

from __future__ import annotations

from typing import Any

from awsglue.dynamicframe import DynamicFrame
from awsglue.errors import IllegalArgumentException, NotImplementedInSolder
from awsglue.records import Records
from awsglue.sources import read_catalog, read_options

__all__ = ["DataSource", "StreamingDataSource"]


class DataSource:
    """A source with its connection type and options."""

    def __init__(
        self,
        glue_context: Any,
        connection_type: str,
        format: str | None,
        transformation_ctx: str,
        push_down_predicate: str,
        options: dict[str, Any],
    ) -> None:
        self._glue_context, self._connection_type, self._format = glue_context, connection_type, format
        self._ctx, self._predicate, self._options = transformation_ctx, push_down_predicate, options
        self._format_options: dict[str, Any] = {}

    def setFormat(self, format: str, **options: Any) -> None:
        """The files' format and its options."""
        self._format, self._format_options = format, options

    def _records(self) -> tuple[Records, str]:
        glue = self._glue_context
        glue._check_bookmark(self._ctx)
        spark = glue.spark_session
        if self._connection_type == "catalog":
            database, table = self._options.get("database"), self._options.get("table_name") or self._options.get("tableName")
            if not database or not table:
                raise IllegalArgumentException("getSource('catalog'): database and table_name are needed")
            records = read_catalog(
                spark, glue._open_catalog(), database, table, self._predicate, dict(self._options.get("additional_options") or {})
            )
            return records, self._ctx or table
        return read_options(spark, self._connection_type, self._options, self._format, self._format_options), self._ctx

    def getFrame(self, **options: Any) -> DynamicFrame:
        """The records; minPartitions and targetPartitions only tune Glue's reader and are left out."""
        records, name = self._records()
        return DynamicFrame(records, self._glue_context, name)

    def getSampleFrame(self, num: int, **options: Any) -> DynamicFrame:
        """At most num records."""
        records, name = self._records()
        return DynamicFrame(records.same(records.df.limit(num)), self._glue_context, name)

    def getDataFrame(self) -> Any:
        """The records as a DataFrame; a DataFrame has no choices: a value that does not fit its column's type is null (decided here)."""
        return self._records()[0].forced().df


class StreamingDataSource:
    """Not implemented yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedInSolder("StreamingDataSource")

    def setFormat(self, format: str, **options: Any) -> None:
        """Not implemented yet."""

    def getFrame(self) -> Any:
        """Not implemented yet."""
