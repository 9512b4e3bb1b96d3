// From the log to the state: every record is decided again, and must come out as it is stored.
import { ConfigError } from "@bourse/shared/runtime/config.js";
import { applyCommand } from "../core/apply.js";
import { createShard, type Shard } from "../core/shard.js";
import type { JournalRecord, Market } from "../core/types.js";
import { JournalRefused, writtenByNewer } from "../io/segment.js";
import { createEpochs, type Epochs } from "./epochs.js";
import type { RecordCodec, StoredEntry, StoredLog } from "./log.js";

export interface Recovered {
  readonly shard: Shard;
  readonly epochs: Epochs;
  /** Checksum of the last record; 0 of an empty log. */
  readonly checksum: number;
}

/**
 * Replays a log. A record that decides otherwise than it did, byte for byte, is refused with file, offset
 * and seq: the rules have changed under it, or they are not deterministic, and going on could cost money.
 */
export async function recover(log: StoredLog, number: number, codec: RecordCodec): Promise<Recovered> {
  const shard = createShard(number);
  const epochs = createEpochs();
  let checksum = 0;
  for await (const stored of log.replay()) {
    replayRecord(shard, stored, codec);
    epochs.note(stored.epoch, stored.seq);
    checksum = stored.checksum;
  }
  return { shard, epochs, checksum };
}

type Stored = StoredEntry & { readonly file: string; readonly offset: number };

/** Applies one stored record and compares; JournalRefused when it is not what is decided now. */
export function replayRecord(shard: Shard, stored: Stored, codec: RecordCodec): void {
  let why = "replay decides otherwise than the journal says";
  let cause: unknown;
  try {
    if (codec.encodesAs(decideAgain(shard, stored, codec), stored.payload)) return;
  } catch (error) {
    why = `the record cannot be applied: ${error instanceof Error ? error.message : String(error)}`;
    cause = error;
  }
  const newer = codec.newerIn(stored.payload);
  if (newer === undefined) throw new JournalRefused(why, stored, { cause });
  throw writtenByNewer(`the record holds ${newer}, which this version does not know`, stored, { cause });
}

function decideAgain(shard: Shard, stored: Stored, codec: RecordCodec): JournalRecord {
  const record = codec.decode(stored.payload);
  const { seq, timeMs, command } = record;
  const events = applyCommand(shard, { seq, timeMs }, command);
  return { ...record, epoch: shard.epoch, events };
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
    for (const key of keys) if (market[key] !== known[key]) onDiffers(market.symbol, key);
  }
  return catalogue.filter(
    ({ symbol, shard: owner }) => owner === shard.number && !shard.bookOfSymbol.has(symbol),
  );
}
