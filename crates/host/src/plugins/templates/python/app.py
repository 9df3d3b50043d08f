"""The plugin as the host sees it: one class for each interface of wit/world.wit."""

from componentize_py_types import Err
from rules import ABSTAIN, PUBLISH, SUPPRESS, Rules
from wit_world import exports
from wit_world.exports.about import Claim, Description, Setting
from wit_world.exports.judge import Decision, Verdict_Abstain, Verdict_Publish, Verdict_Suppress
from wit_world.imports import settings
from wit_world.imports.types import Value_Number

VERDICTS = {ABSTAIN: Verdict_Abstain(), PUBLISH: Verdict_Publish(), SUPPRESS: Verdict_Suppress()}

# Made at the first call, and not here: this file runs when the component is built, where no setting exists.
_rules = None


class About(exports.About):
    def describe(self):
        return Description(
            name="{{name}}",
            version="0.1.0",
            summary="Holds numbers that hardly moved",
            author="",
            licence="Apache-2.0",
            # What it decides for. A claim fits where all of its lists that are not empty fit.
            claims=[Claim(entities=["sensor.*"], device_classes=[], entries=[])],
            settings=[Setting("least-move", "What a number must move by, in its own unit", "number", "1")],
            # The imports of the world; the user grants them.
            capabilities=["settings"],
            # The exports of the world that are to be asked.
            functions=["judge"],
        )


class Judge(exports.Judge):
    def judge(self, now, batch):
        """One decision for each observation, in the same order. An `Err` costs the plugin a strike."""
        global _rules
        if _rules is None:
            try:
                _rules = Rules(settings.get("least-move"))
            except ValueError as error:
                raise Err(str(error)) from error
        return [_decide(observation) for observation in batch]


def _decide(observation):
    last = observation.published
    verdict, reason = _rules.judge(_number(observation.value), last and _number(last.value))
    return Decision(VERDICTS[verdict], reason)


def _number(value):
    return value.value if isinstance(value, Value_Number) else None
