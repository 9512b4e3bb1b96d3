// The way of an order at the edge: reserve, submit, and what to say when an answer is lost.
import { DomainError, withFacts } from "@bourse/shared/errors/domain-error.js";
import { orderIdOf } from "@bourse/shared/ids.js";
import { termsNow } from "../core/amend.js";
import { canonicalText, type OrderContent, type PlaceRequest, parseContent } from "../core/order-content.js";
import { decideTerms, type OrderKey } from "../core/order-intent.js";
import type { OrderTerms, Reservation } from "../core/order-types.js";
import {
  differingField,
  type OrderView,
  progressOfReservation,
  progressOfState,
  viewOf,
  viewOfTombstone,
} from "../core/order-view.js";
import type { ShardAnswer } from "../io/shard-answer.js";
import { checkWaiting, expiryAfter, type Heard, hear } from "./expiry.js";
import type { CallContext, Mesh } from "./mesh.js";

/** An order that exists. */
export interface OrderAnswer {
  readonly order: OrderView;
  /** True when it existed, or had been cancelled, before this call. */
  readonly replayed: boolean;
  /** Seq of the shard that the answer rests on. */
  readonly seq: number;
}

interface Placement {
  readonly key: OrderKey;
  readonly content: OrderContent;
  readonly context: CallContext;
}

interface Prepared {
  readonly terms: OrderTerms;
  readonly shard: number;
  /** Shard times before the reserve was sent or the row was read. */
  readonly heard: Heard;
}

const RETRY_AFTER_MS = "1000";

/**
 * Reserves funds at the wallet, then submits to the shard. The order id follows from user and client
 * order id, so repeating the call can never place a second order.
 *
 * Funds of a rejected or ended order are released by the shard's events, never here. When an answer
 * is lost after the reserve was sent, the order may live without us knowing: the caller gets
 * OUTCOME_UNKNOWN, the funds stay held, and the same call again or the sweep gets the final word.
 */
export async function placeOrder(
  mesh: Mesh,
  request: PlaceRequest,
  context: CallContext,
): Promise<OrderAnswer> {
  const content = notAttempted(() => parseContent(request));
  const clientOrderId = request.clientOrderId === "" ? mesh.mintId() : request.clientOrderId;
  const { userId, tier } = context;
  const key = { orderId: orderIdOf(userId, clientOrderId), userId, clientOrderId, tier };
  const placement = { key, content, context };
  try {
    const prepared = prepare(mesh, placement);
    if (!(prepared instanceof DomainError)) return await reserveAndSubmit(mesh, placement, prepared);
    // A rule that changed since must not hide an order that exists; a new key needs no look-up.
    if (request.clientOrderId === "") throw prepared;
    // Nor must it hide one that an earlier command of this stream is only now reserving for.
    await context.turn?.enter();
    return await answerFromRow(mesh, placement, prepared);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw withFacts(error, {
      outcome: "NOT_ATTEMPTED",
      order_id: key.orderId,
      client_order_id: clientOrderId,
    });
  }
}

/** Checks that cost no hop. Market and quote are read together with the shard's time. */
function prepare(mesh: Mesh, { key, content, context }: Placement): Prepared | DomainError {
  try {
    checkWaiting(mesh, context);
    const market = mesh.shards.market(content.symbol);
    const terms = decideTerms(key, content, market, mesh.shards.quote(content.symbol));
    mesh.shards.checkOpen(market.shard);
    mesh.shards.checkRoom(market.shard);
    return { terms, shard: market.shard, heard: hear(mesh) };
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

async function reserveAndSubmit(mesh: Mesh, placement: Placement, prepared: Prepared): Promise<OrderAnswer> {
  const { key, content, context } = placement;
  const { terms, shard, heard } = prepared;
  // Known before it is submitted, so that a cancel or an amend right behind it finds the way.
  if (mesh.known.get(key.orderId)?.terms === undefined) mesh.known.set(key.orderId, { shard, terms });
  const fingerprint = mesh.fingerprint(canonicalText(content));
  const { deadlineMs, traceparent } = context;
  let answer: Awaited<ReturnType<Mesh["wallet"]["reserve"]>>;
  try {
    answer = await mesh.wallet.reserve({ terms, fingerprint, shard, traceparent, deadlineMs });
  } catch (error) {
    throw error instanceof DomainError && error.facts.outcome === "NOT_ATTEMPTED" ? error : unknown(error);
  }
  switch (answer.type) {
    case "refused":
      throw noFunds(terms.reservedAsset);
    case "not_open":
      throw unknown(new DomainError("INTERNAL"));
    case "conflict":
      throw reused(mesh, content, answer.stored);
    case "reserved":
      if (answer.stored === undefined) return submit(mesh, placement, prepared, false);
      return carryOn(mesh, placement, { row: answer.stored, wasKnown: answer.replayed, heard });
  }
}

/** A local refusal stands unless the key already names an order. */
async function answerFromRow(mesh: Mesh, placement: Placement, refusal: DomainError): Promise<OrderAnswer> {
  const { key, content, context } = placement;
  const heard = hear(mesh);
  const row = await mesh.wallet.getReservation(key.orderId, context.deadlineMs);
  if (row === undefined) throw refusal;
  const field =
    row.terms && differingField(content, row.terms, mesh.shards.findMarket(row.terms.symbol, row.shard));
  if (field !== undefined) throw new DomainError("CLIENT_ORDER_ID_REUSED", { field });
  if (row.state === "ACTIVE") mesh.shards.checkOpen(row.shard);
  return carryOn(mesh, placement, { row, wasKnown: true, heard });
}

interface Stored {
  readonly row: Reservation;
  /** True when an earlier call made the row. */
  readonly wasKnown: boolean;
  readonly heard: Heard;
}

/** Carries on from a stored reservation: its terms and its word count, not what this call derived. */
async function carryOn(
  mesh: Mesh,
  placement: Placement,
  { row, wasKnown, heard }: Stored,
): Promise<OrderAnswer> {
  switch (row.state) {
    case "REFUSED":
      throw noFunds(row.terms?.reservedAsset);
    case "CLOSED":
      return answerOfClosed(mesh, placement.key, row);
    case "ACTIVE": {
      const { terms, shard } = row;
      if (terms === undefined) throw unknown(new DomainError("INTERNAL"));
      return submit(mesh, placement, { terms, shard, heard }, wasKnown);
    }
  }
}

/** The final word as the wallet keeps it; the shard is not asked. */
export function answerOfClosed(
  mesh: Mesh,
  ids: { orderId: string; clientOrderId: string },
  row: Reservation,
): OrderAnswer {
  const progress = progressOfReservation(row);
  const market = row.terms && mesh.shards.findMarket(row.terms.symbol, row.shard);
  const seq = row.end?.endedSeq ?? 0;
  if (row.terms === undefined) return { order: viewOfTombstone(ids, progress), replayed: true, seq };
  // The grid of a market comes from its shard; without it ticks and lots say nothing.
  if (market === undefined) throw new DomainError("SHARD_UNAVAILABLE", { retry_after_ms: RETRY_AFTER_MS });
  return { order: viewOf(row.terms, market, progress), replayed: true, seq };
}

async function submit(
  mesh: Mesh,
  { key, context }: Placement,
  { terms, shard, heard }: Prepared,
  wasReserved: boolean,
): Promise<OrderAnswer> {
  const { turn, deadlineMs, traceparent } = context;
  const expiresAtMs = expiryAfter(heard, shard, context);
  try {
    await turn?.enter();
    const sent = mesh.shards.submit(shard, terms, { lane: turn?.lane, deadlineMs, expiresAtMs, traceparent });
    turn?.leave();
    const answer = await sent;
    if (answer.type === "failure") throw answer.error;
    return answerOfShard(mesh, { ...key, terms }, shard, answer, wasReserved);
  } catch (error) {
    throw unknown(error);
  }
}

/**
 * The order as its shard answered, noted for later reads. `terms` are those that the caller knows: a tombstone
 * has none, and a shard that has forgotten those of an ended order leaves them out.
 */
export function answerOfShard(
  mesh: Mesh,
  ids: { orderId: string; clientOrderId: string; userId: string; terms?: OrderTerms | undefined },
  shard: number,
  answer: Extract<ShardAnswer, { type: "order" }>,
  wasKnown: boolean,
): OrderAnswer {
  const { state, seq } = answer;
  mesh.acknowledged(ids.userId, shard, seq);
  const replayed = wasKnown || answer.replayed;
  const progress = progressOfState(state);
  const terms = ids.terms ?? state.terms;
  // Of an order that is not new the shard knows better what became of it.
  if (terms !== undefined && replayed) mesh.known.set(ids.orderId, { shard, terms: termsNow(terms, state) });
  if (terms === undefined) return { order: viewOfTombstone(ids, progress), replayed, seq };
  const market = mesh.shards.findMarket(terms.symbol, shard);
  // The command is done; only its answer cannot be written without the grid.
  if (market === undefined)
    throw new DomainError("SHARD_UNAVAILABLE", { outcome: "UNKNOWN", retry_after_ms: RETRY_AFTER_MS });
  return { order: viewOf(terms, market, progress), replayed, seq };
}

/** After the reserve was sent nothing is certain but by a stored word. */
export function unknown(error: unknown): DomainError {
  const cause = error instanceof DomainError ? error.reason : "INTERNAL";
  return new DomainError(
    "OUTCOME_UNKNOWN",
    { outcome: "UNKNOWN", cause, retry_after_ms: RETRY_AFTER_MS },
    { cause: error },
  );
}

/** The wallet's final no, and of which asset there is too little, if that is known. */
export function noFunds(asset: string | undefined): DomainError {
  return new DomainError("INSUFFICIENT_FUNDS", {
    outcome: "NOT_ACCEPTED",
    ...(asset === undefined || asset === "" ? {} : { asset }),
  });
}

function reused(mesh: Mesh, content: OrderContent, stored: Reservation | undefined): DomainError {
  const terms = stored?.terms;
  const field = terms && differingField(content, terms, mesh.shards.findMarket(terms.symbol, stored.shard));
  return new DomainError("CLIENT_ORDER_ID_REUSED", { field: field ?? "client_order_id" });
}

/** What is refused here was not attempted. */
export function notAttempted<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof DomainError ? withFacts(error, { outcome: "NOT_ATTEMPTED" }) : error;
  }
}
