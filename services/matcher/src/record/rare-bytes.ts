// Commands and events that are rare, by the generated code: what a market or an operator does once need not be
// fast.
import { CommandSchema, EventSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Command, MatcherEvent, OrderCommand, TickCommand } from "../core/types.js";
import { marketInit } from "../rpc/market-wire.js";
import { marketStates, sides } from "../rpc/matcher-words.js";

/** What a message is made of, its kind set. */
export type CommandKind = NonNullable<MessageInitShape<typeof CommandSchema>["kind"]>;
export type EventKind = NonNullable<MessageInitShape<typeof EventSchema>["kind"]>;

export type RareCommand = Exclude<Command, OrderCommand | TickCommand>;
export type RareEvent = Extract<MatcherEvent, { type: "marketAdded" | "marketStateChanged" | "switchSet" }>;

export function isRare(command: Command): command is RareCommand {
  return !["submit", "cancel", "resolve", "amend", "tick"].includes(command.type);
}

/** Bytes of a Command message. */
export function rareCommandBytes(command: RareCommand, traceparent: string): Uint8Array {
  return toBinary(CommandSchema, create(CommandSchema, { kind: rareCommandInit(command), traceparent }));
}

/** Bytes of an Event message. */
export function rareEventBytes(event: MatcherEvent): Uint8Array {
  return toBinary(EventSchema, create(EventSchema, { kind: rareEventInit(event as RareEvent) }));
}

export function rareCommandInit(command: RareCommand): CommandKind {
  switch (command.type) {
    case "addMarket":
      return { case: "addMarket", value: { market: marketInit(command.market) } };
    case "startEpoch": {
      // Rules 1 were not written down.
      const rules = command.rules === 1 ? 0 : command.rules;
      return { case: "startEpoch", value: { epoch: BigInt(command.epoch), rules } };
    }
    case "cancelAll": {
      const { userId, requestId, symbol, expiresAtMs, operatorId } = command;
      const side = command.side === "" ? 0 : sides[command.side];
      const value = { userId, requestId, symbol, side, expiresAtMs: BigInt(expiresAtMs), operatorId };
      return { case: "cancelAll", value };
    }
    case "setMarketState": {
      const { symbol, operatorId, reason } = command;
      return {
        case: "setMarketState",
        value: { symbol, operatorId, reason, state: marketStates[command.state] },
      };
    }
    case "setSwitch": {
      const { userId, symbols, timeoutMs } = command;
      return { case: "setSwitch", value: { userId, symbols: [...symbols], timeoutMs: BigInt(timeoutMs) } };
    }
    case "endDay":
      return { case: "endDay", value: { symbol: command.symbol } };
    case "fireSwitch":
      return { case: "fireSwitch", value: { userId: command.userId, symbol: command.symbol } };
    case "sweepMarket":
      return { case: "sweepMarket", value: { symbol: command.symbol } };
    case "learnCursors":
      return { case: "learnCursors", value: { throughSeq: BigInt(command.throughSeq) } };
    case "forget":
      return { case: "forget", value: { throughSeq: BigInt(command.throughSeq) } };
  }
}

export function rareEventInit(event: RareEvent): EventKind {
  switch (event.type) {
    case "marketAdded":
      return { case: "marketAdded", value: { market: marketInit(event.market) } };
    case "marketStateChanged": {
      const { symbol, operatorId, reason } = event;
      const [state, oldState] = [marketStates[event.state], marketStates[event.oldState]];
      return { case: "marketStateChanged", value: { symbol, state, oldState, operatorId, reason } };
    }
    case "switchSet": {
      const { userId, symbols, dueAtMs } = event;
      return { case: "switchSet", value: { userId, symbols: [...symbols], dueAtMs: BigInt(dueAtMs) } };
    }
  }
}
