"""What the plugin decides. It names nothing of the host, so that its tests need no host."""

ABSTAIN = "abstain"
PUBLISH = "publish"
SUPPRESS = "suppress"


class Rules:
    def __init__(self, least_move):
        """Takes the text of the setting. Raises ValueError in words."""
        try:
            self.least_move = float(least_move)
        except ValueError:
            self.least_move = -1.0
        if not self.least_move >= 0:
            raise ValueError(f"least-move is {least_move!r}, and must be a number, 0 or more")

    def judge(self, now, last):
        """A decision and its reason, for a reading and what was passed on last: numbers, or None for all else."""
        if now is None or last is None:
            return ABSTAIN, ""
        # Against what was passed on, and not against the reading before: small steps add up.
        if abs(now - last) < self.least_move:
            return SUPPRESS, f"moved by less than {self.least_move:g}"
        # PUBLISH would pass it on whatever the rules of the home say.
        return ABSTAIN, ""
