import { expect, test } from "vitest";
import { uuidOf } from "../testing/names.js";
import { decideRelease, type ReleaseCall, type StoredForRelease } from "./release-call.js";
import { type FullReservation, freshReservation } from "./reservation.js";

const [alice, bob, orderId] = [uuidOf("alice"), uuidOf("bob"), uuidOf("order")];
const call: ReleaseCall = { orderId, userId: alice, amountAtoms: undefined, fingerprintHex: "aa" };

/** 10 held, 4 of them spent. */
function stored(change: Partial<FullReservation> = {}, releaseFingerprintHex?: string): StoredForRelease {
  const fresh = freshReservation({
    ...{ orderId, legOf: undefined, userId: alice, shard: undefined, state: "ACTIVE", asset: "USDT" },
    amountAtoms: 10n,
  });
  const half = { ...fresh, remainingAtoms: 6n, spentAtoms: 4n, content: undefined };
  return { reservation: { ...half, ...change }, releaseFingerprintHex };
}

test("frees all that is left and closes, without a last word about an order", () => {
  expect(decideRelease(stored(), call, 7)).toMatchObject({
    type: "closed",
    releasedAtoms: 6n,
    reservation: {
      state: "CLOSED",
      remainingAtoms: 0n,
      releasedAtoms: 6n,
      spentAtoms: 4n,
      finalWord: undefined,
    },
  });
});

test("takes an amount as what must be left", () => {
  expect(decideRelease(stored(), { ...call, amountAtoms: 6n }, 7)).toMatchObject({ type: "closed" });
  expect(decideRelease(stored({ remainingAtoms: 0n }), { ...call, amountAtoms: 0n }, 7)).toMatchObject({
    type: "closed",
    releasedAtoms: 0n,
  });
});

test.each<[string, StoredForRelease, Partial<ReleaseCall>, object]>([
  [
    "more than is left",
    stored(),
    { amountAtoms: 7n },
    { reason: "RESERVATION_MISMATCH", facts: { left: "0.00000006" } },
  ],
  [
    "less than is left",
    stored(),
    { amountAtoms: 5n },
    { reason: "RESERVATION_MISMATCH", facts: { field: "amount" } },
  ],
  ["nothing of what is left", stored(), { amountAtoms: 0n }, { reason: "RESERVATION_MISMATCH", facts: {} }],
  [
    "what is another user's",
    stored(),
    { userId: bob },
    { reason: "RESERVATION_MISMATCH", facts: { field: "user_id" } },
  ],
  ["what a shard owns", stored({ shard: 0 }), {}, { reason: "OWNED_BY_SHARD", facts: { shard: "0" } }],
  [
    "what a shard has closed",
    stored({ shard: 3, state: "CLOSED" }),
    {},
    { reason: "OWNED_BY_SHARD", facts: {} },
  ],
  [
    "with other content than before",
    stored({ state: "CLOSED" }, "bb"),
    {},
    { reason: "ORDER_ID_REUSED", facts: {} },
  ],
  [
    "more than nothing of a refusal",
    stored({ state: "REFUSED", remainingAtoms: 0n }),
    { amountAtoms: 1n },
    { reason: "RESERVATION_MISMATCH", facts: {} },
  ],
])("refuses to release %s", (_, row, change, { reason, facts }: { reason?: string; facts?: object }) => {
  expect(() => decideRelease(row, { ...call, ...change }, 7)).toThrowError(
    expect.objectContaining({ reason, facts: expect.objectContaining({ order_id: orderId, ...facts }) }),
  );
});

test("repeats what the first release of this content freed, and says nothing new about a refusal", () => {
  const closed = stored({ state: "CLOSED", remainingAtoms: 0n, releasedAtoms: 6n }, "aa");
  expect(decideRelease(closed, call, 9)).toEqual({
    type: "repeated",
    releasedAtoms: 6n,
    reservation: closed.reservation,
  });
  const refused = stored({ state: "REFUSED", remainingAtoms: 0n });
  expect(decideRelease(refused, call, 9)).toMatchObject({ type: "repeated", releasedAtoms: 0n });
});

test("an order that was never reserved gets the word of a tombstone", () => {
  expect(decideRelease(undefined, { ...call, amountAtoms: 5n }, 1_234)).toMatchObject({
    type: "unseen",
    releasedAtoms: 0n,
    reservation: {
      state: "CLOSED",
      shard: undefined,
      asset: undefined,
      finalWord: { status: "REJECTED", reason: "NOT_SEQUENCED", endedAtMs: 1_234 },
    },
  });
});
