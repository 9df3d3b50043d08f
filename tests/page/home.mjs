// Before a real Home Assistant: connected, with its version, and what changes.

import assert from "node:assert/strict";

export default async function home({ open, reached }) {
  const page = await open();
  const head = page.locator("weir-link");
  await head.getByText("Connected", { exact: true }).waitFor();
  assert.match(await head.locator(".row").textContent(), /Home Assistant 20\d\d\.\d+/);
  await page.locator('weir-entities .row[data-entity="sensor.noisy"]', { hasText: "held back" }).waitFor();

  await reached("connected");
  await head.getByText("Home Assistant is away", { exact: true }).waitFor();
  assert.notEqual((await head.locator(".reason").textContent()).trim(), "");
  await page.locator("[data-component=home-assistant]", { hasText: "does not work" }).waitFor();
}
