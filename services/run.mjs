// The image's entry: `node services/run.mjs <process> [argument...]`. A process of the exchange runs here and
// not in a child, so that signals reach it as the first process of a container.
//
// Exit codes: those of the process; 64 when there is no such process.
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

/** Ends this process, also while `process.exit` is held back. */
const exit = process.exit.bind(process);

/** Thrown in place of the end of this process. */
class Ended {
  constructor(exitCode) {
    this.exitCode = exitCode;
  }
}

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
      if (process.listenerCount(signal) === 1) exit(exitCode);
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
  // A pod of the matcher knows its shard by its number; here any shard will do.
  process.env.BOURSE__MATCHER__SHARD ??= "0";
  const checks = [];
  for (const name of Object.keys(processes)) checks.push(await attempt(name, ["--check"]));
  const failures = checks.filter(({ exitCode }) => exitCode !== 0);
  if (failures.length === 0) {
    for (const name of ["migrate-wallet", "migrate-orders"]) {
      const migration = await attempt(name, []);
      if (migration.exitCode !== 0) failures.push(migration);
    }
  }
  if (failures.length === 0) {
    process.stdout.write("preflight passed\n");
    return 0;
  }
  const causes = failures.map(({ name, exitCode, said }) => `${name} (exit ${exitCode}): ${said.join(" ")}`);
  process.stderr.write(`preflight failed: ${causes.join("; ")}\n`);
  return failures[0].exitCode;
}

// Runs a program that ends by itself, here: eight processes one after the other would each load the same
// packages, half a second of computing each, and a release waits for them. What it says comes under its name.
async function attempt(name, args) {
  const said = [];
  const release = listen((line) => said.push(line.trim()), name);
  process.exit = (code) => {
    throw new Ended(code ?? 0);
  };
  let exitCode;
  try {
    await run(programs[name], args);
    exitCode = process.exitCode ?? 0;
  } catch (error) {
    if (!(error instanceof Ended)) process.stderr.write(`${error?.message ?? error}\n`);
    exitCode = error instanceof Ended ? error.exitCode : 1;
  } finally {
    release();
    process.exit = exit;
    process.exitCode = undefined;
  }
  return { name, exitCode, said: said.slice(-quotedLinesMax) };
}

/** Puts a name before each line that is written, and tells about it, until the returned function is called. */
function listen(onLine, name) {
  const streams = [process.stdout, process.stderr];
  const writes = streams.map((stream) => stream.write);
  for (const [index, stream] of streams.entries()) {
    stream.write = (chunk, ...rest) => {
      const lines = String(chunk)
        .split("\n")
        .filter((line) => line.trim() !== "");
      lines.forEach(onLine);
      return writes[index].call(stream, lines.map((line) => `${name}: ${line}\n`).join(""), ...rest);
    };
  }
  return () => {
    for (const [index, stream] of streams.entries()) stream.write = writes[index];
  };
}
