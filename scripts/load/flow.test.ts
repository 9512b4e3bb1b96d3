import { seededRandom } from "@bourse/shared/testing/random.js";
import { gridOf, parsePriceTicks, parseQuantityLots } from "@bourse/shared/units/market.js";
import { expect, test } from "vitest";
import { firstMidTicks, MarketFlow } from "./flow.js";

const grid = gridOf({
  symbol: "BTC/USDT",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tickSize: "0.01",
  lotSize: "0.00001",
});
const flowOf = (seed: number) =>
  new MarketFlow({
    grid,
    limits: { minQuantity: "0.0001", minNotional: "1" },
    midTicks: 10_000,
    users: 4,
    random: seededRandom(seed),
  });

test("orders lie on the grid and above the market's least, on both sides of the mid", () => {
  const flow = flowOf(7);
  const orders = Array.from({ length: 500 }, () => flow.next());
  for (const { price, quantity, userIndex } of orders) {
    const ticks = parsePriceTicks(grid, "price", price);
    const lots = parseQuantityLots(grid, "quantity", quantity);
    expect(Math.abs(ticks - 10_000)).toBeLessThanOrEqual(20);
    expect(ticks * lots).toBeGreaterThanOrEqual(10_000_000);
    expect(userIndex).toBeLessThan(4);
  }
  const resting = orders.filter(({ rests }) => rests);
  expect(resting.length).toBeGreaterThan(200);
  expect(resting.length).toBeLessThan(300);
  for (const { isBuy, price, rests } of orders) expect(Number(price) < 100).toBe(isBuy === rests);
});

test("the same seed gives the same orders", () => {
  const [a, b] = [flowOf(3), flowOf(3)];
  expect(Array.from({ length: 50 }, () => a.next())).toEqual(Array.from({ length: 50 }, () => b.next()));
});

test("of the orders that are old, every fourth is cancelled", () => {
  const flow = flowOf(1);
  const cancelled: string[] = [];
  for (let n = 0; n < 112; n += 1) {
    flow.rested({ userIndex: 0, clientOrderId: `o${n}` });
    const order = flow.toCancel();
    if (order !== undefined) cancelled.push(order.clientOrderId);
  }
  expect(cancelled).toEqual(["o3", "o7", "o11"]);
});

test("an empty market begins at 100 units, or at 1,000 ticks when a tick is worth more", () => {
  expect(firstMidTicks(grid)).toBe(10_000);
  expect(firstMidTicks({ ...grid, tickAtoms: 1_000_000_000n })).toBe(1_000);
});
