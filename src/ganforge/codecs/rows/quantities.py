"""Words that mean a quantity: numbers with a unit, times of day, durations."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ganforge.codecs.rows.column import first_words

__all__ = ["quantity"]

_SHARE = 0.98  # of the different cells that must be written so
_UNITS = (
    "nm|µm|um|mm|cm|dm|m|km|in|inch|inches|ft|feet|yd|mi|miles|mg|g|kg|t|lb|lbs|oz|ml|cl|dl|l|L|gal|ms|s|sec"
    "|secs|seconds|min|mins|minutes|h|hr|hrs|hours|d|days|weeks|months|yr|yrs|years|mV|V|kV|mA|W|kW|MW|Wh|kWh"
    "|Hz|kHz|MHz|GHz|B|kB|KB|MB|GB|TB|Pa|kPa|hPa|bar|J|kJ|kcal|cal|°C|°F|°|K|mph|km/h|m/s|kn|m2|m²|km2|km²|ha"
    "|sqft|sqm|m3|m³"
)
_UNIT = re.compile(rf"\s*[-+−]?\d[\d.,']*\s?({_UNITS})\.?\s*", re.IGNORECASE)
_SEAT = re.compile(r"\d+[A-Z]")  # 12A is a seat, too
_PARTS = re.compile(
    r"-?(?:P(?:\d+D)?T?|(?:\d+\s?d(?:ays?)?,?\s)?)(?=\d)(?:\d+(?:[.,]\d+)?\s?(?:h|hrs?|hours?|m|mins?|minutes?|s|secs?"
    r"|seconds?)\s?){1,3}",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"-?(?:\d+\s?d(?:ays?)?,?\s)?\d+:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?")


def quantity(name: str, cells: Sequence[str]) -> str:
    """A warning of words that are numbers with units, or times and durations; empty for other words."""
    if len(cells) < 3:
        return ""
    if _all_of(_CLOCK, cells) or (
        _all_of(_PARTS, cells) and sum(len(re.findall(r"\d+", cell)) > 1 for cell in cells) > len(cells) / 4
    ):
        return (
            f"{name}: times or durations ({first_words([repr(cell) for cell in cells])}), taken as words:"
            " write times as 13:05, and durations as numbers of one unit"
        )
    found = [_UNIT.fullmatch(cell) for cell in cells if not _SEAT.fullmatch(cell)]
    units = sorted({one[1] for one in found if one is not None})
    if sum(one is not None for one in found) < _SHARE * len(cells):
        return ""
    if len(units) == 1:
        return (
            f"{name}: numbers with the unit {units[0]!r}, taken as words: leave it out of the cells; it may"
            " stand in the column's name"
        )
    shown = first_words([repr(unit) for unit in units])
    return f"{name}: numbers with several units ({shown}), taken as words: write all in one, as plain numbers"


def _all_of(form: re.Pattern[str], cells: Sequence[str]) -> bool:
    return sum(form.fullmatch(cell.strip()) is not None for cell in cells) >= _SHARE * len(cells)
