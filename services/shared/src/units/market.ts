// A market's grid, and the only legal conversions between text, ticks and lots, and atoms.
import { DomainError, type FailureReason } from "../errors/domain-error.js";
import { atomsOfNumeric, checkDecimal, formatAtoms, parsePositiveAtoms } from "./atoms.js";

/** The grid on which a market's prices and quantities lie. Never changes once the market exists. */
export interface Grid {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  /** Price step in atoms of the quote asset. */
  readonly tickAtoms: bigint;
  /** Quantity step in atoms of the base asset. */
  readonly lotAtoms: bigint;
  /** Notional of one lot at one tick in atoms of the quote asset; whole, so notional is exact. */
  readonly quoteAtomsPerTickLot: bigint;
}

/** What a grid is made of, as decimal text. */
export interface GridText {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly tickSize: string;
  readonly lotSize: string;
}

const ATOMS_PER_UNIT = 100_000_000n;
const PPM = 1_000_000n;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const ASSET = /^[A-Z0-9]{2,10}$/;

/**
 * The grid of a market. Refuses with INVALID_MARKET and the field: a symbol that is not base/quote, a
 * tick or lot that is no positive decimal, a tick × lot that is no whole number of quote atoms.
 */
export function gridOf(text: GridText): Grid {
  for (const field of ["baseAsset", "quoteAsset"] as const) {
    if (!ASSET.test(text[field])) throw new DomainError("INVALID_MARKET", { field });
  }
  if (text.symbol !== `${text.baseAsset}/${text.quoteAsset}` || text.baseAsset === text.quoteAsset) {
    throw new DomainError("INVALID_MARKET", { field: "symbol" });
  }
  const tickAtoms = stepAtoms("tickSize", text.tickSize);
  const lotAtoms = stepAtoms("lotSize", text.lotSize);
  const product = tickAtoms * lotAtoms;
  if (product % ATOMS_PER_UNIT !== 0n) throw new DomainError("INVALID_MARKET", { field: "lotSize" });
  const { symbol, baseAsset, quoteAsset } = text;
  return {
    symbol,
    baseAsset,
    quoteAsset,
    tickAtoms,
    lotAtoms,
    quoteAtomsPerTickLot: product / ATOMS_PER_UNIT,
  };
}

function stepAtoms(field: string, text: string): bigint {
  try {
    return parsePositiveAtoms(field, text);
  } catch (cause) {
    throw new DomainError("INVALID_MARKET", { field }, { cause });
  }
}

/** Price in ticks. Refuses as checkDecimal does, zero (PRICE_NOT_POSITIVE) and what is off the tick. */
export function parsePriceTicks(grid: Grid, field: string, text: string): number {
  const refusals = { zero: "PRICE_NOT_POSITIVE", offGrid: "PRICE_OFF_TICK" } as const;
  return parseSteps(grid.tickAtoms, { field, text, ...refusals });
}

/** Quantity in lots. Refuses as checkDecimal does, zero (QUANTITY_NOT_POSITIVE) and what is off the lot. */
export function parseQuantityLots(grid: Grid, field: string, text: string): number {
  const refusals = { zero: "QUANTITY_NOT_POSITIVE", offGrid: "QUANTITY_OFF_LOT" } as const;
  return parseSteps(grid.lotAtoms, { field, text, ...refusals });
}

function parseSteps(
  stepAtoms: bigint,
  input: { field: string; text: string; zero: FailureReason; offGrid: FailureReason },
): number {
  const { field, text } = input;
  checkDecimal(field, text);
  const atoms = atomsOfNumeric(text);
  if (atoms === 0n) throw new DomainError(input.zero, { field });
  if (atoms % stepAtoms !== 0n) throw new DomainError(input.offGrid, { field });
  const steps = atoms / stepAtoms;
  if (steps > SAFE_MAX) throw new DomainError("VALUE_TOO_LARGE", { field });
  return Number(steps);
}

/** Price as decimal text in units of the quote asset. */
export function formatPrice(grid: Grid, priceTicks: number | bigint): string {
  return formatAtoms(BigInt(priceTicks) * grid.tickAtoms);
}

/** Quantity as decimal text in units of the base asset. */
export function formatQuantity(grid: Grid, quantityLots: number | bigint): string {
  return formatAtoms(BigInt(quantityLots) * grid.lotAtoms);
}

/** Notional as decimal text in units of the quote asset. */
export function formatNotional(grid: Grid, tickLots: bigint): string {
  return formatAtoms(tickLots * grid.quoteAtomsPerTickLot);
}

/** Atoms of the base asset in a number of lots. */
export function baseAtoms(grid: Grid, quantityLots: number | bigint): bigint {
  return BigInt(quantityLots) * grid.lotAtoms;
}

/** Atoms of the quote asset in a notional of tick × lot. */
export function quoteAtoms(grid: Grid, tickLots: bigint): bigint {
  return tickLots * grid.quoteAtomsPerTickLot;
}

/**
 * Fee in atoms of one fill, taken from what is received: rounded up cumulatively per order and role, so
 * that an order pays the same within one atom however it is filled (SEMANTICS of fees: the fee so far
 * after the fill less the fee so far before it). 0 ≤ ratePpm < 10^6.
 */
export function feeAtoms(ratePpm: number, receivedBeforeAtoms: bigint, receivedAtoms: bigint): bigint {
  const rate = BigInt(ratePpm);
  const soFar = (received: bigint) => (received * rate + PPM - 1n) / PPM;
  return soFar(receivedBeforeAtoms + receivedAtoms) - soFar(receivedBeforeAtoms);
}
