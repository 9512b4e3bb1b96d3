// A journal read by a tool, also beside a live writer: only what is proven durable counts.
import { createShard } from "../core/shard.js";
import { stateBytes } from "../core/state-bytes.js";
import { readShardNumber, type ScanEnd, type StoredRecord, scanJournal } from "../io/journal-scan.js";
import type { RecordCodec } from "./log.js";
import { replayRecord } from "./recover.js";

/** What a journal holds, by replay. */
export interface JournalSummary {
  readonly shard: number;
  readonly records: number;
  readonly seq: number;
  readonly epoch: number;
  readonly timeMs: number;
  /** SHA-256 of the state's bytes after the last record. */
  readonly stateHash: string;
  /** Checksum of the last record, 8 hexadecimal digits. */
  readonly chain: string;
  readonly openOrders: number;
  /** Whole records behind the proven end: of a batch in flight, or of one that a crash left unproven. */
  readonly unproven: number;
  readonly tail: "clean" | "torn";
}

export interface VerifyOptions {
  readonly codecOf: (shard: number) => RecordCodec;
  readonly hash: (pieces: Iterable<Uint8Array>) => string;
  /** Last seq to replay; the durable end when absent. */
  readonly toSeq?: number;
}

/** Proves every frame, decides every record again and sums up; JournalRefused when anything differs. */
export async function verifyJournal(directory: string, options: VerifyOptions): Promise<JournalSummary> {
  const number = await readShardNumber(directory);
  const codec = options.codecOf(number);
  const shard = createShard(number);
  const { durableSeq, end, tail } = await endOf(directory);
  const lastSeq = Math.min(durableSeq, options.toSeq ?? durableSeq);
  let chain = 0;
  for await (const stored of scanJournal(directory)) {
    if (stored.seq > lastSeq) break;
    replayRecord(shard, stored, codec);
    chain = stored.checksum;
  }
  return {
    shard: number,
    records: shard.seq,
    seq: shard.seq,
    epoch: shard.epoch,
    timeMs: shard.timeMs,
    stateHash: options.hash(stateBytes(shard)),
    chain: chain.toString(16).padStart(8, "0"),
    openOrders: shard.known.openCount,
    unproven: end.seq - durableSeq,
    tail,
  };
}

/** Records that are proven durable, after a seq, in order. */
export async function* durableRecords(directory: string, afterSeq: number): AsyncGenerator<StoredRecord> {
  const { durableSeq } = await endOf(directory);
  for await (const stored of scanJournal(directory)) {
    if (stored.seq > durableSeq) return;
    if (stored.seq > afterSeq) yield stored;
  }
}

async function endOf(directory: string): Promise<ScanEnd> {
  const scan = scanJournal(directory);
  for (;;) {
    const step = await scan.next();
    if (step.done !== true) continue;
    if (step.value === undefined) throw new Error(`${directory} holds no journal`);
    return step.value;
  }
}
