"""DynamicFrame and DynamicFrameCollection, and the reader and writer that a GlueContext carries.

Where it stands: the script's side; each method hands `Records` (records.py) to a transform (reshape.py, combine.py) or to a row plan
(solder.rowfn) and wraps what comes back.
Invariant: a DynamicFrame never changes; good records and error records travel together; nothing is computed before it is asked for.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import functools
import json

from typing import Any, Callable, Iterable, Iterator, Sequence

from pyspark.sql import functions as F
from pyspark.sql import types as T

from awsglue import combine, reshape
from awsglue import gluetypes as G
from awsglue.errors import IllegalArgumentException, NotImplementedInSolder
from awsglue.records import ErrorPart, Records, call_site, union_all
from awsglue.schemas import column_at, parse_path, quoted, rewrite_fields, spark_type_of_glue, tree_lines

__all__ = ["DynamicFrame", "DynamicFrameCollection", "DynamicFrameReader", "DynamicFrameWriter", "ResolveOption"]


class ResolveOption:
    """How to resolve one choice field: a path, an action, and the action's type."""

    def __init__(self, path: str, action: str, target: Any = None) -> None:
        self.path, self.action, self.target = path, action, target


# ---- showing records ---------------------------------------------------------------------------------------------------------------


def _plain(value: Any, choices: dict[str, tuple[str, ...]] | None = None) -> Any:
    """A row's value as JSON can show it; a choice as the value that it holds."""
    if isinstance(value, T.Row):
        members = value.asDict()
        if choices is None:
            return {k: _plain(v) for k, v in members.items()}
        return {k: _held(v) if k in choices else _plain(v) for k, v in members.items()}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, (datetime.date, datetime.datetime, decimal.Decimal)):
        return str(value)
    return value


def _held(value: Any) -> Any:
    """The one value in a choice's struct."""
    if value is None:
        return None
    return next((_plain(v) for v in value if v is not None), None)


class _Unmixed:
    """A row function over records with choices: it sees each choice's value, as in Glue, not the struct that carries it.

    The compiler does not see through this object, so such a function runs row by row.
    """

    def __init__(self, f: Callable[[Any], Any], choices: Iterable[str]) -> None:
        self._f = f
        self._choices = tuple(choices)

    def __call__(self, record: Any) -> Any:
        values = G.DynamicRecord()
        for name in record:
            value = record[name]
            if name in self._choices and value is not None:
                value = next((v for v in (value[k] for k in value) if v is not None), None)
            values[name] = value
        return self._f(values)


# ---- the frame ---------------------------------------------------------------------------------------------------------------------


class DynamicFrame:
    """Records that each describe themselves: a DataFrame with choice types and error records.

    `jdf` is a DataFrame (in Glue it is a Java object); scripts use `fromDF` or a reader.
    """

    def __init__(self, jdf: Any, glue_ctx: Any, name: str = "") -> None:
        self._records = jdf if isinstance(jdf, Records) else Records(jdf)
        self.glue_ctx = glue_ctx
        self.name = name

    def _next(
        self, records: Records, ctx: str, stageThreshold: int = 0, totalThreshold: int = 0, name: str | None = None
    ) -> "DynamicFrame":
        limited = records.limited(call_site(), stageThreshold, totalThreshold)
        return DynamicFrame(limited, self.glue_ctx, ctx or (self.name if name is None else name))

    @property
    def _ready(self) -> Records:
        """The records, typed, with thresholds checked: before they leave the frame."""
        self._records.check()
        return self._records.settled()

    # -- in and out

    @classmethod
    def fromDF(cls, dataframe: Any, glue_ctx: Any, name: str = "") -> "DynamicFrame":
        """A DataFrame's rows as records."""
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options: Sequence[ResolveOption] | None = None) -> Any:
        """The good records as a DataFrame; a choice becomes a struct with a field for each type.

        Options: ResolveOption(path, "KeepAsStruct") and ResolveOption(path, "Project", a Spark DataType).
        """
        records = self._ready
        for option in options or ():
            if option.action == "KeepAsStruct":
                continue
            if option.action != "Project" or not isinstance(option.target, T.DataType):
                raise ValueError(f"toDF: {option.action!r} with {option.target!r}: KeepAsStruct, or Project with a Spark DataType")
            records = reshape.resolve(records, [(option.path, "project:" + option.target.simpleString())], "", None)
        return records.df

    def write(
        self,
        connection_type: str,
        connection_options: dict[str, Any] = {},
        format: str | None = None,
        format_options: dict[str, Any] = {},
        accumulator_size: int = 0,
    ) -> "DynamicFrame":
        """Write the records; the frame <name>_errors."""
        return self.glue_ctx.write_dynamic_frame_from_options(self, connection_type, connection_options, format, format_options)

    # -- looking

    def schema(self) -> G.StructType:
        """The schema in Glue's types."""
        return self._records.glue_schema()

    def printSchema(self) -> None:
        """Print the schema as a tree."""
        print("root\n" + "".join(line + "\n" for line in tree_lines(self.schema())))

    def show(self, num_rows: int = 20) -> None:
        """Print the first records, a line of JSON each."""
        records = self._ready
        for row in records.df.limit(num_rows).collect():
            print(json.dumps(_plain(row, records.choices), ensure_ascii=False))

    def count(self) -> int:
        """How many good records there are."""
        self._records.check()
        return self._records.df.count()

    def getNumPartitions(self) -> int:
        """How many partitions the records are in; on the embedded engine, those that hold records now."""
        df = self._records.df
        if type(df).__module__.startswith("pyspark.sql.connect"):
            return df.select(F.spark_partition_id().alias("p")).distinct().count()
        return df.rdd.getNumPartitions()

    def with_frame_schema(self, schema: G.StructType) -> "DynamicFrame":
        """The same records, said to have this schema: fields are cast to it, and missing ones are null."""
        records = self._records.settled()
        wanted = spark_type_of_glue(schema)
        columns = []
        for field in wanted.fields:  # type: ignore[attr-defined]
            found = column_at(records.schema, quoted(field.name), True)
            columns.append((F.lit(None) if found is None else found[0]).cast(field.dataType).alias(field.name))
        return self._next(records.then(records.df.select(*columns), wanted), "")  # type: ignore[arg-type]

    # -- row functions

    def _row_function(self, kind: str, f: Callable[[Any], Any], info: str) -> Records:
        from solder import rowfn

        if not callable(f):
            raise TypeError(f"{kind}: the function must be callable, not {type(f).__name__}")
        records, site = self._records.settled(), call_site()
        plan_of = rowfn.plan_filter if kind == "filter" else rowfn.plan_map
        plan = plan_of(_Unmixed(f, records.choices) if records.choices else f, records.schema, site)
        if records.choices:
            plan.code, plan.why = plan_of(f, records.schema, site).code, f"choice types in {', '.join(records.choices)}"
        outcome = plan.apply(records.df)
        made = (ErrorPart(lambda: outcome.errors, site, info),)
        if kind == "filter":
            return records.then(outcome.kept, records.schema, None, records.choices, made)
        return records.then(outcome.kept, None, None, None, made)

    def filter(
        self, f: Callable[[Any], Any], transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0
    ) -> "DynamicFrame":
        """The records for which f is true; KeyError, ValueError and TypeError drop a record, any other exception makes it an error record."""
        return self._next(self._row_function("filter", f, info), transformation_ctx, stageThreshold, totalThreshold)

    def map(
        self,
        f: Callable[[Any], Any],
        preservesPartitioning: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrame":
        """f of each record; an exception or an empty result makes an error record."""
        return self._next(self._row_function("map", f, info), transformation_ctx, stageThreshold, totalThreshold)

    def mapPartitions(
        self,
        f: Callable[[Any], Any],
        preservesPartitioning: bool = True,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrame":
        """Not implemented yet."""
        raise NotImplementedInSolder("DynamicFrame.mapPartitions", "use map, or toDF().mapInPandas")

    def mapPartitionsWithIndex(
        self,
        f: Callable[[Any, Any], Any],
        preservesPartitioning: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrame":
        """Not implemented yet."""
        raise NotImplementedInSolder("DynamicFrame.mapPartitionsWithIndex", "use map, or toDF().mapInPandas")

    # -- columns

    def apply_mapping(
        self,
        mappings: Any,
        case_sensitive: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrame":
        """Only the mapped fields, renamed and cast: (source, source type, target, target type) each; see reshape.apply_mapping."""
        return self._next(
            reshape.apply_mapping(self._records, mappings, case_sensitive), transformation_ctx, stageThreshold, totalThreshold
        )

    applyMapping = apply_mapping

    def select_fields(
        self, paths: Sequence[str], transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0
    ) -> "DynamicFrame":
        """Only these top-level fields."""
        return self._next(reshape.select_fields(self._records, paths), transformation_ctx, stageThreshold, totalThreshold)

    def drop_fields(
        self, paths: Sequence[str], transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0
    ) -> "DynamicFrame":
        """Without these fields, nested ones too."""
        return self._next(reshape.drop_fields(self._records, paths), transformation_ctx, stageThreshold, totalThreshold)

    def rename_field(
        self, oldName: str, newName: str, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0
    ) -> "DynamicFrame":
        """A field under another name."""
        return self._next(reshape.rename_field(self._records, oldName, newName), transformation_ctx, stageThreshold, totalThreshold)

    def unnest(self, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """Struct members as top-level fields named a.b."""
        return self._next(reshape.unnest(self._records), transformation_ctx, stageThreshold, totalThreshold)

    def resolveChoice(
        self,
        specs: Any = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        catalog_id: str | None = None,
    ) -> "DynamicFrame":
        """Choices resolved by cast:TYPE, project:TYPE, make_cols, make_struct or match_catalog; see reshape.resolve."""
        table = None
        if choice == "match_catalog":
            if not database or not table_name:
                raise IllegalArgumentException("resolveChoice: match_catalog needs database and table_name")
            table = self.glue_ctx._table(database, table_name)
        return self._next(reshape.resolve(self._records, specs, choice, table), transformation_ctx, stageThreshold, totalThreshold)

    def unbox(
        self,
        path: str,
        format: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        **options: Any,
    ) -> "DynamicFrame":
        """A text field parsed into a struct: json and csv, with the option withSchema (the JSON of a StructType)."""
        if format not in ("json", "csv") or not options.get("withSchema"):
            raise NotImplementedInSolder(
                f"unbox of format {format!r}" + ("" if options.get("withSchema") else " without withSchema"),
                "json and csv with withSchema are",
            )
        wanted = spark_type_of_glue(G.DataType.fromJsonValue(json.loads(options["withSchema"])))
        csv = {"sep": str(options.get("separator", ","))}

        def leaf(name: str, column: Any, spark: T.DataType) -> tuple[str, Any]:
            text = column.cast("string")
            if format == "json":
                return name, F.from_json(text, wanted)
            return name, F.from_csv(text, ", ".join(f"{quoted(f.name)} {f.dataType.simpleString()}" for f in wanted.fields), csv)  # type: ignore[attr-defined]

        records = self._records.settled()
        members = rewrite_fields([(f, F.col(quoted(f.name))) for f in records.schema.fields], {parse_path(path): leaf})
        return self._next(
            records.then(records.df.select(*(c.alias(n) for n, c in members)), None, None, records.choices),
            transformation_ctx,
            stageThreshold,
            totalThreshold,
        )

    def unnest_ddb_json(
        self, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0
    ) -> "DynamicFrame":
        """Not implemented yet."""
        raise NotImplementedInSolder("DynamicFrame.unnest_ddb_json")

    def simplify_ddb_json(self) -> "DynamicFrame":
        """Not implemented yet."""
        raise NotImplementedInSolder("DynamicFrame.simplify_ddb_json")

    # -- several frames

    def split_fields(
        self,
        paths: Sequence[str],
        name1: str,
        name2: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrameCollection":
        """Two frames: these top-level fields, and the others."""
        first, second = reshape.split_fields(self._records, paths)
        return self._collection({name1: first, name2: second}, stageThreshold, totalThreshold)

    def split_rows(
        self,
        comparison_dict: dict[str, dict[str, Any]],
        name1: str,
        name2: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrameCollection":
        """Two frames: the records for which all comparisons hold, and the others."""
        first, second = reshape.split_rows(self._records, comparison_dict)
        return self._collection({name1: first, name2: second}, stageThreshold, totalThreshold)

    def relationalize(
        self,
        root_table_name: str,
        staging_path: str | None = None,
        options: dict[str, Any] = {},
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrameCollection":
        """Flat tables: structs unnested, each array in a table of its own; see combine.relationalize."""
        return self._collection(combine.relationalize(self._records, root_table_name), stageThreshold, totalThreshold)

    def _collection(self, frames: dict[str, Records], stageThreshold: int, totalThreshold: int) -> "DynamicFrameCollection":
        named = {n: self._next(r, n, stageThreshold, totalThreshold) for n, r in frames.items()}
        return DynamicFrameCollection(named, self.glue_ctx)

    def join(
        self,
        paths1: Any,
        paths2: Any,
        frame2: "DynamicFrame",
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrame":
        """The inner equijoin with another frame; of two fields of one name the second frame's gets a leading dot."""
        return self._next(
            combine.join(self._records, frame2._records, paths1, paths2),
            transformation_ctx,
            stageThreshold,
            totalThreshold,
            self.name + frame2.name,
        )

    def union(
        self, other_frame: "DynamicFrame", transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0
    ) -> "DynamicFrame":
        """All records of both."""
        return self._next(combine.union(self._records, other_frame._records), transformation_ctx, stageThreshold, totalThreshold)

    def mergeDynamicFrame(
        self,
        stage_dynamic_frame: "DynamicFrame",
        primary_keys: Sequence[str],
        transformation_ctx: str = "",
        options: dict[str, Any] = {},
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrame":
        """The staging frame's records, and those of this frame that have no partner there."""
        return self._next(
            combine.merge(self._records, stage_dynamic_frame._records, primary_keys), transformation_ctx, stageThreshold, totalThreshold
        )

    # -- the same records

    def repartition(
        self, num_partitions: int, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0
    ) -> "DynamicFrame":
        """The records in this many partitions."""
        return self._next(
            self._records.same(self._records.df.repartition(num_partitions)), transformation_ctx, stageThreshold, totalThreshold
        )

    def coalesce(
        self,
        num_partitions: int,
        shuffle: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrame":
        """The records in at most this many partitions."""
        df = self._records.df
        return self._next(
            self._records.same(df.repartition(num_partitions) if shuffle else df.coalesce(num_partitions)),
            transformation_ctx,
            stageThreshold,
            totalThreshold,
        )

    def spigot(
        self,
        path: str,
        options: dict[str, Any] = {},
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> "DynamicFrame":
        """The same records, after writing a sample of them as JSON lines: the first topk (100), each with probability prob (1).

        Decided here: the sample is written at once, not when the frame is used.
        """
        sample = self._ready.df
        prob = float(options.get("prob", 1))
        if not 0 <= prob <= 1:
            raise IllegalArgumentException(f"spigot: prob={prob}: between 0 and 1")
        if prob < 1:
            sample = sample.sample(prob)
        sample.limit(int(options.get("topk", 100))).write.format("json").mode("append").save(path)
        return self._next(self._records.same(self._records.df), transformation_ctx, stageThreshold, totalThreshold)

    # -- error records

    def errorsCount(self) -> int:
        """How many error records all steps made so far."""
        return sum(part.count() for part in self._records.errors)

    def stageErrorsCount(self) -> int:
        """How many error records the last step made."""
        return sum(part.count() for part in self._records.stage)

    def assertErrorThreshold(self) -> None:
        """Compute the error records and raise when a threshold is reached."""
        self._records.check()

    def errorsAsDynamicFrame(self) -> "DynamicFrame":
        """The error records: one field `error` with callsite{site, info}, msg, stackTrace, input, bytesread, source and dynamicRecord.

        Decided here: the records of several steps are put into one struct with the fields of all; a field of several types is text there.
        """
        parts = self._records.errors
        spark = self.glue_ctx.spark_session if self.glue_ctx is not None else None
        return DynamicFrame(Records(functools.partial(_error_rows, spark, parts)), self.glue_ctx, "errors")


def _error_rows(spark: Any, parts: tuple[ErrorPart, ...]) -> Any:
    """The error records of all steps in Glue's form."""
    if not parts:
        empty = T.StructType([T.StructField("error", T.StructType(_error_fields(T.StructType([]))))])
        return spark.createDataFrame([], empty)
    schemas = [part.df.schema["record"].dataType for part in parts]
    merged: dict[str, T.DataType] = {}
    for schema in schemas:
        for field in schema.fields:
            known = merged.setdefault(field.name, field.dataType)
            if known != field.dataType:
                merged[field.name] = T.StringType()
    wanted = T.StructType([T.StructField(n, t) for n, t in merged.items()])
    frames = []
    for part, schema in zip(parts, schemas):
        own = set(schema.fieldNames())
        record = F.col("record")
        members = [(record.getField(n) if n in own else F.lit(None)).cast(t).alias(n) for n, t in merged.items()]
        struct = F.struct(*members) if members else record
        fields = {
            "callsite": F.struct(F.lit(part.site).alias("site"), F.lit(part.info).alias("info")),
            "msg": F.col("msg"),
            "stackTrace": F.col("exception"),
            "input": F.lit(None).cast("string"),
            "bytesread": F.lit(None).cast("long"),
            "source": F.lit(None).cast("string"),
            "dynamicRecord": struct,
        }
        frames.append(part.df.select(F.struct(*(fields[f.name].alias(f.name) for f in _error_fields(wanted))).alias("error")))
    return union_all(frames)


def _error_fields(record: T.StructType) -> list[T.StructField]:
    text = T.StringType()
    site = T.StructType([T.StructField("site", text), T.StructField("info", text)])
    names = [
        ("callsite", site),
        ("msg", text),
        ("stackTrace", text),
        ("input", text),
        ("bytesread", T.LongType()),
        ("source", text),
        ("dynamicRecord", record),
    ]
    return [T.StructField(n, t) for n, t in names]


# ---- the collection ----------------------------------------------------------------------------------------------------------------


class DynamicFrameCollection:
    """Frames by name."""

    def __init__(self, dynamic_frames: Any, glue_ctx: Any) -> None:
        if isinstance(dynamic_frames, dict):
            self._frames: dict[str, DynamicFrame] = dict(dynamic_frames)
        elif isinstance(dynamic_frames, (list, tuple)):
            self._frames = {frame.name: frame for frame in dynamic_frames}
        else:
            raise TypeError(f"a DynamicFrameCollection is made from a list or a dict, not {type(dynamic_frames).__name__}")
        self.glue_ctx = glue_ctx

    def __getitem__(self, key: str) -> DynamicFrame:
        return self._frames[key]

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def keys(self) -> Any:
        """The names."""
        return self._frames.keys()

    def values(self) -> Any:
        """The frames."""
        return self._frames.values()

    def select(self, key: str, transformation_ctx: str = "") -> DynamicFrame:
        """The frame of that name; an empty frame when there is none."""
        if key in self._frames:
            return self._frames[key]
        spark = self.glue_ctx.spark_session
        return DynamicFrame(Records(lambda: spark.createDataFrame([], T.StructType([])), T.StructType([])), self.glue_ctx, key)

    def map(self, callable: Callable[..., DynamicFrame], transformation_ctx: str = "") -> "DynamicFrameCollection":
        """callable(frame, transformation_ctx + ":" + name) of each frame."""

        def checked(key: str, frame: DynamicFrame) -> DynamicFrame:
            made = callable(frame, transformation_ctx + ":" + key)
            if not isinstance(made, DynamicFrame):
                raise TypeError(f"DynamicFrameCollection.map: the function must return a DynamicFrame, not {type(made).__name__}")
            return made

        return DynamicFrameCollection({k: checked(k, f) for k, f in self._frames.items()}, self.glue_ctx)

    def flatmap(self, f: Callable[..., Any], transformation_ctx: str = "") -> "DynamicFrameCollection":
        """The frames (one or a collection) that f makes of each frame, under <name> or <name>_<name in the collection>."""
        made: dict[str, DynamicFrame] = {}
        for key, frame in self._frames.items():
            result = f(frame, transformation_ctx + ":" + key)
            if isinstance(result, DynamicFrame):
                made[key] = result
            elif isinstance(result, DynamicFrameCollection):
                made.update({f"{key}_{k}": inner for k, inner in result._frames.items()})
            else:
                raise TypeError(
                    f"DynamicFrameCollection.flatmap: the function must return a DynamicFrame or a collection, not {type(result).__name__}"
                )
        return DynamicFrameCollection(made, self.glue_ctx)


# ---- readers and writers -----------------------------------------------------------------------------------------------------------


class DynamicFrameReader:
    """glueContext.create_dynamic_frame."""

    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context

    def from_rdd(self, data: Any, name: str, schema: Any = None, sampleRatio: float | None = None) -> DynamicFrame:
        """From rows or an RDD."""
        return self._glue_context.create_dynamic_frame_from_rdd(data, name, schema, sampleRatio)

    def from_options(
        self,
        connection_type: str,
        connection_options: dict[str, Any] = {},
        format: str | None = None,
        format_options: dict[str, Any] = {},
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DynamicFrame:
        """From files in a format."""
        return self._glue_context.create_dynamic_frame_from_options(
            connection_type, connection_options, format, format_options, transformation_ctx, push_down_predicate, **kwargs
        )

    def from_catalog(
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
        """From a table of the Data Catalog."""
        return self._glue_context.create_dynamic_frame_from_catalog(
            database, table_name, redshift_tmp_dir, transformation_ctx, push_down_predicate, additional_options, catalog_id, **kwargs
        )


class DynamicFrameWriter:
    """glueContext.write_dynamic_frame."""

    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context

    def from_options(
        self,
        frame: Any,
        connection_type: str,
        connection_options: dict[str, Any] = {},
        format: str | None = None,
        format_options: dict[str, Any] = {},
        transformation_ctx: str = "",
    ) -> Any:
        """To files in a format."""
        return self._glue_context.write_dynamic_frame_from_options(
            frame, connection_type, connection_options, format, format_options, transformation_ctx
        )

    def from_catalog(
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
        """Into a table of the Data Catalog."""
        return self._glue_context.write_dynamic_frame_from_catalog(
            frame, database, table_name, redshift_tmp_dir, transformation_ctx, additional_options, catalog_id, **kwargs
        )

    def from_jdbc_conf(
        self,
        frame: Any,
        catalog_connection: str,
        connection_options: dict[str, Any] = {},
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
    ) -> Any:
        """Not implemented yet."""
        return self._glue_context.write_dynamic_frame_from_jdbc_conf(
            frame, catalog_connection, connection_options, redshift_tmp_dir, transformation_ctx
        )
