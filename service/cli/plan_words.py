"""A plan in words and in JSON."""

from collections.abc import Sequence

from rich.text import Text

from service.cli.change_words import change_json, change_lines
from service.cli.checking import problem_lines
from service.cli.planning import Drift, Planned
from service.cli.screen import count_of, say


def print_plan(plans: Sequence[Planned]) -> None:
    """Print every rule set: what it is based on, what changes, and what check says."""
    width = max(len(_name(plan)) for plan in plans)
    for plan in plans:
        say(
            Text(f"  {_name(plan):<{width}}   ", style="bold").append(_head(plan), style="not bold")
        )
        if plan.comparison is not None:
            for line in change_lines(plan.comparison.changes, indent="    "):
                say(line)
            if plan.comparison.is_same_logic:
                say("    only words; no decision can differ")
        if plan.drift is not None:
            _print_drift(plan.drift)
        for line in problem_lines((plan.file.name, p) for p in plan.file.checked.problems):
            say(Text("    ").append_text(line))
        say(f"    {_check_words(plan)}", style="dim")


def plan_json(plan: Planned) -> dict[str, object]:
    """Return one rule set's plan as JSON members."""
    checked = plan.file.checked
    drift = plan.drift
    return {
        "file": plan.file.name,
        "rule_set": plan.file.rule_set or None,
        "state": plan.state,
        "newest": plan.newest,
        "version": plan.version,
        "live": plan.live,
        "digest": checked.rules.digest if checked.rules is not None else None,
        "errors": len(checked.errors),
        "warnings": len(checked.warnings),
        "problems": [problem.to_json() for problem in checked.problems],
        "tests": {"run": len(checked.tests), "passed": sum(t.passed for t in checked.tests)},
        "comparison": None if plan.comparison is None else change_json(plan.comparison),
        "drift": None if drift is None else {
            "version": drift.version,
            "author": drift.author,
            "note": drift.note,
            "based_on": drift.based_on,
            "comparison": None if drift.comparison is None else change_json(drift.comparison),
        },
    }  # fmt: skip


def _name(plan: Planned) -> str:
    return plan.file.rule_set or plan.file.name


def _head(plan: Planned) -> str:
    live = f", live is {plan.live}" if plan.live not in {None, plan.version or plan.newest} else ""
    match plan.state:
        case "invalid":
            return "has errors"
        case "new":
            return "new"
        case "unchanged":
            is_live = " and live" if plan.live == plan.version else live
            return f"unchanged: version {plan.version}{is_live}"
    return f"draft from version {plan.newest}{live}"


def _print_drift(drift: Drift) -> None:
    words = f"    ! version {drift.version} by {drift.author}"
    if drift.note:
        words += f" ({drift.note})"
    if drift.based_on is None:
        words += " did not come from this folder"
    else:
        words += f" is newer than version {drift.based_on}, on which this folder is based:"
    say(words, style="bold yellow")
    if drift.comparison is not None:
        for line in change_lines(drift.comparison.changes, indent="      "):
            say(line)


def _check_words(plan: Planned) -> str:
    checked = plan.file.checked
    counts = [(len(checked.errors), "error"), (len(checked.warnings), "warning")]
    found = ", ".join(count_of(n, noun) if n else f"no {noun}s" for n, noun in counts)
    passed = sum(test.passed for test in checked.tests)
    tests = f"      tests: {passed} of {len(checked.tests)}" if checked.tests else ""
    return f"check: {found}{tests}"
