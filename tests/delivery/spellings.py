"""Ways to write an address that nobody outside may be sent to."""

from collections.abc import Iterator

__all__ = ["forbidden_hosts", "forbidden_urls"]

_V4 = ("127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.7", "172.31.255.255", "100.64.0.1")
_V4_WHOLE = (
    *("0.0.0.0", "127.255.255.254", "100.100.100.200", "168.63.129.16", "172.16.0.1"),  # noqa: S104 - an address to refuse
    *("192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
)
_V6 = (
    *("::", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::127.0.0.1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1"),
    *(
        "fe80::1",
        "fe80::1%25eth0",
        "fe80::1%eth0",
        "febf::1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
    ),
    *("ff02::1", "100::1", "2001::1", "2001:db8::1", "2001:10::1", "3fff::1", "5f00::1"),
    *("::ffff:0:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "2620:4f:8000::1"),
)
_NAMES = ("localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "ip6-localhost", "db")


def forbidden_hosts() -> Iterator[str]:
    """Yield hosts, as they stand in a URL."""
    yield from _V4
    yield from _V4_WHOLE
    for address in _V4:
        yield from _numbers(address)
    yield from (f"[{address}]" for address in _V6)
    yield from _NAMES
    yield from (
        "①②⑦.⓪.⓪.①",
        "１２７.0.0.1",
        "127。0。0。1",
        "127．0．0．1",
        "ⓛocalhost",
        "loc\u00adalhost",
    )


def forbidden_urls(port: int) -> Iterator[str]:
    """Yield addresses that lead, or might lead some reader, to *port* of this machine or inside."""
    for host in forbidden_hosts():
        yield f"http://{host}:{port}/"
        yield f"https://{host}/hook"
    for around in ("{}@evil.example", "evil.example@{}", "evil.example:80@{}", "evil.example#@{}"):
        yield f"http://{around.format(f'127.0.0.1:{port}')}/"
    for middle in ("\\", "%5c", "%2f", "%00", "\t", "\n", "\r\n", " ", "\x00", "%20", "%0d%0a"):
        yield f"http://127.0.0.1:{port}{middle}@evil.example/"
        yield f"http://evil.example{middle}@127.0.0.1:{port}/"
        yield f"http://127.0.0.1{middle}:{port}/"
    for scheme in ("HTTP", "hTTp", "ftp", "file", "gopher", "dict", "ws", "unix", "javascript", ""):
        yield f"{scheme}://127.0.0.1:{port}/"
    yield from (
        f"//127.0.0.1:{port}/",
        f"127.0.0.1:{port}",
        f"http:127.0.0.1:{port}",
        f"http:/127.0.0.1:{port}/",
        f"http:///127.0.0.1:{port}/",
        f"http:\\\\127.0.0.1:{port}\\",
        f"http://[::1]:{port}@evil.example/",
        "http://evil.example:22/",
        "http://evil.example:6379/".replace("6379", "25"),
        "http://evil.example:99999/",
        "http://evil.example:-1/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 130 + "example/",
        "http://[::1/",
        "http://::1/",
        "http:// /",
        "http://./",
        "http://../",
        "",
    )


def _numbers(address: str) -> Iterator[str]:
    """Yield what some readers take for the IPv4 *address*."""
    a, b, c, d = (int(part) for part in address.split("."))
    whole = (a << 24) | (b << 16) | (c << 8) | d
    yield from (f"{whole}", f"0x{whole:x}", f"0X{whole:X}", f"0{whole:o}", f"{whole + (1 << 32)}")
    yield from (f"{a}.{(b << 16) | (c << 8) | d}", f"{a}.{b}.{(c << 8) | d}")
    yield from (f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}")
    yield from (f"0x{a:x}.{b}.{c}.{d}", f"00{a}.{b}.{c}.{d}", f"{address}.", f"{address}..")
    yield "".join(f"%{ord(letter):02x}" for letter in address)
    yield f"{address}%00"
