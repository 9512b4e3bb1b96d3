// One replay from start to verdict.
import { drive } from "./drive.js";
import { percentile, sorted } from "./figures.js";
import { type Floor, watchFloors } from "./floors.js";
import { type Figure, historyFigures } from "./history.js";
import {
  type Amounts,
  expectedHoldings,
  type Holding,
  joinTrades,
  observedEvents,
  observedResting,
  reconcileOrders,
} from "./observed.js";
import { readOrders, readTradeHalves, untilHistoryIsWhole, untilHoldings } from "./read-back.js";
import {
  type Command,
  type ReplayEvent,
  type RestingOrder,
  type Scale,
  scaleBook,
  scaleCommands,
  scaleEvents,
  scaleOf,
  scaleResting,
} from "./scale.js";
import type { ReplaySet } from "./set.js";
import { type Stage, setStage } from "./stage.js";
import type { Target } from "./target.js";
import { type Check, checkFacts, compareDepth, compareEvents, compareResting, isPassed } from "./verdict.js";

/** How long settlement may lag behind the last answer. */
const settledWithinMs = 120_000;

export interface ReplayOptions {
  readonly set: ReplaySet;
  readonly target: Target;
  readonly shard: number;
  readonly windowMax: number;
  readonly rate: number | undefined;
  readonly signal: AbortSignal;
  readonly onReady?: (about: Readonly<Prepared & { stage: Stage }>) => void;
  readonly onProgress: (answered: number) => void;
  readonly onFault: (text: string) => void;
}

/** A set in ticks and lots. */
export interface Prepared {
  readonly scale: Scale;
  readonly commands: readonly Command[];
  readonly events: readonly ReplayEvent[];
  readonly resting: readonly RestingOrder[];
}

/** What a replay found. */
export interface ReplayReport {
  readonly checks: readonly Check[];
  readonly figures: readonly Figure[];
  readonly conservation: readonly ConservationLine[];
  readonly commands: number;
  /** From the first command to the last answer, and to the last settlement. */
  readonly answeredMs: number;
  readonly settledMs: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly p999: number };
  readonly floors: readonly Floor[];
  readonly reconnects: number;
  readonly renewals: number;
  readonly isPassed: boolean;
}

/** What came in of an asset and what is held of it, in atoms. */
export interface ConservationLine {
  readonly asset: string;
  readonly deposited: bigint;
  readonly held: bigint;
}

/** Scales a set; throws, before anything is sent, when it cannot be replayed. */
export function prepare(set: ReplaySet): Prepared {
  const scale = scaleOf(set.commands);
  return {
    scale,
    commands: scaleCommands(set.commands, scale),
    events: scaleEvents(set.events, scale),
    resting: scaleResting(set.resting, scale),
  };
}

/** Replays a set and judges what came of it. */
export async function runReplay(options: ReplayOptions): Promise<ReplayReport> {
  const { set, target } = options;
  const prepared = prepare(set);
  const { scale, commands, events } = prepared;
  const { shard, signal } = options;
  const stage = await setStage({ target, commands, events, scale, shard, signal });
  try {
    options.onReady?.({ ...prepared, stage });
    const floors = await watchFloors(target.running);
    const result = await drive({
      stage,
      scale,
      commands,
      checkpoints: new Set(set.depth.map(({ afterN }) => afterN)),
      windowMax: options.windowMax,
      rate: options.rate,
      onProgress: options.onProgress,
      onFault: ({ reason }) =>
        options.onFault(`the stream broke (${reason}), sending again what is unanswered`),
    });
    return await judge(options, prepared, stage, result, await floors());
  } finally {
    stage.close();
  }
}

async function judge(
  { set }: ReplayOptions,
  { scale, commands, events, resting }: Prepared,
  stage: Stage,
  result: Awaited<ReturnType<typeof drive>>,
  floors: readonly Floor[],
): Promise<ReplayReport> {
  const { answers, idOf } = result;
  const deposits = { buyer: stage.buyer.deposits, seller: stage.seller.deposits };
  // The reference says what balances must become; settlement is over when they are so.
  const referenceTrades = tradesOf(events);
  const expected = expectedHoldings(deposits, referenceTrades, resting, scale);
  const settled = await untilHoldings(stage, (held) => isSame(held, expected), settledWithinMs);
  await untilHistoryIsWhole(stage, scale, commands);
  const halves = await readTradeHalves(stage, scale);
  const orders = await readOrders(stage, scale);
  const { trades, breaches } = joinTrades(halves);
  const observed = observedEvents(commands, answers, trades, idOf);
  const depth = new Map(set.depth.map((row) => [row.afterN, scaleBook(row, scale)]));
  const conservation = conservationOf(stage, settled.holdings);
  const reconciled = reconcileOrders(commands, answers, orders, trades, idOf);
  const checks = [
    checkFacts("commands answered", commands.length, result.surprises),
    compareEvents(events, observed, scale),
    checkFacts("trades joined", trades.length, breaches),
    compareDepth(depth, result.books, scale),
    compareResting(resting, observedResting(orders, idOf), scale),
    checkFacts("orders listed as told", orders.length, reconciled),
    checkFacts("balances settled", 8, differences(settled.holdings, expected)),
    checkFacts("conservation", 2, conservation.flatMap(breachOf)),
  ];
  const latencies = sorted(result.latenciesMs);
  return {
    checks,
    figures: historyFigures(set, scale, commands, observed),
    conservation,
    commands: commands.length,
    answeredMs: result.answeredAtMs - result.startedAtMs,
    settledMs: settled.readAtMs - result.startedAtMs,
    latencyMs: {
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      p999: percentile(latencies, 0.999),
    },
    floors,
    reconnects: result.reconnects,
    renewals: result.renewals,
    isPassed: checks.every(isPassed),
  };
}

function tradesOf(events: readonly ReplayEvent[]) {
  return events.flatMap(({ event, makerId, takerId, priceTicks, quantityLots }) =>
    event !== "TRADE" || priceTicks === undefined || quantityLots === undefined
      ? []
      : [
          {
            makerClientId: makerId,
            takerClientId: takerId,
            priceTicks,
            quantityLots,
            sequence: 0n,
            index: 0,
          },
        ],
  );
}

interface Holdings {
  readonly buyer: Holding;
  readonly seller: Holding;
}

function isSame(held: Holdings, expected: Holdings): boolean {
  return differences(held, expected).length === 0;
}

function differences(held: Holdings, expected: Holdings): string[] {
  const places = (["buyer", "seller"] as const).flatMap((user) =>
    (["available", "reserved"] as const).flatMap((column) =>
      (["base", "quote"] as const).map((asset) => ({ user, column, asset })),
    ),
  );
  return places.flatMap(({ user, column, asset }) => {
    const [wanted, found] = [expected[user][column][asset], held[user][column][asset]];
    if (wanted === found) return [];
    return [`${user} has ${found} atoms of ${asset} ${column}, expected ${wanted}`];
  });
}

function conservationOf(stage: Stage, { buyer, seller }: Holdings): ConservationLine[] {
  const held = (asset: keyof Amounts) =>
    [buyer, seller].reduce((sum, user) => sum + user.available[asset] + user.reserved[asset], 0n);
  const deposited = (asset: keyof Amounts) => stage.buyer.deposits[asset] + stage.seller.deposits[asset];
  return [
    { asset: stage.baseAsset, deposited: deposited("base"), held: held("base") },
    { asset: stage.quoteAsset, deposited: deposited("quote"), held: held("quote") },
  ];
}

function breachOf({ asset, deposited, held }: ConservationLine): string[] {
  return deposited === held ? [] : [`${asset}: deposited ${deposited} atoms, held ${held}`];
}
