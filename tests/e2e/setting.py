"""What the end-to-end tests share: the laboratory of the demo. Nothing in it depends on how fast the machine is.

Nothing here, nor in a test, waits for a time: it waits until something can be seen.
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from lab import cloudwatch, scene, trail  # noqa: E402, F401
from lab import emulator, preload  # noqa: E402
from lab.emulator import ACCOUNT, REGION  # noqa: E402, F401
from lab.mailbox import Mailbox  # noqa: E402, F401
from lab.runtime import Function  # noqa: E402, F401
from lab.scene import until  # noqa: E402, F401
from lab.stack import BOOTSTRAP, Aws, Stack  # noqa: E402, F401

BUCKET = "acme-lidar"
EVENTS = ROOT / "events"


class Emulator(emulator.Emulator):
    """The emulated AWS, whose functions don't notice how long it takes to answer."""

    def __init__(self):
        super().__init__()
        self._log = self.directory / "functions.log"
        self._log.touch()
        self._held = 0
        self.environment = {"LD_PRELOAD": preload.library(self.directory), "LAB_LOG": str(self._log)}

    def log(self) -> list:
        """What its functions have logged. The emulated CloudWatch Logs has it too, but a line that comes late, with the next.

        Each is held to the embedded metric format: CloudWatch would drop a wrong one's figures in silence.
        """
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        for line in lines[self._held:]:
            cloudwatch.metrics(line)
        self._held = len(lines)
        return lines
