"""Where the time goes: `python -m benchmarks.profile` loads our server and samples it.

Three tables: which process kept a core how busy, which part of the code the server was in,
and which functions. `--start` shows instead what a start spends on imports.
"""

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.environment import installed_peers
from benchmarks.ground import Effort, Ground
from benchmarks.loading import generator
from benchmarks.preparing import install_rules, requests_of
from benchmarks.rules import leads, rule_set
from benchmarks.sampling import part_of, sample

__all__ = ["imports_in"]

_RULES: Final = 20
_SHOWN: Final = 25


def main() -> None:
    """Print where the time goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--start", action="store_true", help="what a start spends on imports")
    asked = parser.parse_args()
    if asked.start:
        _show_imports()
    else:
        with Ground(effort=Effort(), peers=installed_peers()) as ground:
            _profile(ground, asked.seconds)


def _profile(ground: Ground, seconds: float) -> None:
    with ground.database("bench_profile") as url, generator() as load:
        key = install_rules(url, [rule_set(_RULES)])
        requests = requests_of(leads(100), key=key, rule_set=f"plain_rules_{_RULES}")
        found = sample(ground, load, url, requests, seconds=seconds)
    print(f"{found.per_second:.0f} requests/s; processor time of a request, share of a core")
    for name, each in found.used_us.items():
        print(f"  {each:>6.0f} us {found.share[name]:>5.0%}  {name}")
    _show_samples(found.stacks)


def _show_samples(stacks: Mapping[str, int]) -> None:
    parts: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for stack, count in stacks.items():
        names = stack.split(" ")
        inside[names[0]] += count
        parts[part_of(names)] += count
        for name in {name for name in names if name.startswith("service.")}:
            within[name] += count
    total = sum(stacks.values())
    for heading, found in (
        ("by part of the code", parts),
        ("in the function itself", inside),
        ("in the function and what it calls", within),
    ):
        print(f"\n{heading} ({total} samples)")
        for name, count in found.most_common(_SHOWN):
            print(f"  {count / total:>6.1%}  {name}")


def _show_imports() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import service.app"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parent.parent,
    )
    own: Counter[str] = Counter()
    for name, microseconds in imports_in(done.stderr):
        parts = name.split(".")
        own[".".join(parts[:2] if parts[0] == "service" else parts[:1])] += microseconds
    print(f"importing the application: {sum(own.values()) / 1e3:.0f} ms")
    for name, microseconds in own.most_common(_SHOWN):
        print(f"  {microseconds / 1e3:>6.0f} ms  {name}")


def imports_in(text: str) -> Iterator[tuple[str, int]]:
    """Yield each imported module with the microseconds it took itself."""
    for line in text.splitlines():
        head, _, name = line.rpartition("|")
        own = head.removeprefix("import time:").partition("|")[0].strip()
        if own.isdigit():
            yield name.strip(), int(own)


if __name__ == "__main__":
    main()
