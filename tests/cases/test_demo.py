"""The example job, unmodified, on the sample file: what `make demo` shows."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def shown() -> str:
    """What the demo prints, without the colours."""
    if not os.environ.get("SOLDER_BIN") and not (TOP / "build/solder").exists():
        pytest.skip("build/solder is not built")
    done = subprocess.run([TOP / "tools/demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def test_writes_the_324_people_above_30(shown: str) -> None:
    """Of 1,313 people 557 have no age, 8 a fractional one."""
    assert "\n324 rows\n" in shown
    assert re.search(r"\|\s*id\s*\|\s*full_name\s*\|\s*class\s*\|\s*age\s*\|\s*sex\s*\|\s*survived\s*\|", shown)


def test_summary_says_what_the_predicate_dropped_by_raising(shown: str) -> None:
    """int("0.92") raises ValueError, and the summary says how often and at which line of the script."""
    assert re.search(r"glue_job\.py:2[2-4]\b", shown)
    assert re.search(r"ValueError\D{0,3}8\b|8\D{0,20}ValueError", shown)
    assert re.search(r"\b1,313\b", shown) and re.search(r"\b324\b", shown)


def test_the_target_has_sparks_layout(shown: str) -> None:
    """Part files and _SUCCESS, and nothing else."""
    keys = re.findall(r"transformed-data/(\S+)", "\n".join(line for line in shown.splitlines() if re.match(r"\d{4}-\d\d-\d\d ", line)))
    assert "_SUCCESS" in keys
    assert [key for key in keys if not re.fullmatch(r"_SUCCESS|part-\d{5}-\S+\.parquet", key)] == []
    assert len(keys) > 1
