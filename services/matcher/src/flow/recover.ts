// From the log to the state: the newest snapshot that holds, then every record after it is decided again and must
// come out as it is stored.
import { ConfigError } from "@bourse/shared/runtime/config.js";
import { createShard, type Shard } from "../core/shard.js";
import { readState } from "../core/state-bytes.js";
import type { Market } from "../core/types.js";
import { JournalRefused, writtenByNewer } from "../io/segment.js";
import { createEpochs, type Epochs } from "./epochs.js";
import type { LogSnapshot, RecordCodec, StoredLog, StoredRecords } from "./log.js";

export interface Recovered {
  readonly shard: Shard;
  readonly epochs: Epochs;
  /** Checksum of the last record; 0 of an empty log. */
  readonly checksum: number;
  /** Seq of the snapshot that it began with; 0 for none. */
  readonly snapshotSeq: number;
}

/** Told of a snapshot that cannot be used. */
export type OnBadSnapshot = (name: string, problem: string) => void;

/**
 * Replays a log. A record that decides otherwise than it did, byte for byte, is refused with file, offset
 * and seq: the rules have changed under it, or they are not deterministic, and going on could cost money.
 * A snapshot that does not hold is passed over for the one before it; records that are missing then are refused.
 */
export async function recover(
  log: StoredLog,
  number: number,
  codec: RecordCodec,
  onBadSnapshot: OnBadSnapshot = () => {},
): Promise<Recovered> {
  const base = (await fromSnapshot(log, onBadSnapshot)) ?? fromNothing(number);
  const { shard, epochs } = base;
  const from = base.snapshotSeq === 0 ? undefined : { seq: base.snapshotSeq, checksum: base.checksum };
  let { checksum } = base;
  for await (const records of log.replay(from)) {
    replayRecords(shard, records, codec, epochs);
    if (records.count > 0) checksum = records.checksums[records.count - 1];
  }
  return { ...base, checksum };
}

/** A shard before its first record. */
export function fromNothing(number: number): Recovered {
  return { shard: createShard(number), epochs: createEpochs(), checksum: 0, snapshotSeq: 0 };
}

/** The newest snapshot that can be used; undefined when there is none. */
export async function fromSnapshot(
  log: Pick<StoredLog, "snapshots">,
  onBadSnapshot: OnBadSnapshot,
): Promise<Recovered | undefined> {
  for await (const stored of log.snapshots()) {
    const recovered = restore(stored, onBadSnapshot);
    if (recovered !== undefined) return recovered;
  }
  return undefined;
}

/** The state of one snapshot; undefined, and told, when it cannot be used. */
export function restore(
  { name, seq, snapshot, problem }: LogSnapshot,
  onBadSnapshot: OnBadSnapshot,
): Recovered | undefined {
  if (snapshot === undefined) {
    onBadSnapshot(name, problem);
    return undefined;
  }
  try {
    const shard = readState(snapshot.state);
    const epochs = createEpochs({ starts: snapshot.epochs, seq });
    return { shard, epochs, checksum: snapshot.checksum, snapshotSeq: seq };
  } catch (error) {
    // Its bytes hold: it was written by other rules. The journal before it says the same in its own words.
    onBadSnapshot(name, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** Decides the stored records that follow on the shard again, up to a seq; JournalRefused at the first that comes out otherwise. */
export function replayRecords(
  shard: Shard,
  records: StoredRecords,
  codec: RecordCodec,
  epochs: Epochs,
  lastSeq = Number.POSITIVE_INFINITY,
): void {
  const { bytes, starts, ends, seqs, epochs: epochOf, count } = records;
  // Seqs have no gaps.
  for (let index = Math.max(0, shard.seq + 1 - seqs[0]); index < count; index += 1) {
    if (seqs[index] > lastSeq) return;
    let isSame = false;
    let cause: unknown;
    try {
      isSame = codec.replay(shard, bytes, starts[index], ends[index]);
    } catch (error) {
      cause = error;
    }
    if (!isSame) throw refusalOf(records, index, codec, cause);
    epochs.note(epochOf[index], seqs[index]);
  }
}

function refusalOf(
  records: StoredRecords,
  index: number,
  codec: RecordCodec,
  cause: unknown,
): JournalRefused {
  const place = { file: records.file, offset: records.offsets[index], seq: records.seqs[index] };
  const options = cause === undefined ? {} : { cause };
  const newer = codec.newerIn(records.bytes.subarray(records.starts[index], records.ends[index]));
  if (newer !== undefined) {
    return writtenByNewer(`the record holds ${newer}, which this version does not know`, place, options);
  }
  const why =
    cause === undefined
      ? "replay decides otherwise than the journal says"
      : `the record cannot be applied: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new JournalRefused(why, place, { ...options, kind: "differs" });
}

/** What never changes about a market: its grid decides what ticks and lots in the log mean. */
const IMMUTABLE = ["baseAsset", "quoteAsset", "tickSize", "lotSize", "shard"] as const;

/**
 * Markets of the catalogue that the shard does not have yet. A market that it has must agree in what never
 * changes, else ConfigError names the key; what may change is told to `onDiffers`, and the log's word holds.
 */
export function newMarkets(
  shard: Shard,
  catalogue: readonly Market[],
  onDiffers: (symbol: string, key: string) => void,
): Market[] {
  const mistakes = catalogue.flatMap((market, index) => {
    const known = shard.bookOfSymbol.get(market.symbol)?.market;
    if (known === undefined) return [];
    return IMMUTABLE.filter((key) => market[key] !== known[key]).map(
      (key) => `markets.${index}.${key}: ${market.symbol} has ${known[key]} for ever, not ${market[key]}`,
    );
  });
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  for (const market of catalogue) {
    const known = shard.bookOfSymbol.get(market.symbol)?.market;
    if (known === undefined) continue;
    const keys = Object.keys(market) as (keyof Market)[];
    // The state of the settings is that of a new market; of an old one it is what operators made of it.
    for (const key of keys) {
      if (key !== "state" && !isSame(market[key], known[key])) onDiffers(market.symbol, key);
    }
  }
  return catalogue.filter(
    ({ symbol, shard: owner }) => owner === shard.number && !shard.bookOfSymbol.has(symbol),
  );
}

/** Fields are plain values or lists of them. */
function isSame(one: Market[keyof Market], other: Market[keyof Market]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
