import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { MatcherService } from "../gen/bourse/matcher/v1/matcher_pb.js";
import { createLogger } from "../runtime/log.js";
import { createMetrics } from "../runtime/metrics.js";
import { type Authority, createAuthority, openAuthority } from "../testing/certificates.js";
import { implement } from "./call.js";
import { callersGuard, callersOf } from "./callers.js";
import { createClient, openChannel } from "./client.js";
import { identityIn, openMeshTls } from "./mesh-tls.js";
import { serveGrpc } from "./server.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const NOBODY: readonly never[] = [];
const callers = callersOf(MatcherService, {
  submit: NOBODY,
  cancel: NOBODY,
  resolve: NOBODY,
  amend: NOBODY,
  cancelAll: NOBODY,
  setSwitch: NOBODY,
  setMarketState: NOBODY,
  commandStream: NOBODY,
  addMarket: NOBODY,
  getOrder: NOBODY,
  getBook: ["order-gateway"],
  getShardState: ["auditor", "settler"],
  listOpenOrders: NOBODY,
  streamEvents: NOBODY,
  reportCursor: ({ follower }) => (follower === "wallet" ? ["settler"] : []),
  watchShard: NOBODY,
});

test("who calls follows from the certificate, and only named callers pass", async () => {
  const authority = await createAuthority();
  const port = await serve(authority);
  const settler = await clientOf(authority, "settler", port);
  const gateway = await clientOf(authority, "order-gateway", port);

  await expect(settler.getShardState({})).resolves.toMatchObject({ seq: 7n });
  await expect(settler.reportCursor({ follower: "wallet" })).resolves.toBeDefined();
  await expect(gateway.getShardState({})).rejects.toMatchObject({
    reason: "FORBIDDEN",
    facts: { caller: "order-gateway" },
  });
  // A change that was refused before it was looked at says so.
  await expect(settler.reportCursor({ follower: "projector" })).rejects.toMatchObject({
    reason: "FORBIDDEN",
    facts: { caller: "settler", outcome: "NOT_ATTEMPTED" },
  });
  // A method that nobody is named for is closed to all.
  await expect(settler.getOrder({ orderId: "x" })).rejects.toMatchObject({ reason: "FORBIDDEN" });
});

test("no certificate, a foreign authority's, one of another trust domain: none gets in", async () => {
  const authority = await createAuthority();
  const port = await serve(authority);
  const foreign = await clientOf(await createAuthority(), "settler", port);
  await expect(foreign.getShardState({}, { timeoutMs: 2_000 })).rejects.toMatchObject({
    reason: "TRANSPORT_FAILED",
  });
  const plain = openChannel(`localhost:${port}`);
  closers.push(() => plain.close());
  await expect(
    createClient(MatcherService, plain).getShardState({}, { timeoutMs: 2_000 }),
  ).rejects.toMatchObject({ reason: "TRANSPORT_FAILED" });
  const elsewhere = await clientOf(
    await openAuthority(authority, { trustDomain: "elsewhere" }),
    "settler",
    port,
  );
  await expect(elsewhere.getShardState({})).rejects.toMatchObject({
    reason: "FORBIDDEN",
    facts: { caller: "unknown" },
  });
});

test("a server whose certificate carries another name is not believed", async () => {
  const authority = await createAuthority();
  const port = await serve(authority, { dnsNames: ["wallet.example"] });
  const settler = await clientOf(authority, "settler", port);
  await expect(settler.getShardState({}, { timeoutMs: 2_000 })).rejects.toMatchObject({
    reason: "TRANSPORT_FAILED",
  });
  const named = await clientOf(authority, "settler", port, { serverName: "wallet.example" });
  await expect(named.getShardState({})).resolves.toMatchObject({ seq: 7n });
});

test("a key of another certificate is refused at the start, not by every connection", async () => {
  const authority = await createAuthority();
  const wallet = await filesOf(authority, "wallet");
  const { keyFile } = await filesOf(authority, "settler");
  const said: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
  vi.spyOn(process, "exit").mockImplementation((code) => {
    throw new Error(`exit ${code}`);
  });
  try {
    expect(() => openMeshTls({ ...wallet, keyFile })).toThrow("exit 78");
    expect(said.join("")).toContain("do not fit together");
    expect(said.join("")).not.toContain("PRIVATE KEY");
  } finally {
    vi.restoreAllMocks();
  }
});

test("an identity is one plain name of the own trust domain", () => {
  expect(identityIn("DNS:a, URI:spiffe://bourse/wallet", "bourse")).toBe("wallet");
  expect(identityIn("URI:spiffe://bourse/wallet, URI:spiffe://bourse/settler", "bourse")).toBeUndefined();
  expect(identityIn("URI:spiffe://other/wallet", "bourse")).toBeUndefined();
  expect(identityIn("URI:spiffe://bourse/wallet/x", "bourse")).toBeUndefined();
  expect(identityIn("DNS:spiffe://bourse/wallet", "bourse")).toBeUndefined();
  // What Node writes for a name that contains a comma: one quoted name, not two.
  expect(identityIn('DNS:"a\\u002c URI:spiffe://bourse/wallet"', "bourse")).toBeUndefined();
});

async function serve(authority: Authority, { dnsNames = ["localhost"] } = {}): Promise<number> {
  const tls = openMeshTls(await filesOf(authority, "matcher", { dnsNames }));
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    services: [
      implement(MatcherService, { getShardState: async () => ({ seq: 7n }), reportCursor: async () => ({}) }),
    ],
    log: createLogger({ service: "test", level: "silent" as "fatal" }),
    metrics: createMetrics("test"),
    isReady: () => true,
    tls,
    guards: [callersGuard(tls, [callers])],
  });
  closers.push(() => server.close(1_000));
  return server.port;
}

async function clientOf(
  authority: Authority,
  identity: string,
  port: number,
  options: { serverName?: string } = {},
) {
  const tls = openMeshTls(await filesOf(authority, identity));
  const channel = openChannel(`localhost:${port}`, { tls, serverName: options.serverName });
  closers.push(() => channel.close());
  return createClient(MatcherService, channel);
}

async function filesOf(authority: Authority, identity: string, { dnsNames = ["localhost"] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "mesh-tls-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  const { certPem, keyPem } = await authority.issue({ identity, dnsNames });
  const files = { certFile: join(folder, "crt"), keyFile: join(folder, "key"), caFile: join(folder, "ca") };
  writeFileSync(files.certFile, certPem);
  writeFileSync(files.keyFile, keyPem);
  writeFileSync(files.caFile, authority.caPem);
  return { ...files, trustDomain: "bourse" };
}
