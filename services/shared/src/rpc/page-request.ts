// What lists have in common: how many rows, and of which time.
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { DomainError } from "../errors/domain-error.js";

const PAGE_SIZE = 100;
const PAGE_SIZE_MAX = 1_000;
/** Years 1970 to 9998: what a calendar can hold on either side of an off-by-one. */
const TIME_MS_MAX = Date.UTC(9999, 0, 1) - 1;

/** The fields of a list's request; absent times are no bound. */
export interface PageRequest {
  readonly pageSize: number;
  readonly fromTime?: Timestamp | undefined;
  readonly toTime?: Timestamp | undefined;
}

/** How many rows, from a time on (milliseconds since 1970 UTC) and before another. */
export interface PageLimits {
  readonly pageSize: number;
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
}

/** Reads the fields of a page: 0 rows are the default, too many the maximum. Refuses INVALID_PAGE_SIZE, INVALID_TIME_RANGE. */
export function readPageRequest({ pageSize, fromTime, toTime }: PageRequest): PageLimits {
  if (pageSize < 0) throw new DomainError("INVALID_PAGE_SIZE", { field: "page_size" });
  const fromMs = timeOf(fromTime, "from_time");
  const toMs = timeOf(toTime, "to_time");
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
    throw new DomainError("INVALID_TIME_RANGE", { field: "from_time" });
  }
  return { pageSize: pageSize === 0 ? PAGE_SIZE : Math.min(pageSize, PAGE_SIZE_MAX), fromMs, toMs };
}

function timeOf(time: Timestamp | undefined, field: string): number | undefined {
  if (time === undefined) return undefined;
  const ms = timestampMs(time);
  if (!(ms >= 0 && ms <= TIME_MS_MAX)) throw new DomainError("INVALID_TIME_RANGE", { field });
  return ms;
}

/** A time among the filters of a list, for its page tokens; "" when there is none. */
export function textOfTime(time: Timestamp | undefined): string {
  return time === undefined ? "" : String(timestampMs(time));
}
