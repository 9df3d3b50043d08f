// Below a path, in a frame, as Home Assistant shows it: whoever is in between adds the permission.

import assert from "node:assert/strict";
import { createServer, request } from "node:http";

const PREFIX = "/api/hassio_ingress/x1Y2z3";

export default async function ingress({ window, url, token }) {
  const strays = [];
  const between = createServer((incoming, outgoing) => {
    if (incoming.url === "/") {
      outgoing.setHeader("Content-Type", "text/html");
      outgoing.end(`<!doctype html><title>Home Assistant</title><link rel="icon" href="data:,"><iframe src="${PREFIX}/" width=1000 height=800></iframe>`);
      return;
    }
    if (!incoming.url.startsWith(`${PREFIX}/`)) {
      strays.push(incoming.url);
      outgoing.writeHead(404).end();
      return;
    }
    const headers = { ...incoming.headers, host: new URL(url).host, authorization: `Bearer ${token}` };
    const onward = request(new URL(incoming.url.slice(PREFIX.length), url), { headers }, (answer) => {
      const policy = answer.headers["content-security-policy"]?.replace("frame-ancestors 'none'", "frame-ancestors 'self'");
      outgoing.writeHead(answer.statusCode, { ...answer.headers, ...(policy && { "content-security-policy": policy }) });
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise((listening) => between.listen(0, "127.0.0.1", listening));
  const origin = `http://127.0.0.1:${between.address().port}`;

  const page = await (await window({ origin })).newPage();
  await page.goto(origin);
  const frame = page.frameLocator("iframe");
  await frame.locator("weir-entities .row").first().waitFor();
  await frame.getByText("Connected", { exact: true }).waitFor();
  assert.deepEqual(strays, []);
  between.closeAllConnections();
  between.close();
}
