// What the API offers, as a page: all of it, and readable.

import assert from "node:assert/strict";

import { assertAccessible } from "./axe.mjs";

export default async function docs({ window, url, axe }) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await (await window({ colorScheme })).newPage();
    await page.goto(`${url}docs`);
    await page.getByRole("heading", { name: "Schemas" }).waitFor();

    // Every operation of the description, whatever its method.
    const wanted = await page.evaluate(async () => {
      const { paths } = await (await fetch("v1/openapi.json")).json();
      return Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`));
    });
    const shown = await page
      .locator("summary:has(b)")
      .evaluateAll((all) => all.map((it) => `${it.querySelector("b").textContent} ${it.querySelector("code").textContent}`));
    assert.deepEqual(shown.toSorted(), wanted.toSorted());
    assert(shown.some((operation) => operation.startsWith("PATCH ")));

    await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
    await assertAccessible(page, axe);
    await page.context().close();
  }
}
