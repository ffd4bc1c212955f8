"""A script's surroundings and its end: arguments, paths, exit statuses, what is printed when it fails.  No engine is needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import PYTHON_PATH


def test_the_script_sees_what_python_would_show_it(launch, script, tmp_path):
    (tmp_path / "beside.py").write_text("value = 7\n")
    path = script("import sys, beside\nprint(sys.argv, sys.path[0], __name__, __file__, beside.value, 'pyspark' in sys.modules)\n")
    ran = launch(path, "--JOB_NAME", "x", "-h")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"{[str(path), '--JOB_NAME', 'x', '-h']} {tmp_path} __main__ {path} 7 False\n"


@pytest.mark.parametrize(
    "text, status, errors",
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('no input today')", 1, "no input today\n"),
        ("raise SystemExit(0)", 0, ""),
    ],
)
def test_exit(launch, script, text, status, errors):
    ran = launch(script(text))
    assert (ran.returncode, ran.stderr) == (status, errors)


def test_an_uncaught_exception_shows_the_scripts_lines(launch, script):
    ran = launch(
        script(
            "import json\ndef f(x):\n    return json.loads(x)\nprint('before')\ntry:\n    f('{')\nexcept ValueError as e:\n    raise RuntimeError('bad input') from e\n"
        )
    )
    assert ran.returncode == 1 and ran.stdout == "before\n"
    lines = ran.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):" and 'job.py", line 8' in lines[1]
    assert "RuntimeError: bad input" in lines
    assert lines[-1].startswith("caused by: json.decoder.JSONDecodeError: Expecting property name")
    assert "solder" not in ran.stderr


def test_a_relative_script_that_changes_its_folder(launch, script, tmp_path):
    script("import os, sys\nos.chdir('/')\nprint(sys.argv[0], os.path.isabs(__file__))\n1/0\n")
    ran = launch("job.py")
    assert ran.stdout == "job.py True\n" and "    1/0\n" in ran.stderr


def test_a_syntax_error_names_its_line(launch, script):
    ran = launch(script("x = 1\ny = (\n"))
    assert ran.returncode == 1
    assert 'job.py", line 2' in ran.stderr and ran.stderr.endswith("SyntaxError: '(' was never closed\n")


def test_a_missing_script(launch, tmp_path):
    ran = launch(tmp_path / "nope.py")
    assert ran.returncode == 2 and ran.stderr == f"{tmp_path / 'nope.py'}: No such file or directory\n"
    assert launch("").returncode == 2


def test_an_interrupt_ends_with_130(script, tmp_path):
    path = script("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "solder.launch", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PYTHON_PATH)},
        # A shell without job control starts background commands with SIGINT ignored, and Python keeps it so.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout.readline() == "up\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130 and errors == "interrupted at job.py:3\n"


def test_exit_handlers_run(launch, script):
    ran = launch(script("import atexit\natexit.register(print, 'bye')\n1/0\n"))
    assert ran.returncode == 1 and ran.stdout == "bye\n" and ran.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_the_full_traceback_on_request(launch, script):
    ran = launch(script("1/0\n"), env={"SOLDER_TRACEBACK": "full"})
    assert "solder/launch.py" in ran.stderr and "ZeroDivisionError" in ran.stderr


# ---- imports put off


def deferred(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(PYTHON_PATH), "SPARK_CONNECT_MODE_ENABLED": "1"}
    text = (
        "import sys\nfrom solder.deferred import deferred_imports\nwith deferred_imports():\n    import pyspark.sql.connect.session as s\n"
        + code
    )
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=environment, timeout=60, check=True).stdout


def test_the_client_is_imported_without_pandas_and_setuptools():
    assert deferred("print([m for m in ('pandas', 'pandas.api.types', 'setuptools', 'pkg_resources') if m in sys.modules])") == "[]\n"


def test_pandas_is_the_real_one_when_somebody_imports_it():
    out = deferred(
        "import pandas as pd, pandas.testing\n"
        "from pandas.api.types import is_datetime64_dtype\n"
        "frame = pd.DataFrame({'a': [1]})\n"
        "print(type(pd).__name__, isinstance(frame, s.pd.DataFrame), s.pd.DataFrame is not None, s.is_datetime64_dtype(frame['a']), s.pd.Series([1]).sum())\n"
    )
    assert out == "module True True False 1\n"


def test_the_clients_own_names_load_pandas_when_used():
    out = deferred(
        "before = 'pandas' in sys.modules, isinstance([], s.pd.DataFrame), 'pandas' in sys.modules\n"
        "print(before, s.pd.DataFrame({'a': [1, 2]}).shape, s.pd.__version__ == sys.modules['pandas'].__version__, isinstance(1, s.pd.Series))\n"
    )
    assert out == "(False, False, False) (2, 1) True False\n"
