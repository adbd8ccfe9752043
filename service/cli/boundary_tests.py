"""`goodfit test --boundaries`: tests on both sides of each rule's thresholds, shown or kept."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.cli.files import read_file
from service.cli.screen import NO, count_of, print_json, refuse, say
from service.rules import RuleSet, boundary_tests, edges_of, read_source
from service.rules.document import TestDocument

__all__ = ["show_boundaries"]


def show_boundaries(file: str, rules: RuleSet, *, keep: bool, as_json: bool) -> None:
    """Print the tests that *file* lacks, as YAML to paste; with *keep*, write them into it."""
    edges = edges_of(rules)
    tests = boundary_tests(edges.found, beside=rules.document.tests)
    if keep:
        _write(file, tests)
    if as_json:
        told = [_plain(test) for test in tests]
        print_json({"file": file, "tests": told, "without": [*edges.without], "written": keep})
        return
    if keep:
        say(f"{count_of(len(tests), 'test')} written into {file}")
    elif tests:
        say("tests:")
        for test in tests:
            say(_as_yaml(test))
        say(f"\n# {count_of(len(tests), 'test')}; --freeze writes them into {file}")
    else:
        say(f"{file} has a test on each side of every threshold")
    if edges.without:
        say(f"# without a threshold that was found: {', '.join(edges.without)}")


def _write(file: str, tests: Sequence[TestDocument]) -> None:
    if file == "-":
        refuse("--freeze writes into the file, and standard input is none; name the file")
    if not tests:
        return
    # Changing text in place loads the room of drafts, which no other test run needs.
    from service.rulesets import rewritten

    source = read_file(file, what="rule file").decode("utf-8")
    document: dict[str, Any] = dict(read_source(source).data)  # type: ignore[call-overload]  # it was loaded
    document["tests"] = [*document.get("tests", ()), *(_plain(test) for test in tests)]
    try:
        Path(file).write_text(rewritten(source, document), encoding="utf-8")
    except OSError as error:
        refuse(f"`{file}` cannot be written: {(error.strerror or 'no reason').lower()}", code=NO)


def _plain(test: TestDocument) -> dict[str, Any]:
    return {"name": test.name, "facts": test.facts, "expect": {"rules": test.expect.rules}}


def _as_yaml(test: TestDocument) -> str:
    def line(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    return (
        f"  - name: {line(test.name)}\n"
        f"    facts: {line(test.facts)}\n"
        f"    expect: {{rules: {line(test.expect.rules)}}}"
    )
