"""From where a stranger asks: as much of the network address as has to be known, and no more.

A whole address is personal; its first 24 bits (IPv4) or 48 bits (IPv6) are a neighbourhood.
Nothing in this house keeps more.
"""

import ipaddress
from collections.abc import Mapping
from typing import Final

from starlette.types import Scope

__all__ = ["UNKNOWN", "neighbourhood_of"]

UNKNOWN: Final = "unknown"
"""Where an address tells nothing: such callers are neither counted nor recognised by it."""

_KEPT_BITS: Final = {4: 24, 6: 48}


def neighbourhood_of(scope: Scope, head: Mapping[bytes, bytes], *, proxies: int) -> str:
    """Return the network of /24 or /48 that a request came from, as text.

    *proxies* is how many of our own stand in front: each of them appends to
    `X-Forwarded-For` whom it heard from, so the address that many places from the end is
    the first that none of ours made up. What stands before it is the caller's own words.

    Where a neighbour in our own network forwards and nobody said how many do, every caller
    would seem to be that neighbour: the address is unknown then.
    """
    client = scope.get("client")
    told = "" if client is None else str(client[0])
    forwarded = head.get(b"x-forwarded-for")
    if proxies:
        told = (forwarded or b"").decode("latin-1").split(",")[-proxies:][0].strip()
    address = _address(told)
    if address is None or (not proxies and forwarded is not None and address.is_private):
        return UNKNOWN
    bits = _KEPT_BITS[address.version]
    return str(ipaddress.ip_network((address, bits), strict=False))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if address.version == 6 and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
