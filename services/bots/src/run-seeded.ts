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
  readonly desk: BotDesk;
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
      void act(desk, market).catch(ignoreAbort(signal));
    }
  }
}

async function act(desk: BotDesk, { grid, flow }: SeededMarket): Promise<void> {
  const action = flow.next();
  if (action.type === "cancel") return desk.cancel(grid, action.order.userId, action.order.clientOrderId);
  const { clientOrderId, rests } = desk.place(grid, action);
  const { userId, isBuy, priceTicks } = action;
  if (await rests) flow.rested({ userId, clientOrderId, isBuy, priceTicks });
}

// After the end every unanswered command is rejected; before it, a rejection is the bots' failure.
function ignoreAbort(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
