// Every surface of one edge.
import type { Surface, SurfaceName } from "./answer.js";
import { connectSurface } from "./connect.js";
import { grpcSurface } from "./grpc.js";
import { grpcWebSurface } from "./grpc-web.js";
import { restSurface } from "./rest.js";

/** The five surfaces, in a fixed order, and what closes them. */
export interface Surfaces {
  readonly all: readonly Surface[];
  of(name: SurfaceName): Surface;
  close(): void;
}

/** Opens every surface of an edge. */
export function openSurfaces(edge: { readonly grpcAddress: string; readonly httpUrl: string }): Surfaces {
  const grpc = grpcSurface(edge.grpcAddress);
  const all: Surface[] = [
    grpc,
    connectSurface(edge.httpUrl, "json"),
    connectSurface(edge.httpUrl, "binary"),
    grpcWebSurface(edge.httpUrl),
    restSurface(edge.httpUrl),
  ];
  return {
    all,
    of: (name) => {
      const found = all.find((surface) => surface.name === name);
      if (found === undefined) throw new Error(`no surface ${name}`);
      return found;
    },
    close: () => grpc.close(),
  };
}
