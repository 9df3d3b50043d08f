"""The plugin as the host sees it: one class for each interface that the world exports."""

from componentize_py_types import Err
from rules import Rules
from wit_world import exports
from wit_world.exports.about import Claim, Description, Setting
from wit_world.exports.ttl import Lifetime
from wit_world.imports import settings

# Read at the first call that needs them. This file runs when the component is built, where no setting exists.
_rules = None


def _current():
    global _rules
    if _rules is None:
        try:
            _rules = Rules.from_settings(settings.get)
        except ValueError as error:
            # An `Err` reaches the host in words. Any other exception would end the instance without a word.
            raise Err(str(error)) from error
    return _rules


class About(exports.About):
    def describe(self):
        return Description(
            name="night-ttl",
            version="1.0.0",
            summary="Lets entries of the cache live until morning at night, and longer at the weekend",
            author="Weirhouse",
            licence="Apache-2.0",
            claims=[Claim(entities=[], device_classes=[], entries=["weather/*", "prices/*", "calendar/*"])],
            settings=[
                Setting("utc-offset-minutes", "Local time minus UTC, in minutes", "number", "0"),
                Setting("night-start", "When the night starts, in local time", "text", "22:30"),
                Setting("night-end", "When the night ends, in local time", "text", "06:00"),
                Setting("weekday-minutes", "Life in memory from Monday to Friday, in minutes", "number", "10"),
                Setting("weekend-minutes", "Life in memory at the weekend, in minutes", "number", "30"),
            ],
            capabilities=["settings"],
            functions=["ttl"],
        )


class Ttl(exports.Ttl):
    def lifetimes(self, now, batch):
        rules = _current()
        return [Lifetime(*rules.lifetime(now, entry.bytes)) for entry in batch]
