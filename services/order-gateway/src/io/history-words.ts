// Numbers of the wire as the words of the tables' enumerated types, and back.
import { assert } from "@bourse/shared/assert.js";
import {
  EndReason,
  OrderStatus,
  OrderType,
  SelfTradePrevention,
  Side,
  TimeInForce,
  TradeRole,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";

type Enum = Readonly<Record<string, string | number>>;

/** Words of one type. */
export interface Words {
  /** Undefined for 0, which the tables refuse where a word must stand; a number of a later contract is asserted not to be. */
  wordOf(number: number): string | undefined;
  /** Number of a word that the tables gave; 0 for none. */
  numberOf(word: string | null | undefined): number;
}

function wordsOf(values: Enum): Words {
  const words = Object.values(values).flatMap((number) => {
    if (typeof number !== "number" || number === 0) return [];
    return [[number, String(values[number])] as const];
  });
  const byNumber = new Map(words);
  const byWord = new Map(words.map(([number, word]) => [word, number]));
  return {
    wordOf(number) {
      const word = byNumber.get(number);
      assert(word !== undefined || number === 0, "the contract has a word for the number");
      return word;
    },
    numberOf: (word) => byWord.get(word ?? "") ?? 0,
  };
}

export const sides = wordsOf(Side);
export const orderTypes = wordsOf(OrderType);
export const timesInForce = wordsOf(TimeInForce);
export const orderStatuses = wordsOf(OrderStatus);
export const endReasons = wordsOf(EndReason);
export const selfTradePreventions = wordsOf(SelfTradePrevention);
export const tradeRoles = wordsOf(TradeRole);
