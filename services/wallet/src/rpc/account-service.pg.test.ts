import {
  AccountService,
  EntryDirection,
  LedgerEntryKind,
  WithdrawalState,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { transferIdOf } from "@bourse/shared/ids.js";
import { createClient, type ServiceClient } from "@bourse/shared/rpc/client.js";
import { formatPageToken } from "@bourse/shared/rpc/page-token.js";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXTERNAL_USER_ID } from "../core/postings.js";
import { dumpOf } from "../testing/dump.js";
import { uuidOf } from "../testing/names.js";
import { openWalletDatabase, type WalletDatabase } from "../testing/wallet-database.js";
import { serveWallet } from "../testing/wallet-server.js";

let database: WalletDatabase;
let server: Awaited<ReturnType<typeof serveWallet>>;
let accounts: ServiceClient<typeof AccountService>;
beforeAll(async () => {
  database = await openWalletDatabase();
  server = await serveWallet(database.database);
  accounts = createClient(AccountService, server.channel);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const request = (name: string, changes: object = {}) => ({
  userId: uuidOf(name),
  asset: "BTC",
  amount: "1.50",
  requestId: `${name}-1`,
  ...changes,
});

test("a deposit speaks decimal text, in capitals or not, and carries the ids of its entries", async () => {
  const deposit = request("saver");
  const first = await accounts.deposit(deposit);
  expect(first).toMatchObject({
    balance: { asset: "BTC", available: "1.5", reserved: "0" },
    transactionId: transferIdOf("DEPOSIT", "saver-1"),
  });
  expect(first.ledgerEntryIds).toHaveLength(2);
  const again = { ...deposit, amount: "1.5", userId: deposit.userId.toUpperCase() };
  expect(await accounts.deposit(again)).toEqual(first);
  expect((await accounts.getBalances({ userId: deposit.userId })).balances).toMatchObject([
    { asset: "BTC", available: "1.5" },
  ]);
});

test("a withdrawal is held, read, completed and stays so", async () => {
  await accounts.deposit(request("leaver"));
  const withdrawal = request("leaver", { amount: "0.5", requestId: "leaver-2" });
  const transactionId = transferIdOf("WITHDRAWAL", "leaver-2");
  const held = await accounts.withdraw(withdrawal);
  expect(held).toMatchObject({
    balance: { available: "1", reserved: "0.5" },
    transactionId,
    withdrawal: { state: WithdrawalState.HELD, amount: "0.5", transactionId: "", ledgerEntryIds: [] },
  });
  expect(held.withdrawal?.endedTime).toBeUndefined();
  expect(await accounts.withdraw(withdrawal)).toEqual(held);
  expect(await accounts.getWithdrawal(withdrawal)).toMatchObject({ withdrawal: held.withdrawal });

  const { requestId } = withdrawal;
  const completed = await accounts.completeWithdrawal({ requestId });
  expect(completed).toMatchObject({
    balance: { available: "1", reserved: "0" },
    withdrawal: { state: WithdrawalState.COMPLETED, transactionId },
  });
  expect(completed.withdrawal?.ledgerEntryIds).toHaveLength(2);
  expect(completed.withdrawal?.endedTime).toBeDefined();
  expect(await accounts.completeWithdrawal({ requestId })).toEqual(completed);
  expect(await accounts.withdraw(withdrawal)).toEqual({ ...held, withdrawal: completed.withdrawal });
  await expect(accounts.cancelWithdrawal({ requestId })).rejects.toMatchObject({
    reason: "WITHDRAWAL_COMPLETED",
    facts: { request_id: requestId },
  });
});

test("a withdrawal that is cancelled gives back what it held", async () => {
  await accounts.deposit(request("stayer"));
  await accounts.withdraw(request("stayer", { requestId: "stayer-2" }));
  const cancelled = await accounts.cancelWithdrawal({ requestId: "stayer-2" });
  expect(cancelled).toMatchObject({
    balance: { available: "1.5", reserved: "0" },
    withdrawal: { state: WithdrawalState.CANCELLED, transactionId: "", ledgerEntryIds: [] },
  });
  await expect(accounts.completeWithdrawal({ requestId: "stayer-2" })).rejects.toMatchObject({
    reason: "WITHDRAWAL_CANCELLED",
  });
});

test("the ledger tells it all in pages, whose tokens are of one list", async () => {
  const userId = uuidOf("teller");
  await accounts.deposit(request("teller"));
  const adjustment = { amount: "0.25", direction: EntryDirection.DEBIT, reason: "booked twice" };
  const adjusted = await accounts.adjustBalance(
    request("teller", { ...adjustment, requestId: "teller-2" }) as never,
  );
  expect(adjusted.balance?.available).toBe("1.25");
  await accounts.withdraw(request("teller", { amount: "1", requestId: "teller-3" }));
  await accounts.completeWithdrawal({ requestId: "teller-3" });

  const first = await accounts.listLedgerEntries({ userId, pageSize: 2 });
  expect(first.entries).toMatchObject([
    {
      kind: LedgerEntryKind.WITHDRAWAL,
      direction: EntryDirection.DEBIT,
      amount: "1",
      requestId: "teller-3",
      transactionId: transferIdOf("WITHDRAWAL", "teller-3"),
      tradeId: "",
    },
    {
      kind: LedgerEntryKind.ADJUSTMENT,
      direction: EntryDirection.DEBIT,
      amount: "0.25",
      requestId: "teller-2",
      reason: "booked twice",
    },
  ]);
  expect(adjusted.ledgerEntryIds).toContain(first.entries[1]?.entryId);
  const pageToken = first.nextPageToken;
  // Another size is the same list; another user, asset, kind or time is not.
  const last = await accounts.listLedgerEntries({ userId: userId.toUpperCase(), pageSize: 100, pageToken });
  expect(last).toMatchObject({
    entries: [{ kind: LedgerEntryKind.DEPOSIT, direction: EntryDirection.CREDIT, amount: "1.5" }],
    nextPageToken: "",
  });
  for (const change of [
    { userId: uuidOf("saver") },
    { asset: "BTC" },
    { kind: LedgerEntryKind.DEPOSIT },
    { fromTime: timestampFromMs(0) },
    { toTime: timestampFromMs(1e12) },
  ]) {
    await expect(accounts.listLedgerEntries({ userId, pageToken, ...change })).rejects.toMatchObject({
      reason: "INVALID_PAGE_TOKEN",
      facts: { field: "page_token" },
    });
  }
  const deposits = await accounts.listLedgerEntries({ userId, kind: LedgerEntryKind.DEPOSIT, asset: "BTC" });
  expect(deposits.entries).toEqual(last.entries);
  const moment = last.entries[0]?.recordedTime;
  const none = await accounts.listLedgerEntries({ userId, fromTime: moment, toTime: moment });
  expect(none.entries).toEqual([]);
  expect((await accounts.listLedgerEntries({ userId: EXTERNAL_USER_ID })).entries).toHaveLength(6);
});

/** Every way to send too little or the wrong thing: change, reason, field. */
type Bad = readonly [string, object, string, string];
const keys: readonly Bad[] = [
  ["no key", { requestId: "" }, "FIELD_REQUIRED", "request_id"],
  ["a key with a blank", { requestId: "a b" }, "INVALID_REQUEST_ID", "request_id"],
  ["a key of 65 characters", { requestId: "k".repeat(65) }, "INVALID_REQUEST_ID", "request_id"],
  ["a key with a newline", { requestId: "k\n" }, "INVALID_REQUEST_ID", "request_id"],
];
const moves: readonly Bad[] = [
  ["no user", { userId: "" }, "FIELD_REQUIRED", "user_id"],
  ["a user that is none", { userId: "alice" }, "INVALID_USER_ID", "user_id"],
  ["the house", { userId: EXTERNAL_USER_ID }, "INVALID_USER_ID", "user_id"],
  ["no asset", { asset: "" }, "FIELD_REQUIRED", "asset"],
  ["an asset in small letters", { asset: "btc" }, "INVALID_ASSET", "asset"],
  ["an asset of 11 letters", { asset: "A".repeat(11) }, "INVALID_ASSET", "asset"],
  ["no amount", { amount: "" }, "FIELD_REQUIRED", "amount"],
  ["an amount of zero", { amount: "0.0" }, "AMOUNT_NOT_POSITIVE", "amount"],
  ["a negative amount", { amount: "-1" }, "INVALID_DECIMAL", "amount"],
  ["an exponent", { amount: "1e3" }, "INVALID_DECIMAL", "amount"],
  ["nine decimals", { amount: "1.000000001" }, "TOO_MANY_DECIMALS", "amount"],
  ["13 digits", { amount: "1000000000000" }, "VALUE_TOO_LARGE", "amount"],
  ["21 digits", { amount: "1".repeat(21) }, "VALUE_TOO_LARGE", "amount"],
  ["22 digits", { amount: "1".repeat(22) }, "INVALID_DECIMAL", "amount"],
  ...keys,
];
const adjustments: readonly Bad[] = [
  ["no direction", { direction: 0 }, "FIELD_REQUIRED", "direction"],
  ["a direction that is none", { direction: 9 }, "INVALID_ENUM", "direction"],
  ["no reason", { reason: "" }, "FIELD_REQUIRED", "reason"],
  ["a reason of blanks", { reason: "   " }, "INVALID_FIELD", "reason"],
  ["a reason that nobody sees", { reason: "\u00a0\u200b\u3000" }, "INVALID_FIELD", "reason"],
  ["a reason of 201 characters", { reason: "é".repeat(201) }, "INVALID_FIELD", "reason"],
  ["a reason of two lines", { reason: "a\nb" }, "INVALID_FIELD", "reason"],
  ["a reason with a zero byte", { reason: "a\u0000b" }, "INVALID_FIELD", "reason"],
];
const pages: readonly Bad[] = [
  ["no user", { userId: "" }, "FIELD_REQUIRED", "user_id"],
  ["a user that is none", { userId: "'; DROP TABLE" }, "INVALID_USER_ID", "user_id"],
  ["an asset that is none", { asset: "b!" }, "INVALID_ASSET", "asset"],
  ["a kind that is none", { kind: 9 }, "INVALID_ENUM", "kind"],
  ["a page size below zero", { pageSize: -1 }, "INVALID_PAGE_SIZE", "page_size"],
  ["a token that is noise", { pageToken: "!!" }, "INVALID_PAGE_TOKEN", "page_token"],
  [
    "a token of another list",
    { pageToken: formatPageToken("orders", [1, 2]) },
    "INVALID_PAGE_TOKEN",
    "page_token",
  ],
  [
    "a time range that ends before it begins",
    { fromTime: timestampFromMs(2), toTime: timestampFromMs(1) },
    "INVALID_TIME_RANGE",
    "from_time",
  ],
  ["a time before 1970", { fromTime: timestampFromMs(-1) }, "INVALID_TIME_RANGE", "from_time"],
  ["the year 9999", { toTime: timestampFromMs(Date.UTC(9999, 5)) }, "INVALID_TIME_RANGE", "to_time"],
];
const missing: readonly Bad[] = [
  ["a key that nobody used", { requestId: "never" }, "WITHDRAWAL_NOT_FOUND", ""],
  ["a deposit's key", { requestId: "victim-1" }, "WITHDRAWAL_NOT_FOUND", ""],
];
/** The change of each case on a call that would do something. */
const calls: Readonly<Record<string, readonly Bad[]>> = {
  deposit: moves,
  withdraw: [
    ...moves,
    ["more than there is", { amount: "1.50000001" }, "INSUFFICIENT_FUNDS", ""],
    ["an asset that was never held", { asset: "ETH" }, "INSUFFICIENT_FUNDS", ""],
    ["a deposit's key", { requestId: "victim-1" }, "REQUEST_ID_REUSED", "request_id"],
  ],
  adjustBalance: [
    ...moves,
    ...adjustments,
    ["a debit below zero", { amount: "2" }, "INSUFFICIENT_FUNDS", ""],
    ["a deposit's key", { requestId: "victim-1" }, "REQUEST_ID_REUSED", "request_id"],
  ],
  completeWithdrawal: [...keys, ...missing],
  cancelWithdrawal: [...keys, ...missing],
  getWithdrawal: [...keys, ...missing],
  listLedgerEntries: pages,
  getBalances: [
    ["no user", { userId: "" }, "FIELD_REQUIRED", "user_id"],
    ["a user that is none", { userId: "1" }, "INVALID_USER_ID", "user_id"],
  ],
};

describe("bad input", () => {
  beforeAll(async () => {
    await accounts.deposit(request("victim"));
  });

  test.each(Object.keys(calls))(
    "of %s is refused with its reason and field, and nothing is written",
    async (name) => {
      const before = await dumpOf(database.pool);
      const method = accounts[name as "deposit"];
      const good = request("victim", {
        requestId: "victim-2",
        direction: EntryDirection.DEBIT,
        reason: "why",
      });
      const page = { userId: good.userId };
      for (const [what, change, reason, field] of calls[name] ?? []) {
        const asked = name === "listLedgerEntries" ? { ...page, ...change } : { ...good, ...change };
        const refusal = await method(asked as never).then(
          () => "done",
          (error) => `${error.reason} ${error.facts.field ?? ""} ${error.facts.outcome ?? ""}`.trimEnd(),
        );
        const outcome = /^(get|list)/.test(name) ? "" : "NOT_ATTEMPTED";
        expect(refusal, what).toBe(`${reason} ${field} ${outcome}`.trimEnd());
      }
      expect(await dumpOf(database.pool)).toEqual(before);
    },
  );
});

test("every audit is clean after all this", async () => {
  expect(await database.breaches()).toEqual({});
});
