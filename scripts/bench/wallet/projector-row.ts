// Rows of orders and trades as the projector writes them: messages decoded, folded, written, cursor moved.
import { atLeast, type Figure, median } from "../matcher/table.js";
import type { WalletBench } from "./bench.js";
import { thousands, us } from "./load.js";

const ROWS = 20_000;
const WARM_UP_ROWS = 10_000;
const ROUNDS = 5;
const PGBENCH_SECONDS = 4;

interface Projected {
  readonly rows: number;
  readonly nanoseconds: number;
  readonly cpuNanoseconds: number;
}

export async function projectorRows(bench: WalletBench): Promise<Figure[]> {
  const url = await bench.database("projector_load");
  const player = await bench.start("projector", "@bourse/order-gateway/testing/bench/projected-rows.js", [
    url,
  ]);
  await player.ask(`project ${WARM_UP_ROWS}`);
  const rounds: { tps: number; perSecond: number; nodeUs: number }[] = [];
  for (let at = 0; at < ROUNDS; at += 1) {
    await bench.settleDown();
    const tps = await bench.pgbench.tps(PGBENCH_SECONDS);
    await bench.settleDown();
    const { rows, nanoseconds, cpuNanoseconds } = await player.ask<Projected>(`project ${ROWS}`);
    const round = { tps, perSecond: (rows * 1e9) / nanoseconds, nodeUs: cpuNanoseconds / rows / 1e3 };
    bench.say(`projected ${thousands(round.perSecond)}, pgbench ${thousands(tps)}`);
    rounds.push(round);
  }
  await player.close();
  const of = (pick: (round: (typeof rounds)[number]) => number) => median(rounds.map(pick));
  const perSecond = of((round) => round.perSecond);
  return [
    {
      what: "order and trade rows by the projector (messages, fold, SQL)",
      must: "5.0 k/s",
      stretch: "15.0 k/s",
      measured: `${thousands(perSecond)} beside pgbench -N ${thousands(of(({ tps }) => tps))}; processor ${us(of(({ nodeUs }) => nodeUs))} Node each`,
      grade: atLeast(perSecond, 5_000, 15_000),
    },
  ];
}
