"""Where the real data lies that nobody here wrote; its tests skip, visibly, without it."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("GOODFIT_SHARED_DATA", ROOT.parent / "shared" / "data"))
HERE = Path(__file__).resolve().parent


def shared_file(*parts: str) -> Path:
    """Return a file of the shared data, or skip the test that wants it."""
    file = SHARED.joinpath(*parts)
    if not file.exists():
        pytest.skip(f"{'/'.join(parts)} is not here; set GOODFIT_SHARED_DATA to read it")
    return file
