// What must not come in: a definite answer, nothing journaled, and the shard goes on.

import { type CommandSchema, OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  EndReason,
  OrderType,
  Side,
  OrderStatus as Status,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { amend, legId, market, orderId, SYMBOL, userId } from "../testing/orders.js";
import { records, refusal, serveForTests } from "../testing/served.js";
import {
  cancelCommand,
  fundedTerms,
  submitCommand,
  submitted,
  take,
  wireAmend,
  wireSubmit,
} from "../testing/wire-orders.js";
import { marketInit } from "./market-wire.js";
import { termsInit } from "./matcher-wire.js";

const { start } = serveForTests();

type Terms = Omit<Exclude<MessageInitShape<typeof OrderTermsSchema>, { $typeName: string }>, "$typeName">;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const { LIMIT, MARKET, STOP, STOP_LIMIT } = OrderType;
const { GTC, IOC, FOK, DAY } = TimeInForce;

const marketTerms = { type: MARKET, timeInForce: IOC, priceTicks: 0n, budgetTickLots: 500n };
const stopTerms = { type: STOP, timeInForce: IOC, priceTicks: 0n, stopPriceTicks: 90n, budgetTickLots: 500n };
const stopLimitTerms = { type: STOP_LIMIT, stopPriceTicks: 90n };

const malformed: [string, Terms, string, string][] = [
  ["an order id that is none", { orderId: "x" }, "INVALID_ORDER_ID", "order_id"],
  ["an order id in capitals", { orderId: orderId(1).toUpperCase() }, "INVALID_ORDER_ID", "order_id"],
  ["a user id that is none", { userId: "" }, "INVALID_USER_ID", "user_id"],
  [
    "a client order id with a line feed",
    { clientOrderId: "a\nb" },
    "INVALID_CLIENT_ORDER_ID",
    "client_order_id",
  ],
  [
    "a client order id of 65 characters",
    { clientOrderId: "a".repeat(65) },
    "INVALID_CLIENT_ORDER_ID",
    "client_order_id",
  ],
  ["no client order id", { clientOrderId: "" }, "FIELD_REQUIRED", "client_order_id"],
  ["a symbol that is none", { symbol: "../x" }, "INVALID_SYMBOL", "symbol"],
  ["no side", { side: Side.UNSPECIFIED }, "FIELD_REQUIRED", "side"],
  ["a side nobody knows", { side: 9 as Side }, "INVALID_ENUM", "side"],
  ["a type nobody knows", { type: 9 as OrderType }, "INVALID_ENUM", "type"],
  ["a time in force nobody knows", { timeInForce: 9 as TimeInForce }, "INVALID_ENUM", "time_in_force"],
  ["a mode nobody knows", { selfTradePrevention: 9 as never }, "INVALID_ENUM", "self_trade_prevention"],
  ["a price below zero", { priceTicks: -1n }, "VALUE_TOO_LARGE", "price_ticks"],
  ["a price that does not count exactly", { priceTicks: SAFE_MAX + 1n }, "VALUE_TOO_LARGE", "price_ticks"],
  ["a quantity below zero", { quantityLots: -1n }, "VALUE_TOO_LARGE", "quantity_lots"],
  ["a fee of all that is received", { makerFeePpm: 1_000_000 }, "INVALID_FIELD", "maker_fee_ppm"],
  ["a fee below zero", { takerFeePpm: -1 }, "INVALID_FIELD", "taker_fee_ppm"],
  ["an asset that is none", { reservedAsset: "usdt" }, "INVALID_ASSET", "reserved_asset"],
  ["an amount that is none", { reservedAmount: "1e3" }, "INVALID_DECIMAL", "reserved_amount"],
  ["LIMIT without a price", { type: LIMIT, priceTicks: 0n }, "PRICE_REQUIRED", "price_ticks"],
  ["LIMIT without a quantity", { quantityLots: 0n }, "QUANTITY_REQUIRED", "quantity_lots"],
  ["LIMIT with a stop price", { stopPriceTicks: 1n }, "STOP_PRICE_NOT_ALLOWED", "stop_price_ticks"],
  ["LIMIT with a budget", { budgetTickLots: 1n }, "INVALID_COMBINATION", "budget_tick_lots"],
  ["post-only with IOC", { postOnly: true, timeInForce: IOC }, "INVALID_COMBINATION", "post_only"],
  [
    "price times quantity beyond 2^53",
    { priceTicks: SAFE_MAX, quantityLots: 2n },
    "NOTIONAL_TOO_LARGE",
    "quantity_lots",
  ],
  ["MARKET with a price", { ...marketTerms, priceTicks: 1n }, "PRICE_NOT_ALLOWED", "price_ticks"],
  [
    "MARKET with a stop price",
    { ...marketTerms, stopPriceTicks: 1n },
    "STOP_PRICE_NOT_ALLOWED",
    "stop_price_ticks",
  ],
  ["MARKET with GTC", { ...marketTerms, timeInForce: GTC }, "INVALID_COMBINATION", "time_in_force"],
  ["MARKET with DAY", { ...marketTerms, timeInForce: DAY }, "INVALID_COMBINATION", "time_in_force"],
  ["MARKET with post-only", { ...marketTerms, postOnly: true }, "INVALID_COMBINATION", "post_only"],
  [
    "MARKET BUY without a budget",
    { ...marketTerms, budgetTickLots: 0n },
    "QUANTITY_REQUIRED",
    "budget_tick_lots",
  ],
  [
    "MARKET SELL with a budget",
    { ...marketTerms, side: Side.SELL },
    "INVALID_COMBINATION",
    "budget_tick_lots",
  ],
  [
    "MARKET by budget and quantity",
    { ...marketTerms, byQuoteBudget: true },
    "QUANTITY_REQUIRED",
    "quantity_lots",
  ],
  [
    "STOP without a stop price",
    { ...stopTerms, stopPriceTicks: 0n },
    "STOP_PRICE_REQUIRED",
    "stop_price_ticks",
  ],
  ["STOP with a price", { ...stopTerms, priceTicks: 1n }, "PRICE_NOT_ALLOWED", "price_ticks"],
  ["STOP with GTC", { ...stopTerms, timeInForce: GTC }, "INVALID_COMBINATION", "time_in_force"],
  ["STOP with post-only", { ...stopTerms, postOnly: true }, "INVALID_COMBINATION", "post_only"],
  ["STOP by quote budget", { ...stopTerms, byQuoteBudget: true }, "INVALID_COMBINATION", "budget_tick_lots"],
  ["STOP SELL with a budget", { ...stopTerms, side: Side.SELL }, "INVALID_COMBINATION", "budget_tick_lots"],
  [
    "STOP BUY without a budget",
    { ...stopTerms, budgetTickLots: 0n },
    "QUANTITY_REQUIRED",
    "budget_tick_lots",
  ],
  ["STOP without a quantity", { ...stopTerms, quantityLots: 0n }, "QUANTITY_REQUIRED", "quantity_lots"],
  [
    "STOP_LIMIT without a stop price",
    { ...stopLimitTerms, stopPriceTicks: 0n },
    "STOP_PRICE_REQUIRED",
    "stop_price_ticks",
  ],
  ["STOP_LIMIT without a price", { ...stopLimitTerms, priceTicks: 0n }, "PRICE_REQUIRED", "price_ticks"],
  [
    "STOP_LIMIT post-only with FOK",
    { ...stopLimitTerms, postOnly: true, timeInForce: FOK },
    "INVALID_COMBINATION",
    "post_only",
  ],
  [
    "stop price times quantity beyond 2^53",
    { ...stopLimitTerms, stopPriceTicks: SAFE_MAX, quantityLots: 2n },
    "NOTIONAL_TOO_LARGE",
    "quantity_lots",
  ],
  ["a market that nobody made", { symbol: "ETH/USDT" }, "SYMBOL_NOT_FOUND", ""],
  [
    "a reservation that does not cover it",
    { reservedAmount: "0.00000099" },
    "INVALID_FIELD",
    "reserved_amount",
  ],
  ["a reservation of the other asset", { reservedAsset: "BTC" }, "INVALID_FIELD", "reserved_asset"],
];

test("orders that cannot be: each is refused by its field, one by one and in a batch, and nothing is journaled", async () => {
  const matcher = await start();
  const { client } = matcher;
  const before = (await records(matcher)).length;
  const submits = malformed.map(([, changes]) => {
    const terms = create(OrderTermsSchema, { ...termsInit(fundedTerms(1)), ...changes });
    return { ...wireSubmit(1), terms };
  });
  for (const [index, [what, , reason, field]] of malformed.entries()) {
    const { reason: told, facts } = await refusal(client.submit({ submit: submits[index] ?? {} }));
    expect([what, told, facts.field ?? ""]).toEqual([what, reason, field]);
  }
  const stream = client.commandStream();
  stream.write({ commands: submits.map((value) => ({ kind: { case: "submit" as const, value } })) });
  stream.end();
  const results = (await take(stream, 1)).flatMap((response) => response.results);
  expect(results.map(({ outcome }) => outcome.case === "failure" && outcome.value.reason)).toEqual(
    malformed.map(([, , reason]) => reason),
  );
  expect((await records(matcher)).length).toBe(before);
  expect((await submitted(client, 1)).order.status).toBe(Status.OPEN);
});

test("a command that came too late, or whose expiry lies too far ahead, has no effect", async () => {
  const matcher = await start();
  const { client } = matcher;
  await submitted(client, 9);
  const before = (await records(matcher)).length;
  for (const expiresAtMs of [1, Date.now() - 60_000, Date.now() + 120_000]) {
    const late = BigInt(expiresAtMs);
    const calls = [
      client.submit({ submit: wireSubmit(1, {}, expiresAtMs) }),
      client.amend({ amend: wireAmend(1, 9, { quantityLots: 1 }, expiresAtMs) }),
      client.cancelAll({ cancelAll: { userId: userId(9), requestId: "r", expiresAtMs: late } }),
      client.resolve({
        resolve: {
          ...{ orderId: orderId(2), userId: userId(2), symbol: SYMBOL, expiresAtMs: late },
          ...{ tombstoneStatus: Status.CANCELLED, tombstoneReason: EndReason.USER },
        },
      }),
    ];
    for (const call of calls) expect(await refusal(call)).toMatchObject({ reason: "SUBMIT_EXPIRED" });
  }
  expect((await records(matcher)).length).toBe(before);
  // A known id is answered whatever the expiry.
  const { result } = await client.submit({ submit: wireSubmit(9, {}, 1) });
  expect(result).toMatchObject({ replayed: true, outcome: { value: { status: Status.OPEN } } });
});

test("a Resolve that belongs to another shard writes no tombstone", async () => {
  const matcher = await start();
  const before = (await records(matcher)).length;
  const resolve = {
    ...{
      orderId: orderId(2),
      userId: userId(2),
      symbol: "ETH/USDT",
      expiresAtMs: BigInt(Date.now() + 5_000),
    },
    ...{ tombstoneStatus: Status.CANCELLED, tombstoneReason: EndReason.USER },
  };
  expect(await refusal(matcher.client.resolve({ resolve }))).toMatchObject({ reason: "SYMBOL_NOT_FOUND" });
  expect((await records(matcher)).length).toBe(before);
});

test("an id that comes back with other content is refused by the field that differs", async () => {
  const { client } = await start();
  await submitted(client, 1);
  const others: [Parameters<typeof wireSubmit>[1], string][] = [
    [{ priceTicks: 99 }, "price_ticks"],
    [{ quantityLots: 2 }, "quantity_lots"],
    [{ timeInForce: "DAY" }, "time_in_force"],
    [{ postOnly: true }, "post_only"],
    [{ selfTradePrevention: "DECREMENT" }, "self_trade_prevention"],
    [{ type: "STOP_LIMIT", stopPriceTicks: 120 }, "type"],
    [{ clientOrderId: "c-2" }, "client_order_id"],
    [{ userId: userId(2) }, "user_id"],
    [{ takerFeePpm: 1 }, "taker_fee_ppm"],
    [{ reservedAmount: "999999" }, "reserved_amount"],
  ];
  for (const [changes, field] of others) {
    expect(await refusal(client.submit({ submit: wireSubmit(1, changes) }))).toMatchObject({
      reason: "CLIENT_ORDER_ID_REUSED",
      facts: { field },
    });
  }
});

describe("amends", () => {
  test.each([
    ["an unknown order", {}, 7, "ORDER_NOT_FOUND"],
    ["another user's order", { userId: userId(2) }, 1, "ORDER_NOT_FOUND"],
    ["a leg id that is none", { legId: "x" }, 1, "INVALID_REQUEST_ID"],
    ["nothing to change", { quantityLots: 0 }, 1, "FIELD_REQUIRED"],
    ["a leg without an amount", { legUnits: 5 }, 1, "INVALID_COMBINATION"],
    ["an amount without a leg", { legAmount: "5" }, 1, "INVALID_COMBINATION"],
    [
      "an amount that is less than it says",
      { legUnits: 5_000_000, legAmount: "0.00000001" },
      1,
      "INVALID_FIELD",
    ],
    ["another market", { symbol: "ETH/USDT" }, 1, "INVALID_FIELD"],
    ["a symbol that is none", { symbol: "" }, 1, "FIELD_REQUIRED"],
  ])("%s: refused, nothing journaled", async (_, changes, number, reason) => {
    const matcher = await start();
    await submitted(matcher.client, 1, { quantityLots: 3 });
    const before = (await records(matcher)).length;
    const made = wireAmend(1, number, { quantityLots: 2, ...changes });
    expect(await refusal(matcher.client.amend({ amend: made }))).toMatchObject({ reason });
    expect((await records(matcher)).length).toBe(before);
  });

  test("a key that stands for another order's amend, or for an order, is refused", async () => {
    const { client } = await start();
    await submitted(client, 1, { quantityLots: 3 });
    await submitted(client, 2, { quantityLots: 3, userId: userId(1) });
    await client.amend({ amend: wireAmend(1, 1, { quantityLots: 2 }) });
    const other = wireAmend(1, 2, { quantityLots: 2, userId: userId(1) });
    expect(await refusal(client.amend({ amend: other }))).toMatchObject({ reason: "REQUEST_ID_REUSED" });
    const order = { ...amend(9, 2, { quantityLots: 2, userId: userId(1) }), legId: orderId(1) };
    expect(await refusal(client.amend({ amend: wireAmend(9, 2, order) }))).toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
    const more = wireAmend(1, 1, { quantityLots: 1 });
    expect(await refusal(client.amend({ amend: more }))).toMatchObject({
      reason: "REQUEST_ID_REUSED",
      facts: { field: "quantity" },
    });
    // And the key of an amend is no order.
    const asOrder = wireSubmit(3, { orderId: legId(1) });
    expect(await refusal(client.submit({ submit: asOrder }))).toMatchObject({
      reason: "CLIENT_ORDER_ID_REUSED",
    });
    const names = { orderId: legId(1), userId: userId(1) };
    expect(await refusal(client.cancel({ cancel: names }))).toMatchObject({ reason: "ORDER_NOT_FOUND" });
    expect(await refusal(client.getOrder(names))).toMatchObject({ reason: "ORDER_NOT_FOUND" });
  });
});

test("commands about many orders and about markets: refused by their field, nothing journaled", async () => {
  const matcher = await start();
  const { client } = matcher;
  const before = (await records(matcher)).length;
  const expiresAtMs = BigInt(Date.now() + 30_000);
  const all = { userId: userId(1), requestId: "r", expiresAtMs };
  const state = { symbol: SYMBOL, state: 4, operatorId: userId(1), reason: "a reason" };
  const dead = { userId: userId(1), symbols: [], timeoutMs: 1_000n };
  const cases: [Promise<unknown>, string, string][] = [
    [client.cancelAll({}), "FIELD_REQUIRED", "cancel_all"],
    [client.cancelAll({ cancelAll: { ...all, userId: "x" } }), "INVALID_USER_ID", "user_id"],
    [client.cancelAll({ cancelAll: { ...all, operatorId: "x" } }), "INVALID_USER_ID", "operator_id"],
    [client.cancelAll({ cancelAll: { ...all, requestId: "" } }), "FIELD_REQUIRED", "request_id"],
    [client.cancelAll({ cancelAll: { ...all, requestId: "a b" } }), "INVALID_REQUEST_ID", "request_id"],
    [client.cancelAll({ cancelAll: { ...all, symbol: "x" } }), "INVALID_SYMBOL", "symbol"],
    [client.cancelAll({ cancelAll: { ...all, side: 9 as Side } }), "INVALID_ENUM", "side"],
    [client.cancelAll({ cancelAll: { ...all, symbol: "ETH/USDT" } }), "SYMBOL_NOT_FOUND", ""],
    [client.setSwitch({}), "FIELD_REQUIRED", "set_switch"],
    [client.setSwitch({ setSwitch: { ...dead, timeoutMs: 86_400_001n } }), "INVALID_FIELD", "timeout_ms"],
    [client.setSwitch({ setSwitch: { ...dead, timeoutMs: -1n } }), "INVALID_FIELD", "timeout_ms"],
    [client.setSwitch({ setSwitch: { ...dead, symbols: ["x"] } }), "INVALID_SYMBOL", "symbols"],
    [client.setSwitch({ setSwitch: { ...dead, symbols: [SYMBOL, SYMBOL] } }), "INVALID_FIELD", "symbols"],
    [client.setSwitch({ setSwitch: { ...dead, symbols: ["ETH/USDT"] } }), "SYMBOL_NOT_FOUND", ""],
    [client.setMarketState({}), "FIELD_REQUIRED", "set_market_state"],
    [client.setMarketState({ setMarketState: { ...state, state: 0 } }), "FIELD_REQUIRED", "state"],
    [client.setMarketState({ setMarketState: { ...state, state: 9 as never } }), "INVALID_ENUM", "state"],
    [
      client.setMarketState({ setMarketState: { ...state, operatorId: "me" } }),
      "INVALID_USER_ID",
      "operator_id",
    ],
    [client.setMarketState({ setMarketState: { ...state, reason: "" } }), "FIELD_REQUIRED", "reason"],
    [
      client.setMarketState({ setMarketState: { ...state, reason: "é".repeat(201) } }),
      "INVALID_FIELD",
      "reason",
    ],
    [client.setMarketState({ setMarketState: { ...state, reason: "a\nb" } }), "INVALID_FIELD", "reason"],
    [client.setMarketState({ setMarketState: { ...state, symbol: "ETH/USDT" } }), "SYMBOL_NOT_FOUND", ""],
  ];
  for (const [call, reason, field] of cases) {
    const { reason: told, facts } = await refusal(call);
    expect([told, facts.field ?? ""]).toEqual([reason, field]);
  }
  expect((await records(matcher)).length).toBe(before);
  const longest = { ...state, reason: "é".repeat(200) };
  expect((await client.setMarketState({ setMarketState: longest })).market?.state).toBe(4);
  await client.setMarketState({ setMarketState: { ...state, state: 5 } });
  const back = client.setMarketState({ setMarketState: { ...state, state: 1 } });
  expect(await refusal(back)).toMatchObject({ reason: "SYMBOL_DELISTED" });
});

test("kinds of commands that are not a client's are refused in their place on the stream", async () => {
  const matcher = await start();
  const before = (await records(matcher)).length;
  const kinds: NonNullable<MessageInitShape<typeof CommandSchema>["kind"]>[] = [
    { case: "startEpoch" as const, value: { epoch: 99n, rules: 9 } },
    { case: "addMarket" as const, value: { market: marketInit(market({ symbol: "ETH/USDT" })) } },
    { case: "forget" as const, value: { throughSeq: 1n } },
    { case: "learnCursors" as const, value: { throughSeq: 1n } },
    { case: "endDay" as const, value: { symbol: SYMBOL } },
    { case: "fireSwitch" as const, value: { symbol: SYMBOL, userId: userId(1) } },
    { case: "cancelAll" as const, value: { userId: userId(1), requestId: "r" } },
    { case: "tick" as const, value: {} },
  ];
  const stream = matcher.client.commandStream();
  stream.write({ commands: [...kinds.map((kind) => ({ kind })), cancelCommand(1)] });
  stream.write({ commands: Array.from({ length: 1_001 }, () => submitCommand(1)) });
  const [{ results } = { results: [] }] = await take(stream, 1);
  expect(results.map(({ outcome }) => outcome.case === "failure" && outcome.value.reason)).toEqual([
    ...kinds.map(() => "INVALID_FIELD"),
    "ORDER_NOT_FOUND",
  ]);
  expect((await records(matcher)).length).toBe(before);
  const many = matcher.client.commandStream();
  many.write({ commands: Array.from({ length: 1_001 }, () => submitCommand(1)) });
  expect(await refusal(take(many, 1))).toMatchObject({
    reason: "INVALID_FIELD",
    facts: { field: "commands" },
  });
  expect((await records(matcher)).length).toBe(before);
});

test("positions of another epoch are refused, a report of one is an alarm and opens nothing", async () => {
  const { client, refused } = await start(undefined, { followers: ["wallet"] });
  const wrong = { follower: "wallet", epoch: 9n, seq: 1n };
  expect(await refusal(client.reportCursor(wrong))).toMatchObject({ reason: "POSITION_UNKNOWN" });
  expect(await refusal(client.reportCursor({ ...wrong, epoch: 1n, seq: 9_999n }))).toMatchObject({
    reason: "POSITION_UNKNOWN",
  });
  expect(await refusal(client.reportCursor({ ...wrong, follower: "no name" }))).toMatchObject({
    reason: "INVALID_FIELD",
  });
  expect(refused).toEqual(["wallet", "wallet"]);
  expect(await refusal(client.submit({ submit: wireSubmit(1) }))).toMatchObject({
    reason: "SHARD_UNAVAILABLE",
  });
  const asBoth = client.streamEvents({ afterSeq: 1n, afterEpoch: 1n, fromSnapshot: true });
  expect(await refusal(take(asBoth, 1))).toMatchObject({ reason: "INVALID_COMBINATION" });
});
