import { afterAll, beforeAll, expect, test } from "vitest";
import { EXTERNAL_USER_ID } from "../core/postings.js";
import type { Transfer } from "../core/transfer.js";
import { reserveRequest, uuidOf } from "../testing/names.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "../testing/wallet-database.js";
import { doTransfer } from "./transfer.js";

let wallet: WalletDatabase;
beforeAll(async () => {
  wallet = await openWalletDatabase();
});
afterAll(() => wallet.drop());

const transfer = (overrides: Partial<Transfer> & { requestId: string }): Transfer => ({
  kind: "DEPOSIT",
  transactionId: uuidOf(overrides.requestId),
  userId: uuidOf("alice"),
  asset: "BTC",
  amountAtoms: 100n,
  ...overrides,
});

test("a deposit makes the account and is done once, however often and at once it is asked for", async () => {
  const deposit = transfer({ requestId: "d-1" });
  const answers = await Promise.all(Array.from({ length: 10 }, () => doTransfer(wallet.database, deposit)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]?.after).toEqual({ asset: "BTC", availableAtoms: 100n, reservedAtoms: 0n });
  expect(await wallet.balance(deposit.userId, "BTC")).toBe("100+0");
  expect(await wallet.balance(EXTERNAL_USER_ID, "BTC")).toBe("-100+0");
});

test("a repeat gets the first answer, also when the balance has changed since", async () => {
  const deposit = transfer({ requestId: "d-2", userId: uuidOf("bob") });
  const first = await doTransfer(wallet.database, deposit);
  await doTransfer(wallet.database, transfer({ requestId: "d-3", userId: uuidOf("bob") }));
  expect(await doTransfer(wallet.database, { ...deposit, transactionId: uuidOf("other") })).toEqual(first);
});

test.each([
  { amountAtoms: 101n },
  { asset: "ETH" },
  { userId: uuidOf("bob") },
  { kind: "WITHDRAWAL" as const },
])("a request id with other content is refused: %o", async (change) => {
  await expect(doTransfer(wallet.database, transfer({ requestId: "d-1", ...change }))).rejects.toMatchObject({
    reason: "REQUEST_ID_REUSED",
  });
});

test("a withdrawal takes only what is available, and its refusal is not remembered", async () => {
  const userId = uuidOf("carol");
  await doTransfer(wallet.database, transfer({ requestId: "c-1", userId, asset: "USDT" }));
  await reserveOne(wallet.database, reserveRequest({ orderId: uuidOf("hold"), userId, amountAtoms: 60n }));
  const withdrawal = transfer({
    requestId: "c-2",
    kind: "WITHDRAWAL",
    userId,
    asset: "USDT",
    amountAtoms: 41n,
  });
  await expect(doTransfer(wallet.database, withdrawal)).rejects.toMatchObject({
    reason: "INSUFFICIENT_FUNDS",
  });
  await doTransfer(wallet.database, transfer({ requestId: "c-3", userId, asset: "USDT", amountAtoms: 1n }));
  expect((await doTransfer(wallet.database, withdrawal)).after).toMatchObject({
    availableAtoms: 0n,
    reservedAtoms: 60n,
  });
});

test("withdrawals that race for the same money do not overdraw", async () => {
  const userId = uuidOf("dave");
  await doTransfer(wallet.database, transfer({ requestId: "v-0", userId }));
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) =>
      doTransfer(
        wallet.database,
        transfer({ requestId: `v-${index + 1}`, kind: "WITHDRAWAL", userId, amountAtoms: 30n }),
      ),
    ),
  );
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
  expect(await wallet.balance(userId, "BTC")).toBe("10+0");
});

test("every audit is clean after all this", async () => {
  expect(await wallet.breaches()).toEqual({});
});
