// Accessibility as axe judges it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

/** Fails if axe finds anything serious or critical on the page. */
export async function assertAccessible(page, axe) {
  // Evaluated by the debugger, to which the page's policy does not apply.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(await readFile(axe, "utf8"));
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  assert(passes.length > 10, "axe judged next to nothing");
  const grave = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(grave, []);
}
