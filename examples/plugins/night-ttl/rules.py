"""What the plugin decides. It names nothing of the host, so that plain Python can test it."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

EPOCH = datetime(1970, 1, 1)
MINUTE_MS = 60_000
# Larger values live on disk alone: one of them is worth many small ones in memory.
LARGE_BYTES = 1024 * 1024
# By day the disk keeps an entry this many times as long as memory does.
DISK_FACTOR = 6
# Durations are milliseconds in 32 bits; a day is more than any setting here needs.
LONGEST_MINUTES = 24 * 60
SATURDAY = 5


@dataclass(frozen=True)
class Rules:
    """When an entry is written, and how long it lives then."""

    utc_offset: timedelta
    night_start: time
    night_end: time
    weekday_minutes: int
    weekend_minutes: int

    @classmethod
    def from_settings(cls, get):
        """Reads the settings with `get`, which gives the text of each. Raises ValueError in words."""
        return cls(
            utc_offset=timedelta(minutes=_whole("utc-offset-minutes", get, -14 * 60, 14 * 60)),
            night_start=_time_of_day("night-start", get),
            night_end=_time_of_day("night-end", get),
            weekday_minutes=_whole("weekday-minutes", get, 1, LONGEST_MINUTES),
            weekend_minutes=_whole("weekend-minutes", get, 1, LONGEST_MINUTES),
        )

    def lifetime(self, now_ms, size_bytes):
        """Milliseconds in memory, and on disk, for an entry of this size that is written now."""
        local = EPOCH + timedelta(milliseconds=now_ms) + self.utc_offset
        weekend = local.weekday() >= SATURDAY
        minutes = self.weekend_minutes if weekend else self.weekday_minutes
        by_day = minutes * MINUTE_MS
        # What is written at night lives until morning, and never shorter than by day.
        memory = max(by_day, self._until_morning_ms(local))
        disk = max(memory, DISK_FACTOR * by_day)
        return (0 if size_bytes > LARGE_BYTES else memory, disk)

    def _until_morning_ms(self, local):
        """0 by day."""
        since_start = _forward(self.night_start, local.time())
        night = _forward(self.night_start, self.night_end)
        return (night - since_start) // timedelta(milliseconds=1) if since_start < night else 0


def _forward(begin, end):
    """The time from one time of day to the next such other, over midnight if need be."""
    difference = datetime.combine(EPOCH, end) - datetime.combine(EPOCH, begin)
    return difference % timedelta(days=1)


def _whole(name, get, least, most):
    text = get(name)
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        raise ValueError(f"{name} is {text!r}, and must be a whole number from {least} to {most}")
    return number


def _time_of_day(name, get):
    text = get(name)
    try:
        hours, minutes = text.split(":")
        return time(int(hours), int(minutes))
    except ValueError:
        raise ValueError(f"{name} is {text!r}, and must be a time of day such as 22:30") from None
