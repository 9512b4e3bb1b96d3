// SQL of keys of account operations, whichever they are.
import type { PoolClient } from "@bourse/shared/postgres/pool.js";

/** Those of these requests that the database does not know, or of which it does not know that they have ended. */
export async function missingRequests<T extends { readonly requestId: string; readonly isEnd: boolean }>(
  client: PoolClient,
  requests: readonly T[],
): Promise<T[]> {
  if (requests.length === 0) return [];
  const { rows } = await client.query<{ request_id: string; is_held: boolean }>({
    name: "known_requests",
    text: `SELECT r.request_id, coalesce(w.state = 'HELD', false) AS is_held
             FROM wallet.request_ids r LEFT JOIN wallet.withdrawals w USING (request_id)
            WHERE r.request_id = ANY($1::text[])`,
    values: [[...new Set(requests.map(({ requestId }) => requestId))]],
  });
  const isHeld = new Map(rows.map((row) => [row.request_id, row.is_held]));
  return requests.filter(({ requestId, isEnd }) => {
    const held = isHeld.get(requestId);
    return held === undefined || (isEnd && held);
  });
}
