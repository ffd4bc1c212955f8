"""Each test here runs on real Spark and on the engine: same code, same expectations."""

from __future__ import annotations

import json
import pathlib
from typing import Any, Callable, Iterator

import pytest

from tests.conftest import connect_mode

CSV = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
JSON = "org.openx.data.jsonserde.JsonSerDe"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


@pytest.fixture(params=["classic", "engine"])
def spark(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A session, of either kind."""
    session = request.getfixturevalue(f"spark_{request.param}")
    with connect_mode(request.param == "engine"):
        yield session


@pytest.fixture
def glue(spark: Any) -> Any:
    """A GlueContext over it."""
    from awsglue.context import GlueContext

    return GlueContext(spark)


class CatalogFile:
    """A catalog export under construction."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.content: dict[str, list[dict[str, Any]]] = {"Databases": [{"Name": "db"}], "Tables": [], "Partitions": []}
        self._write()

    def _write(self) -> None:
        self.path.write_text(json.dumps(self.content))

    def table(
        self,
        name: str,
        location: pathlib.Path | str,
        columns: str,
        serde: str = CSV,
        serde_parameters: dict[str, str] | None = None,
        parameters: dict[str, str] | None = None,
        keys: str = "",
    ) -> None:
        """Add a table; columns and keys are "name type, name type"."""

        def entries(text: str) -> list[dict[str, str]]:
            return [dict(zip(("Name", "Type"), part.strip().split(" ", 1))) for part in text.split(",") if part.strip()]

        storage = {
            "Columns": entries(columns),
            "Location": str(location),
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": serde_parameters or {}},
        }
        self.content["Tables"].append(
            {
                "DatabaseName": "db",
                "Name": name,
                "StorageDescriptor": storage,
                "PartitionKeys": entries(keys),
                "Parameters": parameters or {},
            }
        )
        self._write()

    def partition(self, table: str, values: list[str], location: pathlib.Path | str | None = None) -> None:
        """Register a partition."""
        storage = {} if location is None else {"Location": str(location)}
        self.content["Partitions"].append({"DatabaseName": "db", "TableName": table, "Values": values, "StorageDescriptor": storage})
        self._write()


@pytest.fixture
def catalog(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> CatalogFile:
    """A catalog file that the GlueContext will use."""
    path = tmp_path / "catalog.json"
    monkeypatch.setenv("SOLDER_CATALOG_FILE", str(path))
    return CatalogFile(path)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> Callable[..., pathlib.Path]:
    """Writes files below a new folder: folder("t", {"a.csv": "text"})."""

    def make(name: str, files: dict[str, str]) -> pathlib.Path:
        root = tmp_path / name
        for relative, text in files.items():
            (root / relative).parent.mkdir(parents=True, exist_ok=True)
            (root / relative).write_text(text, encoding="utf-8", newline="")
        root.mkdir(exist_ok=True)
        return root

    return make


def rows(frame: Any) -> list[tuple]:
    """A DynamicFrame's or DataFrame's rows, in an order of their own."""
    df = frame.toDF() if hasattr(frame, "toDF") and hasattr(frame, "glue_ctx") else frame
    return sorted((tuple(r) for r in df.collect()), key=repr)
