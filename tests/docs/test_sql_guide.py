"""The guide to SQL: its Python runs, and its tables say what the code does."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from service.rules.expression.sql_dialects import DIALECTS
from tests.docs.blocks import GUIDE, ROOT, blocks

PAGE = (GUIDE / "sql.md").read_text()
FLEET = ROOT / "tests" / "cases" / "fleet_leads.yaml"


def test_the_python_of_the_guide_decides(tmp_path: Path) -> None:
    """Copied out and run in a folder with the worked example, it prints two decisions."""
    (block,) = [one for one in blocks("python") if one.page.name == "sql.md"]
    shutil.copy(FLEET, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    known, unknown = done.stdout.splitlines()
    assert known.startswith("(1, ")
    assert "'undecided'" in unknown


def test_every_dialect_is_spoken_of() -> None:
    """And those that were executed have a section of their own."""
    for dialect in DIALECTS.values():
        assert dialect.name in PAGE.lower()
        has_section = re.search(rf"^## {dialect.name}$", PAGE, re.MULTILINE | re.IGNORECASE)
        assert bool(has_section) == dialect.was_executed
