// Every word with which an order may end or an amend may be refused, as a caller of the matcher meets it.
import { AmendRefusal } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  EndReason,
  MarketState,
  Side,
  OrderStatus as Status,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AmendCommand, Market, OrderTerms } from "../core/types.js";
import { withFolder } from "../testing/journal-folder.js";
import { movableClock, startMatcher, type TestMatcher } from "../testing/matcher.js";
import { market, orderId, userId } from "../testing/orders.js";
import { wireAmend, wireSubmit } from "../testing/wire-orders.js";

/** What a case does, in a market and among orders of its own. */
interface Stage {
  /** Submits an order of the case by its number from 1; the user is another for each unless named. */
  place(number: number, changes?: Partial<OrderTerms>): Promise<void>;
  amend(number: number, changes: Partial<AmendCommand>): Promise<AmendRefusal>;
  cancel(number: number): Promise<void>;
  setState(state: MarketState): Promise<void>;
  /** Buys and sells so that this is the last trade. */
  tradeAt(priceTicks: number): Promise<void>;
  readonly symbol: string;
  readonly user: (number: number) => string;
  readonly order: (number: number) => string;
}

type Script = (stage: Stage) => Promise<unknown>;
interface Case {
  readonly changes?: Partial<Market>;
  readonly script: Script;
  /** The order that ends, 1 unless said. */
  readonly number?: number;
}

const DAY_MS = 24 * 60 * 60_000;
const sell = (priceTicks: number, changes: Partial<OrderTerms> = {}) =>
  ({ side: "sell", priceTicks, ...changes }) as const;
const market5 = { type: "MARKET", priceTicks: 0, quantityLots: 5, timeInForce: "IOC" } as const;
const stopBuy = { type: "STOP_LIMIT", stopPriceTicks: 110, priceTicks: 120 } as const;

const EXPIRED: Record<string, Case> = {
  IOC_REMAINDER: { script: ({ place }) => place(1, { timeInForce: "IOC" }) },
  FOK_NOT_FILLABLE: { script: ({ place }) => place(1, { timeInForce: "FOK" }) },
  INSUFFICIENT_LIQUIDITY: { script: ({ place }) => place(1, { ...market5, budgetTickLots: 900 }) },
  BUDGET_EXHAUSTED: {
    number: 2,
    async script({ place }) {
      await place(1, sell(100));
      await place(2, { ...market5, budgetTickLots: 99 });
    },
  },
  PRICE_PROTECTION: {
    changes: { protectionBps: 100 },
    number: 3,
    async script({ place }) {
      await place(1, sell(100));
      await place(2, sell(200));
      await place(3, { ...market5, budgetTickLots: 9_000 });
    },
  },
  SELF_TRADE: {
    number: 2,
    async script({ place, user }) {
      await place(1, sell(100));
      await place(2, { userId: user(1) });
    },
  },
  POST_ONLY_AT_TRIGGER: {
    async script({ place, tradeAt }) {
      await tradeAt(100);
      await place(1, { ...stopBuy, postOnly: true });
      await place(2, sell(115));
      await tradeAt(110);
    },
  },
  PRICE_OUT_OF_BAND: {
    changes: { bandBps: 1_000 },
    async script({ place, tradeAt }) {
      await tradeAt(100);
      await place(1, { ...stopBuy, stopPriceTicks: 105, priceTicks: 900 });
      await tradeAt(105);
    },
  },
  DAY_END: {
    async script({ place }) {
      await place(1, { timeInForce: "DAY" });
      moved.move(DAY_MS + 1);
      await place(2);
    },
  },
};

const CANCELLED: Record<string, Case> = {
  USER: {
    async script({ place, cancel }) {
      await place(1);
      await cancel(1);
    },
  },
  CANCEL_ALL: {
    async script({ place, user, symbol }) {
      await place(1);
      const expiresAtMs = BigInt(moved.wallMs() + 30_000);
      const cancelAll = { userId: user(1), requestId: "all", symbol, side: Side.BUY, expiresAtMs };
      expect((await matcher.client.cancelAll({ cancelAll })).cancelled).toBe(1);
    },
  },
  OPERATOR: {
    number: 2,
    async script({ place, user, order, symbol }) {
      const operatorId = userId(99);
      for (const number of [1, 2, 3]) await place(number, { userId: user(2) });
      const cancel = { orderId: order(2), userId: user(2), operatorId };
      expect((await matcher.client.cancel({ cancel })).result?.replayed).toBe(false);
      expect((await matcher.client.cancel({ cancel })).result?.replayed).toBe(true);
      const expiresAtMs = BigInt(moved.wallMs() + 30_000);
      const cancelAll = { userId: user(2), requestId: "all", symbol, operatorId, expiresAtMs };
      expect(await matcher.client.cancelAll({ cancelAll })).toMatchObject({ cancelled: 2, replayed: false });
      expect(await matcher.client.cancelAll({ cancelAll })).toMatchObject({ cancelled: 2, replayed: true });
      for (const number of [1, 3]) {
        const { order: found } = await matcher.client.getOrder({ orderId: order(number), userId: user(2) });
        expect(found).toMatchObject({ status: Status.CANCELLED, reason: EndReason.OPERATOR });
      }
    },
  },
  DEAD_MAN: {
    async script({ place, user, symbol }) {
      await place(1);
      const setSwitch = { userId: user(1), symbols: [symbol], timeoutMs: 5_000n };
      await matcher.client.setSwitch({ setSwitch });
      moved.move(5_001);
      await place(2);
    },
  },
  DELISTED: {
    async script({ place, setState }) {
      await place(1);
      await setState(MarketState.DELISTED);
    },
  },
  AMENDED: {
    number: 2,
    async script({ place, amend }) {
      await place(1, sell(100, { quantityLots: 4 }));
      await place(2, { quantityLots: 9 });
      await amend(2, { quantityLots: 3 });
    },
  },
};

const refusedIn =
  (state: MarketState): Script =>
  async ({ place, setState }) => {
    await setState(state);
    await place(1);
  };

const REJECTED: Record<string, Case> = {
  SYMBOL_HALTED: { script: refusedIn(MarketState.HALTED) },
  SYMBOL_POST_ONLY: { script: refusedIn(MarketState.POST_ONLY) },
  SYMBOL_CANCEL_ONLY: { script: refusedIn(MarketState.CANCEL_ONLY) },
  SYMBOL_DELISTED: { script: refusedIn(MarketState.DELISTED) },
  PRICE_OUT_OF_BAND: {
    changes: { bandBps: 1_000 },
    async script({ place, tradeAt }) {
      await tradeAt(100);
      await place(1, { priceTicks: 111 });
    },
  },
  OPEN_ORDER_LIMIT: {
    changes: { openOrdersMax: 1 },
    number: 2,
    async script({ place, user }) {
      await place(1);
      await place(2, { userId: user(1) });
    },
  },
  POST_ONLY_WOULD_TAKE: {
    number: 2,
    async script({ place }) {
      await place(1, sell(100));
      await place(2, { postOnly: true });
    },
  },
  STOP_WOULD_TRIGGER: {
    async script({ place, tradeAt }) {
      await tradeAt(110);
      await place(1, stopBuy);
    },
  },
  NOT_SEQUENCED: {
    async script({ order, user, symbol }) {
      const [tombstoneStatus, tombstoneReason] = [Status.REJECTED, EndReason.NOT_SEQUENCED];
      const expiresAtMs = BigInt(moved.wallMs() + 30_000);
      const names = { orderId: order(1), userId: user(1), symbol };
      await matcher.client.resolve({ resolve: { ...names, tombstoneStatus, tombstoneReason, expiresAtMs } });
    },
  },
};

const amendsIn =
  (state: MarketState): Script =>
  async ({ place, setState, amend }) => {
    await place(1, { quantityLots: 5 });
    await place(2, sell(105));
    await setState(state);
    return amend(1, { priceTicks: 105, ...leg });
  };
const leg = { legUnits: 1_000_000, legAmount: "1000" };

const REFUSED_AMENDS: Record<string, Case> = {
  ORDER_NOT_OPEN: {
    async script({ place, cancel, amend }) {
      await place(1);
      await cancel(1);
      return amend(1, { quantityLots: 5 });
    },
  },
  LEG_TOO_SMALL: {
    async script({ place, amend }) {
      await place(1);
      return amend(1, { quantityLots: 5 });
    },
  },
  POST_ONLY_WOULD_TAKE: {
    async script({ place, amend }) {
      await place(1, { postOnly: true });
      await place(2, sell(105));
      return amend(1, { priceTicks: 105, ...leg });
    },
  },
  PRICE_OUT_OF_BAND: {
    changes: { bandBps: 1_000 },
    async script({ place, amend, tradeAt }) {
      await tradeAt(100);
      await place(1);
      return amend(1, { priceTicks: 111, ...leg });
    },
  },
  SYMBOL_HALTED: { script: amendsIn(MarketState.HALTED) },
  SYMBOL_POST_ONLY: { script: amendsIn(MarketState.POST_ONLY) },
  SYMBOL_CANCEL_ONLY: { script: amendsIn(MarketState.CANCEL_ONLY) },
  SYMBOL_DELISTED: {
    // A delisted market has no open orders but those that its record had no room for: the order has ended.
    async script(stage) {
      expect(await amendsIn(MarketState.DELISTED)(stage)).toBe(AmendRefusal.ORDER_NOT_OPEN);
      return AmendRefusal.SYMBOL_DELISTED;
    },
  },
  PRICE_NOT_ALLOWED: {
    async script({ place, amend }) {
      await place(1, {
        type: "STOP",
        stopPriceTicks: 110,
        priceTicks: 0,
        budgetTickLots: 900,
        timeInForce: "IOC",
      });
      return amend(1, { priceTicks: 105, ...leg });
    },
  },
  NOTIONAL_TOO_LARGE: {
    async script({ place, amend }) {
      await place(1);
      return amend(1, { quantityLots: Number.MAX_SAFE_INTEGER, ...leg });
    },
  },
};

const groups = { EXPIRED, CANCELLED, REJECTED } as const;
const all = [...Object.values(groups), REFUSED_AMENDS].flatMap((cases) => Object.entries(cases));
const placeOf = new Map(all.map(([, each], index) => [each, index]));
/** A market for each case: its place in letters. */
const baseOf = (index: number) => `M${String.fromCharCode(65 + Math.floor(index / 26), 65 + (index % 26))}`;

const moved = movableClock();
let matcher: TestMatcher;
let end: () => void = () => {};
let lifetime: Promise<void> = Promise.resolve();

beforeAll(async () => {
  const markets = all.map(([, { changes }], index) =>
    market({ symbol: `${baseOf(index)}/USDT`, baseAsset: baseOf(index), ...changes }),
  );
  matcher = await new Promise<TestMatcher>((resolve, reject) => {
    lifetime = withFolder(async (folder) => {
      const started = await startMatcher(folder, { markets, clock: moved.clock });
      resolve(started);
      await new Promise<void>((done) => {
        end = done;
      });
      await started.close();
    });
    lifetime.catch(reject);
  });
});

afterAll(async () => {
  end();
  await lifetime;
});

function stageOf(each: Case): Stage {
  const index = placeOf.get(each) ?? -1;
  const symbol = `${baseOf(index)}/USDT`;
  const globally = (number: number) => index * 100 + number;
  const { client } = matcher;
  let others = 50;
  const expiresAtMs = () => moved.wallMs() + 30_000;
  const stage: Stage = {
    symbol,
    user: (number) => userId(globally(number)),
    order: (number) => orderId(globally(number)),
    async place(number, changes = {}) {
      const reservedAsset = changes.side === "sell" ? baseOf(index) : "USDT";
      const terms = { symbol, reservedAsset, ...changes };
      await client.submit({ submit: wireSubmit(globally(number), terms, expiresAtMs()) });
    },
    async amend(number, changes) {
      others += 1;
      const made = wireAmend(globally(others), globally(number), { symbol, ...changes }, expiresAtMs());
      const { result } = await client.amend({ amend: made });
      return result?.amendRefusal ?? AmendRefusal.UNSPECIFIED;
    },
    async cancel(number) {
      await client.cancel({ cancel: { orderId: stage.order(number), userId: stage.user(number) } });
    },
    async setState(state) {
      const setMarketState = { symbol, state, operatorId: userId(1), reason: "a test" };
      await client.setMarketState({ setMarketState });
    },
    async tradeAt(priceTicks) {
      others += 2;
      await stage.place(others - 1, sell(priceTicks));
      await stage.place(others, { priceTicks });
    },
  };
  return stage;
}

describe.each(Object.entries(groups))("%s", (status, cases) => {
  test.each(Object.keys(cases))("%s", async (reason) => {
    const each = cases[reason];
    if (each === undefined) throw new Error(`no case for ${reason}`);
    const stage = stageOf(each);
    await each.script(stage);
    const number = each.number ?? 1;
    const names = { orderId: stage.order(number), userId: stage.user(number) };
    const owner = reason === "SELF_TRADE" || reason === "OPEN_ORDER_LIMIT" ? stage.user(1) : names.userId;
    const { order } = await matcher.client.getOrder({ ...names, userId: owner });
    expect([Status[order?.status ?? 0], EndReason[order?.reason ?? 0]]).toEqual([status, reason]);
  });
});

test.each(Object.keys(REFUSED_AMENDS))("an amend is refused: %s", async (reason) => {
  const each = REFUSED_AMENDS[reason];
  if (each === undefined) throw new Error(`no case for ${reason}`);
  const stage = stageOf(each);
  expect(AmendRefusal[(await each.script(stage)) as AmendRefusal]).toBe(reason);
});

test("no word is without its case", () => {
  const words = (numbers: object) =>
    Object.keys(numbers).filter((word) => Number.isNaN(Number(word)) && word !== "UNSPECIFIED");
  const reasons = new Set(Object.values(groups).flatMap((cases) => Object.keys(cases)));
  expect([...reasons].sort()).toEqual(words(EndReason).sort());
  expect(Object.keys(REFUSED_AMENDS).sort()).toEqual(words(AmendRefusal).sort());
});
