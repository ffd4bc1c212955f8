"""What a SparkContext hands out and that lives in the job's own Python process: broadcasts, accumulators, parallelized lists.

Where it stands: made by `solder.session.SparkContext` on the embedded engine, where there are no RDDs and no executors' JVMs.
Invariant: importable in a worker process without importing pyspark, because a pickled function may carry one of these.
"""

from __future__ import annotations

import itertools
from typing import Any, Callable, Generic, Iterable, Iterator, TypeVar

__all__ = ["Broadcast", "Accumulator", "LocalRDD"]

T = TypeVar("T")


class Broadcast(Generic[T]):
    """A value that functions read as `b.value`; it travels inside the pickled function."""

    def __init__(self, value: T) -> None:
        self._value: T | None = value
        self._gone = False

    @property
    def value(self) -> T:
        """The broadcast value."""
        if self._gone:
            raise RuntimeError("this broadcast variable was destroyed")
        return self._value  # type: ignore[return-value]

    def unpersist(self, blocking: bool = False) -> None:
        """Nothing is cached elsewhere: does nothing."""

    def destroy(self, blocking: bool = False) -> None:
        """Drop the value; reading it afterwards is an error."""
        self._value, self._gone = None, True

    def __repr__(self) -> str:
        return f"<Broadcast of {type(self._value).__name__}>"


class Accumulator(Generic[T]):
    """A counter of the driver program.

    Adding from a function that runs in a worker process would be lost, so it raises there instead.
    """

    def __init__(self, value: T, combine: Callable[[T, T], T] | None = None, remote: bool = False) -> None:
        self._value = value
        self._combine = combine or (lambda a, b: a + b)  # type: ignore[operator]
        self._remote = remote

    def _here(self) -> None:
        if self._remote:
            raise NotImplementedError(
                "accumulators inside functions that run in workers are not implemented yet on the embedded engine: count with DataFrame functions instead"
            )

    @property
    def value(self) -> T:
        """The value so far."""
        self._here()
        return self._value

    @value.setter
    def value(self, value: T) -> None:
        self._here()
        self._value = value

    def add(self, term: T) -> None:
        """Add a term."""
        self._here()
        self._value = self._combine(self._value, term)

    def __iadd__(self, term: T) -> "Accumulator[T]":
        self.add(term)
        return self

    def __reduce__(self) -> tuple:
        return (_remote_accumulator, (self._value,))

    def __repr__(self) -> str:
        return f"Accumulator<value={self._value!r}>"


def _remote_accumulator(value: Any) -> Accumulator:
    return Accumulator(value, remote=True)


class LocalRDD(list):
    """A parallelized list: the few RDD methods that scripts use on the way to a DataFrame, run here and now on the list.

    It is a list, so that `spark.createDataFrame(rdd)` takes it as it is.
    """

    def __init__(self, data: Iterable[Any], session: Callable[[], Any], partitions: int = 1) -> None:
        super().__init__(data)
        self._session = session
        self._partitions = partitions

    def _like(self, data: Iterable[Any]) -> "LocalRDD":
        return LocalRDD(data, self._session, self._partitions)

    def toDF(self, schema: Any = None, sampleRatio: float | None = None) -> Any:
        """The rows as a DataFrame."""
        return self._session().createDataFrame(list(self), schema)

    def collect(self) -> list:
        """The elements."""
        return list(self)

    def toLocalIterator(self, prefetchPartitions: bool = False) -> Iterator[Any]:
        """The elements, one by one."""
        return iter(self)

    def count(self, *value: Any) -> int:
        """How many elements there are."""
        return super().count(*value) if value else len(self)

    def isEmpty(self) -> bool:
        """True when there is no element."""
        return not self

    def first(self) -> Any:
        """The first element; ValueError when there is none."""
        if not self:
            raise ValueError("RDD is empty")
        return self[0]

    def take(self, num: int) -> list:
        """The first `num` elements."""
        return list(itertools.islice(self, max(num, 0)))

    def getNumPartitions(self) -> int:
        """The number of slices asked for."""
        return self._partitions

    def map(self, f: Callable[[Any], Any], preservesPartitioning: bool = False) -> "LocalRDD":
        """f of each element."""
        return self._like(f(x) for x in self)

    def flatMap(self, f: Callable[[Any], Iterable[Any]], preservesPartitioning: bool = False) -> "LocalRDD":
        """All elements of f of each element."""
        return self._like(y for x in self for y in f(x))

    def filter(self, f: Callable[[Any], Any]) -> "LocalRDD":
        """The elements for which f is true."""
        return self._like(x for x in self if f(x))

    def foreach(self, f: Callable[[Any], None]) -> None:
        """Call f with each element."""
        for x in self:
            f(x)

    def sum(self) -> Any:
        """The sum of the elements."""
        return sum(self)

    def distinct(self, numPartitions: int | None = None) -> "LocalRDD":
        """The distinct elements."""
        return self._like(dict.fromkeys(self))

    def union(self, other: Iterable[Any]) -> "LocalRDD":
        """The elements of both."""
        return self._like(itertools.chain(self, other))

    def cache(self) -> "LocalRDD":
        """Nothing to do: the elements are here."""
        return self

    persist = unpersist = cache

    def repartition(self, numPartitions: int) -> "LocalRDD":
        """The same elements; a list has no partitions."""
        return LocalRDD(self, self._session, numPartitions)

    coalesce = repartition

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotImplementedError(
            f"RDD.{name} is not implemented on the embedded engine, which has no RDDs: make it a DataFrame with toDF(), or run the job on real Spark"
        )
