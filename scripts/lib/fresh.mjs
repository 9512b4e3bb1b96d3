// Installs, generates and compiles what is stale, and nothing else. Plain JavaScript without
// dependencies: it runs on a fresh clone, before anything is installed.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const gen = join(root, "services", "shared", "src", "gen");
const stamp = join(gen, ".stamp");

/** A step that did not succeed, in words for the person who ran the command. */
export class StepError extends Error {}

/** Ends the process with a message when this Node is too old. */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Bourse needs Node 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

/** Brings everything up to date; `report` gets one line per step that had work to do. */
export async function makeFresh({ report }) {
  await installIfStale({ report });
  await generateIfStale({ report });
  await build({ report });
}

/** `npm ci` when node_modules is not what the lock file says. */
export async function installIfStale({ report }) {
  if (isInstalled()) return;
  await step(
    report,
    "installing packages",
    npmCommand(["ci", "--no-audit", "--no-fund", "--loglevel=error"]),
  );
}

/** TypeScript from the protos, when they or the generator changed. */
export async function generateIfStale({ report }) {
  const wanted = hashOf([
    "proto",
    "buf.yaml",
    "buf.gen.yaml",
    "node_modules/@bufbuild/protoc-gen-es/package.json",
  ]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  await step(report, "generating code from the protos", [
    join(root, "node_modules/@bufbuild/buf/bin/buf"),
    "generate",
  ]);
  writeFileSync(stamp, wanted);
}

/** The compiler finds out by itself what is stale; when nothing is, that takes under a second. */
export async function build({ report }) {
  const isFirst = !existsSync(join(root, "services/order-gateway/dist/main.js"));
  await step(isFirst ? report : () => {}, "compiling", [join(root, "node_modules/typescript/bin/tsc"), "-b"]);
}

/** Runs a step with node, silent unless it fails: then with all that it said. */
async function step(report, what, args) {
  const begin = Date.now();
  report(`${what} ...`);
  // Long silence looks like a hang, so the line is repeated with the time that has passed.
  const ticker = setInterval(
    () => report(`${what} ... ${Math.round((Date.now() - begin) / 1000)} s`),
    10_000,
  );
  const { code, output } = await runNode(args);
  clearInterval(ticker);
  if (code !== 0) throw new StepError(`${what} failed (exit ${code}):\n${output.trim()}`);
  report(`${what}: done in ${((Date.now() - begin) / 1000).toFixed(1)} s`);
}

function runNode(args) {
  const path = [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter);
  return new Promise((resolve) => {
    const isShell = args[0] === "npm";
    const child = isShell
      ? spawn(args.join(" "), { cwd: root, shell: true, env: { ...process.env, PATH: path } })
      : spawn(process.execPath, args, { cwd: root, env: { ...process.env, PATH: path } });
    let output = "";
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ code: error.code, output: error.message }));
    child.on("close", (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

// The npm that runs this script, or the one on the path.
function npmCommand(args) {
  const npm = process.env.npm_execpath;
  return npm?.endsWith(".js") ? [npm, ...args] : ["npm", ...args];
}

// Compares what npm wrote down after its last install with the lock file, package by package. Times
// of files would lie after a checkout.
function isInstalled() {
  const installedFile = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return false;
  const wanted = packagesOf(join(root, "package-lock.json"));
  const installed = packagesOf(installedFile);
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (!path.includes("node_modules/") || link) return true;
    const found = installed[path];
    return found === undefined ? optional === true : found.version === version;
  });
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, "utf8")).packages;
}

function hashOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths.flatMap((name) => filesOf(join(root, name)))) {
    hash.update(path.slice(root.length)).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

function filesOf(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}
