// The plugin as the host sees it: one object for each interface that the world exports.

import settings from "weirhouse:plugin/settings@0.1.1";
import { Rules } from "./rules.js";

// Made at the first call that needs them. This file runs when the component is built, where no setting exists.
let rules;
function current() {
  rules ??= new Rules(settings.get("lux-delay"));
  return rules;
}

export const about = {
  describe() {
    return {
      name: "presence-pace",
      version: "1.0.0",
      summary: "Passes on at once where people are, and light at most once in a while",
      author: "Weirhouse",
      licence: "Apache-2.0",
      claims: [
        { entities: ["person.*", "device_tracker.*"], deviceClasses: [], entries: [] },
        { entities: [], deviceClasses: ["motion", "occupancy", "presence", "illuminance"], entries: [] },
      ],
      settings: [
        {
          name: "lux-delay",
          summary: "Least time between two readings of light that are passed on, in seconds",
          kind: "number",
          default: "60",
        },
      ],
      capabilities: ["settings"],
      functions: ["judge", "interval"],
    };
  },
};

export const judge = {
  judge(_now, batch) {
    const rules = current();
    return batch.map((observation) => rules.judge(observation));
  },
};

export const interval = {
  intervals(_now, batch) {
    const rules = current();
    return batch.map((pace) => rules.interval(pace));
  },
};
