import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import { legIdOf, orderIdOf } from "@bourse/shared/ids.js";
import { describe, expect, test } from "vitest";
import type { Amend, OrderEnd, OrderState, OrderTerms, Reservation } from "../core/order-types.js";
import type { ShardAnswer } from "../io/shard-answer.js";
import type { LegInput, ReserveAnswer } from "../io/wallet-client.js";
import { flowMesh, flowTerms, MARKET, SHARD_MS, USER } from "../testing/flow-mesh.js";
import { amendOrder } from "./amend-order.js";
import type { Mesh } from "./mesh.js";

const orderId = orderIdOf(USER, "c");
const legId = legIdOf(orderId, "r");
/** 1 BTC at 100 USDT, open. */
const terms: OrderTerms = flowTerms({ orderId, clientOrderId: "c" });
const open: OrderState = {
  orderId,
  userId: USER,
  terms,
  status: "OPEN",
  reason: "",
  executedLots: 0,
  executedTickLots: 0n,
  createdAtMs: 1,
  updatedAtMs: 1,
  acceptedSeq: 7,
  priceTicks: 10_000,
  quantityLots: 100_000,
  isTriggered: false,
};
const filled: OrderState = {
  ...open,
  status: "FILLED",
  terms: undefined,
  priceTicks: 0,
  quantityLots: 0,
  executedLots: 100_000,
};
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
const row: Reservation = { orderId, userId: USER, state: "ACTIVE", shard: 3, isLeg: false, terms };
const amendOf = (change: Partial<Amend> = {}): Amend => {
  const content = { priceTicks: 10_100, quantityLots: 0, legUnits: 10_000_000, legAmount: "1" };
  return { orderId, userId: USER, legId, symbol: "BTC/USDT", ...content, ...change };
};
const leg: Reservation = {
  orderId: legId,
  userId: USER,
  state: "ACTIVE",
  shard: 3,
  isLeg: true,
  leg: amendOf(),
};

interface Answers {
  readonly state?: OrderState | undefined;
  readonly rows?: readonly Reservation[];
  readonly reserveLeg?: (input: LegInput) => Promise<ReserveAnswer>;
  readonly amend?: (amend: Amend) => Promise<ShardAnswer>;
  readonly size?: boolean;
}

/** A mesh that answers as it is told and writes down what it was asked. */
function meshOf(answers: Answers = {}) {
  const asked: string[] = [];
  const legs: LegInput[] = [];
  const amends: { amend: Amend; expiresAtMs: number }[] = [];
  const state = "state" in answers ? answers.state : open;
  const mesh = flowMesh({
    wallet: {
      reserveLeg: (input) => {
        asked.push("leg");
        legs.push(input);
        return answers.reserveLeg?.(input) ?? Promise.resolve({ type: "reserved", replayed: false });
      },
      getReservation: async (id) => {
        asked.push(id === orderId ? "row" : "leg row");
        return (answers.rows ?? [row]).find((each) => each.orderId === id);
      },
    },
    shards: {
      getOrder: async () => {
        asked.push("order");
        return state;
      },
      amend: (_, amend, { expiresAtMs }) => {
        asked.push("amend");
        amends.push({ amend, expiresAtMs });
        return (answers.amend ?? done)(amend);
      },
    },
  });
  mesh.known.set(orderId, { shard: 3 });
  return { mesh, asked, legs, amends };
}

const answer = (
  state: OrderState,
  more: { replayed?: boolean; refusal?: FailureReason } = {},
): ShardAnswer => ({
  type: "order",
  state,
  seq: 12,
  replayed: false,
  ...more,
});
const done = async ({ priceTicks, quantityLots }: Amend) =>
  answer({
    ...open,
    priceTicks: priceTicks || open.priceTicks,
    quantityLots: quantityLots || open.quantityLots,
  });

const amend = (mesh: Mesh, change: { price?: string; quantity?: string } = { price: "101" }) =>
  amendOrder(
    mesh,
    { clientOrderId: "c", symbol: "" },
    { requestId: "r", price: change.price, quantity: change.quantity },
    { userId: USER, deadlineMs: 60_000, tier: "basic", traceparent: "" },
  );

async function failureOf(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DomainError)) throw new Error("expected a failure", { cause: error });
  return { reason: error.reason, facts: error.facts };
}

describe("the way of an amend", () => {
  test("one that needs more reserves it as a leg of the order, then asks the shard", async () => {
    const { mesh, asked, legs, amends } = meshOf();
    expect(await amend(mesh)).toMatchObject({
      replayed: false,
      seq: 12,
      order: { orderId, clientOrderId: "c", price: "101", quantity: "1", status: "OPEN" },
    });
    expect(asked).toEqual(["order", "leg", "amend"]);
    expect(legs[0]).toMatchObject({ asset: "USDT", shard: 3, amend: amendOf() });
    expect(amends[0]?.amend).toEqual(amendOf());
    // 10 s of deadline were left, and 5 s of margin.
    expect(amends[0]?.expiresAtMs).toBe(SHARD_MS + 15_000);
  });

  test("one that needs nothing more asks the shard alone", async () => {
    const { mesh, asked, amends } = meshOf();
    expect(await amend(mesh, { quantity: "0.4" })).toMatchObject({ order: { quantity: "0.4" } });
    expect(asked).toEqual(["order", "leg row", "amend"]);
    expect(amends[0]?.amend).toEqual(
      amendOf({ priceTicks: 0, quantityLots: 40_000, legUnits: 0, legAmount: "" }),
    );
  });

  test("price and quantity of now count, not those of the placement", async () => {
    const { mesh, legs } = meshOf({ state: { ...open, priceTicks: 10_050 } });
    await amend(mesh);
    expect(legs[0]?.amend.legAmount).toBe("0.5");
  });

  test("without a hint the reservation names the shard", async () => {
    const { mesh, asked } = meshOf();
    const named = { ...mesh, known: new Map() };
    await amend(named, { quantity: "0.4" });
    expect(asked).toEqual(["row", "order", "leg row", "amend"]);
  });
});

test("an order that ends with its amend is shown as it was amended, also back to where it began", async () => {
  const { mesh } = meshOf({
    state: { ...open, priceTicks: 10_100, terms: { ...terms, priceTicks: 10_100 } },
    amend: async () => answer(filled),
  });
  expect(await amend(mesh, { price: "100" })).toMatchObject({
    order: { status: "FILLED", price: "100", quantity: "1" },
  });
});

describe("a repeat", () => {
  test("submits what was reserved first, not what is needed now", async () => {
    const stored = { ...leg, leg: amendOf({ legUnits: 7, legAmount: "0.0000007" }) };
    const { mesh, amends } = meshOf({
      reserveLeg: async () => ({ type: "reserved", replayed: true, stored }),
    });
    await amend(mesh);
    expect(amends[0]?.amend).toMatchObject({ legUnits: 7, legAmount: "0.0000007" });
  });

  test("of an amend that was decided gets its outcome, with the order as it is now", async () => {
    const closed: Reservation = {
      ...leg,
      state: "CLOSED",
      end: { ...end, status: "CANCELLED", reason: "AMENDED" },
    };
    const { mesh, amends } = meshOf({
      reserveLeg: async () => ({ type: "reserved", replayed: true, stored: closed }),
      amend: async () => answer(filled, { replayed: true }),
    });
    expect(await amend(mesh)).toMatchObject({
      replayed: true,
      order: { status: "FILLED", filledQuantity: "1" },
    });
    // A closed leg holds nothing.
    expect(amends[0]?.amend).toMatchObject({ legUnits: 0, legAmount: "" });
  });

  test("after the order has ended asks its shard, which remembers", async () => {
    const { mesh, asked } = meshOf({
      state: filled,
      rows: [{ ...row, state: "CLOSED", end }],
      amend: async () => answer(filled, { replayed: true }),
    });
    expect(await amend(mesh)).toMatchObject({ replayed: true, order: { status: "FILLED" } });
    expect(asked).toEqual(["order", "row", "order", "leg row", "amend"]);
  });

  test("after the shard has forgotten the order is answered from the rows", async () => {
    const joined: Reservation = {
      ...leg,
      state: "CLOSED",
      end: { ...end, status: "CANCELLED", reason: "AMENDED" },
    };
    const { mesh } = meshOf({ state: undefined, rows: [{ ...row, state: "CLOSED", end }, joined] });
    expect(await amend(mesh)).toMatchObject({ replayed: true, order: { status: "FILLED" } });
  });

  test("that a rule which changed since would refuse goes on where a leg was reserved", async () => {
    const mesh = meshOf({ rows: [row, leg] });
    const strict = { ...mesh.mesh.shards, findMarket: () => ({ ...MARKET, minNotionalAtoms: 10n ** 12n }) };
    expect(await amend({ ...mesh.mesh, shards: strict })).toMatchObject({ order: { price: "101" } });
    expect(mesh.asked).toEqual(["order", "leg row", "amend"]);
    const other = await failureOf(amend({ ...mesh.mesh, shards: strict }, { price: "102" }));
    expect(other).toMatchObject({ reason: "REQUEST_ID_REUSED", facts: { field: "price" } });
  });
});

test("a repeat of one that took no leg goes on too, once its row says that it was decided", async () => {
  const closed: Reservation = { ...leg, leg: undefined, state: "CLOSED", end: { ...end, reason: "AMENDED" } };
  const { mesh, asked, amends } = meshOf({ rows: [row, closed] });
  const strict = { ...mesh.shards, findMarket: () => ({ ...MARKET, minQuantityLots: 50_000n }) };
  expect(await amend({ ...mesh, shards: strict }, { quantity: "0.4" })).toMatchObject({ seq: 12 });
  expect(asked).toEqual(["order", "leg row", "amend"]);
  expect(amends[0]?.amend).toMatchObject({ quantityLots: 40_000, legUnits: 0 });
});

describe("one that needs no leg now, but had one when it was first sent", () => {
  const less = { quantity: "0.4" };
  const stored = {
    ...leg,
    leg: amendOf({ priceTicks: 0, quantityLots: 40_000, legUnits: 7, legAmount: "0.0000007" }),
  };

  test("takes along what it holds", async () => {
    const { mesh, amends } = meshOf({ rows: [row, stored] });
    await amend(mesh, less);
    expect(amends[0]?.amend).toMatchObject({ quantityLots: 40_000, legUnits: 7 });
  });

  test("stays refused when it was: a no never becomes a yes", async () => {
    const { mesh, asked } = meshOf({ rows: [row, { ...stored, state: "REFUSED" }] });
    const failure = await failureOf(amend(mesh, less));
    expect(failure).toMatchObject({ reason: "INSUFFICIENT_FUNDS", facts: { outcome: "NOT_ACCEPTED" } });
    expect(asked).toEqual(["order", "leg row"]);
    const ended = meshOf({
      state: { ...filled, terms },
      rows: [
        { ...row, state: "CLOSED", end },
        { ...stored, state: "REFUSED" },
      ],
    });
    expect(await failureOf(amend(ended.mesh, less))).toMatchObject({
      reason: "ORDER_NOT_OPEN",
      facts: { outcome: "NOT_ACCEPTED", status: "FILLED" },
    });
  });

  test("stays closed when it was swept, also after its shard has forgotten that", async () => {
    const swept = { ...end, status: "REJECTED" as const, reason: "NOT_SEQUENCED" };
    const { mesh, asked } = meshOf({ rows: [row, { ...stored, state: "CLOSED", end: swept }] });
    expect(await failureOf(amend(mesh, less))).toMatchObject({
      reason: "SUBMIT_EXPIRED",
      facts: { outcome: "NOT_ACCEPTED" },
    });
    expect(asked).toEqual(["order", "leg row"]);
  });
});

test("one that needs a leg now, but took none when it was decided, asks the shard for its word", async () => {
  const closed: Reservation = { ...leg, leg: undefined, state: "CLOSED", end: { ...end, reason: "AMENDED" } };
  const { mesh, amends } = meshOf({
    reserveLeg: async () => ({ type: "reserved", replayed: true, stored: closed }),
    amend: async () => answer(open, { replayed: true }),
  });
  expect(await amend(mesh)).toMatchObject({ replayed: true });
  expect(amends[0]?.amend).toMatchObject({ priceTicks: 10_100, legUnits: 0, legAmount: "" });
});

describe("what an error says", () => {
  const final = { ...leg, state: "CLOSED" as const };
  test.each<[string, { price?: string; quantity?: string }, Answers, string, string, string[]]>([
    ["a schema", {}, {}, "FIELD_REQUIRED", "NOT_ATTEMPTED", []],
    ["a filter", { price: "1.001" }, {}, "PRICE_OFF_TICK", "NOT_ATTEMPTED", ["order", "leg row"]],
    [
      "the wallet's no",
      { price: "101" },
      { reserveLeg: async () => ({ type: "refused" }) },
      "INSUFFICIENT_FUNDS",
      "NOT_ACCEPTED",
      ["order", "leg"],
    ],
    [
      "other content under the same key",
      { price: "102" },
      { reserveLeg: async () => ({ type: "conflict", stored: leg }) },
      "REQUEST_ID_REUSED",
      "NOT_ATTEMPTED",
      ["order", "leg"],
    ],
    [
      "other content under a key whose first needed no leg",
      { quantity: "0.5" },
      { amend: async () => ({ type: "failure", error: new DomainError("REQUEST_ID_REUSED") }) },
      "REQUEST_ID_REUSED",
      "NOT_ATTEMPTED",
      ["order", "leg row", "amend"],
    ],
    [
      "other content under a key that a leg was held for all the same",
      { price: "101" },
      { amend: async () => ({ type: "failure", error: new DomainError("REQUEST_ID_REUSED") }) },
      "REQUEST_ID_REUSED",
      "NOT_ATTEMPTED",
      ["order", "leg", "amend"],
    ],
    [
      "a leg of an order that holds nothing any more",
      { price: "101" },
      { reserveLeg: async () => ({ type: "not_open" }), rows: [{ ...row, state: "CLOSED", end }] },
      "ORDER_NOT_OPEN",
      "NOT_ACCEPTED",
      ["order", "leg", "row"],
    ],
    [
      "a leg that came too late once",
      { price: "101" },
      {
        reserveLeg: async () => ({
          type: "reserved",
          replayed: true,
          stored: { ...final, end: { ...end, status: "REJECTED", reason: "NOT_SEQUENCED" } },
        }),
      },
      "SUBMIT_EXPIRED",
      "NOT_ACCEPTED",
      ["order", "leg"],
    ],
    [
      "a leg that was swept on the way",
      { price: "101" },
      {
        amend: async () =>
          answer({ ...open, orderId: legId, terms: undefined, status: "REJECTED", reason: "NOT_SEQUENCED" }),
      },
      "SUBMIT_EXPIRED",
      "NOT_ACCEPTED",
      ["order", "leg", "amend"],
    ],
    [
      "a wallet that was not reached",
      { price: "101" },
      {
        reserveLeg: () => Promise.reject(new DomainError("WALLET_UNAVAILABLE", { outcome: "NOT_ATTEMPTED" })),
      },
      "WALLET_UNAVAILABLE",
      "NOT_ATTEMPTED",
      ["order", "leg"],
    ],
    [
      "a leg whose answer is lost",
      { price: "101" },
      { reserveLeg: () => Promise.reject(new DomainError("WALLET_UNAVAILABLE", { outcome: "UNKNOWN" })) },
      "OUTCOME_UNKNOWN",
      "UNKNOWN",
      ["order", "leg"],
    ],
    [
      "an amend that never left, with a leg",
      { price: "101" },
      { amend: () => Promise.reject(new DomainError("DEADLINE_EXCEEDED", { outcome: "NOT_ATTEMPTED" })) },
      "OUTCOME_UNKNOWN",
      "UNKNOWN",
      ["order", "leg", "amend"],
    ],
    [
      "an amend that never left, without one",
      { quantity: "0.4" },
      { amend: () => Promise.reject(new DomainError("DEADLINE_EXCEEDED", { outcome: "NOT_ATTEMPTED" })) },
      "DEADLINE_EXCEEDED",
      "NOT_ATTEMPTED",
      ["order", "leg row", "amend"],
    ],
    [
      "an amend whose answer is lost",
      { quantity: "0.4" },
      { amend: () => Promise.reject(new DomainError("DEADLINE_EXCEEDED", { outcome: "UNKNOWN" })) },
      "OUTCOME_UNKNOWN",
      "UNKNOWN",
      ["order", "leg row", "amend"],
    ],
    [
      "a shard without room",
      { quantity: "0.4" },
      { amend: async () => ({ type: "failure", error: new DomainError("SHARD_READ_ONLY") }) },
      "SHARD_READ_ONLY",
      "NOT_ATTEMPTED",
      ["order", "leg row", "amend"],
    ],
    [
      "an order that nobody knows",
      { price: "101" },
      { state: undefined, rows: [] },
      "ORDER_NOT_FOUND",
      "NOT_ATTEMPTED",
      ["order", "row"],
    ],
    [
      "an order that is not at its shard yet",
      { price: "101" },
      { state: undefined },
      "ORDER_NOT_FOUND",
      "NOT_ATTEMPTED",
      ["order", "row"],
    ],
    [
      "an order of somebody else",
      { price: "101" },
      { state: undefined, rows: [{ ...row, userId: "other" }] },
      "ORDER_NOT_FOUND",
      "NOT_ATTEMPTED",
      ["order", "row"],
    ],
    [
      "a leg that is named as an order",
      { price: "101" },
      { state: undefined, rows: [{ ...leg, orderId }] },
      "ORDER_NOT_FOUND",
      "NOT_ATTEMPTED",
      ["order", "row"],
    ],
    [
      "an order that ended and was forgotten",
      { price: "101" },
      { state: undefined, rows: [{ ...row, state: "CLOSED", end }] },
      "ORDER_NOT_OPEN",
      "NOT_ATTEMPTED",
      ["order", "row", "order", "leg row"],
    ],
  ])("of %s", async (_, change, answers, reason, outcome, calls) => {
    const { mesh, asked } = meshOf(answers);
    const failure = await failureOf(amend(mesh, change));
    expect(failure).toMatchObject({ reason, facts: { outcome } });
    expect(asked).toEqual(calls);
    if (calls.length > 0) expect(failure.facts.order_id).toBe(orderId);
  });

  test.each<FailureReason>([
    "LEG_TOO_SMALL",
    "POST_ONLY_WOULD_TAKE",
    "PRICE_OUT_OF_BAND",
    "SYMBOL_HALTED",
    "SYMBOL_POST_ONLY",
    "SYMBOL_CANCEL_ONLY",
    "SYMBOL_DELISTED",
    "PRICE_NOT_ALLOWED",
    "NOTIONAL_TOO_LARGE",
  ])("of the shard's refusal %s: a final no for this key", async (refusal) => {
    const { mesh } = meshOf({ amend: async () => answer(open, { refusal }) });
    expect(await failureOf(amend(mesh))).toMatchObject({
      reason: refusal,
      facts: { outcome: "NOT_ACCEPTED" },
    });
  });

  test("of an order that ended meanwhile: how", async () => {
    const { mesh } = meshOf({
      amend: async () =>
        answer({ ...filled, status: "CANCELLED", reason: "USER" }, { refusal: "ORDER_NOT_OPEN" }),
    });
    expect(await failureOf(amend(mesh))).toMatchObject({
      reason: "ORDER_NOT_OPEN",
      facts: { status: "CANCELLED", reason: "USER", filled_quantity: "1", outcome: "NOT_ACCEPTED" },
    });
  });
});

describe("on a stream", () => {
  /** A turn that is always ours. */
  const turn = () => {
    const told: string[] = [];
    return {
      told,
      turn: {
        lane: { isBroken: false },
        enter: async () => void told.push("enter"),
        leave: () => void told.push("leave"),
      },
    };
  };
  const onStream = (mesh: Mesh, requestId: string, quantity: string, mine = turn().turn) =>
    amendOrder(
      mesh,
      { clientOrderId: "c", symbol: "" },
      { requestId, price: undefined, quantity },
      { userId: USER, deadlineMs: 60_000, tier: "basic", traceparent: "", turn: mine },
    );

  test("what was sent before is what is known last, though nothing is answered yet", async () => {
    const { mesh, asked, legs } = meshOf();
    mesh.known.set(orderId, { shard: 3, terms });
    await onStream(mesh, "1", "0.5");
    await onStream(mesh, "2", "0.7");
    // From 0.5, not from 1: the second needs 0.2 at 100 more.
    expect(legs.map(({ amend: { legAmount } }) => legAmount)).toEqual(["20"]);
    expect(asked).toEqual(["leg row", "amend", "leg row", "leg", "amend"]);
  });

  test("a leg is reserved in its turn, when what made the order has been reserved", async () => {
    const { mesh } = meshOf();
    mesh.known.set(orderId, { shard: 3, terms });
    const mine = turn();
    await onStream(mesh, "1", "2", mine.turn);
    expect(mine.told).toEqual(["enter", "leave"]);
  });
});
