// The chart as these checks see it: its schema, its values, its environments, and what Helm makes of them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { type Ran, run } from "./run.js";
import type { Schema } from "./toggles.js";

/** A Helm release as the checks render it: the name and namespace that the documents use. */
const RELEASE = ["bourse", "--namespace", "bourse"];

/** What lies in the chart's folder, read once. */
export interface Chart {
  readonly folder: string;
  readonly schema: Schema;
  readonly defaults: unknown;
  /** Values files of the environments by name: kind, staging, production. */
  readonly environments: ReadonlyMap<string, string>;
}

/** One way to render the chart; `values` lie over the files. */
export interface Rendering {
  readonly name: string;
  readonly files?: readonly string[];
  readonly values?: unknown;
}

/** Reads the chart of the repository at `root`. */
export function readChart(root: string): Chart {
  const folder = join(root, "charts", "bourse");
  const environments = readdirSync(join(folder, "environments")).filter((name) => name.endsWith(".yaml"));
  return {
    folder,
    schema: JSON.parse(readFileSync(join(folder, "values.schema.json"), "utf8")),
    defaults: parse(readFileSync(join(folder, "values.yaml"), "utf8")),
    environments: new Map(
      environments.map((name) => [basename(name, ".yaml"), join(folder, "environments", name)]),
    ),
  };
}

/** The chart's own values, and each environment, as ways to render it. */
export function environmentsOf(chart: Chart): Rendering[] {
  const named = [...chart.environments].map(([name, file]) => ({ name, files: [file] }));
  return [{ name: "defaults" }, ...named];
}

/** `helm template`, for a Kubernetes version as 1.34.4; `scratch` takes the values. Refusals are results. */
export function template(
  chart: Chart,
  rendering: Rendering,
  options: { readonly kubernetes: string; readonly scratch: string },
): Promise<Ran> {
  const args = ["template", ...RELEASE, chart.folder, "--kube-version", options.kubernetes];
  return run("helm", [...args, ...valuesArgs(rendering, options.scratch)]);
}

/** The arguments that give Helm the values of a rendering. */
export function valuesArgs({ name, files = [], values }: Rendering, scratch: string): string[] {
  const args = files.flatMap((file) => ["--values", file]);
  if (values === undefined) return args;
  const file = join(scratch, `${fileName(name)}.values.yaml`);
  // JSON is YAML with quotes: Helm would read a bare off, as others write it, as false.
  writeFileSync(file, JSON.stringify(values));
  return [...args, "--values", file];
}

/** A name as a file name. */
export function fileName(name: string): string {
  return name.replace(/[^A-Za-z0-9.=-]+/g, "_").slice(0, FILE_NAME_LENGTH_MAX);
}

const FILE_NAME_LENGTH_MAX = 120;
