"""The record that a row function is given: a dict whose fields also read and write as attributes.

Where it stands: `DynamicRecord` is what user code sees (awsglue.gluetypes exports it).  `LazyRecord` is the same thing over one row of an
Arrow batch: a field is decoded when the function first asks for it.
Invariant: a LazyRecord answers every dict operation exactly as a DynamicRecord filled with all the fields of the row would, in the same order.
"""

from __future__ import annotations

import datetime
from typing import Any, Callable, Iterator

__all__ = ["DynamicRecord", "LazyRecord", "TrackedRecord", "BatchColumns", "arrow_column_values", "written_fields"]


class DynamicRecord(dict):
    """A record: a dict whose keys also read, write and delete as attributes."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def copy(self) -> "DynamicRecord":
        """A shallow copy, still a record."""
        return DynamicRecord(self)

    def __reduce__(self) -> tuple:
        return (DynamicRecord, (dict(self),))


def _plain_values(column: Any) -> list | None:
    """The values of a column whose Arrow form and Python form agree, by the fastest way there is; None for any other column."""
    import pyarrow.types as at

    kind = column.type
    if at.is_string(kind) or at.is_large_string(kind):
        return column.to_numpy(zero_copy_only=False).tolist()
    if (at.is_integer(kind) or at.is_floating(kind) or at.is_boolean(kind)) and column.null_count == 0:
        return column.to_numpy(zero_copy_only=False).tolist()
    return None


def _converter(arrow_type: Any, depth: int) -> Callable[[Any], Any] | None:
    """How one value of to_pylist becomes a record's value: None when it is the same.

    Structs directly under the record are DynamicRecords, deeper ones plain dicts; maps are dicts; timestamps lose their zone after being
    moved to it, as in the rows that PySpark itself hands out.
    """
    import pyarrow.types as at

    if at.is_struct(arrow_type):
        inner = {arrow_type.field(i).name: _converter(arrow_type.field(i).type, depth + 1) for i in range(arrow_type.num_fields)}
        wrap: Callable[[dict], dict] = DynamicRecord if depth == 0 else dict

        def struct(value: Any) -> Any:
            if value is None:
                return None
            return wrap({k: (v if inner[k] is None else inner[k](v)) for k, v in value.items()})

        return struct
    if at.is_map(arrow_type):
        key, item = _converter(arrow_type.key_type, depth + 1), _converter(arrow_type.item_type, depth + 1)

        def mapping(value: Any) -> Any:
            if value is None:
                return None
            return {(k if key is None else key(k)): (v if item is None else item(v)) for k, v in value}

        return mapping
    if at.is_list(arrow_type) or at.is_large_list(arrow_type):
        element = _converter(arrow_type.value_type, depth + 1)
        if element is None:
            return None
        return lambda value: None if value is None else [element(v) for v in value]
    if at.is_timestamp(arrow_type):
        if arrow_type.tz is None:
            return None
        return lambda value: None if value is None else _naive(value)
    return None


def _naive(value: datetime.datetime) -> datetime.datetime:
    return value.replace(tzinfo=None)


def arrow_column_values(column: Any) -> list:
    """The Python values of an Arrow array, as a record holds them."""
    values = _plain_values(column)
    if values is not None:
        return values
    values = column.to_pylist()
    convert = _converter(column.type, 0)
    return values if convert is None else [convert(v) for v in values]


class BatchColumns:
    """The columns of one Arrow batch, each decoded when it is first wanted."""

    __slots__ = ("batch", "names", "position", "decoded")

    def __init__(self, batch: Any, names: list[str]) -> None:
        self.batch = batch
        self.names = names
        # The last of two equal names wins, as when a dict is filled from left to right.
        self.position = {name: i for i, name in enumerate(names)}
        self.decoded: dict[str, list] = {}

    def values(self, name: str) -> list:
        """All values of the column `name`; KeyError when there is none."""
        values = self.decoded.get(name)
        if values is None:
            values = self.decoded[name] = arrow_column_values(self.batch.column(self.position[name]))
        return values


_dict_set = dict.__setitem__
_dict_has = dict.__contains__


class LazyRecord(DynamicRecord):
    """A DynamicRecord over one row of a BatchColumns.

    The dict's own storage holds the fields that were read or written so far; `__missing__` adds the one asked for.  Everything that looks
    at the record as a whole first fills the storage (`_solder_fill`), after which the object is an ordinary dict.
    """

    __slots__ = ("_solder_columns", "_solder_at")

    def __missing__(self, name: Any) -> Any:
        columns = self._solder_columns
        if columns is None or name not in columns.position:
            raise KeyError(name)
        value = columns.values(name)[self._solder_at]
        _dict_set(self, name, value)
        return value

    def _solder_fill(self) -> None:
        columns = self._solder_columns
        if columns is None:
            return
        have = dict(dict.items(self))
        dict.clear(self)
        at = self._solder_at
        for name in columns.position:
            _dict_set(self, name, have.pop(name) if name in have else columns.values(name)[at])
        for name, value in have.items():
            _dict_set(self, name, value)
        set_columns(self, None)

    def __delitem__(self, name: Any) -> None:
        self._solder_fill()
        dict.__delitem__(self, name)

    def get(self, name: Any, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: Any) -> bool:
        columns = self._solder_columns
        return _dict_has(self, name) or (columns is not None and name in columns.position)

    def __len__(self) -> int:
        self._solder_fill()
        return dict.__len__(self)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __iter__(self) -> Iterator:
        self._solder_fill()
        return dict.__iter__(self)

    def __reversed__(self) -> Iterator:
        self._solder_fill()
        return dict.__reversed__(self)

    def keys(self) -> Any:
        self._solder_fill()
        return dict.keys(self)

    def values(self) -> Any:
        self._solder_fill()
        return dict.values(self)

    def items(self) -> Any:
        self._solder_fill()
        return dict.items(self)

    def copy(self) -> DynamicRecord:
        self._solder_fill()
        return DynamicRecord(dict.items(self))

    def __repr__(self) -> str:
        self._solder_fill()
        return dict.__repr__(self)

    def __eq__(self, other: object) -> Any:
        self._solder_fill()
        if isinstance(other, LazyRecord):
            other._solder_fill()
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> Any:
        self._solder_fill()
        if isinstance(other, LazyRecord):
            other._solder_fill()
        return dict.__ne__(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Any) -> Any:
        self._solder_fill()
        return dict.__or__(self, other)

    def __ror__(self, other: Any) -> Any:
        self._solder_fill()
        return dict.__ror__(self, other)

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def update(self, *args: Any, **fields: Any) -> None:
        for name, value in dict(*args, **fields).items():
            self[name] = value

    def setdefault(self, name: Any, default: Any = None) -> Any:
        if name in self:
            return self[name]
        self[name] = default
        return default

    def pop(self, name: Any, *default: Any) -> Any:
        self._solder_fill()
        return dict.pop(self, name, *default)

    def popitem(self) -> tuple:
        self._solder_fill()
        return dict.popitem(self)

    def clear(self) -> None:
        set_columns(self, None)
        dict.clear(self)

    def __reduce__(self) -> tuple:
        self._solder_fill()
        return (DynamicRecord, (dict(dict.items(self)),))

    def __copy__(self) -> DynamicRecord:
        return self.copy()

    def __deepcopy__(self, memo: dict) -> DynamicRecord:
        import copy

        self._solder_fill()
        return DynamicRecord(copy.deepcopy(dict(dict.items(self)), memo))


# The setters of the slots: plain attribute assignment would write a field of the record.
set_columns = LazyRecord._solder_columns.__set__  # type: ignore[attr-defined]
set_at = LazyRecord._solder_at.__set__  # type: ignore[attr-defined]


class TrackedRecord(LazyRecord):
    """A LazyRecord that knows which of its fields were written, so that a map can hand the others on without looking at them."""

    __slots__ = ("_solder_written", "_solder_reshaped")

    def __setitem__(self, name: Any, value: Any) -> None:
        try:
            self._solder_written.add(name)
        except AttributeError:
            set_written(self, {name})
        _dict_set(self, name, value)

    def __delitem__(self, name: Any) -> None:
        set_reshaped(self, True)
        LazyRecord.__delitem__(self, name)

    def pop(self, name: Any, *default: Any) -> Any:
        set_reshaped(self, True)
        return LazyRecord.pop(self, name, *default)

    def popitem(self) -> tuple:
        set_reshaped(self, True)
        return LazyRecord.popitem(self)

    def clear(self) -> None:
        set_reshaped(self, True)
        LazyRecord.clear(self)


set_written = TrackedRecord._solder_written.__set__  # type: ignore[attr-defined]
set_reshaped = TrackedRecord._solder_reshaped.__set__  # type: ignore[attr-defined]


def written_fields(record: TrackedRecord) -> set:
    """The names that were assigned; every other field that the record still has is the row's own value."""
    try:
        return _get_written(record)
    except AttributeError:
        return set()


_get_written = TrackedRecord._solder_written.__get__  # type: ignore[attr-defined]
