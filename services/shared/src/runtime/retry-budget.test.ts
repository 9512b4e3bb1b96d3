import { expect, test } from "vitest";
import { createRetryBudget } from "./retry-budget.js";

test("retries stop when half of the tokens are gone, and come back with successes", () => {
  const budget = createRetryBudget();
  expect(Array.from({ length: 6 }, () => budget.spend())).toEqual([true, true, true, true, false, false]);
  for (let index = 0; index < 19; index += 1) budget.earn();
  expect(budget.spend()).toBe(false);
  for (let index = 0; index < 16; index += 1) budget.earn();
  expect(budget.spend()).toBe(true);
});

test("a long outage leaves no debt below zero", () => {
  const budget = createRetryBudget();
  for (let index = 0; index < 1_000; index += 1) budget.spend();
  for (let index = 0; index < 70; index += 1) budget.earn();
  expect(budget.spend()).toBe(true);
});
