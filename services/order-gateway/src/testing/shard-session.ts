import { EndReason, SelfTradePrevention, TimeInForce } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import type { TinyShard } from "./tiny-shard.js";

/** Users of the tests: UUIDs that can be told apart. */
export const USERS = [1, 2, 3, 4].map((n) => `00000000-0000-4000-8000-00000000000${n}`);

const MODES = [
  SelfTradePrevention.CANCEL_TAKER,
  SelfTradePrevention.CANCEL_MAKER,
  SelfTradePrevention.CANCEL_BOTH,
  SelfTradePrevention.DECREMENT,
];

/** Plays `length` random commands around one price, so that most orders meet others. */
export function playSession(
  shard: TinyShard,
  options: { seed: number; length: number; prefix?: string },
): void {
  const random = seededRandom(options.seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const placed: string[] = [];
  for (let number = 0; number < options.length; number += 1) {
    const user = pick(USERS);
    const clientOrderId = `${options.prefix ?? "c"}-${options.seed}-${number}`;
    const side = random() < 0.5 ? ("buy" as const) : ("sell" as const);
    const priceTicks = 5_000_000 + Math.floor(random() * 21) - 10;
    const quantityLots = 1 + Math.floor(random() * 500);
    const order = { user, clientOrderId, side, priceTicks, quantityLots, selfTradePrevention: pick(MODES) };
    const choice = random();
    if (choice < 0.4) placed.push(shard.place(order));
    else if (choice < 0.48) placed.push(shard.place({ ...order, stopPriceTicks: priceTicks }));
    else if (choice < 0.55 && placed.length > 0) shard.amend(pick(placed), order);
    else if (choice < 0.65) shard.place({ ...order, timeInForce: TimeInForce.IOC });
    else if (choice < 0.7) shard.buyFor({ user, clientOrderId, budgetTickLots: Math.floor(random() * 1e10) });
    else if (choice < 0.75) shard.reject(order, EndReason.POST_ONLY_WOULD_TAKE);
    else if (choice < 0.78) shard.tombstone(user, clientOrderId);
    else if (choice < 0.97 && placed.length > 0) shard.cancel(pick(placed));
    else if (choice < 0.98) shard.cancelAll(user);
    else shard.tick();
    if (random() < 0.02) shard.pass(Math.floor(random() * 3_600_000));
  }
}
