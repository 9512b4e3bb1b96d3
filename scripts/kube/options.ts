// What the cluster test understands.
import { parseArgs } from "node:util";
import { type PhaseName, phaseNames, phases } from "./phase-names.js";

export const usage = `usage: scripts/kube-test.sh <kubeconfig> [options]

  Installs the chart into a namespace of its own on any cluster, puts it under load, does everything to it
  that operation brings, and prints what it measured. Needs node, kubectl and helm. Exit code 1 when
  something that must hold does not.

  --tag <tag>          of the images localhost/bourse and localhost/bourse-postgres; default: test
  --skip-images        they are in the cluster already
  --values <file>      values under the test's own; default: charts/bourse/environments/kind.yaml
  --only <phases>      these alone, separated by commas, on what --keep left or on a fresh install
  --list               the phases, and nothing else
  --keep               leaves the namespace and the release
  --namespace <name>   default: bourse-test
  --rate <number>      orders a second of the load; default: 200
  --json <file>        writes the figures there too`;

export interface TestOptions {
  readonly kubeconfig: string;
  readonly tag: string;
  readonly skipImages: boolean;
  readonly valuesFile: string | undefined;
  readonly only: readonly PhaseName[] | undefined;
  readonly keep: boolean;
  readonly namespace: string;
  readonly rate: number;
  readonly jsonFile: string | undefined;
}

/** The options; a text to print in place of a run when one is asked for. Throws with what is wrong. */
export function testOptions(args: readonly string[]): TestOptions | string {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      tag: { type: "string", default: "test" },
      "skip-images": { type: "boolean", default: false },
      values: { type: "string" },
      only: { type: "string" },
      list: { type: "boolean" },
      keep: { type: "boolean", default: false },
      namespace: { type: "string", default: "bourse-test" },
      rate: { type: "string", default: "200" },
      json: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) return usage;
  if (values.list === true) return phases.map(({ name, what }) => `${name.padEnd(16)}${what}`).join("\n");
  const [kubeconfig, ...rest] = positionals;
  if (kubeconfig === undefined || rest.length > 0) throw new Error(`one kubeconfig is needed\n\n${usage}`);
  const rate = Number(values.rate);
  if (!Number.isSafeInteger(rate) || rate < 1) throw new Error(`--rate: ${values.rate} is no whole number`);
  return {
    kubeconfig,
    tag: values.tag,
    skipImages: values["skip-images"],
    valuesFile: values.values,
    only: values.only === undefined ? undefined : values.only.split(",").map(phaseName),
    keep: values.keep,
    namespace: values.namespace,
    rate,
    jsonFile: values.json,
  };
}

function phaseName(text: string): PhaseName {
  const found = phaseNames.find((name) => name === text);
  if (found === undefined)
    throw new Error(`--only: there is no phase ${text}; there are: ${phaseNames.join(", ")}`);
  return found;
}
