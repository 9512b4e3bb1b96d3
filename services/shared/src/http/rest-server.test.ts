import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { WalletService } from "../gen/bourse/wallet/v1/wallet_pb.js";
import { allOf, implement } from "../rpc/call.js";
import { callersGuard, callersOf } from "../rpc/callers.js";
import { type MeshTls, openMeshTls, REREAD_MS } from "../rpc/mesh-tls.js";
import { createLogger } from "../runtime/log.js";
import { createMetrics } from "../runtime/metrics.js";
import { type Authority, createAuthority, type KeyPairPem, openAuthority } from "../testing/certificates.js";
import type { HttpPort } from "./http1.js";
import { createInvoker } from "./invoke.js";
import { restListener } from "./rest.js";
import { restCaller, serveRest } from "./rest-server.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0).reverse()) await close();
});

const log = createLogger({ service: "test", level: "silent" as "fatal" });
const callers = callersOf(WalletService, {
  reserve: [],
  release: ["settler"],
  settleTrade: [],
  reserveStream: [],
  getReservation: [],
  settle: [],
  getCursor: [],
  listOrphans: [],
  markSequenced: [],
});

/** A port that answers releases, once they have waited for what the test gives them to wait for. */
async function serve(
  tls: MeshTls | undefined,
  wait: () => Promise<void> = async () => {},
): Promise<HttpPort> {
  const release = async () => {
    await wait();
    return { released: "7" };
  };
  const invoker = createInvoker({
    entries: [implement(WalletService, { release })],
    guard: allOf([callersGuard(tls, [callers])]),
    log,
    metrics: createMetrics("test"),
    drain: new AbortController().signal,
  });
  const listener = restListener({
    services: [WalletService],
    invoker,
    nowMs: Date.now,
    ...(tls !== undefined && { callerOf: restCaller(tls) }),
  });
  const server = await serveRest({ host: "127.0.0.1", port: 0, listener, tls, log });
  closers.push(() => server.close(100));
  return server;
}

/** Files of an identity's certificate, with how to write another one into them. */
async function filesOf(authority: Authority, identity: string) {
  const folder = mkdtempSync(join(tmpdir(), "rest-tls-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  const files = { certFile: join(folder, "crt"), keyFile: join(folder, "key"), caFile: join(folder, "ca") };
  const write = ({ certPem, keyPem }: KeyPairPem, caPem: string) => {
    writeFileSync(files.certFile, certPem);
    writeFileSync(files.keyFile, keyPem);
    writeFileSync(files.caFile, caPem);
  };
  write(await authority.issue({ identity, dnsNames: ["localhost"] }), authority.caPem);
  return { settings: { ...files, trustDomain: "bourse" }, write };
}

/** Status and text of a release by this caller; rejects when there is no connection. */
async function release(
  port: number,
  trusted: Authority,
  caller?: KeyPairPem,
): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...{ host: "localhost", port, method: "POST", path: "/api/v1/wallets/release", ca: trusted.caPem },
        ...(caller !== undefined && { cert: caller.certPem, key: caller.keyPem }),
        headers: { "content-type": "application/json" },
        agent: false,
      },
      (response) => {
        let text = "";
        response.on("data", (part) => {
          text += String(part);
        });
        response.on("end", () => resolve({ status: response.statusCode, text }));
      },
    );
    call.on("error", reject);
    call.end("{}");
  });
}

const leaf = (authority: Authority, identity: string) =>
  authority.issue({ identity, dnsNames: ["localhost"] });

test("with mutual TLS the certificate says who calls, as on the gRPC port", async () => {
  const authority = await createAuthority();
  const { settings } = await filesOf(authority, "wallet");
  const { port } = await serve(openMeshTls(settings));
  const settler = await release(port, authority, await leaf(authority, "settler"));
  expect([settler.status, JSON.parse(settler.text)]).toEqual([
    200,
    expect.objectContaining({ released: "7" }),
  ]);
  const projector = await release(port, authority, await leaf(authority, "projector"));
  expect(projector).toMatchObject({ status: 403, text: expect.stringContaining('"FORBIDDEN"') });
  await expect(release(port, authority)).rejects.toThrow();
  await expect(release(port, authority, await leaf(await createAuthority(), "settler"))).rejects.toThrow();
  const elsewhere = await openAuthority(authority, { trustDomain: "elsewhere" });
  const foreign = await release(port, authority, await leaf(elsewhere, "settler"));
  expect(foreign).toMatchObject({ status: 403, text: expect.stringContaining('"caller":"unknown"') });
});

test("plaintext is not spoken where certificates are asked for", async () => {
  const authority = await createAuthority();
  const { settings } = await filesOf(authority, "wallet");
  const { port } = await serve(openMeshTls(settings));
  await expect(fetch(`http://127.0.0.1:${port}/api/v1/wallets/release`)).rejects.toThrow();
});

test("a renewed certificate is taken up without a restart, and half a renewal changes nothing", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const [old, renewed] = [await createAuthority(), await createAuthority()];
  const { settings, write } = await filesOf(old, "wallet");
  const { port } = await serve(openMeshTls(settings));
  writeFileSync(settings.keyFile, "half a key");
  vi.advanceTimersByTime(REREAD_MS);
  expect(await release(port, old, await leaf(old, "settler"))).toMatchObject({ status: 200 });
  write(await leaf(renewed, "wallet"), renewed.caPem);
  vi.advanceTimersByTime(REREAD_MS);
  expect(await release(port, renewed, await leaf(renewed, "settler"))).toMatchObject({ status: 200 });
  await expect(release(port, old, await leaf(old, "settler"))).rejects.toThrow();
});

test("a close waits for what is in flight and for no idle connection", async () => {
  let finish = () => {};
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const server = await serve(undefined, () => {
    begin();
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  const url = `http://127.0.0.1:${server.port}/api/v1/wallets/release`;
  // fetch keeps its connection open for a next request.
  await (await fetch(url)).text();
  const answer = fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  await begun;
  const closed = server.close();
  const refused = new Promise<boolean>((resolve) => {
    const late = httpRequest(url, { agent: false }, () => resolve(false));
    late.on("error", () => resolve(true));
    late.end();
  });
  expect(await refused).toBe(true);
  finish();
  expect((await answer).status).toBe(200);
  await closed;
});
