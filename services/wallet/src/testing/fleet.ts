// Wallets and settlers as processes of one test, with what it takes to reach and to end them.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import type { ShardServer } from "./shard-server.js";
import type { WalletDatabase } from "./wallet-database.js";
import { startProcess, untilReady } from "./wallet-process.js";

export type Fleet = ReturnType<typeof openFleet>;

/** Starts processes; what it takes to end them goes to `closers`. */
export function openFleet(closers: (() => unknown)[]) {
  const started = async (file: string, env: Readonly<Record<string, string>>, message: string) => {
    const running = startProcess(file, env);
    closers.push(async () => {
      running.child.kill("SIGKILL");
      await running.exited;
    });
    const ports = await running.said(message);
    await untilReady(ports.adminPort);
    return { ...running, ports };
  };
  return {
    async startWallet(database: WalletDatabase) {
      const env = {
        BOURSE__WALLET__POSTGRES_URL: database.url,
        BOURSE__WALLET__GRPC_PORT: "0",
        BOURSE__WALLET__HTTP_PORT: "0",
        BOURSE__WALLET__ADMIN_PORT: "0",
      };
      const running = await started("main.ts", env, "wallet started");
      const address = `127.0.0.1:${running.ports.grpcPort}`;
      const channel = openChannel(address);
      closers.push(() => channel.close());
      return { ...running, address, client: createClient(WalletService, channel) };
    },
    /** A settler of all shards that spreads its calls over the wallets, as over the addresses of a headless service. */
    async startSettler(
      shards: readonly ShardServer[],
      wallets: readonly { address: string }[],
      settings: Readonly<Record<string, number>> = {},
    ) {
      const folder = await mkdtemp(join(tmpdir(), "bourse-settler-"));
      closers.push(() => rm(folder, { recursive: true, force: true }));
      const BOURSE_CONFIG = join(folder, "bourse.yaml");
      const walletAddress = `ipv4:${wallets.map(({ address }) => address).join(",")}`;
      const listed = shards.map(({ address }, shard) => ({ shard, address }));
      const settler = { adminPort: 0, walletAddress, reportEveryMs: 1, ...settings };
      await writeFile(BOURSE_CONFIG, JSON.stringify({ shards: listed, settler }));
      return started("settler-main.ts", { BOURSE_CONFIG }, "settler started");
    },
  };
}

/** Lines of a metric at the operations port of a process. */
export async function metricOf(
  running: { readonly ports: Readonly<Record<string, number>> },
  name: string,
): Promise<string[]> {
  const text = await (await fetch(`http://127.0.0.1:${running.ports.adminPort}/metrics`)).text();
  return text.split("\n").filter((line) => line.startsWith(`${name}{`));
}
