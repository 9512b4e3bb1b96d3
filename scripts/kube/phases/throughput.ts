// Orders a second in the cluster against the same processes on this machine, in turns, so that whatever
// else the machine does weighs on both.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMesh } from "@bourse/local/mesh.js";
import { defaultSettingsFile } from "@bourse/local/settings.js";
import { parse } from "yaml";
import { repoRoot } from "../../audit/repo-root.js";
import { loadUsers, operator } from "../../kube-secrets/users.js";
import type { LastWord } from "../../load/summary.js";
import { run } from "../command.js";
import { atLeast } from "../figures.js";
import { LoadPod } from "../load-pod.js";
import type { Session } from "../session.js";
import { marketsOf, shardsOf, type Values } from "../values.js";

const secondsPerRun = 20;
const warmUpSeconds = 8;
const rounds = 2;
const ratioMin = 0.7;
const inFlight = 64;

/** Runs both, in turns; the ratio of their sums. */
export async function compareThroughput(session: Session): Promise<void> {
  const { figures, release, say } = session;
  // The same processes: one of each kind, as on one machine.
  const one = { replicas: 1 };
  const values = release.values;
  await release.upgrade({ wallet: one, orderGateway: one, marketData: one, projector: one, settler: one });
  await release.untilReady(90);
  const home = await mkdtemp(join(tmpdir(), "bourse-host-"));
  const settingsFile = join(home, "bourse.yaml");
  await writeFile(settingsFile, JSON.stringify(await hostSettings(values)));
  const mesh = await startMesh({ home: join(home, "state"), ports: "free", settingsFile });
  try {
    const tokens = await Promise.all(loadUsers.map((user) => mesh.token(user)));
    const env = {
      BOURSE_ADDRESS: mesh.running.grpcAddress,
      OPERATOR_TOKEN: await mesh.token(operator),
      LOAD_TOKENS: tokens.join("\n"),
    };
    const runs = { cluster: [] as LastWord[], host: [] as LastWord[] };
    await inCluster(session, warmUpSeconds);
    await onHost(env, warmUpSeconds);
    for (let round = 0; round < rounds; round += 1) {
      runs.cluster.push(await inCluster(session, secondsPerRun));
      runs.host.push(await onHost(env, secondsPerRun));
      say(
        `round ${round + 1}: cluster ${rateText(runs.cluster.at(-1))}, this machine ${rateText(runs.host.at(-1))}`,
      );
    }
    const rate = (all: readonly LastWord[]) =>
      all.reduce((sum, { ratePerSecond }) => sum + ratePerSecond, 0) / rounds;
    const [cluster, host] = [rate(runs.cluster), rate(runs.host)];
    figures.push(
      { what: "orders a second in the cluster, 64 in flight", value: cluster.toFixed(0) },
      { what: "orders a second of the same processes here", value: host.toFixed(0) },
      atLeast("throughput in the cluster against here", cluster / host, ratioMin, " times"),
    );
  } finally {
    await mesh.stop();
    await rm(home, { recursive: true, force: true });
  }
}

async function inCluster({ cluster, release, say }: Session, seconds: number): Promise<LastWord> {
  const { repository, tag } = release.values.image as { repository: string; tag: string };
  const pod = new LoadPod(cluster, {
    name: "bourse-throughput",
    image: `${repository}:${tag}`,
    fullname: release.fullname,
    args: loadArgs(seconds),
  });
  try {
    await pod.start();
    return await pod.untilEnded(seconds + 120);
  } catch (error) {
    say(await pod.log());
    throw error;
  } finally {
    await pod.remove();
  }
}

async function onHost(env: Record<string, string>, seconds: number): Promise<LastWord> {
  const file = join(repoRoot(), "scripts", "dist", "load.js");
  const said = await run(process.execPath, [file, ...loadArgs(seconds)], {
    timeoutMs: (seconds + 120) * 1_000,
    env,
  });
  return JSON.parse(said.trim().split("\n").at(-1) ?? "{}") as LastWord;
}

function loadArgs(seconds: number): string[] {
  return ["load", "--in-flight", String(inFlight), "--seconds", String(seconds)].slice(1);
}

/** The settings of this machine with the release's markets, shards and limits. */
async function hostSettings(values: Values): Promise<Values> {
  const settings = parse(await readFile(defaultSettingsFile, "utf8")) as Values;
  const gateway = (values.orderGateway as Values).settings as Values;
  return {
    ...settings,
    shards: Array.from({ length: shardsOf(values) }, (_, shard) => ({
      shard,
      address: `127.0.0.1:${50_060 + shard}`,
    })),
    markets: marketsOf(values),
    orderGateway: { ...(settings.orderGateway as Values), ...gateway },
  };
}

function rateText(summary: LastWord | undefined): string {
  return `${summary?.ratePerSecond ?? 0} orders/s, p99 ${summary?.p99Ms ?? 0} ms`;
}
