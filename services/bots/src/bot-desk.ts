// Sends what bots want over one OrderEntry stream and tells them what rests.
import { randomUUID } from "node:crypto";
import type { OrderEntry } from "@bourse/client/order-entry.js";
import { OrderStatus, OrderType, Side, TimeInForce } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { formatPrice, formatQuantity, type Grid } from "@bourse/shared/units/market.js";

/** An order as a bot wants it. */
export interface BotOrder {
  readonly userId: string;
  readonly isBuy: boolean;
  readonly priceTicks: number;
  readonly quantityLots: number;
  /** Rests when true; else trades at once or not at all. */
  readonly isMaker: boolean;
}

/** An order on its way. */
export interface PlacedBotOrder {
  readonly clientOrderId: string;
  /** True when it was in the book after it was placed. */
  readonly rests: Promise<boolean>;
}

/** Counts of what became of commands. */
export interface DeskCounts {
  sent: number;
  refused: number;
  traded: number;
}

const openStatuses: readonly OrderStatus[] = [OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED];

/** The stream shared by all bots. A refusal is counted, not thrown: a cancel may always come too late. */
export class BotDesk {
  readonly #entry: OrderEntry;
  readonly counts: DeskCounts = { sent: 0, refused: 0, traded: 0 };

  constructor(entry: OrderEntry) {
    this.#entry = entry;
  }

  /** Places an order. It may be cancelled by its id at once: commands of one stream keep their order. */
  place(grid: Grid, order: BotOrder): PlacedBotOrder {
    const clientOrderId = `bot-${randomUUID()}`;
    return { clientOrderId, rests: this.#send(grid, order, clientOrderId) };
  }

  /** Cancels an order, if it is still open. */
  async cancel(grid: Grid, userId: string, clientOrderId: string): Promise<void> {
    this.counts.sent += 1;
    await this.#entry.send({
      userId,
      command: {
        case: "cancel",
        value: { id: { case: "clientOrderId", value: clientOrderId }, symbol: grid.symbol },
      },
    });
  }

  /** Settles when at most `unansweredMax` commands wait for their answer. */
  untilQuiet(unansweredMax: number): Promise<void> {
    return this.#entry.untilUnanswered(unansweredMax);
  }

  async #send(grid: Grid, order: BotOrder, clientOrderId: string): Promise<boolean> {
    this.counts.sent += 1;
    const { answer } = await this.#entry.send({
      userId: order.userId,
      command: {
        case: "place",
        value: {
          clientOrderId,
          symbol: grid.symbol,
          side: order.isBuy ? Side.BUY : Side.SELL,
          type: OrderType.LIMIT,
          timeInForce: order.isMaker ? TimeInForce.GTC : TimeInForce.IOC,
          price: formatPrice(grid, order.priceTicks),
          quantity: formatQuantity(grid, order.quantityLots),
        },
      },
    });
    if (answer.type === "refused") {
      this.counts.refused += 1;
      return false;
    }
    if (answer.order.filledQuantity !== "0") this.counts.traded += 1;
    return openStatuses.includes(answer.order.status);
  }
}
