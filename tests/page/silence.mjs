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

/** As a browser tells a page that its tab is in front or not. */
async function show(page, state) {
  await page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { get: () => state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}
