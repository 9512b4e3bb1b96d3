// Ending one order, also one that its shard may never have seen.
import { DomainError, withFacts } from "@bourse/shared/errors/domain-error.js";
import { orderIdOf } from "@bourse/shared/ids.js";
import type { ShardAnswer, ShardCall } from "../io/shards.js";
import { checkWaiting, expiryAfter, type Heard, hear } from "./expiry.js";
import type { CallContext, Mesh } from "./mesh.js";
import { answerOfClosed, answerOfShard, type OrderAnswer } from "./place-order.js";

/** An order by one of its ids; `symbol` is a hint, "" for none. */
export interface OrderName {
  readonly orderId?: string | undefined;
  readonly clientOrderId?: string | undefined;
  readonly symbol: string;
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
 * Cancels an order. A cancelled order is answered again; one that ended otherwise is refused with
 * ORDER_NOT_OPEN and its final state. An order that is reserved but unknown to its shard gets a tombstone,
 * so that its late Submit is refused; one without a reservation changes nothing.
 */
export async function cancelOrder(mesh: Mesh, name: OrderName, context: CallContext): Promise<OrderAnswer> {
  const ids = idsOf(name, context.userId);
  try {
    checkWaiting(mesh, context);
    const heard = hear(mesh);
    const named = name.symbol === "" ? undefined : mesh.shards.shardOf(name.symbol);
    const shard = named ?? mesh.routes.get(ids.orderId);
    const order = { ids, context, heard };
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
  readonly context: CallContext;
  readonly heard: Heard;
}

async function atShard(mesh: Mesh, target: Target, shard: number): Promise<OrderAnswer> {
  const { ids } = target;
  const answer = await execute(mesh, target, shard, (call) => mesh.shards.cancel(shard, ids, call));
  if (answer.type === "order") return answerOfShard(mesh, ids, shard, answer, false);
  if (answer.error.reason !== "ORDER_NOT_FOUND") throw answer.error;
  return fromRow(mesh, { ...target, heard: hear(mesh) });
}

/** The reservation names the shard, or already holds the final word. Another user's order is as absent. */
async function fromRow(mesh: Mesh, target: Target): Promise<OrderAnswer> {
  const { context } = target;
  const row = await mesh.wallet.getReservation(target.ids.orderId, context.deadlineMs);
  const isTheirs = row !== undefined && row.userId === context.userId && row.state !== "REFUSED";
  if (!isTheirs) throw new DomainError("ORDER_NOT_FOUND");
  const ids = { ...target.ids, clientOrderId: row.terms?.clientOrderId ?? target.ids.clientOrderId };
  if (row.state === "CLOSED") return answerOfClosed(mesh, ids, row);
  mesh.routes.set(ids.orderId, row.shard);
  const order = { orderId: ids.orderId, userId: ids.userId, symbol: row.terms?.symbol ?? "" };
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
  const { status, reason, filledQuantity } = answer.order;
  if (status === "CANCELLED") return answer;
  const why = reason === "" ? {} : { reason };
  throw new DomainError("ORDER_NOT_OPEN", { status, ...why, filled_quantity: filledQuantity });
}

/** A cancel that may have reached its shard is in doubt; any other failure means that nothing was done. */
function withOutcome(error: DomainError, ids: OrderIds): DomainError {
  const facts = { order_id: ids.orderId };
  if (error.facts.outcome !== "UNKNOWN") return withFacts(error, { outcome: "NOT_ATTEMPTED", ...facts });
  return new DomainError(
    "OUTCOME_UNKNOWN",
    { retry_after_ms: "1000", ...error.facts, ...facts, cause: error.reason },
    { cause: error },
  );
}
