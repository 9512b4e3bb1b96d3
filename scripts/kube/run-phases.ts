// The phases in their order. One that fails is looked into, and the next begins if the release is well.
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { diagnose } from "./diagnose.js";
import { type LoadPhaseName, loadPhases, type PhaseName } from "./phase-names.js";
import { refuseBadInput } from "./phases/bad-input.js";
import { failUpgrades } from "./phases/failed-upgrade.js";
import { auditRelease, finishLoad } from "./phases/finish.js";
import { addMarket, addShard, scaleGateways } from "./phases/growth.js";
import { installRelease, testRelease } from "./phases/install.js";
import { deleteEach, drainNode, killMatchers } from "./phases/pods.js";
import { rollEverything } from "./phases/rollout.js";
import { compareThroughput } from "./phases/throughput.js";
import type { Session } from "./session.js";
import { type PodUsage, readUsage, usageLines } from "./usage.js";

/** What there is to report besides the figures. */
export interface Results {
  /** Phases that failed, in words. */
  readonly failures: readonly string[];
  readonly idle: readonly PodUsage[];
  readonly underLoad: readonly PodUsage[];
  readonly usageLines: readonly string[];
}

const underLoad: Readonly<Record<LoadPhaseName, (session: Session) => Promise<void>>> = {
  rollout: rollEverything,
  delete: deleteEach,
  drain: drainNode,
  kill: killMatchers,
  scale: scaleGateways,
  market: addMarket,
  shard: addShard,
  "failed-upgrade": failUpgrades,
};

const meterMs = 30_000;

/** A failure after which nothing further makes sense. */
class Unwell extends Error {}

/** Runs the phases that were asked for. */
export async function runPhases(session: Session): Promise<Results> {
  const { cluster, options, release, say } = session;
  const wants = (name: PhaseName) => options.only === undefined || options.only.includes(name);
  const failures: string[] = [];
  let idle: readonly PodUsage[] = [];
  let loaded: readonly PodUsage[] = [];

  const phase = async (name: string, work: () => Promise<unknown>) => {
    say(`--- ${name}`);
    try {
      await work();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      failures.push(`${name}: ${why}`);
      say(`${name} failed: ${why}\n${await diagnose(cluster.uninterrupted())}`);
      await release.untilReady(120).catch((cause: unknown) => {
        throw new Unwell(`after ${name}`, { cause });
      });
    }
  };

  try {
    if (wants("install") || !(await release.isInstalled()))
      await phase("install", () => installRelease(session));
    const wanted = loadPhases.map(({ name }) => name).filter(wants);
    if (wanted.length > 0) {
      await phase("usage when idle", async () => {
        idle = (await readUsage(cluster, release.selector)) ?? [];
      });
      say(`--- load: ${options.rate} orders a second`);
      await session.load.start();
      await phase("usage under load", async () => {
        // The meter averages over what was before, so it needs a while of nothing but load.
        await systemClock.sleep(meterMs);
        loaded = (await readUsage(cluster, release.selector)) ?? [];
      });
      for (const name of wanted) await phase(name, () => underLoad[name](session));
      await phase("end of the load", () => finishLoad(session));
      await phase("helm test after all of it", () => testRelease(session, "helm test after all of it"));
    }
    if (wants("audit")) await phase("audit", () => auditRelease(session));
    if (wants("bad-input")) await phase("bad-input", () => refuseBadInput(session));
    if (wants("throughput")) await phase("throughput", () => compareThroughput(session));
  } catch (error) {
    failures.push(error instanceof Error ? `stopped: ${error.message}` : String(error));
  }
  return { failures, idle, underLoad: loaded, usageLines: usageLines(idle, loaded) };
}
