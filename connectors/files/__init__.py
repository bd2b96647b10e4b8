"""Files as a source: CSV, Excel and JSON, one record per row, in constant memory."""

from connectors.files.proposal import Proposal, propose
from connectors.files.reader import CsvReader, ExcelReader, JsonReader, open_file
from connectors.files.shape import FileShape, inspect

__all__ = ["CsvReader", "ExcelReader", "FileShape", "JsonReader", "Proposal", "inspect", "open_file", "propose"]
