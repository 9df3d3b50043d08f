"""The readings of a bench judged and batched in plain Python.

What a Python program that keeps the same promises would do, written for speed:
one thread, no objects made for a suppressed reading. Reads the home and its
readings as JSON, in rounds, and prints the nanoseconds per reading of the
fastest round and the readings published in the last one.
"""

import heapq
import json
import math
import sys
import time

NEVER = math.inf


class Track:
    __slots__ = (
        "absolute", "percentage", "any", "crossings", "max_age", "settle",
        "published", "latest", "heard_at", "published_at", "due",
    )

    def __init__(self, rule):
        self.absolute = rule["absolute"]
        self.percentage = rule["percentage"]
        self.any = rule["any"]
        self.crossings = ([0.0] if rule["zero_crossing"] else []) + rule["levels"]
        self.max_age = rule["max_age_us"] or NEVER
        self.settle = rule["settle_us"] or NEVER
        self.published = None
        self.latest = None
        self.heard_at = 0
        self.published_at = 0
        self.due = NEVER

    def due_at(self):
        due = self.published_at + self.max_age
        if self.latest != self.published:
            due = min(due, self.heard_at + self.settle)
        return due


def reaches(before, now, threshold):
    difference = abs(now - before)
    if difference >= threshold:
        return True
    slack = math.ulp(before) + math.ulp(now) + math.ulp(threshold)
    return difference + slack >= threshold


def is_significant(track, before, now):
    for level in track.crossings:
        if (before < level) != (now < level):
            return True
    absolute = track.absolute
    percentage = track.percentage
    if absolute is None and percentage is None:
        return True
    if absolute is None:
        return before == 0.0 or reaches(before, now, percentage * abs(before))
    if percentage is None:
        return reaches(before, now, absolute)
    far = reaches(before, now, absolute)
    if far == track.any:
        return far
    return before == 0.0 or reaches(before, now, percentage * abs(before))


class Optimizer:
    def __init__(self, rules, window):
        self.tracks = [Track(rule) for rule in rules]
        self.window = window
        self.timers = []
        self.waiting = {}
        self.closes = NEVER
        self.count = 0

    def observe(self, now, series, values):
        verdicts = bytearray(len(series))
        tracks, waiting, timers = self.tracks, self.waiting, self.timers
        for place, (handle, value) in enumerate(zip(series, values)):
            track = tracks[handle]
            track.latest = value
            track.heard_at = now
            before = track.published
            if value == before:
                continue
            if before is None or is_significant(track, before, value):
                verdicts[place] = 1
                track.published = value
                track.published_at = now
                self.count += 1
                if handle not in waiting:
                    waiting[handle] = None
                    if self.closes == NEVER:
                        self.closes = now + self.window
                due = now + track.max_age
            else:
                due = now + track.settle
            if due < track.due:
                track.due = due
                heapq.heappush(timers, (due, handle))
        return verdicts

    def tick(self, now):
        timers = self.timers
        while timers and timers[0][0] <= now:
            due, handle = heapq.heappop(timers)
            track = self.tracks[handle]
            if track.due != due:
                continue
            if track.due_at() <= now:
                track.published = track.latest
                track.published_at = now
                self.waiting[handle] = None
            track.due = track.due_at()
            if track.due != NEVER:
                heapq.heappush(timers, (track.due, handle))
        if self.closes > now:
            return []
        batch = list(self.waiting)
        self.waiting.clear()
        self.closes = NEVER
        return batch


def main():
    home = json.load(sys.stdin)
    series, values, size = home["series"], home["values"], home["batch"]
    batches = [
        (series[start:start + size], values[start:start + size])
        for start in range(0, len(series), size)
    ]
    optimizer = Optimizer(home["rules"], home["window_us"])
    now = 0
    fastest = NEVER
    for _ in range(home["rounds"]):
        optimizer.count = 0
        started = time.perf_counter_ns()
        for handles, numbers in batches:
            passed = len(handles) * home["spacing_us"]
            now += passed
            optimizer.observe(now, handles, numbers)
            if now % home["window_us"] < passed:
                optimizer.tick(now)
        fastest = min(fastest, time.perf_counter_ns() - started)
    print(fastest / len(series), optimizer.count)


main()
