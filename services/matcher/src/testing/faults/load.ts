// Orders and cancels sent to a real matcher, and what it acknowledged: the ledger that a restart is held against.

import type { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { ServiceClient } from "@bourse/shared/rpc/client.js";
import { numberOf } from "../orders.js";
import { cancelCommand, submitCommand } from "../wire-orders.js";
import { check } from "./report.js";

export type Client = ServiceClient<typeof MatcherService>;

/** A command of which the answer is not known yet. */
interface Sent {
  readonly number: number;
  readonly isCancel: boolean;
}

/** What was acknowledged, over many lives of the matcher. Every order rests: all are buys. */
export class Ledger {
  /** Orders that were accepted, and of which no cancel was sent. */
  readonly open = new Set<number>();
  /** Orders whose cancel was acknowledged. */
  readonly cancelled = new Set<number>();
  /** Reasons of commands that were refused. */
  readonly refusals = new Map<string, number>();
  acknowledged = 0;
  #last = 0;

  nextNumber(): number {
    this.#last += 1;
    return this.#last;
  }

  note({ number, isCancel }: Sent, outcome: string): void {
    if (outcome !== "order") {
      this.refusals.set(outcome, (this.refusals.get(outcome) ?? 0) + 1);
      return;
    }
    this.acknowledged += 1;
    if (isCancel) this.cancelled.add(number);
    else this.open.add(number);
  }

  /** Throws unless everything that was acknowledged is there. Returns how many orders are open. */
  async hold(client: Client): Promise<number> {
    const open = new Set<number>();
    for (let afterSeq = 0n; ; ) {
      const { orders, hasMore } = await client.listOpenOrders({ afterSeq });
      for (const { orderId, status } of orders) {
        check(status === OrderStatus.OPEN, `order ${numberOf(orderId)} has status ${status}`);
        open.add(numberOf(orderId));
      }
      if (!hasMore) break;
      afterSeq = orders[orders.length - 1].acceptedSeq;
    }
    for (const number of this.open) check(open.has(number), `order ${number} was acknowledged and is lost`);
    for (const number of this.cancelled) {
      check(!open.has(number), `the cancel of order ${number} was acknowledged and is lost`);
    }
    return open.size;
  }
}

export interface LoadOptions {
  /** Commands in one message. */
  readonly batch: number;
  /** Part of the commands that cancel an order that was acknowledged. */
  readonly cancels: number;
  readonly random: () => number;
  /** Commands that wait for their answers at most. */
  readonly inFlightMax: number;
  /** True when enough was sent. */
  readonly isDone: () => boolean;
}

/**
 * Sends commands on one stream until it is told to stop or the stream breaks; resolves with the error that broke
 * it, or undefined.
 */
export async function sendLoad(client: Client, ledger: Ledger, options: LoadOptions): Promise<unknown> {
  const stream = client.commandStream();
  const sent: Sent[] = [];
  let hasEnded = false;
  let answered = () => {};
  const reading = (async () => {
    for await (const { results } of stream) {
      for (const { outcome } of results) {
        const command = sent.shift();
        check(command !== undefined, "an answer to nothing");
        ledger.note(command, outcome.case === "failure" ? outcome.value.reason : (outcome.case ?? ""));
      }
      answered();
    }
  })()
    .catch((error: unknown) => error)
    .finally(() => {
      hasEnded = true;
      answered();
    });
  while (!hasEnded && !options.isDone()) {
    const commands = Array.from({ length: options.batch }, () => command(ledger, sent, options));
    if (!stream.write({ commands })) await Promise.race([stream.drained(), reading]);
    while (!hasEnded && sent.length >= options.inFlightMax) {
      await new Promise<void>((resolve) => {
        answered = resolve;
      });
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!hasEnded) stream.end();
  return reading;
}

function command(ledger: Ledger, sent: Sent[], { cancels, random }: LoadOptions) {
  const [first] = ledger.open;
  if (first !== undefined && random() < cancels) {
    // It may or may not come to be: the order is neither surely open nor surely gone.
    ledger.open.delete(first);
    sent.push({ number: first, isCancel: true });
    return cancelCommand(first);
  }
  const number = ledger.nextNumber();
  sent.push({ number, isCancel: false });
  return submitCommand(number);
}
