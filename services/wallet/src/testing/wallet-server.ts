// The wallet's services over real gRPC and REST on a test database.
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createInvoker } from "@bourse/shared/http/invoke.js";
import { restListener } from "@bourse/shared/http/rest.js";
import { serveRest } from "@bourse/shared/http/rest-server.js";
import { allOf, type Guard, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { serveGrpc } from "@bourse/shared/rpc/server.js";
import { batched } from "@bourse/shared/runtime/batched.js";
import { createMetrics, type Metrics } from "@bourse/shared/runtime/metrics.js";
import { accountFlows } from "../flow/account-flows.js";
import { assetCheck } from "../flow/known-assets.js";
import { shardCheck } from "../flow/known-shards.js";
import { listOrphans, noteSequenced } from "../flow/orphans.js";
import { releaseReservation } from "../flow/release.js";
import { getReservation, reserveBatch } from "../flow/reserve.js";
import { getCursor, settleBatch } from "../flow/settle.js";
import { settleTrade } from "../flow/settle-trade.js";
import type { Database } from "../io/database.js";
import { accountService } from "../rpc/account-service.js";
import { servicesOnly } from "../rpc/services-only.js";
import { type WalletFlows, walletService } from "../rpc/wallet-service.js";
import { silent } from "./shard-server.js";

/** Serves the wallet, on a free port unless one is named; `overrides` replace flows, `guards` run before every call. */
export async function serveWallet(
  database: Database,
  options: {
    overrides?: Partial<WalletFlows>;
    guards?: Guard[];
    streamUnansweredMax?: number;
    port?: number;
  } = {},
) {
  const reserve = batched(
    (requests: Parameters<typeof reserveBatch>[1]) => reserveBatch(database, requests),
    {
      batchMax: 512,
      inFlightMax: 2,
      queueMax: 20_000,
    },
  );
  const flows: WalletFlows = {
    reserve,
    getReservation: (orderId) => getReservation(database, orderId),
    checkAsset: assetCheck(database),
    checkShard: shardCheck(database),
    release: (call) => releaseReservation(database, call),
    settleTrade: (call) => settleTrade(database, call),
    settle: (batch) => settleBatch(database, batch),
    getCursor: (shard) => getCursor(database, shard),
    listOrphans: (query) => listOrphans(database, query),
    noteSequenced: (orderIds) => noteSequenced(database, orderIds),
    ...options.overrides,
  };
  const services = [
    walletService(flows, { streamUnansweredMax: options.streamUnansweredMax ?? 4_096 }),
    accountService(accountFlows(database)),
  ];
  const guards = [servicesOnly, ...(options.guards ?? [])];
  const metrics = createMetrics("test");
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: options.port ?? 0,
    services,
    guards,
    log: silent,
    metrics,
    isReady: () => true,
  });
  const rest = await serveCalls(services, guards, metrics);
  const channel = openChannel(`127.0.0.1:${server.port}`);
  return {
    flows,
    port: server.port,
    restUrl: `http://127.0.0.1:${rest.port}`,
    channel,
    wallet: createClient(WalletService, channel),
    async close(): Promise<void> {
      channel.close();
      await Promise.all([server.close(500), rest.close(500)]);
    },
  };
}

/** The calls of services by REST, as the process serves them. */
function serveCalls(entries: readonly ServiceEntry[], guards: readonly Guard[], metrics: Metrics) {
  const drain = new AbortController().signal;
  const invoker = createInvoker({ entries, guard: allOf(guards), log: silent, metrics, drain });
  return serveRest({
    host: "127.0.0.1",
    port: 0,
    listener: restListener({ services: [WalletService], invoker, nowMs: Date.now }),
    log: silent,
  });
}
