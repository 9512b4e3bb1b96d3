// A batch as it goes to disk: its records, and the COMMIT that says what was durable before it.
import { assert } from "@bourse/shared/assert.js";
import {
  COMMIT,
  COMMIT_BYTES,
  commitPayload,
  frameSize,
  PAYLOAD_BYTES_MAX,
  RECORD,
  writeFrame,
} from "./frame.js";
import type { Position } from "./segment-reader.js";

/** Above it room for a batch is not kept for the next one. */
const ROOM_BYTES_MAX = 1024 * 1024;

/** One record to append. */
export interface JournalEntry {
  readonly seq: number;
  readonly epoch: number;
  readonly payload: Uint8Array;
}

export class BatchEncoder {
  #kept = Buffer.alloc(0);

  /** Bytes of a batch that begins at a place, valid until the next one, and the place behind it. */
  encode(
    entries: readonly JournalEntry[],
    from: Position,
    durableSeq: number,
    checksums: Uint32Array,
  ): { bytes: Buffer; end: Position } {
    const bytes = this.#room(
      entries.reduce((sum, { payload }) => sum + frameSize(payload.length), COMMIT_BYTES),
    );
    let { chain, seq, epoch } = from;
    let at = 0;
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index];
      assert(entry.seq === seq + 1, "the journal has no gaps");
      assert(entry.payload.length <= PAYLOAD_BYTES_MAX, "a record fits a frame");
      const { payload } = entry;
      ({ seq, epoch } = entry);
      chain = writeFrame(bytes, at, { type: RECORD, seq, epoch, payload, chain });
      checksums[index] = chain;
      at += frameSize(payload.length);
    }
    const payload = commitPayload({ durableSeq, batchOffset: from.offset, chain });
    chain = writeFrame(bytes, at, { type: COMMIT, seq, epoch, payload, chain });
    return { bytes, end: { offset: from.offset + at + COMMIT_BYTES, chain, seq, epoch } };
  }

  /** Zeroed room for a batch; kept for the next one unless it is large. */
  #room(size: number): Buffer {
    if (size > ROOM_BYTES_MAX) return Buffer.alloc(size);
    if (this.#kept.length < size) this.#kept = Buffer.alloc(Math.max(16 * 1024, size * 2));
    return this.#kept.subarray(0, size).fill(0);
  }
}
