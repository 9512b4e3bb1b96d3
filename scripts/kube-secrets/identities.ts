// By which names the servers of the mesh are reached.
import type { MeshIdentity } from "@bourse/shared/rpc/mesh-tls.js";

// The others only call; their certificates need no name of a host.
const servers: readonly MeshIdentity[] = ["wallet", "matcher", "market-data"];

/** Name in front of the objects of a release, by the rule of the chart: its own name is added where it is absent. */
export function fullnameOf(release: string): string {
  const name = release.includes("bourse") ? release : `${release}-bourse`;
  return name.slice(0, 40).replace(/-$/, "");
}

/** Host names of an identity's certificate: every form of its service's name, and of its pods' names. */
export function dnsNamesOf(identity: MeshIdentity, place: { fullname: string; namespace: string }): string[] {
  if (!servers.includes(identity)) return [];
  const service = `${place.fullname}-${identity}`;
  const inNamespace = [`${service}.${place.namespace}`, `${service}.${place.namespace}.svc`];
  const names = [service, ...inNamespace, `${service}.${place.namespace}.svc.cluster.local`];
  if (identity !== "matcher") return names;
  // An audit calls a shard by its pod's name. No client accepts a wildcard of two labels.
  return [...names, ...names.slice(1).map((name) => `*.${name}`)];
}
