// `npm start`: the whole exchange on this machine, from a fresh clone on. Installs, generates and
// compiles what is stale, then hands over to scripts/dev.ts in this process.
import { checkNode, makeFresh } from "./lib/fresh.mjs";
import { runCommand } from "./lib/run-command.mjs";

checkNode();
await runCommand(async () => {
  await makeFresh({ report: (line) => console.log(`  ${line}`) });
  const { dev } = await import("./dist/dev.js");
  await dev(process.argv.slice(2));
});
