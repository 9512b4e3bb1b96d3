// What tells a repeat from a reuse of an id: 64 bits over what the terms of an order say. Text counts by its
// characters, which are ASCII, so bytes of a record and strings of a message give the same hash.
import type { OrderTerms, OrderType, SelfTradePrevention, TimeInForce } from "./types.js";

/** Places are codes: what the hash takes of a word. */
export const ORDER_TYPES: readonly OrderType[] = ["LIMIT", "MARKET", "STOP", "STOP_LIMIT"];
export const TIMES_IN_FORCE: readonly TimeInForce[] = ["GTC", "IOC", "FOK", "DAY"];
export const SELF_TRADE_MODES: readonly SelfTradePrevention[] = [
  "CANCEL_TAKER",
  "CANCEL_MAKER",
  "CANCEL_BOTH",
  "DECREMENT",
];

const TWO_32 = 0x1_0000_0000;

/**
 * A hash that is fed piece by piece. Against accidents only: the wallet has compared the client's content
 * before.
 */
export class ContentHash {
  first = 0;
  second = 0;

  start(): void {
    this.first = 0x811c9dc5 | 0;
    this.second = 0x9dc5811c | 0;
  }

  /** 32 bits. */
  word(value: number): void {
    const mixed = Math.imul(value, 0xcc9e2d51 | 0);
    const first = this.first ^ Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    const second = this.second ^ (mixed + (first >>> 11));
    this.first = (Math.imul((first << 13) | (first >>> 19), 5) + 0xe6546b64) | 0;
    this.second = Math.imul((second << 16) | (second >>> 16), 0x85ebca6b | 0) ^ (second >>> 7);
  }

  /** A safe integer of at least zero. */
  whole(value: number): void {
    this.word(value | 0);
    this.word((value / TWO_32) | 0);
  }

  /** ASCII text. */
  text(value: string): void {
    const { length } = value;
    let gathered = length;
    for (let at = 0; at < length; at += 1) {
      gathered = (gathered << 8) | value.charCodeAt(at);
      if ((at & 3) === 3) this.word(gathered);
    }
    this.word(gathered);
  }

  /** The same of its bytes. */
  bytes(bytes: Uint8Array, start: number, end: number): void {
    let gathered = end - start;
    for (let at = start; at < end; at += 1) {
      gathered = (gathered << 8) | bytes[at];
      if (((at - start) & 3) === 3) this.word(gathered);
    }
    this.word(gathered);
  }

  /** A canonical UUID text, as its four words. */
  id(text: string): void {
    let word = 0;
    let digits = 0;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === 45) continue;
      word = (word << 4) | (code <= 57 ? code - 48 : code - 87);
      digits += 1;
      if ((digits & 7) === 0) this.word(word);
    }
  }
}

/** The choices of an order as one number: places in the lists above. */
export function choicesOf(
  isSell: boolean,
  type: number,
  timeInForce: number,
  mode: number,
  byQuoteBudget: boolean,
  postOnly: boolean,
): number {
  const flags = (isSell ? 1 : 0) | (byQuoteBudget ? 2 : 0) | (postOnly ? 4 : 0);
  return flags | (type << 4) | (timeInForce << 8) | (mode << 12);
}

/**
 * Feeds what terms say, but the id: it is the key. Whoever reads terms from bytes feeds the same fields in the same
 * order.
 */
export function hashTerms(hash: ContentHash, terms: OrderTerms): void {
  hash.start();
  hash.id(terms.userId);
  hash.text(terms.clientOrderId);
  hash.text(terms.symbol);
  hash.word(
    choicesOf(
      terms.side === "sell",
      ORDER_TYPES.indexOf(terms.type),
      TIMES_IN_FORCE.indexOf(terms.timeInForce),
      SELF_TRADE_MODES.indexOf(terms.selfTradePrevention),
      terms.byQuoteBudget,
      terms.postOnly,
    ),
  );
  hash.whole(terms.priceTicks);
  hash.whole(terms.quantityLots);
  hash.whole(terms.budgetTickLots);
  hash.word(terms.makerFeePpm);
  hash.word(terms.takerFeePpm);
  hash.text(terms.reservedAsset);
  hash.text(terms.reservedAmount);
  hash.text(terms.quoteBudget);
  hash.whole(terms.stopPriceTicks);
}
