import type { Pool, PoolClient } from "./pool.js";

/**
 * Runs one function in one transaction: commits when it returns, rolls back when it throws. An error of
 * COMMIT itself leaves the outcome unknown: the caller must read back by its key before it says "failed".
 */
export async function inTransaction<T>(pool: Pool, run: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await run(client);
    await client.query("COMMIT");
    client.release();
    return result;
  } catch (error) {
    await client.query("ROLLBACK").then(
      () => client.release(),
      // The connection is gone or in doubt: never give it to the next caller.
      (cause: Error) => client.release(cause),
    );
    throw error;
  }
}
