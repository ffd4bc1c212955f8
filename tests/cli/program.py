"""Where the built program and the examples are."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SOLDER = pathlib.Path(os.environ.get("SOLDER_BIN", ROOT / "build" / "solder"))
