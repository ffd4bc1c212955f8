"""The transforms as classes: Filter.apply(frame=…, f=…) and the like.

Where it stands: scripts do `from awsglue.transforms import *`; each class calls the DynamicFrame method of the same meaning.
Invariant: a transform has no state; what describe() tells is read from the class's own table of arguments.
"""

from __future__ import annotations

from typing import Any, Callable, ClassVar

from awsglue import reshape
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.errors import NotImplementedInSolder
from awsglue.utils import resolved_option

__all__ = [
    "ApplyMapping",
    "Coalesce",
    "DropFields",
    "DropNullFields",
    "ErrorsAsDynamicFrame",
    "Filter",
    "FlatMap",
    "GlueTransform",
    "Join",
    "Map",
    "MapToCollection",
    "Relationalize",
    "RenameField",
    "Repartition",
    "ResolveChoice",
    "SelectFields",
    "SelectFromCollection",
    "Spigot",
    "SplitFields",
    "SplitRows",
    "Transform",
    "Unbox",
    "Union",
    "UnnestFrame",
    "describe_transform",
    "get_transform",
    "get_transforms",
]

# name, type, what it is, its default (... when it must be given)
Argument = tuple[str, str, str, Any]

_FRAME: Argument = ("frame", "DynamicFrame", "the frame to transform", ...)
_TAIL: tuple[Argument, ...] = (
    ("transformation_ctx", "String", "a name for the transform's state", ""),
    ("info", "String", "a text that goes with error records", ""),
    ("stageThreshold", "Integer", "how many error records of this step end the job; 0 is no limit", 0),
    ("totalThreshold", "Integer", "how many error records so far end the job; 0 is no limit", 0),
)


class GlueTransform:
    """What all transforms share."""

    arguments: ClassVar[tuple[Argument, ...]] = ()
    returns: ClassVar[tuple[str, str]] = ("DynamicFrame", "the transformed frame")
    errors: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Make the transform and call it."""
        return cls()(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedInSolder(type(self).__name__)

    @classmethod
    def name(cls) -> str:
        """The transform's name."""
        return cls.__name__

    @classmethod
    def describeArgs(cls) -> list[dict[str, Any]]:
        """The arguments."""
        described = []
        for name, kind, text, default in cls.arguments:
            entry = {
                "name": name,
                "type": kind,
                "description": text,
                "optional": default is not ...,
                "defaultValue": None if default is ... else default,
            }
            described.append(entry)
        return described

    @classmethod
    def describeReturn(cls) -> dict[str, Any]:
        """What comes back."""
        return {"returnType": cls.returns[0], "description": cls.returns[1]}

    @classmethod
    def describeTransform(cls) -> str:
        """What the transform does."""
        return (cls.__doc__ or "").strip()

    @classmethod
    def describeErrors(cls) -> list[dict[str, str]]:
        """What it may raise."""
        return [{"type": text.partition(":")[0], "description": text.partition(":")[2].strip()} for text in cls.errors]

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """All of the above."""
        return {
            "transform": {
                "name": cls.name(),
                "args": cls.describeArgs(),
                "returns": cls.describeReturn(),
                "description": cls.describeTransform(),
                "raises": cls.describeErrors(),
            }
        }


Transform = GlueTransform


class ApplyMapping(GlueTransform):
    """Keeps only the mapped fields, renamed and cast."""

    arguments = (
        _FRAME,
        ("mappings", "List", "tuples (source, source type, target, target type)", ...),
        ("case_sensitive", "Boolean", "whether names are compared exactly", False),
        *_TAIL,
    )

    def __call__(
        self,
        frame: DynamicFrame,
        mappings: Any,
        case_sensitive: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        return frame.apply_mapping(mappings, case_sensitive, transformation_ctx, info, stageThreshold, totalThreshold)


class Coalesce(GlueTransform):
    """Puts the records into at most so many partitions."""

    arguments = (
        _FRAME,
        ("num_partitions", "Integer", "how many", ...),
        ("shuffle", "Boolean", "whether to spread the records anew", False),
        *_TAIL,
    )

    def __call__(
        self,
        frame: DynamicFrame,
        num_partitions: int,
        shuffle: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        return frame.coalesce(num_partitions, shuffle, transformation_ctx, info, stageThreshold, totalThreshold)


class DropFields(GlueTransform):
    """Leaves out fields, nested ones too."""

    arguments = (_FRAME, ("paths", "List", "the fields' paths", ...), *_TAIL)

    def __call__(
        self,
        frame: DynamicFrame,
        paths: Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        return frame.drop_fields(paths, transformation_ctx, info, stageThreshold, totalThreshold)


class DropNullFields(GlueTransform):
    """Leaves out the fields whose type is null, which is to say that no record has a value there."""

    arguments = (_FRAME, *_TAIL)

    def __call__(
        self, frame: DynamicFrame, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0
    ) -> DynamicFrame:
        records, gone = reshape.drop_null_fields(frame._records)
        print("null_fields", gone)
        return frame._next(records, transformation_ctx, stageThreshold, totalThreshold)


class ErrorsAsDynamicFrame(GlueTransform):
    """The error records so far as a frame."""

    arguments = (_FRAME,)

    def __call__(self, frame: DynamicFrame) -> DynamicFrame:
        return frame.errorsAsDynamicFrame()


class Filter(GlueTransform):
    """Keeps the records for which a function is true."""

    arguments = (_FRAME, ("f", "Function", "the predicate: record -> Boolean", ...), *_TAIL)

    def __call__(
        self,
        frame: DynamicFrame,
        f: Callable[[Any], Any],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        return frame.filter(f, transformation_ctx, info, stageThreshold, totalThreshold)


class FlatMap(GlueTransform):
    """Applies a transform to each frame of a collection."""

    arguments = (
        ("dfc", "DynamicFrameCollection", "the collection", ...),
        ("BaseTransform", "GlueTransform", "the transform's class", ...),
        ("frame_name", "String", "the name of the transform's frame argument", ...),
        _TAIL[0],
        ("base_kwargs", "keyword arguments", "the transform's other arguments", {}),
    )
    returns = ("DynamicFrameCollection", "the transformed frames")

    def __call__(
        self,
        dfc: DynamicFrameCollection,
        BaseTransform: type[GlueTransform],
        frame_name: str,
        transformation_ctx: str = "",
        **base_kwargs: Any,
    ) -> DynamicFrameCollection:
        def one(frame: DynamicFrame, ctx: str) -> Any:
            return BaseTransform.apply(**{**base_kwargs, frame_name: frame, "transformation_ctx": ctx})

        return dfc.flatmap(one, transformation_ctx)


class Join(GlueTransform):
    """Joins two frames where their keys are equal."""

    arguments = (
        ("frame1", "DynamicFrame", "the first frame", ...),
        ("frame2", "DynamicFrame", "the second frame", ...),
        ("keys1", "List", "the first frame's keys", ...),
        ("keys2", "List", "the second frame's keys", ...),
        _TAIL[0],
    )

    def __call__(self, frame1: DynamicFrame, frame2: DynamicFrame, keys1: Any, keys2: Any, transformation_ctx: str = "") -> DynamicFrame:
        return frame1.join(keys1, keys2, frame2, transformation_ctx)


class Map(GlueTransform):
    """Replaces each record by what a function makes of it."""

    arguments = (
        _FRAME,
        ("f", "Function", "record -> record", ...),
        ("preservesPartitioning", "Boolean", "changes nothing here", False),
        *_TAIL,
    )

    def __call__(
        self,
        frame: DynamicFrame,
        f: Callable[[Any], Any],
        preservesPartitioning: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        return frame.map(f, preservesPartitioning, transformation_ctx, info, stageThreshold, totalThreshold)


class MapToCollection(GlueTransform):
    """Applies a function to each frame of a collection."""

    arguments = (("dfc", "DynamicFrameCollection", "the collection", ...), ("callable", "Function", "(frame, ctx) -> frame", ...), _TAIL[0])
    returns = ("DynamicFrameCollection", "the new frames")

    def __call__(
        self, dfc: DynamicFrameCollection, callable: Callable[..., DynamicFrame], transformation_ctx: str = ""
    ) -> DynamicFrameCollection:
        return dfc.map(callable, transformation_ctx)


class Relationalize(GlueTransform):
    """Flattens structs and puts each array into a table of its own."""

    arguments = (
        _FRAME,
        ("staging_path", "String", "where Glue keeps pivoted tables; else the job's TempDir", None),
        ("name", "String", "the root table's name", "roottable"),
        ("options", "Dictionary", "options of Glue's pivot", None),
        *_TAIL,
    )
    returns = ("DynamicFrameCollection", "the root and a table for each array")

    def __call__(
        self,
        frame: DynamicFrame,
        staging_path: str | None = None,
        name: str = "roottable",
        options: dict[str, Any] | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        staging = staging_path or resolved_option("TempDir")
        if not staging:
            raise RuntimeError("Relationalize: staging_path is missing and the job has no TempDir argument")
        return frame.relationalize(name, staging, options or {}, transformation_ctx, info, stageThreshold, totalThreshold)


class RenameField(GlueTransform):
    """Renames a field."""

    arguments = (_FRAME, ("old_name", "String", "its path", ...), ("new_name", "String", "its new path", ...), *_TAIL)

    def __call__(
        self,
        frame: DynamicFrame,
        old_name: str,
        new_name: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        return frame.rename_field(old_name, new_name, transformation_ctx, info, stageThreshold, totalThreshold)


class Repartition(GlueTransform):
    """Puts the records into so many partitions."""

    arguments = (_FRAME, ("num_partitions", "Integer", "how many", ...), *_TAIL)

    def __call__(
        self,
        frame: DynamicFrame,
        num_partitions: int,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        return frame.repartition(num_partitions, transformation_ctx, info, stageThreshold, totalThreshold)


class ResolveChoice(GlueTransform):
    """Gives choice fields one type, or columns or a struct of their types."""

    arguments = (
        _FRAME,
        ("specs", "List", "tuples (path, action)", None),
        ("choice", "String", "one action for all choice fields", ""),
        ("database", "String", "the database of match_catalog", None),
        ("table_name", "String", "the table of match_catalog", None),
        *_TAIL,
        ("catalog_id", "String", "the catalog's account", None),
    )

    def __call__(
        self,
        frame: DynamicFrame,
        specs: Any = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        return frame.resolveChoice(
            specs, choice, database, table_name, transformation_ctx, info, stageThreshold, totalThreshold, catalog_id
        )


class SelectFields(GlueTransform):
    """Keeps only some top-level fields."""

    arguments = (_FRAME, ("paths", "List", "the fields", ...), *_TAIL)

    def __call__(
        self,
        frame: DynamicFrame,
        paths: Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        return frame.select_fields(paths, transformation_ctx, info, stageThreshold, totalThreshold)


class SelectFromCollection(GlueTransform):
    """Takes one frame from a collection."""

    arguments = (("dfc", "DynamicFrameCollection", "the collection", ...), ("key", "String", "the frame's name", ...), _TAIL[0])

    def __call__(self, dfc: DynamicFrameCollection, key: str, transformation_ctx: str = "") -> DynamicFrame:
        return dfc.select(key, transformation_ctx)


class Spigot(GlueTransform):
    """Passes the records through and writes a sample of them."""

    arguments = (_FRAME, ("path", "String", "where to write", ...), ("options", "Dictionary", "topk and prob", {}), _TAIL[0])

    def __call__(self, frame: DynamicFrame, path: str, options: dict[str, Any] = {}, transformation_ctx: str = "") -> DynamicFrame:
        return frame.spigot(path, options, transformation_ctx)


class SplitFields(GlueTransform):
    """Splits the fields over two frames."""

    arguments = (
        _FRAME,
        ("paths", "List", "the first frame's fields", ...),
        ("name1", "String", "the first frame's name", None),
        ("name2", "String", "the second frame's name", None),
        *_TAIL,
    )
    returns = ("DynamicFrameCollection", "both frames")

    def __call__(
        self,
        frame: DynamicFrame,
        paths: Any,
        name1: str | None = None,
        name2: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        return frame.split_fields(
            paths, name1 or frame.name + "1", name2 or frame.name + "2", transformation_ctx, info, stageThreshold, totalThreshold
        )


class SplitRows(GlueTransform):
    """Splits the records over two frames by comparisons."""

    arguments = (
        _FRAME,
        ("comparison_dict", "Dictionary", "path -> {operator: constant}", ...),
        ("name1", "String", "the first frame's name", "frame1"),
        ("name2", "String", "the second frame's name", "frame2"),
        *_TAIL,
    )
    returns = ("DynamicFrameCollection", "both frames")

    def __call__(
        self,
        frame: DynamicFrame,
        comparison_dict: dict[str, dict[str, Any]],
        name1: str = "frame1",
        name2: str = "frame2",
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        return frame.split_rows(comparison_dict, name1, name2, transformation_ctx, info, stageThreshold, totalThreshold)


class Unbox(GlueTransform):
    """Parses a text field into a struct."""

    arguments = (
        _FRAME,
        ("path", "String", "the field", ...),
        ("format", "String", "its format", ...),
        *_TAIL,
        ("options", "keyword arguments", "the format's options", {}),
    )

    def __call__(
        self,
        frame: DynamicFrame,
        path: str,
        format: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        **options: Any,
    ) -> DynamicFrame:
        return frame.unbox(path, format, transformation_ctx, info, stageThreshold, totalThreshold, **options)


class UnnestFrame(GlueTransform):
    """Makes struct members top-level fields."""

    arguments = (_FRAME, *_TAIL)

    def __call__(
        self, frame: DynamicFrame, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0
    ) -> DynamicFrame:
        return frame.unnest(transformation_ctx, info, stageThreshold, totalThreshold)


class Union(GlueTransform):
    """All records of two frames."""

    arguments = (("frame1", "DynamicFrame", "the first frame", ...), ("frame2", "DynamicFrame", "the second frame", ...), *_TAIL)

    def __call__(
        self,
        frame1: DynamicFrame,
        frame2: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        return frame1.union(frame2, transformation_ctx, info, stageThreshold, totalThreshold)


def get_transforms() -> set[type[GlueTransform]]:
    """All transforms."""
    return set(GlueTransform.__subclasses__())


def get_transform(name: str) -> type[GlueTransform]:
    """The transform of that name; ValueError when there is none."""
    for transform in get_transforms():
        if transform.name() == name:
            return transform
    raise ValueError(f"there is no transform {name!r}: {', '.join(sorted(t.name() for t in get_transforms()))}")


def describe_transform(name: str) -> dict[str, Any]:
    """What the transform of that name takes, gives and does."""
    return get_transform(name).describe()
