// Figures of a running instance appear and move.

import assert from "node:assert/strict";

export default async function figures({ open, url }) {
  const page = await open();
  assert.equal(page.url(), url, "the token stays out of sight");
  const figure = (tile) => page.locator(`[data-tile=${tile}] .figure`);
  const number = async (tile) => Number((await figure(tile).textContent()).replaceAll(",", ""));

  const before = await number("observed");
  await page.waitForFunction(
    ([element, before]) => Number(element.textContent.replaceAll(",", "")) > before,
    [await figure("observed").elementHandle(), before],
  );
  assert((await number("published")) > 0);
  assert((await number("batches")) > 0);
  assert.match(await figure("suppressed").textContent(), /^\d+(\.\d)?%$/);
  await page.locator("[data-tile=observed]", { hasText: /\d\.\d per s/ }).waitFor();

  const head = page.locator("weir-link");
  await head.getByText("Connected", { exact: true }).waitFor();
  assert.match(await head.locator(".row").textContent(), /0\.\d+\.\d+\s+Simulated home/);
  for (const component of ["optimizer", "storage", "home-assistant"]) {
    await page.locator(`[data-component=${component}]`, { hasText: "works" }).waitFor();
  }
  await page.locator("weir-log li", { hasText: "connected" }).first().waitFor();

  // Real rows: a name, a pace, a rule with its source, and what became of the last reading.
  const row = page.locator("weir-entities .row").first();
  await row.waitFor();
  assert.match(await row.locator(".per-hour").textContent(), /\d/);
  assert.match(await row.locator(".rule").textContent(), /(Rule \d+|Preset|Default):\s+(\w+: )?(at least|any change)/);
  assert.match(await row.locator(".last").textContent(), /(published|held back): .*ago/s);

  // Where coordinates are judged, it is their rule that is told.
  await page.locator("weir-entities").getByRole("searchbox").fill("device_tracker");
  const tracker = page.locator('weir-entities .row[data-entity^="device_tracker."]', { hasText: "held back: it moved too little" });
  await tracker.first().waitFor();
  const judged = await page.evaluate(() => {
    const list = document.querySelector("weir-page").shadowRoot.querySelector("weir-entities").shadowRoot;
    return [...list.querySelectorAll(".row")]
      .filter((row) => row.textContent.includes("moved too little"))
      .map((row) => row.querySelector(".rule").textContent.replace(/\s+/g, " "));
  });
  for (const rule of judged) assert.match(rule, /Preset: (latitude|longitude): at least 0\.0001/);

  // The picture begins with the third step.
  const canvas = page.locator("weir-picture canvas");
  await canvas.waitFor({ timeout: 90_000 });
  assert(await canvas.evaluate(isDrawn), "the picture is blank");
  await page.locator("weir-picture summary").click();
  await page.locator("weir-picture tbody tr").nth(1).waitFor();
}

/** Whether two colours at least are on the canvas. */
function isDrawn(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set(new Uint32Array(data.buffer));
  return colours.size > 3;
}
