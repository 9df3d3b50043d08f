// The plugin as the host sees it: one object for each interface of wit/world.wit.

import settings from "weirhouse:plugin/settings@0.1.1";
import { Rules } from "./rules.js";

// Made at the first call, and not here: this file runs when the component is built, where no setting exists.
let rules;

export const about = {
  describe() {
    return {
      name: "{{name}}",
      version: "0.1.0",
      summary: "Holds numbers that hardly moved",
      author: "",
      licence: "Apache-2.0",
      // What it decides for. A claim fits where all of its lists that are not empty fit.
      claims: [{ entities: ["sensor.*"], deviceClasses: [], entries: [] }],
      settings: [
        { name: "least-move", summary: "What a number must move by, in its own unit", kind: "number", default: "1" },
      ],
      // The imports of the world; the user grants them.
      capabilities: ["settings"],
      // The exports of the world that are to be asked.
      functions: ["judge"],
    };
  },
};

export const judge = {
  // One decision for each observation, in the same order. What is thrown here costs the plugin a strike.
  judge(_now, batch) {
    rules ??= new Rules(settings.get("least-move"));
    return batch.map((observation) => rules.judge(observation));
  },
};
