"""Intake: what forms and CRMs send us, verified, kept, read by a map, and written back."""
