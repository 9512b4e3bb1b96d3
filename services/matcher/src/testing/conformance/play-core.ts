// A workload through the core alone, as fast as it goes.
import { cancelOrder, placeOrder } from "../../core/apply.js";
import type { EventBuffer } from "../../core/event-buffer.js";
import type { OrderInput } from "../../core/order-input.js";
import { createShard, type Moment, type Shard } from "../../core/shard.js";
import type { Command } from "../../core/types.js";
import { apply, market } from "../orders.js";
import { type Engine, Player } from "./player.js";
import { ReportTape } from "./reports.js";
import type { Workload } from "./workload.js";

/** Reports that one message leads to, in the published workloads at most; more make the tape grow. */
const REPORTS_PER_MESSAGE = 1.3;

/** What comes before the messages: one market that sets no limits. */
export const CONFORMANCE_START: readonly Command[] = [
  { type: "startEpoch", epoch: 1, rules: 2 },
  { type: "addMarket", market: market() },
];

/** A tape with room for the reports of a workload. */
export function tapeFor(workload: Workload): ReportTape {
  return new ReportTape(Math.ceil(workload.count * REPORTS_PER_MESSAGE) + 64);
}

/** Runs a workload on an empty shard; the reports are on the tape afterwards. */
export function playCore(workload: Workload, tape: ReportTape): void {
  const shard = createShard(0);
  for (const command of CONFORMANCE_START) apply(shard, command);
  const player = new Player(shard, new CoreEngine(shard), tape);
  const { words, count } = workload;
  for (let message = 0; message < count; message += 1) player.play(words, message);
}

class CoreEngine implements Engine {
  readonly #shard: Shard;

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  place(moment: Moment, input: OrderInput): EventBuffer {
    return placeOrder(this.#shard, moment, input);
  }

  cancel(moment: Moment, first: number, second: number, third: number): EventBuffer {
    return cancelOrder(this.#shard, moment, first, second, third, 0);
  }
}
