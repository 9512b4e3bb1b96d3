// `npm run reset`: removes all state of the exchange on this machine, unless it runs.
import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { checkNode, makeFresh } from "./lib/fresh.mjs";
import { runCommand } from "./lib/run-command.mjs";

checkNode();
const home = resolve(process.env.BOURSE_HOME || ".bourse");
await runCommand(async () => {
  if (!existsSync(home)) {
    console.log(`nothing to remove: ${home} does not exist`);
    return;
  }
  await makeFresh({ report: (line) => console.log(line) });
  const { resetHome } = await import("../services/local/dist/reset.js");
  await resetHome(home);
  console.log(`removed the exchange's state in ${home}`);
});
