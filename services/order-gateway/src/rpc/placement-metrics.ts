import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Metrics } from "@bourse/shared/runtime/metrics.js";
import type { OrderServiceDeps } from "./order-service.js";

type Place = OrderServiceDeps["place"];

/** `place` with its metrics: orders that were placed, not repeats of earlier calls, and how long it took. */
export function measured(place: Place, metrics: Metrics, clock: Clock): Place {
  const placed = metrics.counter("orders_placed_total", "Orders placed.", ["symbol", "type", "side"]);
  const seconds = metrics.histogram("order_placement_duration_seconds", "Time from request to answer.", [
    "symbol",
  ]);
  return async (request, context) => {
    const startedMs = clock.monotonicMs();
    const answer = await place(request, context);
    // The symbol comes from the order that exists, so that no caller can invent labels.
    const { symbol, type, side } = answer.order;
    if (!answer.replayed && symbol !== "") {
      placed.inc({ symbol, type, side });
      seconds.observe({ symbol }, (clock.monotonicMs() - startedMs) / 1000);
    }
    return answer;
  };
}
