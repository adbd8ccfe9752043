"""Terminal sessions printed in the guide: run afresh, in the order of the page.

A fenced block whose info string names a file (`yaml my_rules.yaml`) writes that file; a
block `console run` holds commands after `$ `, each followed by what it prints.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["rerun"]

_BLOCK = re.compile(r"^```(?P<info>\w+ [\w.]+)\n(?P<text>.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_SECONDS = re.compile(r"\b\d+\.\d s\b")


def rerun(page: str, *, folder: Path) -> str:
    """Return *page* with what its commands print now; their files are made in *folder*."""

    def renew(block: re.Match[str]) -> str:
        name = block["info"].split()[1]
        if block["info"] != "console run":
            (folder / name).write_text(block["text"])
            return block[0]
        commands = re.findall(r"^\$ (.+)$", block["text"], flags=re.MULTILINE)
        session = "".join(f"$ {line}\n{_output(line, folder)}" for line in commands)
        return f"```console run\n{session}```"

    return _BLOCK.sub(renew, page)


def _output(command: str, folder: Path) -> str:
    """Return what *command* prints on both streams; the seconds it took become `0.1 s`."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "NO_COLOR": "1",
            "PYTHONUTF8": "1",
            "COLUMNS": "100",
        },
    )
    printed = _SECONDS.sub("0.1 s", done.stdout)
    return "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
