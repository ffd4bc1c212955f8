"""DataSink: what GlueContext.getSink answers with.

Where it stands: a small holder of options; `write` hands them to awsglue.sinks.
"""

from __future__ import annotations

from typing import Any

from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.errors import IllegalArgumentException, NotImplementedInSolder
from awsglue.sinks import write_catalog, write_options
from awsglue.sources import truth

__all__ = ["DataSink"]


class DataSink:
    """A target with its connection type and options."""

    def __init__(
        self, glue_context: Any, connection_type: str, format: str | None, transformation_ctx: str, options: dict[str, Any]
    ) -> None:
        self._glue_context, self._connection_type, self._format = glue_context, connection_type, format
        self._ctx, self._options = transformation_ctx, options
        self._format_options: dict[str, Any] = {}
        self._table: tuple[str, str] | None = None

    def setFormat(self, format: str, **options: Any) -> None:
        """The files' format and its options."""
        self._format, self._format_options = format, options

    def setAccumulableSize(self, size: int) -> None:
        """How many error records Glue's sink keeps: all are kept here, so the size changes nothing."""

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        """The table that enableUpdateCatalog would create or update."""
        self._table = (catalogDatabase, catalogTableName)
        if truth(self._options.get("enableUpdateCatalog", False)):
            raise NotImplementedInSolder(
                "DataSink.setCatalogInfo with enableUpdateCatalog", "write the files, then `solder catalog import` the table or partition"
            )

    def writeFrame(self, dynamic_frame: DynamicFrame, info: str = "") -> DynamicFrame:
        """Write a frame; the frame <name>_errors."""
        return self.write(dynamic_frame, info)

    def writeDataFrame(self, data_frame: Any, glue_context: Any, info: str = "") -> DynamicFrame:
        """Write a DataFrame."""
        return self.write(DynamicFrame.fromDF(data_frame, glue_context, self._ctx), info)

    def write(self, frame_or_dfc: Any, info: str = "") -> Any:
        """Write a frame, or each frame of a collection below a folder of its name."""
        from awsglue.context import _errors_of

        if isinstance(frame_or_dfc, DynamicFrameCollection):
            for name in frame_or_dfc.keys():
                self._write_one(frame_or_dfc[name], name)
        elif isinstance(frame_or_dfc, DynamicFrame):
            self._write_one(frame_or_dfc, None)
        else:
            raise TypeError(
                f"a sink writes a DynamicFrame or a DynamicFrameCollection, not {type(frame_or_dfc).__name__}: use DynamicFrame.fromDF for a DataFrame"
            )
        return _errors_of(frame_or_dfc)

    def _write_one(self, frame: DynamicFrame, folder: str | None) -> None:
        options = dict(self._options)
        if self._connection_type == "catalog":
            database, table = options.pop("database", None), options.pop("table_name", None)
            if not database or not table:
                raise IllegalArgumentException("getSink('catalog'): database and table_name are needed")
            write_catalog(
                frame._records, self._glue_context._open_catalog(), database, table, options.pop("additional_options", None) or options
            )
            return
        if folder is not None and options.get("path"):
            options["path"] = f"{str(options['path']).rstrip('/')}/{folder}"
        write_options(frame._records, self._connection_type, options, self._format, self._format_options)
