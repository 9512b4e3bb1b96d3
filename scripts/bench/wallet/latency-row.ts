// Settlements of a hot market at a fixed rate: latency from when a trade is due until its money has moved.
import { atMost, type Figure, median } from "../matcher/table.js";
import type { WalletBench } from "./bench.js";
import { type Commits, startLoad } from "./load.js";

const RATE = 1_000;
const SECONDS = 8;
const HOT_USERS = 100;
const WAITING = 1_024;
const ROUNDS = 5;

export async function latencyRows(bench: WalletBench): Promise<Figure[]> {
  const load = await startLoad(bench, { users: HOT_USERS });
  const rounds: { p50: number; p99: number; floorP50: number; floorP99: number }[] = [];
  // The first is to warm up.
  for (let at = 0; at <= ROUNDS; at += 1) {
    await load.run(`reserve ${RATE * SECONDS} ${WAITING}`);
    await bench.settleDown();
    const floor = await load.player.ask<Commits>("commits 3");
    const { p50, p99 } = await load.run(`offered ${RATE}`);
    const round = { p50, p99, floorP50: floor.p50, floorP99: floor.p99 };
    bench.say(
      `settled p50 ${ms(p50)}, p99 ${ms(p99)}; single-row commits ${ms(floor.p50)}, ${ms(floor.p99)}`,
    );
    if (at > 0) rounds.push(round);
  }
  await load.close();
  const p99 = median(rounds.map((round) => round.p99));
  const text = (pick: keyof (typeof rounds)[number]) => ms(median(rounds.map((round) => round[pick])));
  return [
    {
      what: `trades settled at ${RATE}/s on ${HOT_USERS} hot users (queue, decisions, SQL): p99`,
      must: "50 ms",
      stretch: "20 ms",
      measured: `${ms(p99)}, p50 ${text("p50")}; single-row commits p99 ${text("floorP99")}, p50 ${text("floorP50")}`,
      grade: atMost(p99, 50, 20),
    },
  ];
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms`;
}
