import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { beforeAll, expect, test } from "vitest";
import { limitConnects } from "./connect-limit.js";

const CONNECT_MS_MAX = 30;

beforeAll(() => limitConnects(CONNECT_MS_MAX));

test("a connection that nobody answers is given up", async () => {
  // Never connects: what net.connect publishes before it begins.
  const socket = new Socket();
  channel("net.client.socket").publish({ socket });
  const [error] = await once(socket, "error");
  expect((error as Error).message).toBe("no connection after 30 ms");
});

test("a connection that is made stays", async () => {
  const server = createServer((peer) => peer.on("data", (data) => peer.write(data))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  // Another one is given up after it, so its own limit has passed.
  const silent = new Socket();
  channel("net.client.socket").publish({ socket: silent });
  await once(silent, "close").catch(() => undefined);
  socket.write("still here");
  expect(`${await once(socket, "data")}`).toBe("still here");
  socket.destroy();
  server.close();
});
