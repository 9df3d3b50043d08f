import assert from "node:assert/strict";
import { test } from "node:test";

import { Rules } from "./rules.js";

const number = (val) => ({ tag: "number", val });

function verdict(now, last, leastMove = "1") {
  const published = last && { value: last, at: 1_000 };
  return new Rules(leastMove).judge({ entity: 1, value: now, at: 2_000, published }).verdict.tag;
}

test("holds numbers that moved by less", () => {
  assert.equal(verdict(number(20.9), number(20)), "suppress");
  assert.equal(verdict(number(21), number(20)), "abstain");
  assert.equal(verdict(number(18), number(20)), "abstain");
});

test("leaves all else to the built-in policy", () => {
  assert.equal(verdict({ tag: "text", val: "on" }, { tag: "text", val: "off" }), "abstain");
  assert.equal(verdict({ tag: "unavailable" }, number(20)), "abstain");
  assert.equal(verdict(number(20), null), "abstain");
});

test("refuses a setting without sense", () => {
  assert.throws(() => new Rules("much"), /least-move/);
});
