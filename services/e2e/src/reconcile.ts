// Holds what clients were told against what the exchange did: nothing lost, nothing doubled.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { OrderEnded } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { Order } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { OrderStatus, OrderType } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { legIdOf, orderIdOf } from "@bourse/shared/ids.js";
import type { Exchange } from "./exchange.js";
import type { Told } from "./load.js";

/** What the journals of all shards say about orders. */
interface Journaled {
  /** Seqs of the records that accepted an order. */
  readonly accepted: ReadonlyMap<string, bigint[]>;
  readonly ended: ReadonlyMap<string, OrderEnded[]>;
  /** Words on amends by their leg: true for one that was made. */
  readonly amends: ReadonlyMap<string, boolean[]>;
}

/** What does not agree; empty when everything does. Reads everything through the public API too. */
export async function disagreements(exchange: Exchange, told: readonly Told[]): Promise<string[]> {
  await exchange.evidence.untilSettled();
  const journaled = await readJournals(exchange);
  const found: string[] = [];
  for (const [orderId, all] of journaled.accepted)
    if (all.length > 1) found.push(`${orderId}: accepted ${all.length} times`);
  for (const [orderId, all] of journaled.ended)
    if (all.length > 1) found.push(`${orderId}: ended ${all.length} times`);
  for (const [legId, all] of journaled.amends)
    if (all.length > 1) found.push(`${legId}: an amend decided ${all.length} times`);
  // A few at a time: each is three calls.
  for (let at = 0; at < told.length; at += 16) {
    const some = told.slice(at, at + 16).map((each) => disagreementsOf(each, journaled));
    found.push(...(await Promise.all(some)).flat());
  }
  return found;
}

async function disagreementsOf(told: Told, journaled: Journaled): Promise<string[]> {
  const orderId = orderIdOf(told.user.id, told.sent.clientOrderId);
  return told.order === undefined
    ? refusedOf(told, orderId, journaled)
    : acceptedOf(told, told.order, orderId, journaled);
}

/** NOT_ACCEPTED: no order exists and none will, whatever is sent again. */
async function refusedOf(
  { user, sent, refusal }: Told,
  orderId: string,
  journaled: Journaled,
): Promise<string[]> {
  const found: string[] = [];
  if (journaled.accepted.has(orderId)) found.push(`${orderId}: told ${refusal?.reason}, yet accepted`);
  const again = await user.client.orders.placeOrder(sent).catch((error: unknown) => error);
  const isRefused = again instanceof DomainError && again.facts.outcome === "NOT_ACCEPTED";
  if (!isRefused) found.push(`${orderId}: told ${refusal?.reason}, and then something else`);
  return found;
}

/** Acknowledged: it is in a journal, it is what was sent, and every reader says the same of it. */
async function acceptedOf(
  { user, sent, amends }: Told,
  order: Order,
  orderId: string,
  journaled: Journaled,
): Promise<string[]> {
  const found: string[] = [];
  const expect = (isTrue: boolean, text: string) => {
    if (!isTrue) found.push(`${orderId} (${sent.clientOrderId}): ${text}`);
  };
  const accepted = journaled.accepted.get(orderId)?.[0];
  const ended = journaled.ended.get(orderId)?.[0];
  expect(order.orderId === orderId, `told another id ${order.orderId}`);
  expect(
    accepted !== undefined || ended?.terms !== undefined || ended?.isTombstone === true,
    "acknowledged, yet in no journal",
  );

  for (const { requestId, isMade } of amends) {
    const [word = false] = journaled.amends.get(legIdOf(orderId, requestId)) ?? [];
    expect(word === isMade, `amend ${requestId} told ${isMade}, journaled ${word}`);
  }
  const [now, again] = await Promise.all([
    user.client.orders.getOrder({ id: { case: "orderId", value: orderId } }),
    user.client.orders.placeOrder(sent),
  ]);
  expect(again.replayed, "the same call again placed an order");
  for (const reader of [now.order, again.order]) {
    expect(reader?.orderId === orderId, `read under another id ${reader?.orderId}`);
    expect(reader?.symbol === sent.symbol && reader?.side === sent.side, "read with another symbol or side");
    expect(
      reader?.status === statusOf(ended, reader),
      `read as ${OrderStatus[reader?.status ?? 0]}, journaled ${OrderStatus[ended?.status ?? 0]}`,
    );
    expect(Number(reader?.filledQuantity) >= Number(order.filledQuantity), "filled less than was told");
  }
  expect(now.order?.filledQuantity === again.order?.filledQuantity, "two readers, two filled quantities");
  return found;
}

/** Status by the journal: the end if there is one, else waiting, or open with or without fills. */
function statusOf(ended: OrderEnded | undefined, reader: Order | undefined): OrderStatus {
  if (ended !== undefined) return ended.status;
  const isStop = reader?.type === OrderType.STOP || reader?.type === OrderType.STOP_LIMIT;
  if (isStop && !reader.triggered) return OrderStatus.PENDING;
  return reader?.filledQuantity === "0" ? OrderStatus.OPEN : OrderStatus.PARTIALLY_FILLED;
}

async function readJournals({ evidence }: Exchange): Promise<Journaled> {
  const accepted = new Map<string, bigint[]>();
  const ended = new Map<string, OrderEnded[]>();
  const amends = new Map<string, boolean[]>();
  const add = <T>(map: Map<string, T[]>, key: string, value: T) =>
    map.set(key, [...(map.get(key) ?? []), value]);
  const records = [...(await evidence.records(0)), ...(await evidence.records(1))];
  for (const { seq, command, events } of records) {
    const submitted = command?.kind.case === "submit" ? command.kind.value.terms : undefined;
    for (const { kind } of events) {
      if (kind.case === "accepted") add(accepted, (kind.value.terms ?? submitted)?.orderId ?? "", seq);
      if (kind.case === "ended") add(ended, kind.value.orderId, kind.value);
      if (kind.case === "amended" || kind.case === "amendRefused")
        add(amends, kind.value.legId, kind.case === "amended");
    }
  }
  return { accepted, ended, amends };
}
