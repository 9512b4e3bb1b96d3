// Changing price or quantity of an open order: what it needs more is reserved first, then its shard decides.
import { DomainError, type FailureReason, withFacts } from "@bourse/shared/errors/domain-error.js";
import { legIdOf } from "@bourse/shared/ids.js";
import { canonicalAmend } from "@bourse/shared/units/canonical.js";
import {
  type AmendContent,
  type AmendDecision,
  type AmendRequest,
  decideAmend,
  differingAmendField,
  parseAmend,
  parseChange,
  parseDecided,
  termsNow,
} from "../core/amend.js";
import type { MarketRules } from "../core/market.js";
import { type Amend, isTerminal, type OrderTerms, type Reservation } from "../core/order-types.js";
import type { ShardAnswer } from "../io/shard-answer.js";
import {
  checkSymbol,
  completeAnswer,
  idsOf,
  isOrderOf,
  noteShard,
  notOpen,
  type OrderIds,
  type OrderName,
  onlyIn,
  withOutcome,
} from "./cancel-order.js";
import { checkWaiting, expiryAfter, type Heard, hear } from "./expiry.js";
import type { CallContext, Mesh } from "./mesh.js";
import { answerOfClosed, noFunds, notAttempted, type OrderAnswer, unknown } from "./place-order.js";

interface Amending {
  readonly ids: OrderIds;
  readonly legId: string;
  readonly content: AmendContent;
  readonly context: CallContext;
  /** Shard times from before anything was reserved or read. */
  readonly heard: Heard;
  /** What the wallet has under the leg's id, read once. */
  readonly legRow: () => Promise<Reservation | undefined>;
}

/** The order to change as it is known. */
interface Found {
  readonly shard: number;
  readonly terms: OrderTerms;
  /** Of an order that has ended its shard only repeats what it said before. */
  readonly isOpen: boolean;
}

/** What goes to the shard. `isHeld` once a reserve was sent: from then on nothing is certain but by a stored word. */
interface Ready {
  readonly found: Found;
  readonly amend: Amend;
  /** The order's terms if it comes through. */
  readonly after?: OrderTerms | undefined;
  readonly isHeld: boolean;
}

/**
 * Amends an order. Idempotent by (order, request id): the shard remembers what it decided as long as the order,
 * the wallet what was reserved. What the amend may need more is reserved as a leg of the order, under an id that
 * follows from both; the shard's events join it to the order or free it, never this process.
 *
 * The content of a repeat is compared with the leg's, or, where none was needed, by the shard with what it
 * remembers of the first.
 */
export async function amendOrder(
  mesh: Mesh,
  name: OrderName,
  request: AmendRequest,
  context: CallContext,
): Promise<OrderAnswer> {
  const content = notAttempted(() => parseAmend(request));
  const ids = idsOf(name, context.userId);
  try {
    checkWaiting(mesh, context);
    const legId = legIdOf(ids.orderId, request.requestId);
    const legRow = once(() => mesh.wallet.getReservation(legId, context.deadlineMs));
    const amending: Amending = { ids, legId, content, context, heard: hear(mesh), legRow };
    checkSymbol(mesh, name.symbol);
    const found = await findInTurn(mesh, amending, name.symbol);
    onlyIn(name.symbol, "shard" in found ? found.terms.symbol : found.order.symbol);
    if (!("shard" in found)) return found;
    // A leg needs its order's reservation: on a stream what came before has been reserved for by now.
    return await send(mesh, amending, await prepare(mesh, amending, found));
  } catch (error) {
    throw error instanceof DomainError ? withOutcome(error, ids) : error;
  }
}

/**
 * The order to change. On a stream its placement, or an amend before this one, may still be on the way: what
 * was sent is what is known last, so it is looked at in turn.
 */
async function findInTurn(mesh: Mesh, amending: Amending, hint: string): Promise<Found | OrderAnswer> {
  const { ids, context } = amending;
  const { turn } = context;
  if (turn === undefined) return findOrder(mesh, amending, hint);
  // Asked while others have their turn; whoever needs the answer hears of a failure.
  amending.legRow().catch(() => undefined);
  const isKnown = mesh.known.get(ids.orderId)?.terms !== undefined;
  const found = isKnown ? undefined : await findOrder(mesh, amending, hint);
  await turn.enter();
  const known = mesh.known.get(ids.orderId);
  if (known?.terms !== undefined) return { shard: known.shard, terms: known.terms, isOpen: true };
  return found ?? findOrder(mesh, amending, hint);
}

/** The order as its shard knows it; an answer instead when only its reservation does. */
async function findOrder(mesh: Mesh, amending: Amending, hint: string): Promise<Found | OrderAnswer> {
  const { ids } = amending;
  const known = mesh.known.get(ids.orderId);
  const named = hint === "" ? undefined : mesh.shards.shardOf(hint);
  const shard = named ?? known?.shard;
  const found = shard === undefined ? undefined : await askShard(mesh, amending, shard);
  return found ?? fromRow(mesh, amending, shard);
}

async function askShard(
  mesh: Mesh,
  { ids, context }: Amending,
  shard: number,
  row?: Reservation,
): Promise<Found | undefined> {
  mesh.shards.checkOpen(shard);
  const state = await mesh.shards.getOrder(shard, ids.orderId, ids.userId, context.deadlineMs);
  if (state === undefined) return undefined;
  const terms = state.terms ?? row?.terms;
  // An ended order whose terms its shard has forgotten: its reservation knows them.
  if (terms === undefined) return undefined;
  return { shard, terms: termsNow(terms, state), isOpen: !isTerminal(state.status) };
}

/** The reservation names the shard; when even that has forgotten the order, it holds the final word. */
async function fromRow(mesh: Mesh, amending: Amending, asked?: number): Promise<Found | OrderAnswer> {
  const { ids, context } = amending;
  const row = await mesh.wallet.getReservation(ids.orderId, context.deadlineMs);
  if (!isOrderOf(row, context.userId)) throw new DomainError("ORDER_NOT_FOUND");
  noteShard(mesh, ids.orderId, row.shard);
  const isWorthAsking = row.shard !== asked || row.state === "CLOSED";
  const found = isWorthAsking ? await askShard(mesh, amending, row.shard, row) : undefined;
  if (found !== undefined) return found;
  // Reserved but not at its shard yet: there is nothing to change, and nothing is journaled.
  if (row.state !== "CLOSED") throw new DomainError("ORDER_NOT_FOUND");
  const answer = answerOfClosed(mesh, ids, row);
  const leg = await amending.legRow();
  if (leg?.end?.reason === "AMENDED") return answer;
  throw notOpen(answer.order);
}

/** Checks what this process can check and holds what is needed more. */
async function prepare(mesh: Mesh, amending: Amending, found: Found): Promise<Ready> {
  const { symbol } = found.terms;
  const market = mesh.shards.findMarket(symbol, found.shard) ?? mesh.shards.market(symbol);
  let decision: Decision;
  const { orderId, userId } = amending.ids;
  const named = { orderId, userId, legId: amending.legId, symbol };
  try {
    decision = decide(amending, market, found);
  } catch (error) {
    // A rule that changed since must not hide what was decided: the wallet has a row for it.
    const row = await amending.legRow();
    if (row === undefined || row.state === "REFUSED") throw error;
    const amend = { ...named, ...parseDecided(amending.content, market), ...NO_LEG };
    return { found, amend: fromLeg(amending, market, row, amend), isHeld: true };
  }
  mesh.shards.checkOpen(found.shard);
  const { change, after, asset } = decision;
  const amend: Amend = { ...named, ...change };
  if (change.legUnits > 0 && asset !== undefined)
    return reserveLeg(mesh, amending, { found, amend, after, market, asset });
  // Reserve is the look-up; an amend that needs none must still meet what the wallet once said under its key.
  const row = await amending.legRow();
  if (row === undefined) return { found, amend, after, isHeld: false };
  if (row.state === "REFUSED") throw await refusedByRow(mesh, amending, found);
  return { found, amend: fromLeg(amending, market, row, amend), after, isHeld: true };
}

type Decision = Pick<AmendDecision, "change"> & Partial<AmendDecision<OrderTerms>>;
const NO_LEG = { legUnits: 0, legAmount: "" };

function decide({ content }: Amending, market: MarketRules, { isOpen, terms }: Found): Decision {
  // What never rests cannot be open: its shard says so.
  if (isOpen && terms.type !== "MARKET") return decideAmend(content, market, terms);
  return { change: { ...parseChange(content, market), ...NO_LEG } };
}

interface Leg extends Omit<Ready, "isHeld"> {
  readonly market: MarketRules;
  readonly asset: string;
}

async function reserveLeg(
  mesh: Mesh,
  amending: Amending,
  { found, amend, after, market, asset }: Leg,
): Promise<Ready> {
  const { ids, content, context } = amending;
  const { deadlineMs, traceparent } = context;
  const fingerprint = mesh.fingerprint(canonicalAmend(ids.orderId, content));
  const input = { amend, asset, fingerprint, shard: found.shard, traceparent, deadlineMs };
  let answer: Awaited<ReturnType<Mesh["wallet"]["reserveLeg"]>>;
  try {
    answer = await mesh.wallet.reserveLeg(input);
  } catch (error) {
    throw error instanceof DomainError && error.facts.outcome === "NOT_ATTEMPTED" ? error : unknown(error);
  }
  switch (answer.type) {
    case "refused":
      throw noFunds(asset);
    case "not_open":
      throw await notOpenByRow(mesh, amending);
    case "conflict": {
      const stored = answer.stored?.leg;
      const field = (stored && differingAmendField(content, stored, market)) ?? "request_id";
      throw new DomainError("REQUEST_ID_REUSED", { field, outcome: "NOT_ATTEMPTED" });
    }
    case "reserved":
      if (answer.stored === undefined) return { found, amend, after, isHeld: true };
      return { found, amend: fromLeg(amending, market, answer.stored, amend), after, isHeld: true };
  }
}

/**
 * The amend as it was first reserved for. A leg that is closed holds nothing: the shard repeats what it said. One
 * that needed no leg left no content: the shard compares the words of this call with those of the first.
 */
function fromLeg(
  { content }: Amending,
  market: MarketRules,
  { state, leg, end }: Reservation,
  mine: Amend,
): Amend {
  if (end?.reason === "NOT_SEQUENCED") throw new DomainError("SUBMIT_EXPIRED", { outcome: "NOT_ACCEPTED" });
  if (leg === undefined) return { ...mine, ...NO_LEG };
  const field = differingAmendField(content, leg, market);
  if (field !== undefined) throw new DomainError("REQUEST_ID_REUSED", { field, outcome: "NOT_ATTEMPTED" });
  return state === "ACTIVE" ? leg : { ...leg, ...NO_LEG };
}

/** The wallet's stored no: for want of funds, or because the order held nothing any more. */
async function refusedByRow(mesh: Mesh, amending: Amending, found: Found): Promise<DomainError> {
  if (!found.isOpen) return notOpenByRow(mesh, amending);
  const { side, symbol } = found.terms;
  const market = mesh.shards.findMarket(symbol, found.shard);
  return noFunds(side === "BUY" ? market?.quoteAsset : market?.baseAsset);
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= run();
    return result;
  };
}

/** The wallet's word that the order holds nothing any more, with how it ended if the row says so. */
async function notOpenByRow(mesh: Mesh, { ids, context }: Amending): Promise<DomainError> {
  const row = await mesh.wallet.getReservation(ids.orderId, context.deadlineMs).catch(() => undefined);
  const hasEnded = isOrderOf(row, context.userId) && row.state === "CLOSED";
  const failure = hasEnded
    ? notOpen(answerOfClosed(mesh, ids, row).order)
    : new DomainError("ORDER_NOT_OPEN");
  return withFacts(failure, { outcome: "NOT_ACCEPTED" });
}

async function send(mesh: Mesh, amending: Amending, ready: Ready): Promise<OrderAnswer> {
  const { found, amend, after, isHeld } = ready;
  const { context, heard } = amending;
  const { turn, deadlineMs, traceparent } = context;
  const expiresAtMs = expiryAfter(heard, found.shard, context);
  try {
    const sent = mesh.shards.amend(found.shard, amend, {
      lane: turn?.lane,
      deadlineMs,
      expiresAtMs,
      traceparent,
    });
    // What goes out next on this stream stands on this one.
    if (after !== undefined) mesh.known.set(amend.orderId, { shard: found.shard, terms: after });
    turn?.leave();
    const answer = await sent;
    if (answer.type === "failure") throw refusedKey(answer.error);
    return await answerOfAmend(mesh, amending, ready, answer);
  } catch (error) {
    throw isHeld && !isFinal(error) ? unknown(error) : error;
  }
}

async function answerOfAmend(
  mesh: Mesh,
  { ids, context }: Amending,
  { found, amend, after }: Ready,
  answer: Extract<ShardAnswer, { type: "order" }>,
): Promise<OrderAnswer> {
  const { state, refusal } = answer;
  // The leg is closed for good: it came too late and was swept.
  if (refusal === undefined && state.terms === undefined && state.reason === "NOT_SEQUENCED")
    throw new DomainError("SUBMIT_EXPIRED", { outcome: "NOT_ACCEPTED" });
  const { shard, terms } = found;
  // Unless something was sent after it, what the shard says is the last word.
  if (after !== undefined && mesh.known.get(amend.orderId)?.terms === after)
    mesh.known.set(amend.orderId, { shard, terms: termsNow(terms, state) });
  // Of an ended order the shard says only what is other than when it was placed.
  const isMine = refusal === undefined && !answer.replayed;
  const named = { ...ids, clientOrderId: terms.clientOrderId, terms: (isMine ? after : undefined) ?? terms };
  const done = await completeAnswer(mesh, { ids: named, context, shard: found.shard, answer });
  if (refusal === undefined) return done;
  const field = FIELD_OF_REFUSAL[refusal];
  const facts = field === undefined ? {} : { field };
  const failure = refusal === "ORDER_NOT_OPEN" ? notOpen(done.order) : new DomainError(refusal, facts);
  throw withFacts(failure, { outcome: "NOT_ACCEPTED" });
}

/** What of an amend its shard did not take; a price never changes what a market's state allows. */
const FIELD_OF_REFUSAL: Partial<Record<FailureReason, string>> = {
  PRICE_NOT_ALLOWED: "price",
  PRICE_OUT_OF_BAND: "price",
  POST_ONLY_WOULD_TAKE: "price",
};

/** A key that stands for another amend: no repeat of this call changes that, whatever was reserved for it. */
function refusedKey(error: DomainError): DomainError {
  if (error.reason !== "REQUEST_ID_REUSED") return error;
  const { field = "request_id" } = error.facts;
  return new DomainError(error.reason, { field, outcome: "NOT_ATTEMPTED" }, { cause: error });
}

/** True for what a stored word says about the amend. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof DomainError)) return false;
  return error.facts.outcome === "NOT_ACCEPTED" || error.reason === "REQUEST_ID_REUSED";
}
