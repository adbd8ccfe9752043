"""A genuine delivery under each scheme, to be sent as it is or spoilt."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from service.intake.schemes import (
    Basic,
    Bearer,
    HeaderToken,
    Hmac,
    HubSpot,
    Scheme,
    StandardWebhooks,
)
from service.intake.verifying import Received

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
SECOND: Final = str(int(NOW.timestamp()))
BODY: Final = b'[{"objectId":123,"occurredAt":1767225600000}]'
URL: Final = "https://goodfit.example.com/v1/intake/con_1"
SECRET: Final = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
_STANDARD: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_PRIVATE: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@dataclass(frozen=True, slots=True)
class Genuine:
    """A delivery that its scheme lets pass; *proof* are the headers that prove it."""

    name: str
    scheme: Scheme
    secret: str
    received: Received
    proof: tuple[str, ...]


def received(**headers: str) -> Received:
    """Return a request with *headers*, dashes written as underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Received(method="POST", url=URL, headers=named, body=BODY)


def _hex(algorithm: str, signed: bytes) -> str:
    return hmac.digest(SECRET.encode(), signed, algorithm).hex()


def _b64(algorithm: str, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(SECRET.encode(), signed, algorithm)).decode()


def _hubspot() -> tuple[Genuine, ...]:
    v1 = hashlib.sha256(SECRET.encode() + BODY).hexdigest()
    v2 = hashlib.sha256(SECRET.encode() + b"POST" + URL.encode() + BODY).hexdigest()
    stamp = SECOND + "000"
    v3 = _b64("sha256", b"POST" + URL.encode() + BODY + stamp.encode())
    old = HubSpot(versions=("v3", "v2", "v1"))
    name, version = "x-hubspot-signature", "x-hubspot-signature-version"
    new, at = "x-hubspot-signature-v3", "x-hubspot-request-timestamp"
    blank = received()
    return (
        Genuine("v1", old, SECRET, replace(blank, headers={name: v1, version: "v1"}), (name,)),
        Genuine("v2", old, SECRET, replace(blank, headers={name: v2, version: "v2"}), (name,)),
        Genuine("v3", HubSpot(), SECRET, replace(blank, headers={new: v3, at: stamp}), (new, at)),
    )


def _standard() -> tuple[Genuine, ...]:
    signed = b".".join((b"msg_1", SECOND.encode(), BODY))
    private = "v1a," + base64.b64encode(_PRIVATE.sign(signed)).decode()
    public = "whpk_" + base64.b64encode(_PRIVATE.public_key().public_bytes_raw()).decode()
    shared = Webhook(_STANDARD).sign("msg_1", NOW, BODY.decode())
    headers = {"webhook_id": "msg_1", "webhook_timestamp": SECOND}
    proof = ("webhook-id", "webhook-timestamp", "webhook-signature")
    scheme = StandardWebhooks()
    return (
        Genuine("v1", scheme, _STANDARD, received(**headers, webhook_signature=shared), proof),
        Genuine("v1a", scheme, public, received(**headers, webhook_signature=private), proof),
    )


def genuine() -> tuple[Genuine, ...]:
    """Return one delivery for each way of proving it."""
    typeform = Hmac(header="typeform-signature", encoding="base64", prefix="sha256=")
    segment = Hmac(header="x-signature", algorithm="sha1", of="first_element")
    stamped = Hmac(
        header="x-sig", algorithm="sha512", signed="{timestamp}.{body}", timestamp_header="x-time"
    )
    basic = base64.b64encode(f"ann:{SECRET}".encode()).decode()
    first = BODY.strip(b"[]")
    return (
        *_hubspot(),
        *_standard(),
        Genuine(
            "typeform",
            typeform,
            SECRET,
            received(typeform_signature="sha256=" + _b64("sha256", BODY)),
            ("typeform-signature",),
        ),
        Genuine(
            "segment", segment, SECRET, received(x_signature=_hex("sha1", first)), ("x-signature",)
        ),
        Genuine(
            "stamped",
            stamped,
            SECRET,
            received(x_sig=_hex("sha512", SECOND.encode() + b"." + BODY), x_time=SECOND),
            ("x-sig", "x-time"),
        ),
        Genuine(
            "bearer",
            Bearer(),
            SECRET,
            received(authorization=f"Bearer {SECRET}"),
            ("authorization",),
        ),
        Genuine(
            "header", HeaderToken(header="x-token"), SECRET, received(x_token=SECRET), ("x-token",)
        ),
        Genuine(
            "basic",
            Basic(),
            f"ann:{SECRET}",
            received(authorization=f"Basic {basic}"),
            ("authorization",),
        ),
    )
