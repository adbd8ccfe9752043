"""The verifiers that the guide prints do what it says."""

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from service.delivery.signing import headers_of, make_secret

GUIDE: Final = (Path(__file__).parents[2] / "docs/guide/events.md").read_text("utf-8")
NODE: Final = shutil.which("node")
Verify = Callable[[str, dict[str, str], bytes], bool]


def block(language: str) -> str:
    """Return the code of *language* in the guide."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


def in_python(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Ask the guide's Python."""
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102 - the guide's own lines
    return bool(names["is_from_goodfit"](secret, headers, body))


def in_node(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Ask the guide's JavaScript."""
    if NODE is None:
        pytest.skip("there is no node here to run the guide's JavaScript with")
    given = json.dumps([secret, headers, base64.b64encode(body).decode()])
    ask = f"{block('js')}\nconst [s, h, b] = {given};"
    ask += 'process.stdout.write(String(isFromGoodfit(s, h, Buffer.from(b, "base64"))));'
    done = subprocess.run([NODE, "-e", ask], capture_output=True, text=True, check=True)
    return done.stdout == "true"


@pytest.mark.parametrize("verify", [in_python, in_node])
def test_the_guides_verifier_tells_ours_from_others(verify: Verify) -> None:
    """Ours verifies, with either secret while two sign; a change, an old one or a stranger not."""
    secret, fresh = make_secret(), make_secret()
    body = '{"type": "endpoint.test", "words": "naïve ✓"}'.encode()
    now = datetime.now(UTC)
    headers = headers_of(body, message="msg_1", at=now, secrets=[fresh, secret])
    assert verify(secret, headers, body)
    assert verify(fresh, headers, body)
    assert not verify(make_secret(), headers, body)
    assert not verify(secret, headers, body + b" ")
    assert not verify(secret, {}, body)
    assert not verify(secret, headers | {"webhook-signature": "v1, v1,x x"}, body)
    late = datetime.fromtimestamp(time.time() - 301, UTC)
    assert not verify(secret, headers_of(body, message="m", at=late, secrets=[secret]), body)
