// A client that uses `home-assistant-js-websocket`, as dashboards do.
//
//   node javascript.mjs MODULES URL TOKEN
//
// MODULES is the folder with `node_modules`. Connects and follows all entities. Commands come as JSON, one on each line of standard input, and each is answered by
// a line on standard output: {"ok": …} or {"error": …}. The first line says whether it connected.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modules, url, token] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const {
  createConnection,
  createLongLivedTokenAuth,
  ERR_CANNOT_CONNECT,
  ERR_INVALID_AUTH,
  subscribeEntities,
} = require("home-assistant-js-websocket");
const { WebSocket } = require("ws");

// Counts what arrives, before the library sees it.
const received = { frames: 0, bytes: 0, driven: 0 };
class Counting extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      received.frames += 1;
      received.bytes += data.length;
      for (const message of [JSON.parse(data)].flat()) {
        const changed = Object.keys(message.event?.c ?? {});
        received.driven += changed.filter((id) => id.startsWith("sensor.driven")).length;
      }
    });
  }
}
globalThis.WebSocket = Counting;

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const names = { [ERR_CANNOT_CONNECT]: "cannot connect", [ERR_INVALID_AUTH]: "invalid auth" };

let connection;
try {
  connection = await createConnection({ auth: createLongLivedTokenAuth(url, token), setupRetry: 0 });
} catch (error) {
  say({ error: names[error] ?? String(error) });
  process.exit(0);
}
let entities = {};
let events = [];
const happened = { disconnected: 0, ready: 0 };
connection.addEventListener("disconnected", () => (happened.disconnected += 1));
connection.addEventListener("ready", () => (happened.ready += 1));
subscribeEntities(connection, (now) => (entities = now));
say({ ok: connection.haVersion });

const commands = {
  entities: () => entities,
  received: () => received,
  happened: () => happened,
  send: ({ message }) => connection.sendMessagePromise(message),
  follow: async ({ message }) => {
    await connection.subscribeMessage((event) => events.push(event), message, { resubscribe: true });
  },
  events: () => events.splice(0),
};
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    say({ ok: (await commands[command.do](command)) ?? null });
  } catch (error) {
    say({ error });
  }
}
process.exit(0);
