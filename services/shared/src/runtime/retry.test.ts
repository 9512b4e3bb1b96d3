import { expect, test } from "vitest";
import { DomainError } from "../errors/domain-error.js";
import { isInfrastructureFailure } from "../errors/from-wire.js";
import { manualClock } from "../testing/clock.js";
import { createBreaker, retry } from "./retry.js";

const away = () => Promise.reject(new DomainError("TRANSPORT_FAILED"));
const refused = () => Promise.reject(new DomainError("INSUFFICIENT_FUNDS"));
const fine = () => Promise.resolve("fine");

function breakerOn(clock: ReturnType<typeof manualClock>) {
  return createBreaker({
    failuresToOpen: 5,
    openMs: 30_000,
    trialsMax: 10,
    successesToClose: 10,
    clock,
    isInfrastructureFailure,
    reason: "WALLET_UNAVAILABLE",
  });
}

test("five failures in a row open the breaker, ten successes after 30 s close it", async () => {
  const clock = manualClock();
  const breaker = breakerOn(clock);
  for (let i = 0; i < 5; i += 1) await expect(breaker.run(away)).rejects.toThrow();
  expect(breaker.state()).toBe("open");
  await expect(breaker.run(fine)).rejects.toMatchObject({
    reason: "WALLET_UNAVAILABLE",
    facts: { retry_after_ms: "30000" },
  });
  clock.advance(30_000);
  for (let i = 0; i < 10; i += 1) expect(await breaker.run(fine)).toBe("fine");
  expect(breaker.state()).toBe("closed");
});

test("answers of the business never count as failures", async () => {
  const breaker = breakerOn(manualClock());
  for (let i = 0; i < 20; i += 1) await expect(breaker.run(refused)).rejects.toThrow();
  expect(breaker.state()).toBe("closed");
});

test("half open lets ten in at once, and one failure opens it again", async () => {
  const clock = manualClock();
  const breaker = breakerOn(clock);
  for (let i = 0; i < 5; i += 1) await expect(breaker.run(away)).rejects.toThrow();
  clock.advance(30_000);
  const ends: ((error: Error) => void)[] = [];
  const trials = Array.from({ length: 10 }, () =>
    breaker.run(() => new Promise((_, reject) => ends.push(reject))),
  );
  await expect(breaker.run(fine)).rejects.toMatchObject({ reason: "WALLET_UNAVAILABLE" });
  ends[0]?.(new DomainError("TRANSPORT_FAILED"));
  await expect(trials[0]).rejects.toThrow();
  expect(breaker.state()).toBe("open");
  for (const end of ends) end(new DomainError("TRANSPORT_FAILED"));
  await Promise.allSettled(trials);
});

test("an answer that comes in a later state counts for nothing there", async () => {
  const clock = manualClock();
  const breaker = breakerOn(clock);
  const ends: (() => void)[] = [];
  const hang = () => breaker.run(() => new Promise<void>((resolve) => ends.push(resolve)));
  const open = async () => {
    while (breaker.state() !== "open") await expect(breaker.run(away)).rejects.toThrow();
    clock.advance(30_000);
  };
  await open();
  const late = Array.from({ length: 9 }, hang);
  await open();
  expect(await breaker.run(fine)).toBe("fine");
  for (const end of ends.splice(0)) end();
  await Promise.all(late);
  expect(breaker.state()).toBe("half_open");
  const trials = Array.from({ length: 10 }, hang);
  await expect(breaker.run(fine)).rejects.toMatchObject({ reason: "WALLET_UNAVAILABLE" });
  for (const end of ends) end();
  await Promise.all(trials);
  expect(breaker.state()).toBe("closed");
});

test("an end that says nothing gives its trial back and is neither success nor failure", async () => {
  const clock = manualClock();
  const breaker = createBreaker({
    failuresToOpen: 1,
    openMs: 30_000,
    trialsMax: 1,
    successesToClose: 1,
    clock,
    isInfrastructureFailure,
    saysNothing: (error) => error instanceof DomainError && error.reason === "DEADLINE_EXCEEDED",
    reason: "WALLET_UNAVAILABLE",
  });
  const impatient = () => breaker.run(() => Promise.reject(new DomainError("DEADLINE_EXCEEDED")));
  await expect(impatient()).rejects.toThrow();
  expect(breaker.state()).toBe("closed");
  await expect(breaker.run(away)).rejects.toThrow();
  clock.advance(30_000);
  for (let i = 0; i < 3; i += 1)
    await expect(impatient()).rejects.toMatchObject({ reason: "DEADLINE_EXCEEDED" });
  expect(breaker.state()).toBe("half_open");
  expect(await breaker.run(fine)).toBe("fine");
  expect(breaker.state()).toBe("closed");
});

test("a retry stops at the first answer that is final", async () => {
  let attempts = 0;
  const clock = manualClock();
  const run = () => {
    attempts += 1;
    return refused();
  };
  const options = {
    attempts: 3,
    baseMs: 50,
    capMs: 500,
    isRetryable: isInfrastructureFailure,
    clock,
    random: () => 0.5,
  };
  await expect(retry(run, options)).rejects.toMatchObject({ reason: "INSUFFICIENT_FUNDS" });
  expect(attempts).toBe(1);
});
