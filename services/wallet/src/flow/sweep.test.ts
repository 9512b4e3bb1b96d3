import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { expect, test } from "vitest";
import type { Orphan } from "../io/wallet-client.js";
import { uuidOf } from "../testing/names.js";
import { silent } from "../testing/shard-server.js";
import { sweepOnce } from "./sweep.js";

/** A sweep over so many orphans, of which the shard refuses those before `goodFrom`. */
function sweepOver(orphansCount: number, goodFrom: number) {
  const orphans: Orphan[] = Array.from({ length: orphansCount }, (_, index) => {
    return { orderId: uuidOf(`orphan ${index}`), userId: uuidOf("user"), symbol: "BTC/USDT" };
  });
  const indexOf = (orderId: string | undefined) => orphans.findIndex((orphan) => orphan.orderId === orderId);
  const asked: number[] = [];
  const expiries = new Set<number>();
  const state = { timeMs: 1_000, isStopped: false };
  const options: Parameters<typeof sweepOnce>[0] = {
    shard: 0,
    state,
    wallet: {
      cursor: () => Promise.reject(new Error("not asked")),
      settle: () => Promise.reject(new Error("not asked")),
      markSequenced: () => Promise.reject(new Error("not asked")),
      async orphans(_shard, _olderThanMs, after) {
        const page = orphans.slice(indexOf(after) + 1).slice(0, 100);
        // The shard's time goes on meanwhile.
        state.timeMs += 1;
        return page;
      },
    },
    matcher: {
      reportCursor: () => Promise.reject(new Error("not asked")),
      async resolve({ orderId }, expiresAtMs) {
        const index = indexOf(orderId);
        asked.push(index);
        expiries.add(expiresAtMs);
        if (index < goodFrom) throw new DomainError("SYMBOL_NOT_FOUND");
        return false;
      },
    },
    orphanAgeMs: 0,
    resolveWithinMs: 10,
    log: silent,
  };
  return { options, orphans, asked, expiries };
}

test("orphans that their shard refuses hide none behind them", async () => {
  const { options, asked, expiries } = sweepOver(250, 240);
  expect(await sweepOnce(options)).toEqual({ known: 0, tombstones: 10 });
  expect(asked).toEqual(Array.from({ length: 250 }, (_, index) => index));
  // Each page counts from the time that was heard before it was read.
  expect([...expiries]).toEqual([1_010, 1_011, 1_012]);
});

test("a sweep ends after a thousand, and the next goes on behind them", async () => {
  const { options, orphans, asked } = sweepOver(1_150, 1_100);
  const { last, tombstones } = await sweepOnce(options);
  expect([asked.length, tombstones, last]).toEqual([1_000, 0, orphans[999]?.orderId]);
  expect(await sweepOnce(options, last)).toEqual({ known: 0, tombstones: 50 });
  expect(asked.at(-1)).toBe(1_149);
});
