// How long a shard is away after a kill: a tail of a million commands, and ten million with the snapshots that the
// shard makes by itself.
import type { Bench } from "./bench.js";
import { atMost, type Figure, median } from "./table.js";

const CHUNK = 250_000;
const OPENINGS = 3;

interface Opened {
  readonly recoveredMs: number;
  readonly seq: number;
  readonly openOrders: number;
  /** Seq of the snapshot that it began with; 0 for none. */
  readonly snapshotSeq: number;
}

export async function recoveryRows(bench: Bench): Promise<Figure[]> {
  return [
    await recovered(bench, { commands: 1_000_000, snapshots: false, must: 3, stretch: 1 }),
    await recovered(bench, { commands: 10_000_000, snapshots: true, must: 5, stretch: 3 }),
  ];
}

async function recovered(
  bench: Bench,
  {
    commands,
    snapshots,
    must,
    stretch,
  }: { commands: number; snapshots: boolean; must: number; stretch: number },
): Promise<Figure> {
  const folder = bench.folder();
  const what = `recovery, ${commands / 1e6} M commands${snapshots ? " with snapshots" : ", no snapshot"}`;
  await fill(bench, { folder, commands, snapshots });
  const openings: Opened[] = [];
  for (let at = 0; at < OPENINGS; at += 1) {
    const player = await bench.start("bourse", "recover-once", [folder]);
    openings.push(await player.ask<Opened>("open"));
    // Killed again, so that each opening finds what a kill leaves.
    await player.kill();
  }
  const seconds = median(openings.map(({ recoveredMs }) => recoveredMs)) / 1_000;
  const [{ seq, snapshotSeq, openOrders }] = openings as [Opened];
  const from = snapshots
    ? `from a snapshot and ${seq - snapshotSeq} records`
    : `${seq} records decided again`;
  return {
    what,
    must: `${must} s`,
    stretch: `${stretch} s`,
    measured: `${seconds.toFixed(2)} s: ${from}, ${openOrders} open orders`,
    grade: atMost(seconds, must, stretch),
  };
}

async function fill(
  bench: Bench,
  { folder, commands, snapshots }: { folder: string; commands: number; snapshots: boolean },
): Promise<void> {
  const player = await bench.start("bourse", "journal-fill", [
    bench.flow.path,
    folder,
    snapshots ? "snapshots" : "-",
  ]);
  for (let done = 0; done < commands; done += CHUNK) {
    await player.ask(`fill ${CHUNK}`);
    bench.say(`journal: ${(done + CHUNK) / 1e6} of ${commands / 1e6} M commands`);
  }
  await player.ask("settle");
  await player.kill();
}
