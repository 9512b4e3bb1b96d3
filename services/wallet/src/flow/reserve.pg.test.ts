import { afterAll, beforeAll, expect, test } from "vitest";
import { reserveRequest, TERMS, uuidOf } from "../testing/names.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "../testing/wallet-database.js";
import { getReservation, reserveBatch } from "./reserve.js";
import { settleBatch } from "./settle.js";

let wallet: WalletDatabase;
beforeAll(async () => {
  wallet = await openWalletDatabase();
});
afterAll(() => wallet.drop());

/** A user with one whole USDT. */
async function richUser(name: string): Promise<string> {
  const userId = uuidOf(name);
  await wallet.deposit(userId, "USDT", "1");
  return userId;
}
const WHOLE = 100_000_000n;

test("a reserve moves money from available to reserved, and a repeat returns the same row", async () => {
  const userId = await richUser("first");
  const request = reserveRequest({ orderId: uuidOf("first order"), userId, amountAtoms: 30n });
  const first = await reserveOne(wallet.database, request);
  const again = await reserveOne(wallet.database, { ...request, amountAtoms: 99n, terms: new Uint8Array() });
  expect(first).toMatchObject({
    type: "held",
    isReplayed: false,
    reservation: { state: "ACTIVE", remainingAtoms: 30n },
  });
  expect(again).toMatchObject({ type: "held", isReplayed: true });
  if (first.type !== "held" || again.type !== "held") throw new Error("both are held");
  expect({ ...again.reservation, content: undefined }).toEqual({ ...first.reservation, content: undefined });
  expect([...(again.reservation.content?.terms ?? [])]).toEqual([...TERMS]);
  expect(await wallet.balance(userId, "USDT")).toBe(`${WHOLE - 30n}+30`);
});

test("a refusal is sticky: the row stands, and a deposit later changes nothing for this key", async () => {
  const userId = uuidOf("poor");
  const request = reserveRequest({ orderId: uuidOf("poor order"), userId });
  expect(await reserveOne(wallet.database, request)).toMatchObject({ type: "refused", isReplayed: false });
  await wallet.deposit(userId, "USDT", "1");
  expect(await reserveOne(wallet.database, request)).toMatchObject({ type: "refused", isReplayed: true });
  expect(await getReservation(wallet.database, request.orderId)).toMatchObject({
    state: "REFUSED",
    remainingAtoms: 0n,
  });
  expect(await wallet.balance(userId, "USDT")).toBe(`${WHOLE}+0`);
});

test("a late reserve of a released order finds it closed and holds nothing", async () => {
  const userId = await richUser("late");
  const orderId = uuidOf("late order");
  const effect = {
    type: "release",
    orderId,
    userId,
    status: "REJECTED",
    reason: "NOT_SEQUENCED",
    executedLots: 0,
    executedTickLots: 0n,
    orderCreatedAtMs: 5,
    acceptedSeq: 4,
    amendedPriceTicks: 0,
    amendedQuantityLots: 0,
    legOf: undefined,
  } as const;
  const after = { epoch: 0, seq: 0, operations: 0 };
  const through = { epoch: 1, seq: 4, operations: 1 };
  const operations = [{ seq: 4, index: 0, timeMs: 4, effect }];
  await settleBatch(wallet.database, { shard: 3, epoch: 1, after, through, operations });
  expect(await reserveOne(wallet.database, reserveRequest({ orderId, userId, shard: 3 }))).toMatchObject({
    type: "held",
    isReplayed: true,
    reservation: {
      state: "CLOSED",
      finalWord: { status: "REJECTED", reason: "NOT_SEQUENCED", acceptedSeq: 4, endedSeq: 4 },
    },
  });
  expect(await wallet.balance(userId, "USDT")).toBe(`${WHOLE}+0`);
});

test("the same order from many callers at once is held once", async () => {
  const userId = await richUser("eager");
  const request = reserveRequest({ orderId: uuidOf("eager order"), userId, amountAtoms: 10n });
  const answers = await Promise.all(Array.from({ length: 20 }, () => reserveOne(wallet.database, request)));
  expect(answers.filter((answer) => answer.type === "held" && !answer.isReplayed)).toHaveLength(1);
  expect(answers.every(({ type }) => type === "held")).toBe(true);
  expect(await wallet.balance(userId, "USDT")).toBe(`${WHOLE - 10n}+10`);
});

test("one order id that two users race for belongs to one of them, and the other sees a conflict", async () => {
  const orderId = uuidOf("contested");
  const users = await Promise.all([richUser("racer 1"), richUser("racer 2")]);
  for (let round = 0; round < 10; round += 1) {
    const contested = uuidOf(`${orderId} ${round}`);
    const answers = await Promise.all(
      users.map((userId) =>
        reserveOne(wallet.database, reserveRequest({ orderId: contested, userId, amountAtoms: 1n })),
      ),
    );
    expect(answers.map(({ type }) => type).sort()).toEqual(["conflict", "held"]);
  }
});

test("racing batches never spend more than there is, and never refuse what fits", async () => {
  const users = await Promise.all(Array.from({ length: 5 }, (_, index) => richUser(`crowd ${index}`)));
  const order = (number: number) =>
    reserveRequest({
      orderId: uuidOf(`crowd order ${number}`),
      userId: users[number % users.length] ?? "",
      amountAtoms: WHOLE / 10n,
    });
  // 50 fit, 250 are asked for, and every third batch repeats orders of the one before.
  const batches = Array.from({ length: 50 }, (_, batch) =>
    Array.from({ length: 5 }, (_, index) => order((batch - (batch % 3 === 2 ? 1 : 0)) * 5 + index)),
  );
  const answers = (await Promise.all(batches.map((batch) => reserveBatch(wallet.database, batch)))).flat();
  const held = new Set(
    answers.flatMap((answer) => (answer.type === "held" ? [answer.reservation.orderId] : [])),
  );
  expect(held.size).toBe(50);
  for (const userId of users) expect(await wallet.balance(userId, "USDT")).toBe(`0+${WHOLE}`);
});

test("a leg is held beside its order, replays like one, and is refused for good without an open order", async () => {
  const userId = await richUser("amender");
  const order = reserveRequest({ orderId: uuidOf("amended order"), userId, amountAtoms: 30n });
  const leg = reserveRequest({ orderId: uuidOf("its leg"), legOf: order.orderId, userId, amountAtoms: 12n });
  expect(await reserveOne(wallet.database, leg)).toMatchObject({
    type: "refused",
    reservation: { refusal: "ORDER_NOT_OPEN", legOf: order.orderId },
  });
  await reserveOne(wallet.database, order);
  expect(await reserveOne(wallet.database, leg)).toMatchObject({
    type: "refused",
    isReplayed: true,
    reservation: { refusal: "ORDER_NOT_OPEN" },
  });
  const next = { ...leg, orderId: uuidOf("its second leg") };
  const answers = await Promise.all([
    reserveOne(wallet.database, next),
    reserveOne(wallet.database, next),
    reserveOne(wallet.database, next),
  ]);
  expect(answers.filter((answer) => answer.type === "held" && !answer.isReplayed)).toHaveLength(1);
  expect(await getReservation(wallet.database, next.orderId)).toMatchObject({
    state: "ACTIVE",
    legOf: order.orderId,
    remainingAtoms: 12n,
  });
  expect(await wallet.balance(userId, "USDT")).toBe(`${WHOLE - 42n}+42`);
});

test("every audit is clean after all this", async () => {
  expect(await wallet.breaches()).toEqual({});
});
