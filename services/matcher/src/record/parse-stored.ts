// Commands of the journal that are rare, from the messages of the generated code.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Command as WireCommand } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { Command } from "../core/types.js";
import { parseCancelAll, parseSetMarketState, parseSetSwitch } from "../rpc/parse-control.js";
import { parseMarket } from "../rpc/parse-market.js";

/** A command of a journal that command-bytes.ts does not read itself. */
export function parseStored({ kind }: WireCommand, shard: number): Command {
  switch (kind.case) {
    case "cancelAll":
      return parseCancelAll(kind.value);
    case "setMarketState":
      return parseSetMarketState(kind.value);
    case "setSwitch":
      return parseSetSwitch(kind.value);
    case "addMarket":
      if (kind.value.market === undefined) throw new DomainError("FIELD_REQUIRED", { field: "market" });
      return { type: "addMarket", market: parseMarket(kind.value.market, shard) };
    case "startEpoch":
      // Journals of the first rules did not say so.
      return { type: "startEpoch", epoch: Number(kind.value.epoch), rules: Math.max(1, kind.value.rules) };
    case "endDay":
      return { type: "endDay", symbol: kind.value.symbol };
    case "fireSwitch":
      return { type: "fireSwitch", userId: kind.value.userId, symbol: kind.value.symbol };
    case "sweepMarket":
      return { type: "sweepMarket", symbol: kind.value.symbol };
    case "learnCursors":
      return { type: "learnCursors", throughSeq: Number(kind.value.throughSeq) };
    case "forget":
      return { type: "forget", throughSeq: Number(kind.value.throughSeq) };
    default:
      throw new DomainError("INVALID_FIELD", { field: "command" });
  }
}
