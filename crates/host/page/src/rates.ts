// How fast counters grow at the moment.

import type { Stats } from "./answers";

/** By the second they would only flicker. */
const SPAN_MS = 10_000;

interface Sample {
  at: number;
  uptime: number;
  observed: number;
  published: number;
}

/** Rates over the last seconds. */
export class Rates {
  #samples: Sample[] = [];

  /** Takes statistics that came at this time in milliseconds. Says whether they are of another run than those before. */
  add(at: number, stats: Stats): boolean {
    const { observed } = stats.updates;
    const sample = { at, uptime: stats.uptime_s, observed, published: published(stats) };
    const newest = this.#samples.at(-1);
    const anotherRun = newest !== undefined && sample.uptime < newest.uptime;
    if (anotherRun) this.#samples = [];
    const inSpan = this.#samples.filter((other) => at - other.at <= SPAN_MS);
    this.#samples = [...inSpan, sample];
    return anotherRun;
  }

  /** Per second; `null` as long as there is nothing to compare with. */
  per(what: "observed" | "published"): number | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.at <= first.at) return null;
    return (1000 * (last[what] - first[what])) / (last.at - first.at);
  }
}

/** All that was published, with what time published. */
export function published(stats: Stats): number {
  return stats.updates.published + stats.updates.timed;
}
