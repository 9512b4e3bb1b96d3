// A snapshot of what the journal says: from the snapshot before it and the records since, never from the live
// books. So it costs the shard nothing, and proves on the way that both lead to the same state.
import { stateBytes } from "../core/state-bytes.js";
import { readFirstHeader, scanJournal } from "../io/journal-scan.js";
import { deleteSnapshot, readSnapshots, writeSnapshot } from "../io/snapshot-file.js";
import type { RecordCodec } from "./log.js";
import { fromNothing, fromSnapshot, type Recovered, replayRecords, restore } from "./recover.js";

/** So many records behind the snapshot are decided from it again before it counts. */
const PROOF_RECORDS_MAX = 10_000;

export interface MakeSnapshotOptions {
  readonly directory: string;
  readonly shard: number;
  /** Last record that is known to be durable. */
  readonly durableSeq: number;
  readonly codec: RecordCodec;
  readonly hash: (pieces: Iterable<Uint8Array>) => string;
}

export interface MadeSnapshot {
  readonly seq: number;
  readonly bytes: number;
  readonly stateHash: string;
  /** Seq up to which it was proven: the state that it leads to there is that of the journal alone. */
  readonly provenTo: number;
  /** Snapshots that could not be used, with the reason. */
  readonly bad: readonly string[];
}

/**
 * Writes a snapshot, reads it back, and decides the records behind it once more from there: both ways must end
 * in the same state, byte for byte. One that does not is deleted, and the promise rejects.
 */
export async function makeSnapshot(options: MakeSnapshotOptions): Promise<MadeSnapshot> {
  const { directory, shard: number, durableSeq, hash } = options;
  const bad: string[] = [];
  const { nonce } = await readFirstHeader(directory);
  const made = await (async () => {
    const base = (await latest(options, bad)) ?? fromNothing(number);
    const proof = Math.min(PROOF_RECORDS_MAX, Math.floor((durableSeq - base.snapshotSeq) / 2));
    const at = await replayTo(options, base, durableSeq - proof);
    const facts = {
      ...{ shard: number, nonce, seq: at.shard.seq, epoch: at.shard.epoch, checksum: at.checksum },
      epochs: at.epochs.starts(),
    };
    const written = await writeSnapshot(directory, facts, stateBytes(at.shard));
    const end = await replayTo(options, { ...at, snapshotSeq: facts.seq }, durableSeq);
    return { ...written, seq: facts.seq, hashAtEnd: hash(stateBytes(end.shard)) };
  })();
  try {
    // The state that it was made of is gone from memory by now: there is one at a time.
    await prove(options, made);
  } catch (error) {
    await deleteSnapshot(directory, made.seq);
    throw error;
  }
  const { seq, bytes, stateHash } = made;
  return { seq, bytes, stateHash, provenTo: durableSeq, bad };
}

async function prove(
  options: MakeSnapshotOptions,
  made: { seq: number; stateHash: string; hashAtEnd: string },
): Promise<void> {
  const { directory, shard: number, durableSeq, hash } = options;
  const problems: string[] = [];
  const stored = readSnapshots(directory, { shard: number, belowSeq: made.seq + 1 });
  const { value } = await stored.next();
  await stored.return(undefined);
  const back = value === undefined ? undefined : restore(value, (_, problem) => problems.push(problem));
  if (back?.snapshotSeq !== made.seq) {
    throw new Error(`the snapshot at seq ${made.seq} cannot be read back: ${problems.join(", ")}`);
  }
  if (hash(stateBytes(back.shard)) !== made.stateHash) {
    throw new Error(`the snapshot at seq ${made.seq} gives another state than it was made of`);
  }
  const end = await replayTo(options, back, durableSeq);
  if (hash(stateBytes(end.shard)) !== made.hashAtEnd) {
    throw new Error(`the snapshot at seq ${made.seq} leads to another state at seq ${durableSeq}`);
  }
}

/** The newest snapshot at or before what is durable. */
function latest({ directory, shard, durableSeq }: MakeSnapshotOptions, bad: string[]) {
  const snapshots = () => readSnapshots(directory, { shard, belowSeq: durableSeq + 1 });
  return fromSnapshot({ snapshots }, (name, problem) => bad.push(`${name}: ${problem}`));
}

/** Replays on to a seq that is durable. */
async function replayTo(
  { directory, codec }: MakeSnapshotOptions,
  base: Recovered,
  seq: number,
): Promise<Recovered> {
  const { shard, epochs, snapshotSeq } = base;
  let { checksum } = base;
  if (shard.seq === seq) return base;
  const from = snapshotSeq === 0 ? {} : { from: { seq: snapshotSeq, checksum } };
  for await (const records of scanJournal(directory, from)) {
    replayRecords(shard, records, codec, epochs, seq);
    if (records.count > 0 && shard.seq >= records.seqs[0]) {
      checksum = records.checksums[shard.seq - records.seqs[0]];
    }
    if (shard.seq === seq) break;
  }
  if (shard.seq !== seq) throw new Error(`the journal ends at seq ${shard.seq}, before ${seq}`);
  return { ...base, checksum };
}
