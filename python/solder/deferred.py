"""Imports of the Spark Connect client that a job seldom needs, put off until it does.

Where it stands: `solder.session` opens `deferred_imports()` around its import of the Connect client.  The client imports pandas (about 0.13 s)
for annotations and for the pandas methods, and distutils through setuptools (about 0.17 s) for one version comparison.
Invariant: after the block `sys.modules` holds nothing of ours: an `import pandas` anywhere else gets the real package.  Only the names that the
client bound while it was imported are stand-ins, and they turn to the real package at their first use.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import types
from typing import Any, Iterator

__all__ = ["deferred_imports"]

_CLASSES = ("DataFrame", "Series")


class _DeferredClass(type):
    """Stands for a class of a deferred module: in annotations, and in isinstance() where nothing can be one before the module is there."""

    def _solder_real(cls) -> type:
        return getattr(_real(cls.__module__), cls.__name__)

    def __instancecheck__(cls, instance: Any) -> bool:
        return _loaded(cls.__module__) and isinstance(instance, cls._solder_real())

    def __subclasscheck__(cls, subclass: type) -> bool:
        return _loaded(cls.__module__) and issubclass(subclass, cls._solder_real())

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._solder_real()(*args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(cls._solder_real(), name)


class _DeferredModule(types.ModuleType):
    """Stands for a module that is imported at the first use of one of its names."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name not in ("__version__", "__path__", "__file__"):
            raise AttributeError(name)
        if name in _CLASSES and not _loaded(self.__name__):
            return self.__dict__.setdefault(name, _DeferredClass(name, (), {"__module__": self.__name__}))
        return getattr(_real(self.__name__), name)


class _DeferredFunctions(types.ModuleType):
    """Stands for a module of functions of which some are bound by name: `from module import f`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        module = self.__name__

        def deferred(*args: Any, **kwargs: Any) -> Any:
            return getattr(_real(module), name)(*args, **kwargs)

        deferred.__name__ = deferred.__qualname__ = name
        return deferred


def _loaded(name: str) -> bool:
    found = sys.modules.get(name)
    return found is not None and not isinstance(found, (_DeferredModule, _DeferredFunctions))


def _real(name: str) -> types.ModuleType:
    """The real module, imported now when it is not yet; inside the block the stand-ins step aside first."""
    if not _loaded(name):
        _drop_stand_ins()
        importlib.import_module(name)
    return sys.modules[name]


def _drop_stand_ins() -> None:
    for name, module in list(sys.modules.items()):
        if isinstance(module, (_DeferredModule, _DeferredFunctions)):
            del sys.modules[name]


def _pandas_version() -> str | None:
    """The installed pandas' version by the name of its metadata folder, which is far cheaper than importing it."""
    spec = importlib.util.find_spec("pandas")
    if spec is None or not spec.origin:
        return None
    site = os.path.dirname(os.path.dirname(spec.origin))
    try:
        entries = os.listdir(site)
    except OSError:
        return None
    for entry in entries:
        if entry.startswith("pandas-") and entry.endswith(".dist-info"):
            return entry[len("pandas-") : -len(".dist-info")]
    return None


def _use_stdlib_distutils() -> None:
    """Import the standard library's distutils.version instead of setuptools' copy, which pulls in all of setuptools."""
    if sys.version_info >= (3, 12) or "distutils" in sys.modules or "setuptools" in sys.modules:
        return
    os.environ.setdefault("SETUPTOOLS_USE_DISTUTILS", "stdlib")
    if os.environ["SETUPTOOLS_USE_DISTUTILS"] != "stdlib":
        return
    sys.meta_path[:] = [f for f in sys.meta_path if type(f).__module__ != "_distutils_hack"]


@contextlib.contextmanager
def deferred_imports() -> Iterator[None]:
    """Within the block, pandas is imported in name only and distutils comes from the standard library."""
    _use_stdlib_distutils()
    if "pandas" not in sys.modules:
        version = _pandas_version()
        if version is not None:
            pandas = _DeferredModule("pandas")
            pandas.__dict__["__version__"] = version
            api = _DeferredModule("pandas.api")
            kinds = _DeferredFunctions("pandas.api.types")
            pandas.__dict__["api"], api.__dict__["types"] = api, kinds
            sys.modules.update({"pandas": pandas, "pandas.api": api, "pandas.api.types": kinds})
    try:
        yield
    finally:
        _drop_stand_ins()
