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
  await cannotBeSent(page, field, token);
  await mayNotRead(page, field, token);
  await field.fill(` ${token} `);
  await page.getByRole("button", { name: "Show" }).click();
  await page.locator("weir-tiles").waitFor();
  assert.equal(await field.count(), 0);
  const focused = await page.evaluate(() => document.activeElement.shadowRoot?.activeElement.localName);
  assert.equal(focused, "main", "the keyboard goes on where the form was");

  await page.reload();
  await page.locator("weir-tiles").waitFor();
  const kept = await page.evaluate(() => Object.values(localStorage).join());
  assert(!kept.includes(token), "it is in this tab only");
  const another = await context.newPage();
  await another.goto(url);
  await another.getByLabel("Token", { exact: true }).waitFor();
  await inAddress(another, url, token);
}

/** An address with a token may be put into a tab that shows the page already. */
async function inAddress(page, url, token) {
  const go = (token) => page.evaluate((token) => void (location.hash = `token=${token}`), token);
  await go(token);
  await page.locator("weir-tiles").waitFor();
  assert.equal(page.url(), url, "the token stays out of sight");
  await go("wrong");
  await page.getByText("This token was not accepted.").waitFor();
  assert.equal(await page.locator("weir-tiles").count(), 0);
  await page.goto(`${url}#token=${token}`);
  await page.locator("weir-tiles").waitFor();
  assert.equal(page.url(), url);
}

/** What no header can carry is a wrong token, and no silence of the program, also where the tab has kept it. */
async function cannotBeSent(page, field, token) {
  for (const wrong of [`“${token}”`, "токен", `Bearer ${token}`]) {
    await field.fill(wrong);
    await page.keyboard.press("Enter");
    await page.getByText("This token was not accepted.").waitFor();
    assert.equal(await page.getByText("does not answer").count(), 0);
  }
  await page.evaluate(() => sessionStorage.setItem("weirhouse-token", "‚token‘"));
  await page.reload();
  await page.getByText("This token was not accepted.").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
}

/** A token that may do other things is told what it lacks. */
async function mayNotRead(page, field, token) {
  const problem = { type: "urn:weirhouse:problem:forbidden", detail: "this needs the scope `read`" };
  const answer = { status: 403, contentType: "application/problem+json", body: JSON.stringify(problem) };
  await page.route("**/v1/stats", (route) => route.fulfill(answer));
  await field.fill(token);
  await page.keyboard.press("Enter");
  await page.getByText("This token lacks the scope “read”.").waitFor();
  await page.unroute("**/v1/stats");
}
