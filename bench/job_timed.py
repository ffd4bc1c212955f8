"""Runs examples/glue_job.py as it is, with the call that writes timed: everything before it is lazy, so that call is the engine's part.

Prints "write_seconds N". Usage: job_timed.py PATH_OF_GLUE_JOB
"""

import runpy
import sys
import time

from awsglue.dynamicframe import DynamicFrameWriter

write = DynamicFrameWriter.from_options


def timed_write(*args: object, **kwargs: object) -> object:
    """The call of the script, and how long it took."""
    start = time.monotonic()
    result = write(*args, **kwargs)
    print(f"write_seconds {time.monotonic() - start:.4f}", flush=True)
    return result


DynamicFrameWriter.from_options = timed_write
runpy.run_path(sys.argv[1], run_name="__main__")
