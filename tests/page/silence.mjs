// What the page says and does while nobody answers, and while nobody looks.

import assert from "node:assert/strict";

export default async function silence({ open, url, reached }) {
  const page = await open({ failing: true });
  const figure = page.locator("[data-tile=observed] .figure");
  const requests = [];
  page.on("request", (request) => {
    if (request.url() === `${url}v1/stats`) requests.push(Date.now());
  });

  await reached("shown");
  await page.getByText("Weirhouse does not answer; the page keeps trying.").waitFor();
  await page.getByText(/The figures are from \d/).waitFor();
  assert.equal(await page.locator("weir-link").getByText("Connected").count(), 0, "it does not know");
  const shown = await figure.textContent();
  await isPast(page);

  // Each pause is about twice the one before; only that they grow is held, whatever the machine does meanwhile.
  requests.length = 0;
  while (requests.length < 4) await page.waitForRequest("**/v1/stats");
  const pauses = requests.slice(1).map((at, index) => at - requests[index]);
  assert(pauses.at(-1) > pauses[0] * 1.5, `pauses of ${pauses.join(", ")} ms`);
  assert.equal(await figure.textContent(), shown);

  await reached("silent");
  await page.getByRole("button", { name: "Try now" }).click();
  await page.locator("weir-link").getByText("Connected", { exact: true }).waitFor();
  assert.equal(await page.getByText("does not answer").count(), 0);

  await page.locator("[data-component=storage] b.good", { hasText: "works" }).waitFor();
  await page.locator("weir-entities time", { hasText: "ago" }).first().waitFor();
  await oneFails(page);

  // Out of sight it asks for nothing, and at once when it is back.
  await show(page, "hidden");
  requests.length = 0;
  await page.waitForTimeout(5_000);
  assert.deepEqual(requests, []);
  const asked = page.waitForRequest("**/v1/stats");
  await show(page, "visible");
  await asked;

  // A problem of the API is told in the visitor's language.
  const problem = { type: "urn:weirhouse:problem:storage", detail: "the disk is full" };
  const answer = { status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) };
  await page.route("**/v1/stats", (route) => route.fulfill(answer));
  await page.getByRole("combobox", { name: "Language" }).selectOption("de");
  await page.getByText("Die Festplatte hat nicht genommen oder gegeben, was sie sollte.").waitFor();
  assert.equal(await page.getByText("the disk is full").count(), 0);
}

/** What is shown of a silent program is told as it was, and at what time. */
async function isPast(page) {
  const health = page.locator("weir-health");
  await health.locator("[data-component=storage] b", { hasText: /^worked$/ }).waitFor();
  assert.equal(await health.locator(".good, .bad").count(), 0);
  const times = await page.locator("weir-entities .row time").allTextContents();
  assert(times.length > 0);
  for (const time of times) assert.match(time, /^\d\d:\d\d:\d\d$/);
}

/** One part that fails says so; the others go on. */
async function oneFails(page) {
  const problem = { type: "urn:weirhouse:problem:internal", detail: "made up" };
  const answer = { status: 500, contentType: "application/problem+json", body: JSON.stringify(problem) };
  const parts = {
    activity: "weir-entities",
    breakers: "weir-breakers",
    history: "weir-picture",
    log: "weir-log",
    plugins: "weir-plugins",
  };
  for (const part of Object.keys(parts)) await page.route(`**/v1/${part}*`, (route) => route.fulfill(answer));
  const said = "Weirhouse answers this part with an error (500); the page keeps trying.";
  for (const element of Object.values(parts)) await page.locator(element).getByText(said).waitFor();
  await page.locator("weir-entities").getByText("This is a fault of Weirhouse; the log tells more.").waitFor();
  await page.locator("weir-entities .row time", { hasText: /^\d\d:\d\d:\d\d$/ }).first().waitFor();
  assert.equal(await page.locator("weir-health").getByText(said).count(), 0);
  assert.equal(await page.locator("main > .note").textContent(), "", "only a part has failed");

  // Also where nothing of it was had before.
  await page.reload();
  for (const element of Object.values(parts)) {
    await page.locator(element).getByRole("heading", { level: 2 }).waitFor();
    await page.locator(element).getByText(said).waitFor();
  }
  for (const part of Object.keys(parts)) await page.unroute(`**/v1/${part}*`);
  await page.locator("weir-entities .row").first().waitFor();
  for (const element of Object.values(parts)) await page.locator(element).getByText(said).waitFor({ state: "detached" });
}

/** As a browser tells a page that its tab is in front or not. */
async function show(page, state) {
  await page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { get: () => state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}
