import { openPool, type Pool } from "@bourse/shared/postgres/pool.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXTERNAL_USER_ID } from "../core/postings.js";
import type { AccountRequest } from "../core/transfer.js";
import type { Database } from "../io/database.js";
import { accountRequest, adjustmentOf, depositOf } from "../testing/account-requests.js";
import { openCutProxy } from "../testing/cut-proxy.js";
import { reserveRequest, uuidOf } from "../testing/names.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "../testing/wallet-database.js";
import { doTransfer } from "./transfer.js";
import { endWithdrawal, getWithdrawal, holdWithdrawal } from "./withdraw.js";

let wallet: WalletDatabase;
/** A second wallet process on the same database: nothing is shared but the tables. */
let second: Database;
let pool: Pool;
beforeAll(async () => {
  wallet = await openWalletDatabase();
  pool = openPool(wallet.url, { connectionsMax: 8, statementTimeoutMs: 5_000, applicationName: "test" });
  second = { ...wallet.database, pool };
});
afterAll(async () => {
  await pool.end();
  await wallet.drop();
});

const both = () => [wallet.database, second];
const verdict = (call: Promise<unknown>) =>
  call.then(
    () => "done",
    ({ reason }) => reason as string,
  );

/** Somebody with 100 atoms of BTC. */
async function someone(name: string): Promise<string> {
  const userId = uuidOf(name);
  await doTransfer(
    wallet.database,
    depositOf({ requestId: `deposit of ${name}`.replaceAll(" ", "-"), userId }),
  );
  return userId;
}

async function held(name: string, amountAtoms = 40n): Promise<AccountRequest> {
  const request = accountRequest({ requestId: `w-${name}`, userId: await someone(name), amountAtoms });
  await holdWithdrawal(wallet.database, request);
  return request;
}

test("a withdrawal holds its amount once, however often and at once it is asked for", async () => {
  const request = accountRequest({ requestId: "w-1", userId: await someone("anna"), amountAtoms: 40n });
  const answers = await Promise.all(
    [...both(), ...both(), ...both()].map((database) => holdWithdrawal(database, request)),
  );
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({
    state: "HELD",
    afterHold: { availableAtoms: 60n, reservedAtoms: 40n },
  });
  expect(await wallet.balance(request.userId, "BTC")).toBe("60+40");
  expect(await getWithdrawal(wallet.database, "w-1")).toEqual(answers[0]);
});

test("completing moves it out and writes the ledger; a repeat gets the same answer, ids included", async () => {
  const request = await held("bert");
  const outside = await wallet.balance(EXTERNAL_USER_ID, "BTC");
  const answers = await Promise.all(
    [...both(), ...both()].map((database) => endWithdrawal(database, request.requestId, "COMPLETED")),
  );
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({
    state: "COMPLETED",
    ended: { after: { availableAtoms: 60n, reservedAtoms: 0n } },
  });
  expect(await wallet.balance(request.userId, "BTC")).toBe("60+0");
  expect(await wallet.balance(EXTERNAL_USER_ID, "BTC")).toBe(`${Number.parseInt(outside, 10) + 40}+0`);
  const { rows } = await wallet.pool.query(
    "SELECT entry_id FROM wallet.ledger_entries WHERE transaction_id = $1 ORDER BY entry_id",
    [request.transactionId],
  );
  expect(rows.map((row) => row.entry_id)).toEqual(answers[0]?.ended.entryIds);
  expect(rows).toHaveLength(2);

  // A repeat of the first call tells what became of it, and the balance of then.
  expect(await holdWithdrawal(second, request)).toEqual({
    ...answers[0],
    afterHold: { asset: "BTC", availableAtoms: 60n, reservedAtoms: 40n },
  });
});

test("cancelling frees it and writes no ledger", async () => {
  const request = await held("carla");
  const first = await endWithdrawal(wallet.database, request.requestId, "CANCELLED");
  expect(first).toMatchObject({
    state: "CANCELLED",
    ended: { after: { availableAtoms: 100n, reservedAtoms: 0n }, entryIds: [] },
  });
  expect(await endWithdrawal(second, request.requestId, "CANCELLED")).toEqual(first);
  expect(await wallet.balance(request.userId, "BTC")).toBe("100+0");
  const { rows } = await wallet.pool.query("SELECT FROM wallet.ledger_entries WHERE transaction_id = $1", [
    request.transactionId,
  ]);
  expect(rows).toEqual([]);
});

test("the first word stands: what was cancelled is never completed, and the reverse", async () => {
  const one = await held("dora");
  await endWithdrawal(wallet.database, one.requestId, "CANCELLED");
  await expect(endWithdrawal(second, one.requestId, "COMPLETED")).rejects.toMatchObject({
    reason: "WITHDRAWAL_CANCELLED",
    facts: { request_id: one.requestId },
  });
  const other = await held("emil");
  await endWithdrawal(wallet.database, other.requestId, "COMPLETED");
  await expect(endWithdrawal(second, other.requestId, "CANCELLED")).rejects.toMatchObject({
    reason: "WITHDRAWAL_COMPLETED",
  });
  expect([await wallet.balance(one.userId, "BTC"), await wallet.balance(other.userId, "BTC")]).toEqual([
    "100+0",
    "60+0",
  ]);
});

test("of completing and cancelling that race, one is done", async () => {
  for (let round = 0; round < 10; round += 1) {
    const { requestId, userId } = await held(`race ${round}`.replace(" ", "-"));
    const results = await Promise.all([
      verdict(endWithdrawal(wallet.database, requestId, "COMPLETED")),
      verdict(endWithdrawal(second, requestId, "CANCELLED")),
      verdict(endWithdrawal(second, requestId, "COMPLETED")),
      verdict(endWithdrawal(wallet.database, requestId, "CANCELLED")),
    ]);
    const [complete, cancel, completeToo, cancelToo] = results;
    const { state } = await getWithdrawal(second, requestId);
    const isCompleted = state === "COMPLETED";
    expect([complete, completeToo]).toEqual(Array(2).fill(isCompleted ? "done" : "WITHDRAWAL_CANCELLED"));
    expect([cancel, cancelToo]).toEqual(Array(2).fill(isCompleted ? "WITHDRAWAL_COMPLETED" : "done"));
    expect(await wallet.balance(userId, "BTC")).toBe(isCompleted ? "60+0" : "100+0");
  }
});

test("what nobody withdrew is not found, nor what another operation used the key for", async () => {
  await doTransfer(wallet.database, adjustmentOf({ requestId: "no-withdrawal" }));
  for (const requestId of ["unheard-of", "no-withdrawal"]) {
    const missing = { reason: "WITHDRAWAL_NOT_FOUND", facts: { request_id: requestId } };
    await expect(endWithdrawal(second, requestId, "COMPLETED")).rejects.toMatchObject(missing);
    await expect(endWithdrawal(second, requestId, "CANCELLED")).rejects.toMatchObject(missing);
    await expect(getWithdrawal(second, requestId)).rejects.toMatchObject(missing);
  }
});

test.each<[string, Partial<AccountRequest>]>([
  ["amount", { amountAtoms: 41n }],
  ["asset", { asset: "ETH" }],
  ["user_id", { userId: uuidOf("bert") }],
])("a withdrawal's key with another %s is refused, also when it has ended", async (field, change) => {
  const request = await held(`fritz-${field}`);
  const again = () => holdWithdrawal(second, { ...request, ...change });
  const reused = { reason: "REQUEST_ID_REUSED", facts: { field, request_id: request.requestId } };
  await expect(again()).rejects.toMatchObject(reused);
  await endWithdrawal(wallet.database, request.requestId, "CANCELLED");
  await expect(again()).rejects.toMatchObject(reused);
});

test("a withdrawal takes only what is available, and its refusal is not remembered", async () => {
  const userId = uuidOf("gustav");
  const usdt = { userId, asset: "USDT" };
  await doTransfer(wallet.database, depositOf({ requestId: "gu-1", ...usdt }));
  await reserveOne(wallet.database, reserveRequest({ orderId: uuidOf("gu"), userId, amountAtoms: 60n }));
  const request = accountRequest({ requestId: "gu-2", ...usdt, amountAtoms: 41n });
  await expect(holdWithdrawal(wallet.database, request)).rejects.toMatchObject({
    reason: "INSUFFICIENT_FUNDS",
    facts: { asset: "USDT" },
  });
  await doTransfer(wallet.database, depositOf({ requestId: "gu-3", ...usdt, amountAtoms: 1n }));
  expect((await holdWithdrawal(wallet.database, request)).afterHold).toMatchObject({
    availableAtoms: 0n,
    reservedAtoms: 101n,
  });
  await expect(
    holdWithdrawal(wallet.database, accountRequest({ requestId: "gu-4", userId: uuidOf("nobody at all") })),
  ).rejects.toMatchObject({ reason: "INSUFFICIENT_FUNDS" });
});

test("withdrawals that race for the same money do not overdraw", async () => {
  const userId = await someone("heidi");
  const results = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      verdict(
        holdWithdrawal(
          index % 2 === 0 ? wallet.database : second,
          accountRequest({ requestId: `h-${index}`, userId, amountAtoms: 30n }),
        ),
      ),
    ),
  );
  expect(results.filter((result) => result === "done")).toHaveLength(3);
  expect(await wallet.balance(userId, "BTC")).toBe("10+90");
});

test.each(["before commit", "after commit"] as const)(
  "every step whose connection breaks %s is done once, and answered from what stands",
  async (mode) => {
    const proxy = await openCutProxy(wallet.url);
    const broken = openPool(proxy.url, {
      connectionsMax: 2,
      statementTimeoutMs: 5_000,
      applicationName: "test",
    });
    const database = { ...wallet.database, pool: broken, random: seededRandom(3) };
    try {
      const name = mode.replace(" ", "-");
      const userId = await someone(name);
      const [out, back] = ["out", "back"].map((what) =>
        accountRequest({ requestId: `${name}-${what}`, userId, amountAtoms: 40n }),
      ) as [AccountRequest, AccountRequest];
      const steps: [() => Promise<unknown>, string][] = [
        [() => holdWithdrawal(database, out), "60+40"],
        [() => holdWithdrawal(database, back), "20+80"],
        [() => endWithdrawal(database, out.requestId, "COMPLETED"), "20+40"],
        [() => endWithdrawal(database, back.requestId, "CANCELLED"), "60+0"],
        [() => doTransfer(database, adjustmentOf({ requestId: `${name}-a`, userId })), "160+0"],
      ];
      for (const [index, [step, stands]] of steps.entries()) {
        proxy.cut(mode);
        const answer = await step();
        expect(proxy.count()).toBe(index + 1);
        expect(await wallet.balance(userId, "BTC")).toBe(stands);
        if (index > 1) expect(await step()).toEqual(answer);
      }
    } finally {
      await broken.end();
      await proxy.close();
    }
  },
);

test("while the database is away nothing is certain", async () => {
  const proxy = await openCutProxy(wallet.url);
  const broken = openPool(proxy.url, {
    connectionsMax: 2,
    statementTimeoutMs: 5_000,
    applicationName: "test",
  });
  const database = { ...wallet.database, pool: broken, random: seededRandom(3) };
  try {
    const request = await held("ida");
    proxy.cut("after commit", 99);
    await expect(endWithdrawal(database, request.requestId, "COMPLETED")).rejects.toMatchObject({
      reason: "WALLET_UNAVAILABLE",
      facts: { outcome: "UNKNOWN" },
    });
    expect(await wallet.balance(request.userId, "BTC")).toBe("60+0");
    proxy.cut("nothing");
    expect(await endWithdrawal(database, request.requestId, "COMPLETED")).toMatchObject({
      state: "COMPLETED",
    });
  } finally {
    await broken.end();
    await proxy.close();
  }
});

test.each([
  ["reopens", "UPDATE wallet.withdrawals SET state = 'HELD' WHERE state = 'COMPLETED'"],
  ["changes its end", "UPDATE wallet.withdrawals SET state = 'COMPLETED' WHERE state = 'CANCELLED'"],
  ["changes its amount", "UPDATE wallet.withdrawals SET amount = amount + 1 WHERE state = 'HELD'"],
  ["vanishes", "DELETE FROM wallet.withdrawals"],
  ["gives up its key", "UPDATE wallet.request_ids SET kind = 'DEPOSIT' WHERE kind = 'WITHDRAWAL'"],
])("the database refuses a withdrawal that %s", async (_, sql) => {
  await expect(wallet.pool.query(sql)).rejects.toMatchObject({ code: "23514" });
});

test("the database refuses a key of another kind, whoever asks", async () => {
  await expect(
    wallet.pool.query(
      `INSERT INTO wallet.transfers (request_id, kind, user_id, asset, amount, transaction_id, available_after,
                                     reserved_after, direction, entry_ids)
       VALUES ('w-1', 'DEPOSIT', gen_random_uuid(), 'BTC', 1, gen_random_uuid(), 1, 0, 'CREDIT', '{}')`,
    ),
  ).rejects.toMatchObject({ code: "23503", constraint: "key_is_of_its_kind" });
});

test("every audit is clean after all this", async () => {
  expect(await wallet.breaches()).toEqual({});
});
