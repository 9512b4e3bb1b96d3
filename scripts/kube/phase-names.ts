// The phases of the cluster test in their order.

/** Phases that happen under load. */
export const loadPhases = [
  { name: "rollout", what: "rolling upgrade of every workload, and back" },
  { name: "delete", what: "every pod deleted, one after the other" },
  { name: "drain", what: "a node drained" },
  { name: "kill", what: "every matcher killed by force" },
  { name: "scale", what: "gateways from one to three and back" },
  { name: "market", what: "a market added by values alone" },
  { name: "shard", what: "a shard added, with a market" },
  { name: "failed-upgrade", what: "upgrades that fail and roll back" },
] as const;

/** All phases. `install` happens whenever there is no release yet. */
export const phases = [
  { name: "install", what: "images, secrets, database, helm install, helm test" },
  ...loadPhases,
  { name: "audit", what: "every invariant of the release" },
  { name: "bad-input", what: "values and journals that are refused" },
  { name: "throughput", what: "the cluster against the same processes on this machine" },
] as const;

export type PhaseName = (typeof phases)[number]["name"];
export type LoadPhaseName = (typeof loadPhases)[number]["name"];

export const phaseNames: readonly PhaseName[] = phases.map(({ name }) => name);
