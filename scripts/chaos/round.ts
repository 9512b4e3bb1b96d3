// One round: load, faults, heal, quiet, audit, and what every client was told held against what happened.
import { setTimeout as pause } from "node:timers/promises";
import { until } from "@bourse/local/testing/evidence.js";
import { type Load, startLoad, type Told } from "@bourse/local/testing/load.js";
import { disagreementsNow, missingDeposits } from "@bourse/local/testing/reconcile.js";
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
const WORDS_AFTER = 60;
/** How long healing may take: restarts, breakers, orphans, final words. */
const HEALED_MS_MAX = 60_000;
/** Orders of earlier rounds that are asked about again. */
const OLD_ORDERS = 40;

export interface RoundOptions {
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
}

/** Runs a round. Fails only when it is given up; everything else is a breach. */
export async function runRound(exchange: ChaosExchange, options: RoundOptions): Promise<RoundResult> {
  const { faults, round, seed } = options;
  const startedAt = performance.now();
  const random = seededRandom((Math.imul(seed, 31) + round) >>> 0);
  const counted = countStruck(exchange);
  const { operator, users } = exchange;
  const load = startLoad(users, { seed: seed + round, prefix: `r${round}`, pauseMs: PAUSE_MS, operator });
  exchange.supervisor.ended.length = 0;
  try {
    const verdict = await breakAndJudge(exchange, load, { ...options, random });
    return {
      ...verdict,
      seconds: (performance.now() - startedAt) / 1_000,
      faults: countKinds(faults),
      struck: counted(),
      told: load.told,
      ended: [...exchange.supervisor.ended],
    };
  } finally {
    load.abandon();
  }
}

type Verdict = Pick<RoundResult, "breaches" | "invariants">;
type Judging = RoundOptions & { readonly random: () => number };

/** Breaks and heals, then audits and compares: also when it does not heal, since these then say more than that. */
async function breakAndJudge(exchange: ChaosExchange, load: Load, options: Judging): Promise<Verdict> {
  const { signal } = options;
  const breaches: string[] = [];
  const attempt = async (step: () => Promise<void>): Promise<boolean> => {
    try {
      await step();
      return true;
    } catch (error) {
      signal.throwIfAborted();
      breaches.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return false;
    }
  };
  const healing = { signal, msMax: options.healMsMax ?? HEALED_MS_MAX };
  const isHealed = await attempt(async () => {
    await Promise.all([strike({ ...exchange, ...options }, options.faults), options.act?.(exchange)]);
    await heal(exchange, load, healing);
  });
  // What does not heal would be placed, and repeated, for ever.
  if (!isHealed) load.abandon();
  let invariants = { held: 0, all: 0 };
  await attempt(async () => {
    const told = [...options.before, ...load.told].map(wordOf);
    const { home, running } = exchange.mesh;
    const findings = await audit(homeExchange(home, running), { told, isQuiet: true });
    const broken = findings.filter((finding) => finding.breaches.length > 0);
    for (const { invariant, breaches: found } of broken)
      breaches.push(...found.map((text) => `${invariant}: ${text}`));
    invariants = { held: findings.length - broken.length, all: findings.length };
  });
  await attempt(async () => {
    const compare = () => toldBreaches(exchange, load, { ...options, isHealed });
    breaches.push(...(await inTime("no answer about what was told", healing, compare)));
  });
  return { breaches, invariants };
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

/** What clients of this round, and some of earlier ones, were told and is not so. */
async function toldBreaches(
  exchange: ChaosExchange,
  load: Load,
  // An exchange that does not heal is not asked.
  options: Judging & { readonly isHealed: boolean },
): Promise<string[]> {
  const { before, isHealed, random } = options;
  const old = Array.from({ length: OLD_ORDERS }, () => before[Math.floor(random() * before.length)]);
  const asked = [...load.told, ...old.filter((word) => word !== undefined)];
  const found = [
    ...(isHealed
      ? await disagreementsNow(exchange, asked, before)
      : await disagreementsNow(exchange, [], [...before, ...load.told])),
    ...(await missingDeposits(exchange.evidence, load.deposits)),
  ];
  return found.map((text) => `told: ${text}`);
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
