// Seeded clients that place, amend and cancel, and write down every final word they are told.
import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Order } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { changeOf, nextOrder, type Sent } from "./load-orders.js";
import type { User } from "./users.js";

/** The final word on an order: it exists, or it was refused for good. */
export interface Told {
  readonly user: User;
  readonly sent: Sent;
  readonly order?: Order;
  readonly refusal?: DomainError;
  /** True when an answer on the way said UNKNOWN, or none came: repeating the same call got this word. */
  readonly wasUnknown: boolean;
  /** When it came, milliseconds since 1970 UTC. */
  readonly atMs: number;
  /** Final words on amends of the order. */
  readonly amends: ToldAmend[];
  /** True once a cancel was acknowledged. */
  isCancelled: boolean;
}

/** The final word on an amend: it was made, or it was refused for good. */
export interface ToldAmend {
  readonly requestId: string;
  readonly isMade: boolean;
}

/** A deposit that was acknowledged. */
export interface ToldDeposit {
  readonly requestId: string;
  readonly userId: string;
  readonly asset: string;
  readonly amount: string;
}

/** Load that runs until it is stopped. */
export interface Load {
  readonly told: readonly Told[];
  readonly deposits: readonly ToldDeposit[];
  /** Calls that are under way. */
  readonly underWay: number;
  /** Resolves when so many more final words have been told. */
  untilTold(more: number): Promise<void>;
  /** Ends after the calls under way have their final word; fails when a client was told what it cannot be. */
  stop(): Promise<void>;
  /** Ends at once; calls under way are given up. */
  abandon(): void;
}

export interface LoadOptions {
  readonly seed: number;
  /** Begins every client order id and request id. */
  readonly prefix: string;
  /** Mean pause of a client between two calls, milliseconds; 0 by default: none. */
  readonly pauseMs?: number;
  /** Makes deposits for the users, now and then; none without it. */
  readonly operator?: User;
}

const LANES = 3;
/** One call in so many cancels an order that the lane placed before, another amends one. */
const CANCEL_SHARE = 0.2;
const AMEND_SHARE = 0.25;
const DEPOSIT_SHARE = 0.02;

/** Funds that a user of the load needs. */
export const LOAD_FUNDS = { USDT: "100000000", BTC: "1000", ETH: "10000", XRP: "10000000" };

/** Failures on the way to the final word of the call under way, as the client tells of them. */
const onTheWay = new AsyncLocalStorage<DomainError[]>();

/** For the `onRepeat` of the users' clients: lets a load know whether a call's outcome was unknown. */
export function noteRepeat(error: DomainError): void {
  onTheWay.getStore()?.push(error);
}

/**
 * Runs a fault under load: final words before it, the fault, as many final words after it. Returns
 * every final word that was told.
 */
export async function underLoad(
  users: readonly User[],
  options: LoadOptions & { readonly words: number },
  fault: () => Promise<void>,
): Promise<readonly Told[]> {
  const load = startLoad(users, options);
  try {
    await load.untilTold(options.words);
    await fault();
    await load.untilTold(options.words);
    await load.stop();
    return load.told;
  } finally {
    load.abandon();
  }
}

/** Starts the load: each user has a few lanes, each lane makes one call after the other. */
export function startLoad(users: readonly User[], options: LoadOptions): Load {
  const told: Told[] = [];
  const deposits: ToldDeposit[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const given = new AbortController();
  // Every call under way listens, which is many on purpose.
  setMaxListeners(0, given.signal);
  const run: Run = {
    options,
    signal: given.signal,
    isStopped: false,
    underWay: 0,
    deposits,
    tell: (word) => {
      told.push(word);
      for (const each of waiting) if (told.length >= each.count) each.resolve();
    },
  };
  const lanes = users.flatMap((user, index) =>
    Array.from({ length: LANES }, (_unused, lane) => runLane(run, user, index, lane)),
  );
  const failed = Promise.all(lanes).then(() => undefined);
  // Whoever waits is told of a lane that broke; a break before that is no unhandled rejection.
  failed.catch(() => undefined);
  return {
    told,
    deposits,
    get underWay() {
      return run.underWay;
    },
    untilTold: async (more) => {
      const count = told.length + more;
      await Promise.race([new Promise<void>((resolve) => waiting.push({ count, resolve })), failed]);
    },
    stop: async () => {
      run.isStopped = true;
      await failed;
    },
    abandon: () => {
      run.isStopped = true;
      given.abort();
    },
  };
}

interface Run {
  readonly options: LoadOptions;
  readonly signal: AbortSignal;
  readonly tell: (word: Told) => void;
  readonly deposits: ToldDeposit[];
  isStopped: boolean;
  underWay: number;
}

async function runLane(run: Run, user: User, index: number, lane: number): Promise<void> {
  const { pauseMs = 0, prefix, seed } = run.options;
  const random = seededRandom(seed * 1_000 + index * 10 + lane);
  const mine: Told[] = [];
  for (let n = 0; !run.isStopped; n += 1) {
    run.underWay += 1;
    await oneCall(run, { user, random, mine, name: `${prefix}-${index}-${lane}-${n}` });
    run.underWay -= 1;
    // The pace of the load, not a wait for something.
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, 2 * pauseMs * random()));
  }
}

interface Lane {
  readonly user: User;
  readonly random: () => number;
  /** Orders that the lane placed. */
  readonly mine: Told[];
  readonly name: string;
}

async function oneCall(run: Run, { user, random, mine, name }: Lane): Promise<void> {
  const { signal } = run;
  const turn = random();
  const at = Math.floor(random() * mine.length);
  const earlier = mine[at];
  if (turn < CANCEL_SHARE && earlier?.order !== undefined) {
    mine.splice(at, 1);
    return cancel(earlier, signal);
  }
  if (turn < CANCEL_SHARE + AMEND_SHARE && earlier?.order !== undefined)
    return amend(earlier, { requestId: name, random }, signal);
  if (turn > 1 - DEPOSIT_SHARE && run.options.operator !== undefined) {
    run.deposits.push(await deposit(run.options.operator, user, signal));
    return;
  }
  const word = await place(user, nextOrder(random, name), signal);
  if (word === undefined) return;
  mine.push(word);
  run.tell(word);
}

/**
 * Places an order and waits for its final word; the client repeats what is not final. Undefined when
 * the call was refused without an attempt: a MARKET order before the first price.
 */
async function place(user: User, sent: Sent, signal: AbortSignal): Promise<Told | undefined> {
  const failures: DomainError[] = [];
  const word = (what: Pick<Told, "order" | "refusal">): Told => ({
    ...what,
    user,
    sent,
    wasUnknown: failures.some(({ facts }) => facts.outcome !== "NOT_ATTEMPTED"),
    atMs: Date.now(),
    amends: [],
    isCancelled: false,
  });
  try {
    const { order } = await onTheWay.run(failures, () => user.client.orders.placeOrder(sent, { signal }));
    if (order === undefined) throw new Error("an answer without an order");
    return word({ order });
  } catch (error) {
    if (error instanceof DomainError && error.facts.outcome === "NOT_ACCEPTED")
      return word({ refusal: error });
    if (error instanceof DomainError && error.reason === "INSUFFICIENT_LIQUIDITY") return undefined;
    throw error;
  }
}

/** A cancel may come too late; that is an answer too. */
async function cancel(told: Told, signal: AbortSignal): Promise<void> {
  const id = { case: "orderId", value: told.order?.orderId ?? "" } as const;
  try {
    await told.user.client.orders.cancelOrder({ id }, { signal });
    told.isCancelled = true;
  } catch (error) {
    if (!(error instanceof DomainError) || error.reason !== "ORDER_NOT_OPEN") throw error;
  }
}

/**
 * Amends an order and notes its final word. What is not noted was refused without an attempt, or came too late
 * for an order whose end the wallet knows already.
 */
async function amend(
  told: Told,
  { requestId, random }: { requestId: string; random: () => number },
  signal: AbortSignal,
): Promise<void> {
  const id = { case: "orderId", value: told.order?.orderId ?? "" } as const;
  const change = changeOf(random, told.sent);
  try {
    await told.user.client.orders.amendOrder({ id, requestId, ...change }, { signal });
    told.amends.push({ requestId, isMade: true });
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (error.facts.outcome === "NOT_ACCEPTED") told.amends.push({ requestId, isMade: false });
    else if (error.facts.outcome !== "NOT_ATTEMPTED") throw error;
  }
}

async function deposit(operator: User, { id }: User, signal: AbortSignal): Promise<ToldDeposit> {
  const told = { requestId: randomUUID(), userId: id, asset: "USDT", amount: "7.5" };
  await operator.client.accounts.deposit(told, { signal });
  return told;
}
