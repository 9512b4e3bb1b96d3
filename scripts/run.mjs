// `npm run <name> -- <arguments>`: brings the project up to date, then runs one of its tools in this
// process: scripts/<name>.ts, or a tool that lies with the matcher.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { checkNode, makeFresh, root, StepError } from "./lib/fresh.mjs";
import { runCommand } from "./lib/run-command.mjs";

/** Tools that need the rooms of a service, which scripts may not enter. */
const OF_SERVICES = {
  journal: "services/matcher/dist/journal-main.js",
  faults: "services/matcher/dist/testing/faults/main.js",
  conformance: "services/matcher/dist/testing/conformance/conformance-main.js",
};

checkNode();
const [name = "", ...args] = process.argv.slice(2);
await runCommand(async () => {
  // Progress goes to standard error: what a tool prints may be read by a program.
  await makeFresh({ report: (line) => console.error(line) });
  const file = join(root, OF_SERVICES[name] ?? `scripts/dist/${name}.js`);
  if (!existsSync(file)) throw new StepError(`there is no tool "${name}"`);
  process.argv = [process.argv[0], file, ...args];
  await import(pathToFileURL(file).href);
});
