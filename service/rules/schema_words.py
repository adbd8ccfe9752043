"""What an editor says of each member of a rule file, while it is written."""

from collections.abc import Mapping
from typing import Final

_NOTE: Final = "Words for colleagues; they change nothing."
_REASON: Final = "Words for the person concerned; never put a lead's values in them."
_CHANGEABLE: Final = "Whether a change of it may be proposed, and in which direction."
_CHANGE_COST: Final = "How dear a change of it is beside the others; 1 where left out."
_LABEL: Final = "Its name in explanations."
_WHEN: Final = 'A condition in CEL, such as `vehicles >= 20 && country == "DE"`.'

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "RuleSetDocument": {
        "rule_set": "The id under which everybody asks for this rule set.",
        "subject": "Who is judged: a lead who asked, or an account already served.",
        "title": "The rule set's name for people.",
        "description": "What these rules are for.",
        "missing": "While facts are missing: `ask` for them, or `assume_no`.",
        "attributes": "What may be known about a subject, by name.",
        "lists": "Named lists of texts or of numbers; conditions read them as `lists.name`.",
        "derived": "Names for expressions that are used more than once.",
        "metrics": "Numbers measured from an account's events; rules read them like attributes.",
        "gates": "Rules that decide by themselves, whatever the score; the first that is yes.",
        "scores": "Named sums of points, or formulas over other scores.",
        "grades": "Letters for ranges of a score.",
        "outcomes": "The results. The first match wins; the last has no `when`.",
        "tests": "Examples that must come out as written; a failing one stops a commit.",
    },
    "AttributeDocument": {
        "type": "What its values are; it settles which operators a condition may use.",
        "label": _LABEL,
        "ask": "The question that would fill it in; without one it is never asked for.",
        "unit": "What a number counts, such as `vehicles` or `EUR`.",
        "min": "The smallest number believed; one below it counts as not told.",
        "max": "The largest number believed; one above it counts as not told.",
        "choices": "The values a choice may have; from the lowest where it is `ordered`.",
        "ordered": "Whether `<` and `>=` compare choices by their place in the list.",
        "other": "Whether a value outside `choices` is accepted, equal to none of them.",
        "fold": "Whether texts are compared without regard to case.",
        "pii": "Whether it is personal data.",
        "missing_values": "Texts that mean that nothing was told, such as `Select` or `n/a`.",
        "changeable": _CHANGEABLE,
        "change_cost": _CHANGE_COST,
        "note": _NOTE,
    },
    "MetricDocument": {
        "event": "The kind of event it looks at, such as `support_case`.",
        "sum": "Adds up this quantity; 0 where nothing happened.",
        "count": "`true`: counts the events; 0 where nothing happened.",
        "mean": "The mean of this quantity.",
        "min": "The smallest value of this quantity.",
        "max": "The largest value of this quantity.",
        "last": "The value of this quantity in the latest event.",
        "distinct": "Counts the different values of this quantity.",
        "share": "`true`: the share of the events in the window for which `where` is yes.",
        "cost": "What events cost: a rate for each quantity of each kind.",
        "where": "A condition over what an event says; the event counts where it is yes.",
        "window": "How far it looks back from the clock, such as `90 days`; else all the time.",
        "quantities": "What events of a kind of your own say: `number`, `text` or `flag`.",
        "label": _LABEL,
        "unit": "What it counts, such as `hours` or `EUR`.",
        "changeable": _CHANGEABLE,
        "change_cost": _CHANGE_COST,
        "note": _NOTE,
    },
    "GateDocument": {
        "id": "The gate's id, kept from version to version.",
        "when": _WHEN,
        "then": "The id of the outcome it decides.",
        "note": _NOTE,
        "reason": _REASON,
    },
    "RuleDocument": {
        "id": "The rule's id, kept from version to version.",
        "when": _WHEN,
        "points": "What it adds: a number, or an expression clamped into `bounds`.",
        "bounds": "The least and the most that points given as an expression may be.",
        "note": _NOTE,
        "reason": _REASON,
    },
    "GroupDocument": {
        "id": "The group's id.",
        "mode": "`sum` adds every rule that is yes, `first` takes the first, `max` the largest.",
        "floor": "The least the group may add.",
        "cap": "The most the group may add.",
        "rules": "The group's rules, in order.",
    },
    "ScoreDocument": {
        "label": _LABEL,
        "floor": "The lowest value of the score.",
        "ceiling": "The highest value of the score.",
        "groups": "Groups of rules whose points are added; or give a `formula`.",
        "formula": "A number over other scores and attributes; or give `groups`.",
        "note": _NOTE,
    },
    "OutcomeDocument": {
        "id": "The author's name of the result, such as `tier_a`.",
        "verdict": "What machines branch on.",
        "label": _LABEL,
        "when": "A condition in CEL over scores, grades and attributes; the last has none.",
        "only_by_gate": "Whether only a gate leads here; then there is no `when`.",
        "action": "What to do next, such as `book_meeting`.",
        "url": "Where to send the person; starts with https:// or /.",
        "message": "What to tell the person.",
        "assign": "Who takes over.",
        "note": _NOTE,
        "reason": _REASON,
    },
    "SpanDocument": {
        "low": "The lowest value that more answers could lead to.",
        "high": "The highest value that more answers could lead to.",
    },
    "ExpectDocument": {
        "verdict": "The verdict it must get.",
        "outcome": "The outcome it must get.",
        "certain": "Whether the verdict must be certain.",
        "scores": "A value, or low and high, by score.",
        "grades": "A band, or the bands still possible, by grade.",
        "ask_first": "The attribute that must be asked for first.",
        "rules": "What each rule must come out as.",
    },
    "EventDocument": {
        "event": "The kind of the event.",
        "at": "When it happened: a day, or an instant in RFC 3339.",
    },
    "TestDocument": {
        "name": "What the example is about.",
        "facts": "What is known, by attribute or metric; what is left out is missing.",
        "events": "The account's events, of which metrics that `facts` leaves out are measured.",
        "reports": "The kinds that the account's sources report; all, where it is left out.",
        "at": "The clock of the decision, in RFC 3339.",
        "final": "Whether no more answers will come.",
        "expect": "What must come out; what is not named is not compared.",
    },
}
"""By the part's name in the model, then by member."""
