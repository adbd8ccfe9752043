"""Read the fenced blocks of our Markdown pages."""

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["GUIDE", "ROOT", "Block", "blocks"]

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its page, the line its text begins in, its info string, its text."""

    page: Path
    line: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(info: str) -> list[Block]:
    """Return every block of the guide and the README whose info string is *info*."""
    found = []
    for page in [ROOT / "README.md", *sorted(GUIDE.glob("*.md"))]:
        whole = page.read_text()
        for match in _FENCE.finditer(whole):
            if match["info"].strip() == info:
                line = whole.count("\n", 0, match.start("text")) + 1
                found.append(Block(page=page, line=line, info=info, text=match["text"]))
    return found
