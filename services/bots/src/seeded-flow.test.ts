import { expect, test } from "vitest";
import { type FlowAction, SeededFlow } from "./seeded-flow.js";

const options = { seed: 7, anchorTicks: 6_000_000, midTicks: 6_000_000, minQuantityLots: 10 };

// Runs the flow as an exchange without takers would: every quote rests.
function run(flow: SeededFlow, count: number): FlowAction[] {
  return Array.from({ length: count }, (_, index) => {
    const action = flow.next();
    if (action.type === "place" && action.isMaker) flow.rested({ ...action, clientOrderId: `${index}` });
    return action;
  });
}

test("the same seed gives the same flow", () => {
  expect(run(new SeededFlow(options), 2_000)).toEqual(run(new SeededFlow(options), 2_000));
  expect(run(new SeededFlow({ ...options, seed: 8 }), 50)).not.toEqual(run(new SeededFlow(options), 50));
});

test("the book fills first, then quotes, takers and cancels keep it at a steady size", () => {
  const flow = new SeededFlow(options);
  expect(run(flow, 30).every((action) => action.type === "place" && action.isMaker)).toBe(true);
  const later = run(flow, 5_000);
  const share = (is: (action: FlowAction) => boolean) => later.filter(is).length / later.length;
  expect(share((action) => action.type === "place" && !action.isMaker)).toBeGreaterThan(0.15);
  expect(share((action) => action.type === "cancel")).toBeGreaterThan(0.15);
  expect(flow.restingCount).toBeGreaterThanOrEqual(29);
  expect(flow.restingCount).toBeLessThan(100);
});

test("a maker never quotes through his own order on the other side", () => {
  const flow = new SeededFlow(options);
  const resting = new Map<string, { userId: string; isBuy: boolean; priceTicks: number }>();
  for (let index = 0; index < 20_000; index += 1) {
    const action = flow.next();
    if (action.type === "cancel") {
      resting.delete(action.order.clientOrderId);
    } else if (action.isMaker) {
      const own = [...resting.values()].filter(
        ({ userId, isBuy }) => userId === action.userId && isBuy !== action.isBuy,
      );
      const meets = own.some(({ priceTicks }) =>
        action.isBuy ? priceTicks <= action.priceTicks : priceTicks >= action.priceTicks,
      );
      expect(meets).toBe(false);
      resting.set(`${index}`, action);
      flow.rested({ ...action, clientOrderId: `${index}` });
    }
  }
});

test("prices and quantities stay on the grid, above the minimum and near the anchor", () => {
  for (const action of run(new SeededFlow({ ...options, anchorTicks: 5_500, midTicks: 5_500 }), 50_000)) {
    if (action.type !== "place") continue;
    expect(Number.isSafeInteger(action.priceTicks) && Number.isSafeInteger(action.quantityLots)).toBe(true);
    expect(action.quantityLots).toBeGreaterThanOrEqual(10);
    expect(Math.abs(action.priceTicks - 5_500)).toBeLessThan(600);
  }
});
