// Submits and cancels from the bytes of a record straight to numbers: most of a journal is theirs, and replay is
// what a restart waits for. No object and one string for each order: its client order id, which the book keeps.
import { type ContentHash, choicesOf } from "../core/content-hash.js";
import type { OrderInput } from "../core/order-input.js";
import { type Shard, userNumberOfWords } from "../core/shard.js";
import { type ByteReader, UnreadableBytes } from "./byte-reader.js";

/** Ranges of text in the bytes of a record. */
interface Texts {
  clientOrderId: number;
  clientOrderIdEnd: number;
  symbol: number;
  symbolEnd: number;
  asset: number;
  assetEnd: number;
  amount: number;
  amountEnd: number;
  budget: number;
  budgetEnd: number;
}

/** Reads orders for one shard. */
export class OrderReader {
  /** Words of the order's id and of its owner's. */
  readonly words = new Int32Array(8);
  readonly #hash: ContentHash;
  #texts: Texts = emptyTexts();
  /** Market that the last order named: most name the same. */
  #symbol = Buffer.alloc(0);
  #book = -1;
  #shard: Shard | undefined;

  constructor(hash: ContentHash) {
    this.#hash = hash;
  }

  /** Reads an OrderTerms message to the end where the reader stands. */
  readTerms(from: ByteReader, shard: Shard, input: OrderInput): void {
    const { words } = this;
    const texts = this.#texts;
    from.id(10, words, 0);
    from.id(18, words, 4);
    from.range(26);
    texts.clientOrderId = from.from;
    texts.clientOrderIdEnd = from.to;
    from.range(34);
    texts.symbol = from.from;
    texts.symbolEnd = from.to;
    input.isSell = from.whole(40) === 2;
    input.type = choice(from.whole(48));
    input.timeInForce = choice(from.whole(56));
    input.priceTicks = from.whole(64);
    input.quantityLots = from.whole(72);
    input.budgetTickLots = from.whole(80);
    input.isByQuoteBudget = from.flag(88);
    input.isPostOnly = from.flag(96);
    input.makerFeePpm = from.whole(104);
    input.takerFeePpm = from.whole(112);
    from.range(122);
    texts.asset = from.from;
    texts.assetEnd = from.to;
    from.range(130);
    texts.amount = from.from;
    texts.amountEnd = from.to;
    from.range(138);
    texts.budget = from.from;
    texts.budgetEnd = from.to;
    input.stopPriceTicks = from.whole(144);
    // Orders of the first rules did not say it: CANCEL_TAKER.
    input.selfTradePrevention = choice(from.whole(152) || 1);
    input.id0 = words[0];
    input.id1 = words[1];
    input.id2 = words[2];
    input.id3 = words[3];
    input.user = userNumberOfWords(shard, words[4], words[5], words[6], words[7]);
    input.book = this.#bookOf(shard, from.bytes);
    input.clientOrderId = from.bytes.toString("latin1", texts.clientOrderId, texts.clientOrderIdEnd);
    this.#hashOf(from.bytes, input);
  }

  /** As hashTerms, from the same fields in the same order. */
  #hashOf(bytes: Buffer, input: OrderInput): void {
    const hash = this.#hash;
    const { words } = this;
    const texts = this.#texts;
    hash.start();
    hash.word(words[4]);
    hash.word(words[5]);
    hash.word(words[6]);
    hash.word(words[7]);
    hash.bytes(bytes, texts.clientOrderId, texts.clientOrderIdEnd);
    hash.bytes(bytes, texts.symbol, texts.symbolEnd);
    hash.word(
      choicesOf(
        input.isSell,
        input.type,
        input.timeInForce,
        input.selfTradePrevention,
        input.isByQuoteBudget,
        input.isPostOnly,
      ),
    );
    hash.whole(input.priceTicks);
    hash.whole(input.quantityLots);
    hash.whole(input.budgetTickLots);
    hash.word(input.makerFeePpm);
    hash.word(input.takerFeePpm);
    hash.bytes(bytes, texts.asset, texts.assetEnd);
    hash.bytes(bytes, texts.amount, texts.amountEnd);
    hash.bytes(bytes, texts.budget, texts.budgetEnd);
    hash.whole(input.stopPriceTicks);
    input.hash0 = hash.first;
    input.hash1 = hash.second;
  }

  #bookOf(shard: Shard, bytes: Buffer): number {
    const { symbol, symbolEnd } = this.#texts;
    if (shard === this.#shard && this.#isSymbol(bytes, symbol, symbolEnd)) return this.#book;
    const text = bytes.toString("latin1", symbol, symbolEnd);
    const book = shard.bookOfSymbol.get(text);
    if (book === undefined) throw new UnreadableBytes(`there is no market ${text}`);
    this.#symbol = Buffer.from(text, "latin1");
    this.#book = book.number;
    this.#shard = shard;
    return this.#book;
  }

  #isSymbol(bytes: Buffer, start: number, end: number): boolean {
    const known = this.#symbol;
    if (known.length !== end - start) return false;
    for (let at = start; at < end; at += 1) if (bytes[at] !== known[at - start]) return false;
    return true;
  }
}

function emptyTexts(): Texts {
  return {
    ...{ clientOrderId: 0, clientOrderIdEnd: 0, symbol: 0, symbolEnd: 0, asset: 0, assetEnd: 0 },
    ...{ amount: 0, amountEnd: 0, budget: 0, budgetEnd: 0 },
  };
}

/** Place in the core's list of four words of a number of the contract, which counts from one. */
function choice(number: number): number {
  if (number < 1 || number > 4) throw new UnreadableBytes("a word is not known");
  return number - 1;
}
