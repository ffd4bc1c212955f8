"""A job that prints one line: when `solder run`, its Python and the script itself began, in seconds since 1970."""

import os
import time


def began(pid: int) -> float:
    """When a process was started, to a hundredth of a second."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        ticks = int(file.read().rsplit(") ", 1)[1].split()[19])
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")


now = time.time()
print(f"began {began(os.getppid()):.3f} {began(os.getpid()):.3f} {now:.3f}")
