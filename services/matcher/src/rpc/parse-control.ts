// Commands about many orders or about a market, from the wire.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type {
  CancelAllCommand as WireCancelAll,
  SetMarketStateCommand as WireSetMarketState,
  SetSwitchCommand as WireSetSwitch,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { CancelAllCommand, SetMarketStateCommand, SetSwitchCommand } from "../core/types.js";
import { CLIENT_ORDER_ID, matching, operator, SYMBOL, user, uuidField, whole } from "./fields.js";
import { marketStateWords, sideWords, wordOf } from "./matcher-words.js";

/** Longest time of a dead-man switch. */
const TIMEOUT_MS_MAX = 24 * 60 * 60 * 1_000;
const SYMBOLS_MAX = 1_000;
const REASON_LENGTH_MAX = 200;
/** One line for people. */
const CONTROL_CHARACTER = /\p{Cc}/u;

export function parseCancelAll(wire: WireCancelAll | undefined): CancelAllCommand {
  if (wire === undefined) throw new DomainError("FIELD_REQUIRED", { field: "cancel_all" });
  return {
    type: "cancelAll",
    userId: user(wire.userId),
    requestId: matching("request_id", wire.requestId, CLIENT_ORDER_ID, "INVALID_REQUEST_ID"),
    symbol: wire.symbol === "" ? "" : matching("symbol", wire.symbol, SYMBOL, "INVALID_SYMBOL"),
    side: wire.side === 0 ? "" : wordOf(sideWords, "side", wire.side),
    expiresAtMs: whole("expires_at_ms", wire.expiresAtMs),
    operatorId: operator(wire.operatorId),
  };
}

export function parseSetSwitch(wire: WireSetSwitch | undefined): SetSwitchCommand {
  if (wire === undefined) throw new DomainError("FIELD_REQUIRED", { field: "set_switch" });
  const userId = user(wire.userId);
  const symbols = wire.symbols.map((symbol) => matching("symbols", symbol, SYMBOL, "INVALID_SYMBOL"));
  if (symbols.length > SYMBOLS_MAX || new Set(symbols).size !== symbols.length)
    throw new DomainError("INVALID_FIELD", { field: "symbols" });
  if (wire.timeoutMs < 0n || wire.timeoutMs > BigInt(TIMEOUT_MS_MAX))
    throw new DomainError("INVALID_FIELD", { field: "timeout_ms" });
  return { type: "setSwitch", userId, symbols, timeoutMs: Number(wire.timeoutMs) };
}

export function parseSetMarketState(wire: WireSetMarketState | undefined): SetMarketStateCommand {
  if (wire === undefined) throw new DomainError("FIELD_REQUIRED", { field: "set_market_state" });
  const symbol = matching("symbol", wire.symbol, SYMBOL, "INVALID_SYMBOL");
  const state = wordOf(marketStateWords, "state", wire.state);
  const operatorId = uuidField("operator_id", wire.operatorId, "INVALID_USER_ID");
  const { reason } = wire;
  if (reason === "") throw new DomainError("FIELD_REQUIRED", { field: "reason" });
  if ([...reason].length > REASON_LENGTH_MAX || CONTROL_CHARACTER.test(reason))
    throw new DomainError("INVALID_FIELD", { field: "reason" });
  return { type: "setMarketState", symbol, state, operatorId, reason };
}
