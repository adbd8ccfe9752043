"""A decision as JSON text, fast: the characters that encoding the reference would give.

`explain` and `summary` say what is told. Most of it is the same for every subject of a rule
set with the same results, so it is worked out once, with slots for the subject's own values.
Where values decide the words themselves, that one reason is told by the reference.
"""

from service.rules.telling.telling import Text, scores_text, sheet_for, tell, text_of

__all__ = ["Text", "scores_text", "sheet_for", "tell", "text_of"]
