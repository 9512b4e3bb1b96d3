import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FaultProxy, openFaultProxy } from "./fault-proxy.js";

let server: Server;
let proxy: FaultProxy;
let heard: string;
const sockets: Socket[] = [];

beforeEach(async () => {
  heard = "";
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      heard += data;
      socket.write(`<${data}>`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await openFaultProxy();
  proxy.lead((server.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await proxy.close();
  server.close();
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  socket.setEncoding("utf8");
  await once(socket, "connect");
  return socket;
}

/** Sends a text; its answer, or undefined when the connection ends first. */
async function ask(socket: Socket, text: string): Promise<string | undefined> {
  socket.write(text);
  const closed = once(socket, "close").then(() => undefined);
  return Promise.race([once(socket, "data").then(([data]) => data as string), closed]);
}

test("an open way passes both directions on, in order, also while it is delayed", async () => {
  const socket = await open();
  expect(await ask(socket, "one")).toBe("<one>");
  proxy.set({ type: "delayed", ms: 30 });
  const startedAt = performance.now();
  expect(await ask(socket, "two")).toBe("<two>");
  // Once each way; timers may be a moment early.
  expect(performance.now() - startedAt).toBeGreaterThan(55);
  socket.write("three");
  proxy.set({ type: "open" });
  expect(await ask(socket, "four")).toMatch(/three/);
  expect(heard).toBe("onetwothreefour");
});

test("a cut ends what is open, a closed way refuses what comes", async () => {
  const socket = await open();
  await ask(socket, "one");
  proxy.cut();
  await once(socket, "close");
  expect(await ask(await open(), "two")).toBe("<two>");
  proxy.set({ type: "closed" });
  expect(await ask(await open(), "three")).toBeUndefined();
});

test("a silent way swallows, and its connections end when it is open again", async () => {
  const socket = await open();
  await ask(socket, "one");
  proxy.set({ type: "silent", swallows: "answers" });
  const answer = ask(socket, "two");
  await vi.waitFor(() => expect(proxy.swallowed).toBe("<two>".length));
  proxy.set({ type: "open" });
  expect(await answer).toBeUndefined();
  expect(heard).toBe("onetwo");
});

test("COMMIT is cut before it arrives, or after it and before its answer, so many times", async () => {
  proxy.set({ type: "commit", cut: "before", times: 1 });
  expect(await ask(await open(), "COMMIT")).toBeUndefined();
  expect(heard).toBe("");
  expect(await ask(await open(), "COMMIT")).toBe("<COMMIT>");
  proxy.set({ type: "commit", cut: "after", times: 1 });
  expect(await ask(await open(), "COMMIT")).toBeUndefined();
  expect(heard).toBe("COMMITCOMMIT");
  expect(proxy.commitsCut).toBe(2);
});
