// How long a shard stands still for a snapshot.
import type { Bench } from "./bench.js";
import { atMost, type Figure, median } from "./table.js";

const RESTING = 100_000;
const SNAPSHOTS = 5;
const MUST_MS = 10;

interface Pause {
  readonly made: { readonly longestMs: number; readonly tookMs: number };
  readonly quiet: { readonly longestMs: number };
}

export async function snapshotRows(bench: Bench): Promise<Figure[]> {
  const player = await bench.start("snapshot", "snapshot-pause", [bench.folder()]);
  try {
    await player.ask(`rest ${RESTING}`);
    const pauses: Pause[] = [];
    for (let at = 0; at < SNAPSHOTS; at += 1) pauses.push(await player.ask<Pause>("pause"));
    const longest = median(pauses.map(({ made }) => made.longestMs));
    const quiet = median(pauses.map((pause) => pause.quiet.longestMs));
    const took = median(pauses.map(({ made }) => made.tookMs));
    return [
      {
        what: `pause for a snapshot, ${RESTING / 1_000} k resting orders`,
        must: `${MUST_MS} ms`,
        stretch: "-",
        measured:
          `longest turn of the event loop ${longest.toFixed(1)} ms in ${took.toFixed(0)} ms of making it, ` +
          `${quiet.toFixed(1)} ms in as long without`,
        grade: atMost(longest, MUST_MS, 0),
      },
    ];
  } finally {
    await player.kill();
  }
}
