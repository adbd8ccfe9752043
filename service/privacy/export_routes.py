"""`/v1/subjects/export`: everything that is held of one person or company."""

from typing import Annotated, Any, ClassVar, Final

from fastapi import APIRouter, Query
from pydantic import AfterValidator
from starlette.responses import StreamingResponse

from service.privacy.asking import Named
from service.privacy.exporting import export
from service.privacy.schemas import check_email
from service.rulesets import Editing
from service.storage import append_audit, transaction
from service.web import REFUSALS, Fault, InHouse, Refusal, StrictRoute

__all__ = ["export_routes"]

export_routes = APIRouter(
    prefix="/v1/subjects", tags=["privacy"], route_class=StrictRoute, responses=REFUSALS
)
_EXPORTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "`sources` maps each table to what it holds, the oldest first.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["known_by", "exported_at", "sources"],
                    "properties": {
                        "known_by": {"type": "array", "items": {"type": "string"}},
                        "exported_at": {"type": "string"},
                        "sources": {
                            "type": "object",
                            "additionalProperties": {
                                "type": "array",
                                "items": {"type": "object", "additionalProperties": True},
                            },
                        },
                    },
                }
            }
        },
    }
}
_Text = Annotated[str | None, Query(min_length=1, max_length=255)]


class NobodyNamed(Refusal):
    """An export was asked for without saying of whom."""

    code: ClassVar[str] = "validation_failed"


@export_routes.get("/export", operation_id="exportSubject", responses=_EXPORTED)
async def export_one(
    *,
    house: InHouse,
    editor: Editing,
    email: Annotated[
        str | None, Query(min_length=5, max_length=254), AfterValidator(check_email)
    ] = None,
    external_id: _Text = None,
    account: Annotated[_Text, Query(description="An account's key.")] = None,
) -> StreamingResponse:
    """Tell everything that is held of one person or company: what an erasure would clear.

    The answer is streamed while it is looked for; it is whole where it ends with `}}`. That it
    was asked for stands in the audit, by whom and never of whom.
    """
    named = Named(
        emails=() if email is None else (email,),
        external_ids=() if external_id is None else (external_id,),
        account_keys=() if account is None else (account,),
    )
    if not named.kinds:
        words = "say of whom: `email`, `external_id` or `account`"
        raise NobodyNamed(words, faults=[Fault(code="nobody", message=words, parameter="email")])
    async with transaction(house.engine) as connection:
        await append_audit(
            connection,
            at=editor.at,
            actor=editor.person,
            action="privacy.export",
            subject="subjects",
            payload={"known_by": named.kinds},
        )
    told = export(house.engine, named, at=editor.at)
    return StreamingResponse(told, media_type="application/json")
