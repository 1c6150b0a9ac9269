"""Promise: a bad row costs one row. Thousands of damaged files, each record of each accounted for."""

from __future__ import annotations

from tests.unit.extract.guarantees import keep, measure
from tests.unit.extract.pollution import hard_record_pollutions, polluted_files


def test_every_record_of_every_polluted_file_is_accounted_for() -> None:
    figures = measure(polluted_files())
    keep("each delimiter, quote, line end, encoding, header", figures)
    assert figures.files >= 2_000
    assert figures.foreign == [], "loaded records that the clean file does not have"
    assert figures.lost == [], "more than one record lost for a damaged one"
    assert figures.unaccounted == [], "loaded + rejected is not the number of records"
    assert figures.rejected == figures.damaged


def test_damage_that_makes_another_valid_record_is_all_that_gets_through() -> None:
    figures = measure(hard_record_pollutions())
    keep("quotes within quoted cells of several lines", figures)
    assert figures.lost == []
    # a stray quote just before a line end inside quotes ends the record there: nothing in the file tells that apart
    assert len(figures.foreign) <= 1
    # a damaged record of two lines whose quotes are broken is two rejects, one for each line
    assert figures.rejected <= 2 * figures.damaged
