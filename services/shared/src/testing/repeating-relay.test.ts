import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DomainError } from "../errors/domain-error.js";
import { WalletService } from "../gen/bourse/wallet/v1/wallet_pb.js";
import { implement } from "../rpc/call.js";
import { type Channel, createClient, openChannel } from "../rpc/client.js";
import { type GrpcServer, serveGrpc } from "../rpc/server.js";
import { createLogger } from "../runtime/log.js";
import { createMetrics } from "../runtime/metrics.js";
import { openRepeatingRelay, type RepeatingRelay } from "./repeating-relay.js";

const PATH = "/bourse.wallet.v1.WalletService/GetReservation";
let server: GrpcServer;
let relay: RepeatingRelay;
let channel: Channel;
let asked: string[];

beforeEach(async () => {
  asked = [];
  const handlers = implement(WalletService, {
    getReservation: async ({ orderId }) => {
      asked.push(orderId);
      if (orderId === "") throw new DomainError("RESERVATION_NOT_FOUND");
      return { reservation: { orderId } };
    },
    async *reserveStream(requests) {
      for await (const { reserves } of requests)
        yield { results: reserves.map(({ tag }) => ({ tag, outcome: { case: undefined } })) };
    },
  });
  server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    services: [handlers],
    log: createLogger({ service: "test", level: "silent" }),
    metrics: createMetrics("test"),
    isReady: () => true,
  });
  relay = await openRepeatingRelay([PATH]);
  relay.lead(server.port);
  channel = openChannel(`127.0.0.1:${relay.port}`);
});
afterEach(async () => {
  channel.close();
  await relay.close();
  await server.close(100);
});

const id = "6f0e6c9e-31a0-4d3e-8f6e-0c1a2b3c4d5e";

test("calls, failures and streams pass unchanged", async () => {
  const wallet = createClient(WalletService, channel);
  expect((await wallet.getReservation({ orderId: id })).reservation?.orderId).toBe(id);
  const failure = await wallet.getReservation({ orderId: "" }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(DomainError);
  const stream = wallet.reserveStream();
  stream.write({ reserves: [] });
  for await (const { results } of stream) {
    expect(results).toEqual([]);
    stream.end();
  }
  expect(relay.repeats).toBe(0);
});

test("a message arrives once more, now or later, and its sender hears one answer", async () => {
  const wallet = createClient(WalletService, channel);
  relay.repeatNext(1, 20);
  await wallet.getReservation({ orderId: id });
  await vi.waitFor(() => expect(asked).toEqual([id, id]));
  relay.repeatPast(2, () => 0);
  await vi.waitFor(() => expect(asked).toHaveLength(4));
  await vi.waitFor(() => expect(relay.pending).toBe(0));
  expect(relay.repeats).toBe(3);
});

test("a message that is held back arrives later", async () => {
  const wallet = createClient(WalletService, channel);
  await wallet.getReservation({ orderId: id });
  relay.holdNext(1, 60);
  const startedAt = performance.now();
  await wallet.getReservation({ orderId: id });
  expect(performance.now() - startedAt).toBeGreaterThan(55);
  expect(relay.held).toBe(1);
});
