// When a shard takes no new orders: a follower is too far behind, or the disk is full. Cancels go on.
import type { AmendCommand, OrderView } from "../core/types.js";
import type { Followers } from "./followers.js";
import type { Log } from "./log.js";

/** Why new orders are not taken. */
export interface ReadOnly {
  readonly reason: "SHARD_UNAVAILABLE" | "SHARD_READ_ONLY";
  readonly facts: Readonly<Record<string, string>>;
}

/** The disk's word first: it is for an operator. */
export function readOnlyOf(
  log: Pick<Log, "room">,
  followers: Pick<Followers, "laggard">,
  endSeq: number,
): ReadOnly | undefined {
  const room = log.room();
  if (room !== "enough") return { reason: "SHARD_READ_ONLY", facts: { disk: room } };
  const follower = followers.laggard(endSeq);
  return follower === undefined ? undefined : { reason: "SHARD_UNAVAILABLE", facts: { follower } };
}

/** True for an amend that only makes its order smaller: it needs no more funds and trades with nobody. */
export function onlyLowers(
  amend: AmendCommand,
  order: Pick<OrderView, "priceTicks" | "quantityLots">,
): boolean {
  const keepsPrice = amend.priceTicks === 0 || amend.priceTicks === order.priceTicks;
  return keepsPrice && amend.quantityLots !== 0 && amend.quantityLots <= order.quantityLots;
}
