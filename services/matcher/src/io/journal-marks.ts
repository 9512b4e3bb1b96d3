// Places from which reading can start, one every 64 KiB of what was written or read: a reader that comes back
// after hours does not scan a file from its first record each time, and a gigabyte takes a megabyte of them.

const MARK_BYTES = 64 * 1024;

/** A frame from which on the record with this seq is found, and the chain before it. */
export interface Mark {
  readonly seq: number;
  readonly file: string;
  readonly offset: number;
  readonly chain: number;
}

interface MarkedFile {
  readonly file: string;
  /** In order; the first one is the start of the file. */
  readonly marks: Mark[];
}

/** The files of a journal in order, and the marks in each. */
export class JournalMarks {
  readonly #files: MarkedFile[] = [];

  /** Notes a file that follows on all others, or takes the place of the last; `first` is its start. */
  addFile(first: Mark): void {
    if (this.isLastFile(first.file)) this.#files.pop();
    this.#files.push({ file: first.file, marks: [first] });
  }

  /** Notes a record of a known file, if there is no mark close before it. */
  note(file: string, seq: number, offset: number, chain: number): void {
    const last = this.#files[this.#files.length - 1];
    const marks = last.file === file ? last.marks : this.#marksOf(file);
    if (marks === undefined) return;
    const end = marks[marks.length - 1];
    if (offset - end.offset >= MARK_BYTES) {
      marks.push({ seq, file, offset, chain });
      return;
    }
    if (offset >= end.offset) return;
    const rank = countOf(marks, (mark) => mark.offset <= offset);
    if (rank > 0 && offset - marks[rank - 1].offset < MARK_BYTES) return;
    marks.splice(rank, 0, { seq, file, offset, chain });
  }

  isLastFile(file: string): boolean {
    return this.#files.at(-1)?.file === file;
  }

  /** First seq that is still there; 1 before anything was written. */
  oldestSeq(): number {
    return this.#files[0]?.marks[0].seq ?? 1;
  }

  /** Last mark at or before a seq; undefined when that is no longer there. */
  before(seq: number): Mark | undefined {
    const files = countOf(this.#files, ({ marks }) => marks[0].seq <= seq);
    const marks = this.#files[files - 1]?.marks;
    return marks?.[countOf(marks, (mark) => mark.seq <= seq) - 1];
  }

  /** Start of the file after this one; undefined when there is none. */
  startAfter(file: string): Mark | undefined {
    // Names are numbers of fixed width: their order is that of the files.
    return this.#files[countOf(this.#files, (each) => each.file <= file)]?.marks[0];
  }

  /** Files whose records all lie below a seq, oldest first; the last file is never one of them. */
  filesBelow(seq: number): string[] {
    const below = this.#files.filter((_, index) => {
      const next = this.#files[index + 1];
      return next !== undefined && next.marks[0].seq <= seq;
    });
    return below.map(({ file }) => file);
  }

  /** Forgets the oldest file. */
  dropFirst(): void {
    this.#files.shift();
  }

  #marksOf(file: string): Mark[] | undefined {
    return this.#files.find((each) => each.file === file)?.marks;
  }
}

/** How many items, from the first on, the condition holds for. */
function countOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(items[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}
