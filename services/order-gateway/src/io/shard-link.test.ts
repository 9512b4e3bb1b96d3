import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { OrderType, Side, TimeInForce } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { type Channel, connected, createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type MemoryShard, startMemoryShard } from "../testing/memory-shard.js";
import { type CommandMessage, type LaneState, ShardLink } from "./shard-link.js";

let shard: MemoryShard;
let channel: Channel;
let link: ShardLink;

beforeEach(async () => {
  shard = await startMemoryShard();
  channel = openChannel(`127.0.0.1:${shard.port}`);
  const client = createClient(MatcherService, channel);
  link = new ShardLink({
    client,
    clock,
    random: seededRandom(1),
    connected: () => connected(channel, 2_000),
  });
});
afterEach(async () => {
  link.close();
  channel.close();
  await shard.close();
});

function submit(name: string): CommandMessage {
  const terms = {
    orderId: name,
    userId: "user",
    clientOrderId: name,
    symbol: "BTC/USDT",
    side: Side.BUY,
    type: OrderType.LIMIT,
    timeInForce: TimeInForce.GTC,
  };
  return { kind: { case: "submit", value: { terms } } };
}

/** What became of a command: "ok", or reason and outcome. */
async function resultOf(name: string, lane?: LaneState, timeoutMs = 20_000): Promise<string> {
  try {
    await link.execute(submit(name), { lane, deadlineMs: Date.now() + timeoutMs });
    return "ok";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return `${error.reason}/${error.facts.outcome}`;
  }
}

describe("commands to a shard", () => {
  test("are sequenced once each and in order through broken streams", async () => {
    const names = Array.from({ length: 200 }, (_, index) => `n${index}`);
    shard.loseAnswers(3);
    const results = await Promise.all(names.map((name) => resultOf(name)));
    expect(new Set(results)).toEqual(new Set(["ok"]));
    expect(shard.log).toEqual(names.map((name) => `+${name}`));
  });

  test("wait while the shard takes none, and go when it does", async () => {
    shard.show({ isOpen: false });
    const waiting = resultOf("early");
    await expect.poll(() => shard.streamsRefused, { interval: 10, timeout: 15_000 }).toBeGreaterThan(1);
    shard.show({ isOpen: true });
    expect(await waiting).toBe("ok");
  });

  test("are given up at their deadline; what was sent is in doubt, what was not did nothing", async () => {
    const held = shard.holdAnswers();
    expect(await resultOf("sent", undefined, 100)).toBe("DEADLINE_EXCEEDED/UNKNOWN");
    held.release();
    expect(await resultOf("next")).toBe("ok");
  });

  test("of one lane end together: none is sent after one was given up", async () => {
    const lane: LaneState = { isBroken: false };
    const held = shard.holdAnswers();
    const first = resultOf("a", lane, 100);
    const second = resultOf("b", lane);
    const other = resultOf("c");
    expect([await first, await second]).toEqual(["DEADLINE_EXCEEDED/UNKNOWN", "DEADLINE_EXCEEDED/UNKNOWN"]);
    expect(await resultOf("d", lane)).toBe("SHARD_UNAVAILABLE/NOT_ATTEMPTED");
    held.release();
    expect(await other).toBe("ok");
    expect(shard.log).not.toContain("+d");
  });

  test("are refused when the link closes", async () => {
    shard.show({ isOpen: false });
    const waiting = resultOf("late");
    link.close();
    expect(await waiting).toBe("DRAINING/NOT_ATTEMPTED");
    expect(await resultOf("later")).toBe("DRAINING/NOT_ATTEMPTED");
  });
});
