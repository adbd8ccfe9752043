"""`/v1/accounts/{key}/dossier`: everything a board asks about one account, on two sheets."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from service.accounts import AccountKey
from service.decisions import AtDesk
from service.portfolio.dossier import dossier_of
from service.portfolio.dossier_page import dossier_page
from service.portfolio.dossier_schemas import DossierShown
from service.web import REFUSALS, StrictRoute

__all__ = ["Html", "dossier_routes"]

_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}

dossier_routes = APIRouter(
    prefix="/v1/accounts", tags=["accounts"], route_class=StrictRoute, responses=REFUSALS
)
RuleSetAsked = Annotated[
    str | None,
    Query(
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="How it stands under these rules; under those that judged it last by default.",
    ),
]
Fixed = Annotated[
    list[str] | None,
    Query(
        max_length=50,
        description="Attributes that cannot change, so that nothing of them is proposed.",
        examples=[["segment", "employees"]],
    ),
]


class Html(Response):
    """A page."""

    media_type = "text/html; charset=utf-8"


@dossier_routes.get("/{key}/dossier", operation_id="readDossier", response_model=DossierShown)
async def read(
    *, key: AccountKey, desk: AtDesk, rule_set: RuleSetAsked = None, fixed: Fixed = None
) -> dict[str, Any]:
    """Show what is known of an account, who said it, how it stands and why, and what would help.

    Money is of the ledger, by UTC month, to the cent. `reach` names the smallest changes of
    up to three facts that lead to a better group; each was decided by the rules themselves.
    """
    return await dossier_of(key, rule_set=rule_set, fixed=fixed or (), desk=desk)


@dossier_routes.get("/{key}/dossier.html", operation_id="printDossier", response_class=Html)
async def print_it(
    *, key: AccountKey, desk: AtDesk, rule_set: RuleSetAsked = None, fixed: Fixed = None
) -> Html:
    """Show the same as a page that prints on two sheets of A4 or Letter."""
    told = await dossier_of(key, rule_set=rule_set, fixed=fixed or (), desk=desk)
    return Html(dossier_page(told), headers=_HEADERS)
