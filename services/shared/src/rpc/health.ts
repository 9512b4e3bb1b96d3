import { setTimeout as delay } from "node:timers/promises";
import { DomainError } from "../errors/domain-error.js";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "../gen/grpc/health/v1/health_pb.js";
import { implement, type ServiceEntry } from "./call.js";

/** How often a watcher looks; there are few of them. */
const WATCH_MS = 250;

/** Asked for by this name, health says only that the process lives, ready or not. */
export const LIVE = "live";

/** grpc.health.v1: every service of a process is as ready as the process. */
export function healthService(services: readonly ServiceEntry[], isReady: () => boolean): ServiceEntry {
  const names = new Set(["", LIVE, ...services.map(({ service }) => service.typeName)]);
  const statusOf = (name: string) => {
    if (!names.has(name)) return Serving.SERVICE_UNKNOWN;
    if (name === LIVE) return Serving.SERVING;
    return isReady() ? Serving.SERVING : Serving.NOT_SERVING;
  };
  return implement(Health, {
    async check({ service }) {
      if (!names.has(service)) throw new DomainError("SERVICE_NOT_FOUND", { service });
      return { status: statusOf(service) };
    },
    async list() {
      return { statuses: Object.fromEntries([...names].map((name) => [name, { status: statusOf(name) }])) };
    },
    async *watch({ service }, call) {
      for (let last: Serving | undefined; !call.signal.aborted; ) {
        const status = statusOf(service);
        if (status !== last) yield { status };
        last = status;
        await delay(WATCH_MS, undefined, { signal: call.signal, ref: false }).catch(() => {});
      }
    },
  });
}
