"""What an author writes: the rule-set document, its canonical form and its digests."""

import hashlib
from typing import Annotated, Final, Literal

import rfc8785
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_serializer,
    model_validator,
)

ID_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Expression = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Number = Annotated[float, Field(ge=-(2**53), le=2**53, allow_inf_nan=False)]
Effort = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Window = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,3} (day|month)s?$")]
Url = Annotated[str, StringConstraints(pattern=r"^(https?://|/)\S*$", max_length=2_000)]


class Part(BaseModel):
    """A part of the document: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ChangeablePart(Part):
    """What may be proposed to be changed, so that another outcome is reached."""

    changeable: Literal["yes", "no", "up", "down"] | None = None
    change_cost: Effort | None = None


class AttributeDocument(ChangeablePart):
    """One attribute: its type, its limits, and the words for people."""

    type: Literal["number", "text", "choice", "flag", "date", "list"]
    label: Label | None = None
    ask: Words | None = Field(None, description="The question to put; none means never asked.")
    unit: Label | None = None
    min: Number | None = None
    max: Number | None = None
    choices: tuple[Label, ...] | None = Field(None, min_length=1, max_length=10_000)
    ordered: bool = False
    other: bool = False
    fold: bool = False
    pii: bool = False
    missing_values: tuple[str, ...] = ()
    note: Words | None = None

    @field_validator("choices", "missing_values", mode="before")
    @classmethod
    def _tuples(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class MetricDocument(ChangeablePart):
    """One number to measure from an account's events: how, of which, and over what time."""

    event: Id | None = None
    sum: Id | None = None
    count: bool | None = None
    mean: Id | None = None
    min: Id | None = None
    max: Id | None = None
    last: Id | None = None
    distinct: Id | None = None
    share: bool | None = None
    cost: dict[Id, dict[Id, Number]] | None = None
    where: Expression | None = None
    window: Window | None = None
    quantities: dict[Id, Literal["number", "text", "flag"]] | None = None
    label: Label | None = None
    unit: Label | None = None
    note: Words | None = None


class GateDocument(Part):
    """A rule that decides by itself."""

    id: Id
    when: Expression
    then: Id = Field(description="The id of the outcome it decides.")
    note: Words | None = None
    reason: Words | None = None


class RuleDocument(Part):
    """A rule that adds points: a number, or an expression clamped into `bounds`."""

    id: Id
    when: Expression
    points: Number | Expression
    bounds: tuple[Number, Number] | None = None
    note: Words | None = None
    reason: Words | None = None

    @field_validator("bounds", mode="before")
    @classmethod
    def _tuples(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class GroupDocument(Part):
    """Rules that are added, of which the first counts, or of which the largest counts."""

    id: Id
    mode: Literal["sum", "first", "max"] = "sum"
    floor: Number | None = None
    cap: Number | None = None
    rules: tuple[RuleDocument, ...] = Field(min_length=1)

    @field_validator("rules", mode="before")
    @classmethod
    def _tuples(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class ScoreDocument(Part):
    """A named sum of points: groups, or a formula over other scores."""

    label: Label | None = None
    floor: Number | None = None
    ceiling: Number | None = None
    groups: tuple[GroupDocument, ...] | None = Field(None, min_length=1)
    formula: Expression | None = None
    note: Words | None = None

    @field_validator("groups", mode="before")
    @classmethod
    def _tuples(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class GradeDocument(Part):
    """Bands of a score: `of` names it, every other key is a band and its lowest score."""

    of: Id
    bands: dict[Label, Number | None]

    @model_validator(mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, dict) and "bands" not in value:
            bands = {key: level for key, level in value.items() if key != "of"}
            rest = {"of": value["of"]} if "of" in value else {}
            return {**rest, "bands": bands}
        return value

    @model_serializer
    def _join(self) -> dict[str, object]:
        return {"of": self.of, **self.bands}


class OutcomeDocument(Part):
    """The author's named result."""

    id: Id
    verdict: Literal["qualify", "review", "disqualify"]
    label: Label | None = None
    when: Expression | None = None
    only_by_gate: bool = False
    action: Id | None = None
    url: Url | None = None
    message: Words | None = None
    assign: Label | None = None
    note: Words | None = None
    reason: Words | None = None


class SpanDocument(Part):
    """The range a test expects of a score."""

    low: float
    high: float


class ExpectDocument(Part):
    """What a test expects; what is not named is not compared."""

    verdict: Literal["qualify", "review", "disqualify", "undecided"] | None = None
    outcome: Id | None = None
    certain: bool | None = None
    scores: dict[Id, float | SpanDocument] = Field(default_factory=dict)
    grades: dict[Id, str | tuple[str, ...]] = Field(default_factory=dict)
    ask_first: Id | None = None
    rules: dict[Id, Literal["yes", "no", "unknown"]] = Field(default_factory=dict)

    @field_validator("grades", mode="before")
    @classmethod
    def _tuples(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}


class EventDocument(Part):
    """An event of a test's ledger: `event` names its kind, every other key is a quantity."""

    event: Id
    at: str
    quantities: dict[Id, bool | Number | str]

    @model_validator(mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, dict) and not isinstance(value.get("quantities"), dict):
            own = {key: value[key] for key in ("event", "at") if key in value}
            said = {key: one for key, one in value.items() if key not in own}
            return {**own, "quantities": said}
        return value

    @model_serializer
    def _join(self) -> dict[str, object]:
        return {"event": self.event, "at": self.at, **self.quantities}


class TestDocument(Part):
    """One example that the rule set must decide as expected."""

    __test__ = False

    name: Label
    facts: dict[str, object]
    events: tuple[EventDocument, ...] | None = None
    reports: tuple[Id, ...] | None = None
    at: str = "2026-01-01T00:00:00Z"
    final: bool = False
    expect: ExpectDocument

    @field_validator("events", "reports", mode="before")
    @classmethod
    def _tuples(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class RuleSetDocument(Part):
    """A whole rule set, as its author writes it in YAML or JSON."""

    rule_set: Id
    subject: Literal["lead", "account"] = "lead"
    title: Label | None = None
    description: Words | None = None
    missing: Literal["ask", "assume_no"] = "ask"
    attributes: dict[Id, AttributeDocument] = Field(min_length=1)
    lists: dict[Id, tuple[str, ...] | tuple[Number, ...]] = Field(default_factory=dict)
    derived: dict[Id, Expression] = Field(default_factory=dict)
    metrics: dict[Id, MetricDocument] | None = None
    gates: tuple[GateDocument, ...] = ()
    scores: dict[Id, ScoreDocument] = Field(default_factory=dict)
    grades: dict[Id, GradeDocument] = Field(default_factory=dict)
    outcomes: tuple[OutcomeDocument, ...] = Field(min_length=1)
    tests: tuple[TestDocument, ...] = ()

    @field_validator("gates", "outcomes", "tests", mode="before")
    @classmethod
    def _tuples(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("metrics", mode="before")
    @classmethod
    def _none_of_empty(cls, value: object) -> object:
        # Left out and empty are the same, so that neither has a place in the canonical form.
        return None if value == {} else value

    @field_validator("lists", mode="before")
    @classmethod
    def _tuples_inside(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {
            name: tuple(_as_float(item) for item in items) if isinstance(items, list) else items
            for name, items in value.items()
        }

    def to_json(self) -> dict[str, object]:
        """Return the document with its defaults filled in; what was left out stays out."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def canonical(self) -> bytes:
        """The RFC 8785 form: the same for every spelling of the same rule set."""
        return canonical_json(self.to_json())

    @property
    def digest(self) -> str:
        """`sha256:` and the SHA-256 of the canonical form."""
        return digest_of(self.canonical)

    @property
    def logic_digest(self) -> str:
        """The digest without words, notes and tests: equal where only words changed."""
        return digest_of(canonical_json(_logic(self)))


_WORDS: Final = frozenset(
    {"title", "description", "label", "unit", "note", "reason", "message", "tests"}
    | {"changeable", "change_cost"}
)
"""The members of parts that cannot change a decision."""


def canonical_json(value: object) -> bytes:
    """Return RFC 8785 canonical JSON."""
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # its own alias of JSON values


def digest_of(content: bytes) -> str:
    """Return `sha256:` and the hexadecimal SHA-256 of *content*."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _as_float(item: object) -> object:
    return float(item) if isinstance(item, int) and not isinstance(item, bool) else item


def _logic(value: object) -> object:
    """Return *value* as JSON without words; whether a question is asked at all is logic."""
    match value:
        case Part():
            members = {name: getattr(value, name) for name in type(value).model_fields}
            return {
                name: True if name == "ask" else _logic(member)
                for name, member in members.items()
                if member is not None and name not in _WORDS
            }
        case dict():
            return {name: _logic(member) for name, member in value.items()}
        case tuple() | list():
            return [_logic(member) for member in value]
        case _:
            return value
