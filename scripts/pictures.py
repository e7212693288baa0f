#!/usr/bin/env python3
"""Draws docs/email.png and docs/card.png from the email and the card of docs/messages.md, which a test holds to what the guard sends.

Needs Chromium (`chromium`, or the program that CHROMIUM names). Nothing is read from the network.
"""

import html
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MESSAGES = (ROOT / "docs" / "messages.md").read_text()
STYLE = """
body { margin: 0; background: #fff; font: 15px/1.45 "DejaVu Sans", Arial, sans-serif; color: #1d1c1d; }
.mail { width: 680px; padding: 22px 26px; }
.mail h1 { font-size: 19px; margin: 0 0 4px; } .mail .from { color: #666; font-size: 13px; border-bottom: 1px solid #ddd; padding-bottom: 10px; }
.mail pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; margin: 12px 0 0; }
.chat { width: 680px; padding: 18px 22px; } .who { font-weight: bold; } .app { background: #ddd; border-radius: 3px; font-size: 10px; padding: 1px 4px; }
.chat .card { border-left: 4px solid #2eb67d; padding: 2px 12px; margin-top: 6px; } .chat h1 { font-size: 16px; margin: 4px 0; }
code { background: #f4f4f4; border: 1px solid #e1e1e1; border-radius: 3px; color: #c01343; padding: 0 3px; font-size: 13px; overflow-wrap: anywhere; }
.chat pre { background: #f8f8f8; border: 1px solid #ddd; border-radius: 4px; padding: 8px; font-size: 12px; white-space: pre-wrap; overflow-wrap: anywhere; }
"""


def block(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)\n```\n", MESSAGES, re.DOTALL)[1]


def email() -> str:
    text = block("text").split("\nEVIDENCE\n")[0]
    bucket, rest = re.search(r"^Now: Bucket (\S+): (.*?)\.", text).groups()
    escaped = re.sub(r"(?m)^(Now|Affected|Changed by|Do now):", r"<b>\1:</b>", html.escape(text))
    return (
        f'<div class="mail"><h1>{html.escape(f"REPAIRED {bucket}: {rest}")}</h1><div class="from">AWS Notifications</div>'
        f"<pre>{escaped}</pre></div>"
    )


def card() -> str:
    content = json.loads(block("json"))["content"]
    parts = content["description"].split("```")
    prose = lambda text: re.sub(r"`([^`]*)`", r"<code>\1</code>", re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", html.escape(text))).replace("\n", "<br>")
    body = "".join(f"<pre>{html.escape(part.strip())}</pre>" if index % 2 else prose(part.strip()) for index, part in enumerate(parts))
    steps = "".join(f"<li>{html.escape(step)}</li>" for step in content["nextSteps"])
    return (
        f'<div class="chat"><span class="who">Amazon Q Developer</span> <span class="app">APP</span><div class="card"><h1>'
        f'{html.escape(content["title"])}</h1>{body}<ul>{steps}</ul></div></div>'
    )


def draw(name: str, body: str, height: int) -> None:
    with tempfile.TemporaryDirectory(prefix="pictures-") as directory:
        page = pathlib.Path(directory) / "page.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}")
        subprocess.run(
            [os.environ.get("CHROMIUM", "chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={directory}/profile", "--force-device-scale-factor=1.5", f"--window-size=732,{height}",
             f"--screenshot={ROOT / 'docs' / name}", page.as_uri()],
            check=True, capture_output=True, timeout=120,
        )


def main() -> int:
    draw("email.png", email(), 880)
    draw("card.png", card(), 700)
    return 0


if __name__ == "__main__":
    sys.exit(main())
