import { describe, expect, test } from "vitest";
import { DomainError, type FailureReason } from "../errors/domain-error.js";
import { manualClock } from "../testing/clock.js";
import { seededRandom } from "../testing/random.js";
import { createLogger } from "./log.js";
import { createMetrics } from "./metrics.js";
import { guardWallet, measureGuard } from "./wallet-guard.js";

function newGuard() {
  const clock = manualClock();
  const moves: string[] = [];
  const guard = guardWallet({
    clock,
    random: seededRandom(1),
    breakerFailures: 5,
    breakerOpenMs: 30_000,
    breakerTrials: 10,
    watch: { onMove: (state) => moves.push(state) },
  });
  return { clock, moves, guard };
}

const fail = (reason: FailureReason) => () => Promise.reject(new DomainError(reason));

async function reasonOf<T>(call: Promise<T>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return error.reason;
  }
}

describe("the way to the wallet", () => {
  test("opens after five failures in a row, refuses at once, and tries again after its time", async () => {
    const { clock, moves, guard } = newGuard();
    for (let index = 0; index < 5; index += 1) await reasonOf(guard.once(fail("TRANSPORT_FAILED")));
    expect(moves).toEqual(["open"]);
    expect(await reasonOf(guard.once(async () => 1))).toBe("WALLET_UNAVAILABLE");
    clock.advance(30_000);
    for (let index = 0; index < 10; index += 1) expect(await reasonOf(guard.once(async () => 1))).toBe("ok");
    expect(moves).toEqual(["open", "half_open", "closed"]);
  });

  test("a broken stream counts once, however many calls it takes along", async () => {
    const { moves, guard } = newGuard();
    const broken = new DomainError("TRANSPORT_FAILED");
    const calls = Array.from({ length: 20 }, () => reasonOf(guard.once(() => Promise.reject(broken))));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["TRANSPORT_FAILED"]));
    expect(moves).toEqual([]);
    expect(guard.mayRetry(broken)).toBe(true);
    for (let index = 0; index < 3; index += 1) await reasonOf(guard.once(fail("TRANSPORT_FAILED")));
    expect(moves).toEqual([]);
    await reasonOf(guard.once(fail("TRANSPORT_FAILED")));
    expect(moves).toEqual(["open"]);
  });

  test("a wallet that refuses this gateway is away, whatever its callers may do", async () => {
    const { moves, guard } = newGuard();
    for (let index = 0; index < 5; index += 1)
      expect(await reasonOf(guard.retried(fail("FORBIDDEN")))).toBe("WALLET_UNAVAILABLE");
    expect(moves).toEqual(["open"]);
  });

  test("answers of the business neither open it nor are tried again", async () => {
    const { moves, guard } = newGuard();
    let calls = 0;
    const refuse = () => {
      calls += 1;
      return Promise.reject(new DomainError("RESERVATION_NOT_FOUND"));
    };
    for (let index = 0; index < 20; index += 1) {
      expect(await reasonOf(guard.retried(refuse))).toBe("RESERVATION_NOT_FOUND");
    }
    expect([calls, moves]).toEqual([20, []]);
  });

  test("a failure is tried three times with a pause, then the wallet is away", async () => {
    const { clock, guard } = newGuard();
    let calls = 0;
    const broken = reasonOf(
      guard.retried(() => {
        calls += 1;
        return Promise.reject(new DomainError("TRANSPORT_FAILED"));
      }),
    );
    for (let pause = 0; pause < 2; pause += 1) {
      await expect.poll(() => clock.sleeping()).toBe(1);
      clock.advance(100);
    }
    expect(await broken).toBe("WALLET_UNAVAILABLE");
    expect(calls).toBe(3);
  });

  test("while it is open nothing is tried again", async () => {
    const { guard } = newGuard();
    for (let index = 0; index < 5; index += 1) await reasonOf(guard.once(fail("INTERNAL")));
    let calls = 0;
    const call = async () => {
      calls += 1;
    };
    expect(await reasonOf(guard.retried(call))).toBe("WALLET_UNAVAILABLE");
    expect(calls).toBe(0);
  });

  test("callers who do not wait do not open it, a wallet that keeps them waiting does", async () => {
    const { clock, moves, guard } = newGuard();
    const timeOut = (afterMs: number) =>
      reasonOf(
        guard.once(() => {
          clock.advance(afterMs);
          return Promise.reject(new DomainError("DEADLINE_EXCEEDED"));
        }),
      );
    for (let index = 0; index < 20; index += 1) expect(await timeOut(999)).toBe("DEADLINE_EXCEEDED");
    expect(moves).toEqual([]);
    // They are no successes either: the failures around them are still in a row.
    for (let index = 0; index < 5; index += 1) {
      await timeOut(1);
      await timeOut(1_000);
    }
    expect(moves).toEqual(["open"]);
  });

  test("how many failures, how long and how many trials is a setting", async () => {
    const clock = manualClock();
    const moves: string[] = [];
    const guard = guardWallet({
      clock,
      random: seededRandom(1),
      breakerFailures: 2,
      breakerOpenMs: 700,
      breakerTrials: 3,
      watch: { onMove: (state) => moves.push(state) },
    });
    for (let index = 0; index < 2; index += 1) await reasonOf(guard.once(fail("TRANSPORT_FAILED")));
    clock.advance(699);
    expect(() => guard.check()).toThrow("wallet");
    clock.advance(1);
    const ends: (() => void)[] = [];
    const trials = Array.from({ length: 3 }, () =>
      reasonOf(guard.once(() => new Promise<void>((resolve) => ends.push(resolve)))),
    );
    expect(await reasonOf(guard.once(async () => 1))).toBe("WALLET_UNAVAILABLE");
    for (const end of ends) end();
    await Promise.all(trials);
    expect(moves).toEqual(["open", "half_open", "closed"]);
  });

  test("a call that never left says so, one that may have worked does not", async () => {
    const { guard } = newGuard();
    const outcomeOf = async (call: Promise<unknown>) => {
      const error = (await call.catch((failure: unknown) => failure)) as DomainError;
      return [error.reason, error.facts.outcome ?? "unsaid", error.facts.retry_after_ms !== undefined];
    };
    for (let index = 0; index < 4; index += 1) await reasonOf(guard.once(fail("INTERNAL")));
    expect(await outcomeOf(guard.retried(fail("INTERNAL")))).toEqual(["WALLET_UNAVAILABLE", "unsaid", true]);
    expect(await outcomeOf(guard.retried(async () => 1))).toEqual([
      "WALLET_UNAVAILABLE",
      "NOT_ATTEMPTED",
      true,
    ]);
  });

  test("no attempt begins after the caller's deadline", async () => {
    const { clock, guard } = newGuard();
    let calls = 0;
    const call = () => {
      calls += 1;
      clock.advance(40);
      return Promise.reject(new DomainError("TRANSPORT_FAILED"));
    };
    expect(await reasonOf(guard.retried(call, { deadlineMs: 40 }))).toBe("WALLET_UNAVAILABLE");
    expect(calls).toBe(1);
  });

  test("callers who go away do not open it", async () => {
    const { moves, guard } = newGuard();
    for (let index = 0; index < 20; index += 1) await reasonOf(guard.once(fail("CANCELLED")));
    expect(moves).toEqual([]);
  });

  test("state, moves, refusals and retries are metrics", async () => {
    const clock = manualClock();
    const metrics = createMetrics("test");
    const guard = guardWallet({
      clock,
      random: () => 0,
      breakerFailures: 5,
      breakerOpenMs: 30_000,
      breakerTrials: 1,
      watch: measureGuard(metrics, createLogger({ service: "test", level: "silent" })),
    });
    const sleepless = reasonOf(guard.retried(fail("TRANSPORT_FAILED")));
    for (let pause = 0; pause < 2; pause += 1) {
      await expect.poll(() => clock.sleeping()).toBe(1);
      clock.advance(1);
    }
    await sleepless;
    for (let index = 0; index < 2; index += 1) await reasonOf(guard.once(fail("INTERNAL")));
    for (let index = 0; index < 7; index += 1) await reasonOf(guard.once(async () => 1));
    const valuesOf = async (name: string) => (await metrics.registry.getSingleMetric(name)?.get())?.values;
    expect(await valuesOf("bourse_wallet_breaker_state")).toMatchObject([{ value: 2 }]);
    expect(await valuesOf("bourse_wallet_breaker_rejections_total")).toMatchObject([{ value: 7 }]);
    expect(await valuesOf("bourse_wallet_retries_total")).toMatchObject([{ value: 2 }]);
    clock.advance(30_000);
    await guard.once(async () => 1);
    await expect.poll(() => valuesOf("bourse_wallet_breaker_state")).toMatchObject([{ value: 0 }]);
    expect(await valuesOf("bourse_wallet_breaker_transitions_total")).toMatchObject(
      ["open", "half_open", "closed"].map((state) => ({ labels: { state }, value: 1 })),
    );
  });
});
