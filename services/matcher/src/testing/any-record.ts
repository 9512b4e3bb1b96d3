// Records with commands and events of every kind, sensible or not: for the encoder and the decoder, which do not
// ask.
import { TIERS } from "@bourse/shared/units/tiers.js";
import fc from "fast-check";
import {
  AMEND_REFUSALS,
  type AmendRefusal,
  type Command,
  END_REASONS,
  type FinalStatus,
  type JournalRecord,
  type MatcherEvent,
  type OrderTerms,
  type Side,
} from "../core/types.js";
import { market, orderId, SYMBOL, userId } from "./orders.js";

export const ANY_SHARD = 3;
export const ANY_SYMBOLS = [SYMBOL, "ETH/USDT", "AB/CD", "ABCDEFGHIJ/KLMNOPQRST"] as const;
export const ANY_USERS = Array.from({ length: 40 }, (_, number) => userId(number));

const whole = fc.oneof(fc.nat(3), fc.nat(200), fc.nat(), fc.maxSafeNat());
const positive = whole.map((value) => Math.max(1, value));
const ppm = fc.nat(999_999);
const symbol = fc.constantFrom(...ANY_SYMBOLS);
const user = fc.constantFrom(...ANY_USERS);
const order = fc.nat(0xffffff).map(orderId);
const id = fc.uuid({ version: 5 });
const anyId = fc.oneof(order, id);
const side = fc.constantFrom<Side>("buy", "sell");
const clientOrderId = fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/);
const amount = fc.oneof(fc.constantFrom("0.1", "12345678901234567890123456789.12345678"), whole.map(String));
const sum = fc.oneof(
  whole.map(String),
  fc
    .tuple(fc.integer({ min: 1, max: 9e9 }), fc.nat())
    .map(([high, low]) => `${high}${String(low).padStart(15, "0")}`),
);
const traceparent = fc.constantFrom("", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
const text = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" });

export const anyTerms: fc.Arbitrary<OrderTerms> = fc.record({
  orderId: anyId,
  userId: user,
  clientOrderId,
  symbol,
  side,
  type: fc.constantFrom("LIMIT", "MARKET", "STOP", "STOP_LIMIT"),
  timeInForce: fc.constantFrom("GTC", "IOC", "FOK", "DAY"),
  priceTicks: whole,
  stopPriceTicks: whole,
  quantityLots: whole,
  budgetTickLots: whole,
  byQuoteBudget: fc.boolean(),
  postOnly: fc.boolean(),
  selfTradePrevention: fc.constantFrom("CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH", "DECREMENT"),
  makerFeePpm: ppm,
  takerFeePpm: ppm,
  reservedAsset: fc.constantFrom("USDT", "BTC", "ABCDEFGHIJ"),
  reservedAmount: amount,
  quoteBudget: fc.oneof(fc.constant(""), amount),
});

const feeTiers = fc
  .subarray([...TIERS])
  .chain((tiers) =>
    fc.tuple(
      ...tiers.map((tier) => fc.record({ tier: fc.constant(tier), makerFeePpm: ppm, takerFeePpm: ppm })),
    ),
  );
const anyMarket = fc.tuple(symbol, fc.nat(1_439), feeTiers).map(([symbol, sessionEndMinutes, feeTiers]) => {
  const [baseAsset = "", quoteAsset = ""] = symbol.split("/");
  return market({ symbol, baseAsset, quoteAsset, sessionEndMinutes, feeTiers, shard: ANY_SHARD });
});
const state = fc.constantFrom("TRADING", "POST_ONLY", "CANCEL_ONLY", "HALTED", "DELISTED");
/** Records of the same shape, each with its type. */
const typed = <T extends string, R>(type: T, fields: { [K in keyof R]: fc.Arbitrary<R[K]> }) =>
  fc.record({ type: fc.constant(type), ...fields } as never) as unknown as fc.Arbitrary<
    R & { readonly type: T }
  >;

/** Who ends another's orders; nobody mostly. */
const operatorId = fc.oneof(fc.constant(""), user);

/** A command of any kind but submit. */
const anyOther: fc.Arbitrary<Command> = fc.oneof(
  typed("cancel", { orderId: anyId, userId: user, operatorId }),
  fc
    .tuple(anyId, user, symbol, fc.constantFrom("USER", "OPERATOR", "NOT_SEQUENCED"), whole, fc.boolean())
    .map(([orderId, userId, symbol, tombstoneReason, expiresAtMs, cancelIfOpen]): Command => {
      const tombstoneStatus = tombstoneReason === "NOT_SEQUENCED" ? "REJECTED" : "CANCELLED";
      const word = { tombstoneStatus, tombstoneReason } as const;
      return { type: "resolve", orderId, userId, symbol, ...word, expiresAtMs, cancelIfOpen };
    }),
  fc
    .record({
      orderId: anyId,
      userId: user,
      legId: id,
      symbol,
      priceTicks: whole,
      quantityLots: positive,
      expiresAtMs: whole,
    })
    .chain((amend) =>
      fc
        .oneof(
          fc.constant({ legUnits: 0, legAmount: "" }),
          fc.record({ legUnits: positive, legAmount: amount }),
        )
        .map((leg): Command => ({ type: "amend", ...amend, ...leg })),
    ),
  typed("cancelAll", {
    userId: user,
    requestId: clientOrderId,
    symbol: fc.constantFrom("", ...ANY_SYMBOLS),
    side: fc.constantFrom<Side | "">("", "buy", "sell"),
    operatorId,
    expiresAtMs: whole,
  }),
  typed("setMarketState", {
    symbol,
    state,
    operatorId: user,
    reason: text.filter((reason) => !/\p{Cc}/u.test(reason)),
  }),
  typed("setSwitch", { userId: user, symbols: fc.uniqueArray(symbol), timeoutMs: fc.nat(86_400_000) }),
  typed("endDay", { symbol }),
  typed("fireSwitch", { userId: user, symbol }),
  typed("sweepMarket", { symbol }),
  typed("learnCursors", { throughSeq: whole }),
  typed("forget", { throughSeq: whole }),
  typed("addMarket", { market: anyMarket }),
  typed("startEpoch", { epoch: whole, rules: fc.constantFrom(1, 2) }),
  fc.constant<Command>({ type: "tick" }),
);

const party = fc.record({
  orderId: anyId,
  userId: user,
  clientOrderId,
  feePpm: ppm,
  receivedBefore: sum,
  createdAtMs: whole,
  remainingLots: whole,
});

/** An event of any kind but those that repeat a command. */
const anyEvent: fc.Arbitrary<MatcherEvent> = fc.oneof(
  typed("rested", { orderId: anyId, symbol, side, priceTicks: whole, remainingLots: whole }),
  typed("trade", {
    ...{ symbol, priceTicks: whole, quantityLots: whole, takerSide: side, maker: party, taker: party },
    ...{ buyerLimitTicks: whole, index: fc.nat(19_999) },
  }),
  typed("selfTradePrevented", {
    ...{ symbol, takerOrderId: anyId, makerOrderId: anyId, userId: user, takerSide: side, priceTicks: whole },
    ...{ quantityLots: whole, takerRemainingLots: whole, takerReservedUnits: whole },
    ...{ makerRemainingLots: whole, makerReservedUnits: whole },
    mode: fc.constantFrom("CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH", "DECREMENT"),
  }),
  typed("ended", {
    ...{
      orderId: anyId,
      userId: user,
      symbol,
      executedLots: whole,
      executedTickLots: sum,
      remainingLots: whole,
    },
    status: fc.constantFrom<FinalStatus>("FILLED", "CANCELLED", "EXPIRED", "REJECTED"),
    reason: fc.constantFrom(...END_REASONS),
    resting: fc.option(fc.record({ side, priceTicks: whole }), { nil: undefined }),
    ...{ createdAtMs: whole, acceptedSeq: whole, amendedPriceTicks: whole, amendedQuantityLots: whole },
    terms: fc.constant(undefined),
    isTombstone: fc.constant(false),
  }),
  typed("stopPlaced", { orderId: anyId, symbol, side, stopPriceTicks: whole, remainingLots: whole }),
  typed("stopTriggered", {
    orderId: anyId,
    userId: user,
    symbol,
    side,
    stopPriceTicks: whole,
    remainingLots: whole,
  }),
  typed("amended", {
    ...{
      orderId: anyId,
      userId: user,
      legId: id,
      symbol,
      side,
      keepsPlace: fc.boolean(),
      wasResting: fc.boolean(),
    },
    ...{ oldPriceTicks: whole, oldRemainingLots: whole, priceTicks: whole, remainingLots: whole },
    ...{ quantityLots: whole, reservedUnits: whole, createdAtMs: whole },
  }),
  typed("amendRefused", {
    ...{ orderId: anyId, userId: user, legId: id, symbol },
    reason: fc.constantFrom(...AMEND_REFUSALS.filter((reason): reason is AmendRefusal => reason !== "")),
  }),
  typed("marketAdded", { market: anyMarket }),
  typed("marketStateChanged", { symbol, state, oldState: state, operatorId: user, reason: text }),
  typed("switchSet", { userId: user, symbols: fc.uniqueArray(symbol), dueAtMs: whole }),
);

/** What an order's refusal or a tombstone says, as it follows from its command. */
function ownEvents(command: Command): MatcherEvent[] {
  const ended = {
    type: "ended" as const,
    ...{ executedLots: 0, executedTickLots: "0", resting: undefined, remainingLots: 7 },
    ...{ createdAtMs: 1, acceptedSeq: 2, amendedPriceTicks: 0, amendedQuantityLots: 0 },
  } as const;
  if (command.type === "submit") {
    const { terms } = command;
    const { orderId, userId, symbol } = terms;
    const refused = { ...ended, orderId, userId, symbol, terms, isTombstone: false } as const;
    return [
      { type: "accepted", terms },
      { ...refused, status: "REJECTED", reason: "PRICE_OUT_OF_BAND" },
    ];
  }
  if (command.type !== "resolve") return [];
  const { orderId, userId, symbol, tombstoneStatus: status, tombstoneReason: reason } = command;
  return [{ ...ended, orderId, userId, symbol, status, reason, terms: undefined, isTombstone: true }];
}

export const anyRecord: fc.Arbitrary<JournalRecord> = fc
  .record({
    seq: positive,
    epoch: positive,
    timeMs: whole,
    traceparent,
    command: fc.oneof(
      fc
        .record({ terms: anyTerms, expiresAtMs: whole })
        .map((submit): Command => ({ type: "submit", ...submit })),
      anyOther,
    ),
    others: fc.array(anyEvent, { maxLength: 12 }),
  })
  .map(({ others, ...record }) => ({ ...record, events: [...ownEvents(record.command), ...others] }));
