import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { type OrderView, progressOfReservation, progressOfState, viewOf } from "../core/order-view.js";
import { checkSymbol, idsOf, isOrderOf, noteShard, type OrderName, onlyIn } from "./cancel-order.js";
import type { CallContext, Mesh } from "./mesh.js";
import { answerOfClosed } from "./place-order.js";

/**
 * One order of the caller: the reservation first, which holds the final word when the order has ended,
 * else its shard. An order that its shard does not know yet is PENDING. Another user's order is as absent.
 */
export async function readOrder(mesh: Mesh, name: OrderName, context: CallContext): Promise<OrderView> {
  const ids = idsOf(name, context.userId);
  checkSymbol(mesh, name.symbol);
  const row = await mesh.wallet.getReservation(ids.orderId, context.deadlineMs);
  if (!isOrderOf(row, context.userId)) throw new DomainError("ORDER_NOT_FOUND", { order_id: ids.orderId });
  onlyIn(name.symbol, row.terms?.symbol);
  const named = { ...ids, clientOrderId: row.terms?.clientOrderId ?? ids.clientOrderId };
  if (row.state === "CLOSED" || row.terms === undefined) return answerOfClosed(mesh, named, row).order;
  noteShard(mesh, ids.orderId, row.shard);
  const { symbol } = row.terms;
  const market = mesh.shards.findMarket(symbol, row.shard) ?? mesh.shards.market(symbol);
  const state = await mesh.shards.getOrder(row.shard, ids.orderId, context.userId, context.deadlineMs);
  if (state === undefined) return viewOf(row.terms, market, progressOfReservation(row));
  // A tombstone has no terms, an ended order may have none; those of the reservation are the order's first.
  return viewOf(row.terms, market, progressOfState(state));
}
