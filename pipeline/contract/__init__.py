"""What a dataset is: the ODCS contract, checked (`lint`), compiled (`Dataset`) and found for a file (`match`)."""

from __future__ import annotations

from pipeline.contract.lint import check, load, load_contracts, read_files
from pipeline.contract.match import match

__all__ = ["check", "load", "load_contracts", "match", "read_files"]
