"""Visits of forms: what one visitor told a form, and what the form was last answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables.base import Base, JsonObject, primary_uuid, words

__all__ = ["FormVisit"]


class FormVisit(Base):
    """One visitor of one form: a chain of questions that counts once, by its last answer.

    personal: `address`, `identities`, `facts` and `answer`, all of them gone when the window
    in which the visitor is recognised is over; what stays names nobody.
    """

    __tablename__ = "form_visit"
    __table_args__ = (
        CheckConstraint(
            words("mode", "submit", "redirect", "progressive", "post", "other"), name="mode"
        ),
        CheckConstraint("fields >= 0 AND shown >= 0 AND revision >= 0", name="counts"),
        Index(None, "key_id", "started_at"),
        Index(None, "key_id", "address", postgresql_where=text("address IS NOT NULL")),
        Index(None, "identities", postgresql_using="gin"),
        Index(None, "last_at", postgresql_where=text("address IS NOT NULL")),
    )

    id: Mapped[primary_uuid]
    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_key.id"))
    source: Mapped[str | None]
    mode: Mapped[str]
    started_at: Mapped[datetime]
    last_at: Mapped[datetime]
    revision: Mapped[int]
    """Grows with every change, so that whoever judged an older state judges again."""
    address: Mapped[str | None]
    """The network of a /24 or /48 it began from."""
    identities: Mapped[list[Any] | None] = mapped_column(ARRAY(LargeBinary()))
    """Hashes of what names the visitor, such as an e-mail address, under the key."""
    facts: Mapped[JsonObject | None]
    """As the rules read them; nothing in it changes, it only grows."""
    answer: Mapped[bytes | None]
    verdict: Mapped[str | None]
    """Of the last answer; NULL until there is one."""
    decision_id: Mapped[UUID | None]
    asking: Mapped[str | None]
    """The attribute asked for last: where those stopped who did not finish."""
    fields: Mapped[int] = mapped_column(SmallInteger)
    """How many questions the whole form has, as the page says."""
    shown: Mapped[int] = mapped_column(SmallInteger)
    """How many of them this visitor was shown."""
    is_finished: Mapped[bool]
    is_caught: Mapped[bool]
    """Whether a trap says that this was no person; counted nowhere else."""
