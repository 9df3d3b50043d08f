// Runs one check of the page in Chromium.
//
//   node run.mjs FOLDER CHECK URL [TOKEN]
//
// FOLDER is what `provide` printed, CHECK the name of a file beside this one. Ends with status 0 if all holds. Chromium's
// own console and all requests are watched: an error, or a request to another origin, fails the check.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [folder, check, url, token] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { chromium } = require("playwright-core");

/** Generous: several browsers may share two processors. */
const PATIENCE_MS = 60_000;

const [executablePath] = execFileSync("bash", ["-c", "command -v chromium google-chrome; true"], { encoding: "utf8" })
  .split("\n");

/** What Chromium itself says of a request that fails, where one has to. */
const FAILED_REQUEST = /^Failed to load resource/;

const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const complaints = [];

/** What a check works with. */
const test = {
  url,
  token,
  /** The address that brings the token along. */
  signedIn: `${url}#token=${token}`,
  axe: require.resolve("axe-core/axe.min.js"),

  /** A window of its own, with Playwright's options; requests go to `origin` only, and fail only where `failing`. */
  async window({ failing = false, origin = new URL(url).origin, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    context.on("page", (page) => watch(page, failing, origin));
    return context;
  },

  /** The page in a window of its own, as whoever has the token sees it. */
  async open(options, prepare = async () => {}) {
    const page = await (await test.window(options)).newPage();
    await prepare(page);
    await page.goto(test.signedIn);
    await page.locator("weir-tiles").waitFor();
    return page;
  },

  /** Tells whoever runs this that something is reached, and waits until told to go on. */
  async reached(what) {
    console.log(what);
    assert.equal((await lines.next()).value, "go on");
  },
};

function watch(page, failing, origin) {
  page.on("pageerror", (error) => complaints.push(`error: ${error.stack}`));
  page.on("console", (message) => {
    if (failing && FAILED_REQUEST.test(message.text())) return;
    if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const to = new URL(request.url());
    if (to.protocol !== "data:" && to.origin !== origin) complaints.push(`request to ${request.url()}`);
  });
}

try {
  const { default: run } = await import(`./${check}.mjs`);
  await run(test);
  assert.deepEqual(complaints, []);
} finally {
  if (complaints.length > 0) console.error(complaints.join("\n"));
  await browser.close();
}
process.exit(0);
