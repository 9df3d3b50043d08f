// Schemes, widths and languages, each as axe judges it.

import assert from "node:assert/strict";

import { assertAccessible } from "./axe.mjs";
import { assertFits } from "./fits.mjs";
import { activity, answerWith, history, log } from "./made-up.mjs";

const LOOKS = [
  { colorScheme: "light", locale: "en-US" },
  { colorScheme: "dark", locale: "de-DE" },
  { colorScheme: "light", locale: "de-DE", viewport: { width: 360, height: 740 } },
  { colorScheme: "dark", locale: "fr-FR", viewport: { width: 360, height: 740 }, reducedMotion: "reduce" },
];

export default async function looks({ open, axe }) {
  const full = { activity: activity(500), history: history(), log: log() };
  for (const look of LOOKS) {
    const page = await open(look, (page) => answerWith(page, full));
    await page.locator("weir-picture canvas").waitFor();
    await page.locator("weir-log li").first().waitFor();
    const german = look.locale === "de-DE";
    assert.equal(await page.locator("html").getAttribute("lang"), german ? "de" : "en");
    await page.getByText(german ? "Verbunden" : "Connected", { exact: true }).waitFor();
    const brightness = await page.evaluate(() => {
      const numbers = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
      return Math.max(...numbers);
    });
    assert.equal(brightness < 100, look.colorScheme === "dark", `${look.colorScheme}: ${brightness}`);
    await assertFits(page);
    await assertAccessible(page, axe);
    // Text may be twice as large.
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    if (look.viewport === undefined) await assertFits(page);
    await page.context().close();
  }

  await largerFont(open, full);
  await empty(open);
  await switchesLanguage(open, false);
  await switchesLanguage(open, true);
}

/** All that is written grows with the font that the browser's user chose, and a phone needs no sideways scrolling for it. */
async function largerFont(open, full) {
  const sizes = [];
  for (const standard of [16, 32]) {
    const page = await open({ locale: "de-DE", viewport: { width: 360, height: 740 } }, async (page) => {
      await answerWith(page, full);
      const browser = await page.context().newCDPSession(page);
      await browser.send("Page.enable");
      await browser.send("Page.setFontSizes", { fontSizes: { standard } });
    });
    await page.locator("weir-picture canvas").waitFor();
    await page.locator("weir-log li").first().waitFor();
    await assertFits(page);
    const row = page.locator("weir-entities .row").nth(1);
    const written = [row.locator(".entity"), row.locator(".per-hour"), row.locator(".rule"), page.locator(".figure").first()];
    const size = (element) => element.evaluate((element) => parseFloat(getComputedStyle(element).fontSize));
    sizes.push(await Promise.all(written.map(size)));
    // What is cut off at the edge of its cell cannot be scrolled to.
    for (const cell of await page.locator("weir-entities :is(th button, .per-hour, .suppressed)").all()) {
      const [wide, room] = await cell.evaluate((cell) => [cell.scrollWidth, cell.clientWidth]);
      assert(wide <= room, `${await cell.textContent()} is ${wide} px wide in ${room}`);
    }
    const beyond = await row.evaluate((row) => row.scrollHeight - row.clientHeight);
    assert(beyond <= 0, `a row is cut off by ${beyond} px`);
    await page.context().close();
  }
  const [small, large] = sizes;
  assert.deepEqual(large, small.map((size) => 2 * size));
}

/** What is said while there is nothing to show. */
async function empty(open) {
  const nothing = {
    activity: { since: new Date().toISOString(), entities: [] },
    history: { step_s: 10, points: [] },
    log: { next: 0, lines: [] },
  };
  const page = await open({}, (page) => answerWith(page, nothing));
  await page.getByText("No entity has changed yet.").waitFor();
  await page.getByText("Nothing was logged yet.").waitFor();
  await page.getByText("The picture begins after the first twenty seconds.").waitFor();
  await page.context().close();
}

/** The choice outlives a reload where the browser keeps it, and holds until then where not. */
async function switchesLanguage(open, refused) {
  const page = await open({ locale: "de-DE" }, async (page) => {
    if (!refused) return;
    await page.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, {
          get() {
            throw new DOMException("refused", "SecurityError");
          },
        });
      }
    });
  });
  await page.getByRole("combobox", { name: "Sprache" }).selectOption("English");
  await page.getByText("Noisiest entities").waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  if (!refused) {
    await page.reload();
    await page.getByText("Noisiest entities").waitFor();
  }
  await page.context().close();
}
