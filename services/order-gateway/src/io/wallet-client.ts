// The wallet as functions: batched reserves on one pipelined stream, a circuit breaker around every
// call, retries of what is idempotent. Errors say in `outcome` whether a reserve was sent.
import {
  DomainError,
  type FailureReason,
  isFailureReason,
  withFacts,
} from "@bourse/shared/errors/domain-error.js";
import { toDomainError } from "@bourse/shared/errors/from-wire.js";
import { AccountService, WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import {
  type CallOptions,
  type Channel,
  connected,
  createClient,
  type ServiceClient,
} from "@bourse/shared/rpc/client.js";
import { batched } from "@bourse/shared/runtime/batched.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { backoffMs } from "@bourse/shared/runtime/retry.js";
import {
  ATTEMPTS,
  asWalletFailure,
  BACKOFF,
  guardWallet,
  type WalletGuard,
  type WalletGuardOptions,
} from "@bourse/shared/runtime/wallet-guard.js";
import type { Amend, OrderTerms, Reservation } from "../core/order-types.js";
import { encodeAmend, encodeTerms, orderReservationOfWire, reservationOfWire } from "./messages.js";
import { ReserveLink, type ReserveMessage, type ReserveOutcome } from "./reserve-link.js";

/** A hold for one order. */
export interface ReserveInput {
  readonly terms: OrderTerms;
  readonly fingerprint: Uint8Array;
  readonly shard: number;
  readonly traceparent: string;
  /** Wall-clock milliseconds at which the caller stops waiting. */
  readonly deadlineMs: number;
}

/** A hold for what an amend needs more than its order holds. */
export interface LegInput extends Omit<ReserveInput, "terms"> {
  readonly amend: Amend;
  readonly asset: string;
}

/** What the wallet said. `not_open`: the order of a leg holds nothing. `stored` is absent where the terms are those that were sent. */
export type ReserveAnswer =
  | { readonly type: "reserved"; readonly replayed: boolean; readonly stored?: Reservation }
  | { readonly type: "refused" }
  | { readonly type: "not_open" }
  | { readonly type: "conflict"; readonly stored?: Reservation | undefined };

export interface WalletClient {
  /** Holds funds; rejects with `outcome` NOT_ATTEMPTED or UNKNOWN when the wallet gave no answer. */
  reserve(input: ReserveInput): Promise<ReserveAnswer>;
  /** The same for the leg of an amend, under the leg's id. */
  reserveLeg(input: LegInput): Promise<ReserveAnswer>;
  /** The reservation of an order, undefined when there is none. */
  getReservation(orderId: string, deadlineMs: number): Promise<Reservation | undefined>;
  /** AccountService behind breaker and retry. */
  readonly accounts: ServiceClient<typeof AccountService>;
  close(): void;
}

export interface WalletOptions extends WalletGuardOptions {
  readonly channel: Channel;
  readonly connectMs: number;
}

interface Item {
  readonly message: ReserveMessage;
  readonly deadlineMs: number;
  /** How often it left; 0 as long as nothing can have happened. */
  sends: number;
  /** The caller has been told that nothing was attempted, so it must never be sent. */
  isAbandoned: boolean;
  /** Ends the caller's waiting. */
  giveUp: (error: DomainError) => void;
}

type ItemResult = ReserveOutcome | DomainError;

const BATCH_MAX = 512;
// Fewer than the failures that open the breaker: one broken stream must not open it by itself.
const IN_FLIGHT_MAX = 4;
const QUEUE_MAX = 20_000;

/** Opens the wallet client over a channel. */
export function openWallet(options: WalletOptions): WalletClient {
  const { channel, clock } = options;
  const wallet = createClient(WalletService, channel);
  const accounts = createClient(AccountService, channel);
  const waiting = new Set<Item>();
  const guarded = guardWallet({
    ...options,
    watch: {
      ...options.watch,
      onMove(state) {
        options.watch?.onMove?.(state);
        if (state === "open") giveUpUnsent(waiting, options.breakerOpenMs);
      },
    },
  });
  const link = new ReserveLink({
    client: wallet,
    clock,
    connected: () => connected(channel, options.connectMs),
  });
  const enqueue = batched((items: readonly Item[]) => reserveMany({ link, guarded, options }, items), {
    batchMax: BATCH_MAX,
    inFlightMax: IN_FLIGHT_MAX,
    queueMax: QUEUE_MAX,
  });
  const idempotent = <I, O>(call: (request: I, callOptions?: CallOptions) => Promise<O>) => {
    return (request: I, callOptions?: CallOptions) =>
      guarded.retried(() => call(request, callOptions), callOptions);
  };
  const reserve = async (message: ReserveMessage, deadlineMs: number) => {
    const item: Item = { message, deadlineMs, sends: 0, isAbandoned: false, giveUp: () => {} };
    // An open breaker answers at once, not when what was sent before it opened lets go of its place.
    const send = async () => {
      guarded.check();
      return enqueue(item);
    };
    waiting.add(item);
    try {
      return answerOf(await within(clock, item, send()), item.sends > 1);
    } finally {
      waiting.delete(item);
    }
  };
  return {
    reserve: (input) => reserve(messageOf(input), input.deadlineMs),
    reserveLeg: (input) => reserve(messageOfLeg(input), input.deadlineMs),
    async getReservation(orderId, deadlineMs) {
      try {
        const call = () => wallet.getReservation({ orderId }, { deadlineMs });
        const { reservation } = await guarded.retried(call, { deadlineMs });
        return orderReservationOfWire(reservation);
      } catch (error) {
        if (error instanceof DomainError && error.reason === "RESERVATION_NOT_FOUND") return undefined;
        throw error;
      }
    },
    accounts: {
      getBalances: idempotent(accounts.getBalances),
      listLedgerEntries: idempotent(accounts.listLedgerEntries),
      deposit: idempotent(accounts.deposit),
      adjustBalance: idempotent(accounts.adjustBalance),
      withdraw: idempotent(accounts.withdraw),
      completeWithdrawal: idempotent(accounts.completeWithdrawal),
      cancelWithdrawal: idempotent(accounts.cancelWithdrawal),
      getWithdrawal: idempotent(accounts.getWithdrawal),
    },
    close: () => link.close(),
  };
}

interface Ground {
  readonly link: ReserveLink;
  readonly guarded: WalletGuard;
  readonly options: WalletOptions;
}

/** One batch, with repeats of what got no answer: reserves are idempotent by order id. */
async function reserveMany(ground: Ground, items: readonly Item[]): Promise<readonly ItemResult[]> {
  const { clock, random } = ground.options;
  const results = new Map<Item, ItemResult>();
  let open = items;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    open = open.filter((item) => isWaiting(item, clock));
    if (open.length === 0) break;
    if (attempt > 1) {
      await clock.sleep(backoffMs(attempt - 1, { ...BACKOFF, random }));
      ground.guarded.retrying();
    }
    open = await attemptMany(ground, open, results);
  }
  return items.map((item) => results.get(item) ?? new DomainError("DEADLINE_EXCEEDED"));
}

/** Sends the items once; returns those that may be tried again. */
async function attemptMany(
  { link, guarded, options }: Ground,
  items: readonly Item[],
  results: Map<Item, ItemResult>,
) {
  const timeoutMs = Math.max(1, Math.max(...items.map((item) => item.deadlineMs)) - options.clock.wallMs());
  let sent: readonly Item[] = [];
  const take = () => {
    // The way to the wallet may have taken longer than some callers wait: they know of nothing sent.
    sent = items.filter((item) => isWaiting(item, options.clock));
    if (sent.length === 0) throw new DomainError("DEADLINE_EXCEEDED");
    for (const item of sent) item.sends += 1;
    return sent.map((item) => item.message);
  };
  try {
    const outcomes = await guarded.once(async () => {
      const answers = await link.send(take, timeoutMs);
      if (answers.every(isAway))
        throw new DomainError("TRANSPORT_FAILED", { problem: "the wallet cannot answer" });
      return answers;
    });
    sent.forEach((item, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined) results.set(item, outcome);
    });
    return sent.filter((item) => isAway(results.get(item)));
  } catch (error) {
    const failure = toDomainError(error);
    for (const item of items) results.set(item, failure);
    return guarded.mayRetry(failure) ? items : [];
  }
}

/** The breaker has opened: who has not been sent yet need not wait for those who were. */
function giveUpUnsent(items: ReadonlySet<Item>, retryAfterMs: number): void {
  const facts = { retry_after_ms: String(retryAfterMs) };
  for (const item of items) if (item.sends === 0) item.giveUp(new DomainError("WALLET_UNAVAILABLE", facts));
}

function isWaiting(item: Item, clock: Clock): boolean {
  return !item.isAbandoned && item.deadlineMs > clock.wallMs();
}

/** True when the wallet itself could not answer an item, its database being away. */
function isAway(result: ItemResult | undefined): boolean {
  return (
    !(result instanceof DomainError) &&
    result?.case === "failure" &&
    result.value.reason === "WALLET_UNAVAILABLE"
  );
}

/** Holds an item to its own deadline, whatever becomes of its batch. */
async function within(clock: Clock, item: Item, result: Promise<ItemResult>): Promise<ItemResult> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<DomainError>((resolve) => {
    const leftMs = Math.max(0, item.deadlineMs - clock.wallMs());
    timer = setTimeout(() => resolve(new DomainError("DEADLINE_EXCEEDED")), leftMs);
    item.giveUp = resolve;
  });
  try {
    const first = await Promise.race([result, deadline]);
    if (first instanceof DomainError) throw first;
    return first;
  } catch (error) {
    item.isAbandoned = item.sends === 0;
    throw withFacts(asWalletFailure(toDomainError(error)), {
      outcome: item.sends > 0 ? "UNKNOWN" : "NOT_ATTEMPTED",
    });
  } finally {
    clearTimeout(timer);
  }
}

function messageOf({ terms, fingerprint, shard, traceparent }: ReserveInput): ReserveMessage {
  const { orderId, userId, reservedAsset, reservedAmount } = terms;
  return {
    orderId,
    userId,
    asset: reservedAsset,
    amount: reservedAmount,
    fingerprint,
    shard,
    terms: encodeTerms(terms),
    traceparent,
  };
}

function messageOfLeg({ amend, asset, fingerprint, shard, traceparent }: LegInput): ReserveMessage {
  return {
    orderId: amend.legId,
    userId: amend.userId,
    asset,
    amount: amend.legAmount,
    fingerprint,
    shard,
    terms: encodeAmend(amend),
    traceparent,
    legOfOrderId: amend.orderId,
  };
}

function answerOf(result: ItemResult, wasResent: boolean): ReserveAnswer {
  if (result instanceof DomainError) throw result;
  if (result.case === "ok") {
    const { replayed, reservation } = result.value;
    // The first reserve of an order stores the terms that it sent, so they need no reading back.
    if (!replayed || reservation === undefined) return { type: "reserved", replayed: false };
    // After a resend the first copy may have been this call's own.
    return { type: "reserved", replayed: !wasResent, stored: reservationOfWire(reservation) };
  }
  if (result.case === undefined) throw new DomainError("INTERNAL", { outcome: "UNKNOWN" });
  const { reason, facts, stored } = result.value;
  if (reason === "INSUFFICIENT_FUNDS") return { type: "refused" };
  if (reason === "ORDER_NOT_OPEN") return { type: "not_open" };
  if (reason === "CLIENT_ORDER_ID_REUSED") {
    return { type: "conflict", stored: stored === undefined ? undefined : reservationOfWire(stored) };
  }
  const known: FailureReason = isFailureReason(reason) ? reason : "INTERNAL";
  throw new DomainError(known, { ...facts, outcome: "UNKNOWN" });
}
