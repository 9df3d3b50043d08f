// Asks for a token where one is needed, and keeps it for the tab only.

import assert from "node:assert/strict";

import { assertAccessible } from "./axe.mjs";

export default async function asks({ window, url, token, axe }) {
  const context = await window({ failing: true });
  const page = await context.newPage();
  await page.goto(url);
  const field = page.getByLabel("Token", { exact: true });
  await field.waitFor();
  await page.getByText("Token needed").waitFor();
  assert.equal(await page.locator("weir-tiles").count(), 0);
  assert.equal(await page.getByText("This token was not accepted.").count(), 0, "there was none yet");
  await assertAccessible(page, axe);

  await field.fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByText("This token was not accepted.").waitFor();
  await field.fill(` ${token} `);
  await page.getByRole("button", { name: "Show" }).click();
  await page.locator("weir-tiles").waitFor();
  assert.equal(await field.count(), 0);

  await page.reload();
  await page.locator("weir-tiles").waitFor();
  const kept = await page.evaluate(() => Object.values(localStorage).join());
  assert(!kept.includes(token), "it is in this tab only");
  const another = await context.newPage();
  await another.goto(url);
  await another.getByLabel("Token", { exact: true }).waitFor();
}
