// A progress bar on a terminal, a line now and then elsewhere. On standard error: what is printed on
// standard output may be read by a program.
import { formatCount } from "./figures.js";

/** Shows how far something has come. */
export interface Progress {
  at(done: number): void;
  /** Prints a line without disturbing the bar; the same one again within five seconds is left out. */
  note(text: string): void;
  end(): void;
}

const barWidth = 30;
const sameNoteMs = 5_000;
const drawEveryMs = { terminal: 100, other: 5_000 };

/** Progress of `total` commands. */
export function startProgress(total: number, out: NodeJS.WriteStream = process.stderr): Progress {
  const startedAtMs = performance.now();
  let drawnAtMs = startedAtMs;
  let last = 0;
  let noted = { line: "", atMs: 0 };
  const text = (done: number) => {
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const filled = total === 0 ? barWidth : Math.floor((done * barWidth) / total);
    const bar = `${"#".repeat(filled)}${".".repeat(barWidth - filled)}`;
    return `${bar} ${formatCount(done)} of ${formatCount(total)}, ${formatCount(done / Math.max(seconds, 0.001))}/s`;
  };
  const draw = () => out.write(out.isTTY ? `\r${text(last)}\x1b[K` : `${text(last)}\n`);
  return {
    at(done) {
      last = done;
      const now = performance.now();
      if (now - drawnAtMs < (out.isTTY ? drawEveryMs.terminal : drawEveryMs.other)) return;
      drawnAtMs = now;
      draw();
    },
    note(line) {
      const now = performance.now();
      if (line === noted.line && now - noted.atMs < sameNoteMs) return;
      noted = { line, atMs: now };
      out.write(out.isTTY ? `\r\x1b[K${line}\n` : `${line}\n`);
    },
    end() {
      draw();
      if (out.isTTY) out.write("\n");
    },
  };
}
