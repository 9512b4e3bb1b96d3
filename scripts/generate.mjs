// `npm run generate`: TypeScript from the protos, only when they changed since the last time.
import { checkNode, generateIfStale } from "./lib/fresh.mjs";
import { runCommand } from "./lib/run-command.mjs";

checkNode();
await runCommand(() => generateIfStale({ report: (line) => console.log(line) }));
