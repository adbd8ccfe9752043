"""HubSpot's signatures v1, v2 and v3, as its documentation of request validation has them."""

import base64
import hashlib
import hmac
import re
from typing import Final

__all__ = ["decode_address", "hubspot_signature"]

# These twelve and no others: what else is escaped in an address is signed as it stands.
_ESCAPES: Final = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$",
    "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPE: Final = re.compile("|".join(_ESCAPES))


def decode_address(url: str) -> str:
    """Return *url* as v3 signs it. Each escape is decoded once: `%253A` stays `%253A`."""
    return _ESCAPE.sub(lambda found: _ESCAPES[found[0]], url)


def hubspot_signature(
    version: str, *, secret: str, method: str, url: str, body: bytes, timestamp: str
) -> bytes:
    """Return what the signature's header holds for a genuine request.

    *url* is the public one, and *timestamp* its header's text: a number would lose digits.
    """
    key = secret.encode()
    if version == "v1":
        return hashlib.sha256(key + body).hexdigest().encode()
    if version == "v2":
        return hashlib.sha256(key + method.encode() + url.encode() + body).hexdigest().encode()
    head = (method + decode_address(url)).encode()
    return base64.b64encode(hmac.digest(key, head + body + timestamp.encode(), "sha256"))
