// Reserves and settlements as fast as they go, in turn with pgbench on the same cluster.
import { atLeast, type Figure, median } from "../matcher/table.js";
import type { WalletBench } from "./bench.js";
import { type Commits, type LoadRun, perSecond, startLoad, thousands, us } from "./load.js";

const PAIRS = 10_000;
const WARM_UP_PAIRS = 4_000;
const WAITING = 1_024;
const ROUNDS = 5;
const PGBENCH_SECONDS = 4;
const COMMITS_SECONDS = 1;
/** As many as the exchange has that `npm start` starts. */
const SHARDS = 2;
const USERS = 10_000;
const HOT_USERS = 100;

interface Round {
  readonly tps: number;
  readonly commits: number;
  readonly reserve: LoadRun;
  readonly settle: LoadRun;
  readonly oneShard: LoadRun;
  readonly hot: LoadRun;
}

export async function throughputRows(bench: WalletBench): Promise<Figure[]> {
  const load = await startLoad(bench, { users: USERS });
  const pair = async (pairs: number, users: number, shards: number) => ({
    reserve: await load.run(`reserve ${pairs} ${WAITING} ${users} ${shards}`),
    settle: await load.run("settle"),
  });
  const runs = async (pairs: number) => {
    const { reserve, settle } = await pair(pairs, USERS, SHARDS);
    const { settle: oneShard } = await pair(pairs, USERS, 1);
    const { settle: hot } = await pair(pairs, HOT_USERS, SHARDS);
    return { reserve, settle, oneShard, hot };
  };
  await runs(WARM_UP_PAIRS);
  const rounds: Round[] = [];
  for (let at = 0; at < ROUNDS; at += 1) {
    await bench.settleDown();
    const tps = await bench.pgbench.tps(PGBENCH_SECONDS);
    await bench.settleDown();
    const commits = perSecond(await load.player.ask<Commits>(`commits ${COMMITS_SECONDS}`));
    const round = { tps, commits, ...(await runs(PAIRS)) };
    rounds.push(round);
    bench.say(
      `pgbench ${thousands(tps)}, commits ${thousands(commits)}, reserves ${show(round.reserve)}, settled ${show(round.settle)}, one shard ${show(round.oneShard)}, hot ${show(round.hot)}`,
    );
  }
  await load.close();
  const of = (pick: (round: Round) => number) => median(rounds.map(pick));
  const beside = `pgbench -N ${thousands(of(({ tps }) => tps))}, single-row commits ${thousands(of(({ commits }) => commits))}`;
  const figure = (
    what: string,
    name: "reserve" | "settle" | "oneShard" | "hot",
    limits: [number, number],
  ) => {
    const ratio = of((round) => round[name].perSecond / round.tps);
    const cost = `processor ${us(of((round) => round[name].nodeUs))} Node, ${us(of((round) => round[name].clusterUs))} PostgreSQL each`;
    return {
      what,
      must: `${limits[0]}x`,
      stretch: `${limits[1]}x`,
      measured: `${ratio.toFixed(1)}x: ${thousands(of((round) => round[name].perSecond))} beside ${beside}; ${cost}`,
      grade: atLeast(ratio, ...limits),
    };
  };
  const settled =
    "trades settled (queue, decisions, SQL; both reservations, 4 accounts and the fees', ledger)";
  return [
    figure(`reserves of ${USERS} users, ${WAITING} waiting (batcher, decisions, SQL)`, "reserve", [4, 7]),
    figure(`${settled}: ${SHARDS} shards, ${USERS} users`, "settle", [2.5, 5]),
    figure(`${settled}: ${SHARDS} shards, ${HOT_USERS} hot users`, "hot", [2.5, 5]),
    figure(`${settled}: one shard, ${USERS} users`, "oneShard", [2.5, 5]),
  ];
}

function show({ perSecond: rate, nodeUs, clusterUs }: LoadRun): string {
  return `${thousands(rate)} (${us(nodeUs)} Node, ${us(clusterUs)} PostgreSQL)`;
}
