// The process that loads a wallet, and what its runs mean.
import type { Player } from "../matcher/player.js";
import type { WalletBench } from "./bench.js";

/** One run of load. */
export interface LoadRun {
  readonly perSecond: number;
  /** Processor time per item: of the loading process, which the wallet's flows may run in, and of PostgreSQL. */
  readonly nodeUs: number;
  readonly clusterUs: number;
  /** Of the wallet process; next to nothing where the flows run in the loading one. */
  readonly walletUs: number;
  /** Latencies in milliseconds, of offered load. */
  readonly p50: number;
  readonly p99: number;
}

/** Single-row commits one after the other, latencies in milliseconds. */
export interface Commits {
  readonly commits: number;
  readonly nanoseconds: number;
  readonly p50: number;
  readonly p99: number;
}

interface Answer {
  readonly reserves?: number;
  readonly trades?: number;
  readonly nanoseconds: number;
  readonly cpuNanoseconds: number;
  readonly p50?: number;
  readonly p99?: number;
}

export interface Load {
  readonly player: Player;
  run(line: string): Promise<LoadRun>;
  /** Ends it; fails when any money is not where it belongs. */
  close(): Promise<void>;
}

let databases = 0;

/** Starts a loading process, with users who have money: on a database of its own, or through the wallet process. */
export async function startLoad(
  bench: WalletBench,
  options: { readonly users: number; readonly isRemote?: boolean },
): Promise<Load> {
  const { users, isRemote = false } = options;
  databases += 1;
  const url = isRemote ? bench.mesh.postgresUrl : await bench.database(`wallet_load_${databases}`);
  const address = isRemote ? [`127.0.0.1:${bench.mesh.ports("wallet").grpc}`] : [];
  bench.say(`${users} users deposit ...`);
  const player = await bench.start("wallet", "@bourse/wallet/testing/bench/wallet-load.js", [
    url,
    String(users),
    ...address,
  ]);
  return {
    player,
    async run(line) {
      const before = { cluster: bench.clusterCpuMs(), wallet: bench.walletCpuMs() };
      const answer = await player.ask<Answer>(line);
      const items = answer.reserves ?? answer.trades ?? 0;
      return {
        perSecond: (items * 1e9) / answer.nanoseconds,
        nodeUs: answer.cpuNanoseconds / items / 1e3,
        clusterUs: ((bench.clusterCpuMs() - before.cluster) * 1e3) / items,
        walletUs: ((bench.walletCpuMs() - before.wallet) * 1e3) / items,
        p50: answer.p50 ?? Number.NaN,
        p99: answer.p99 ?? Number.NaN,
      };
    },
    async close() {
      const breaches = await player.ask<object>("breaches");
      if (Object.keys(breaches).length > 0)
        throw new Error(`the audit is not clean after the load: ${JSON.stringify(breaches).slice(0, 500)}`);
      await player.close();
    },
  };
}

export function perSecond({ commits, nanoseconds }: Commits): number {
  return (commits * 1e9) / nanoseconds;
}

export function thousands(rate: number): string {
  return `${(rate / 1_000).toFixed(1)} k/s`;
}

export function us(microseconds: number): string {
  return `${microseconds.toFixed(0)} us`;
}
