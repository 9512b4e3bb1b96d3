// One line of an audit: an invariant, whether it holds, and the figure that says how much was looked at.

/** What was found about one invariant. */
export interface Finding {
  /** Its number in the reliability catalogue, for example "I1". */
  readonly invariant: string;
  /** What was looked at, with figures. */
  readonly text: string;
  /** What breaks it; empty when it holds. */
  readonly breaches: readonly string[];
  /** What could not be looked at, with figures. */
  readonly unchecked?: string;
}

const shownMax = 5;

/** The lines of a finding: one, up to five breaches below it, and what was not checked. */
export function findingLines({ invariant, text, breaches, unchecked }: Finding): string[] {
  const mark = breaches.length === 0 ? "ok    " : "BREACH";
  const hidden = breaches.length - shownMax;
  return [
    `${invariant.padEnd(4)}${mark}  ${text}`,
    ...breaches.slice(0, shownMax).map((breach) => `            ${breach}`),
    ...(unchecked === undefined ? [] : [`            not checked: ${unchecked}`]),
    ...(hidden > 0 ? [`            and ${hidden} more`] : []),
  ];
}
