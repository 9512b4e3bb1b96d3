// npm run settlement [-- --home <folder> | --kubeconfig <file>]: how far the money of each shard is settled, and
// for one that stands: why, at which record, which rows it concerns, and what can be done. Changes nothing.
import { parseArgs } from "node:util";
import { homeFolder } from "@bourse/local/home.js";
import { readRunning } from "@bourse/local/running.js";
import { homeExchange } from "./audit/home-exchange.js";
import { openReleaseExchange } from "./audit/release-exchange.js";
import { Cluster } from "./kube/cluster.js";
import { openPortForward } from "./kube/port-forward.js";
import { fullnameOf } from "./kube-secrets/identities.js";
import { type LookedAt, lookAt } from "./settlement/look.js";
import { linesOf } from "./settlement/report.js";

const usage = `usage: npm run settlement [-- --home <folder>]
       npm run settlement -- --kubeconfig <file> [--namespace <name>] [--release <name>] [--trust-domain <name>]

Shows how far each shard is settled, and of one that stands why, and what can be done. Exits with 0 if none
stands, with 1 if one does.`;

const options = {
  home: { type: "string" },
  kubeconfig: { type: "string" },
  namespace: { type: "string", default: "bourse" },
  release: { type: "string", default: "bourse" },
  "trust-domain": { type: "string", default: "bourse" },
  help: { type: "boolean" },
} as const;

const operationsPort = 9_090;

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options });
  if (values.help === true) {
    console.log(usage);
    return true;
  }
  const exchange = await open(values);
  try {
    const shards = await lookAt(exchange);
    for (const shard of shards) console.log(linesOf(shard).join("\n"));
    return shards.every(({ settler }) => settler !== undefined && settler.stopped === undefined);
  } finally {
    await exchange.close();
  }
}

async function open(values: {
  home?: string;
  kubeconfig?: string;
  namespace: string;
  release: string;
  "trust-domain": string;
}): Promise<LookedAt> {
  const { kubeconfig, namespace, release } = values;
  if (kubeconfig === undefined) {
    const home = values.home ?? homeFolder();
    const running = await readRunning(home);
    const settler = running.processes.find(({ name }) => name === "settler");
    const settlerAddress = settler === undefined ? undefined : `127.0.0.1:${settler.ports.admin}`;
    return { ...homeExchange(home, running), settlerAddress };
  }
  const cluster = new Cluster({ kubeconfig, namespace });
  const fullname = fullnameOf(release);
  const exchange = await openReleaseExchange(cluster, { fullname, trustDomain: values["trust-domain"] });
  // Without a settler the wallet's side is shown all the same.
  const forward = await openPortForward(cluster, `deployment/${fullname}-settler`, operationsPort).catch(
    () => undefined,
  );
  const close = async () => {
    await forward?.close();
    await exchange.close();
  };
  return { ...exchange, settlerAddress: forward?.address, close };
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
