import { expect, test } from "vitest";
import { createShardFeed, whyNotShown } from "./shard-feed.js";

const silent = (shard: number) => createShardFeed(shard, 10);
const catchingUp = (shard: number) => ({ ...silent(shard), showFromSeq: 5 });
const current = (shard: number) => ({ ...silent(shard), showFromSeq: 0 });

test("all shards are waited for at first, and a silent one not for ever", () => {
  expect(whyNotShown([current(0), current(1)], true)).toBeUndefined();
  expect(whyNotShown([current(0), silent(1)], true)).toBe("shard 1 not heard yet");
  expect(whyNotShown([current(0), silent(1)], false)).toBeUndefined();
});

test("a shard that is heard is waited for, and nothing is shown of none", () => {
  expect(whyNotShown([current(0), catchingUp(1)], false)).toBe("shard 1 catching up");
  expect(whyNotShown([silent(0), silent(1)], false)).toBe("shard 0 not heard yet, 1 not heard yet");
});
