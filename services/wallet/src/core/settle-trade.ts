// The money of one trade: what the buyer had reserved pays the seller, both pay their fee from what they
// receive, and what the buyer gained against its limit goes back at once.
import { feeAtoms } from "@bourse/shared/units/market.js";
import { impossible, type Operation, type PartyOfTrade, type TradeOperation } from "./operation.js";
import { type Entry, entriesOf, FEES_USER_ID } from "./postings.js";
import type { AccountKey, Reservation, RoleTotals } from "./reservation.js";

/** How one account's two columns change. */
export interface Change {
  readonly key: AccountKey;
  readonly availableAtoms?: bigint;
  readonly reservedAtoms?: bigint;
}

/** Both reservations after a trade, and the changes of up to six accounts. */
export interface MovedTrade {
  readonly buyer: Reservation;
  readonly seller: Reservation;
  readonly changes: readonly Change[];
}

/**
 * Moves the money of a trade. Checks what the shard says against what is stored: owner, asset, funds,
 * rate, what was received before, and the fee itself, which anyone can compute (SEMANTICS, fees).
 */
export function tradeOf(
  operation: Operation,
  trade: TradeOperation,
  reservations: { readonly buyer: Reservation; readonly seller: Reservation },
): MovedTrade {
  checkAmounts(operation, trade);
  const buyer = pay(operation, reservations.buyer, {
    party: trade.buyer,
    asset: trade.quoteAsset,
    takenAtoms: trade.buyerReservedAtoms,
    spentAtoms: trade.quoteAtoms,
    receivedAtoms: trade.baseAtoms,
  });
  const seller = pay(operation, reservations.seller, {
    party: trade.seller,
    asset: trade.baseAsset,
    takenAtoms: trade.baseAtoms,
    spentAtoms: trade.baseAtoms,
    receivedAtoms: trade.quoteAtoms,
  });
  return { buyer, seller, changes: changesOf(trade) };
}

/** What a trade writes to the ledger: it follows from the trade alone. */
export function ledgerEntriesOf(trade: TradeOperation): Entry[] {
  return entriesOf(trade.tradeId, movesOf(trade));
}

function checkAmounts(operation: Operation, trade: TradeOperation): void {
  const facts = { trade_id: trade.tradeId };
  if (trade.baseAtoms <= 0n || trade.quoteAtoms <= 0n)
    throw impossible(operation, "a trade moves nothing", facts);
  if (trade.buyerReservedAtoms < trade.quoteAtoms)
    throw impossible(operation, "a trade is above the limit", facts);
  // One row would be both halves, and each would overwrite the other.
  if (trade.buyer.orderId === trade.seller.orderId)
    throw impossible(operation, "an order trades with itself", facts);
  // Prevention has no mode that lets it happen.
  if (trade.buyer.userId === trade.seller.userId)
    throw impossible(operation, "a user trades with himself", facts);
  if (trade.buyer.role === trade.seller.role) throw impossible(operation, "both orders have one role", facts);
}

/** One order's reservation after its half of the trade. */
function pay(
  operation: Operation,
  stored: Reservation,
  half: {
    readonly party: PartyOfTrade;
    readonly asset: string;
    readonly takenAtoms: bigint;
    readonly spentAtoms: bigint;
    readonly receivedAtoms: bigint;
  },
): Reservation {
  const { party, takenAtoms, spentAtoms } = half;
  const facts = { order_id: party.orderId };
  if (stored.userId !== party.userId) throw impossible(operation, "the order belongs to another user", facts);
  if (stored.asset !== half.asset) throw impossible(operation, "the order holds another asset", facts);
  if (stored.remainingAtoms < takenAtoms) {
    const remaining = String(stored.remainingAtoms);
    throw impossible(operation, "less is held than the trade takes", {
      ...facts,
      remaining,
      taken: String(takenAtoms),
    });
  }
  return {
    ...stored,
    isSequenced: true,
    remainingAtoms: stored.remainingAtoms - takenAtoms,
    spentAtoms: stored.spentAtoms + spentAtoms,
    improvementAtoms: stored.improvementAtoms + takenAtoms - spentAtoms,
    totals: {
      ...stored.totals,
      [party.role]: received(operation, stored.totals[party.role], party, half.receivedAtoms),
    },
  };
}

/** The totals of a role after a fill, with the fee asserted against the totals before it. */
function received(
  operation: Operation,
  before: RoleTotals,
  party: PartyOfTrade,
  receivedAtoms: bigint,
): RoleTotals {
  const facts = { order_id: party.orderId, role: party.role };
  if (before.feePpm !== undefined && before.feePpm !== party.feePpm) {
    throw impossible(operation, "the fee rate changed within an order", facts);
  }
  if (before.receivedAtoms !== party.receivedBeforeAtoms) {
    const stored = String(before.receivedAtoms);
    const told = String(party.receivedBeforeAtoms);
    throw impossible(operation, "what was received before differs", { ...facts, stored, told });
  }
  const fee = feeAtoms(party.feePpm, before.receivedAtoms, receivedAtoms);
  if (fee !== party.feeAtoms || fee > receivedAtoms) {
    throw impossible(operation, "the fee differs", {
      ...facts,
      due: String(fee),
      told: String(party.feeAtoms),
    });
  }
  return {
    receivedAtoms: before.receivedAtoms + receivedAtoms,
    feeAtoms: before.feeAtoms + fee,
    feePpm: party.feePpm,
  };
}

function accountsOfTrade(trade: TradeOperation) {
  const { baseAsset, quoteAsset, buyer, seller } = trade;
  return {
    buyerBase: { userId: buyer.userId, asset: baseAsset },
    buyerQuote: { userId: buyer.userId, asset: quoteAsset },
    sellerBase: { userId: seller.userId, asset: baseAsset },
    sellerQuote: { userId: seller.userId, asset: quoteAsset },
    feesBase: { userId: FEES_USER_ID, asset: baseAsset },
    feesQuote: { userId: FEES_USER_ID, asset: quoteAsset },
  };
}

function changesOf(trade: TradeOperation): Change[] {
  const { baseAtoms, quoteAtoms, buyerReservedAtoms, buyer, seller } = trade;
  const accounts = accountsOfTrade(trade);
  const changes: Change[] = [
    {
      key: accounts.buyerQuote,
      reservedAtoms: -buyerReservedAtoms,
      availableAtoms: buyerReservedAtoms - quoteAtoms,
    },
    { key: accounts.buyerBase, availableAtoms: baseAtoms - buyer.feeAtoms },
    { key: accounts.sellerBase, reservedAtoms: -baseAtoms },
    { key: accounts.sellerQuote, availableAtoms: quoteAtoms - seller.feeAtoms },
  ];
  // The fee accounts are shared by all markets: a trade without fees does not wait for them.
  if (buyer.feeAtoms > 0n) changes.push({ key: accounts.feesBase, availableAtoms: buyer.feeAtoms });
  if (seller.feeAtoms > 0n) changes.push({ key: accounts.feesQuote, availableAtoms: seller.feeAtoms });
  return changes;
}

function movesOf(trade: TradeOperation) {
  const { baseAtoms, quoteAtoms, buyer, seller } = trade;
  const accounts = accountsOfTrade(trade);
  return [
    { ...accounts.buyerQuote, amountAtoms: -quoteAtoms },
    { ...accounts.buyerBase, amountAtoms: baseAtoms - buyer.feeAtoms },
    { ...accounts.sellerBase, amountAtoms: -baseAtoms },
    { ...accounts.sellerQuote, amountAtoms: quoteAtoms - seller.feeAtoms },
    { ...accounts.feesBase, amountAtoms: buyer.feeAtoms },
    { ...accounts.feesQuote, amountAtoms: seller.feeAtoms },
  ];
}
