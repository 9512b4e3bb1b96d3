// Who in the mesh may call what. Checked where money moves and where orders are sequenced.
import type { DescMethod, DescService, MessageShape } from "@bufbuild/protobuf";
import { DomainError } from "../errors/domain-error.js";
import { type Guard, refusedBefore } from "./call.js";
import type { MeshIdentity, MeshTls } from "./mesh-tls.js";

/** For each method of a service who may call it, or a function of the request that says so. */
export type Callers<S extends DescService> = {
  readonly [K in keyof S["method"]]:
    | readonly MeshIdentity[]
    | ((request: MessageShape<S["method"][K]["input"]>) => readonly MeshIdentity[]);
};

type Rule = readonly MeshIdentity[] | ((request: never) => readonly MeshIdentity[]);

/**
 * Refuses with FORBIDDEN whoever is not named for the method that it calls. Without mutual TLS nobody can
 * be told from anybody, and the guard lets all pass: on one machine, or where something else guards the door.
 */
export function callersGuard(
  tls: MeshTls | undefined,
  rules: readonly { readonly service: DescService; readonly callers: Readonly<Record<string, Rule>> }[],
): Guard {
  const allowed = new Map<DescMethod, Rule>(
    rules.flatMap(({ service, callers }) =>
      service.methods.map((method): [DescMethod, Rule] => [method, callers[method.localName] ?? []]),
    ),
  );
  return (call, request) => {
    if (tls === undefined) return;
    const rule = allowed.get(call.method) ?? [];
    const names: readonly string[] = typeof rule === "function" ? rule(request as never) : rule;
    const { caller } = call;
    if (caller !== undefined && names.includes(caller)) return;
    throw refusedBefore(call.method, new DomainError("FORBIDDEN", { caller: caller ?? "unknown" }));
  };
}

/** Binds the callers of a service to it. */
export function callersOf<S extends DescService>(service: S, callers: Callers<S>) {
  return { service, callers: callers as Readonly<Record<string, Rule>> };
}
