// What every figure of the wallet's bench needs: one durable PostgreSQL as `npm start` has it, databases on it, and
// the processes that measure.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Mesh, startMesh } from "@bourse/local/mesh.js";
import pg from "pg";
import { repoRoot } from "../../audit/repo-root.js";
import { type Player, startModule } from "../matcher/player.js";
import { cpuMsOf } from "../processes.js";
import { openPgbench, type Pgbench } from "./pgbench.js";

export interface WalletBench {
  readonly mesh: Mesh;
  readonly pgbench: Pgbench;
  /** Progress, for whoever waits. */
  say(text: string): void;
  /** A new, empty database of the cluster. */
  database(name: string): Promise<string>;
  /** Starts a module that measures; `specifier` as in an import. */
  start(name: string, specifier: string, args: readonly string[]): Promise<Player>;
  /** Everything that is dirty goes to the disk now, so that no run pays for the one before it. */
  settleDown(): Promise<void>;
  /** Processor time of the cluster so far, in milliseconds. */
  clusterCpuMs(): number;
  /** Processor time of the wallet process so far, in milliseconds. */
  walletCpuMs(): number;
  close(): Promise<void>;
}

/** Starts the cluster with a wallet on it; fails when there is no pgbench. */
export async function openWalletBench(): Promise<WalletBench> {
  const folder = join(repoRoot(), ".bourse", "bench");
  mkdirSync(folder, { recursive: true });
  const home = mkdtempSync(join(folder, "wallet-"));
  const players: Player[] = [];
  const mesh = await startMesh({ home, ports: "free", services: ["wallet"] });
  const onCluster = async (sql: string) => {
    const client = new pg.Client({ connectionString: mesh.postgresUrl });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  const database = async (name: string) => {
    await onCluster(`CREATE DATABASE ${name}`);
    const url = new URL(mesh.postgresUrl);
    url.pathname = `/${name}`;
    return url.href;
  };
  const close = async () => {
    await Promise.all(players.map((player) => player.close()));
    await mesh.stop();
    rmSync(home, { recursive: true, force: true });
  };
  try {
    const pgbench = await openPgbench(await database("pgbench"));
    return {
      mesh,
      pgbench,
      say: (text) => console.error(`bench  ${text}`),
      database,
      async start(name, specifier, args) {
        const player = await startModule(name, specifier, args, ["--expose-gc"]);
        players.push(player);
        return player;
      },
      settleDown: () => onCluster("CHECKPOINT"),
      clusterCpuMs: () => cpuMsOf(mesh.pid("postgres")),
      walletCpuMs: () => cpuMsOf(mesh.pid("wallet")),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
