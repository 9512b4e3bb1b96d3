// One line of an audit: an invariant, whether it holds, and the figure that says how much was looked at.

/** What was found about one invariant. */
export interface Finding {
  /** Its number in the reliability catalogue, for example "I1". */
  readonly invariant: string;
  /** What was looked at, with figures. */
  readonly text: string;
  /** What breaks it; empty when it holds. */
  readonly breaches: readonly string[];
}

const shownMax = 5;

/** The lines of a finding: one, and up to five breaches below it. */
export function findingLines({ invariant, text, breaches }: Finding): string[] {
  const mark = breaches.length === 0 ? "ok    " : "BREACH";
  const hidden = breaches.length - shownMax;
  return [
    `${invariant.padEnd(4)}${mark}  ${text}`,
    ...breaches.slice(0, shownMax).map((breach) => `            ${breach}`),
    ...(hidden > 0 ? [`            and ${hidden} more`] : []),
  ];
}
