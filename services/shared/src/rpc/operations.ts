// What probes and operators ask of every process: health over HTTP and gRPC, and metrics.
import type { Life } from "../runtime/life.js";
import type { Logger } from "../runtime/log.js";
import type { Metrics } from "../runtime/metrics.js";
import { type AdminViews, serveAdmin } from "./admin.js";
import { serveGrpc } from "./server.js";

/**
 * Opens the operations port and, where the settings name one, a port that speaks only gRPC health: in
 * plaintext, since the probes of a cluster bring no certificate. Both close last. Returns the HTTP port.
 */
export async function serveOperations(
  config: { readonly host: string; readonly adminPort: number; readonly healthPort?: number | undefined },
  process: {
    readonly life: Life;
    readonly log: Logger;
    readonly metrics: Metrics;
    readonly views?: AdminViews;
  },
): Promise<number> {
  const { host, adminPort, healthPort } = config;
  const { life, log, metrics, views } = process;
  const admin = await serveAdmin({ host, port: adminPort, life, metrics, views });
  life.own("admin", () => admin.close());
  if (healthPort !== undefined) {
    const health = await serveGrpc({
      host,
      port: healthPort,
      services: [],
      log,
      metrics,
      isReady: life.isReady,
    });
    life.own("health", () => health.close(0));
  }
  return admin.port;
}
