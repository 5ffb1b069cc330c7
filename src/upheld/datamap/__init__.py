"""The data map: which category each field holds, and how each row reaches its people."""

from upheld.datamap.loader import json_schema, load_map, load_map_text
from upheld.datamap.model import DataMap, Table

__all__ = ["DataMap", "Table", "json_schema", "load_map", "load_map_text"]
