// The whole mesh over mutual TLS: an order from the client to the ledger, and doors that are closed to
// whoever has no business there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { openBourse } from "@bourse/client/bourse-client.js";
import { type Mesh, startMesh } from "@bourse/local/mesh.js";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { OrderStatus, OrderType, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { meshIdentities, openMeshTls } from "@bourse/shared/rpc/mesh-tls.js";
import type { TlsSettings } from "@bourse/shared/runtime/config.js";
import { createAuthority } from "@bourse/shared/testing/certificates.js";
import { afterAll, beforeAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "bourse-mtls-"));
const files = new Map<string, TlsSettings>();
let mesh: Mesh;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  const authority = await createAuthority();
  for (const identity of meshIdentities) {
    const { certPem, keyPem } = await authority.issue({
      identity,
      dnsNames: ["localhost"],
      ipAddresses: ["127.0.0.1"],
    });
    const settings = {
      certFile: join(folder, `${identity}.crt`),
      keyFile: join(folder, `${identity}.key`),
      caFile: join(folder, "ca.crt"),
      trustDomain: "bourse",
    };
    writeFileSync(settings.certFile, certPem);
    writeFileSync(settings.keyFile, keyPem, { mode: 0o600 });
    writeFileSync(settings.caFile, authority.caPem);
    files.set(identity, settings);
  }
  mesh = await startMesh({
    home: join(folder, "home"),
    ports: "free",
    isDurable: false,
    envOf: (name) => ({ BOURSE__TLS: JSON.stringify(files.get(name.replace(/-\d+$/, ""))) }),
  });
});
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await mesh?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A client as this identity; without one it brings no certificate. */
function as(identity: string | undefined, name: string) {
  const tls = identity === undefined ? undefined : openMeshTls(files.get(identity));
  const channel = openChannel(`127.0.0.1:${mesh.ports(name).grpc}`, { tls });
  closers.push(() => channel.close());
  return {
    wallet: createClient(WalletService, channel),
    matcher: createClient(MatcherService, channel),
  };
}

test("an order is placed, matched and settled", async () => {
  const { grpcAddress } = mesh.running;
  const open = async (userId: string, roles: ("trader" | "operator")[]) => {
    const token = await mesh.token({ userId, roles, tier: "unlimited" });
    const client = openBourse({ address: grpcAddress, token });
    closers.push(() => client.close());
    return client;
  };
  const [seller, buyer] = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"];
  const operator = await open("00000000-0000-4000-8000-00000000000f", ["operator"]);
  await operator.accounts.deposit({ userId: seller, asset: "BTC", amount: "1", requestId: "s" });
  await operator.accounts.deposit({ userId: buyer, asset: "USDT", amount: "50000", requestId: "b" });
  const order = { symbol: "BTC/USDT", type: OrderType.LIMIT, quantity: "1", price: "50000" };
  const sells = await open(seller, ["trader"]);
  await sells.orders.placeOrder({ ...order, clientOrderId: "s", side: Side.SELL });
  const buys = await open(buyer, ["trader"]);
  const { order: bought } = await buys.orders.placeOrder({ ...order, clientOrderId: "b", side: Side.BUY });
  expect(bought?.status).toBe(OrderStatus.FILLED);
  // 1 BTC less the taker's fee of 0.2 %, as soon as the settler has told the wallet.
  await expect
    .poll(async () => (await buys.accounts.getBalances({})).balances, { timeout: 20_000 })
    .toContainEqual(expect.objectContaining({ asset: "BTC", available: "0.998", reserved: "0" }));
});

test("each service gets in where it has business, and nowhere else", async () => {
  const forbidden = (caller: string) => ({ reason: "FORBIDDEN", facts: { caller } });
  const { wallet } = as("order-gateway", "wallet");
  await expect(wallet.settle({ shard: 0 })).rejects.toMatchObject(forbidden("order-gateway"));
  await expect(as("market-data", "wallet").wallet.reserve({})).rejects.toMatchObject(
    forbidden("market-data"),
  );
  const { matcher } = as("projector", "matcher-0");
  await expect(matcher.submit({})).rejects.toMatchObject(forbidden("projector"));
  await expect(matcher.reportCursor({ follower: "wallet" })).rejects.toMatchObject(forbidden("projector"));
  const audited = await as("auditor", "matcher-0").matcher.getShardState({});
  expect(audited.seq).toBeGreaterThan(0n);
});

test("the wallet's REST knows its callers by their certificates", async () => {
  const held = {
    orderId: "00000000-0000-4000-8000-0000000000a1",
    userId: "00000000-0000-4000-8000-000000000002",
  };
  const reserve = { ...held, asset: "USDT", amount: "1" };
  expect(await callWallet("market-data", "reserve", reserve)).toEqual([
    403,
    expect.stringContaining("FORBIDDEN"),
  ]);
  expect(await callWallet("settler", "reserve", { ...reserve, asset: "DOGE" })).toEqual([
    404,
    expect.stringContaining("ASSET_NOT_FOUND"),
  ]);
  expect(await callWallet("settler", "release", held)).toEqual([200, expect.stringContaining("CLOSED")]);
  await expect(callWallet(undefined, "release", held)).rejects.toThrow();
});

/** Status and body of a call of the wallet's REST port as this identity; without one no certificate is shown. */
function callWallet(
  identity: string | undefined,
  name: string,
  body: object,
): Promise<[number | undefined, string]> {
  const { certFile, keyFile, caFile } = files.get(identity ?? "wallet") as TlsSettings;
  const shown = identity === undefined ? {} : { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  const target = { host: "localhost", port: mesh.ports("wallet").http, path: `/api/v1/wallets/${name}` };
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...target,
        ...shown,
        ca: readFileSync(caFile),
        method: "POST",
        headers: { "content-type": "application/json" },
        agent: false,
      },
      (response) => {
        void text(response).then((answer) => resolve([response.statusCode, answer]), reject);
      },
    );
    call.on("error", reject);
    call.end(JSON.stringify(body));
  });
}

test("without a certificate there is no connection at all", async () => {
  for (const name of ["wallet", "matcher-0", "market-data"]) {
    await expect(as(undefined, name).matcher.getShardState({}, { timeoutMs: 3_000 })).rejects.toMatchObject({
      reason: "TRANSPORT_FAILED",
    });
  }
});
