// The run itself: orders leave at their pace until the stop, and every one is followed to its final word.
import { randomBytes } from "node:crypto";
import { OrderStatus, OrderType, Side, TimeInForce } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import type { FlowOrder } from "./flow.js";
import { type LoadMarket, LoadMarkets } from "./markets.js";
import type { Pace } from "./options.js";
import { cancelUntilFinal, placeUntilFinal, type Sent } from "./place.js";
import type { OrderRecord } from "./record.js";
import { progressLine } from "./summary.js";
import type { LoadUser, LoadUsers } from "./users.js";

export interface RunOptions {
  readonly users: LoadUsers;
  readonly pace: Pace;
  readonly symbols: readonly string[];
  readonly seed: number;
  /** No order leaves after it. */
  readonly stop: AbortSignal;
  readonly clock: Clock;
  readonly onRecord: (record: OrderRecord) => void;
  readonly say: (line: string) => void;
}

/** What happened. */
export interface Run {
  /** Before the first order, milliseconds since 1970 UTC. */
  readonly startedAtMs: number;
  readonly seconds: number;
  readonly records: readonly OrderRecord[];
  /** Orders that had no final word when the run was given up. */
  readonly pending: number;
  readonly cancels: number;
  readonly cancelsFailed: number;
}

/**
 * Orders of a user on their way at most, also in the open loop: a connection carries a hundred calls. What is
 * due meanwhile waits its turn, and its latency counts from when it was due.
 */
const inFlightPerUserMax = 50;
const refreshEveryMs = 2_000;
const progressEveryMs = 5_000;
/** How long the last orders may take to their final word. */
const drainMsMax = 90_000;

/** Places until the stop and waits for the final words; the books are then free of the run's orders. */
export async function runLoad(options: RunOptions): Promise<Run> {
  const run = new LoadRun(options);
  await run.begin();
  await run.placeAll();
  return run.finish();
}

class LoadRun {
  readonly #options: RunOptions;
  readonly #markets: LoadMarkets;
  readonly #random: () => number;
  readonly #records: OrderRecord[] = [];
  readonly #open = new Set<Promise<void>>();
  readonly #startedAtMs: number;
  readonly #begunAtMs: number;
  /** Names this run in its order ids, so that an earlier one is no duplicate. */
  readonly #tag = randomBytes(4).toString("hex");
  #ids = 0;
  #onRoom: () => void = () => undefined;
  #cancels = 0;
  #cancelsFailed = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#markets = new LoadMarkets({ ...options, random: this.#random });
    this.#startedAtMs = options.clock.wallMs();
    this.#begunAtMs = options.clock.monotonicMs();
  }

  async begin(): Promise<void> {
    const symbols = await this.#markets.refresh();
    if (symbols.length === 0) throw new Error("no market trades here");
    this.#options.say(`run ${this.#tag}: ${this.#options.users.all.length} users, ${symbols.join(", ")}`);
  }

  async placeAll(): Promise<void> {
    const { clock, pace, say, stop } = this.#options;
    const every = (ms: number, work: () => void) => {
      const timer = setInterval(work, ms);
      stop.addEventListener("abort", () => clearInterval(timer));
    };
    every(progressEveryMs, () =>
      say(progressLine(this.#records, this.#open.size, clock.monotonicMs() - this.#begunAtMs)),
    );
    every(refreshEveryMs, () => void this.#refresh());
    if (pace.type === "open") return this.#openLoop(pace.perSecond);
    await Promise.all(Array.from({ length: pace.inFlight }, () => this.#closedLoop()));
  }

  async finish(): Promise<Run> {
    const { clock } = this.#options;
    const seconds = (clock.monotonicMs() - this.#begunAtMs) / 1_000;
    await this.#drained();
    await Promise.all(this.#options.users.all.map((user) => this.#cancelOpen(user)));
    return {
      startedAtMs: this.#startedAtMs,
      seconds,
      records: this.#records,
      pending: this.#open.size,
      cancels: this.#cancels,
      cancelsFailed: this.#cancelsFailed,
    };
  }

  async #openLoop(perSecond: number): Promise<void> {
    const { clock, stop } = this.#options;
    const beginMs = clock.monotonicMs();
    const inFlightMax = inFlightPerUserMax * this.#options.users.all.length;
    for (let sent = 0; !stop.aborted; sent += 1) {
      const dueAtMs = beginMs + (sent * 1_000) / perSecond;
      const leftMs = dueAtMs - clock.monotonicMs();
      if (leftMs > 1) await clock.sleep(leftMs, stop);
      while (this.#open.size >= inFlightMax && !stop.aborted)
        await new Promise<void>((resolve) => {
          this.#onRoom = resolve;
        });
      if (!stop.aborted) void this.#follow(this.#order(dueAtMs));
    }
  }

  async #closedLoop(): Promise<void> {
    const { clock, stop } = this.#options;
    while (!stop.aborted) await this.#follow(this.#order(clock.monotonicMs()));
  }

  #follow(work: Promise<void>): Promise<void> {
    const followed = work.finally(() => {
      this.#open.delete(followed);
      this.#onRoom();
    });
    this.#open.add(followed);
    return followed;
  }

  /** Places one order of some market until it exists, and cancels an old one when too many rest. */
  async #order(dueAtMs: number): Promise<void> {
    const market = this.#markets.list[Math.floor(this.#random() * this.#markets.list.length)];
    if (market === undefined) return;
    const wanted = market.flow.next();
    const user = this.#user(wanted.userIndex);
    const sentAtMs = this.#options.clock.monotonicMs();
    for (let isPlaced = false; !isPlaced; ) {
      this.#ids += 1;
      const clientOrderId = `load-${this.#tag}-${this.#ids}`;
      const outcome = await this.#place({ market, wanted, user, clientOrderId, dueAtMs, sentAtMs });
      // Nobody ever looked at the order: it is as if it had not been placed, so it is placed.
      isPlaced = outcome !== "tombstone";
    }
    const old = market.flow.toCancel();
    if (old !== undefined) await this.#cancel(market.symbol, this.#user(old.userIndex), old.clientOrderId);
  }

  async #place(placing: {
    market: LoadMarket;
    wanted: FlowOrder;
    user: LoadUser;
    clientOrderId: string;
    dueAtMs: number;
    sentAtMs: number;
  }) {
    const { market, wanted, user, clientOrderId, dueAtMs, sentAtMs } = placing;
    const { clock, onRecord } = this.#options;
    const word = await placeUntilFinal(user, sentOf(market.symbol, clientOrderId, wanted));
    if (word === undefined) return undefined;
    const { outcome, order, attempts, reasons } = word;
    // The monotonic clock measures; the wall clock only says where on the time line it was.
    const nowMs = clock.monotonicMs();
    const endMs = clock.wallMs();
    const { shard, symbol } = market;
    const record = {
      clientOrderId,
      userId: user.userId,
      symbol,
      shard,
      startMs: endMs - (nowMs - dueAtMs),
      sentMs: endMs - (nowMs - sentAtMs),
      endMs,
      attempts,
      outcome,
      reasons,
    };
    this.#records.push(record);
    onRecord(record);
    if (order?.status === OrderStatus.OPEN || order?.status === OrderStatus.PARTIALLY_FILLED)
      market.flow.rested({ clientOrderId, userIndex: wanted.userIndex });
    return outcome;
  }

  /** Leaves the books as they were before. */
  async #cancelOpen(user: LoadUser): Promise<void> {
    const statuses = [OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED];
    const { orders } = await user.untilFinal((service, call) =>
      service.listOrders({ statuses, pageSize: 1_000 }, call),
    );
    for (const { clientOrderId, symbol } of orders) await this.#cancel(symbol, user, clientOrderId);
  }

  async #cancel(symbol: string, user: LoadUser, clientOrderId: string): Promise<void> {
    const isDone = await cancelUntilFinal(user, clientOrderId, symbol);
    this.#cancels += 1;
    if (!isDone) this.#cancelsFailed += 1;
  }

  /** New markets join; while nobody answers there are none. */
  async #refresh(): Promise<void> {
    const symbols = await this.#markets.refresh().catch(() => []);
    if (symbols.length > 0) this.#options.say(`new: ${symbols.join(", ")}`);
  }

  async #drained(): Promise<void> {
    const enough = new AbortController();
    const giveUp = this.#options.clock.sleep(drainMsMax, enough.signal);
    await Promise.race([Promise.all(this.#open), giveUp]);
    enough.abort();
  }

  #user(index: number): LoadUser {
    const user = this.#options.users.all[index];
    if (user === undefined) throw new Error(`no user ${index}`);
    return user;
  }
}

function sentOf(symbol: string, clientOrderId: string, { isBuy, price, quantity, rests }: FlowOrder): Sent {
  return {
    clientOrderId,
    symbol,
    side: isBuy ? Side.BUY : Side.SELL,
    type: OrderType.LIMIT,
    timeInForce: rests ? TimeInForce.GTC : TimeInForce.IOC,
    price,
    quantity,
  };
}
