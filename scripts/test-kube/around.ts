// What stands around the chart: its generated page, the shell scripts, the workflows.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "./bench.js";
import { run, runOk } from "./run.js";

/** The page of the chart is what helm-docs makes of the values. */
export async function checkDocuments({ chart, report }: Bench): Promise<void> {
  await report.check("charts/bourse/README.md is up to date (helm-docs)", async () => {
    const args = ["--dry-run", "--log-level", "warning", "--sort-values-order", "file"];
    const { stdout } = await runOk("helm-docs", [...args, "--chart-search-root", chart.folder]);
    const page = readFileSync(join(chart.folder, "README.md"), "utf8");
    const difference = firstDifference(page, stdout);
    if (difference !== undefined) {
      throw new Error(
        `run helm-docs --sort-values-order file --chart-search-root charts/bourse\n${difference}`,
      );
    }
  });
}

function firstDifference(page: string, wanted: string): string | undefined {
  const [have, want] = [page.trimEnd().split("\n"), wanted.trimEnd().split("\n")];
  const line = Array.from({ length: Math.max(have.length, want.length) }).findIndex(
    (_, index) => have[index] !== want[index],
  );
  if (line < 0) return undefined;
  return `line ${line + 1} is\n  ${have[line] ?? "(nothing)"}\nand would be\n  ${want[line] ?? "(nothing)"}`;
}

/** Every shell script: by shellcheck where there is one, else by bash itself. */
export async function checkScripts({ root, report }: Bench): Promise<void> {
  const { stdout } = await runOk("git", ["ls-files", "--", "scripts/*.sh", "k8s/*.sh", ".ci/run"], {
    cwd: root,
  });
  const hasShellcheck = (await run("shellcheck", ["--version"])).code === 0;
  const [program, ...options] = hasShellcheck ? ["shellcheck", "--external-sources"] : ["bash", "-n"];
  for (const path of stdout.split("\n").filter((line) => line !== "")) {
    await report.check(`${program} ${path}`, async () => {
      await runOk(program as string, [...options, path], { cwd: root });
    });
  }
}

const PINNED = /^(\.\/|[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d)/;

/** Workflows are what GitHub understands, and run no action that somebody could move under them. */
export async function checkWorkflows({ root, report }: Bench): Promise<void> {
  await report.check("actionlint", async () => {
    await runOk("actionlint", ["-no-color"], { cwd: root });
  });
  const folders = [".github/workflows", ".github/actions"];
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.ya?ml$/.test(path))
      .map((path) => join(folder, path)),
  );
  for (const path of paths) {
    await report.check(`actions are pinned by commit: ${path}`, () => {
      const used = [...readFileSync(join(root, path), "utf8").matchAll(/^\s*(?:- )?uses: (.+)$/gm)];
      const loose = used.map(([, target = ""]) => target).filter((target) => !PINNED.test(target));
      if (loose.length > 0) throw new Error(loose.join("\n"));
    });
    await report.check(`runs what there is: ${path}`, () => {
      const missing = commandsOf(readFileSync(join(root, path), "utf8")).filter(
        (command) => !existsIn(root, command),
      );
      if (missing.length > 0) throw new Error(`there is no ${missing.join(", ")}`);
    });
  }
}

/** Scripts of the repository and of package.json that a text names. */
function commandsOf(text: string): string[] {
  return [
    ...text.matchAll(/(?:\bscripts\/[\w./-]+\.(?:sh|mjs)|\bnpm run [\w:-]+|\.ci\/run|\bcharts\/[\w/-]+)/g),
  ].map(([command]) => command);
}

function existsIn(root: string, command: string): boolean {
  const script = /^npm run (.+)$/.exec(command)?.[1];
  if (script === undefined) return existsSync(join(root, command));
  return script in JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts;
}
