// Order flow that looks alive: makers quote around a mid that drifts, takers hit them, quotes age and
// are cancelled. A pure state machine; whoever runs it sends what it says and tells it what rests.
import { type Random, seededRandom } from "./random.js";
import { botUsers } from "./users.js";

/** One thing that a bot wants. */
export type FlowAction =
  | {
      readonly type: "place";
      readonly userId: string;
      readonly isBuy: boolean;
      readonly priceTicks: number;
      readonly quantityLots: number;
      /** Resting quote, or immediate or cancel. */
      readonly isMaker: boolean;
    }
  | { readonly type: "cancel"; readonly order: RestingOrder };

/** An order that a maker has in the book, as far as the flow knows: it may have been filled since. */
export interface RestingOrder {
  readonly userId: string;
  readonly clientOrderId: string;
  readonly isBuy: boolean;
  readonly priceTicks: number;
}

export interface SeededFlowOptions {
  readonly seed: number;
  /** Price around which the mid drifts. */
  readonly anchorTicks: number;
  /** Where the mid starts: the present middle of the book, or the anchor. */
  readonly midTicks: number;
  readonly minQuantityLots: number;
}

/** Quotes that one market's makers hold together, about. */
const restingTarget = 60;

export class SeededFlow {
  readonly #random: Random;
  readonly #options: SeededFlowOptions;
  readonly #resting: RestingOrder[] = [];
  /** Distance between neighbouring quotes: 0.2 basis points of the price, at least a tick. */
  readonly #stepTicks: number;
  #midTicks: number;

  constructor(options: SeededFlowOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#midTicks = options.midTicks;
    this.#stepTicks = Math.max(1, Math.floor(options.anchorTicks / 50_000));
  }

  /** Orders that the flow believes to rest. */
  get restingCount(): number {
    return this.#resting.length;
  }

  /** Tells the flow that an order rests in the book. */
  rested(order: RestingOrder): void {
    this.#resting.push(order);
  }

  /** What happens next. */
  next(): FlowAction {
    this.#drift();
    if (this.#resting.length < restingTarget / 2) return this.#quote();
    const dice = this.#random.below(100);
    if (dice < 25) return this.#take();
    const mustShrink = this.#resting.length > restingTarget;
    return dice < (mustShrink ? 85 : 50) ? this.#cancelOldest() : this.#quote();
  }

  // A random walk on a leash: the further from the anchor, the more likely the step back.
  #drift(): void {
    if (this.#random.below(4) !== 0) return;
    const { anchorTicks } = this.#options;
    const leashTicks = Math.max(1, Math.floor(anchorTicks / 100));
    const awayTicks = this.#midTicks - anchorTicks;
    const isUp =
      this.#random.below(2 * leashTicks) >=
      leashTicks + Math.max(-leashTicks, Math.min(leashTicks, awayTicks));
    this.#midTicks = Math.max(
      restingTarget,
      this.#midTicks + (isUp ? 1 : -1) * this.#stepTicks * this.#random.below(3),
    );
  }

  #quote(): FlowAction {
    const isBuy = this.#random.below(2) === 0;
    // The product of two draws: most quotes lie near the mid, a few far out.
    const steps = 1 + Math.floor((this.#random.below(20) * this.#random.below(20)) / 20);
    const priceTicks = Math.max(1, this.#midTicks + (isBuy ? -1 : 1) * steps * this.#stepTicks);
    const [first, second] = this.#random.below(2) === 0 ? botUsers.makers : [...botUsers.makers].reverse();
    const userId = [first, second].find(
      (maker) => this.#blocking(maker as string, isBuy, priceTicks) === undefined,
    );
    // Nobody trades with himself: a quote that would is preceded by the end of the older one.
    if (userId === undefined)
      return this.#cancel(this.#blocking(first as string, isBuy, priceTicks) as RestingOrder);
    return { type: "place", userId, isBuy, priceTicks, quantityLots: this.#quantityLots(30), isMaker: true };
  }

  #take(): FlowAction {
    const isBuy = this.#random.below(2) === 0;
    const userId = botUsers.takers[this.#random.below(botUsers.takers.length)] as string;
    const priceTicks = Math.max(1, this.#midTicks + (isBuy ? 1 : -1) * 12 * this.#stepTicks);
    return { type: "place", userId, isBuy, priceTicks, quantityLots: this.#quantityLots(6), isMaker: false };
  }

  #cancelOldest(): FlowAction {
    return this.#cancel(this.#resting[0] as RestingOrder);
  }

  #cancel(order: RestingOrder): FlowAction {
    this.#resting.splice(this.#resting.indexOf(order), 1);
    return { type: "cancel", order };
  }

  // The maker's own order on the other side that this quote would meet.
  #blocking(userId: string, isBuy: boolean, priceTicks: number): RestingOrder | undefined {
    return this.#resting.find(
      (order) =>
        order.userId === userId &&
        order.isBuy !== isBuy &&
        (isBuy ? order.priceTicks <= priceTicks : order.priceTicks >= priceTicks),
    );
  }

  #quantityLots(multiple: number): number {
    const { minQuantityLots } = this.#options;
    return minQuantityLots * (1 + this.#random.below(multiple)) + this.#random.below(minQuantityLots);
  }
}
