// Keeps markets alive with seeded flow, at a steady pace.
import type { Grid } from "@bourse/shared/units/market.js";
import type { BotDesk } from "./bot-desk.js";
import type { SeededFlow } from "./seeded-flow.js";

/** One market and its flow. */
export interface SeededMarket {
  readonly grid: Grid;
  readonly flow: SeededFlow;
}

export interface SeededRunOptions {
  readonly desk: Pick<BotDesk, "place" | "cancel" | "untilQuiet">;
  readonly markets: readonly SeededMarket[];
  /** Commands a second, all markets together. */
  readonly rate: number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Unanswered commands at which the bots wait: an exchange that is down is not flooded when it returns. */
const unansweredMax = 64;

/** Runs until the signal aborts: one command at a time, market after market. */
export async function runSeeded({ desk, markets, rate, sleep, signal }: SeededRunOptions): Promise<void> {
  while (!signal.aborted) {
    for (const market of markets) {
      await sleep(1_000 / rate, signal);
      if (signal.aborted) return;
      await desk.untilQuiet(unansweredMax);
      void act(desk, market).catch(toldByDesk);
    }
  }
}

async function act(desk: SeededRunOptions["desk"], { grid, flow }: SeededMarket): Promise<void> {
  const action = flow.next();
  if (action.type === "cancel") return desk.cancel(grid, action.order.userId, action.order.clientOrderId);
  const { clientOrderId, rests } = desk.place(grid, action);
  const { userId, isBuy, priceTicks } = action;
  if (await rests) flow.rested({ userId, clientOrderId, isBuy, priceTicks });
}

// A desk that failed for good rejects everything, the next untilQuiet included: that one ends the run.
function toldByDesk(): void {}
