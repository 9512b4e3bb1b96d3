// The same load through a wallet process: gRPC, messages and a loader of its own on the same processors. No figure
// is asked for; it says what of the others arrives outside.
import { type Figure, median } from "../matcher/table.js";
import type { WalletBench } from "./bench.js";
import { type LoadRun, startLoad, thousands, us } from "./load.js";

const USERS = 2_000;
const PAIRS = 5_000;
const WAITING = 1_024;
const ROUNDS = 3;
const PGBENCH_SECONDS = 4;

export async function processRows(bench: WalletBench): Promise<Figure[]> {
  const load = await startLoad(bench, { users: USERS, isRemote: true });
  const rounds: { tps: number; reserve: LoadRun; settle: LoadRun }[] = [];
  // The first is to warm up.
  for (let at = 0; at <= ROUNDS; at += 1) {
    await bench.settleDown();
    const tps = at === 0 ? 0 : await bench.pgbench.tps(PGBENCH_SECONDS);
    const reserve = await load.run(`reserve ${PAIRS} ${WAITING}`);
    const settle = await load.run("settle");
    bench.say(`reserves ${thousands(reserve.perSecond)}, settled ${thousands(settle.perSecond)}`);
    if (at > 0) rounds.push({ tps, reserve, settle });
  }
  await load.close();
  const figure = (what: string, name: "reserve" | "settle"): Figure => {
    const of = (pick: (run: LoadRun) => number) => median(rounds.map((round) => pick(round[name])));
    const ratio = median(rounds.map((round) => round[name].perSecond / round.tps)).toFixed(1);
    const cost = `processor ${us(of(({ walletUs }) => walletUs))} wallet, ${us(of(({ clusterUs }) => clusterUs))} PostgreSQL, ${us(of(({ nodeUs }) => nodeUs))} load each`;
    return {
      what: `${what}, through a wallet process`,
      must: "-",
      stretch: "-",
      measured: `${ratio}x pgbench -N: ${thousands(of(({ perSecond }) => perSecond))}; ${cost}`,
      grade: "no limit",
    };
  };
  return [figure("reserves on one stream", "reserve"), figure("trades settled, one shard", "settle")];
}
