// One wrapper over the Prometheus client, so that a move to its successor is one import.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Seconds; from half a millisecond to ten seconds. */
const SECONDS_BUCKETS = [
  0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.25, 0.5, 1, 2, 5, 10,
];

export type { Counter, Gauge, Histogram } from "prom-client";

/** The metrics of one process. Names end in their unit; labels have few values, never an id. */
export interface Metrics {
  readonly registry: Registry;
  counter<L extends string>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  gauge<L extends string>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  /** Buckets are seconds unless given. */
  histogram<L extends string>(
    name: string,
    help: string,
    labels?: readonly L[],
    buckets?: number[],
  ): Histogram<L>;
}

/** A registry with the metrics of the process itself and the build's name. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  // The default of 10 ms wakes every idle process a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  const registers = [registry];
  return {
    registry,
    // The gRPC server's are asked for by each server that a process opens.
    counter: (name, help, labels = []) =>
      (registry.getSingleMetric(name) as Counter<never> | undefined) ??
      new Counter({ name, help, labelNames: labels, registers }),
    gauge: (name, help, labels = []) => new Gauge({ name, help, labelNames: labels, registers }),
    histogram: (name, help, labels = [], buckets = SECONDS_BUCKETS) =>
      (registry.getSingleMetric(name) as Histogram<never> | undefined) ??
      new Histogram({ name, help, labelNames: labels, buckets, registers }),
  };
}
