import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { readPageRequest, textOfTime } from "./page-request.js";

const at = (seconds: bigint): Timestamp => create(TimestampSchema, { seconds });

test.each([
  [0, 100],
  [1, 1],
  [1_000, 1_000],
  [1_000_000_000, 1_000],
])("a page of %i is one of %i", (pageSize, rows) => {
  expect(readPageRequest({ pageSize })).toEqual({ pageSize: rows, fromMs: undefined, toMs: undefined });
});

test("times bound a list, also when both are the same", () => {
  const time = timestampFromMs(1_500);
  expect(readPageRequest({ pageSize: 1, fromTime: time, toTime: time })).toEqual({
    pageSize: 1,
    fromMs: 1_500,
    toMs: 1_500,
  });
  expect([textOfTime(time), textOfTime(undefined)]).toEqual(["1500", ""]);
});

test.each([
  ["page_size", "INVALID_PAGE_SIZE", { pageSize: -1 }],
  ["from_time", "INVALID_TIME_RANGE", { pageSize: 0, fromTime: at(2n), toTime: at(1n) }],
  ["from_time", "INVALID_TIME_RANGE", { pageSize: 0, fromTime: at(-62_135_596_800n) }],
  ["to_time", "INVALID_TIME_RANGE", { pageSize: 0, toTime: at(253_402_300_799n) }],
])("a bad %s is %s", (field, reason, request) => {
  expect(() => readPageRequest(request)).toThrow(expect.objectContaining({ reason, facts: { field } }));
});
