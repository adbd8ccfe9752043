"""End the reviews of a draft when its text changes: nobody approves what they did not read."""

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import review_store
from service.rulesets.editor import Editor
from service.storage import append_audit, to_text

__all__ = ["lapse_reviews"]


async def lapse_reviews(
    connection: AsyncConnection, found: Row[Any], *, left: Row[Any] | None, editor: Editor
) -> None:
    """End the open and approved reviews of a draft that was *found* so and *left* otherwise.

    *left* is None where it was dropped. The same text, with another note perhaps, ends
    nothing, nor does any edit after a commit: such a review is the version's.
    """
    if left is not None and left.source == found.source:
        return
    lapsed = await review_store.lapse_reviews(
        connection, found.rule_set, found.name, person=editor.person, at=editor.at
    )
    for review in lapsed:
        await append_audit(
            connection,
            at=editor.at,
            actor=editor.person,
            action="reviews.lapse",
            subject=to_text("rev", review.id),
            digest=review.digest,
            payload={"rule_set": found.rule_set, "draft": found.name},
        )
