"""Runs a job's script on the embedded engine: `python -m solder.launch script.py ARGS…`.

Where it stands: the process that `solder run` starts; SPARK_REMOTE names the engine.
Invariant: the script sees what it would see under `python script.py ARGS…`: sys.argv, sys.path[0], __main__, its exit status.  What it prints
when it fails names the script's own lines, and none of the machinery's.
"""

from __future__ import annotations

import atexit
import json
import linecache
import os
import re
import sys
import sysconfig
import threading
import traceback
import types
from importlib.util import decode_source
from typing import NoReturn, Sequence

__all__ = ["main", "report"]

EXIT_INTERRUPTED = 130
_HIDDEN_PACKAGES = ("pyspark", "grpc", "grpc_status", "google", "py4j", "pyarrow", "pandas", "numpy")
_MESSAGE_LINES = 12


def _hidden_folders() -> tuple[str, ...]:
    here = os.path.dirname(os.path.abspath(__file__))
    ours = (here, os.path.join(os.path.dirname(here), "awsglue"))
    sites = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    theirs = tuple(os.path.join(site, package) for site in sites if site for package in _HIDDEN_PACKAGES)
    standard = tuple(
        os.path.join(sysconfig.get_path("stdlib"), name) for name in ("threading.py", "concurrent", "contextlib.py", "runpy.py")
    )
    return tuple(p + os.sep if not p.endswith(".py") else p for p in ours + theirs + standard)


def _is_machinery(filename: str, hidden: tuple[str, ...]) -> bool:
    return filename.startswith("<frozen") or os.path.abspath(filename).startswith(hidden)


def _one_line_head(error: BaseException) -> str:
    """The error's class and message, without the JVM's or the plan's trailing pages."""
    if type(error).__name__ == "SparkConnectGrpcException" and "StatusCode.UNAVAILABLE" in str(error):
        return (
            f"{type(error).__name__}: the engine at {os.environ.get('SPARK_REMOTE', '?')} does not answer: it has ended, or never started"
        )
    named = re.match(r"\((?:\w+\.)*(\w+)\) ", str(error)) if type(error).__name__ == "SparkConnectGrpcException" else None
    if named is not None:  # a class that the client has no Python class for
        text = f"{named.group(1)}: {str(error)[named.end() :]}"
    else:
        text = "".join(traceback.format_exception_only(type(error), error))
    lines = text.rstrip("\n").split("\n")
    lines[0] = (
        lines[0].removeprefix(type(error).__module__ + ".")
        if type(error).__module__.startswith(("pyspark.", "awsglue.", "solder."))
        else lines[0]
    )
    for i, line in enumerate(lines):
        if line.startswith(("JVM stacktrace:", "Py4JJavaError")):
            lines = lines[:i]
            break
    if len(lines) > _MESSAGE_LINES:
        lines = lines[:_MESSAGE_LINES] + [f"… {len(lines) - _MESSAGE_LINES} more lines (SOLDER_TRACEBACK=full shows all)"]
    return "\n".join(lines).rstrip()


def _causes(error: BaseException) -> list[BaseException]:
    """What led to the error: explicit causes, and contexts that the code did not mean to hide."""
    found: list[BaseException] = []
    seen = {id(error)}
    while True:
        cause = error.__cause__ if error.__cause__ is not None else (None if error.__suppress_context__ else error.__context__)
        if cause is None or id(cause) in seen:
            return found
        found.append(cause)
        seen.add(id(cause))
        error = cause


def report(error: BaseException) -> str:
    """The text for an uncaught exception: the script's lines, the error, and a line for each cause."""
    if os.environ.get("SOLDER_TRACEBACK") == "full":
        return "".join(traceback.format_exception(error)).rstrip("\n")
    hidden = _hidden_folders()
    parts: list[str] = []
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_machinery(f.filename, hidden)]
    if frames:
        parts.append("Traceback (most recent call last):\n" + "".join(traceback.StackSummary.from_list(frames).format()).rstrip("\n"))
    parts.append(_one_line_head(error))
    for note in getattr(error, "__notes__", ()) if not isinstance(error, SyntaxError) else ():
        if str(note) not in parts[-1]:
            parts.append(str(note))
    for cause in _causes(error):
        head = _one_line_head(cause)
        if type(cause).__module__.startswith("grpc") or head in parts[-1]:
            continue  # the transport's own words repeat the engine's
        where = [f for f in traceback.extract_tb(cause.__traceback__) if not _is_machinery(f.filename, hidden)]
        place = f" (at {os.path.basename(where[-1].filename)}:{where[-1].lineno})" if where else ""
        parts.append(f"caused by: {head.splitlines()[0]}{place}")
    return "\n".join(parts)


def _exit_status(error: SystemExit) -> int:
    """The status that Python itself would end with."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def _interrupted_at(error: KeyboardInterrupt, script: str) -> str:
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == script:
            return f" at {os.path.basename(script)}:{frame.lineno}"
    return ""


def _source_lines(source: bytes) -> list[str]:
    """The script's lines as Python reads them; none when they can't be decoded (compile says why)."""
    try:
        return decode_source(source).splitlines(keepends=True)
    except (SyntaxError, UnicodeDecodeError):
        return []


def _shown_as(script: str, shown: str, source: bytes) -> str:
    """The name that tracebacks give the script; the lines that they quote come from memory when it is no file's."""
    if shown:
        lines = _source_lines(source)
        linecache.cache[shown] = (len(source), None, lines, shown)  # without a time: kept, since no file can be newer
    return shown or script


def _tell(path: str, error: BaseException) -> None:
    """What ended the script, for the server that shows it: class and message as JSON."""
    if not path:
        return
    if isinstance(error, SystemExit):
        name, message = "SystemExit", "" if error.code is None else str(error.code)
    elif isinstance(error, SyntaxError):
        name, message = type(error).__name__, str(error)
    else:
        name, _, message = _one_line_head(error).partition(": ")
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            json.dump({"error_class": name, "error_message": message}, file)
    except OSError:
        pass  # the exit status tells as much


def _run(name: str, shown: str, told: str) -> int:
    script = os.path.abspath(name)  # as Python does: the script may change its folder
    try:
        with open(script, "rb") as file:
            source = file.read()
        shown = _shown_as(script, shown, source)
        code = compile(source, shown, "exec", dont_inherit=True)
    except OSError as e:
        print(f"{name}: {e.strerror or e}", file=sys.stderr)
        return 2
    except (SyntaxError, ValueError) as e:
        print(report(e), file=sys.stderr)
        _tell(told, e)
        return 1
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=script, __builtins__=__builtins__, __spec__=None, __cached__=None)
    sys.modules["__main__"] = module
    try:
        exec(code, module.__dict__)
    except SystemExit as e:
        _tell(told, e)
        return _exit_status(e)
    except KeyboardInterrupt as e:
        print(f"interrupted{_interrupted_at(e, shown)}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BaseException as e:  # noqa: BLE001 - the end of the script, whatever it raised
        sys.stdout.flush()
        print(report(e), file=sys.stderr)
        _tell(told, e)
        return 1
    return 0


def main(argv: Sequence[str]) -> int:
    """Run argv[0] as a script with the rest as its arguments; the exit status."""
    if not argv:
        print("usage: python -m solder.launch SCRIPT.py [ARGUMENT…]", file=sys.stderr)
        return 2
    script = argv[0]
    shown = os.environ.pop("SOLDER_SCRIPT_NAME", "")  # s3://… of which the script is a copy
    told = os.environ.pop("SOLDER_SCRIPT_RESULT", "")
    sys.argv = list(argv)
    folder = os.path.dirname(os.path.abspath(script))
    if sys.flags.safe_path:
        sys.path.insert(0, folder)
    else:
        sys.path[0] = folder
    if os.environ.get("SPARK_REMOTE"):
        from solder.session import install

        install()
    return _run(script, shown, told)


def _leave(status: int) -> NoReturn:
    """End the process as sys.exit would (threads joined, exit handlers run, output flushed) but for taking every module apart: 0.05 s."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            status = status or 1
    os._exit(status)


if __name__ == "__main__":
    _leave(main(sys.argv[1:]))
