// A shard's records of realistic flow: many users' orders that rest, trade, change and end, most of them soon.
import { StreamEventsResponseSchema } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { TimeInForce } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { type FlowCommand, type FlowShape, orderFlow } from "@bourse/shared/testing/order-flow.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { create, toBinary } from "@bufbuild/protobuf";
import { type TinyShard, tinyShard } from "../tiny-shard.js";

const USERS = 10_000;
/** A market of some depth, in which every tenth order or so takes. */
const SHAPE: FlowShape = {
  ...{ midTicks: 5_000_000, quantityLotsMin: 100, restingTarget: 300 },
  ...{ marketShare: 0.04, iocShare: 0.04, crossShare: 0.06 },
};
/** Of the cancels, so many change the order instead. */
const AMEND_SHARE = 0.08;
/** Of the limits, so many wait for a price first. */
const STOP_SHARE = 0.02;
/** Bytes of one message of the stream, as the matcher cuts it. */
const MESSAGE_BYTES = 256 * 1024;

/** A shard that plays flow on demand. */
export class ShardFlow {
  readonly shard: TinyShard;
  readonly #random = seededRandom(77);
  readonly #ids = new Map<number, string>();
  #flows = 0;
  #sent = 0;

  constructor(number: number) {
    this.shard = tinyShard(number);
  }

  /** Plays `commands` more; returns their records as messages of the stream, in bytes. */
  play(commands: number): Uint8Array[] {
    this.#flows += 1;
    this.#ids.clear();
    for (const command of orderFlow(this.#flows, commands, SHAPE)) this.#play(command);
    const before = this.#sent;
    this.#sent = this.shard.records.length;
    return messagesOf(this.shard, before);
  }

  #play(command: FlowCommand): void {
    const { shard } = this;
    if (command.type === "cancel") {
      const orderId = this.#ids.get(command.id) ?? "";
      if (this.#random() >= AMEND_SHARE) return shard.cancel(orderId);
      const order = shard.orders.get(orderId);
      const lots = Math.ceil((order?.quantityLots ?? 1) / 2);
      return shard.amend(orderId, { priceTicks: order?.priceTicks ?? 1, quantityLots: lots });
    }
    const { id, side, kind, priceTicks, quantityLots } = command;
    const user = userOf(Math.floor(this.#random() * USERS));
    const order = { user, clientOrderId: `order-${this.#flows}-${id}`, side, priceTicks, quantityLots };
    this.#ids.set(id, this.#place(kind, order));
  }

  #place(kind: "LIMIT" | "IOC" | "MARKET", order: Parameters<TinyShard["place"]>[0]): string {
    const { shard } = this;
    const timeInForce = TimeInForce.IOC;
    if (kind === "IOC") return shard.place({ ...order, timeInForce });
    if (kind === "LIMIT" && this.#random() < STOP_SHARE)
      return shard.place({ ...order, stopPriceTicks: order.priceTicks });
    if (kind === "LIMIT") return shard.place(order);
    if (order.side === "sell") return shard.place({ ...order, priceTicks: 1, timeInForce });
    const { user, clientOrderId, quantityLots } = order;
    return shard.buyFor({ user, clientOrderId, budgetTickLots: quantityLots * SHAPE.midTicks });
  }
}

function userOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** The records after `before` in messages as the matcher sends them. */
function messagesOf({ records }: TinyShard, before: number): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let next = before;
  // A record of this flow has about this many bytes.
  const perMessage = Math.floor(MESSAGE_BYTES / 300);
  while (next < records.length) {
    const batch = { records: records.slice(next, next + perMessage) };
    next += batch.records.length;
    const message = create(StreamEventsResponseSchema, { kind: { case: "batch", value: batch } });
    messages.push(toBinary(StreamEventsResponseSchema, message));
  }
  return messages;
}
