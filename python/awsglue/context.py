"""GlueContext: where a script's frames come from and go to.

Where it stands: made once by a script; holds the Spark session, the catalog and the job's bookmark mode.
Invariant: it keeps no data; every method answers with a new frame.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, Callable

from pyspark.sql import SparkSession, SQLContext
from pyspark.sql import types as T

from awsglue.catalog import Catalog, Table, open_catalog, read_table
from awsglue.data_sink import DataSink
from awsglue.data_source import DataSource
from awsglue.dataframereader import DataFrameReader
from awsglue.dataframewriter import DataFrameWriter
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection, DynamicFrameReader, DynamicFrameWriter
from awsglue.errors import IllegalArgumentException, NotImplementedInSolder
from awsglue.sources import truth

__all__ = ["GlueContext"]


class _Logger:
    """get_logger(): lines on standard error."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("awsglue.job")
        if not self._logger.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            self._logger.addHandler(handler)
            self._logger.setLevel(logging.INFO)
            self._logger.propagate = False

    def info(self, msg: Any) -> None:
        """An information line."""
        self._logger.info("%s", msg)

    def warn(self, msg: Any) -> None:
        """A warning line."""
        self._logger.warning("%s", msg)

    def error(self, msg: Any) -> None:
        """An error line."""
        self._logger.error("%s", msg)

    warning = warn


def _database_and_table(database: str | None, table_name: str | None, kwargs: dict[str, Any]) -> tuple[str, str]:
    """from_catalog's names; name_space is another name of database."""
    if "name_space" in kwargs:
        if database is not None:
            raise IllegalArgumentException("from_catalog: give database or name_space, not both")
        database = kwargs["name_space"]
    if not database:
        raise IllegalArgumentException("from_catalog: database is missing")
    if not table_name:
        raise IllegalArgumentException("from_catalog: table_name is missing")
    return database, table_name


class GlueContext(SQLContext):
    """The entry point of a Glue script: GlueContext(SparkContext), GlueContext(SparkSession) or GlueContext()."""

    def __init__(self, sparkContext: Any = None, **options: Any) -> None:
        session = sparkContext if hasattr(type(sparkContext), "createDataFrame") else SparkSession.builder.getOrCreate()
        if type(session).__module__.startswith("pyspark.sql.connect"):
            self.sparkSession = session
            try:
                self._sc = session.sparkContext
            except NotImplementedError:  # a Connect session that solder.session did not start
                self._sc = None
        else:
            super().__init__(session.sparkContext, session)
        self._options = options
        self._catalog: Catalog | None = None
        self._bookmarks = False
        self._temp_dir: str | None = None
        self._logger_object: _Logger | None = None
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.create_data_frame = DataFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)
        self.write_data_frame = DataFrameWriter(self)

    @property
    def spark_session(self) -> Any:
        """The Spark session."""
        return self.sparkSession

    @property
    def read(self) -> Any:
        """The session's reader."""
        return self.sparkSession.read

    # -- the catalog and bookmarks

    def _open_catalog(self) -> Catalog:
        if self._catalog is None:
            self._catalog = open_catalog(self.sparkSession)
        return self._catalog

    def _table(self, database: str, name: str) -> Table:
        return read_table(self._open_catalog(), database, name)

    def _check_bookmark(self, transformation_ctx: str) -> None:
        """Bookmarks would change what a named source reads: say so rather than read everything."""
        if self._bookmarks and transformation_ctx:
            raise NotImplementedInSolder(
                f"job bookmarks (source {transformation_ctx!r})", "run with --job-bookmark-option job-bookmark-disable"
            )

    # -- sources

    def getSource(
        self, connection_type: str, format: str | None = None, transformation_ctx: str = "", push_down_predicate: str = "", **options: Any
    ) -> DataSource:
        """A source: setFormat, then getFrame or getDataFrame."""
        return DataSource(self, connection_type, format, transformation_ctx, push_down_predicate, options)

    def getStreamingSource(
        self, connection_type: str, format: str | None = None, transformation_ctx: str = "", push_down_predicate: str = "", **options: Any
    ) -> Any:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.getStreamingSource")

    def create_dynamic_frame_from_rdd(
        self, data: Any, name: str, schema: Any = None, sample_ratio: float | None = None, transformation_ctx: str = ""
    ) -> DynamicFrame:
        """Rows (an RDD, or a list) as a frame."""
        df = (
            self.sparkSession.createDataFrame(data, schema)
            if sample_ratio is None
            else self.sparkSession.createDataFrame(data, schema, sample_ratio)
        )
        return DynamicFrame(df, self, name)

    def create_dynamic_frame_from_catalog(
        self,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: dict[str, Any] = {},
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DynamicFrame:
        """A table of the Data Catalog as a frame, its partition keys as fields; see awsglue.sources for the formats' rules."""
        database, table_name = _database_and_table(database, table_name, kwargs)
        source = self.getSource(
            "catalog",
            None,
            transformation_ctx,
            push_down_predicate,
            database=database,
            table_name=table_name,
            additional_options=additional_options,
        )
        return source.getFrame(**{k: v for k, v in kwargs.items() if k in ("minPartitions", "targetPartitions")})

    def create_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: dict[str, Any] = {},
        format: str | None = None,
        format_options: dict[str, Any] = {},
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DynamicFrame:
        """Files in a format as a frame."""
        source = self.getSource(connection_type, format, transformation_ctx, push_down_predicate, **connection_options)
        if format:
            source.setFormat(format, **format_options)
        return source.getFrame(**{k: v for k, v in kwargs.items() if k in ("minPartitions", "targetPartitions")})

    def create_sample_dynamic_frame_from_catalog(
        self,
        database: str,
        table_name: str,
        num: int,
        sample_options: dict[str, Any] = {},
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: dict[str, Any] = {},
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DynamicFrame:
        """At most num records of a table."""
        frame = self.create_dynamic_frame_from_catalog(
            database, table_name, redshift_tmp_dir, transformation_ctx, push_down_predicate, additional_options, catalog_id, **kwargs
        )
        return DynamicFrame(frame._records.same(frame._records.df.limit(num)), self, frame.name)

    def create_sample_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: dict[str, Any] = {},
        num: int | None = None,
        sample_options: dict[str, Any] = {},
        format: str | None = None,
        format_options: dict[str, Any] = {},
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DynamicFrame:
        """At most num records of files in a format."""
        frame = self.create_dynamic_frame_from_options(
            connection_type, connection_options, format, format_options, transformation_ctx, push_down_predicate, **kwargs
        )
        return frame if num is None else DynamicFrame(frame._records.same(frame._records.df.limit(num)), self, frame.name)

    def create_data_frame_from_catalog(
        self,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: dict[str, Any] = {},
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """A table of the Data Catalog as a DataFrame: typed, and null where a value does not fit."""
        database, table_name = _database_and_table(database, table_name, kwargs)
        options = {"database": database, "table_name": table_name, "additional_options": additional_options}
        return self.getSource("catalog", None, transformation_ctx, push_down_predicate, **options).getDataFrame()

    def create_data_frame_from_options(
        self,
        connection_type: str,
        connection_options: dict[str, Any] = {},
        format: str | None = None,
        format_options: dict[str, Any] = {},
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> Any:
        """Files in a format as a DataFrame."""
        return self.create_dynamic_frame_from_options(
            connection_type, connection_options, format, format_options, transformation_ctx, push_down_predicate, **kwargs
        ).toDF()

    def get_catalog_schema_as_spark_schema(self, database: str, table_name: str, catalog_id: str | None = None) -> T.StructType:
        """A table's columns and partition keys as a Spark schema."""
        table = self._table(database, table_name)
        return T.StructType([T.StructField(n, t) for n, t in table.columns + table.keys])

    # -- sinks

    def getSink(self, connection_type: str, format: str | None = None, transformation_ctx: str = "", **options: Any) -> DataSink:
        """A sink: setFormat, then writeFrame."""
        return DataSink(self, connection_type, format, transformation_ctx, options)

    def write_dynamic_frame_from_options(
        self,
        frame: DynamicFrame,
        connection_type: str,
        connection_options: dict[str, Any] = {},
        format: str | None = None,
        format_options: dict[str, Any] = {},
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """Write a frame to files in a format, adding to what is there; the frame <name>_errors."""
        return self.write_from_options(frame, connection_type, connection_options, format, format_options, transformation_ctx)

    def write_from_options(
        self,
        frame_or_dfc: Any,
        connection_type: str,
        connection_options: dict[str, Any] = {},
        format: Any = None,
        format_options: dict[str, Any] = {},
        transformation_ctx: str = "",
        **kwargs: Any,
    ) -> Any:
        """Write a frame, or each frame of a collection below a folder of its name."""
        sink = self.getSink(connection_type, format or None, transformation_ctx, **connection_options)
        if format:
            sink.setFormat(format, **format_options)
        return sink.write(frame_or_dfc)

    def write_dynamic_frame_from_catalog(
        self,
        frame: DynamicFrame,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: dict[str, Any] = {},
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DynamicFrame:
        """Write a frame into a table's location, in its format and by its partition keys; see awsglue.sinks."""
        from awsglue.sinks import write_catalog

        database, table_name = _database_and_table(database, table_name, kwargs)
        write_catalog(frame._records, self._open_catalog(), database, table_name, additional_options)
        return _errors_of(frame)

    def write_data_frame_from_catalog(
        self,
        frame: Any,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: dict[str, Any] = {},
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Write a DataFrame into a table's location."""
        return self.write_dynamic_frame_from_catalog(
            DynamicFrame.fromDF(frame, self, table_name or ""),
            database,
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            additional_options,
            catalog_id,
            **kwargs,
        )

    def write_dynamic_frame_from_jdbc_conf(
        self,
        frame: DynamicFrame,
        catalog_connection: str,
        connection_options: dict[str, Any] = {},
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> Any:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.write_dynamic_frame_from_jdbc_conf", "toDF().write.jdbc writes to JDBC on real Spark")

    def write_from_jdbc_conf(
        self,
        frame_or_dfc: Any,
        catalog_connection: str,
        connection_options: dict[str, Any] = {},
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> Any:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.write_from_jdbc_conf", "toDF().write.jdbc writes to JDBC on real Spark")

    def convert_resolve_option(self, path: str, action: str, target: Any) -> Any:
        """The option as toDF takes it."""
        from awsglue.dynamicframe import ResolveOption

        return ResolveOption(path, action, target)

    # -- not there yet

    def extract_jdbc_conf(self, connection_name: str, catalog_id: str | None = None) -> dict[str, str]:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.extract_jdbc_conf")

    def purge_table(
        self, database: str, table_name: str, options: dict[str, Any] = {}, transformation_ctx: str = "", catalog_id: str | None = None
    ) -> None:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.purge_table")

    def purge_s3_path(self, s3_path: str, options: dict[str, Any] = {}, transformation_ctx: str = "") -> None:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.purge_s3_path")

    def transition_table(
        self,
        database: str,
        table_name: str,
        transition_to: str,
        options: dict[str, Any] = {},
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> None:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.transition_table")

    def transition_s3_path(self, s3_path: str, transition_to: str, options: dict[str, Any] = {}, transformation_ctx: str = "") -> None:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.transition_s3_path")

    def forEachBatch(self, frame: Any, batch_function: Callable[..., Any], options: dict[str, Any] = {}) -> None:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.forEachBatch")

    def getSampleStreamingDynamicFrame(
        self, frame: Any, options: dict[str, Any] = {}, batch_function: Callable[..., Any] | None = None
    ) -> Any:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.getSampleStreamingDynamicFrame")

    def add_ingestion_time_columns(self, frame: Any, time_granularity: str) -> Any:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.add_ingestion_time_columns")

    def start_transaction(self, read_only: bool) -> str:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.start_transaction")

    def commit_transaction(self, transaction_id: str, wait_for_commit: bool = True) -> bool:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.commit_transaction")

    def cancel_transaction(self, transaction_id: str) -> None:
        """Not implemented yet."""
        raise NotImplementedInSolder("GlueContext.cancel_transaction")

    # -- odds and ends

    def get_logger(self) -> _Logger:
        """An object with info, warn and error."""
        if self._logger_object is None:
            self._logger_object = _Logger()
        return self._logger_object

    def currentTimeMillis(self) -> int:
        """Now, in milliseconds since 1970."""
        return int(time.time() * 1000)

    def _bookmark_mode(self, option: str, temp_dir: str | None) -> None:
        """What Job.init says of this run."""
        self._bookmarks = option == "job-bookmark-enable" or truth(option)
        self._temp_dir = temp_dir


def _errors_of(frame: Any) -> Any:
    """What a sink answers: the frame <name>_errors, with the error records of the frame that was written."""
    if isinstance(frame, DynamicFrameCollection):
        return DynamicFrameCollection({f"{k}_errors": _errors_of(frame[k]) for k in frame.keys()}, frame.glue_ctx)
    errors = frame.errorsAsDynamicFrame()
    errors.name = f"{frame.name}_errors"
    return errors
