// Whether the page needs no sideways scrolling.

import assert from "node:assert/strict";

/** Fails if the page is wider than its window. */
export async function assertFits(page) {
  const { wide, room } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    room: document.documentElement.clientWidth,
  }));
  assert(wide <= room, `${wide} px in a window of ${room}`);
}
