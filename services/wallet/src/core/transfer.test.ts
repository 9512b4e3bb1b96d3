import { describe, expect, test } from "vitest";
import { accountRequest, adjustmentOf, depositOf } from "../testing/account-requests.js";
import { ADJUSTMENTS_USER_ID, EXTERNAL_USER_ID } from "./postings.js";
import { assertSameRequest, balanceAfter, directionOf, postTransfer, type Transfer } from "./transfer.js";
import { isToBeEnded, postCancel, postHold, type Withdrawal } from "./withdrawal.js";

const request = accountRequest({ requestId: "r", amountAtoms: 7n });
const outflow: Transfer = { ...request, kind: "WITHDRAWAL" };

/** "account available reserved" of both sides, and the entries. */
function show(transfer: Transfer): string[] {
  const { user, house, entries } = postTransfer(transfer);
  const nameOf = (id: string) =>
    id === EXTERNAL_USER_ID ? "outside" : id === ADJUSTMENTS_USER_ID ? "adjustments" : "user";
  return [
    ...[user, house].map((delta) => `${nameOf(delta.userId)} ${delta.availableAtoms} ${delta.reservedAtoms}`),
    ...entries.map(({ userId, amountAtoms }) => `entry ${nameOf(userId)} ${amountAtoms}`),
  ];
}

describe("a transfer", () => {
  test.each<[string, Transfer, string[]]>([
    ["deposit", depositOf(request), ["user 7 0", "outside -7 0", "entry outside -7", "entry user 7"]],
    ["withdrawal", outflow, ["user 0 -7", "outside 7 0", "entry outside 7", "entry user -7"]],
    [
      "credit",
      adjustmentOf(request),
      ["user 7 0", "adjustments -7 0", "entry adjustments -7", "entry user 7"],
    ],
    [
      "debit",
      adjustmentOf({ ...request, direction: "DEBIT" }),
      ["user -7 0", "adjustments 7 0", "entry adjustments 7", "entry user -7"],
    ],
  ])("%s moves money between the user and the house", (_, transfer, moves) => {
    expect(show(transfer)).toEqual(moves);
    expect(directionOf(transfer)).toBe(moves[3]?.endsWith("-7") ? "DEBIT" : "CREDIT");
  });
});

test("an account never gives more than it has", () => {
  const before = { asset: "BTC", availableAtoms: 6n, reservedAtoms: 0n };
  expect(() => balanceAfter(before, postHold(request))).toThrow(
    expect.objectContaining({ reason: "INSUFFICIENT_FUNDS", facts: { asset: "BTC" } }),
  );
  expect(() => balanceAfter(undefined, postHold(request))).toThrow(
    expect.objectContaining({ reason: "INSUFFICIENT_FUNDS" }),
  );
  const held = balanceAfter({ ...before, availableAtoms: 7n }, postHold(request));
  expect(held).toEqual({ asset: "BTC", availableAtoms: 0n, reservedAtoms: 7n });
  expect(balanceAfter(held, postCancel(request))).toEqual({ ...before, availableAtoms: 7n });
  // A hold that is not there is our own mistake, not the caller's.
  expect(() => balanceAfter(before, postTransfer(outflow).user)).toThrow("never gives more");
});

describe("a repeat", () => {
  const adjustment = adjustmentOf(request);
  test("has the same content; its transaction id follows from the key", () => {
    expect(() => assertSameRequest(adjustment, { ...adjustment, transactionId: "other" })).not.toThrow();
    expect(() => assertSameRequest(request, { ...request })).not.toThrow();
  });

  test.each<[string, Partial<typeof adjustment>]>([
    ["user_id", { userId: "x", amountAtoms: 1n }],
    ["asset", { asset: "ETH", direction: "DEBIT" }],
    ["direction", { direction: "DEBIT", amountAtoms: 1n }],
    ["amount", { amountAtoms: 1n, reason: "x" }],
    ["reason", { reason: "x" }],
  ])("with another %s is none", (field, change) => {
    expect(() => assertSameRequest(adjustment, { ...adjustment, ...change })).toThrow(
      expect.objectContaining({ reason: "REQUEST_ID_REUSED", facts: { field, request_id: "r" } }),
    );
  });

  test("of another operation is none", () => {
    for (const stored of [undefined, depositOf(request), outflow]) {
      expect(() => assertSameRequest(stored, adjustment)).toThrow(
        expect.objectContaining({ facts: { field: "request_id", request_id: "r" } }),
      );
    }
  });
});

test.each([
  ["HELD", "COMPLETED", true],
  ["HELD", "CANCELLED", true],
  ["COMPLETED", "COMPLETED", false],
  ["CANCELLED", "CANCELLED", false],
  ["COMPLETED", "CANCELLED", "WITHDRAWAL_COMPLETED"],
  ["CANCELLED", "COMPLETED", "WITHDRAWAL_CANCELLED"],
] as const)("a withdrawal that is %s and shall be %s: %s", (state, end, expected) => {
  const withdrawal = { ...request, state } as Withdrawal;
  if (typeof expected === "boolean") expect(isToBeEnded(withdrawal, end)).toBe(expected);
  else expect(() => isToBeEnded(withdrawal, end)).toThrow(expect.objectContaining({ reason: expected }));
});
