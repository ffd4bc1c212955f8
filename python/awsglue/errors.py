"""The error classes of awsglue.

Where it stands: raised by every other file of the package; scripts see them.
Invariant: each message says what, where, and what to do.
"""

from __future__ import annotations

__all__ = ["EntityNotFoundException", "ErrorThresholdExceeded", "GlueException", "IllegalArgumentException", "NotImplementedInSolder"]


class GlueException(Exception):
    """What every error of this package but the argument errors derives from."""


class NotImplementedInSolder(NotImplementedError):
    """A part of the interface that stands with its signature only."""

    def __init__(self, what: str, instead: str = "") -> None:
        super().__init__(f"{what}: not implemented yet" + (f"; {instead}" if instead else ""))


class EntityNotFoundException(GlueException):
    """A database or table that the Data Catalog does not have."""


class IllegalArgumentException(GlueException, ValueError):
    """An argument or option that makes no sense where it stands."""


class ErrorThresholdExceeded(GlueException):
    """More error records than stageThreshold or totalThreshold allow."""
