import { channel } from "node:diagnostics_channel";
import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import { OrderGatewayService } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { implement } from "@bourse/shared/rpc/call.js";
import { serveGrpc } from "@bourse/shared/rpc/server.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { afterEach, expect, test } from "vitest";
import { openBourse } from "./bourse-client.js";
import { isWorthRepeating } from "./final-word.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A client of a gateway that fails the first calls with these, then answers with the request's id. */
async function clientOf(failures: readonly DomainError[], signal?: AbortSignal) {
  const seen: { id: string; authorization: string | undefined }[] = [];
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    services: [
      implement(OrderGatewayService, {
        placeOrder: ({ clientOrderId }, call) => {
          seen.push({ id: clientOrderId, authorization: call.header("authorization") });
          const failure = failures[seen.length - 1];
          return failure === undefined
            ? Promise.resolve({ order: { clientOrderId } })
            : Promise.reject(failure);
        },
      }),
    ],
    log: createLogger({ service: "test", level: "silent" as "fatal" }),
    metrics: createMetrics("test"),
    isReady: () => true,
  });
  const client = openBourse({ address: `127.0.0.1:${server.port}`, token: "abc", signal, random: () => 0 });
  closers.push(
    () => client.close(),
    () => server.close(500),
  );
  return { client, seen };
}

test("a call is made again with the same id until it has a final word", async () => {
  const { client, seen } = await clientOf([
    new DomainError("OUTCOME_UNKNOWN", { outcome: "UNKNOWN" }),
    new DomainError("SHARD_UNAVAILABLE", { outcome: "NOT_ATTEMPTED" }),
  ]);
  const { order } = await client.orders.placeOrder({ symbol: "BTC/USDT" });
  expect(seen).toHaveLength(3);
  expect(order?.clientOrderId).toMatch(/^[0-9a-f-]{36}$/);
  expect(seen.every(({ id }) => id === order?.clientOrderId)).toBe(true);
  expect(seen[0]?.authorization).toBe("Bearer abc");
});

test("a cancel-all and the orders of a batch keep the keys they were first sent with", async () => {
  const keys: string[][] = [];
  const answer = async (ids: string[]) => {
    keys.push(ids);
    if (keys.length % 2 === 1) throw new DomainError("SHARD_UNAVAILABLE", { outcome: "UNKNOWN" });
    return {};
  };
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    services: [
      implement(OrderGatewayService, {
        cancelAllOrders: ({ requestId }) => answer([requestId]),
        batchOrders: ({ items }) =>
          answer(items.map(({ command }) => (command.case === "place" ? command.value.clientOrderId : ""))),
      }),
    ],
    log: createLogger({ service: "test", level: "silent" as "fatal" }),
    metrics: createMetrics("test"),
    isReady: () => true,
  });
  const client = openBourse({ address: `127.0.0.1:${server.port}`, token: "abc", random: () => 0 });
  closers.push(
    () => client.close(),
    () => server.close(500),
  );
  await client.orders.cancelAllOrders({});
  const items = [{ case: "place", value: {} } as const, { case: "cancel", value: {} } as const];
  await client.orders.batchOrders({ items: items.map((command) => ({ command })) });
  const [first, again, batch, batchAgain] = keys;
  expect(first?.[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(again).toEqual(first);
  expect(batch).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), ""]);
  expect(batchAgain).toEqual(batch);
});

test("a final refusal is thrown at once", async () => {
  const { client, seen } = await clientOf([
    new DomainError("INSUFFICIENT_FUNDS", { outcome: "NOT_ACCEPTED" }),
  ]);
  await expect(client.orders.placeOrder({ clientOrderId: "a" })).rejects.toMatchObject({
    reason: "INSUFFICIENT_FUNDS",
  });
  expect(seen).toHaveLength(1);
});

test("told to stop, a call ends with its last failure", async () => {
  const stop = new AbortController();
  const { client } = await clientOf(
    Array.from({ length: 50 }, () => new DomainError("DRAINING", { outcome: "NOT_ATTEMPTED" })),
    stop.signal,
  );
  const placing = client.orders.placeOrder({ clientOrderId: "a" });
  stop.abort();
  await expect(placing).rejects.toBeInstanceOf(DomainError);
});

const cases: readonly [FailureReason, string, boolean][] = [
  ["OUTCOME_UNKNOWN", "UNKNOWN", true],
  ["WALLET_UNAVAILABLE", "NOT_ATTEMPTED", true],
  ["RATE_LIMITED", "NOT_ATTEMPTED", true],
  ["SHARD_READ_ONLY", "NOT_ATTEMPTED", true],
  ["SUBMIT_EXPIRED", "NOT_ACCEPTED", false],
  ["DEADLINE_EXCEEDED", "NOT_ATTEMPTED", true],
  ["TRANSPORT_FAILED", "", true],
  ["INTERNAL", "", true],
  ["PRICE_OFF_TICK", "NOT_ATTEMPTED", false],
  ["INSUFFICIENT_FUNDS", "NOT_ACCEPTED", false],
  ["CLIENT_ORDER_ID_REUSED", "NOT_ATTEMPTED", false],
  ["ORDER_NOT_FOUND", "", false],
  ["TOKEN_EXPIRED", "NOT_ATTEMPTED", false],
];
test.each(cases)("%s with outcome %j: repeating makes sense: %s", (reason, outcome, expected) => {
  expect(isWorthRepeating(new DomainError(reason, outcome === "" ? {} : { outcome }))).toBe(expected);
});

test("a client leaves the other connections of its program alone", async () => {
  await clientOf([]);
  // What channels inside the mesh listen to, to give up connections early.
  expect(channel("net.client.socket").hasSubscribers).toBe(false);
});
