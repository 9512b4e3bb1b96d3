// npm run audit [-- --home <folder>]: does a running exchange keep its promises? One line for each
// invariant, right also under load: everything is compared at the seq at which it was said.
import { parseArgs } from "node:util";
import { homeFolder } from "@bourse/local/home.js";
import { readRunning } from "@bourse/local/running.js";
import { audit } from "./audit/audit-run.js";
import { findingLines } from "./audit/finding.js";

const usage = `usage: npm run audit [-- --home <folder>]

Checks the invariants of the exchange that runs on a home (BOURSE_HOME, else .bourse), and exits with 0
only if all hold.`;

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { home: { type: "string" }, help: { type: "boolean" } } });
  if (values.help === true) {
    console.log(usage);
    return true;
  }
  const home = values.home ?? homeFolder();
  const startedAtMs = performance.now();
  const findings = await audit(home, await readRunning(home));
  for (const finding of findings) console.log(findingLines(finding).join("\n"));
  const broken = findings.filter(({ breaches }) => breaches.length > 0);
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  console.log(`${findings.length - broken.length} of ${findings.length} invariants hold (${seconds} s)`);
  return broken.length === 0;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
