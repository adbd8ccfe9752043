"""Texts that between them answer a set of text checks in every possible way."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, count, islice
from typing import Final

from service.rules.expression import ast, text
from service.rules.expression.ast import Constant, Kind, Node
from service.rules.uses import Reader

Chain = tuple[str, ...]
"""The functions between the text and the comparison, innermost first."""

_FUNCTIONS: Final[dict[str, Callable[[str], str]]] = {
    "lower": str.lower,
    "domain": text.domain,
    "registrable_domain": text.registrable_domain,
}
_ASKED: Final[dict[str, Callable[[str, str], bool]]] = {
    "contains": str.__contains__,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
}
_PLAIN: Final[Chain] = ()
_LOWER: Final[Chain] = ("lower",)
_HOST: Final[Chain] = ("domain",)
_REGISTRABLE: Final[Chain] = ("registrable_domain",)
_HOST_CHAINS: Final = frozenset({_PLAIN, _HOST, _REGISTRABLE})
_MOST_IN_ONE: Final = 8
_MOST_TEXTS: Final = 600
ANY_OTHER: Final = "something else"
"""A text that stands for those that no rule names."""
SEPARATORS: Final = ("|", "~", "^", "_", "#", "=", ";", "¦", "§", "¤")


@dataclass(slots=True)
class TextChecks:
    """What a set of checks asks of one text.

    Attributes:
        equal: By chain, the sets of constants it is compared with, one per check.
        parts: By chain, per row (`contains`, `startsWith`, `endsWith`) the constants.
        is_complete: Whether every check is of these two sorts.
        mentioned: Every constant text of the checks, for those that are not.
    """

    equal: dict[Chain, list[frozenset[str]]] = field(default_factory=dict)
    parts: dict[Chain, dict[str, list[str]]] = field(default_factory=dict)
    is_complete: bool = True
    mentioned: list[str] = field(default_factory=list)

    def read(self, check: Node, reader: Reader) -> None:
        """Add *check*, which reads one text."""
        found = texts_in(check)
        self.mentioned.extend(found)
        if not isinstance(check, ast.Apply):
            self.is_complete = False
            return
        sides = [_chain(part, reader) for part in check.arguments]
        chain = next((side for side in sides if side is not None), None)
        others = [part for part, side in zip(check.arguments, sides, strict=True) if side is None]
        if chain is None or len(others) != 1 or not isinstance(others[0], Constant):
            self.is_complete = False
        elif check.operator in {"==", "!=", "in"}:
            self.equal.setdefault(chain, []).append(frozenset(found))
        elif check.operator in {"contains", "startsWith", "endsWith"} and sides[0] is not None:
            rows = self.parts.setdefault(chain, {})
            rows.setdefault(check.operator, []).extend(found)
        else:
            self.is_complete = False


def texts_in(node: Node) -> list[str]:
    """Return the constant texts of *node*, those of lists too, in reading order."""
    found: list[str] = []
    for part in ast.walk(node):
        if isinstance(part, Constant):
            values = part.value if isinstance(part.value, tuple) else (part.value,)
            found.extend(value for value in values if isinstance(value, str))
    return found


def _chain(node: Node, reader: Reader) -> Chain | None:
    """Return the functions applied to the one text, or None where *node* is something else."""
    names: list[str] = []
    while True:
        match node:
            case ast.Attribute() | ast.Variable() if node.type.kind is Kind.TEXT:
                return tuple(reversed(names))
            case ast.Derived(name=name):
                node = reader.formulas[name]
            case ast.Apply(operator=operator, arguments=(inner,)) if operator in _FUNCTIONS:
                names.append(operator)
                node = inner
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Texts to try, and whether no other text can be told from all of them."""

    texts: tuple[str, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class TextDoor:
    """How a text comes in: whether it is folded, and which texts are let through unchanged."""

    fold: bool
    admits: Callable[[str], bool]

    def seen(self, raw: str, chain: Chain) -> str:
        """Return what *chain* makes of the text *raw* after the door."""
        value = text.fold(raw) if self.fold else raw
        for name in chain:
            value = _FUNCTIONS[name](value)
        return value


def witnesses(checks: TextChecks, door: TextDoor) -> Witnesses:
    """Return texts for every way in which *checks* can come out together."""
    chains = {*checks.equal, *checks.parts}
    if checks.is_complete and checks.parts and len(chains) == 1 and chains <= {_PLAIN, _LOWER}:
        found = _assembled(checks, door, *chains)
    elif checks.is_complete and not checks.parts and len(chains) <= 1:
        found = _of_one_chain(checks, door, *(chains or {_PLAIN}))
    elif checks.is_complete and not checks.parts and chains <= _HOST_CHAINS:
        found = _of_hosts(checks, door)
    else:
        found = _guessed(checks)
    admitted = dict.fromkeys(t for t in found.texts if door.admits(t))
    if checks.is_complete:
        first = {_answers(t, checks, door): t for t in reversed(admitted)}
        kept = set(first.values())
        admitted = dict.fromkeys(t for t in admitted if t in kept)
    return Witnesses(tuple(admitted), found.is_complete)


def _answers(raw: str, checks: TextChecks, door: TextDoor) -> tuple[bool, ...]:
    """Return what complete *checks* say about *raw*, quickly: lists may be long."""
    answers: list[bool] = []
    for chain in {**checks.equal, **checks.parts}:
        seen = door.seen(raw, chain)
        answers += [seen in members for members in checks.equal.get(chain, ())]
        for row, constants in checks.parts.get(chain, {}).items():
            answers += [_ASKED[row](seen, constant) for constant in constants]
    return tuple(answers)


def _of_one_chain(checks: TextChecks, door: TextDoor, chain: Chain) -> Witnesses:
    """Return a text per group of constants that stand in the same checks, and another one."""
    sets = checks.equal.get(chain, [])
    tried: dict[tuple[bool, ...], bool] = {}
    texts: list[str] = []
    complete = True
    for constant in _in_order(checks.mentioned):
        places = tuple(constant in members for members in sets)
        if tried.get(places):
            continue
        found = _made_into(constant, chain, door)
        tried[places] = found is not None
        if found is not None:
            texts.append(found)
        elif _may_exist(constant, chain, door):
            complete = False
    other = _outside(frozenset().union(*sets), chain, door)
    return Witnesses((*texts, *other), complete and bool(other))


def _in_order(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _made_into(constant: str, chain: Chain, door: TextDoor) -> str | None:
    """Return a text that *chain* turns into *constant*, where one is found."""
    guesses = (f"someone@{constant}",) if _is_host(chain) and constant else ()
    guess: str
    for guess in (*guesses, constant, constant.upper(), constant.title(), "nothing"):
        if door.seen(guess, chain) == constant and door.admits(guess):
            return guess
    return None


def _is_host(chain: Chain) -> bool:
    return bool({"domain", "registrable_domain"} & set(chain))


def _may_exist(constant: str, chain: Chain, door: TextDoor) -> bool:
    """Whether some text may still turn into *constant*.

    Folding, `lower` and the domain functions leave their own results alone, so a constant
    that they change is nobody's result.
    """
    if chain == _PLAIN and not door.fold:
        return False
    return door.seen(constant, chain) == constant


def _outside(constants: frozenset[str], chain: Chain, door: TextDoor) -> tuple[str, ...]:
    """Return a text that *chain* turns into none of *constants*, nor into nothing."""
    for number in islice(count(1), len(constants) + 2):
        plain = ANY_OTHER if number == 1 else f"{ANY_OTHER} {number}"
        guess = f"someone@{plain.replace(' ', '-')}.example" if _is_host(chain) else plain
        if door.admits(guess) and door.seen(guess, chain) not in {*constants, ""}:
            return (guess,)
    return ()


def _of_hosts(checks: TextChecks, door: TextDoor) -> Witnesses:
    """Return texts for checks on a text, its host and its registrable domain together.

    Each of the three is a function of the one before, so a text is told apart by its own
    constant, else by its host's, else by its registrable domain's, else not at all.
    """
    whole, hosts, domains = (
        frozenset().union(*checks.equal.get(chain, [])) for chain in (_PLAIN, _HOST, _REGISTRABLE)
    )
    texts = [constant for constant in _in_order(checks.mentioned) if constant in whole]
    complete = not door.fold or not whole
    for chain, constants in ((_HOST, hosts), (_REGISTRABLE, domains)):
        for constant in _in_order(c for c in checks.mentioned if c in constants):
            if door.seen(constant, chain) != constant or constant == "":
                continue
            taken = hosts if chain == _REGISTRABLE else frozenset[str]()
            found = _at_host(constant, chain, door, taken=taken, whole=whole)
            texts.extend(found)
            complete = complete and bool(found)
    other = [t for t in _fresh(("nothing", "no host at all", "none of them")) if t not in whole]
    suffixes = [s for s in ("co.uk", "com.au", "co.jp", "org.uk") if s not in hosts]
    suffix = [t for s in suffixes if (t := f"someone@{s}") not in whole]
    outside = _outside(hosts | domains, _REGISTRABLE, door)
    apart = [t for t in outside if t not in whole and door.seen(t, _HOST) not in hosts]
    texts += [*apart[:1], *other[:1], *suffix[:1]]
    return Witnesses(tuple(texts), complete and bool(apart) and bool(other) and bool(suffix))


def _at_host(
    constant: str, chain: Chain, door: TextDoor, *, taken: frozenset[str], whole: frozenset[str]
) -> tuple[str, ...]:
    """Return an address at *constant* whose text and host nobody asks about by themselves."""
    for host in (constant, *(f"{word}.{constant}" for word in _fresh(("mail", "shop")))):
        if host in taken:
            continue
        for person in _fresh(("someone", "anyone")):
            guess = f"{person}@{host}"
            if guess not in whole and door.admits(guess) and door.seen(guess, chain) == constant:
                return (guess,)
    return ()


def _fresh(words: Sequence[str]) -> Iterator[str]:
    yield from words
    yield from (f"{words[0]}{number}" for number in range(2, 40))


def _assembled(checks: TextChecks, door: TextDoor, chain: Chain) -> Witnesses:
    """Return texts put together from the parts asked about, in every combination.

    Between the parts stands a sign that none of them has, so a text holds exactly the parts
    put in and what is inside of those: any other text holds such a set too. Texts that are
    compared as a whole are told apart one by one.
    """
    rows = checks.parts[chain]
    asked = _Parts(
        *(_in_order(rows.get(row, ())) for row in ("startsWith", "contains", "endsWith"))
    )
    whole = _in_order(c for members in checks.equal.get(chain, []) for c in sorted(members))
    used = "".join((*asked.starts, *asked.inner, *asked.ends, *whole))
    sign = next((s for s in SEPARATORS if s not in used), None)
    if sign is None or asked.combinations() > _MOST_TEXTS:
        return _guessed(checks)
    texts = [found for constant in whole if (found := _made_into(constant, chain, door))]
    complete = all(_made_into(c, chain, door) or not _may_exist(c, chain, door) for c in whole)
    for start, chosen, end in asked.choose():
        made = sign.join((start, *chosen, end)) if start or chosen or end else sign
        texts.append(made)
        as_meant = asked.told(door.seen(made, chain)) == asked.meant(start, chosen, end)
        complete = complete and as_meant and door.admits(made)
    return Witnesses(tuple(texts), complete)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The constants that texts may start with, contain and end with."""

    starts: tuple[str, ...]
    inner: tuple[str, ...]
    ends: tuple[str, ...]

    def combinations(self) -> int:
        most: int = 2 ** len(self.inner)
        return most * (len(self.starts) + 1) * (len(self.ends) + 1)

    def choose(self) -> Iterator[tuple[str, tuple[str, ...], str]]:
        for size in range(len(self.inner) + 1):
            for chosen in combinations(self.inner, size):
                for start in _in_order(("", *self.starts)):
                    for end in _in_order(("", *self.ends)):
                        yield start, chosen, end

    def told(self, seen: str) -> tuple[list[bool], ...]:
        """Return what the checks say about the text *seen*."""
        return (
            [seen.startswith(start) for start in self.starts],
            [part in seen for part in self.inner],
            [seen.endswith(end) for end in self.ends],
        )

    def meant(self, start: str, chosen: tuple[str, ...], end: str) -> tuple[list[bool], ...]:
        """Return what they should say about a text made of these."""
        held = (start, *chosen, end)
        return (
            [start.startswith(s) for s in self.starts],
            [any(part in piece for piece in held) for part in self.inner],
            [end.endswith(e) for e in self.ends],
        )


def _guessed(checks: TextChecks) -> Witnesses:
    """Return the constants themselves, addresses at them, all of them in one, and another."""
    constants = _in_order(checks.mentioned)
    hosts = [f"someone@{c}" for c in constants if text.domain(c)]
    everything = " ".join(constants[:_MOST_IN_ONE])
    texts = (*constants[:_MOST_TEXTS], *hosts[:_MOST_TEXTS], everything, ANY_OTHER)
    return Witnesses(texts, is_complete=False)
