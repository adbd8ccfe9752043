"""Which addresses of the network are anybody's: our own table, pinned.

From IANA's registries of special-purpose addresses, for IPv6 turned round: what is not global
unicast is nobody's. The standard library's own answer differs between its versions, and lets
some ranges through that lead back inside.
"""

import ipaddress
from typing import Final

__all__ = ["is_public"]

_V4: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared between a provider and its customers
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # the inside of a large cloud, in public clothes
        "169.254.0.0/16",  # link-local; where clouds tell their secrets
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_V6_GLOBAL: Final = ipaddress.IPv6Network("2000::/3")
_V6: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries any IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def is_public(address: str) -> bool:
    """Return whether *address*, an IP address as text, is one that anybody may be asked at.

    What is no address, or names an interface beside it, is not.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _V4)
    if parsed.scope_id is not None or parsed not in _V6_GLOBAL:
        return False
    return not any(parsed in network for network in _V6)
