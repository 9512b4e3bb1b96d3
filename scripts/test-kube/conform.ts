// kubeconform over whole folders of rendered manifests: one run for each Kubernetes version, since a
// process for each file would take longer than the check.
import { join } from "node:path";
import { run } from "./run.js";

/** Where the schemas lie that scripts/kube-tools.sh made, and for which versions of Kubernetes. */
export interface Schemas {
  readonly folder: string;
  /** For example v1.34.4. */
  readonly versions: readonly string[];
}

/** A manifest that does not fit its schema, by file. */
export type Misfits = ReadonlyMap<string, string[]>;

interface Resource {
  readonly filename: string;
  readonly kind: string;
  readonly name: string;
  readonly msg: string;
}

/** Kinds that are not checked, because nobody publishes their definition where the tools come from. */
const WITHOUT_SCHEMA = [
  // The operator's module is not on the Go proxy; k8s/platform has an example of one.
  "postgresql.cnpg.io/v1/Cluster",
];

/** What is wrong in manifests, files or folders, for one Kubernetes version; a kind without schema is wrong too. */
export async function misfitsOf(
  manifests: readonly string[],
  schemas: Schemas,
  version: string,
): Promise<Misfits> {
  const locations = [version, "custom"].flatMap((each) => [
    "-schema-location",
    join(schemas.folder, each, "{{.ResourceKind}}{{.KindSuffix}}.json"),
  ]);
  const ran = await run("kubeconform", [
    "-strict",
    "-output",
    "json",
    "-skip",
    WITHOUT_SCHEMA.join(","),
    ...locations,
    ...manifests,
  ]);
  let resources: Resource[];
  try {
    resources = JSON.parse(ran.stdout).resources;
  } catch (cause) {
    throw new Error(`kubeconform (exit ${ran.code})\n${ran.output}`, { cause });
  }
  const misfits = new Map<string, string[]>();
  for (const { filename, kind, name, msg } of resources) {
    misfits.set(filename, [...(misfits.get(filename) ?? []), `${kind} ${name}: ${msg}`]);
  }
  return misfits;
}
