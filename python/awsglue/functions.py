"""Column functions of Glue: they stand with their names only."""

from __future__ import annotations

from typing import Any

from awsglue.errors import NotImplementedInSolder

__all__ = ["explodeWithIndex", "namedStruct", "replaceArrayElement"]


def replaceArrayElement(*args: Any, **kwargs: Any) -> Any:
    """Not implemented yet."""
    raise NotImplementedInSolder("awsglue.functions.replaceArrayElement", "pyspark.sql.functions.transform does it")


def namedStruct(*args: Any, **kwargs: Any) -> Any:
    """Not implemented yet."""
    raise NotImplementedInSolder("awsglue.functions.namedStruct", "pyspark.sql.functions.struct does it")


def explodeWithIndex(*args: Any, **kwargs: Any) -> Any:
    """Not implemented yet."""
    raise NotImplementedInSolder("awsglue.functions.explodeWithIndex", "pyspark.sql.functions.posexplode does it")
