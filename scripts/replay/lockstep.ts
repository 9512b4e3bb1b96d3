// A replay set through the matcher's core and through its plain model at once, without an exchange around them:
// events, books and open orders are compared after every command, the trades with the set's reference at the end.
import { isDeepStrictEqual } from "node:util";
import { applyCommand } from "@bourse/matcher/core/apply.js";
import { readEvents } from "@bourse/matcher/core/read-events.js";
import { createShard, entryOf, type Shard } from "@bourse/matcher/core/shard.js";
import { applySlow } from "@bourse/matcher/core/slow-book.js";
import { createSlowShard, type SlowShard } from "@bourse/matcher/core/slow-shard.js";
import { slowLevels } from "@bourse/matcher/core/slow-view.js";
import { readState, stateBytes } from "@bourse/matcher/core/state-bytes.js";
import type { Command as CoreCommand, Market, MatcherEvent, OrderTerms } from "@bourse/matcher/core/types.js";
import { levelsOf, viewOf } from "@bourse/matcher/core/view.js";
import { type Command, scaleCommands, scaleEvents, scaleOf } from "./scale.js";
import type { ReplaySet } from "./set.js";

const SYMBOL = "BASE/QUOTE";
/** Owner of all buys and of all sells: nobody meets himself. */
const OWNERS = { B: idOf("aaaaaaaa", 1), S: idOf("bbbbbbbb", 2) } as const;
/** Whole books are compared after every so many commands; best levels after each. */
const WHOLE_BOOK_EVERY = 50;
const BEST_LEVELS = 20;
/** Commands after which the core's state goes through its bytes and back. */
const RESTORE_EVERY = 5_000;

const MARKET: Market = {
  symbol: SYMBOL,
  baseAsset: "BASE",
  quoteAsset: "QUOTE",
  tickSize: "1",
  lotSize: "1",
  minQuantity: "1",
  maxQuantity: "0",
  minNotional: "0",
  shard: 0,
  protectionBps: 1_000_000,
  bandBps: 0,
  openOrdersMax: 0,
  makerFeePpm: 100,
  takerFeePpm: 200,
  state: "TRADING",
  sessionEndMinutes: 0,
  feeTiers: [],
};

export interface LockstepSummary {
  readonly commands: number;
  readonly events: number;
  readonly trades: number;
  readonly resting: number;
}

/** Runs a set; throws at the first difference, naming the command. */
export function runInLockstep(set: ReplaySet): LockstepSummary {
  const scale = scaleOf(set.commands);
  const both = new Both();
  const trades: string[] = [];
  let events = 0;
  for (const [index, command] of scaleCommands(set.commands, scale).entries()) {
    const led = both.play(command);
    events += led.length;
    trades.push(...led.flatMap((event) => tradeText(command.n, event)));
    both.compare(command.n, index % WHOLE_BOOK_EVERY === 0 ? undefined : BEST_LEVELS);
    if (index % RESTORE_EVERY === RESTORE_EVERY - 1) both.restore();
  }
  both.compare("the end", undefined);
  compareTrades(set, trades);
  return { commands: set.commands.length, events, trades: trades.length, resting: both.slow.orders.length };
}

class Both {
  shard: Shard = createShard(0);
  readonly slow: SlowShard = createSlowShard();
  /** Number of each id in the set, which is the number in its order's id. */
  readonly #numbers = new Map<string, number>();
  #amends = 0;

  constructor() {
    this.#both("start", { type: "startEpoch", epoch: 1, rules: 2 });
    this.#both("start", { type: "addMarket", market: MARKET });
  }

  play(command: Command): readonly MatcherEvent[] {
    const made = this.#commandOf(command);
    return made === undefined ? [] : this.#both(command.n, made);
  }

  /** Undefined for what the exchange would refuse: an order that does not rest. */
  #commandOf(command: Command): CoreCommand | undefined {
    if (command.op === "SEED" || command.op === "NEW") {
      const number = this.#numbers.size + 1;
      this.#numbers.set(command.id, number);
      return { type: "submit", terms: termsOf(command, number), expiresAtMs: 0 };
    }
    const orderId = idOf("cccccccc", this.#numbers.get(command.id) ?? 0);
    const rests = this.slow.orders.find(({ terms }) => terms.orderId === orderId);
    if (rests === undefined) return undefined;
    const { userId } = rests.terms;
    const total = command.op === "REDUCE" ? rests.quantity - command.quantityLots : 0n;
    // Less keeps its place; with nothing left it is a cancel.
    if (total <= rests.executed) return { type: "cancel", orderId, userId, operatorId: "" };
    this.#amends += 1;
    return {
      type: "amend",
      orderId,
      userId,
      legId: idOf("dddddddd", this.#amends),
      symbol: SYMBOL,
      priceTicks: 0,
      quantityLots: Number(total),
      legUnits: 0,
      legAmount: "",
      expiresAtMs: 0,
    };
  }

  #both(n: number | string, command: CoreCommand): readonly MatcherEvent[] {
    const outcome = applySlow(this.slow, 0, command);
    if (outcome.type !== "applied") throw new Error(`command ${n}: the model does not apply it`);
    applyCommand(this.shard, { seq: this.slow.seq, timeMs: 0 }, command);
    const events = readEvents(this.shard, command);
    same(n, "events", events, outcome.events);
    for (const event of events) this.#compareOrders(n, event);
    return events;
  }

  /** The orders that an event is about. */
  #compareOrders(n: number | string, event: MatcherEvent): void {
    if (event.type !== "rested" && event.type !== "ended" && event.type !== "amended") return;
    const known = this.slow.known.get(event.orderId);
    if (known?.type !== "order") throw new Error(`command ${n}: an order that nobody knows`);
    const { status, reason, executedLots, executedTickLots } = viewOf(
      this.shard,
      entryOf(this.shard, event.orderId),
    );
    const { order } = known;
    same(
      n,
      "order",
      [status, reason, executedLots, executedTickLots],
      [order.status, order.reason, Number(order.executed), `${order.notional}`],
    );
  }

  /** Compares the best levels of both sides, or all of them. */
  compare(n: number | string, levelsMax: number | undefined): void {
    const [book] = this.shard.books;
    if (book === undefined) throw new Error("the market was made");
    for (const [side, levels] of [["buy", book.bids] as const, ["sell", book.asks] as const]) {
      const [core, slow] = [levelsOf(this.shard, levels), slowLevels(this.slow, SYMBOL, side)];
      same(n, `${side} levels`, core.slice(0, levelsMax), slow.slice(0, levelsMax));
    }
  }

  restore(): void {
    this.shard = readState(Buffer.concat([...stateBytes(this.shard)]));
  }
}

function termsOf(command: Extract<Command, { op: "SEED" | "NEW" }>, number: number): OrderTerms {
  const isMarket = command.type === "MARKET";
  const isBuy = command.side === "B";
  return {
    orderId: idOf("cccccccc", number),
    userId: OWNERS[command.side],
    clientOrderId: `c${command.id}`,
    symbol: SYMBOL,
    side: isBuy ? "buy" : "sell",
    type: isMarket ? "MARKET" : "LIMIT",
    timeInForce: command.type === "LIMIT" ? "GTC" : "IOC",
    priceTicks: Number(command.priceTicks ?? 0n),
    stopPriceTicks: 0,
    quantityLots: Number(command.quantityLots),
    budgetTickLots: isMarket && isBuy ? Number.MAX_SAFE_INTEGER : 0,
    byQuoteBudget: false,
    postOnly: false,
    selfTradePrevention: "CANCEL_TAKER",
    makerFeePpm: 100,
    takerFeePpm: 200,
    reservedAsset: isBuy ? "QUOTE" : "BASE",
    reservedAmount: "1",
    quoteBudget: "",
  };
}

function idOf(kind: string, number: number): string {
  return `${kind}-0000-5000-8000-${number.toString(16).padStart(12, "0")}`;
}

function tradeText(n: number, event: MatcherEvent): string[] {
  if (event.type !== "trade") return [];
  const [maker, taker] = [event.maker.clientOrderId.slice(1), event.taker.clientOrderId.slice(1)];
  return [`${n}: ${maker} ${taker} ${event.quantityLots} at ${event.priceTicks}`];
}

function compareTrades(set: ReplaySet, trades: readonly string[]): void {
  const reference = scaleEvents(set.events, scaleOf(set.commands))
    .filter(({ event }) => event === "TRADE")
    .map(({ n, makerId, takerId, quantityLots, priceTicks }) => {
      return `${n}: ${makerId} ${takerId} ${quantityLots} at ${priceTicks}`;
    });
  same("the end", "trades of the reference", trades, reference);
}

function same(n: number | string, what: string, core: unknown, model: unknown): void {
  if (isDeepStrictEqual(core, model)) return;
  const text = (value: unknown) => JSON.stringify(value).slice(0, 2_000);
  throw new Error(`command ${n}: ${what} differ\n  core ${text(core)}\n  else ${text(model)}`);
}
