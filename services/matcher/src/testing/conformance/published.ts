// What is known about workloads: the hashes that the benchmark publishes, and that of our own.

export interface Expected {
  /** Name of the file without its endings. */
  readonly name: string;
  readonly hash: string;
  readonly reports: number;
}

/** Report hashes that flash1-dev/matching-engine-benchmark publishes (seed 23), and ours by the plain model. */
const KNOWN: readonly Expected[] = [
  {
    name: "normal",
    hash: "e9b2e3926854410b01a035aeb25dd05f1e597c233be8263de9eb49b6713d367e",
    reports: 2_204_643,
  },
  {
    name: "flash-crash",
    hash: "cff8d3f94b709fc64a8b2058a6ca4fb6920364904796e46906895e362d2bb16b",
    reports: 2_211_931,
  },
  {
    name: "seeded-20000",
    hash: "7cd691d252844bbfa0b0f2724d55a417c47e8fdbc879fcaeeea1aceb8f89a5ad",
    reports: 26_425,
  },
];

/** What a file must give, by its name; undefined for a workload that nobody has published. */
export function expectedOf(path: string): Expected | undefined {
  const name = path
    .split("/")
    .at(-1)
    ?.replace(/(\.bin)?(\.br)?$/, "");
  return KNOWN.find((each) => each.name === name);
}
