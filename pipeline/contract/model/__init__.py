"""The ODCS v3.2 subset that Landfall honours, as a strict model: what it does not honour is refused, not ignored."""

from __future__ import annotations

from pipeline.contract.model.contract import Contract

__all__ = ["Contract"]
