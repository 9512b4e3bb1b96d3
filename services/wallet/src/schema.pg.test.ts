// The wallet process and its schema: what it makes ahead, and what it does not run on.
import { afterEach, expect, test } from "vitest";
import { openOwnDatabase } from "./testing/wallet-database.js";
import { startProcess, untilReady } from "./testing/wallet-process.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function openDatabase() {
  const own = await openOwnDatabase();
  closers.push(() => own.drop());
  return own;
}

function startWallet(url: string) {
  const wallet = startProcess("main.ts", {
    BOURSE__WALLET__POSTGRES_URL: url,
    BOURSE__WALLET__GRPC_PORT: "0",
    BOURSE__WALLET__ADMIN_PORT: "0",
    BOURSE__WALLET__HTTP_PORT: "0",
  });
  closers.push(() => wallet.child.kill("SIGKILL"));
  return wallet;
}

test("the process makes the ledger's months ahead and tells how many days they last", async () => {
  const { url, pool } = await openDatabase();
  const { adminPort } = await startWallet(url).said("wallet started");
  await untilReady(adminPort);
  const daysAhead = async () => {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    return Number(/^bourse_wallet_partition_days_ahead(?:\{.*\})? (\d+)$/m.exec(text)?.[1] ?? "0");
  };
  await expect.poll(daysAhead, { timeout: 10_000 }).toBeGreaterThan(62);
  const { rows } = await pool.query(
    "SELECT to_regclass('wallet.ledger_entries_' || to_char(now() AT TIME ZONE 'UTC' + interval '62 days', 'YYYY_MM')) AS month",
  );
  expect(rows[0].month).not.toBeNull();
});

test("on a schema that is too new the process ends and says what was applied", async () => {
  const { url, pool } = await openDatabase();
  await pool.query(
    "INSERT INTO wallet.schema_migrations (number, name, oldest) VALUES (9999, '9999-later', 9998)",
  );
  const wallet = startWallet(url);
  expect((await wallet.exited).code).toBe(1);
  const last = wallet.log.find(({ msg }) => msg === "process failed") as
    | { err: { message: string } }
    | undefined;
  expect(last?.err.message).toMatch(/^schema wallet is newer than this program: 9999-later was applied/);
});

test("on a newer schema that says it may, the process runs", async () => {
  const { url, pool } = await openDatabase();
  await pool.query(
    "INSERT INTO wallet.schema_migrations (number, name, oldest) VALUES (9999, '9999-later', 8)",
  );
  const { adminPort } = await startWallet(url).said("wallet started");
  await untilReady(adminPort);
});
