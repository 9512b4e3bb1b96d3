import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kindsOf, type LedgerPlace, type LedgerQuery, type LedgerRow } from "../core/ledger-page.js";
import { EXTERNAL_USER_ID, FEES_USER_ID } from "../core/postings.js";
import { ledgerStatement } from "../io/ledger-pages.js";
import { accountRequest, adjustmentOf, depositOf } from "../testing/account-requests.js";
import { usersOf, uuidOf } from "../testing/names.js";
import { openWalletDatabase, playHistory, type WalletDatabase } from "../testing/wallet-database.js";
import { listLedger } from "./list-ledger.js";
import { doTransfer } from "./transfer.js";
import { endWithdrawal, holdWithdrawal } from "./withdraw.js";

let wallet: WalletDatabase;
const users = usersOf(3);
const [alice = "", bob = ""] = users;
/** Somebody with a long past: 12,000 trades in 4 months, and a few deposits among them. */
const maker = uuidOf("maker");
const MONTHS = ["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"];

beforeAll(async () => {
  wallet = await openWalletDatabase();
  for (const userId of users) {
    for (const asset of ["BTC", "USDT"]) await wallet.deposit(userId, asset, "0.002");
  }
  await playHistory(wallet.database, { seed: 11, orders: 60, users, batchSize: 50 });
  const userId = alice;
  await doTransfer(wallet.database, adjustmentOf({ requestId: "corrected", userId, reason: "a gift" }));
  for (const requestId of ["leaves", "stays"]) {
    await holdWithdrawal(wallet.database, accountRequest({ requestId, userId, amountAtoms: 1n }));
  }
  await endWithdrawal(wallet.database, "leaves", "COMPLETED");
  await endWithdrawal(wallet.database, "stays", "CANCELLED");
  expect(await wallet.breaches()).toEqual({});
  await longPast();
}, 60_000);
afterAll(() => wallet.drop());

/** Entries as a market maker has them; the accounts do not follow, so no audit is asked after this. */
async function longPast(): Promise<void> {
  for (const month of MONTHS) await wallet.pool.query("SELECT wallet.make_ledger_month($1)", [month]);
  for (const asset of ["BTC", "USDT", "ETH"]) {
    await doTransfer(wallet.database, depositOf({ requestId: `maker-${asset}`, userId: maker, asset }));
  }
  // Two entries per trade and asset at the same instant, 15 minutes between trades.
  await wallet.pool.query(
    `WITH trade AS (
       SELECT gen_random_uuid() AS id, timestamptz '2025-01-01 00:00:00Z' + n * interval '14 minutes' AS at, n
         FROM generate_series(1, 12000) AS n
     ), booked AS (
       INSERT INTO wallet.ledger_transactions SELECT id, 'TRADE', at FROM trade
     )
     INSERT INTO wallet.ledger_entries (transaction_id, user_id, asset, amount, recorded_at)
     SELECT id, owner, asset, amount * CASE owner WHEN $1::uuid THEN 1 ELSE -1 END, at
       FROM trade, (VALUES ('BTC', 1), ('USDT', -7)) AS m(asset, amount), unnest(ARRAY[$1, $2]::uuid[]) AS owner
      ORDER BY n, asset, owner`,
    [maker, uuidOf("its other side")],
  );
  await wallet.pool.query(
    `INSERT INTO wallet.accounts SELECT gen_random_uuid(), 'BTC' FROM generate_series(1, 3000);
     INSERT INTO wallet.request_ids SELECT 'other-' || n, 'DEPOSIT' FROM generate_series(1, 3000) AS n;
     INSERT INTO wallet.transfers (request_id, kind, user_id, asset, amount, transaction_id, available_after,
                                   reserved_after, direction, entry_ids)
     SELECT request_id, kind, gen_random_uuid(), 'BTC', 1, gen_random_uuid(), 1, 0, 'CREDIT', '{}'
       FROM wallet.request_ids WHERE request_id LIKE 'other-%';
     ANALYZE wallet.accounts; ANALYZE wallet.ledger_entries; ANALYZE wallet.transfers`,
  );
}

function query(changes: Partial<LedgerQuery> = {}): LedgerQuery {
  const none = { asset: undefined, kind: undefined, fromMs: undefined, toMs: undefined, after: undefined };
  return { userId: alice, ...none, pageSize: 7, ...changes };
}

/** All pages of a query, one after the other. */
async function walk(asked: LedgerQuery): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = [];
  let after: LedgerPlace | undefined;
  do {
    const page = await listLedger(wallet.database, { ...asked, after });
    expect(page.rows.length).toBe(page.next === undefined ? page.rows.length : asked.pageSize);
    rows.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return rows;
}

/** Ids of entries as the table has them, newest first. */
async function idsWhere(condition: string, values: unknown[]): Promise<number[]> {
  const { rows } = await wallet.pool.query<{ entry_id: number }>(
    `SELECT entry_id FROM wallet.ledger_entries WHERE ${condition} ORDER BY recorded_at DESC, entry_id DESC`,
    values,
  );
  return rows.map(({ entry_id }) => entry_id);
}

const idsOf = (rows: readonly LedgerRow[]) => rows.map(({ entryId }) => entryId);

describe("the pages of a ledger", () => {
  test("are the whole of it, newest first, none twice", async () => {
    for (const userId of [alice, bob, FEES_USER_ID, EXTERNAL_USER_ID]) {
      const ids = await idsWhere("user_id = $1", [userId]);
      expect(ids.length).toBeGreaterThan(5);
      for (const pageSize of [1, 7, ids.length - 1, ids.length, 1_000]) {
        expect(idsOf(await walk(query({ userId, pageSize })))).toEqual(ids);
      }
    }
  });

  test("go through months, and through entries of one instant", async () => {
    const ids = await idsWhere("user_id = $1", [maker]);
    expect(ids.length).toBe(24_003);
    expect(idsOf(await walk(query({ userId: maker, pageSize: 999 })))).toEqual(ids);
  });

  test("have one asset, one kind, or both", async () => {
    for (const asset of ["BTC", "USDT"]) {
      expect(idsOf(await walk(query({ asset })))).toEqual(
        await idsWhere("user_id = $1 AND asset = $2", [alice, asset]),
      );
    }
    const kinds = await Promise.all(
      (["TRADE", "DEPOSIT", "WITHDRAWAL", "ADJUSTMENT"] as const).map(async (kind) => {
        const rows = await walk(query({ kind, asset: "BTC" }));
        const ids = await idsWhere("user_id = $1 AND asset = 'BTC' AND kind = $2", [alice, kind]);
        expect(idsOf(rows)).toEqual(ids);
        return ids.length;
      }),
    );
    expect(kinds[0]).toBeGreaterThan(5);
    expect(kinds.slice(1)).toEqual([1, 1, 1]);
    expect(await walk(query({ asset: "DOGE" }))).toEqual([]);
    expect(await walk(query({ userId: uuidOf("nobody") }))).toEqual([]);
  });

  test("have what lies in a time: from its beginning on, before its end", async () => {
    const [fromMs, toMs] = [Date.UTC(2025, 0, 31, 23, 20), Date.UTC(2025, 1, 1, 7, 30)];
    const rows = await walk(query({ userId: maker, fromMs, toMs }));
    expect(idsOf(rows)).toEqual(
      await idsWhere("user_id = $1 AND recorded_at >= $2 AND recorded_at < $3", [
        maker,
        new Date(fromMs).toISOString(),
        new Date(toMs).toISOString(),
      ]),
    );
    expect(rows.length).toBeGreaterThan(60);
    const [first, last] = [rows.at(-1), rows[0]].map((row) => (row?.recordedAtUs ?? 0) / 1_000);
    expect(await walk(query({ userId: maker, fromMs: first, toMs: last }))).toHaveLength(rows.length - 2);
    expect(await walk(query({ userId: maker, fromMs, toMs: fromMs }))).toEqual([]);
  });

  test("say which way the money went, and what for", async () => {
    const [adjusted] = await walk(query({ kind: "ADJUSTMENT" }));
    expect(adjusted).toMatchObject({
      direction: "CREDIT",
      amountAtoms: 100n,
      asset: "BTC",
      requestId: "corrected",
      reason: "a gift",
    });
    const [left] = await walk(query({ kind: "WITHDRAWAL" }));
    expect(left).toMatchObject({
      direction: "DEBIT",
      amountAtoms: 1n,
      requestId: "leaves",
      reason: undefined,
    });
    const [trade] = await walk(query({ kind: "TRADE" }));
    expect(trade).toMatchObject({ requestId: undefined, reason: undefined });
    const sums = new Map<string, bigint>();
    for (const { asset, direction, amountAtoms } of await walk(query())) {
      sums.set(asset, (sums.get(asset) ?? 0n) + (direction === "CREDIT" ? amountAtoms : -amountAtoms));
    }
    for (const [asset, sum] of sums) {
      const [available = 0n, reserved = 0n] = (await wallet.balance(alice, asset)).split("+").map(BigInt);
      expect(sum).toBe(available + reserved);
    }
  });
});

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly Plans?: Plan[];
}

/** Every node of the plan that was carried out. */
async function nodesOf(asked: LedgerQuery): Promise<Plan[]> {
  const { text, values } = ledgerStatement(asked, kindsOf(asked), asked.pageSize + 1);
  const client = await wallet.pool.connect();
  try {
    // As the driver's prepared statement is planned from its sixth use on.
    await client.query("BEGIN; SET LOCAL plan_cache_mode = force_generic_plan");
    const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
    const plans = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(plans)];
    return plans(rows[0]["QUERY PLAN"][0].Plan);
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
}

test.each<[string, Partial<LedgerQuery>]>([
  ["the newest", {}],
  ["one asset", { asset: "USDT" }],
  ["the few deposits among many trades", { kind: "DEPOSIT" }],
  ["an asset without trades", { asset: "ETH" }],
  ["a page from the middle", { after: { recordedAtUs: Date.UTC(2025, 1, 15) * 1_000, entryId: 1 } }],
  ["a week", { fromMs: Date.UTC(2025, 2, 3), toMs: Date.UTC(2025, 2, 10) }],
])("no page scans a table: %s", async (_, changes) => {
  const pageSize = 50;
  const nodes = await nodesOf(query({ userId: maker, pageSize, ...changes }));
  expect(nodes.filter((node) => node["Node Type"] === "Seq Scan")).toEqual([]);
  const read = nodes
    .filter((node) => node["Relation Name"]?.startsWith("ledger_entries") === true)
    .reduce((sum, node) => sum + node["Actual Rows"] * node["Actual Loops"], 0);
  // Of each run of the index (3 assets, 4 kinds) a page at most, of each month a row more.
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThanOrEqual(2 * (pageSize + 1) + 2 * 12 * (MONTHS.length + 3));
});
