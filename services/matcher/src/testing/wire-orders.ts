// Orders as messages, for tests that speak to a matcher.

import type {
  AmendCommandSchema,
  CommandSchema,
  SubmitCommandSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import type { ServiceClient } from "@bourse/shared/rpc/client.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AmendCommand, OrderTerms } from "../core/types.js";
import { termsInit } from "../rpc/matcher-wire.js";
import { amend, orderId, terms, userId } from "./orders.js";

type Client = ServiceClient<typeof MatcherService>;

/** Terms that reserve enough of the right asset. */
export function fundedTerms(number: number, changes: Partial<OrderTerms> = {}): OrderTerms {
  const side = changes.side ?? "buy";
  return terms(number, {
    reservedAsset: side === "buy" ? "USDT" : "BTC",
    reservedAmount: "1000000",
    ...changes,
  });
}

/** A submit that the shard may take for the next half minute of its time. */
export function wireSubmit(
  number: number,
  changes: Partial<OrderTerms> = {},
  expiresAtMs = Date.now() + 30_000,
): MessageInitShape<typeof SubmitCommandSchema> {
  return { terms: termsInit(fundedTerms(number, changes)), expiresAtMs: BigInt(expiresAtMs) };
}

export function submitCommand(
  number: number,
  changes: Partial<OrderTerms> = {},
): MessageInitShape<typeof CommandSchema> {
  return { kind: { case: "submit", value: wireSubmit(number, changes) } };
}

/** Amend `key` of an order, which the shard may take for the next half minute of its time. */
export function wireAmend(
  key: number,
  number: number,
  changes: Partial<AmendCommand> = {},
  expiresAtMs = Date.now() + 30_000,
): MessageInitShape<typeof AmendCommandSchema> {
  const { type: _, ...made } = amend(key, number, { ...changes, expiresAtMs });
  return {
    ...made,
    priceTicks: BigInt(made.priceTicks),
    quantityLots: BigInt(made.quantityLots),
    legUnits: BigInt(made.legUnits),
    expiresAtMs: BigInt(made.expiresAtMs),
  };
}

export function cancelCommand(number: number, user = number): MessageInitShape<typeof CommandSchema> {
  return { kind: { case: "cancel", value: { orderId: orderId(number), userId: userId(user) } } };
}

/** Status and reason of an answer, or the reason of a failure. */
export async function submitted(client: Client, number: number, changes: Partial<OrderTerms> = {}) {
  const { result } = await client.submit({ submit: wireSubmit(number, changes) });
  if (result?.outcome.case !== "order") throw new Error("an answer without an order");
  const { order } = { order: result.outcome.value };
  return { order, seq: Number(result.seq), replayed: result.replayed };
}

/** First so many messages of a stream. */
export async function take<T>(messages: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const message of messages) {
    taken.push(message);
    if (taken.length === count) break;
  }
  return taken;
}
