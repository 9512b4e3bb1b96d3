import { expect, test } from "vitest";
import { memoryWallet } from "../testing/memory-wallet.js";
import { BASE, QUOTE, reserveRequest, uuidOf } from "../testing/names.js";
import type { AdjustOperation, Operation } from "./operation.js";
import { keyText } from "./reservation.js";

const [alice, bob] = [uuidOf("alice"), uuidOf("bob")];
const [orderId, legId] = [uuidOf("order"), uuidOf("leg")];

/** Alice has 600 held for an order and 300 for its leg, and 100 to spend. */
function amendingWallet() {
  const money = memoryWallet({
    [keyText({ userId: alice, asset: QUOTE })]: 1_000n,
    [keyText({ userId: alice, asset: BASE })]: 50n,
    [keyText({ userId: bob, asset: QUOTE })]: 100n,
  });
  money.reserve(reserveRequest({ orderId, userId: alice, amountAtoms: 600n }));
  money.reserve(reserveRequest({ orderId: legId, legOf: orderId, userId: alice, amountAtoms: 300n }));
  return money;
}

const operation = (effect: Operation["effect"]): Operation => ({ seq: 9, index: 2, timeMs: 9_000, effect });
const adjust = (change: Partial<AdjustOperation> = {}): Operation =>
  operation({ type: "adjust", orderId, userId: alice, legId, remainingAtoms: 750n, ...change });

const refusedLeg = (id: string): Operation =>
  operation({
    type: "release",
    orderId: id,
    legOf: orderId,
    userId: alice,
    status: "REJECTED",
    reason: "",
    executedLots: 0,
    executedTickLots: 0n,
    orderCreatedAtMs: 9_000,
    acceptedSeq: 9,
    amendedPriceTicks: 0,
    amendedQuantityLots: 0,
  });

const spendable = (money: ReturnType<typeof memoryWallet>) => [
  money.available.get(keyText({ userId: alice, asset: QUOTE })),
  money.reserved.get(keyText({ userId: alice, asset: QUOTE })),
];

test("a leg joins its order whole and closes, and what the order then holds too much is freed", () => {
  const money = amendingWallet();
  const { deltas } = money.settle([adjust()]);
  expect(spendable(money)).toEqual([250n, 750n]);
  expect(money.rows.get(orderId)).toMatchObject({
    state: "ACTIVE",
    isSequenced: true,
    amountAtoms: 600n,
    joinedAtoms: 300n,
    remainingAtoms: 750n,
    releasedAtoms: 150n,
  });
  expect(money.rows.get(legId)).toMatchObject({
    state: "CLOSED",
    remainingAtoms: 0n,
    movedAtoms: 300n,
    releasedAtoms: 0n,
    finalWord: { status: "CANCELLED", reason: "AMENDED", acceptedSeq: 9, endedSeq: 9, endedAtMs: 9_000 },
  });
  // One account, two columns: the ledger has nothing to say.
  expect(deltas.map(({ availableAtoms, reservedAtoms }) => availableAtoms + reservedAtoms)).toEqual([0n]);
});

test("what is exactly enough frees nothing and touches no account", () => {
  expect(amendingWallet().settle([adjust({ remainingAtoms: 900n })]).deltas).toEqual([]);
});

test("an order that needs less keeps what it needs, without a leg too", () => {
  const money = amendingWallet();
  money.settle([adjust({ legId: undefined, remainingAtoms: 1n })]);
  expect(spendable(money)).toEqual([699n, 301n]);
  expect(money.rows.get(legId)).toMatchObject({ state: "ACTIVE", remainingAtoms: 300n });
});

test("an adjustment to nothing leaves the order to its end", () => {
  const money = amendingWallet();
  money.settle([adjust({ remainingAtoms: 0n })]);
  expect(money.rows.get(orderId)).toMatchObject({ state: "ACTIVE", remainingAtoms: 0n });
  expect(spendable(money)).toEqual([1_000n, 0n]);
});

test("a leg that was never reserved closes all the same: a late reserve finds it closed and holds nothing", () => {
  const money = amendingWallet();
  const never = uuidOf("no leg");
  const { tombstones } = money.settle([adjust({ legId: never, remainingAtoms: 600n })]);
  expect(tombstones).toMatchObject([{ orderId: never, legOf: orderId, state: "CLOSED", asset: undefined }]);
  const late = reserveRequest({ orderId: never, legOf: orderId, userId: alice });
  expect(money.reserve(late)).toBe(true);
  expect(spendable(money)).toEqual([100n, 900n]);
});

test("a leg that was refused stays refused when the amend needed none", () => {
  const money = amendingWallet();
  const poor = uuidOf("poor leg");
  expect(
    money.reserve(reserveRequest({ orderId: poor, legOf: orderId, userId: alice, amountAtoms: 101n })),
  ).toBe(false);
  money.settle([adjust({ legId: poor, remainingAtoms: 500n })]);
  expect(money.rows.get(poor)).toMatchObject({ state: "REFUSED", movedAtoms: 0n });
  expect(money.rows.get(orderId)).toMatchObject({ joinedAtoms: 0n, remainingAtoms: 500n });
});

const misfits: [string, string, () => Operation][] = [
  [
    "more than order and leg hold",
    "less is held than the order needs",
    () => adjust({ remainingAtoms: 901n }),
  ],
  ["more than the order holds", "less is held than the order needs", () => adjust({ legId: undefined })],
  ["another owner", "the order belongs to another user", () => adjust({ userId: bob })],
  ["an order of nobody", "the order has no reservation", () => adjust({ orderId: uuidOf("nobody") })],
  [
    "a leg of another order",
    "the leg belongs to another order",
    () => adjust({ legId: uuidOf("other leg") }),
  ],
  ["an order for a leg", "the leg belongs to another order", () => adjust({ legId: uuidOf("other order") })],
  [
    "a leg of another user",
    "the leg belongs to another user",
    () => adjust({ legId: uuidOf("bob's order") }),
  ],
];

test.each(misfits)("an adjustment that names %s stops the shard and moves nothing", (_, why, misfit) => {
  const money = amendingWallet();
  const other = uuidOf("other order");
  money.reserve(reserveRequest({ orderId: other, userId: alice, amountAtoms: 5n }));
  money.reserve(
    reserveRequest({ orderId: uuidOf("other leg"), legOf: other, userId: alice, amountAtoms: 5n }),
  );
  money.reserve(reserveRequest({ orderId: uuidOf("bob's order"), userId: bob, amountAtoms: 5n }));
  const before = new Map(money.rows);
  expect(() => money.settle([misfit()])).toThrowError(
    expect.objectContaining({
      reason: "SETTLEMENT_IMPOSSIBLE",
      facts: expect.objectContaining({ why, seq: "9", index: "2" }),
    }),
  );
  expect(money.rows).toEqual(before);
});

test("the leg of a refused amend that was never reserved leaves a row that names its order", () => {
  const money = amendingWallet();
  const end = refusedLeg(uuidOf("no leg"));
  expect(money.settle([end]).tombstones).toMatchObject([{ state: "CLOSED", legOf: orderId }]);
  expect(money.settle([end])).toMatchObject({ changed: [], tombstones: [] });
  expect(money.settle([refusedLeg(legId)]).changed).toMatchObject([{ releasedAtoms: 300n, movedAtoms: 0n }]);
  expect(() => money.settle([refusedLeg(orderId)])).toThrowError(
    expect.objectContaining({ facts: expect.objectContaining({ why: "the leg belongs to another order" }) }),
  );
});

test("a leg joins once: the same adjustment again stops the shard", () => {
  const money = amendingWallet();
  money.settle([adjust()]);
  expect(() => money.settle([adjust()])).toThrowError(
    expect.objectContaining({ facts: expect.objectContaining({ why: "the leg has ended before" }) }),
  );
});

test("an order that has ended is not adjusted, and its leg is freed by its own end alone", () => {
  const money = amendingWallet();
  const end = {
    type: "release",
    userId: alice,
    status: "CANCELLED",
    reason: "USER",
    executedLots: 0,
    executedTickLots: 0n,
    orderCreatedAtMs: 1,
    acceptedSeq: 3,
    amendedPriceTicks: 7,
    amendedQuantityLots: 8,
    legOf: undefined,
  } as const;
  money.settle([operation({ ...end, orderId })]);
  expect(money.rows.get(orderId)?.finalWord).toMatchObject({ amendedPriceTicks: 7, amendedQuantityLots: 8 });
  expect(spendable(money)).toEqual([700n, 300n]);
  expect(() => money.settle([adjust()])).toThrowError(
    expect.objectContaining({ facts: expect.objectContaining({ why: "the reservation is not active" }) }),
  );
  money.settle([operation({ ...end, orderId: legId, status: "REJECTED", reason: "" })]);
  expect(spendable(money)).toEqual([1_000n, 0n]);
});
