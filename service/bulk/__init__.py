"""Deciding whole files: rows in, decisions and a summary out, streamed."""

from service.bulk.json_lines import UnreadableJson, read_object

__all__ = ["UnreadableJson", "read_object"]
