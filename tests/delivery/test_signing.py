"""Signatures that anybody's library accepts, and nothing else does."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from service.delivery.schedule import pause_before, retry_after
from service.delivery.signing import headers_of, make_secret, signature_of

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
PAUSES_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)


def test_the_published_vector_comes_out() -> None:
    """What the specification's own libraries say of one message, we say too."""
    signed = signature_of(
        b'{"test": 2432232314}',
        message="msg_p5jXN8AQM9LWM0D4loKWxJek",
        stamp=1_614_265_330,
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_their_library_verifies_each_of_two_secrets_and_no_other() -> None:
    """While a secret is being exchanged both verify; a changed byte or a third secret does not."""
    old, new, other = make_secret(), make_secret(), make_secret()
    now = datetime.now(UTC)
    body = json.dumps({"type": "decision.created", "words": "naïve ✓"}).encode()
    headers = headers_of(body, message="msg_1", at=now, secrets=[new, old])
    for secret in (old, new):
        assert Webhook(secret).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body, headers | {"webhook-id": "msg_2"})


def test_no_secret_of_another_kind_signs() -> None:
    """A word that is no secret is refused rather than used."""
    with pytest.raises(ValueError, match="no webhook secret"):
        signature_of(b"", message="m", stamp=0, secret="whsec_not base64!")


def test_the_schedule_takes_three_days_give_or_take_a_tenth() -> None:
    """Ten attempts; the last some 75 hours after the first, never at the same second for all."""
    for luck in (0.0, 0.5, 1.0):
        waits = [pause_before(n, pauses_s=PAUSES_S, luck=luck) for n in range(2, 11)]
        whole = sum(waits, timedelta(0))
        assert abs(whole - timedelta(seconds=272_105) * (0.9 + 0.2 * luck)) < timedelta(seconds=1)
    with pytest.raises(ValueError, match="first"):
        pause_before(1, pauses_s=PAUSES_S, luck=0)


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        (None, None),
        ("120", timedelta(seconds=120)),
        (" 7 ", timedelta(seconds=7)),
        ("Thu, 26 Nov 2026 12:01:00 GMT", timedelta(seconds=60)),
        ("Thu, 26 Nov 2026 11:01:00 GMT", timedelta(0)),
        ("soon", None),
        ("-5", None),
        ("9" * 400, timedelta(seconds=10**8)),
        ("٣", None),
        ("Mon, 99 Foo 20260 99:99:99", None),
    ],
)
def test_retry_after_is_read_or_left(header: str | None, asked: timedelta | None) -> None:
    """Seconds or a date are obeyed; anything else says nothing."""
    assert retry_after(header, at=NOON) == asked


def test_what_they_ask_for_is_obeyed_up_to_a_day() -> None:
    """Never sooner than asked, never later than a day for it."""
    hour = timedelta(hours=1)
    assert pause_before(2, pauses_s=PAUSES_S, luck=0.5, asked=hour) == hour
    assert pause_before(2, pauses_s=PAUSES_S, luck=0.5, asked=hour * 99) == hour * 24
    assert pause_before(2, pauses_s=PAUSES_S, luck=0.5, asked=hour * 0) == timedelta(seconds=5)
