// Markets from the catalogue or from an operator.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Market as WireMarket } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { formatAtoms, parseAtoms } from "@bourse/shared/units/atoms.js";
import { gridOf } from "@bourse/shared/units/market.js";
import { isTier, TIERS } from "@bourse/shared/units/tiers.js";
import type { FeeTier, Market } from "../core/types.js";
import { PPM_MAX } from "./fields.js";
import { marketStateWords, wordOf } from "./matcher-words.js";

const BPS_MAX = 1_000_000;
const MINUTES_MAX = 24 * 60 - 1;

/** Fields of a market as message or settings have them. */
type MarketInput = Omit<WireMarket, "$typeName" | "$unknown" | "feeTiers"> & {
  readonly feeTiers: readonly FeeTier[];
};

/**
 * A market of this shard, from the catalogue or an operator, in canonical text. Refuses with INVALID_MARKET
 * and the field: a grid that is not whole, limits out of range, another shard.
 */
export function parseMarket(wire: MarketInput, shard: number): Market {
  gridOf(wire);
  if (wire.shard !== shard) throw new DomainError("INVALID_MARKET", { field: "shard" });
  const state = wire.state === 0 ? "TRADING" : wordOf(marketStateWords, "state", wire.state);
  return {
    symbol: wire.symbol,
    baseAsset: wire.baseAsset,
    quoteAsset: wire.quoteAsset,
    tickSize: canonical("tickSize", wire.tickSize),
    lotSize: canonical("lotSize", wire.lotSize),
    minQuantity: canonical("minQuantity", wire.minQuantity),
    maxQuantity: canonical("maxQuantity", wire.maxQuantity),
    minNotional: canonical("minNotional", wire.minNotional),
    shard,
    protectionBps: marketNumber("protectionBps", wire.protectionBps, 1, BPS_MAX),
    bandBps: marketNumber("bandBps", wire.bandBps, 0, BPS_MAX),
    openOrdersMax: marketNumber("openOrdersMax", wire.openOrdersMax, 0, 1_000_000_000),
    makerFeePpm: marketNumber("makerFeePpm", wire.makerFeePpm, 0, PPM_MAX),
    takerFeePpm: marketNumber("takerFeePpm", wire.takerFeePpm, 0, PPM_MAX),
    state,
    sessionEndMinutes: marketNumber("sessionEndMinutes", wire.sessionEndMinutes, 0, MINUTES_MAX),
    feeTiers: parseFeeTiers(wire.feeTiers),
  };
}

/** Rates of tiers, lowest tier first, whatever their order was. */
function parseFeeTiers(wire: readonly FeeTier[]): FeeTier[] {
  const tiers = wire.map(({ tier, makerFeePpm, takerFeePpm }, index): FeeTier => {
    const field = `feeTiers.${index}`;
    const isNew = wire.findIndex((other) => other.tier === tier) === index;
    if (!isTier(tier) || !isNew) throw new DomainError("INVALID_MARKET", { field: `${field}.tier` });
    return {
      tier,
      makerFeePpm: marketNumber(`${field}.makerFeePpm`, makerFeePpm, 0, PPM_MAX),
      takerFeePpm: marketNumber(`${field}.takerFeePpm`, takerFeePpm, 0, PPM_MAX),
    };
  });
  return TIERS.flatMap((name) => tiers.filter(({ tier }) => tier === name));
}

/** A new market, in which some quantity is legal. Refuses with INVALID_MARKET and the field. */
export function checkNewMarket(market: Market): Market {
  const [min, max] = [parseAtoms("", market.minQuantity), parseAtoms("", market.maxQuantity)];
  if (max !== 0n && max < min) throw new DomainError("INVALID_MARKET", { field: "maxQuantity" });
  return market;
}

/** The market of a request, as parseMarket and checkNewMarket; a refused field has the contract's name. */
export function parseNewMarket(wire: WireMarket, shard: number): Market {
  try {
    return checkNewMarket(parseMarket(wire, shard));
  } catch (error) {
    if (!(error instanceof DomainError) || error.facts.field === undefined) throw error;
    const field = error.facts.field
      .replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)
      .replace(/\.(\d+)\./g, "[$1].");
    throw new DomainError(error.reason, { ...error.facts, field: `market.${field}` }, { cause: error });
  }
}

function canonical(field: string, text: string): string {
  try {
    return formatAtoms(parseAtoms(field, text === "" ? "0" : text));
  } catch (cause) {
    throw new DomainError("INVALID_MARKET", { field }, { cause });
  }
}

function marketNumber(field: string, value: number, min: number, max: number): number {
  if (value < min || value > max) throw new DomainError("INVALID_MARKET", { field });
  return value;
}
