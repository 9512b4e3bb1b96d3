// `npm run check`: everything that a machine can say about the sources without running them. Each
// step is shown with its time, a failed one with all that it said; later steps run all the same, so
// that one run shows every fault. Plain JavaScript: it installs and generates first when needed.
import { spawn, spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

import { checkNode, generateIfStale, installIfStale, root } from "./lib/fresh.mjs";
import { runCommand } from "./lib/run-command.mjs";

// Copies of other people's contracts keep their own style.
const OWN_PROTOS = ["proto/google", "proto/grpc", "proto/buf"].flatMap((path) => ["--exclude-path", path]);

checkNode();
await runCommand(async () => {
  await installIfStale({ report: (line) => console.log(line) });
  await generateIfStale({ report: (line) => console.log(line) });
  const failed = await runSteps([
    {
      name: "format and lint",
      command: ["biome", "check", "--error-on-warnings", "--max-diagnostics=100", "."],
    },
    { name: "proto format", command: ["buf", "format", "proto", ...OWN_PROTOS, "--diff", "--exit-code"] },
    { name: "proto lint", command: ["buf", "lint"] },
    breakingStep(),
    { name: "types", command: ["tsc", "-b", "--pretty"] },
    { name: "tidy", command: ["tsx", "--conditions=source", "scripts/tidy.ts"] },
  ]);
  console.log(failed.length === 0 ? "check: all passed" : `check: ${failed.join(", ")} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
});

/** Compares the contracts with those of main; says why when there is nothing to compare with. */
function breakingStep() {
  const name = "proto breaking";
  const commit = ["refs/heads/main", "refs/remotes/origin/main"]
    .map((ref) => git("rev-parse", "-q", "--verify", ref))
    .find((each) => each !== "");
  if (commit === undefined) return { name, skipped: "there is no branch main here" };
  if (git("ls-tree", "-d", commit, "proto") === "") return { name, skipped: "main has no contracts yet" };
  const folder = git("rev-parse", "--absolute-git-dir");
  return { name, command: ["buf", "breaking", "--against", `${folder}#format=git,ref=${commit}`] };
}

function git(...args) {
  return spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "";
}

/** Names of the steps that failed. */
async function runSteps(steps) {
  const failed = [];
  for (const { name, command, skipped } of steps) {
    if (skipped !== undefined) {
      console.log(`  skipped ${name}: ${skipped}`);
      continue;
    }
    const begin = Date.now();
    const { code, output } = await run(command);
    const seconds = ((Date.now() - begin) / 1000).toFixed(1);
    console.log(`  ${code === 0 ? "passed" : "FAILED"}  ${name} (${seconds} s)`);
    if (code === 0) continue;
    failed.push(name);
    console.log(output.trimEnd());
  }
  return failed;
}

function run([tool, ...args]) {
  const path = [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter);
  return new Promise((resolve) => {
    const child = spawn(tool, args, { cwd: root, env: { ...process.env, PATH: path } });
    let output = "";
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ code: 1, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
