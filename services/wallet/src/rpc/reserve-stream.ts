// Many reserves on one stream: read ahead, answered as their transactions end, in messages as they come.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { failureOf } from "@bourse/shared/errors/to-wire.js";
import type {
  ReserveStreamRequest,
  ReserveStreamResponseSchema,
  TaggedReserve,
  TaggedReserveResultSchema,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { withSpan } from "@bourse/shared/runtime/tracing.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ReserveAnswer, ReserveRequest } from "../core/reserve.js";
import { readReserve, reservationMessage } from "./reservation-wire.js";

/** Reserves one order; shares its transaction with what waits at the same time. */
export type Reserve = (request: ReserveRequest) => Promise<ReserveAnswer>;

type Result = MessageInitShape<typeof TaggedReserveResultSchema>;

/** Reserves of one message. */
const BATCH_MAX = 512;

/**
 * Answers every reserve of a stream, in any order. Reads on while fewer than `unansweredMax` are without
 * answer. Ends when the input has ended and all is answered; fails when a message is too large.
 */
export async function* reserveStream(
  reserve: Reserve,
  unansweredMax: number,
  requests: AsyncIterable<ReserveStreamRequest>,
): AsyncIterable<MessageInitShape<typeof ReserveStreamResponseSchema>> {
  const results: Result[] = [];
  let unanswered = 0;
  const input: { isOpen: boolean; failure?: unknown } = { isOpen: true };
  const news = signal();
  const room = signal();

  const take = (tagged: TaggedReserve) => {
    unanswered += 1;
    void answer(reserve, tagged).then((result) => {
      unanswered -= 1;
      results.push(result);
      news.raise();
      room.raise();
    });
  };
  const readAll = async () => {
    for await (const { reserves } of requests) {
      if (reserves.length > BATCH_MAX) throw new DomainError("INVALID_FIELD", { field: "reserves" });
      for (const tagged of reserves) take(tagged);
      while (unanswered >= unansweredMax) await room.raised();
    }
  };
  void readAll()
    .catch((failure: unknown) => {
      input.failure = failure;
    })
    .finally(() => {
      input.isOpen = false;
      news.raise();
    });

  while (true) {
    if (results.length > 0) yield { results: results.splice(0) };
    else if (input.failure !== undefined) throw input.failure;
    else if (!input.isOpen && unanswered === 0) return;
    else await news.raised();
  }
}

/** The answer to one reserve. Never rejects: a failure is an answer too. */
async function answer(reserve: Reserve, { tag, reserve: message }: TaggedReserve): Promise<Result> {
  try {
    if (message === undefined) throw new DomainError("FIELD_REQUIRED", { field: "reserve" });
    const request = readReserve(message);
    const run = () => reserve(request);
    const { traceparent } = message;
    const answered = await (traceparent === "" ? run() : withSpan("wallet reserve", traceparent, {}, run));
    return { tag, outcome: outcomeOf(answered) };
  } catch (error) {
    const { reason, facts } = failureOf(error);
    return { tag, outcome: { case: "failure", value: { reason, facts: { ...facts } } } };
  }
}

function outcomeOf(answered: ReserveAnswer): NonNullable<Result["outcome"]> {
  if (answered.type === "held") {
    const { reservation, isReplayed: replayed } = answered;
    return { case: "ok", value: { reservation: reservationMessage(reservation), replayed } };
  }
  const { reason, facts } = refusalOf(answered);
  const stored = reservationMessage(answered.type === "conflict" ? answered.stored : answered.reservation);
  return { case: "failure", value: { reason, facts: { ...facts }, stored } };
}

/** Why funds are not held: definite words of the wallet, so that no order exists or will under this key. */
export function refusalOf(answered: Exclude<ReserveAnswer, { type: "held" }>): DomainError {
  if (answered.type === "conflict") {
    return new DomainError("CLIENT_ORDER_ID_REUSED", { order_id: answered.stored.orderId });
  }
  const { orderId, legOf, asset, refusal } = answered.reservation;
  if (refusal === "ORDER_NOT_OPEN") {
    return new DomainError("ORDER_NOT_OPEN", { outcome: "NOT_ACCEPTED", order_id: legOf ?? orderId });
  }
  return new DomainError("INSUFFICIENT_FUNDS", {
    outcome: "NOT_ACCEPTED",
    order_id: orderId,
    asset: asset ?? "",
  });
}

/** Wakes one waiter in the next turn of the event loop, so that what comes together leaves together. */
function signal() {
  let isRaised = false;
  let wake: (() => void) | undefined;
  return {
    raise: () => {
      isRaised = true;
      wake?.();
    },
    async raised(): Promise<void> {
      if (!isRaised) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      wake = undefined;
      isRaised = false;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
