// Random order flow for properties: few users, few prices, so that everything meets everything.
import fc from "fast-check";
import type { Market, OrderCommand, OrderTerms } from "../core/types.js";
import { cancel, market, orderId, resolve, submit, userId } from "./orders.js";

const SYMBOLS = ["BTC/USDT", "ETH/USDT"] as const;

/** Two markets whose limits matter: protection, band, cap, and sometimes a state that refuses. */
export const markets: fc.Arbitrary<Market[]> = fc.tuple(...SYMBOLS.map(marketNamed));

function marketNamed(symbol: string): fc.Arbitrary<Market> {
  return fc
    .record({
      protectionBps: fc.constantFrom(1, 500, 2_000, 1_000_000),
      bandBps: fc.constantFrom(0, 0, 1_000, 3_000),
      openOrdersMax: fc.constantFrom(0, 0, 3),
      state: fc.constantFrom("TRADING", "TRADING", "TRADING", "POST_ONLY", "HALTED"),
    })
    .map((changes) => market({ symbol, baseAsset: symbol.slice(0, 3), ...changes }));
}

const side = fc.constantFrom("buy", "sell");
const lots = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 200 }));
const price = fc.integer({ min: 88, max: 112 });

/** Scales prices and lots so that notionals and their sums lie near the limits of safe integers. */
export const scale = fc.constantFrom(
  { price: 1, lots: 1 },
  { price: 1, lots: 1 },
  { price: 80_000_001, lots: 5_003 },
  { price: 7, lots: 57_000_000_003 },
);
export type Scale = { readonly price: number; readonly lots: number };

const limit = fc
  .record({
    side,
    price,
    lots,
    timeInForce: fc.constantFrom("GTC", "GTC", "GTC", "GTC", "IOC", "FOK"),
    postOnly: fc.constantFrom(false, false, false, true),
  })
  .map(
    ({ side, price, lots, timeInForce, postOnly }) =>
      (by: Scale): Partial<OrderTerms> => ({
        side,
        priceTicks: price * by.price,
        quantityLots: lots * by.lots,
        timeInForce: postOnly ? "GTC" : timeInForce,
        postOnly,
      }),
  );

const marketOrder = fc
  .record({
    side,
    lots,
    timeInForce: fc.constantFrom("IOC", "IOC", "FOK"),
    byQuoteBudget: fc.boolean(),
    budgetPrice: fc.integer({ min: 1, max: 120 }),
  })
  .map((order) => (by: Scale): Partial<OrderTerms> => {
    const { side, timeInForce } = order;
    const quantityLots = order.lots * by.lots;
    const base = { type: "MARKET", priceTicks: 0, timeInForce } as const;
    if (side === "sell") return { ...base, side, quantityLots };
    const budgetTickLots = Math.min(order.budgetPrice * by.price * quantityLots, Number.MAX_SAFE_INTEGER);
    const { byQuoteBudget } = order;
    return { ...base, side, budgetTickLots, byQuoteBudget, quantityLots: byQuoteBudget ? 0 : quantityLots };
  });

const MAKE_TERMS = fc.oneof({ weight: 5, arbitrary: limit }, { weight: 2, arbitrary: marketOrder });

/** A step that becomes a command once its number in the flow is known. */
export type Step = (number: number, by: Scale) => OrderCommand;

const place: fc.Arbitrary<Step> = fc
  .tuple(MAKE_TERMS, fc.integer({ min: 1, max: 5 }), fc.constantFrom(...SYMBOLS, SYMBOLS[0]))
  .map(
    ([make, user, symbol]) =>
      (number, by) =>
        submit(number, { ...make(by), userId: userId(user), symbol }),
  );

/** Cancels or resolves something placed a few steps before, sometimes something never placed. */
const undo: fc.Arbitrary<Step> = fc
  .record({
    back: fc.integer({ min: -1, max: 12 }),
    user: fc.integer({ min: 1, max: 5 }),
    kind: fc.constantFrom("cancel", "cancel", "resolve", "resolveOpen"),
  })
  .map(({ back, user, kind }) => (number) => {
    const target = Math.max(0, number - back);
    const owner = { orderId: orderId(target), userId: userId(user) };
    if (kind === "cancel") return { ...cancel(target), ...owner };
    return resolve(target, { ...owner, cancelIfOpen: kind === "resolveOpen" });
  });

const step = fc.oneof({ weight: 7, arbitrary: place }, { weight: 3, arbitrary: undo });

/** Up to 120 commands. */
export const flow = fc
  .tuple(fc.array(step, { minLength: 1, maxLength: 120, size: "max" }), scale)
  .map(([steps, by]) => steps.map((each, index) => each(index + 1, by)));
