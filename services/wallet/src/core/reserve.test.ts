import { expect, test } from "vitest";
import { fingerprintOf, reserveRequest, TERMS, uuidOf } from "../testing/names.js";
import { type FullReservation, freshReservation, keyText } from "./reservation.js";
import { decideReserves, type ReserveRequest } from "./reserve.js";

const alice = uuidOf("alice");
const bob = uuidOf("bob");
const usdtOf = (userId: string) => keyText({ userId, asset: "USDT" });

function decide(
  available: Record<string, bigint>,
  requests: ReserveRequest[],
  stored: FullReservation[] = [],
) {
  return decideReserves(
    {
      available: new Map(Object.entries(available)),
      stored: new Map(stored.map((reservation) => [reservation.orderId, reservation])),
    },
    requests,
  );
}

const leg = (name: string, order: string, amountAtoms: bigint, userId = alice) =>
  reserveRequest({ orderId: uuidOf(name), legOf: uuidOf(order), userId, amountAtoms });
const ask = (name: string, amountAtoms: bigint, userId = alice) =>
  reserveRequest({ orderId: uuidOf(name), userId, amountAtoms });

test("each request stands alone: a large one that does not fit takes nothing from a smaller one behind it", () => {
  const { created, answers } = decide({ [usdtOf(alice)]: 100n }, [
    ask("a", 60n),
    ask("b", 70n),
    ask("c", 40n),
  ]);
  expect(answers.map(({ type }) => type)).toEqual(["held", "refused", "held"]);
  expect(created.map(({ state, remainingAtoms }) => [state, remainingAtoms])).toEqual([
    ["ACTIVE", 60n],
    ["REFUSED", 0n],
    ["ACTIVE", 40n],
  ]);
});

test("what one user has is not another's, and who has no account has nothing", () => {
  const { answers } = decide({ [usdtOf(alice)]: 100n }, [ask("a", 1n, bob), ask("b", 100n)]);
  expect(answers.map(({ type }) => type)).toEqual(["refused", "held"]);
});

test("the same order twice in one batch is held once, and the second answer says so", () => {
  const { created, answers } = decide({ [usdtOf(alice)]: 100n }, [ask("a", 80n), ask("a", 80n)]);
  expect(created).toHaveLength(1);
  expect(answers).toMatchObject([
    { type: "held", isReplayed: false },
    { type: "held", isReplayed: true },
  ]);
});

test("other content under the same order id is a conflict and shows what is stored", () => {
  const first = ask("a", 10n);
  const { answers } = decide({ [usdtOf(alice)]: 100n }, [
    first,
    { ...first, fingerprintHex: fingerprintOf("other") },
  ]);
  expect(answers[1]).toMatchObject({
    type: "conflict",
    stored: { orderId: first.orderId, amountAtoms: 10n },
  });
});

test("a repeat gets the terms that were stored first, whatever it derives now", () => {
  const first = ask("a", 10n);
  const later = { ...first, amountAtoms: 20n, terms: new Uint8Array([9]) };
  const { created, answers } = decide({ [usdtOf(alice)]: 100n }, [first, later]);
  expect(created).toHaveLength(1);
  expect(answers[1]).toMatchObject({
    reservation: { amountAtoms: 10n, content: { terms: TERMS } },
  });
});

test("a refusal is remembered: the same key stays refused when money has come in", () => {
  const request = ask("a", 10n);
  const [refused] = decide({}, [request]).created;
  const { created, answers } = decide(
    { [usdtOf(alice)]: 100n },
    [request],
    refused === undefined ? [] : [refused],
  );
  expect(created).toEqual([]);
  expect(answers).toMatchObject([{ type: "refused", isReplayed: true }]);
});

test("a late reserve of an order with a tombstone finds it closed, whatever its content", () => {
  const request = ask("a", 10n);
  const tombstone: FullReservation = {
    ...freshReservation({ ...request, state: "CLOSED", asset: undefined, amountAtoms: 0n }),
    content: undefined,
  };
  const { created, answers } = decide({ [usdtOf(alice)]: 100n }, [request], [tombstone]);
  expect(created).toEqual([]);
  expect(answers).toMatchObject([{ type: "held", isReplayed: true, reservation: { state: "CLOSED" } }]);
});

test("a leg is a hold of its own beside its order's, also in one batch with it, and refers to it", () => {
  const { created, answers } = decide({ [usdtOf(alice)]: 100n }, [
    ask("order", 60n),
    leg("leg", "order", 40n),
  ]);
  expect(answers.map(({ type }) => type)).toEqual(["held", "held"]);
  expect(created).toMatchObject([
    { orderId: uuidOf("order"), legOf: undefined, remainingAtoms: 60n },
    { orderId: uuidOf("leg"), legOf: uuidOf("order"), remainingAtoms: 40n },
  ]);
});

const held = (name: string, change: Partial<FullReservation> = {}): FullReservation => ({
  ...freshReservation({
    orderId: uuidOf(name),
    legOf: undefined,
    userId: alice,
    shard: 0,
    state: "ACTIVE",
    asset: "USDT",
    amountAtoms: 5n,
  }),
  content: { fingerprintHex: fingerprintOf(uuidOf(name)), terms: new Uint8Array() },
  ...change,
});

test.each<[string, FullReservation[]]>([
  ["is unknown", []],
  ["has ended", [held("order", { state: "CLOSED" })]],
  ["was refused", [held("order", { state: "REFUSED" })]],
  ["belongs to another user", [held("order", { userId: bob })]],
  ["holds another asset", [held("order", { asset: "BTC" })]],
  ["is of another shard", [held("order", { shard: 1 })]],
  ["is a leg itself", [held("order", { legOf: uuidOf("first") })]],
])("a leg whose order %s is refused for good, whatever the funds", (_, stored) => {
  const { created, answers } = decide({ [usdtOf(alice)]: 100n }, [leg("leg", "order", 1n)], stored);
  expect(answers).toMatchObject([{ type: "refused", isReplayed: false }]);
  expect(created).toMatchObject([{ state: "REFUSED", refusal: "ORDER_NOT_OPEN", remainingAtoms: 0n }]);
  // The order is open now, and the answer is the same.
  const again = decide({ [usdtOf(alice)]: 100n }, [leg("leg", "order", 1n)], [held("order"), ...created]);
  expect(again).toMatchObject({
    created: [],
    answers: [{ type: "refused", isReplayed: true, reservation: { refusal: "ORDER_NOT_OPEN" } }],
  });
});

test("a leg beyond the funds is refused for them, and one that names another order is a conflict", () => {
  const { created } = decide({ [usdtOf(alice)]: 9n }, [leg("leg", "order", 10n)], [held("order")]);
  expect(created).toMatchObject([{ state: "REFUSED", refusal: "INSUFFICIENT_FUNDS" }]);
  const { answers } = decide({}, [leg("leg", "other", 10n)], created as FullReservation[]);
  expect(answers).toMatchObject([{ type: "conflict" }]);
});
