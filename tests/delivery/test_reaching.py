"""Nothing that somebody tells us to reach leads behind our own walls."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import httpx
import pytest

from service.delivery import sending
from service.delivery.addresses import is_public
from service.delivery.reaching import (
    Reach,
    Unreachable,
    check_address,
    check_url,
    open_client,
    post,
)
from service.settings import Settings
from tests.delivery.receiver import Receiver, answer, receiving
from tests.delivery.spellings import forbidden_urls
from tests.delivery.test_endpoints import QUICK, made, settled, tell
from tests.web.serving import serving

pytestmark = pytest.mark.anyio

# Plain HTTP is let in, so that the canary could be reached if the address let anybody.
STRICT = Reach(allows_http=True)
QUICK_ENOUGH = timedelta(seconds=0.2)


@pytest.fixture
async def canary() -> AsyncIterator[Receiver]:
    """Return a listener on this machine to which nobody may come."""
    async with receiving() as canary:
        yield canary


async def test_300_spellings_of_a_forbidden_address_connect_to_nothing(canary: Receiver) -> None:
    """Each is refused when an endpoint is made, and again by the client that would send."""
    urls = list(forbidden_urls(canary.port))
    assert len(set(urls)) >= 300
    async with open_client(STRICT) as client:
        for url in urls:
            with pytest.raises((Unreachable, OSError)):
                await check_address(check_url(url, STRICT), STRICT)
            with pytest.raises((Unreachable, OSError, httpx.HTTPError)):
                await post(client, url, body=b"", headers={}, reach=STRICT)
    assert canary.connections == 0


async def test_they_are_refused_over_http_with_a_place(database_url: str, canary: Receiver) -> None:
    """Made or changed, the answer is a 422 that points at the address; nothing is stored."""
    urls = list(forbidden_urls(canary.port))
    async with serving(database_url, settings=Settings(assess_every_s=0), is_attended=False) as on:
        good = await made(on, "https://192.0.66.2/hook")
        for url in urls:
            sent = {"url": url}
            for method, path in (("POST", ""), ("PATCH", f"/{good['id']}")):
                refused = await on.ask(method, f"/v1/endpoints{path}", json=sent)
                assert refused.status_code == 422, url
                assert refused.json()["errors"][0]["pointer"] == "/url"
        (only,) = (await on.ask("GET", "/v1/endpoints")).json()["data"]
        assert only["url"] == good["url"]
    assert canary.connections == 0


async def test_an_address_that_got_in_otherwise_is_not_sent_to(
    database_url: str, canary: Receiver
) -> None:
    """The sender does not trust what is stored: it judges at every attempt."""
    async with serving(database_url, settings=QUICK, is_attended=False) as served:
        endpoint = await made(served, canary.url)
        await tell(served, 1)
        async with sending(served.app.house, reach=STRICT):
            (delivery,) = await settled(served, endpoint)
    assert {one["problem"] for one in delivery["attempts"]} == {"address"}
    assert canary.connections == 0


async def test_a_redirect_is_a_failure_and_is_not_followed(
    database_url: str, canary: Receiver
) -> None:
    """Wherever it points, nobody goes there."""
    async with (
        serving(database_url, settings=QUICK, is_attended=False) as served,
        receiving(lambda _: answer(307, location=canary.url)) as there,
    ):
        endpoint = await made(served, there.url)
        await tell(served, 1)
        async with sending(served.app.house):
            (delivery,) = await settled(served, endpoint)
    assert [one["status"] for one in delivery["attempts"]] == [307] * 3
    assert canary.connections == 0


async def test_a_name_that_comes_to_lead_inside_is_not_followed(canary: Receiver) -> None:
    """Resolved anew at every attempt; the connection goes to what was judged, not to the name."""
    said: list[Sequence[str]] = [
        ["127.0.0.1"],
        ["192.0.66.2", "127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        [],
    ]
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        assert port == canary.port
        asked.append(host)
        return said[len(asked) % len(said)]

    reach = Reach(allows_http=True, resolve=resolve)
    url = f"http://rebind.example:{canary.port}/"
    async with open_client(reach) as client:
        for _ in range(20):
            with pytest.raises(Unreachable):
                await post(client, url, body=b"", headers={}, reach=reach)
    assert len(asked) == 20
    assert canary.connections == 0


async def test_the_connection_goes_to_the_address_that_was_judged(canary: Receiver) -> None:
    """The name is asked for once an attempt, and the receiver still sees it as its host."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.0.66.2"]

    reach = Reach(is_open=True, resolve=resolve)
    async with open_client(reach) as client:
        url = f"http://hooks.example:{canary.port}/a?b=c"
        reply = await post(client, url, body=b"x", headers={}, reach=reach)
    assert reply.status == 200
    assert asked == ["hooks.example"]
    (got,) = canary.got
    assert (got.path, got.headers["host"]) == ("/a?b=c", f"hooks.example:{canary.port}")


async def test_no_proxy_of_the_environment_is_asked(
    canary: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would connect to whatever the name says by then."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    reach = Reach(is_open=True)
    async with receiving() as there, open_client(reach) as client:
        assert (await post(client, there.url, body=b"", headers={}, reach=reach)).status == 200
    assert canary.connections == 0


async def test_an_answer_has_so_many_bytes_and_so_much_time() -> None:
    """Neither an endless answer nor a silent one holds a place for long."""
    reach = Reach(is_open=True, most_bytes=1_000)
    async with (
        receiving(lambda _: answer(200, bytes(1 << 20))) as there,
        open_client(reach) as client,
    ):
        assert len((await post(client, there.url, body=b"", headers={}, reach=reach)).body) == 1_000
    hasty = Reach(is_open=True, within=QUICK_ENOUGH)
    async with receiving(lambda _: None) as there, open_client(hasty) as client:
        async with asyncio.timeout(5):
            with pytest.raises((TimeoutError, httpx.TimeoutException)):
                await post(client, there.url, body=b"", headers={}, reach=hasty)


def test_our_table_refuses_whatever_the_library_does() -> None:
    """What the standard library calls private is never public to us; ordinary addresses are."""
    for address in ("8.8.8.8", "1.1.1.1", "192.0.66.2", "2606:4700::1111", "2a00:1450:4001::1"):
        assert is_public(address), address
    for network in ("0.0.0.0/0", "2000::/3", "::/0"):
        base = ipaddress.ip_network(network)
        step = max(1, base.num_addresses // 5_003)
        for n in range(5_003):
            one = base[n * step]
            if not one.is_global or one.is_multicast or one.is_reserved:
                assert not is_public(str(one)), one


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "https://example.com",
        "https://EXAMPLE.com:8443/a?b=c",
        "https://a_b.example.com/",
        "https://bücher.example/x",
        "https://xn--bcher-kva.example/x",
        "https://192.0.66.2/",
        "https://[2606:4700::1111]/hook",
    ],
)
def test_what_people_write_is_accepted(url: str) -> None:
    """Strict is not fussy."""
    check_url(url, Reach())


async def test_only_https_without_the_setting_for_development() -> None:
    """Plain HTTP is for one's own machine."""
    with pytest.raises(Unreachable, match="https"):
        check_url("http://example.com/", Reach())
