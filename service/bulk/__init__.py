"""Deciding whole files: rows in, decisions and a summary out, streamed."""

from service.bulk.cells import safe_cell
from service.bulk.json_lines import UnreadableJson, read_object
from service.bulk.map_document import InvalidMap, MapDocument, read_map
from service.bulk.mapping import ColumnPlan, plan_columns
from service.bulk.opening import open_input
from service.bulk.rows import BadRow, Input, Row, UnreadableFile
from service.bulk.scoring import ScoredRow, Unreadable, score_rows
from service.bulk.summary import Tally
from service.bulk.writing import ScoredFile, open_output, problems_path

__all__ = [
    "BadRow",
    "ColumnPlan",
    "Input",
    "InvalidMap",
    "MapDocument",
    "Row",
    "ScoredFile",
    "ScoredRow",
    "Tally",
    "Unreadable",
    "UnreadableFile",
    "UnreadableJson",
    "open_input",
    "open_output",
    "plan_columns",
    "problems_path",
    "read_map",
    "read_object",
    "safe_cell",
    "score_rows",
]
