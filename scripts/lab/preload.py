"""What the laboratory puts beneath a function, so that nothing depends on the machine's speed: preload.c says what.

Must never be a setting of the guard: it is beneath the process, not in it. For Linux, with the `cc` that Rust links with.
"""

import mmap
import pathlib
import struct
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).with_suffix(".c")
NANOSECONDS = 10**9


def library(directory: pathlib.Path) -> str:
    """Compiles it, unless that is done; its path."""
    made = directory / "preload.so"
    if not made.exists():
        # Under another name first, as several threads may ask at once.
        fresh = pathlib.Path(tempfile.mkdtemp(dir=directory)) / made.name
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", fresh, SOURCE], check=True)
        fresh.rename(made)
    return str(made)


class Clock:
    """The only time that one function has. It stands still, but where the function waits for time alone or `advance` moves it."""

    def __init__(self, directory: pathlib.Path, name: str):
        place = directory / f"{name}.clock"
        place.write_bytes(struct.pack("=qq", time.time_ns(), 0))
        with open(place, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": library(directory), "LAB_CLOCK": str(place)}

    def _number(self, index: int) -> int:
        return struct.unpack_from("=q", self._page, 8 * index)[0]

    def time(self) -> float:
        """Seconds since the epoch, as `time.time`."""
        return self._number(0) / NANOSECONDS

    def advance(self, seconds: float) -> None:
        struct.pack_into("=q", self._page, 0, self._number(0) + int(seconds * NANOSECONDS))

    def unanswered(self) -> int:
        """How many requests of the function wait for their answers."""
        return self._number(1)
