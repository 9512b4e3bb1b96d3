// kill -9 under load, again and again on one journal, with snapshots and deletion of old files on the way.
import { readdir } from "node:fs/promises";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { seqOfSnapshot } from "../../io/snapshot-file.js";
import { Ledger, sendLoad } from "./load.js";
import { acknowledged, isRunning, kill, sleep, withMatchers } from "./processes.js";
import { check, type Progress } from "./report.js";

/** Small files and many snapshots, so that kills meet them too. */
const ENV = {
  BOURSE__MATCHER__SEGMENT_BYTES: String(256 * 1024),
  BOURSE__MATCHER__SNAPSHOT_EVERY_RECORDS: "1000",
  BOURSE__MATCHER__RETENTION_HOURS: "1",
};

export interface Killed {
  readonly kills: number;
  readonly acknowledged: number;
  readonly snapshots: number;
}

/** Kills so many times. Whatever was acknowledged before is there after each. */
export async function killUnderLoad(
  { kills, seed }: { kills: number; seed: number },
  progress: Progress,
): Promise<Killed> {
  const random = seededRandom(seed);
  const ledger = new Ledger();
  return withMatchers(async ({ folder, start }) => {
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
      await sleep(random() * 10);
      check(isRunning(connected), `it ended by itself: ${connected.matcher.errors()}`);
      await kill(connected);
      isKilled = true;
      await load;
    }
    const connected = await start(ENV);
    await ledger.hold(connected.client);
    check(ledger.refusals.size === 0, `refused: ${[...ledger.refusals.keys()].join(", ")}`);
    const snapshots = (await readdir(folder)).filter((name) => seqOfSnapshot(name) !== undefined);
    return { kills, acknowledged: ledger.acknowledged, snapshots: snapshots.length };
  });
}
