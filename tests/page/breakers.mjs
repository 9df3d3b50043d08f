// What other programs call: nothing while nobody asks, then what failed, and how it goes on.

import assert from "node:assert/strict";

import { assertAccessible } from "./axe.mjs";
import { assertFits } from "./fits.mjs";

export default async function breakers({ open, axe, url, token }) {
  const api = async (method, path) => {
    const answer = await fetch(`${url}v1/breakers/${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
    });
    return [answer.status, await answer.json()];
  };
  const call = async (name, outcome, settings = "") => {
    const [status, { permit }] = await api("POST", `${name}${settings}`);
    assert.equal(status, 201);
    await api("PUT", `${name}?permit=${permit}&outcome=${outcome}`);
  };

  const page = await open();
  await page.locator("weir-log").waitFor();
  assert.equal(await page.locator("weir-breakers").count(), 0, "nobody calls anything");

  const list = page.locator("weir-breakers");
  const row = (name) => list.locator(`li[data-breaker="${name}"]`);
  await call("fine.example", "success");
  await list.getByRole("heading", { name: "Calls of other programs", level: 2 }).waitFor();
  await list.getByText("Without failures: 1", { exact: true }).waitFor();
  assert.equal(await list.locator("li").count(), 0);

  await call("unsteady.example", "503");
  await call("cloud.example", "timeout", "?failures=1&open=600&successes=1");
  assert.equal((await api("POST", "cloud.example"))[0], 503);
  await row("cloud.example").getByText("paused", { exact: true }).waitFor();
  await row("cloud.example").getByText(/^next try in (9|10) ?m/).waitFor();
  await row("cloud.example").getByText("Calls held back: 1", { exact: true }).waitFor();
  await row("unsteady.example").getByText("called", { exact: true }).waitFor();
  await row("unsteady.example").getByText("Failures in a row: 1", { exact: true }).waitFor();
  const names = await list.locator("li h3").allTextContents();
  assert.deepEqual(names, ["cloud.example", "unsteady.example"], "what is not called comes first");
  await assertAccessible(page, axe);

  await api("DELETE", "cloud.example").catch(() => undefined);
  await row("cloud.example").waitFor({ state: "detached" });
  await page.context().close();

  for (let it = 0; it < 30; it += 1) await call(`https://host-${it}.a-long-name-of-a-cloud.example/api/v1`.replaceAll("/", "%2F"), "503");
  const narrow = await open({ viewport: { width: 360, height: 740 }, locale: "de-DE", colorScheme: "dark" });
  await narrow.getByRole("heading", { name: "Aufrufe anderer Programme" }).waitFor();
  await narrow.getByText("Nicht gezeigt: 11", { exact: true }).waitFor();
  assert.equal(await narrow.locator("weir-breakers li").count(), 20);
  await assertAccessible(narrow, axe);
  await assertFits(narrow);
}
