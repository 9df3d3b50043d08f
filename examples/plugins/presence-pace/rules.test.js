import assert from "node:assert/strict";
import { test } from "node:test";

import { Rules } from "./rules.js";

const NOON = 1_792_843_200_000;
const number = (val) => ({ tag: "number", val });
const text = (val) => ({ tag: "text", val });

function observation(value, published, seconds = 0, entity = 1) {
  return {
    entity,
    value,
    at: NOON + seconds * 1000,
    published: published && { value: published, at: NOON },
    readings: 1,
    changesPerHour: 100,
    tolerance: null,
  };
}

function pace(quiet, entity = 1) {
  return { entity, interval: 120_000, changesPerHour: 2, quiet };
}

test("people are passed on at once", () => {
  const rules = new Rules("60");
  for (const state of [text("home"), text("not_home"), text("on"), { tag: "unavailable" }]) {
    assert.deepEqual(rules.judge(observation(state, text("off"), 1)).verdict, { tag: "publish" });
  }
});

test("light waits until the delay since the last has passed", () => {
  const rules = new Rules("60");
  const verdict = (seconds) => rules.judge(observation(number(110), number(100), seconds)).verdict;
  assert.deepEqual(verdict(20), { tag: "defer", val: 40_000 });
  assert.deepEqual(verdict(59.5), { tag: "defer", val: 500 });
  assert.deepEqual(verdict(60), { tag: "publish" });
  assert.deepEqual(verdict(-3600), { tag: "defer", val: 60_000 }, "the clock was set back");
});

test("much more or much less light does not wait", () => {
  const rules = new Rules("60");
  const verdict = (before, now) => rules.judge(observation(number(now), number(before), 1)).verdict.tag;
  assert.equal(verdict(100, 210), "publish");
  assert.equal(verdict(210, 100), "publish");
  assert.equal(verdict(100, 209), "defer");
  assert.equal(verdict(0, 9), "defer", "noise in the dark");
});

test("the first light is passed on, and light after none", () => {
  const rules = new Rules("60");
  assert.equal(rules.judge(observation(number(5), null)).verdict.tag, "publish");
  assert.equal(rules.judge(observation(number(5), { tag: "unavailable" })).verdict.tag, "publish");
});

test("a delay of nothing passes all light on", () => {
  assert.equal(new Rules("0").judge(observation(number(101), number(100))).verdict.tag, "publish");
});

test("no delay is longer than an hour", () => {
  const { verdict } = new Rules("100000").judge(observation(number(101), number(100)));
  assert.deepEqual(verdict, { tag: "defer", val: 3_600_000 });
});

test("a delay that is no number is refused in words", () => {
  for (const bad of ["", "soon", "-1", "NaN"]) {
    assert.throws(() => new Rules(bad), /lux-delay is .*number of seconds/);
  }
});

test("who has moved lately is asked again soon, light is not", () => {
  const rules = new Rules("60");
  assert.equal(rules.interval(pace(60_000)), 30_000);
  assert.equal(rules.interval({ ...pace(60_000), interval: 20_000 }), 20_000, "never later than before");
  assert.equal(rules.interval(pace(600_000)), null);
  assert.equal(rules.interval(pace(null)), null);
  rules.judge(observation(number(5), null, 0, 7));
  assert.equal(rules.interval(pace(60_000, 7)), null);
});
