// From nothing to an exchange that trades.
import { join } from "node:path";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { repoRoot } from "../../audit/repo-root.js";
import { run } from "../command.js";
import { atMost, mustHold } from "../figures.js";
import { type Session, secondsSince } from "../session.js";

const installSecondsMax = 90;

/** The images that a test runs. */
export interface Images {
  readonly bourse: string;
  readonly postgres: string;
}

/** Builds and loads the images, unless they are there; their names. */
export async function prepareImages(
  options: { readonly kubeconfig: string; readonly tag: string; readonly skipImages: boolean },
  say: (line: string) => void,
): Promise<Images> {
  const { kubeconfig, skipImages, tag } = options;
  if (skipImages) return { bourse: `localhost/bourse:${tag}`, postgres: `localhost/bourse-postgres:${tag}` };
  const begunAtMs = systemClock.monotonicMs();
  const script = join(repoRoot(), "scripts", "kube-images.sh");
  const names = await run("bash", [script, tag], { timeoutMs: 1_200_000, env: { KUBECONFIG: kubeconfig } });
  const [bourse, postgres] = names.trim().split("\n").slice(-2);
  if (bourse === undefined || postgres === undefined)
    throw new Error(`kube-images.sh named no images: ${names}`);
  say(`images ${bourse} and ${postgres}: ${secondsSince(begunAtMs)}`);
  return { bourse, postgres };
}

/** Namespace, secrets and a PostgreSQL that is ready. */
export async function preparePlatform(
  options: { readonly kubeconfig: string; readonly namespace: string },
  postgresImage: string,
  say: (line: string) => void,
): Promise<void> {
  const begunAtMs = systemClock.monotonicMs();
  const script = join(repoRoot(), "scripts", "kube-platform.sh");
  await run("bash", [script, options.namespace], {
    timeoutMs: 300_000,
    env: { KUBECONFIG: options.kubeconfig, POSTGRES_IMAGE: postgresImage },
  });
  say(`namespace ${options.namespace}, secrets, PostgreSQL: ${secondsSince(begunAtMs)}`);
}

/** helm install until all is ready, and helm test. */
export async function installRelease({ figures, release, say }: Session): Promise<void> {
  const begunAtMs = systemClock.monotonicMs();
  await release.upgrade({}, { timeoutSeconds: 300 });
  await release.untilReady(60);
  const seconds = (systemClock.monotonicMs() - begunAtMs) / 1_000;
  say(`helm install until all is ready: ${seconds.toFixed(1)} s`);
  figures.push(atMost("helm install to all ready", seconds, installSecondsMax, "s"));
  await testRelease({ figures, release, say }, "helm test");
}

/** helm test, as a figure. */
export async function testRelease(
  { figures, release, say }: Pick<Session, "figures" | "release" | "say">,
  name: string,
): Promise<void> {
  const begunAtMs = systemClock.monotonicMs();
  const said = await release.test(150);
  const last = said.trim().split("\n").at(-1) ?? "";
  say(`${name}: ${secondsSince(begunAtMs)}; ${last}`);
  figures.push(mustHold(name, "passed", "passes", true));
}
