"""Each gate catches a bad sample of each kind that it is for, and passes a good one."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

LONG_BODY = "    x++;\n" * 160

# gate, file, content, words of the one finding expected (None: none at all).
SAMPLES = [
    ("check_layers", "src/sql/a.c", '#include "plan/type.h"\n', None),
    ("check_layers", "src/sql/a.c", '#include "gen/keywords.inc"\n#include "base/str.h"\n#include "sql/lex.h"\n', None),
    ("check_layers", "src/plan/a.h", '#include "../../spec/nodes.def"\n', None),
    ("check_layers", "src/sql/a.c", '#include "exec/exec.h"\n', "sql/ may not include exec/exec.h"),
    ("check_layers", "src/base/a.c", '#include "plan/type.h"\n', "base/ may not include plan/type.h"),
    ("check_layers", "src/cli/a.c", '#include "store/store.h"\n#include "supervise/process.h"\n', None),
    ("check_layers", "src/daemon/a.c", '#include "service/glue.h"\n#include "exec/exec.h"\n', None),
    ("check_layers", "src/daemon/a.c", "#include <sqlite3.h>\n", "only store may"),
    ("check_layers", "src/analyze/a.c", "#  include <duckdb.h>\n", "only exec and kernels may"),
    ("check_layers", "src/exec/a.c", "#include <grpc/grpc.h>\n", "only connect may"),
    ("check_layers", "src/plan/a.c", '#include "spark/connect/base.pb-c.h"\n', "only connect may"),
    ("check_layers", "src/service/a.c", "#include <microhttpd.h>\n", "only aws may"),
    ("check_layers", "src/exec/a.c", "#include <spawn.h>\n", "only supervise may"),
    ("check_layers", "src/exec/a.c", "int f(void) { return fork(); }\n", "only supervise/ starts processes"),
    ("check_layers", "src/cli/a.c", 'void f(void) { popen ("ls", "r"); }\n', "only supervise/ starts processes"),
    ("check_layers", "src/cli/a.c", "void f(void) { execvp(x, y); }\n", "only supervise/ starts processes"),
    ("check_layers", "src/supervise/a.c", "#include <spawn.h>\nint f(void) { return fork(); }\n", None),
    ("check_layers", "src/exec/a.c", "/* fork() is for supervise/ */ int fork_count;\n", None),
    ("check_layers", "src/exec/a.c", '#include "../plan/type.h"\n', 'as "ROOM/type.h"'),
    ("check_layers", "src/engine/a.c", "int x;\n", "there is no room engine"),
    ("check_layers", "src/sql/deep/a.c", "int x;\n", "directly in its room"),
    ("check_headers", "src/base/a.h", "#include <stddef.h>\nsize_t f(void);\n", None),
    ("check_headers", "src/base/a.h", "size_t f(void);\n", "does not compile alone"),
    ("check_headers", "src/base/a.h", "#define A 1\nenum E { B, C };\nstatic inline int f(enum E e) { switch (e) { case B: return A; default: return 0; } }\n",
     "-Werror=switch-enum"),
    *[
        ("check_banned", "src/base/a.c", f"void f(void) {{ {name}(a, b); }}\n", f"{name} is banned")
        for name in ("sprintf", "strcpy", "strcat", "strtok", "atoi", "atol", "gets", "vsprintf", "strncpy")
    ],
    ("check_banned", "src/base/a.c", "int my_atoi(int x); /* not atoi(x) */ char *s = \"gets(\"; void f(void) { fgets(b, 1, g); }\n", None),
    ("check_banned", "tests/unit/a.c", "int f(void) { return atoi (x); }\n", "atoi is banned"),
    ("check_banned", "src/base/a.c", '#pragma GCC diagnostic ignored "-Wswitch-enum"\n', "not switched off"),
    ("check_sizes", "src/base/a.c", "static int f(int x) {\n" + LONG_BODY + "}\n", "a function of 162 lines"),
    ("check_sizes", "src/base/a.c", "static int f(int x)\n{\n" + "    x++;\n" * 140 + "}\n\nstatic int g(int x) {\n    x++;\n}\n", None),
    ("check_sizes", "src/base/a.c", "#ifdef A\nint f(void) {\n#else\nint f(int x) {\n#endif\n" + LONG_BODY + "}\n}\n", "a function of"),
    ("check_sizes", "src/base/a.c", 'int f(void) {\n    puts("}");\n    /* } */\n' + LONG_BODY + "}\n", "a function of 164 lines"),
    ("check_sizes", "src/base/a.c", "static const int table[] = {\n" + "    1,\n" * 200 + "};\n", None),
    ("check_sizes", "src/base/a.c", "int x;\n" * 1201, "1201 lines"),
    ("check_sizes", "python/solder/a.py", "def f(x):\n" + "    x += 1\n" * 160, "a function of 161 lines"),
    ("check_sizes", "python/solder/a.py", "x = 1\n" * 1201, "1201 lines"),
    ("check_sizes", "spec/functions/a.tsv", "x\ty\n" * 1500, None),
    *[
        ("check_names", name, "", "says nothing")
        for name in ("src/base/util.c", "src/base/str_utils.h", "python/solder/common.py", "src/exec/helper.c", "tools/misc.py",
                     "src/store/manager.c", "tests/helpers/a.py")
    ],
    ("check_names", "python/awsglue/utils.py", "", None),
    ("check_names", "src/base/commonest.c", "", None),
    ("check_readmes", "src/base/a.c", "", "needs a README.md"),
    ("check_paths", "docs/a.md", "see " + "/work" + "/main", "exists only on somebody's machine"),
    ("check_paths", "docs/a.md", "see " + "/home" + "/jane/x", "exists only on somebody's machine"),
    ("check_paths", "docs/a.md", "https://" + "registry.npm" + "js.org/x", "exists only on somebody's machine"),
    ("check_paths", "docs/a.md", "s3://bucket/work/a and build/work/x and /homework/x", None),
    ("check_python", "python/solder/a.py", '"""A."""\nimport json\nfrom pyspark.sql import Row\nfrom . import b\n', None),
    ("check_python", "python/solder/a.py", '"""A."""\nimport requests\n', "imports requests"),
    ("check_python", "python/solder/a.py", "import json\n", "begins with a docstring"),
    ("check_python", "python/solder/a.py", '"""A."""\n\n\ndef f(x) -> int:\n    return x\n', "give x a type"),
]


@pytest.mark.parametrize("gate,name,content,expected", SAMPLES, ids=lambda value: str(value)[:40] if value else "clean")
def test_gate_on_sample(tmp_path: Path, gate: str, name: str, content: str, expected: str | None) -> None:
    """One file in an otherwise empty project."""
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    findings = [str(finding) for finding in importlib.import_module(gate).check(tmp_path)]
    if expected is None:
        assert findings == []
    else:
        assert len(findings) == 1 and expected in findings[0], findings


@pytest.mark.parametrize(
    "readme,expected",
    [
        ("# base\n- `a.c`, `a.h` - first\n| `b.c` | second |\n", []),
        ("# base\n- `a.c`, `a.h` - first\n", ["src/base/README.md: has no line for b.c"]),
        ("# base\n- `a.c`, `a.h` - first\n- `b.c` - second\n- `gone.c` - was here\n", ["src/base/README.md:4: there is no gone.c here any more"]),
        ("# base\nThe file `a.h` goes with `a.c` and `b.c`.\n",
         ["src/base/README.md: has no line for a.c", "src/base/README.md: has no line for a.h", "src/base/README.md: has no line for b.c"]),
    ],
)
def test_readme_names_the_files(tmp_path: Path, readme: str, expected: list[str]) -> None:
    """A README that fits its room, and the ways in which it can be out of step."""
    room = tmp_path / "src" / "base"
    room.mkdir(parents=True)
    for name in ("a.c", "a.h", "b.c"):
        (room / name).touch()
    (room / "README.md").write_text(readme, encoding="utf-8")
    check_readmes = importlib.import_module("check_readmes")
    assert [str(finding) for finding in check_readmes.check(tmp_path)] == expected


@pytest.mark.parametrize(
    "source,expected",
    [
        ("static const char *const names[] = {\"a\", \"b\"};\nconst char *f(int x) { return names[x]; }\n", None),
        ("int count;\nint f(void) { return count; }\n", "count"),
        ("int f(void) { static int calls = 3; return ++calls; }\n", "calls"),
        ("static _Thread_local int depth;\nint f(void) { return ++depth; }\n", "depth"),
        ("static const char *names[] = {\"a\"};\nvoid f(const char *x) { names[0] = x; }\n", "names"),
    ],
)
def test_globals_that_change(tmp_path: Path, source: str, expected: str | None) -> None:
    """The gate reads the compiled library, so it is given one."""
    (tmp_path / "src" / "base").mkdir(parents=True)
    build = tmp_path / "build"
    build.mkdir()
    (build / "a.c").write_text(source, encoding="utf-8")
    subprocess.run(["gcc", "-fPIC", "-O1", "-fno-toplevel-reorder", "-c", "a.c", "-o", "a.c.o"], cwd=build, check=True)
    subprocess.run(["ar", "rc", "libbase.a", "a.c.o"], cwd=build, check=True)
    findings = [str(finding) for finding in importlib.import_module("check_globals").check(tmp_path)]
    if expected is None:
        assert findings == []
    else:
        assert len(findings) == 1 and expected in findings[0], findings


@pytest.mark.parametrize("gate", sorted(path.stem for path in TOOLS.glob("check_*.py")))
def test_every_gate_has_a_sample_it_catches(gate: str) -> None:
    """A gate without a bad sample may have gone blind."""
    assert gate == "check_globals" or any(sample[0] == gate and sample[3] for sample in SAMPLES)
