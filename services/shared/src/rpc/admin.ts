// HTTP for operations: live, ready, metrics. On a port of its own, never at the edge.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Life } from "../runtime/life.js";
import type { Metrics } from "../runtime/metrics.js";

/** What a process shows of itself besides health and metrics, as JSON by path. */
export type AdminViews = Readonly<Record<string, () => object>>;

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves /health/live (200 while the process runs), /health/ready (200, or 503 with what is missing),
 * /metrics (Prometheus text) and what the process shows of itself.
 */
export async function serveAdmin(options: {
  host: string;
  port: number;
  life: Pick<Life, "isReady" | "notReady">;
  metrics: Metrics;
  views?: AdminViews | undefined;
}): Promise<AdminServer> {
  const { life, metrics, views = {} } = options;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "/").split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD")
      return json(response, 405, { error: "method not allowed" });
    switch (path) {
      case "/health/live":
        return json(response, 200, { status: "live" });
      case "/health/ready":
        if (life.isReady()) return json(response, 200, { status: "ready" });
        return json(response, 503, { status: "not ready", missing: life.notReady() });
      case "/metrics":
        response.writeHead(200, { "content-type": metrics.registry.contentType });
        return void response.end(await metrics.registry.metrics());
      default: {
        const view = Object.hasOwn(views, path ?? "") ? views[path ?? ""] : undefined;
        return view === undefined ? json(response, 404, { error: "not found" }) : json(response, 200, view());
      }
    }
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => json(response, 500, { error: "internal error" }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}
