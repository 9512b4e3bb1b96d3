// The log as the flows see it. Local files now; whatever keeps the same promise may follow. Files, flushes
// and offsets stay behind it.
import type { EventBuffer } from "../core/event-buffer.js";
import type { Shard } from "../core/shard.js";
import type { JournalRecord } from "../core/types.js";
import type { EpochStart } from "./epochs.js";

/** One record to append. */
export interface LogEntry {
  readonly seq: number;
  readonly epoch: number;
  readonly payload: Uint8Array;
}

/** A record that is durable. `checksum` is its value in the chain of all records. */
export interface StoredEntry extends LogEntry {
  readonly checksum: number;
}

/**
 * Room for records. "low": what is left is for cancels, Resolve and timers, new orders are refused; "none": for
 * nothing new at all. Nothing fails meanwhile, and it recovers by itself.
 */
export type Room = "enough" | "low" | "none";

/** A log with one writer. */
export interface Log {
  /**
   * Resolves when the whole batch is durable, with each record's checksum. After a failure it never settles
   * and the process ends: nothing that rests on the batch may leave. Without room it waits for some.
   */
  append(entries: readonly LogEntry[]): Promise<Uint32Array>;
  /** Durable records after a seq, in order. SEQ_TOO_OLD when they are no longer there. */
  read(afterSeq: number): AsyncIterable<StoredEntry>;
  /** Epoch of the last record; 0 of an empty log. */
  epoch(): number;
  /** First record that is still there: a position is served when it is at most one before it. */
  oldestSeq(): number;
  room(): Room;
}

/** A log at start: everything stored is taken once before anything is appended. */
export interface StoredLog extends Log {
  /** Snapshots of the state, newest first; those that cannot be used say why. */
  snapshots(): AsyncIterable<LogSnapshot>;
  /** Records after a known one, which must be there, or all of them. */
  replay(from?: { readonly seq: number; readonly checksum: number }): AsyncIterable<StoredRecords>;
}

/** The state after a record. */
export interface LogSnapshot {
  readonly name: string;
  readonly seq: number;
  /** Why it cannot be used; "" when it can. */
  readonly problem: string;
  readonly snapshot:
    | {
        readonly epoch: number;
        /** Checksum of the record in the chain of all records. */
        readonly checksum: number;
        readonly epochs: readonly EpochStart[];
        readonly state: Uint8Array;
      }
    | undefined;
}

/** Stored records in columns, valid until the next ones are asked for. */
export interface StoredRecords {
  readonly bytes: Buffer;
  readonly file: string;
  readonly count: number;
  /** Where each payload begins and ends in `bytes`. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly seqs: Float64Array;
  readonly epochs: Uint32Array;
  readonly checksums: Uint32Array;
  /** Place of each record in its file, for people. */
  readonly offsets: Float64Array;
}

/** What a record says but for its events. */
export type RecordHead = Omit<JournalRecord, "events">;

/** Records as bytes; the same record always gives the same bytes. */
export interface RecordCodec {
  /** Bytes of a record that the shard has just decided; they are never written over. */
  encode(shard: Shard, head: RecordHead, events: EventBuffer): Uint8Array;
  /**
   * Decides a stored record again on the shard: true when epoch and events are, byte for byte, what is stored.
   * Throws when it cannot be applied.
   */
  replay(shard: Shard, bytes: Buffer, start: number, end: number): boolean;
  decode(payload: Uint8Array): RecordHead;
  /** What in a record this version does not know, in words; undefined when there is nothing of the kind. */
  newerIn(payload: Uint8Array): string | undefined;
}
