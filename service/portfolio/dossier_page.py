"""The dossier as a page that prints on two sheets: the same numbers, fewer of them.

The longest lists are cut so that the fullest dossier fits.

What does not fit is counted, and is in the JSON.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from service.portfolio.dossier_style import STYLE
from service.portfolio.drawing import day_shown
from service.portfolio.markup import Element, Node, element, page
from service.portfolio.pictures import CostMonth, Costs, Step, Waterfall, small_waterfall
from service.portfolio.pictures import costs as costs_drawn
from service.portfolio.pictures.figures import DASH, MINUS, exact_money, points
from service.portfolio.pictures.lettering import clean, plain

__all__ = ["dossier_page"]

_WIDE: Final = 430.0
_SCORES: Final = 6
_STEPS: Final = 4
_DRIVERS: Final = 4
_FACTS: Final = 20
_BETTER: Final = 3
_NEAR: Final = 3
_UNKNOWN: Final = 4
_HISTORY: Final = 4
_OVERRIDES: Final = 2
_LONG: Final = 260
_SHORT: Final = 90
_CELL: Final = 44
_VALUE: Final = 30

Told = Mapping[str, Any]
_KINDS: Final = {MINUS: "loss", DASH: "by"}


def dossier_page(told: Told) -> str:
    """Return the page of a dossier."""
    account = told["account"]
    name = _short(account["name"] or account["key"], _SHORT)
    return page(
        element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("title", f"Dossier: {name}"),
                element("style", STYLE),
            ),
            element("body", element("main", _standing_part(told, name), _known_part(told))),
            lang="en",
        )
    )


def _standing_part(told: Told, name: str) -> Element:
    account, stand = told["account"], told["standing"]
    under = [account["key"]] if account["name"] else []
    under += [f"with {key}" for key in account["merged"][:2]]
    if told["rule_set"] is not None:
        under.append(f"{told['rule_set']['title']}, version {told['rule_set']['version']}")
    parts: list[Node] = [
        element(
            "header",
            element("h1", _bdi(name)),
            element(
                "p",
                _bdi(_short(" · ".join(under), _SHORT * 2)),
                f" · as of {_day(told['as_of'])}",
                class_="under",
            ),
        )
    ]
    if told["facts_erased_at"] is not None:
        erased = f"The facts of this account were erased on {_day(told['facts_erased_at'])}."
        parts.append(element("p", erased, class_="notice"))
    if stand is None:
        parts.append(element("p", "No rules have judged this account yet.", class_="notice"))
    else:
        parts += _standing(stand)
        parts.append(element("section", element("h2", "Scores"), _scores(told)))
        parts.append(element("div", _reach(told), _unknown(told), class_="halves"))
    return element("div", parts)


def _standing(stand: Told) -> Iterator[Node]:
    label = stand["label"] or stand["verdict"]
    head: list[Node] = [element("strong", _bdi(_short(label, _SHORT)), class_="group")]
    head.append(element("span", f"{stand['verdict']}, {_day(stand['decided_at'])}", class_="tag"))
    if not stand["certain"]:
        head.append(element("span", "not everything is known", class_="tag"))
    if stand["by_person"] is not None:
        head.append(element("span", "a person decided", class_="tag"))
    said: list[Node] = [element("p", head, class_="head")]
    if stand["in_grace"]:
        words = "In the first months everybody costs more than they bring; nobody is blamed for it."
        said.append(element("p", words))
    if stand["by_person"] is not None:
        person, reason = _short(stand["by_person"], _SHORT), _short(stand["person_said"], _LONG)
        words = f"{person} decided otherwise: {reason} By the rules: {stand['rules_label']}."
        said.append(element("p", _bdi(words)))
    if stand["untold"] is not None:
        words = f"The rules' words cannot be told any more: {stand['untold']}."
        said.append(element("p", _short(words, _LONG), class_="notice"))
    elif stand["reasons"]:
        said.append(element("p", _bdi(f"{_short(stand['reasons'][0]['words'], _LONG)}.")))
    action = (stand["action"] or "none").replace("_", " ")
    to = f", by {_short(stand['assign'], _CELL).replace('_', ' ')}" if stand["assign"] else ""
    columns = (
        ("Recommended action", f"{action}{to}"),
        ("Words for the customer", stand["for_the_customer"] or "none written"),
        ("Words for the board", stand["for_the_board"] or "none written"),
    )
    boxes = (
        element("div", element("h3", title), element("p", _bdi(_short(words, _LONG))))
        for title, words in columns
    )
    yield element("section", said, element("div", boxes, class_="columns"), class_="standing")


def _scores(told: Told) -> Element:
    drawn = []
    for score in told["scores"][:_SCORES]:
        picture = Waterfall(
            label=score["label"],
            value=score["value"],
            low=score["low"],
            high=score["high"],
            floor=score["floor"],
            ceiling=score["ceiling"],
            steps=tuple(
                Step(step["words"], step["points"], is_limit=step["is_limit"])
                for step in score["steps"]
            ),
        )
        name = f"score-{score['name']}"
        drawn.append(element("div", small_waterfall(picture, wide=_WIDE, name=name, most=_STEPS)))
    others = [
        f"{_short(score['label'], _CELL)} {points(score['value'])}"
        for score in told["scores"][_SCORES:]
    ]
    rest = element("p", f"Also: {_short(', '.join(others), _LONG)}") if others else ""
    return element("div", element("div", drawn, class_="grid"), rest)


def _known_part(told: Told) -> Element:
    return element(
        "div",
        _money(told["money"]),
        element("div", _history(told), _overrides(told), class_="halves"),
        _facts(told["facts"]),
    )


def _money(money: Told) -> Element:
    shown, rest = money["drivers"][:_DRIVERS], money["drivers"][_DRIVERS:]
    heads = ["", "Revenue", *(_driver(one) for one in shown)]
    heads += ["Other costs"] if rest else []
    heads += ["All costs", "Left over"]
    lines = [(_month(month["month"]), month, "") for month in money["months"]]
    lines.append(("12 months", money["recent"], "total"))
    lines.append(("earlier", money["earlier"], ""))
    lines.append(("all", money["total"], "total"))
    rows = (
        element(
            "tr",
            element("th", title, scope="row"),
            (
                element("td", amount, class_=_KINDS.get(amount[:1]))
                for amount in _amounts(stretch, shown, rest)
            ),
            class_=kind or None,
        )
        for title, stretch, kind in lines
    )
    return element(
        "section",
        element("h2", f"Revenue and cost to serve, {money['currency']}"),
        _costs(money, shown, rest),
        element(
            "table",
            element("thead", element("tr", (element("th", one, scope="col") for one in heads))),
            element("tbody", rows),
            class_="money",
        ),
    )


def _costs(money: Told, shown: Sequence[str], rest: Sequence[str]) -> Element | str:
    """Return the twelve months as a picture; nothing where none cost anything."""
    names = {one: _driver(one) for one in shown} | dict.fromkeys(rest, "Other costs")
    months = []
    for month in money["months"]:
        costs: dict[str, Decimal] = {}
        for driver, amount in month["costs"].items():
            costs[names[driver]] = costs.get(names[driver], Decimal(0)) + Decimal(amount)
        months.append(CostMonth(_month(month["month"]), costs))
    drivers = list(dict.fromkeys(names.values()))
    if not any(month.costs for month in months):
        return ""
    drawn = Costs(drivers=drivers, months=months, currency=money["currency"])
    return element("div", costs_drawn(drawn, name="costs"), class_="drawn")


def _amounts(stretch: Told, shown: Sequence[str], rest: Sequence[str]) -> Iterator[str]:
    costs = {name: Decimal(amount) for name, amount in stretch["costs"].items()}
    yield _amount(Decimal(stretch["revenue"]))
    for name in shown:
        yield _amount(costs.get(name, Decimal(0)))
    if rest:
        yield _amount(sum((costs.get(name, Decimal(0)) for name in rest), Decimal(0)))
    yield _amount(Decimal(stretch["cost"]))
    yield _amount(Decimal(stretch["margin"]))


def _reach(told: Told) -> Element | str:
    reach = told["reach"]
    if reach is None:
        return ""
    parts: list[Node] = [
        element("h2", "What would have to change"),
        element("p", reach["words"]),
        _ways(reach["better"][:_BETTER]),
    ]
    if reach["near"]:
        parts += [element("h3", "Near as well"), _ways(reach["near"][:_NEAR])]
    if reach["possible"]:
        labels = ", ".join(_short(one["label"], _CELL) for one in reach["possible"])
        parts.append(element("p", f"Possible, as not all is known: {_short(labels, _LONG)}."))
    return element("section", parts)


def _ways(ways: Iterable[Told]) -> Element | str:
    items = [
        element(
            "li",
            element("strong", _bdi(_short(way["label"], _CELL))),
            ": ",
            _bdi(_short(way["words"], _LONG)),
        )
        for way in ways
    ]
    return element("ul", items) if items else ""


def _unknown(told: Told) -> Element | str:
    items = [
        element("li", _bdi(_short(one["ask"] or one["label"], _SHORT)))
        for one in told["unknown"][:_UNKNOWN]
    ]
    rest = _rest(told["unknown"], _UNKNOWN)
    return (
        element("section", element("h2", "To find out"), element("ul", items), rest)
        if items
        else ""
    )


def _history(told: Told) -> Element | str:
    if not told["history"]:
        return ""
    items = []
    for one in told["history"][:_HISTORY]:
        said: list[Node] = [
            element("strong", _bdi(_short(one["label"] or one["verdict"], _CELL))),
            f" {_day(one['at'])}, version {one['version']}",
        ]
        if one["override"] is not None:
            said.append(_bdi(f", {_short(one['override']['person'], _CELL)} decided"))
        if one["moved"] is not None and one["moved"]["summary"] is not None:
            said += [element("br"), element("span", _short(one["moved"]["summary"], _SHORT * 2))]
        items.append(element("li", said))
    rest = _rest(told["history"], _HISTORY)
    return element("section", element("h2", "History"), element("ul", items), rest)


def _overrides(told: Told) -> Element | str:
    items = [
        element(
            "li",
            _bdi(_short(one["person"], _CELL)),
            f", {_day(one['created_at'])}: {one['outcome'] or one['verdict']} instead of "
            f"{one['rules']['outcome']} ({one['state'].replace('_', ' ')}); ",
            _bdi(_short(one["reason"], _SHORT)),
        )
        for one in told["overrides"][:_OVERRIDES]
    ]
    if not items:
        return ""
    rest = _rest(told["overrides"], _OVERRIDES)
    return element("section", element("h2", "What people said"), element("ul", items), rest)


def _facts(facts: Sequence[Told]) -> Element | str:
    if not facts:
        return element("section", element("h2", "Facts"), element("p", "None are known."))
    shown = facts[:_FACTS]
    half = (len(shown) + 1) // 2
    tables = (
        element(
            "table",
            element("tbody", (_fact(one) for one in part)),
            class_="facts",
        )
        for part in (shown[:half], shown[half:])
    )
    rest = _rest(facts, _FACTS)
    return element("section", element("h2", "Facts"), element("div", tables, class_="halves"), rest)


def _fact(fact: Told) -> Element:
    by = "" if fact["source"] is None else _short(fact["source"], 16)
    at = "" if fact["at"] is None else _day(fact["at"])
    return element(
        "tr",
        element("th", _bdi(_short(fact["label"], _CELL)), scope="row"),
        element("td", _bdi(_short(fact["words"], _VALUE))),
        element("td", f"{by} {at}".strip(), class_="by"),
    )


def _rest(every: Sequence[object], shown: int) -> Element | str:
    left = len(every) - shown
    return element("p", f"and {left} more", class_="rest") if left > 0 else ""


def _bdi(text: str) -> Element:
    """Return a text of somebody's in its own direction, whatever stands beside it."""
    return element("bdi", text)


def _short(text: str, most: int) -> str:
    whole = clean(str(text)[: 4 * most + 4])
    return whole if len(whole) <= most else f"{plain(whole[: most - 1]).rstrip()}…"


def _driver(name: str) -> str:
    return _short(name.replace("_", " "), 18).capitalize()


def _amount(amount: Decimal) -> str:
    """Return an amount; nothing is a dash, so that what is something can be seen."""
    return exact_money(amount, "").strip() if amount else DASH


def _day(instant: str) -> str:
    return day_shown(datetime.fromisoformat(instant))


def _month(month: str) -> str:
    return _day(f"{month}-01").partition(" ")[2]
