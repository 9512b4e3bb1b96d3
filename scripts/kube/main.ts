// The cluster test: scripts/kube-test.sh <kubeconfig>. Everything that operation brings, under load, on a
// real cluster; then the figures, each with what it must be.
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { parse } from "yaml";
import { repoRoot } from "../audit/repo-root.js";
import { Cluster } from "./cluster.js";
import { areMet, tableLines } from "./figures.js";
import { LoadPod } from "./load-pod.js";
import { type TestOptions, testOptions } from "./options.js";
import { type Images, prepareImages, preparePlatform } from "./phases/install.js";
import { Release } from "./release.js";
import { runPhases } from "./run-phases.js";
import type { Session } from "./session.js";
import { mergeValues, testValues, type Values } from "./values.js";

/** The whole test; anything that hangs beyond this is stopped. */
const minutesMax = 60;

async function main(options: TestOptions): Promise<boolean> {
  const startedAtMs = systemClock.monotonicMs();
  const say = (line: string) => {
    const seconds = Math.round((systemClock.monotonicMs() - startedAtMs) / 1_000);
    console.log(`[${String(seconds).padStart(4)} s] ${line}`);
  };
  const stop = stopSignal();
  const { namespace } = options;
  const cluster = new Cluster({ kubeconfig: resolve(options.kubeconfig), namespace, signal: stop.signal });
  await checkReach(cluster);
  const images = await prepareImages({ ...options, kubeconfig: resolve(options.kubeconfig) }, say);
  try {
    await preparePlatform({ kubeconfig: resolve(options.kubeconfig), namespace }, images.postgres, say);
    const session = await openSession(options, cluster, images, say);
    const results = await runPhases(session);
    console.log(["", ...tableLines(session.figures), "", ...results.usageLines].join("\n"));
    const failed = results.failures.length > 0;
    for (const failure of results.failures) console.log(`FAILED: ${failure}`);
    const isMet = areMet(session.figures) && !failed;
    if (options.jsonFile !== undefined)
      await writeFile(
        options.jsonFile,
        `${JSON.stringify({ isMet, figures: session.figures, ...results }, null, 2)}\n`,
      );
    say(isMet ? "everything that must hold holds" : "something that must hold does not");
    return isMet;
  } finally {
    stop.end();
    if (options.keep) say(`namespace ${namespace} is kept`);
    else await removeNamespace(cluster.uninterrupted(), say);
  }
}

async function checkReach(cluster: Cluster): Promise<void> {
  await cluster.kubectl(["version"], { timeoutMs: 20_000 });
  await cluster.helm(["version", "--short"], { timeoutMs: 20_000 });
}

async function openSession(
  options: TestOptions,
  cluster: Cluster,
  images: Images,
  say: (line: string) => void,
): Promise<Session> {
  const file = options.valuesFile ?? join(repoRoot(), "charts", "bourse", "environments", "kind.yaml");
  const given = parse(await readFile(file, "utf8")) as Values;
  const release = new Release(cluster, mergeValues(given, testValues(images.bourse)));
  await release.takeOver();
  const load = new LoadPod(cluster, {
    name: "bourse-load",
    image: images.bourse,
    fullname: release.fullname,
    args: ["--rate", String(options.rate)],
  });
  return { options, cluster, release, load, figures: [], events: [], newMarkets: [], say };
}

/** Ends what is under way on a signal, or when the time is over. */
function stopSignal(): { signal: AbortSignal; end(): void } {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, onSignal);
  const late = setTimeout(() => stop.abort(), minutesMax * 60_000).unref();
  return {
    signal: stop.signal,
    end: () => {
      clearTimeout(late);
      for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, onSignal);
    },
  };
}

async function removeNamespace(cluster: Cluster, say: (line: string) => void): Promise<void> {
  await cluster.kubectl(["delete", "namespace", cluster.namespace, "--ignore-not-found", "--wait=true"], {
    timeoutMs: 180_000,
  });
  say(`namespace ${cluster.namespace} is gone`);
}

try {
  const options = testOptions(process.argv.slice(2));
  if (typeof options === "string") console.log(options);
  else process.exitCode = (await main(options)) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
