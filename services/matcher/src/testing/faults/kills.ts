// kill -9 under load, again and again on one journal, with snapshots and deletion of old files on the way.
import { seededRandom } from "@bourse/shared/testing/random.js";
import { listSnapshots } from "../../io/snapshot-file.js";
import { Ledger, sendLoad } from "./load.js";
import { acknowledged, isRunning, kill, sleep, until, withMatchers } from "./processes.js";
import { check, type Progress } from "./report.js";

/** Small files and many snapshots, so that kills meet them too. */
const ENV = {
  BOURSE__MATCHER__SEGMENT_BYTES: String(256 * 1024),
  BOURSE__MATCHER__SNAPSHOT_EVERY_RECORDS: "500",
  BOURSE__MATCHER__RETENTION_HOURS: "1",
};

export interface Killed {
  readonly kills: number;
  readonly acknowledged: number;
  /** Seq of the newest snapshot at the end. */
  readonly snapshotSeq: number;
}

/** Kills so many times. Whatever was acknowledged before is there after each. */
export async function killUnderLoad(
  { kills, seed }: { kills: number; seed: number },
  progress: Progress,
): Promise<Killed> {
  const random = seededRandom(seed);
  const ledger = new Ledger();
  return withMatchers(async ({ folder, start }) => {
    let snapshotSeq = 0;
    for (let round = 1; round <= kills; round += 1) {
      const connected = await start(ENV);
      const open = await ledger.hold(connected.client);
      progress(`kills (${ledger.acknowledged} acknowledged, ${open} open)`, round, kills);
      const before = ledger.acknowledged;
      let isKilled = false;
      const load = sendLoad(connected.client, ledger, {
        ...{ batch: 10, cancels: 0.45, random, inFlightMax: 300 },
        isDone: () => isKilled,
      });
      // From before the first answer to a few hundred behind it.
      const least = before + Math.floor(random() * 300);
      await acknowledged(connected, ledger, least);
      // Now and then it lives long enough for a snapshot, so that starts and kills meet them.
      if (round % 10 === 5)
        await until("a snapshot", async () => (await newestSnapshot(folder)) > snapshotSeq);
      snapshotSeq = await newestSnapshot(folder);
      await sleep(random() * 10);
      check(isRunning(connected), `it ended by itself: ${connected.matcher.errors()}`);
      await kill(connected);
      isKilled = true;
      await load;
    }
    const connected = await start(ENV);
    await ledger.hold(connected.client);
    check(ledger.refusals.size === 0, `refused: ${[...ledger.refusals.keys()].join(", ")}`);
    return { kills, acknowledged: ledger.acknowledged, snapshotSeq: await newestSnapshot(folder) };
  });
}

async function newestSnapshot(folder: string): Promise<number> {
  return (await listSnapshots(folder))[0] ?? 0;
}
