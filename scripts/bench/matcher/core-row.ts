// Throughput of the core beside two peers: the same flow into each, in turn, each in a process of its own.
import { type Bench, extension } from "./bench.js";
import { startExchangeCore } from "./exchange-core.js";
import type { Totals } from "./plain-book.js";
import { type Player, startModule } from "./player.js";
import { atLeast, type Figure, median, unmeasured } from "./table.js";

export interface Played {
  readonly nanoseconds: number;
  readonly totals: Totals;
}

const WARM_UPS = 3;
const REPLAYS = 5;

const againstNode = {
  what: "core, realistic flow, against nodejs-order-book",
  must: "60x",
  stretch: "100x",
};
const againstJava = {
  what: "core, realistic flow, against exchange-core direct",
  must: "0.6x",
  stretch: "1x",
};

/** Figures of the realistic flow; the deep one is told in a line of its own. */
export async function coreRows(bench: Bench): Promise<Figure[]> {
  const { flow, say } = bench;
  const ours = await bench.start("bourse", "core-player", [flow.path], ["--expose-gc"]);
  const node = await startModule(
    "nodejs-order-book",
    new URL(`./node-peer${extension}`, import.meta.url).href,
    [flow.path],
  );
  const java = await startExchangeCore(flow.path);
  try {
    const players = typeof java === "string" ? [ours, node] : [ours, java, node];
    // One replay of the slow peer takes as long as a hundred of the others: it is warm within one.
    for (const player of players)
      for (let at = 0; at < (player === node ? 1 : WARM_UPS); at += 1) await play(player, flow.totals);
    const nanoseconds = new Map<Player, number[]>(players.map((player) => [player, []]));
    for (let replay = 0; replay < REPLAYS; replay += 1) {
      for (const player of players) {
        const took = (await play(player, flow.totals)).nanoseconds;
        nanoseconds.get(player)?.push(took);
        say(`replay ${replay + 1}: ${player.name} ${millions(flow.count, took)}`);
      }
    }
    const of = (player: Player) => median(nanoseconds.get(player) ?? []);
    const figure = (row: typeof againstNode, player: Player, must: number, stretch: number): Figure => {
      const ratio = of(player) / of(ours);
      const measured = `${ratio.toFixed(must < 1 ? 2 : 0)}x: ${millions(flow.count, of(ours))} against ${millions(flow.count, of(player))}`;
      return { ...row, measured, grade: atLeast(ratio, must, stretch) };
    };
    return [
      figure(againstNode, node, 60, 100),
      typeof java === "string" ? unmeasured(againstJava, java) : figure(againstJava, java, 0.6, 1),
    ];
  } finally {
    for (const player of [ours, node, java]) if (typeof player !== "string") await player.close();
  }
}

/** One replay, its totals held against the plain book's. */
async function play(player: Player, expected: Totals): Promise<Played> {
  const played = await player.ask<Played>("play");
  for (const key of Object.keys(expected) as (keyof Totals)[]) {
    if (played.totals[key] === expected[key]) continue;
    throw new Error(
      `${player.name} comes to ${key} ${played.totals[key]}, the plain book to ${expected[key]}`,
    );
  }
  return played;
}

export function millions(count: number, nanoseconds: number): string {
  return `${((count * 1e3) / nanoseconds).toFixed(2)} M/s`;
}
