// npm run test:kube [-- part...]: everything that can be said about the chart, the development loop and the
// workflows without a cluster. Ends with "N passed, N failed". The tools are built on the first run.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repoRoot } from "./audit/repo-root.js";
import { checkDocuments, checkScripts, checkWorkflows } from "./test-kube/around.js";
import type { Bench } from "./test-kube/bench.js";
import { readChart } from "./test-kube/chart.js";
import {
  checkEnvironments,
  checkLint,
  checkNewMarket,
  checkPlatform,
  checkToggles,
  checkUnitTests,
} from "./test-kube/manifests.js";
import { checkProcesses } from "./test-kube/processes.js";
import { checkRefusals } from "./test-kube/refusals.js";
import { createReport } from "./test-kube/report.js";
import { run } from "./test-kube/run.js";
import { checkSkaffold } from "./test-kube/skaffold.js";

const parts: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  lint: checkLint,
  unittest: checkUnitTests,
  environments: checkEnvironments,
  toggles: checkToggles,
  market: checkNewMarket,
  platform: checkPlatform,
  refusals: checkRefusals,
  processes: checkProcesses,
  skaffold: checkSkaffold,
  documents: checkDocuments,
  scripts: checkScripts,
  workflows: checkWorkflows,
};

async function main(names: readonly string[]): Promise<boolean> {
  const unknown = names.find((name) => !(name in parts));
  if (unknown !== undefined) {
    throw new Error(`there is no part "${unknown}"; there are: ${Object.keys(parts).join(", ")}`);
  }
  const root = repoRoot();
  await installTools(root);
  const scratch = mkdtempSync(join(tmpdir(), "bourse-test-kube-"));
  try {
    const report = createReport((line) => console.log(line));
    const bench: Bench = { root, scratch, report, chart: readChart(root), schemas: await useTools(root) };
    for (const name of names.length > 0 ? names : Object.keys(parts)) {
      await report.part(name, () => parts[name]?.(bench) ?? Promise.resolve());
    }
    const { passed, failed } = report.counts();
    console.log(`${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Shows what is built and for how long, since a first run takes a quarter of an hour. */
async function installTools(root: string): Promise<void> {
  const child = spawn(join(root, "scripts", "kube-tools.sh"), ["install"], { stdio: "inherit" });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error("the tools could not be installed");
}

/** Puts the tools before everything else on the path of this process; says where the schemas are. */
async function useTools(root: string): Promise<Bench["schemas"]> {
  const script = join(root, "scripts", "kube-tools.sh");
  const { stdout } = await run("bash", [
    "-c",
    `eval "$("$0" env)"; exec "$1" -p 'JSON.stringify(process.env)'`,
    script,
    process.execPath,
  ]);
  Object.assign(process.env, JSON.parse(stdout));
  const { BOURSE_KUBE_SCHEMAS: folder = "", BOURSE_KUBE_VERSIONS: versions = "" } = process.env;
  return { folder, versions: versions.split(" ") };
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
