// The plugins of a home: one that works, and one in each other state; then the file of the one that works is cut off.

import assert from "node:assert/strict";

import { assertAccessible } from "./axe.mjs";
import { assertFits } from "./fits.mjs";
import { activity, answerWith, plugins as madeUp } from "./made-up.mjs";

export default async function plugins({ open, axe, reached }) {
  const page = await open();
  const list = page.locator("weir-plugins");
  const plugin = (name) => list.locator(`li[data-plugin="${name}"]`);
  const figure = (name, id) => plugin(name).locator(`[data-figure=${id}] dd`);
  await list.getByRole("heading", { name: "Plugins", level: 2 }).waitFor();

  // Asked about every power meter of the house, it says how often it was, and what that cost.
  const works = "kalman-power";
  await figure(works, "asked").filter({ hasText: /^[1-9]/ }).waitFor();
  const said = await plugin(works).textContent();
  for (const text of ["working", "0.1.0", "Passes on loads, not the noise of their meter", "whether a number matters"]) {
    assert(said.includes(text), `no ${text} in ${said}`);
  }
  assert.match(await figure(works, "entities").textContent(), /^[1-9]\d*$/);
  assert.match(await figure(works, "advised").textContent(), /^\d+(\.\d)?%$/);
  for (const [id, unit] of Object.entries({ mean: "ms", longest: "ms", memory: "MB" })) {
    assert.match(await figure(works, id).textContent(), new RegExp(`^[\\d.,]+ ${unit}$`));
  }
  assert.equal(await figure(works, "faults").textContent(), "none");

  // Why the others do not work, and what is to be done.
  const states = {
    "hostile-loop": ["quarantined", "Since 11/1/26, ", ": `judge`: it ran past its deadline", "weirhouse plugin quarantine release hostile-loop"],
    "hostile-greedy": ["needs grants", "Grant it what it needs: weirhouse plugin grant hostile-greedy log,entities,store"],
    "hostile-trap": ["switched off", "weirhouse plugin enable hostile-trap"],
    "wrong-version": ["refused", "it is written for weirhouse:plugin 0.9.0"],
    "cut-off": ["refused", "cut-off.wasm is no component"],
  };
  for (const [name, texts] of Object.entries(states)) {
    const [state, ...rest] = texts;
    assert.equal(await plugin(name).locator(".state").textContent(), state);
    const message = await plugin(name).locator(".message").textContent();
    for (const text of rest) assert(message.includes(text), `no ${text} in ${message}`);
    assert.equal(await figure(name, "asked").count(), 0, "it has no figures");
  }
  await page.locator("[data-component=plugins]", { hasText: "hostile-loop is quarantined" }).waitFor();

  // Meters are told to be its own, with its reason and the rule it stands before.
  const meter = page.locator("weir-entities .row", { hasText: `Plugin ${works}: ` }).first();
  await meter.waitFor();
  assert.match(await meter.locator(".rule").textContent(), /Plugin kalman-power:\s+\w+.*(Preset|Default): (at least|any)/s);
  await page.locator("weir-entities .row", { hasText: /held back by a plugin|published: a plugin advised it/ }).first().waitFor();
  await assertAccessible(page, axe);

  await reached("shown");
  await plugin(works).locator(".message", { hasText: "version 0.1.0 goes on" }).waitFor();
  assert.equal(await plugin(works).locator(".state").textContent(), "working");
  const asked = await figure(works, "asked").textContent();
  await figure(works, "asked").filter({ hasNotText: new RegExp(`^${asked}$`) }).waitFor();
  await page.context().close();

  await looks(open, axe);
  await none(open);
}

/** Faults of all causes and long words, where there is little room. */
async function looks(open, axe) {
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [{ width: 360, height: 740 }, { width: 1280, height: 900 }]) {
      const page = await open({ colorScheme, viewport, locale: "de-DE" }, (page) =>
        answerWith(page, { activity: activity(50), plugins: madeUp() }),
      );
      const list = page.locator("weir-plugins");
      await list.getByText("in Quarantäne", { exact: true }).waitFor();
      await list.getByText("brauchte zu lange: 2, did-what-is-new: 1").first().waitFor();
      await list.getByText("1,5 ms").first().waitFor();
      await list.getByText("12 (3 anderen überlassen)").first().waitFor();
      await list.getByText(/^It answered 2026-99-99T99:99:99Z 0123/).first().waitFor();
      await list.getByText(/^Since 1\.11\.26|^Since 01\.11\.26/).waitFor();
      const caused = list.getByText("0: made up").first();
      assert(!(await caused.isVisible()));
      await list.locator("summary").first().press("Enter");
      await caused.waitFor();
      assert.match(await list.locator("ul").textContent(), /<img src=x> summary/, "a summary is text, whatever it says");
      const row = page.locator('weir-entities .row[data-entity="sensor.thing_4"]');
      assert.match(await row.textContent(), /Plugin made-up: within noise\s+Voreinstellung: /);
      assert.match(await row.textContent(), /von einem Plugin zurückgehalten/);
      await assertFits(page);
      await assertAccessible(page, axe);
      await page.context().close();
    }
  }
}

/** Who has no plugins is not told of them. */
async function none(open) {
  let answered;
  const page = await open({}, async (page) => {
    await answerWith(page, { plugins: { plugins: [] } });
    answered = page.waitForResponse("**/v1/plugins");
  });
  await answered;
  // The next round begins once all of this one is shown.
  await page.waitForRequest("**/v1/stats");
  assert.equal(await page.locator("weir-plugins").count(), 0);
  await page.context().close();
}
