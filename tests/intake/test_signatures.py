"""Who may tell us something: every vendor's own examples, and nobody who only comes close."""

import base64
import hmac
import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from pydantic import ValidationError

from service.intake.hubspot_signing import decode_address
from service.intake.schemes import Hmac, HubSpot, Scheme, StandardWebhooks, read_scheme
from service.intake.verifying import BadSignature, Received, check_signature
from tests.intake.signed import BODY, NOW, SECRET, Genuine, genuine, received
from tests.real_data.shared import shared_file

MUTANTS: Final = 200_000
_LETTERS: Final = (
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/=,.-_ \t\x00\x80é€\ud800"
)
_ODD: Final = (
    "",
    " ",
    ",",
    "v1,",
    "v1a,",
    "v1,=",
    "v1a,AAAA",
    "=" * 44,
    "0" * 64,
    "-1",
    "NaN",
    "1e9",
)
_ODD_TOO: Final = (
    "٣" * 10,
    "9" * 400,
    "\x00",
    "é",
    "Basic",
    "Bearer",
    "Basic =",
    "sha256=",
    "v2,x v1,y",
)


def is_genuine(given: Received, scheme: Scheme, secret: str, now: datetime = NOW) -> bool:
    """Return whether a delivery passes."""
    try:
        check_signature(given, scheme, secrets=("another-secret", secret), now=now)
    except BadSignature as bad:
        return not bad.why
    return True


def _vector(told: dict[str, Any]) -> tuple[Received, Scheme, datetime]:
    """Return a vendor's example as it would arrive, and when."""
    family, _, version = told["scheme"].rpartition("-")
    stamp, signature = told["timestamp"], told["signature"]
    now = datetime(2026, 1, 1, tzinfo=UTC)
    if family == "hubspot":
        headers = {"x-hubspot-signature": signature, "x-hubspot-signature-version": version}
        if version == "v3":
            headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp}
            now = datetime.fromtimestamp(int(stamp) / 1000, UTC)
        scheme: Scheme = HubSpot(versions=("v1", "v2", "v3"))
    else:
        headers = {"webhook-id": told["msg_id"], "webhook-timestamp": stamp}
        headers |= {"webhook-signature": signature}
        now, scheme = datetime.fromtimestamp(int(stamp), UTC), StandardWebhooks()
    body = told["body"].encode()
    arrived = Received(
        method=told.get("method", "POST"), url=told.get("url") or "", headers=headers, body=body
    )
    return arrived, scheme, now


def test_every_vendors_own_example_verifies_as_it_says() -> None:
    """Signatures from HubSpot's and Standard Webhooks' own tests come out as they do there."""
    vectors = json.loads(shared_file("webhooks", "signature_vectors.json").read_text("utf-8"))
    assert len(vectors) >= 7
    for told in vectors:
        arrived, scheme, now = _vector(told)
        assert is_genuine(arrived, scheme, told["secret"], now) is told["valid"], told["id"]


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        (
            "https://example.com/hooks/hubspot/conn_01",
            "K8u7Ms9FmZwAtjNIS/IqD8RUSy2yTQJW/Scjid3L984=",
        ),
        (
            "https://example.com/hooks/hubspot?c=a%3Ab%2Fc%20d",
            "RjuX6SDKdOdSt3KaT3FxAUgyKfx8lHexa1Ql8UDjnjE=",
        ),
    ],
)
def test_the_public_address_is_signed_with_twelve_escapes_decoded(url: str, signature: str) -> None:
    """`%3A` and `%2F` are decoded before HubSpot signs, `%20` is not."""
    body = (
        b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
        b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,'
        b'"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
    )
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": "1767225600000"}
    arrived = Received(method="POST", url=url, headers=headers, body=body)
    assert is_genuine(arrived, HubSpot(), SECRET)
    assert not is_genuine(replace(arrived, url=url.replace("https", "http")), HubSpot(), SECRET)


def test_no_other_escape_is_decoded_and_none_twice() -> None:
    """What HubSpot leaves escaped stays, a percent sign and lower case included."""
    twelve = "%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B"
    assert decode_address(twelve) == ":/?@!$'()*,;"
    for kept in ("%20", "%25", "%2B", "%26", "%3D", "%23", "%253A", "%3a"):
        assert decode_address(kept) == kept


@pytest.mark.parametrize(
    ("scheme", "secret", "body", "header"),
    [
        (
            {
                "scheme": "hmac",
                "header": "Typeform-Signature",
                "encoding": "base64",
                "prefix": "sha256=",
            },
            "tf_secret",
            b'{"event_id":"LtWXD3crgy","event_type":"form_response"}',
            "sha256=VXbbyL1RVx7Z96olIZ0fjzYMwiAbWr/c+dHZ/2rdvzE=",
        ),
        (
            {"scheme": "hmac", "header": "X-Signature", "algorithm": "sha1", "of": "first_element"},
            "seg_secret",
            b'{"type":"track","event":"Demo Requested","userId":"u1"}',
            "e9a370eb0e214a473c3e943bda7f09c570e9891a",
        ),
        (
            {"scheme": "hmac", "header": "X-Signature", "algorithm": "sha1", "of": "first_element"},
            "seg_secret",
            b'[ {"type":"track","event":"Demo Requested","userId":"u1"} ,{"type":"track"}]',
            "e9a370eb0e214a473c3e943bda7f09c570e9891a",
        ),
    ],
)
def test_forms_and_segment_sign_the_bytes_as_they_came(
    scheme: dict[str, str], secret: str, body: bytes, header: str
) -> None:
    """Typeform signs in base64 behind a prefix; of Segment's batches the first event is signed."""
    read = read_scheme(scheme)
    assert isinstance(read, Hmac)
    arrived = Received(method="POST", url="", headers={read.header: header}, body=body)
    assert is_genuine(arrived, read, secret)
    spaced = replace(arrived, body=body.replace(b'"type":', b'"type": '))
    assert not is_genuine(spaced, read, secret) or b'"type":' not in body


@pytest.mark.parametrize("one", genuine(), ids=lambda one: f"{one.scheme.scheme}-{one.name}")
def test_a_genuine_delivery_passes_and_its_neighbours_do_not(one: Genuine) -> None:
    """Each proof is asked for, the right secret counts, and the old one during a rotation too."""
    assert is_genuine(one.received, one.scheme, one.secret)
    wrong = one.secret[:-4] + ("AAA=" if one.secret.endswith("=") else "xxxx")
    assert not is_genuine(one.received, one.scheme, wrong)
    assert not is_genuine(one.received, one.scheme, "")
    for name in one.proof:
        left = {key: value for key, value in one.received.headers.items() if key != name}
        assert not is_genuine(replace(one.received, headers=left), one.scheme, one.secret)


@pytest.mark.parametrize(
    "one", [one for one in genuine() if len(one.proof) > 1], ids=lambda o: o.name
)
def test_a_recorded_delivery_is_too_old_after_five_minutes(one: Genuine) -> None:
    """Where a timestamp is signed, five minutes either way are all there is."""
    for seconds, passes in ((0, True), (299, True), (-299, True), (302, False), (-302, False)):
        at = NOW + timedelta(seconds=seconds)
        assert is_genuine(one.received, one.scheme, one.secret, at) is passes


def test_a_version_that_is_not_taken_does_not_pass() -> None:
    """v1 signs neither address nor time, so a connection has to ask for it."""
    first = genuine()[0]
    assert is_genuine(first.received, first.scheme, first.secret)
    assert not is_genuine(first.received, HubSpot(), first.secret)


@pytest.mark.parametrize(
    "scheme",
    [
        {"scheme": "hmac", "header": "x", "signed": "{timestamp}.{body}"},
        {"scheme": "hmac", "header": "x", "timestamp_header": "t"},
        {"scheme": "hmac", "header": "x", "signed": "nothing"},
        {"scheme": "hmac", "header": "x y"},
        {"scheme": "hmac", "header": "x", "algorithm": "md5"},
        {"scheme": "hubspot", "versions": []},
        {"scheme": "none"},
        {"scheme": "bearer", "secret": "not here"},
        {},
    ],
)
def test_a_scheme_that_proves_nothing_is_refused(scheme: dict[str, object]) -> None:
    """A timestamp that is not signed, a hash that is broken, no scheme at all."""
    with pytest.raises(ValidationError):
        read_scheme(scheme)


def test_mutated_proofs_never_pass_and_never_surprise() -> None:
    """Of 200,000 spoilt signatures, headers and timestamps none passes; none raises otherwise."""
    chance, originals = random.Random(6), genuine()
    tried = 0
    while tried < MUTANTS:
        one = originals[tried % len(originals)]
        name = chance.choice(one.proof)
        before = one.received.headers[name]
        after = _mutated(before, chance)
        if _means(after) == _means(before):
            continue
        tried += 1
        spoilt = replace(one.received, headers={**one.received.headers, name: after})
        assert not is_genuine(spoilt, one.scheme, one.secret), (one.name, name, after)


def _means(header: str) -> str:
    """Return a header without what has no meaning in HTTP: blanks around it, a kind's case."""
    header = header.strip(" ")
    kind, space, rest = header.partition(" ")
    return kind.lower() + space + rest if kind.lower() in {"basic", "bearer"} else header


def _mutated(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text))
    low, high = sorted((place, chance.randrange(len(text))))
    letter = chance.choice(_LETTERS)
    mutants = (
        text[:place] + letter + text[place + 1 :],
        text[:place] + text[place + 1 :],
        text[:place] + letter + text[place:],
        text[:place],
        text.swapcase(),
        text[::-1],
        text[:low] + text[low:high][::-1] + text[high:],
        text + letter,
        chance.choice(_ODD + _ODD_TOO),
    )
    return chance.choice(mutants)


def test_mutated_bodies_never_pass() -> None:
    """A byte that is changed, lost or added, white space included, is another delivery."""
    chance = random.Random(7)
    signed = [one for one in genuine() if one.scheme.scheme not in {"bearer", "header", "basic"}]
    for one in signed:
        for _ in range(200):
            place = chance.randrange(1, len(BODY) - 1)
            body = BODY[:place] + chance.choice((b" ", b"\x00", b"9", b"")) + BODY[place + 1 :]
            if body != BODY:
                spoilt = replace(one.received, body=body)
                assert not is_genuine(spoilt, one.scheme, one.secret), body


def test_segments_hash_is_of_the_first_event_alone() -> None:
    """What follows the first event of a batch is not signed: a preset says so in its notes."""
    scheme = Hmac(header="x-signature", algorithm="sha1", of="first_element")
    for body in (b"[]", b"[", b"[1,2", b"[[", b"[]]", b" [ ] "):
        given = hmac.digest(SECRET.encode(), body, "sha1").hex()
        arrived = replace(received(x_signature=given), body=body)
        assert not is_genuine(arrived, scheme, SECRET)


def test_a_public_key_that_is_none_lets_nothing_pass() -> None:
    """A key of the wrong length is a mistake of ours, and still nobody gets in."""
    arrived = received(webhook_id="m", webhook_timestamp=str(int(NOW.timestamp())))
    signature = "v1a," + base64.b64encode(b"0" * 64).decode()
    headers = {**arrived.headers, "webhook-signature": signature}
    for secret in ("whpk_", "whpk_AAAA", "whsec_%%%", "nothing"):
        assert not is_genuine(replace(arrived, headers=headers), StandardWebhooks(), secret)
