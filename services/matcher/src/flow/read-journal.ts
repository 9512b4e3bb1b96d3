// A journal read by a tool, also beside a live writer: only what is proven durable counts.
import { createShard, openCountOf } from "../core/shard.js";
import { stateBytes } from "../core/state-bytes.js";
import { readFirstHeader, type ScanEnd, scanJournal, scanRecords } from "../io/journal-scan.js";
import { JournalRefused } from "../io/segment.js";
import type { StoredRecord } from "../io/segment-reader.js";
import { readSnapshots, snapshotName } from "../io/snapshot-file.js";
import { createEpochs } from "./epochs.js";
import type { RecordCodec } from "./log.js";
import { type Recovered, replayRecords, restore } from "./recover.js";

/** What a journal holds, by replay. */
export interface JournalSummary {
  readonly shard: number;
  /** Records that were read; those before them are in the snapshot. */
  readonly records: number;
  /** First record that is still there. */
  readonly oldestSeq: number;
  /** Snapshots that hold: the state that replay comes to at their seq is the one that they have. */
  readonly snapshots: readonly number[];
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
  readonly tail: ScanEnd["tail"];
}

export interface VerifyOptions {
  readonly codecOf: (shard: number) => RecordCodec;
  readonly hash: (pieces: Iterable<Uint8Array>) => string;
  /** Last seq to replay; the durable end when absent. */
  readonly toSeq?: number;
}

/**
 * Proves every frame, decides every record again, compares each snapshot on the way and sums up; JournalRefused
 * when anything differs. Of a journal whose first files are gone the oldest snapshot is where it begins.
 */
export async function verifyJournal(directory: string, options: VerifyOptions): Promise<JournalSummary> {
  const header = await readFirstHeader(directory);
  const codec = options.codecOf(header.shard);
  const { end, tail } = await endOf(directory);
  const lastSeq = options.toSeq ?? end.durableSeq;
  if (lastSeq > end.durableSeq)
    throw new Error(`the journal is proven up to seq ${end.durableSeq}; it has no seq ${lastSeq} yet`);
  const hashes = await snapshotHashes(directory, header.shard);
  const base = await baseOf(directory, header, lastSeq);
  const { shard, epochs } = base;
  const proven: number[] = [];
  let { checksum } = base;
  proveSnapshot();
  for await (const records of scanJournal(directory, fromOf(base))) {
    const end = Math.min(lastSeq, records.seqs[records.count - 1]);
    while (shard.seq < end) {
      const stops = [...hashes.keys()].filter((seq) => seq > shard.seq);
      replayRecords(shard, records, codec, epochs, Math.min(end, ...stops));
      checksum = records.checksums[shard.seq - records.seqs[0]];
      proveSnapshot();
    }
    if (shard.seq === lastSeq) break;
  }
  return {
    shard: header.shard,
    records: shard.seq - base.snapshotSeq,
    oldestSeq: header.firstSeq,
    snapshots: proven,
    seq: shard.seq,
    epoch: shard.epoch,
    timeMs: shard.timeMs,
    stateHash: options.hash(stateBytes(shard)),
    chain: checksum.toString(16).padStart(8, "0"),
    openOrders: openCountOf(shard),
    unproven: end.seq - end.durableSeq,
    tail,
  };

  function proveSnapshot(): void {
    const stored = hashes.get(shard.seq);
    if (stored === undefined) return;
    if (options.hash(stateBytes(shard)) !== stored) {
      const place = { file: snapshotName(shard.seq), offset: 0, seq: shard.seq };
      throw new JournalRefused("replay comes to another state than the snapshot", place, { kind: "differs" });
    }
    proven.push(shard.seq);
  }
}

/** Records that are proven durable and still there, after a seq, in order. */
export async function* durableRecords(directory: string, afterSeq: number): AsyncGenerator<StoredRecord> {
  const { end } = await endOf(directory);
  for await (const stored of scanRecords(directory, { isPart: true })) {
    if (stored.seq > end.durableSeq) return;
    if (stored.seq > afterSeq) yield stored;
  }
}

/** Nothing, or the oldest snapshot of a journal whose first files are gone. */
async function baseOf(
  directory: string,
  header: { shard: number; firstSeq: number },
  lastSeq: number,
): Promise<Recovered> {
  const nothing = { shard: createShard(header.shard), epochs: createEpochs(), checksum: 0, snapshotSeq: 0 };
  if (header.firstSeq === 1) return nothing;
  let oldest: Recovered | undefined;
  for await (const stored of readSnapshots(directory, { shard: header.shard, belowSeq: lastSeq + 1 })) {
    oldest = restore(stored, () => {}) ?? oldest;
  }
  if (oldest !== undefined) return oldest;
  const place = { file: "-", offset: 0, seq: header.firstSeq };
  throw new JournalRefused("the files before are gone, and no snapshot holds what they led to", place);
}

async function snapshotHashes(directory: string, shard: number): Promise<Map<number, string>> {
  const hashes = new Map<number, string>();
  for await (const { name, seq, snapshot, problem } of readSnapshots(directory, { shard })) {
    if (snapshot === undefined) throw new JournalRefused(problem, { file: name, offset: 0, seq });
    hashes.set(seq, snapshot.stateHash);
  }
  return hashes;
}

function fromOf({ snapshotSeq, checksum }: Recovered) {
  return snapshotSeq === 0 ? {} : { from: { seq: snapshotSeq, checksum } };
}

async function endOf(directory: string): Promise<ScanEnd> {
  const scan = scanJournal(directory, { isPart: true });
  for (;;) {
    const step = await scan.next();
    if (step.done !== true) continue;
    if (step.value === undefined) throw new Error(`${directory} holds no journal`);
    return step.value;
  }
}
