import { afterAll, beforeAll, expect, test } from "vitest";
import { ADJUSTMENTS_USER_ID, EXTERNAL_USER_ID } from "../core/postings.js";
import type { Adjustment, Deposit } from "../core/transfer.js";
import { accountRequest, adjustmentOf, depositOf } from "../testing/account-requests.js";
import { reserveRequest, uuidOf } from "../testing/names.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "../testing/wallet-database.js";
import { doTransfer } from "./transfer.js";
import { holdWithdrawal } from "./withdraw.js";

let wallet: WalletDatabase;
beforeAll(async () => {
  wallet = await openWalletDatabase();
});
afterAll(() => wallet.drop());

const transfer = (asked: Deposit | Adjustment) => doTransfer(wallet.database, asked);
const refusal = (asked: Deposit | Adjustment) =>
  transfer(asked).then(
    () => "done",
    ({ reason, facts }) => `${reason} ${facts.field ?? facts.asset}`,
  );

test("a deposit makes the account and is done once, however often and at once it is asked for", async () => {
  const deposit = depositOf({ requestId: "d-1" });
  const answers = await Promise.all(Array.from({ length: 10 }, () => transfer(deposit)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]?.after).toEqual({ asset: "BTC", availableAtoms: 100n, reservedAtoms: 0n });
  expect(await wallet.balance(deposit.userId, "BTC")).toBe("100+0");
  expect(await wallet.balance(EXTERNAL_USER_ID, "BTC")).toBe("-100+0");
  const { rows } = await wallet.pool.query(
    `SELECT entry_id, user_id, amount * 1e8::bigint AS atoms FROM wallet.ledger_entries
      WHERE transaction_id = $1 ORDER BY entry_id`,
    [deposit.transactionId],
  );
  expect(rows.map((row) => row.entry_id)).toEqual(answers[0]?.entryIds);
  expect(rows.map((row) => `${row.user_id} ${Number(row.atoms)}`).sort()).toEqual(
    [`${EXTERNAL_USER_ID} -100`, `${deposit.userId} 100`].sort(),
  );
});

test("a repeat gets the first answer, ids included, also when the balance has changed since", async () => {
  const userId = uuidOf("bob");
  const deposit = depositOf({ requestId: "d-2", userId });
  const first = await transfer(deposit);
  await transfer(depositOf({ requestId: "d-3", userId }));
  expect(await transfer({ ...deposit, transactionId: uuidOf("other") })).toEqual(first);
});

test.each<[string, Partial<Deposit>]>([
  ["amount", { amountAtoms: 101n }],
  ["asset", { asset: "ETH" }],
  ["user_id", { userId: uuidOf("bob") }],
])("a deposit's key with another %s is refused", async (field, change) => {
  expect(await refusal({ ...depositOf({ requestId: "d-1" }), ...change })).toBe(`REQUEST_ID_REUSED ${field}`);
});

test("adjustments give and take, for a reason that stays, and the house's account is their other side", async () => {
  const userId = uuidOf("erin");
  const credit = adjustmentOf({ requestId: "a-1", userId, amountAtoms: 50n, reason: "lost in the post – é" });
  const debit = adjustmentOf({ requestId: "a-2", userId, amountAtoms: 20n, direction: "DEBIT" });
  const first = await transfer(credit);
  expect(first.after.availableAtoms).toBe(50n);
  expect((await transfer(debit)).after.availableAtoms).toBe(30n);
  expect(await transfer(credit)).toEqual(first);
  expect(await wallet.balance(userId, "BTC")).toBe("30+0");
  expect(await wallet.balance(ADJUSTMENTS_USER_ID, "BTC")).toBe("-30+0");
  const { rows } = await wallet.pool.query("SELECT reason FROM wallet.transfers WHERE request_id = 'a-1'");
  expect(rows).toEqual([{ reason: "lost in the post – é" }]);

  expect(await refusal({ ...credit, reason: "another" })).toBe("REQUEST_ID_REUSED reason");
  expect(await refusal({ ...credit, direction: "DEBIT" })).toBe("REQUEST_ID_REUSED direction");
});

test("a debit takes only what is available, and its refusal is not remembered", async () => {
  const userId = uuidOf("frank");
  await transfer(depositOf({ requestId: "f-1", userId, asset: "USDT" }));
  await reserveOne(
    wallet.database,
    reserveRequest({ orderId: uuidOf("frank's hold"), userId, amountAtoms: 60n }),
  );
  const debit = adjustmentOf({
    requestId: "f-2",
    userId,
    asset: "USDT",
    amountAtoms: 41n,
    direction: "DEBIT",
  });
  expect(await refusal(debit)).toBe("INSUFFICIENT_FUNDS USDT");
  await transfer(depositOf({ requestId: "f-3", userId, asset: "USDT", amountAtoms: 1n }));
  expect((await transfer(debit)).after).toMatchObject({ availableAtoms: 0n, reservedAtoms: 60n });
  expect(
    await refusal(adjustmentOf({ requestId: "f-4", userId: uuidOf("nobody"), direction: "DEBIT" })),
  ).toBe("INSUFFICIENT_FUNDS BTC");
});

test("keys are one name space: what one operation used, another cannot", async () => {
  const userId = uuidOf("alice");
  await transfer(adjustmentOf({ requestId: "one-a" }));
  await holdWithdrawal(wallet.database, accountRequest({ requestId: "one-w", amountAtoms: 1n }));
  for (const requestId of ["one-a", "one-w"]) {
    expect(await refusal(depositOf({ requestId, userId, amountAtoms: 1n }))).toBe(
      "REQUEST_ID_REUSED request_id",
    );
  }
  for (const requestId of ["one-a", "d-1"]) {
    await expect(holdWithdrawal(wallet.database, accountRequest({ requestId }))).rejects.toMatchObject({
      reason: "REQUEST_ID_REUSED",
      facts: { field: "request_id", request_id: requestId },
    });
  }
});

test("of operations of every kind that race for one key, one is done", async () => {
  const userId = uuidOf("grace");
  await transfer(depositOf({ requestId: "g-0", userId }));
  for (let round = 0; round < 10; round += 1) {
    const requestId = `g-race-${round}`;
    const asked = { requestId, userId, amountAtoms: 1n };
    const results = await Promise.allSettled([
      transfer(depositOf(asked)),
      transfer(adjustmentOf(asked)),
      holdWithdrawal(wallet.database, accountRequest(asked)),
      transfer(depositOf({ ...asked, asset: "ETH" })),
    ]);
    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(refused.map(({ reason }) => reason)).toEqual(Array(3).fill("REQUEST_ID_REUSED"));
  }
});

test("every audit is clean after all this", async () => {
  expect(await wallet.breaches()).toEqual({});
});
