"""Where a connection's own address leads is judged as any other that somebody gave us."""

from datetime import timedelta

import pytest

from service.delivery import Reach
from service.intake.vendor_http import Reply, Vendor, VendorUnavailable

pytestmark = pytest.mark.anyio


class Unhurried:
    """A pace at which everything may be asked at once."""

    async def wait_for(self) -> None:
        """Let everything begin."""

    async def heed(self, reply: Reply) -> None:
        """Take no notice."""

    async def hold(self, wait: timedelta, why: str, *, is_usual: bool) -> None:
        """Take no notice."""


@pytest.mark.parametrize(
    "url",
    [
        "http://api.vendor.example",
        "https://127.0.0.1:8443",
        "https://localhost",
        "https://169.254.169.254/latest",
        "https://2130706433",
        "https://[::ffff:10.0.0.1]",
        "https://10.1.2.3:8080",
        "file:///etc/passwd",
    ],
)
async def test_a_vendor_inside_our_walls_is_never_asked(url: str) -> None:
    """It is put off in words that an administrator understands, and nothing is connected to."""
    async with Vendor(
        url, headers={"Authorization": "Bearer secret"}, reach=Reach(), pace=Unhurried()
    ) as vendor:
        with pytest.raises(VendorUnavailable, match="the vendor's address may not be asked"):
            await vendor.ask("GET", "/crm/v3/objects")


async def test_a_page_that_leads_inside_is_not_followed() -> None:
    """A vendor that names the next page's address cannot send us elsewhere by it."""
    async with Vendor(
        "https://api.hubapi.com", headers={}, reach=Reach(), pace=Unhurried()
    ) as vendor:
        with pytest.raises(VendorUnavailable, match="may not be asked"):
            await vendor.ask("GET", "http://169.254.169.254/latest/meta-data")


async def test_a_name_that_leads_inside_is_not_followed() -> None:
    """The name is resolved by us at every request, and what it leads to is judged."""

    async def resolve(_: str, __: int) -> list[str]:
        return ["10.0.0.7"]

    reach = Reach(resolve=resolve)
    async with Vendor(
        "https://crm.example.com", headers={}, reach=reach, pace=Unhurried()
    ) as vendor:
        with pytest.raises(VendorUnavailable, match="not public"):
            await vendor.ask("GET", "/")
