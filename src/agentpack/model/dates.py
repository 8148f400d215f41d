"""Times as whole seconds since 1970 in UTC. Nothing here reads a clock."""

import re
from calendar import monthrange, timegm

DAY = 24 * 60 * 60
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})Z)?\Z")


def seconds(text: str) -> int | None:
    """The time that `2026-11-23` (its start) or `2026-11-23T10:00:00Z` names; None for any other text."""
    found = _DATE.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    if year < 1970 or not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    return timegm((year, month, day, hour, minute, second))
