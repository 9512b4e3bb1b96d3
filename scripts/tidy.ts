// Checks of our own, which no formatter, linter or compiler makes: who imports whom, sizes, names,
// banned calls, documented failures.
//
//   npm run tidy                 lists what is not as it should be; exit 1 when there is something
//   npm run tidy -- --write      brings the page of failures up to date first
//   npm run tidy -- --root DIR   another tree (the tests of tidy use it)
import { parseArgs } from "node:util";
import { writePage } from "./tidy/failures.js";
import { tidy } from "./tidy/run.js";

const { values } = parseArgs({
  options: { root: { type: "string", default: process.cwd() }, write: { type: "boolean", default: false } },
});

if (values.write) writePage(values.root);
const findings = tidy(values.root);
for (const { path, line, rule, text } of findings)
  console.log(`${path}${line > 0 ? `:${line}` : ""} ${rule}: ${text}`);
console.log(findings.length === 0 ? "tidy: all in order" : `tidy: ${findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;
