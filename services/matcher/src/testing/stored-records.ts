// Records as a log hands them to replay, from their payloads.
import type { StoredRecords } from "../flow/log.js";

/** One run of records from a seq on, in a file of that name. */
export function storedRecords(
  payloads: readonly Uint8Array[],
  { firstSeq = 1, epoch = 1, file = "a.log" }: { firstSeq?: number; epoch?: number; file?: string } = {},
): StoredRecords {
  const count = payloads.length;
  const columns = {
    starts: new Int32Array(count),
    ends: new Int32Array(count),
    seqs: new Float64Array(count),
  };
  let at = 0;
  for (const [index, { length }] of payloads.entries()) {
    columns.starts[index] = at;
    at += length;
    columns.ends[index] = at;
    columns.seqs[index] = firstSeq + index;
  }
  return {
    ...columns,
    bytes: Buffer.concat(payloads),
    file,
    count,
    epochs: new Uint32Array(count).fill(epoch),
    checksums: Uint32Array.from(columns.seqs),
    offsets: columns.seqs.map((seq) => seq * 64),
  };
}
