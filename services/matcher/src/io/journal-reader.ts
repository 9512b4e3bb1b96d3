// Durable records of a journal from a seq on, also while it is written.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { JournalMarks, Mark } from "./journal-marks.js";
import { RecordBatch } from "./record-batch.js";
import { JournalRefused } from "./segment.js";
import { type Reached, SegmentReader, type StoredRecord } from "./segment-reader.js";

const WINDOW_BYTES = 256 * 1024;

export interface ReadableJournal {
  readonly directory: string;
  readonly marks: JournalMarks;
  readonly durableSeq: () => number;
}

/**
 * Durable records after a seq, in order, up to what is durable when the end is reached. SEQ_TOO_OLD when they
 * are no longer there; JournalRefused when one of them cannot be read.
 */
export async function* readAfter(journal: ReadableJournal, afterSeq: number): AsyncGenerator<StoredRecord> {
  const { marks, durableSeq } = journal;
  let next = afterSeq + 1;
  let mark = marks.before(next);
  if (mark === undefined && next <= durableSeq()) {
    throw new DomainError("SEQ_TOO_OLD", { oldest_seq: String(marks.oldestSeq()) });
  }
  while (mark !== undefined && next <= durableSeq()) {
    const { file } = mark;
    for await (const batch of readFile(journal, mark)) {
      for (let index = 0; index < batch.count; index += 1) {
        const seq = batch.seqs[index];
        if (seq > durableSeq()) return;
        if (seq < next) continue;
        const record = batch.record(index);
        if (seq > next) throw new JournalRefused("a durable record cannot be read", { ...record, seq: next });
        next += 1;
        yield record;
      }
    }
    mark = marks.startAfter(file);
  }
}

/** Batches of one file from a mark on, up to what is durable. */
async function* readFile(journal: ReadableJournal, mark: Mark): AsyncGenerator<RecordBatch> {
  const { marks, durableSeq } = journal;
  const file = await open(join(journal.directory, mark.file), "r");
  try {
    const { size } = await file.stat();
    const options = { name: mark.file, fileBytes: size, windowBytes: WINDOW_BYTES, keepsWindows: true };
    const reader = new SegmentReader(file, options);
    let at: Reached = { ...mark, seq: mark.seq - 1, epoch: 0, durableSeq: 0 };
    while (at.seq < durableSeq()) {
      const batch = new RecordBatch();
      const reached = await reader.read(at, batch);
      if (reached.offset === at.offset) {
        // The end of an earlier file: the next one goes on with the next seq, or the caller refuses.
        if (!marks.isLastFile(mark.file)) return;
        const place = { file: mark.file, offset: at.offset, seq: at.seq + 1 };
        throw new JournalRefused("a durable record cannot be read", place);
      }
      for (let index = 0; index < batch.count; index += 1) {
        marks.note(mark.file, batch.seqs[index], batch.offsets[index], batch.chains[index]);
      }
      yield batch;
      at = reached;
    }
  } finally {
    await file.close();
  }
}
