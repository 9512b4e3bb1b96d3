// Reserves and settlements as fast as they go, in turn with pgbench on the same cluster.
import { atLeast, type Figure, median } from "../matcher/table.js";
import type { WalletBench } from "./bench.js";
import { type Commits, type LoadRun, perSecond, startLoad, thousands, us } from "./load.js";

const PAIRS = 10_000;
const WARM_UP_PAIRS = 5_000;
const WAITING = 1_024;
const ROUNDS = 5;
const PGBENCH_SECONDS = 5;
const COMMITS_SECONDS = 1;

export async function throughputRows(bench: WalletBench): Promise<Figure[]> {
  const load = await startLoad(bench);
  const runs = async (pairs: number) => {
    const reserve = await load.run(`reserve ${pairs} ${WAITING}`);
    const settle = await load.run("settle");
    return { reserve, settle };
  };
  await runs(WARM_UP_PAIRS);
  const rounds: { tps: number; commits: number; reserve: LoadRun; settle: LoadRun }[] = [];
  for (let at = 0; at < ROUNDS; at += 1) {
    await bench.settleDown();
    const tps = await bench.pgbench.tps(PGBENCH_SECONDS);
    await bench.settleDown();
    const commits = perSecond(await load.player.ask<Commits>(`commits ${COMMITS_SECONDS}`));
    const round = { tps, commits, ...(await runs(PAIRS)) };
    rounds.push(round);
    const { reserve, settle } = round;
    bench.say(
      `pgbench ${thousands(tps)}, commits ${thousands(commits)}, reserves ${show(reserve)}, settlements ${show(settle)}`,
    );
  }
  await load.close();
  const tps = median(rounds.map((round) => round.tps));
  const beside = `pgbench -N ${thousands(tps)}, single-row commits ${thousands(median(rounds.map(({ commits }) => commits)))}`;
  const figure = (what: string, pick: "reserve" | "settle", must: number, stretch: number): Figure => {
    const rate = median(rounds.map((round) => round[pick].perSecond));
    const ratio = median(rounds.map((round) => round[pick].perSecond / round.tps));
    const nodeUs = us(median(rounds.map((round) => round[pick].nodeUs)));
    const clusterUs = us(median(rounds.map((round) => round[pick].clusterUs)));
    return {
      what,
      must: `${must}x`,
      stretch: `${stretch}x`,
      measured: `${ratio.toFixed(1)}x: ${thousands(rate)} beside ${beside}; processor ${nodeUs} Node, ${clusterUs} PostgreSQL each`,
      grade: atLeast(ratio, must, stretch),
    };
  };
  return [
    figure(`reserves, ${WAITING} waiting (batcher, decisions, SQL)`, "reserve", 4, 7),
    figure(
      "trades settled, one shard (queue, decisions, SQL; both reservations, 4 accounts and the fees', ledger)",
      "settle",
      2.5,
      5,
    ),
  ];
}

function show({ perSecond: rate, nodeUs, clusterUs }: LoadRun): string {
  return `${thousands(rate)} (${us(nodeUs)} Node, ${us(clusterUs)} PostgreSQL)`;
}
