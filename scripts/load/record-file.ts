import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { formatRecord, type OrderRecord, recordHeader } from "./record.js";

export interface RecordFile {
  /** Writes behind; a reader sees the line within a moment. */
  readonly write: (record: OrderRecord) => void;
  readonly close: () => Promise<void>;
}

/** Opens the file for the records of a run; without a name nothing is written. */
export async function openRecordFile(path: string | undefined): Promise<RecordFile> {
  if (path === undefined) return { write: () => undefined, close: () => Promise.resolve() };
  const stream = createWriteStream(path);
  stream.write(`${recordHeader}\n`);
  await new Promise<void>((resolve, reject) => {
    stream.once("open", () => resolve());
    stream.once("error", reject);
  });
  return {
    write: (record) => void stream.write(`${formatRecord(record)}\n`),
    close: async () => {
      stream.end();
      await finished(stream);
    },
  };
}
