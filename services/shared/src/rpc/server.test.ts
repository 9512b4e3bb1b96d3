import { setMaxListeners } from "node:events";
import { afterEach, expect, test } from "vitest";
import { DomainError } from "../errors/domain-error.js";
import { MatcherService } from "../gen/bourse/matcher/v1/matcher_pb.js";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "../gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.js";
import { createLogger } from "../runtime/log.js";
import { createMetrics } from "../runtime/metrics.js";
import { type Guard, type Handlers, implement } from "./call.js";
import { createClient, openChannel } from "./client.js";
import { serveGrpc } from "./server.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function meshOf(
  handlers: Handlers<typeof MatcherService>,
  guards: Guard[] = [],
  messageBytesMax = 4_000_000,
) {
  const state = { isReady: true };
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    services: [implement(MatcherService, handlers)],
    log: createLogger({ service: "test", level: "silent" as "fatal" }),
    metrics: createMetrics("test"),
    isReady: () => state.isReady,
    guards,
    messageBytesMax,
  });
  const channel = openChannel(`127.0.0.1:${server.port}`);
  closers.push(
    () => channel.close(),
    () => server.close(1_000),
  );
  return { server, channel, state, matcher: createClient(MatcherService, channel) };
}

test("a failure crosses the wire whole, and one that is not ours leaves as INTERNAL without a word", async () => {
  const { matcher } = await meshOf({
    getOrder: ({ orderId }) => {
      if (orderId === "bug") return Promise.reject(new Error("secret detail"));
      return Promise.reject(new DomainError("ORDER_NOT_FOUND", { order_id: orderId }));
    },
  });
  await expect(matcher.getOrder({ orderId: "x" })).rejects.toMatchObject({
    reason: "ORDER_NOT_FOUND",
    facts: { order_id: "x" },
  });
  const bug = await matcher.getOrder({ orderId: "bug" }).catch((error: DomainError) => error);
  expect(bug).toMatchObject({ reason: "INTERNAL", facts: {} });
  expect(JSON.stringify(bug)).not.toContain("secret");
  await expect(matcher.getBook({ symbol: "x" })).rejects.toMatchObject({ reason: "UNIMPLEMENTED" });
});

test("a deadline is passed on and ends the call", async () => {
  let seenMs = 0;
  const { matcher } = await meshOf({
    getShardState: (_, call) => {
      seenMs = (call.deadlineMs ?? 0) - Date.now();
      return new Promise((_, reject) =>
        call.signal.addEventListener("abort", () => reject(new DomainError("CANCELLED"))),
      );
    },
  });
  await expect(matcher.getShardState({}, { timeoutMs: 200 })).rejects.toMatchObject({
    reason: "DEADLINE_EXCEEDED",
  });
  expect(seenMs).toBeGreaterThan(50);
  expect(seenMs).toBeLessThanOrEqual(200);
});

test("two-way streams pipeline in order, and end whole when the server drains", async () => {
  const { server, matcher } = await meshOf({
    async *commandStream(requests) {
      for await (const { commands } of requests) yield { results: commands.map(() => ({ seq: 1n })) };
    },
  });
  const stream = matcher.commandStream();
  for (let i = 0; i < 100; i += 1) stream.write({ commands: [{}, {}] });
  let results = 0;
  let closing: Promise<void> | undefined;
  for await (const response of stream) {
    results += response.results.length;
    if (results === 200) closing = server.close(5_000);
  }
  expect(results).toBe(200);
  await closing;
});

test("a two-way stream that fails before anybody reads it fails all the same", async () => {
  const { matcher } = await meshOf({
    // biome-ignore lint/correctness/useYield: it fails before it answers.
    async *commandStream() {
      throw new DomainError("OVERLOADED");
    },
  });
  const stream = matcher.commandStream();
  stream.write({ commands: [] });
  // Calls behind it on the same connection have come back: the failure is here.
  for (let i = 0; i < 5; i += 1) await matcher.getShardState({}).catch(() => {});
  const read = async () => {
    for await (const _ of stream);
  };
  await expect(read()).rejects.toMatchObject({ reason: "OVERLOADED" });
});

test("server streams end with DRAINING when the server drains", async () => {
  const { server, matcher } = await meshOf({
    async *watchShard(_, call) {
      yield { shard: 7 };
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    },
  });
  const seen: number[] = [];
  const follow = async () => {
    for await (const { shard } of matcher.watchShard({})) {
      seen.push(shard);
      void server.close(5_000);
    }
  };
  await expect(follow()).rejects.toMatchObject({ reason: "DRAINING" });
  expect(seen).toEqual([7]);
});

test("guards run before the handler and may refuse", async () => {
  const guard: Guard = (call) => {
    if (call.header("authorization") !== "Bearer good") throw new DomainError("UNAUTHENTICATED");
  };
  const { matcher } = await meshOf({ getShardState: async () => ({ shard: 3 }) }, [guard]);
  await expect(matcher.getShardState({})).rejects.toMatchObject({ reason: "UNAUTHENTICATED" });
  const headers = { authorization: "Bearer good" };
  expect((await matcher.getShardState({}, { headers })).shard).toBe(3);
});

test("health tells the truth and reflection lists what is served", async () => {
  const { channel, state } = await meshOf({});
  const health = createClient(Health, channel);
  expect((await health.check({ service: MatcherService.typeName })).status).toBe(Serving.SERVING);
  state.isReady = false;
  expect((await health.check({})).status).toBe(Serving.NOT_SERVING);
  // By its own contract; probes take UNIMPLEMENTED for a server without health.
  await expect(health.check({ service: "bourse.Nothing" })).rejects.toMatchObject({
    reason: "SERVICE_NOT_FOUND",
  });
  const stream = createClient(ServerReflection, channel).serverReflectionInfo();
  stream.write({ messageRequest: { case: "listServices", value: "" } });
  stream.write({
    messageRequest: { case: "fileContainingSymbol", value: "bourse.matcher.v1.MatcherService.Submit" },
  });
  stream.end();
  const answers = [];
  for await (const { messageResponse } of stream) answers.push(messageResponse);
  expect(answers[0]?.value).toMatchObject({
    service: [{ name: "bourse.matcher.v1.MatcherService" }, { name: "grpc.health.v1.Health" }],
  });
  expect(answers[1]?.case).toBe("fileDescriptorResponse");
});

test("a message above the limit gets a precise error, and a call that changes something says what is certain", async () => {
  const { matcher } = await meshOf({ getOrder: async () => ({}), submit: async () => ({}) }, [], 1_000);
  await expect(matcher.getOrder({ orderId: "x".repeat(1_000) })).rejects.toMatchObject({
    reason: "MESSAGE_TOO_LARGE",
    facts: {},
  });
  await expect(matcher.submit({ traceparent: "x".repeat(1_000) })).rejects.toMatchObject({
    reason: "MESSAGE_TOO_LARGE",
    facts: { outcome: "NOT_ATTEMPTED" },
  });
  expect(await matcher.getOrder({ orderId: "x".repeat(900) })).toBeDefined();
});

test("subscriptions of many callers over one connection leave room for reads", async () => {
  const subscribers = 150;
  let open = 0;
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    services: [
      implement(MatcherService, {
        getShardState: async () => ({ seq: 7n }),
        async *watchShard(_, call) {
          open += 1;
          await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
          yield {};
        },
      }),
    ],
    log: createLogger({ service: "test", level: "silent" as "fatal" }),
    metrics: createMetrics("test"),
    isReady: () => true,
    concurrentStreamsMax: subscribers + 1,
  });
  const channel = openChannel(`127.0.0.1:${server.port}`);
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  closers.push(
    () => channel.close(),
    () => server.close(1_000),
    () => stop.abort(),
  );
  const matcher = createClient(MatcherService, channel);
  const reading = Array.from({ length: subscribers }, async () => {
    for await (const _ of matcher.watchShard({}, { signal: stop.signal }));
  });
  void Promise.allSettled(reading);
  await expect.poll(() => open).toBe(subscribers);
  await expect(matcher.getShardState({}, { timeoutMs: 2_000 })).resolves.toMatchObject({ seq: 7n });
});
