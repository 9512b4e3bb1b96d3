import { expect, test } from "vitest";
import { calmFlow, orderFlow } from "./order-flow.js";

test("the same seed gives the same flow, another seed another one", () => {
  expect(orderFlow(7, 500)).toEqual(orderFlow(7, 500));
  expect(orderFlow(8, 500)).not.toEqual(orderFlow(7, 500));
});

test("prices and quantities are positive whole numbers whose product a market can hold", () => {
  for (const command of orderFlow(3, 20_000)) {
    if (command.type !== "place") continue;
    expect(Number.isSafeInteger(command.quantityLots) && command.quantityLots > 0).toBe(true);
    expect(command.kind === "MARKET" ? command.priceTicks === 0 : command.priceTicks >= 1).toBe(true);
    expect(Number.isSafeInteger(command.priceTicks * command.quantityLots)).toBe(true);
  }
});

test("ids rise, and a cancel names an earlier limit, each at most once", () => {
  const limits = new Set<number>();
  let lastId = 0;
  for (const command of orderFlow(5, 5_000)) {
    if (command.type === "cancel") {
      expect(limits.delete(command.id)).toBe(true);
      continue;
    }
    expect(command.id).toBe(lastId + 1);
    lastId = command.id;
    if (command.kind === "LIMIT") limits.add(command.id);
  }
});

test("the flow holds every kind of command in about the shares of its shape", () => {
  const commands = orderFlow(9, 20_000);
  const share = (kind: string) =>
    commands.filter((command) => command.type === "place" && command.kind === kind).length / commands.length;
  expect(share("MARKET")).toBeGreaterThan(calmFlow.marketShare / 4);
  expect(share("IOC")).toBeGreaterThan(calmFlow.iocShare / 4);
  expect(share("LIMIT")).toBeGreaterThan(0.4);
  expect(commands.filter(({ type }) => type === "cancel").length / commands.length).toBeGreaterThan(0.2);
});
