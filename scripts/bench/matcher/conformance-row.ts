// Speed on the workloads of the public matching-engine benchmark, the slowest of them counts.
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { repoRoot } from "../../audit/repo-root.js";
import type { Bench } from "./bench.js";
import { atLeast, type Figure, median } from "./table.js";

const REPLAYS = 5;
const WARM_UPS = 2;
const MUST = 3;
const STRETCH = 7;

interface Played {
  readonly nanoseconds: number;
  readonly messages: number;
}

export async function conformanceRows(bench: Bench): Promise<Figure[]> {
  const speeds: { name: string; millions: number; word: string }[] = [];
  for (const path of workloads()) speeds.push(await speedOf(bench, path));
  speeds.sort((a, b) => a.millions - b.millions);
  const [slowest] = speeds as [(typeof speeds)[number]];
  return [
    {
      what: "worst conformance workload, reports into memory",
      must: `${MUST} M/s`,
      stretch: `${STRETCH} M/s`,
      measured: speeds
        .map(({ name, millions, word }) => `${name} ${millions.toFixed(2)} M/s${word}`)
        .join(", "),
      grade: atLeast(slowest.millions, MUST, STRETCH),
    },
  ];
}

/** Published files beside the checkout; without them a workload of our own in the same format. */
function workloads(): string[] {
  const folder = join(repoRoot(), "..", "shared", "data", "conformance");
  const published = existsSync(folder)
    ? readdirSync(folder).filter((name) => /\.bin(\.br)?$/.test(name))
    : [];
  return published.length === 0 ? ["generated"] : published.map((name) => join(folder, name));
}

async function speedOf(bench: Bench, path: string) {
  const name = basename(path).replace(/(\.bin)?(\.br)?$/, "");
  const player = await bench.start(name, "conformance-speed", [path]);
  try {
    for (let at = 0; at < WARM_UPS; at += 1) await player.ask("play");
    const runs: Played[] = [];
    for (let at = 0; at < REPLAYS; at += 1) runs.push(await player.ask<Played>("play"));
    const { conforms } = await player.ask<{ conforms?: boolean }>("conforms");
    const millions = median(runs.map(({ messages, nanoseconds }) => (messages * 1e3) / nanoseconds));
    bench.say(`${name}: ${millions.toFixed(2)} M messages/s`);
    if (conforms === false) throw new Error(`${name} does not give the published hash`);
    return { name, millions, word: conforms === true ? " (published hash)" : "" };
  } finally {
    await player.close();
  }
}
