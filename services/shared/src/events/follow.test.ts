import { expect, test } from "vitest";
import { AssertionFailed } from "../assert.js";
import { DomainError } from "../errors/domain-error.js";
import { systemClock as clock } from "../runtime/clock.js";
import { createLogger } from "../runtime/log.js";
import { type FollowOptions, followShard } from "./follow.js";

/** Follows a shard that says nothing after its header; each connection fails behind it with the next of these. */
async function followSilent(failures: readonly Error[]) {
  const stop = new AbortController();
  const ended: string[] = [];
  let connections = 0;
  let connection = new AbortController();
  const options = {
    shard: 0,
    matcher: {
      async *streamEvents(_request: unknown, { signal }: { signal: AbortSignal }) {
        yield { kind: { case: "header", value: { shard: 0, endSeq: 0n, markets: [] } } };
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        throw new DomainError("TRANSPORT_FAILED");
      },
    } as unknown as FollowOptions["matcher"],
    async after() {
      connection = new AbortController();
      return { epoch: 0, seq: 0 };
    },
    failed: () => connection.signal,
    onHeader: () => void setImmediate(() => connection.abort(failures[connections++])),
    onRecords: () => {},
    onDisconnect({ reason }: DomainError) {
      ended.push(reason);
      if (ended.length === failures.length) stop.abort();
    },
    signal: stop.signal,
    clock,
    log: createLogger({ service: "test", level: "silent" }),
  };
  await followShard(options);
  return ended;
}

test("a failure behind a silent shard ends each connection, which says that it was it", async () => {
  const failures = [new DomainError("SEQ_GAP"), new DomainError("STALE_EPOCH")];
  expect(await followSilent(failures)).toEqual(["SEQ_GAP", "STALE_EPOCH"]);
});

test("a false assertion behind a silent shard ends the follower", async () => {
  await expect(followSilent([new AssertionFailed("wrong")])).rejects.toThrow(AssertionFailed);
});
