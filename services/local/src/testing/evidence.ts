// What an exchange holds, seen from behind: money, reservations, history and the commands that its
// shards journaled. Two looks are equal when nothing happened between them.

import type { Command, RecordSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { type Channel, createClient, openChannel, type ServiceClient } from "@bourse/shared/rpc/client.js";
import type { MessageShape } from "@bufbuild/protobuf";
import pg from "pg";
import type { Mesh } from "../mesh.js";

/** One look at everything that a refused call must leave alone. */
export interface Look {
  readonly reservations: number;
  readonly refused: number;
  readonly transfers: number;
  readonly ledgerEntries: number;
  /** Digest of all balances. */
  readonly balances: string;
  /** Commands that the shards journaled, ticks and epochs apart. */
  readonly commands: number;
}

/** Looks behind the doors of one exchange. */
export interface Evidence {
  look(): Promise<Look>;
  /** Resolves when the wallet and the history have taken in all that the shards decided so far. */
  untilSettled(msMax?: number): Promise<void>;
  /** Everything that a shard journaled, in order, up to now. */
  records(shard: number): Promise<MessageShape<typeof RecordSchema>[]>;
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>;
  close(): Promise<void>;
}

const SHARDS = [0, 1];
const POLL_MS = 20;

/** Opens the evidence of a running exchange. */
export async function openEvidence(mesh: Mesh): Promise<Evidence> {
  const pool = new pg.Pool({ connectionString: mesh.postgresUrl, max: 2 });
  // A killed PostgreSQL takes idle connections with it; the next query opens a new one.
  pool.on("error", () => undefined);
  const shards = SHARDS.map((shard) => new ShardReader(`127.0.0.1:${mesh.ports(`matcher-${shard}`).grpc}`));
  const query: Evidence["query"] = async (text, values = []) => (await pool.query(text, values)).rows;
  return {
    query,
    look: async () => {
      const commands = await Promise.all(shards.map((shard) => shard.commands()));
      const [row] = await query<Omit<Look, "commands">>(LOOK);
      if (row === undefined) throw new Error("a look is one row");
      return { ...row, commands: commands.reduce((sum, each) => sum + each, 0) };
    },
    untilSettled: async (msMax) => {
      for (const [shard, reader] of shards.entries()) {
        const seq = await reader.seq();
        for (const cursors of CURSORS)
          await until(async () => (await cursorOf(query, cursors, shard)) >= seq, msMax);
      }
    },
    records: async (shard) => (await shards[shard]?.records()) ?? [],
    close: async () => {
      for (const shard of shards) shard.close();
      await pool.end();
    },
  };
}

const LOOK = `
  SELECT (SELECT count(*)::int FROM wallet.reservations WHERE state <> 'REFUSED') AS reservations,
         (SELECT count(*)::int FROM wallet.reservations WHERE state = 'REFUSED') AS refused,
         (SELECT count(*)::int FROM wallet.transfers) AS transfers,
         (SELECT count(*)::int FROM wallet.ledger_entries) AS "ledgerEntries",
         (SELECT coalesce(md5(string_agg(concat_ws(' ', user_id, asset, available, reserved), ',' ORDER BY user_id, asset)), '')
            FROM wallet.accounts) AS balances`;

const CURSORS = ["wallet.shard_cursors", "orders.cursors"];

async function cursorOf(query: Evidence["query"], table: string, shard: number): Promise<bigint> {
  const [row] = await query<{ seq: string }>(`SELECT seq FROM ${table} WHERE shard = $1`, [shard]);
  return BigInt(row?.seq ?? 0);
}

/** Resolves when a fact that another process brings about has come true. */
export async function until(isTrue: () => Promise<boolean>, msMax = 20_000): Promise<void> {
  const end = performance.now() + msMax;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`not true after ${msMax} ms: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Reads the log of one shard, again and again from where it stopped. */
class ShardReader {
  readonly #channel: Channel;
  readonly #matcher: ServiceClient<typeof MatcherService>;
  readonly #records: MessageShape<typeof RecordSchema>[] = [];

  constructor(address: string) {
    this.#channel = openChannel(address);
    this.#matcher = createClient(MatcherService, this.#channel);
  }

  /** Seq of the last durable record. */
  async seq(): Promise<bigint> {
    return (await this.#matcher.getShardState({}, { timeoutMs: 10_000 })).seq;
  }

  /** Number of commands so far that a client caused. */
  async commands(): Promise<number> {
    const records = await this.records();
    return records.filter(({ command }) => isOfClients(command)).length;
  }

  async records(): Promise<MessageShape<typeof RecordSchema>[]> {
    const end = await this.seq();
    const last = this.#records.at(-1);
    if ((last?.seq ?? 0n) >= end) return this.#records;
    const after = { afterSeq: last?.seq ?? 0n, afterEpoch: last?.epoch ?? 0n };
    for await (const { kind } of this.#matcher.streamEvents(after, { timeoutMs: 30_000 })) {
      if (kind.case === "batch") this.#records.push(...kind.value.records);
      if ((this.#records.at(-1)?.seq ?? 0n) >= end) break;
    }
    return this.#records;
  }

  close(): void {
    this.#channel.close();
  }
}

/** What a shard journals by itself, because time passed or followers came further. */
const OWN_COMMANDS = new Set<Command["kind"]["case"]>([
  "tick",
  "startEpoch",
  "endDay",
  "fireSwitch",
  "sweepMarket",
  "learnCursors",
  "forget",
]);

function isOfClients(command: Command | undefined): boolean {
  return !OWN_COMMANDS.has(command?.kind.case);
}
