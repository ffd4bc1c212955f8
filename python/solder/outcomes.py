"""The outcome codes that both ways of running a row function share, and the counters made from them.

Where it stands: the compiled form computes one code a row (rowfn.py), the worker one code a row too (rowworker.py); filters, error records
and the run's summary read nothing else.
Invariant: a code names either what happens to the record or the class of exception that the function raised on it.
"""

from __future__ import annotations

DROP = 0
KEEP = 1
# Raised: the classes that have a code of their own, most derived first where one derives from another.
RAISED: dict[str, int] = {
    "KeyError": 2,
    "ValueError": 3,
    "TypeError": 4,
    "IndexError": 5,
    "AttributeError": 6,
    "ZeroDivisionError": 7,
    "OverflowError": 8,
    "OtherError": 9,
}
FIRST_RAISED, LAST_RAISED = 2, 9
# A map function gave nothing back.
NOTHING = 10
# The compiled form leaves this row to the function itself.
ESCAPE = 99

ALL = frozenset((DROP, KEEP, *RAISED.values(), NOTHING))

# What Glue's filter takes for "not kept"; every other class makes an error record.
FILTER_DROPS = ("KeyError", "ValueError", "TypeError")

NOTHING_MESSAGE = "User-specified function returned None instead of DynamicRecord"

_CLASSES: tuple[tuple[type[BaseException], int], ...] = (
    (KeyError, 2),
    (ValueError, 3),
    (TypeError, 4),
    (IndexError, 5),
    (AttributeError, 6),
    (ZeroDivisionError, 7),
    (OverflowError, 8),
)


def code_of(raised: BaseException) -> int:
    """The code of an exception: that of the nearest class with a code of its own."""
    for cls, code in _CLASSES:
        if isinstance(raised, cls):
            return code
    return RAISED["OtherError"]


def error_codes(kind: str) -> tuple[int, ...]:
    """The codes that make an error record in a function of this kind ("filter" or "map")."""
    if kind == "filter":
        return tuple(code for name, code in RAISED.items() if name not in FILTER_DROPS)
    return (*RAISED.values(), NOTHING)
