// A new order as numbers: what the core takes in without allocating. Filled anew for each.
import { ContentHash, hashTerms, ORDER_TYPES, SELF_TRADE_MODES, TIMES_IN_FORCE } from "./content-hash.js";
import { parseIdInto } from "./ids.js";
import type { OrderTerms } from "./types.js";

/** One new order. Ids are four 32-bit words, as signed integers; words of the vocabulary are their places. */
export class OrderInput {
  id0 = 0;
  id1 = 0;
  id2 = 0;
  id3 = 0;
  /** Number of the user in the shard, and of the book. */
  user = 0;
  book = 0;
  isSell = false;
  /** Place in ORDER_TYPES. */
  type = 0;
  /** Place in TIMES_IN_FORCE. */
  timeInForce = 0;
  /** Place in SELF_TRADE_MODES. */
  selfTradePrevention = 0;
  isPostOnly = false;
  isByQuoteBudget = false;
  priceTicks = 0;
  stopPriceTicks = 0;
  quantityLots = 0;
  budgetTickLots = 0;
  makerFeePpm = 0;
  takerFeePpm = 0;
  /** Hash of the terms, as signed integers. */
  hash0 = 0;
  hash1 = 0;
  clientOrderId = "";
}

const idWords = new Int32Array(4);
const content = new ContentHash();

/** Fills an input from terms; user and book are numbers that the shard gave. */
export function fillInput(input: OrderInput, terms: OrderTerms, user: number, book: number): void {
  parseIdInto(idWords, 0, terms.orderId);
  input.id0 = idWords[0];
  input.id1 = idWords[1];
  input.id2 = idWords[2];
  input.id3 = idWords[3];
  input.user = user;
  input.book = book;
  input.isSell = terms.side === "sell";
  input.type = ORDER_TYPES.indexOf(terms.type);
  input.timeInForce = TIMES_IN_FORCE.indexOf(terms.timeInForce);
  input.selfTradePrevention = SELF_TRADE_MODES.indexOf(terms.selfTradePrevention);
  input.isPostOnly = terms.postOnly;
  input.isByQuoteBudget = terms.byQuoteBudget;
  input.priceTicks = terms.priceTicks;
  input.stopPriceTicks = terms.stopPriceTicks;
  input.quantityLots = terms.quantityLots;
  input.budgetTickLots = terms.budgetTickLots;
  input.makerFeePpm = terms.makerFeePpm;
  input.takerFeePpm = terms.takerFeePpm;
  hashTerms(content, terms);
  input.hash0 = content.first | 0;
  input.hash1 = content.second | 0;
  input.clientOrderId = terms.clientOrderId;
}
