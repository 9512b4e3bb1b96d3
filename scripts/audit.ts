// npm run audit [-- --home <folder> | --kubeconfig <file>]: does a running exchange keep its promises? One
// line for each invariant, right also under load: everything is compared at the seq at which it was said.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { homeFolder } from "@bourse/local/home.js";
import { readRunning } from "@bourse/local/running.js";
import { audit } from "./audit/audit-run.js";
import type { AuditedExchange } from "./audit/exchange.js";
import { findingLines } from "./audit/finding.js";
import { homeExchange } from "./audit/home-exchange.js";
import { openReleaseExchange } from "./audit/release-exchange.js";
import type { ToldWord } from "./audit/told.js";
import { Cluster } from "./kube/cluster.js";
import { fullnameOf } from "./kube-secrets/identities.js";
import { parseRecords } from "./load/record.js";

const usage = `usage: npm run audit [-- --home <folder>] [--quiet] [--records <file>]
       npm run audit -- --kubeconfig <file> [--namespace <name>] [--release <name>] [--trust-domain <name>]

Checks the invariants of a running exchange, and exits with 0 only if all hold: of the one that runs on a
home of this machine (BOURSE_HOME, else .bourse), or of a release in a cluster (bourse in namespace bourse).

  --quiet           nobody calls: everything must be at rest, too (I38)
  --records <file>  what clients were told, as npm run load -- --records wrote it, must be so (I34)`;

const options = {
  home: { type: "string" },
  kubeconfig: { type: "string" },
  namespace: { type: "string", default: "bourse" },
  release: { type: "string", default: "bourse" },
  "trust-domain": { type: "string", default: "bourse" },
  quiet: { type: "boolean", default: false },
  records: { type: "string" },
  help: { type: "boolean" },
} as const;

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options });
  if (values.help === true) {
    console.log(usage);
    return true;
  }
  const startedAtMs = performance.now();
  const exchange = await openExchange(values);
  try {
    const told = values.records === undefined ? [] : await toldIn(values.records);
    const findings = await audit(exchange, { told, isQuiet: values.quiet });
    for (const finding of findings) console.log(findingLines(finding).join("\n"));
    const broken = findings.filter(({ breaches }) => breaches.length > 0);
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
    console.log(`${findings.length - broken.length} of ${findings.length} invariants hold (${seconds} s)`);
    return broken.length === 0;
  } finally {
    await exchange.close();
  }
}

/** Words of a load's records; what failed without a final word says nothing. */
async function toldIn(file: string): Promise<ToldWord[]> {
  return parseRecords(await readFile(file, "utf8")).flatMap(({ clientOrderId, endMs, outcome, userId }) => {
    if (outcome === "failed") return [];
    const word = outcome === "refused" || outcome === "tombstone" ? "none" : "acknowledged";
    return [{ clientOrderId, userId, word, atMs: endMs } as const];
  });
}

async function openExchange(values: {
  home?: string;
  kubeconfig?: string;
  namespace: string;
  release: string;
  "trust-domain": string;
}): Promise<AuditedExchange> {
  const { kubeconfig, namespace, release } = values;
  if (kubeconfig !== undefined) {
    const cluster = new Cluster({ kubeconfig, namespace });
    const trustDomain = values["trust-domain"];
    return openReleaseExchange(cluster, { fullname: fullnameOf(release), trustDomain });
  }
  const home = values.home ?? homeFolder();
  return homeExchange(home, await readRunning(home));
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
