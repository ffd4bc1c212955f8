"""ApplyMapping over DataFrames."""

from __future__ import annotations

from typing import Any

from awsglue.records import Records
from awsglue.reshape import apply_mapping

__all__ = ["ApplyMapping"]


class ApplyMapping:
    """Only the mapped columns of a DataFrame, renamed and cast."""

    @classmethod
    def apply(cls, frame: Any, mappings: Any) -> Any:
        """The mapped DataFrame."""
        return apply_mapping(Records(frame), mappings, False).df
