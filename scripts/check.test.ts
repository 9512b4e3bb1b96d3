// The gate itself: a small repository with our settings passes, and each step says what is broken.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

// Six tools a run; half a minute is not enough on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const REPOSITORY = new URL("..", import.meta.url).pathname;
const COPIED = [
  ".gitignore",
  "biome.json",
  "buf.gen.yaml",
  "buf.yaml",
  "package-lock.json",
  "package.json",
  "proto",
  "scripts/check.mjs",
  "scripts/lib",
  "scripts/tidy",
  "scripts/tidy.ts",
  "services/shared/src/errors/domain-error.ts",
];
const TSCONFIG = { compilerOptions: { strict: true, noEmit: true, types: [] }, include: ["services/wallet"] };
const SOURCE = "services/wallet/src/flow/pay.ts";
const GOOD = `/** Pays. */\nexport function pay(amountAtoms: bigint): bigint {\n  return amountAtoms;\n}\n`;

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "check-"));
  for (const path of COPIED) cpSync(join(REPOSITORY, path), join(root, path), { recursive: true });
  symlinkSync(join(REPOSITORY, "node_modules"), join(root, "node_modules"));
  write("tsconfig.json", `${JSON.stringify(TSCONFIG)}\n`);
  write("package.json", `${JSON.stringify({ type: "module" })}\n`);
  write(SOURCE, GOOD);
  git("init", "-q", "-b", "main");
  git("add", "-A", "--", ":!node_modules");
  git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "all");
  execFileSync("node_modules/.bin/biome", ["format", "--write", "."], { cwd: root, stdio: "ignore" });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function git(...args: string[]): void {
  execFileSync("git", args, { cwd: root });
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function check(): { status: number | null; stdout: string } {
  return spawnSync("node", ["scripts/check.mjs"], { cwd: root, encoding: "utf8" });
}

const steps = (output: string) =>
  [...output.matchAll(/^ {2}(passed|FAILED|skipped) +([a-z ]+?)(?: \(|:)/gm)].map(
    (match) => `${match[1]} ${match[2]}`,
  );

test("a repository in order passes every step", () => {
  const { status, stdout } = check();
  expect(stdout).toContain("check: all passed");
  expect(status).toBe(0);
  expect(steps(stdout)).toEqual([
    "passed format and lint",
    "passed proto format",
    "passed proto lint",
    "passed proto breaking",
    "passed types",
    "passed tidy",
  ]);
});

test("what is broken fails its step, with the rule and the place, and all steps run", () => {
  write(SOURCE, `${GOOD}const a: number = "one";\nexport const b = a\n`);
  write(
    "services/wallet/src/flow/broken.ts",
    `async function work(): Promise<void> {}
export function run(value: any): void {
  work();
  void value;
}
export enum Side {
  Buy,
}
export default run;
`,
  );
  write("services/wallet/src/flow/bigFile.test.ts", "export const c = 1;\n");
  const wallet = "proto/bourse/wallet/v1/broken.proto";
  write(wallet, `syntax = "proto3";\npackage bourse.wallet.v1;\nmessage   Broken { string name = 1; }\n`);
  rmSync(join(root, "proto/bourse/market_data"), { recursive: true });

  const { status, stdout } = check();
  expect(status).toBe(1);
  expect(steps(stdout)).toEqual([
    "FAILED format and lint",
    "FAILED proto format",
    "FAILED proto lint",
    "FAILED proto breaking",
    "FAILED types",
    "FAILED tidy",
  ]);
  for (const rule of ["noFloatingPromises", "noExplicitAny", "noDefaultExport", "noEnum", "pay.ts format"]) {
    expect(stdout).toContain(rule);
  }
  expect(stdout).toContain(`Message "Broken" should have a non-empty comment`);
  expect(stdout).toContain("market_data.proto");
  expect(stdout).toContain("TS2322");
  expect(stdout).toContain("bigFile.test.ts names: not in kebab-case");
});

test("without a branch main the comparison of contracts is skipped, and the reason is said", () => {
  git("branch", "-m", "other");
  expect(check().stdout).toContain("skipped proto breaking: there is no branch main here");
});
