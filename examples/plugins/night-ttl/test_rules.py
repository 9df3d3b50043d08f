import unittest
from datetime import datetime, timedelta, timezone

from rules import Rules

SETTINGS = {
    "utc-offset-minutes": "60",
    "night-start": "22:30",
    "night-end": "06:00",
    "weekday-minutes": "10",
    "weekend-minutes": "30",
}
HOME = timezone(timedelta(hours=1))


def minutes(count):
    return count * 60_000


def lifetime(*local, size=100, **changed):
    """Of an entry that is written at this local time."""
    settings = SETTINGS | {name.replace("_", "-"): text for name, text in changed.items()}
    now_ms = int(datetime(*local, tzinfo=HOME).timestamp() * 1000)
    return Rules.from_settings(settings.get).lifetime(now_ms, size)


class Lifetimes(unittest.TestCase):
    def test_on_a_weekday(self):
        # A Tuesday.
        self.assertEqual(lifetime(2026, 3, 10, 12, 0), (minutes(10), minutes(60)))

    def test_at_the_weekend(self):
        for day in (14, 15):
            self.assertEqual(lifetime(2026, 3, day, 12, 0), (minutes(30), minutes(180)))

    def test_at_night_until_morning(self):
        self.assertEqual(lifetime(2026, 3, 10, 23, 0), (minutes(420), minutes(420)))
        self.assertEqual(lifetime(2026, 3, 11, 1, 0), (minutes(300), minutes(300)))

    def test_just_before_morning_as_by_day(self):
        self.assertEqual(lifetime(2026, 3, 11, 5, 59), (minutes(10), minutes(60)))

    def test_the_night_starts_and_ends_on_the_minute(self):
        self.assertEqual(lifetime(2026, 3, 10, 22, 29)[0], minutes(10))
        self.assertEqual(lifetime(2026, 3, 10, 22, 30)[0], minutes(450))
        self.assertEqual(lifetime(2026, 3, 11, 6, 0)[0], minutes(10))

    def test_a_night_within_one_day(self):
        night = {"night_start": "01:00", "night_end": "05:00"}
        self.assertEqual(lifetime(2026, 3, 10, 2, 0, **night)[0], minutes(180))
        self.assertEqual(lifetime(2026, 3, 10, 23, 0, **night)[0], minutes(10))

    def test_no_night(self):
        night = {"night_start": "00:00", "night_end": "00:00"}
        self.assertEqual(lifetime(2026, 3, 10, 0, 0, **night)[0], minutes(10))

    def test_large_values_live_on_disk_alone(self):
        self.assertEqual(lifetime(2026, 3, 10, 12, 0, size=2 * 1024 * 1024), (0, minutes(60)))

    def test_refuses_settings_in_words(self):
        for name, text in [
            ("weekday_minutes", "0"),
            ("weekend_minutes", "soon"),
            ("night_start", "25:00"),
            ("night_end", "6"),
            ("utc_offset_minutes", "2000"),
        ]:
            with self.subTest(name), self.assertRaisesRegex(ValueError, name.replace("_", "-")):
                lifetime(2026, 3, 10, 12, 0, **{name: text})


if __name__ == "__main__":
    unittest.main()
