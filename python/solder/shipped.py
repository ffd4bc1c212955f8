"""Modules that a session shipped (`addArtifact(…, pyfile=True)`, `addPyFile`), importable in a Python worker.

Where it stands: the engine's SETUP frame lists the session's files as [name, path]; the paths end in numbers, so that a module is found by its name
here, not by the import system's own search. A worker serves one session after the other: `use` makes exactly the given files importable and
forgets modules that came from others.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import PurePosixPath
from typing import Any, Sequence

ARCHIVES = (".zip", ".egg", ".jar")


class Finder(importlib.abc.MetaPathFinder):
    """Single files: name → path."""

    def __init__(self, modules: dict[str, str]) -> None:
        self.modules = modules

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The module, when it is one of the files."""
        file = self.modules.get(fullname)
        return None if file is None else importlib.util.spec_from_file_location(fullname, file, loader=SourceFileLoader(fullname, file))


class Shipped:
    """What is importable now."""

    def __init__(self) -> None:
        self.files: list[list[str]] = []
        self.finder = Finder({})
        self.archives: list[str] = []

    def use(self, files: Sequence[Sequence[str]]) -> None:
        """Make these importable and no others; nothing happens when they are the same as before."""
        wanted = [list(file) for file in files]
        if wanted == self.files:
            return
        self.forget()
        self.files = wanted
        names = [(PurePosixPath(name), path) for name, path in wanted]
        self.finder.modules = {name.stem: path for name, path in names if name.suffix == ".py"}
        self.archives = [path for name, path in names if name.suffix in ARCHIVES]
        # Behind the script's own folder, in front of the installed packages, as Spark puts them.
        sys.meta_path.insert(0, self.finder)
        sys.path[1:1] = self.archives
        importlib.invalidate_caches()

    def forget(self) -> None:
        """Take everything out again, with the modules that came from it."""
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
        gone = set(self.finder.modules.values())
        for path in self.archives:
            sys.path.remove(path)
            sys.path_importer_cache.pop(path, None)
        for name, module in list(sys.modules.items()):
            origin = getattr(module, "__file__", None) or ""
            if origin in gone or any(origin.startswith(path + "/") for path in self.archives):
                del sys.modules[name]
