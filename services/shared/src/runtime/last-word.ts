// What a process says right before it ends.
import { writeSync } from "node:fs";

const STANDARD_ERROR = 2;

/** Writes a line to standard error at once: what a stream still holds is lost when the process exits. */
export function lastWord(text: string): void {
  try {
    writeSync(STANDARD_ERROR, `${text}\n`);
  } catch {
    // A pipe that is full; the stream may still get it out.
    process.stderr.write(`${text}\n`);
  }
}
