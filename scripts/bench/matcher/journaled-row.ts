// The journaled matcher beside raw group commit: the same records, the same disk, in turn.
import type { Bench } from "./bench.js";
import { atLeast, type Figure, median } from "./table.js";

const WAITING = 64;
const WARM_UP = 100_000;
const COMMANDS = 100_000;
const ROUNDS = 7;

interface Timed {
  readonly nanoseconds: number;
  readonly records: number;
  readonly bytes: number;
  /** Processor time of all threads. */
  readonly cpuNanoseconds: number;
}

export async function journaledRows(bench: Bench): Promise<Figure[]> {
  const player = await bench.start("journaled", "journaled", [bench.flow.path, bench.folder()]);
  try {
    const round = async (commands: number) => {
      const ours = await player.ask<Timed>(`journaled ${commands} ${WAITING}`);
      const raw = await player.ask<Timed>(`raw ${WAITING}`);
      return {
        ours: rate(ours),
        raw: rate(raw),
        recordBytes: ours.bytes / ours.records,
        cpuUs: ours.cpuNanoseconds / ours.records / 1e3,
      };
    };
    await round(WARM_UP);
    const rounds: Awaited<ReturnType<typeof round>>[] = [];
    for (let at = 0; at < ROUNDS; at += 1) {
      const figures = await round(COMMANDS);
      rounds.push(figures);
      bench.say(`journaled ${thousands(figures.ours)}, raw group commit ${thousands(figures.raw)}`);
    }
    const ours = median(rounds.map((each) => each.ours));
    const raw = median(rounds.map((each) => each.raw));
    const bytes = median(rounds.map(({ recordBytes }) => recordBytes)).toFixed(0);
    const cpu = median(rounds.map(({ cpuUs }) => cpuUs)).toFixed(1);
    return [
      {
        what: `journaled matcher, ${WAITING} waiting, against raw group commit of its records`,
        must: "0.4x",
        stretch: "0.8x",
        measured: `${(ours / raw).toFixed(2)}x: ${thousands(ours)} against ${thousands(raw)}, ${bytes} bytes a record, ${cpu} us of processor`,
        grade: atLeast(ours / raw, 0.4, 0.8),
      },
    ];
  } finally {
    await player.close();
  }
}

/** Records a second. */
function rate({ records, nanoseconds }: Timed): number {
  return (records * 1e9) / nanoseconds;
}

function thousands(perSecond: number): string {
  return `${(perSecond / 1_000).toFixed(1)} k/s`;
}
