"""What a key looks like, whom it opens for, and how soon it stops."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.web import Caller, KeyKind, KeyRing, Scope, Unauthenticated
from service.web.keyring import AHEAD_S, FRESH_S
from service.web.keys import hash_of, is_well_formed, kind_of, make_key, shown_prefix

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANN = Caller(
    key_id=UUID(int=1),
    kind=KeyKind.SECRET,
    prefix="gf_sk_abcd",
    person="ann@example.com",
    scopes=frozenset({Scope.DECIDE}),
)

KNOWN = "gf_sk_0123456789abcdefghijABCDEFGHIJ0zZlSF"


@pytest.mark.parametrize("kind", list(KeyKind))
@pytest.mark.parametrize("label", ["", "demo"])
def test_a_fresh_key_is_well_formed(kind: KeyKind, label: str) -> None:
    """A key says its kind, carries its label, and shows no more than four random letters."""
    key = make_key(kind, label=label)
    assert is_well_formed(key)
    assert kind_of(key) is kind
    assert (f"_{label}_" in key) is bool(label)
    assert key.startswith(shown_prefix(key))
    assert len(key) - len(shown_prefix(key)) == 32
    assert make_key(kind, label=label) != key


@pytest.mark.parametrize("label", ["Demo", "a_b", "1", "x" * 13, "é"])
def test_a_label_is_letters_only(label: str) -> None:
    """A label that a scanner could not tell from the key is a mistake."""
    with pytest.raises(ValueError, match="label"):
        make_key(KeyKind.SECRET, label=label)


@given(st.integers(min_value=0, max_value=41), st.sampled_from("0aZ_x"))
def test_one_wrong_letter_spoils_a_key(place: int, letter: str) -> None:
    """The checksum finds any single letter that was typed wrongly."""
    spoilt = KNOWN[:place] + letter + KNOWN[place + 1 :]
    assert is_well_formed(spoilt) is (spoilt == KNOWN)


@pytest.mark.parametrize(
    "text",
    ["", "gf_sk_", "gf_xx_" + "a" * 36, "gf_sk_" + "é" * 36, "Bearer x", "gf_sk_" + "a" * 36],
)
def test_noise_is_no_key(text: str) -> None:
    """What has another form or checksum is told apart without a database."""
    assert not is_well_formed(text)


class Lookups:
    """A database of one key that counts how often it was asked."""

    def __init__(self, caller: Caller | None) -> None:
        self.caller = caller
        self.count = 0
        self.now_s = 100.0

    async def find(self, sha256: bytes) -> Caller | None:
        """Answer as the store would."""
        del sha256
        self.count += 1
        await asyncio.sleep(0)
        return self.caller

    def ring(self, at: datetime = NOON) -> KeyRing:
        """Return a ring over this database, at the instant *at*."""
        return KeyRing(self.find, clock=lambda: at, timer=lambda: self.now_s)


async def test_a_key_is_asked_for_once_a_second() -> None:
    """A busy key costs one question a second, and one for all who ask at once."""
    lookups, header = Lookups(ANN), f"Bearer {make_key(KeyKind.SECRET)}"
    ring = lookups.ring()
    callers = await asyncio.gather(*(ring.caller_behind(header) for _ in range(50)))
    assert set(callers) == {ANN}
    assert lookups.count == 1
    lookups.now_s += FRESH_S
    await ring.caller_behind(header)
    assert lookups.count == 2


async def test_a_key_that_was_used_within_the_minute_is_asked_for_with_the_others() -> None:
    """Whoever asks every few seconds never waits for it; those used last go first."""
    lookups, first, second = Lookups(ANN), make_key(KeyKind.SECRET), make_key(KeyKind.SECRET)
    ring = lookups.ring()
    await ring.caller_behind(f"Bearer {first}")
    lookups.now_s += 1
    await ring.caller_behind(f"Bearer {second}")
    for _ in range(100):
        lookups.now_s += 0.5
        assert ring.take_busy(most=64) == [hash_of(second), hash_of(first)]
        assert ring.take_busy(most=1) == [hash_of(second)]
        ring.confirm([hash_of(second), hash_of(first)], lookups.now_s)
    assert ring.known(f"Bearer {first}".encode()) == ANN
    assert ring.take_busy(most=1) == [hash_of(first)]
    assert lookups.count == 2
    lookups.now_s += 59.5
    assert ring.take_busy(most=64) == [hash_of(first)]
    lookups.now_s += 0.5
    assert ring.take_busy(most=64) == []


async def test_a_key_in_use_is_asked_for_beside_its_requests() -> None:
    """Nobody waits for the question about a key that is asked for steadily."""
    lookups, header = Lookups(ANN), f"Bearer {make_key(KeyKind.SECRET)}"
    ring = lookups.ring()
    await ring.caller_behind(header)
    for asked in range(1, 5):
        lookups.now_s += AHEAD_S
        assert await ring.caller_behind(header) == ANN
        assert lookups.count == asked  # the question has not even begun
        await asyncio.sleep(0.01)
        assert lookups.count == asked + 1


async def test_what_was_asked_before_a_change_is_not_kept() -> None:
    """A key that this process revoked opens nothing, though a question was on its way."""
    lookups, header = Lookups(ANN), f"Bearer {make_key(KeyKind.SECRET)}"
    begun, revoked = asyncio.Event(), asyncio.Event()

    async def find(sha256: bytes) -> Caller | None:
        caller = await lookups.find(sha256)
        if lookups.count > 1:
            begun.set()
            await revoked.wait()
        return caller

    ring = KeyRing(find, clock=lambda: NOON, timer=lambda: lookups.now_s)
    await ring.caller_behind(header)
    lookups.now_s += AHEAD_S
    await ring.caller_behind(header)
    await begun.wait()
    lookups.caller = None
    ring.forget()
    revoked.set()
    await asyncio.sleep(0.01)
    with pytest.raises(Unauthenticated):
        await ring.caller_behind(header)


async def test_a_revoked_key_opens_nothing_after_a_second() -> None:
    """Revocation is noticed no later than a second after it."""
    lookups, header = Lookups(ANN), f"Bearer {make_key(KeyKind.SECRET)}"
    ring = lookups.ring()
    await ring.caller_behind(header)
    lookups.caller = None
    lookups.now_s += FRESH_S
    with pytest.raises(Unauthenticated):
        await ring.caller_behind(header)


async def test_an_expired_key_opens_nothing_at_once() -> None:
    """Expiry needs no question: a remembered key expires on the second."""
    expiring = replace(ANN, expires_at=NOON)
    header = f"Bearer {make_key(KeyKind.SECRET)}"
    early = Lookups(expiring).ring(NOON - timedelta(microseconds=1))
    assert await early.caller_behind(header) == expiring
    with pytest.raises(Unauthenticated):
        await Lookups(expiring).ring(NOON).caller_behind(header)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic eDp5", "gf_sk_x"])
async def test_anything_but_a_bearer_key_is_refused_unasked(header: str | None) -> None:
    """A header without a key of ours never reaches the database."""
    lookups = Lookups(ANN)
    with pytest.raises(Unauthenticated):
        await lookups.ring().caller_behind(header)
    assert lookups.count == 0


async def test_an_unknown_key_is_remembered_too() -> None:
    """Somebody who repeats a wrong key does not make us repeat the question."""
    lookups, header = Lookups(None), f"bearer {make_key(KeyKind.SECRET)}"
    ring = lookups.ring()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await ring.caller_behind(header)
    assert lookups.count == 1


async def test_a_failed_question_is_asked_again() -> None:
    """A database that was away for a moment is not remembered as a no."""
    failures = [ConnectionError("away")]

    async def find(sha256: bytes) -> Caller | None:
        del sha256
        if failures:
            raise failures.pop()
        return ANN

    ring = KeyRing(find, clock=lambda: NOON, timer=lambda: 0.0)
    header = f"Bearer {make_key(KeyKind.SECRET)}"
    with pytest.raises(ConnectionError):
        await ring.caller_behind(header)
    assert await ring.caller_behind(header) == ANN


async def test_use_is_handed_out_once() -> None:
    """When each key was last used is told to whoever stores it, and then forgotten."""
    ring = Lookups(ANN).ring()
    await ring.caller_behind(f"Bearer {make_key(KeyKind.SECRET)}")
    assert ring.take_used() == {ANN.key_id: NOON}
    assert ring.take_used() == {}


def test_only_admin_contains_other_scopes() -> None:
    """A scope is exactly what it says; one that contains all says so."""
    assert ANN.may(Scope.DECIDE)
    assert not ANN.may(Scope.RULES_READ)
    admin = replace(ANN, scopes=frozenset({Scope.ADMIN}))
    assert all(admin.may(scope) for scope in Scope)


def test_a_hash_is_of_the_whole_key() -> None:
    """What is stored is the SHA-256 that anybody can recompute from the key."""
    assert hash_of("abc").hex().startswith("ba7816bf8f01cfea414140de5dae2223")
