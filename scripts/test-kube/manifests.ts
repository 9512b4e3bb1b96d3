// What the chart renders: in every environment, and with every switch turned, alone and with all others on.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import type { Bench } from "./bench.js";
import { environmentsOf, fileName, type Rendering, template, valuesArgs } from "./chart.js";
import { misfitsOf } from "./conform.js";
import { eachAtOnce, run, runOk } from "./run.js";
import { COMPANIONS, SAMPLES, SCORE_ACCEPTED, SCORE_ACCEPTED_ON_ONE_MACHINE, sampleOf } from "./samples.js";
import { emptyLeavesOf, leavesOf, merged, nameOf, togglesOf, valueAt, withValue } from "./toggles.js";

/** `helm lint --strict` for every environment. */
export async function checkLint({ chart, report, scratch }: Bench): Promise<void> {
  for (const rendering of environmentsOf(chart)) {
    await report.check(`helm lint --strict: ${rendering.name}`, async () => {
      await runOk("helm", ["lint", "--strict", chart.folder, ...valuesArgs(rendering, scratch)]);
    });
  }
}

/** The chart's own tests, counted one by one. */
export async function checkUnitTests({ chart, report }: Bench): Promise<void> {
  const ran = await run("helm-unittest", ["--strict", "--color=false", chart.folder]);
  const [, failed = "0", , passed = "0"] =
    /^Tests:\s+(?:(\d+) failed, )?(?:(\d+) errored, )?(\d+) passed/m.exec(ran.output) ?? [];
  for (let count = 0; count < Number(passed); count += 1) await report.check("helm-unittest", () => {});
  if (ran.code === 0 && Number(passed) > 0) return;
  for (let count = 0; count < Math.max(Number(failed), 1); count += 1) {
    await report.check("helm-unittest", () => {
      throw new Error(failuresOf(ran.output));
    });
  }
}

/** A suite that passed says nothing that helps. */
function failuresOf(output: string): string {
  return output
    .split("\n")
    .filter((line) => !line.startsWith(" PASS") && line.trim() !== "")
    .join("\n");
}

/** Every environment: fits the schemas of both versions, is the same twice, and is sound to kube-score. */
export async function checkEnvironments(bench: Bench): Promise<void> {
  const renderings = environmentsOf(bench.chart);
  await checkRenderings(bench, renderings);
  for (const rendering of renderings) {
    await bench.report.check(`renders the same twice: ${rendering.name}`, async () => {
      const [first, second] = await Promise.all([rendered(bench, rendering), rendered(bench, rendering)]);
      if (first !== second)
        throw new Error("two renderings of the same values differ: an upgrade would restart pods");
    });
    await bench.report.check(`kube-score: ${rendering.name}`, () => checkScore(bench, rendering));
  }
}

/** Objects that restart their pods when they change. */
const WORKLOADS = new Set(["Deployment", "StatefulSet"]);

/** A new market is a change of values that matchers pick up as they run. */
export async function checkNewMarket(bench: Bench): Promise<void> {
  const { environments, defaults } = bench.chart;
  for (const [name, file] of environments) {
    await bench.report.check(`a new market restarts nothing: ${name}`, async () => {
      const values = merged(defaults, parse(readFileSync(file, "utf8")));
      const listed = valueAt(values, ["markets"]) as { symbol: string }[];
      const [first] = listed;
      const added = { ...first, symbol: "NEW/USDT", baseAsset: "NEW", quoteAsset: "USDT" };
      const after = await rendered(bench, {
        name: `new market, ${name}`,
        files: [file],
        values: { markets: [...listed, added] },
      });
      const before = await rendered(bench, { name, files: [file] });
      if (before === after) throw new Error("the market is not rendered");
      if (workloadsOf(before) !== workloadsOf(after)) throw new Error("pod templates change");
    });
  }
}

function workloadsOf(manifests: string): string {
  const objects = parseAllDocuments(manifests).map((document) => document.toJS() as { kind: string } | null);
  return JSON.stringify(objects.filter((object) => object !== null && WORKLOADS.has(object.kind)));
}

/** What the exchange stands on in a development cluster. */
export async function checkPlatform({ root, report, schemas }: Bench): Promise<void> {
  const folder = join(root, "k8s", "platform");
  // Values of the chart lie there too; skaffold renders with them.
  const manifests = readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(folder, name))
    .filter((file) => /^kind:/m.test(readFileSync(file, "utf8")));
  for (const version of schemas.versions) {
    await report.check(`Kubernetes ${version}: k8s/platform`, async () => {
      const misfits = [...(await misfitsOf(manifests, schemas, version)).values()];
      if (misfits.length > 0) throw new Error(misfits.flat().join("\n"));
    });
  }
}

async function checkScore(bench: Bench, rendering: Rendering): Promise<void> {
  const file = join(bench.scratch, `${fileName(rendering.name)}.score.yaml`);
  writeFileSync(file, await rendered(bench, rendering));
  const version = (bench.schemas.versions.at(-1) ?? "").replace(/\.\d+$/, "");
  // No CPU limits: throttling stops a matcher in the middle of an order, and requests guarantee its share.
  const options = ["--output-format", "ci", "--kubernetes-version", version, "--ignore-container-cpu-limit"];
  const ran = await run("kube-score", ["score", ...options, file]);
  const accepted = [...SCORE_ACCEPTED, ...(rendering.name === "kind" ? SCORE_ACCEPTED_ON_ONE_MACHINE : [])];
  const lines = ran.output.split("\n").filter((line) => /^\[(CRITICAL|WARNING)\]/.test(line));
  if (ran.code !== 0 && lines.length === 0) throw new Error(ran.output);
  const findings = lines.map((line) => line.replace(/^\[\w+\] /, ""));
  const rest = findings.filter((line) => !accepted.some(({ finding }) => finding.test(line)));
  if (rest.length > 0) throw new Error(rest.join("\n"));
}

/** Every switch turned over the defaults and over all that can be on, and every empty value filled. */
export async function checkToggles(bench: Bench): Promise<void> {
  const { chart, report } = bench;
  const leaves = leavesOf(chart.schema, chart.defaults, (path) => sampleOf(path) !== undefined);
  const toggles = togglesOf(leaves);
  const empty = emptyLeavesOf(leaves);
  await report.check("every value that is empty by default has a sample", () => {
    const missing = empty.filter(({ path }) => sampleOf(path) === undefined).map(({ path }) => nameOf(path));
    if (missing.length > 0)
      throw new Error(`add to SAMPLES in scripts/test-kube/samples.ts: ${missing.join(", ")}`);
  });
  await report.check("every sample is of a value that exists", () => {
    const known = new Set(leaves.flatMap(({ path }) => [nameOf(path), path.at(-1) ?? ""]));
    const stray = Object.keys(SAMPLES).filter((name) => !known.has(name));
    if (stray.length > 0) throw new Error(`no such value: ${stray.join(", ")}`);
  });

  const filled = empty.reduce<unknown>((values, { path }) => {
    const sample = sampleOf(path);
    return sample === undefined || sample.skip !== undefined ? values : withValue(values, path, sample.value);
  }, {});
  const allOn = toggles
    .filter(({ value }) => value === true)
    .reduce<unknown>(
      (values, { path }) => withValue(values, path, true),
      merged(filled, companionsOf(filled)),
    );
  const everything = merged(allOn, companionsOf(allOn));
  const renderings: Rendering[] = [
    { name: "every empty value filled", values: merged(filled, companionsOf(filled)) },
    { name: "everything on", values: everything },
  ];
  for (const { path, value } of toggles) {
    const alone = withValue({}, path, value);
    const together = withValue(everything, path, value === true ? false : value);
    const name = `${nameOf(path)}=${String(value)}`;
    renderings.push({ name, values: merged(companionsOf(alone), alone) });
    renderings.push({
      name: `everything on, ${nameOf(path)}=${String(valueAt(together, path))}`,
      values: merged(companionsOf(together), together),
    });
  }
  await checkRenderings(bench, renderings);
}

/** What a chart with these values must be told besides, for them to make sense. */
function companionsOf(values: unknown): unknown {
  const at = (name: string) => valueAt(values, name.split("."));
  return COMPANIONS.filter(({ when }) => when(at)).reduce<unknown>(
    (all, { needs }) => merged(all, needs),
    {},
  );
}

/** Renders, and holds each result against the schemas of every version. */
async function checkRenderings(bench: Bench, renderings: readonly Rendering[]): Promise<void> {
  const { report, schemas } = bench;
  const folder = join(bench.scratch, `manifests-${performance.now()}`);
  mkdirSync(folder);
  const results = await eachAtOnce(renderings, async (rendering) => {
    const file = join(folder, `${fileName(rendering.name)}.yaml`);
    const outcome = await rendered(bench, rendering).then(
      (text) => ({ text, refusal: undefined }),
      (refusal: Error) => ({ text: undefined, refusal }),
    );
    if (outcome.text !== undefined) writeFileSync(file, outcome.text);
    return { rendering, file, ...outcome };
  });
  for (const { rendering, text, refusal } of results) {
    await report.check(`renders: ${rendering.name}`, () => {
      if (refusal !== undefined) throw refusal;
      checkNamesDiffer(text ?? "");
    });
  }
  for (const version of schemas.versions) {
    const misfits = await misfitsOf([folder], schemas, version);
    for (const { rendering, file, text } of results) {
      if (text === undefined) continue;
      await report.check(`Kubernetes ${version}: ${rendering.name}`, () => {
        const wrong = misfits.get(file) ?? [];
        if (wrong.length > 0) throw new Error(wrong.join("\n"));
      });
    }
  }
}

/** Two objects of one kind and name: the second would silently replace the first. */
function checkNamesDiffer(manifests: string): void {
  const seen = new Set<string>();
  for (const document of parseAllDocuments(manifests)) {
    const object = document.toJS() as { kind: string; metadata: { name: string; namespace?: string } } | null;
    if (object === null) continue;
    const name = `${object.kind} ${object.metadata.namespace ?? ""}/${object.metadata.name}`;
    if (seen.has(name)) throw new Error(`${name} is rendered twice`);
    seen.add(name);
  }
  if (seen.size === 0) throw new Error("nothing is rendered");
}

async function rendered(bench: Bench, rendering: Rendering): Promise<string> {
  const kubernetes = (bench.schemas.versions.at(-1) ?? "").replace(/^v/, "");
  const ran = await template(bench.chart, rendering, { kubernetes, scratch: bench.scratch });
  if (ran.code !== 0) throw new Error(ran.output);
  return ran.stdout;
}
