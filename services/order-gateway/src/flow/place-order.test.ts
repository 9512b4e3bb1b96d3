import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { orderIdOf } from "@bourse/shared/ids.js";
import { manualClock } from "@bourse/shared/testing/clock.js";
import { parseAtoms } from "@bourse/shared/units/atoms.js";
import { gridOf } from "@bourse/shared/units/market.js";
import { describe, expect, test } from "vitest";
import type { MarketRules } from "../core/market.js";
import type { PlaceRequest } from "../core/order-content.js";
import type { OrderEnd, OrderState, OrderTerms, Reservation } from "../core/order-types.js";
import type { ShardAnswer } from "../io/shard-answer.js";
import type { ShardCall } from "../io/shards.js";
import type { ReserveAnswer, ReserveInput } from "../io/wallet-client.js";
import type { Mesh } from "./mesh.js";
import { placeOrder } from "./place-order.js";

const market: MarketRules = {
  ...gridOf({
    symbol: "BTC/USDT",
    baseAsset: "BTC",
    quoteAsset: "USDT",
    tickSize: "0.01",
    lotSize: "0.00001",
  }),
  shard: 3,
  minQuantityLots: 1n,
  maxQuantityLots: 0n,
  minNotionalAtoms: parseAtoms("", "0"),
  protectionBps: 500,
  makerFeePpm: 0,
  takerFeePpm: 0,
  feeTiers: [],
  state: "TRADING",
};
const request: PlaceRequest = {
  clientOrderId: "c",
  symbol: "BTC/USDT",
  side: "BUY",
  type: "LIMIT",
  timeInForce: undefined,
  price: "100",
  quantity: "1",
  quoteBudget: undefined,
  stopPrice: undefined,
  postOnly: false,
  selfTradePrevention: undefined,
};
const userId = "user";
const orderId = orderIdOf(userId, "c");
const SHARD_MS = 1_000_000;

interface Answers {
  readonly reserve?: (input: ReserveInput) => Promise<ReserveAnswer>;
  readonly row?: Reservation;
  readonly submit?: (terms: OrderTerms) => Promise<ShardAnswer>;
  readonly market?: () => MarketRules;
  readonly isReadOnly?: boolean;
}

/** A mesh that answers as it is told and writes down what it was asked. */
function meshOf(answers: Answers = {}) {
  const clock = manualClock(50_000);
  const asked: string[] = [];
  const submits: { shard: number; terms: OrderTerms; call: ShardCall }[] = [];
  const open = async (terms: OrderTerms): Promise<ShardAnswer> => ({
    type: "order",
    state: stateOf(terms),
    seq: 7,
    replayed: false,
  });
  const never = () => Promise.reject(new Error("not part of a placement"));
  const mesh: Mesh = {
    clock,
    fingerprint: (text) => Buffer.from(text),
    mintId: () => "minted",
    known: new Map(),
    acknowledged: (user, shard, seq) => asked.push(`acknowledged ${user} ${shard} ${seq}`),
    wallet: {
      reserve: (input) => {
        asked.push("reserve");
        return answers.reserve?.(input) ?? Promise.resolve({ type: "reserved", replayed: false });
      },
      reserveLeg: never,
      getReservation: async () => {
        asked.push("row");
        return answers.row;
      },
    },
    shards: {
      market: answers.market ?? (() => market),
      shardOf: () => 3,
      shardsOf: () => [3],
      findMarket: () => market,
      quote: () => undefined,
      checkOpen: () => {},
      checkRoom: () => {
        if (answers.isReadOnly === true) throw new DomainError("SHARD_READ_ONLY");
      },
      heardMs: () => new Map([[3, SHARD_MS]]),
      submit: (shard, terms, call) => {
        asked.push("submit");
        submits.push({ shard, terms, call });
        return (answers.submit ?? open)(terms);
      },
      cancel: never,
      cancelUnseen: never,
      amend: never,
      cancelAll: never,
      setSwitch: never,
      getOrder: never,
    },
  };
  return { mesh, clock, asked, submits };
}

function stateOf(terms: OrderTerms): OrderState {
  const progress = { executedLots: 0, executedTickLots: 0n, createdAtMs: 1, updatedAtMs: 1, acceptedSeq: 7 };
  const size = { priceTicks: terms.priceTicks, quantityLots: terms.quantityLots, isTriggered: false };
  return { orderId: terms.orderId, userId, terms, status: "OPEN", reason: "", ...progress, ...size };
}

/** Terms of `request` as another call stored them. */
async function storedTerms(change: Partial<PlaceRequest> = {}): Promise<OrderTerms> {
  const { mesh, submits } = meshOf();
  await placeOrder(
    mesh,
    { ...request, ...change },
    { userId, deadlineMs: 60_000, tier: "basic", traceparent: "" },
  );
  return submits[0]?.terms as OrderTerms;
}

const place = (mesh: Mesh, change: Partial<PlaceRequest> = {}) =>
  placeOrder(mesh, { ...request, ...change }, { userId, deadlineMs: 60_000, tier: "basic", traceparent: "" });

async function failureOf(
  call: Promise<unknown>,
): Promise<{ reason: string; facts: Readonly<Record<string, string>> }> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DomainError)) throw new Error("expected a failure", { cause: error });
  return { reason: error.reason, facts: error.facts };
}

describe("the way of an order", () => {
  test("reserves, then submits, then notes what was acknowledged", async () => {
    const { mesh, asked, submits } = meshOf();
    const answer = await place(mesh);
    expect(answer).toMatchObject({
      replayed: false,
      seq: 7,
      order: { orderId, status: "OPEN", price: "100" },
    });
    expect(asked).toEqual(["reserve", "submit", "acknowledged user 3 7"]);
    expect(submits[0]).toMatchObject({ shard: 3, terms: { reservedAsset: "USDT", reservedAmount: "100" } });
  });

  test("expires in the shard's time as heard before the reserve, however long the reserve took", async () => {
    const slow = meshOf({
      reserve: async () => {
        slow.clock.advance(8_000);
        return { type: "reserved", replayed: false };
      },
    });
    await place(slow.mesh);
    // 10 s of deadline were left when the time was heard, and 5 s of margin.
    expect(slow.submits[0]?.call.expiresAtMs).toBe(SHARD_MS + 15_000);
  });

  test("never asks for more than a minute", async () => {
    const { mesh, submits } = meshOf();
    await placeOrder(mesh, request, {
      userId,
      deadlineMs: 50_000 + 3_600_000,
      tier: "basic",
      traceparent: "",
    });
    expect(submits[0]?.call.expiresAtMs).toBe(SHARD_MS + 60_000);
  });

  test("submits the terms that were stored first, not those of today", async () => {
    const terms = { ...(await storedTerms()), takerFeePpm: 77 };
    const row: Reservation = { orderId, userId, state: "ACTIVE", shard: 3, isLeg: false, terms };
    const { mesh, submits } = meshOf({
      reserve: async () => ({ type: "reserved", replayed: true, stored: row }),
    });
    expect(await place(mesh)).toMatchObject({ replayed: true });
    expect(submits[0]?.terms.takerFeePpm).toBe(77);
  });
});

test("an order keeps the rates of its placement, also when its user's tier has changed since", async () => {
  const pro = { tier: "pro", makerFeePpm: 10, takerFeePpm: 20 };
  const { mesh, submits } = meshOf({ market: () => ({ ...market, feeTiers: [pro] }) });
  const context = { userId, deadlineMs: 60_000, traceparent: "" };
  await placeOrder(mesh, request, { ...context, tier: "pro" });
  expect(submits[0]?.terms).toMatchObject({ makerFeePpm: 10, takerFeePpm: 20 });
  const { terms } = submits[0] ?? {};
  const row: Reservation = { orderId, userId, state: "ACTIVE", shard: 3, isLeg: false, terms };
  const later = meshOf({ reserve: async () => ({ type: "reserved", replayed: true, stored: row }) });
  expect(await placeOrder(later.mesh, request, { ...context, tier: "basic" })).toMatchObject({
    replayed: true,
  });
  expect(later.submits[0]?.terms).toEqual(terms);
});

describe("what an error says", () => {
  test.each<[string, Partial<PlaceRequest>, Answers, string, string, string[]]>([
    ["a schema", { price: "0" }, {}, "PRICE_NOT_POSITIVE", "NOT_ATTEMPTED", []],
    [
      "a filter, once the key is known to be free",
      { price: "1.001" },
      {},
      "PRICE_OFF_TICK",
      "NOT_ATTEMPTED",
      ["row"],
    ],
    [
      "a filter of a key that was never used before",
      { price: "1.001", clientOrderId: "" },
      {},
      "PRICE_OFF_TICK",
      "NOT_ATTEMPTED",
      [],
    ],
    [
      "the wallet's no",
      {},
      { reserve: async () => ({ type: "refused" }) },
      "INSUFFICIENT_FUNDS",
      "NOT_ACCEPTED",
      ["reserve"],
    ],
    [
      "a wallet that was not reached",
      {},
      { reserve: () => Promise.reject(new DomainError("WALLET_UNAVAILABLE", { outcome: "NOT_ATTEMPTED" })) },
      "WALLET_UNAVAILABLE",
      "NOT_ATTEMPTED",
      ["reserve"],
    ],
    [
      "a shard without room, for a new order",
      {},
      { isReadOnly: true },
      "SHARD_READ_ONLY",
      "NOT_ATTEMPTED",
      ["row"],
    ],
    [
      "a reserve whose answer is lost",
      {},
      { reserve: () => Promise.reject(new DomainError("WALLET_UNAVAILABLE", { outcome: "UNKNOWN" })) },
      "OUTCOME_UNKNOWN",
      "UNKNOWN",
      ["reserve"],
    ],
    [
      "a reserve that failed in a way nobody thought of",
      {},
      { reserve: () => Promise.reject(new Error("bug")) },
      "OUTCOME_UNKNOWN",
      "UNKNOWN",
      ["reserve"],
    ],
    [
      "a submit that was given up",
      {},
      { submit: () => Promise.reject(new DomainError("DEADLINE_EXCEEDED", { outcome: "NOT_ATTEMPTED" })) },
      "OUTCOME_UNKNOWN",
      "UNKNOWN",
      ["reserve", "submit"],
    ],
    [
      "a submit that came too late",
      {},
      { submit: async () => ({ type: "failure", error: new DomainError("SUBMIT_EXPIRED") }) },
      "OUTCOME_UNKNOWN",
      "UNKNOWN",
      ["reserve", "submit"],
    ],
  ])("of %s", async (_, change, answers, reason, outcome, calls) => {
    const { mesh, asked } = meshOf(answers);
    const failure = await failureOf(place(mesh, change));
    expect(failure).toMatchObject({ reason, facts: { outcome } });
    expect(asked).toEqual(calls);
    if (calls.length > 0) expect(failure.facts.order_id).toBe(orderId);
  });

  test("of a deadline that passed before anything left", async () => {
    const { mesh, asked } = meshOf();
    const late = placeOrder(
      mesh,
      { ...request, clientOrderId: "" },
      { userId, deadlineMs: 50_000, tier: "basic", traceparent: "" },
    );
    expect(await failureOf(late)).toMatchObject({
      reason: "DEADLINE_EXCEEDED",
      facts: { outcome: "NOT_ATTEMPTED" },
    });
    expect(asked).toEqual([]);
  });

  test("of other content under the same key: the field", async () => {
    const stored: Reservation = {
      orderId,
      userId,
      state: "ACTIVE",
      shard: 3,
      isLeg: false,
      terms: await storedTerms({ quantity: "2" }),
    };
    const { mesh } = meshOf({ reserve: async () => ({ type: "conflict", stored }) });
    expect(await failureOf(place(mesh))).toMatchObject({
      reason: "CLIENT_ORDER_ID_REUSED",
      facts: { field: "quantity" },
    });
  });
});

describe("a key that already has a word", () => {
  const end: OrderEnd = {
    status: "FILLED",
    reason: "",
    executedLots: 100_000,
    executedTickLots: 1_000_000_000n,
    createdAtMs: 1,
    endedAtMs: 2,
    endedSeq: 9,
    acceptedSeq: 7,
    amendedPriceTicks: 0,
    amendedQuantityLots: 0,
  };

  test("is answered from its row when it has ended, without asking the shard", async () => {
    const row: Reservation = {
      orderId,
      userId,
      state: "CLOSED",
      shard: 3,
      isLeg: false,
      terms: await storedTerms(),
      end,
    };
    const { mesh, asked } = meshOf({
      reserve: async () => ({ type: "reserved", replayed: true, stored: row }),
    });
    expect(await place(mesh)).toMatchObject({
      replayed: true,
      seq: 9,
      order: { status: "FILLED", filledQuantity: "1", executedQuote: "100", acceptedSeq: 7 },
    });
    expect(asked).toEqual(["reserve"]);
  });

  test("wins over a rule that changed since", async () => {
    const row: Reservation = {
      orderId,
      userId,
      state: "ACTIVE",
      shard: 3,
      isLeg: false,
      terms: await storedTerms(),
    };
    const halted = () => ({ ...market, state: "HALTED" as const });
    const { mesh, asked } = meshOf({ row, market: halted });
    // The grid of the answer comes from the market too, whatever its state.
    expect(await place(mesh)).toMatchObject({ replayed: true, order: { status: "OPEN" } });
    expect(asked.slice(0, 2)).toEqual(["row", "submit"]);
    expect(await failureOf(place(mesh, { quantity: "2" }))).toMatchObject({
      reason: "CLIENT_ORDER_ID_REUSED",
    });
  });

  test("that was a tombstone's is a rejection, not an error", async () => {
    const rejected = {
      ...end,
      status: "REJECTED" as const,
      reason: "NOT_SEQUENCED",
      executedLots: 0,
      executedTickLots: 0n,
    };
    const row: Reservation = { orderId, userId, state: "CLOSED", shard: 3, isLeg: false, end: rejected };
    const { mesh } = meshOf({ reserve: async () => ({ type: "reserved", replayed: true, stored: row }) });
    expect(await place(mesh)).toMatchObject({
      order: { orderId, clientOrderId: "c", status: "REJECTED", reason: "NOT_SEQUENCED" },
    });
  });

  test("that got a tombstone before its submit came is answered with its content", async () => {
    const { mesh } = meshOf({
      submit: async (terms) => {
        const tombstone = { ...stateOf(terms), terms: undefined, status: "REJECTED" as const };
        return { type: "order", state: { ...tombstone, reason: "NOT_SEQUENCED" }, seq: 7, replayed: true };
      },
    });
    expect(await place(mesh)).toMatchObject({
      order: { status: "REJECTED", reason: "NOT_SEQUENCED", symbol: "BTC/USDT", price: "100", quantity: "1" },
    });
  });

  test("that was a no stays a no", async () => {
    const row: Reservation = {
      orderId,
      userId,
      state: "REFUSED",
      shard: 3,
      isLeg: false,
      terms: await storedTerms(),
    };
    const { mesh } = meshOf({ row, market: () => ({ ...market, state: "HALTED" }) });
    expect(await failureOf(place(mesh))).toMatchObject({
      reason: "INSUFFICIENT_FUNDS",
      facts: { outcome: "NOT_ACCEPTED" },
    });
  });
});
