// `npm run faults [-- --kills N] [-- --one-in N] [-- --only NAME]`: harms journals and matchers in every way that
// this machine allows, and ends with 1 at the first promise that is broken. All of it takes about a quarter of an hour.
import { parseArgs } from "node:util";
import { cutEveryLength, flipEveryByte, loseEveryTail } from "./bytes.js";
import { failDisk } from "./disk-errors.js";
import { fillVolume } from "./full-volume.js";
import { killUnderLoad } from "./kills.js";
import { startAtOnce, stopUnderLoad } from "./pauses.js";
import type { Progress } from "./report.js";
import { harmSegments, loseLastSegment } from "./segments.js";

const say = (line: string) => process.stdout.write(`${line}\n`);
const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    kills: { ...text, default: "200" },
    "one-in": { ...text, default: "1" },
    seed: { ...text, default: "20261121" },
    only: text,
  },
});
const seed = Number(values.seed);
const extent = { oneIn: Number(values["one-in"]), seed };
const kills = Number(values.kills);

const FAULTS: Readonly<Record<string, (progress: Progress) => Promise<unknown>>> = {
  flips: (progress) => flipEveryByte(extent, progress),
  losses: (progress) => loseEveryTail(extent, progress),
  cuts: (progress) => cutEveryLength(extent, progress),
  segments: async (progress) => {
    const count = await harmSegments(progress);
    await loseLastSegment();
    return count;
  },
  "disk-errors": (progress) => failDisk(progress),
  "full-volume": (progress) => fillVolume({ ballastMib: 20 }, progress),
  stops: () => stopUnderLoad({ stops: 5, stopMs: 2_000 }),
  "two-processes": () => startAtOnce(4),
  kills: (progress) => killUnderLoad({ kills, seed }, progress),
};

const names = values.only === undefined ? Object.keys(FAULTS) : [values.only];
let failed = 0;
for (const name of names) {
  const run = FAULTS[name];
  if (run === undefined) throw new Error(`there is no fault "${name}": ${Object.keys(FAULTS).join(", ")}`);
  const startedMs = Date.now();
  let lastMs = 0;
  const progress: Progress = (what, done, total) => {
    if (Date.now() - lastMs < 2_000) return;
    lastMs = Date.now();
    say(`  ${name}: ${what}, ${done} of ${total}`);
  };
  try {
    const result = await run(progress);
    const said = result === undefined ? "" : `: ${JSON.stringify(result)}`;
    say(`passed ${name} (${((Date.now() - startedMs) / 1000).toFixed(1)} s)${said}`);
  } catch (error) {
    failed += 1;
    say(`FAILED ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
say(`${names.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
