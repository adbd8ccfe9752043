"""Deciding whole files: rows in, decisions and a summary out, streamed."""

from service.bulk.cells import safe_cell
from service.bulk.engines import (
    AUTO,
    ENGINES,
    Engine,
    EngineUnusable,
    Progress,
    Scoring,
    choose_engine,
)
from service.bulk.json_lines import UnreadableJson, read_object
from service.bulk.map_document import InvalidMap, MapDocument, read_map
from service.bulk.mapping import ColumnPlan, plan_columns
from service.bulk.opening import open_input
from service.bulk.rows import BadRow, Input, Row, UnreadableFile
from service.bulk.sampling import EnginesDisagree
from service.bulk.scoring import ScoredRow, Unreadable, score_rows
from service.bulk.spark_data import DataSet, SparkScored, SparkUnusable
from service.bulk.summary import Tally, ranked
from service.bulk.waypoints import Journal, run_of
from service.bulk.writing import Output, ScoredFile, open_output, problems_path

__all__ = [
    "AUTO",
    "ENGINES",
    "BadRow",
    "ColumnPlan",
    "DataSet",
    "Engine",
    "EngineUnusable",
    "EnginesDisagree",
    "Input",
    "InvalidMap",
    "Journal",
    "MapDocument",
    "Output",
    "Progress",
    "Row",
    "ScoredFile",
    "ScoredRow",
    "Scoring",
    "SparkScored",
    "SparkUnusable",
    "Tally",
    "Unreadable",
    "UnreadableFile",
    "UnreadableJson",
    "choose_engine",
    "open_input",
    "open_output",
    "plan_columns",
    "problems_path",
    "ranked",
    "read_map",
    "read_object",
    "run_of",
    "safe_cell",
    "score_rows",
]
