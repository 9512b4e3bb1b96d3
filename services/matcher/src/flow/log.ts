// The log as the flows see it. Local files now; whatever keeps the same promise may follow. Files, flushes
// and offsets stay behind it.
import type { JournalRecord } from "../core/types.js";

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

/** A log with one writer. */
export interface Log {
  /**
   * Resolves when the whole batch is durable, with each record's checksum. After a failure it never settles
   * and the process ends: nothing that rests on the batch may leave.
   */
  append(entries: readonly LogEntry[]): Promise<Uint32Array>;
  /** Durable records after a seq, in order. */
  read(afterSeq: number): AsyncIterable<StoredEntry>;
  /** Epoch of the last record; 0 of an empty log. */
  epoch(): number;
}

/** A log at start: everything stored is taken once before anything is appended. */
export interface StoredLog extends Log {
  replay(): AsyncIterable<StoredEntry & { readonly file: string; readonly offset: number }>;
}

/** Records as bytes; the same record always gives the same bytes. */
export interface RecordCodec {
  encode(record: JournalRecord): Uint8Array;
  /** Whether a record has these bytes. */
  encodesAs(record: JournalRecord, payload: Uint8Array): boolean;
  /** All but the events: replay decides them again and compares the bytes. */
  decode(payload: Uint8Array): Omit<JournalRecord, "events">;
  /** What in a record this version does not know, in words; undefined when there is nothing of the kind. */
  newerIn(payload: Uint8Array): string | undefined;
}
