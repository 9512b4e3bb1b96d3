import dns from "node:dns";
import { afterEach, expect, test, vi } from "vitest";
import { MatcherService } from "../gen/bourse/matcher/v1/matcher_pb.js";
import { createLogger } from "../runtime/log.js";
import { createMetrics } from "../runtime/metrics.js";
import { implement } from "./call.js";
import { createClient, openChannel } from "./client.js";
import { serveGrpc } from "./server.js";

afterEach(() => void vi.restoreAllMocks());

test("a call that waits for its connection has a name that was not found looked up again", async () => {
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    services: [implement(MatcherService, { getShardState: async () => ({ seq: 7n }) })],
    log: createLogger({ service: "test", level: "silent" as "fatal" }),
    metrics: createMetrics("test"),
    isReady: () => true,
  });
  let lookUps = 0;
  const lookup = async () => {
    lookUps += 1;
    // The pod is away for longer than the first look-ups take.
    if (lookUps < 5) throw new Error("getaddrinfo ENOTFOUND matcher-1");
    return [{ address: "127.0.0.1", family: 4 }];
  };
  vi.spyOn(dns.promises, "lookup").mockImplementation(lookup as never);
  const channel = openChannel(`matcher-1.test:${server.port}`);
  const { getShardState } = createClient(MatcherService, channel);
  try {
    const answer = await getShardState({}, { timeoutMs: 10_000, waitForReady: true });
    expect(answer.seq).toBe(7n);
    expect(lookUps).toBe(5);
  } finally {
    channel.close();
    await server.close(1_000);
  }
});
