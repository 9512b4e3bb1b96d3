// The core's words and the contract's are the same: wallet, history and the public API take theirs from the
// contract.
import { AmendRefusal } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { expect, test } from "vitest";
import { AMEND_REFUSALS, END_REASONS, ORDER_STATUSES } from "../core/types.js";
import { amendRefusals, reasons, statuses } from "./matcher-words.js";

const NONE = ["", "UNSPECIFIED"];

test.each<[string, readonly string[], Readonly<Record<string, number>>, Readonly<Record<string, unknown>>]>([
  ["reasons of ends", END_REASONS, reasons, EndReason],
  ["refusals of amends", AMEND_REFUSALS, amendRefusals, AmendRefusal],
  ["statuses", ORDER_STATUSES, statuses, OrderStatus],
])("%s are those of the contract, each under its own name", (_, words, numbers, contract) => {
  const named = words.filter((word) => !NONE.includes(word));
  const names = Object.keys(contract).filter((name) => Number.isNaN(Number(name)) && !NONE.includes(name));
  expect([...named].sort()).toEqual(names.sort());
  expect(new Set(named).size).toBe(named.length);
  for (const word of named) expect([word, numbers[word]]).toEqual([word, contract[word]]);
});
