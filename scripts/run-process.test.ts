// The entry of the image, on a copy of it whose compiled processes are replaced by small ones or by the
// sources, so that it needs no build.
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const entry = join(root, "services/run.mjs");
const running: ChildProcess[] = [];
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bourse-run-"));
  mkdirSync(join(folder, "services"));
  cpSync(entry, join(folder, "services/run.mjs"));
  cpSync(join(root, "package.json"), join(folder, "package.json"));
});

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

interface Result {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], env: Record<string, string> = {}, nodeArgs: string[] = []) {
  const child = spawn(process.execPath, [...nodeArgs, join(folder, "services/run.mjs"), ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  return child;
}

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  return endOf(start(args, env));
}

function endOf(child: ReturnType<typeof start>): Promise<Result> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.once("close", (exitCode) => resolve({ exitCode, stdout, stderr })));
}

function lineFrom(child: ReturnType<typeof start>): Promise<string> {
  return new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
}

/** Puts a program where the image has a compiled one. */
function put(program: string, source: string): void {
  const file = join(folder, "services", program);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, source);
}

const mains = [
  "order-gateway/dist/main.js",
  "order-gateway/dist/projector-main.js",
  "wallet/dist/main.js",
  "wallet/dist/settler-main.js",
  "matcher/dist/main.js",
  "market-data/dist/main.js",
];

/** Programs that succeed, but for those with a source of their own. */
function putAll(special: Readonly<Record<string, string>> = {}): void {
  const migrations = ["wallet/dist/migrate-main.js", "order-gateway/dist/migrate-main.js"];
  for (const main of [...mains, ...migrations]) put(main, special[main] ?? `console.log("fine");`);
}

function lastLine({ stdout, stderr }: Result): string | undefined {
  return `${stdout}${stderr}`.trim().split("\n").at(-1);
}

test("a process that does not exist is refused with the list of those that do", async () => {
  const { exitCode, stderr } = await run(["walet"]);
  expect(exitCode).toBe(64);
  expect(stderr).toContain('there is no process "walet"');
  for (const name of ["order-gateway", "matcher", "preflight", "smoke", "load", "journal"])
    expect(stderr).toContain(name);
});

test("no argument is refused as well, and so is a name that every object has", async () => {
  const none = await run([]);
  expect(none).toMatchObject({ exitCode: 64 });
  expect(none.stderr).toContain("no process is named");
  expect(await run(["constructor"])).toMatchObject({ exitCode: 64 });
});

test("the process gets the arguments after its name and gives the exit code", async () => {
  put("matcher/dist/journal-main.js", `console.log(process.argv.slice(1).join(" ")); process.exitCode = 65;`);
  const { exitCode, stdout } = await run(["journal", "verify", "/var/lib/bourse"]);
  expect(exitCode).toBe(65);
  expect(stdout.trim()).toMatch(/journal-main\.js verify \/var\/lib\/bourse$/);
});

test("every program that it names has a source", () => {
  const programs = [...readFileSync(entry, "utf8").matchAll(/"([a-z./-]+\/dist\/[a-z-]+)\.js"/g)];
  expect(programs.length).toBeGreaterThan(8);
  // The sources of scripts lie beside their dist, those of a service in src.
  const sources = programs.map(([, program = ""]) =>
    join(root, "services", program.replace("dist/", program.startsWith("../scripts") ? "" : "src/")),
  );
  expect(sources.filter((source) => !existsSync(`${source}.ts`))).toEqual([]);
});

test("a signal ends a process that has no handlers yet", async () => {
  put("wallet/dist/main.js", `console.log("loading"); await new Promise(() => setInterval(() => {}, 1000));`);
  const child = start(["wallet"]);
  await lineFrom(child);
  const ended = endOf(child);
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({ exitCode: 143 });
});

test("a process that has handlers drains at the first signal, and ends at once at the second", async () => {
  put(
    "wallet/dist/main.js",
    `process.once("SIGTERM", () => console.log("draining"));
     setInterval(() => {}, 1000);
     console.log("ready");`,
  );
  const child = start(["wallet"]);
  await lineFrom(child);
  const draining = lineFrom(child);
  child.kill("SIGTERM");
  expect(await draining).toBe("draining");
  const ended = endOf(child);
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({ exitCode: 143 });
});

test("preflight passes when all settings can work and both schemas are up to date", async () => {
  putAll();
  const result = await run(["preflight"]);
  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toContain("migrate-orders: fine");
  expect(lastLine(result)).toBe("preflight passed");
});

test("preflight shows the mistakes of all processes, migrates nothing, and ends with what is wrong", async () => {
  const wrong = (key: string) =>
    `process.stderr.write("settings cannot work:\\n  ${key}: is required\\n"); process.exit(78);`;
  putAll({ "wallet/dist/main.js": wrong("wallet.postgresUrl"), "matcher/dist/main.js": wrong("markets") });
  const result = await run(["preflight"]);
  expect(result.exitCode).toBe(78);
  expect(result.stderr).toContain("wallet:   wallet.postgresUrl: is required");
  expect(result.stdout).not.toContain("migrate");
  expect(lastLine(result)).toBe(
    "preflight failed: wallet (exit 78): settings cannot work: wallet.postgresUrl: is required; " +
      "matcher (exit 78): settings cannot work: markets: is required",
  );
});

test("preflight fails when a migration does, with its exit code and its words", async () => {
  putAll({ "order-gateway/dist/migrate-main.js": `console.error("no such role"); process.exitCode = 3;` });
  const result = await run(["preflight"]);
  expect(result.exitCode).toBe(3);
  expect(lastLine(result)).toBe("preflight failed: migrate-orders (exit 3): no such role");
});

test("preflight checks a matcher without a pod, as its first shard", async () => {
  putAll({ "matcher/dist/main.js": `console.log("shard", process.env.BOURSE__MATCHER__SHARD);` });
  expect((await run(["preflight"])).stdout).toContain("matcher: shard 0\n");
});

test("preflight and --check find what the settings of the real processes lack", async () => {
  for (const main of mains) {
    const source = join(root, "services", main.replace("/dist/", "/src/").replace(/js$/, "ts"));
    put(main, `import ${JSON.stringify(pathToFileURL(source))};`);
  }
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const env = { BOURSE_CONFIG: join(root, "services/local/bourse.yaml") };
  const real = (args: readonly string[], more: Record<string, string> = {}) =>
    endOf(start(args, { ...env, ...more }, ["--conditions=source", "--import", tsx]));

  const preflight = await real(["preflight"]);
  expect(preflight).toMatchObject({ exitCode: 78 });
  for (const section of ["wallet", "orderGateway", "projector"])
    expect(lastLine(preflight)).toContain(`${section}.postgresUrl: is required`);

  const url = { BOURSE__WALLET__POSTGRES_URL: "postgres://bourse_wallet@localhost/bourse" };
  expect(await real(["wallet", "--check"], url)).toMatchObject({ exitCode: 0, stderr: "" });
}, 60_000);
