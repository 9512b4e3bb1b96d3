// Deposits of the bench's users: by the real flow, on connections that do not wait for the disk.
import { openPool } from "@bourse/shared/postgres/pool.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { doTransfer } from "../../flow/transfer.js";
import type { Database } from "../../io/database.js";
import { BASE, QUOTE, uuidOf } from "../names.js";

const AMOUNT_ATOMS = 10n ** 17n;
/** All deposits change the same account of the house: more at once would only wait for it. */
const AT_ONCE = 2;

/** Gives every user plenty of both assets. */
export async function fund(url: string, users: readonly string[]): Promise<void> {
  const relaxed = new URL(url);
  relaxed.searchParams.set("options", "-c synchronous_commit=off");
  const pool = openPool(relaxed.href, {
    connectionsMax: AT_ONCE,
    statementTimeoutMs: 60_000,
    applicationName: "bourse-bench",
  });
  const database: Database = { pool, clock: systemClock, random: seededRandom(7), onCommit: () => {} };
  const transfers = users.flatMap((userId) => [BASE, QUOTE].map((asset) => ({ userId, asset })));
  const depositor = async () => {
    for (let next = transfers.pop(); next !== undefined; next = transfers.pop()) {
      const requestId = `fund-${next.userId}-${next.asset}`;
      await doTransfer(database, {
        kind: "DEPOSIT",
        ...next,
        requestId,
        transactionId: uuidOf(requestId),
        amountAtoms: AMOUNT_ATOMS,
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, depositor));
  await pool.end();
}
