// Ending one order, also one that its shard may never have seen.
import { DomainError, withFacts } from "@bourse/shared/errors/domain-error.js";
import { orderIdOf } from "@bourse/shared/ids.js";
import type { OrderTerms, Reservation } from "../core/order-types.js";
import type { OrderView } from "../core/order-view.js";
import type { ShardAnswer } from "../io/shard-answer.js";
import type { ShardCall } from "../io/shards.js";
import { checkWaiting, expiryAfter, type Heard, hear } from "./expiry.js";
import type { CallContext, Mesh } from "./mesh.js";
import { answerOfClosed, answerOfShard, type OrderAnswer, unknown } from "./place-order.js";
import { whoseOrders } from "./whose-orders.js";

/** An order by one of its ids, and its market; "" when the caller does not say. */
export interface OrderName {
  readonly orderId?: string | undefined;
  readonly clientOrderId?: string | undefined;
  readonly symbol: string;
}

/** An order to end: the caller's, "", or as an operator that of a user. */
export interface CancelName extends OrderName {
  readonly userId: string;
}

export interface OrderIds {
  readonly orderId: string;
  /** "" when the caller named the order by its order id. */
  readonly clientOrderId: string;
  readonly userId: string;
}

/** The ids that a name stands for. */
export function idsOf(name: OrderName, userId: string): OrderIds {
  const clientOrderId = name.clientOrderId ?? "";
  return { orderId: name.orderId ?? orderIdOf(userId, clientOrderId), clientOrderId, userId };
}

/**
 * Cancels an order, of the caller or, by an operator, of the user named. A cancelled order is answered again; one
 * that ended otherwise is refused with ORDER_NOT_OPEN and its final state. An order that is reserved but unknown to
 * its shard gets a tombstone, so that its late Submit is refused; one without a reservation changes nothing.
 */
export async function cancelOrder(mesh: Mesh, name: CancelName, context: CallContext): Promise<OrderAnswer> {
  const { userId, operatorId } = whoseOrders(name.userId, context);
  const ids = idsOf(name, userId);
  try {
    checkWaiting(mesh, context);
    const heard = hear(mesh);
    const order = { ids, operatorId, symbol: name.symbol, context, heard };
    const shard = await shardToAsk(mesh, order);
    return onlyCancelled(
      shard === undefined ? await fromRow(mesh, order) : await atShard(mesh, order, shard),
    );
  } catch (error) {
    throw error instanceof DomainError ? withOutcome(error, ids) : error;
  }
}

/** An order to cancel, and shard times from before anything was read about it. */
interface Target {
  readonly ids: OrderIds;
  /** Who ends it when its owner does not, else "". */
  readonly operatorId: string;
  /** Market that the caller named; "" for none. */
  readonly symbol: string;
  readonly context: CallContext;
  readonly heard: Heard;
}

/** Refuses a symbol that no market has; "" names none. */
export function checkSymbol(mesh: Mesh, symbol: string): void {
  if (symbol !== "") mesh.shards.shardsOf(symbol);
}

/** Refuses an order of another market than the one named; "" names none. */
export function onlyIn(named: string, symbol: string | undefined): void {
  if (named === "" || symbol === undefined || symbol === "" || symbol === named) return;
  // No word more than of an order that is not there: it may be another user's.
  throw new DomainError("ORDER_NOT_FOUND");
}

/**
 * Shard that knows the order, undefined to ask the reservation. A market that the caller names must be the
 * order's, which is looked at before anything ends: by what this process knows, else by what the shard says.
 */
async function shardToAsk(mesh: Mesh, { ids, symbol, context }: Target): Promise<number | undefined> {
  const known = () => mesh.known.get(ids.orderId);
  if (symbol === "") return known()?.shard;
  checkSymbol(mesh, symbol);
  // On a stream its placement may still be on the way.
  if (known()?.terms === undefined) await context.turn?.enter();
  const { shard, terms } = known() ?? {};
  onlyIn(symbol, terms?.symbol);
  if (terms !== undefined) return shard;
  const asked = mesh.shards.shardOf(symbol) ?? shard;
  if (asked === undefined) return undefined;
  mesh.shards.checkOpen(asked);
  const state = await mesh.shards.getOrder(asked, ids.orderId, ids.userId, context.deadlineMs);
  onlyIn(symbol, state?.terms?.symbol);
  return state?.terms === undefined ? undefined : asked;
}

async function atShard(mesh: Mesh, target: Target, shard: number): Promise<OrderAnswer> {
  const { ids, operatorId } = target;
  const order = { orderId: ids.orderId, userId: ids.userId, operatorId };
  const answer = await execute(mesh, target, shard, (call) => mesh.shards.cancel(shard, order, call));
  const { terms } = mesh.known.get(ids.orderId) ?? {};
  if (answer.type === "order")
    return completeAnswer(mesh, { ids: { ...ids, terms }, context: target.context, shard, answer });
  if (answer.error.reason !== "ORDER_NOT_FOUND") throw answer.error;
  return fromRow(mesh, { ...target, heard: hear(mesh) });
}

/** The reservation names the shard, or already holds the final word. Another user's order is as absent. */
async function fromRow(mesh: Mesh, target: Target): Promise<OrderAnswer> {
  const { context, operatorId } = target;
  const row = await mesh.wallet.getReservation(target.ids.orderId, context.deadlineMs);
  if (!isOrderOf(row, target.ids.userId)) throw new DomainError("ORDER_NOT_FOUND");
  const ids = { ...target.ids, clientOrderId: row.terms?.clientOrderId ?? target.ids.clientOrderId };
  onlyIn(target.symbol, row.terms?.symbol);
  if (row.state === "CLOSED") return answerOfClosed(mesh, ids, row);
  noteShard(mesh, ids.orderId, row.shard);
  const { orderId, userId } = ids;
  const order = { orderId, userId, operatorId, symbol: row.terms?.symbol ?? "" };
  const answer = await execute(mesh, target, row.shard, (call) =>
    mesh.shards.cancelUnseen(row.shard, order, call),
  );
  if (answer.type === "failure") throw answer.error;
  return answerOfShard(mesh, { ...ids, terms: row.terms }, row.shard, answer, false);
}

async function execute(
  mesh: Mesh,
  { context, heard }: Target,
  shard: number,
  send: (call: ShardCall) => Promise<ShardAnswer>,
): Promise<ShardAnswer> {
  const { turn, deadlineMs, traceparent } = context;
  mesh.shards.checkOpen(shard);
  await turn?.enter();
  const expiresAtMs = expiryAfter(heard, shard, context);
  const sent = send({ lane: turn?.lane, deadlineMs, expiresAtMs, traceparent });
  turn?.leave();
  return sent;
}

function onlyCancelled(answer: OrderAnswer): OrderAnswer {
  if (answer.order.status === "CANCELLED") return answer;
  throw notOpen(answer.order);
}

/** The refusal of a change to an order that has ended, with its final state. */
export function notOpen({ status, reason, filledQuantity }: OrderView): DomainError {
  const why = reason === "" ? {} : { reason };
  return new DomainError("ORDER_NOT_OPEN", { status, ...why, filled_quantity: filledQuantity });
}

/** What a tombstone may say. */
const TOMBSTONE_REASONS: ReadonlySet<string> = new Set(["NOT_SEQUENCED", "USER", "OPERATOR"]);

/** True for the row of an order of this user that may exist; a leg is no order, a refusal made none. */
export function isOrderOf(row: Reservation | undefined, userId: string): row is Reservation {
  if (row === undefined || row.userId !== userId || row.isLeg || row.state === "REFUSED") return false;
  // Rows without content close what was never reserved: of orders only tombstones do.
  return row.terms !== undefined || TOMBSTONE_REASONS.has(row.end?.reason ?? "");
}

/** Notes where an order is; what is known of its terms stays. */
export function noteShard(mesh: Mesh, orderId: string, shard: number): void {
  mesh.known.set(orderId, { shard, terms: mesh.known.get(orderId)?.terms });
}

interface Answered {
  readonly ids: OrderIds & { readonly terms?: OrderTerms | undefined };
  readonly context: CallContext;
  readonly shard: number;
  readonly answer: Extract<ShardAnswer, { type: "order" }>;
}

/** The order as its shard answered; terms that nobody here knows come from its reservation. */
export async function completeAnswer(
  mesh: Mesh,
  { ids, context, shard, answer }: Answered,
): Promise<OrderAnswer> {
  if ((ids.terms ?? answer.state.terms) !== undefined) return answerOfShard(mesh, ids, shard, answer, false);
  let row: Reservation | undefined;
  try {
    row = await mesh.wallet.getReservation(ids.orderId, context.deadlineMs);
  } catch (error) {
    // The command is done; only its answer cannot be written.
    throw unknown(error);
  }
  const named = { ...ids, clientOrderId: row?.terms?.clientOrderId ?? ids.clientOrderId, terms: row?.terms };
  return answerOfShard(mesh, named, shard, answer, false);
}

/** A cancel or amend that may have reached its shard is in doubt; any other failure means that nothing was done. */
export function withOutcome(error: DomainError, ids: OrderIds): DomainError {
  const facts = { order_id: ids.orderId };
  if (error.facts.outcome !== "UNKNOWN") return withFacts(error, { outcome: "NOT_ATTEMPTED", ...facts });
  if (error.reason === "OUTCOME_UNKNOWN") return withFacts(error, facts);
  return new DomainError(
    "OUTCOME_UNKNOWN",
    { retry_after_ms: "1000", ...error.facts, ...facts, cause: error.reason },
    { cause: error },
  );
}
