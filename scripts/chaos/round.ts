// One round: load, faults, heal, quiet, audit, and what every client was told held against what happened.
import { setTimeout as pause } from "node:timers/promises";
import { until } from "@bourse/local/testing/evidence.js";
import { type Load, startLoad, type Told } from "@bourse/local/testing/load.js";
import { disagreements, missingDeposits } from "@bourse/local/testing/reconcile.js";
import { EndReason } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { audit } from "../audit/audit-run.js";
import { homeExchange } from "../audit/home-exchange.js";
import type { ToldWord } from "../audit/told.js";
import type { ChaosExchange } from "./exchange.js";
import type { Fault, FaultKind } from "./plan.js";
import { strike } from "./strike.js";

/** What a round came to. */
export interface RoundResult {
  readonly seconds: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** COMMITs that were cut, messages that were repeated and held back. */
  readonly struck: { readonly commits: number; readonly repeats: number; readonly held: number };
  readonly told: readonly Told[];
  /** Processes that ended by themselves, because of a fault, and were started again. */
  readonly ended: readonly string[];
  readonly invariants: { readonly held: number; readonly all: number };
  /** What is wrong; empty when nothing is. */
  readonly breaches: readonly string[];
}

/** Mean pause of a client between two calls. */
const PAUSE_MS = 150;
/** Final words after the faults, before the load ends: the exchange serves again. */
const WORDS_AFTER = 30;
/** How long healing may take: restarts, breakers, orphans, final words. */
const HEALED_MS_MAX = 60_000;
/** Orders of earlier rounds that are asked about again. */
const OLD_ORDERS = 40;

/** Runs a round. Fails only when it is given up; everything else is a breach. */
export async function runRound(
  exchange: ChaosExchange,
  options: {
    readonly seed: number;
    readonly round: number;
    readonly faults: readonly Fault[];
    /** What was told in earlier rounds of this exchange. */
    readonly before: readonly Told[];
    readonly signal: AbortSignal;
    /** Something else that happens beside the faults. */
    readonly act?: (exchange: ChaosExchange) => Promise<void>;
    /** How long each step of healing may take; a minute by default. */
    readonly healMsMax?: number;
  },
): Promise<RoundResult> {
  const { faults, round, seed, signal } = options;
  const startedAt = performance.now();
  const random = seededRandom((Math.imul(seed, 31) + round) >>> 0);
  const counted = countStruck(exchange);
  const { operator, users } = exchange;
  const load = startLoad(users, { seed: seed + round, prefix: `r${round}`, pauseMs: PAUSE_MS, operator });
  exchange.supervisor.ended.length = 0;
  const breaches: string[] = [];
  let invariants = { held: 0, all: 0 };
  const attempt = async (step: () => Promise<void>) => {
    try {
      await step();
    } catch (error) {
      signal.throwIfAborted();
      breaches.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  };
  try {
    const acting = options.act?.(exchange);
    await strike({ ...exchange, random, signal }, faults);
    await attempt(async () => {
      await acting;
      await heal(exchange, load, { signal, msMax: options.healMsMax ?? HEALED_MS_MAX });
    });
    // Also when it does not heal: the audit then says more than that.
    await attempt(async () => {
      const found = await check(exchange, load, { ...options, random });
      breaches.push(...found.breaches);
      invariants = found.invariants;
    });
  } finally {
    load.abandon();
  }
  return {
    seconds: (performance.now() - startedAt) / 1_000,
    faults: countKinds(faults),
    struck: counted(),
    told: load.told,
    ended: [...exchange.supervisor.ended],
    invariants,
    breaches,
  };
}

interface HealOptions {
  readonly signal: AbortSignal;
  readonly msMax: number;
}

/** Opens every way, waits until everything runs and serves, and ends the load with its final words. */
async function heal(exchange: ChaosExchange, load: Load, options: HealOptions): Promise<void> {
  const { mesh, supervisor, ways } = exchange;
  const { msMax } = options;
  ways.heal();
  await inTime("not everything is ready again", options, async () => {
    await supervisor.allStarted();
    await mesh.untilReady();
  });
  await inTime("no final words after the faults", options, () => load.untilTold(WORDS_AFTER));
  await inTime("calls without a final word", options, () => load.stop());
  await inTime("messages that are held back", options, () => until(async () => ways.pending() === 0, msMax));
  await inTime("not settled, or orphans left", options, () => untilQuiet(exchange, msMax));
}

/** Resolves when followers are at the end of the journals and no reservation is unknown to its shard. */
async function untilQuiet({ evidence }: ChaosExchange, msMax: number): Promise<void> {
  await evidence.untilSettled(msMax);
  await until(async () => {
    const [row] = await evidence.query<{ orphans: number }>(
      "SELECT count(*)::int AS orphans FROM wallet.reservations WHERE state = 'ACTIVE' AND NOT sequenced",
    );
    return row?.orphans === 0;
  }, msMax);
  await evidence.untilSettled(msMax);
}

async function check(
  exchange: ChaosExchange,
  load: Load,
  { before, random }: { readonly before: readonly Told[]; readonly random: () => number },
): Promise<{ breaches: string[]; invariants: { held: number; all: number } }> {
  const { evidence, mesh } = exchange;
  const words = [...before, ...load.told].map(wordOf);
  const findings = await audit(homeExchange(mesh.home, mesh.running), { told: words, isQuiet: true });
  const broken = findings.filter((finding) => finding.breaches.length > 0);
  const old = Array.from({ length: OLD_ORDERS }, () => before[Math.floor(random() * before.length)]);
  const told = [...load.told, ...old.filter((word) => word !== undefined)];
  const disagreeing = await disagreements(exchange, told, before);
  return {
    breaches: [
      ...broken.flatMap(({ invariant, breaches }) => breaches.map((text) => `${invariant}: ${text}`)),
      ...disagreeing.map((text) => `told: ${text}`),
      ...(await missingDeposits(evidence, load.deposits)).map((text) => `told: ${text}`),
    ],
    invariants: { held: findings.length - broken.length, all: findings.length },
  };
}

function wordOf({ atMs, order, sent, user }: Told): ToldWord {
  const isNone = order === undefined || order.reason === EndReason.NOT_SEQUENCED;
  return {
    userId: user.id,
    clientOrderId: sent.clientOrderId,
    word: isNone ? "none" : "acknowledged",
    atMs,
  };
}

/** Runs a step of healing; a step that lasts too long is a breach, named. */
async function inTime<T>(what: string, { msMax, signal }: HealOptions, run: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const limit = pause(msMax, undefined, { signal: AbortSignal.any([over.signal, signal]) }).then(() => {
    throw new Error(`not within ${msMax / 1_000} s`);
  });
  try {
    return await Promise.race([run(), limit]);
  } catch (error) {
    throw new Error(`after the faults: ${what}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  } finally {
    over.abort();
    limit.catch(() => undefined);
  }
}

function countKinds(faults: readonly Fault[]): Map<FaultKind, number> {
  const counts = new Map<FaultKind, number>();
  for (const { kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** What proxies and relays did from now on. */
function countStruck({ ways }: ChaosExchange): () => RoundResult["struck"] {
  const before = ways.struck();
  return () => {
    const after = ways.struck();
    return {
      commits: after.commits - before.commits,
      repeats: after.repeats - before.repeats,
      held: after.held - before.held,
    };
  };
}
