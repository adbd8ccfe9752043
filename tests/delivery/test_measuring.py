"""What `/metrics` says of deliveries: by endpoint, by state, by how attempts ended."""

import pytest

from service.delivery import measure, sending
from tests.delivery.receiver import Got, answer, receiving
from tests.delivery.test_endpoints import QUICK, made, settled, tell
from tests.web.serving import serving

pytestmark = pytest.mark.anyio


async def test_what_waits_and_how_sending_goes_can_be_watched(database_url: str) -> None:
    """One that takes all, one that refuses, one that waits: each by its id, none by its address."""

    def say(got: Got) -> bytes:
        return answer(500 if got.path.endswith("refusing") else 200)

    settings = QUICK.model_copy(update={"delivery_pauses_s": (0.02, 3_600.0)})
    async with (
        serving(database_url, settings=settings, is_attended=False) as served,
        receiving(say) as there,
    ):
        taking = await made(served, f"{there.url}/taking", events=["rule_set.released"])
        await tell(served, 1, 2, 3)
        async with sending(served.app.house):
            await settled(served, taking)
            refusing = await made(served, f"{there.url}/refusing", events=["rule_set.released"])
            await tell(served, 4)
            await settled(served, taking)
            while sum(got.path.endswith("refusing") for got in there.got) < 2:
                await tell(served)
        gone = await made(served, f"{there.url}/gone")
        answered = await served.ask(
            "PATCH", f"/v1/endpoints/{gone['id']}", json={"state": "disabled"}
        )
        assert answered.status_code == 200
        await measure(served.app.house)
        shown = (await served.ask("GET", "/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in shown.splitlines() if line.startswith("goodfit_"))
    told = {name: float(number) for name, number in lines.items()}

    def waiting(endpoint: str) -> float:
        return told[f'goodfit_deliveries{{endpoint="{endpoint}",state="waiting"}}']

    assert (waiting(taking["id"]), waiting(refusing["id"]), waiting(gone["id"])) == (0, 1, 0)
    assert told[f'goodfit_deliveries_oldest_seconds{{endpoint="{refusing["id"]}"}}'] > 0
    assert told[f'goodfit_deliveries_oldest_seconds{{endpoint="{taking["id"]}"}}'] == 0
    assert told['goodfit_delivery_attempts{result="delivered"}'] == 4
    assert told['goodfit_delivery_attempts{result="refused"}'] == 2
    assert [told[f'goodfit_endpoints{{state="{s}"}}'] for s in ("enabled", "failing")] == [1, 1]
    assert told['goodfit_endpoints{state="disabled"}'] == 1
    assert str(there.port) not in shown
