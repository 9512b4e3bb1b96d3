// The development loop: skaffold.yaml and the kind cluster that it works on.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Bench } from "./bench.js";
import { misfitsOf } from "./conform.js";
import { run, runOk } from "./run.js";

/** Every profile is understood and renders manifests that fit the newest schemas; kind accepts its cluster. */
export async function checkSkaffold(bench: Bench): Promise<void> {
  for (const profile of ["", ...profilesOf(bench)]) {
    const name = profile === "" ? "no profile" : `profile ${profile}`;
    const chosen = profile === "" ? [] : ["--profile", profile];
    await bench.report.check(`skaffold diagnose: ${name}`, async () => {
      await runOk("skaffold", ["diagnose", "--yaml-only", ...chosen], { cwd: bench.root });
    });
    await bench.report.check(`skaffold render: ${name}`, () => checkRender(bench, profile, chosen));
  }
  await bench.report.check("kind accepts k8s/kind.yaml", () => checkKind(bench));
}

function profilesOf({ root }: Bench): string[] {
  const configs = parseAllDocuments(readFileSync(join(root, "skaffold.yaml"), "utf8"));
  return configs.flatMap((document) => {
    const { profiles = [] } = document.toJS() as { profiles?: { name: string }[] };
    return profiles.map(({ name }) => name);
  });
}

async function checkRender(bench: Bench, profile: string, chosen: readonly string[]): Promise<void> {
  const folder = join(bench.scratch, `skaffold-${profile}`);
  mkdirSync(folder);
  const output = ["--output", join(folder, "rendered.yaml")];
  // An image that is named need not be built: the templates get its name and tag, as after a build.
  const offline = [
    "--offline=true",
    "--digest-source=none",
    "--images",
    "localhost/bourse=localhost/bourse:check",
  ];
  await runOk("skaffold", ["render", ...offline, ...chosen, ...output], { cwd: bench.root });
  const manifests = readFileSync(join(folder, "rendered.yaml"), "utf8");
  if (!manifests.includes("image: localhost/bourse:check")) throw new Error("the image is not rendered");
  const misfits = await misfitsOf([folder], bench.schemas, bench.schemas.versions.at(-1) ?? "");
  if (misfits.size > 0) throw new Error([...misfits.values()].flat().join("\n"));
}

/**
 * kind has no command that only reads its configuration, so it creates a cluster with a docker that does
 * nothing: when it asks for nodes, it has accepted the file.
 */
async function checkKind({ root, scratch }: Bench): Promise<void> {
  const config = join(root, "k8s", "kind.yaml");
  if (!existsSync(config)) throw new Error("there is no k8s/kind.yaml");
  const folder = join(scratch, "docker");
  mkdirSync(folder);
  writeFileSync(join(folder, "docker"), DOCKER_THAT_DOES_NOTHING);
  chmodSync(join(folder, "docker"), 0o755);
  const env = {
    PATH: `${folder}:${process.env.PATH}`,
    HOME: folder,
    KUBECONFIG: join(folder, "kubeconfig"),
    KIND_EXPERIMENTAL_PROVIDER: "docker",
  };
  const ran = await run("kind", ["create", "cluster", "--name", "check", "--config", config], { env });
  if (!ran.output.includes("Ensuring node image")) throw new Error(ran.output);
}

const DOCKER_THAT_DOES_NOTHING = `#!/bin/sh
case "$1" in
  info) echo '{"CgroupDriver":"systemd","CgroupVersion":"2","MemoryLimit":true,"PidsLimit":true,"CPUShares":true}' ;;
  -v | ps | inspect) ;;
  *) exit 1 ;;
esac
`;
