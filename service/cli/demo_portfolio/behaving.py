"""How an account works with us: meetings, goals, advice, trainings, tone, bills and wishes."""

from collections.abc import Sequence
from typing import Final

from service.cli.demo_portfolio.dates import YEAR_DAYS
from service.cli.demo_portfolio.earning import year_ago
from service.cli.demo_portfolio.ledger import OWN_KIND, Ledger, cents
from service.cli.demo_portfolio.naming import Segment
from service.cli.demo_portfolio.parts import Part

__all__ = ["behave", "wish"]

_HALF_A_YEAR: Final = 176
"""Days that are within six months from whatever day they are counted."""
_TWO_HALVES: Final = 268
"""Days over which a habit is spread: it was one a quarter ago already, or it would look new."""
_GOALS: Final = ("fewer empty runs", "paperless dispatch", "lower fuel costs", "one app for all")
_EXCEPTIONS: Final = ("invoice layout", "payment term", "support by phone", "data on paper")
_WISHES: Final[dict[Segment, tuple[str, ...]]] = {
    "core": ("driver app offline", "driver app offline", "toll report", "ev charging plan"),
    "adjacent": ("driver app offline", "equipment calendar", "toll report"),
    "outside": ("equipment calendar", "receipts by mail"),
}
_WISH_OF_MISFITS: Final = "appointment booking"


def behave(ledger: Ledger, part: Part) -> None:
    """Note how the account of *part* behaves; each of its signals is there, and no other."""
    _meet(ledger, part)
    _change_goals(ledger, part)
    _take_advice(ledger, part)
    _train(ledger, part)
    _speak(ledger, part)
    _pay(ledger, part)
    _answer_surveys(ledger, part)
    if part.story == "escalates":
        for age in _spread(ledger, 2, youngest=10, oldest=_HALF_A_YEAR):
            ledger.note_ago("escalation", age, severity="high", cause="open case")
    elif ledger.rng.random() < 0.1:
        age = 5 + ledger.rng.random() * ledger.age_days
        ledger.note_ago("escalation", age, severity="normal", cause="invoice question")


def wish(ledger: Ledger, part: Part, segment: Segment) -> None:
    """Note which features the account asks for, and how often."""
    if part.group == "marquee_drain":
        for age in _spread(ledger, 11, youngest=5, oldest=700):
            ledger.note_ago("feature_request", age, feature="link to their own erp")
    elif part.number % 23 == 5:
        ledger.note_ago("feature_request", 40, feature=f"report for {ledger.key}")
    elif part.number % 3 == 0:
        for age in _spread(ledger, 1 + part.number % 2, youngest=5, oldest=500):
            is_misfit = part.group == "bad_fit"
            feature = _WISH_OF_MISFITS if is_misfit else ledger.rng.choice(_WISHES[segment])
            ledger.note_ago("feature_request", age, feature=feature)


def _meet(ledger: Ledger, part: Part) -> None:
    step = 30 if part.story in {"large", "only", "asks_much"} else 61
    missed = 0
    for age in range(12, ledger.age_days, step):
        chance = ledger.rng.random()
        if chance < 0.05:
            ledger.note_ago("meeting", age, held=False, excused=True)
        elif chance < 0.09 and missed < 1:
            missed += 1
            ledger.note_ago("meeting", age, held=False, excused=False)
        else:
            ledger.note_ago("meeting", age, held=True, excused=False)
    if "misses_meetings" in part.signals or part.story == "excused":
        is_excused = part.story == "excused"
        for ago in _spread(ledger, 6, youngest=8, oldest=_TWO_HALVES):
            ledger.note_ago("meeting", ago, held=False, excused=is_excused)


def _change_goals(ledger: Ledger, part: Part) -> None:
    if "moves_goals" in part.signals or part.story == "excused":
        # Beside excused misses this is one signal, and one alone says nothing.
        for age in _spread(ledger, 5, youngest=6, oldest=_TWO_HALVES):
            ledger.note_ago("goal_change", age, goal=ledger.rng.choice(_GOALS))
    elif ledger.rng.random() < 0.35:
        for age in _spread(ledger, 1, youngest=20, oldest=ledger.age_days - 5):
            ledger.note_ago("goal_change", age, goal=ledger.rng.choice(_GOALS))


def _take_advice(ledger: Ledger, part: Part) -> None:
    given = 4 + part.number % 5
    followed = given - (1 if part.group == "bad_fit" else given // 3)
    if "ignores_advice" in part.signals:
        followed = 1
    span = min(ledger.age_days - 3, YEAR_DAYS - 6)
    for place, ago in enumerate(_spread(ledger, given, youngest=5, oldest=span)):
        ledger.note_ago("advice_followed", ago, followed=place >= given - followed)
    usual = 0.1 if "ignores_advice" in part.signals else 0.75
    for age in _spread(ledger, 4, youngest=YEAR_DAYS + 4, oldest=ledger.age_days - 3):
        ledger.note_ago("advice_followed", age, followed=ledger.rng.random() < usual)


def _train(ledger: Ledger, part: Part) -> None:
    oldest = min(ledger.age_days - 12, YEAR_DAYS - 8)
    if "skips_training" in part.signals:
        # In a new account's first months: they are the ones that were agreed for the start.
        youngest = max(10, oldest - 110) if part.in_cohort else 10
        for age in _spread(ledger, 4, youngest=youngest, oldest=oldest):
            ledger.note_ago("training", age, attended=False)
        for age in _spread(ledger, 4, youngest=YEAR_DAYS + 2, oldest=ledger.age_days - 12):
            ledger.note_ago("training", age, attended=False)
    elif ledger.rng.random() < 0.3:
        ledger.note_ago("training", max(6, oldest / 2), attended=False)
    for age in _spread(ledger, 2, youngest=6, oldest=oldest):
        ledger.note_ago("training", age, attended=True)
    for age in _spread(ledger, 3, youngest=YEAR_DAYS + 2, oldest=ledger.age_days - 12):
        ledger.note_ago("training", age, attended=ledger.rng.random() < 0.85)


def _speak(ledger: Ledger, part: Part) -> None:
    if part.group == "safety_pause":
        ledger.note_ago("abuse", 9, severity="threat")
    if "hurts_tone" in part.signals:
        if part.number % 2:
            for age in (75.0, 200.0):
                ledger.note_ago("abuse", age, severity="harassment")
        else:
            for age in _spread(ledger, 5, youngest=15, oldest=450):
                ledger.note_ago("abuse", age, severity="rude")
    elif ledger.rng.random() < 0.03:
        ledger.note_ago("abuse", 100, severity="rude")


def _pay(ledger: Ledger, part: Part) -> None:
    invoices = [one for one in ledger.happenings if one.kind == "revenue"]
    is_late = part.number % 19 == 4 and _can_be_fined(part)
    wanted = 4 if is_late else 1 if ledger.rng.random() < 0.3 else 0
    for invoice in invoices[-2 : -2 - 2 * wanted : -2]:
        days = ledger.rng.randrange(16, 46) if is_late else ledger.rng.randrange(4, 13)
        ledger.note("late_payment", invoice.at.replace(hour=15), days=days)
    revenue = float(ledger.total("revenue", "amount", since=year_ago(ledger.now)))
    if part.number % 21 == 9 and _can_be_fined(part):
        for age in _spread(ledger, 2, youngest=20, oldest=330):
            ledger.note_ago("discount", age, amount=cents(revenue * 0.11))
    elif ledger.rng.random() < 0.15:
        ledger.note_ago("discount", 90, amount=cents(revenue * 0.03))
    if ledger.rng.random() < 0.05:
        ledger.note_ago("refund", 70, amount=cents(revenue * 0.01), cause="double invoice")
    if part.number % 17 == 11 or part.group == "marquee_drain":
        for age in _spread(ledger, 4, youngest=12, oldest=340):
            ledger.note_ago(OWN_KIND, age, what=ledger.rng.choice(_EXCEPTIONS))
    for years in (1, 2):
        age = (ledger.now.date() - ledger.since).days % YEAR_DAYS + (years - 1) * YEAR_DAYS
        if ledger.age_days - age > YEAR_DAYS - 10 and age >= 1:
            ledger.note_ago("renewal", age, amount=cents(revenue))


def _answer_surveys(ledger: Ledger, part: Part) -> None:
    low, high = _MOODS.get(part.group, (6, 10))
    for age in range(25 + part.number % 40, ledger.age_days - 30, 182):
        if ledger.rng.random() < 0.7:
            ledger.note_ago("nps", age, score=ledger.rng.randrange(low, high + 1))


_MOODS: Final = {
    "strong_partner": (8, 10),
    "bad_fit": (0, 5),
    "bad_conduct": (1, 7),
    "marquee_drain": (7, 9),
    "over_served": (7, 10),
    "challenging": (4, 8),
}


def _can_be_fined(part: Part) -> bool:
    """Say whether the account stays in its group when it loses points for its terms."""
    return part.story != "improved"


def _spread(ledger: Ledger, count: int, *, youngest: float, oldest: float) -> Sequence[float]:
    """Return *count* ages in days, evenly apart with some play, the latest first."""
    oldest = min(oldest, ledger.age_days - 1)
    if oldest <= youngest:
        return () if youngest >= ledger.age_days else (youngest,) * min(count, 1)
    step = (oldest - youngest) / count
    return [youngest + step * (place + 0.9 * ledger.rng.random()) for place in range(count)]
