// Commands about one order: decided, refused for what the core does not know, applied, answered.
import { assert } from "@bourse/shared/assert.js";
import { amendOutcome, decide, differingAmendField, orderOfLeg, type Verdict } from "../core/decide.js";
import { isEndedRef, recordOf } from "../core/memory.js";
import { entryOf, type Shard } from "../core/shard.js";
import type { AmendCommand, OrderCommand, OrderTerms, OrderView, SubmitCommand } from "../core/types.js";
import { termsOf, viewOf } from "../core/view.js";
import type { Admit } from "./admit.js";
import type { Draft, FailureAnswer, Request } from "./answer.js";
import type { Log } from "./log.js";
import { onlyLowers, type ReadOnly } from "./read-only.js";
import type { Writer } from "./write-record.js";

export interface OrderCommandDeps {
  readonly shard: Shard;
  readonly log: Pick<Log, "room">;
  readonly admit: Admit;
  readonly whyReadOnly: () => ReadOnly | undefined;
}

/** Makes what sequences one command and says what is to be answered once it is durable. */
export function createOrderCommands(deps: OrderCommandDeps, writer: Writer): (request: Request) => Draft {
  const { shard } = deps;
  return ({ command, traceparent }) => {
    const timeMs = writer.advance();
    const verdict = decide(shard, timeMs, command);
    if (verdict.type === "refuse") return refused(shard, verdict, command);
    if (verdict.type === "known") return known(shard, verdict.entry, command);
    const refusal = whyNot(deps, command);
    if (refusal !== undefined) return { type: "failure", ...refusal, seq: shard.seq };
    const before = termsBefore(shard, command);
    writer.write(command, traceparent, timeMs);
    return applied(shard, command, before);
  };
}

/** The order after its command. The terms leave memory with the order's end. */
function applied(shard: Shard, command: OrderCommand, before: OrderTerms | undefined): Draft {
  const answer = { type: "order", seq: shard.seq, replayed: false } as const;
  if (command.type === "submit") {
    const { terms } = command;
    const { orderId, userId } = terms;
    const order = viewOf(shard, entryOf(shard, orderId), { orderId, userId, terms });
    return { type: "order", order, seq: shard.seq, replayed: false };
  }
  if (command.type === "cancel") {
    const { orderId, userId } = command;
    const order = viewOf(shard, entryOf(shard, orderId), { orderId, userId, terms: before });
    return { type: "order", order, seq: shard.seq, replayed: false };
  }
  const view = viewOf(shard, entryOf(shard, command.orderId));
  const order = view.terms === undefined ? { ...view, terms: before } : view;
  if (command.type !== "amend") return { ...answer, order };
  const outcome = amendOutcome(shard, entryOf(shard, command.legId));
  assert(
    outcome !== undefined && outcome !== "TOMBSTONE",
    "the key of an amend that was applied is remembered",
  );
  return { ...answer, order, amendRefusal: outcome === "" ? undefined : outcome };
}

/** What was decided before, and the order as it is now. */
function known(shard: Shard, entry: number, command: OrderCommand): Draft {
  const answer = { type: "order", seq: shard.seq, replayed: true } as const;
  const outcome = amendOutcome(shard, entry);
  if (outcome === undefined || outcome === "TOMBSTONE") {
    const order = viewOf(shard, entry);
    if (command.type !== "submit" || order.terms === undefined) return { ...answer, order };
    // A repeat brings along what was reserved, which memory does not keep.
    return { ...answer, order: { ...order, terms: termsNow(command.terms, order) } };
  }
  const order = orderOfLeg(shard, entry);
  if (order < 0) return failure(shard, "ORDER_NOT_FOUND", command);
  return { ...answer, order: viewOf(shard, order), amendRefusal: outcome === "" ? undefined : outcome };
}

function termsNow(terms: OrderTerms, { priceTicks, quantityLots }: OrderView): OrderTerms {
  if (terms.priceTicks === priceTicks && terms.quantityLots === quantityLots) return terms;
  return { ...terms, priceTicks, quantityLots };
}

function refused(
  shard: Shard,
  { reason, entry }: Verdict & { type: "refuse" },
  command: OrderCommand,
): Draft {
  if (reason === "REQUEST_ID_REUSED" && command.type === "amend") {
    const refusal = failure(shard, reason, command);
    const field = differingAmendField(shard, entry, command);
    return field === undefined ? refusal : { ...refusal, facts: { ...refusal.facts, field } };
  }
  if (reason !== "CLIENT_ORDER_ID_REUSED" || command.type !== "submit")
    return failure(shard, reason, command);
  const { acceptedSeq } = viewOf(shard, entry);
  return { type: "differs", acceptedSeq, terms: command.terms, seq: shard.seq };
}

function failure(shard: Shard, reason: FailureAnswer["reason"], command: OrderCommand): FailureAnswer {
  return { type: "failure", reason, facts: { order_id: orderIdIn(command) }, seq: shard.seq };
}

/** Checks that need more than the core knows: the reservation, the followers, the disk. */
function whyNot(
  deps: OrderCommandDeps,
  command: OrderCommand,
): Pick<FailureAnswer, "reason" | "facts"> | undefined {
  if (command.type === "submit") return deps.whyReadOnly() ?? whyNotPlace(deps, command);
  // Nothing at all can be journaled.
  if (deps.log.room() === "none") return deps.whyReadOnly();
  return command.type === "amend" ? whyNotAmend(deps, command) : undefined;
}

function whyNotPlace({ shard, admit }: OrderCommandDeps, { terms }: SubmitCommand) {
  const book = shard.bookOfSymbol.get(terms.symbol);
  assert(book !== undefined, "an order that may be applied has a market");
  return invalid(admit.order(book.market, terms));
}

function whyNotAmend({ shard, admit, whyReadOnly }: OrderCommandDeps, command: AmendCommand) {
  const entry = entryOf(shard, command.orderId);
  const order = viewOf(shard, entry);
  const { terms } = order;
  // An order that has ended: the core says so, and nothing is reserved for it.
  if (terms === undefined) return undefined;
  if (command.symbol !== terms.symbol) return invalid("symbol");
  if (!onlyLowers(command, order)) {
    const readOnly = whyReadOnly();
    if (readOnly !== undefined) return readOnly;
  }
  const book = shard.bookOfSymbol.get(terms.symbol);
  assert(book !== undefined, "an open order has a market");
  return invalid(admit.leg(book.market, terms.side, command));
}

function invalid(field: string | undefined) {
  return field === undefined ? undefined : ({ reason: "INVALID_FIELD", facts: { field } } as const);
}

function termsBefore(shard: Shard, command: OrderCommand): OrderTerms | undefined {
  if (command.type === "submit" || command.type === "amend") return undefined;
  const entry = entryOf(shard, command.orderId);
  return entry === -1 || isEndedRef(entry) ? undefined : termsOf(shard, recordOf(entry));
}

function orderIdIn(command: OrderCommand): string {
  return command.type === "submit" ? command.terms.orderId : command.orderId;
}
