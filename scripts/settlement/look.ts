// What wallet, shard and settler say about the settlement of each shard.
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { openPool, type Pool } from "@bourse/shared/postgres/pool.js";
import { createClient } from "@bourse/shared/rpc/client.js";
import type { AuditedExchange, AuditedShard } from "../audit/exchange.js";
import {
  type AccountRow,
  idsIn,
  type RowOfHold,
  type ShardSettlement,
  type WordOfSettler,
} from "./report.js";

/** An exchange, and the operations port of its settler, if that could be reached. */
export interface LookedAt extends Pick<AuditedExchange, "auditorUrl" | "shards" | "close"> {
  readonly settlerAddress: string | undefined;
}

const timeoutMs = 5_000;

/** Looks at every shard; what does not answer is said to be away. */
export async function lookAt(exchange: LookedAt): Promise<ShardSettlement[]> {
  const pool = openPool(exchange.auditorUrl, {
    connectionsMax: 1,
    statementTimeoutMs: 30_000,
    applicationName: "bourse-settlement",
  });
  try {
    const words = await wordsOf(exchange.settlerAddress);
    const looked: ShardSettlement[] = [];
    for (const shard of exchange.shards)
      looked.push(
        await lookAtShard(
          pool,
          shard,
          words.find((word) => word.shard === shard.shard),
        ),
      );
    return looked;
  } finally {
    await pool.end();
  }
}

async function wordsOf(address: string | undefined): Promise<WordOfSettler[]> {
  if (address === undefined) return [];
  try {
    const response = await fetch(`http://${address}/settlement`, { signal: AbortSignal.timeout(timeoutMs) });
    return (await response.json()) as WordOfSettler[];
  } catch {
    return [];
  }
}

async function lookAtShard(
  pool: Pool,
  audited: AuditedShard,
  settler: WordOfSettler | undefined,
): Promise<ShardSettlement> {
  const { shard } = audited;
  const { rows } = await pool.query(
    `SELECT epoch::text, seq::text, operations, stored_epoch::text,
            (extract(epoch FROM now() - moved_at))::float8 AS "ageSeconds"
       FROM wallet.shard_cursors WHERE shard = $1`,
    [shard],
  );
  const base = { shard, settler, cursor: rows[0], journal: await journalOf(audited) };
  const seq = settler?.stopped?.facts.seq;
  if (settler?.stopped === undefined || seq === undefined) return { ...base, holds: [], accounts: [] };
  const record = await recordOf(audited, Number(seq));
  const ids = idsIn([...(record ?? []), ...Object.values(settler.stopped.facts)].join("\n"));
  return { ...base, record, ...(await rowsOf(pool, ids)) };
}

async function journalOf(audited: AuditedShard): Promise<ShardSettlement["journal"]> {
  const channel = audited.openChannel();
  try {
    const { seq, epoch } = await createClient(MatcherService, channel).getShardState({}, { timeoutMs });
    return { seq: String(seq), epoch: String(epoch) };
  } catch (error) {
    return { away: error instanceof Error ? error.message : String(error) };
  } finally {
    channel.close();
  }
}

/** The record as the journal's tool prints it; undefined where the journal is out of reach. */
async function recordOf({ journal }: AuditedShard, seq: number): Promise<string[] | undefined> {
  const lines: string[] = [];
  try {
    await journal("dump", ["--after", String(seq - 1), "--limit", "1"], (line) => lines.push(line));
  } catch {
    return undefined;
  }
  return lines;
}

async function rowsOf(pool: Pool, ids: readonly string[]) {
  const { rows: holds } = await pool.query<RowOfHold>(
    `SELECT order_id, leg_of, user_id, shard, state, asset, amount::text, joined::text, remaining::text, sequenced,
            restored, refusal, final_status, final_reason, created_at::text
       FROM wallet.reservations WHERE order_id = ANY($1::uuid[]) ORDER BY created_at`,
    [ids],
  );
  const users = [...new Set([...holds.map(({ user_id }) => user_id), ...ids])];
  const { rows: accounts } = await pool.query<AccountRow>(
    `SELECT user_id, asset, available::text, reserved::text FROM wallet.accounts
      WHERE user_id = ANY($1::uuid[]) ORDER BY user_id, asset LIMIT 50`,
    [users],
  );
  return { holds, accounts };
}
