// `npm test [-- filter]`: brings the project up to date, runs the tests, and ends with one line made
// from the runner's report: "N passed, N failed".
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { build, checkNode, generateIfStale, installIfStale, root } from "./lib/fresh.mjs";
import { runCommand } from "./lib/run-command.mjs";

checkNode();
await runCommand(async () => {
  const report = { report: (line) => console.log(line) };
  const filters = process.argv.slice(2);
  await installIfStale(report);
  await generateIfStale(report);
  // Tests run the sources, so a part of them needs no build; the whole run says first whether all compiles.
  if (filters.length === 0) await build(report);
  const folder = mkdtempSync(join(tmpdir(), "bourse-test-report-"));
  try {
    const file = join(folder, "report.json");
    const code = await runVitest(file, filters);
    const { passed, failed } = countOf(file);
    // The runner also fails for what belongs to no test: an unhandled error, no file that matches.
    const isBad = code !== 0 || failed > 0 || passed === 0;
    process.exitCode = isBad ? 1 : 0;
    console.log(`${passed} passed, ${isBad ? Math.max(failed, 1) : failed} failed`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function runVitest(report, filters) {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const child = spawn(process.execPath, [vitest, "run", ...reporters, ...filters], {
    cwd: root,
    stdio: "inherit",
  });
  // Ctrl-C reaches the runner too; this process only waits for it to finish cleaning up.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve) => {
    child.on("error", () => resolve(1));
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** Passed and failed tests; a file that could not even be loaded counts as one failed. */
function countOf(report) {
  if (!existsSync(report)) return { passed: 0, failed: 0 };
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  const files = testResults.map(({ status, assertionResults }) => {
    const passed = assertionResults.filter((test) => test.status === "passed").length;
    const failed = assertionResults.filter((test) => test.status === "failed").length;
    return { passed, failed: failed === 0 && status === "failed" ? 1 : failed };
  });
  return {
    passed: files.reduce((sum, file) => sum + file.passed, 0),
    failed: files.reduce((sum, file) => sum + file.failed, 0),
  };
}
