// What became of a command, and what of it has to be looked up in the log before it can be told.
import type { FailureReason } from "@bourse/shared/errors/domain-error.js";
import { TERMS_FIELDS } from "../core/shard.js";
import type { AmendRefusal, OrderCommand, OrderTerms, OrderView } from "../core/types.js";
import type { RecordCodec } from "./log.js";
import type { Tail } from "./tail.js";

/** A command as it came in. */
export interface Request {
  readonly command: OrderCommand;
  readonly traceparent: string;
}

/** What became of a command. `seq` is the last durable record that the answer rests on. */
export type Answer = OrderAnswer | FailureAnswer;

export interface OrderAnswer {
  readonly type: "order";
  readonly order: OrderView;
  readonly seq: number;
  readonly replayed: boolean;
  /** Why an amend changed nothing. */
  readonly amendRefusal?: AmendRefusal | undefined;
}

export interface FailureAnswer {
  readonly type: "failure";
  readonly reason: FailureReason;
  readonly facts: Readonly<Record<string, string>>;
  readonly seq: number;
}

/** An id that stands for other terms: which field differs is still to be found. */
export interface Differs {
  readonly type: "differs";
  readonly acceptedSeq: number;
  readonly terms: OrderTerms;
  readonly seq: number;
}

export type Draft = Answer | Differs;

export interface CompleteDeps {
  readonly tail: Tail;
  readonly codec: RecordCodec;
}

/** True when nothing has to be looked up. */
export function isComplete(draft: Draft): boolean {
  if (draft.type !== "order") return draft.type === "failure";
  return draft.order.terms !== undefined || draft.order.isTombstone;
}

/** Looks up what is missing. Only what is durable is found. */
export async function complete(deps: CompleteDeps, draft: Draft): Promise<Answer> {
  if (draft.type === "failure") return draft;
  if (draft.type === "differs") return differing(deps, draft);
  return isComplete(draft) ? draft : { ...draft, order: await withTerms(deps, draft.order) };
}

/** An order with the terms that it was submitted on, where the log still has them. */
export async function withTerms({ tail, codec }: CompleteDeps, order: OrderView): Promise<OrderView> {
  if (order.terms !== undefined || order.isTombstone) return order;
  return { ...order, terms: await termsAt(tail, codec, order.acceptedSeq, order.orderId) };
}

async function differing({ tail, codec }: CompleteDeps, draft: Differs): Promise<FailureAnswer> {
  const { terms, acceptedSeq, seq } = draft;
  const known = await termsAt(tail, codec, acceptedSeq, terms.orderId);
  const field = known && TERMS_FIELDS.find((name) => known[name] !== terms[name]);
  const facts = { field: snake(field ?? "terms") };
  return { type: "failure", reason: "CLIENT_ORDER_ID_REUSED", facts, seq };
}

/** Terms of an order from the record that first decided about it; undefined when that is gone. */
async function termsAt(
  tail: Tail,
  codec: RecordCodec,
  seq: number,
  orderId: string,
): Promise<OrderTerms | undefined> {
  const stored = await tail.record(seq);
  if (stored === undefined) return undefined;
  const { command } = codec.decode(stored.payload);
  return command.type === "submit" && command.terms.orderId === orderId ? command.terms : undefined;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
