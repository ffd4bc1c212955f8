"""Job arguments: getResolvedOptions.

Where it stands: scripts call it with sys.argv before anything else.
Invariant: importing this file imports no Spark.
"""

from __future__ import annotations

import argparse
from typing import Any, NoReturn, Sequence

__all__ = ["GlueArgumentError", "GlueArgumentParser", "callsite", "getResolvedOptions", "makeOptions"]

_BOOKMARK_MODES = ("job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable")
_LEGACY_MODES = {
    "continuation-enabled": "job-bookmark-enable",
    "continuation-readonly": "job-bookmark-pause",
    "continuation-ignore": "job-bookmark-disable",
}
_LEGACY_WORDS = {"enabled": "job-bookmark-enable", "readonly": "job-bookmark-pause", "ignore": "job-bookmark-disable"}
_RESERVED = ("job-bookmark-option", "continuation-option", "job-bookmark-from", "job-bookmark-to")
_ALWAYS = ("JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION", "encryption-type", "enable-data-lineage")
_TEMPORARY = ("RedshiftTempDir", "TempDir")

# What the last call answered, for parts that ask for the job's TempDir.
_resolved: dict[str, Any] = {}


class GlueArgumentError(Exception):
    """A job argument that is missing or wrong."""


class GlueArgumentParser(argparse.ArgumentParser):
    """An argument parser that raises instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raise GlueArgumentError."""
        raise GlueArgumentError(message)


def _bookmark_mode(options: argparse.Namespace) -> str:
    mode = options.job_bookmark_option
    legacy = options.continuation_option
    if mode is None and legacy is not None:
        mode = _LEGACY_MODES.get(legacy) or _LEGACY_WORDS.get(legacy) or legacy
    mode = mode or "job-bookmark-disable"
    if mode not in _BOOKMARK_MODES:
        raise GlueArgumentError(f"argument --job-bookmark-option: invalid choice: {mode!r} (choose from {', '.join(_BOOKMARK_MODES)})")
    start, end = options.job_bookmark_from, options.job_bookmark_to
    if (start is None) != (end is None):
        raise RuntimeError("--job-bookmark-from and --job-bookmark-to belong together: give both or neither")
    if start is not None and mode != "job-bookmark-pause":
        raise RuntimeError(f"--job-bookmark-from and --job-bookmark-to go with job-bookmark-pause, not {mode}")
    return mode


def getResolvedOptions(args: Sequence[str], options: Sequence[str], allow_abbrev: bool = False) -> dict[str, Any]:
    """The job's arguments by name: args is sys.argv, options the names that the script needs.

    A missing name raises GlueArgumentError, a reserved one RuntimeError; unknown arguments are left alone.  Dashes in names become
    underscores in the result.
    """
    reserved = next((name for name in options if name in _RESERVED or name.replace("_", "-") in _RESERVED), None)
    if reserved is not None:
        raise RuntimeError(f"{reserved!r} is a reserved job argument: getResolvedOptions always gives it")
    parser = GlueArgumentParser(allow_abbrev=allow_abbrev, add_help=False, argument_default=None)
    for name in _RESERVED + _ALWAYS + _TEMPORARY:
        parser.add_argument(f"--{name}", required=False)
    own = [n for n in dict.fromkeys(options) if n not in _ALWAYS + _TEMPORARY and n.replace("_", "-") not in _ALWAYS]
    for name in own:
        parser.add_argument(f"--{name}", required=True)
    asked_always = [n for n in options if n in _ALWAYS]
    known, _ = parser.parse_known_args(list(args)[1:])
    missing = [n for n in asked_always if getattr(known, n.replace("-", "_")) is None]
    if missing:
        raise GlueArgumentError(f"the following arguments are required: {', '.join('--' + n for n in missing)}")
    known.job_bookmark_option = _bookmark_mode(known)
    known.TempDir = known.TempDir if known.TempDir is not None else known.RedshiftTempDir
    known.RedshiftTempDir = known.RedshiftTempDir if known.RedshiftTempDir is not None else known.TempDir
    del known.continuation_option
    found = vars(known)
    _resolved.clear()
    _resolved.update(found)
    return dict(found)


def resolved_option(name: str) -> Any:
    """An argument of the last getResolvedOptions; None when it was not given."""
    return _resolved.get(name)


def makeOptions(sc: Any, py_obj: Any) -> Any:
    """The options as they are: in Glue they are turned into a Java object here."""
    return py_obj


def callsite() -> str:
    """The script's file:line that is calling."""
    from awsglue.records import call_site

    return call_site()
