// The image's entry: `node services/run.mjs <process> [argument...]`. A process of the exchange runs here and
// not in a child, so that signals reach it as the first process of a container.
//
// Exit codes: those of the process; 64 when there is no such process.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The processes of the exchange, and the compiled file that each is. */
const processes = {
  "order-gateway": "order-gateway/dist/main.js",
  projector: "order-gateway/dist/projector-main.js",
  wallet: "wallet/dist/main.js",
  settler: "wallet/dist/settler-main.js",
  matcher: "matcher/dist/main.js",
  "market-data": "market-data/dist/main.js",
};

/** Tools that run in a cluster too. */
const tools = {
  "migrate-wallet": "wallet/dist/migrate-main.js",
  "migrate-orders": "order-gateway/dist/migrate-main.js",
  smoke: "../scripts/dist/smoke.js",
  load: "../scripts/dist/load.js",
  journal: "matcher/dist/journal-main.js",
};

const programs = { ...processes, ...tools };
const names = [...Object.keys(programs), "preflight"].join(", ");

/** EX_USAGE. */
const exitUsage = 64;

/** Lines of a program that the last word of a failed preflight may quote. */
const quotedLinesMax = 20;

handleEarlySignals();
const [name = "", ...args] = process.argv.slice(2);
if (name === "preflight") process.exitCode = await preflight();
else if (Object.hasOwn(programs, name)) await run(programs[name], args);
else refuse(name);

// The kernel drops a signal that the first process of a container does not handle. Until the process has
// handlers of its own, and after it gave them up, a signal ends it at once, as it would anywhere else.
function handleEarlySignals() {
  for (const [signal, exitCode] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ]) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(exitCode);
    });
  }
}

async function run(program, args) {
  const file = new URL(program, import.meta.url);
  process.argv = [process.argv[0], fileURLToPath(file), ...args];
  await import(file.href);
}

function refuse(name) {
  const why = name === "" ? "no process is named" : `there is no process "${name}"`;
  process.stderr.write(`${why}; one of: ${names}\n`);
  process.exitCode = exitUsage;
}

/**
 * What must hold before a release: the settings of every process can work, then both schemas are up to date.
 * All mistakes of all processes are shown, and the last line says what is wrong. Returns the exit code of
 * the first failure, 0 when there is none.
 */
async function preflight() {
  const checks = await allInOrder(Object.keys(processes), (name) => runChild(name, ["--check"]));
  const isSound = checks.every(({ exitCode }) => exitCode === 0);
  const migrations = isSound ? await allInOrder(["migrate-wallet", "migrate-orders"], runChild) : [];
  const failures = [...checks, ...migrations].filter(({ exitCode }) => exitCode !== 0);
  if (failures.length === 0) {
    process.stdout.write("preflight passed\n");
    return 0;
  }
  const causes = failures.map(({ name, exitCode, said }) => `${name} (exit ${exitCode}): ${said.join(" ")}`);
  process.stderr.write(`preflight failed: ${causes.join("; ")}\n`);
  return failures[0].exitCode;
}

async function allInOrder(names, run) {
  const results = [];
  for (const name of names) results.push(await run(name));
  return results;
}

// A process of its own, because a check ends the process. What it says is passed on under its name.
function runChild(name, args = []) {
  // A pod of the matcher knows its shard by its number; a mistake in any of them shows in the first.
  const env = { BOURSE__MATCHER__SHARD: "0", ...process.env };
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), name, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = [];
  for (const [input, output] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    createInterface({ input }).on("line", (line) => {
      output.write(`${name}: ${line}\n`);
      if (line.trim() !== "" && said.push(line.trim()) > quotedLinesMax) said.shift();
    });
  }
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ name, exitCode: 1, said: [error.message] }));
    child.once("close", (code) => resolve({ name, exitCode: code ?? 1, said }));
  });
}
