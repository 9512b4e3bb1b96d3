import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bucket, takeTokens } from "./rate-limit.js";

const rate = { perSecond: 10, burst: 10 };

describe("token buckets", () => {
  test("ten requests pass at once, the eleventh is told when to come again", () => {
    let bucket: Bucket | undefined;
    for (let index = 0; index < 10; index += 1) {
      const take = takeTokens(rate, bucket, 0);
      expect(take.isAllowed).toBe(true);
      expect(take.remaining).toBe(9 - index);
      bucket = take.bucket;
    }
    const eleventh = takeTokens(rate, bucket, 0);
    expect(eleventh).toMatchObject({ isAllowed: false, remaining: 0, retryAfterMs: 100, resetMs: 1_000 });
    expect(takeTokens(rate, eleventh.bucket, 99).isAllowed).toBe(false);
    expect(takeTokens(rate, eleventh.bucket, 100).isAllowed).toBe(true);
  });

  test("in any second no more pass than the rate and one burst, whatever the pattern", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 300 }), (gaps) => {
        let bucket: Bucket | undefined;
        let nowMs = 0;
        const passed: number[] = [];
        for (const gap of gaps) {
          nowMs += gap;
          const take = takeTokens(rate, bucket, nowMs);
          bucket = take.bucket;
          if (take.isAllowed) passed.push(nowMs);
        }
        for (const start of passed) {
          const inSecond = passed.filter((at) => at >= start && at < start + 1_000).length;
          expect(inSecond).toBeLessThanOrEqual(rate.burst + rate.perSecond);
        }
      }),
    );
  });

  test("what costs more than a bucket holds passes when it is full, and is paid back", () => {
    const dear = takeTokens(rate, undefined, 0, 20);
    expect(dear).toMatchObject({ isAllowed: true, remaining: 0, resetMs: 2_000 });
    expect(takeTokens(rate, dear.bucket, 1_000)).toMatchObject({ isAllowed: false, retryAfterMs: 100 });
    expect(takeTokens(rate, dear.bucket, 1_100).isAllowed).toBe(true);
    const used = takeTokens(rate, undefined, 0).bucket;
    expect(takeTokens(rate, used, 0, 20)).toMatchObject({ isAllowed: false, retryAfterMs: 100 });
    expect(takeTokens(rate, dear.bucket, 1_900, 20).isAllowed).toBe(false);
    expect(takeTokens(rate, dear.bucket, 2_000, 20).isAllowed).toBe(true);
  });

  test("a clock that stands still or steps back gives nothing away", () => {
    const empty = { tokens: 0, updatedMs: 1_000 };
    expect(takeTokens(rate, empty, 500).isAllowed).toBe(false);
  });
});
