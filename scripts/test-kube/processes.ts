// Whether the processes accept what the chart gives them: their arguments, their environment and the
// settings file of every environment, with a value invented for each secret.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Bench } from "./bench.js";
import { environmentsOf, fileName, type Rendering, template } from "./chart.js";
import { eachAtOnce, run } from "./run.js";

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: unknown; readonly fieldRef?: unknown };
}

interface Workload {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly replicas?: number;
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly args: string[]; readonly env?: EnvVar[] }[] };
    };
  };
}

/** Every process of every environment reads its settings and says that they can work. */
export async function checkProcesses(bench: Bench): Promise<void> {
  for (const rendering of environmentsOf(bench.chart)) {
    await bench.report.check(`settings file: ${rendering.name}`, () => checkOf(bench, rendering));
  }
}

async function checkOf(bench: Bench, rendering: Rendering): Promise<void> {
  const kubernetes = (bench.schemas.versions.at(-1) ?? "").replace(/^v/, "");
  const ran = await template(bench.chart, rendering, { kubernetes, scratch: bench.scratch });
  if (ran.code !== 0) throw new Error(ran.output);
  const objects = parseAllDocuments(ran.stdout).map((document) => document.toJS() as Workload | null);
  const settings = objects.flatMap((object) => object?.data?.["bourse.yaml"] ?? []);
  const [text, ...others] = settings;
  if (text === undefined) throw new Error("no ConfigMap with bourse.yaml is rendered");
  // The preflight has a copy, since it runs before the release's own is there.
  if (others.some((other) => other !== text)) throw new Error("the preflight would check other settings");
  const file = join(bench.scratch, fileName(rendering.name), "bourse.yaml");
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);

  const workloads = objects.filter(
    (object): object is Workload => object?.kind === "Deployment" || object?.kind === "StatefulSet",
  );
  const starts = workloads.flatMap(({ kind, metadata, spec }) => {
    const pods = kind === "StatefulSet" ? (spec?.replicas ?? 1) : 1;
    const [container] = spec?.template.spec.containers ?? [];
    return Array.from({ length: pods }, (_, pod) => ({ name: metadata.name, container, pod }));
  });
  if (starts.length === 0) throw new Error("no workload is rendered");
  await eachAtOnce(starts, async ({ name, container, pod }) => {
    const env = environmentOf(container?.env ?? [], file, pod);
    const args = [join(bench.root, "services", "run.mjs"), ...(container?.args ?? []), "--check"];
    const { code, output } = await run(process.execPath, args, { cwd: bench.root, env });
    if (code !== 0) throw new Error(`${name} (exit ${code})\n${output}`);
  });
}

/** What the container would see: addresses for secrets, the pod's number for what comes from its labels. */
function environmentOf(env: readonly EnvVar[], file: string, pod: number): Record<string, string> {
  const values = env.map(({ name, value, valueFrom }) => {
    if (name === "BOURSE_CONFIG") return [name, file];
    if (valueFrom?.secretKeyRef !== undefined) return [name, "postgres://bourse:secret@postgres:5432/bourse"];
    return [name, valueFrom?.fieldRef === undefined ? (value ?? "") : String(pod)];
  });
  return { PATH: process.env.PATH ?? "", ...Object.fromEntries(values) };
}
