// The list of entities: order, search, thousands of rows, and the keyboard.

import assert from "node:assert/strict";

import { activity, answerWith } from "./made-up.mjs";

const COUNT = 5_000;

export default async function entities({ open }) {
  const page = await open({}, (page) => answerWith(page, { activity: activity(COUNT) }));
  const list = page.locator("weir-entities");
  const rows = list.locator(".row");
  const first = (entity) => rows.first().and(list.locator(`[data-entity="${entity}"]`)).waitFor();
  await first("sensor.thing_0");

  // Only what is in view is in the document, and assistive technology is told of the rest.
  const few = async () => assert((await rows.count()) < 60, `${await rows.count()} rows`);
  await few();
  assert.equal(await list.locator("table").getAttribute("aria-rowcount"), String(COUNT + 1));
  const second = rows.nth(1);
  assert.equal(await second.getAttribute("aria-rowindex"), "3");
  assert.match(await second.textContent(), /<img src=x> thing 1/, "a name is text, whatever it says");
  assert.match(await rows.first().textContent(), /Rule 2:\s+at least 5 W or 5%, what is left after 30 sec of quiet/);

  // All that a rule may say, of a state in its unit, or of an attribute.
  for (const [at, words] of Object.entries({
    6: "at least 5 W or 5%, as the value that readings stay near,",
    7: "Preset: latitude: at least 0.0001",
    9: "or 5%, whenever its sign changes,",
    10: "whenever it crosses 10 W, 22.5 W, or 30 W",
    12: "whenever the total begins anew",
  })) {
    const rule = list.locator(`[data-entity="sensor.thing_${at}"] .rule`);
    const text = (await rule.textContent()).replace(/\s+/g, " ");
    assert(text.includes(words), `no ${words} in ${text}`);
  }

  // Sorted by every column, either way; exactly one header says so.
  const header = (name) => list.getByRole("columnheader", { name });
  const sorted = async (name, direction) => {
    assert.equal(await header(name).getAttribute("aria-sort"), direction);
    assert.equal(await list.locator("[aria-sort]").count(), 1);
  };
  await sorted("Changes/h", "descending");
  const last = `sensor.thing_${COUNT - 1}`;
  await header("Changes/h").getByRole("button").click();
  await first(last);
  await sorted("Changes/h", "ascending");
  await header("Suppressed").getByRole("button").click();
  await first(last);
  await sorted("Suppressed", "descending");
  await header("Last change").getByRole("button").click();
  await first("sensor.thing_0");
  await header("Rule").getByRole("button").click();
  await list.locator(".row").first().getByText("Default:").waitFor();
  await sorted("Rule", "ascending");
  await header("Entity").getByRole("button").click();
  await first("sensor.thing_1");

  // Every word has to fit, in name or identifier.
  const search = list.getByRole("searchbox");
  await search.fill("THING_49 sensor");
  await list.getByText("111 of 5,000 entities").waitFor();
  await search.fill("no such thing");
  await list.getByText("No entity fits the search.").waitFor();
  await search.fill("");
  await list.getByText("5,000 of 5,000 entities").waitFor();

  await byKeyboard(page, list, few);
}

/** The keyboard reaches everything, and shows where it is. */
async function byKeyboard(page, list, few) {
  const focused = () =>
    page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
      return { name: (element.ariaLabel ?? element.textContent).trim().slice(0, 40), tag: element.localName, seen };
    });
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  const stops = [];
  for (let stop = 0; stop < 30; stop += 1) {
    await page.keyboard.press("Tab");
    const at = await focused();
    if (at.tag === "body") break;
    assert(at.seen, `nothing shows that the focus is at ${at.tag} ${at.name}`);
    stops.push(at.tag === "button" ? at.name : at.tag);
    if (at.name === "Changes/h") {
      await page.keyboard.press("Enter");
      await list.locator('.row[data-entity="sensor.thing_0"]').waitFor();
      assert.equal(await list.locator("th.per-hour").getAttribute("aria-sort"), "descending");
    }
  }
  for (const wanted of ["select", "input", "Entity", "Changes/h", "Suppressed", "Rule", "Last change", "div"]) {
    assert(stops.includes(wanted), `no ${wanted} among ${stops.join(", ")}`);
  }

  await list.locator(".scroll").focus();
  await page.keyboard.press("End");
  await list.locator(`.row[data-entity="sensor.thing_${COUNT - 1}"]`).waitFor();
  await few();
  const inView = await list.locator(".row").last().evaluate((row) => {
    const frame = row.closest(".scroll").getBoundingClientRect();
    return row.getBoundingClientRect().bottom <= frame.bottom + 2;
  });
  assert(inView, "the end of the list is the end of what can be scrolled");
}
