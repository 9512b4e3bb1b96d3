// What a client order id came to mean, in the journal and at the wallet.
import { type OrderTerms, OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { orderIdOf } from "@bourse/shared/ids.js";
import { fromBinary } from "@bufbuild/protobuf";
import type { ShardFold } from "./fold.js";
import type { ReservationRow } from "./snapshot.js";

/**
 * I33: an order's id follows from its user and client order id, so one key is one order for ever; and what the
 * shard took in is what the first call with that key reserved for.
 */
export function compareKeys(fold: ShardFold, reservations: ReadonlyMap<string, ReservationRow>): string[] {
  const breaches: string[] = [];
  for (const { orderId, terms } of fold.orders.values()) {
    if (terms === undefined) continue;
    const { clientOrderId, userId } = terms;
    if (orderIdOf(userId, clientOrderId) !== orderId)
      breaches.push(`order ${orderId} is not the one that ${userId} means by ${clientOrderId}`);
    const stored = reservations.get(orderId)?.terms;
    if (stored === undefined || stored === null) continue;
    const differing = differingField(terms, fromBinary(OrderTermsSchema, stored));
    if (differing !== undefined)
      breaches.push(`order ${orderId} was journaled with another ${differing} than was reserved for`);
  }
  return breaches;
}

const FIELDS = [
  "clientOrderId",
  "userId",
  "symbol",
  "side",
  "type",
  "timeInForce",
  "priceTicks",
  "quantityLots",
  "stopPriceTicks",
  "budgetTickLots",
] as const satisfies readonly (keyof OrderTerms)[];

function differingField(journaled: OrderTerms, stored: OrderTerms): string | undefined {
  return FIELDS.find((field) => journaled[field] !== stored[field]);
}
