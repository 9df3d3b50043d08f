// What the plugin decides. It names nothing of the host, so that plain Node.js can test it.

// Lux around 0 jump by large factors that nobody sees: 10 lx are added to both before they are compared.
const DARKNESS_LUX = 10;
// As much more or less light is a lamp or a curtain, and not a cloud.
const SUDDEN_FACTOR = 2;
// The longest that a reading can be deferred.
const HOUR_MS = 3_600_000;

// Who has moved lately is asked again soon; after that, as often as before.
const LATELY_MS = 10 * 60_000;
const SOON_MS = 30_000;

export class Rules {
  // Entities whose readings are numbers: light. Their numbers mean something as long as this instance lives.
  #lights = new Set();
  #luxDelayMs;

  // `luxDelay` is the text of the setting, in seconds.
  constructor(luxDelay) {
    const seconds = Number(luxDelay);
    if (luxDelay.trim() === "" || !(seconds >= 0)) {
      throw new Error(`lux-delay is ${JSON.stringify(luxDelay)}, and must be a number of seconds, 0 or more`);
    }
    this.#luxDelayMs = Math.min(Math.round(seconds * 1000), HOUR_MS);
  }

  judge(observation) {
    if (observation.value.tag !== "number") {
      return decision("publish", "people do not wait");
    }
    this.#lights.add(observation.entity);
    const last = observation.published;
    if (last === null || last.value.tag !== "number") {
      return decision("publish", "first light");
    }
    if (isSudden(last.value.val, observation.value.val)) {
      return decision("publish", "sudden light");
    }
    // The clock of the home may be set back: then `passed` would be less than nothing.
    const passed = Math.max(0, observation.at - last.at);
    const wait = this.#luxDelayMs - passed;
    return wait > 0 ? decision("defer", "light changes slowly", wait) : decision("publish", "light, after a while");
  }

  // The time until the next refresh in milliseconds, or `null` to leave it.
  interval(pace) {
    const moving = pace.quiet !== null && pace.quiet < LATELY_MS;
    return moving && !this.#lights.has(pace.entity) ? Math.min(SOON_MS, pace.interval) : null;
  }
}

function isSudden(before, now) {
  const [less, more] = before < now ? [before, now] : [now, before];
  return more + DARKNESS_LUX >= SUDDEN_FACTOR * (less + DARKNESS_LUX);
}

function decision(tag, reason, val) {
  return { verdict: val === undefined ? { tag } : { tag, val }, reason };
}
