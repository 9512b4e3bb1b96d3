import { tradeIdOf } from "@bourse/shared/ids.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TradeIds } from "./trade-id.js";

function derived(shard: number, seq: number, index: number): string {
  const ids = new TradeIds(shard);
  // A longer name before leaves nothing behind.
  ids.derive(Number.MAX_SAFE_INTEGER, 19_999);
  ids.derive(seq, index);
  const hex = [ids.w0, ids.w1, ids.w2, ids.w3]
    .map((word) => (word >>> 0).toString(16).padStart(8, "0"))
    .join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

test("ids of trades are those that everybody derives from shard, seq and index", () => {
  const seqs = fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.nat(65_535), seqs, fc.nat(19_999), (shard, seq, index) => {
      expect(derived(shard, seq, index)).toBe(tradeIdOf(shard, seq, index));
    }),
    { numRuns: 500 },
  );
  expect(derived(65_535, Number.MAX_SAFE_INTEGER, 19_999)).toBe(
    tradeIdOf(65_535, Number.MAX_SAFE_INTEGER, 19_999),
  );
});
