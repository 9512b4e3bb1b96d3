// How PostgreSQL would run every statement of the wallet on tables that have grown: never by reading a whole one.
import { readdirSync, readFileSync } from "node:fs";
import { openPool, type Pool, type PoolClient } from "@bourse/shared/postgres/pool.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accountFlows } from "../flow/account-flows.js";
import { assetCheck } from "../flow/known-assets.js";
import { listOrphans, noteSequenced } from "../flow/orphans.js";
import { releaseReservation } from "../flow/release.js";
import { getReservation, reserveBatch } from "../flow/reserve.js";
import { getCursor } from "../flow/settle.js";
import { settleTrade } from "../flow/settle-trade.js";
import { accountRequest, depositOf } from "../testing/account-requests.js";
import { fillWithManyRows } from "../testing/many-rows.js";
import { BASE, fingerprintOf, QUOTE, reserveRequest, usersOf, uuidOf } from "../testing/names.js";
import { callOf, reservedPair, tradeOfPair } from "../testing/trades.js";
import { openOwnDatabase, playHistory, walletOn } from "../testing/wallet-database.js";
import { plannerSettings, transact } from "./database.js";
import { missingRequests } from "./known-requests.js";
import { makeLedgerMonths } from "./ledger-months.js";

interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Read whole on purpose: one row per shard is one page. */
const ONE_PAGE = "shard_cursors";
/** Writes whose rows come from the call alone, of a repair that no test here brings about. */
const ONLY_WRITES = ["insert_restored"];
const users = usersOf(40);

/** Names of the statements in this folder. */
const named = readdirSync(new URL(".", import.meta.url))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .flatMap((file) => [...readFileSync(new URL(file, import.meta.url), "utf8").matchAll(/\bname: "(\w+)"/g)])
  .map(([, name]) => name as string)
  .filter((name) => !ONLY_WRITES.includes(name))
  .sort();

let own: Awaited<ReturnType<typeof openOwnDatabase>>;
let pool: Pool;
let small: string[];
/** What was sent, by name: the first call of each, and the one with the most values. */
const sent = new Map<string, Statement[]>();

beforeAll(async () => {
  own = await openOwnDatabase();
  await fillWithManyRows(own.adminPool);
  const options = { connectionsMax: 4, statementTimeoutMs: 20_000, applicationName: "test" };
  pool = openPool(own.url, { ...options, settings: plannerSettings });
  pool.on("connect", record);
  await useEverything();
  const empty = await own.adminPool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
      WHERE relnamespace = 'wallet'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) = 0`,
  );
  small = [ONE_PAGE, ...empty.rows.map(({ name }) => name)];
}, 120_000);
afterAll(async () => {
  await pool?.end();
  await own?.drop();
});

function record(client: PoolClient): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  client.query = ((...args: unknown[]) => {
    const [statement] = args as [Partial<Statement>];
    const { name, text, values = [] } = statement;
    if (name !== undefined && text !== undefined) note({ name, text, values });
    return query(...args);
  }) as PoolClient["query"];
}

function note(statement: Statement): void {
  const seen = sent.get(statement.name) ?? [];
  const size = ({ values }: Statement) => JSON.stringify(values).length;
  if (seen.length < 2) sent.set(statement.name, [...seen, statement]);
  else if (size(statement) > size(seen[1] as Statement)) seen[1] = statement;
}

/** Calls every flow, with single rows and with whole batches. */
async function useEverything(): Promise<void> {
  const database = { ...own.database, pool };
  const wallet = { ...own, ...walletOn(database), pool };
  for (const userId of users) for (const asset of [BASE, QUOTE]) await wallet.deposit(userId, asset, "0.01");
  const accounts = accountFlows(database);
  for (let repeat = 0; repeat < 2; repeat += 1) {
    await accounts.transfer(depositOf({ requestId: "plans" }));
    for (const requestId of ["out", "back"])
      await accounts.holdWithdrawal(accountRequest({ requestId, amountAtoms: 1n }));
  }
  await accounts.endWithdrawal("out", "COMPLETED");
  await accounts.endWithdrawal("back", "CANCELLED");
  await accounts.getWithdrawal("out");
  await accounts.getBalances(users[0] as string);
  const all = { asset: undefined, kind: undefined, fromMs: undefined, toMs: undefined, after: undefined };
  await accounts.listLedger({ ...all, userId: users[0] as string, pageSize: 100 });
  await assetCheck(database)("asset", BASE);
  await makeLedgerMonths(pool, 62);

  await playHistory(database, { seed: 3, orders: 500, users, batchSize: 1_000 });
  await getCursor(database, 0);
  const manyUsers = await pool.query("SELECT user_id FROM wallet.accounts WHERE asset = 'USDT' LIMIT 512");
  const requests = manyUsers.rows.map(({ user_id: userId }, index) =>
    reserveRequest({ orderId: uuidOf(`plans ${index}`), userId }),
  );
  await reserveBatch(database, requests);
  await getReservation(database, uuidOf("plans 1"));
  const [orphan] = await listOrphans(database, { shard: 1, olderThanMs: 0, limit: 100 });
  await listOrphans(database, { shard: 1, olderThanMs: 0, limit: 100, after: orphan?.orderId });
  await noteSequenced(database, [uuidOf("plans 1")]);
  await transact(database, (client) => missingRequests(client, [{ requestId: "plans", isEnd: false }]));

  const pair = await reservedPair(wallet, "plans");
  await settleTrade(database, callOf(tradeOfPair(pair, "plans")));
  const release = { orderId: pair.buyOrderId, userId: pair.buyerId, amountAtoms: undefined };
  await releaseReservation(database, { ...release, fingerprintHex: fingerprintOf("plans") });
  const unseen = { ...release, orderId: uuidOf("unseen"), fingerprintHex: fingerprintOf("unseen") };
  await releaseReservation(database, unseen);
}

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Tables of the wallet that a plan reads whole; to read one that is empty, a month to come, costs nothing. */
function readWhole({ Plans = [], ...node }: PlanNode): string[] {
  const own = node["Node Type"] === "Seq Scan" ? [node["Relation Name"] ?? ""] : [];
  return [...own, ...Plans.flatMap(readWhole)].filter((table) => !small.includes(table));
}

async function explain(options: string, { text, values }: Pick<Statement, "text" | "values">) {
  const client = await own.pool.connect();
  try {
    for (const [name, value] of Object.entries(plannerSettings)) await client.query(`SET ${name} = ${value}`);
    const { rows } = await client.query<{ "QUERY PLAN": { Plan: PlanNode }[] }>(
      `EXPLAIN (${options}, FORMAT JSON) ${text}`,
      values as unknown[],
    );
    return rows[0]?.["QUERY PLAN"][0]?.Plan as PlanNode;
  } finally {
    client.release(true);
  }
}

test("every statement was sent", () => {
  expect([...sent.keys()].sort()).toEqual(named);
  expect(named.length).toBeGreaterThan(25);
});

test.each(named)("%s reads no table whole, neither for its values nor for any", async (name) => {
  const statements = sent.get(name) ?? [];
  for (const statement of statements) {
    expect(readWhole(await explain("VERBOSE", statement)), "for its values").toEqual([]);
  }
  const [{ text } = { text: "" }] = statements;
  expect(readWhole(await explain("GENERIC_PLAN", { text, values: [] })), "as it is prepared").toEqual([]);
});

test("a statement that reads a table whole is caught", async () => {
  const text = "SELECT FROM wallet.reservations WHERE user_id = $1";
  expect(readWhole(await explain("GENERIC_PLAN", { text, values: [] }))).toEqual(["reservations"]);
});
