// Placement latency in an open loop: orders leave when they are due, whether or not earlier ones are
// answered, and latency counts from then. A slow answer can so not hide the wait behind it.
import { OrderType, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { percentile, sorted } from "../replay/figures.js";
import { type Floor, watchFloors } from "../replay/floors.js";
import type { Command } from "../replay/scale.js";
import { scaleOf } from "../replay/scale.js";
import { setStage } from "../replay/stage.js";
import type { Target } from "../replay/target.js";

export interface PlaceFigures {
  readonly rate: number;
  readonly orders: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly floors: readonly Floor[];
}

const warmUpSeconds = 3;
/** Every order is of this quantity; a sell meets the buy before it, so half of them trade. */
const quantity = "0.001";
const priceTicks = 10_000n;

/** Places at `rate` a second for `seconds`, after a warm-up, by the unary call. */
export async function benchPlace(target: Target, rate: number, seconds: number): Promise<PlaceFigures> {
  const total = rate * (warmUpSeconds + seconds);
  const stop = new AbortController();
  const scale = scaleOf([
    { op: "NEW", n: 1, ts: "", id: "x", side: "B", type: "LIMIT", price: "0.01", quantity: "0.00001" },
  ]);
  const stage = await setStage({
    target,
    commands: Array.from({ length: total }, (_, index) => fundsOf(index)),
    events: [],
    scale,
    shard: 0,
    signal: stop.signal,
  });
  try {
    const latencies: number[] = [];
    let floors = await watchFloors(target.running);
    const place = async (index: number, dueAtMs: number) => {
      const isBuy = index % 2 === 0;
      await (isBuy ? stage.buyer : stage.seller).client.orders.placeOrder({
        symbol: stage.symbol,
        side: isBuy ? Side.BUY : Side.SELL,
        type: OrderType.LIMIT,
        price: "100",
        quantity,
      });
      if (index >= rate * warmUpSeconds) latencies.push(systemClock.monotonicMs() - dueAtMs);
    };
    const startedAtMs = systemClock.monotonicMs();
    const placed: Promise<void>[] = [];
    for (let index = 0; index < total; index += 1) {
      const dueAtMs = startedAtMs + (index * 1_000) / rate;
      const leftMs = dueAtMs - systemClock.monotonicMs();
      if (leftMs > 1) await systemClock.sleep(leftMs);
      if (index === rate * warmUpSeconds) floors = await watchFloors(target.running);
      placed.push(place(index, dueAtMs));
    }
    await Promise.all(placed);
    const all = sorted(latencies);
    return {
      rate,
      orders: all.length,
      p50Ms: percentile(all, 0.5),
      p99Ms: percentile(all, 0.99),
      p999Ms: percentile(all, 0.999),
      floors: await floors(),
    };
  } finally {
    stop.abort();
    stage.close();
  }
}

/** What an order of the run may cost, for the deposits. */
function fundsOf(index: number): Command {
  const side = index % 2 === 0 ? "B" : "S";
  return { op: "NEW", n: index + 1, id: `f${index}`, side, type: "LIMIT", priceTicks, quantityLots: 100n };
}
