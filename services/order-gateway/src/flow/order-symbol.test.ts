// A market that a caller names must be the order's, whatever it asks of the order.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { orderIdOf } from "@bourse/shared/ids.js";
import { describe, expect, test } from "vitest";
import type { OrderState, Reservation } from "../core/order-types.js";
import { flowMesh, flowTerms, MARKET, USER } from "../testing/flow-mesh.js";
import { amendOrder } from "./amend-order.js";
import { cancelOrder } from "./cancel-order.js";
import type { CallContext, Mesh } from "./mesh.js";
import { readOrder } from "./read-order.js";

const orderId = orderIdOf(USER, "c");
const terms = flowTerms({ orderId, clientOrderId: "c" });
const state: OrderState = {
  orderId,
  userId: USER,
  terms,
  status: "CANCELLED",
  reason: "USER",
  executedLots: 0,
  executedTickLots: 0n,
  createdAtMs: 1,
  updatedAtMs: 1,
  acceptedSeq: 7,
  priceTicks: 10_000,
  quantityLots: 100_000,
  isTriggered: false,
};
const row: Reservation = { orderId, userId: USER, state: "ACTIVE", shard: 3, isLeg: false, terms };
const context: CallContext = { userId: USER, deadlineMs: 60_000, tier: "basic", traceparent: "" };

type KnownBy = "this process" | "its shard" | "its reservation";

/** BTC/USDT and ETH/USDT on one shard; the order is of BTC/USDT. */
function meshOf(knownBy: KnownBy) {
  const sent: string[] = [];
  const act = (what: string) => async () => {
    sent.push(what);
    return { type: "order", state, seq: 8, replayed: false } as const;
  };
  const mesh: Mesh = flowMesh({
    wallet: { getReservation: async (id) => (id === orderId ? row : undefined) },
    shards: {
      shardsOf: (symbol) => {
        if (symbol === "BTC/USDT" || symbol === "ETH/USDT") return [3];
        throw new DomainError("SYMBOL_NOT_FOUND", { field: "symbol" });
      },
      findMarket: () => MARKET,
      getOrder: async () => (knownBy === "its reservation" ? undefined : state),
      cancel: act("cancel"),
      cancelUnseen: act("cancel"),
      amend: act("amend"),
    },
  });
  if (knownBy === "this process") mesh.known.set(orderId, { shard: 3, terms });
  return { mesh, sent };
}

const CALLS = {
  cancel: (mesh: Mesh, symbol: string) =>
    cancelOrder(mesh, { clientOrderId: "c", symbol, userId: "" }, context),
  amend: (mesh: Mesh, symbol: string) =>
    amendOrder(
      mesh,
      { clientOrderId: "c", symbol },
      { requestId: "r", price: "99", quantity: undefined },
      context,
    ),
  get: (mesh: Mesh, symbol: string) => readOrder(mesh, { clientOrderId: "c", symbol }, context),
};

const judge = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return "OK";
  } catch (error) {
    return error instanceof DomainError ? error.reason : String(error);
  }
};

describe.each(["cancel", "amend", "get"] as const)("%s", (name) => {
  test.each<KnownBy>(["this process", "its shard", "its reservation"])(
    "of an order that %s knows does nothing under another market's symbol",
    async (knownBy) => {
      const { mesh, sent } = meshOf(knownBy);
      expect(await judge(CALLS[name](mesh, "ETH/USDT"))).toBe("ORDER_NOT_FOUND");
      expect(await judge(CALLS[name](mesh, "X/Y"))).toBe("SYMBOL_NOT_FOUND");
      expect(sent).toEqual([]);
    },
  );

  test.each<KnownBy>(["this process", "its shard"])("acts under its own, known by %s", async (knownBy) => {
    const { mesh, sent } = meshOf(knownBy);
    expect(await judge(CALLS[name](mesh, "BTC/USDT"))).toBe("OK");
    expect(sent).toEqual(name === "get" ? [] : [name]);
  });
});
