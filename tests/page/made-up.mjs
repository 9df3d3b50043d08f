// Answers made up for what a small simulated home does not show.

/** So many entities; the first is the noisiest. Some have no name, one a name that is markup. */
export function activity(count) {
  const now = Date.now();
  const plain = {
    number: null,
    attribute: null,
    absolute: null,
    percentage: null,
    any: false,
    max_age_s: null,
    settle_s: null,
    learn: false,
    centred: false,
    zero_crossing: false,
    levels: [],
    total: false,
  };
  const sources = [
    { ...plain, source: "rule", number: 2, absolute: 5, percentage: 0.05, any: true, max_age_s: 600, settle_s: 30 },
    { ...plain, source: "preset", absolute: 0.5 },
    { ...plain, source: "default" },
  ];
  // What few rules have, one each.
  const seldom = {
    6: { centred: true },
    7: { attribute: "latitude", absolute: 0.0001 },
    9: { zero_crossing: true },
    10: { levels: [10, 22.5, 30] },
    12: { total: true },
  };
  const reasons = ["within", "threshold", "repeat", "first", "held"];
  const entities = Array.from({ length: count }, (_, at) => ({
    entity_id: `sensor.thing_${at}`,
    name: at === 1 ? "<img src=x> thing 1" : at % 5 === 2 ? null : `Thing ${at} with a rather long name in the garden house`,
    unit: "W",
    observed: 2 * count,
    suppressed: at,
    per_hour: (count - at) * 1.5,
    rule: { text: "as above", ...sources[at % sources.length], ...seldom[at] },
    reason: reasons[at % reasons.length],
    plugin: at % 5 === 4 ? "made-up" : null,
    advice: at % 10 === 4 ? "within noise" : null,
    at: new Date(now - at * 1000).toISOString(),
  }));
  return { since: new Date(now - 3_600_000).toISOString(), entities };
}

/** Ten minutes. */
export function history() {
  const begun = Date.now() - 600_000;
  const points = Array.from({ length: 60 }, (_, at) => ({
    at: new Date(begun + at * 10_000).toISOString(),
    observed: 150 + Math.round(60 * Math.sin(at / 5)),
    published: 60 + Math.round(20 * Math.sin(at / 5)),
  }));
  return { step_s: 10, points };
}

/** One that works and failed, one that failed too often, and a file of which nothing is known. */
export function plugins() {
  const unknown = {
    version: "",
    summary: "",
    message: null,
    functions: [],
    entities: 0,
    yielded: 0,
    calls: 0,
    asked: 0,
    advised: 0,
    seconds: 0,
    longest_s: 0,
    memory_bytes: 0,
    faults: [],
    last_fault: null,
  };
  const working = {
    ...unknown,
    name: "made-up",
    version: "1.20.300",
    summary: "<img src=x> summary of a plugin that does rather many things",
    state: "working",
    functions: ["judge", "interval", "ttl", "transform", "state"],
    entities: 12,
    yielded: 3,
    calls: 1_000_000,
    asked: 12_345_678,
    advised: 9_000_000,
    seconds: 1_500,
    longest_s: 0.0493,
    memory_bytes: 18_329_464,
    faults: [
      { cause: "deadline", count: 2 },
      { cause: "did-what-is-new", count: 1 },
    ],
    last_fault: `it answered 2026-99-99T99:99:99Z ${"0123456789abcdef".repeat(8)}\n\nCaused by:\n    0: made up`,
  };
  const quarantined = { ...working, name: `a-name-of-${"forty-".repeat(5)}`.slice(0, 40), state: "quarantined" };
  return {
    plugins: [
      working,
      { ...quarantined, message: "since 2026-11-01T12:00:00.250000+00:00: `judge`: it ran past its deadline" },
      { ...unknown, name: "nothing", state: "refused", message: `/data/plugins/${"folder/".repeat(12)}nothing.wasm: it is empty` },
    ],
  };
}

/** Two hundred lines, long ones among them. */
export function log() {
  const lines = Array.from({ length: 200 }, (_, number) => ({
    number,
    at: new Date(Date.now() - (200 - number) * 1000).toISOString(),
    level: ["info", "warn", "error"][number % 3],
    module: "hub",
    text: `slow operation operation=cache.get ms=${number}.5 request_id=${"0123456789abcdef".repeat(4)}`,
  }));
  return { next: 200, lines };
}

/** Answers with these in a page instead of what the program would. */
export async function answerWith(page, answers) {
  for (const [path, answer] of Object.entries(answers)) {
    await page.route(`**/v1/${path}*`, (route) => route.fulfill({ json: answer }));
  }
}
