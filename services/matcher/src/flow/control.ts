// Commands about many orders or about a market. Each is decided, applied and answered at once; the answer leaves when
// it is durable.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { decideControl } from "../core/decide.js";
import { CELLS, type EventBuffer, EventKind } from "../core/event-buffer.js";
import { bookOf, cancelAllKey, type Shard } from "../core/shard.js";
import { marketLine } from "../core/state-bytes.js";
import type {
  CancelAllCommand,
  ControlCommand,
  Market,
  SetMarketStateCommand,
  SetSwitchCommand,
} from "../core/types.js";
import { findUser } from "../core/users.js";
import type { Log } from "./log.js";
import type { Writer } from "./write-record.js";

export interface Control {
  addMarket(market: Market, traceparent: string): Market;
  cancelAll(
    command: CancelAllCommand,
    traceparent: string,
  ): { cancelled: number; seq: number; replayed: boolean };
  setSwitch(command: SetSwitchCommand, traceparent: string): { dueAtMs: number; timeMs: number; seq: number };
  setMarketState(command: SetMarketStateCommand, traceparent: string): { market: Market; seq: number };
}

/** Makes the control of a shard. What it throws are DomainErrors of commands that had no effect. */
export function createControl(
  { shard, log }: { readonly shard: Shard; readonly log: Pick<Log, "room"> },
  writer: Writer,
): Control {
  /** Events of a command that goes into the log; undefined when nothing is to be done. */
  const apply = (command: ControlCommand, traceparent: string) => {
    const timeMs = writer.advance();
    const verdict = decideControl(shard, timeMs, command);
    if (verdict.type === "refuse")
      throw new DomainError(verdict.reason, { ...factsOf(command), ...differenceOf(shard, command) });
    if (verdict.type === "known") return { cancelled: verdict.cancelled };
    if (log.room() === "none") throw new DomainError("SHARD_READ_ONLY", { disk: "none" });
    return { events: writer.write(command, traceparent, timeMs) };
  };
  return {
    addMarket(market, traceparent) {
      const known = shard.bookOfSymbol.get(market.symbol)?.market;
      if (known === undefined) {
        apply({ type: "addMarket", market }, traceparent);
        return market;
      }
      // Its state is what operators made of it since.
      if (marketLine({ ...market, state: known.state }) !== marketLine(known))
        throw new DomainError("MARKET_DIFFERS", { symbol: market.symbol });
      return known;
    },
    cancelAll(command, traceparent) {
      const { events, cancelled = 0 } = apply(command, traceparent);
      const replayed = events === undefined;
      return { cancelled: events === undefined ? cancelled : endsIn(events), seq: shard.seq, replayed };
    },
    setSwitch(command, traceparent) {
      apply(command, traceparent);
      const { timeMs, seq } = shard;
      return { dueAtMs: command.timeoutMs === 0 ? 0 : timeMs + command.timeoutMs, timeMs, seq };
    },
    setMarketState(command, traceparent) {
      apply(command, traceparent);
      return { market: bookOf(shard, command.symbol).market, seq: shard.seq };
    },
  };
}

function factsOf(command: ControlCommand): Readonly<Record<string, string>> {
  switch (command.type) {
    case "addMarket":
      return { symbol: command.market.symbol };
    case "setSwitch":
      return { symbols: command.symbols.join(",") };
    case "cancelAll":
      return { symbol: command.symbol, request_id: command.requestId };
    case "setMarketState":
      return { symbol: command.symbol };
  }
}

/** Which field of a cancel-all is another than under its key before; `request_id` when none that a client names. */
function differenceOf(shard: Shard, command: ControlCommand): Readonly<Record<string, string>> {
  if (command.type !== "cancelAll") return {};
  const user = findUser(shard.users, command.userId);
  const before = shard.cancelAlls.get(cancelAllKey(user, command.requestId));
  if (before === undefined) return {};
  if (before.symbol !== command.symbol) return { field: "symbol" };
  return { field: before.side === command.side ? "request_id" : "side" };
}

function endsIn({ cells, count }: EventBuffer): number {
  let ends = 0;
  for (let row = 0; row < count; row += 1) if (cells[row * CELLS] === EventKind.ENDED) ends += 1;
  return ends;
}
