// Sends the commands of a set over one stream and keeps the final word on each.
import type { EntryCommand, EntryResult, OrderEntry } from "@bourse/client/order-entry.js";
import type { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Order } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import {
  EndReason,
  OrderStatus,
  OrderType,
  Side,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { type Clock, systemClock } from "@bourse/shared/runtime/clock.js";
import type { Answer } from "./observed.js";
import {
  type Book,
  type Command,
  lotsOf,
  marketPrice,
  marketQuantity,
  type Scale,
  ticksOf,
} from "./scale.js";
import type { Stage } from "./stage.js";

export interface DriveOptions {
  readonly stage: Stage;
  readonly scale: Scale;
  readonly commands: readonly Command[];
  /** Commands after which the book is read. */
  readonly checkpoints: ReadonlySet<number>;
  readonly windowMax: number;
  /** Commands a second; undefined sends as fast as answers come. */
  readonly rate: number | undefined;
  readonly onProgress: (answered: number) => void;
  readonly onFault: (error: DomainError) => void;
}

/** What became of the commands. */
export interface DriveResult {
  readonly answers: ReadonlyMap<number, Answer>;
  /** Answers that no replay should get, in words. */
  readonly surprises: readonly string[];
  readonly books: ReadonlyMap<number, Book>;
  /** From the first time a command was sent to its final word, by command. */
  readonly latenciesMs: readonly number[];
  readonly startedAtMs: number;
  readonly answeredAtMs: number;
  readonly reconnects: number;
  readonly renewals: number;
  /** Highest sequence that an answer rests on. */
  readonly sequence: bigint;
  /** Id of the set by the client order id it ended up with. */
  readonly idOf: (clientOrderId: string) => string;
}

type OrderCommand = Extract<Command, { op: "SEED" | "NEW" }>;
type CancelCommand = Extract<Command, { op: "CANCEL" }>;
type ReduceCommand = Extract<Command, { op: "REDUCE" }>;

/** Longest time that a book may take to include an acknowledged sequence. */
const bookWaitMs = 30_000;
/** How often and how long an order waits until a gateway can price it. */
const pricedPollMs = 50;
const pricedAfterAttempts = 40;

/** Runs all commands, in order, and reads the book at each checkpoint. */
export async function drive(options: DriveOptions): Promise<DriveResult> {
  const run = new Drive(options);
  return run.play();
}

class Drive {
  readonly #options: DriveOptions;
  readonly #clock: Clock = systemClock;
  readonly #entry: OrderEntry;
  readonly #answers = new Map<number, Answer>();
  readonly #surprises: string[] = [];
  readonly #books = new Map<number, Book>();
  readonly #latenciesMs: number[] = [];
  readonly #orders = new Map<string, OrderCommand>();
  /** Present client order id of each order of the set, and the way back. */
  readonly #clientIds = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  readonly #cancelled = new Set<string>();
  /** Quantity of each order as the commands so far leave it, executed part included. */
  readonly #totals = new Map<string, bigint>();
  #reconnects = 0;
  #renewals = 0;
  #sequence = 0n;
  #hasTraded = false;
  /** A MARKET BUY was accepted: the gateway knows prices of this market. */
  #isPriced = false;
  #failure: unknown;

  constructor(options: DriveOptions) {
    this.#options = options;
    this.#entry = options.stage.service.openOrderEntry({
      windowMax: options.windowMax,
      renew: (command) => this.#renew(command),
      onReconnect: (error) => {
        this.#reconnects += 1;
        options.onFault(error);
      },
    });
  }

  async play(): Promise<DriveResult> {
    const { commands, checkpoints, windowMax, rate } = this.#options;
    const startedAtMs = this.#clock.monotonicMs();
    for (const [index, command] of commands.entries()) {
      if (rate !== undefined) await this.#untilDue(startedAtMs + (index * 1_000) / rate);
      if (this.#entry.unanswered >= windowMax) await this.#entry.untilUnanswered(windowMax - 1);
      if (isMarketBuy(command) && !this.#isPriced) await this.#sendFirstMarketBuy(command);
      else this.#send(command);
      if (checkpoints.has(command.n)) await this.#readBook(command.n);
      if (this.#failure !== undefined) throw this.#failure;
    }
    await this.#entry.untilUnanswered(0);
    const answeredAtMs = this.#clock.monotonicMs();
    await this.#entry.close();
    if (this.#failure !== undefined) throw this.#failure;
    return {
      answers: this.#answers,
      surprises: this.#surprises,
      books: this.#books,
      latenciesMs: this.#latenciesMs,
      startedAtMs,
      answeredAtMs,
      reconnects: this.#reconnects,
      renewals: this.#renewals,
      sequence: this.#sequence,
      idOf: (clientOrderId) => this.#ids.get(clientOrderId) ?? clientOrderId,
    };
  }

  async #untilDue(atMs: number): Promise<void> {
    const leftMs = atMs - this.#clock.monotonicMs();
    // Timers are a millisecond coarse: what is due within one goes now.
    if (leftMs > 1) await this.#clock.sleep(leftMs);
  }

  #send(command: Command): void {
    if (command.op === "REDUCE") return this.#sendReduce(command);
    if (command.op === "CANCEL") {
      const sent = this.#entry.send(() => this.#cancelOf(command));
      return this.#await(command, sent, (result) => this.#cancelAnswer(command, result));
    }
    this.#register(command);
    const sent = this.#entry.send(this.#placeOf(command));
    this.#await(command, sent, (result) => this.#placeAnswer(command, result));
  }

  /** An amend to what the order then has in all; one that would leave nothing is a cancel. */
  #sendReduce(command: ReduceCommand): void {
    const before = this.#totals.get(command.id) ?? 0n;
    const after = before - command.quantityLots;
    this.#totals.set(command.id, after);
    const sent = this.#entry.send(() =>
      after > 0n ? this.#amendOf(command, after) : this.#cancelOf(command),
    );
    this.#await(command, sent, (result) => this.#reduceAnswer(command, before, result));
  }

  #register(command: OrderCommand): void {
    this.#totals.set(command.id, command.quantityLots);
    this.#orders.set(command.id, command);
    this.#clientIds.set(command.id, command.id);
    this.#ids.set(command.id, command.id);
  }

  /**
   * A gateway prices a MARKET BUY with what it last heard of the market, a moment after the answers.
   * Until one was priced, such an order waits for everything before it and is asked again while it is
   * refused although there is something to price it with.
   */
  async #sendFirstMarketBuy(command: OrderCommand): Promise<void> {
    await this.#entry.untilUnanswered(0);
    const { stage } = this.#options;
    const request = { symbol: stage.symbol, levels: 1, minSequence: this.#sequence };
    const { asks } = await stage.service.marketData.getOrderBook(request, { timeoutMs: bookWaitMs });
    this.#register(command);
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.#entry.send(this.#placeOf(command));
      const isRefused = result.answer.type === "refused" && isUnpriced(result.answer.error);
      if (isRefused && attempt < pricedAfterAttempts && (asks.length > 0 || this.#hasTraded)) {
        await this.#clock.sleep(pricedPollMs);
        continue;
      }
      this.#isPriced = !isRefused;
      this.#take(command, result, this.#placeAnswer(command, result));
      return;
    }
  }

  #await(
    command: Command,
    sent: Promise<EntryResult>,
    answerOf: (result: EntryResult) => Answer | undefined,
  ): void {
    void sent.then(
      (result) => this.#take(command, result, answerOf(result)),
      (error: unknown) => {
        this.#failure ??= error;
      },
    );
  }

  /** The same order, or amend, under an id that is still free. */
  #renew(sent: EntryCommand): EntryCommand | undefined {
    const { command } = sent;
    if (command?.case === "amend") return this.#renewAmend(sent);
    if (command?.case !== "place") return undefined;
    const id = this.#ids.get(command.value.clientOrderId ?? "") ?? "";
    const order = this.#orders.get(id);
    if (order === undefined) return undefined;
    this.#renewals += 1;
    let clientOrderId = `${id}:${this.#renewals}`;
    while (this.#ids.has(clientOrderId)) clientOrderId = `${clientOrderId}:`;
    this.#clientIds.set(id, clientOrderId);
    this.#ids.set(clientOrderId, id);
    return this.#placeOf(order);
  }

  #renewAmend({ command, ...rest }: EntryCommand): EntryCommand | undefined {
    if (command?.case !== "amend") return undefined;
    this.#renewals += 1;
    const requestId = `${command.value.requestId?.split(":")[0]}:${this.#renewals}`;
    return { ...rest, command: { case: "amend", value: { ...command.value, requestId } as never } };
  }

  #placeOf(order: OrderCommand): EntryCommand {
    const { stage, scale } = this.#options;
    const isMarket = order.type === "MARKET";
    return {
      userId: this.#userOf(order),
      command: {
        case: "place",
        value: {
          clientOrderId: this.#clientIds.get(order.id) ?? order.id,
          symbol: stage.symbol,
          side: order.side === "B" ? Side.BUY : Side.SELL,
          type: isMarket ? OrderType.MARKET : OrderType.LIMIT,
          timeInForce: order.type === "LIMIT" ? TimeInForce.GTC : TimeInForce.IOC,
          ...(order.priceTicks === undefined ? {} : { price: marketPrice(scale, order.priceTicks) }),
          quantity: marketQuantity(scale, order.quantityLots),
        },
      },
    };
  }

  #amendOf({ id, n }: ReduceCommand, quantityLots: bigint): EntryCommand {
    const { stage, scale } = this.#options;
    return {
      userId: this.#userOf(this.#orders.get(id)),
      command: {
        case: "amend",
        value: {
          id: { case: "clientOrderId", value: this.#clientIds.get(id) ?? id },
          symbol: stage.symbol,
          requestId: `reduce-${n}`,
          quantity: marketQuantity(scale, quantityLots),
        },
      },
    };
  }

  #cancelOf(cancel: CancelCommand | ReduceCommand): EntryCommand {
    const clientOrderId = this.#clientIds.get(cancel.id) ?? cancel.id;
    return {
      userId: this.#userOf(this.#orders.get(cancel.id)),
      command: {
        case: "cancel",
        value: { id: { case: "clientOrderId", value: clientOrderId }, symbol: this.#options.stage.symbol },
      },
    };
  }

  /** Buys belong to one user and sells to the other; what was never placed is asked of the buyer. */
  #userOf(order: OrderCommand | undefined): string {
    const { buyer, seller } = this.#options.stage;
    return order?.side === "S" ? seller.userId : buyer.userId;
  }

  #take(command: Command, result: EntryResult, answer: Answer | undefined): void {
    if (answer !== undefined) this.#answers.set(command.n, answer);
    if (result.answer.type !== "refused" && result.answer.sequence > this.#sequence) {
      this.#sequence = result.answer.sequence;
    }
    this.#latenciesMs.push(result.latencyMs);
    this.#options.onProgress(this.#latenciesMs.length);
  }

  #placeAnswer(command: OrderCommand, { answer }: EntryResult): Answer | undefined {
    const base = { type: "placed", n: command.n } as const;
    if (answer.type === "placed") {
      const { order } = answer;
      const status = placedStatus(order, answer.replayed);
      if (order.filledQuantity !== "0") this.#hasTraded = true;
      if (status !== undefined) {
        return { ...base, status, leftLots: this.#leftLots(order), sequence: order.acceptedSequence };
      }
    }
    // Nobody has ever traded or offered: the exchange says so instead of giving it a place in the log.
    const isEmptyMarket = answer.type === "refused" && isUnpriced(answer.error);
    if (isEmptyMarket && command.type === "MARKET") {
      return { ...base, status: "expired", leftLots: command.quantityLots, sequence: undefined };
    }
    this.#surprises.push(`command ${command.n}: ${showAnswer(answer)}`);
    return undefined;
  }

  #cancelAnswer(command: CancelCommand, { answer }: EntryResult): Answer | undefined {
    const { n, id } = command;
    if (answer.type === "cancelled") {
      if (this.#cancelled.has(id)) return { type: "notFound", n };
      this.#cancelled.add(id);
      const sequence = answer.replayed ? undefined : answer.sequence;
      return { type: "cancelled", n, leftLots: this.#leftLots(answer.order), sequence };
    }
    return this.#notFoundAnswer(n, answer);
  }

  #reduceAnswer(command: ReduceCommand, before: bigint, { answer }: EntryResult): Answer | undefined {
    const { n, id, quantityLots } = command;
    if (answer.type === "cancelled" || answer.type === "amended") {
      if (this.#cancelled.has(id)) return { type: "notFound", n };
      const { order } = answer;
      const sequence = answer.replayed ? undefined : answer.sequence;
      const isEnded = answer.type === "cancelled" || order.reason === EndReason.AMENDED;
      if (isEnded) this.#cancelled.add(id);
      // What ended by it had less than was to be taken: all that was not executed.
      const filledLots = lotsOf(this.#options.scale, order.filledQuantity);
      const takenLots = isEnded ? before - filledLots : quantityLots;
      return { type: "reduced", n, takenLots, isEnded, sequence };
    }
    return this.#notFoundAnswer(n, answer);
  }

  #notFoundAnswer(n: number, answer: EntryResult["answer"]): Answer | undefined {
    const reason = answer.type === "refused" ? answer.error.reason : undefined;
    if (reason === "ORDER_NOT_FOUND" || reason === "ORDER_NOT_OPEN") return { type: "notFound", n };
    this.#surprises.push(`command ${n}: ${showAnswer(answer)}`);
    return undefined;
  }

  #leftLots(order: Order): bigint {
    const { scale } = this.#options;
    return lotsOf(scale, order.quantity) - lotsOf(scale, order.filledQuantity);
  }

  async #readBook(n: number): Promise<void> {
    await this.#entry.untilUnanswered(0);
    const { stage, scale } = this.#options;
    const book = await stage.service.marketData.getOrderBook(
      { symbol: stage.symbol, levels: 20, minSequence: this.#sequence },
      { timeoutMs: bookWaitMs },
    );
    const levels = (side: typeof book.bids) =>
      side.map(({ price, quantity }) => ({
        priceTicks: ticksOf(scale, price),
        quantityLots: lotsOf(scale, quantity),
      }));
    this.#books.set(n, { bids: levels(book.bids), asks: levels(book.asks) });
  }
}

function isMarketBuy(command: Command): command is OrderCommand {
  return command.op === "NEW" && command.type === "MARKET" && command.side === "B";
}

function isUnpriced(error: DomainError): boolean {
  return error.reason === "INSUFFICIENT_LIQUIDITY";
}

/**
 * What the answer says about the moment of acceptance. One that was lost and asked for again shows the
 * order as it stands now: a cancel behind it on the broken stream may have ended it already.
 */
function placedStatus(order: Order, isReplayed: boolean): "open" | "filled" | "expired" | undefined {
  switch (order.status) {
    case OrderStatus.OPEN:
    case OrderStatus.PARTIALLY_FILLED:
      return "open";
    case OrderStatus.CANCELLED:
      return isReplayed ? "open" : undefined;
    case OrderStatus.FILLED:
      return "filled";
    case OrderStatus.EXPIRED:
      return "expired";
    default:
      return undefined;
  }
}

function showAnswer(answer: EntryResult["answer"]): string {
  if (answer.type === "refused") return `${answer.error.reason} ${JSON.stringify(answer.error.facts)}`;
  const { status, reason } = answer.order;
  return `${answer.type} with status ${OrderStatus[status]} and reason ${reason}`;
}
