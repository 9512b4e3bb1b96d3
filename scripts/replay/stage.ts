// Everything a replay needs before its first command: a market and two users of its own, and money.
import { randomBytes, randomUUID } from "node:crypto";
import { type BourseClient, openBourse } from "@bourse/client/bourse-client.js";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { MarketState } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { formatScaled } from "./decimal.js";
import type { Amounts } from "./observed.js";
import { type Command, protectionBpsOf, type ReplayEvent, type Scale } from "./scale.js";
import type { Target } from "./target.js";

/** The market and users of one run, and clients that speak for each. */
export interface Stage {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly protectionBps: number;
  /** Acts for both users; operator. */
  readonly service: BourseClient;
  readonly buyer: Party;
  readonly seller: Party;
  close(): void;
}

/** One user of the run. */
export interface Party {
  readonly userId: string;
  readonly client: BourseClient;
  readonly deposits: Amounts;
}

/** Largest amount of one deposit, in whole units: twelve digits. */
const depositUnitsMax = 999_999_999_999n;
const atomsPerUnit = 100_000_000n;
/** How long the mesh may take to hear of a new market. */
const heardWithinMs = 15_000;

export interface StageOptions {
  readonly target: Target;
  readonly commands: readonly Command[];
  readonly events: readonly ReplayEvent[];
  readonly scale: Scale;
  readonly shard: number;
  readonly signal: AbortSignal;
}

/** Makes market, users and deposits. Buys go to one user and sells to the other, both rich. */
export async function setStage(options: StageOptions): Promise<Stage> {
  const { target, commands, scale, signal } = options;
  // An asset code has at most ten characters.
  const tag = randomBytes(5).toString("hex").toUpperCase().slice(1);
  const [baseAsset, quoteAsset] = [`B${tag}`, `Q${tag}`];
  const protectionBps = protectionBpsOf(commands, options.events);
  const service = await clientOf(target, signal, randomUUID(), ["trader", "operator"]);
  const needs = fundsNeeded(commands, scale, protectionBps);
  const [buyerId, sellerId] = [randomUUID(), randomUUID()];
  await service.orders.createMarket({
    market: {
      symbol: `${baseAsset}/${quoteAsset}`,
      baseAsset,
      quoteAsset,
      tickSize: scale.tickSize,
      lotSize: scale.lotSize,
      minQuantity: scale.lotSize,
      maxQuantity: "0",
      minNotional: "0",
      shard: options.shard,
      protectionBps,
      bandBps: 0,
      openOrdersMax: 0,
      makerFeePpm: 0,
      takerFeePpm: 0,
      state: MarketState.TRADING,
    },
  });
  const buyer = {
    userId: buyerId,
    client: await clientOf(target, signal, buyerId, ["trader"]),
    deposits: { base: 0n, quote: await deposit(service, buyerId, quoteAsset, needs.quote) },
  };
  const seller = {
    userId: sellerId,
    client: await clientOf(target, signal, sellerId, ["trader"]),
    deposits: { base: await deposit(service, sellerId, baseAsset, needs.base), quote: 0n },
  };
  await untilListed(service, `${baseAsset}/${quoteAsset}`);
  const clients = [service, buyer.client, seller.client];
  return {
    symbol: `${baseAsset}/${quoteAsset}`,
    baseAsset,
    quoteAsset,
    protectionBps,
    service,
    buyer,
    seller,
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

async function clientOf(
  target: Target,
  signal: AbortSignal,
  userId: string,
  roles: readonly ("trader" | "operator")[],
): Promise<BourseClient> {
  const permissions = roles.includes("operator") ? (["act_for"] as const) : [];
  const token = await target.token({ userId, roles, permissions, tier: "unlimited" });
  return openBourse({ address: target.address, token, signal });
}

/**
 * Atoms of both assets that suffice whatever is open at the same time: all buys at their limits and
 * MARKET BUYs at their largest budgets, all sells. Rounded up to whole units and one more, for the
 * order that marks the end.
 */
function fundsNeeded(commands: readonly Command[], scale: Scale, protectionBps: number): Amounts {
  let base = 0n;
  let quote = 0n;
  const lotAtoms = 10n ** BigInt(8 - (scale.quantityDecimals - scale.quantityShift));
  const tickLotAtoms = lotAtoms / 10n ** BigInt(scale.priceDecimals - scale.priceShift);
  let priceMax = 0n;
  for (const command of commands) {
    if ((command.op === "NEW" || command.op === "SEED") && (command.priceTicks ?? 0n) > priceMax) {
      priceMax = command.priceTicks ?? 0n;
    }
  }
  const worstTicks = (priceMax * BigInt(10_000 + protectionBps)) / 10_000n + 1n;
  for (const command of commands) {
    if (command.op !== "NEW" && command.op !== "SEED") continue;
    if (command.side === "S") base += command.quantityLots * lotAtoms;
    else quote += command.quantityLots * (command.priceTicks ?? worstTicks) * tickLotAtoms;
  }
  const whole = (atoms: bigint) => (atoms / atomsPerUnit + 2n) * atomsPerUnit;
  return { base: whole(base), quote: whole(quote) };
}

/** Deposits in as many transfers as the largest amount of one makes necessary; returns the sum. */
async function deposit(service: BourseClient, userId: string, asset: string, atoms: bigint): Promise<bigint> {
  for (let left = atoms; left > 0n; ) {
    const part = left < depositUnitsMax * atomsPerUnit ? left : depositUnitsMax * atomsPerUnit;
    const request = { userId, asset, amount: formatScaled(part, 8), requestId: randomUUID() };
    await untilHeard("ASSET_NOT_FOUND", () => service.accounts.deposit(request));
    left -= part;
  }
  return atoms;
}

function untilListed(service: BourseClient, symbol: string): Promise<unknown> {
  return untilHeard("SYMBOL_NOT_FOUND", () => service.marketData.getOrderBook({ symbol, levels: 1 }));
}

/** Repeats a call until every part of the mesh has heard of the new market. */
async function untilHeard<T>(reason: string, call: () => Promise<T>): Promise<T> {
  const giveUpAtMs = systemClock.monotonicMs() + heardWithinMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const isNotHeard = error instanceof DomainError && error.reason === reason;
      if (!isNotHeard || systemClock.monotonicMs() > giveUpAtMs) throw error;
      await systemClock.sleep(20);
    }
  }
}
