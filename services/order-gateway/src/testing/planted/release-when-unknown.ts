// Planted bug, rule 2: the gateway frees the money of an order whose outcome it does not know.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { placeOrder as original } from "../../flow/place-order.js";
import { knownWallet } from "./known-wallet.js";

/** Places an order; when the answer is lost, releases at once what it reserved. */
export const placeOrder: typeof original = async (mesh, request, context) => {
  try {
    return await original(mesh, request, context);
  } catch (error) {
    if (error instanceof DomainError && error.facts.outcome === "UNKNOWN") {
      const { order_id: orderId = "" } = error.facts;
      await knownWallet()
        .release({ orderId, userId: context.userId }, { timeoutMs: 1_000 })
        .catch(() => undefined);
    }
    throw error;
  }
};
