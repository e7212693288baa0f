"""What the end-to-end tests share: the laboratory of the demo, and one deployed stack."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from lab import scene, trail  # noqa: E402, F401
from lab.emulator import ACCOUNT, REGION, Emulator  # noqa: E402, F401
from lab.mailbox import Mailbox  # noqa: E402, F401
from lab.runtime import Function  # noqa: E402, F401
from lab.scene import until  # noqa: E402, F401
from lab.stack import BOOTSTRAP, Aws, Stack  # noqa: E402, F401

BUCKET = "acme-lidar"
EVENTS = ROOT / "events"
