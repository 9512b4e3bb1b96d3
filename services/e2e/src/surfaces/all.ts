// Every surface of one edge.
import type { Surface, SurfaceName } from "./answer.js";
import { connectSurface } from "./connect.js";
import { grpcSurface } from "./grpc.js";
import { grpcWebSurface } from "./grpc-web.js";
import { orderEntrySurface } from "./order-entry.js";
import { restSurface } from "./rest.js";

/** The surfaces, and what closes them. */
export interface Surfaces {
  /** gRPC, Connect JSON and binary, gRPC-Web, REST: every unary call. */
  readonly all: readonly Surface[];
  /** The stream, which carries orders and cancels only. */
  readonly orderEntry: Surface;
  of(name: SurfaceName): Surface;
  close(): void;
}

/** Opens every surface of an edge. */
export function openSurfaces(edge: { readonly grpcAddress: string; readonly httpUrl: string }): Surfaces {
  const grpc = grpcSurface(edge.grpcAddress);
  const orderEntry = orderEntrySurface(edge.grpcAddress);
  const all: Surface[] = [
    grpc,
    connectSurface(edge.httpUrl, "json"),
    connectSurface(edge.httpUrl, "binary"),
    grpcWebSurface(edge.httpUrl),
    restSurface(edge.httpUrl),
  ];
  return {
    all,
    orderEntry,
    of: (name) => {
      const found = all.find((surface) => surface.name === name);
      if (found === undefined) throw new Error(`no surface ${name}`);
      return found;
    },
    close: () => {
      grpc.close();
      orderEntry.close();
    },
  };
}
