// A scan that notes on its way from where reading can start later.
import type { JournalMarks } from "./journal-marks.js";
import type { ScanEnd } from "./journal-scan.js";
import type { RecordBatch } from "./record-batch.js";

/** Passes batches on and notes where they are. */
export async function* markedBatches(
  scan: AsyncGenerator<RecordBatch, ScanEnd | undefined>,
  marks: JournalMarks,
): AsyncGenerator<RecordBatch, ScanEnd | undefined> {
  try {
    for (;;) {
      const step = await scan.next();
      if (step.done === true) return step.value;
      const { file, count, seqs, offsets, chains } = step.value;
      for (let index = 0; index < count; index += 1) {
        marks.note(file, seqs[index], offsets[index], chains[index]);
      }
      yield step.value;
    }
  } finally {
    // Whoever stops half-way leaves no file open.
    await scan.return(undefined);
  }
}
