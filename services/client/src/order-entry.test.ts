import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import { toStatus } from "@bourse/shared/errors/to-wire.js";
import {
  type OrderEntryRequest,
  type OrderEntryResponseSchema,
  OrderGatewayService,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { type Handlers, implement } from "@bourse/shared/rpc/call.js";
import { type GrpcServer, serveGrpc } from "@bourse/shared/rpc/server.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "vitest";
import { type BourseClient, openBourse } from "./bourse-client.js";
import type { EntryCommand, EntryResult } from "./order-entry.js";

type Response = NonNullable<MessageInitShape<typeof OrderEntryResponseSchema>["result"]>;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Answers one command of a stream, or throws to end the stream. */
type Answer = (id: string, stream: number, index: number) => Response;

async function serve(handlers: Handlers<typeof OrderGatewayService>, port = 0): Promise<GrpcServer> {
  const server = await serveGrpc({
    host: "127.0.0.1",
    port,
    services: [implement(OrderGatewayService, handlers)],
    log: createLogger({ service: "test", level: "silent" as "fatal" }),
    metrics: createMetrics("test"),
    isReady: () => true,
  });
  closers.push(() => server.close(500));
  return server;
}

/** A gateway that keeps what it was sent, stream by stream, and answers as told. */
async function gatewayOf(answer: Answer, port = 0) {
  const streams: string[][] = [];
  const server = await serve(
    {
      async *orderEntry(requests) {
        const seen: string[] = [];
        streams.push(seen);
        const number = streams.length;
        let index = 0;
        for await (const { command } of requests) {
          const id = command.case === "place" ? command.value.clientOrderId : "?";
          seen.push(id);
          yield { index: BigInt(index), result: answer(id, number, index) };
          index += 1;
        }
      },
    },
    port,
  );
  return { server, streams };
}

function clientOf(server: GrpcServer, signal?: AbortSignal): BourseClient {
  const client = openBourse({ address: `127.0.0.1:${server.port}`, signal, token: "t" });
  closers.push(() => client.close());
  return client;
}

function entryOf(
  server: GrpcServer,
  options: { windowMax?: number; signal?: AbortSignal; renews?: boolean } = {},
) {
  const renew = (command: EntryCommand): EntryCommand => place(`${idOf(command)}.again`);
  return clientOf(server, options.signal).openOrderEntry({
    windowMax: options.windowMax ?? 8,
    ...(options.renews === true ? { renew } : {}),
  });
}

const place = (clientOrderId: string): EntryCommand => ({
  command: { case: "place", value: { clientOrderId } },
});

function idOf({ command }: EntryCommand): string {
  return command?.case === "place" ? (command.value.clientOrderId ?? "") : "";
}

const placed = (clientOrderId: string): Response => ({
  case: "placed",
  value: { order: { clientOrderId, status: OrderStatus.OPEN }, sequence: 1n },
});
const tombstone: Response = {
  case: "placed",
  value: { order: { status: OrderStatus.REJECTED, reason: EndReason.NOT_SEQUENCED } },
};
const failed = (reason: FailureReason, facts: Record<string, string> = {}): Response => ({
  case: "error",
  value: toStatus(new DomainError(reason, facts)),
});

const ids = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`);
const answeredIds = (results: readonly EntryResult[]) =>
  results.map(({ answer }) => (answer.type === "placed" ? answer.order.clientOrderId : answer.type));

test("commands are pipelined and results come in order", async () => {
  const { server, streams } = await gatewayOf((id) => placed(id));
  const entry = entryOf(server, { windowMax: 16 });
  const results = await Promise.all(ids(200).map((id) => entry.send(place(id))));
  expect(answeredIds(results)).toEqual(ids(200));
  expect(streams).toEqual([ids(200)]);
  expect(results.every(({ attempts, renewals }) => attempts === 1 && renewals === 0)).toBe(true);
  await entry.close();
});

test("no more than the window is unanswered on the wire", async () => {
  let received = 0;
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const server = await serve({
    // Reads everything that comes, and answers only once the gate is open.
    async *orderEntry(requests) {
      const commands: OrderEntryRequest[] = [];
      const reading = (async () => {
        for await (const command of requests) {
          commands.push(command);
          received += 1;
        }
      })();
      await opened;
      for (let index = 0; index < 6; index += 1) {
        while (commands.length <= index) await new Promise((resolve) => setImmediate(resolve));
        yield { index: BigInt(index), result: placed(String(index)) };
      }
      await reading;
    },
    getOrder: () => Promise.resolve({}),
  });
  const client = clientOf(server);
  const entry = client.openOrderEntry({ windowMax: 4 });
  const sent = ids(6).map((id) => entry.send(place(id)));
  // Two calls on the same connection: what was written before them has been read by then.
  while (received < 4) await client.orders.getOrder({});
  await client.orders.getOrder({});
  expect(received).toBe(4);
  open();
  expect(answeredIds(await Promise.all(sent))).toEqual(["0", "1", "2", "3", "4", "5"]);
  expect(entry.unanswered).toBe(0);
  await entry.close();
});

test("after a break what is unanswered goes again in order, one by one, and nothing is lost or doubled", async () => {
  const { server, streams } = await gatewayOf((id, stream, index) => {
    if (stream === 1 && index === 5) throw new DomainError("DRAINING");
    return placed(id);
  });
  const entry = entryOf(server, { windowMax: 4 });
  const results = await Promise.all(ids(30).map((id) => entry.send(place(id))));
  expect(answeredIds(results)).toEqual(ids(30));
  expect(streams[1]).toEqual(ids(30).slice(5));
  expect(results[5]?.attempts).toBe(2);
  expect(results.at(-1)?.attempts).toBe(1);
});

test.each([
  ["OUTCOME_UNKNOWN", { outcome: "UNKNOWN" }],
  ["WALLET_UNAVAILABLE", { outcome: "NOT_ATTEMPTED" }],
] as const)("a command that comes back %s is sent again until its final word", async (reason, facts) => {
  const { server, streams } = await gatewayOf((id, stream, index) =>
    stream <= 2 && index === 1 ? failed(reason, facts) : placed(id),
  );
  const entry = entryOf(server);
  const results = await Promise.all(ids(6).map((id) => entry.send(place(id))));
  expect(answeredIds(results)).toEqual(ids(6));
  expect(streams[1]?.slice(0, 2)).toEqual(["c1", "c2"]);
  expect(streams[2]?.[0]).toBe("c2");
});

test("a business refusal is a final word and the stream goes on", async () => {
  const { server, streams } = await gatewayOf((id, _, index) =>
    index === 1 ? failed("INSUFFICIENT_FUNDS", { outcome: "NOT_ACCEPTED" }) : placed(id),
  );
  const entry = entryOf(server, { renews: true });
  const results = await Promise.all(ids(3).map((id) => entry.send(place(id))));
  expect(results.map(({ answer }) => answer.type)).toEqual(["placed", "refused", "placed"]);
  expect(streams).toHaveLength(1);
});

test("a doubtful command that became a tombstone is renewed before the next one is sent", async () => {
  const { server, streams } = await gatewayOf((id, stream, index) => {
    if (stream === 1 && index === 2) throw new DomainError("SHARD_UNAVAILABLE");
    return stream === 2 && id === "c3" ? tombstone : placed(id);
  });
  const entry = entryOf(server, { renews: true, windowMax: 8 });
  const results = await Promise.all(ids(8).map((id) => entry.send(place(id))));
  expect(streams[1]).toEqual(["c2", "c3", "c3.again", "c4", "c5", "c6", "c7"]);
  expect(results[3]).toMatchObject({ renewals: 1, answer: { type: "placed" } });
  expect(idOf(results[3]?.command ?? {})).toBe("c3.again");
});

test("it survives that the whole exchange is away and comes back", async () => {
  const first = await gatewayOf((id, _, index) => {
    if (index === 3) throw new DomainError("DRAINING");
    return placed(id);
  });
  const entry = entryOf(first.server);
  const sent = ids(10).map((id) => entry.send(place(id)));
  await sent[2];
  await first.server.close(100);
  const second = await gatewayOf((id) => placed(id), first.server.port);
  const results = await Promise.all(sent);
  expect(answeredIds(results)).toEqual(ids(10));
  expect(second.streams.flat()).toEqual(ids(10).slice(3));
});

test("a stream that is refused for good rejects what is unanswered and what comes later", async () => {
  const { server } = await gatewayOf(() => {
    throw new DomainError("INSUFFICIENT_SCOPE");
  });
  const entry = entryOf(server);
  await expect(entry.send(place("a"))).rejects.toMatchObject({ reason: "INSUFFICIENT_SCOPE" });
  await expect(entry.send(place("b"))).rejects.toMatchObject({ reason: "INSUFFICIENT_SCOPE" });
});

test("told to stop, it rejects what has no final word yet", async () => {
  const { server } = await gatewayOf((_, __, index) => {
    if (index === 0) throw new DomainError("SHARD_UNAVAILABLE");
    return placed("never");
  });
  const stop = new AbortController();
  const entry = entryOf(server, { signal: stop.signal });
  const sent = entry.send(place("a"));
  stop.abort();
  await expect(sent).rejects.toMatchObject({ reason: "CANCELLED" });
});
