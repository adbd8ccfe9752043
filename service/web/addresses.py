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
"""Where the address cannot be read: all such callers are counted together."""

_KEPT_BITS: Final = {4: 24, 6: 48}


def neighbourhood_of(scope: Scope, head: Mapping[bytes, bytes], *, proxies: int) -> str:
    """Return the network of /24 or /48 that a request came from, as text.

    *proxies* is how many of our own stand in front: each of them appends to
    `X-Forwarded-For` whom it heard from, so the address that many places from the end is
    the first that none of ours made up. What stands before it is the caller's own words.
    """
    client = scope.get("client")
    told = [] if client is None else [str(client[0])]
    if proxies:
        forwarded = head.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
        told = [one.strip() for one in forwarded[-proxies:]]
    return _neighbourhood(told[0]) if told else UNKNOWN


def _neighbourhood(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    network = ipaddress.ip_network((address, _KEPT_BITS[address.version]), strict=False)
    return str(network)
