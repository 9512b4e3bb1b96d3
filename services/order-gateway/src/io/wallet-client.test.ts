import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { type Channel, openChannel } from "@bourse/shared/rpc/client.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { OrderTerms } from "../core/order-types.js";
import { type MemoryWallet, startMemoryWallet } from "../testing/memory-wallet.js";
import { openWallet, type WalletClient } from "./wallet-client.js";

const userId = "00000000-0000-4000-8000-000000000001";
const TERMS: OrderTerms = {
  orderId: "",
  userId,
  clientOrderId: "c",
  symbol: "BTC/USDT",
  side: "BUY",
  type: "LIMIT",
  timeInForce: "GTC",
  priceTicks: 100,
  quantityLots: 100_000,
  budgetTickLots: 0,
  byQuoteBudget: false,
  postOnly: false,
  stopPriceTicks: 0,
  selfTradePrevention: "CANCEL_TAKER",
  makerFeePpm: 0,
  takerFeePpm: 0,
  reservedAsset: "USDT",
  reservedAmount: "1",
  quoteBudget: "",
};
let memory: MemoryWallet;
let channel: Channel;
let wallet: WalletClient;

beforeEach(async () => {
  memory = await startMemoryWallet();
  memory.credit(userId, "USDT", "1000");
  channel = openChannel(`127.0.0.1:${memory.port}`);
  const breaker = { breakerFailures: 5, breakerOpenMs: 30_000, breakerTrials: 10 };
  wallet = openWallet({ channel, clock, random: seededRandom(1), connectMs: 20_000, ...breaker });
});
afterEach(async () => {
  wallet.close();
  channel.close();
  await memory.close();
});

/** "reserved", or reason and outcome. */
async function reserve(orderId: string, timeoutMs: number): Promise<string> {
  const terms = { ...TERMS, orderId };
  const input = { terms, fingerprint: new Uint8Array(32), shard: 0, traceparent: "" };
  try {
    return (await wallet.reserve({ ...input, deadlineMs: Date.now() + timeoutMs })).type;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return `${error.reason}/${error.facts.outcome}`;
  }
}

test("a reserve of which its caller was told that nothing was attempted is never sent", async () => {
  const { port } = memory;
  await memory.close();
  expect(await reserve("impatient", 200)).toBe("DEADLINE_EXCEEDED/NOT_ATTEMPTED");
  const patient = reserve("patient", 20_000);
  await memory.listen(port);
  expect(await patient).toBe("reserved");
  expect([...memory.reservations.keys()]).toEqual(["patient"]);
});

test("a reserve whose answer does not come in time is in doubt", async () => {
  const { release } = memory.holdAnswers();
  expect(await reserve("held", 200)).toBe("DEADLINE_EXCEEDED/UNKNOWN");
  release();
});

test("an old stream gives way to a new one and still answers what it carries", async () => {
  const later = { ms: 0 };
  wallet.close();
  const aging = { ...clock, monotonicMs: () => clock.monotonicMs() + later.ms };
  const breaker = { breakerFailures: 5, breakerOpenMs: 30_000, breakerTrials: 10 };
  wallet = openWallet({ channel, clock: aging, random: seededRandom(1), connectMs: 20_000, ...breaker });
  expect(await reserve("first", 20_000)).toBe("reserved");
  const { release } = memory.holdAnswers();
  const held = reserve("held", 20_000);
  await expect.poll(() => memory.reservations.has("held")).toBe(true);
  later.ms = 61_000;
  const second = reserve("second", 20_000);
  await expect.poll(() => memory.streamsOpened).toBe(2);
  release();
  expect(await Promise.all([held, second])).toEqual(["reserved", "reserved"]);
});

test("with the breaker open a caller is told at once, also one who waits behind those who were sent", async () => {
  const { release } = memory.holdAnswers({ reads: true });
  // Four batches fill the way; the fifth caller waits for a place.
  const inDoubt: Promise<string>[] = [];
  for (let index = 0; index < 4; index += 1) {
    inDoubt.push(reserve(`sent-${index}`, 20_000));
    // What arrives in one turn of the event loop goes out together.
    for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
  }
  await expect.poll(() => memory.reservations.has("sent-0")).toBe(true);
  const queued = reserve("queued", 20_000);
  const reads = Array.from({ length: 5 }, () =>
    wallet.getReservation("sent-0", Date.now() + 1_200).catch((error: DomainError) => error.reason),
  );
  expect(new Set(await Promise.all(reads))).toEqual(new Set(["DEADLINE_EXCEEDED"]));
  expect(await queued).toBe("WALLET_UNAVAILABLE/NOT_ATTEMPTED");
  const startedMs = performance.now();
  expect(await reserve("late", 20_000)).toBe("WALLET_UNAVAILABLE/NOT_ATTEMPTED");
  expect(performance.now() - startedMs).toBeLessThan(5);
  const refusal = (await wallet.accounts
    .getBalances({ userId })
    .catch((error: unknown) => error)) as DomainError;
  expect(refusal.facts).toMatchObject({
    outcome: "NOT_ATTEMPTED",
    retry_after_ms: expect.stringMatching(/^[0-9]+$/),
  });
  release();
  expect(await Promise.all(inDoubt)).toEqual(Array(4).fill("reserved"));
  expect([...memory.reservations.keys()]).toEqual(["sent-0", "sent-1", "sent-2", "sent-3"]);
});
