// What every part of the checks works with.
import type { Chart } from "./chart.js";
import type { Schemas } from "./conform.js";
import type { Report } from "./report.js";

export interface Bench {
  /** The repository. */
  readonly root: string;
  /** A folder for files that nobody needs afterwards. */
  readonly scratch: string;
  readonly report: Report;
  readonly chart: Chart;
  readonly schemas: Schemas;
}
