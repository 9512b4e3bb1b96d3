// The canonical report stream: numbers while the engine runs, text and hash afterwards.
import { createHash } from "node:crypto";

/** Kinds of reports; the number stands first in a report's line and is the second key of their order. */
export const Report = {
  NEW: 0,
  TRADE: 1,
  CANCELLED: 2,
  MODIFIED: 3,
  CANCEL_REJECTED: 4,
  MODIFY_REJECTED: 5,
} as const;

/** Cells of a report; ids are two words, the low one first. */
export const ReportCell = {
  KIND: 0,
  /** Index of the message. */
  MESSAGE: 1,
  SIDE: 2,
  PRICE: 3,
  QUANTITY: 4,
  ID: 5,
  /** TRADE: the taker's; ID is the maker's. */
  OTHER_ID: 7,
} as const;

export const REPORT_CELLS = 9;
const LINES_AT_ONCE = 4_096;
const WORD = 2 ** 32;

/** Reports of a run in memory that was made before it. */
export class ReportTape {
  cells: Float64Array;
  count = 0;

  constructor(reportsExpected: number) {
    // Filled, so that the system has given the pages before the clock runs.
    this.cells = new Float64Array(reportsExpected * REPORT_CELLS).fill(-1);
  }

  /** Opens a report and returns the index of its first cell. */
  row(kind: number, message: number): number {
    const at = this.count * REPORT_CELLS;
    if (at === this.cells.length) this.#grow();
    this.count += 1;
    this.cells[at] = kind;
    this.cells[at + ReportCell.MESSAGE] = message;
    return at;
  }

  #grow(): void {
    const grown = new Float64Array(Math.max(REPORT_CELLS * 64, this.cells.length * 2));
    grown.set(this.cells);
    this.cells = grown;
  }
}

/** Lines of all reports by (message, kind), stable. The tape must have its messages in order. */
export function* reportLines(tape: ReportTape): Generator<string> {
  const { cells, count } = tape;
  for (let row = 0; row < count; ) {
    const message = cells[row * REPORT_CELLS + ReportCell.MESSAGE];
    let end = row + 1;
    while (end < count && cells[end * REPORT_CELLS + ReportCell.MESSAGE] === message) end += 1;
    for (let kind: number = Report.NEW; kind <= Report.MODIFY_REJECTED; kind += 1) {
      for (let each = row; each < end; each += 1) {
        const at = each * REPORT_CELLS;
        if (cells[at] === kind) yield lineAt(cells, at);
      }
    }
    row = end;
  }
}

/** SHA-256 of report lines joined by line feeds, in hexadecimal. */
export function hashLines(lines: Iterable<string>): string {
  const hash = createHash("sha256");
  let batch: string[] = [];
  let isFirst = true;
  const flush = () => {
    hash.update(`${isFirst ? "" : "\n"}${batch.join("\n")}`, "latin1");
    isFirst = false;
    batch = [];
  };
  for (const line of lines) {
    batch.push(line);
    if (batch.length === LINES_AT_ONCE) flush();
  }
  if (batch.length > 0) flush();
  return hash.digest("hex");
}

function lineAt(cells: Float64Array, at: number): string {
  const kind = cells[at];
  const message = cells[at + ReportCell.MESSAGE];
  const id = idText(cells, at + ReportCell.ID);
  switch (kind) {
    case Report.TRADE: {
      const taker = idText(cells, at + ReportCell.OTHER_ID);
      return `1,${message},${cells[at + ReportCell.PRICE]},${cells[at + ReportCell.QUANTITY]},${id},${taker}`;
    }
    case Report.CANCELLED:
      return `2,${message},${cells[at + ReportCell.SIDE]},${id},${cells[at + ReportCell.PRICE]}`;
    case Report.CANCEL_REJECTED:
    case Report.MODIFY_REJECTED:
      return `${kind},${message},${id}`;
    default: {
      const [side, price] = [cells[at + ReportCell.SIDE], cells[at + ReportCell.PRICE]];
      return `${kind},${message},${side},${id},${price},${cells[at + ReportCell.QUANTITY]}`;
    }
  }
}

function idText(cells: Float64Array, at: number): string {
  const [low, high] = [cells[at], cells[at + 1]];
  return high === 0 ? String(low) : String(BigInt(high) * BigInt(WORD) + BigInt(low));
}
