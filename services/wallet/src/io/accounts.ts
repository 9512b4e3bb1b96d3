// SQL of balances. Rows are locked in key order, here as everywhere, so two batches cannot deadlock.
import { assert } from "@bourse/shared/assert.js";
import { columns } from "@bourse/shared/postgres/columns.js";
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";
import { atomsOfNumeric, numericOfAtoms } from "@bourse/shared/units/atoms.js";
import type { AccountDelta } from "../core/postings.js";
import type { AccountKey } from "../core/reservation.js";
import type { Balance } from "../core/transfer.js";

interface AccountRow {
  readonly user_id: string;
  readonly asset: string;
  readonly available: string;
  readonly reserved: string;
}

const byKey = (keys: readonly AccountKey[]) => columns(keys, 2, ({ userId, asset }) => [userId, asset]);

/** Locks accounts and returns what each holds, by `user/asset`; one that does not exist is absent. */
export async function lockAccounts(
  client: PoolClient,
  keys: readonly AccountKey[],
): Promise<Map<string, Balance>> {
  const { rows } = await client.query<AccountRow>({
    name: "lock_accounts",
    text: `SELECT user_id, asset, available, reserved FROM wallet.accounts
            WHERE (user_id, asset) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
            ORDER BY user_id, asset FOR UPDATE`,
    values: byKey(keys),
  });
  return new Map(rows.map((row) => [`${row.user_id}/${row.asset}`, balanceOf(row)]));
}

/** Makes accounts that do not exist yet, empty, in key order. */
export async function createAccounts(client: PoolClient, keys: readonly AccountKey[]): Promise<void> {
  if (keys.length === 0) return;
  await client.query({
    name: "create_accounts",
    text: `INSERT INTO wallet.accounts (user_id, asset)
           SELECT user_id, asset FROM unnest($1::uuid[], $2::text[]) AS k(user_id, asset)
            ORDER BY user_id, asset
           ON CONFLICT DO NOTHING`,
    values: byKey(keys),
  });
}

/** Adds changes to accounts that are locked. The table's constraints refuse a negative balance. */
export async function changeAccounts(client: PoolClient, deltas: readonly AccountDelta[]): Promise<number> {
  return deltas.length - (await changeExisting(client, deltas)).length;
}

/**
 * Adds changes to accounts, making those that are missing. `deltas` are in key order, and in this order the rows are
 * locked: the planner of our sessions has no way but to look them up one by one (`plannerSettings`).
 */
export async function applyDeltas(client: PoolClient, deltas: readonly AccountDelta[]): Promise<void> {
  if (deltas.length === 0) return;
  // Somebody receives an asset for the first time.
  const missing = await changeExisting(client, deltas);
  if (missing.length === 0) return;
  await createAccounts(client, missing);
  const lost = await changeExisting(client, missing);
  assert(lost.length === 0, "every account of a settlement was changed");
}

/** Adds changes to the accounts that exist; returns those of the others. */
async function changeExisting(
  client: PoolClient,
  deltas: readonly AccountDelta[],
): Promise<readonly AccountDelta[]> {
  const { rows } = await client.query<{ changed: readonly number[] | null }>({
    name: "change_accounts",
    text: `WITH changed AS (
             UPDATE wallet.accounts AS a
                SET available = a.available + d.available, reserved = a.reserved + d.reserved
               FROM unnest($1::uuid[], $2::text[], $3::numeric[], $4::numeric[]) WITH ORDINALITY
                    AS d(user_id, asset, available, reserved, number)
              WHERE a.user_id = d.user_id AND a.asset = d.asset
             RETURNING d.number::int
           )
           SELECT array_agg(number) AS changed FROM changed HAVING count(*) < $5`,
    values: [
      ...columns(deltas, 4, (delta) => [
        delta.userId,
        delta.asset,
        numericOfAtoms(delta.availableAtoms),
        numericOfAtoms(delta.reservedAtoms),
      ]),
      deltas.length,
    ],
  });
  const [short] = rows;
  if (short === undefined) return [];
  const changed = new Set(short.changed);
  return deltas.filter((_, index) => !changed.has(index + 1));
}

/** Whether any of these users has an account of the asset, with money or without. */
export async function isHeldByAny(pool: Pool, userIds: readonly string[], asset: string): Promise<boolean> {
  const { rows } = await pool.query({
    name: "is_held_by_any",
    text: `SELECT FROM wallet.accounts WHERE user_id = ANY($1::uuid[]) AND asset = $2 LIMIT 1`,
    values: [userIds, asset],
  });
  return rows.length > 0;
}

/** All balances of a user, by asset. */
export async function readBalances(pool: Pool, userId: string): Promise<Balance[]> {
  const { rows } = await pool.query<AccountRow>({
    name: "read_balances",
    text: `SELECT user_id, asset, available, reserved FROM wallet.accounts WHERE user_id = $1 ORDER BY asset`,
    values: [userId],
  });
  return rows.map(balanceOf);
}

function balanceOf(row: AccountRow): Balance {
  return {
    asset: row.asset,
    availableAtoms: atomsOfNumeric(row.available),
    reservedAtoms: atomsOfNumeric(row.reserved),
  };
}
