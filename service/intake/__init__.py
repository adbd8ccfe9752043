"""Intake: what forms and CRMs send us, verified, kept, read by a map, and written back."""

from service.intake.personal_store import HOLDINGS, RAW

__all__ = ["HOLDINGS", "RAW"]
