// Places from which reading can start, one every 64 KiB: a reader that comes back after hours does not scan a
// file from its first record, and a gigabyte of journal takes a megabyte of them.

const MARK_BYTES = 64 * 1024;

/** The frame of a record, and the chain before it. */
export interface Mark {
  readonly seq: number;
  readonly file: string;
  readonly offset: number;
  readonly chain: number;
}

/** The marks of a journal, in order of their seqs. */
export class JournalMarks {
  readonly #marks: Mark[] = [];
  readonly #files: string[] = [];

  /** Notes a file when it is opened. */
  noteFile(file: string): void {
    if (!this.isLastFile(file)) this.#files.push(file);
  }

  /** Notes a record; the first of each file becomes a mark, later ones now and then. */
  note(file: string, record: { seq: number; offset: number; chainBefore: number }): void {
    this.noteFile(file);
    const last = this.#marks.at(-1);
    if (last?.file === file && record.offset - last.offset < MARK_BYTES) return;
    this.#marks.push({ seq: record.seq, file, offset: record.offset, chain: record.chainBefore });
  }

  isLastFile(file: string): boolean {
    return this.#files.at(-1) === file;
  }

  /** Last mark at or before a seq; undefined before the first record. */
  before(seq: number): Mark | undefined {
    return this.#marks[this.#rank((mark) => mark.seq <= seq) - 1];
  }

  /** First record of the file after this one; undefined when there is none. */
  startAfter(file: string): Mark | undefined {
    // Names are numbers of fixed width: their order is that of the files.
    return this.#marks[this.#rank((mark) => mark.file <= file)];
  }

  /** How many marks, from the first on, the condition holds for. */
  #rank(holds: (mark: Mark) => boolean): number {
    let low = 0;
    let high = this.#marks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.#marks[middle])) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
