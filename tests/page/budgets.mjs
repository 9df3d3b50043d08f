// Budgets that refreshes come out of: one by the day and one by the minute. A home without any is told of none.

import assert from "node:assert/strict";

import { assertAccessible } from "./axe.mjs";
import { assertFits } from "./fits.mjs";

export default async function budgets({ open, axe }) {
  const page = await open();
  const budget = (name) => page.locator(`weir-budgets li[data-budget=${name}]`);
  await page.locator("weir-budgets").getByRole("heading", { name: "Budgets of refreshes", level: 2 }).waitFor();

  const figure = budget("day").locator(".figure", { hasText: /[1-9]\d* today/ });
  await figure.waitFor();
  const [spent, left] = (await figure.textContent()).match(/\d+/g).map(Number);
  assert.equal(spent + left, 1000);
  await budget("day").getByText("Entities: 2", { exact: true }).waitFor();
  await budget("day").getByText(/^begins anew in \d+ ?(h|min|s)/).waitFor();
  const meter = budget("day").getByRole("meter", { name: "Spent today of day" });
  assert.equal(await meter.evaluate((it) => it.max), 1000);
  await budget("minute").getByText("0 in the last minute").waitFor();
  assert.equal(await budget("minute").getByRole("meter").count(), 0, "nothing bounds its day");
  await assertAccessible(page, axe);
  await page.context().close();

  const narrow = await open({ viewport: { width: 360, height: 740 }, locale: "de-DE", colorScheme: "dark" });
  await narrow.getByText(/heute [1-9]\d*, noch 9\d\d/).waitFor();
  await assertAccessible(narrow, axe);
  await assertFits(narrow);
  await narrow.route("**/v1/stats", async (route) => {
    const response = await route.fetch();
    const stats = await response.json();
    await route.fulfill({ response, json: { ...stats, schedule: { ...stats.schedule, budgets: {} } } });
  });
  await narrow.locator("weir-budgets li").first().waitFor({ state: "detached" });
  assert.equal(await narrow.locator("weir-budgets").count(), 0);
}
